# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks up projects and clusters by name, and the clusters that run VMs."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from .._http.answers import Json
from .._http.errors import ApiError
from .._validation.printable import first_few
from .._validation.problems import nearest
from .client import PaletteClient, api_path, items_of
from .objects import any_mapping_in, any_text_in, mapping_in, name_in, text_in

_CANDIDATES = 10
_RUNNING = "Running"
NO_PROJECT = (
    "no project was given, so the tenant's scope was searched: set project (or PALETTE_PROJECT)"
)
# A key of one project's user may have no access to the tenant, in whose scope projects are listed.
NO_PROJECT_LIST = (
    "; a project's uid needs no look-up: set project_uid instead of project, or give the API key's "
    "user the permission project.list"
)


class Cluster(NamedTuple):
    """A cluster.

    scope: the ProjectUid to send, None for a cluster of the tenant. state: Palette's word for how
    it is; empty if Palette was not asked. of_project: whether Palette said that it is a project's.
    """

    uid: str
    name: str
    scope: str | None
    state: str = ""
    of_project: bool = False

    @property
    def trouble(self) -> str:
        """What Palette says of a cluster that is not running; empty if it runs."""
        if self.state in ("", _RUNNING):
            return ""
        return f"Palette says that cluster {self.name} is {self.state}, not {_RUNNING}"


def project_uid(client: PaletteClient, name: str) -> str:
    """Return the uid of the project with this name; raise ``not_found`` or ``ambiguous_name``."""
    try:
        listed = _listed(client, "projects", "metadata")
    except ApiError as error:
        if error.reason == "forbidden":
            error.message += NO_PROJECT_LIST
        raise
    projects = [_uid_and_name(item) for item in listed]
    hits = [uid for uid, known in projects if known == name]
    if len(hits) == 1:
        return hits[0]
    if hits:
        raise _ambiguous("project", name, hits)
    raise _unknown("project", name, [known for _uid, known in projects])


def cluster_named(client: PaletteClient, name: str, scope: str | None) -> Cluster:
    """Return the cluster with exactly this name; raise ``not_found`` or ``ambiguous_name``."""
    hits = [
        cluster
        for cluster in (
            _from_summary(summary, scope) for summary in client.search_clusters(_named(name), scope)
        )
        if cluster.name == name
    ]
    if len(hits) == 1:
        return hits[0]
    if hits:
        raise _ambiguous("cluster", name, [f"{hit.uid} (project {hit.scope})" for hit in hits])
    raise _unknown_cluster(client, name, scope)


def vm_clusters(client: PaletteClient, scope: str | None) -> list[Cluster]:
    """Return the clusters that run VMs, in the project or, without scope, in all projects."""
    listed = _listed(client, "spectroclusters", "vms", scope=scope)
    found = [_from_list(item, scope) for item in listed]
    return [cluster for cluster in found if not scope or cluster.scope == scope]


def is_of_tenant(client: PaletteClient, uid: str) -> bool:
    """Say whether a cluster is certainly the tenant's and no project's, by what it says itself."""
    try:
        return _own_scope(client, uid) == "tenant"
    except ApiError:
        return False


@lru_cache(maxsize=256)
def _own_scope(client: PaletteClient, uid: str) -> str:
    """Return the scope that a cluster says itself. What may succeed next time is not remembered."""
    try:
        cluster = client.call("GET", api_path("spectroclusters", uid))
    except ApiError as error:
        if error.transient:
            raise
        return ""
    return _said_scope(any_mapping_in(cluster, "metadata"))


def _listed(client: PaletteClient, *resource: str, scope: str | None = None) -> list[Json]:
    path = api_path("dashboard", *resource)
    return items_of(client.call("GET", path, scope=scope), path)


def _uid_and_name(item: Json) -> tuple[str, str]:
    meta = mapping_in(item, "metadata")
    return name_in(meta, "uid", "metadata.uid of a project or cluster"), text_in(meta, "name")


def _said_scope(meta: Mapping[str, Any]) -> str:
    return any_text_in(any_mapping_in(meta, "annotations"), "scope")


def _state(item: Json, field: str) -> str:
    status = item.get("status")
    return text_in(status, field) if isinstance(status, dict) else ""


# See docs/palette.md, "Scope".
def _from_summary(summary: Json, scope: str | None) -> Cluster:
    uid, name = _uid_and_name(summary)
    said = _said_scope(summary["metadata"])
    project = None if said == "tenant" else scope or _project_in(summary)
    return Cluster(uid, name, project, _state(summary, "state"), said == "project")


def _project_in(summary: Json) -> str | None:
    project = any_mapping_in(summary.get("specSummary"), "projectMeta")
    annotations = any_mapping_in(summary["metadata"], "annotations")
    return any_text_in(project, "uid") or any_text_in(annotations, "projectUid") or None


def _from_list(item: Json, scope: str | None) -> Cluster:
    uid, name = _uid_and_name(item)
    project = text_in(item["metadata"], "projectUid")
    return Cluster(uid, name, project or scope, _state(item, "clusterState"), bool(project))


# See docs/palette.md, "Clusters and projects".
def _named(name: str) -> Json:
    return _search([_string_filter("clusterName", name)])


def _search(*further: list[Json]) -> Json:
    """Return a search for clusters that are neither nested nor deleted. further: filters."""
    usable = [
        _string_filter("environment", "nested", negation=True),
        {"property": "isDeleted", "type": "bool", "condition": {"bool": {"value": False}}},
    ]
    groups = [{"conjunction": "and", "filters": filters} for filters in (usable, *further)]
    return {"filter": {"conjunction": "and", "filterGroups": groups}}


def _string_filter(name: str, value: str, negation: bool = False) -> Json:
    condition = {
        "operator": "eq",
        "negation": negation,
        "ignoreCase": False,
        "match": {"conjunction": "or", "values": [value]},
    }
    return {"property": name, "type": "string", "condition": {"string": condition}}


def _ambiguous(kind: str, name: str, candidates: list[str]) -> ApiError:
    return ApiError(
        "ambiguous_name",
        f"{kind} {name!r} is ambiguous: {len(candidates)} {kind}s have this name; set {kind}_uid "
        "instead, to one of: " + ", ".join(sorted(candidates)),
        candidates=sorted(candidates),
    )


def _unknown_cluster(client: PaletteClient, name: str, scope: str | None) -> ApiError:
    listed = _listed(client, "spectroclusters", "metadata", scope=scope)
    if any(meta.get("name") == name for meta in listed):
        return ApiError(
            "not_found",
            f"cluster {name!r} cannot be used: it is nested (a virtual cluster) or is being "
            "deleted; name the cluster that runs the VMs",
            candidates=[],
        )
    usable = [_uid_and_name(each) for each in client.search_clusters(_search(), scope)]
    hint = "" if scope else f"; {NO_PROJECT}"
    return _unknown("cluster", name, [known for _uid, known in usable], hint)


def _unknown(kind: str, name: str, known: list[str], hint: str = "") -> ApiError:
    near = nearest(name, known, _CANDIDATES)
    candidates = near or sorted(known)
    shown = "nearest" if near else f"visible {kind}s"
    return ApiError(
        "not_found",
        f"{kind} {name!r} not found with this API key; {shown}: "
        f"{first_few(candidates, _CANDIDATES) or 'none'}{hint}",
        candidates=candidates[:_CANDIDATES],
    )

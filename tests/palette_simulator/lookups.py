# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The look-ups: projects and clusters."""

from __future__ import annotations

import base64
import binascii

from starlette.responses import Response

from palette_simulator import contract, marshal, render
from palette_simulator.calls import Call, operation
from palette_simulator.errors import ApiError, off_contract
from palette_simulator.search import matches_metadata_filter, search
from palette_simulator.state import Cluster

# See docs/palette.md, "Clusters and projects".
_QUICK_FILTERS = ("hostclusters", "strictHostclusters", "hypershiftClusters")
_ITEMS = marshal.Shape(arrays=("items",))


def _items_of(shape: marshal.Shape) -> marshal.Shape:
    members = {"items": shape, "listmeta": marshal.Shape(kept=_LISTMETA)}
    return marshal.Shape(arrays=("items",), members=members)


_LISTMETA = ("continue", "count", "limit", "offset")


@operation("")
def list_projects(call: Call) -> Response:
    """The names and uids of the projects a key may use."""
    if call.switches.project_list == "tenant-access":
        call.demand_tenant_access()
    wanted = call.request.query_params.get("name")
    items = [
        {"metadata": {"name": project.name, "uid": project.uid}}
        for project in call.state.projects.values()
        if project.uid in call.caller.projects and wanted in (None, "", project.name)
    ]
    return call.reply({"items": items}, _ITEMS)


@operation("project.get")
def get_project(call: Call) -> Response:
    """One project."""
    uid = call.path("uid")
    if uid not in call.caller.projects:
        raise ApiError(404, "ResourceNotFound", f"Project '{uid}' not found")
    return call.reply(render.project_object(call.state.projects[uid]), marshal.PROJECT)


@operation("cluster.list")
def list_cluster_metadata(call: Call) -> Response:
    """The metadata of the scope's clusters."""
    quick_filter = call.request.query_params.get("quickFilter")
    if quick_filter and quick_filter not in _QUICK_FILTERS:
        allowed = " ".join(_QUICK_FILTERS)
        raise off_contract(f"quickFilter in query should be one of [{allowed}]", call.switches)
    return _metadata(call, _living(call))


@operation("cluster.list")
def filter_cluster_metadata(call: Call) -> Response:
    """The metadata of the scope's clusters that pass a filter."""
    spec = {}
    if call.body:
        schema = contract.CLUSTER_METADATA_FILTER
        spec = contract.read_body(call.request, call.body, schema, call.switches)
    found = [c for c in _living(call) if matches_metadata_filter(c, spec.get("filter", {}))]
    order = {"environment": "environment", "state": "state"}.get(spec.get("sort") or "", "name")
    return _metadata(call, sorted(found, key=lambda cluster: str(getattr(cluster, order))))


@operation("cluster.list")
def search_clusters(call: Call) -> Response:
    """The clusters that match a filter tree, in pages."""
    limit = contract.whole_parameter(call.request, "limit", call.switches)
    if limit > contract.HARD_MAXIMUM:
        raise off_contract("limit in query should be less than or equal to 50", call.switches)
    limit = limit or contract.HARD_MAXIMUM
    spec = {}
    if call.body:
        spec = contract.read_body(call.request, call.body, contract.SEARCH, call.switches)
    found = search(call.visible_clusters(), spec)
    offset = _offset(call)
    page = found[offset : offset + limit]
    onward = offset + limit < len(found)
    listmeta = {
        "continue": _search_token(offset + limit) if onward else "",
        "count": len(found),
        "limit": limit,
        "offset": offset,
    }
    items = [render.cluster_summary(c, call.state.projects.get(c.project_uid)) for c in page]
    shape = _items_of(marshal.CLUSTER_SUMMARY)
    return call.reply({"items": items, "listmeta": listmeta}, shape)


@operation("cluster.list")
def list_vm_clusters(call: Call) -> Response:
    """The scope's clusters that run VMs."""
    items = [render.vm_cluster(cluster) for cluster in _living(call) if cluster.vm_enabled]
    return call.reply({"items": items}, _ITEMS)


@operation("cluster.get")
def get_cluster(call: Call) -> Response:
    """One cluster."""
    return call.reply(render.cluster_object(call.cluster()), marshal.CLUSTER)


def _living(call: Call) -> list[Cluster]:
    return [cluster for cluster in call.visible_clusters() if not cluster.deleted]


def _metadata(call: Call, clusters: list[Cluster]) -> Response:
    items = [render.cluster_metadata(cluster) for cluster in clusters]
    return call.reply({"items": items}, _items_of(marshal.CLUSTER_METADATA))


def _search_token(offset: int) -> str:
    return base64.urlsafe_b64encode(f"offset {offset}".encode()).decode()


def _offset(call: Call) -> int:
    token = call.request.query_params.get("continue")
    if not token:
        return contract.whole_parameter(call.request, "offset", call.switches)
    try:
        word, _blank, offset = base64.urlsafe_b64decode(token).decode().partition(" ")
        if word == "offset":
            return int(offset)
    except (binascii.Error, ValueError):
        pass
    raise ApiError(400, "InvalidContinueToken", "continue is not a token of this list")

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Projects and clusters by name, against a real HTTP server: one, none, several, bad answers."""

from __future__ import annotations

from typing import Any, cast

import pytest

from ansible_collections.spectrocloud.palette.plugins.module_utils._http.errors import ApiError
from ansible_collections.spectrocloud.palette.plugins.module_utils._palette.client import (
    PaletteClient,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._palette.clusters import (
    Cluster,
    cluster_named,
    is_of_tenant,
    project_uid,
    vm_clusters,
)
from unit.fakes import Answer, ScriptedServer


def project(name: str | None, uid: str) -> dict[str, Any]:
    """Return an entry of the list of projects."""
    return {"metadata": {"name": name, "uid": uid}}


def summary(name: str, uid: str, scope: str = "project", project: Any = "") -> dict[str, Any]:
    """Return an entry of a search for clusters."""
    meta = {"name": name, "uid": uid, "annotations": {"scope": scope, "projectUid": project}}
    return {"metadata": meta, "specSummary": {"projectMeta": {"uid": project, "name": "x"}}}


def listed(*items: Any) -> Answer:
    """Return the answer that lists items."""
    return Answer({"items": list(items)})


def test_project_uid_finds_the_project_of_exactly_this_name(
    server: ScriptedServer, client: PaletteClient
) -> None:
    server.script(listed(project("default", "p1"), project("Default", "p2"), project(None, "p3")))
    assert project_uid(client, "Default") == "p2"
    (request,) = server.received
    assert (request.method, request.path) == ("GET", "/v1/dashboard/projects/metadata")
    assert "projectuid" not in request.headers


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ({"state": "Error", "clusterState": "Error"}, "Error"),
        ({"state": "Running", "clusterState": "Running"}, "Running"),
        ({}, ""),
        (None, ""),
        (7, ""),
    ],
)
def test_clusters_have_the_state_that_palette_tells(
    server: ScriptedServer, client: PaletteClient, status: Any, state: str
) -> None:
    server.script(listed({**summary("db", "c1", project="p1"), "status": status}))
    cluster = cluster_named(client, "db", "p1")
    assert cluster.state == state
    assert [each.state for each in vm_clusters(client, "p1")] == [state]
    trouble = "Palette says that cluster db is Error, not Running"
    assert cluster.trouble == (trouble if state == "Error" else "")


def test_project_uid_suggests_similar_names(server: ScriptedServer, client: PaletteClient) -> None:
    server.script(listed(project("Production", "p1"), project("Test", "p2"), project(None, "p3")))
    with pytest.raises(ApiError, match="'Prodution'") as caught:
        project_uid(client, "Prodution")
    assert caught.value.reason == "not_found"
    assert caught.value.facts == {"candidates": ["Production"]}
    assert "Production" in caught.value.message


def test_project_uid_lists_some_projects_where_none_is_similar(
    server: ScriptedServer, client: PaletteClient
) -> None:
    server.script(listed(*[project(f"team-{number:03}", "p") for number in range(500)]))
    with pytest.raises(ApiError) as caught:
        project_uid(client, "XYZ")
    assert caught.value.facts["candidates"] == [f"team-{number:03}" for number in range(10)]


def test_project_uid_says_that_there_is_no_project(
    server: ScriptedServer, client: PaletteClient
) -> None:
    server.script(Answer({"items": None}))
    with pytest.raises(ApiError, match="visible projects: none"):
        project_uid(client, "Default")


def test_project_uid_of_two_projects_is_ambiguous(
    server: ScriptedServer, client: PaletteClient
) -> None:
    server.script(listed(project("A", "p2"), project("A", "p1")))
    with pytest.raises(ApiError, match="project_uid instead") as caught:
        project_uid(client, "A")
    assert caught.value.reason == "ambiguous_name"
    assert caught.value.facts == {"candidates": ["p1", "p2"]}


@pytest.mark.parametrize(
    "items",
    [
        {"a": 1},
        "text",
        [1],
        [{}],
        [{"metadata": None}],
        [{"metadata": "A"}],
        [{"metadata": {"name": "A"}}],
        [{"metadata": {"name": "A", "uid": 5}}],
        [{"metadata": {"name": ["A"], "uid": "c1"}}],
    ],
)
def test_project_uid_vm_clusters_and_cluster_named_cannot_read_other_lists(
    server: ScriptedServer, client: PaletteClient, items: Any
) -> None:
    server.script(Answer({"items": items}))
    for find in (
        lambda: project_uid(client, "A"),
        lambda: vm_clusters(client, None),
        lambda: cluster_named(client, "A", None),
    ):
        with pytest.raises(ApiError) as caught:
            find()
        assert caught.value.reason == "malformed_response"


def test_cluster_named_searches_for_exactly_this_name_in_the_scope(
    server: ScriptedServer, client: PaletteClient
) -> None:
    server.script(listed(summary("db-2", "c2", project="p1"), summary("db", "c1", project="p1")))
    assert cluster_named(client, "db", "p1") == Cluster("c1", "db", "p1", of_project=True)
    (request,) = server.received
    assert (request.method, request.path.partition("?")[0]) == (
        "POST",
        "/v1/dashboard/spectroclusters/search",
    )
    assert request.headers["projectuid"] == "p1"
    groups = request.body["filter"]["filterGroups"]
    filters = {f["property"]: f["condition"] for group in groups for f in group["filters"]}
    assert filters["clusterName"]["string"]["match"]["values"] == ["db"]
    assert filters["clusterName"]["string"]["negation"] is False
    assert filters["environment"]["string"]["negation"] is True
    assert filters["isDeleted"] == {"bool": {"value": False}}


@pytest.mark.parametrize(
    ("entry", "scope", "expected"),
    [
        (summary("db", "c1", project="p1"), None, "p1"),
        (summary("db", "c1", project="p1"), "p2", "p2"),
        (summary("db", "c1", "tenant"), "p1", None),
        (summary("db", "c1", "tenant"), None, None),
        ({"metadata": {"name": "db", "uid": "c1"}}, None, None),
        ({"metadata": {"name": "db", "uid": "c1", "annotations": None}}, "p1", "p1"),
        ({"metadata": {"name": "db", "uid": "c1", "annotations": "tenant"}}, "p1", "p1"),
        ({"metadata": {"name": "db", "uid": "c1", "annotations": "tenant"}}, None, None),
        ({**summary("db", "c1", project="p1"), "specSummary": "x"}, None, "p1"),
        ({**summary("db", "c1", project="p1"), "specSummary": {"projectMeta": 7}}, None, "p1"),
        (summary("db", "c1", project=["p1"]), None, None),
    ],
)
def test_cluster_named_finds_the_scope_of_the_cluster(
    server: ScriptedServer,
    client: PaletteClient,
    entry: dict[str, Any],
    scope: str | None,
    expected: str | None,
) -> None:
    server.script(listed(entry))
    assert cluster_named(client, "db", scope).scope == expected


def test_cluster_named_of_two_clusters_is_ambiguous(
    server: ScriptedServer, client: PaletteClient
) -> None:
    server.script(listed(summary("a", "c2", project="p2"), summary("a", "c1", project="p1")))
    with pytest.raises(ApiError, match="cluster_uid instead") as caught:
        cluster_named(client, "a", None)
    assert caught.value.reason == "ambiguous_name"
    assert caught.value.facts["candidates"] == ["c1 (project p1)", "c2 (project p2)"]


def test_cluster_named_suggests_similar_names(
    server: ScriptedServer, client: PaletteClient
) -> None:
    usable = listed(summary("vm-cluster-1", "c1"), summary("other", "c2"))
    server.script(listed(), listed({"name": "vm-cluster-nested", "uid": "c3"}), usable)
    with pytest.raises(ApiError, match=r"with this API key; nearest: vm-cluster-1$") as caught:
        cluster_named(client, "vm-cluster", "p1")
    assert caught.value.reason == "not_found"
    assert caught.value.facts == {"candidates": ["vm-cluster-1"]}
    _search, names, usable_ones = server.received
    assert names.path == "/v1/dashboard/spectroclusters/metadata"
    assert names.headers["projectuid"] == usable_ones.headers["projectuid"] == "p1"
    (filters,) = [group["filters"] for group in usable_ones.body["filter"]["filterGroups"]]
    assert [each["property"] for each in filters] == ["environment", "isDeleted"]


def test_cluster_named_lists_all_clusters_where_none_is_similar(
    server: ScriptedServer, client: PaletteClient
) -> None:
    names = [f"edge-{number:03}" for number in range(12)]
    server.script(listed(), listed(), listed(*[summary(name, name) for name in names]))
    with pytest.raises(ApiError) as caught:
        cluster_named(client, "XYZ", "p1")
    shown = ", ".join(names[:10])
    assert caught.value.message.endswith(f"visible clusters: {shown} and 2 more")


def test_cluster_named_says_why_a_nested_cluster_cannot_be_used(
    server: ScriptedServer, client: PaletteClient
) -> None:
    server.script(listed(), listed({"name": "nested-cluster", "uid": "c1"}))
    with pytest.raises(ApiError, match="nested") as caught:
        cluster_named(client, "nested-cluster", "p1")
    assert caught.value.reason == "not_found"
    assert caught.value.facts == {"candidates": []}
    assert "visible" not in caught.value.message


@pytest.mark.parametrize(("scope", "hinted"), [(None, True), ("p1", False)])
def test_cluster_named_says_where_no_project_was_given(
    server: ScriptedServer, client: PaletteClient, scope: str | None, hinted: bool
) -> None:
    server.script(listed(), listed(), listed())
    with pytest.raises(ApiError) as caught:
        cluster_named(client, "vm-cluster", scope)
    assert "visible clusters: none" in caught.value.message
    hint = "no project was given, so the tenant's scope was searched: set project"
    assert (hint in caught.value.message) is hinted


def test_vm_clusters_are_those_of_the_project(
    server: ScriptedServer, client: PaletteClient
) -> None:
    server.script(
        listed(
            {"metadata": {"name": "a", "uid": "c1", "projectUid": "p1"}},
            {"metadata": {"name": "b", "uid": "c2", "projectUid": "p2"}},
            {"metadata": {"name": "c", "uid": "c3"}},
        )
    )
    assert vm_clusters(client, "p1") == [
        Cluster("c1", "a", "p1", of_project=True),
        Cluster("c3", "c", "p1"),
    ]
    assert vm_clusters(client, None) == [
        Cluster("c1", "a", "p1", of_project=True),
        Cluster("c2", "b", "p2", of_project=True),
        Cluster("c3", "c", None),
    ]


class Busy:
    """A client whose first answer is an error."""

    def __init__(self, error: ApiError) -> None:
        self.answers: list[Any] = [error, {"metadata": {"annotations": {"scope": "tenant"}}}]

    def call(self, *_asked: object) -> Any:
        """Answer."""
        answer = self.answers.pop(0)
        if isinstance(answer, ApiError):
            raise answer
        return answer


@pytest.mark.parametrize("transient", [True, False])
def test_only_answers_are_remembered_of_whose_a_cluster_is(transient: bool) -> None:
    client = cast(PaletteClient, Busy(ApiError("x", "no", transient=transient)))
    assert [is_of_tenant(client, "c1") for _time in range(3)] == [False, transient, transient]

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys, scope, permissions and the look-ups of projects and clusters."""

from __future__ import annotations

from typing import Any

import pytest

from palette_simulator.probe import CLUSTER, DEFAULT_PROJECT, Probe

SECOND_PROJECT = "0123456789abcdef00000002"
TENANT_CLUSTER = "0123456789abcdef00000031"
SEARCH = "dashboard/spectroclusters/search"


def names(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [item["metadata"]["name"] for item in answer.json()["items"] or []]


def text_filter(name: str, *values: str, **how: Any) -> dict[str, Any]:
    match = {"conjunction": how.pop("match", "or"), "values": list(values)}
    condition = {"operator": "eq", "negation": False, "ignoreCase": False, "match": match, **how}
    return {"property": name, "type": "string", "condition": {"string": condition}}


def tree(*filters: dict[str, Any], conjunction: str | None = "and") -> dict[str, Any]:
    group = {"conjunction": conjunction, "filters": list(filters)}
    return {"filter": {"conjunction": "and", "filterGroups": [group]}}


NOT_NESTED = text_filter("environment", "nested", negation=True)
NOT_DELETED = {"property": "isDeleted", "type": "bool", "condition": {"bool": {"value": False}}}


def test_projects_are_listed_without_a_scope(probe: Probe) -> None:
    probe.project = ""
    assert names(probe.call("GET", "dashboard/projects/metadata")) == ["Default", "Second", "Empty"]
    assert names(probe.call("GET", "dashboard/projects/metadata", name="Second")) == ["Second"]
    probe.key = "default-only-key"
    assert names(probe.call("GET", "dashboard/projects/metadata")) == ["Default"]


def test_projects_may_need_access_to_the_tenant(probe: Probe) -> None:
    probe.palette.switch(project_list="tenant-access")
    probe.project = ""
    assert names(probe.call("GET", "dashboard/projects/metadata")) == ["Default", "Second", "Empty"]
    probe.key = "default-only-key"
    answer = probe.call("GET", "dashboard/projects/metadata")
    assert (answer.status_code, answer.json()["code"]) == (403, "OperationForbidden")


def test_the_state_of_a_cluster_can_be_changed(probe: Probe) -> None:
    probe.palette.change_cluster("vm-cluster-1", state="Provisioning")
    listed = probe.call("GET", "dashboard/spectroclusters/vms").json()["items"]
    states = {item["metadata"]["name"]: item["status"]["clusterState"] for item in listed}
    assert (states["vm-cluster-1"], states["vm-cluster-2"]) == ("Provisioning", "Running")
    found = probe.call("POST", SEARCH, tree(text_filter("clusterName", "vm-cluster-1"))).json()
    assert [item["status"]["state"] for item in found["items"]] == ["Provisioning"]


@pytest.mark.parametrize("status", ["404", "500"])
def test_a_cluster_of_another_scope_may_answer_either(probe: Probe, status: str) -> None:
    probe.palette.switch(foreign_scope=status)
    path = f"spectroclusters/{TENANT_CLUSTER}/vms"
    assert probe.call("GET", path).status_code == int(status)
    probe.project = ""
    assert probe.call("GET", path).status_code == 200


def test_a_project_is_got_by_uid(probe: Probe) -> None:
    answer = probe.call("GET", f"projects/{DEFAULT_PROJECT}")
    assert answer.json()["metadata"]["name"] == "Default"
    probe.key = "default-only-key"
    assert probe.call("GET", f"projects/{SECOND_PROJECT}").status_code == 404


def test_the_usual_search_finds_a_cluster_by_name(probe: Probe) -> None:
    named = text_filter("clusterName", "vm-cluster-1")
    body = tree(NOT_NESTED, NOT_DELETED)
    body["filter"]["filterGroups"].append({"conjunction": "and", "filters": [named]})
    answer = probe.call("POST", SEARCH, body)
    assert names(answer) == ["vm-cluster-1"]
    assert answer.json()["items"][0]["specSummary"]["projectMeta"]["name"] == "Default"


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ([NOT_NESTED, NOT_DELETED], "no-vms twin twin vm-cluster-1 vm-cluster-2"),
        ([text_filter("clusterName", "twin")], "twin twin"),
        ([text_filter("clusterName", "TWIN")], ""),
        ([text_filter("clusterName", "TWIN", ignoreCase=True)], "twin twin"),
        (
            [text_filter("clusterName", "cluster-", operator="contains")],
            "vm-cluster-1 vm-cluster-2",
        ),
        ([text_filter("clusterName", "no-", operator="beginsWith")], "no-vms"),
        ([text_filter("clusterName", "twin", "no-vms")], "no-vms twin twin"),
        (
            [text_filter("clusterName", "vm", "2", operator="contains", match="and")],
            "vm-cluster-2",
        ),
        ([text_filter("clusterState", "Deleted")], "deleted-cluster"),
        ([text_filter("environment", "edge-native")], "vm-cluster-2"),
    ],
)
def test_the_filter_tree_is_evaluated(
    probe: Probe, filters: list[dict[str, Any]], found: str
) -> None:
    assert names(probe.call("POST", SEARCH, tree(*filters))) == found.split()


def test_filters_can_be_joined_by_or(probe: Probe) -> None:
    filters = text_filter("clusterName", "twin"), text_filter("environment", "nested")
    answer = probe.call("POST", SEARCH, tree(*filters, conjunction="or"))
    assert names(answer) == ["nested-cluster", "twin", "twin"]


def test_a_search_can_be_sorted(probe: Probe) -> None:
    body = {**tree(NOT_NESTED, NOT_DELETED), "sort": [{"field": "clusterName", "order": "desc"}]}
    assert names(probe.call("POST", SEARCH, body))[0] == "vm-cluster-2"


def test_a_search_is_paged(probe: Probe) -> None:
    first = probe.call("POST", SEARCH, tree(NOT_DELETED), limit=4).json()
    token = first["listmeta"]["continue"]
    last = probe.call("POST", SEARCH, tree(NOT_DELETED), limit=4, **{"continue": token}).json()
    assert [len(page["items"]) for page in (first, last)] == [4, 2]
    assert last["listmeta"] == {"continue": "", "count": 6, "limit": 4, "offset": 4}
    assert len(names(probe.call("POST", SEARCH, tree(NOT_DELETED), offset=5))) == 1


@pytest.mark.parametrize(
    ("body", "query"),
    [
        (tree(NOT_DELETED), {"limit": 51}),
        (tree(NOT_DELETED), {"limit": "many"}),
        (tree(NOT_DELETED), {"continue": "made-up"}),
        (tree(text_filter("clusterName", "x", operator="endsWith")), {}),
        (tree(text_filter("colour", "red")), {}),
        (tree({**NOT_DELETED, "property": "clusterName"}), {}),
        (tree({**NOT_DELETED, "type": "boolean"}), {}),
        ({"filter": {"filterGroups": {}}}, {}),
        ({"sort": [{"field": "size"}]}, {}),
    ],
)
def test_a_bad_search_is_refused(probe: Probe, body: object, query: dict[str, object]) -> None:
    assert probe.call("POST", SEARCH, body, **query).status_code == 400


def test_cluster_metadata_is_listed_and_filtered(probe: Probe) -> None:
    def found(answer: Any) -> list[str]:
        return [item["name"] for item in answer.json()["items"] or []]

    path = "dashboard/spectroclusters/metadata"
    assert len(found(probe.call("GET", path))) == 6
    assert probe.call("GET", path, quickFilter="all").status_code == 400
    name = {"filter": {"name": {"beginsWith": "VM-"}}, "sort": "name"}
    assert found(probe.call("POST", path, name)) == ["vm-cluster-1", "vm-cluster-2"]
    environment = {"filter": {"environment": "edge-native", "name": {"ne": "twin"}}}
    assert found(probe.call("POST", path, environment)) == ["vm-cluster-2"]


def test_clusters_that_run_vms_are_listed(probe: Probe) -> None:
    found = names(probe.call("GET", "dashboard/spectroclusters/vms"))
    assert sorted(found) == ["nested-cluster", "twin", "twin", "vm-cluster-1", "vm-cluster-2"]


def test_a_cluster_tells_its_scope(probe: Probe) -> None:
    answer = probe.call("GET", f"spectroclusters/{CLUSTER}").json()
    assert answer["metadata"]["annotations"]["scope"] == "project"
    probe.project = ""
    answer = probe.call("GET", f"spectroclusters/{TENANT_CLUSTER}").json()
    assert answer["metadata"]["annotations"]["scope"] == "tenant"


@pytest.mark.parametrize(
    ("key", "project", "cluster", "status", "code"),
    [
        ("demo-key", SECOND_PROJECT, CLUSTER, 404, "ResourceNotFound"),
        ("demo-key", "", CLUSTER, 404, "ResourceNotFound"),
        ("demo-key", DEFAULT_PROJECT, TENANT_CLUSTER, 404, "ResourceNotFound"),
        ("demo-key", DEFAULT_PROJECT, "0123456789abcdef00000017", 404, "ResourceNotFound"),
        ("demo-key", DEFAULT_PROJECT, "unknown", 404, "ResourceNotFound"),
        ("demo-key", "unknown", CLUSTER, 403, "OperationForbidden"),
        ("no-tenant-key", "", CLUSTER, 403, "OperationForbidden"),
        ("default-only-key", SECOND_PROJECT, CLUSTER, 403, "OperationForbidden"),
        ("vm-user-key", DEFAULT_PROJECT, CLUSTER, 403, "OperationForbidden"),
        ("wrong-key", DEFAULT_PROJECT, CLUSTER, 401, "InvalidApiKey"),
        ("", DEFAULT_PROJECT, CLUSTER, 401, "InvalidApiKey"),
    ],
)
def test_scope_and_permissions_are_kept(
    probe: Probe, key: str, project: str, cluster: str, status: int, code: str
) -> None:
    probe.key, probe.project = key, project
    answer = probe.call("GET", f"spectroclusters/{cluster}")
    assert (answer.status_code, answer.json()["code"]) == (status, code)


@pytest.mark.parametrize(
    ("key", "project", "status", "code"),
    [
        ("demo-key", "nowhere", 404, "ResourceNotFound"),
        ("demo-key", "f" * 24, 404, "ProjectNotFoundInTenant"),
        ("default-only-key", SECOND_PROJECT, 403, "ResourceAccessDenied"),
    ],
)
def test_palette_4_9_checks_the_project_of_every_request(
    probe: Probe, key: str, project: str, status: int, code: str
) -> None:
    probe.palette.switch(palette_version="4.9")
    probe.key, probe.project = key, project
    for path in ("dashboard/projects/metadata", "dashboard/spectroclusters/vms", "projects/x"):
        answer = probe.call("GET", path)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
    answer = probe.vms("GET", "snapshot")
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_palette_4_9_serves_good_projects_and_the_tenant(probe: Probe) -> None:
    probe.palette.switch(palette_version="4.9")
    assert probe.vms("GET").status_code == 200
    probe.cluster, probe.project = TENANT_CLUSTER, ""
    assert probe.vms("GET").status_code == 200
    probe.project = DEFAULT_PROJECT
    assert probe.vms("GET").status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "dashboard/spectroclusters/metadata",
        "dashboard/spectroclusters/vms",
        f"spectroclusters/{CLUSTER}/vms",
        f"spectroclusters/{CLUSTER}/vms/snapshot",
    ],
)
def test_the_tenant_scope_needs_tenant_wide_access(probe: Probe, path: str) -> None:
    probe.key, probe.project = "no-tenant-key", ""
    answer = probe.call("GET", path)
    assert (answer.status_code, answer.json()["code"]) == (403, "OperationForbidden")


def test_a_viewer_has_no_snapshot_permission_at_all(probe: Probe) -> None:
    probe.key = "viewer-key"
    assert probe.vms("GET", "db1", namespace="vms").status_code == 200
    assert probe.vms("GET", "snapshot").status_code == 403
    assert probe.create("db1", "s").status_code == 403
    assert probe.delete("history", "history-1h").status_code == 403


def test_the_log_tells_whether_a_key_was_right_but_not_the_key(probe: Probe) -> None:
    for key in ("demo-key", "wrong-key", ""):
        probe.key = key
        probe.call("GET", "dashboard/projects/metadata")
    entries = probe.palette.requests("list_projects")
    assert [entry["api_key"] for entry in entries] == ["right", "wrong", "absent"]
    assert "-key" not in str([entry["headers"] for entry in entries])


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "nothing", 404),
        ("GET", "dashboard/spectroclusters/vms/", 404),
        ("PATCH", f"spectroclusters/{CLUSTER}", 405),
        ("HEAD", f"spectroclusters/{CLUSTER}", 405),
        ("POST", f"spectroclusters/{CLUSTER}/vms/snapshot", 405),
    ],
)
def test_unknown_paths_and_methods_are_refused(
    probe: Probe, method: str, path: str, status: int
) -> None:
    assert probe.call(method, path).status_code == status

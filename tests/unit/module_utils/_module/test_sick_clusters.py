# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clusters that cannot be reached, in all modules that work on several."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest

from ansible_collections.spectrocloud.palette.plugins.module_utils._http.errors import ApiError
from ansible_collections.spectrocloud.palette.plugins.module_utils._module import (
    vm_info,
    vm_power,
    vm_restore_set,
    vm_snapshot_info,
    vm_snapshot_retention,
    vm_snapshot_set,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._module.base import Module
from unit.builders import FAILED, Json, key_of, own_labels
from unit.palette_in_memory import Call, MemoryPalette, ready_after
from unit.tasks import run

CONNECTION = {"project_uid": "p1"}
SET = {"set": "nightly", "all": True}
KEEP = {"keep_last": 1}
EVERY_MODULE = [
    pytest.param(vm_info.MODULE, {}, id="vm_info"),
    pytest.param(vm_snapshot_info.MODULE, {}, id="vm_snapshot_info"),
    pytest.param(vm_snapshot_retention.MODULE, KEEP, id="vm_snapshot_retention"),
    pytest.param(vm_snapshot_set.MODULE, SET, id="vm_snapshot_set"),
    pytest.param(
        vm_snapshot_set.MODULE, {"set": "nightly", "state": "absent"}, id="vm_snapshot_set-absent"
    ),
]
WRITERS = EVERY_MODULE[2:]


def unavailable(_call: Call) -> ApiError:
    """Return the error of a cluster that is down."""
    return ApiError("unavailable", "HTTP 503: no upstream", http_status=503)


def task(palette: MemoryPalette, module: Module, options: Json, **more: Any) -> Json:
    """Return the result of a task."""
    return run(palette, module, **{**CONNECTION, **options, **more})


@pytest.fixture
def palette() -> MemoryPalette:
    """Three clusters with a VM and two snapshots each; the second cluster is down."""
    palette = MemoryPalette()
    palette.add_cluster("c2", "cluster-2")
    palette.add_cluster("c3", "cluster-3")
    for uid in ("c1", "c2", "c3"):
        key = palette.add_vm(key_of("db1", cluster_uid=uid))
        for name, age in (("old", 7200.0), ("new", 3600.0)):
            palette.add_snapshot(name, key, own_labels("nightly"), age=age)
    palette.sick = {"c2": unavailable}
    return palette


@pytest.mark.parametrize(("module", "options"), EVERY_MODULE)
def test_on_error_abort_names_the_cluster_and_writes_nothing(
    palette: MemoryPalette, module: Module, options: Json
) -> None:
    result = task(palette, module, options)
    assert result["failed"]
    assert result["reason"] == "unavailable"
    assert result["http_status"] == 503
    assert "cluster cluster-2: HTTP 503: no upstream" in result["msg"]
    assert "on_error: continue" in result["msg"]
    assert result["clusters"]["cluster-2"]["reachable"] is False
    assert result["clusters"]["cluster-1"]["reachable"] is True
    assert result["complete"] is False
    assert palette.writes() == []


@pytest.mark.parametrize("module_and_options", [param.values for param in EVERY_MODULE])
def test_on_error_continue_goes_on_with_the_others(
    palette: MemoryPalette, module_and_options: Any
) -> None:
    module, options = module_and_options
    tolerated = {"max_failed_clusters": 1} if "max_failed_clusters" in module.arguments.spec else {}
    result = task(palette, module, options, on_error="continue", **tolerated)
    assert not result.get("failed"), result
    assert result["complete"] is False
    cluster = result["clusters"]["cluster-2"]
    assert (cluster["reachable"], cluster["reason"]) == (False, "unavailable")
    assert cluster["message"] == "HTTP 503: no upstream"
    assert sum(result["clusters"]["cluster-1"]["counts"].values()) > 0
    (warning,) = (text for text in result["warnings"] if "cluster" in text)
    assert "1 of 3 clusters could not be reached: cluster-2 (unavailable)" in warning


@pytest.mark.parametrize(("module", "options"), WRITERS)
def test_max_failed_clusters_is_how_many_may_fail(
    palette: MemoryPalette, module: Module, options: Json
) -> None:
    result = task(palette, module, options, on_error="continue")
    assert result["failed"]
    assert result["reason"] == "vms_failed"
    assert "cluster-2 (unavailable)" in result["msg"]
    assert {call.cluster_uid for call in palette.writes()} == {"c1", "c3"}


@pytest.mark.parametrize(("module", "options"), WRITERS)
def test_max_failed_clusters_must_not_be_negative(
    palette: MemoryPalette, module: Module, options: Json
) -> None:
    result = task(palette, module, options, max_failed_clusters=-1)
    assert result["reason"] == "invalid_parameters"
    assert "max_failed_clusters: must be 0 or more" in result["msg"]


@pytest.mark.parametrize("value", ["0", "-3", "many", "1.5", "", "9" * 5000])
@pytest.mark.parametrize(("module", "options"), WRITERS)
def test_max_in_progress_must_be_auto_or_a_number(
    palette: MemoryPalette, module: Module, options: Json, value: str
) -> None:
    result = task(palette, module, options, max_in_progress=value)
    assert result["reason"] == "invalid_parameters"
    assert f"max_in_progress: '{value}' is neither auto nor 1 or more" in result["msg"]
    assert palette.calls == []


@pytest.mark.parametrize(("module", "options"), EVERY_MODULE)
def test_on_error_continue_fails_where_no_cluster_answers(
    palette: MemoryPalette, module: Module, options: Json
) -> None:
    palette.sick = dict.fromkeys(("c1", "c2", "c3"), unavailable)
    result = task(palette, module, options, on_error="continue")
    assert result["failed"]
    assert result["reason"] == "unavailable"
    assert "3 of 3 clusters could not be reached" in result["msg"]
    assert "on_error: continue" not in result["msg"]


@pytest.mark.parametrize(("module", "options"), EVERY_MODULE)
def test_misspelt_clusters_are_refused_before_everything_else(
    palette: MemoryPalette, module: Module, options: Json
) -> None:
    given = {**options, "clusters": ["cluster-1", "clutser-3", "edge-1"]}
    for on_error in ("abort", "continue"):
        result = task(palette, module, given, on_error=on_error)
        assert (result["failed"], result["reason"]) == (True, "not_found")
        assert (
            "cluster 'clutser-3' not found with this API key; nearest: cluster-3" in (result["msg"])
        )
        assert "cluster 'edge-1' not found" in result["msg"]
        assert "cluster-3" in result["candidates"]
    assert palette.calls == []


@pytest.mark.parametrize(
    ("module", "options"),
    [
        pytest.param(vm_snapshot_set.MODULE, {"set": "nightly"}, id="vm_snapshot_set"),
        pytest.param(vm_power.MODULE, {"state": "stopped"}, id="vm_power"),
        pytest.param(vm_restore_set.MODULE, {"set": "nightly"}, id="vm_restore_set"),
    ],
)
def test_a_misspelt_cluster_of_a_listed_vm_is_refused_before_everything_else(
    palette: MemoryPalette, module: Module, options: Json
) -> None:
    vm = {"vm_name": "db1", "namespace": "vms"}
    vms = [{**vm, "cluster": name} for name in ("cluster-1", "clutser-3")]
    result = task(palette, module, options, vms=vms, on_error="continue")
    assert (result["failed"], result["reason"]) == (True, "not_found")
    assert "cluster 'clutser-3' not found with this API key; nearest: cluster-3" in result["msg"]
    assert palette.calls == []


@pytest.mark.parametrize(("module", "options"), EVERY_MODULE)
def test_one_cluster_alone_fails_with_its_own_error(
    palette: MemoryPalette, module: Module, options: Json
) -> None:
    result = task(palette, module, options, clusters=["cluster-2"])
    assert result["failed"]
    assert result["msg"] == "HTTP 503: no upstream"
    assert result["clusters"]["cluster-2"]["uid"] == "c2"


def test_vms_of_a_cluster_that_is_down_are_rows(palette: MemoryPalette) -> None:
    listed = [
        {"vm_name": "db1", "namespace": "vms", "cluster": name}
        for name in ("cluster-1", "cluster-2")
    ]
    options = {"set": "now", "vms": listed, "max_failed_clusters": 1}
    result = task(palette, vm_snapshot_set.MODULE, options, on_error="continue")
    assert not result.get("failed"), result
    row = result["members"]["cluster-2/vms/db1"]
    assert (row["outcome"], row["reason"]) == ("blocked", "cluster_unreachable")
    assert "HTTP 503" in row["msg"]
    assert row["cluster_uid"] == "c2"
    assert result["members"]["cluster-1/vms/db1"]["outcome"] == "created"
    assert result["clusters"]["cluster-2"]["counts"] == {"blocked": 1}
    assert result["summary"]["blocked"] == 1


@pytest.mark.parametrize(
    ("module", "options"),
    [
        (vm_snapshot_set.MODULE, {"set": "nightly", "max_failed_clusters": 1}),
        (vm_snapshot_retention.MODULE, {"set": "nightly", "max_failed_clusters": 1}),
        (vm_info.MODULE, {}),
    ],
)
def test_name_that_may_be_in_a_cluster_that_is_down_is_no_mistake(
    palette: MemoryPalette, module: Module, options: Json
) -> None:
    excluded = ["batch2", "cluster-2/vms/db1", "cluster-1/vms/db7"]
    names: Json = {"vm_names": ["vms/db1", "db2"], "exclude": excluded}
    result = task(palette, module, {**options, **names}, on_error="continue")
    assert not result.get("failed")
    assert {miss["value"]: miss["nearest"] for miss in result["unmatched"]} == {
        "db2": [],
        "batch2": [],
        # In a cluster that was reached, a name is what it seems.
        "cluster-1/vms/db7": ["cluster-1/vms/db1", "cluster-3/vms/db1"],
    }
    assert "vm_names: 'db2' matches nothing in the clusters that were reached" in result["warnings"]


@pytest.mark.parametrize(
    "options", [{"set": "nigthly"}, {"selector": "app=dbb"}, {"namespaces": ["vms", "prdo"]}]
)
def test_what_a_cluster_that_is_down_may_have_is_no_mistake(
    palette: MemoryPalette, options: Json
) -> None:
    palette.add_vm(key_of("db2"), {"app": "db"})
    more: Json = {"on_error": "continue", "max_failed_clusters": 1, **KEEP}
    result = task(palette, vm_snapshot_retention.MODULE, options, **more)
    (miss,) = result["unmatched"]
    assert miss["nearest"] == []
    assert result["warnings"][0].endswith(" matches nothing in the clusters that were reached")


def test_set_does_not_wait_with_one_cluster_for_another(palette: MemoryPalette) -> None:
    others_are_done = threading.Event()

    def answers_last(_call: Call) -> ApiError | None:
        assert others_are_done.wait(30)
        return None

    def note(_call: Call) -> None:
        if len(palette.writes("POST")) == 2:
            others_are_done.set()

    palette.sick = {"c2": answers_last}
    palette.after = note
    options = {"set": "now", "all": True}
    result = task(palette, vm_snapshot_set.MODULE, options, on_error="continue")
    assert not result.get("failed"), result
    assert result["summary"]["created"] == 3


def test_cluster_that_goes_down_while_it_is_written_to_is_told(palette: MemoryPalette) -> None:
    for number in range(20):
        palette.add_vm(key_of(f"web{number}", cluster_uid="c2"))

    def after_its_first_write(call: Call) -> ApiError | None:
        written = any(write.cluster_uid == "c2" for write in palette.writes())
        return unavailable(call) if written else None

    palette.sick = {"c2": after_its_first_write}
    options = {"set": "now", "all": True, "max_failed_clusters": 1, "members": "all"}
    result = task(palette, vm_snapshot_set.MODULE, options, on_error="continue")
    assert not result.get("failed"), result
    cluster = result["clusters"]["cluster-2"]
    assert (cluster["reachable"], cluster["reason"]) == (False, "cluster_unreachable")
    assert result["members"]["cluster-1/vms/db1"]["outcome"] == "created"
    assert result["complete"] is False


@pytest.mark.parametrize("on_error", ["abort", "continue"])
@pytest.mark.parametrize(
    ("module", "options"),
    [
        pytest.param(vm_snapshot_set.MODULE, {"set": "now", "members": "all"}, id="set"),
        pytest.param(vm_snapshot_retention.MODULE, {"keep_last": 0}, id="retention"),
    ],
)
def test_only_cluster_that_goes_down_while_it_is_written_to_has_true_rows(
    palette: MemoryPalette, module: Module, options: Json, on_error: str
) -> None:
    for number in range(20):
        key = palette.add_vm(key_of(f"web{number}", cluster_uid="c2"))
        palette.add_snapshot(f"web{number}-old", key, own_labels("nightly"))

    def after_two_writes(call: Call) -> ApiError | None:
        return unavailable(call) if len(palette.writes()) > 2 else None

    palette.sick = {"c2": after_two_writes}
    result = task(
        palette, module, options, clusters=["cluster-2"], on_error=on_error, concurrency=1
    )
    assert result["failed"]
    assert result["reason"] == "vms_failed"
    assert result["changed"] is True
    assert len(result.get("members") or result["snapshots"]) > 20
    assert result["clusters"]["cluster-2"]["reason"] == "cluster_unreachable"
    assert "nothing was changed" not in result["msg"]


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize("on_error", ["abort", "continue"])
def test_clock_of_one_cluster_that_is_wrong_is_that_clusters_trouble(
    palette: MemoryPalette, on_error: str, check_mode: bool
) -> None:
    palette.sick = {}
    palette.add_snapshot("future", key_of("db1", cluster_uid="c2"), age=-86_400.0)
    listed = [
        {"vm_name": "db1", "namespace": "vms", "cluster": f"cluster-{number}"} for number in (1, 2)
    ]
    options = {"set": "now", "vms": listed, "unless_newer_than": "20h", "members": "all"}
    result = task(
        palette, vm_snapshot_set.MODULE, options, check_mode=check_mode, on_error=on_error
    )
    assert result["failed"]
    if on_error == "abort":
        assert result["reason"] == "clock_skew"
        assert palette.writes() == []
        return
    assert result["clusters"]["cluster-2"]["reason"] == "clock_skew"
    assert result["members"]["cluster-1/vms/db1"]["outcome"] == "created"
    row = result["members"]["cluster-2/vms/db1"]
    assert (row["outcome"], row["reason"]) == ("blocked", "clock_skew")
    assert row["msg"].startswith("the clock here says")
    assert {call.cluster_uid for call in palette.writes()} == (set() if check_mode else {"c1"})


@pytest.mark.parametrize("check_mode", [False, True])
def test_clock_of_one_cluster_that_is_wrong_stops_no_retention_elsewhere(
    palette: MemoryPalette, check_mode: bool
) -> None:
    palette.sick = {}
    palette.add_snapshot("future", key_of("db1", cluster_uid="c2"), age=-86_400.0)
    options = {"delete_older_than": "1h", "set": "nightly", "max_failed_clusters": 1}
    result = task(
        palette, vm_snapshot_retention.MODULE, options, check_mode=check_mode, on_error="continue"
    )
    assert not result.get("failed"), result
    assert result["clusters"]["cluster-2"]["reason"] == "clock_skew"
    assert {row["cluster"] for row in result["snapshots"]} == {"cluster-1", "cluster-3"}
    assert result["summary"]["deleted"] == 2


@pytest.mark.parametrize(("module", "options"), EVERY_MODULE)
def test_clock_that_is_wrong_for_all_clusters_is_warned_of_once(
    palette: MemoryPalette, module: Module, options: Json
) -> None:
    palette.sick = {}
    palette.clock_skew = timedelta(hours=1)
    result = task(palette, module, options)
    assert len([text for text in result["warnings"] if "clock" in text]) == 1


# max_in_progress and group_by, through the module


def test_group_by_tells_how_far_apart_the_snapshots_are(palette: MemoryPalette) -> None:
    palette.sick = {}
    palette.add_vm(key_of("web1"), {"app": "shop"})
    palette.add_vm(key_of("web2"), {"app": "shop"})
    palette.courses = {"web2": ready_after(4)}
    options = {"set": "now", "all": True, "group_by": "app"}
    result = task(palette, vm_snapshot_set.MODULE, options)
    assert result["groups"]["shop"]["members"] == 2
    assert isinstance(result["groups"]["shop"]["skew_seconds"], int)
    assert result["summary"]["skew_seconds"] >= result["groups"]["shop"]["skew_seconds"]


def test_failed_snapshot_of_this_very_set_is_taken_again(palette: MemoryPalette) -> None:
    palette.sick = {}
    palette.add_snapshot("db1-now", key_of("db1"), own_labels("now"), course=(FAILED,))
    result = task(palette, vm_snapshot_set.MODULE, {"set": "now", "clusters": ["cluster-1"]})
    row = result["members"]["cluster-1/vms/db1"]
    assert (row["outcome"], row["status"]["ready_to_use"]) == ("replaced", True)


@pytest.mark.parametrize("labels", [{}, own_labels("another")])
def test_failed_snapshot_that_is_not_of_this_set_blocks(
    palette: MemoryPalette, labels: dict[str, str]
) -> None:
    palette.sick = {}
    palette.add_snapshot("db1-now", key_of("db1"), labels, course=(FAILED,))
    result = task(palette, vm_snapshot_set.MODULE, {"set": "now", "clusters": ["cluster-1"]})
    assert result["members"]["cluster-1/vms/db1"]["reason"] == "snapshot_failed"
    assert palette.writes() == []

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""vm_snapshot_retention against Palette in memory: what it deletes, in which order, and reports."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.spectrocloud.palette.plugins.module_utils._http.errors import ApiError
from ansible_collections.spectrocloud.palette.plugins.module_utils._module.vm_snapshot_retention import (  # noqa: E501
    MODULE,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._module.vm_snapshot_set import (
    MODULE as SET,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._palette.objects import (
    write_time,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots.model import VM_RAN
from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots.ownership import (
    EXPIRES_AT,
    SCHEDULED,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._vms.model import VmKey
from unit.builders import FAILED, NOW, READY, Json, key_of, own_labels
from unit.machines_in_memory import Machines
from unit.palette_in_memory import FORBIDDEN, NEVER_READY, Call, MemoryPalette
from unit.tasks import run

DAY = 86_400.0
OWN = own_labels("nightly")


def retain(palette: MemoryPalette, **options: Any) -> Json:
    """Return the result of a task. Check mode comes first, and must report the same."""
    given: Json = {"cluster": "cluster-1", **options}
    written = len(palette.writes())
    check = run(palette, MODULE, check_mode=True, diff_mode=True, **given)
    assert len(palette.writes()) == written
    result = run(palette, MODULE, diff_mode=True, **given)
    if not result.get("failed"):
        assert check == {**result, "check_mode": True}
    return result


def whys(result: Json) -> dict[str, tuple[str, str]]:
    """Return decision and reason of each snapshot."""
    return {row["name"]: (row["decision"], row["why"]) for row in result["snapshots"]}


def outcomes(result: Json) -> dict[str, str]:
    """Return the outcome of each snapshot."""
    return {row["name"]: row["outcome"] for row in result["snapshots"]}


def add_days(palette: MemoryPalette, key: VmKey, *days: float) -> None:
    """Let a VM have ready snapshots of the set, named by VM and age in days."""
    for age in days:
        palette.add_snapshot(f"{key.vm_name}-{age:g}", key, OWN, age=age * DAY)


@pytest.fixture
def palette() -> MemoryPalette:
    """A cluster where two VMs have four snapshots each."""
    palette = MemoryPalette()
    for vm_name in ("db1", "web1"):
        add_days(palette, palette.add_vm(key_of(vm_name)), 0, 1, 7, 30)
    return palette


@pytest.mark.parametrize("option", ["wait_timeout", "poll_interval"])
def test_wait_timeout_and_poll_interval_are_at_most_a_year(
    palette: MemoryPalette, option: str
) -> None:
    result = retain(palette, keep_last=1, **{option: 1e300})
    assert result["reason"] == "invalid_parameters"
    assert result["msg"].startswith(f"{option}: must be above 0 and at most 31536000")
    assert palette.calls == []


def test_keep_within_that_is_empty_is_no_rule(palette: MemoryPalette) -> None:
    result = retain(palette, keep_within="")
    assert result["summary"]["by_why"] == {"no_rule": 6, "newest_usable": 2}
    assert result["rules"] == {}


def test_rules_are_those_that_apply(palette: MemoryPalette) -> None:
    given = {"keep_last": 0, "keep_daily": 7, "delete_older_than": "90d"}
    assert retain(palette, **given, keep_weekly=0, keep_within="")["rules"] == given


def test_namespace_is_the_only_one_unless_namespaces_are_given(palette: MemoryPalette) -> None:
    add_days(palette, palette.add_vm(key_of("shop1", "prod")), 0, 1)

    def seen(**options: Any) -> set[str]:
        return {row["namespace"] for row in retain(palette, keep_last=9, **options)["snapshots"]}

    assert seen(namespace="prod") == {"prod"}
    assert seen(namespace="prod", namespaces=["vms"]) == {"vms"}
    assert seen() == {"prod", "vms"}


@pytest.mark.parametrize("on_error", ["abort", "continue"])
def test_vm_names_that_several_vms_have_delete_nothing(
    palette: MemoryPalette, on_error: str
) -> None:
    add_days(palette, palette.add_vm(key_of("db1", "prod")), 0)
    result = retain(palette, vm_names=["db1"], keep_last=1, on_error=on_error)
    assert result["reason"] == "ambiguous_name"
    assert result["msg"] == (
        "vm_names: 'db1' means 2 VMs: cluster-1/prod/db1, cluster-1/vms/db1; if one is meant, "
        "write it so; if all are, write '*/db1'; nothing was done"
    )
    assert result["candidates"] == ["cluster-1/prod/db1", "cluster-1/vms/db1"]
    assert palette.writes() == []
    for one in ({"vm_names": ["vms/db1"]}, {"vm_names": ["db1"], "namespace": "vms"}):
        assert retain(palette, **one, keep_last=9)["warnings"] == []
    assert retain(palette, vm_names=["*/db1"], keep_last=1)["summary"]["deleted"] == 3


def test_vm_names_that_several_vms_have_are_those_of_the_task_before(
    palette: MemoryPalette,
) -> None:
    palette.add_vm(key_of("db1", "prod"))
    given: Json = {"cluster": "cluster-1", "vm_names": ["db1"]}
    taken = run(palette, SET, set="nightly", members="all", **given)
    result = run(palette, MODULE, after=taken, keep_last=1, **given)
    assert result["summary"]["deleted"] == 4
    assert any("'db1' means 2 VMs" in each for each in result["warnings"])


def test_keep_last_deletes_the_oldest_vm_by_vm(palette: MemoryPalette) -> None:
    result = retain(palette, keep_last=2)
    assert palette.names() == ["db1-0", "db1-1", "web1-0", "web1-1"]
    assert palette.deleted_together == []
    assert result["changed"]
    assert result["summary"] == {
        "seen": 8,
        "kept": 4,
        "deleted": 4,
        "failed": 0,
        "not_tried": 0,
        "unknown": 0,
        "sets": 1,
        "to_come": 0,
        "by_why": {"no_longer_kept": 4, "kept": 2, "newest_usable": 2},
        "by_rule": {"keep_last": 2},
    }
    for vm_name in ("db1", "web1"):
        own = [call.name for call in palette.writes() if call.vm_name == vm_name]
        assert own == [f"{vm_name}-30", f"{vm_name}-7"]


def test_keep_within_deletes_nothing_the_second_time(palette: MemoryPalette) -> None:
    retain(palette, keep_within="3d")
    again = retain(palette, keep_within="3d")
    assert not again["changed"]
    assert again["diff"] == {"before": {}, "after": {}}
    assert len(palette.writes()) == 4


def test_check_mode_reports_what_it_would_delete(palette: MemoryPalette) -> None:
    check = run(palette, MODULE, check_mode=True, cluster="cluster-1", keep_within="3d")
    assert check["changed"]
    assert check["summary"]["deleted"] == 4
    assert len(palette.names()) == 8
    doomed = {name for name, outcome in outcomes(check).items() if outcome == "deleted"}
    run(palette, MODULE, cluster="cluster-1", keep_within="3d")
    assert {call.name for call in palette.writes()} == doomed


@pytest.mark.parametrize(
    ("options", "left"),
    [
        ({"vm_names": ["db*"]}, 1 + 4),
        ({"vm_names": ["vms/web1"]}, 4 + 1),
        ({"exclude": ["db1"]}, 4 + 1),
        ({"namespaces": ["prod"]}, 8),
        ({"set": "nightly"}, 1 + 1),
        ({"set": "weekly"}, 8),
        ({"snapshot_selector": "app.kubernetes.io/part-of=nightly"}, 1 + 1),
        ({"snapshot_selector": "app.kubernetes.io/part-of!=nightly"}, 8),
        ({"clusters": ["cluster-1"], "cluster": None}, 1 + 1),
        ({"cluster": None}, 1 + 1),
    ],
)
def test_vm_names_exclude_namespaces_set_selector_and_clusters_narrow(
    palette: MemoryPalette, options: Json, left: int
) -> None:
    retain(palette, **{"keep_last": 1, **options})
    assert len(palette.names()) == left


def test_keep_last_counts_snapshots_of_vms_that_no_longer_exist(palette: MemoryPalette) -> None:
    palette.vms.clear()
    retain(palette, keep_last=1)
    assert palette.names() == ["db1-0", "web1-0"]
    assert {call.kind for call in palette.calls} == {"LIST", "DELETE"}


def test_cluster_leaves_other_clusters_alone(palette: MemoryPalette) -> None:
    palette.add_cluster("c2", "cluster-2")
    add_days(palette, key_of("edge1", cluster_uid="c2"), 0, 30)
    retain(palette, cluster="cluster-2", keep_last=1)
    assert len(palette.names()) == 9
    retain(palette, cluster=None, keep_last=1)
    assert palette.names() == ["db1-0", "edge1-0", "web1-0"]


def test_snapshots_has_a_row_with_status_for_every_snapshot_seen(palette: MemoryPalette) -> None:
    db1 = key_of("db1")
    palette.add_snapshot("by-hand", db1, age=99 * DAY)
    palette.add_snapshot("failed", db1, OWN, course=(FAILED,), age=2 * DAY)
    palette.add_snapshot("running", db1, OWN, course=NEVER_READY, age=8 * DAY)
    result = retain(palette, vm_names=["db1"], keep_within="3d")
    assert whys(result) == {
        "failed": ("delete", "failed"),
        "by-hand": ("keep", "not_ours"),
        "db1-30": ("delete", "no_longer_kept"),
        "running": ("keep", "in_progress"),
        "db1-7": ("delete", "no_longer_kept"),
        "db1-1": ("keep", "kept"),
        "db1-0": ("keep", "newest_usable"),
    }
    assert next(iter(whys(result))) == "failed"
    assert [call.name for call in palette.writes()] == [
        "failed",
        "db1-30",
        "db1-7",
    ]
    row = next(row for row in result["snapshots"] if row["name"] == "db1-7")
    assert (row["vm_name"], row["namespace"], row["age_seconds"]) == ("db1", "vms", 7 * DAY)
    before = result["diff"]["before"]
    assert list(before) == [f"cluster-1/vms/{name}" for name in ("failed", "db1-30", "db1-7")]
    assert before["cluster-1/vms/failed"]["metadata"]["name"] == "failed"
    assert result["diff"]["after"] == {}


def test_expires_at_deletes_without_any_rule(palette: MemoryPalette) -> None:
    for name, expiry in (("past", "2026-11-23T11:59:59Z"), ("future", "2026-11-23T12:00:01Z")):
        annotations = {EXPIRES_AT: expiry}
        palette.add_snapshot(name, key_of("db1"), OWN, age=40 * DAY, annotations=annotations)
    result = retain(palette)
    assert whys(result)["past"] == ("delete", "expired")
    assert whys(result)["future"] == ("keep", "not_expired")
    assert len(palette.writes()) == 1


def test_keep_within_counts_from_the_point_in_time_of_the_snapshot(palette: MemoryPalette) -> None:
    palette.clock.now += 3600
    result = retain(palette, vm_names=["db1"], keep_within="24h")
    assert whys(result)["db1-1"] == ("delete", "no_longer_kept")


def test_run_leaves_the_rest_of_a_vm_after_a_deletion_that_fails_and_stops_no_other(
    palette: MemoryPalette,
) -> None:
    def refuse(call: Call) -> None:
        if call.name == "db1-7":
            raise ApiError("forbidden", "no", http_status=403)

    palette.before = refuse
    result = retain(palette, keep_last=0)
    assert (result["failed"], result["reason"], result["changed"]) == (True, "vms_failed", True)
    assert outcomes(result) == {
        "db1-30": "deleted",
        "db1-7": "failed",
        "db1-1": "not_tried",
        "db1-0": "not_tried",
        **dict.fromkeys(("web1-30", "web1-7", "web1-1", "web1-0"), "deleted"),
    }
    text = "1 of 8 snapshots could not be deleted, and 2 were not tried after that: "
    assert f"{text}cluster-1/vms/db1-7: no" in result["msg"]
    failed = next(row for row in result["snapshots"] if row["outcome"] == "failed")
    assert (failed["reason"], failed["msg"], failed["http_status"]) == ("forbidden", "no", 403)
    summary = result["summary"]
    assert (summary["deleted"], summary["failed"], summary["not_tried"]) == (5, 1, 2)


def test_wait_timeout_fails_what_does_not_go_in_time(palette: MemoryPalette) -> None:
    palette.gone_after = None
    result = retain(palette, keep_last=3, wait_timeout=30)
    assert result["failed"]
    assert {row["reason"] for row in result["snapshots"] if row["outcome"] == "failed"} == {
        "wait_timeout"
    }
    assert result["summary"]["failed"] == 2


def test_run_takes_a_snapshot_that_went_by_itself_as_deleted(palette: MemoryPalette) -> None:
    def vanish(call: Call) -> None:
        if call.method == "DELETE":
            palette.stored.pop(("c1", "vms", call.name), None)

    palette.before = vanish
    assert not retain(palette, keep_last=1).get("failed")
    assert palette.names() == ["db1-0", "web1-0"]


@pytest.mark.parametrize(
    ("options", "option"),
    [
        ({"keep_last": -1}, "keep_last"),
        ({"keep_within": "a week"}, "keep_within"),
        ({"keep_within": "-1d"}, "keep_within"),
        ({"snapshot_selector": "a=b,,"}, "snapshot_selector"),
        ({"selector": "a=b,,"}, "selector"),
        ({"concurrency": 0}, "concurrency"),
        ({"poll_interval": 0}, "poll_interval"),
    ],
)
def test_read_refuses_wrong_options_before_any_request(
    palette: MemoryPalette, options: Json, option: str
) -> None:
    result = run(palette, MODULE, cluster="cluster-1", **options)
    assert result["reason"] == "invalid_parameters"
    assert result["problems"][0].startswith(f"{option}: ")
    assert palette.calls == []


def test_keep_within_0_is_a_rule_too(palette: MemoryPalette) -> None:
    retain(palette, vm_names=["db1"], keep_within="0")
    assert palette.names() == ["db1-0", "web1-0", "web1-1", "web1-30", "web1-7"]
    retain(palette, keep_within="0", keep_last=0)
    assert palette.names() == []


def test_keep_within_keeps_what_is_just_as_old(palette: MemoryPalette) -> None:
    retain(palette, keep_within="0", keep_last=0)
    assert palette.names() == ["db1-0", "web1-0"]


# The rules


def test_keep_last_counts_each_set_by_itself(palette: MemoryPalette) -> None:
    palette.add_snapshot("upgrade", key_of("db1"), own_labels("before-upgrade"), age=60 * DAY)
    palette.add_snapshot("of-no-set", key_of("db1"), own_labels(), age=50 * DAY)
    result = retain(palette, vm_names=["db1"], keep_last=1)
    assert {
        row["name"]: row["set"] for row in result["snapshots"] if row["decision"] == "keep"
    } == {
        "db1-0": "nightly",
        "upgrade": "before-upgrade",
        "of-no-set": None,
    }


def test_snapshots_tell_cluster_and_all_rules_that_keep(palette: MemoryPalette) -> None:
    rows = retain(palette, vm_names=["db1"], keep_last=2, keep_weekly=3, keep_within="2h")
    assert {row["name"]: row["kept_by"] for row in rows["snapshots"]} == {
        "db1-0": ["keep_last", "keep_weekly", "keep_within"],
        "db1-1": ["keep_last", "keep_weekly"],
        "db1-7": [],
        "db1-30": ["keep_weekly"],
    }
    assert {row["cluster"] for row in rows["snapshots"]} == {"cluster-1"}


def test_delete_older_than_overrides_what_rules_keep_but_not_the_newest(
    palette: MemoryPalette,
) -> None:
    add_days(palette, key_of("old1"), 40, 50)
    result = retain(palette, keep_last=9, delete_older_than="20d")
    assert palette.names() == ["db1-0", "db1-1", "db1-7", "old1-40", "web1-0", "web1-1", "web1-7"]
    assert whys(result)["db1-30"] == ("delete", "too_old")
    assert whys(result)["old1-40"] == ("keep", "newest_usable")


def test_ownership_is_the_label_and_the_request_id(palette: MemoryPalette) -> None:
    palette.add_snapshot("label-only", key_of("db1"), OWN, age=90 * DAY, request_id=None)
    scheduled = {**OWN, SCHEDULED: "true"}
    palette.add_snapshot("scheduled", key_of("db1"), scheduled, age=90 * DAY)
    result = retain(palette, vm_names=["db1"], keep_last=0)
    assert whys(result)["label-only"] == ("keep", "not_ours")
    assert whys(result)["scheduled"] == ("keep", "scheduled_by_palette")
    assert {"label-only", "scheduled"} <= set(palette.names())


# After a set


def nightly(palette: MemoryPalette, check_mode: bool = False, **options: Any) -> Json:
    """Return the result of the task that takes the set before."""
    given: Json = {"cluster": "cluster-1", "all": True, "members": "all", **options}
    return run(palette, SET, check_mode=check_mode, **{"set": "nightly", **given})


def without_set(result: Json) -> Json:
    """Return a result that does not tell of which set it is."""
    return {key: value for key, value in result.items() if key != "set"}


def test_after_spares_the_vms_without_a_new_usable_snapshot(palette: MemoryPalette) -> None:
    palette.courses["web1"] = (FAILED,)
    after = nightly(palette)
    assert after["failed"]
    result = retain(palette, keep_last=1, after=after)
    assert palette.names() == [
        "db1-nightly", "web1-0", "web1-1", "web1-30", "web1-7", "web1-nightly"
    ]  # fmt: skip
    assert whys(result)["web1-30"] == ("keep", "no_new_snapshot")
    assert result["summary"]["by_why"]["no_new_snapshot"] == 5


def test_after_says_nothing_of_vms_that_the_set_does_not_have(palette: MemoryPalette) -> None:
    result = retain(palette, keep_last=1, after=nightly(palette, vm_names=["db1"]))
    assert {row["vm_name"] for row in result["snapshots"]} == {"db1"}
    assert len([name for name in palette.names() if name.startswith("web1")]) == 4


@pytest.mark.parametrize(
    ("given", "here"),
    [
        ({"cluster_uid": "c1"}, {"cluster": "cluster-1"}),
        ({"cluster": "cluster-1"}, {"cluster": None, "cluster_uid": "c1"}),
    ],
)
def test_after_finds_the_vms_by_their_cluster_s_name_and_uid(
    palette: MemoryPalette, given: Json, here: Json
) -> None:
    vms = [{"vm_name": "db1", "namespace": "vms", **given}]
    after = nightly(palette, cluster=None, all=None, vms=vms)
    result = retain(palette, keep_last=1, after=after, **here)
    assert {row["vm_name"] for row in result["snapshots"]} == {"db1"}
    assert result["summary"]["deleted"] == 4


def test_after_spares_a_vm_that_failed_in_a_cluster_given_by_its_uid(
    palette: MemoryPalette,
) -> None:
    palette.courses["db1"] = (FAILED,)
    vms = [{"vm_name": "db1", "namespace": "vms", "cluster_uid": "c1"}]
    after = nightly(palette, cluster=None, all=None, vms=vms)
    result = retain(palette, keep_last=1, after=after)
    assert result["summary"]["by_why"] == {"no_new_snapshot": 5}


@pytest.mark.parametrize("rule", ["keep_last", "keep_daily", "keep_yearly"])
def test_after_in_check_mode_predicts_what_the_run_deletes(
    palette: MemoryPalette, rule: str
) -> None:
    options: Json = {"cluster": "cluster-1", rule: 1}
    predicted = nightly(palette, check_mode=True)
    check = run(palette, MODULE, check_mode=True, after=predicted, **options)
    assert palette.writes() == []
    result = run(palette, MODULE, after=nightly(palette), **options)
    doomed = {name for name, outcome in outcomes(result).items() if outcome == "deleted"}
    assert {f"{vm}-{age}" for vm in ("db1", "web1") for age in (0, 1, 7, 30)} == doomed
    assert {name for name, outcome in outcomes(check).items() if outcome == "deleted"} == doomed
    assert palette.names() == ["db1-nightly", "web1-nightly"]
    assert (check["summary"]["to_come"], result["summary"]["to_come"]) == (2, 0)


@pytest.mark.parametrize(
    "filters",
    [
        {"vm_names": ["db1"]},
        {"exclude": ["web1"]},
        {"selector": "app=db"},
        {"set": "nightly", "vm_names": ["d*"]},
    ],
)
def test_after_in_check_mode_counts_what_the_filters_would_match(
    palette: MemoryPalette, filters: Json
) -> None:
    palette.add_vm(key_of("db1"), {"app": "db"})
    after = nightly(palette, check_mode=True)
    given: Json = {"cluster": "cluster-1", "keep_last": 1, "after": after, **filters}
    assert run(palette, MODULE, check_mode=True, **given)["summary"]["to_come"] == 1
    other: Json = {**given, "set": "weekly", "after": without_set(after)}
    assert run(palette, MODULE, check_mode=True, **other)["summary"]["to_come"] == 0


def test_clusters_that_share_a_name_are_called_by_their_uid(palette: MemoryPalette) -> None:
    palette.add_cluster("c2", "cluster-1")
    result = run(palette, MODULE, keep_last=9)
    assert {row["cluster"] for row in result["snapshots"]} == {"c1"}


@pytest.mark.parametrize(
    "after",
    [
        {},
        {"changed": True},
        {"members": {}, "summary": "x"},
        {"members": {"a": 1}, "summary": {"total": 1}},
        {"members": {"a": {"status": "ready"}}, "summary": {"total": 1}},
        {"members": {"a": {"status": {"labels": [1]}}}, "summary": {"total": 1}},
        {"members": {"a": {"status": {"namespace": ["vms"]}}}, "summary": {"total": 1}},
    ],
)
def test_after_refuses_what_is_no_result_of_a_set(palette: MemoryPalette, after: Json) -> None:
    result = retain(palette, keep_last=1, after=after)
    assert result["reason"] == "invalid_parameters"
    assert result["msg"].startswith("after: is not the registered result of a vm_snapshot_set task")
    assert palette.calls == []


def test_after_refuses_a_set_that_the_task_did_not_take(palette: MemoryPalette) -> None:
    result = retain(palette, set="nigthly", keep_last=1, after=nightly(palette))
    text = "set: 'nigthly' is not the set of the task in after, which is 'nightly'; for example: "
    assert result["problems"] == [f"{text}set: nightly"]


def test_after_that_does_not_tell_its_set_warns_of_one_that_matches_nothing(
    palette: MemoryPalette,
) -> None:
    after = without_set(nightly(palette))
    result = retain(palette, set="nigthly", keep_last=1, after=after)
    assert result["warnings"] == ["set: 'nigthly' matches nothing; nearest: nightly"]
    assert [miss["value"] for miss in result["unmatched"]] == ["nigthly"]


def test_after_does_not_warn_of_a_set_that_is_to_come(palette: MemoryPalette) -> None:
    after = nightly(palette, check_mode=True, set="weekly")
    options: Json = {"cluster": "cluster-1", "set": "weekly", "keep_last": 1, "after": after}
    result = run(palette, MODULE, check_mode=True, **options)
    assert (result["summary"]["to_come"], result["warnings"]) == (2, [])


def test_after_refuses_a_result_without_all_rows(palette: MemoryPalette) -> None:
    palette.courses["web1"] = (FAILED,)
    after = nightly(palette, members="failed")
    result = retain(palette, keep_last=1, after=after)
    assert result["reason"] == "invalid_parameters"
    assert "set members: all on the vm_snapshot_set task" in result["msg"]
    assert palette.writes("DELETE") == []


# The clock


@pytest.mark.parametrize("days", [-9, 9])
@pytest.mark.parametrize("options", [{"keep_within": "3d"}, {"delete_older_than": "3d"}])
def test_keep_within_and_delete_older_than_refuse_with_a_clock_that_is_wrong(
    palette: MemoryPalette, options: Json, days: int
) -> None:
    palette.clock_skew = timedelta(days=days)
    result = retain(palette, keep_last=1, **options)
    assert (result["reason"], result["changed"]) == ("clock_skew", False)
    for moment in (NOW, NOW + timedelta(days=days)):
        assert write_time(moment) in result["msg"]
    assert palette.writes() == []


def test_expires_at_refuses_with_a_clock_that_is_wrong(palette: MemoryPalette) -> None:
    palette.clock_skew = timedelta(days=-9)
    annotations = {EXPIRES_AT: "2026-11-23T11:59:59Z"}
    palette.add_snapshot("past", key_of("db1"), OWN, age=40 * DAY, annotations=annotations)
    assert retain(palette)["reason"] == "clock_skew"
    assert palette.writes() == []


def test_keep_last_warns_of_a_clock_that_is_wrong(palette: MemoryPalette) -> None:
    palette.clock_skew = timedelta(days=9)
    result = retain(palette, keep_last=1)
    (warning,) = result["warnings"]
    assert "2026-12-02T12:00:00Z" in warning
    assert palette.names() == ["db1-0", "web1-0"]


# What matches nothing


@pytest.mark.parametrize(
    ("options", "option"),
    [
        ({"set": "nightyl"}, "set"),
        ({"vm_names": ["db1", "dbl"]}, "vm_names"),
        ({"namespaces": ["vms", "prdo"]}, "namespaces"),
        ({"exclude": ["batchl"]}, "exclude"),
    ],
)
def test_set_vm_names_namespaces_and_exclude_that_match_nothing_warn(
    palette: MemoryPalette, options: Json, option: str
) -> None:
    palette.add_vm(key_of("api1", "prod"))
    result = retain(palette, keep_last=9, **options)
    assert not result.get("failed")
    (miss,) = result["unmatched"]
    value = options[option]
    assert miss["option"] == option
    assert miss["value"] == (value if isinstance(value, str) else value[-1])
    (warning,) = result["warnings"]
    assert warning.startswith(f"{option}: '{miss['value']}' matches nothing")


def test_project_that_was_not_given_is_told_where_nothing_is_found(palette: MemoryPalette) -> None:
    palette.stored.clear()
    assert retain(palette, keep_last=1)["warnings"][0].startswith(
        "no snapshot was found: no project was given"
    )
    assert retain(palette, keep_last=1, project="project-1")["warnings"] == []


_traits = st.tuples(
    st.sampled_from(["db1", "db2"]),
    st.integers(0, 20),
    st.sampled_from([OWN, OWN, own_labels(), {}]),
    st.sampled_from(["ready", "ready", "failed", "in progress", "being deleted"]),
)


def generated_palette(traits: list[tuple[str, int, dict[str, str], str]]) -> MemoryPalette:
    """Return a cluster with such snapshots."""
    palette = MemoryPalette()
    for number, (vm_name, days, labels, state) in enumerate(traits):
        course = {"failed": (FAILED,), "in progress": NEVER_READY}.get(state, (READY,))
        stored = palette.add_snapshot(
            f"s{number}", key_of(vm_name), labels, course=course, age=days * DAY
        )
        if state == "being deleted":
            palette.begin_deletion(stored)
    return palette


@given(
    st.lists(_traits, max_size=12),
    st.sampled_from([None, 0, 1, 3]),
    st.sampled_from([None, "0", "5d"]),
    st.integers(1, 4),
)
def test_check_mode_reports_what_a_run_deletes_and_a_second_run_deletes_nothing(
    traits: list[Any], keep_last: int | None, keep_within: str | None, concurrency: int
) -> None:
    palette = generated_palette(traits)
    before = set(palette.names())
    going = {place[2] for place, stored in palette.stored.items() if stored.deleting}
    options: Json = {"keep_last": keep_last, "keep_within": keep_within, "concurrency": concurrency}
    moment = palette.clock.now
    result = retain(palette, **options)  # compares check mode with it
    doomed = {name for name, (decision, _why) in whys(result).items() if decision == "delete"}
    assert set(whys(result)) == before
    assert {call.name for call in palette.writes()} == doomed
    assert len(palette.writes()) == len(doomed)
    assert set(palette.names()) <= before - doomed
    assert set(palette.names()) >= before - doomed - going
    assert palette.deleted_together == []
    palette.clock.now = moment
    assert not retain(palette, **options)["changed"]


# Many rows


def test_after_knows_the_vms_of_which_the_set_s_result_has_no_row(palette: MemoryPalette) -> None:
    palette.courses["web1"] = (FAILED,)
    options: Json = {"cluster": "cluster-1", "keep_last": 1}
    predicted = [
        run(palette, MODULE, check_mode=True, after=after, **options)
        for after in (
            nightly(palette, check_mode=True),
            nightly(palette, check_mode=True, max_rows=0),
        )
    ]
    assert predicted[0] == predicted[1]
    after = nightly(palette, max_rows=0)
    assert after["members"] == {}
    result = run(palette, MODULE, after=after, **options)
    # The VM without a new usable snapshot keeps what it has.
    assert result["summary"]["by_why"]["no_new_snapshot"] == 5
    assert [name for name in palette.names() if name.startswith("db1")] == ["db1-nightly"]


@pytest.mark.parametrize(
    "left_out",
    ["text", [1], [{"vm_names": "db1"}], [{"vm_names": [["db1"]]}], [{"vm_names": ["db1"]}]],
)
def test_after_refuses_names_of_vms_that_are_no_result_of_a_set(
    palette: MemoryPalette, left_out: Any
) -> None:
    after = {"members": {}, "summary": {"total": 1}, "left_out": left_out}
    result = retain(palette, keep_last=1, after=after)
    assert result["msg"].startswith("after: is not the registered result of a vm_snapshot_set task")


def test_max_rows_leaves_what_could_not_be_deleted_and_then_what_was(
    palette: MemoryPalette,
) -> None:
    def refuse(call: Call) -> None:
        if call.name == "db1-7":
            raise ApiError("forbidden", "no", http_status=403)

    palette.before = refuse
    result = run(palette, MODULE, cluster="cluster-1", keep_last=1, max_rows=3, diff_mode=True)
    assert [row["outcome"] for row in result["snapshots"]] == ["failed", "not_tried", "deleted"]
    assert (result["summary"]["seen"], result["summary"]["deleted"]) == (8, 4)
    assert len(result["diff"]["before"]) == 3
    assert "the diff shows 3 of 6 rows, see max_rows" in result["warnings"]


def test_max_rows_must_not_be_negative(palette: MemoryPalette) -> None:
    assert retain(palette, max_rows=-1)["problems"] == [
        "max_rows: must be 0 or more; for example: max_rows: 0"
    ]


# VMs that were stopped for a snapshot

DB1, LABELS = key_of("db1"), {"app": "db"}
KEPT_OFF = {"db1-failed": ("keep", "vm_left_off")}
GONE = {"db1-failed": ("delete", "failed")}
UNKNOWN = {"db1-failed": ("keep", "vm_unreadable")}
TO_START = (
    "stopped for a snapshot that failed, and not started since: cluster-1/vms/db1: start them "
    "with vm_power; their failed snapshots are kept until then"
)


@pytest.fixture
def left_off() -> Machines:
    """A VM that a killed run had stopped for a snapshot, which has failed since."""
    palette = Machines()
    palette.add(DB1, "Stopped")
    palette.vms[DB1]["metadata"]["labels"] = LABELS
    palette.clock.now += 60
    add_failed(palette, "db1-failed")
    return palette


def add_failed(palette: Machines, name: str, **given: Any) -> None:
    """Let there be one more failed snapshot whose VM ran before it."""
    marks = {"annotations": {VM_RAN: "true"}, "labels": OWN}
    palette.add_snapshot(name, DB1, course=(FAILED,), **{**marks, **given})


@pytest.mark.parametrize("options", [{}, {"set": "nightly"}, {"selector": "app=db"}])
def test_failed_snapshot_is_kept_that_tells_that_its_vm_has_to_be_started(
    left_off: Machines, options: Json
) -> None:
    result = retain(left_off, **options)
    assert (whys(result), result["warnings"]) == (KEPT_OFF, [TO_START])
    assert result["summary"]["by_why"] == {"vm_left_off": 1}
    left_off.add(DB1)
    left_off.vms[DB1]["metadata"]["labels"] = LABELS
    assert whys(retain(left_off, **options)) == GONE
    assert left_off.names() == []


def test_failed_snapshot_is_kept_while_its_vm_is_going_off(left_off: Machines) -> None:
    left_off.then(0.0, DB1, "Stopping")
    assert whys(retain(left_off)) == KEPT_OFF


def test_vm_that_was_started_since_is_off_for_another_reason(left_off: Machines) -> None:
    left_off.then(10.0, DB1, "Running")
    left_off.then(20.0, DB1, "Stopped")
    for _second in range(30):
        left_off.clock.now += 1
        left_off.state(DB1)
    result = retain(left_off)
    assert (whys(result), result["warnings"]) == (GONE, [])


def test_failed_snapshot_of_a_vm_that_is_gone_or_was_made_again_is_deleted(
    left_off: Machines,
) -> None:
    add_failed(left_off, "db1-earlier", age=50.0)
    left_off.clock.now += 60
    left_off.make_again(DB1)
    assert set(whys(retain(left_off)).values()) == {("delete", "failed")}
    add_failed(left_off, "db1-failed")
    del left_off.vms[DB1]
    assert whys(retain(left_off)) == GONE


def test_only_a_failed_snapshot_of_a_vm_that_was_stopped_needs_the_list_of_vms(
    left_off: Machines,
) -> None:
    palette = left_off
    palette.stored.clear()
    palette.add_snapshot("failed", DB1, OWN, course=(FAILED,))
    palette.add_snapshot("usable", DB1, OWN, annotations={VM_RAN: "true"})
    palette.add_snapshot("theirs", DB1, course=(FAILED,), annotations={VM_RAN: "true"})
    add_failed(palette, "of-another-set", labels=own_labels("patch"))
    assert whys(retain(palette, set="nightly"))["failed"] == ("delete", "failed")
    assert not [call for call in palette.calls if call.kind in ("VM", "VMS")]


def test_failed_snapshot_is_kept_where_vms_may_not_be_listed(left_off: Machines) -> None:
    add_days(left_off, DB1, 0, 1)

    def forbid(call: Call) -> None:
        if call.kind == "VMS":
            raise FORBIDDEN

    left_off.before = forbid
    result = retain(left_off, keep_last=1)
    assert not result.get("failed")
    assert whys(result).items() >= UNKNOWN.items()
    assert left_off.names() == ["db1-0", "db1-failed"]
    text = "stopped for a snapshot that failed, and perhaps off: cluster-1/vms/db1: the VMs cannot "
    text += "be read: HTTP 403: no; their failed snapshots are kept"
    assert result["warnings"] == [text]


def test_failed_snapshot_is_kept_of_a_vm_that_cannot_be_read(left_off: Machines) -> None:
    left_off.vms[DB1]["status"] = []
    result = retain(left_off)
    assert whys(result) == UNKNOWN
    assert "the VMs cannot be read" in result["warnings"][0]

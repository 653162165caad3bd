# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""vm_snapshot_set against Palette in memory: observed, planned, carried out, reported."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.spectrocloud.palette.plugins.module_utils._http.errors import ApiError
from ansible_collections.spectrocloud.palette.plugins.module_utils._module.vm_snapshot_set import (
    MODULE,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._palette.objects import (
    write_time,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots.ownership import (
    EXPIRES_AT,
    MANAGED_BY,
    PART_OF,
    REQUEST_ID,
)
from unit.builders import FAILED, NOW, READY, UNQUIESCED, Json, key_of, own_labels
from unit.palette_in_memory import NEVER_READY, Call, MemoryPalette, ready_after
from unit.tasks import run

OWN = own_labels("nightly")
HOUR = 3600.0


def test_set_that_is_new_and_almost_called_as_another_is_told() -> None:
    palette = MemoryPalette()
    palette.add_vm(key_of("db1"))
    for name in ("nightly", "patch-41"):
        palette.add_snapshot(f"db1-{name}", key_of("db1"), own_labels(name))

    result = nightly(palette, set="nightyl", on_error="continue")

    (warning,) = result["warnings"]
    assert warning.startswith("set: 'nightyl' is new to these VMs, which have snapshots of nightly")
    assert nightly(palette, set="nightyl")["warnings"] == []
    assert nightly(palette, set="patch-42")["warnings"] == []


def test_rows_are_in_the_order_of_clusters_namespaces_and_vms() -> None:
    palette = MemoryPalette()
    palette.add_cluster("c2", "a-cluster")
    listed = [("c1", "cluster-1", "web1"), ("c1", "cluster-1", "db1"), ("c2", "a-cluster", "db1")]
    for uid, _cluster, vm_name in listed:
        palette.add_vm(key_of(vm_name, cluster_uid=uid))
    vms = [f"{cluster}/vms/{vm_name}" for _uid, cluster, vm_name in listed]

    result = run(palette, MODULE, set="s", vms=vms, members="all", on_error="continue")

    assert list(result["members"]) == sorted(vms)


OUTCOMES = (
    "created", "replaced", "updated", "unchanged", "fresh", "deleted", "absent", "not_tried",
    "failed", "blocked", "unknown",
)  # fmt: skip


def summary(total: int, **counts: int) -> Json:
    """Return the summary with these counts, and none of any other outcome."""
    return {"total": total, **dict.fromkeys(OUTCOMES, 0), **counts}


def counts_of(result: Json) -> Json:
    """Return a result's summary without what depends on the time."""
    return {key: value for key, value in result["summary"].items() if key != "skew_seconds"}


ALL: Json = {"set": "nightly", "namespace": "vms", "cluster": "cluster-1", "all": True}


def nightly(palette: MemoryPalette, **options: Any) -> Json:
    """Return the result of a task about the set nightly, of all VMs unless the options say other.

    A check of the same task comes first, and must report the same.
    """
    place: Json = {"namespace": "vms", "cluster": "cluster-1"}
    given: Json = {"set": "nightly", "members": "all", **place, **options}
    if given.get("state") != "absent" and "vms" not in given and "vm_names" not in given:
        given["all"] = True
    written = len(palette.writes())
    check = run(palette, MODULE, check_mode=True, **given)
    assert len(palette.writes()) == written
    result = run(palette, MODULE, **given)
    if all(row["outcome"] != "failed" for row in result.get("members", {}).values()):
        assert reported(check) == reported(result)
    return result


def reported(result: Json) -> Json:
    """Return what check mode must report as the real run does: all but the snapshots' status."""
    rows = {
        label: {key: value for key, value in row.items() if key != "status"}
        for label, row in result.get("members", {}).items()
    }
    others = {key: value for key, value in result.items() if key not in ("members", "check_mode")}
    if "summary" in others:
        # How far apart snapshots are is known only when they are taken.
        others["summary"] = {**others["summary"], "skew_seconds": None}
    return {**others, "rows": rows}


def outcomes(result: Json) -> dict[str, str]:
    """Return the outcomes by VM, of one namespace of one cluster."""
    return {
        label.rpartition("/")[2]: row["outcome"] for label, row in result.get("members", {}).items()
    }


def row(result: Json, vm_name: str) -> Json:
    """Return a VM's row."""
    found: Json = result["members"][f"cluster-1/vms/{vm_name}"]
    return found


@pytest.fixture
def palette() -> MemoryPalette:
    """A cluster with three VMs."""
    palette = MemoryPalette()
    for vm_name in ("db1", "db2", "web1"):
        palette.add_vm(key_of(vm_name), {"app": vm_name[:-1]})
    return palette


def test_state_present_takes_a_set_and_finds_it_complete_ever_after(palette: MemoryPalette) -> None:
    result = nightly(palette)
    assert outcomes(result) == dict.fromkeys(("db1", "db2", "web1"), "created")
    assert result["changed"]
    assert counts_of(result) == summary(total=3, created=3)
    assert palette.names() == ["db1-nightly", "db2-nightly", "web1-nightly"]
    for member in result["members"].values():
        assert member["status"]["ready_to_use"]
        assert member["status"]["labels"] == OWN
        assert (member["changed"], member["reason"], member["msg"]) == (True, None, "")
    again = nightly(palette)
    assert outcomes(again) == dict.fromkeys(("db1", "db2", "web1"), "unchanged")
    assert not again["changed"]
    assert len(palette.writes()) == 3


def test_expire_after_labels_and_deletion_policy_are_of_each_member(palette: MemoryPalette) -> None:
    result = nightly(palette, expire_after="7d", labels={"app": "db"}, deletion_policy="Retain")
    status = row(result, "db1")["status"]
    assert status["annotations"][EXPIRES_AT] == "2026-11-30T12:00:00Z"
    assert status["labels"] == {**OWN, "app": "db"}
    assert status["deletion_policy"] == "Retain"


@pytest.mark.parametrize(
    ("options", "selected"),
    [
        ({"vms": ["db1"]}, {"db1"}),
        ({"vms": ["db1", {"vm_name": "web1"}]}, {"db1", "web1"}),
        ({"vm_names": ["db*"]}, {"db1", "db2"}),
        ({"vm_names": ["*"], "selector": "app=web"}, {"web1"}),
        ({"vm_names": ["*"], "exclude": ["db*"]}, {"web1"}),
        ({"all": True, "exclude": ["vms/web1"]}, {"db1", "db2"}),
    ],
)
def test_vms_vm_names_selector_and_exclude_select(
    palette: MemoryPalette, options: Json, selected: set[str]
) -> None:
    assert set(outcomes(nightly(palette, **options))) == selected
    assert palette.names() == sorted(f"{vm_name}-nightly" for vm_name in selected)


@pytest.mark.parametrize(
    ("options", "option"),
    [
        ({"set": "a b"}, "set"),
        ({"set": ""}, "set"),
        ({"name_template": "{vm}-{date}"}, "name_template"),
        ({"name_template": "{vm"}, "name_template"),
        ({"vms": ["db1"], "selector": "app=db"}, "vms"),
        ({"vms": ["db1"], "all": True}, "vms"),
        ({"vms": ["Bad Name"]}, "vms[0].vm_name"),
        ({"selector": "app=db,,"}, "selector"),
        ({"unless_newer_than": "a day"}, "unless_newer_than"),
        ({"unless_newer_than": "-1h"}, "unless_newer_than"),
        ({"expire_after": "1 week"}, "expire_after"),
        ({"concurrency": 0}, "concurrency"),
        ({"max_failed": -1}, "max_failed"),
        ({"wait_timeout": 0}, "wait_timeout"),
        ({"deletion_policy": "delete"}, "deletion_policy"),
        ({"failure_deadline": "1d"}, "failure_deadline"),
        ({"labels": {"app": "a b"}}, "labels.app"),
        ({"definition": {"metadata": {"name": "mine"}}}, "definition.metadata.name"),
        ({"definition": {"spec": {"source": {"name": "db1"}}}}, "definition.spec.source"),
        ({"consistency": "filesystem", "wait": False}, "consistency"),
    ],
)
def test_read_refuses_wrong_options_before_any_request(
    palette: MemoryPalette, options: Json, option: str
) -> None:
    given: Json = {"set": "nightly", "namespace": "vms", "cluster": "cluster-1", **options}
    if "vms" not in options:
        given["all"] = True
    result = run(palette, MODULE, **given)
    assert result["failed"]
    assert result["reason"] == "invalid_parameters"
    assert any(problem.startswith(f"{option}: ") for problem in result["problems"])
    assert palette.calls == []


def test_all_must_be_set_where_nothing_selects(palette: MemoryPalette) -> None:
    result = run(palette, MODULE, set="nightly", cluster="cluster-1")
    assert result["reason"] == "invalid_parameters"
    assert "all: true" in result["msg"]
    assert palette.calls == []


def test_vm_names_that_select_no_vm_are_no_success(palette: MemoryPalette) -> None:
    result = nightly(palette, vm_names=["nothing*"])
    assert (result["failed"], result["reason"]) == (True, "nothing_selected")
    assert not nightly(palette, vm_names=["nothing*"], state="absent").get("failed")


@pytest.mark.parametrize(
    "vms",
    [
        ["db1", {"vm_name": "db1", "name": "own"}],
        ["db1", {"vm_name": "db1", "cluster_uid": "c1"}],
        ["db1", {"vm_name": "db1", "namespace": "vms", "name": "own"}, "db2"],
    ],
)
def test_vms_refuses_a_vm_that_is_listed_in_two_ways(
    palette: MemoryPalette, vms: list[Any]
) -> None:
    result = nightly(palette, vms=vms)
    assert result["reason"] == "invalid_parameters"
    assert "VM vms/db1 is listed more than once" in result["msg"]
    assert palette.writes() == []


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (
            {"name_template": "same"},
            "name_template: VM vms/db1: 'same' would also be the name of another VM's snapshot; ",
        ),
        (
            {"name_template": "{set}"},
            (
                "name_template: VM vms/db1: 'nightly' would also be the name of another VM's "
                "snapshot; "
            ),
        ),
        ({"name_template": "{vm}-" + "x" * 250}, "name_template: "),
        ({"set": "Nightly"}, "set: is part of the snapshots' names, and 'Nightly' "),
        ({"set": "CHG-1234"}, "; for example: set: chg-1234"),
        ({"set": "Nightly", "name_template": "{vm}-{set}_"}, "name_template: 'db1-Nightly_' "),
        ({"name_template": "{vm}_{set}"}, "name_template: 'db1_nightly' "),
        (
            {"vms": ["db1", {"vm_name": "db2", "name": "db1-nightly"}]},
            "VM vms/db2: 'db1-nightly' would also be the name of another VM's snapshot; ",
        ),
    ],
)
def test_set_and_name_template_that_make_no_valid_names_are_refused_before_any_write(
    palette: MemoryPalette, options: Json, text: str
) -> None:
    result = nightly(palette, **options)
    assert result["reason"] == "invalid_parameters"
    assert text in result["msg"]
    assert palette.writes() == []


def test_name_template_is_checked_as_unless_newer_than_and_exclude_leave_it(
    palette: MemoryPalette,
) -> None:
    ends_in_a_time = nightly(palette, name_template="{vm}-", unless_newer_than="20h")
    assert ends_in_a_time["summary"]["created"] == 3
    own = {"vm_name": "db2", "name": "db2-own"}
    excluded = nightly(palette, set="Nightly", vms=["db1", own], exclude=["db1"])
    assert outcomes(excluded) == {"db2": "created"}


def test_consistency_filesystem_fails_an_unquiesced_member_and_no_other(
    palette: MemoryPalette,
) -> None:
    palette.add_snapshot("db1-nightly", key_of("db1"), OWN, course=(UNQUIESCED,), age=60)
    result = nightly(palette, consistency="filesystem")
    assert outcomes(result) == {"db1": "failed", "db2": "created", "web1": "created"}
    assert result["reason"] == "vms_failed"
    row = result["members"]["cluster-1/vms/db1"]
    assert (row["name"], row["reason"], row["changed"]) == ("db1-nightly", "not_quiesced", False)
    assert row["status"]["quiesced"] is False
    assert "delete it to take it again" in row["msg"]
    again = nightly(palette, consistency="filesystem", max_failed=1)
    assert outcomes(again)["db1"] == "failed"
    assert (again["changed"], again["summary"]["failed"]) == (False, 1)


def test_consistency_filesystem_is_reported_when_another_member_is_blocked(
    palette: MemoryPalette,
) -> None:
    palette.add_snapshot("db1-nightly", key_of("db1"), OWN, course=(UNQUIESCED,))
    palette.add_snapshot("db2-nightly", key_of("db2"), course=(FAILED,))
    result = nightly(palette, consistency="filesystem")
    assert outcomes(result) == {"db1": "failed", "db2": "blocked", "web1": "not_tried"}
    assert result["msg"].startswith("1 of 3 members are blocked, and nothing was written: ")


@pytest.mark.parametrize("name", ["exclude", "vm_names", "namespaces", "clusters"])
def test_list_options_that_lost_an_item_are_refused(palette: MemoryPalette, name: str) -> None:
    place = {"cluster": None} if name == "clusters" else {}
    result = nightly(palette, **{**place, name: ["db1", " "]})
    assert result["reason"] == "invalid_parameters"
    assert f"{name}: ['db1', ''] contains an empty item" in result["msg"]
    assert palette.writes() == []


@pytest.mark.parametrize("name", ["exclude", "vm_names"])
def test_patterns_that_cannot_match_are_refused(palette: MemoryPalette, name: str) -> None:
    by_uid: Json = {"cluster": None, "cluster_uid": "c1"}
    result = nightly(palette, **by_uid, **{name: ["cluster-1/vms/db*"]})
    assert result["reason"] == "invalid_parameters"
    assert f"{name}: 'cluster-1/vms/db*' cannot match" in result["msg"]
    good = nightly(palette, **by_uid, **{name: ["c?/vms/db*", "vms/db*", "db*"]})
    assert good["summary"]["created"] == (1 if name == "exclude" else 2)


@pytest.mark.parametrize(
    ("nobody", "text"),
    [
        ({"vms": []}, "the list is empty"),
        ({"vms": ["db1"], "exclude": ["db*"]}, "nothing is left after exclude"),
    ],
)
@pytest.mark.parametrize("on_error", ["abort", "continue"])
def test_vms_that_are_none_are_no_success(
    palette: MemoryPalette, nobody: Json, text: str, on_error: str
) -> None:
    result = nightly(palette, **nobody, on_error=on_error)
    assert (result["failed"], result["reason"]) == (True, "nothing_selected")
    assert result["msg"] == f"vms: {text}; no snapshot was taken"
    assert result["changed"] is False
    assert not nightly(palette, **nobody, state="absent").get("failed")


def test_selector_that_selects_no_vm_is_told_with_the_nearest(palette: MemoryPalette) -> None:
    palette.add_vm(key_of("labelled"), {"app": "db"})
    result = nightly(palette, selector="app=dbb")
    assert result["reason"] == "nothing_selected"
    assert result["unmatched"] == [
        {"option": "selector", "value": "app=dbb", "nearest": ["app=db"]}
    ]
    assert "selector: 'app=dbb' matches nothing; nearest: app=db" in result["msg"]


def test_former_vm_blocks_a_member_and_replace_takes_it_again(palette: MemoryPalette) -> None:
    palette.add_snapshot("db1-nightly", key_of("db1"), OWN, age=60)
    palette.make_again(key_of("db1"))
    blocked = nightly(palette, vms=["db1"])
    assert outcomes(blocked) == {"db1": "blocked"}
    assert row(blocked, "db1")["reason"] == "former_vm"
    assert "of an earlier VM with the same name" in row(blocked, "db1")["msg"]
    assert palette.writes() == []
    assert outcomes(nightly(palette, vms=["db1"], unless_newer_than="20h")) == {"db1": "created"}
    assert outcomes(nightly(palette, vms=["db1"], replace=True)) == {"db1": "replaced"}


@pytest.mark.parametrize("unless_newer_than", [None, "20h"])
def test_vms_of_a_vm_that_is_gone_are_blocked_though_it_has_a_snapshot(
    palette: MemoryPalette, unless_newer_than: str | None
) -> None:
    # Young enough, ready, of the set: but nothing protects a VM that is gone.
    palette.add_snapshot("gone-nightly", key_of("gone"), OWN, age=HOUR)
    result = nightly(palette, vms=["gone"], unless_newer_than=unless_newer_than)
    assert outcomes(result) == {"gone": "blocked"}
    assert row(result, "gone")["reason"] == "not_found"
    assert row(result, "gone")["msg"].startswith(
        "there is no VM gone in namespace vms of cluster cluster-1"
    )
    assert palette.writes() == []


def test_vms_of_a_vm_that_is_gone_whose_name_is_taken_say_so(palette: MemoryPalette) -> None:
    palette.add_snapshot("gone-nightly", key_of("db1"), OWN)
    result = nightly(palette, vms=["gone"])
    assert row(result, "gone")["reason"] == "conflict"
    assert "gone-nightly is already used" in row(result, "gone")["msg"]


def test_exclude_that_matches_none_of_the_listed_vms_is_reported(palette: MemoryPalette) -> None:
    result = nightly(palette, vms=["db1", "db2"], exclude=["dbl", "db2"])
    assert outcomes(result) == {"db1": "created"}
    assert result["unmatched"] == [{"option": "exclude", "value": "dbl", "nearest": ["db2", "db1"]}]


def test_set_may_be_any_label_where_no_snapshots_name_has_it(
    palette: MemoryPalette,
) -> None:
    own = [{"vm_name": "db1", "name": "db1-own"}]
    assert nightly(palette, set="Nightly", vms=own)["summary"]["created"] == 1
    assert nightly(palette, set="Weekly", name_template="{vm}-w")["summary"]["created"] == 3
    assert nightly(palette, set="Weekly", state="absent")["summary"]["deleted"] == 3


def test_vms_and_exclude_lose_the_blanks_around_a_comma(palette: MemoryPalette) -> None:
    result = nightly(palette, vms=["db1", " db2"])
    assert list(result["members"]) == ["cluster-1/vms/db1", "cluster-1/vms/db2"]
    result = nightly(palette, state="absent", exclude=["db1", " db2"])
    assert palette.names() == ["db1-nightly", "db2-nightly"]


def test_vms_and_exclude_may_be_text_on_lines(palette: MemoryPalette) -> None:
    result = nightly(palette, vms="db1\r\ndb2\r\n")
    assert list(result["members"]) == ["cluster-1/vms/db1", "cluster-1/vms/db2"]
    nightly(palette, state="absent", exclude="web*\ndb1\n")
    assert palette.names() == ["db1-nightly"]


def test_vms_may_give_a_member_a_name_of_its_own(palette: MemoryPalette) -> None:
    result = nightly(palette, vms=["db1", {"vm_name": "db2", "name": "the-big-one"}])
    assert [r["name"] for r in result["members"].values()] == ["db1-nightly", "the-big-one"]
    assert palette.names() == ["db1-nightly", "the-big-one"]


def test_unless_newer_than_keeps_a_fresh_member_and_gives_a_stale_one_a_successor(
    palette: MemoryPalette,
) -> None:
    first = nightly(palette, unless_newer_than="20h")
    assert row(first, "db1")["name"] == "db1-nightly-20261123-120000"
    palette.clock.now += 19 * HOUR
    second = nightly(palette, unless_newer_than="20h")
    assert set(outcomes(second).values()) == {"fresh"}
    assert not second["changed"]
    assert row(second, "db1")["name"] == row(first, "db1")["name"]
    palette.clock.now += 2 * HOUR
    third = nightly(palette, unless_newer_than="20h")
    assert set(outcomes(third).values()) == {"created"}
    assert len(palette.names()) == 6
    assert set(outcomes(nightly(palette, unless_newer_than="20h")).values()) == {"fresh"}


def test_unless_newer_than_looks_again_before_a_write_that_comes_late(
    palette: MemoryPalette,
) -> None:
    def let_another_run_be_faster(call: Call) -> None:
        if call.method == "POST" and call.vm_name == "db1":
            palette.clock.now += 5
            palette.add_snapshot("web1-theirs", key_of("web1"), own_labels("nightly"))

    palette.before = let_another_run_be_faster
    result = run(palette, MODULE, **ALL, unless_newer_than="20h", concurrency=1)
    assert outcomes(result) == {"db1": "created", "db2": "created", "web1": "fresh"}
    assert row(result, "web1")["name"] == "web1-theirs"
    assert not row(result, "web1")["changed"]


class Looks:
    """Lets time pass when db1's snapshot is taken, and lists of db2's snapshots fail after that.

    struck: how many failed. times: how many shall.
    """

    def __init__(self, palette: MemoryPalette, error: ApiError, times: float = 1) -> None:
        self.struck = 0
        self._palette = palette
        self._error = error
        self._times = times
        palette.before = self.hinder

    def hinder(self, call: Call) -> None:
        """Strike a call, perhaps."""
        if call.method == "POST" and call.vm_name == "db1":
            self._palette.clock.now += 5
        of_db2 = call.kind == "LIST" and call.query.get("vmName") == "db2"
        if of_db2 and self._palette.writes() and self.struck < self._times:
            self.struck += 1
            raise self._error


def test_a_member_that_cannot_be_looked_at_again_is_taken_when_that_can_be_done(
    palette: MemoryPalette,
) -> None:
    looks = Looks(palette, ApiError("timeout", "no answer came"))
    result = run(palette, MODULE, **ALL, unless_newer_than="20h", concurrency=1)
    assert looks.struck == 1
    assert outcomes(result) == {"db1": "created", "db2": "created", "web1": "created"}


def test_a_member_that_could_not_be_looked_at_again_takes_what_another_run_took_meanwhile(
    palette: MemoryPalette,
) -> None:
    looks = Looks(palette, ApiError("timeout", "no answer came"))

    def hinder(call: Call) -> None:
        if call.method == "POST" and call.vm_name == "web1":
            palette.add_snapshot("db2-theirs", key_of("db2"), own_labels("nightly"))
        looks.hinder(call)

    palette.before = hinder
    result = run(palette, MODULE, **ALL, unless_newer_than="20h", concurrency=1)
    assert looks.struck == 1
    assert outcomes(result) == {"db1": "created", "db2": "fresh", "web1": "created"}
    assert len(palette.writes()) == 2


def test_a_member_that_can_never_be_looked_at_again_fails_when_its_time_is_over(
    palette: MemoryPalette,
) -> None:
    def fail_all_lists(call: Call) -> None:
        if call.method == "POST":
            palette.clock.now += 5
        if call.kind == "LIST" and palette.writes():
            raise ApiError("server_error", "HTTP 500: busy")

    palette.before = fail_all_lists
    vms: Json = {**ALL, "all": None, "vms": ["db1", "db2"]}
    said: list[str] = []
    result = run(
        palette, MODULE, **vms, unless_newer_than="20h", concurrency=1, on_error="continue",
        wait_timeout=60, say=said.append,
    )  # fmt: skip
    assert row(result, "db2")["reason"] == "server_error"
    assert row(result, "db2")["msg"].startswith("HTTP 500: busy; none was taken")
    assert not row(result, "db2")["changed"]
    assert [call.vm_name for call in palette.writes()] == ["db1"]
    assert "vms/db2 waiting for a list of the VM's snapshots" in said[1]


def test_a_member_that_may_not_be_looked_at_again_fails_at_once(palette: MemoryPalette) -> None:
    looks = Looks(palette, ApiError("forbidden", "HTTP 403: no"), times=9)
    result = run(palette, MODULE, **ALL, unless_newer_than="20h", concurrency=1, members="all")
    assert looks.struck == 1
    assert outcomes(result) == {"db1": "created", "db2": "failed", "web1": "created"}
    assert row(result, "db2")["reason"] == "forbidden"


def test_vm_names_that_several_vms_have_are_warned_of(palette: MemoryPalette) -> None:
    palette.add_vm(key_of("db1", "prod"))
    given: Json = {"set": "nightly", "cluster": "cluster-1", "vm_names": ["db1", "web1"]}
    text = (
        "vm_names: 'db1' means 2 VMs: cluster-1/prod/db1, cluster-1/vms/db1; if one is meant, "
        "write it so; if all are, write '*/db1'"
    )
    assert text in run(palette, MODULE, check_mode=True, **given)["warnings"]
    for names in (["*/db1"], ["vms/db1"], ["db*"]):
        result = run(palette, MODULE, check_mode=True, **{**given, "vm_names": names})
        assert result["warnings"] == []


def test_unless_newer_than_takes_another_where_one_is_not_as_asked(
    palette: MemoryPalette,
) -> None:
    lacking = {**READY, "snapshotVolumes": {"excludedVolumes": ["rootdisk"]}}
    labels = own_labels("nightly")
    palette.add_snapshot("db1-agent", key_of("db1"), labels, course=(UNQUIESCED,), age=3600)
    palette.add_snapshot("db2-disk", key_of("db2"), labels, course=(lacking,), age=3600)
    given: Json = {**ALL, "unless_newer_than": "20h", "check_mode": True, "members": "all"}
    assert outcomes(run(palette, MODULE, **given))["db1"] == "fresh"
    result = run(palette, MODULE, **given, consistency="filesystem")
    assert outcomes(result)["db1"] == "created"
    assert outcomes(run(palette, MODULE, **given))["db2"] == "fresh"
    result = run(palette, MODULE, **given, excluded_volumes="refuse")
    assert outcomes(result)["db2"] == "created"


@pytest.mark.parametrize("unless_newer_than", [None, "20h"])
def test_excluded_volumes_warn_tells_of_a_disk_that_was_added_later(
    palette: MemoryPalette, unless_newer_than: str | None
) -> None:
    course = ({**READY, "snapshotVolumes": {"includedVolumes": ["system"]}},)
    palette.add_snapshot("db1-nightly", key_of("db1"), own_labels("nightly"), course=course)
    given: Json = {**ALL, "vm_names": ["db1"], "all": None, "members": "all"}
    result = run(palette, MODULE, **given, unless_newer_than=unless_newer_than)
    assert outcomes(result)["db1"] in ("unchanged", "fresh")
    text = "cluster-1/vms/db1: snapshot db1-nightly is without disk rootdisk of VM db1"
    assert any(warning.startswith(text) for warning in result["warnings"])
    refused = run(palette, MODULE, **given, excluded_volumes="refuse")
    assert row(refused, "db1")["reason"] == "volumes_missing"


def test_vm_names_that_several_vms_have_delete_nothing(palette: MemoryPalette) -> None:
    for key in (key_of("db1"), palette.add_vm(key_of("db1", "prod"))):
        palette.add_snapshot("db1-nightly", key, own_labels("nightly"))
    given: Json = {"set": "nightly", "cluster": "cluster-1", "state": "absent"}
    result = run(palette, MODULE, **given, vm_names=["db1"], on_error="continue")
    assert result["reason"] == "ambiguous_name"
    assert palette.writes() == []
    result = run(palette, MODULE, **given, vm_names=["*/db1"])
    assert result["summary"]["deleted"] == 2


def test_unless_newer_than_gives_runs_that_begin_together_the_same_names(
    palette: MemoryPalette,
) -> None:
    def be_the_other_run(call: Call) -> None:
        if call.method == "POST" and not palette.stored:
            for vm_name in ("db1", "db2", "web1"):
                name = f"{vm_name}-nightly-20261123-120000"
                palette.add_snapshot(name, key_of(vm_name), own_labels("nightly"))

    palette.clock.now += 13
    palette.before = be_the_other_run
    result = run(palette, MODULE, **ALL, unless_newer_than="20h")
    assert set(outcomes(result).values()) == {"fresh"}
    assert not result["changed"]
    assert len(palette.names()) == 3


def test_unless_newer_than_does_not_take_another_sets_or_somebody_elses_snapshot_as_fresh(
    palette: MemoryPalette,
) -> None:
    palette.add_snapshot("weekly", key_of("db1"), own_labels("weekly"))
    palette.add_snapshot("by-hand", key_of("db2"), {PART_OF: "nightly"})
    palette.add_snapshot("nightly", key_of("web1"), OWN)
    assert outcomes(nightly(palette, unless_newer_than="1h")) == {
        "db1": "created",
        "db2": "created",
        "web1": "fresh",
    }


def test_unless_newer_than_does_not_take_a_failed_one_as_fresh_and_waits_for_one_in_progress(
    palette: MemoryPalette,
) -> None:
    palette.add_snapshot("failed", key_of("db1"), OWN, course=(FAILED,))
    palette.add_snapshot("on-its-way", key_of("db2"), OWN, course=ready_after(30))
    result = nightly(palette, unless_newer_than="1h")
    assert outcomes(result) == {"db1": "created", "db2": "fresh", "web1": "created"}
    assert row(result, "db2")["status"]["ready_to_use"]


def test_unless_newer_than_gives_a_stale_member_with_a_name_of_its_own_a_successor(
    palette: MemoryPalette,
) -> None:
    vms = [{"vm_name": "db1", "name": "own"}]
    nightly(palette, vms=vms, unless_newer_than="20h")
    palette.clock.now += 21 * HOUR
    result = nightly(palette, vms=vms, unless_newer_than="20h")
    assert outcomes(result) == {"db1": "created"}
    assert row(result, "db1")["name"].startswith("own-")


def test_on_error_abort_writes_nothing_when_a_member_is_blocked(palette: MemoryPalette) -> None:
    palette.add_vm(key_of("db2"), volumeSnapshotStatuses=[{"name": "a", "reason": "no class"}])
    palette.add_snapshot("web1-nightly", key_of("db1"), {})
    result = nightly(palette)
    assert (result["failed"], result["reason"]) == (True, "preflight_failed")
    assert not result["changed"]
    assert outcomes(result) == {"db1": "not_tried", "db2": "blocked", "web1": "blocked"}
    assert row(result, "db2")["reason"] == "not_snapshottable"
    assert row(result, "web1")["reason"] == "conflict"
    assert "2 of 3 members are blocked, and nothing was written" in result["msg"]
    assert palette.writes() == []


@pytest.mark.parametrize(("max_failed", "fails"), [(0, True), (1, False), (5, False)])
def test_on_error_continue_leaves_out_blocked_members_up_to_max_failed(
    palette: MemoryPalette, max_failed: int, fails: bool
) -> None:
    palette.add_vm(key_of("db2"), volumeSnapshotStatuses=[{"name": "a", "reason": "no class"}])
    result = nightly(palette, on_error="continue", max_failed=max_failed)
    assert result.get("failed", False) is fails
    assert outcomes(result) == {"db1": "created", "db2": "blocked", "web1": "created"}
    assert row(result, "db2")["reason"] == "not_snapshottable"
    assert counts_of(result) == summary(total=3, created=2, blocked=1)
    assert fails or any("1 of 3 members failed or are" in text for text in result["warnings"])


def test_vms_that_do_not_exist_are_blocked(palette: MemoryPalette) -> None:
    result = nightly(palette, vms=["db1", "nowhere"])
    assert outcomes(result) == {"db1": "not_tried", "nowhere": "blocked"}
    assert row(result, "nowhere")["reason"] == "not_found"
    assert row(result, "nowhere")["status"] is None


def test_namespace_of_a_listed_vm_that_is_misspelt_gets_the_nearest(palette: MemoryPalette) -> None:
    result = nightly(palette, vms=["db1", {"vm_name": "db1", "namespace": "vsm"}])
    (missing,) = (r for r in result["members"].values() if r["outcome"] == "blocked")
    assert missing["msg"] == (
        "there is no VM in namespace vsm of cluster cluster-1: check the namespace; nearest: vms"
    )


def test_members_all_has_all_rows_when_one_fails(palette: MemoryPalette) -> None:
    def refuse(call: Call) -> None:
        if call.method == "POST" and call.vm_name == "db2":
            raise ApiError("forbidden", "no", http_status=403, code="OperationForbidden")

    palette.before = refuse
    result = nightly(palette)
    assert (result["failed"], result["reason"], result["changed"]) == (True, "vms_failed", True)
    assert outcomes(result) == {"db1": "created", "db2": "failed", "web1": "created"}
    failed = row(result, "db2")
    assert (failed["reason"], failed["msg"], failed["changed"]) == ("forbidden", "no", False)
    assert (failed["http_status"], failed["code"]) == (403, "OperationForbidden")
    assert "cluster-1/vms/db2: forbidden: no" in result["msg"]


def test_vms_failed_leaves_the_other_rows_out_of_a_failing_result_only(
    palette: MemoryPalette,
) -> None:
    palette.courses["db2"] = NEVER_READY
    options: Json = {"members": "failed", "wait_timeout": 10}
    failing = nightly(palette, **options)
    assert outcomes(failing) == {"db2": "failed"}
    assert counts_of(failing) == summary(total=3, created=2, failed=1)
    assert set(outcomes(nightly(palette, **options, max_failed=1))) == {"db1", "db2", "web1"}
    palette.add_vm(key_of("web1"), volumeSnapshotStatuses=[{"name": "rootdisk", "enabled": False}])
    aborted = nightly(palette, set="weekly", members="failed")
    assert (aborted["reason"], outcomes(aborted)) == ("preflight_failed", {"web1": "blocked"})


def test_max_failed_members_may_fail(palette: MemoryPalette) -> None:
    palette.course = NEVER_READY
    assert nightly(palette, max_failed=2, wait_timeout=10)["failed"]
    result = nightly(palette, max_failed=3, wait_timeout=10)
    assert not result.get("failed")
    assert result["summary"]["failed"] == 3
    assert {member["reason"] for member in result["members"].values()} == {"wait_timeout"}


def test_summary_counts_blocked_and_failed_members_apart(palette: MemoryPalette) -> None:
    palette.add_vm(key_of("db1"), volumeSnapshotStatuses=[{"name": "a", "reason": "no class"}])
    palette.course = NEVER_READY
    result = nightly(palette, vm_names=["db*"], on_error="continue", wait_timeout=10)
    assert outcomes(result) == {"db1": "blocked", "db2": "failed"}
    assert counts_of(result) == summary(total=2, blocked=1, failed=1)
    assert "2 of 2 members failed or are blocked" in result["msg"]


def test_replace_unblocks_failed_and_different_members(
    palette: MemoryPalette,
) -> None:
    palette.add_snapshot("db1-nightly", key_of("db1"), course=(FAILED,))
    palette.add_snapshot("db2-nightly", key_of("db2"), OWN)
    options = {"deletion_policy": "Retain"}
    blocked = nightly(palette, **options)
    assert row(blocked, "db1")["reason"] == "snapshot_failed"
    assert row(blocked, "db2")["reason"] == "spec_differs"
    assert palette.writes() == []
    replaced = nightly(palette, **options, replace=True)
    assert outcomes(replaced) == {"db1": "replaced", "db2": "replaced", "web1": "created"}
    assert not nightly(palette, **options, replace=True)["changed"]


def test_labels_of_members_are_updated(palette: MemoryPalette) -> None:
    palette.add_snapshot("db1-nightly", key_of("db1"), {"theirs": "1"})
    result = nightly(palette, vms=["db1"], labels={"mine": "2"})
    assert outcomes(result) == {"db1": "updated"}
    # It was not this collection that took it, so retention must not care for it either.
    assert row(result, "db1")["status"]["labels"] == {"theirs": "1", "mine": "2"}


def test_wait_false_asks_for_all_and_no_more(palette: MemoryPalette) -> None:
    result = nightly(palette, wait=False)
    assert outcomes(result) == dict.fromkeys(("db1", "db2", "web1"), "created")
    assert not row(result, "db1")["status"]["ready_to_use"]
    assert palette.clock.slept == []


def test_warn_names_the_vm(palette: MemoryPalette) -> None:
    palette.add_vm(key_of("db1"), snapshotInProgress="by-hand")
    result = nightly(palette, vms=["db1"])
    assert len(result["warnings"]) == 1
    assert result["warnings"][0].startswith("cluster-1/vms/db1: VM db1 has snapshot by-hand in ")
    assert outcomes(result) == {"db1": "created"}


def test_diff_shows_each_member_before_and_after(palette: MemoryPalette) -> None:
    palette.add_snapshot("db1-nightly", key_of("db1"), OWN, course=(FAILED,))
    palette.add_snapshot("db2-nightly", key_of("db2"), OWN)
    options: Json = {"set": "nightly", "cluster": "cluster-1", "all": True, "replace": True}
    check = run(palette, MODULE, check_mode=True, diff_mode=True, **options)
    result = run(palette, MODULE, diff_mode=True, **options)
    assert check["diff"] == result["diff"]
    before, after = result["diff"]["before"], result["diff"]["after"]
    assert set(before) == set(after) == {"cluster-1/vms/db1", "cluster-1/vms/web1"}
    assert before["cluster-1/vms/web1"] == [{}]
    assert after["cluster-1/vms/web1"][0]["metadata"]["name"] == "web1-nightly"


def test_state_absent_deletes_the_sets_own_and_nothing_else(palette: MemoryPalette) -> None:
    palette.add_snapshot("db1-nightly", key_of("db1"), OWN)
    palette.add_snapshot("db1-nightly-2", key_of("db1"), OWN)
    palette.add_snapshot("of-a-vm-that-is-gone", key_of("gone"), OWN)
    palette.add_snapshot("db2-nightly", key_of("db2"), {MANAGED_BY: "ansible"})
    palette.add_snapshot("web1-nightly", key_of("web1"), {PART_OF: "nightly"})
    palette.add_snapshot("weekly", key_of("web1"), own_labels("weekly"))
    result = nightly(palette, state="absent")
    assert outcomes(result) == {
        "db1": "deleted",
        "db2": "absent",
        "gone": "deleted",
        "web1": "absent",
    }
    assert palette.names() == ["db2-nightly", "web1-nightly", "weekly"]
    assert palette.deleted_together == []
    db1 = result["members"]["cluster-1/vms/db1"]
    assert (db1["name"], db1["status"]["name"]) == ("db1-nightly", "db1-nightly")
    assert db1["msg"] == "2 snapshots: db1-nightly, db1-nightly-2"
    assert not any(member["msg"] for member in result["members"].values() if member is not db1)
    again = nightly(palette, state="absent")
    assert not again["changed"]
    assert set(outcomes(again).values()) == {"absent"}


@pytest.mark.parametrize(
    ("options", "left"),
    [
        ({"vms": ["gone"]}, ["db1-nightly", "db2-nightly"]),
        ({"vm_names": ["db*"]}, ["gone-nightly"]),
        ({"exclude": ["db1"]}, ["db1-nightly"]),
        ({"selector": "app=db"}, ["gone-nightly"]),
        ({"vms": ["db1", "never-was"]}, ["db2-nightly", "gone-nightly"]),
        ({"vms": ["db1", {"vm_name": "db2", "cluster_uid": "c1"}]}, ["gone-nightly"]),
    ],
)
def test_state_absent_deletes_of_selected_vms_only(
    palette: MemoryPalette, options: Json, left: list[str]
) -> None:
    for vm_name in ("db1", "db2", "gone"):
        palette.add_snapshot(f"{vm_name}-nightly", key_of(vm_name), OWN)
    result = nightly(palette, state="absent", **options)
    assert not result.get("failed")
    assert palette.names() == left
    assert len(palette.writes("DELETE")) == 3 - len(left)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"cluster": ""}, "cluster"),
        ({"cluster": None, "clusters": []}, "clusters"),
        ({"vm_names": []}, "vm_names"),
        ({"namespaces": [""]}, "namespaces"),
        ({"selector": ""}, "selector"),
    ],
)
def test_filters_that_are_empty_do_not_mean_all(
    palette: MemoryPalette, options: Json, named: str
) -> None:
    result = nightly(palette, **{"state": "absent", **options})
    assert result["msg"].startswith(f"{named}: must not be empty")
    assert palette.calls == []


def test_warn_of_a_snapshot_that_only_has_a_members_name(palette: MemoryPalette) -> None:
    palette.add_snapshot("db1-nightly", key_of("db1"), {})
    result = nightly(palette, vms=["db1", "db2"])
    assert outcomes(result) == {"db1": "unchanged", "db2": "created"}
    (warning,) = (text for text in result["warnings"] if "db1-nightly" in text)
    assert "exists but is not part of this set" in warning


def test_state_absent_tells_a_hand_made_snapshot_of_a_members_name(palette: MemoryPalette) -> None:
    palette.add_snapshot("db1-nightly", key_of("db1"), {}, age=HOUR)
    palette.add_snapshot("db2-nightly", key_of("db2"), OWN, request_id=None)
    result = nightly(palette, state="absent", vms=["db1", "db2"])
    assert (result["changed"], palette.names()) == (False, ["db1-nightly", "db2-nightly"])
    (warning,) = (text for text in result["warnings"] if "db1-nightly" in text)
    taken = "snapshot db1-nightly (taken 2026-11-23T11:00:00Z)"
    assert warning.startswith(f"cluster-1/vms/db1: {taken} exists but is not part of this set")
    assert any("db2-nightly" in text for text in result["warnings"])


# What matches nothing


@pytest.mark.parametrize(
    ("options", "miss"),
    [
        (
            {"namespace": None, "namespaces": ["vms", "prdo"]},
            {"option": "namespaces", "value": "prdo", "nearest": ["prod"]},
        ),
        (
            {"vm_names": ["db1", "dbl"]},
            {"option": "vm_names", "value": "dbl", "nearest": ["db2", "db1"]},
        ),
    ],
)
def test_namespaces_and_vm_names_that_match_nothing_fail_before_the_first_write(
    palette: MemoryPalette, options: Json, miss: Json
) -> None:
    palette.add_vm(key_of("api1", "prod"))
    result = nightly(palette, **options)
    assert (result["reason"], result["changed"]) == ("nothing_selected", False)
    (told,) = result["unmatched"]
    assert {**told, "nearest": sorted(told["nearest"])} == {
        **miss, "nearest": sorted(miss["nearest"])
    }  # fmt: skip
    assert f"{miss['option']}: '{miss['value']}' matches nothing; nearest: " in result["msg"]
    assert "on_error: continue" in result["msg"]
    assert palette.writes() == []
    went_on = nightly(palette, **options, on_error="continue")
    assert not went_on.get("failed")
    assert went_on["unmatched"] == result["unmatched"]
    assert row(went_on, "db1")["outcome"] == "created"
    assert any(f"'{miss['value']}' matches nothing" in text for text in went_on["warnings"])


@pytest.mark.parametrize(
    ("options", "option"),
    [({"exclude": ["batchl"]}, "exclude"), ({"vm_names": ["db*", "batch*"]}, "vm_names")],
)
def test_exclude_and_patterns_that_match_nothing_only_warn(
    palette: MemoryPalette, options: Json, option: str
) -> None:
    result = nightly(palette, **options)
    assert not result.get("failed")
    assert [miss["option"] for miss in result["unmatched"]] == [option]
    (warning,) = result["warnings"]
    assert warning.startswith(f"{option}: 'batch")


def test_state_absent_warns_of_listed_vms_that_do_not_exist(palette: MemoryPalette) -> None:
    nightly(palette, vms=["db1"])
    result = nightly(palette, state="absent", vms=["db1", "db2", "wbe1"])
    assert (result["changed"], result["summary"]["absent"]) == (True, 2)
    (miss,) = result["unmatched"]
    assert (miss["option"], miss["value"], miss["nearest"][0]) == ("vms", "vms/wbe1", "web1")
    assert any("vms: 'vms/wbe1' matches nothing; nearest: web1" in w for w in result["warnings"])


def test_state_absent_only_warns_of_what_matches_nothing(palette: MemoryPalette) -> None:
    palette.add_snapshot("db1-nightly", key_of("db1"), OWN)
    result = nightly(palette, state="absent", set="nightyl", vm_names=["db1", "dbl"])
    assert not result.get("failed")
    assert [(miss["option"], miss["nearest"]) for miss in result["unmatched"]] == [
        ("vm_names", ["db2", "db1"]),
        ("set", ["nightly"]),
    ]
    assert palette.names() == ["db1-nightly"]


def test_namespaces_that_match_nothing_name_the_missing_project(palette: MemoryPalette) -> None:
    palette.vms.clear()
    assert "no project was given" in nightly(palette)["msg"]
    assert "no project was given" not in nightly(palette, project="project-1")["msg"]


# Names that cannot be used


def test_on_error_continue_blocks_only_the_member_whose_name_is_too_long(
    palette: MemoryPalette,
) -> None:
    long = "v" * 63
    palette.add_vm(key_of(long))
    options: Json = {"vms": ["db1", long], "name_template": "{vm}-" + "y" * 195}
    assert nightly(palette, **options)["reason"] == "invalid_parameters"
    assert palette.writes() == []
    result = nightly(palette, **options, on_error="continue")
    assert outcomes(result) == {"db1": "created", long: "blocked"}
    assert row(result, long)["reason"] == "invalid_name"
    assert "shorten set or name_template" in row(result, long)["msg"]


def test_vms_and_names_may_be_numbers_in_yaml(palette: MemoryPalette) -> None:
    palette.add_vm(key_of("1001"))
    palette.add_vm(key_of("1002"))
    result = nightly(palette, vms=[1001, {"vm_name": 1002, "name": 20261125}])
    assert outcomes(result) == {"1001": "created", "1002": "created"}
    assert palette.names() == ["1001-nightly", "20261125"]


# The clock


@pytest.mark.parametrize("days", [-9, 9])
def test_unless_newer_than_refuses_with_a_clock_that_is_wrong(
    palette: MemoryPalette, days: int
) -> None:
    palette.clock_skew = timedelta(days=days)
    result = nightly(palette, unless_newer_than="20h")
    assert (result["reason"], result["changed"]) == ("clock_skew", False)
    assert "2026-11-23T12:00:00Z" in result["msg"]
    assert write_time(NOW + timedelta(days=days)) in result["msg"]
    assert palette.writes() == []


def test_set_warns_of_a_clock_that_is_wrong(palette: MemoryPalette) -> None:
    palette.clock_skew = timedelta(days=9)
    result = nightly(palette)
    assert result["summary"]["created"] == 3
    (warning,) = result["warnings"]
    assert "2026-11-23T12:00:00Z" in warning
    assert "2026-12-02T12:00:00Z" in warning
    palette.clock_skew = timedelta(minutes=4)
    assert nightly(palette)["warnings"] == []


def test_unless_newer_than_refuses_with_a_snapshot_from_the_future(palette: MemoryPalette) -> None:
    palette.add_snapshot("from-the-future", key_of("db1"), OWN, age=-HOUR)
    result = nightly(palette, unless_newer_than="20h")
    assert result["reason"] == "clock_skew"
    assert "vms/from-the-future was taken at 2026-11-23T13:00:00Z" in result["msg"]
    assert palette.writes() == []


# Two at once


def test_member_that_somebody_takes_meanwhile_is_adopted(palette: MemoryPalette) -> None:
    taken: list[str] = []

    def take(call: Call) -> None:
        if call.method == "POST" and call.vm_name not in taken:
            taken.append(call.vm_name)
            palette.add_snapshot(f"{call.vm_name}-nightly", key_of(call.vm_name), OWN)

    palette.before = take
    result = run(palette, MODULE, set="nightly", cluster="cluster-1", vm_names=["db1"])
    assert (outcomes(result), result["changed"]) == ({"db1": "unchanged"}, False)


def test_exclude_leaves_out_listed_vms_too(palette: MemoryPalette) -> None:
    result = nightly(palette, vms=["db1", "db2", "web1"], exclude=["db2", "cluster-1/vms/web*"])
    assert outcomes(result) == {"db1": "created"}


@pytest.mark.parametrize("state", ["present", "absent"])
@pytest.mark.parametrize("namespace", ["", "v*", "a/b"])
def test_namespace_that_can_be_none_s_is_refused(
    palette: MemoryPalette, namespace: str, state: str
) -> None:
    result = run(palette, MODULE, set="n", namespace=namespace, vm_names=["db*"], state=state)
    assert result["reason"] == "invalid_parameters"
    assert result["msg"].startswith("namespace: ")
    assert palette.calls == []


def test_namespace_that_is_empty_adds_nothing_to_listed_vms(palette: MemoryPalette) -> None:
    vms = [{"vm_name": "db1", "namespace": "vms", "cluster": "cluster-1"}]
    assert run(palette, MODULE, set="n", namespace="", vms=vms)["changed"]


def test_namespace_can_be_selected_from(palette: MemoryPalette) -> None:
    palette.add_vm(key_of("db1", "prod"))
    options: Json = {"set": "n", "cluster": "cluster-1", "namespace": "prod"}
    assert list(run(palette, MODULE, **options)["members"]) == ["cluster-1/prod/db1"]


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"labels": {PART_OF: "other"}}, f"labels.{PART_OF}"),
        ({"labels": {MANAGED_BY: "me"}}, f"labels.{MANAGED_BY}"),
        (
            {"definition": {"metadata": {"labels": {PART_OF: "x"}}}},
            f"definition.metadata.labels.{PART_OF}",
        ),
        ({"annotations": {REQUEST_ID: "1"}}, f"annotations.{REQUEST_ID}"),
        (
            {"annotations": {EXPIRES_AT: "2030-01-01T00:00:00Z"}, "expire_after": "7d"},
            f"annotations.{EXPIRES_AT}",
        ),
    ],
)
def test_labels_and_annotations_that_mark_a_member_are_refused(
    palette: MemoryPalette, options: Json, named: str
) -> None:
    result = nightly(palette, **options)
    assert result["reason"] == "invalid_parameters"
    assert result["msg"].startswith(f"{named}: is written by this collection")
    assert palette.calls == []


def test_state_absent_waits_for_what_is_being_deleted_already(palette: MemoryPalette) -> None:
    palette.begin_deletion(palette.add_snapshot("db1-nightly-1", key_of("db1"), OWN))
    result = nightly(palette, state="absent", vms=["db1"])
    assert (outcomes(result), result["changed"]) == ({"db1": "absent"}, False)
    assert palette.names() == []


def test_state_absent_reports_a_deletion_beside_one_that_was_under_way(
    palette: MemoryPalette,
) -> None:
    palette.begin_deletion(palette.add_snapshot("db1-nightly-1", key_of("db1"), OWN))
    palette.add_snapshot("db1-nightly-2", key_of("db1"), OWN)
    result = nightly(palette, state="absent", vms=["db1"])
    assert (outcomes(result), result["changed"]) == ({"db1": "deleted"}, True)
    assert palette.names() == []


STATES = (
    "none",
    "ready",
    "failed",
    "unlabelled",
    "in progress",
    "name taken",
    "being deleted",
    "busy",
    "fresh",
    "restoring",
    "no volumes",
    "terminating",
)


def generated_palette(states: list[str]) -> MemoryPalette:
    """Return a cluster with one VM in each of the states."""
    palette = MemoryPalette()
    for number, state in enumerate(states):
        _add_vm(palette, f"vm-{number}", state)
    return palette


def _add_vm(palette: MemoryPalette, vm_name: str, state: str) -> None:
    key, name, labels = key_of(vm_name), f"{vm_name}-nightly", {**OWN, "mine": "1"}
    status: dict[str, Json] = {
        "restoring": {"restoreInProgress": "restore-1"},
        "no volumes": {"volumeSnapshotStatuses": [{"name": "a", "enabled": False}]},
    }
    palette.add_vm(key, **status.get(state, {}))
    if state == "terminating":
        palette.vms[key]["metadata"]["deletionTimestamp"] = "2026-11-23T11:00:00Z"
    elif state == "name taken":
        palette.add_snapshot(name, key_of("another"), {})
    elif state == "busy":
        palette.add_snapshot(f"{vm_name}-other", key, course=ready_after(7))
    elif state == "fresh":
        palette.add_snapshot(f"{vm_name}-fresh", key, labels, age=60)
    elif state in ("ready", "failed", "unlabelled", "in progress", "being deleted"):
        courses = {"failed": (FAILED,), "in progress": ready_after(5)}
        course = courses.get(state, (READY,))
        own = OWN if state == "unlabelled" else labels
        stored = palette.add_snapshot(name, key, own, course=course, age=9_999)
        if state == "being deleted":
            palette.begin_deletion(stored)


_options = st.fixed_dictionaries(
    {
        "labels": st.sampled_from([None, {"mine": "1"}]),
        "replace": st.booleans(),
        "on_error": st.sampled_from(["abort", "continue"]),
        "max_failed": st.sampled_from([0, 99]),
        "wait": st.booleans(),
        "unless_newer_than": st.sampled_from([None, "1h"]),
        "state": st.sampled_from(["present", "present", "absent"]),
        "concurrency": st.integers(1, 3),
    }
)
_states = st.lists(st.sampled_from(STATES), min_size=1, max_size=8)


def _summary(result: Json) -> Json:
    return summary(len(result["members"]), **Counter(outcomes(result).values()))


@given(_states, _options)
def test_check_mode_reports_what_a_run_does_and_a_second_run_changes_nothing(
    states: list[str], options: Json
) -> None:
    palette = generated_palette(states)
    first = nightly(palette, **options)  # compares check mode with it
    assert counts_of(first) == _summary(first)
    palette.clock.now += 60
    second = nightly(palette, **options)
    assert not second["changed"]
    assert set(outcomes(second).values()) <= {
        "unchanged", "fresh", "absent", "blocked", "not_tried"
    }  # fmt: skip
    blocked = {vm for vm, outcome in outcomes(first).items() if outcome == "blocked"}
    assert blocked == {vm for vm, outcome in outcomes(second).items() if outcome == "blocked"}


@given(_states, _options)
def test_on_error_abort_writes_nothing_in_any_state(states: list[str], options: Json) -> None:
    palette = generated_palette(states)
    result = nightly(palette, **{**options, "on_error": "abort"})
    if "blocked" in outcomes(result).values():
        assert result["failed"]
        assert palette.writes() == []
        assert set(outcomes(result).values()) <= {"blocked", "not_tried"}


@given(_states, _options)
def test_run_never_touches_somebody_elses_snapshot(states: list[str], options: Json) -> None:
    palette = generated_palette(states)
    theirs = {place for place, s in palette.stored.items() if not s.metadata["labels"]}
    nightly(palette, **{**options, "labels": None})
    assert theirs <= set(palette.stored)
    assert not any(palette.stored[place].deleting for place in theirs)


class Interrupt:
    """Ends the run, as a signal would, at some write: before it is carried out or after."""

    def __init__(self, at_write: int, carried_out: bool) -> None:
        self._left = at_write
        self._lock = threading.Lock()
        self.before = self._ignore if carried_out else self._strike
        self.after = self._strike if carried_out else self._ignore

    def _strike(self, call: Call) -> None:
        if call.method == "GET":
            return
        with self._lock:
            self._left -= 1
            struck = self._left == 0
        if struck:
            raise KeyboardInterrupt

    def _ignore(self, _call: Call) -> None:
        pass


@given(
    st.integers(1, 12),
    st.integers(1, 12),
    st.booleans(),
    st.sampled_from([None, "1h"]),
    st.integers(1, 4),
)
def test_run_again_completes_an_interrupted_set_without_a_duplicate(
    count: int, at_write: int, carried_out: bool, unless_newer_than: str | None, concurrency: int
) -> None:
    palette = generated_palette(["none"] * count)
    interrupt = Interrupt(min(at_write, count), carried_out)
    palette.before, palette.after = interrupt.before, interrupt.after
    options: Json = {
        "set": "nightly",
        "cluster": "cluster-1",
        "all": True,
        "unless_newer_than": unless_newer_than,
        "concurrency": concurrency,
    }
    with pytest.raises(KeyboardInterrupt):
        run(palette, MODULE, **options)
    palette.clock.now += 30
    rerun = run(palette, MODULE, **options)
    assert not rerun.get("failed")
    assert sorted(s.key.vm_name for s in palette.stored.values()) == sorted(
        key.vm_name for key in palette.vms
    )
    assert all(member["status"]["ready_to_use"] for member in rerun["members"].values())
    assert not run(palette, MODULE, **options)["changed"]

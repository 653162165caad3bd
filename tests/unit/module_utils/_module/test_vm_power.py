# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The core of vm_power against Palette in memory."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.spectrocloud.palette.plugins.module_utils._http.errors import ApiError
from ansible_collections.spectrocloud.palette.plugins.module_utils._module.vm_power import MODULE
from ansible_collections.spectrocloud.palette.plugins.module_utils._palette.objects import (
    write_time,
)
from unit.builders import Json, key_of
from unit.machines_in_memory import Machines
from unit.palette_in_memory import BROKEN, FORBIDDEN, LOST, Call
from unit.tasks import run

DB1 = key_of("db1")
ONE: Json = {"cluster_uid": "c1", "namespace": "vms", "vm_name": "db1"}
# What each state is, and the state that its call needs.
DONE = [
    ("started", "Stopped", "Running", "start"),
    ("started", "Paused", "Running", "resume"),
    ("stopped", "Running", "Stopped", "stop"),
    ("stopped", "Paused", "Stopped", "stop"),
    ("paused", "Running", "Paused", "pause"),
    ("resumed", "Paused", "Running", "resume"),
    ("restarted", "Running", "Running", "restart"),
    ("restarted", "Stopped", "Running", "start"),
]


def row_of(result: Json) -> Json:
    """Return the only row of a result."""
    (row,) = result["vms"]
    found: Json = row
    return found


def declare(palette: Machines, state: str, **options: Any) -> Json:
    """Run a task on db1, which must not fail, and return its row."""
    result = run(palette, MODULE, state=state, **ONE, **options)
    assert not result.get("failed"), result
    return row_of(result)


@pytest.fixture
def palette() -> Machines:
    """Palette without a VM."""
    return Machines()


@pytest.mark.parametrize(("state", "before", "after", "verb"), DONE)
def test_state_is_brought_about_and_waited_for(
    palette: Machines, state: str, before: str, after: str, verb: str
) -> None:
    palette.add(DB1, before)
    row = declare(palette, state)
    assert (row["before"], row["after"], row["changed"]) == (before, after, True)
    assert row["outcome"].startswith(verb[:4])
    assert palette.powers() == [f"{verb} db1"]
    assert palette.state(DB1) == after


@pytest.mark.parametrize(("state", "before", "after", "verb"), DONE)
def test_check_mode_predicts_and_sends_nothing(
    palette: Machines, state: str, before: str, after: str, verb: str
) -> None:
    palette.add(DB1, before)
    predicted = run(palette, MODULE, check_mode=True, state=state, **ONE)
    assert palette.powers() == []
    done = run(palette, MODULE, state=state, **ONE)
    assert palette.powers() == [f"{verb} db1"]
    assert row_of(predicted) == row_of(done)
    assert (row_of(done)["after"], predicted["check_mode"]) == (after, True)


@pytest.mark.parametrize(
    ("state", "before"),
    [
        ("started", "Running"),
        ("started", "Migrating"),
        ("stopped", "Stopped"),
        ("paused", "Paused"),
        ("resumed", "Running"),
        ("resumed", "Migrating"),
    ],
)
def test_state_that_is_so_already_sends_nothing(palette: Machines, state: str, before: str) -> None:
    palette.add(DB1, before)
    row = declare(palette, state)
    assert (row["outcome"], row["changed"]) == ("unchanged", False)
    assert palette.powers() == []


def shut_down(palette: Machines) -> None:
    """Let the guest of a VM have shut itself down: its ended instance stays."""
    palette.add(DB1, "Stopped", "Manual", created=True)


@pytest.mark.parametrize("state", ["started", "restarted"])
def test_vm_that_has_shut_itself_down_is_started(palette: Machines, state: str) -> None:
    shut_down(palette)
    predicted = run(palette, MODULE, check_mode=True, state=state, **ONE)
    row = declare(palette, state)
    assert (row["outcome"], row["after"], palette.powers()) == ("started", "Running", ["start db1"])
    assert row_of(predicted) == row


def test_lost_answer_to_a_start_is_not_decided_by_an_ended_instance(palette: Machines) -> None:
    shut_down(palette)
    palette.fail("PUT", LOST)
    assert declare(palette, "started")["outcome"] == "started"
    assert palette.powers() == ["start db1", "start db1"]


def test_stop_of_what_runs_waits_until_no_ended_instance_is_left(palette: Machines) -> None:
    palette.add(DB1, strategy="Manual")
    status = palette.vms[DB1]["status"]

    def show_it_as_stopped(_call: Call) -> None:
        if palette.state(DB1) == "Stopping":
            status["printableStatus"] = "Stopped"

    palette.before = show_it_as_stopped
    assert declare(palette, "stopped")["outcome"] == "stopped"
    assert not status["created"]


@pytest.mark.parametrize("shown", ["Provisioning", "DataVolumeError"])
def test_halted_vm_that_shows_its_disks_is_off(palette: Machines, shown: str) -> None:
    palette.add(DB1, shown, "Halted", created=False)
    assert declare(palette, "stopped")["outcome"] == "unchanged"
    row = row_of(run(palette, MODULE, state="paused", **ONE))
    assert (row["outcome"], row["reason"]) == ("blocked", "not_running")
    assert palette.powers() == []


def test_vm_that_has_shut_itself_down_is_stopped_already(palette: Machines) -> None:
    shut_down(palette)
    assert declare(palette, "stopped")["outcome"] == "unchanged"
    assert palette.powers() == []


# KubeVirt cannot create an instance, as where a quota forbids it, and tries on.
def cannot_come_up(palette: Machines, strategy: str = "Always") -> None:
    """Let a VM be on its way, without an instance."""
    palette.add(DB1, "Stopped", strategy)


@pytest.mark.parametrize("strategy", ["Always", "Once"])
def test_vm_that_kubevirt_would_start_later_is_stopped(palette: Machines, strategy: str) -> None:
    cannot_come_up(palette, strategy)
    foretold = run(palette, MODULE, check_mode=True, state="stopped", **ONE)
    row = declare(palette, "stopped")
    assert (row["outcome"], palette.powers()) == ("stopped", ["stop db1"])
    assert palette.vms[DB1]["spec"]["runStrategy"] == "Halted"
    assert row_of(foretold) == row
    assert declare(palette, "stopped")["outcome"] == "unchanged"


def test_stop_of_a_vm_that_comes_up_is_sent_again(palette: Machines) -> None:
    cannot_come_up(palette)
    palette.fail("PUT", LOST)
    assert declare(palette, "stopped")["outcome"] == "stopped"
    assert palette.powers() == ["stop db1", "stop db1"]
    cannot_come_up(palette)
    palette.vms[DB1]["status"]["snapshotInProgress"] = "s"
    palette.then(20, DB1, "free")
    assert declare(palette, "stopped")["outcome"] == "stopped"
    assert palette.vms[DB1]["spec"]["runStrategy"] == "Halted"


@pytest.mark.parametrize("state", ["started", "restarted"])
@pytest.mark.parametrize("strategy", ["Always", "Once"])
def test_vm_that_kubevirt_starts_itself_is_waited_for(
    palette: Machines, state: str, strategy: str
) -> None:
    cannot_come_up(palette, strategy)
    palette.then(20, DB1, "Running")
    assert not run(palette, MODULE, check_mode=True, state=state, **ONE)["changed"]
    assert declare(palette, state)["outcome"] == "unchanged"
    assert palette.powers() == []


def failed(palette: Machines) -> None:
    """Let the instance of a VM have failed, and KubeVirt make the next one in 20 seconds."""
    requests = [{"action": "Start"}]
    palette.add(DB1, "Stopped", "RerunOnFailure", stateChangeRequests=requests)
    palette.then(20, DB1, "Running")


def test_vm_whose_instance_has_failed_is_stopped_when_it_has_the_next(palette: Machines) -> None:
    failed(palette)
    foretold = run(palette, MODULE, check_mode=True, state="stopped", **ONE)
    row = declare(palette, "stopped")
    assert (row["outcome"], palette.powers()) == ("stopped", ["stop db1", "stop db1"])
    assert palette.elapsed >= 20
    assert row_of(foretold) == row
    assert declare(palette, "stopped")["outcome"] == "unchanged"


@pytest.mark.parametrize("state", ["started", "restarted"])
def test_vm_whose_instance_has_failed_is_started_by_kubevirt(palette: Machines, state: str) -> None:
    failed(palette)
    assert declare(palette, state)["outcome"] == "unchanged"
    assert palette.powers() == []


def test_vm_that_migrates_is_paused_when_it_has_moved(palette: Machines) -> None:
    palette.add(DB1, "Migrating")
    palette.then(20, DB1, "Running")
    row = declare(palette, "paused")
    assert (row["outcome"], palette.powers()) == ("paused", ["pause db1", "pause db1"])


def test_vm_that_starts_and_migrates_at_once_has_started(palette: Machines) -> None:
    palette.add(DB1, "Starting")
    palette.then(5, DB1, "Migrating")
    assert declare(palette, "started", wait_timeout=60)["after"] == "Migrating"


def test_diff_shows_the_states_of_what_changes(palette: Machines) -> None:
    palette.add(DB1)
    palette.add(key_of("off"), "Stopped")
    options: Json = {"state": "stopped", "cluster_uid": "c1", "namespaces": ["vms"]}
    result = run(palette, MODULE, diff_mode=True, **options)
    label = "c1/vms/db1"
    assert result["diff"] == {"before": {label: "Running"}, "after": {label: "Stopped"}}


def test_max_rows_leaves_what_failed_and_names_the_others(palette: Machines) -> None:
    for name in ("a", "b"):
        palette.add(key_of(name))
    palette.add(key_of("off"), "Stopped")
    options: Json = {"state": "paused", "cluster_uid": "c1", "namespaces": ["vms"]}
    options.update(on_error="continue", max_rows=2, diff_mode=True)
    result = run(palette, MODULE, **options)
    assert result["reason"] == "vms_failed"
    assert (result["summary"]["total"], result["summary"]["paused"]) == (3, 2)
    assert row_of(result)["vm_name"] == "off"
    (others,) = result["left_out"]
    assert (others["outcome"], others["vm_names"]) == ("paused", ["a", "b"])
    assert (others["before"], others["after"], others["cluster_uid"]) == ("Running", "Paused", "c1")
    again = run(palette, MODULE, **{**options, "state": "stopped", "max_rows": 1})
    assert (again["vms"], len(again["left_out"])) == ([], 2)
    assert "the diff shows 1 of 2 rows, see max_rows" in again["warnings"]


def test_stop_waits_until_no_instance_is_left(palette: Machines) -> None:
    palette.add(DB1, "Stopped", created=True)
    palette.then(30, DB1, "Stopped")
    row = declare(palette, "stopped")
    assert (row["outcome"], palette.powers()) == ("unchanged", [])
    assert palette.elapsed >= 30


def test_started_waits_for_a_stopping_vm_to_be_off_and_starts_it(palette: Machines) -> None:
    palette.add(DB1, "Stopping")
    palette.then(20, DB1, "Stopped")
    row = declare(palette, "started")
    assert (row["outcome"], row["after"]) == ("started", "Running")
    assert set(palette.powers()) == {"start db1"}


def test_started_starts_what_was_only_thought_to_start(palette: Machines) -> None:
    palette.add(DB1, "Starting", strategy="Manual")
    palette.then(20, DB1, "Stopped")
    row = declare(palette, "started")
    assert (row["outcome"], palette.powers()) == ("started", ["start db1"])


def test_paused_waits_for_a_starting_vm_to_run(palette: Machines) -> None:
    palette.add(DB1, "Starting")
    palette.then(20, DB1, "Running")
    row = declare(palette, "paused")
    assert (row["outcome"], row["after"]) == ("paused", "Paused")


def test_restarted_is_not_taken_for_done_by_the_instance_of_before(palette: Machines) -> None:
    palette.add(DB1)
    palette.takes = 60.0
    declare(palette, "restarted")
    assert palette.elapsed >= 120


def test_restarted_is_known_by_the_time_of_ready_where_no_poll_saw_the_stop(
    palette: Machines,
) -> None:
    palette.add(DB1)
    palette.takes = 0.5
    declare(palette, "restarted", poll_interval=60)
    assert palette.elapsed < 10


def test_restarted_starts_what_somebody_has_stopped_meanwhile(palette: Machines) -> None:
    palette.add(DB1)

    def stop(call: Call) -> None:
        if call.method == "PUT" and palette.elapsed == 0:
            palette.vms[DB1]["spec"]["runStrategy"] = "Halted"
            palette.then(5, DB1, "Stopped")

    palette.before = stop
    row = declare(palette, "restarted")
    assert (row["outcome"], row["after"]) == ("started", "Running")


# Killed


class Killed(KeyboardInterrupt):
    """The process is gone."""


def killed_at(palette: Machines, state: str, number: int, when: str) -> None:
    """Run a task that is killed before, or after, one of its requests is carried out."""
    left = [number]

    def strike(_call: Call) -> None:
        left[0] -= 1
        if left[0] == 0:
            raise Killed

    setattr(palette, when, strike)
    with pytest.raises(Killed):
        run(palette, MODULE, state=state, **ONE)
    setattr(palette, when, lambda _call: None)


@pytest.mark.parametrize(("state", "before", "after", "verb"), DONE)
def test_killed_before_each_request(
    palette: Machines, state: str, before: str, after: str, verb: str
) -> None:
    palette.add(DB1, before)
    declare(palette, state)
    requests = len(palette.calls)
    assert requests >= 3  # it looks, acts, and looks again
    for number in range(1, requests + 1):
        again = Machines()
        again.add(DB1, before)
        killed_at(again, state, number, "before")
        declare(again, state)
        assert again.state(DB1) == after
        assert f"{verb} db1" in again.powers()
        # Where all was done, and only the last look at it was left, a restart restarts again.
        others = {"restart db1"} if state == "restarted" else set()
        assert set(again.powers()) <= {f"{verb} db1", *others}


@pytest.mark.parametrize(("state", "before", "after", "verb"), DONE)
def test_killed_after_its_call(
    palette: Machines, state: str, before: str, after: str, verb: str
) -> None:
    palette.add(DB1, before)
    killed_at(palette, state, 1, "after")
    declare(palette, state)
    assert palette.state(DB1) == after
    # What is on its way there is not told again. A restart is seen only a moment later.
    again = ["restart db1"] if verb == "restart" else []
    assert palette.powers() == [f"{verb} db1", *again]


# KubeVirt's refusals


@pytest.mark.parametrize("status", [None, 422, 500])
@pytest.mark.parametrize("lock", ["snapshotInProgress", "restoreInProgress"])
@pytest.mark.parametrize(("state", "before"), [("started", "Stopped"), ("stopped", "Running")])
def test_snapshot_or_restore_is_waited_for_and_the_call_sent_again(
    palette: Machines, state: str, before: str, lock: str, status: int | None
) -> None:
    palette.add(DB1, before, **{lock: "s"})
    palette.then(100, DB1, "free")
    palette.answer = status
    row = declare(palette, state, wait_timeout=120)
    assert row["outcome"] == state
    # Not sent while the VM is seen to be locked.
    assert len(palette.powers()) == 2


def test_snapshot_keeps_a_paused_vm_from_going_on(palette: Machines) -> None:
    palette.add(DB1, "Paused", snapshotInProgress="s")
    palette.then(10, DB1, "free")
    assert declare(palette, "resumed")["outcome"] == "resumed"


@pytest.mark.parametrize("state", ["paused", "restarted"])
def test_snapshot_does_not_keep_from_pause_and_restart(palette: Machines, state: str) -> None:
    palette.add(DB1, snapshotInProgress="s")
    assert declare(palette, state)["outcome"] == state
    assert len(palette.powers()) == 1


def test_snapshot_that_does_not_end_fails_the_vm_with_kubevirts_words(palette: Machines) -> None:
    palette.add(DB1, snapshotInProgress="nightly")
    result = run(palette, MODULE, state="stopped", wait_timeout=30, **ONE)
    row = row_of(result)
    assert (result["reason"], result["changed"]) == ("vms_failed", False)
    assert (row["outcome"], row["reason"]) == ("failed", "wait_timeout")
    assert 'until snapshot "nightly" completes' in row["msg"]
    assert 30 <= palette.elapsed < 40


def test_wait_false_waits_for_the_call_to_be_accepted_and_no_longer(palette: Machines) -> None:
    palette.add(DB1, snapshotInProgress="s")
    palette.then(10, DB1, "free")
    row = declare(palette, "stopped", wait=False)
    assert (row["outcome"], row["changed"]) == ("stopped", True)
    assert palette.state(DB1) != "Stopped"


@pytest.mark.parametrize(
    ("state", "before", "strategy"),
    [("started", "Stopped", "Once"), ("restarted", "Running", "Once")],
)
def test_run_strategy_that_does_not_allow_it_is_told_in_kubevirts_words(
    palette: Machines, state: str, before: str, strategy: str
) -> None:
    palette.add(DB1, before, strategy=strategy, created=True)
    result = run(palette, MODULE, state=state, **ONE)
    assert row_of(result)["reason"] == "run_strategy"
    assert f"{strategy} does not support manual" in row_of(result)["msg"]
    assert not result["changed"]


@pytest.mark.parametrize("state", ["paused", "resumed"])
def test_vm_that_is_off_is_blocked(palette: Machines, state: str) -> None:
    palette.add(DB1, "Stopped")
    result = run(palette, MODULE, state=state, **ONE)
    assert (result["reason"], row_of(result)["outcome"]) == ("preflight_failed", "blocked")
    assert row_of(result)["reason"] == "not_running"


def test_vm_that_is_off_by_the_time_of_the_call_fails(palette: Machines) -> None:
    palette.add(DB1, "Starting", strategy="Manual")
    palette.then(5, DB1, "Stopped")
    result = run(palette, MODULE, state="paused", **ONE)
    assert row_of(result)["reason"] == "not_running"


def test_vm_that_does_not_get_there_fails_with_what_palette_shows(palette: Machines) -> None:
    palette.add(DB1, "Stopped")
    palette.takes = 10_000
    result = run(palette, MODULE, state="started", wait_timeout=60, **ONE)
    row = row_of(result)
    assert (row["reason"], row["changed"], row["after"]) == ("wait_timeout", True, "Starting")
    assert "not running within 60 s" in row["msg"]
    assert "Starting" in row["msg"]


# Answers that are lost


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("error", [LOST, BROKEN])
@pytest.mark.parametrize(("state", "before", "after", "verb"), DONE)
def test_lost_answer_is_decided_by_the_next_polls(
    palette: Machines,
    state: str,
    before: str,
    after: str,
    verb: str,
    error: ApiError,
    when: str,
) -> None:
    palette.add(DB1, before)
    palette.fail("PUT", error, when=when)
    row = declare(palette, state)
    assert (row["after"], row["changed"]) == (after, True)
    assert palette.powers() == [f"{verb} db1"] * (2 if when == "before" else 1)


def test_call_that_is_never_carried_out_fails_after_the_retries(palette: Machines) -> None:
    palette.add(DB1)
    palette.fail("PUT", *[LOST] * 10)
    result = run(palette, MODULE, state="stopped", retries=2, **ONE)
    row = row_of(result)
    assert (row["outcome"], row["reason"], row["changed"]) == ("failed", "unreachable", False)
    assert len(palette.powers()) == 3


def test_call_of_which_no_poll_can_tell_is_unknown(palette: Machines) -> None:
    palette.add(DB1)

    def cut(call: Call) -> None:
        if palette.powers() and call.method == "GET":
            raise ApiError("unavailable", "HTTP 503")

    palette.before = cut
    palette.fail("PUT", LOST, when="after")
    row = row_of(run(palette, MODULE, state="stopped", **ONE))
    assert (row["outcome"], row["changed"]) == ("unknown", True)


def test_missing_permission_fails_the_vm(palette: Machines) -> None:
    palette.add(DB1)
    palette.fail("PUT", FORBIDDEN)
    row = row_of(run(palette, MODULE, state="stopped", **ONE))
    assert (row["outcome"], row["reason"], row["changed"]) == ("failed", "forbidden", False)


@pytest.mark.parametrize("wait", [True, False])
def test_vm_that_is_deleted_meanwhile_fails(palette: Machines, wait: bool) -> None:
    palette.add(DB1)
    palette.fail("PUT", LOST, when="after")

    def delete(_call: Call) -> None:
        del palette.vms[DB1]

    palette.after = delete
    row = row_of(run(palette, MODULE, state="stopped", wait=wait, **ONE))
    assert row["reason"] == "vm_disappeared"


def test_vm_that_is_being_deleted_meanwhile_fails(palette: Machines) -> None:
    palette.add(DB1)

    def delete(_call: Call) -> None:
        palette.vms[DB1]["metadata"]["deletionTimestamp"] = write_time(palette.now)

    palette.after = delete
    row = row_of(run(palette, MODULE, state="stopped", **ONE))
    assert (row["reason"], row["changed"]) == ("vm_terminating", True)
    assert row["msg"] == "VM db1 is being deleted"


# Many VMs


def test_many_are_selected_and_polled_together(palette: Machines) -> None:
    for number in range(120):
        palette.add(key_of(f"vm-{number:03}"))
    palette.takes = 30.0
    result = run(palette, MODULE, state="stopped", cluster_uid="c1", all=True)
    assert result["summary"]["stopped"] == 120
    assert len(palette.powers()) == 120
    reads = [call for call in palette.calls if call.kind == "VMS"]
    assert len(reads) < 120


def test_blocked_vm_lets_the_task_do_nothing_unless_it_shall_continue(palette: Machines) -> None:
    palette.add(DB1)
    listed: Json = {"vms": ["db1", "db9"], "namespace": "vms", "cluster_uid": "c1"}
    result = run(palette, MODULE, state="stopped", **listed)
    assert result["reason"] == "preflight_failed"
    assert [row["outcome"] for row in result["vms"]] == ["not_tried", "blocked"]
    assert "nearest: db1" in result["vms"][1]["msg"]
    assert palette.powers() == []

    result = run(palette, MODULE, state="stopped", on_error="continue", **listed)
    assert result["reason"] == "vms_failed"
    assert [row["outcome"] for row in result["vms"]] == ["stopped", "blocked"]
    assert result["clusters"]["c1"]["counts"] == {"stopped": 1, "blocked": 1}


@pytest.mark.parametrize("excluded", ["prod/*/*", "prod/vms/db1"])
@pytest.mark.parametrize("check_mode", [False, True])
def test_exclusion_of_a_cluster_outlives_a_second_one_of_its_name(
    palette: Machines, check_mode: bool, excluded: str
) -> None:
    for uid, name in (("c2", "prod"), ("c3", "prod")):
        palette.add_cluster(uid, name)
        palette.add(key_of("db1", cluster_uid=uid))
    palette.add(DB1)
    wanted: Json = {"all": True, "exclude": [excluded], "state": "stopped"}
    result = run(palette, MODULE, check_mode=check_mode, **wanted)
    assert [(row["cluster_uid"], row["outcome"]) for row in result["vms"]] == [("c1", "stopped")]
    assert {call.cluster_uid for call in palette.writes()} <= {"c1"}
    assert (result["unmatched"], result["warnings"]) == ([], [])


def test_vm_of_another_project_s_cluster_is_refused_before_any_call(palette: Machines) -> None:
    palette.add(DB1)
    place = {"vm_name": "db1", "namespace": "vms", "cluster": "cluster-1"}
    there: Json = {"vms": [{**place, "cluster_uid": "c9"}], "state": "stopped"}
    result = run(palette, MODULE, **there, on_error="continue", max_failed_clusters=1)
    assert (result["reason"], palette.powers()) == ("not_found", [])
    assert result["msg"].endswith("the one that was found has the uid c1; check project")

    here: Json = {"vms": [{**place, "cluster_uid": "c1"}], "state": "stopped"}
    (row,) = run(palette, MODULE, **here)["vms"]
    assert (row["cluster"], row["outcome"]) == ("cluster-1", "stopped")


def test_cluster_that_cannot_be_reached_holds_up_no_other(palette: Machines) -> None:
    palette.add_cluster("c2", "cluster-2")
    palette.add(DB1)
    palette.sick = {"c2": lambda _call: ApiError("unavailable", "HTTP 503")}
    listed: Json = {
        "vms": [{"vm_name": vm, "cluster_uid": uid} for vm, uid in (("db1", "c1"), ("db2", "c2"))],
        "namespace": "vms",
        "state": "stopped",
    }
    result = run(palette, MODULE, **listed)
    assert (result["reason"], palette.powers()) == ("unavailable", [])

    result = run(palette, MODULE, **listed, on_error="continue", max_failed_clusters=1)
    assert not result.get("failed")
    assert [row["outcome"] for row in result["vms"]] == ["stopped", "blocked"]
    assert result["vms"][1]["reason"] == "cluster_unreachable"
    assert not result["complete"]


@pytest.mark.parametrize(
    ("given", "option"),
    [
        ({}, "vms"),
        ({"namespace": "vms"}, "vms"),
        ({"vm_name": "", "namespace": "vms"}, "vm_name"),
        ({"vm_name": "db1"}, "namespace"),
        ({"vm_name": "db1", "namespace": "vms", "selector": "app=db"}, "vm_name"),
        ({"vms": [{"vm_name": "db1", "name": "s"}], "namespace": "vms"}, "vms"),
        ({"vms": ["db1"], "namespace": "vms", "selector": "app=db"}, "vms"),
        ({"all": True, "max_failed_clusters": -1}, "max_failed_clusters"),
        ({"all": True, "wait_timeout": 0}, "wait_timeout"),
        ({"all": True, "concurrency": 0}, "concurrency"),
    ],
)
def test_options_that_are_wrong_are_told_before_anything_is_asked(
    palette: Machines, given: Json, option: str
) -> None:
    result = run(palette, MODULE, state="stopped", cluster_uid="c1", **given)
    assert result["reason"] == "invalid_parameters"
    assert any(problem.startswith(f"{option}: ") for problem in result["problems"])
    assert (palette.calls, palette.lookups) == ([], [])


def test_nothing_selected_is_an_error(palette: Machines) -> None:
    palette.add(DB1)
    result = run(palette, MODULE, state="stopped", cluster_uid="c1", vm_names=["web*"])
    assert (result["reason"], result["changed"]) == ("nothing_selected", False)
    assert result["unmatched"][0]["value"] == "web*"


def test_vm_listed_twice_is_taken_once(palette: Machines) -> None:
    listed: Json = {"vms": ["db1", {"vm_name": "db1", "namespace": "vms"}], "namespace": "vms"}
    palette.add(DB1)
    result = run(palette, MODULE, state="stopped", cluster_uid="c1", **listed)
    assert not result.get("failed")
    assert len(result["vms"]) == 1


@pytest.mark.parametrize("on_error", ["abort", "continue"])
def test_vm_names_that_several_vms_have_stop_nothing(palette: Machines, on_error: str) -> None:
    palette.add_cluster("c2", "cluster-2")
    for key in (DB1, key_of("db1", cluster_uid="c2"), key_of("web1")):
        palette.add(key)
    given: Json = {"state": "stopped", "clusters": ["cluster-1", "cluster-2"], "on_error": on_error}
    result = run(palette, MODULE, vm_names=["db1", "web1"], **given)
    assert result["reason"] == "ambiguous_name"
    assert result["candidates"] == ["cluster-1/vms/db1", "cluster-2/vms/db1"]
    assert palette.powers() == []
    del palette.calls[:]
    run(palette, MODULE, vm_names=["cluster-2/vms/db1", "web1"], wait=False, **given)
    assert sorted(call.kind for call in palette.calls) == ["PUT", "PUT", "VMS", "VMS"]
    assert {(call.cluster_uid, call.vm_name) for call in palette.writes()} == {
        ("c2", "db1"),
        ("c1", "web1"),
    }

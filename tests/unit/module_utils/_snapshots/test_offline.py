# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Snapshots of VMs that are off meanwhile: whatever goes wrong, a VM that ran runs again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.spectrocloud.palette.plugins.module_utils._http.errors import ApiError
from ansible_collections.spectrocloud.palette.plugins.module_utils._module import (
    vm_power,
    vm_snapshot,
    vm_snapshot_set,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots.model import (
    VM_OFF,
    VM_RAN,
)
from unit.builders import FAILED, READY, RUNNING, SUCCEEDED, Json, key_of, own_labels
from unit.machines_in_memory import Machines
from unit.palette_in_memory import (
    BROKEN,
    FORBIDDEN,
    LOST,
    NEVER_READY,
    TIMED_OUT,
    Call,
    copy_of,
    ready_after,
)
from unit.tasks import run

DB1, DB2, DB3 = key_of("db1"), key_of("db2"), key_of("db3")
VMS = (DB1, DB2, DB3)
ONE: Json = {"cluster_uid": "c1", "namespace": "vms", "vm_name": "db1", "name": "s"}
SET: Json = {"cluster": "cluster-1", "namespace": "vms", "set": "nightly", "all": True}


@pytest.fixture
def palette() -> Machines:
    """Return a VM that runs."""
    made = Machines()
    made.add(DB1)
    return made


@pytest.fixture
def three(palette: Machines) -> Machines:
    """Return three VMs that run."""
    palette.add(DB2)
    palette.add(DB3)
    return palette


def take(palette: Machines, **options: Any) -> Json:
    """Return the result of a task about one snapshot."""
    return run(palette, vm_snapshot.MODULE, offline=True, **{**ONE, **options})


def take_all(palette: Machines, **options: Any) -> Json:
    """Return the result of a task about a set."""
    return run(palette, vm_snapshot_set.MODULE, offline=True, members="all", **{**SET, **options})


def row(result: Json, vm_name: str = "db1") -> Json:
    """Return a VM's row."""
    found: Json = result["members"][f"cluster-1/vms/{vm_name}"]
    return found


def runs_in_the_end(palette: Machines) -> bool:
    """Say whether the VM runs when all that was begun has ended."""
    palette.clock.now += 60
    return palette.state(DB1) == "Running"


def written(palette: Machines) -> list[str]:
    """Return the power calls and the creations so far."""
    return [
        call.name if call.method == "PUT" else "create"
        for call in palette.writes()
        if call.method in ("PUT", "POST")
    ]


def strike(palette: Machines, verb: str, *errors: ApiError, after: bool = False) -> None:
    """Let the next power calls of a kind fail, before they are carried out or after."""
    left = list(errors)

    def hook(call: Call) -> None:
        if call.method == "PUT" and call.body is None and call.name == verb and left:
            raise copy_of(left.pop(0))

    if after:
        palette.after = hook
    else:
        palette.before = hook


def test_vm_is_off_when_its_snapshot_is_taken_and_runs_again(palette: Machines) -> None:
    states = []
    palette.before = lambda call: (
        states.append(palette.state(DB1)) if call.method == "POST" else None
    )
    result = take(palette, consistency="filesystem")
    assert (result["changed"], result["outcome"]) == (True, "created")
    assert (result["vm_stopped"], result["vm_started"]) == (True, True)
    assert result["status"]["quiesced"]
    assert states == ["Stopped"]
    assert written(palette) == ["stop", "create", "start"]
    assert palette.state(DB1) == "Running"
    assert result["warnings"] == []


def test_second_run_stops_nothing(palette: Machines) -> None:
    take(palette)
    again = take(palette)
    assert (again["changed"], again["outcome"]) == (False, "unchanged")
    assert (again["vm_stopped"], again["vm_started"]) == (False, False)
    assert written(palette) == ["stop", "create", "start"]


def test_vm_that_is_off_stays_off(palette: Machines) -> None:
    palette.add(DB1, "Stopped")
    result = take(palette)
    assert (result["outcome"], result["vm_stopped"], result["vm_started"]) == (
        "created",
        False,
        False,
    )
    assert written(palette) == ["create"]


@pytest.mark.parametrize(
    ("shown", "strategy", "created"),
    [
        ("Stopped", "Manual", True),
        ("Stopped", "Once", True),
        ("Provisioning", "Halted", False),
        ("DataVolumeError", "Halted", False),
    ],
)
def test_vm_that_does_not_look_off_stays_off_too(
    palette: Machines, shown: str, strategy: str, created: bool
) -> None:
    palette.add(DB1, shown, strategy, created=created)
    predicted = run(palette, vm_snapshot.MODULE, offline=True, check_mode=True, **ONE)
    result = take(palette)
    assert (result["outcome"], written(palette)) == ("created", ["create"])
    assert [(r["vm_stopped"], r["vm_started"]) for r in (predicted, result)] == [(False, False)] * 2
    assert row(take_all(palette))["vm_stopped"] is False
    assert written(palette) == ["create", "create"]


@pytest.mark.parametrize("strategy", ["Always", "Once"])
def test_vm_that_kubevirt_would_start_meanwhile_is_stopped(
    palette: Machines, strategy: str
) -> None:
    palette.add(DB1, "Stopped", strategy)
    result = take(palette)
    assert (result["vm_stopped"], result["vm_started"]) == (True, True)
    assert written(palette) == ["stop", "create", "start"]


def test_vm_whose_instance_has_failed_is_stopped_when_it_has_the_next(palette: Machines) -> None:
    requests = [{"action": "Start"}]
    palette.add(DB1, "Stopped", "RerunOnFailure", stateChangeRequests=requests)
    palette.then(20, DB1, "Running")
    result = take(palette)
    assert (result["vm_stopped"], result["vm_started"]) == (True, True)
    assert written(palette) == ["stop", "stop", "create", "start"]


def test_vm_without_an_instance_that_need_not_be_stopped_is_not_started(palette: Machines) -> None:
    # Palette does not tell whether it was told to start when its disks are there.
    palette.add(DB1, "Provisioning", "Manual", created=False)
    result = take(palette)
    assert (result["reason"], result["vm_stopped"]) == ("wait_timeout", False)
    assert "VM is not running" in result["msg"]
    assert set(written(palette)) == {"stop"}


@pytest.mark.parametrize("offline", [True, False])
def test_consistency_is_refused_to_a_vm_of_which_an_instance_is_left(
    palette: Machines, offline: bool
) -> None:
    palette.add(DB1, "Stopped", "Manual", created=True)
    wanted = {**ONE, "offline": offline, "consistency": "filesystem"}
    result = run(palette, vm_snapshot.MODULE, **wanted)
    assert result["reason"] == "no_guest_agent"
    assert "has shut itself down" in result["msg"]
    assert written(palette) == []


def test_check_mode_predicts_and_stops_nothing(palette: Machines) -> None:
    check = take(palette, check_mode=True, diff_mode=True)
    assert palette.writes() == []
    assert (check["changed"], check["vm_stopped"], check["vm_started"]) == (True, True, True)
    assert check["diff"]["after"]["vm"] == "stops for the snapshot, then starts again"
    assert check["status"]["annotations"] == {
        "spectrocloud.palette/vm-off": "true",
        "spectrocloud.palette/vm-ran": "true",
    }


def test_it_is_said_what_is_stopped_before_it_is(three: Machines) -> None:
    three.add(DB2, "Stopped")
    lines: list[tuple[str, list[str]]] = []
    take_all(three, say=lambda line: lines.append((line, three.powers())), progress=False)
    (said,) = lines
    assert said[1] == []
    assert "stop 2 VMs for their snapshots" in said[0]
    assert said[0].endswith("vms/db1, vms/db3")


def test_nothing_is_said_where_nothing_is_stopped(palette: Machines) -> None:
    palette.add(DB1, "Stopped")
    lines: list[str] = []
    take(palette, say=lines.append)
    assert lines == []


def test_rows_say_what_became_of_each_vm(three: Machines) -> None:
    three.add(DB2, "Stopped")
    check = take_all(three, check_mode=True)
    result = take_all(three)
    for shown in (check, result):
        facts = {
            name: (row(shown, name)["vm_stopped"], row(shown, name)["vm_started"])
            for name in ("db1", "db2", "db3")
        }
        assert facts == {"db1": (True, True), "db2": (False, False), "db3": (True, True)}
    assert {three.state(key) for key in (DB1, DB3)} == {"Running"}


def test_rows_of_other_tasks_have_no_power(palette: Machines) -> None:
    result = run(palette, vm_snapshot_set.MODULE, members="all", **SET)
    assert "vm_stopped" not in row(result)


def test_paused_vm_blocks_and_nothing_is_stopped(three: Machines) -> None:
    three.add(DB2, "Paused")
    result = take_all(three)
    assert result["reason"] == "preflight_failed"
    assert row(result, "db2")["reason"] == "vm_paused"
    assert three.writes() == []


def test_no_more_vms_are_off_than_have_their_snapshots_taken(three: Machines) -> None:
    off: list[int] = []
    three.after = lambda _call: off.append(
        sum(three.vms[key]["spec"]["runStrategy"] == "Halted" for key in VMS)
    )
    result = take_all(three, max_in_progress="1")
    assert result["summary"]["created"] == 3
    assert max(off) == 1


def test_vm_runs_as_soon_as_its_snapshot_is_cut(palette: Machines) -> None:
    palette.course = ({}, RUNNING, SUCCEEDED)
    result = take(palette)
    assert result["reason"] == "wait_timeout"
    assert (result["vm_stopped"], result["vm_started"]) == (True, True)
    assert palette.state(DB1) == "Running"
    assert "started again" not in "".join(result["warnings"])


# What goes wrong


def test_stop_that_is_refused_leaves_the_vm_alone(palette: Machines) -> None:
    strike(palette, "stop", FORBIDDEN)
    result = take(palette)
    assert (result["reason"], result["changed"]) == ("forbidden", False)
    assert (result["vm_stopped"], result["vm_started"]) == (False, False)
    assert written(palette) == ["stop"]


def test_stop_without_end_is_given_up_and_the_vm_runs_again(palette: Machines) -> None:
    palette.takes = 900.0
    palette.after = lambda _call: setattr(palette, "takes", 2.0)
    result = take(palette)
    assert result["reason"] == "wait_timeout"
    assert "not stopped within 600 s" in result["msg"]
    assert "VM vms/db1 runs again" in result["msg"]
    assert (result["vm_stopped"], result["vm_started"]) == (True, True)
    assert palette.names() == []


def test_creation_that_is_refused_leaves_the_vm_running(palette: Machines) -> None:
    palette.fail("POST", FORBIDDEN)
    result = take(palette)
    assert result["reason"] == "forbidden"
    assert "VM vms/db1 runs again" in result["msg"]
    assert (result["vm_stopped"], result["vm_started"]) == (True, True)
    assert palette.state(DB1) == "Running"


def test_snapshot_that_fails_leaves_the_vm_running(palette: Machines) -> None:
    palette.course = (*[RUNNING] * 20, FAILED)
    result = take(palette)
    assert result["reason"] == "snapshot_failed"
    assert (result["vm_started"], palette.state(DB1)) == (True, "Running")


def test_snapshot_that_is_late_leaves_the_vm_running_when_it_is_given_up(palette: Machines) -> None:
    palette.course = (*[RUNNING] * 50, FAILED)
    result = take(palette, failure_deadline="20s", wait_timeout=30)
    assert result["reason"] == "wait_timeout"
    assert (result["vm_started"], palette.state(DB1)) == (True, "Running")


def test_vm_that_cannot_be_started_is_told_in_row_and_warning(palette: Machines) -> None:
    strike(palette, "start", FORBIDDEN)
    result = take_all(palette, max_failed=1)
    assert "failed" not in result
    told = row(result)
    assert (told["outcome"], told["reason"], told["changed"]) == ("failed", "forbidden", True)
    assert (told["vm_stopped"], told["vm_started"]) == (True, False)
    assert "could not be started again: HTTP 403" in told["msg"]
    assert any(
        "VM vms/db1 was stopped for its snapshot and may be off" in text
        for text in result["warnings"]
    )


def test_failure_of_the_snapshot_and_of_the_start_are_both_told(palette: Machines) -> None:
    palette.course = NEVER_READY
    result = take(palette, failure_deadline="20s", wait_timeout=30)
    assert result["reason"] == "wait_timeout"
    assert "snapshot s was not taken within 30 s" in result["msg"]
    assert "could not be started again: VM db1 was not running within 30 s" in result["msg"]
    assert 'until snapshot "s" completes' in result["msg"]
    assert len(result["warnings"]) == 1


@pytest.mark.parametrize("verb", ["stop", "start"])
@pytest.mark.parametrize("after", [False, True])
def test_power_call_whose_answer_is_lost(palette: Machines, verb: str, after: bool) -> None:
    strike(palette, verb, LOST, BROKEN, TIMED_OUT, after=after)
    result = take(palette)
    assert (result["outcome"], result["vm_stopped"], result["vm_started"]) == (
        "created",
        True,
        True,
    )
    assert palette.state(DB1) == "Running"


def test_calls_that_reach_nothing_have_not_changed_the_vm(palette: Machines) -> None:
    """The VM runs as it did before, which does not show that the start was carried out."""
    palette.fail("PUT", *[LOST] * 20)
    result = take(palette)
    assert (result["failed"], result["reason"], result["changed"]) == (True, LOST.reason, False)
    assert palette.state(DB1) == "Running"


@pytest.mark.parametrize("when", ["before", "after"])
def test_creation_in_doubt(palette: Machines, when: str) -> None:
    palette.fail("POST", LOST, when=when)
    palette.fail("LIST", BROKEN, BROKEN)
    result = take(palette)
    assert (result["outcome"], result["vm_started"]) == ("created", True)
    assert palette.state(DB1) == "Running"


def sick_from(palette: Machines, method: str, seconds: float) -> Callable[[Call], None]:
    """Return what lets the cluster answer nothing for so long after its first write of a kind."""

    def after(call: Call) -> None:
        if call.method == method:
            since = palette.clock.now
            palette.sick["c1"] = lambda _call: LOST if palette.clock.now < since + seconds else None

    return after


@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_cluster_that_comes_back_gets_its_vm_started(palette: Machines, method: str) -> None:
    palette.after = sick_from(palette, method, 100.0)
    take(palette)
    assert palette.state(DB1) == "Running"


@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_cluster_that_stays_away_is_told(palette: Machines, method: str) -> None:
    palette.after = sick_from(palette, method, 1e9)
    result = take(palette)
    assert result["failed"]
    assert (result["vm_stopped"], result["vm_started"]) == (True, False)
    assert "could not be started again" in result["msg"]
    assert any("start it with vm_power" in text for text in result["warnings"])


def test_vms_between_two_steps_run_again_when_nothing_more_is_begun(three: Machines) -> None:
    """Where the storage is too slow, what has not begun is dropped, but for the starts."""
    three.courses = {"db1": (*[RUNNING] * 20, FAILED)}
    three.course = ready_after(60)
    result = take_all(three, max_in_progress="2")
    assert row(result, "db3")["reason"] == "storage_too_slow"
    assert row(result, "db3")["vm_stopped"] is False
    three.clock.now += 60
    assert {three.state(key) for key in VMS} == {"Running"}


def test_no_vm_stays_off_when_palette_refuses_the_key(three: Machines) -> None:
    gone = ApiError("unauthorized", "HTTP 401: no", http_status=401)
    three.fail("POST", gone, vm_name="db2")
    take_all(three)
    three.clock.now += 60
    assert {three.state(key) for key in VMS} == {"Running"}


# Errors, and whether they come before a request is carried out or after.
_LOSSES = [
    ([error] * number, when)
    for error in (LOST, TIMED_OUT, BROKEN)
    for number in (1, 3, 5)
    for when in ("before", "after")
]
faults = st.lists(
    st.tuples(
        st.sampled_from(["VM", "PUT", "POST", "LIST"]),
        st.sampled_from([([FORBIDDEN], "before"), *_LOSSES]),
    ),
    max_size=3,
)


@given(faults, st.sampled_from([(*[RUNNING] * 3, READY), (*[RUNNING] * 20, FAILED)]))
def test_vm_runs_or_it_is_told_that_it_may_not(
    struck: list[tuple[str, tuple[list[ApiError], str]]], course: list[Json]
) -> None:
    palette = Machines()
    palette.add(DB1)
    palette.course = course
    for kind, (errors, when) in struck:
        palette.fail(kind, *errors, when=when)
    result = take(palette)
    if not runs_in_the_end(palette):
        assert result["failed"]
        assert (result["vm_stopped"], result["vm_started"]) == (True, False)
        assert any("start it with vm_power" in text for text in result["warnings"])


class TaskTimeout(BaseException):
    """Ends a task as Ansible's keyword timeout does."""


@pytest.mark.parametrize("kind", ["VM", "POST", "LIST"])
def test_task_timeout_tells_the_vm_to_start(palette: Machines, kind: str) -> None:
    palette.course = (*[RUNNING] * 3, READY)

    def strike_once(call: Call) -> None:
        if "stop db1" in palette.powers() and call.kind == kind:
            palette.before = lambda _call: None
            raise TaskTimeout

    palette.before = strike_once
    result = take(palette)
    assert result["reason"] == "task_timeout"
    assert (result["vm_stopped"], result["vm_started"]) == (True, False)
    assert "start" in written(palette)
    assert any("may be off" in text for text in result["warnings"])


def test_run_strategy_that_stays_is_started_too(palette: Machines) -> None:
    palette.add(DB1, strategy="RerunOnFailure")
    result = take(palette)
    assert (result["outcome"], palette.state(DB1)) == ("created", "Running")


def test_vm_is_not_stopped_where_another_run_has_just_taken_one(three: Machines) -> None:
    labels = own_labels("nightly")

    def meanwhile(call: Call) -> None:
        if call.method == "POST":
            three.add_snapshot("theirs", DB2, labels)
            three.before = lambda _call: None

    three.before = meanwhile
    result = take_all(three, max_in_progress="1", unless_newer_than="1h")
    assert row(result, "db2")["outcome"] == "fresh"
    assert (row(result, "db2")["vm_stopped"], row(result, "db2")["changed"]) == (False, False)
    assert "stop db2" not in three.powers()


@pytest.mark.parametrize("power", ["Stopped", "Stopping"])
def test_vm_is_started_which_a_killed_run_stopped_for_its_late_snapshot(
    palette: Machines, power: str
) -> None:
    """The killed run's creation comes when this one has looked, and found nothing."""
    palette.add(DB1, power)
    palette.then(2.0, DB1, "Stopped")
    marks = {VM_OFF: "true", VM_RAN: "true"}

    def meanwhile(call: Call) -> None:
        if call.method == "POST":
            palette.before = lambda _call: None
            palette.add_snapshot("db1-nightly", DB1, own_labels("nightly"), annotations=marks)

    palette.before = meanwhile
    result = take_all(palette)
    assert (row(result)["outcome"], row(result)["changed"]) == ("unchanged", True)
    assert row(result)["vm_started"]
    assert palette.state(DB1) == "Running"


def test_vm_is_not_stopped_where_it_may_not_be_looked_at_again(three: Machines) -> None:
    """The look before a stop is refused, and so is all that comes after it."""

    def forbid(call: Call) -> None:
        if call.kind == "LIST" and "start db1" in three.powers():
            raise copy_of(FORBIDDEN)

    three.before = forbid
    result = take_all(three, max_in_progress="1", unless_newer_than="1h")
    assert row(result, "db2")["reason"] == FORBIDDEN.reason
    assert not row(result, "db2")["vm_stopped"]
    assert "stop db2" not in three.powers()
    assert all(three.state(vm) == "Running" for vm in VMS)


# Killed


class Killed(KeyboardInterrupt):
    """The process is gone."""


def requests_of_a_run() -> int:
    """Return how many requests a task sends."""
    palette = Machines()
    palette.add(DB1)
    take(palette)
    return len(palette.calls)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("number", range(requests_of_a_run()))
def test_killed_at_a_request(palette: Machines, number: int, after: bool) -> None:
    """The VM runs after the next run, unless it was stopped and nothing could say so yet."""

    def kill(_call: Call) -> None:
        if len(palette.calls) == number + 1:
            raise Killed

    if after:
        palette.after = kill
    else:
        palette.before = kill
    try:
        take(palette)
    except Killed:
        palette.before = palette.after = lambda _call: None
    palette.clock.now += 5
    stopped, recorded = "stop db1" in palette.powers(), palette.names() == ["s"]
    no_record = stopped and not recorded and palette.state(DB1) != "Running"
    result = take(palette)
    assert "failed" not in result
    assert result["status"]["ready_to_use"]
    assert runs_in_the_end(palette) is not no_record
    again = take(palette)
    assert (again["changed"], palette.names()) == (False, ["s"])


def test_kill_without_a_record_is_healed_by_vm_power(palette: Machines) -> None:
    def kill(_call: Call) -> None:
        palette.after = lambda _call: None
        raise Killed

    palette.after = kill
    with pytest.raises(Killed):
        take(palette)
    palette.clock.now += 5
    assert take(palette)["vm_started"] is False
    assert palette.state(DB1) == "Stopped"
    place = {name: ONE[name] for name in ("cluster_uid", "namespace", "vm_name")}
    run(palette, vm_power.MODULE, state="started", **place)
    assert palette.state(DB1) == "Running"


# Options


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"wait": False}, "offline: true requires wait: true"),
        ({"failure_deadline": "0"}, "failure_deadline: must not be 0 with offline: true"),
        ({"failure_deadline": "soon"}, "failure_deadline: "),
        ({"wait_timeout": 300}, "wait_timeout: must be more than failure_deadline (5m)"),
        (
            {"definition": {"spec": {"failureDeadline": "20m"}}},
            "wait_timeout: must be more than failure_deadline (20m)",
        ),
    ],
)
def test_offline_needs_time_for_the_start(palette: Machines, options: Json, problem: str) -> None:
    for result in (take(palette, **options), take_all(palette, **options)):
        assert result["reason"] == "invalid_parameters"
        assert result["problems"][0].startswith(problem)
    assert palette.calls == []


def test_offline_does_nothing_to_what_is_deleted(palette: Machines) -> None:
    take(palette)
    result = take(palette, state="absent", wait=False)
    assert (result["outcome"], result["vm_stopped"]) == ("deleted", False)
    assert written(palette) == ["stop", "create", "start"]


def test_our_annotations_are_reserved(palette: Machines) -> None:
    result = take(palette, annotations={"spectrocloud.palette/vm-ran": "true"})
    assert result["reason"] == "invalid_parameters"

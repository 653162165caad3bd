# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which VMs are stopped for a snapshot, and which are started again, also by a later run."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from ansible_collections.spectrocloud.palette.plugins.module_utils._palette.objects import (
    write_time,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._power.plan import START, STOP
from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots.model import (
    VM_OFF,
    VM_RAN,
    Snapshot,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots.plan import (
    CREATE,
    DELETE,
    KEEP,
    REFUSE,
    plan_present,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots.wait import Goal
from ansible_collections.spectrocloud.palette.plugins.module_utils._vms.model import VirtualMachine
from unit.builders import NOW, desired_snapshot, own_labels, snapshot, vm

DESIRED = desired_snapshot(name="s", offline=True)
SECOND = timedelta(seconds=1)
OFF: dict[str, Any] = {"printable_status": "Stopped", "running": False, "run_strategy": "Halted"}
ON: dict[str, Any] = {"printable_status": "Running", "running": True, "run_strategy": "Always"}
RAN = {VM_OFF: "true", VM_RAN: "true"}


def machine(state: dict[str, Any], **fields: Any) -> VirtualMachine:
    """Return a VM in a state."""
    return vm()._replace(**{**state, **fields})


def off_since(moment: Any, **fields: Any) -> VirtualMachine:
    """Return a VM that went off at a time."""
    return machine(OFF, ready_since=write_time(moment) or "", **fields)


def taken(**fields: Any) -> Snapshot:
    """Return a snapshot of ours, for which its VM was stopped."""
    marks = {"labels": own_labels(), "annotations": RAN, "created": NOW}
    return snapshot(**{**marks, **fields})


def test_vm_that_runs_is_off_till_its_snapshot_is_cut() -> None:
    action = plan_present(DESIRED, None, machine(ON))
    steps = [(step.write, step.goal) for step in action.steps]
    assert steps == [(STOP, None), (CREATE, Goal.CUT), (START, None), (None, Goal.READY)]
    assert (action.stops, action.starts) == (True, True)
    assert action.after
    assert action.after["metadata"]["annotations"] == RAN


def test_vm_stops_only_when_its_snapshots_turn_has_come() -> None:
    busy = machine(ON, snapshot_in_progress="other")
    old = taken(phase="Failed", ready=False)
    action = plan_present(DESIRED, old, busy, replace=True)
    assert [step.write for step in action.steps][:4] == [None, DELETE, STOP, CREATE]


def test_vm_that_is_off_is_only_snapshotted() -> None:
    action = plan_present(DESIRED, None, machine(OFF))
    assert [step.write for step in action.steps] == [CREATE]
    assert (action.stops, action.starts) == (False, False)
    assert action.after
    assert action.after["metadata"]["annotations"] == {VM_OFF: "true"}


def test_vm_that_somebody_stops_is_waited_for_and_stays_off() -> None:
    action = plan_present(DESIRED, None, machine(ON, run_strategy="Halted"))
    assert [step.write for step in action.steps] == [STOP, CREATE]
    assert (action.stops, action.starts) == (True, False)


def test_paused_vm_is_refused() -> None:
    action = plan_present(DESIRED, None, machine(ON, paused=True))
    assert (action.verb, action.reason) == (REFUSE, "vm_paused")
    assert "cannot shut down" in action.message


def test_consistency_needs_no_guest_agent_of_a_vm_that_is_stopped() -> None:
    wanted = desired_snapshot(name="s", offline=True, consistency="filesystem")
    action = plan_present(wanted, None, machine(ON, guest_agent=False))
    assert (action.verb, action.steps[-1].goal) == (CREATE, Goal.QUIESCED)


def test_run_strategy_that_is_lost_is_told() -> None:
    notes = plan_present(DESIRED, None, machine(ON, run_strategy="Once")).notes
    assert any("was Once and will be Always" in note for note in notes)


def test_snapshot_that_exists_stops_nothing() -> None:
    action = plan_present(DESIRED, taken(), machine(ON), [taken()])
    assert (action.verb, action.changes, action.stops, action.starts) == (KEEP, False, False, False)


@pytest.mark.parametrize(
    ("went_off", "starts"),
    [(NOW - SECOND, True), (NOW, True), (NOW + SECOND, False), (None, False)],
)
def test_vm_is_started_again_unless_it_was_started_since(went_off: Any, starts: bool) -> None:
    action = plan_present(DESIRED, taken(), off_since(went_off), [taken()])
    assert (action.verb, action.starts, action.changes) == (KEEP, starts, starts)
    assert [step.write for step in action.steps] == ([START, None] if starts else [None])


def test_what_palette_does_not_tell_is_told() -> None:
    action = plan_present(DESIRED, taken(), off_since(None), [taken()])
    assert action.notes
    assert "start it with vm_power" in action.notes[0]


def test_vm_is_started_when_a_snapshot_in_progress_is_cut() -> None:
    current = taken(phase="InProgress", ready=False)
    action = plan_present(DESIRED, current, off_since(NOW), [current])
    goals = [(step.write, step.goal) for step in action.steps]
    assert goals == [(None, Goal.CUT), (START, None), (None, Goal.READY)]


def test_vm_that_an_earlier_run_left_off_runs_after_its_next_snapshot() -> None:
    action = plan_present(DESIRED, None, off_since(NOW), [taken(name="earlier")])
    assert [step.write for step in action.steps] == [CREATE, START, None]
    assert action.after
    assert VM_RAN in action.after["metadata"]["annotations"]


def test_refusal_says_that_the_vm_was_left_off() -> None:
    current = taken(phase="Failed", ready=False)
    action = plan_present(DESIRED, current, off_since(NOW), [current])
    assert (action.verb, action.reason, action.changes) == (REFUSE, "snapshot_failed", False)
    assert "is off: start it with vm_power" in action.message


@pytest.mark.parametrize(
    ("current", "machine_"),
    [
        (taken(labels={}), off_since(NOW)),
        (taken(annotations={VM_OFF: "true"}), off_since(NOW)),
        (taken(), off_since(NOW, created=NOW + SECOND)),
    ],
    ids=["not ours", "was off before", "of a former VM"],
)
def test_nothing_is_started_for_other_snapshots(
    current: Snapshot, machine_: VirtualMachine
) -> None:
    action = plan_present(DESIRED, None, machine_, [current])
    assert (action.verb, action.starts) == (CREATE, False)


def test_nothing_is_started_without_offline() -> None:
    action = plan_present(desired_snapshot(name="s"), taken(), off_since(NOW), [taken()])
    assert (action.verb, action.starts) == (KEEP, False)

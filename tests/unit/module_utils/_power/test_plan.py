# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which call leads a VM from a state to another, and what a poll shows of it."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.spectrocloud.palette.plugins.module_utils._power.plan import (
    PAUSE,
    RESTART,
    RESUME,
    START,
    STOP,
    Goal,
    applies,
    plan,
    reached,
    shows,
    stop_seen,
    strategy_after,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._vms.model import VirtualMachine
from unit.builders import vm

STATES: dict[str, dict[str, Any]] = {
    "off": {"printable_status": "Stopped", "run_strategy": "Halted"},
    "starting": {"printable_status": "Starting", "running": True, "run_strategy": "Always"},
    "on": {
        "printable_status": "Running",
        "running": True,
        "ready": True,
        "ready_since": "t1",
        "run_strategy": "Always",
    },
    "coming up": {"printable_status": "Stopped", "run_strategy": "Always"},
    "failed": {
        "printable_status": "Stopped",
        "run_strategy": "RerunOnFailure",
        "start_requested": True,
    },
    "migrating": {
        "printable_status": "Migrating",
        "running": True,
        "ready": True,
        "run_strategy": "Always",
    },
    "paused": {
        "printable_status": "Paused",
        "running": True,
        "ready": True,
        "paused": True,
        "run_strategy": "Always",
    },
    "stopping": {"printable_status": "Stopping", "running": True, "run_strategy": "Halted"},
    "told to stop": {
        "printable_status": "Running",
        "running": True,
        "ready": True,
        "run_strategy": "Halted",
    },
    "off with an instance": {
        "printable_status": "Stopped",
        "running": True,
        "run_strategy": "Halted",
    },
}


def machine(state: str, **fields: Any) -> VirtualMachine:
    """Return a VM in a state."""
    return vm()._replace(**{**STATES[state], **fields})


@pytest.mark.parametrize(
    ("state", "before", "expected"),
    [
        ("started", "off", START),
        ("started", "starting", None),
        ("started", "on", None),
        ("started", "migrating", None),
        ("started", "coming up", None),
        ("started", "failed", None),
        ("started", "paused", RESUME),
        ("started", "stopping", START),
        ("started", "told to stop", START),
        ("stopped", "off", None),
        ("stopped", "starting", STOP),
        ("stopped", "on", STOP),
        ("stopped", "migrating", STOP),
        ("stopped", "coming up", STOP),
        ("stopped", "failed", STOP),
        ("stopped", "paused", STOP),
        ("stopped", "stopping", None),
        ("stopped", "off with an instance", None),
        ("paused", "off", "not_running"),
        ("paused", "starting", PAUSE),
        ("paused", "on", PAUSE),
        ("paused", "paused", None),
        ("resumed", "off", "not_running"),
        ("resumed", "starting", None),
        ("resumed", "on", None),
        ("resumed", "paused", RESUME),
        ("restarted", "off", START),
        ("restarted", "starting", None),
        ("restarted", "on", RESTART),
        ("restarted", "migrating", RESTART),
        ("restarted", "coming up", None),
        ("restarted", "failed", None),
        ("restarted", "paused", RESTART),
        ("restarted", "stopping", START),
    ],
)
def test_plan_chooses_the_call_for_state(state: str, before: str, expected: str | None) -> None:
    planned = plan(state, machine(before))
    sent = planned.step.verb if planned.step and planned.changes else None
    assert (planned.reason or sent) == expected


@pytest.mark.parametrize("before", ["starting", "stopping", "off with an instance"])
def test_plan_waits_for_what_is_on_its_way(before: str) -> None:
    state = "started" if before == "starting" else "stopped"
    planned = plan(state, machine(before))
    assert planned.step
    assert not planned.changes


@pytest.mark.parametrize("state", ["started", "stopped", "paused", "resumed", "restarted"])
def test_plan_refuses_a_vm_that_is_being_deleted_or_cannot_be_read(state: str) -> None:
    assert plan(state, machine("on", deleting=True)).reason == "vm_terminating"
    assert plan(state, machine("on", unreadable="odd")).reason == "malformed_response"


@pytest.mark.parametrize(
    ("goal", "states"),
    [
        (Goal.RUNNING, {"on", "migrating"}),
        (Goal.STOPPED, {"off"}),
        (Goal.PAUSED, {"paused"}),
        (Goal.RENEWED, {"on", "migrating"}),
    ],
)
def test_reached_takes_these_states_and_no_others(goal: Goal, states: set[str]) -> None:
    assert {state for state in STATES if reached(goal, machine(state))} == states


def test_running_vm_that_is_not_ready_is_not_reached() -> None:
    assert not reached(Goal.RUNNING, machine("on", ready=False))


@pytest.mark.parametrize(
    ("changes", "seen"),
    [
        ({}, False),
        ({"ready_since": "t2"}, True),
        ({"ready": False}, True),
        ({"printable_status": "Stopping"}, True),
        ({"running": False, "printable_status": "Stopped"}, True),
    ],
)
def test_stop_seen_by_a_new_time_of_ready_or_a_stop(changes: dict[str, Any], seen: bool) -> None:
    before = machine("on")
    assert stop_seen(before, before._replace(**changes)) is seen


def test_stop_seen_believes_no_vm_that_becomes_ready_for_the_first_time() -> None:
    assert not stop_seen(machine("starting"), machine("on"))


@pytest.mark.parametrize(
    ("verb", "states"),
    [
        (START, {"starting", "coming up", "failed", "on", "migrating", "paused"}),
        (STOP, {"off", "stopping", "told to stop", "off with an instance"}),
        (PAUSE, {"paused"}),
        (
            RESUME,
            {"starting", "on", "migrating", "stopping", "told to stop", "off with an instance"},
        ),
    ],
)
def test_shows_that_a_call_was_carried_out(verb: str, states: set[str]) -> None:
    before = machine("off" if verb == START else "on")
    assert {state for state in STATES if shows(verb, before, machine(state))} == states


@pytest.mark.parametrize(
    ("verb", "states"),
    [
        (START, {"off"}),
        (STOP, {"starting", "coming up", "on", "migrating", "paused"}),
        (PAUSE, {"on"}),
        (RESUME, {"paused"}),
        (RESTART, {"starting", "on", "migrating", "paused"}),
    ],
)
def test_applies_in_these_states_and_no_others(verb: str, states: set[str]) -> None:
    assert {state for state in STATES if applies(verb, machine(state))} == states


@pytest.mark.parametrize("lock", ["snapshot_in_progress", "restore_in_progress"])
@pytest.mark.parametrize(
    ("verb", "state", "may"),
    [
        (START, "off", False),
        (STOP, "on", False),
        (RESUME, "paused", False),
        (PAUSE, "on", True),
        (RESTART, "on", True),
    ],
)
def test_applies_knows_what_a_snapshot_or_restore_keeps_from(
    verb: str, state: str, may: bool, lock: str
) -> None:
    assert applies(verb, machine(state, **{lock: "s"})) is may


@pytest.mark.parametrize(
    ("before", "stopped", "started", "after"),
    [
        ("Always", True, True, "Always"),
        ("Always", True, False, "Halted"),
        ("Once", True, True, "Always"),
        ("Halted", False, True, "Always"),
        ("Halted", False, False, "Halted"),
        ("Manual", True, True, "Manual"),
        ("RerunOnFailure", True, False, "RerunOnFailure"),
    ],
)
def test_run_strategy(before: str, stopped: bool, started: bool, after: str) -> None:
    assert strategy_after(before, stopped, started) == after

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans the call that leads a virtual machine to its state. No requests, no clock."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from .._vms.model import ALWAYS, HALTED, ONCE, VirtualMachine

_ENDED_BY_A_STOP = (ALWAYS, ONCE)

# Of a VM that migrates, KubeVirt says that, and not that it runs.
_MIGRATING = "Migrating"
_RUNS = ("Running", _MIGRATING)

START, STOP, PAUSE, RESUME, RESTART = "start", "stop", "pause", "resume", "restart"
# The states of the option, which are also the outcomes, by the calls that lead to them.
STATES = {
    START: "started",
    STOP: "stopped",
    PAUSE: "paused",
    RESUME: "resumed",
    RESTART: "restarted",
}


class Goal(Enum):
    """What a virtual machine is waited for to be, in a word of the results."""

    RUNNING = "running"
    STOPPED = "stopped"
    PAUSED = "paused"
    RENEWED = "running again"


class Step(NamedTuple):
    """One call, and the goal to wait for.

    on_its_way: whether the VM comes there by itself, so that the call is sent only if it does not.
    """

    verb: str
    goal: Goal
    on_its_way: bool = False


class Plan(NamedTuple):
    """What to do with a VM: a step, or none. reason and message: why it cannot be done."""

    step: Step | None = None
    reason: str = ""
    message: str = ""

    @property
    def changes(self) -> bool:
        """Whether a call will be sent."""
        return self.step is not None and not self.step.on_its_way


def plan(state: str, vm: VirtualMachine) -> Plan:
    """Plan for a VM that exists to have a state: one of the option's."""
    if vm.unreadable:
        return Plan(None, "malformed_response", vm.unreadable_text)
    if vm.deleting:
        return Plan(None, "vm_terminating", vm.terminating_text)
    if state in (STATES[PAUSE], STATES[RESUME]) and vm.seen_off:
        return Plan(None, "not_running", off_text(vm, state))
    step = _PLANS[state](vm)
    return Plan() if step and step.verb != RESTART and reached(step.goal, vm) else Plan(step)


def off_text(vm: VirtualMachine, state: str) -> str:
    """Return the text that a VM which is off cannot have a state."""
    return f"VM {vm.key.vm_name} is off, and cannot be {state}: start it first"


def reached(goal: Goal, vm: VirtualMachine) -> bool:
    """Say whether a VM is as wanted; of a restart only that it runs.

    See docs/palette.md, "Power".
    """
    if goal is Goal.STOPPED:
        return vm.seen_off
    if goal is Goal.PAUSED:
        return vm.running and vm.paused
    shown = vm.printable_status in _RUNS and not vm.paused
    return vm.running and vm.ready and shown and not stopping(vm)


def stopping(vm: VirtualMachine) -> bool:
    """Say whether a VM is on its way to be off, and stays off then."""
    told = vm.printable_status in ("Stopping", "Stopped")
    return vm.running and (vm.run_strategy == HALTED or (told and not vm.run_strategy))


def strategy_after(before: str, stopped: bool, started: bool) -> str:
    """Return the run strategy that stop and start leave. See docs/palette.md, "Power"."""
    strategy = HALTED if stopped and before in _ENDED_BY_A_STOP else before
    return ALWAYS if started and strategy == HALTED else strategy


def strategy_note(vm_name: str, before: str, stopped: bool) -> str:
    """Return the text that a VM which is started afterwards loses its run strategy, or nothing."""
    after = strategy_after(before, stopped, started=True)
    if before in ("", HALTED, after):
        return ""
    text = f"the run strategy of VM {vm_name} was {before} and will be {after}"
    return f"{text}: Palette's calls cannot set it back"


def stop_seen(before: VirtualMachine, vm: VirtualMachine) -> bool:
    """Say whether a VM shows that its instance ends, has ended or is a new one."""
    if not vm.running or vm.printable_status in ("Stopping", "Stopped"):
        return True
    # What was not ready before may become so with the same instance.
    return before.ready and (not vm.ready or vm.ready_since != before.ready_since)


def shows(verb: str, before: VirtualMachine, vm: VirtualMachine) -> bool:
    """Say whether a VM shows that a call was carried out. before: as it was then."""
    if verb == START:
        return vm.is_on and not stopping(vm)
    if verb == STOP:
        return not vm.is_on or vm.printable_status == "Stopping" or stopping(vm)
    if verb == RESTART:
        return stop_seen(before, vm)
    return vm.running and vm.paused == (verb == PAUSE)


def applies(verb: str, vm: VirtualMachine) -> bool:
    """Say whether a call may succeed now that was refused before, or not sent."""
    if verb in (START, STOP, RESUME) and (vm.snapshot_in_progress or vm.restore_in_progress):
        return False
    if verb == START:
        return vm.seen_off
    if verb == PAUSE:
        return reached(Goal.RUNNING, vm) and vm.printable_status != _MIGRATING
    if verb == STOP and vm.comes_up:
        return vm.run_strategy in _ENDED_BY_A_STOP
    return vm.running and not stopping(vm) and (verb != RESUME or vm.paused)


def _started(vm: VirtualMachine) -> Step:
    if vm.paused and not stopping(vm):
        return Step(RESUME, Goal.RUNNING)
    return Step(START, Goal.RUNNING, on_its_way=vm.is_on and not stopping(vm))


def _stopped(vm: VirtualMachine) -> Step:
    return Step(STOP, Goal.STOPPED, on_its_way=stopping(vm))


def _resumed(vm: VirtualMachine) -> Step:
    return Step(RESUME, Goal.RUNNING, on_its_way=not vm.paused)


def _restarted(vm: VirtualMachine) -> Step:
    if not vm.is_on or stopping(vm):
        return Step(START, Goal.RUNNING)
    if vm.comes_up or vm.printable_status in ("Starting", "Stopping"):
        # As after a restart whose task was interrupted.
        return Step(START, Goal.RUNNING, on_its_way=True)
    return Step(RESTART, Goal.RENEWED)


_PLANS = {
    STATES[START]: _started,
    STATES[STOP]: _stopped,
    STATES[PAUSE]: lambda _vm: Step(PAUSE, Goal.PAUSED),
    STATES[RESUME]: _resumed,
    STATES[RESTART]: _restarted,
}

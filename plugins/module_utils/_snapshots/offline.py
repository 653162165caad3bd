# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The work on snapshots whose VMs are off meanwhile: stopped before, and started again after."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from .._execution.waiting import Waiting
from .._http.deadline import give_up_at
from .._http.errors import ApiError
from .._palette.vms import ClusterVms
from .._power import plan as power_plan
from .._power.answers import locked
from .._power.plan import START, STOP
from .._power.work import Found as FoundVms
from .._power.work import PowerMember, PowerWork
from .._validation.printable import first_few
from .member import SnapshotMember
from .plan import Step
from .plan_offline import left_off_by
from .steps import Found, SnapshotWork
from .wait import Goal

_LAST_CALL = 10.0  # seconds for a call of a task that has to end
_NAMED = 10  # VMs; more are counted


class Seen(NamedTuple):
    """What a poll returned: only what steps wait for was asked for."""

    vms: FoundVms
    snapshots: Found


class OfflineWork(SnapshotWork):
    """The work on the snapshots of one cluster, and on the power of their VMs.

    A VM that was stopped is started again whatever happens to its snapshot. say: takes a line for
    the screen, in which it is said which VMs will be stopped.
    """

    def __init__(self, api: ClusterVms, waiting: Waiting, say: Callable[[str], None]) -> None:
        super().__init__(api, waiting)
        self._power = PowerWork(api, waiting)
        self._say = say

    def expect(self, members: Sequence[SnapshotMember]) -> None:
        """Say which VMs will be stopped, before the first one is."""
        notice = _stop_notice(members)
        if notice:
            self._say(f"cluster {self.api.cluster.name}: {notice}")

    def begin(self, member: SnapshotMember) -> None:
        """Do the write of a member's next step, or its power call."""
        if _of_power(member):
            self._begin_power(member)
        else:
            super().begin(member)
            _start_too(member)
        self._put_back(member)

    def must_look_first(self, member: SnapshotMember) -> bool:
        """Say whether a member waits for a list, because it could not be looked at again."""
        waits = super().must_look_first(member)
        _start_too(member)
        return waits

    def poll(self, members: Sequence[SnapshotMember]) -> Any:
        """Return the VMs of members that wait for their power, and the snapshots of all others."""
        powers = [member.power for member in members if member.power]
        others = [member for member in members if not member.power]
        return Seen(
            self._power.poll(powers) if powers else {},
            super().poll(others) if others else {},
        )

    def read(self, member: SnapshotMember, found: Any, now: float) -> None:
        """Go on with a member by what a poll returned."""
        if member.power:
            self._power.read(member.power, found.vms, now)
            _take_over(member, member.power)
        else:
            super().read(member, found.snapshots, now)
            _start_too(member)
        self._put_back(member)

    def give_up(self, member: SnapshotMember, poll_error: str) -> None:
        """Give a member up whose time is over."""
        if member.power:
            self._power.give_up(member.power, poll_error)
            _take_over(member, member.power)
        else:
            super().give_up(member, poll_error)
        self._put_back(member)

    def fail(self, member: SnapshotMember, error: ApiError) -> None:
        """Give a member up whose polls are refused."""
        if member.power:
            self._power.fail(member.power, error)
            _take_over(member, member.power)
        else:
            super().fail(member, error)
        self._put_back(member)

    def drop(self, member: SnapshotMember, error: ApiError) -> None:
        """Give a member up that was to go on. One whose snapshot is taken goes on all the same."""
        if member.off_or_started and all(step.write in (None, START) for step in member.steps):
            return
        super().drop(member, error)
        self._put_back(member)

    def abandon(self, member: SnapshotMember, error: ApiError) -> None:
        """Fail a member at once. Its VM is told to start, which nobody sees."""
        if not member.owes_start:
            super().abandon(member, error)
            return
        member.cause = member.cause or error
        member.fail(self._told_to_start(member))

    def _begin_power(self, member: SnapshotMember) -> None:
        step = member.steps[0]
        if not member.power:
            try:
                if self.must_look_first(member):
                    return
            except ApiError as error:
                member.failure = error
                return
            if member.adopted and not member.owes_start:
                return
            member.power = _call_for(step, member)
        self._power.begin(member.power)
        _take_over(member, member.power)

    def _put_back(self, member: SnapshotMember) -> None:
        """Start the VM of a member that has just failed, or say that this failed too."""
        error = member.failure
        if error is None or not member.owes_start:
            return
        if member.steps[0].write != START:
            vm = member.vm or next((step.vm for step in member.steps if step.vm), None)
            member.put_back(error, [Step(START, member.steps[0].name, None, vm=vm)])
        elif member.cause:
            member.fail(f"{_not_started(member)}: {error.message}")
        else:
            error.message = f"the snapshot was taken, but {_not_started(member)}: {error.message}"

    def _told_to_start(self, member: SnapshotMember) -> str:
        """Tell a VM to start for the last time, and return how that went."""
        if member.power and member.power.done == START:
            return f"{_vm(member)} was told to start, and is not seen to run yet"
        if self.api.breaker.open:
            return f"{_not_started(member)}, because the cluster does not answer"
        key = member.key
        try:
            with give_up_at(time.monotonic() + _LAST_CALL):
                self.api.power(START, key.vm_name, key.namespace)
        except ApiError as error:
            return f"{_not_started(member)}: {error.message}"
        return f"{_vm(member)} was told to start, and is not seen to run yet"


def left_off(member: SnapshotMember) -> str:
    """Return the text that a VM may be off because of this task; empty if it is not."""
    if not (member.failure and member.owes_start):
        return ""
    return f"{_vm(member)} was stopped for its snapshot and may be off: start it with vm_power"


def _stop_notice(members: Iterable[SnapshotMember]) -> str:
    """Return the text of which VMs are going to be stopped; empty if none is."""
    names = [
        f"{member.key.namespace}/{member.key.vm_name}"
        for member in members
        if any(step.write == STOP for step in member.steps)
    ]
    if not names:
        return ""
    vms = "1 VM for its snapshot" if len(names) == 1 else f"{len(names)} VMs for their snapshots"
    return f"going to stop {vms}, and to start again what ran: {first_few(names, _NAMED)}"


def _of_power(member: SnapshotMember) -> bool:
    return member.steps[0].write in (STOP, START)


def _call_for(step: Step, member: SnapshotMember) -> PowerMember:
    """Return the call of a power step, to the VM as last seen."""
    vm: Any = member.vm or step.vm
    if step.write == START:
        return PowerMember(vm, power_plan.Step(START, power_plan.Goal.RUNNING))
    return PowerMember(vm, power_plan.plan("stopped", vm).step)


def _start_too(member: SnapshotMember) -> None:
    """Start a VM, too, that another run stopped for the snapshot which is taken for our own.

    That run may have been killed, and its request was still under way when this one looked.
    """
    if not (member.adopted and member.seen and member.active) or member.off_or_started:
        return
    ready = member.steps[0]
    vm = member.vm or ready.vm
    if vm and left_off_by(member.seen, vm):
        start = Step(START, ready.name, None, vm=vm)
        last = ready._replace(write=None, uid=member.seen.uid)
        member.steps = deque([ready._replace(goal=Goal.CUT), start, last])
        member.owes_start = True


def _take_over(member: SnapshotMember, power: PowerMember) -> None:
    """Let a member be as its power call is."""
    stops = member.steps[0].write == STOP
    if stops and _may_be_stopped(power):
        member.stopped = True
        member.owes_start = any(step.write == START for step in member.steps)
    member.powered = member.powered or power.changed
    member.deadline, member.missing_since = power.deadline, power.missing_since
    member.doubt, member.doubted_at = power.doubt, power.doubted_at
    member.vm, member.failure = power.seen, power.failure
    if power.active:
        return
    member.power = None
    if power.failure:
        return
    if not stops:
        _note_start(member)
    member.advance()


def _note_start(member: SnapshotMember) -> None:
    member.started, member.owes_start = True, False
    if member.cause:
        member.reverted.append(f"{_vm(member)} runs again")
    elif member.seen and not member.rewritten:
        # What is waited for next is this snapshot, and no later one of the name.
        member.steps[1] = member.steps[1]._replace(uid=member.seen.uid)


def _may_be_stopped(power: PowerMember) -> bool:
    """Say whether a stop may have been carried out, at whoever's request."""
    refusal = power.refusal if power.before.running else None
    refused = refusal is not None and not locked(refusal.message)
    return bool(power.done or power.doubt or refused)


def _vm(member: SnapshotMember) -> str:
    return f"VM {member.key.namespace}/{member.key.vm_name}"


def _not_started(member: SnapshotMember) -> str:
    return f"{_vm(member)} could not be started again"

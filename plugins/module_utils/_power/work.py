# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends the power calls, and goes on by what polls show."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from functools import partial

from .._execution.doubt import InDoubtError
from .._execution.member import Member
from .._execution.waiting import wait_timed_out
from .._execution.work import Work
from .._http.errors import ApiError
from .._vms.model import VirtualMachine, VmKey
from .._vms.observe import find_vm, list_vms
from . import answers
from .plan import RESTART, START, STATES, Goal, Step, applies, off_text, reached, shows, stop_seen

_AGAIN = 2.0  # seconds before a call that was refused is sent again

Found = Mapping[VmKey, VirtualMachine]


class PowerMember(Member[Step]):
    """One virtual machine that is to be started, stopped, or the like.

    before: as it was when that was planned; seen: as last seen. done: the call that was accepted.
    refusal: why it was not, as long as that may pass. stop_seen: whether the instance of before was
    seen to end. sent_at: when the call was last sent. give_up_at: when to send it no more.
    """

    def __init__(self, before: VirtualMachine, step: Step | None) -> None:
        super().__init__(before.key, [step] if step else [])
        self.before = before
        self.seen = before
        self.done: str | None = None
        self.refusal: ApiError | None = None
        self.stop_seen = False
        self.sent_at = -math.inf
        self.give_up_at = math.inf

    @property
    def waits_for(self) -> str:
        """What it waits for, after "waiting"."""
        step = self.step
        if self.refusal and answers.locked(self.refusal.message):
            return "for its snapshot or restore to end"
        return f"to be {step.goal.value}" if step else ""

    @property
    def phase(self) -> str:
        """What the last poll said of it."""
        return self.seen.printable_status


class PowerWork(Work[PowerMember]):
    """The power calls of one cluster."""

    def begin(self, member: PowerMember) -> None:
        """Send a member's call. What KubeVirt refuses for now, polls decide."""
        now = time.monotonic()
        step, timeout = member.steps[0], self.waiting.timeout
        member.give_up_at = min(member.give_up_at, now + timeout)
        member.deadline = member.give_up_at
        if step.on_its_way:
            if not self.waiting.enabled:
                member.advance()
            return
        member.sent_at, member.refusal = now, None
        try:
            self.api.power(step.verb, member.key.vm_name, member.key.namespace)
        except ApiError as error:
            _refused(member, error)
        else:
            self._accepted(member, time.monotonic())

    def poll(self, members: Sequence[PowerMember]) -> Found:
        """Return the members' VMs."""
        if len(members) == 1:
            # One VM, and not all pages of its namespace.
            vm = find_vm(self.api, members[0].key)
            return {vm.key: vm} if vm else {}
        listed = list_vms(self.api, {member.key.namespace for member in members})
        return {vm.key: vm for vm in listed}

    def probe(self, key: VmKey) -> object:
        """Ask for a VM, whether it is there or not."""
        return find_vm(self.api, key)

    def read(self, member: PowerMember, found: Found, now: float) -> None:
        """Go on with a member by what a poll returned."""
        vm = found.get(member.key)
        if vm is None or vm.unreadable:
            _missing(member, vm, now)
            return
        member.missing_since, member.seen = None, vm
        if member.doubt and not self._carried_out(member, member.doubt, vm, now):
            return
        if member.done:
            member.stop_seen = member.stop_seen or stop_seen(member.before, vm)
        step = member.steps[0]
        if vm.deleting:
            member.failure = ApiError("vm_terminating", vm.terminating_text)
        elif self._done(member, step, vm):
            member.advance()
        elif not member.done:
            _try_again(member, step, vm, now)

    def give_up(self, member: PowerMember, poll_error: str) -> None:
        """Fail a member whose time is over."""
        if member.doubt:
            member.failure = member.doubt.end
            return
        goal, limit = member.steps[0].goal.value, self.waiting.limit
        texts = [f"VM {member.key.vm_name} was not {goal} within {limit}"]
        texts.append(f"Palette shows it as {member.seen.printable_status or 'Unknown'}")
        if member.refusal:
            texts.append(f"the call was refused till then: {member.refusal.message}")
        member.failure = wait_timed_out(texts, poll_error)

    def _accepted(self, member: PowerMember, now: float) -> None:
        member.changed, member.done = True, member.steps[0].verb
        member.refusal = None
        member.deadline = now + self.waiting.timeout
        if not self.waiting.enabled:
            member.advance()

    def _carried_out(
        self, member: PowerMember, doubt: InDoubtError, vm: VirtualMachine, now: float
    ) -> bool:
        """Say whether a list shows that the call in doubt was carried out, and work is left."""
        # When its time is over, it is not sent once more.
        retries = self.api.retries if now < member.give_up_at else 0
        try:
            if not member.settle_doubt(doubt, vm, now, retries):
                return False
        except ApiError as error:
            member.failure = error
            return False
        # A VM that was so before shows nothing of the call.
        changed = member.changed or not doubt.settle(member.before)
        self._accepted(member, now)
        member.changed = changed
        return member.active

    def _done(self, member: PowerMember, step: Step, vm: VirtualMachine) -> bool:
        if member.done and vm.ended:
            # KubeVirt takes away the instance of a VM that it was told to stop or to start.
            return False
        if step.goal is Goal.RENEWED:
            return bool(member.done) and member.stop_seen and reached(step.goal, vm)
        if not self.waiting.enabled:
            return shows(step.verb, member.before, vm)
        return reached(step.goal, vm)


def _refused(member: PowerMember, error: ApiError) -> None:
    """Sort out why a call was not accepted, or may not have been."""
    text = error.message
    if answers.locked(text) or answers.of_the_state(text):
        member.refusal = error
    elif answers.of_the_strategy(text):
        member.failure = ApiError("run_strategy", text, **error.facts)
    elif error.outcome_unknown:
        settle = partial(shows, member.steps[0].verb, member.before)
        doubt = InDoubtError(error, None, settle)
        doubt.listed = False  # no poll has come yet
        member.await_doubt(doubt, time.monotonic(), member.give_up_at)
    else:
        member.failure = error


def _missing(member: PowerMember, vm: VirtualMachine | None, now: float) -> None:
    """Bear for a while that polls do not show a VM."""
    member.missing_since = member.missing_since or now
    if vm is None and member.missing_for_long(now):
        text = f"VM {member.key.namespace}/{member.key.vm_name} is gone"
        member.failure = ApiError("vm_disappeared", text)


def _try_again(member: PowerMember, step: Step, vm: VirtualMachine, now: float) -> None:
    """Send the call again, or another one, where that may succeed now."""
    if step.verb == RESTART and vm.seen_off:
        # Somebody else has stopped it.
        step = Step(START, Goal.RUNNING)
    elif step.verb not in (START, RESTART) and step.goal is not Goal.STOPPED and vm.seen_off:
        member.failure = ApiError("not_running", off_text(vm, STATES[step.verb]))
        return
    if applies(step.verb, vm) and member.sent_at + _AGAIN <= now < member.give_up_at:
        member.steps[0] = step._replace(on_its_way=False)
        member.reset()

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One virtual machine's snapshots in an execution: the steps, done in order, and their state."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable

from .._execution.member import Member
from .._http.errors import ApiError
from .._power.plan import START, STOP
from .._power.work import PowerMember
from .._vms.model import VirtualMachine, VmKey
from .desired import Desired
from .model import Snapshot
from .plan import CREATE, DELETE, Step
from .wait import DEFAULT_SECONDS, Goal, deadline_seconds
from .writes import new_request_id

_SHARE = 0.5  # of its deadline, in which a snapshot is expected to be taken
# Seconds; till the snapshot is taken, the file systems are frozen by the guest agent, or the VM is
# off.
_DISTURBED = 60.0

_WAITS_FOR = {
    Goal.CUT: "to be taken",
    Goal.READY: "to be ready",
    Goal.QUIESCED: "to be ready",
    Goal.SETTLED: "for another snapshot of the VM",
    Goal.GONE: "to be gone",
}
_VM_WAITS_FOR = {STOP: "for its VM to be off", START: "for its VM to run again"}


def patience_with(desired: Desired | None, vm: VirtualMachine | None) -> float:
    """Return the seconds in which the storage should be done with a VM's snapshot."""
    text = desired.body["spec"].get("failureDeadline") if desired else None
    # What has no deadline is expected as soon as what has KubeVirt's own.
    patience = (deadline_seconds(text) or DEFAULT_SECONDS) * _SHARE
    frozen = vm is not None and vm.running and vm.guest_agent is True
    offline = desired is not None and desired.offline
    return min(patience, _DISTURBED) if frozen or offline else patience


class SnapshotMember(Member[Step]):
    """The steps of one virtual machine's snapshots.

    seen: the snapshot as last seen.
    accepted: whether the write of the step was carried out. not_before: when a snapshot may be
    taken, because a deletion may be under way till then. gone_uid: of the snapshot that was
    deleted. requested: what was asked for, with our marks; rewritten: whether they were written
    once more.
    unlisted: why it could not be looked at again before it is taken; polls try till look_until.
    fresh_among: returns the one of the VM's snapshots with which it needs no new one.
    power: the power call that is under way. vm: as last seen by one. powered: whether one was
    carried out. stopped, started: whether this task did that. owes_start: whether the VM is off for
    the snapshot, and has to run again.
    """

    def __init__(
        self,
        key: VmKey,
        steps: Iterable[Step],
        seen: Snapshot | None = None,
        patience: float = DEFAULT_SECONDS * _SHARE,
        group: str | None = None,
    ) -> None:
        super().__init__(key, steps, patience, group)
        self.seen = seen
        self.last_polled = seen
        self.adopted = False
        self.uid: str | None = None
        self.fresh_among: Callable[[Iterable[Snapshot]], Snapshot | None] | None = None
        self.request_id = new_request_id()
        self.accepted = False
        self.not_before = 0.0
        self.gone_uid: str | None = None
        self.requested: Desired | None = None
        self.rewritten = False
        self.unlisted: ApiError | None = None
        self.look_until = math.inf
        self.power: PowerMember | None = None
        self.vm: VirtualMachine | None = None
        self.powered = False
        self.stopped = False
        self.started = False
        writes = [step.write for step in self.steps]
        self._deletions = len(writes) if set(writes) == {DELETE} else 0
        self.owes_start = START in writes and STOP not in writes

    @property
    def size(self) -> int:
        """How many things it has to do: each deletion counts, where all that it does is delete."""
        return self._deletions or super().size

    @property
    def left(self) -> int:
        """How many of them are not done."""
        return len(self.steps) if self._deletions else super().left

    @property
    def loads_storage(self) -> bool:
        """Whether the storage has, or will have, work with it, or its VM is off for that."""
        if not self.active:
            return False
        if self.owes_start:
            return True
        cut = self.begun and self.last_polled is not None and not self.last_polled.in_progress
        to_come = list(self.steps)[1:] if cut and self.steps[0].write == CREATE else self.steps
        return any(step.write in (CREATE, DELETE) for step in to_come)

    @property
    def may_have_changed(self) -> bool:
        """Whether something was written, or may have been."""
        return super().may_have_changed or self.powered

    @property
    def off_or_started(self) -> bool:
        """Whether its VM is off for the snapshot, or was until this task started it."""
        return self.owes_start or self.started

    @property
    def subject(self) -> str:
        """What its step is about."""
        if self.steps[0].write in _VM_WAITS_FOR:
            return super().subject
        return f"snapshot {self.steps[0].name}"

    @property
    def waits_for(self) -> str:
        """What it waits for, after "waiting"; empty if for nothing."""
        if self.unlisted:
            return "for a list of the VM's snapshots"
        step = self.step
        if step and step.write in _VM_WAITS_FOR:
            return _VM_WAITS_FOR[step.write]
        return _WAITS_FOR[step.goal] if step and step.goal else ""

    @property
    def phase(self) -> str:
        """What the last poll said of it; empty if nothing."""
        if self.power:
            return self.power.phase
        return self.last_polled.phase if self.last_polled else ""

    def in_doubt_for_long(self, now: float) -> bool:
        """Say whether lists have had time to tell what they did not."""
        return self.unlisted is not None or super().in_doubt_for_long(now)

    def adopt(self, fresh: Snapshot) -> None:
        """Take one that somebody else took for the one that was still to be taken."""
        self.seen, self.adopted = fresh, True
        # A VM that was not stopped need not be started.
        power = (START,) if self.owes_start else ()
        kept = (
            step for step in self.steps if step.write in power or step.write not in (STOP, START)
        )
        self.steps = deque(
            step
            if step.write == START
            else step._replace(write=None, name=fresh.name, uid=fresh.uid)
            for step in kept
        )

    def advance(self) -> None:
        """Go on to the next step, which may be looked at for as long as this one."""
        super().advance()
        self.look_until = math.inf

    def reset(self) -> None:
        """Be as before the next step was begun."""
        super().reset()
        self.uid, self.accepted = None, False

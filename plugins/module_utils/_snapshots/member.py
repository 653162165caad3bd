# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One virtual machine's snapshots in an execution: the steps, done in order, and their state."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

from .._execution.member import Member
from .._http.errors import ApiError
from .._validation.durations import parse_duration
from .._vms.model import VirtualMachine, VmKey
from .desired import Desired
from .model import Snapshot
from .plan import CREATE, DELETE, Step
from .wait import Goal
from .writes import new_request_id

# KubeVirt's default. See docs/palette.md, "Deadlines".
_DEADLINE = 300.0  # seconds
_NANOSECONDS = 1_000_000_000
_SHARE = 0.5  # of its deadline, in which a snapshot is expected to be taken
_FROZEN = 60.0  # seconds; a guest agent keeps the file systems frozen until the snapshot is taken


_WAITS_FOR = {
    Goal.READY: "to be ready",
    Goal.QUIESCED: "to be ready",
    Goal.SETTLED: "for another snapshot of the VM",
    Goal.GONE: "to be gone",
}


def patience_with(desired: Desired | None, vm: VirtualMachine | None) -> float:
    """Return the seconds in which the storage should be done with a VM's snapshot."""
    text = desired.body["spec"].get("failureDeadline") if desired else None
    deadline = parse_duration(text) / _NANOSECONDS if text else 0.0
    patience = (deadline or _DEADLINE) * _SHARE
    frozen = vm is not None and vm.running and vm.guest_agent is True
    return min(patience, _FROZEN) if frozen else patience


class SnapshotMember(Member[Step]):
    """The steps of one virtual machine's snapshots.

    seen: the snapshot as last seen.
    accepted: whether the write of the step was carried out. not_before: when a snapshot may be
    taken, because a deletion may be under way till then. gone_uid: of the snapshot that was
    deleted. whole: what was asked for, with our marks; marked: whether they were written once more.
    unlisted: why it could not be looked at again before it is taken; polls try till look_until.
    fresh_among: returns the one of the VM's snapshots with which it needs no new one.
    """

    def __init__(
        self,
        key: VmKey,
        steps: Iterable[Step],
        seen: Snapshot | None = None,
        patience: float = _DEADLINE * _SHARE,
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
        self.whole: Desired | None = None
        self.marked = False
        self.unlisted: ApiError | None = None
        self.look_until = math.inf

    @property
    def loads_storage(self) -> bool:
        """Whether the storage has, or will have, work with it."""
        if not self.active:
            return False
        cut = self.begun and self.last_polled is not None and not self.last_polled.in_progress
        to_come = list(self.steps)[1:] if cut and self.steps[0].write == CREATE else self.steps
        return any(step.write in (CREATE, DELETE) for step in to_come)

    @property
    def subject(self) -> str:
        """What its step is about."""
        return f"snapshot {self.steps[0].name}"

    @property
    def waits_for(self) -> str:
        """What it waits for, after "waiting"; empty if for nothing."""
        if self.unlisted:
            return "for a list of the VM's snapshots"
        step = self.step
        return _WAITS_FOR[step.goal] if step and step.goal else ""

    @property
    def phase(self) -> str:
        """What the last poll said of it; empty if nothing."""
        return self.last_polled.phase if self.last_polled else ""

    def in_doubt_for_long(self, now: float) -> bool:
        """Say whether lists have had time to tell what they did not."""
        return self.unlisted is not None or super().in_doubt_for_long(now)

    def rest(self) -> None:
        """Be as before the next step was begun."""
        super().rest()
        self.uid, self.accepted = None, False

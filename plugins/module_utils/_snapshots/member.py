# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One virtual machine's part of an execution: its steps, done in order, and their state."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable

from .._palette.errors import PaletteError
from .._validation.durations import parse_duration
from .._vms.model import VirtualMachine, VmKey
from .desired import Desired
from .model import Snapshot
from .plan import CREATE, DELETE, Step
from .writes import InDoubtError, new_request_id

# KubeVirt's default. See docs/palette.md, "Deadlines".
_DEADLINE = 300.0  # seconds
_NANOSECONDS = 1_000_000_000
_SHARE = 0.5  # of its deadline, in which a snapshot is expected to be taken
_FROZEN = 60.0  # seconds; a guest agent keeps the file systems frozen until the snapshot is taken


def patience_with(desired: Desired | None, vm: VirtualMachine | None) -> float:
    """Return the seconds in which the storage should be done with a VM's snapshot."""
    text = desired.body["spec"].get("failureDeadline") if desired else None
    deadline = parse_duration(text) / _NANOSECONDS if text else 0.0
    patience = (deadline or _DEADLINE) * _SHARE
    frozen = vm is not None and vm.running and vm.guest_agent is True
    return min(patience, _FROZEN) if frozen else patience


class Member:
    """The steps of one virtual machine, done in order, and their state.

    patience: the seconds in which the storage should be done with it. group: members with the same
    one begin together.
    accepted: whether the write of the step was carried out.
    timeout: seconds from a write to its goal; deadline: when they are over. not_before: when a
    snapshot may be taken, because a deletion may be under way till then. gone_uid: of the snapshot
    that was deleted.
    doubt: the error of a write of which it is not known whether it was carried out; doubted_at:
    since when; doubts: how many writes turned out not to be.
    whole: what was asked for, with our marks; marked: whether they were written once more.
    fresh_among: returns the one of the VM's snapshots with which it needs no new one. planned_at:
    when that was last looked for.
    """

    def __init__(
        self,
        key: VmKey,
        steps: Iterable[Step],
        seen: Snapshot | None = None,
        patience: float = _DEADLINE * _SHARE,
        group: str | None = None,
    ) -> None:
        self.key = key
        self.steps = deque(steps)
        self.seen = seen
        self.patience = patience
        self.group = group
        self.last_polled = seen
        self.changed = False
        self.adopted = False
        self.failure: PaletteError | None = None
        self.uid: str | None = None
        self.fresh_among: Callable[[Iterable[Snapshot]], Snapshot | None] | None = None
        self.planned_at = 0.0
        self.request_id = new_request_id()
        self.accepted = False
        self.timeout = 0.0
        self.deadline = math.inf
        self.not_before = 0.0
        self.missing_since: float | None = None
        self.doubt: InDoubtError | None = None
        self.doubted_at = 0.0
        self.doubts = 0
        self.gone_uid: str | None = None
        self.whole: Desired | None = None
        self.marked = False

    @property
    def begun(self) -> bool:
        """Whether the first step's write is done and its wait has begun."""
        return self.deadline != math.inf

    @property
    def step(self) -> Step | None:
        """The step to do now. Another thread may have just done the last one."""
        try:
            return self.steps[0]
        except IndexError:
            return None

    @property
    def active(self) -> bool:
        """Whether a step is left to do."""
        return bool(self.steps) and self.failure is None

    @property
    def loads_storage(self) -> bool:
        """Whether the storage has, or will have, work with it."""
        if not self.active:
            return False
        cut = self.begun and self.last_polled is not None and not self.last_polled.in_progress
        to_come = list(self.steps)[1:] if cut and self.steps[0].write == CREATE else self.steps
        return any(step.write in (CREATE, DELETE) for step in to_come)

    @property
    def may_have_changed(self) -> bool:
        """Whether something was written, or may have been."""
        return self.changed or self.unknown

    @property
    def unknown(self) -> bool:
        """Whether it is not known how the member ended."""
        return self.failure is not None and self.failure.outcome_unknown

    def advance(self) -> None:
        """Go on to the next step."""
        self.steps.popleft()
        self.rest()

    def rest(self) -> None:
        """Be as before the next step was begun."""
        self.deadline, self.uid, self.missing_since = math.inf, None, None
        self.accepted = False

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One virtual machine's part of an execution: its steps, done in order, and their state."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable
from typing import Any, Generic, TypeVar

from .._http.errors import ApiError
from .._vms.model import VmKey
from .doubt import IN_DOUBT, InDoubtError

# A list may lag behind. What it lacks for so long is gone, if a GET does not show it either.
LAG = 10.0  # seconds

Step = TypeVar("Step")


class Member(Generic[Step]):
    """The steps of one virtual machine, done in order, and what scheduling needs of their state.

    patience: the seconds in which the storage should be done with it. group: members with the same
    one begin together. planned_at: when its steps were planned.
    timeout: seconds from a write to its goal; deadline: when they are over.
    missing_since: since when polls do not show what they should.
    doubt: the error of a write of which it is not known whether it was carried out; doubted_at:
    since when; doubts: how many writes turned out not to be.
    cause: why its work was given up; what is left to do then puts its VM back. reverted: what was
    done of that, for people.
    """

    def __init__(
        self, key: VmKey, steps: Iterable[Step], patience: float = 0.0, group: str | None = None
    ) -> None:
        self.key = key
        self.steps = deque(steps)
        self.patience = patience
        self.group = group
        self.changed = False
        self.failure: ApiError | None = None
        self.planned_at = 0.0
        self.timeout = 0.0
        self.deadline = math.inf
        self.missing_since: float | None = None
        self.doubt: InDoubtError | None = None
        self.doubted_at = 0.0
        self.doubts = 0
        self.cause: ApiError | None = None
        self.reverted: list[str] = []

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
    def size(self) -> int:
        """How many things it has to do, as progress counts them."""
        return 1

    @property
    def left(self) -> int:
        """How many of them are not done."""
        return int(self.active or self.failure is not None)

    @property
    def given_up(self) -> bool:
        """Whether it has failed, or will have when its VM is put back."""
        return self.failure is not None or self.cause is not None

    @property
    def loads_storage(self) -> bool:
        """Whether the storage has, or will have, work with it."""
        return False

    @property
    def may_have_changed(self) -> bool:
        """Whether something was written, or may have been."""
        return self.changed or self.unknown

    @property
    def unknown(self) -> bool:
        """Whether it is not known how the member ended."""
        return self.failure is not None and self.failure.outcome_unknown

    @property
    def subject(self) -> str:
        """What its step is about."""
        return f"VM {self.key.namespace}/{self.key.vm_name}"

    @property
    def waits_for(self) -> str:
        """What it waits for, after "waiting"; empty if for nothing."""
        return ""

    @property
    def phase(self) -> str:
        """What the last poll said of it; empty if nothing."""
        return ""

    def advance(self) -> None:
        """Go on to the next step. After the last one of putting its VM back, fail."""
        self.steps.popleft()
        self.reset()
        if not self.steps:
            self.fail("")

    def put_back(self, cause: ApiError, steps: Iterable[Step]) -> None:
        """Give the work up because of an error, and do these steps instead: at least one."""
        self.cause, self.failure, self.doubt = cause, None, None
        self.steps = deque(steps)
        self.reset()

    def fail(self, why: str) -> None:
        """Fail with the cause, if there is one. why: its VM is not put back; empty if it is."""
        cause = self.cause
        if cause is None:
            return
        cause.message = "; ".join(filter(None, [cause.message, *self.reverted, why]))
        self.failure = cause

    def reset(self) -> None:
        """Be as before the next step was begun."""
        self.deadline, self.missing_since = math.inf, None

    def missing_for_long(self, now: float) -> bool:
        """Say whether lists have lacked it for so long that a GET must tell."""
        return self.missing_since is not None and now - self.missing_since >= LAG

    def await_doubt(self, doubt: InDoubtError, since: float, limit: float) -> None:
        """Let a poll tell what became of a write, but not beyond the limit."""
        self.doubt, self.doubted_at = doubt, since
        self.deadline = min(limit, since + IN_DOUBT)

    def settle_doubt(self, doubt: InDoubtError, listed: object, now: float, retries: int) -> Any:
        """Return what the write in doubt has done by a list; None if the list does not show that.

        When lists have had time to, the write is to be done again, or its error is raised.
        """
        lists_had_time = self.in_doubt_for_long(now)
        self.doubt, doubt.listed = None, True
        done = doubt.settle(listed)
        if done:
            return done
        if not lists_had_time:
            self.doubt = doubt
            return None
        self.doubts += 1
        if not doubt.transient or self.doubts > retries:
            raise doubt.end
        self.reset()
        return None

    def in_doubt_for_long(self, now: float) -> bool:
        """Say whether lists have had time to tell what became of a write, and did not."""
        return self.doubt is not None and now - self.doubted_at >= LAG

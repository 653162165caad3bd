# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Applies and waits, for one member or thousands: a bounded pool writes, one poll serves all."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait

from .._palette.deadline import give_up_at, pause, time_left
from .._palette.errors import PaletteError
from .._palette.vms import ClusterVms
from .._vms.model import VmKey
from . import writes
from .desired import Desired
from .model import Snapshot
from .observe import list_snapshots
from .plan import DELETE, UPDATE, Step, satisfies
from .wait import Goal, Waiting, growing_interval, reached, timed_out

_REPORT_INTERVAL = 1.0  # seconds, while writes are under way

# If a list lacks a snapshot once, it may have been read while the snapshot was written.
_MISSED_POLLS = 2
_ABSENCE_ENDS = (Goal.GONE, Goal.SETTLED)

# After one of these, the other writes would fail the same way.
_STOPS_ALL = ("unauthorized", "unreachable", "tls_error")

# A poll that fails with one of these is not retried: it would fail again.
_PERMANENT = ("unauthorized", "forbidden", "tls_error")


class Member:
    """The steps of one virtual machine, done in order, and their state."""

    def __init__(self, key: VmKey, steps: Iterable[Step], seen: Snapshot | None = None) -> None:
        self.key = key
        self.steps = deque(steps)
        self.seen = seen
        self.last_polled = seen
        self.changed = False
        self.adopted = False
        self.failure: PaletteError | None = None
        self.uid: str | None = None
        self.deadline = math.inf
        self.missed_polls = 0

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

    def advance(self) -> None:
        """Go on to the next step."""
        self.steps.popleft()
        self.deadline, self.uid, self.missed_polls = math.inf, None, 0


class Execution:
    """Carries out the steps of many members.

    apis: by cluster uid. report: called with the members from time to time, to show progress.
    """

    def __init__(
        self,
        apis: Mapping[str, ClusterVms],
        waiting: Waiting,
        concurrency: int = 1,
        report: Callable[[Sequence[Member]], None] = lambda _members: None,
    ) -> None:
        self._apis = apis
        self._waiting = waiting
        self._report = report
        self._concurrency = concurrency
        self._stopped_by: PaletteError | None = None
        self._poll_error = ""

    def run(self, members: Sequence[Member]) -> None:
        """Do all steps. The error of a member becomes its failure and is not raised."""
        pool = ThreadPoolExecutor(max_workers=self._concurrency)
        polls = 0
        try:
            while True:
                begun = self._write(members, pool)
                pending = [member for member in members if member.active]
                if not pending:
                    return
                polls = 0 if begun >= len(pending) else polls
                self._pause(members, pending, polls)
                self._poll(pending)
                self._report(members)
                polls += 1
        except (Exception, KeyboardInterrupt, SystemExit):
            raise
        except BaseException:  # noqa: BLE001
            # The task's keyword timeout struck: the result says what is done, and what is not. The
            # writes under way count as done, so they end first.
            pool.shutdown(wait=True, cancel_futures=True)
            _give_up_all(members)
        finally:
            # After an interrupt, writes that have not begun are not done.
            pool.shutdown(wait=True, cancel_futures=True)

    def _write(self, members: Sequence[Member], pool: ThreadPoolExecutor) -> int:
        """Begin every step that can begin, and return their number."""
        begun = 0
        while True:
            beginning = [member for member in members if member.active and not member.begun]
            if not beginning:
                return begun
            begun += len(beginning)
            writing = {pool.submit(self._begin, member) for member in beginning}
            while writing:
                done, writing = wait(writing, _REPORT_INTERVAL, FIRST_EXCEPTION)
                for written in done:
                    written.result()
                self._report(members)

    def _begin(self, member: Member) -> None:
        step = member.steps[0]
        member.uid, member.last_polled = step.uid, None
        try:
            if step.write:
                self._write_one(step, member)
            member.deadline = time.monotonic() + self._waiting.timeout
            if step.goal is None or _reached_already(step, member):
                member.advance()
        except writes.NameTakenError as error:
            member.failure, member.seen = error, error.listed
        except PaletteError as error:
            member.failure = error
            if error.reason in _STOPS_ALL:
                self._stopped_by = self._stopped_by or error

    def _write_one(self, step: Step, member: Member) -> None:
        if self._stopped_by:
            cause = self._stopped_by
            raise PaletteError(
                cause.reason, f"not tried, because it would fail the same way: {cause.message}"
            )
        api = self._apis[member.key.cluster_uid]
        if step.write == DELETE:
            writes.delete(api, member.key, step.name, step.uid)
        elif step.desired:
            member.seen = _write(api, step.write, step.desired, member)
            member.uid = member.seen.uid
        member.changed = member.changed or not member.adopted

    def _poll(self, pending: Sequence[Member]) -> None:
        deadline = max(member.deadline for member in pending)
        by_cluster: dict[str, list[Member]] = {}
        for member in pending:
            by_cluster.setdefault(member.key.cluster_uid, []).append(member)
        for cluster_uid, members in by_cluster.items():
            try:
                with give_up_at(deadline):
                    listed = list_snapshots(self._apis[cluster_uid], {m.key for m in members})
            except PaletteError as error:
                self._poll_failed(members, error)
                continue
            self._poll_error = ""
            found = {(snapshot.key, snapshot.name): snapshot for snapshot in listed}
            for member in members:
                self._update(member, found.get((member.key, member.steps[0].name)))

    def _poll_failed(self, members: Sequence[Member], error: PaletteError) -> None:
        self._poll_error = error.message
        for member in members:
            if error.reason in _PERMANENT:
                member.failure = error
            elif time.monotonic() >= member.deadline:
                self._give_up(member)

    def _update(self, member: Member, seen: Snapshot | None) -> None:
        step = member.steps[0]
        member.last_polled = seen or member.last_polled
        if seen and step.goal not in _ABSENCE_ENDS:
            member.seen = seen
        member.missed_polls = 0 if seen else member.missed_polls + 1
        unsure = not seen and step.goal not in _ABSENCE_ENDS and member.missed_polls < _MISSED_POLLS
        try:
            if step.goal and not unsure and reached(step.goal, seen, member.uid):
                member.advance()
            elif time.monotonic() >= member.deadline:
                self._give_up(member)
        except PaletteError as error:
            member.failure = error

    def _give_up(self, member: Member) -> None:
        step, seen = member.steps[0], member.last_polled
        goal = step.goal or Goal.SETTLED
        if goal is Goal.GONE:
            # A deleted snapshot is shown in its last known state, one still there as it is now.
            member.seen = seen or member.seen
        member.failure = timed_out(goal, step.name, seen, self._waiting, self._poll_error)

    def _pause(self, members: Sequence[Member], pending: Sequence[Member], polls: int) -> None:
        left = growing_interval(self._waiting.interval, polls)
        with give_up_at(max(member.deadline for member in pending)):
            while left > 0 and time_left() > 0:
                pause(min(left, _REPORT_INTERVAL))
                left -= _REPORT_INTERVAL
                self._report(members)


def _give_up_all(members: Sequence[Member]) -> None:
    for member in members:
        if member.active:
            name = member.steps[0].name
            when = (
                f"while snapshot {name} was waited for"
                if member.begun
                else f"before it was the turn of snapshot {name}"
            )
            member.failure = PaletteError("task_timeout", f"the task's timeout struck {when}")


def _write(api: ClusterVms, write: str | None, desired: Desired, member: Member) -> Snapshot:
    """Create or update a snapshot; one that somebody else took meanwhile may do as well."""
    if write == UPDATE:
        return writes.update(api, desired)
    try:
        return writes.create(api, desired)
    except writes.NameTakenError as taken:
        if not satisfies(desired, taken.listed):
            raise
        member.adopted = True
        return taken.listed


def _reached_already(step: Step, member: Member) -> bool:
    """Return whether a step without a write has reached its goal before the first poll."""
    seen = member.seen
    if step.write or not step.goal or not seen or seen.name != step.name:
        return False
    return reached(step.goal, seen, member.uid)

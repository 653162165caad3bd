# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One cluster's lane: which of its members are written next, and when the others are polled."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from itertools import chain
from typing import Any, Generic, NamedTuple, cast

from .._http.deadline import give_up_at
from .._http.errors import ApiError
from .waiting import growing_interval, poll_interval, polls_after
from .window import Window
from .work import PERMANENT, STOPS_ALL, M, Work

# A thread goes on by itself for so long. Where answers are quick, handing over each member would
# take longer than its request.
_STINT = 0.05  # seconds
_READY = 100  # members that threads find ready to begin


class Job(NamedTuple):
    """Something to do in a thread. then: called in the main thread with what it returned."""

    work: Callable[[], object]
    then: Callable[[object], None]


class Preparation(NamedTuple):
    """What comes before a cluster's members are known.

    observe: called in a thread. plan: makes members of what was observed, in the main thread.
    """

    observe: Callable[[], object]
    plan: Callable[[Any], Iterable[Any]]


class Lane(Generic[M]):
    """The members of one cluster, which wait for no other cluster's.

    Only ``Job.work`` runs in threads; all else runs in the main thread. Both take members that are
    ready to begin, and a member belongs to whoever took it. failure: why the cluster
    could not be worked on to the end. stopped_by: an error with which no request can succeed.
    """

    def __init__(
        self,
        work: Work[M],
        window: Window | None = None,
        preparation: Preparation | None = None,
    ) -> None:
        self.members: list[M] = []
        self.under_way = 0
        self.failure: ApiError | None = None
        self.stopped_by: ApiError | None = None
        self._work = work
        self._api = work.api
        self._window = window or Window()
        self._preparation = preparation
        self._prepared = preparation is None
        self._queue: deque[list[M]] = deque()
        self._ready: deque[M] = deque()
        self._polled: dict[M, None] = {}
        self._loading: dict[M, None] = {}
        self._numbers: dict[M, int] = {}
        self._last_finished = -1
        self._polls = 0
        self._polling = False
        self._poll_at = math.inf
        self._poll_error = ""
        self._probes_failed = 0

    def load(self, members: Iterable[M]) -> None:
        """Take members in, to be begun in their turn."""
        added = list(members)
        for member in added:
            member.planned_at = time.monotonic()
        self._work.expect(added)
        self.members += added
        self._queue.extend(_groups(added))

    @property
    def queued(self) -> list[M]:
        """The members that have not begun and are still to be done."""
        return [*self._ready, *chain.from_iterable(self._queue)]

    @property
    def done(self) -> bool:
        """Whether nothing is left to do."""
        waiting = self._preparation or self._polled or self._ready or self._queue
        return not (self.under_way or waiting)

    @property
    def silent(self) -> bool:
        """Whether the cluster has stopped answering, and nothing is left but to ask it again."""
        if not (self._api.breaker.open and self._probes_failed):
            return False
        now = time.monotonic()
        asked_only = self.under_way <= self._polling
        return asked_only and all(member.in_doubt_for_long(now) for member in self._polled)

    def due(self, now: float) -> float:
        """Return when the lane has something to do; infinity if not before a job has ended."""
        if self._preparation or (not self._api.breaker.open and self._admit(now)):
            return now
        return math.inf if self._polling else self._poll_at

    def next_job(self, now: float) -> Job | None:
        """Return the next thing to do, if there is any by now."""
        if self._preparation:
            preparation, self._preparation = self._preparation, None
            return self._prepare(preparation)
        if now >= self._poll_at and not self._polling:
            polled = [*self._polled]
            probed = self.queued[:1] if self._api.breaker.open else []
            if polled or probed:
                self._polling = True
                # Others may begin a member meanwhile that is only probed.
                work = partial(self._poll, polled) if polled else partial(self._probe, *probed)
                return Job(work, partial(self._after_poll, polled))
            # There is nothing to poll; what becomes of those under way decides when there is.
            self._poll_at = math.inf
        if self._api.breaker.open or not self._admit(now):
            return None
        member = self._take()
        return Job(partial(self._begin, member), self._after_begin) if member else None

    def drop(self, error: Callable[[M], ApiError]) -> None:
        """Fail the members that wait for their turn, but for what they have to put back."""
        dropped = self._all_queued()
        for member in dropped:
            self._work.drop(member, error(member))
        self._ready.extend(member for member in dropped if member.active)
        if not self._polled:
            # A member that has something to put back waits until the cluster answers.
            self._schedule(time.monotonic())

    def halt(self) -> None:
        """Let threads begin no further member."""
        self._ready.clear()

    def give_up(self, silent_clusters: int) -> None:
        """Fail the members that have not begun, because the cluster does not answer.

        silent_clusters: how many are silent together; several, if Palette does not answer at all.
        """
        last = self._api.breaker.last_error
        text = f"cluster {self._api.cluster.name} did not answer several requests in a row"
        reason = "cluster_unreachable"
        if silent_clusters > 1:
            text = f"{silent_clusters} clusters did not answer at the same time: check the network"
            reason = "unreachable"
        cause = ApiError(reason, f"{text}; the last one: {last.message if last else 'none'}")
        self.failure = cause
        for member in self._all_queued():
            not_tried = ApiError(reason, f"not tried, because {cause.message}")
            self._work.abandon(member, not_tried)
        for member in self._polled:
            self._give_up(member)
            if member.active:
                self._work.abandon(member, ApiError(reason, cause.message))
        self._polled.clear()
        self._poll_at = math.inf

    def abandon(self) -> None:
        """Fail what is not done, because the task's keyword timeout struck."""
        if not self._prepared:
            text = "the task's timeout struck before the cluster had answered"
            self.failure = ApiError("task_timeout", text)
        for member in self.members:
            if member.active:
                when = (
                    f"while {member.subject} was waited for"
                    if member.begun
                    else f"before it was the turn of {member.subject}"
                )
                text = f"the task's timeout struck {when}"
                unknown = member.doubt is not None
                self._work.abandon(member, ApiError("task_timeout", text, outcome_unknown=unknown))

    def _prepare(self, preparation: Preparation) -> Job:
        def observe() -> object:
            try:
                return preparation.observe()
            except ApiError as error:
                return error

        def plan(observed: object) -> None:
            self._prepared = True
            try:
                if isinstance(observed, ApiError):
                    raise observed
                self.load(preparation.plan(observed))
            except ApiError as error:
                self.failure = error

        return Job(observe, plan)

    # Writes

    def _admit(self, now: float) -> bool:
        """Let in the next groups if there is room, and say whether a member may begin."""
        while self._queue and len(self._ready) < _READY:
            group = [member for member in self._queue[0] if member.loads_storage]
            if group and not self._has_room(group, now):
                break
            for member in group:
                self._window.begin(now)
                self._loading[member] = None
                self._numbers[member] = len(self._numbers)
            self._ready.extend(member for member in self._queue.popleft() if member.active)
        return bool(self._ready)

    def _has_room(self, group: Sequence[M], now: float) -> bool:
        # A group is never split, and never waits for more room than there can be.
        size = self._window.size(min(member.patience for member in group), now)
        return not self._loading or len(self._loading) + len(group) <= size

    def _all_queued(self) -> list[M]:
        """Take all members that wait for their turn."""
        taken = [*iter(self._take, None), *chain.from_iterable(self._queue)]
        self._queue.clear()
        return taken

    def _take(self) -> M | None:
        with suppress(IndexError):
            return self._ready.popleft()
        return None

    def _begin(self, member: M) -> list[M]:
        """Begin a member, and the next ones for a moment, as long as all goes well."""
        stint_ends = time.monotonic() + _STINT
        begun = []
        taken: M | None = member
        while taken:
            self._work.begin(taken)
            begun.append(taken)
            going_on = not (taken.failure or taken.doubt) and time.monotonic() < stint_ends
            taken = self._take() if going_on else None
        return begun

    def _after_begin(self, begun: object) -> None:
        now = time.monotonic()
        for member in cast("list[M]", begun):
            if member.begun and member.active:
                self._await(member, now)
            self._settle(member, now)
            error = member.doubt.cause if member.doubt else member.failure
            if error and error.reason in STOPS_ALL:
                self._stop_for(error, member)
        if self._api.breaker.open and not self._polled:
            self._schedule(now)

    def _stop_for(self, error: ApiError, member: M) -> None:
        """Let nothing begin that would fail the same way: of Palette, or of this cluster."""
        if self._work.asks_palette(member):
            self.stopped_by = error
        else:
            self.drop(partial(not_tried, error))

    def _await(self, member: M, now: float) -> None:
        if not self._polled:
            self._polls = 0
            self._poll_at = now + growing_interval(self._work.waiting.interval, 0)
        self._polled[member] = None
        self._poll_at = min(self._poll_at, member.deadline)

    def _settle(self, member: M, now: float) -> None:
        """Sort a member whose state may have changed into the right place."""
        if not (member.active and member.begun):
            self._polled.pop(member, None)
        if member.active and not member.begun:
            self._ready.append(member)
        if member in self._loading and not member.loads_storage:
            del self._loading[member]
            if not member.given_up:
                self._window.finish(now)
                self._last_finished = max(self._last_finished, self._numbers[member])

    # Polls

    def _probe(self, member: M) -> object:
        try:
            self._work.probe(member.key)
        except ApiError as error:
            return error
        return None

    def _poll(self, members: Sequence[M]) -> object:
        try:
            with give_up_at(max(member.deadline for member in members)):
                return self._work.poll(members)
        except ApiError as error:
            return error

    def _after_poll(self, polled: Sequence[M], result: object) -> None:
        now = time.monotonic()
        if isinstance(result, ApiError):
            self._poll_failed(polled, result, now)
        else:
            self._poll_succeeded(polled, result, now)
        for member in polled:
            self._settle(member, now)
        self._hold_back_after_overrun(polled, now)
        self._polling = False
        ended = any(member not in self._polled for member in polled)
        self._polls = polls_after(self._polls, ended)
        self._schedule(now)

    def _schedule(self, now: float) -> None:
        """Set when to poll next. A cluster that does not answer is tried again now and then."""
        if not (self._polled or (self._api.breaker.open and self.queued)):
            self._poll_at = math.inf
            return
        earliest = min((member.deadline for member in self._polled), default=math.inf)
        longest, polled = self._work.waiting.interval, len(self._polled)
        others_wait = bool(self._queue and self._polled)
        interval = poll_interval(longest, self._polls, polled, others_wait)
        self._poll_at = min(now + interval, earliest)

    def _poll_failed(self, members: Sequence[M], error: ApiError, now: float) -> None:
        self._poll_error = error.message
        self._probes_failed += self._api.breaker.open
        for member in members:
            if error.reason in PERMANENT:
                # Each with its own, which says more of it.
                self._work.fail(member, error.copy())
            elif now >= member.deadline:
                self._give_up(member)

    def _poll_succeeded(self, members: Sequence[M], seen: object, now: float) -> None:
        self._poll_error, self._probes_failed = "", 0
        for member in members:
            self._work.read(member, seen, now)
            if member.active and now >= member.deadline:
                self._give_up(member)

    def _give_up(self, member: M) -> None:
        self._work.give_up(member, self._poll_error)

    def _hold_back_after_overrun(self, polled: Sequence[M], now: float) -> None:
        """Begin no more where the storage is too slow for those that have begun.

        Storage works in the order of creation. Where one that began later is done, a member that
        ran out of time has a trouble of its own.
        """
        late = [
            member
            for member in polled
            if member.given_up and self._numbers.get(member, -1) > self._last_finished
        ]
        hold_back = self._work.overrun(late, self._window.pace(now)) if late else None
        if hold_back:
            self.drop(hold_back)


def not_tried(cause: ApiError, _member: object) -> ApiError:
    """Return the error of what would fail the same way as something else."""
    text = f"not tried, because it would fail the same way: {cause.message}"
    return ApiError(cause.reason, text)


def _groups(members: Iterable[M]) -> list[list[M]]:
    """Return the members in the order in which they begin, divided as they begin together."""
    active = [member for member in members if member.active]
    groups: dict[object, list[M]] = {}
    for member in sorted(active, key=lambda member: member.loads_storage):
        alone = member.group is None or not member.loads_storage
        groups.setdefault(member if alone else member.group, []).append(member)
    return list(groups.values())

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pace of a cluster's storage: volumes wait for their cut, and a token bucket serves them.

Nothing runs by itself: `served` computes what happened until the moment it is given.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Hashable, Iterator
from typing import Generic, NamedTuple, TypeVar

NO_QUEUE = math.inf

Waiting = TypeVar("Waiting", bound=Hashable)


class Place(NamedTuple):
    """What a snapshot wants in the queue."""

    order: int
    """the number of its creation"""
    since: float
    """when its volumes begin to wait"""
    volumes: int


class _Entry:
    """A snapshot in the queue, and how many of its volumes have not been taken up."""

    def __init__(self, since: float, volumes: int) -> None:
        self.since = since
        self.volumes = volumes


# See docs/palette.md, "Storage pace".
class StorageQueue(Generic[Waiting]):
    """Serves snapshots that wait in the order of their creation, a token for each volume."""

    def __init__(self) -> None:
        self._rate = NO_QUEUE
        self._burst = 1
        self._tokens = 1.0
        self._now = 0.0
        """the bucket holds so many tokens at this moment"""
        self._entries: dict[Waiting, _Entry] = {}
        self._coming: list[tuple[float, int, Waiting]] = []
        self._waiting: list[tuple[int, Waiting]] = []

    @property
    def limits(self) -> bool:
        """Whether snapshots have to wait for their turn."""
        return self._rate < NO_QUEUE

    def configure(self, rate: float, burst: int, now: float) -> None:
        """Serve so many volumes a second from now on, after a burst; the bucket is full."""
        if (rate, burst) == (self._rate, self._burst):
            return
        self._rate, self._burst = rate, burst
        self._tokens, self._now = float(burst), now

    def put(self, snapshot: Waiting, place: Place, now: float) -> None:
        """Let a snapshot wait; one that waits already goes on waiting."""
        entry = self._entries.get(snapshot)
        if entry and entry.since <= now:
            return
        since = max(place.since, now)
        self._entries[snapshot] = _Entry(since, place.volumes)
        heapq.heappush(self._coming, (since, place.order, snapshot))

    def drop(self, snapshot: Waiting) -> None:
        """Let a snapshot wait no longer."""
        self._entries.pop(snapshot, None)

    def served(self, now: float) -> Iterator[tuple[Waiting, float]]:
        """The turns until now, each one once, in the order of time."""
        while self._entries:
            at = max(self._next_entry(), self._next_token())
            if at > now:
                return
            self._take_token(at)
            snapshot = self._first(at)
            entry = self._entries[snapshot]
            entry.volumes -= 1
            if entry.volumes <= 0:
                del self._entries[snapshot]
                yield snapshot, at

    def _next_entry(self) -> float:
        """The moment, not before that of the bucket, at which somebody waits."""
        while self._waiting and not self._waits(self._waiting[0][1], self._now):
            heapq.heappop(self._waiting)
        if self._waiting:
            return self._now
        while self._coming and self._is_stale(*self._coming[0]):
            heapq.heappop(self._coming)
        return max(self._coming[0][0], self._now) if self._coming else math.inf

    def _next_token(self) -> float:
        if self._tokens >= 1:
            return self._now
        return self._now + (1 - self._tokens) / self._rate if self._rate else math.inf

    def _take_token(self, at: float) -> None:
        if at > self._now:
            refilled = max(1.0, self._tokens + (at - self._now) * self._rate)
            self._tokens = min(float(self._burst), refilled)
            self._now = at
        self._tokens -= 1

    def _first(self, at: float) -> Waiting:
        """Whoever was created first among those who wait."""
        while self._coming and self._coming[0][0] <= at:
            coming = heapq.heappop(self._coming)
            if not self._is_stale(*coming):
                heapq.heappush(self._waiting, coming[1:])
        while not self._waits(self._waiting[0][1], at):
            heapq.heappop(self._waiting)
        return self._waiting[0][1]

    def _is_stale(self, since: float, _order: int, snapshot: Waiting) -> bool:
        entry = self._entries.get(snapshot)
        return entry is None or entry.since != since

    def _waits(self, snapshot: Waiting, at: float) -> bool:
        entry = self._entries.get(snapshot)
        return entry is not None and entry.since <= at

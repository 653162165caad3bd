# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long fleets take, by simulation in virtual time: prints the tables of docs/scale.md.

What decides is the collection's own window, intervals and quotas, Palette's documented limit, and
the pace of the storage. No thread runs and no time passes.
"""

from __future__ import annotations

import heapq
import math
import random
from collections.abc import Iterator
from itertools import count
from typing import NamedTuple

from ansible_collections.spectrocloud.palette.plugins.module_utils._execution.waiting import (
    poll_interval,
    polls_after,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._execution.window import Window

PAGE = 50  # items a request
LIMIT = 50.0  # requests a second that Palette allows a source address
BURST = 250
LATENCY = 0.2  # seconds an answer takes
CUT = 2.0  # seconds until a snapshot that was cut is ready to use
INTERVAL = 5.0  # seconds, the default of poll_interval
DEADLINE = 300.0  # seconds, KubeVirt's default
PATIENCE = DEADLINE / 2  # in which a snapshot should be done
KEPT = 7  # snapshots of the set that each VM has already
UNTUNED, TUNED = 0.55, 4.7  # snapshots a second of one cluster's storage


class Fleet(NamedTuple):
    """VMs over clusters, and from how many addresses they are worked on.

    pace: the snapshots a second that the storage of one cluster takes.
    """

    vms: int
    clusters: int
    pace: float
    addresses: int = 1


FLEETS = (
    Fleet(100, 1, UNTUNED),
    Fleet(1_000, 1, UNTUNED),
    Fleet(1_000, 1, TUNED),
    Fleet(1_000, 10, UNTUNED),
    Fleet(10_000, 50, UNTUNED),
    Fleet(10_000, 50, TUNED),
    Fleet(100_000, 200, UNTUNED),
    Fleet(100_000, 200, UNTUNED, addresses=5),
    Fleet(100_000, 200, TUNED, addresses=5),
)


class Outcome(NamedTuple):
    """How long all takes, in seconds, the requests sent, and the snapshots that came too late."""

    seconds: float
    requests: int
    failed: int

    def limit(self, fleet: Fleet) -> str:
        """Return what held it up: the storage, or the requests."""
        by_storage = fleet.vms / fleet.clusters / fleet.pace
        return "storage" if by_storage > 0.8 * self.seconds else "requests"


class Limiter:
    """When requests may be sent, one after the other, at Palette's limit."""

    def __init__(self) -> None:
        self.sent = 0
        self._next = 0.0

    def send(self, now: float) -> float:
        """Send a request, and return when its answer is there."""
        self.sent += 1
        self._next = max(self._next, now) + 1 / LIMIT
        return max(now, self._next - BURST / LIMIT) + LATENCY


class Cluster:
    """One cluster of a fleet, and what its storage does."""

    def __init__(self, vms: int, pace: float, limiter: Limiter) -> None:
        self.waiting = vms
        self.failed = 0
        self._vms = vms
        self._pace = pace
        self._limiter = limiter
        self._window = Window()
        self._ready_at: list[float] = []
        self._storage_free_at = 0.0
        self._polls = 0

    def course(self) -> Iterator[float]:
        """Yield the points in time at which the cluster has something to do again."""
        now = 0.0
        for _page in range(math.ceil(self._vms / PAGE) + math.ceil(self._vms * KEPT / PAGE)):
            now = self._limiter.send(now)
            yield now
        while self.waiting or self._ready_at:
            while self.waiting and len(self._ready_at) < self._window.size(PATIENCE, now):
                yield (now := self._take(now))
            others_wait = self.waiting > 0
            now += poll_interval(INTERVAL, self._polls, len(self._ready_at), others_wait)
            yield now
            for _request in range(self._requests_of_a_poll()):
                yield (now := self._limiter.send(now))
            self._read(now)

    def _take(self, now: float) -> float:
        self.waiting -= 1
        self._window.begin(now)
        answered = self._limiter.send(now)
        self._storage_free_at = max(self._storage_free_at, answered) + 1 / self._pace
        self._ready_at.append(self._storage_free_at + CUT)
        self.failed += self._storage_free_at - answered > DEADLINE
        # Threads take others meanwhile: the answer is not waited for.
        return answered - LATENCY

    def _requests_of_a_poll(self) -> int:
        """Return the fewer: one for each VM in progress, or a page for 50 snapshots of all."""
        listed = self._vms * (KEPT + 1) - self.waiting
        return min(len(self._ready_at), math.ceil(listed / PAGE))

    def _read(self, now: float) -> None:
        ended = [at for at in self._ready_at if at <= now]
        for _member in ended:
            self._window.finish(now)
        self._ready_at = [at for at in self._ready_at if at > now]
        self._polls = polls_after(self._polls, bool(ended))


def simulate(fleet: Fleet) -> Outcome:
    """Take a snapshot of each VM, and return how that went."""
    random.seed(0)  # the jitter of intervals: the same each time
    limiter = Limiter()
    clusters = fleet.clusters // fleet.addresses
    each = fleet.vms // fleet.clusters
    work = [Cluster(each, fleet.pace, limiter) for _number in range(clusters)]
    order = count()
    due = [(0.0, next(order), cluster.course()) for cluster in work]
    now = 0.0
    while due:
        now, _order, course = heapq.heappop(due)
        at = next(course, None)
        if at is not None:
            heapq.heappush(due, (at, next(order), course))
    failed = sum(cluster.failed for cluster in work) * fleet.addresses
    return Outcome(now, limiter.sent * fleet.addresses, failed)


def table() -> str:
    """Return the table of the page, in Markdown."""
    lines = [
        "| VMs | Clusters | Snapshots a second | Addresses | Takes | Requests | A VM | Limit |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for fleet in FLEETS:
        outcome = simulate(fleet)
        cells = (
            f"{fleet.vms:,}",
            fleet.clusters,
            fleet.pace,
            fleet.addresses,
            f"{math.ceil(outcome.seconds / 60)} min",
            f"{outcome.requests:,}",
            f"{outcome.requests / fleet.vms:.1f}",
            outcome.limit(fleet),
        )
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "".join(f"{line}\n" for line in lines)


if __name__ == "__main__":
    print(table(), end="")

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carries out the members of all lanes, for one member or thousands, in one pool of threads."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from itertools import chain
from queue import Empty, SimpleQueue
from typing import Any

from .._http.deadline import pause
from .._http.errors import ApiError
from .lane import Job, Lane, not_tried
from .member import Member

_REPORT_INTERVAL = 1.0  # seconds
_SEVERAL = 3  # clusters that are silent together: then it is Palette that does not answer

Ended = tuple[Lane[Any], Job, Future[object]]


class Execution:
    """Carries out the steps of many members.

    concurrency: how many requests may be under way at once. A lane gets an equal share of them, and
    always one, so that none waits for another. report: called with all members from time to time.
    """

    def __init__(
        self,
        lanes: Sequence[Lane[Any]],
        concurrency: int = 1,
        report: Callable[[Iterable[Member[Any]]], None] = lambda _members: None,
    ) -> None:
        self._lanes = lanes
        self._concurrency = concurrency
        self._report = report
        self._ended: SimpleQueue[Ended] = SimpleQueue()
        self._under_way = 0

    def run(self) -> None:
        """Do all steps. The error of a member becomes its failure and is not raised."""
        pool = ThreadPoolExecutor(max_workers=self._concurrency + len(self._lanes))
        try:
            self._send(pool)
            while self._wait():
                self._report(chain.from_iterable(lane.members for lane in self._lanes))
                self._send(pool)
        except (Exception, KeyboardInterrupt, SystemExit):
            raise
        except BaseException:  # noqa: BLE001
            # The task's keyword timeout struck: the result says what is done, and what is not. The
            # writes under way count as done, so they end first.
            self._halt(pool)
            for lane in self._lanes:
                lane.abandon()
        finally:
            # After an interrupt, writes that have not begun are not done.
            self._halt(pool)

    def _halt(self, pool: ThreadPoolExecutor) -> None:
        for lane in self._lanes:
            lane.halt()
        pool.shutdown(wait=True, cancel_futures=True)

    def _wait(self) -> bool:
        """Wait until something ends or is due; False at the end."""
        now = time.monotonic()
        dues = [lane.due(now) for lane in self._lanes]
        if self._under_way:
            # What could begin by now has to wait until something ends.
            later = min((due for due in dues if due > now), default=math.inf)
            self._collect(min(later - now, _REPORT_INTERVAL))
            return True
        if self._silent():
            self._give_up()
            return False
        due = min(dues)
        if due == math.inf:
            return False
        pause(min(max(due - now, 0.0), _REPORT_INTERVAL))
        return True

    def _send(self, pool: ThreadPoolExecutor) -> None:
        if self._silent():
            # What is under way may still show that a cluster answers again.
            return
        now = time.monotonic()
        busy = [lane for lane in self._lanes if lane.under_way or lane.due(now) <= now]
        share = max(1, self._concurrency // max(len(busy), 1))
        for lane in busy:
            while lane.under_way == 0 or self._may_borrow(lane, share):
                job = lane.next_job(now)
                if job is None:
                    break
                self._under_way += 1
                lane.under_way += 1
                ended = partial(self._note_end, lane, job)
                pool.submit(job.work).add_done_callback(ended)

    def _may_borrow(self, lane: Lane[Any], share: int) -> bool:
        return lane.under_way < share and self._under_way < self._concurrency

    def _note_end(self, lane: Lane[Any], job: Job, future: Future[object]) -> None:
        self._ended.put((lane, job, future))

    def _collect(self, wait: float) -> None:
        """Wait until a job ends, and go on with what it and others returned."""
        with suppress(Empty):
            self._end(*self._ended.get(timeout=wait))
            while True:
                self._end(*self._ended.get_nowait())

    def _end(self, lane: Lane[Any], job: Job, future: Future[object]) -> None:
        self._under_way -= 1
        lane.under_way -= 1
        job.then(future.result())
        if lane.stopped_by:
            self._drop_all(lane.stopped_by)

    def _drop_all(self, cause: ApiError) -> None:
        for lane in self._lanes:
            lane.stopped_by = None
            lane.drop(partial(not_tried, cause))

    def _silent(self) -> bool:
        """Say whether all clusters that are left do not answer."""
        return all(lane.silent for lane in self._left())

    def _give_up(self) -> None:
        """Fail what has not begun in the clusters that are left."""
        left = self._left()
        for lane in left:
            lane.give_up(len(left) if len(left) >= _SEVERAL else 1)

    def _left(self) -> list[Lane[Any]]:
        return [lane for lane in self._lanes if not lane.done]

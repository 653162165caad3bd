# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many members of one cluster may be in progress at once. No requests, no clock."""

from __future__ import annotations

from collections import deque

# What any storage manages: a snapshot controller that is not tuned takes ten at once, and was
# measured at 0.55 a second. See docs/palette.md, "Storage pace".
_ASSUMED_BURST = 10
_ASSUMED_PACE = 0.5
_HORIZON = 30.0  # seconds over which the pace is measured
_HELD = 10.0  # seconds for which the best pace counts: snapshots end together, not evenly


class Window:
    """Lets in so many members that a newcomer is expected to be done within its patience.

    By Little's law, it needs as long as those in progress take at the storage's pace. The pace is
    measured: where storage is fast, the window grows with each poll. limit: a fixed number instead.
    """

    def __init__(self, limit: int | None = None) -> None:
        self._limit = limit
        # Those in _done came after that.
        self._counted_from: float | None = None
        self._done: deque[float] = deque()
        # When paces were measured, and the paces: falling, so that the best is the first.
        self._paces: deque[tuple[float, float]] = deque()

    def begin(self, now: float) -> None:
        """Note that a member was let in. now: in seconds, as all times here."""
        if self._counted_from is None:
            self._counted_from = now

    def finish(self, now: float) -> None:
        """Note that the storage is done with a member."""
        self._done.append(now)
        pace = self.pace(now)
        while self._paces and self._paces[-1][1] <= pace:
            self._paces.pop()
        self._paces.append((now, pace))

    def size(self, patience: float, now: float) -> int:
        """Return how many may be in progress. patience: seconds in which each should be done."""
        if self._limit is not None:
            return self._limit
        assumed = _ASSUMED_BURST + _ASSUMED_PACE * patience
        while self._paces and self._paces[0][0] < now - _HELD:
            self._paces.popleft()
        best = self._paces[0][1] if self._paces else self.pace(now)
        return int(max(best * patience, assumed))

    def pace(self, now: float) -> float:
        """Return the members a second that the storage has finished lately.

        Polls may be as rare as the horizon is long: what one poll finds was finished since the poll
        before it.
        """
        while self._done and self._done[0] < now - _HORIZON:
            self._counted_from = self._done.popleft()
        measured = 0.0 if self._counted_from is None else now - self._counted_from
        return len(self._done) / measured if measured > 0 else 0.0

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shows the progress of a long task every few seconds, unless nothing has changed."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence

from .execute import Member
from .wait import Goal

_INTERVAL = 5.0  # seconds
_WAITING_FOR = {
    Goal.READY: "to be ready",
    Goal.QUIESCED: "to be ready",
    Goal.SETTLED: "for another snapshot of the VM",
    Goal.GONE: "to be gone",
}


class Progress:
    """Shows the progress of an execution's members."""

    def __init__(
        self,
        title: str,
        say: Callable[[str], None] | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """say: takes a line of text; None shows nothing."""
        self._title = title
        self._say = say
        self._clock = clock
        self._began = self._said_at = clock()
        self._last = ""

    def report(self, members: Sequence[Member]) -> None:
        """Show the progress, unless that was done just now or nothing has changed."""
        now = self._clock()
        if not self._say or now - self._said_at < _INTERVAL:
            return
        self._said_at = now
        standing = _standing(members)
        if standing != self._last:
            self._last = standing
            self._say(f"{self._title}: {standing}, {now - self._began:.0f} s")


def _standing(members: Sequence[Member]) -> str:
    done = sum(not member.active and not member.failure for member in members)
    failed = sum(bool(member.failure) for member in members)
    waits = Counter(_waiting_for(member) for member in members if member.active)
    parts = [f"{done}/{len(members)} done", f"{failed} failed"]
    parts += [f"{count} waiting {what}" for what, count in sorted(waits.items())]
    return ", ".join(parts)


def _waiting_for(member: Member) -> str:
    goal = member.steps[0].goal
    return _WAITING_FOR[goal] if goal and member.begun else "for their turn"

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A line on the screen now and then of a long task: nobody has to wonder whether it hangs."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from .member import Member

_INTERVAL = 5.0  # seconds, while something changes
_LONGEST_SILENCE = 15.0  # seconds, while nothing does
_NAMED = 3  # members; more are counted


class Progress:
    """Tells how far the members of an execution have come.

    say: takes a line; None: be silent. clusters: what clusters are called, by uid, where there are
    several.
    """

    def __init__(
        self,
        title: str,
        say: Callable[[str], None] | None,
        timeout: float,
        clock: Callable[[], float],
    ) -> None:
        self._title = title
        self._say = say
        self._timeout = timeout
        self._clock = clock
        self._began = self._said_at = clock()
        self._last = ""
        self.clusters: Mapping[str, str] = {}

    @classmethod
    def of(cls, options: Mapping[str, Any], say: Callable[[str], None], title: str) -> Progress:
        """Return what shows an execution's progress, if the options want it shown."""
        shown = say if options["progress"] else None
        return cls(title, shown, options["wait_timeout"], time.monotonic)

    def report(self, members: Iterable[Member[Any]]) -> None:
        """Say how things stand, unless that was said a short time ago."""
        now = self._clock()
        silence = now - self._said_at
        if not self._say or silence < _INTERVAL:
            return
        members = list(members)
        standing = self._standing(members)
        if standing == self._last and silence < _LONGEST_SILENCE:
            return
        self._said_at, self._last = now, standing
        elapsed = now - self._began
        # Each step has its own timeout: a member may begin after others are long done.
        bounded = elapsed <= self._timeout and all(member.size == 1 for member in members)
        limit = f" of {self._timeout:g} s" if bounded else ""
        self._say(f"{self._title}: {standing} ({elapsed:.0f} s{limit})")

    def _standing(self, members: Sequence[Member[Any]]) -> str:
        active = [member for member in members if member.active]
        failed = sum(member.left for member in members if member.failure)
        total = sum(member.size for member in members)
        done = total - sum(member.left for member in members)
        counts = f"{done}/{total} done, {failed} failed"
        if not active:
            return counts
        if len(active) <= _NAMED:
            waits = [f"{self._name(each)} {_waits(each)}{_phase(each)}" for each in active]
        else:
            waits = self._waits_of(active)
        return f"{counts}, {', '.join(waits)}"

    def _name(self, member: Member[Any]) -> str:
        name = f"{member.key.namespace}/{member.key.vm_name}"
        return f"{self.clusters[member.key.cluster_uid]}/{name}" if self.clusters else name

    def _waits_of(self, active: Sequence[Member[Any]]) -> list[str]:
        waits: dict[str, Counter[str]] = {}
        for member in active:
            waits.setdefault(_waits(member), Counter())[member.key.cluster_uid] += 1
        return [
            f"{sum(counts.values())} {what}{self._places(counts)}"
            for what, counts in sorted(waits.items())
        ]

    def _places(self, counts: Counter[str]) -> str:
        """Return where members are, after how many there are."""
        if not self.clusters:
            return ""
        most = [f"{n} in {self.clusters[uid]}" for uid, n in counts.most_common(_NAMED)]
        more = len(counts) - len(most)
        others = f", the others in {more} more" if more else ""
        return f" ({', '.join(most)}{others})"


def _waits(member: Member[Any]) -> str:
    # Read once: another thread may do the last step meanwhile.
    what = member.waits_for if member.begun else ""
    return f"waiting {what or ('to go on' if member.changed else 'for its turn')}"


def _phase(member: Member[Any]) -> str:
    return f" (phase {member.phase})" if member.phase else ""

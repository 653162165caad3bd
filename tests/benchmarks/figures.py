# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The arithmetic of the benchmarks: medians, bounds, counts of pages, and verdicts."""

from __future__ import annotations

import math
import statistics
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import parse_qs

# Palette's documented limit on /v1/spectroclusters.
RATE = 50.0  # requests a second
BURST = 250
PAGE = 50  # objects


class Check(NamedTuple):
    """One line of the table: a figure and its target, in the same unit; None: a fact to know."""

    what: str
    measured: float
    target: float | None
    unit: str
    at_least: bool = False

    @property
    def met(self) -> bool:
        """Whether the target is reached, if there is one."""
        if self.target is None:
            return True
        if self.at_least:
            return self.measured >= self.target
        return self.measured <= self.target


def median_ratio(pairs: Iterable[tuple[float, float]]) -> float:
    """Return the median of first / second. The two of a pair were measured one after the other."""
    return statistics.median(first / second for first, second in pairs)


def rate_bound(calls: int) -> float:
    """Return the seconds that so many calls take at the documented limit, at the very least."""
    return max(0.0, (calls - BURST) / RATE)


def pages(objects: int) -> int:
    """Return how many requests list so many objects."""
    return max(1, math.ceil(objects / PAGE))


def rounds(queries: Sequence[str]) -> list[int]:
    """Return how many requests each reading of a list took, of the query strings in their order."""
    lengths: list[int] = []
    for query in queries:
        if lengths and "continue" in parse_qs(query):
            lengths[-1] += 1
        else:
            lengths.append(1)
    return lengths


def last_answer(log: Sequence[Mapping[str, Any]], clusters: Collection[str]) -> float:
    """Return the seconds from a log's first request to the last answer about one of the clusters.

    clusters: their uids, which are in the paths of such requests.
    """
    started = min(entry["time"] for entry in log)
    ends = (
        entry["time"] + entry["seconds"]
        for entry in log
        if any(part in clusters for part in entry["path"].split("/"))
    )
    return float(max(ends) - started)

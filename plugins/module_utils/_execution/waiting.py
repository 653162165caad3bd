# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long to wait, the intervals between polls, and the error when the time is over."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from .._http.errors import ApiError
from .._validation.problems import Problem, option_problem

_YEAR = 365 * 86_400  # seconds; the clock overflows at some point
_FIRST_INTERVAL = 0.1  # as a share of the longest
_GROWTH = 1.5
_GROWN = 6  # polls until the longest is reached; many more would overflow
_JITTER = 0.1
_SOON = 0.5  # seconds
_SOONER = 2  # polls
_POLLED_A_SECOND = 200  # members: four pages of a list


class Waiting(NamedTuple):
    """How long to wait, and how often to poll, in seconds. enabled: whether to wait at all."""

    timeout: float
    interval: float
    enabled: bool = True

    @property
    def limit(self) -> str:
        """What messages say of how long was waited."""
        return f"{self.timeout:g} s (wait_timeout)"


def waiting_from(options: Mapping[str, Any]) -> Waiting:
    """Return how to wait, from checked options."""
    return Waiting(options["wait_timeout"], options["poll_interval"], options.get("wait", True))


def wait_problems(options: Mapping[str, Any]) -> list[Problem]:
    """Return the problems with wait_timeout and poll_interval."""
    return [
        option_problem(name, f"must be above 0 and at most {_YEAR}", example)
        for name, example in (("wait_timeout", 600), ("poll_interval", 5))
        if not 0 < options[name] <= _YEAR
    ]


def wait_timed_out(texts: Iterable[str], poll_error: str) -> ApiError:
    """Return the error of a wait whose time is over. poll_error: the last poll's, if it failed."""
    last = [f"the last poll failed: {poll_error}"] if poll_error else []
    return ApiError("wait_timeout", "; ".join([*texts, *last]))


def growing_interval(longest: float, polls: int) -> float:
    """Return the seconds to pause after this many polls: growing to the longest, with jitter."""
    interval = longest * min(_FIRST_INTERVAL * _GROWTH ** min(polls, _GROWN), 1)
    return interval * random.uniform(1 - _JITTER, 1)


def poll_interval(longest: float, polls: int, polled: int, others_wait: bool) -> float:
    """Return the seconds to pause before the next poll.

    polled: how many members. others_wait: whether others wait for room.
    """
    grown = growing_interval(longest, polls)
    # A poll of many members takes many pages.
    least = polled / _POLLED_A_SECOND
    if others_wait:
        # See soon that there is room.
        return min(grown, max(_SOON, least))
    return max(grown, min(least, longest))


def polls_after(polls: int, ended: bool) -> int:
    """Return for how many polls the interval has grown. ended: whether the last saw one end."""
    # Where members end, others will soon.
    return max(polls - _SOONER, 0) if ended else polls + 1

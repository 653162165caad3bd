# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a member waits for, what each poll of it means, and the pace of polling. Pure."""

from __future__ import annotations

import random
from collections.abc import Mapping
from enum import Enum
from typing import Any, NamedTuple

from .._palette.errors import PaletteError
from .._validation.problems import Problem, option_problem
from .model import Snapshot

_YEAR = 365 * 86_400  # seconds; a clock cannot count to just any number
_FIRST_INTERVAL = 0.1  # of the longest
_GROWTH = 1.5
_GROWN = 6  # polls until the longest is reached; a power of many more would overflow
_JITTER = 0.1


class Goal(Enum):
    """When a snapshot's waiting ends well."""

    READY = "ready"
    QUIESCED = "quiesced"
    SETTLED = "settled"
    GONE = "gone"


_MISSED = {
    Goal.READY: "snapshot {name} was not ready",
    Goal.QUIESCED: "snapshot {name} was not ready",
    Goal.SETTLED: "snapshot {name}, which the same VM has in progress, did not end",
    Goal.GONE: "snapshot {name} was not gone",
}


class Waiting(NamedTuple):
    """How long to wait, and how often to poll, in seconds. enabled: whether to wait at all."""

    timeout: float
    interval: float
    enabled: bool = True


def waiting_from(options: Mapping[str, Any]) -> Waiting:
    """Return the waiting that checked options ask for."""
    return Waiting(options["wait_timeout"], options["poll_interval"], options.get("wait", True))


def wait_problems(options: Mapping[str, Any]) -> list[Problem]:
    """Return what is wrong with the options on waiting."""
    problems = [
        option_problem(name, f"{options[name]:g} must be above 0 s, up to a year", example)
        for name, example in (("wait_timeout", 600), ("poll_interval", 5))
        if not 0 < options[name] <= _YEAR
    ]
    if options.get("consistency") == "filesystem" and not options["wait"]:
        text = "filesystem needs wait: true, because it is known only at the end"
        problems.append(option_problem("consistency", text, "any"))
    return problems


def reached(goal: Goal, seen: Snapshot | None, uid: str | None) -> bool:
    """Say whether a poll shows the goal reached; raise PaletteError where it never will be.

    seen: the snapshot as listed, None when the list does not show it. uid: the one waited for;
    another of the same name, made meanwhile, is not it.
    """
    if seen and uid and seen.uid and seen.uid != uid:
        seen = None
    if goal is Goal.GONE:
        return seen is None
    if goal is Goal.SETTLED:
        return seen is None or seen.ready or not seen.in_progress
    if seen is None:
        raise PaletteError(
            "snapshot_disappeared", "the snapshot disappeared while it was waited for"
        )
    if seen.deleting:
        raise PaletteError("snapshot_deleted", "the snapshot is being deleted by somebody else")
    if seen.failed:
        raise PaletteError("snapshot_failed", f"the snapshot failed: {seen.problem}")
    if goal is Goal.QUIESCED and seen.unquiesced:
        raise PaletteError("not_quiesced", seen.unquiesced)
    return seen.ready


def timed_out(
    goal: Goal, name: str, seen: Snapshot | None, waiting: Waiting, trouble: str
) -> PaletteError:
    """Return the error of a wait for the named snapshot.

    trouble: the last failed poll's text, if any.
    """
    state = "it was not listed"
    if seen:
        deleting = "being deleted, " if seen.deleting else ""
        state = f"{deleting}phase {seen.phase or 'not set yet'}: {seen.problem}"
    failed_poll = f"; the last poll failed: {trouble}" if trouble else ""
    return PaletteError(
        "wait_timeout",
        f"{_MISSED[goal].format(name=name)} within {waiting.timeout:g} s (wait_timeout); "
        f"{state}{failed_poll}",
    )


def growing_interval(longest: float, polls: int) -> float:
    """Return the seconds to pause after so many polls: growing to the longest, with jitter."""
    interval = longest * min(_FIRST_INTERVAL * _GROWTH ** min(polls, _GROWN), 1)
    return interval * random.uniform(1 - _JITTER, 1)

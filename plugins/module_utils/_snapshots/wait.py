# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a member waits for, what each poll means, and the intervals between polls."""

from __future__ import annotations

import random
from collections.abc import Mapping
from enum import Enum
from typing import Any, NamedTuple

from .._palette.errors import PaletteError
from .._validation.problems import Problem, option_problem
from .model import Snapshot

_YEAR = 365 * 86_400  # seconds; the clock overflows at some point
_FIRST_INTERVAL = 0.1  # as a share of the longest
_GROWTH = 1.5
_GROWN = 6  # polls until the longest is reached; many more would overflow
_JITTER = 0.1


class Goal(Enum):
    """The state of a snapshot that a step waits for."""

    READY = "ready"
    QUIESCED = "quiesced"
    SETTLED = "settled"
    GONE = "gone"


_MISSED = {
    Goal.READY: "snapshot {name} was not ready within {limit}",
    Goal.QUIESCED: "snapshot {name} was not ready within {limit}",
    Goal.SETTLED: "an earlier snapshot of this VM, {name}, was still in progress after {limit}",
    Goal.GONE: "snapshot {name} was not gone within {limit}",
}


class Waiting(NamedTuple):
    """How long to wait, and how often to poll, in seconds. enabled: whether to wait at all."""

    timeout: float
    interval: float
    enabled: bool = True


def waiting_from(options: Mapping[str, Any]) -> Waiting:
    """Return how to wait, from checked options."""
    return Waiting(options["wait_timeout"], options["poll_interval"], options.get("wait", True))


def wait_problems(options: Mapping[str, Any]) -> list[Problem]:
    """Return the problems with the options for waiting."""
    problems = [
        option_problem(name, f"must be above 0 and at most {_YEAR}", example)
        for name, example in (("wait_timeout", 600), ("poll_interval", 5))
        if not 0 < options[name] <= _YEAR
    ]
    if options.get("consistency") == "filesystem" and not options["wait"]:
        text = "filesystem requires wait: true, because it is known only at the end"
        problems.append(option_problem("consistency", text, "any"))
    return problems


# See docs/palette.md, "Readiness".
def reached(goal: Goal, seen: Snapshot | None) -> bool:
    """Return whether a poll shows the goal reached; raise PaletteError if it never will be.

    seen: the snapshot as listed, None if it is not listed. uid: of the snapshot waited for, because
    another one may have been created with the same name.
    """
    if goal is Goal.GONE:
        return seen is None
    if goal is Goal.SETTLED:
        return seen is None or seen.ready or not seen.in_progress
    if seen is None:
        raise PaletteError("snapshot_disappeared", "the snapshot disappeared during the wait")
    if seen.deleting:
        raise PaletteError("snapshot_deleted", "the snapshot is being deleted by somebody else")
    if seen.failed:
        raise PaletteError("snapshot_failed", f"the snapshot failed: {seen.problem}")
    if goal is Goal.QUIESCED and seen.unquiesced:
        raise PaletteError("not_quiesced", seen.unquiesced)
    return seen.ready


def timed_out(
    goal: Goal, name: str, seen: Snapshot | None, waiting: Waiting, poll_error: str
) -> PaletteError:
    """Return the error of a wait that timed out.

    poll_error: the message of the last poll, if it failed.
    """
    limit = f"{waiting.timeout:g} s (wait_timeout)"
    texts = [_MISSED[goal].format(name=name, limit=limit)]
    if seen:
        deleting = "being deleted, " if seen.deleting else ""
        texts.append(f"{deleting}phase {seen.phase or 'not set yet'}: {seen.problem}")
    if poll_error:
        texts.append(f"the last poll failed: {poll_error}")
    if len(texts) == 1:
        texts.append("it was not listed")
    return PaletteError("wait_timeout", "; ".join(texts))


def growing_interval(longest: float, polls: int) -> float:
    """Return the seconds to pause after this many polls: growing to the longest, with jitter."""
    interval = longest * min(_FIRST_INTERVAL * _GROWTH ** min(polls, _GROWN), 1)
    return interval * random.uniform(1 - _JITTER, 1)

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a member waits for, and what each poll means."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import Enum
from typing import Any

from .._execution.waiting import Waiting, wait_timed_out
from .._http.errors import ApiError
from .._validation.durations import parse_duration
from .._validation.problems import Problem, option_problem
from .model import Snapshot

_NANOSECONDS = 1_000_000_000
# KubeVirt's. See docs/palette.md, "Deadlines".
DEFAULT_DEADLINE = "5m"
DEFAULT_SECONDS = parse_duration(DEFAULT_DEADLINE) / _NANOSECONDS


class Goal(Enum):
    """The state of a snapshot that a step waits for."""

    CUT = "cut"
    READY = "ready"
    QUIESCED = "quiesced"
    SETTLED = "settled"
    GONE = "gone"


_MISSED = {
    Goal.CUT: "snapshot {name} was not taken within {limit}",
    Goal.READY: "snapshot {name} was not ready within {limit}",
    Goal.QUIESCED: "snapshot {name} was not ready within {limit}",
    Goal.SETTLED: "an earlier snapshot of this VM, {name}, was still in progress after {limit}",
    Goal.GONE: "snapshot {name} was not gone within {limit}",
}


def consistency_problems(options: Mapping[str, Any]) -> list[Problem]:
    """Return the problem with waiting for consistent file systems without waiting."""
    if options.get("consistency") == "filesystem" and not options["wait"]:
        text = "filesystem requires wait: true, because it is known only at the end"
        return [option_problem("consistency", text, "any")]
    return []


# See docs/palette.md, "Locking": a VM cannot be started while its snapshot is in progress.
def offline_problems(options: Mapping[str, Any]) -> list[Problem]:
    """Return the problems with having VMs off for snapshots, which must not stay off."""
    if not options["offline"] or options["state"] == "absent":
        return []
    if not options["wait"]:
        text = "true requires wait: true, because a VM is started again when its snapshot is taken"
        return [option_problem("offline", text, example=False)]
    given = _failure_deadline(options)
    seconds = deadline_seconds(given)
    if seconds == 0:
        text = "must not be 0 with offline: true: a VM could wait for its snapshot, off, for ever"
        return [option_problem("failure_deadline", text, "10m")]
    if seconds is None or options["wait_timeout"] > seconds:
        return []
    text = (
        f"must be more than failure_deadline ({given or DEFAULT_DEADLINE}) with offline: true: "
        "only when KubeVirt has taken a snapshot, or given it up, can its VM be started again"
    )
    return [option_problem("wait_timeout", text, int(seconds) + 300)]


def _failure_deadline(options: Mapping[str, Any]) -> Any:
    spec = (options["definition"] or {}).get("spec")
    defined = spec.get("failureDeadline") if isinstance(spec, Mapping) else None
    return defined if options["failure_deadline"] is None else options["failure_deadline"]


def deadline_seconds(text: Any) -> float | None:
    """Return the seconds of a failure deadline, KubeVirt's own where none is set; None if wrong."""
    if text is None:
        return DEFAULT_SECONDS
    try:
        return parse_duration(str(text)) / _NANOSECONDS
    except ValueError:
        return None


# See docs/palette.md, "Readiness".
def reached(goal: Goal, seen: Snapshot | None, needed: Collection[str] = ()) -> bool:
    """Return whether a poll shows the goal reached; raise ApiError if it never will be.

    seen: the snapshot as listed, None if it is not listed. needed: the volumes that must be in it.
    """
    if goal is Goal.GONE:
        return seen is None
    if goal is Goal.SETTLED:
        return seen is None or seen.ready or not seen.in_progress
    if seen is None:
        raise ApiError("snapshot_disappeared", "the snapshot disappeared during the wait")
    if seen.deleting:
        raise ApiError("snapshot_deleted", "the snapshot is being deleted by somebody else")
    if seen.failed:
        raise ApiError("snapshot_failed", f"the snapshot failed: {seen.problem}")
    if goal is Goal.CUT:
        return not seen.in_progress
    if goal is Goal.QUIESCED and seen.unquiesced:
        raise ApiError("not_quiesced", seen.unquiesced)
    lacking = seen.lacking(needed)
    if lacking:
        raise ApiError("volumes_missing", lacking)
    return seen.ready


def timed_out(
    goal: Goal, name: str, seen: Snapshot | None, waiting: Waiting, poll_error: str
) -> ApiError:
    """Return the error of a wait that timed out.

    poll_error: the message of the last poll, if it failed.
    """
    texts = [_MISSED[goal].format(name=name, limit=waiting.limit)]
    if seen:
        deleting = "being deleted, " if seen.deleting else ""
        texts.append(f"{deleting}phase {seen.phase or 'not set yet'}: {seen.problem}")
    elif not poll_error:
        texts.append("it was not listed")
    return wait_timed_out(texts, poll_error)

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a member waits for, and what each poll means."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any

from .._execution.waiting import Waiting
from .._http.errors import ApiError
from .._validation.problems import Problem, option_problem
from .model import Snapshot


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


def consistency_problems(options: Mapping[str, Any]) -> list[Problem]:
    """Return the problem with waiting for consistent file systems without waiting."""
    if options.get("consistency") == "filesystem" and not options["wait"]:
        text = "filesystem requires wait: true, because it is known only at the end"
        return [option_problem("consistency", text, "any")]
    return []


# See docs/palette.md, "Readiness".
def reached(goal: Goal, seen: Snapshot | None) -> bool:
    """Return whether a poll shows the goal reached; raise ApiError if it never will be.

    seen: the snapshot as listed, None if it is not listed. uid: of the snapshot waited for, because
    another one may have been created with the same name.
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
    if goal is Goal.QUIESCED and seen.unquiesced:
        raise ApiError("not_quiesced", seen.unquiesced)
    return seen.ready


def timed_out(
    goal: Goal, name: str, seen: Snapshot | None, waiting: Waiting, poll_error: str
) -> ApiError:
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
    return ApiError("wait_timeout", "; ".join(texts))

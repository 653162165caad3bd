# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When waiting ends."""

from __future__ import annotations

import pytest

from ansible_collections.spectrocloud.palette.plugins.module_utils._execution.waiting import (
    Waiting,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._http.errors import ApiError
from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots.model import Snapshot
from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots.wait import (
    Goal,
    consistency_problems,
    reached,
    timed_out,
)
from unit.builders import FAILED, READY, RUNNING, SUCCEEDED, UNQUIESCED, Json, listed

DELETING = {"deletionTimestamp": "2026-01-01T00:00:00Z"}


def snapshot(status: Json | None = None, uid: str = "u1", **metadata: str) -> Snapshot:
    """Return a snapshot as listed."""
    return listed(status, uid=uid, **metadata)


@pytest.mark.parametrize(
    ("goal", "seen", "end"),
    [
        (Goal.READY, snapshot(), False),
        (Goal.READY, snapshot(RUNNING), False),
        (Goal.READY, snapshot(SUCCEEDED), False),
        (Goal.READY, snapshot(READY), True),
        (Goal.READY, snapshot(UNQUIESCED), True),
        (Goal.READY, snapshot({**RUNNING, "error": {"message": "passing"}}), False),
        (Goal.READY, snapshot(FAILED), "snapshot_failed"),
        (Goal.READY, snapshot(READY, **DELETING), "snapshot_deleted"),
        (Goal.READY, None, "snapshot_disappeared"),
        (Goal.QUIESCED, snapshot(UNQUIESCED), "not_quiesced"),
        (Goal.QUIESCED, snapshot({**UNQUIESCED, "readyToUse": False}), False),
        (Goal.QUIESCED, snapshot(READY), True),
        (Goal.QUIESCED, snapshot(FAILED), "snapshot_failed"),
        (Goal.GONE, None, True),
        (Goal.GONE, snapshot(READY), False),
        (Goal.GONE, snapshot(FAILED, **DELETING), False),
        (Goal.SETTLED, None, True),
        (Goal.SETTLED, snapshot(), False),
        (Goal.SETTLED, snapshot(RUNNING), False),
        (Goal.SETTLED, snapshot(SUCCEEDED), True),
        (Goal.SETTLED, snapshot(FAILED), True),
    ],
)
def test_reached_ends_the_waiting_or_does_not(
    goal: Goal, seen: Snapshot | None, end: bool | str
) -> None:
    if isinstance(end, bool):
        assert reached(goal, seen) is end
        return
    with pytest.raises(ApiError) as caught:
        reached(goal, seen)
    assert caught.value.reason == end


def test_timed_out_names_goal_time_and_state() -> None:
    waiting = Waiting(90, 5)
    lost = timed_out(Goal.READY, "s", None, waiting, "HTTP 502")
    assert lost.reason == "wait_timeout"
    for words in ("snapshot s", "90 s", "HTTP 502"):
        assert words in lost.message
    assert "was not listed" in timed_out(Goal.READY, "s", None, waiting, "").message
    lingering = timed_out(Goal.GONE, "s", snapshot(RUNNING, **DELETING), waiting, "")
    for words in ("not gone", "being deleted", "InProgress", "Source locked"):
        assert words in lingering.message
    assert "last poll" not in lingering.message
    assert "not set yet" in timed_out(Goal.READY, "s", snapshot(), waiting, "").message


def test_consistency_filesystem_needs_wait() -> None:
    options = {"consistency": "filesystem"}
    assert consistency_problems({**options, "wait": True}) == []
    assert [p.option for p in consistency_problems({**options, "wait": False})] == ["consistency"]

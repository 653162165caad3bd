# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When waiting ends, and the pace of looking."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.spectrocloud.palette.plugins.module_utils._palette.errors import (
    PaletteError,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._palette.retry import backoff
from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots.model import (
    Snapshot,
    read_snapshot,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots.wait import (
    Goal,
    Waiting,
    growing_interval,
    reached,
    timed_out,
    wait_problems,
    waiting_from,
)
from unit.fakes import FAILED, READY, RUNNING, SUCCEEDED, Json

GONE, QUIESCED, READINESS, SETTLED = Goal.GONE, Goal.QUIESCED, Goal.READY, Goal.SETTLED
AGENTLESS: Json = {**READY, "indications": ["NoGuestAgent", "Online"]}
DELETING = {"deletionTimestamp": "2026-01-01T00:00:00Z"}


def snapshot(status: Json | None = None, **meta: Any) -> Snapshot:
    """Return a snapshot as listed."""
    named = {"name": "s", "namespace": "vms", "uid": "u1", **meta}
    spec = {"source": {"kind": "VirtualMachine", "name": "db1"}}
    return read_snapshot("c1", {"metadata": named, "spec": spec, "status": status})


@pytest.mark.parametrize(
    ("goal", "seen", "end"),
    [
        (READINESS, snapshot(), False),
        (READINESS, snapshot(RUNNING), False),
        (READINESS, snapshot(SUCCEEDED), False),
        (READINESS, snapshot(READY), True),
        (READINESS, snapshot(AGENTLESS), True),
        (READINESS, snapshot({**RUNNING, "error": {"message": "passing"}}), False),
        (READINESS, snapshot(FAILED), "snapshot_failed"),
        (READINESS, snapshot(READY, **DELETING), "snapshot_deleted"),
        (READINESS, snapshot(READY, uid="u2"), "snapshot_disappeared"),
        (READINESS, None, "snapshot_disappeared"),
        (QUIESCED, snapshot(AGENTLESS), "not_quiesced"),
        (QUIESCED, snapshot({**AGENTLESS, "readyToUse": False}), False),
        (QUIESCED, snapshot(READY), True),
        (QUIESCED, snapshot(FAILED), "snapshot_failed"),
        (GONE, None, True),
        (GONE, snapshot(READY), False),
        (GONE, snapshot(FAILED, **DELETING), False),
        (GONE, snapshot(READY, uid="u2"), True),
        (SETTLED, None, True),
        (SETTLED, snapshot(), False),
        (SETTLED, snapshot(RUNNING), False),
        (SETTLED, snapshot(SUCCEEDED), True),
        (SETTLED, snapshot(FAILED), True),
    ],
)
def test_each_look_ends_the_waiting_or_does_not(
    goal: Goal, seen: Snapshot | None, end: bool | str
) -> None:
    if isinstance(end, bool):
        assert reached(goal, seen, "u1") is end
        return
    with pytest.raises(PaletteError) as caught:
        reached(goal, seen, "u1")
    assert caught.value.reason == end


def test_without_a_uid_any_of_the_name_is_it() -> None:
    assert reached(READINESS, snapshot(READY, uid="u2"), None)
    assert reached(READINESS, snapshot(READY, uid=""), "u1")


def test_a_timeout_names_goal_time_and_state() -> None:
    waiting = Waiting(90, 5, READINESS, GONE)
    lost = timed_out(READINESS, "s", None, waiting, "HTTP 502")
    assert lost.reason == "wait_timeout"
    for words in ("snapshot s", "90 s", "was not listed", "HTTP 502"):
        assert words in lost.message
    lingering = timed_out(GONE, "s", snapshot(RUNNING, **DELETING), waiting, "")
    for words in ("not gone", "being deleted", "InProgress", "Source locked"):
        assert words in lingering.message
    assert "last look" not in lingering.message
    assert "not set yet" in timed_out(READINESS, "s", snapshot(), waiting, "").message


@given(st.floats(0.001, 3600), st.integers(0, 1_000_000))
def test_intervals_grow_up_to_the_longest(longest: float, looks: int) -> None:
    interval = growing_interval(longest, looks)
    assert 0 < interval <= longest
    if looks >= 6:
        assert interval >= longest * 0.9


@given(st.integers(1, 1_000_000))
def test_backoff_grows_up_to_twenty_seconds(attempt: int) -> None:
    pause = backoff(attempt)
    assert 0.25 <= pause <= min(0.5 * 2 ** min(attempt - 1, 10), 20)
    if attempt > 6:
        assert pause >= 8


@pytest.mark.parametrize(
    ("options", "ready", "gone"),
    [
        ({"wait": True, "consistency": "any"}, READINESS, GONE),
        ({"wait": True, "consistency": "filesystem"}, QUIESCED, GONE),
        ({"wait": False, "consistency": "any"}, None, None),
        ({}, READINESS, GONE),
    ],
)
def test_the_options_tell_what_to_wait_for(
    options: Json, ready: Goal | None, gone: Goal | None
) -> None:
    patience = {"wait_timeout": 60, "poll_interval": 2}
    assert waiting_from({**options, **patience}) == Waiting(60, 2, ready, gone)


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf")])
@pytest.mark.parametrize("option", ["wait_timeout", "poll_interval"])
def test_a_time_that_is_none_is_refused(option: str, seconds: float) -> None:
    options = {"wait_timeout": 60, "poll_interval": 2, "wait": True, option: seconds}
    assert [problem.option for problem in wait_problems(options)] == [option]


def test_consistency_cannot_be_demanded_without_waiting() -> None:
    options = {"wait_timeout": 60, "poll_interval": 2, "consistency": "filesystem"}
    assert wait_problems({**options, "wait": True}) == []
    assert [p.option for p in wait_problems({**options, "wait": False})] == ["consistency"]

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The life of a snapshot as a function of time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from palette_simulator.lifecycle import (
    NEVER,
    UNPLANNED,
    Course,
    Pace,
    Stage,
    Timeline,
    Window,
    amend,
    cancel,
    plan,
    stage_at,
)

PACE = Pace(status=0.5, lock=1, lock_retry=5, cut=2, ready=2, unlock=2.5, lost=10)
DEADLINE = 300.0


def life(
    course: Course = Course(),  # noqa: B008 - immutable
    window: Window = Window(),  # noqa: B008 - immutable
    deadline: float = DEADLINE,
) -> Timeline:
    return plan(0.0, deadline, PACE, course, window)


@pytest.mark.parametrize(
    ("now", "stage"),
    [
        (0.4, Stage.NEW),
        (0.5, Stage.WAITING),
        (1.0, Stage.WORKING),
        (3.0, Stage.CUT),
        (4.9, Stage.CUT),
        (5.0, Stage.READY),
        (1e9, Stage.READY),
    ],
)
def test_a_snapshot_goes_through_its_stages(now: float, stage: Stage) -> None:
    assert stage_at(life(), now) == stage


@pytest.mark.parametrize(
    ("course", "now", "stage"),
    [
        (Course(cuts=False), 3.0, Stage.STRUGGLING),
        (Course(cuts=False), DEADLINE, Stage.FAILED),
        (Course(becomes_ready=False), 1e9, Stage.CUT),
        (Course(stays_ready=False), 14.9, Stage.READY),
        (Course(stays_ready=False), 15.0, Stage.LOST),
    ],
)
def test_a_snapshot_meets_its_fate(course: Course, now: float, stage: Stage) -> None:
    assert stage_at(life(course), now) == stage


def test_the_lock_is_released_a_little_after_the_snapshot_is_cut() -> None:
    assert life().released == 5.5


def test_a_second_snapshot_tries_again_until_the_lock_is_free() -> None:
    assert life(window=Window(opens=8.0)).working == 11.0


def test_a_deadline_ticks_while_a_snapshot_waits() -> None:
    line = life(window=Window(opens=60.0), deadline=30.0)
    assert (line.working, line.failed, line.released) == (NEVER, 30.0, 0.0)


def test_without_a_deadline_a_snapshot_waits_for_ever() -> None:
    assert life(Course(cuts=False), deadline=NEVER).failed == NEVER


def test_a_negative_deadline_fails_with_the_first_status() -> None:
    assert life(deadline=-1.0).failed == PACE.status


def test_a_vm_that_is_not_there_cannot_be_locked() -> None:
    assert life(window=Window(closes=0.0)).working == NEVER


@pytest.mark.parametrize(
    ("deleted", "stage", "released"),
    [
        (0.1, Stage.DELETING, 0.1),
        (0.7, Stage.DELETING, 0.7),
        (2.0, Stage.DELETING, 4.5),
        (4.0, Stage.CUT, 5.5),
        (6.0, Stage.READY, 5.5),
    ],
)
def test_deleting_cancels_what_is_in_progress(
    deleted: float, stage: Stage, released: float
) -> None:
    line = cancel(life(), deleted, PACE.unlock)
    assert stage_at(line, 1e9, deleted) == stage
    assert line.released == released


@pytest.mark.parametrize(
    ("now", "course", "later", "stage"),
    [
        (6.0, Course(cuts=False), 1e9, Stage.READY),
        (6.0, Course(stays_ready=False), 1e9, Stage.LOST),
        (4.0, Course(becomes_ready=False), 1e9, Stage.CUT),
        (4.0, Course(cuts=False), 1e9, Stage.READY),
        (2.0, Course(cuts=False), 250.0, Stage.STRUGGLING),
        (2.0, Course(cuts=False), 1e9, Stage.FAILED),
    ],
)
def test_a_new_plan_does_not_change_what_has_happened(
    now: float, course: Course, later: float, stage: Stage
) -> None:
    line = amend(life(), life(course), now, PACE.unlock)
    assert stage_at(line, now) == stage_at(life(), now)
    assert stage_at(line, later) == stage


def test_what_is_overdue_in_a_new_plan_happens_now() -> None:
    line = amend(life(Course(cuts=False)), life(), 100.0, PACE.unlock)
    assert stage_at(line, 99.0) == Stage.STRUGGLING
    assert (line.cut, line.released) == (100.0, 102.5)


def test_a_failure_is_final() -> None:
    failed = life(Course(cuts=False))
    assert amend(failed, life(), DEADLINE, PACE.unlock) == failed


@given(
    st.builds(Course, st.booleans(), st.booleans(), st.booleans()),
    st.floats(-10, 1000),
    st.floats(0, 1000),
)
def test_the_first_plan_and_the_same_plan_again_change_nothing(
    course: Course, deadline: float, opens: float
) -> None:
    line = life(course, Window(opens), deadline)
    assert amend(UNPLANNED, line, 0.0, PACE.unlock) == line
    for now in (0.0, 1.0, 3.0, 5.0, 500.0):
        assert amend(line, line, now, PACE.unlock) == line


@given(
    st.lists(st.floats(0, 1000), min_size=2).map(sorted),
    st.builds(Course, st.booleans(), st.booleans(), st.booleans()),
    st.floats(-10, 1000),
    st.floats(0, 1000),
)
def test_no_stage_comes_back(
    times: list[float], course: Course, deadline: float, opens: float
) -> None:
    line = life(course, Window(opens), deadline)
    stages = [stage_at(line, now) for now in times]
    assert stages == sorted(stages)
    assert not {Stage.FAILED, Stage.CUT} <= {stage_at(line, now) for now in range(2000)}

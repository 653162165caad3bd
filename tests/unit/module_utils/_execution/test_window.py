# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many members may be in progress: storage that works one after the other, in pure numbers."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

import pytest

from ansible_collections.spectrocloud.palette.plugins.module_utils._execution.window import Window


class Course(NamedTuple):
    """How a run went. longest: the seconds of the slowest member. most: in progress at once."""

    seconds: float
    longest: float
    most: int


def simulated(
    window: Window, members: int, cuts_per_second: float, patience: float, interval: float = 5.0
) -> Course:
    """Run members against storage that cuts one at a time, polled at an interval."""
    waiting: deque[tuple[float, float]] = deque()  # begun at, done at
    now, free_at, longest, most, begun = 0.0, 0.0, 0.0, 0, 0
    while begun < members or waiting:
        while waiting and waiting[0][1] <= now:
            began_at, done_at = waiting.popleft()
            longest = max(longest, done_at - began_at)
            window.finish(now)
        while begun < members and len(waiting) < window.size(patience, now):
            window.begin(now)
            free_at = max(free_at, now) + 1 / cuts_per_second
            waiting.append((now, free_at))
            begun += 1
        most = max(most, len(waiting))
        now += interval
    return Course(now, longest, most)


@pytest.mark.parametrize("cuts_per_second", [0.55, 2.0, 10.0])
@pytest.mark.parametrize("patience", [150.0, 60.0])
def test_size_keeps_slow_storage_busy_and_all_within_twice_their_patience(
    cuts_per_second: float, patience: float
) -> None:
    course = simulated(Window(), 600, cuts_per_second, patience)
    assert course.longest < 2 * patience
    assert course.seconds <= 1.15 * 600 / cuts_per_second + 20


@pytest.mark.parametrize("interval", [1.0, 15.0, 30.0, 45.0])
def test_size_is_right_however_rarely_polls_find_what_is_done(interval: float) -> None:
    """Lists of many snapshots take long: what two polls find is not the pace of one."""
    course = simulated(Window(), 600, 0.55, 150.0, interval)
    assert course.longest < 1.4 * 150.0


def test_size_grows_to_what_fast_storage_takes() -> None:
    course = simulated(Window(), 5_000, 500.0, 150.0, interval=1.0)
    assert course.seconds < 20
    assert course.most > 1_000


def test_size_shrinks_when_storage_becomes_slow() -> None:
    window = Window()
    window.begin(0.0)
    for second in range(10):
        for _member in range(20):
            window.finish(float(second))
    assert window.size(150.0, 10.0) >= 3_000
    window.finish(39.5)
    assert window.size(150.0, 40.0) == 85


def test_size_begins_with_what_any_storage_manages() -> None:
    assert Window().size(150.0, 0.0) == 85
    assert Window().size(30.0, 0.0) == 25
    assert Window().size(0.1, 0.0) == 10


def test_max_in_progress_fixes_the_size() -> None:
    assert simulated(Window(7), 100, 1_000.0, 150.0).most == 7


def test_pace_is_that_of_the_last_half_minute() -> None:
    window = Window()
    assert window.pace(0.0) == 0.0
    window.begin(0.0)
    for second in range(100):
        window.finish(float(second))
    assert window.pace(99.0) == pytest.approx(1.0, abs=0.05)
    assert window.pace(200.0) == 0.0

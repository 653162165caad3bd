# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the clock of the machine that runs the task can be trusted with ages."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots.clock import (
    clock_problem,
)
from unit.builders import NOW, snapshot

SECOND, MINUTE, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1)


@pytest.mark.parametrize("skew", [None, timedelta(), 5 * MINUTE, -5 * MINUTE])
def test_clock_problem_of_clocks_that_agree_is_none(skew: timedelta | None) -> None:
    taken = [snapshot(created=NOW + age) for age in (-400 * DAY, timedelta(), 5 * MINUTE)]
    assert clock_problem(NOW, skew, []) is None
    assert clock_problem(NOW, skew, taken) is None
    assert clock_problem(NOW, skew, [snapshot(created=None)]) is None


@pytest.mark.parametrize(
    ("skew", "palette"),
    [
        (5 * MINUTE + SECOND, "2026-11-23T12:05:01Z"),
        (-5 * MINUTE - SECOND, "2026-11-23T11:54:59Z"),
        (9 * DAY, "2026-12-02T12:00:00Z"),
        (-9 * DAY, "2026-11-14T12:00:00Z"),
    ],
)
def test_clock_problem_tells_both_times(skew: timedelta, palette: str) -> None:
    text = clock_problem(NOW, skew, [])
    assert text == f"the clock here says 2026-11-23T12:00:00Z, Palette's says {palette}"


def test_clock_problem_of_snapshots_from_the_future_names_the_latest() -> None:
    ages = {"past": -DAY, "ahead": 6 * MINUTE, "latest": 2 * DAY}
    taken = [snapshot(name=name, created=NOW + age) for name, age in ages.items()]
    for skew in (None, timedelta()):
        assert clock_problem(NOW, skew, taken) == (
            "the clock here says 2026-11-23T12:00:00Z, but snapshot vms/latest was taken at "
            "2026-11-25T12:00:00Z"
        )

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options for waiting, and the pace of polling."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.spectrocloud.palette.plugins.module_utils._execution.waiting import (
    Waiting,
    growing_interval,
    wait_problems,
    waiting_from,
)
from unit.builders import Json


@given(st.floats(0.001, 3600), st.integers(0, 1_000_000))
def test_growing_interval_reaches_the_longest(longest: float, polls: int) -> None:
    interval = growing_interval(longest, polls)
    assert 0 < interval <= longest
    if polls >= 6:
        assert interval >= longest * 0.9


@pytest.mark.parametrize(
    ("options", "enabled"), [({}, True), ({"wait": True}, True), ({"wait": False}, False)]
)
def test_waiting_from_reads_wait_wait_timeout_and_poll_interval(
    options: Json, enabled: bool
) -> None:
    times = {"wait_timeout": 60, "poll_interval": 2}
    assert waiting_from({**options, **times}) == Waiting(60, 2, enabled)


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf")])
@pytest.mark.parametrize("option", ["wait_timeout", "poll_interval"])
def test_wait_timeout_and_poll_interval_must_be_above_zero_and_finite(
    option: str, seconds: float
) -> None:
    options = {"wait_timeout": 60, "poll_interval": 2, "wait": True, option: seconds}
    assert [problem.option for problem in wait_problems(options)] == [option]

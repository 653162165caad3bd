# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Durations as Go reads and writes them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from palette_simulator.durations import format_go_duration, parse_age, parse_go_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("0s", 0),
        ("300ms", 0.3),
        ("1.5h", 5400),
        ("2h45m", 9900),
        (".5s", 0.5),
        ("-1m", -60),
        ("+1m", 60),
        ("10us", 1e-5),
        ("10µs", 1e-5),
        ("1h30m10s", 5410),
    ],
)
def test_a_duration_is_read(text: str, seconds: float) -> None:
    assert parse_go_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", 'invalid duration ""'),
        ("x", 'invalid duration "x"'),
        ("300", 'missing unit in duration "300"'),
        ("1d", 'unknown unit "d" in duration "1d"'),
        ("1h ", 'unknown unit "h " in duration "1h "'),
        ("-", 'invalid duration "-"'),
        ("h", 'invalid duration "h"'),
        ("9999999999h", "invalid duration"),
    ],
)
def test_a_bad_duration_is_refused_in_the_words_of_go(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=r"^time: ") as caught:
        parse_go_duration(text)
    assert words in str(caught.value)


@pytest.mark.parametrize(("text", "days"), [("1d", 1), ("2w", 14), ("36h", 1.5)])
def test_an_age_may_use_days_and_weeks(text: str, days: float) -> None:
    assert parse_age(text) == days * 86400


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (600, "10m0s"),
        (90, "1m30s"),
        (3600, "1h0m0s"),
        (0.3, "300ms"),
        (1.5, "1.5s"),
        (1e-5, "10µs"),
        (-60, "-1m0s"),
    ],
)
def test_a_duration_is_written(seconds: float, text: str) -> None:
    assert format_go_duration(seconds) == text


@given(st.integers(min_value=-(10**7), max_value=10**7))
def test_what_is_written_can_be_read(milliseconds: int) -> None:
    seconds = milliseconds / 1000
    assert parse_go_duration(format_go_duration(seconds)) == pytest.approx(seconds)

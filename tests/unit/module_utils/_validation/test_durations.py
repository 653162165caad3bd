# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Durations as Go reads them, and ages."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.spectrocloud.palette.plugins.module_utils._validation.durations import (
    age_problems,
    parse_age,
    parse_duration,
)

MS = 1_000_000
SECOND = 1_000 * MS
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE

UNITS = {
    "ns": 1,
    "us": 1_000,
    "\u00b5s": 1_000,
    "\u03bcs": 1_000,
    "ms": MS,
    "s": SECOND,
    "m": MINUTE,
    "h": HOUR,
}


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("0", 0),
        ("-0", 0),
        ("+0", 0),
        ("0s", 0),
        ("5m", 5 * MINUTE),
        ("10m0s", 10 * MINUTE),
        ("1h30m", HOUR + 30 * MINUTE),
        ("1.5h", HOUR + 30 * MINUTE),
        ("300ms", 300 * MS),
        (".5s", 500 * MS),
        ("5.s", 5 * SECOND),
        ("0.29s", 290 * MS),
        ("1.004s", 1004 * MS),
        ("+5s", 5 * SECOND),
        ("-2m3.4s", -(2 * MINUTE + 3400 * MS)),
        ("30m1h", HOUR + 30 * MINUTE),
        ("0.3333333333333333333h", 20 * MINUTE),
        ("0.100000000000000000000h", 6 * MINUTE),
        ("9223372036854775807ns", 2**63 - 1),
        ("-9223372036854775808ns", -(2**63)),
    ],
)
def test_parse_duration_reads_what_go_reads(text: str, nanoseconds: int) -> None:
    assert parse_duration(text) == nanoseconds


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is not a duration"),
        ("-", "is not a duration"),
        (".", "is not a duration"),
        ("s", "is not a duration"),
        (".s", "is not a duration"),
        (" 5m", "is not a duration"),
        ("300", "without a unit"),
        ("1h30", "without a unit"),
        ("1..5s", "without a unit"),
        ("1d", "unknown unit 'd'"),
        ("1H", "unknown unit 'H'"),
        ("5m ", "unknown unit 'm '"),
        ("1h 30m", "unknown unit 'h '"),
        ("-1h-30m", "unknown unit 'h-'"),
        ("٣s", "is not a duration"),
        ("9223372036854775808ns", "longer than 292 years"),
        ("-9223372036854775809ns", "longer than 292 years"),
        ("2562048h", "longer than 292 years"),
    ],
)
def test_parse_duration_says_why_a_text_is_no_duration(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse_duration(text)


@given(
    st.lists(
        st.tuples(st.integers(0, 10**5), st.sampled_from(sorted(UNITS))), min_size=1, max_size=6
    )
)
def test_parse_duration_adds_parts_in_any_order(parts: list[tuple[int, str]]) -> None:
    text = "".join(f"{number}{unit}" for number, unit in parts)
    total = sum(number * UNITS[unit] for number, unit in parts)
    assert parse_duration(text) == total
    assert parse_duration(f"-{text}") == -total


@given(st.integers(0, 10**9 - 1), st.integers(0, 10**9))
def test_parse_duration_reads_decimals_of_a_second_exactly(below: int, seconds: int) -> None:
    assert parse_duration(f"{seconds}.{below:09}s") == seconds * SECOND + below


@given(st.text(max_size=12))
def test_parse_duration_of_any_other_text_is_a_value_error(text: str) -> None:
    try:
        value = parse_duration(text)
    except ValueError:
        return
    assert -(2**63) <= value < 2**63


@pytest.mark.parametrize(
    ("text", "age"),
    [
        ("0", timedelta(0)),
        ("24h", timedelta(days=1)),
        ("7d", timedelta(days=7)),
        ("1w2d12h", timedelta(days=9, hours=12)),
        ("1.5d", timedelta(hours=36)),
        ("1500us", timedelta(microseconds=1500)),
    ],
)
def test_parse_age_knows_days_and_weeks(text: str, age: timedelta) -> None:
    assert parse_age(text) == age


@pytest.mark.parametrize(
    ("text", "said"),
    [("-1d", "is negative"), ("7", "without a unit"), ("1y", "unknown unit 'y'"), ("", "is not")],
)
def test_parse_age_says_why_a_text_is_no_age(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse_age(text)


def test_age_problems_name_each_option_that_is_no_age() -> None:
    options = {"max_age": "1y", "older_than": "-1d", "newer_than": "7d", "expire_after": None}
    problems = age_problems(options, *options)
    assert [(problem.option, problem.example) for problem in problems] == [
        ("max_age", "max_age: 7d"),
        ("older_than", "older_than: 7d"),
    ]

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The arithmetic of the benchmarks: a wrong bound or verdict would make every figure worthless."""

from __future__ import annotations

import math

import pytest

from benchmarks.figures import Check, last_answer, median_ratio, pages, rate_bound, rounds


@pytest.mark.parametrize(
    ("measured", "at_least", "met"),
    [
        (9.9, True, False),
        (10, True, True),
        (10.1, True, True),
        (9.9, False, True),
        (10, False, True),
        (10.1, False, False),
        (math.nan, True, False),
        (math.nan, False, False),
    ],
)
def test_a_target_is_reached_from_its_own_side(measured: float, at_least: bool, met: bool) -> None:
    assert Check("a figure", measured, 10, "times", at_least).met is met


def test_a_fact_has_nothing_to_miss() -> None:
    assert Check("a fact", 10, None, "answers").met


def test_the_ratio_is_taken_within_each_pair() -> None:
    # The second pair met a machine four times as slow; that changes nothing.
    assert median_ratio([(2, 1), (8, 4), (3, 1)]) == 2


@pytest.mark.parametrize(("calls", "seconds"), [(1, 0), (250, 0), (251, 0.02), (1250, 20)])
def test_what_is_beyond_the_burst_waits_for_the_rate(calls: int, seconds: float) -> None:
    assert rate_bound(calls) == pytest.approx(seconds)


@pytest.mark.parametrize(("objects", "requests"), [(0, 1), (1, 1), (50, 1), (51, 2), (1000, 20)])
def test_a_page_holds_fifty(objects: int, requests: int) -> None:
    assert pages(objects) == requests


def test_a_round_begins_without_a_token() -> None:
    queries = ["limit=50", "limit=50", "limit=50&continue=a", "limit=50&continue=b", "limit=50"]
    assert rounds(queries) == [1, 3, 1]


def test_no_requests_are_no_rounds() -> None:
    assert rounds([]) == []


def test_the_last_answer_is_that_of_the_clusters_asked_for() -> None:
    log = [
        {"time": 100.0, "seconds": 0.1, "path": "/v1/dashboard/projects/metadata"},
        {"time": 103.0, "seconds": 0.5, "path": "/v1/spectroclusters/well/vms"},
        {"time": 101.0, "seconds": 60.0, "path": "/v1/spectroclusters/sick/vms"},
        {"time": 102.0, "seconds": 0.5, "path": "/v1/spectroclusters/well/vms/snapshot"},
    ]
    assert last_answer(log, {"well"}) == pytest.approx(3.5)

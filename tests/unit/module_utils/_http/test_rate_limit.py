# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Token buckets: never more requests than allowed, slower when refused, and back again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.spectrocloud.palette.plugins.module_utils._http import rate_limit
from ansible_collections.spectrocloud.palette.plugins.module_utils._http.deadline import give_up_at
from ansible_collections.spectrocloud.palette.plugins.module_utils._http.rate_limit import (
    Quota,
    RateLimiter,
    TokenBucket,
)
from unit.fakes import Clock


def bucket_at(clock: Clock, rate: float) -> TokenBucket:
    """Return a bucket on the test's clock."""
    return TokenBucket(rate, clock.monotonic, clock.sleep)


def test_acquire_lets_a_burst_pass_then_holds_the_rate() -> None:
    clock = Clock()
    bucket = bucket_at(clock, 10)
    for _number in range(48):
        bucket.acquire()
    assert clock.slept == []
    for _number in range(20):
        bucket.acquire()
    assert clock.now - 1000 == pytest.approx(2.0)


@given(
    st.floats(0.5, 200),
    st.lists(st.floats(0, 5), min_size=1, max_size=200),
)
def test_acquire_lets_no_more_pass_in_any_time_than_burst_and_rate(
    rate: float, gaps: list[float]
) -> None:
    clock = Clock()
    bucket = bucket_at(clock, rate)
    sent = []
    for gap in gaps:
        clock.now += gap
        bucket.acquire()
        sent.append(clock.now)
    for first, start in enumerate(sent):
        # Those sent first may take 0.2 s longer than those sent last.
        allowed = rate * 5 + rate * (sent[-1] - start - 0.2) + 1
        assert len(sent) - first <= allowed + 1e-6


def test_slow_down_halves_the_rate_which_recovers_with_time() -> None:
    clock = Clock()
    bucket = bucket_at(clock, 40)
    bucket.slow_down()
    assert bucket.rate == 20
    clock.now += 5
    assert bucket.rate == pytest.approx(30)
    clock.now += 1000
    assert bucket.rate == 40


def test_slow_down_counts_refusals_at_the_same_time_as_one() -> None:
    clock = Clock()
    bucket = bucket_at(clock, 40)
    for _number in range(16):
        bucket.slow_down()
    assert bucket.rate == 20


def test_slow_down_for_ever_never_stops_the_bucket() -> None:
    clock = Clock()
    bucket = bucket_at(clock, 50)
    for _number in range(100):
        clock.now += 1
        bucket.slow_down()
    assert 1.0 <= bucket.rate < 50
    bucket.acquire()
    assert sum(clock.slept) <= 1.0


def test_slow_down_lets_nothing_pass_before_retry_after_is_over() -> None:
    clock = Clock()
    bucket = bucket_at(clock, 10)
    bucket.slow_down(retry_after=3)
    bucket.acquire()
    assert clock.now - 1000 >= 3


@given(st.floats(1, 100), st.lists(st.floats(0, 20), min_size=1, max_size=30))
def test_slow_down_makes_later_requests_wait_for_retry_after_too(
    rate: float, gaps: list[float]
) -> None:
    clock = Clock()
    bucket = bucket_at(clock, rate)
    bucket.slow_down(retry_after=60)
    for gap in gaps:
        clock.now += gap
        arrived = clock.now
        bucket.acquire()
        assert clock.now >= 1060 - 1e-6 or arrived >= 1060
        clock.now = arrived  # the next one comes while this one still waits


def test_slow_down_empties_the_bucket() -> None:
    clock = Clock()
    bucket = bucket_at(clock, 10)
    bucket.slow_down()
    bucket.acquire()
    assert clock.slept != []


def test_acquire_by_many_threads_lets_no_more_pass_than_by_one() -> None:
    clock = Clock()
    bucket = bucket_at(clock, 10)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: bucket.acquire(), range(58)))
    # The clock stood still until the sleeps, so the longest one shows how many tokens were owed.
    assert sorted(clock.slept)[-1] <= 1.0
    assert len(clock.slept) == 10


def first_part(path: str) -> Quota:
    """Count each first part of a path by itself."""
    return Quota(path.split("/")[1], 1.0)


@pytest.fixture
def limiter(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> RateLimiter:
    """A limiter that counts by the first part of a path, on the test's clock."""
    monkeypatch.setattr(rate_limit, "TokenBucket", partial(TokenBucket, clock=clock.monotonic))
    return RateLimiter(50, first_part)


def test_rate_limit_counts_all_together_unless_told_otherwise(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rate_limit, "TokenBucket", partial(TokenBucket, clock=clock.monotonic))
    limiter = RateLimiter(10)
    for number in range(48):
        limiter.acquire(f"/{number}")
    assert clock.slept == []
    limiter.acquire("/another")
    assert clock.slept == [pytest.approx(0.1)]


def test_rate_limit_slows_down_only_the_refused_resource(
    limiter: RateLimiter, clock: Clock
) -> None:
    limiter.refuse("/dashboard/x", retry_after=2)
    limiter.acquire("/spectroclusters/u")
    assert clock.slept == []
    limiter.acquire("/dashboard/y")
    assert clock.now - 1000 >= 2


def test_rate_limit_0_is_no_limit(clock: Clock) -> None:
    limiter = RateLimiter(0)
    limiter.refuse("/spectroclusters", retry_after=1000)
    for _number in range(1000):
        limiter.acquire("/spectroclusters")
    assert clock.slept == []


def test_rate_limit_waits_for_a_token_until_the_deadline(
    limiter: RateLimiter, clock: Clock
) -> None:
    limiter.refuse("/spectroclusters/u", retry_after=60)
    with give_up_at(clock.now + 3):
        limiter.acquire("/spectroclusters/u")
    assert clock.slept == [3]
    limiter.acquire("/spectroclusters/u")
    assert clock.now - 1000 >= 60 - 1e-6


def test_patience_with_429_is_that_of_all_requests_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = Clock()
    monkeypatch.setattr(rate_limit, "time", clock)
    limiter = RateLimiter(0, first_part)
    limiter.refuse("/spectroclusters/a", retry_after=0)
    clock.now += 200
    limiter.refuse("/spectroclusters/b", retry_after=0)
    assert not limiter.exhausted("/spectroclusters/b")
    clock.now += 101
    assert limiter.exhausted("/spectroclusters/b")
    assert not limiter.exhausted("/dashboard")
    limiter.accept("/spectroclusters/c")
    assert not limiter.exhausted("/spectroclusters/b")

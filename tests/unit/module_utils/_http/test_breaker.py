# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a cluster counts as silent."""

from __future__ import annotations

import pytest

from ansible_collections.spectrocloud.palette.plugins.module_utils._http.breaker import Breaker
from ansible_collections.spectrocloud.palette.plugins.module_utils._http.deadline import may_retry
from ansible_collections.spectrocloud.palette.plugins.module_utils._http.errors import ApiError


def request(breaker: Breaker, reason: str | None) -> None:
    """Send a request that ends so; None for an answer."""
    try:
        with breaker.watch():
            if reason:
                raise ApiError(reason, f"it was {reason}")
    except ApiError:
        pass


def after(*reasons: str | None) -> Breaker:
    """Return a breaker after requests with these ends."""
    breaker = Breaker()
    for reason in reasons:
        request(breaker, reason)
    return breaker


@pytest.mark.parametrize("reason", ["unreachable", "timeout", "unavailable", "cluster_timeout"])
def test_breaker_opens_after_three_requests_in_a_row_without_an_answer(reason: str) -> None:
    assert not after(reason, reason).open
    opened = after(reason, reason, reason)
    assert opened.open
    assert opened.last_error
    assert opened.last_error.message == f"it was {reason}"


@pytest.mark.parametrize("answer", [None, "forbidden", "not_found", "server_error", "conflict"])
def test_breaker_is_closed_by_any_answer(answer: str | None) -> None:
    assert not after("timeout", "timeout", answer, "timeout").open
    assert not after("timeout", "timeout", "timeout", answer).open
    assert after("timeout", answer, "timeout", "unavailable", "timeout").open


def test_breaker_hands_the_error_on() -> None:
    with pytest.raises(ApiError), Breaker().watch():
        raise ApiError("timeout", "no answer")


@pytest.mark.parametrize(
    ("ends", "retried"),
    [
        ((), True),
        (("unavailable", "unavailable"), True),
        (("unavailable", "timeout"), False),
        (("timeout", None), True),
        (("unavailable", "unavailable", "unavailable"), False),
        (("unavailable", "unavailable", "unavailable", None), True),
    ],
)
def test_breaker_lets_nothing_be_retried_while_a_cluster_hangs_or_is_silent(
    ends: tuple[str | None, ...], retried: bool
) -> None:
    with after(*ends).watch():
        assert may_retry() == retried

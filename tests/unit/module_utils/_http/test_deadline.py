# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The deadline around a piece of work: nothing is repeated or waited for past it."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from urllib3.exceptions import NewConnectionError

from ansible_collections.spectrocloud.palette.plugins.module_utils._http import session as module
from ansible_collections.spectrocloud.palette.plugins.module_utils._http.deadline import (
    attempts,
    backoff,
    give_up_at,
    may_retry,
    one_attempt,
    pause,
    time_left,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._http.rate_limit import (
    RateLimiter,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._http.retry import RetryPolicy
from ansible_collections.spectrocloud.palette.plugins.module_utils._palette.client import (
    PaletteClient,
)
from unit.fakes import Answer, Clock, ScriptedServer
from unit.module_utils._palette.calls import (
    CUT,
    SILENT,
    TOO_MANY,
    UNAVAILABLE,
    VMS,
    client_of,
    reason_of,
)


def test_time_left_is_that_of_the_innermost_give_up_at(clock: Clock) -> None:
    with give_up_at(clock.now + 10):
        with give_up_at(clock.now + 3):
            assert time_left() == 3
        clock.now += 4
        assert time_left() == 6
    assert time_left() == math.inf


def test_pause_ends_at_the_deadline(clock: Clock) -> None:
    pause(7)
    with give_up_at(clock.now + 3):
        pause(5)
        pause(5)
    assert clock.slept == [7, 3, 0]


def test_attempts_pause_before_each_but_the_first(clock: Clock) -> None:
    pauses = [len(clock.slept) for _attempt in attempts(2)]
    assert (list(attempts(0)), pauses) == ([1], [0, 1, 2])


@given(st.integers(1, 1_000_000))
def test_backoff_grows_up_to_twenty_seconds(attempt: int) -> None:
    seconds = backoff(attempt)
    assert 0.25 <= seconds <= min(0.5 * 2 ** min(attempt - 1, 10), 20)
    if attempt > 6:
        assert seconds >= 8


def test_give_up_at_ends_the_retries(server: ScriptedServer, clock: Clock) -> None:
    server.script(UNAVAILABLE)
    client = client_of(server.url, retries=1000)
    with give_up_at(clock.now + 10):
        assert reason_of(client.call, "GET", VMS) == "unavailable"
    assert clock.now - 1000 <= 10 + 1e-6
    assert len(server.received) < 15


@pytest.mark.parametrize("answer", [SILENT, CUT])
def test_give_up_at_ends_the_retries_of_a_cut_answer(
    server: ScriptedServer, client: PaletteClient, clock: Clock, answer: Answer
) -> None:
    server.script(answer)
    with give_up_at(clock.now):
        assert reason_of(client.call, "GET", VMS) == "unreachable"
    assert len(server.received) == 1
    assert sum(clock.slept) == 0


def test_give_up_at_does_not_wait_for_a_later_retry_after(
    server: ScriptedServer, client: PaletteClient, clock: Clock
) -> None:
    server.script(TOO_MANY._replace(headers={"Retry-After": "50"}))
    with give_up_at(clock.now + 10):
        assert reason_of(client.call, "GET", VMS) == "rate_limited"
    assert clock.slept == []


def test_give_up_at_limits_the_request_timeout(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_SHORTEST_TIMEOUT", 0.05)
    server.script(Answer(stalled=True))
    client = client_of(server.url, request_timeout=3600, retries=0)
    with give_up_at(0):
        assert reason_of(client.call, "GET", VMS) == "timeout"


@pytest.mark.parametrize("answer", [UNAVAILABLE, SILENT, CUT, Answer({"message": "oops"}, 500)])
def test_one_attempt_reads_once(
    server: ScriptedServer, client: PaletteClient, answer: Answer
) -> None:
    server.script(answer)
    with one_attempt(only=True):
        reason_of(client.items, VMS, dict)
    assert len(server.received) == 1


def test_one_attempt_waits_for_what_the_rate_limit_refused(
    server: ScriptedServer, client: PaletteClient
) -> None:
    server.script(TOO_MANY, TOO_MANY, Answer({"a": 1}))
    with one_attempt(only=True):
        assert client.call("GET", VMS) == {"a": 1}


def test_one_attempt_sends_a_write_again_that_was_never_sent(clock: Clock) -> None:
    policy = RetryPolicy.policy(3, RateLimiter(0))
    refused = NewConnectionError(None, "refused")  # type: ignore[arg-type]
    with one_attempt(only=True):
        assert policy.increment("POST", VMS, error=refused).total == 2


def test_one_attempt_holds_inside_of_a_block_that_may_retry() -> None:
    with one_attempt(only=True), one_attempt(only=False):
        assert not may_retry()
    assert may_retry()

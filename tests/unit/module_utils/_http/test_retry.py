# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which requests are sent again, and when, against a real HTTP server."""

from __future__ import annotations

import time
from email.utils import formatdate

import pytest
from urllib3.exceptions import ReadTimeoutError

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
    error_of,
    reason_of,
)

# Reads are repeated


@pytest.mark.parametrize("status", [408, 425, 499, 502, 503, 504])
def test_retries_a_read_while_palette_is_unavailable(
    server: ScriptedServer, client: PaletteClient, clock: Clock, status: int
) -> None:
    failing = UNAVAILABLE._replace(status=status)
    server.script(failing, failing, failing, Answer({"a": 1}))
    assert client.call("GET", VMS) == {"a": 1}
    assert len(server.received) == 4
    assert len(clock.slept) == 3
    assert clock.slept[0] < clock.slept[2]


def test_retries_end(server: ScriptedServer, client: PaletteClient) -> None:
    server.script(UNAVAILABLE)
    assert reason_of(client.call, "GET", VMS) == "unavailable"
    assert len(server.received) == 4


def test_retries_0_repeats_nothing(server: ScriptedServer, clock: Clock) -> None:
    for answer in (UNAVAILABLE, TOO_MANY, SILENT, CUT):
        server.received.clear()
        server.script(answer)
        reason_of(client_of(server.url, retries=0).call, "GET", VMS)
        assert len(server.received) == 1
    assert clock.slept == []


@pytest.mark.parametrize("cut", [SILENT, CUT])
def test_retries_a_read_whose_answer_is_cut(
    server: ScriptedServer, client: PaletteClient, cut: Answer
) -> None:
    server.script(cut, cut, Answer({"a": 1}))
    assert client.call("GET", VMS) == {"a": 1}
    assert len(server.received) == 3


def test_retries_end_for_an_answer_that_is_always_cut(
    server: ScriptedServer, client: PaletteClient
) -> None:
    server.script(CUT)
    assert reason_of(client.call, "GET", VMS) == "unreachable"
    assert len(server.received) == 4


def test_retries_a_read_whose_answer_is_in_a_broken_encoding(
    server: ScriptedServer, client: PaletteClient
) -> None:
    server.script(Answer(b"not gzip at all", headers={"Content-Encoding": "gzip"}))
    reason_of(client.call, "GET", VMS)
    assert len(server.received) == 4


def test_retries_a_read_whose_answer_stalls(server: ScriptedServer, clock: Clock) -> None:
    client = client_of(server.url, request_timeout=0.5, retries=1)
    stalled = CUT._replace(stalled=True)
    server.script(stalled, Answer({"a": 1}))
    assert client.call("GET", VMS) == {"a": 1}
    server.script(stalled)
    assert reason_of(client.call, "GET", VMS) == "timeout"
    assert len(server.received) == 4


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422, 500])
def test_retries_no_other_error(server: ScriptedServer, client: PaletteClient, status: int) -> None:
    server.script(Answer({"message": "no"}, status))
    reason_of(client.call, "GET", VMS)
    assert len(server.received) == 1


def test_retries_go_on_after_other_requests_have_timed_out(clock: Clock) -> None:
    policy = RetryPolicy.policy(3, RateLimiter(0))
    timeout = ReadTimeoutError(None, VMS, "no answer")  # type: ignore[arg-type]
    for _request in range(5):
        assert policy.increment("GET", VMS, error=timeout).total == 2


def test_retries_search_clusters_though_it_is_a_post(
    server: ScriptedServer, client: PaletteClient
) -> None:
    server.script(UNAVAILABLE, SILENT, Answer({"items": [{"a": 1}]}))
    assert client.search_clusters({}) == [{"a": 1}]
    assert len(server.received) == 3


# Writes are not


@pytest.mark.parametrize("method", ["POST", "PUT"])
@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (UNAVAILABLE, "unavailable"),
        (Answer({"message": "oops"}, 500), "server_error"),
        (SILENT, "unreachable"),
        (CUT, "unreachable"),
    ],
)
def test_retries_no_write_whose_outcome_is_unknown(
    server: ScriptedServer, client: PaletteClient, method: str, answer: Answer, reason: str
) -> None:
    server.script(answer)
    error = error_of(client.call, method, VMS, body={})
    assert error.reason == reason
    assert error.outcome_unknown
    assert len(server.received) == 1


def test_retries_no_deletion_whose_answer_is_lost(
    server: ScriptedServer, client: PaletteClient
) -> None:
    server.script(SILENT)
    assert error_of(client.call, "DELETE", VMS).outcome_unknown
    assert len(server.received) == 1


def test_retries_a_write_that_was_never_sent(
    closed_port: int, bare_environment: None, clock: Clock
) -> None:
    error = error_of(client_of(f"http://127.0.0.1:{closed_port}").call, "POST", VMS, body={})
    assert error.reason == "unreachable"
    assert not error.outcome_unknown
    assert len(clock.slept) == 3


# HTTP 429


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_429_is_repeated_for_every_method(
    server: ScriptedServer, client: PaletteClient, method: str
) -> None:
    body = {"a": 1} if method == "POST" else None
    server.script(TOO_MANY, TOO_MANY, Answer({}, 204 if method == "DELETE" else 200))
    client.call(method, VMS, body=body)
    assert [request.method for request in server.received] == [method] * 3
    assert [request.body for request in server.received] == [body] * 3


def test_429_does_not_use_up_the_retries(
    server: ScriptedServer, client: PaletteClient, clock: Clock
) -> None:
    server.script(*[TOO_MANY] * 30, Answer({"a": 1}))
    assert client.call("POST", VMS, body={}) == {"a": 1}
    assert len(server.received) == 31
    assert max(clock.slept) <= 5


def test_429_is_repeated_for_five_minutes(
    server: ScriptedServer, client: PaletteClient, clock: Clock
) -> None:
    server.script(TOO_MANY)
    error = error_of(client.call, "POST", VMS, body={})
    assert error.reason == "rate_limited"
    assert not error.outcome_unknown
    assert 300 <= clock.now - 1000 <= 310


def refused_once(server: ScriptedServer, client: PaletteClient, retry_after: str) -> None:
    """Let the next request be refused once."""
    server.script(TOO_MANY._replace(headers={"Retry-After": retry_after}), Answer({"a": 1}))
    assert client.call("GET", VMS) == {"a": 1}


def test_retry_after_in_seconds_is_waited_for(
    server: ScriptedServer, client: PaletteClient, clock: Clock
) -> None:
    refused_once(server, client, "7")
    assert clock.slept == [7]


def test_retry_after_as_a_date_is_waited_for(
    server: ScriptedServer, client: PaletteClient, clock: Clock
) -> None:
    refused_once(server, client, formatdate(time.time() + 40, usegmt=True))
    (slept,) = clock.slept
    assert 30 < slept <= 40


@pytest.mark.parametrize(
    "retry_after",
    [
        "0",
        "-5",
        "soon",
        "",
        "1.5",
        "1e3",
        "٣",
        "NaN",
        "Wed, 21 Oct 2015 07:28:00 GMT",
        "Wed, 99 Oct 2015 99:99:99 GMT",
        "Mon, 01 Jan 99999 00:00:00 GMT",
        "9" * 5000,
    ],
)
def test_retry_after_that_makes_no_sense_does_no_harm(
    server: ScriptedServer, client: PaletteClient, clock: Clock, retry_after: str
) -> None:
    refused_once(server, client, retry_after)
    (slept,) = clock.slept
    assert 0 < slept <= 60


def test_retry_after_is_waited_for_at_most_a_minute(
    server: ScriptedServer, client: PaletteClient, clock: Clock
) -> None:
    refused_once(server, client, "86400")
    assert clock.slept == [60]


def test_retry_after_of_an_unavailable_server_is_waited_for(
    server: ScriptedServer, client: PaletteClient, clock: Clock
) -> None:
    server.script(UNAVAILABLE._replace(status=503, headers={"Retry-After": "9"}), Answer({}))
    client.call("GET", VMS)
    assert clock.slept == [9]

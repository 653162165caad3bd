# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An answer comes whole, in time and of a sane size, or not at all."""

from __future__ import annotations

import pytest

from ansible_collections.spectrocloud.palette.plugins.module_utils._palette.client import (
    PaletteClient,
)
from unit.fakes import Answer, Clock, ScriptedServer
from unit.module_utils._palette.calls import VMS, client_of, error_of, reason_of

MIB = 1024 * 1024


def test_request_timeout_ends_the_wait_for_a_silent_server(
    server: ScriptedServer, clock: Clock
) -> None:
    server.script(Answer(stalled=True))
    client = client_of(server.url, request_timeout=0.5, retries=1)
    error = error_of(client.call, "GET", VMS)
    assert "request_timeout" in error.message
    assert (error.reason, error.outcome_unknown) == ("timeout", False)
    assert len(server.received) == 2
    error = error_of(client.call, "POST", VMS, body={})
    assert (error.reason, error.outcome_unknown) == ("timeout", True)
    assert len(server.received) == 3


def test_request_timeout_ends_an_answer_that_drips(server: ScriptedServer, clock: Clock) -> None:
    client = client_of(server.url, request_timeout=0.2, retries=1)
    server.script(Answer({"a": "b" * 99}, dripping=0.01))
    assert reason_of(client.call, "GET", VMS) == "timeout"
    error = error_of(client.call, "POST", VMS, body={})
    assert (error.reason, error.outcome_unknown) == ("timeout", True)
    assert len(server.received) == 3


def test_body_of_reads_up_to_8_mib(server: ScriptedServer, client: PaletteClient) -> None:
    server.script(Answer(b"{}".ljust(MIB * 8)))
    assert client.call("GET", VMS) == {}
    server.script(Answer(b"{}".ljust(MIB * 8 + 1)))
    error = error_of(client.call, "GET", VMS)
    assert error.reason == "malformed_response"
    assert "is larger than 8 MiB" in error.message
    assert error_of(client.call, "POST", VMS, body={}).outcome_unknown
    assert len(server.received) == 3


def test_body_of_does_not_wait_for_the_rest_of_an_error(
    server: ScriptedServer, client: PaletteClient
) -> None:
    # Whoever reads on waits until the request times out.
    server.script(Answer(b"x" * MIB, 404, sent=MIB // 2, stalled=True))
    error = error_of(client.call, "GET", VMS)
    assert error.reason == "not_found"
    assert error.message.endswith("x …")
    assert len(server.received) == 1


@pytest.mark.parametrize("said", ["99", "9" * 5000])
def test_answer_is_cut_short_where_its_length_is_more(
    server: ScriptedServer, client: PaletteClient, said: str
) -> None:
    server.script(Answer(b"", 204, {"Content-Length": said}))
    error = error_of(client.call, "DELETE", VMS)
    assert (error.reason, error.outcome_unknown) == ("unreachable", True)
    assert "its Content-Length says more" in error.message


def test_answer_has_no_chunk_of_negative_size(
    server: ScriptedServer, client: PaletteClient
) -> None:
    chunked = "chunked\r\n\r\n-5\r\n{}\r\n0\r\n\r\n"
    server.script(Answer(headers={"Transfer-Encoding": chunked}))
    error = error_of(client.call, "POST", VMS, body={})
    assert (error.reason, error.outcome_unknown) == ("unreachable", True)


def test_answer_may_not_be_large_where_its_body_is_not(
    server: ScriptedServer, client: PaletteClient
) -> None:
    # The body is {} after blanks, each of which is a chunk with a long extension.
    blanks = f"1;{'x' * 1000}\r\n \r\n" * 17_000
    chunked = f"chunked\r\n\r\n{blanks}2\r\n{{}}\r\n0\r\n\r\n"
    server.script(Answer(headers={"Transfer-Encoding": chunked}))
    assert reason_of(client.call, "POST", VMS, body={}) == "unreachable"

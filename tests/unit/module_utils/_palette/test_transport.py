# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An answer comes whole, in time and of a sane size, or not at all."""

from __future__ import annotations

import pytest

from ansible_collections.spectrocloud.palette.plugins.module_utils._palette import transport
from ansible_collections.spectrocloud.palette.plugins.module_utils._palette.client import (
    PaletteClient,
)
from unit.fakes import Answer, Clock, ScriptedServer
from unit.module_utils._palette.calls import VMS, client_of, error_of, reason_of


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


def test_body_of_cuts_an_answer_that_is_too_large(
    server: ScriptedServer, client: PaletteClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.script(Answer({"a": "b" * 99}))
    assert client.call("GET", VMS) == {"a": "b" * 99}
    monkeypatch.setattr(transport, "_LARGEST_ANSWER", 99)
    assert reason_of(client.call, "GET", VMS) == "malformed_response"
    assert error_of(client.call, "POST", VMS, body={}).outcome_unknown
    assert len(server.received) == 3

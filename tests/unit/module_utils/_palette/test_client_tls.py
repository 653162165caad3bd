# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The client and certificates: whom it believes, and what it says when it does not."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from ansible_collections.spectrocloud.palette.plugins.module_utils._palette.client import (
    PaletteClient,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._palette.errors import (
    PaletteError,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._palette.settings import Settings
from unit.fakes import Answer, Clock, ScriptedServer

HERE = "/v1/spectroclusters/c1/vms"


@pytest.fixture(scope="module")
def ca() -> trustme.CA:
    """An authority."""
    return trustme.CA()


def serve(authority: trustme.CA, name: str) -> Any:
    """Return a running server whose certificate for a name the authority signed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return ScriptedServer.running(context)


@pytest.fixture
def server(bare_environment: None, ca: trustme.CA) -> Iterator[ScriptedServer]:
    """A server over HTTPS with a certificate of its own authority."""
    with serve(ca, "127.0.0.1") as server:
        yield server


@pytest.fixture
def bundle(ca: trustme.CA, tmp_path: Path) -> str:
    """The file of the authority that signed the server's certificate."""
    return written(ca, tmp_path / "ca.pem")


@pytest.fixture
def other_bundle(tmp_path: Path) -> str:
    """The file of an authority that has nothing to do with it."""
    return written(trustme.CA(), tmp_path / "other.pem")


def written(authority: trustme.CA, path: Path) -> str:
    """Write an authority's certificate to a file and return its path."""
    authority.cert_pem.write_to_path(path)
    return str(path)


def client_of(server: ScriptedServer, verify: bool | str, **more: Any) -> PaletteClient:
    """Return a client that verifies a server's certificate so."""
    options: dict[str, Any] = {"retries": 3, "rate_limit": 0, **more}
    return PaletteClient(Settings(server.url, "secret", verify=verify, **options))


def refusal_of(server: ScriptedServer, verify: bool | str) -> PaletteError:
    """Return the error of a write to a server that is not believed."""
    with pytest.raises(PaletteError) as caught:
        client_of(server, verify).post(HERE, {})
    assert server.received == []
    return caught.value


def test_a_server_of_the_given_authority_is_believed(server: ScriptedServer, bundle: str) -> None:
    assert client_of(server, bundle).get(HERE) == {}


def test_an_answer_that_drips_is_not_waited_for_without_end(
    server: ScriptedServer, bundle: str
) -> None:
    server.script(Answer({"a": "b" * 99}, dripping=0.01))
    with pytest.raises(PaletteError) as caught:
        client_of(server, bundle, request_timeout=0.2).post(HERE, {})
    assert caught.value.reason == "timeout"


def test_a_server_of_an_unknown_authority_is_not(server: ScriptedServer, clock: Clock) -> None:
    error = refusal_of(server, verify=True)
    assert error.reason == "tls_error"
    assert "CERTIFICATE_VERIFY_FAILED" in error.message
    assert "ca_path" in error.message
    assert not error.outcome_unknown


def test_a_certificate_is_not_tried_again(server: ScriptedServer, clock: Clock) -> None:
    refusal_of(server, verify=True)
    assert clock.slept == []
    assert server.connections <= 1


def test_a_certificate_for_another_name_is_not_believed(
    ca: trustme.CA, bundle: str, bare_environment: None, clock: Clock
) -> None:
    with serve(ca, "palette.example.com") as server:
        assert refusal_of(server, bundle).reason == "tls_error"


def test_verification_can_be_turned_off(server: ScriptedServer) -> None:
    with pytest.warns(match="Unverified HTTPS request"):
        assert client_of(server, verify=False).get(HERE) == {}


def test_the_environments_bundle_is_used_where_no_ca_path_is_given(
    server: ScriptedServer, bundle: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", bundle)
    assert client_of(server, verify=True).get(HERE) == {}


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_ca_path_wins_over_the_environments_bundle(
    server: ScriptedServer,
    bundle: str,
    other_bundle: str,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
    clock: Clock,
) -> None:
    monkeypatch.setenv(variable, other_bundle)
    assert client_of(server, bundle).get(HERE) == {}
    server.received.clear()
    monkeypatch.setenv(variable, bundle)
    assert refusal_of(server, other_bundle).reason == "tls_error"


def test_a_bundle_that_does_not_exist_is_told(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/does/not/exist.pem")
    error = refusal_of(server, verify=True)
    assert error.reason == "tls_error"
    assert "/does/not/exist.pem" in error.message
    assert not error.outcome_unknown


@pytest.mark.parametrize("content", ["", "this is no certificate"])
def test_a_bundle_that_holds_no_certificate_is_told(
    server: ScriptedServer, tmp_path: Path, content: str, clock: Clock
) -> None:
    empty = tmp_path / "empty.pem"
    empty.write_text(content)
    assert refusal_of(server, str(empty)).reason == "tls_error"


def test_a_server_without_tls_is_told(bare_environment: None, clock: Clock) -> None:
    with ScriptedServer.running() as plain:
        settings = Settings(f"https://127.0.0.1:{plain.port}", "secret", retries=1, rate_limit=0)
        with pytest.raises(PaletteError) as caught:
            PaletteClient(settings).get(HERE)
    assert caught.value.reason == "tls_error"


def test_a_write_whose_answer_is_garbled_is_not_repeated(
    server: ScriptedServer, bundle: str, clock: Clock
) -> None:
    server.script(Answer(garbled=True))
    with pytest.raises(PaletteError) as caught:
        client_of(server, bundle).post(HERE, {})
    assert caught.value.reason == "tls_error"
    assert caught.value.outcome_unknown
    assert len(server.received) == 1


def test_a_read_whose_answer_is_garbled_is_repeated(
    server: ScriptedServer, bundle: str, clock: Clock
) -> None:
    server.script(Answer(garbled=True), Answer({"a": 1}))
    assert client_of(server, bundle).get(HERE) == {"a": 1}

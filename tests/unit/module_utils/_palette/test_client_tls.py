# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The client and certificates: which servers it trusts, and what it says of the others."""

from __future__ import annotations

import re
import ssl
import warnings
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from ansible_collections.spectrocloud.palette.plugins.module_utils._http.errors import ApiError
from unit.fakes import Answer, Clock, ScriptedServer
from unit.module_utils._palette.calls import VMS, client_of, error_of, reason_of

Key = ec.EllipticCurvePrivateKey


@pytest.fixture(scope="module")
def ca() -> trustme.CA:
    """An authority."""
    return trustme.CA()


def serve(authority: trustme.CA, name: str, **validity: Any) -> Any:
    """Return a running server with a certificate for a name, signed by the authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name, **validity).configure_cert(context)
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
    """The file of another authority."""
    return written(trustme.CA(), tmp_path / "other.pem")


def written(authority: trustme.CA, path: Path) -> str:
    """Write an authority's certificate to a file and return its path."""
    authority.cert_pem.write_to_path(path)
    return str(path)


def refusal_of(server: ScriptedServer, verify: bool | str) -> ApiError:
    """Return the error of a write to a server that is not trusted."""
    error = error_of(client_of(server.url, verify=verify).call, "POST", VMS, body={})
    assert server.received == []
    return error


def assert_plain(error: ApiError, server: ScriptedServer) -> None:
    """Let a message be words: it names the server, but no class, tuple or number of an error."""
    assert error.message.startswith(f"POST {server.url}{VMS}: ")
    assert not re.search(
        r"\[Errno|[A-Z][a-z]+(Error|Connection)|object at|\(_?ssl|'\)", error.message
    )


def test_ca_path_of_the_authority_makes_its_server_trusted(
    server: ScriptedServer, bundle: str
) -> None:
    assert client_of(server.url, verify=bundle).call("GET", VMS) == {}


def certificate(name: str, issuer: str, *, ca: bool, key: Key, signed_with: Key) -> bytes:
    """Return a certificate as `openssl req -x509` makes them by default: without key usage."""
    now = datetime.now(timezone.utc)
    address = x509.IPAddress(ip_address("127.0.0.1"))
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .sign(signed_with, SHA256())
        .public_bytes(Encoding.PEM)
    )


def test_ca_path_may_be_of_an_authority_without_key_usage(
    bare_environment: None, tmp_path: Path
) -> None:
    authority, own = (ec.generate_private_key(ec.SECP256R1()) for _number in range(2))
    bundle, chain = tmp_path / "ca.pem", tmp_path / "server.pem"
    bundle.write_bytes(certificate("ca", "ca", ca=True, key=authority, signed_with=authority))
    private = own.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    chain.write_bytes(
        private + certificate("server", "ca", ca=False, key=own, signed_with=authority)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    with ScriptedServer.running(context) as server:
        assert client_of(server.url, verify=str(bundle)).call("GET", VMS) == {}


def test_request_timeout_ends_an_answer_that_drips_over_tls(
    server: ScriptedServer, bundle: str
) -> None:
    server.script(Answer({"a": "b" * 99}, dripping=0.01))
    client = client_of(server.url, verify=bundle, request_timeout=0.2)
    assert reason_of(client.call, "POST", VMS, body={}) == "timeout"


def test_validate_certs_refuses_an_unknown_authority_and_names_ca_path(
    server: ScriptedServer, clock: Clock
) -> None:
    error = refusal_of(server, verify=True)
    assert error.reason == "tls_error"
    assert "set ca_path to the CA that signed the server's certificate" in error.message
    assert_plain(error, server)
    assert not error.outcome_unknown


def test_validate_certs_refuses_a_certificate_without_retries(
    server: ScriptedServer, clock: Clock
) -> None:
    refusal_of(server, verify=True)
    assert clock.slept == []
    assert server.connections <= 1


def test_validate_certs_refuses_a_certificate_for_another_name(
    ca: trustme.CA, bundle: str, bare_environment: None, clock: Clock
) -> None:
    with serve(ca, "palette.example.com") as server:
        error = refusal_of(server, bundle)
        assert error.reason == "tls_error"
        assert "set host to a name that the server's certificate is for" in error.message
        assert "ca_path" not in error.message
        assert_plain(error, server)


@pytest.mark.parametrize(
    "validity",
    [
        {"not_after": datetime(2021, 1, 1, tzinfo=timezone.utc)},
        {"not_before": datetime(2099, 1, 1, tzinfo=timezone.utc)},
    ],
)
def test_validate_certs_refuses_a_certificate_out_of_its_time(
    ca: trustme.CA,
    bundle: str,
    bare_environment: None,
    clock: Clock,
    validity: dict[str, datetime],
) -> None:
    with serve(ca, "127.0.0.1", **validity) as server:
        error = refusal_of(server, bundle)
        assert error.reason == "tls_error"
        assert "renew the server's certificate" in error.message
        assert "ca_path" not in error.message
        assert_plain(error, server)


def test_validate_certs_can_be_turned_off_without_a_warning_on_stderr(
    server: ScriptedServer,
) -> None:
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        assert client_of(server.url, verify=False).call("GET", VMS) == {}
    assert warned == []


def test_ca_path_defaults_to_the_bundle_of_the_environment(
    server: ScriptedServer, bundle: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", bundle)
    assert client_of(server.url, verify=True).call("GET", VMS) == {}


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_ca_path_overrides_the_bundle_of_the_environment(
    server: ScriptedServer,
    bundle: str,
    other_bundle: str,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
    clock: Clock,
) -> None:
    monkeypatch.setenv(variable, other_bundle)
    assert client_of(server.url, verify=bundle).call("GET", VMS) == {}
    server.received.clear()
    monkeypatch.setenv(variable, bundle)
    assert refusal_of(server, other_bundle).reason == "tls_error"


def test_ca_bundle_of_the_environment_that_does_not_exist_is_named(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/does/not/exist.pem")
    error = refusal_of(server, verify=True)
    assert error.reason == "tls_error"
    assert "/does/not/exist.pem" in error.message
    assert not error.outcome_unknown


@pytest.mark.parametrize("content", ["", "this is no certificate"])
def test_ca_path_without_a_certificate_is_a_tls_error(
    server: ScriptedServer, tmp_path: Path, content: str, clock: Clock
) -> None:
    empty = tmp_path / "empty.pem"
    empty.write_text(content)
    assert refusal_of(server, str(empty)).reason == "tls_error"


def test_call_to_a_server_without_tls_is_a_tls_error(bare_environment: None, clock: Clock) -> None:
    with ScriptedServer.running() as plain:
        client = client_of(f"https://127.0.0.1:{plain.port}", retries=1)
        assert reason_of(client.call, "GET", VMS) == "tls_error"


def test_retries_no_write_whose_answer_is_not_tls(
    server: ScriptedServer, bundle: str, clock: Clock
) -> None:
    server.script(Answer(garbled=True))
    error = error_of(client_of(server.url, verify=bundle).call, "POST", VMS, body={})
    assert error.reason == "tls_error"
    assert error.outcome_unknown
    assert len(server.received) == 1


def test_retries_a_read_whose_answer_is_not_tls(
    server: ScriptedServer, bundle: str, clock: Clock
) -> None:
    server.script(Answer(garbled=True), Answer({"a": 1}))
    assert client_of(server.url, verify=bundle).call("GET", VMS) == {"a": 1}

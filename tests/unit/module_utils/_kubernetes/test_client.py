# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The client of a cluster's own API against a real HTTPS server that asks for certificates."""

from __future__ import annotations

import json
import ssl
import tempfile
import warnings
from base64 import b64decode
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import trustme

from ansible_collections.spectrocloud.palette.plugins.module_utils._http.deadline import give_up_at
from ansible_collections.spectrocloud.palette.plugins.module_utils._kubernetes import tls
from ansible_collections.spectrocloud.palette.plugins.module_utils._kubernetes.client import (
    KubernetesClient,
    Resource,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._kubernetes.kubeconfig import (
    Kubeconfig,
    read_kubeconfig,
)
from unit.fakes import Answer, Clock, ScriptedServer
from unit.module_utils._kubernetes.clusters import (
    TOKEN,
    USER,
    Json,
    admin_of,
    ca_of,
    client_of,
    encoded,
    error_of,
    kubeconfig,
    serve,
    status,
)

THINGS = Resource("example.com", "v1", "things")
PATH = "/apis/example.com/v1/namespaces/a/things"
THING = Answer({"kind": "Thing"})
CREATED = THING._replace(status=201)
UNAVAILABLE = Answer(b"<html>Bad Gateway</html>", 502)
SILENT = Answer(silent=True)

# What is sent


def test_client_sends_what_kubernetes_names(
    server: ScriptedServer, client: KubernetesClient
) -> None:
    body = {"metadata": {"name": "x"}}
    server.script(THING, CREATED, THING, THING)
    assert client.get(THINGS, "a", "x/y") == {"kind": "Thing"}
    assert client.create(THINGS, "a", body) == {"kind": "Thing"}
    assert client.patch(THINGS, "a", "x", {"a": None}) == {"kind": "Thing"}
    client.delete(THINGS, "a", "x", uid="u1")
    client.delete(THINGS, "a", "x")
    assert [(request.method, request.path, request.body) for request in server.received] == [
        ("GET", f"{PATH}/x%2Fy", None),
        ("POST", PATH, body),
        ("PATCH", f"{PATH}/x", {"a": None}),
        ("DELETE", f"{PATH}/x", {"preconditions": {"uid": "u1"}}),
        ("DELETE", f"{PATH}/x", None),
    ]
    types = [request.headers.get("content-type") for request in server.received]
    assert types[1:3] == ["application/json", "application/merge-patch+json"]
    assert {request.headers["accept"] for request in server.received} == {"application/json"}


@pytest.mark.parametrize("name", ["", ".", ".."])
def test_client_refuses_a_name_that_would_change_the_path(
    client: KubernetesClient, name: str
) -> None:
    assert error_of(client.get, THINGS, "a", name).reason == "invalid_parameters"


def test_client_keeps_the_path_of_the_server(server: ScriptedServer, authority: trustme.CA) -> None:
    server.script(THING)
    url = f"{server.url}/k8s/clusters/c-1"
    client_of(kubeconfig(url, {"token": TOKEN}, **ca_of(authority))).get(THINGS, "a", "x")
    assert server.received[0].path == f"/k8s/clusters/c-1{PATH}/x"


# Who logs in


def test_client_logs_in_with_its_certificate(
    server: ScriptedServer, client: KubernetesClient
) -> None:
    server.script(THING)
    for _number in range(3):
        client.get(THINGS, "a", "x")
    assert {request.user for request in server.received} == {USER}
    assert "authorization" not in server.received[0].headers
    assert server.connections == 1


def test_client_logs_in_with_its_token(server: ScriptedServer, authority: trustme.CA) -> None:
    server.script(THING)
    config = kubeconfig(server.url, {"token": TOKEN}, **ca_of(authority))
    client_of(config).get(THINGS, "a", "x")
    (request,) = server.received
    assert request.headers["authorization"] == f"Bearer {TOKEN}"
    assert request.user is None


def test_token_repeated_by_an_error_is_not_shown(
    server: ScriptedServer, authority: trustme.CA
) -> None:
    server.script(status(401, "Unauthorized", f"bad {TOKEN}", details={TOKEN: [TOKEN]}))
    config = kubeconfig(server.url, {"token": TOKEN}, **ca_of(authority))
    # error_of looks for the token in the error.
    assert error_of(client_of(config).get, THINGS, "a", "x").reason == "unauthorized"


def test_client_reads_no_netrc(
    server: ScriptedServer,
    client: KubernetesClient,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password another-secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    server.script(THING)
    client.get(THINGS, "a", "x")
    assert "authorization" not in server.received[0].headers


# The key's file


class Watched(ssl.SSLContext):
    """A context that notes the files that it reads keys from, and may be interrupted."""

    seen: list[tuple[Path, int]]
    interrupt: type[BaseException] | None = None

    def load_cert_chain(self, certfile: Any, *args: Any, **kwargs: Any) -> None:
        path = Path(certfile)
        self.seen.append((path, path.stat().st_mode & 0o777))
        if self.interrupt is not None:
            raise self.interrupt()
        super().load_cert_chain(certfile, *args, **kwargs)


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> type[Watched]:
    """The contexts of clients to come, and a folder of their own for temporary files."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    fresh = type("Fresh", (Watched,), {"seen": []})
    monkeypatch.setattr(tls, "tls_context", lambda: fresh(ssl.PROTOCOL_TLS_CLIENT))
    return fresh


def test_key_lies_in_a_file_of_its_user_only_while_it_is_read(
    server: ScriptedServer, authority: trustme.CA, watched: type[Watched], tmp_path: Path
) -> None:
    config = kubeconfig(server.url, admin_of(authority), **ca_of(authority))
    client = client_of(config)
    ((path, mode),) = watched.seen
    assert path.parent == tmp_path / "temporary"
    assert mode == 0o600
    assert list(path.parent.iterdir()) == []
    server.script(THING)
    client.get(THINGS, "a", "x")
    assert server.received[0].user == USER


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit, MemoryError])
def test_key_is_removed_whatever_interrupts(
    authority: trustme.CA, watched: type[Watched], interrupt: type[BaseException]
) -> None:
    watched.interrupt = interrupt
    with pytest.raises(interrupt):
        client_of(kubeconfig("https://c.invalid", admin_of(authority), **ca_of(authority)))
    ((path, _mode),) = watched.seen
    assert list(path.parent.iterdir()) == []


ENCRYPTED = """-----BEGIN EC PRIVATE KEY-----
Proc-Type: 4,ENCRYPTED
DEK-Info: AES-128-CBC,EF8B13D68A0BDB3B2A8D1B6A1C7D0F42

eyMIxZPoVV7lKj5mPbq3rQ==
-----END EC PRIVATE KEY-----
"""


@pytest.mark.parametrize("key", [b"", b"no key", b"\n", ENCRYPTED.encode(), "other"])
def test_key_that_cannot_be_used_is_said_without_showing_it(
    authority: trustme.CA, watched: type[Watched], key: bytes | str
) -> None:
    admin = admin_of(authority)
    other = admin_of(authority)["client-key-data"]
    admin["client-key-data"] = encoded(key) if isinstance(key, bytes) else other
    error = error_of(client_of, kubeconfig("https://c.invalid", admin, **ca_of(authority)))
    assert error.reason == "kubeconfig_unusable"
    assert "client-certificate and client-key" in error.message
    assert error.__context__ is None or error.__suppress_context__
    assert all(not path.exists() for path, _mode in watched.seen)


# Whom it trusts


def test_client_trusts_only_the_authority_of_its_kubeconfig(
    server: ScriptedServer,
    authority: trustme.CA,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    clock: Clock,
) -> None:
    bundle = tmp_path / "bundle.pem"
    authority.cert_pem.write_to_path(str(bundle))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
    other = trustme.CA()
    config = kubeconfig(server.url, {"token": TOKEN}, **ca_of(other))
    error = error_of(client_of(config).create, THINGS, "a", {})
    assert (error.reason, error.outcome_unknown) == ("tls_error", False)
    assert "set certificate-authority in the kubeconfig to the CA" in error.message
    assert server.received == []


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
@pytest.mark.parametrize("in_files", [False, True])
def test_client_reads_certificates_with_comments_of_any_script(
    server: ScriptedServer, authority: trustme.CA, tmp_path: Path, encoding: str, in_files: bool
) -> None:
    def commented(part: Json) -> Json:
        pems = {
            name: "# Aussteller: Müller\n".encode(encoding) + b64decode(data)
            for name, data in part.items()
        }
        if not in_files:
            return {name: encoded(pem) for name, pem in pems.items()}
        for name, pem in pems.items():
            (tmp_path / name).write_bytes(pem)
        return {name.replace("-data", ""): name for name in pems}

    user, cluster = commented(admin_of(authority)), commented(ca_of(authority))
    (tmp_path / "config").write_text(json.dumps(kubeconfig(server.url, user, **cluster)))
    server.script(THING)
    client = KubernetesClient(read_kubeconfig(str(tmp_path / "config")), rate_limit=0)
    assert client.get(THINGS, "a", "x") == {"kind": "Thing"}
    assert server.received[0].user == USER


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_client_trusts_the_bundle_of_the_environment_where_there_is_no_authority(
    server: ScriptedServer,
    authority: trustme.CA,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    clock: Clock,
    variable: str,
) -> None:
    config = kubeconfig(server.url, {"token": TOKEN})
    assert error_of(client_of(config).get, THINGS, "a", "x").reason == "tls_error"
    bundle = tmp_path / "bundle.pem"
    authority.cert_pem.write_to_path(str(bundle))
    monkeypatch.setenv(variable, str(bundle))
    server.script(THING)
    assert client_of(config).get(THINGS, "a", "x") == {"kind": "Thing"}


@pytest.mark.parametrize(
    ("ca", "bundle", "named"),
    [
        ("no PEM", "", "certificate-authority"),
        ("ä", "", "certificate-authority"),
        ("", "/does/not/exist", "REQUESTS_CA_BUNDLE"),
    ],
)
def test_client_says_which_authority_it_cannot_read(
    monkeypatch: pytest.MonkeyPatch, bare_environment: None, ca: str, bundle: str, named: str
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", bundle)
    fields = {"certificate_authority_data": encoded(ca.encode())}
    error = error_of(client_of, kubeconfig("https://c.invalid", {"token": TOKEN}, **fields))
    assert error.reason == "kubeconfig_unusable"
    assert named in error.message


def test_tls_context_is_not_stricter_than_kubernetes() -> None:
    context = tls.context_for(Kubeconfig("https://c", token=TOKEN, verify=False), "")
    assert not context.verify_flags & ssl.VERIFY_X509_STRICT


def test_client_trusts_anybody_where_the_kubeconfig_says_so(
    server: ScriptedServer, authority: trustme.CA
) -> None:
    config = kubeconfig(server.url, admin_of(authority), insecure_skip_tls_verify=True)
    server.script(THING)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        client_of(config).get(THINGS, "a", "x")
    assert warned == []
    assert server.received[0].user == USER


def test_tls_server_name_is_the_name_in_the_certificate(
    bare_environment: None, authority: trustme.CA, clock: Clock
) -> None:
    with serve(authority, "kubernetes.example") as server:
        server.script(THING)
        user, fields = {"token": TOKEN}, ca_of(authority)
        plain = client_of(kubeconfig(server.url, user, **fields))
        error = error_of(plain.get, THINGS, "a", "x")
        assert error.reason == "tls_error"
        assert "set server in the kubeconfig to a name" in error.message
        for name, works in (("kubernetes.example", True), ("other.example", False)):
            client = client_of(kubeconfig(server.url, user, tls_server_name=name, **fields))
            if works:
                client.get(THINGS, "a", "x")
            else:
                assert error_of(client.get, THINGS, "a", "x").reason == "tls_error"


def test_a_server_that_demands_a_certificate_takes_no_token(
    bare_environment: None, authority: trustme.CA, clock: Clock
) -> None:
    with serve(authority, demand=True) as server:
        config = kubeconfig(server.url, {"token": TOKEN}, **ca_of(authority))
        error = error_of(client_of(config).get, THINGS, "a", "x")
        assert error.reason in ("tls_error", "unreachable")
        assert server.received == []


# Proxies


def test_proxy_url_is_used_and_not_shown(bare_environment: None, clock: Clock) -> None:
    with ScriptedServer.running() as proxy:
        proxy.script(Answer(b"", 403))
        url = f"http://user:s3cret@127.0.0.1:{proxy.port}"
        config = kubeconfig("https://c.invalid:6443", {"token": TOKEN}, proxy_url=url)
        error = error_of(client_of(config, retries=1).create, THINGS, "a", {})
        assert (error.reason, error.outcome_unknown) == ("unreachable", False)
        assert "check proxy-url in the kubeconfig" in error.message
        assert "s3cret" not in error.message
        assert {request.path for request in proxy.received} == {"c.invalid:6443"}
        assert TOKEN not in str(proxy.received)


def test_proxy_of_the_environment_is_used_where_the_kubeconfig_has_none(
    bare_environment: None, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ScriptedServer.running() as proxy:
        proxy.script(Answer(b"", 403))
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        config = kubeconfig("https://c.invalid:6443", {"token": TOKEN})
        error = error_of(client_of(config, retries=0).get, THINGS, "a", "x")
        assert "check the proxy in HTTPS_PROXY" in error.message
        assert {request.method for request in proxy.received} == {"CONNECT"}


# What is answered


@pytest.mark.parametrize(
    ("method", "answer"),
    [
        ("GET", Answer({})),
        ("GET", Answer(b"<html>sign in</html>")),
        ("POST", THING),
        ("POST", CREATED._replace(body=b"<html>sign in</html>")),
        ("PATCH", CREATED),
        ("DELETE", Answer(b"", 204)),
        ("DELETE", Answer(b"<html>sign in</html>")),
        ("DELETE", Answer({})),
    ],
)
def test_client_does_not_believe_what_kubernetes_does_not_answer(
    server: ScriptedServer, client: KubernetesClient, method: str, answer: Answer
) -> None:
    server.script(answer)
    error = error_of(call, client, method)
    assert error.reason == "malformed_response"
    assert error.outcome_unknown is (method != "GET")
    assert f"HTTP {answer.status}" in error.message


def call(client: KubernetesClient, method: str) -> None:
    """Send a request with this method."""
    if method == "GET":
        client.get(THINGS, "a", "x")
    elif method == "POST":
        client.create(THINGS, "a", {})
    elif method == "PATCH":
        client.patch(THINGS, "a", "x", {})
    else:
        client.delete(THINGS, "a", "x")


def test_deletion_that_takes_time_is_accepted(
    server: ScriptedServer, client: KubernetesClient
) -> None:
    server.script(Answer({"kind": "Thing"}, 202))
    client.delete(THINGS, "a", "x")


def test_error_names_the_server_and_what_it_says(
    server: ScriptedServer, client: KubernetesClient
) -> None:
    server.script(status(404, "NotFound", 'things.example.com "x" not found'))
    error = error_of(client.get, THINGS, "a", "x")
    assert error.message == (
        f'GET {server.url}{PATH}/x: HTTP 404: things.example.com "x" not found'
    )
    assert (error.reason, error.facts["code"]) == ("not_found", "NotFound")


@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
def test_refusal_of_a_write_is_its_outcome(
    server: ScriptedServer, client: KubernetesClient, method: str
) -> None:
    server.script(status(422, "Invalid"))
    error = error_of(call, client, method)
    assert (error.reason, error.outcome_unknown) == ("rejected", False)


def test_refused_read_has_no_outcome(server: ScriptedServer, client: KubernetesClient) -> None:
    server.script(Answer({"message": "oops"}, 500))
    assert not error_of(client.get, THINGS, "a", "x").outcome_unknown


# Again


@pytest.mark.parametrize("failing", [UNAVAILABLE, SILENT, status(503), status(504)])
def test_reads_are_repeated(
    server: ScriptedServer, client: KubernetesClient, failing: Answer
) -> None:
    server.script(failing, failing, THING)
    assert client.get(THINGS, "a", "x") == {"kind": "Thing"}
    assert len(server.received) == 3


@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
@pytest.mark.parametrize("failing", [UNAVAILABLE, SILENT, status(500), status(504)])
def test_writes_are_not_repeated(
    server: ScriptedServer, client: KubernetesClient, method: str, failing: Answer
) -> None:
    server.script(failing)
    assert error_of(call, client, method).outcome_unknown
    assert len(server.received) == 1


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE"])
def test_429_is_repeated_for_every_method(
    server: ScriptedServer, client: KubernetesClient, clock: Clock, method: str
) -> None:
    too_many = status(429, "TooManyRequests")._replace(headers={"Retry-After": "7"})
    server.script(too_many, CREATED if method == "POST" else THING)
    call(client, method)
    assert len(server.received) == 2
    assert clock.slept == [7]


def test_a_deadline_ends_the_retries(
    server: ScriptedServer, client: KubernetesClient, clock: Clock
) -> None:
    server.script(UNAVAILABLE)
    with give_up_at(clock.now):
        assert error_of(client.get, THINGS, "a", "x").reason == "unavailable"
    assert len(server.received) == 1


# Lists


def page(*names: str, token: str = "") -> Answer:
    """Return a page of a list."""
    items = [{"name": name} for name in names]
    return Answer({"kind": "ThingList", "items": items, "metadata": {"continue": token}})


def queries_of(server: ScriptedServer) -> list[dict[str, list[str]]]:
    """Return the queries of all requests."""
    return [parse_qs(urlsplit(request.path).query) for request in server.received]


def name_of(item: Json) -> str:
    """Return an item's name."""
    return str(item["name"])


def test_items_reads_a_list_to_its_last_page(
    server: ScriptedServer, client: KubernetesClient
) -> None:
    server.script(page("a", "b", token="t/1"), page("c"))
    assert client.items(THINGS, name_of, "a") == ["a", "b", "c"]
    assert queries_of(server) == [{"limit": ["100"]}, {"limit": ["100"], "continue": ["t/1"]}]
    assert urlsplit(server.received[0].path).path == PATH


def test_items_of_all_namespaces(server: ScriptedServer, client: KubernetesClient) -> None:
    server.script(Answer({"kind": "ThingList", "items": None, "metadata": {}}))
    assert client.items(THINGS, name_of) == []
    assert server.received[0].path == "/apis/example.com/v1/things?limit=100"


def test_items_start_again_when_a_page_token_expired(
    server: ScriptedServer, client: KubernetesClient
) -> None:
    expired = status(410, "Expired", "The provided continue parameter is too old")
    server.script(page("a", token="t1"), expired, page("b", token="t2"), page("c"))
    assert client.items(THINGS, name_of, "a") == ["b", "c"]


def test_items_ask_again_where_the_server_stumbles(
    server: ScriptedServer, client: KubernetesClient
) -> None:
    server.script(page("a", token="t1"), status(500, "InternalError"), page("b"))
    assert client.items(THINGS, name_of, "a") == ["a", "b"]

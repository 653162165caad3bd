# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which kubeconfigs can be used, what is read from them, and that none of it is shown."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trustme
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.spectrocloud.palette.plugins.module_utils._http.errors import ApiError
from ansible_collections.spectrocloud.palette.plugins.module_utils._kubernetes import (
    kubeconfig as module,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._kubernetes.kubeconfig import (
    Kubeconfig,
    parse_kubeconfig,
    read_kubeconfig,
)
from unit.module_utils._kubernetes.clusters import (
    TOKEN,
    Json,
    admin_of,
    ca_of,
    encoded,
    error_of,
    kubeconfig,
)

SERVER = "https://10.0.0.1:6443"
WITH_TOKEN = kubeconfig(SERVER, {"token": TOKEN})
EXEC = {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "kubelogin"}}


def refusal_of(config: Any) -> str:
    """Return why a kubeconfig cannot be used. It shows no secret, nor does what it comes from."""
    text = config if isinstance(config, str) else json.dumps(config)
    error = error_of(parse_kubeconfig, text)
    assert error.reason == "kubeconfig_unusable"
    assert error.message.startswith("the kubeconfig cannot be used: ")
    assert error.__suppress_context__ or error.__context__ is None
    return error.message


@pytest.mark.parametrize(
    "write",
    [
        json.dumps,
        yaml.safe_dump,
        lambda config: encoded(yaml.safe_dump(config).encode()),
        lambda config: encoded(json.dumps(config).encode()) + "\n",
    ],
)
def test_parse_kubeconfig_reads_it_plain_and_in_base64(write: Callable[[Json], str]) -> None:
    assert parse_kubeconfig(write(WITH_TOKEN)) == Kubeconfig(SERVER, token=TOKEN)


def test_parse_kubeconfig_reads_all_of_the_current_context(authority: trustme.CA) -> None:
    further = {"tls-server-name": "kubernetes", "proxy-url": "http://proxy:3128"}
    config = kubeconfig(SERVER + "/k8s/", admin_of(authority), **further, **ca_of(authority))
    parsed = parse_kubeconfig(json.dumps(config))
    assert parsed.server == SERVER + "/k8s"
    assert parsed.ca.encode() == authority.cert_pem.bytes()
    assert parsed.certificate.startswith("-----BEGIN CERTIFICATE-----")
    assert "PRIVATE KEY-----" in parsed.key
    assert (parsed.token, parsed.verify) == ("", True)
    assert (parsed.server_name, parsed.proxy) == ("kubernetes", "http://proxy:3128")


def test_parse_kubeconfig_knows_insecure_skip_tls_verify() -> None:
    config = kubeconfig(SERVER, {"token": TOKEN}, insecure_skip_tls_verify=True)
    assert not parse_kubeconfig(json.dumps(config)).verify


def test_kubeconfig_shows_nothing_of_itself() -> None:
    parsed = parse_kubeconfig(json.dumps(WITH_TOKEN))
    assert TOKEN not in f"{parsed} {parsed!r} {[parsed]}"


@pytest.mark.parametrize("user", [EXEC, {"auth-provider": {"name": "oidc"}}])
def test_a_login_with_a_browser_names_the_permission_that_is_missing(user: Json) -> None:
    message = refusal_of(kubeconfig(SERVER, user))
    assert f"logs in with {next(iter(user))}, which needs a browser or a program" in message
    assert "the permission cluster.adminKubeconfigDownload" in message


def test_a_token_beside_exec_is_used() -> None:
    config = kubeconfig(SERVER, {**EXEC, "token": TOKEN})
    assert parse_kubeconfig(json.dumps(config)).token == TOKEN


UNUSABLE = {
    "not YAML (line 2)": f"token: {TOKEN}\n  {TOKEN}: [",
    "not YAML": "a: &a [*a",
    "not YAML ": f"!!bool {TOKEN}",
    "not YAML  ": f"!!timestamp {TOKEN}",
    "not YAML   ": "[" * 100_000,
    "not a kubeconfig": f"just {TOKEN}",
    "not a kubeconfig ": "[]",
    "no current-context": {**WITH_TOKEN, "current-context": ""},
    "current-context is not text": {**WITH_TOKEN, "current-context": 7},
    "contexts has no context for": {**WITH_TOKEN, "current-context": TOKEN},
    "contexts has no context for ": {**WITH_TOKEN, "contexts": "x"},
    "users has no user for": {**WITH_TOKEN, "users": [None, {"name": "admin"}]},
    "clusters has no cluster for": {**WITH_TOKEN, "clusters": []},
    "neither a client certificate nor a token": kubeconfig(SERVER, {}),
    "with a password": kubeconfig(SERVER, {"username": "u", "password": TOKEN}),
    "acts as another one": kubeconfig(SERVER, {"token": TOKEN, "as": "root"}),
    "acts as another one ": kubeconfig(SERVER, {"token": TOKEN, "as-groups": ["system:masters"]}),
    "token is not text": kubeconfig(SERVER, {"token": [TOKEN]}),
    "an HTTP header cannot have": kubeconfig(SERVER, {"token": f"{TOKEN}\r\nX: y"}),
    "only one of client-certificate and client-key": kubeconfig(
        SERVER, {"client-key-data": encoded(TOKEN.encode())}
    ),
    "client-key-data is not PEM in base64": kubeconfig(
        SERVER, {"client-key-data": f"{TOKEN}?", "client-certificate-data": ""}
    ),
    "certificate-authority-data is not PEM": kubeconfig(
        SERVER, {"token": TOKEN}, certificate_authority_data="ä"
    ),
    "is set, beside a certificate-authority": kubeconfig(
        SERVER,
        {"token": TOKEN},
        certificate_authority_data=encoded(b"x"),
        insecure_skip_tls_verify=True,
    ),
    "neither true nor false": kubeconfig(SERVER, {"token": TOKEN}, insecure_skip_tls_verify="yes"),
    "its server is not a URL": kubeconfig("10.0.0.1:6443", {"token": TOKEN}),
    "its server is not a URL ": kubeconfig("https://a b", {"token": TOKEN}),
    "its server is not a URL  ": kubeconfig("https://a:99999", {"token": TOKEN}),
    "its server is not a URL   ": kubeconfig("https://a\\@b", {"token": TOKEN}),
    "its server may contain only": kubeconfig(f"https://u:{TOKEN}@a", {"token": TOKEN}),
    "in clear text": kubeconfig("http://10.0.0.1", {"token": TOKEN}),
    **{
        f"tls-server-name is not{' ' * number}": kubeconfig(
            SERVER, {"token": TOKEN}, tls_server_name=name
        )
        for number, name in enumerate(["a b", ".", "a..b", ".a", "a" * 64, "ä"])
    },
    "other proxies are not supported": kubeconfig(
        SERVER, {"token": TOKEN}, proxy_url=f"socks5://u:{TOKEN}@proxy:1080"
    ),
}


@pytest.mark.parametrize("why", UNUSABLE)
def test_parse_kubeconfig_says_why_one_cannot_be_used(why: str) -> None:
    assert why.strip() in refusal_of(UNUSABLE[why])


def test_parse_kubeconfig_refuses_what_no_kubeconfig_is_as_large_as() -> None:
    assert "larger than 1 MiB" in refusal_of("#" * (1024 * 1024 + 1))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
PLACES = [
    ("current-context",),
    ("contexts", 1, "context"),
    ("contexts", 1, "context", "user"),
    *(("clusters", 1, "cluster", name) for name in ("server", "proxy-url", "tls-server-name")),
    *(("users", 1, "user", name) for name in ("token", "exec", "as", "client-key-data")),
    ("users", 1, "name"),
    ("users",),
]


@given(st.sampled_from(PLACES), JSON)
def test_parse_kubeconfig_reads_or_refuses_whatever_it_holds(
    place: tuple[Any, ...], value: Any
) -> None:
    config = kubeconfig(SERVER, {"token": TOKEN})
    parent: Any = config
    for step in place[:-1]:
        parent = parent[step]
    parent[place[-1]] = value
    try:
        reason = type(parse_kubeconfig(json.dumps(config))).__name__
    except ApiError as error:
        reason = error.reason
    assert reason in ("Kubeconfig", "kubeconfig_unusable")


@given(st.text())
def test_parse_kubeconfig_refuses_any_other_text(text: str) -> None:
    assert refusal_of(text)


@pytest.mark.parametrize("name", ["", "kubernetes.default.svc.", "10.0.0.1", "::ffff:10.0.0.1"])
def test_parse_kubeconfig_takes_names_and_addresses_for_tls_server_name(name: str) -> None:
    config = kubeconfig(SERVER, {"token": TOKEN}, tls_server_name=name)
    assert parse_kubeconfig(json.dumps(config)).server_name == name


# From a file


def files_in(folder: Path, authority: trustme.CA) -> Json:
    """Write what a kubeconfig may name into a folder, and return one that names it."""
    issued = authority.issue_cert("admin@example.com")
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    issued.cert_chain_pems[0].write_to_path(str(folder / "admin.pem"))
    issued.private_key_pem.write_to_path(str(folder / "admin.key"))
    (folder / "token").write_text(f"{TOKEN}\n")
    user = {
        "client-certificate": "admin.pem",
        "client-key": str(folder / "admin.key"),
        "tokenFile": "token",
    }
    return kubeconfig(SERVER, user, certificate_authority="ca.pem")


def test_read_kubeconfig_reads_the_files_that_a_file_names(
    tmp_path: Path, authority: trustme.CA, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = files_in(tmp_path, authority)
    (tmp_path / "config").write_text(yaml.safe_dump(config))
    monkeypatch.setenv("HOME", str(tmp_path))
    parsed = read_kubeconfig(" ~/config ")
    assert parsed == read_kubeconfig(str(tmp_path / "config"))
    assert parsed.ca.encode() == authority.cert_pem.bytes()
    assert "PRIVATE KEY-----" in parsed.key
    assert parsed.token == TOKEN


@pytest.mark.parametrize(
    "name", ["client-certificate", "client-key", "tokenFile", "certificate-authority"]
)
def test_content_from_elsewhere_may_not_have_a_file_read(tmp_path: Path, name: str) -> None:
    secret = tmp_path / "id_rsa"
    secret.write_text(TOKEN)
    config = kubeconfig(SERVER, {})
    for part in (config["users"][1]["user"], config["clusters"][1]["cluster"]):
        part[name] = str(secret)
    if name == "certificate-authority":
        config["users"][1]["user"]["token"] = TOKEN
    assert f"{name} names a file" in refusal_of(config)


@pytest.mark.parametrize("named", ["missing.pem", ".", "a\0b"])
def test_read_kubeconfig_says_which_named_file_cannot_be_read(tmp_path: Path, named: str) -> None:
    config = kubeconfig(SERVER, {"token": TOKEN}, certificate_authority=named)
    (tmp_path / "config").write_text(json.dumps(config))
    error = error_of(read_kubeconfig, str(tmp_path / "config"))
    assert error.reason == "kubeconfig_unusable"
    assert "certificate-authority" in error.message


def test_read_kubeconfig_takes_no_binary_file_for_a_token(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    (tmp_path / "config").write_text(json.dumps(kubeconfig(SERVER, {"tokenFile": "binary"})))
    error = error_of(read_kubeconfig, str(tmp_path / "config"))
    assert "its token contains characters" in error.message


@pytest.mark.parametrize(
    "write",
    [
        yaml.safe_dump,
        json.dumps,
        lambda config: encoded(yaml.safe_dump(config).encode()),
    ],
)
def test_read_kubeconfig_takes_content_too(write: Callable[[Json], str]) -> None:
    assert read_kubeconfig(write(WITH_TOKEN)).token == TOKEN


@pytest.mark.parametrize("path", ["/does/not/exist", "kubeconfig", "config.yml", "."])
def test_read_kubeconfig_says_that_a_file_cannot_be_read(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    message = error_of(read_kubeconfig, path).message
    assert "the file cannot be read where the task runs: " in message


@pytest.mark.parametrize("text", [f"a\0{TOKEN}", "~nobody-has-this-name/x"])
def test_read_kubeconfig_does_not_repeat_what_is_neither_path_nor_content(text: str) -> None:
    assert error_of(read_kubeconfig, text).reason == "kubeconfig_unusable"


def test_parse_kubeconfig_says_that_pyyaml_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "yaml", None)
    error = error_of(parse_kubeconfig, json.dumps(WITH_TOKEN))
    assert error.reason == "missing_library"
    assert "PyYAML" in error.message

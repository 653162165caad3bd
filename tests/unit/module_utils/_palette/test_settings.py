# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The connection options: what is accepted, and what is refused, all of it together."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any, NoReturn

import pytest

from ansible_collections.spectrocloud.palette.plugins.module_utils._http.urls import is_loopback
from ansible_collections.spectrocloud.palette.plugins.module_utils._palette.settings import (
    connection_problems,
    settings_from,
)

GOOD: dict[str, Any] = {
    "host": "https://api.spectrocloud.com",
    "api_key": "secret",
    "project_uid": None,
    "validate_certs": True,
    "ca_path": None,
    "request_timeout": 30.0,
    "retries": 5,
    "rate_limit": 50.0,
}


def problems_of(**options: Any) -> list[str]:
    """Return what is wrong with good options after some were changed."""
    return [str(problem) for problem in connection_problems({**GOOD, **options})]


def test_connection_problems_of_good_options_are_none() -> None:
    assert problems_of() == []
    assert (
        problems_of(project_uid="p1", cluster_uid="66a1f0c2", ca_path="/", retries=0, rate_limit=0)
        == []
    )


@pytest.mark.parametrize(
    ("host", "base_url"),
    [
        ("api.spectrocloud.com", "https://api.spectrocloud.com"),
        ("https://api.spectrocloud.com/", "https://api.spectrocloud.com"),
        (" palette.example.com:8443 ", "https://palette.example.com:8443"),
        ("http://localhost:8080", "http://localhost:8080"),
        ("http://127.0.0.1:1", "http://127.0.0.1:1"),
        ("HTTPS://api.spectrocloud.com", "HTTPS://api.spectrocloud.com"),
        ("http://[::1]:1", "http://[::1]:1"),
        ("https://[2001:db8::1]", "https://[2001:db8::1]"),
    ],
)
def test_host_is_accepted_with_and_without_scheme(host: str, base_url: str) -> None:
    assert problems_of(host=host) == []
    assert settings_from({**GOOD, "host": host}).base_url == base_url


@pytest.mark.parametrize(
    "host",
    [
        "http://api.spectrocloud.com",
        "HTTP://api.spectrocloud.com",
        "http://127.0.0.1.example.com",
        "http://localhost.example.com",
        "http://10.0.0.1",
        "http://0.0.0.0",
        "http://[::]",
        "http://[2001:db8::1]:80",
    ],
)
def test_host_in_clear_text_is_refused_unless_it_is_this_machine(host: str) -> None:
    (problem,) = problems_of(host=host)
    assert problem.startswith("host: http:// would send the API key in clear text")


@pytest.mark.parametrize(
    "host",
    [
        "",
        " ",
        "https://",
        "ftp://api.spectrocloud.com",
        "https://user:password@api.spectrocloud.com",
        "http://localhost@evil.example.com",
        "api.example.com\\.evil.example",
        "api.example.com\\@evil.example",
        "https://api.example.com%2eevil.example",
        "https://api.ex\u00e4mple.com",
        "https://api.example.com;evil.example",
        "http://127.0.0.1\\@evil.example.com",
        "https://api.spectrocloud.com/v1",
        "https://api.spectrocloud.com?x=1",
        "https://api.spectrocloud.com#x",
        "https://api.spectrocloud.com?",
        "https://api.spectrocloud.com#",
        "http://127.0.0.1:1#",
        "https://api.spectro cloud.com",
        "https://api.spectrocloud.com\nX: y",
        "https://api.spectrocloud.com:99999",
        "https://api.spectrocloud.com:port",
        "https://[::1",
    ],
)
def test_host_that_is_no_host_is_refused(host: str) -> None:
    (problem,) = problems_of(host=host)
    assert problem.startswith("host: ")
    assert "for example" in problem


@pytest.mark.parametrize("key", [None, ""])
def test_api_key_that_is_missing_is_reported_with_its_environment_variable(key: str | None) -> None:
    (problem,) = problems_of(api_key=key)
    assert problem.startswith("api_key: must be set")
    assert "PALETTE_API_KEY" in problem


@pytest.mark.parametrize("key", ["secret\nX-Evil: 1", "secret\r", " secret", "sécret", "a\x00b"])
def test_api_key_that_no_header_can_carry_is_refused_and_not_shown(key: str) -> None:
    (problem,) = problems_of(api_key=key)
    assert problem.startswith("api_key: ")
    assert key.strip() not in problem


@pytest.mark.parametrize("uid", ["abc\r\nX-Evil: 1", "abc\n", "ünknown", " abc", "a\x00b"])
def test_project_uid_that_no_header_can_carry_is_refused(uid: str) -> None:
    (problem,) = problems_of(project_uid=uid)
    assert problem.startswith("project_uid: ")


@pytest.mark.parametrize("uid", ["..", "a/b", "a?b", "vm cluster", "ünknown", "abc\n"])
def test_cluster_uid_that_is_no_uid_is_refused(uid: str) -> None:
    (problem,) = problems_of(cluster_uid=uid)
    assert problem.startswith("cluster_uid: ")


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("request_timeout", 0),
        ("request_timeout", -1),
        ("request_timeout", float("nan")),
        ("request_timeout", float("inf")),
        ("request_timeout", 1e10),
        ("retries", -1),
        ("rate_limit", -0.5),
        ("rate_limit", 1e-15),
        ("rate_limit", float("nan")),
        ("rate_limit", float("inf")),
    ],
)
def test_request_timeout_retries_and_rate_limit_out_of_range_are_refused(
    option: str, value: float
) -> None:
    (problem,) = problems_of(**{option: value})
    assert problem.startswith(f"{option}: must be ")


def test_connection_problems_are_reported_together() -> None:
    problems = problems_of(host="", api_key="", retries=-1, ca_path="/does/not/exist")
    assert {problem.partition(":")[0] for problem in problems} == {
        "host",
        "api_key",
        "retries",
        "ca_path",
    }


def test_ca_path_of_an_empty_file_says_so(tmp_path: Path) -> None:
    empty = tmp_path / "ca.pem"
    empty.touch()
    (problem,) = problems_of(ca_path=str(empty))
    assert problem.startswith(f"ca_path: '{empty}' is empty: give a file of CA certificates")


def test_ca_path_that_does_not_exist_says_so() -> None:
    (problem,) = problems_of(ca_path="/does/not/exist")
    assert "'/does/not/exist' does not exist where the task runs" in problem


def test_ca_path_that_cannot_be_read_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.write_text("a certificate")

    def refuse(*_args: Any, **_kwargs: Any) -> NoReturn:
        raise PermissionError(errno.EACCES, "Permission denied", str(bundle))

    # Root, who may run the tests, can read everything.
    monkeypatch.setattr(Path, "open", refuse)
    (problem,) = problems_of(ca_path=str(bundle))
    assert f"'{bundle}' cannot be read where the task runs: Permission denied" in problem
    assert "Errno" not in problem


def test_ca_path_below_a_folder_that_may_not_be_entered_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_args: Any, **_kwargs: Any) -> NoReturn:
        raise PermissionError(errno.EACCES, "Permission denied")

    # Root, who may run the tests, can enter every folder.
    monkeypatch.setattr(Path, "stat", refuse)
    (problem,) = problems_of(ca_path="/locked/ca.pem")
    assert "'/locked/ca.pem' cannot be read where the task runs: Permission denied" in problem


def test_ca_path_of_a_folder_that_may_not_be_entered_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda *_args: False)
    (problem,) = problems_of(ca_path=str(tmp_path))
    assert f"'{tmp_path}' is a folder that the task may not enter" in problem


@pytest.mark.parametrize(
    ("ca_path", "text"),
    [
        ("/" + "x" * 5000, "File name too long"),
        ("/etc/" + "x" * 300 + "/ca.pem", "File name too long"),
        ("/etc/hosts/ca.pem", "Not a directory"),
        ("/etc/\0ca.pem", "is not a path"),
        ("/dev/null", "is neither a file nor a folder"),
    ],
)
def test_ca_path_that_is_no_file_says_so(ca_path: str, text: str) -> None:
    (problem,) = problems_of(ca_path=ca_path)
    assert problem.startswith("ca_path: '/")
    assert text in problem


def test_ca_path_and_validate_certs_make_one_setting(tmp_path: Path) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.write_text("a certificate")
    assert settings_from(GOOD).verify is True
    assert settings_from({**GOOD, "ca_path": str(bundle)}).verify == str(bundle)
    assert settings_from({**GOOD, "validate_certs": False}).verify is False
    assert settings_from({**GOOD, "validate_certs": False, "ca_path": str(bundle)}).verify is False


@pytest.mark.parametrize(
    ("url", "loopback"),
    [
        ("https://localhost", True),
        ("https://127.9.9.9:1", True),
        ("https://[::1]", True),
        ("https://localhost.example.com", False),
        ("https://example.com", False),
        ("https://8.8.8.8", False),
        ("https://", False),
    ],
)
def test_is_loopback_knows_this_machine(url: str, loopback: bool) -> None:
    assert is_loopback(url) is loopback

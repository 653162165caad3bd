# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The connection options: their checks, and the settings that they stand for."""

from __future__ import annotations

import math
import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from .._http.urls import is_loopback
from .._validation.problems import Problem, option_problem

_DAY = 86_400  # seconds
_SLOWEST = 0.01  # requests per second
# What was checked must be what is connected to: HTTP libraries read a backslash as a slash.
_NETLOC = re.compile(r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:\d+)?\Z")
_UID = re.compile(r"[\w-]*\Z", re.ASCII)

_EXAMPLES = {
    "host": "api.spectrocloud.com",
    "api_key": "{{ lookup('ansible.builtin.env', 'PALETTE_API_KEY') }}",
    "project_uid": "5f3a1c2b9d8e7f6a5b4c3d2e",
    "cluster_uid": "66a1f0c2e4b0a1b2c3d4e5f6",
    "ca_path": "/etc/ssl/certs/palette-ca.pem",
    "request_timeout": 30,
    "retries": 5,
    "rate_limit": 50,
}


class Settings(NamedTuple):
    """The settings of a client.

    base_url: ``https://host[:port]``.
    verify: True, False, or the path of a CA bundle. request_timeout: seconds to connect, and again
    for the whole answer. rate_limit: requests per second, 0 for no limit.
    """

    base_url: str
    api_key: str
    verify: bool | str = True
    request_timeout: float = 30.0
    retries: int = 5
    rate_limit: float = 50.0


def settings_from(options: Mapping[str, Any]) -> Settings:
    """Return the settings that checked connection options stand for."""
    ca_path = options.get("ca_path")
    return Settings(
        base_url=base_url(options["host"]),
        api_key=options["api_key"],
        verify=bool(options["validate_certs"]) and (ca_path or True),
        request_timeout=options["request_timeout"],
        retries=options["retries"],
        rate_limit=options["rate_limit"],
    )


def connection_problems(options: Mapping[str, Any]) -> list[Problem]:
    """Return the problems with the connection options."""
    texts = {
        "host": _host_problem(options["host"]),
        "api_key": _api_key_problem(options.get("api_key") or ""),
        "project_uid": _header_problem(options.get("project_uid") or ""),
        "cluster_uid": uid_problem(options.get("cluster_uid") or ""),
        "ca_path": _ca_path_problem(options.get("ca_path")),
        "request_timeout": _range_problem(
            0 < options["request_timeout"] <= _DAY, f"above 0 and at most {_DAY}"
        ),
        "retries": _range_problem(options["retries"] >= 0, "0 or more"),
        "rate_limit": _range_problem(
            options["rate_limit"] == 0 or _SLOWEST <= options["rate_limit"] < math.inf,
            f"0 (no limit), or {_SLOWEST:g} or more",
        ),
    }
    return [option_problem(name, text, _EXAMPLES[name]) for name, text in texts.items() if text]


def base_url(host: str) -> str:
    """Return ``scheme://host[:port]``; https if no scheme is given."""
    text = host.strip() if "://" in host else f"https://{host.strip()}"
    return text.rstrip("/")


def uid_problem(uid: str) -> str | None:
    """Return why a text cannot be a uid in Palette, or None."""
    return None if _UID.match(uid) else f"{uid!r} is not a uid (letters, digits, _ and - only)"


def _host_problem(host: str) -> str | None:
    base = base_url(host)
    try:
        parts = urlsplit(base)
        well_formed = bool(parts.hostname) and parts.port != 0
    except ValueError:
        well_formed = False
    if not well_formed or any(character.isspace() for character in base):
        return f"{host!r} is not a host or URL"
    if parts.scheme not in ("http", "https"):
        return f"the scheme {parts.scheme!r} is not supported"
    if base[len(parts.scheme) :] != f"://{parts.netloc}" or not _NETLOC.match(parts.netloc):
        return "may contain only scheme, host (a-z, 0-9, '.', '-' and '_') and port"
    if parts.scheme == "http" and not is_loopback(base):
        return "http:// would send the API key in clear text; use it for the local machine only"
    return None


def _api_key_problem(key: str) -> str | None:
    if not key:
        return "must be set, here or as PALETTE_API_KEY in the environment"
    return _header_problem(key)


def _header_problem(text: str) -> str | None:
    if text.isascii() and text.isprintable() and text == text.strip():
        return None
    return "contains characters that an HTTP header cannot have, such as a line break"


def _ca_path_problem(ca_path: str | None) -> str | None:
    if not ca_path:
        return None
    try:
        return _certificates_problem(Path(ca_path))
    except FileNotFoundError:
        return f"{ca_path!r} does not exist where the task runs"
    except OSError as error:
        return f"{ca_path!r} cannot be read where the task runs: {error.strerror}"
    except ValueError:
        return f"{ca_path!r} is not a path"


def _certificates_problem(path: Path) -> str | None:
    mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        # OpenSSL would only say that it knows no CA.
        may_enter = os.access(path, os.X_OK)
        return None if may_enter else f"{str(path)!r} is a folder that the task may not enter"
    if not stat.S_ISREG(mode):
        return f"{str(path)!r} is neither a file nor a folder"
    with path.open("rb") as file:
        if file.read(1):
            return None
    return f"{str(path)!r} is empty: give a file of CA certificates, or leave it out"


def _range_problem(in_range: bool, words: str) -> str | None:
    return None if in_range else f"must be {words}"

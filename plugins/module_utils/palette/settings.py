# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where Palette is and how to reach it: the connection options, checked."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from ansible_collections.spectrocloud.palette.plugins.module_utils.palette.errors import (
    PaletteError,
)


class Settings(NamedTuple):
    """What a client needs to know.

    base_url: ``https://host[:port]``. project_uid: None for the tenant scope.
    verify: True, False, or the path of a CA bundle. request_timeout: seconds, to connect and
    between two pieces of an answer. rate_limit: requests per second, 0 without limit.
    """

    base_url: str
    api_key: str
    project_uid: str | None = None
    verify: bool | str = True
    request_timeout: float = 30.0
    retries: int = 5
    rate_limit: float = 50.0


def settings_from(options: Mapping[str, Any]) -> Settings:
    """Return the settings that the connection options stand for; ``invalid_parameters`` lists every fault."""
    problems = [text for check in _CHECKS for text in check(options)]
    if problems:
        raise PaletteError("invalid_parameters", "; ".join(problems), problems=problems)
    ca_path = options.get("ca_path")
    return Settings(
        base_url=base_url(options["host"]),
        api_key=options["api_key"],
        project_uid=options.get("project_uid"),
        verify=bool(options["validate_certs"]) and (ca_path or True),
        request_timeout=options["request_timeout"],
        retries=options["retries"],
        rate_limit=options["rate_limit"],
    )


def base_url(host: str) -> str:
    """Return ``scheme://host[:port]``; https where no scheme is given."""
    text = host.strip() if "://" in host else f"https://{host.strip()}"
    return text.rstrip("/")


def is_loopback(base: str) -> bool:
    """Say whether a base URL points at this very machine."""
    name = urlsplit(base).hostname or ""
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _host_problems(options: Mapping[str, Any]) -> list[str]:
    example = "for example: host: api.spectrocloud.com"
    base = base_url(options["host"])
    try:
        parts = urlsplit(base)
        well_formed = bool(parts.hostname) and parts.port != 0
    except ValueError:
        return [f"host: {options['host']!r} is not a host or URL; {example}"]
    if not well_formed or any(character.isspace() for character in base):
        return [f"host: {options['host']!r} is not a host or URL; {example}"]
    if parts.username is not None or parts.path or parts.query or parts.fragment:
        return [f"host: only scheme, host and port may be given; {example}"]
    if parts.scheme == "http" and not is_loopback(base):
        clear_text = (
            "http:// would send the API key in clear text and is allowed for this machine only"
        )
        return [f"host: {clear_text}; for example: host: https://{parts.netloc}"]
    if parts.scheme not in ("http", "https"):
        return [f"host: scheme {parts.scheme!r} is not known; {example}"]
    return []


def _api_key_problems(options: Mapping[str, Any]) -> list[str]:
    key = options.get("api_key") or ""
    hint = "for example: api_key: \"{{ lookup('ansible.builtin.env', 'PALETTE_API_KEY') }}\""
    if not key:
        return [f"api_key: must be given, here or as PALETTE_API_KEY in the environment; {hint}"]
    if not _fits_a_header(key):
        return [
            f"api_key: has characters that no HTTP header can carry, such as a line end; {hint}"
        ]
    return []


def _project_uid_problems(options: Mapping[str, Any]) -> list[str]:
    if _fits_a_header(options.get("project_uid") or ""):
        return []
    example = "for example: project_uid: 5f3a1c2b9d8e7f6a5b4c3d2e"
    return [
        f"project_uid: {options['project_uid']!r} has characters that no uid has, such as a line end; {example}"
    ]


def _fits_a_header(text: str) -> bool:
    return text.isascii() and text.isprintable() and text == text.strip()


def _number_problems(options: Mapping[str, Any]) -> list[str]:
    problems = []
    if not 0 < options["request_timeout"] < float("inf"):
        problems.append("request_timeout: must be more than 0; for example: request_timeout: 30")
    if options["retries"] < 0:
        problems.append("retries: must be 0 or more; for example: retries: 5")
    if not 0 <= options["rate_limit"] < float("inf"):
        problems.append("rate_limit: must be 0 (no limit) or more; for example: rate_limit: 50")
    return problems


def _ca_path_problems(options: Mapping[str, Any]) -> list[str]:
    path = options.get("ca_path")
    if not path or Path(path).exists():
        return []
    example = "for example: ca_path: /etc/ssl/certs/palette-ca.pem"
    return [f"ca_path: {path!r} does not exist where the task runs; {example}"]


_CHECKS = (
    _host_problems,
    _api_key_problems,
    _project_uid_problems,
    _number_problems,
    _ca_path_problems,
)

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""URLs: which are of this machine, and paths in which nothing can be smuggled."""

from __future__ import annotations

import ipaddress
from urllib.parse import quote, urlsplit

from .errors import ApiError


def is_loopback(base: str) -> bool:
    """Return whether a base URL points at the local machine."""
    name = urlsplit(base).hostname or ""
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def url_path(*segments: str) -> str:
    """Return the path of the segments, each quoted."""
    for segment in segments:
        if segment in ("", ".", ".."):
            raise ApiError("invalid_parameters", f"{segment!r} cannot be part of a URL path")
    return "/" + "/".join(quote(segment, safe="") for segment in segments)

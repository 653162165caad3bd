# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Palette's documented rate limits: a token bucket for each source address and resource."""

from __future__ import annotations

from email.utils import formatdate
from typing import NamedTuple

from starlette.responses import Response

from palette_simulator.errors import error_body
from palette_simulator.switches import Switches


class Limit(NamedTuple):
    """Requests a second, and how many may come at once."""

    rate: float
    burst: float


# See docs/palette.md, "Rate limits".
_LIMITS = {
    "spectroclusters": Limit(50, 250),
    "assets": Limit(10, 50),
    "dashboard": Limit(10, 50),
    "projects": Limit(10, 50),
    "users": Limit(10, 50),
    "auth": Limit(10, 50),
}
_OTHERS = Limit(10, 50)


class RateLimiter:
    """Counts requests; one without a token is refused and costs none."""

    def __init__(self) -> None:
        self._buckets: dict[tuple[str, str], tuple[float, float]] = {}

    def allows(self, address: str, path: str, now: float) -> bool:
        """Whether a request may pass now."""
        resource = resource_of(path)
        limit = _LIMITS.get(resource, _OTHERS)
        tokens, since = self._buckets.get((address, resource), (limit.burst, now))
        tokens = min(limit.burst, tokens + (now - since) * limit.rate)
        allowed = tokens >= 1
        self._buckets[address, resource] = (tokens - 1 if allowed else tokens, now)
        return allowed


def refusal(switches: Switches, now: float) -> Response:
    """429, in the form switched on."""
    headers = {}
    if switches.retry_after == "seconds":
        headers["retry-after"] = "1"
    elif switches.retry_after == "http-date":
        headers["retry-after"] = formatdate(now + 1, usegmt=True)
    message = "Too many requests, retry after a few moments"
    if switches.rate_limit_body == "text":
        return Response(message, 429, headers, "text/plain")
    return Response(error_body("TooManyRequests", message), 429, headers, "application/json")


def resource_of(path: str) -> str:
    """The part of a path whose requests share a bucket."""
    parts = path.split("/", 5)
    if len(parts) > 4 and parts[2] == "spectroclusters" and parts[4] == "assets":
        return "assets"
    return parts[2] if len(parts) > 2 else ""

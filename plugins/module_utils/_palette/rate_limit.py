# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Token buckets at Palette's documented rates, which slow down on HTTP 429 and then recover."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from .deadline import pause

# Palette counts requests per source address and first resource in the path; sub-resources share
# its bucket.
# See docs/palette.md, "Rate limits".
_SHARE = {"spectroclusters": 1.0, "assets": 0.2}
_SHARE_OF_OTHERS = 0.2  # /v1/dashboard, /v1/projects, … : 10 requests per second
_BURST = 5  # seconds' worth of requests that may be sent at once: 250 and 50
# Seconds' worth of it that are left alone: a request may overtake those that were sent before.
_MARGIN = 0.2

_SLOWEST = 0.02  # of the full rate
_RECOVERY = 0.05  # of the full rate, per second without a 429
_REFUSALS_AS_ONE = 1.0  # seconds: parallel requests are refused together
_PATIENCE = 300.0  # seconds in which Palette refuses all requests with 429


class TokenBucket:
    """The bucket of one resource. Thread-safe.

    rate: requests per second. clock and sleep are in seconds.
    """

    def __init__(
        self,
        rate: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._full_rate = rate
        self._rate = rate
        self._capacity = self._tokens = rate * (_BURST - _MARGIN)
        self._clock = clock
        self._sleep = sleep
        self._filled_at = clock()
        self._refused_at = float("-inf")
        self._lock = threading.Lock()

    def acquire(self) -> None:
        """Take one token; sleep until there is one."""
        with self._lock:
            now = self._fill()
            self._tokens -= 1
            delay = self._filled_at - now + max(-self._tokens, 0.0) / self._rate
        if delay > 0:
            self._sleep(delay)

    def slow_down(self, retry_after: float = 0.0) -> None:
        """Halve the rate after a 429, and send nothing for retry_after seconds."""
        with self._lock:
            now = self._fill()
            if now - self._refused_at >= _REFUSALS_AS_ONE:
                self._rate = max(self._rate / 2, self._full_rate * _SLOWEST)
                self._refused_at = now
            self._tokens = min(self._tokens, 0.0)
            self._filled_at = max(self._filled_at, now + retry_after)

    @property
    def rate(self) -> float:
        """The requests per second that are allowed now."""
        with self._lock:
            self._fill()
            return self._rate

    def _fill(self) -> float:
        """Add the tokens since _filled_at, and return the time."""
        now = self._clock()
        passed = max(now - self._filled_at, 0.0)
        self._filled_at = max(self._filled_at, now)
        self._tokens = min(self._tokens + passed * self._rate, self._capacity)
        self._rate = min(self._rate + passed * self._full_rate * _RECOVERY, self._full_rate)
        return now


class RateLimiter:
    """The buckets of one client, one for each resource that Palette counts separately."""

    def __init__(self, rate: float) -> None:
        """rate: requests per second to /v1/spectroclusters; 0 disables the limit."""
        self._full_rate = rate
        self._buckets: dict[str, TokenBucket] = {}
        self._refused_since: dict[str, float] = {}
        self._lock = threading.Lock()

    def acquire(self, path: str) -> None:
        """Wait until a request to this URL path may be sent, or until give_up_at's deadline."""
        bucket = self._bucket(path)
        if bucket:
            bucket.acquire()

    def refuse(self, path: str, retry_after: float) -> None:
        """Slow down after a 429 for this URL path, and send nothing for retry_after seconds."""
        self._refused_since.setdefault(counted_resource(path), time.monotonic())
        bucket = self._bucket(path)
        if bucket:
            bucket.slow_down(retry_after)

    def accept(self, path: str) -> None:
        """Note that a request to this URL path was not refused with 429."""
        self._refused_since.pop(counted_resource(path), None)

    def exhausted(self, path: str) -> bool:
        """Say whether all requests to this URL path have been refused for too long.

        The patience is that of all requests together: a thousand would wait too long one by one.
        """
        since = self._refused_since.get(counted_resource(path))
        return since is not None and time.monotonic() - since > _PATIENCE

    def _bucket(self, path: str) -> TokenBucket | None:
        if not self._full_rate:
            return None
        resource = counted_resource(path)
        with self._lock:
            if resource not in self._buckets:
                share = _SHARE.get(resource, _SHARE_OF_OTHERS)
                self._buckets[resource] = TokenBucket(self._full_rate * share, sleep=pause)
            return self._buckets[resource]


def counted_resource(path: str) -> str:
    """Return the resource that Palette counts a path under, such as ``spectroclusters``."""
    parts = path.partition("?")[0].strip("/").split("/")[1:]
    if parts[:1] == ["spectroclusters"] and parts[2:3] == ["assets"]:
        return "assets"
    return parts[0] if parts else ""

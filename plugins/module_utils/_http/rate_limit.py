# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Token buckets at the rates that a server allows, which slow down on HTTP 429 and then recover."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import NamedTuple

from .deadline import pause

_BURST = 5  # seconds' worth of requests that may be sent at once
# Seconds' worth of it that are left alone: a request may overtake those that were sent before.
_MARGIN = 0.2
_SLOWEST = 0.02  # of the full rate
_RECOVERY = 0.05  # of the full rate, per second without a 429
_REFUSALS_AS_ONE = 1.0  # seconds: parallel requests are refused together
_PATIENCE = 300.0  # seconds in which all requests are refused with 429


class Quota(NamedTuple):
    """The resource that a request counts as, and the share of the full rate that it may have."""

    resource: str
    share: float


def _all_together(_path: str) -> Quota:
    return Quota("", 1.0)


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
    """The buckets of one client, one for each resource that the server counts separately."""

    def __init__(self, rate: float, quota_of: Callable[[str], Quota] = _all_together) -> None:
        """rate: requests per second, 0 for no limit. quota_of: says what a URL path counts as."""
        self._full_rate = rate
        self._quota_of = quota_of
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
        self._refused_since.setdefault(self._quota_of(path).resource, time.monotonic())
        bucket = self._bucket(path)
        if bucket:
            bucket.slow_down(retry_after)

    def accept(self, path: str) -> None:
        """Note that a request to this URL path was not refused with 429."""
        self._refused_since.pop(self._quota_of(path).resource, None)

    def exhausted(self, path: str) -> bool:
        """Say whether all requests to this URL path have been refused for too long.

        The patience is that of all requests together: a thousand would wait too long one by one.
        """
        since = self._refused_since.get(self._quota_of(path).resource)
        return since is not None and time.monotonic() - since > _PATIENCE

    def _bucket(self, path: str) -> TokenBucket | None:
        if not self._full_rate:
            return None
        resource, share = self._quota_of(path)
        with self._lock:
            if resource not in self._buckets:
                self._buckets[resource] = TokenBucket(self._full_rate * share, sleep=pause)
            return self._buckets[resource]

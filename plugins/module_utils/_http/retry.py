# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The retry policy: which requests are sent again, and when."""

from __future__ import annotations

import ssl
from typing import Any

from .deadline import backoff, may_retry, pause, time_left
from .network import may_have_passed
from .rate_limit import RateLimiter

try:
    from urllib3.exceptions import (
        InvalidHeader,
        MaxRetryError,
        NewConnectionError,
        ProxyError,
        ResponseError,
        SSLError,
    )
    from urllib3.exceptions import TimeoutError as WaitedTooLong
    from urllib3.util.retry import Retry
except ImportError:
    Retry = object  # type: ignore[assignment,misc]

# See docs/palette.md, "Retries".
READS = frozenset({"GET"})
# Another attempt may end otherwise. 408, 425 and 499 are the words of load balancers.
TRANSIENT = frozenset({408, 425, 499, 502, 503, 504})
_LONGEST_RETRY_AFTER = 60.0
# Of one request. Once a cluster hangs, its further requests have one attempt each: see breaker.py.
MOST_TIMEOUTS = 2
_LONGEST_BACKOFF_AFTER_429 = 4  # as after so many attempts; the rate limiter does the rest


class RetryPolicy(Retry):
    """urllib3's Retry, adapted to what answers say.

    A read is retried after a connection error and after a transient status. Any request is retried
    if it was never sent, or refused with 429: it was not carried out. No other write is retried.
    """

    limiter: RateLimiter
    _path = ""
    _refusals = 0
    _timeouts = 0

    @classmethod
    def policy(
        cls, retries: int, limiter: RateLimiter, reads: frozenset[str] = READS
    ) -> RetryPolicy:
        """Return the policy that retries a request up to ``retries`` times.

        reads: the methods that only read.
        """
        policy = cls(
            total=retries,
            allowed_methods=reads,
            status_forcelist=TRANSIENT,
            raise_on_status=False,
            redirect=False,
        )
        policy.limiter = limiter
        return policy

    def new(self, **changes: Any) -> RetryPolicy:
        """Return a copy, as urllib3 makes one for each attempt."""
        copy = super().new(**changes)
        copy.limiter = self.limiter
        copy._path = self._path
        copy._refusals = self._refusals
        copy._timeouts = self._timeouts
        return copy

    def is_retry(self, method: str, status_code: int, has_retry_after: bool = False) -> bool:
        """Return whether a request with this status is retried."""
        return status_code == 429 or super().is_retry(method, status_code, has_retry_after)

    def increment(
        self,
        method: str | None = None,
        url: str | None = None,
        response: Any = None,
        error: Exception | None = None,
        _pool: Any = None,
        _stacktrace: Any = None,
    ) -> RetryPolicy:
        """Return the policy for the next attempt; raise if there is none."""
        # The policy of a first attempt belongs to all requests of the session: only copies change.
        now = self.new()
        now._path = url or ""
        now._timeouts += _timed_out(error)
        if now._final(method or "", error):
            raise MaxRetryError(_pool, now._path, error)
        if response is not None and response.status == 429:
            return now._refused(response, _pool)
        # A write comes here only if it was never sent: that costs no timeout.
        if time_left() <= 0 or (now._is_method_retryable(method or "") and not may_retry()):
            raise MaxRetryError(_pool, now._path, error or ResponseError("not tried again"))
        return super(RetryPolicy, now).increment(method, url, response, error, _pool, _stacktrace)

    def sleep(self, response: Any = None) -> None:
        """Pause before the next attempt, and take its token from the rate limiter."""
        asked = self.get_retry_after(response) if response is not None else None
        pause(max(asked or 0.0, self.get_backoff_time()))
        self.limiter.acquire(self._path)

    def get_backoff_time(self) -> float:
        """Return the seconds to pause if the answer has no Retry-After."""
        attempt = len(self.history) + min(self._refusals, _LONGEST_BACKOFF_AFTER_429)
        return backoff(attempt) if attempt else 0.0

    def get_retry_after(self, response: Any) -> float | None:
        """Return Retry-After, in either of its forms, in seconds; None if absent or invalid."""
        try:
            asked = super().get_retry_after(response)
        except (InvalidHeader, ValueError, OverflowError):
            return None
        return None if asked is None else min(float(asked), _LONGEST_RETRY_AFTER)

    def _final(self, method: str, error: Exception | None) -> bool:
        if isinstance(error, SSLError):
            # An untrusted certificate stays untrusted. Other TLS errors may follow a sent write.
            untrusted = isinstance(next(iter(error.args), None), ssl.SSLCertVerificationError)
            return untrusted or not self._is_method_retryable(method)
        if isinstance(error, ProxyError) and may_have_passed(error.original_error):
            return not self._is_method_retryable(method)
        return self._timeouts >= MOST_TIMEOUTS

    def _refused(self, response: Any, pool: Any) -> RetryPolicy:
        # A 429 does not use up an attempt: the limiter slows down until the server accepts.
        retry_after = self.get_retry_after(response) or 0.0
        self.limiter.refuse(self._path, retry_after)
        out_of_patience = self.limiter.exhausted(self._path) or retry_after > time_left()
        if not self.total or out_of_patience:
            raise MaxRetryError(pool, self._path, ResponseError("too many 429 responses"))
        following = self.new()
        following._refusals = self._refusals + 1
        return following


def _timed_out(error: Exception | None) -> bool:
    """Say whether a request was given up because no answer came in time."""
    return isinstance(error, WaitedTooLong) and not isinstance(error, NewConnectionError)

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How patient a piece of work is: a deadline, pauses that respect it, and whether to retry."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_FIRST_BACKOFF = 0.5
_LONGEST_BACKOFF = 20.0
_DOUBLINGS = 6  # these exceed the longest backoff; many more would overflow

_deadline: ContextVar[float] = ContextVar("deadline", default=math.inf)
_retrying: ContextVar[bool] = ContextVar("retrying", default=True)


@contextmanager
def give_up_at(deadline: float) -> Iterator[None]:
    """Retry and wait inside the block only until a time.monotonic() deadline."""
    token = _deadline.set(deadline)
    try:
        yield
    finally:
        _deadline.reset(token)


@contextmanager
def one_attempt(only: bool) -> Iterator[None]:
    """Retry nothing inside the block, if so asked. A refusal with 429 is no attempt."""
    token = _retrying.set(_retrying.get() and not only)
    try:
        yield
    finally:
        _retrying.reset(token)


def time_left() -> float:
    """Return the seconds until the deadline of the enclosing ``give_up_at``; else infinity."""
    return _deadline.get() - time.monotonic()


def may_retry() -> bool:
    """Say whether what has failed may be tried again here, and now."""
    return _retrying.get() and time_left() > 0


def pause(seconds: float) -> None:
    """Sleep, but not past the deadline."""
    time.sleep(max(min(seconds, time_left()), 0.0))


def attempts(retries: int) -> Iterator[int]:
    """Yield 1, 2, … up to retries + 1, with a pause before each but the first."""
    yield 1
    for retry in range(1, retries + 1):
        pause(backoff(retry))
        yield retry + 1


def backoff(attempt: int) -> float:
    """Return the seconds to pause before attempt 1, 2, …: doubling, with jitter."""
    longest = min(_FIRST_BACKOFF * 2.0 ** min(attempt - 1, _DOUBLINGS), _LONGEST_BACKOFF)
    return random.uniform(longest / 2, longest)

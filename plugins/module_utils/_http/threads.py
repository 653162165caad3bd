# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Work at the same time: one piece for many things, or one while others go on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context, copy_context
from typing import TypeVar

from .errors import ApiError

Item = TypeVar("Item")
Done = TypeVar("Done")

_MOST_THREADS = 256


def at_once(
    work: Callable[[Item], Done], items: Sequence[Item], threads: int = _MOST_THREADS
) -> list[Done | ApiError]:
    """Return what ``work`` returns for each item, or the ApiError that it raises.

    The deadline of an enclosing ``give_up_at`` holds for all of them.
    """

    def tried(item: Item) -> Done | ApiError:
        try:
            return work(item)
        except ApiError as error:
            return error

    if len(items) <= 1:
        return [tried(item) for item in items]

    def tried_in(context: Context, item: Item) -> Done | ApiError:
        return context.run(tried, item)

    pool = ThreadPoolExecutor(min(len(items), threads))
    try:
        return list(pool.map(tried_in, [copy_context() for _item in items], items))
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def started(work: Callable[[], Done]) -> Callable[[], Done]:
    """Start work in a thread, and return what waits for its result, or raises its error.

    The deadline of an enclosing ``give_up_at`` holds for it.
    """
    pool = ThreadPoolExecutor(1)
    future = pool.submit(copy_context().run, work)
    pool.shutdown(wait=False)
    return future.result

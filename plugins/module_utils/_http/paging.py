# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists that come in pages, as Kubernetes' do: complete, or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, TypeVar

from .answers import Json
from .deadline import attempts, may_retry
from .errors import ApiError
from .session import Query
from .threads import started

_MOST_PAGES = 10_000
_LISTING_ATTEMPTS = 3
# Of a list: HTTP 500, Palette's own word that the cluster did not answer, or no JSON.
_ODD = ("server_error", "cluster_timeout", "malformed_response")

Item = TypeVar("Item")
# Requests a page; takes what the query says of the page.
Ask = Callable[[Query], Json]


def all_items(
    ask: Ask, read: Callable[[Any], Item], where: str, size: int, retries: int
) -> list[Item]:
    """Return what ``read`` makes of each item of a list, whatever that is.

    If the continue token expires between two pages, the list starts again.
    """
    for _attempt in range(_LISTING_ATTEMPTS):
        try:
            # Read one by one, so that thousands of manifests are never in memory together.
            return [read(item) for item in paged(ask, where, size, retries)]
        except ApiError as error:
            if error.reason != "expired":
                raise
    raise ApiError("unavailable", f"GET {where}: the list kept expiring between two pages")


def paged(ask: Ask, where: str, size: int, retries: int) -> Iterator[Any]:
    """Yield the items of all pages of a list. size: of a page. where: for messages.

    The next page is on its way while the items of a page are worked on.
    """
    page, seen = _persistently(ask, size, "", retries), set[str]()
    while token := _next_token(page):
        if token in seen or len(seen) == _MOST_PAGES:
            raise ApiError("malformed_response", f"{where}: the list has no last page")
        seen.add(token)
        following = started(partial(_persistently, ask, size, token, retries))
        yield from list_in(page, where)
        page = following()
    yield from list_in(page, where)


def list_in(answer: Json, where: str) -> list[Any]:
    """Return the items of a list's answer, or raise ``malformed_response``."""
    # An empty list may be null, but an answer without items is not a list.
    items = answer.get("items", "absent") or []
    if isinstance(items, list):
        return items
    raise ApiError("malformed_response", f"{where}: items is not a list")


def objects(items: list[Any], where: str) -> list[Json]:
    """Return items that are all objects, or raise ``malformed_response``."""
    if all(isinstance(item, dict) for item in items):
        return items
    raise ApiError("malformed_response", f"{where}: items is not a list of objects")


def _persistently(ask: Ask, size: int, token: str, retries: int) -> Json:
    """Return a page. What urllib3 does not know as transient is asked again here."""
    query = _query(size, token)
    for attempt in attempts(retries):
        try:
            return ask(query)
        except ApiError as error:
            if error.reason not in _ODD or attempt > retries or not may_retry():
                raise
    raise AssertionError("the last attempt returns or raises")


def _query(size: int, token: str) -> dict[str, str]:
    page = {"limit": str(size)}
    return {**page, "continue": token} if token else page


def _next_token(page: Json) -> str:
    # Kubernetes' lists have metadata, those of dashboards have listmeta.
    list_meta = page.get("listmeta") or page.get("metadata")
    following = list_meta.get("continue") if isinstance(list_meta, dict) else None
    return following if isinstance(following, str) else ""

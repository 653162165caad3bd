# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The HTTP client of Palette: API key, scope, and what its answers mean."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta
from functools import lru_cache, partial
from typing import Any, TypeVar

from .._http.answers import Answer, Json, foreign, object_in
from .._http.errors import ApiError
from .._http.network import Words
from .._http.paging import all_items, list_in, objects, paged
from .._http.rate_limit import RateLimiter
from .._http.retry import READS
from .._http.secrets import scrub
from .._http.session import Headers, Query, Server, Session
from .._http.urls import url_path
from .errors import from_answer, of_list
from .outcomes import carried_out
from .quotas import quota_of
from .settings import Settings

# See docs/palette.md, "Paging".
PAGE = 50  # Palette's default and maximum
_SEARCH = "/v1/dashboard/spectroclusters/search"
_WORDS = Words(host="host", ca="ca_path")

Item = TypeVar("Item")


class PaletteClient:
    """Palette's REST API, JSON in and JSON out. Thread-safe.

    scope: a project's uid, or None for the tenant. Every method raises ApiError:
    ``unreachable``, ``timeout``, ``tls_error``, ``malformed_response``, or the reason that an HTTP
    answer stands for.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._session = Session(
            Server(settings.base_url, settings.verify, settings.request_timeout, settings.retries),
            RateLimiter(settings.rate_limit, quota_of),
            _WORDS,
            # See docs/palette.md, "Authentication".
            {"Accept": "application/json", "ApiKey": settings.api_key},
            partial(scrub, secret=settings.api_key),
            # A POST, but it only reads.
            searches=(_SEARCH,),
        )

    @property
    def clock_skew(self) -> timedelta | None:
        """Palette's clock minus this machine's, by the last answer; None before the first."""
        return self._session.clock_skew

    @property
    def retries(self) -> int:
        """How often a request is retried."""
        return self._settings.retries

    @property
    def request_timeout(self) -> float:
        """How long an answer may take, in seconds."""
        return self._settings.request_timeout

    def call(
        self,
        method: str,
        path: str,
        query: Query | None = None,
        body: Json | None = None,
        scope: str | None = None,
    ) -> Json:
        """Send one request and return the object in its answer.

        ``{}`` for a deletion, and for an action: a PUT without a body.
        """
        answer = self._answer(method, path, query, body, _of_scope(scope))
        if method == "DELETE" or _is_action(method, body):
            return {}
        return object_in(answer, method, path)

    def file(self, path: str, query: Query | None = None, scope: str | None = None) -> str:
        """Return the content of a file, which may be anything."""
        headers = {**_of_scope(scope), "Accept": "application/octet-stream, */*"}
        return self._answer("GET", path, query, None, headers).text

    def items(
        self,
        path: str,
        read: Callable[[Any], Item],
        query: Query | None = None,
        scope: str | None = None,
    ) -> list[Item]:
        """Return what ``read`` makes of each item of a Kubernetes-like list, whatever that is."""

        def ask(page: Query) -> Json:
            try:
                return self.call("GET", path, {**(query or {}), **page}, scope=scope)
            except ApiError as error:
                raise of_list(error) from None

        return all_items(ask, read, path, PAGE, self.retries)

    def search_clusters(self, body: Json, scope: str | None = None) -> list[Json]:
        """Return all clusters that match a search."""

        def ask(page: Query) -> Json:
            return self.call("POST", _SEARCH, page, body, scope)

        return objects(list(paged(ask, _SEARCH, PAGE, self.retries)), _SEARCH)

    def _answer(
        self, method: str, path: str, query: Query | None, body: Json | None, headers: Headers
    ) -> Answer:
        """Send one request and return its answer if it was carried out."""
        answer = self._session.exchange(method, path, query, body, headers)
        if answer.status >= 300 or answer.status < 200:
            where = self._session.where(method, path)
            refusal = from_answer(where, answer.status, answer.text, self._settings.api_key)
            refusal.outcome_unknown = refusal.outcome_unknown and method not in READS
            raise refusal
        if not carried_out(method, answer.status, _is_action(method, body)):
            raise foreign(answer, method, path, "Palette's")
        return answer


def _is_action(method: str, body: Json | None) -> bool:
    return method == "PUT" and body is None


def _of_scope(scope: str | None) -> dict[str, str]:
    return {"ProjectUid": scope} if scope else {}


def connect(settings: Settings) -> PaletteClient:
    """Return this process's client for these settings, which the items of a loop share."""
    return _client_of_process(settings, os.getpid())


@lru_cache(maxsize=4)
def _client_of_process(settings: Settings, _process: int) -> PaletteClient:
    # Keyed by process, because a fork must not share sockets.
    return PaletteClient(settings)


def api_path(*segments: str) -> str:
    """Return the path ``/v1/…`` of the segments, each quoted."""
    return "/v1" + url_path(*segments)


def items_of(answer: Json, where: str) -> list[Json]:
    """Return the items of a list's answer, or raise ``malformed_response``."""
    return objects(list_in(answer, where), where)

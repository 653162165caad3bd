# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The HTTP client of Palette: one session with API key, scope, rate limit, retries and paging."""

from __future__ import annotations

import json
import os
import re
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from functools import cached_property, lru_cache
from typing import Any, NamedTuple, TypeVar
from urllib.parse import quote, urlencode

from .._http.errors import ApiError
from .._http.secrets import scrub
from .._validation.printable import printable
from .deadline import backoff, pause, time_left
from .errors import from_answer
from .network import network_problem, never_sent, root_cause
from .outcomes import carried_out
from .rate_limit import RateLimiter
from .retry import MOST_TIMEOUTS, READS, PaletteRetry
from .settings import Settings, is_loopback
from .transport import LARGEST_ANSWER, PlainSession, TimedAdapter, body_of

REQUESTS_IMPORT_ERROR: str | None = None
try:
    import requests
    import urllib3
    from requests.auth import AuthBase
    from urllib3.exceptions import HTTPError, InsecureRequestWarning, ReadTimeoutError
except ImportError:
    REQUESTS_IMPORT_ERROR = traceback.format_exc()
    AuthBase = object  # type: ignore[assignment,misc]

# See docs/palette.md, "Paging".
PAGE = 50  # Palette's default and maximum
_MOST_PAGES = 10_000
_LISTING_ATTEMPTS = 3
_ODD = ("server_error", "malformed_response")  # of a list: HTTP 500, or an answer that is no JSON
_POOL_SIZE = 256  # connections, one for each thread
_SHORTEST_TIMEOUT = 1.0
_NO_PROXY: dict[str, Any] = {"http": None, "https": None, "all": None}
_HALF_OF_A_CHARACTER = re.compile(rb"\\u[dD][89a-fA-F]")
_SEARCH = "/v1/dashboard/spectroclusters/search"

Json = dict[str, Any]
Query = Mapping[str, str]
Item = TypeVar("Item")


class Answer(NamedTuple):
    """A complete HTTP answer."""

    status: int
    content_type: str
    body: bytes


# See docs/palette.md, "Authentication".
class ApiKeyAuth(AuthBase):
    """Sends the API key in the header that Palette expects.

    An auth object also keeps requests from reading .netrc.
    """

    def __init__(self, api_key: str) -> None:
        self._api_key = api_key

    def __call__(self, request: Any) -> Any:
        """Add the API key to a prepared request."""
        request.headers["ApiKey"] = self._api_key
        return request


class PaletteClient:
    """Palette's REST API, JSON in and JSON out. Thread-safe.

    scope: a project's uid, or None for the tenant. Every method raises ApiError:
    ``unreachable``, ``timeout``, ``tls_error``, ``malformed_response``, or the reason that an HTTP
    answer stands for.
    """

    def __init__(self, settings: Settings) -> None:
        # Palette's clock minus this machine's, by the Date of the last answer.
        self.clock_skew: timedelta | None = None
        self._settings = settings
        self._limiter = RateLimiter(settings.rate_limit)
        self._session = PlainSession()
        self._auth = ApiKeyAuth(settings.api_key)
        if settings.verify is False:
            # The task warns in its own words; on stderr urllib3's would be an error of Ansible's.
            urllib3.disable_warnings(InsecureRequestWarning)
        self._session.headers["Accept"] = "application/json"
        self._mount("https://", READS)
        self._mount("http://", READS)
        # The search is a POST, but it only reads.
        self._mount(settings.base_url + _SEARCH, READS | {"POST"})

    @cached_property
    def _surroundings(self) -> dict[str, Any]:
        """Proxies and CA certificates, from the settings or else from the environment."""
        base_url = self._settings.base_url
        # A key for the local machine must not go through a proxy in clear text.
        proxies = dict(_NO_PROXY) if is_loopback(base_url) else {}
        verify = self._settings.verify
        return dict(self._session.merge_environment_settings(base_url, proxies, True, verify, None))

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
        """Send one request and return the object in its answer; ``{}`` for a deletion."""
        url = self._settings.base_url + path + (f"?{urlencode(query)}" if query else "")
        try:
            answer = self._exchange(method, url, path, body, scope)
        except (HTTPError, OSError) as error:
            # requests does not wrap the errors of a host name or a CA file.
            raise self._network_error(method, path, error) from None
        if answer.status >= 300 or answer.status < 200:
            text = answer.body.decode(errors="replace")
            where = f"{method} {self._settings.base_url}{path}"
            refusal = from_answer(where, answer.status, text, self._settings.api_key)
            refusal.outcome_unknown = refusal.outcome_unknown and method not in READS
            raise refusal
        if not carried_out(method, answer.status):
            raise _not_palettes(answer, method, path)
        return {} if method == "DELETE" else _object_in(answer, method, path)

    def items(
        self,
        path: str,
        read: Callable[[Any], Item],
        query: Query | None = None,
        scope: str | None = None,
    ) -> list[Item]:
        """Return what ``read`` makes of each item of a Kubernetes-like list, whatever that is.

        If the continue token expires between two pages, the list starts again.
        """
        for _attempt in range(_LISTING_ATTEMPTS):
            try:
                # Read one by one, so that thousands of manifests are never in memory together.
                return [read(item) for item in self._paged("GET", path, query, scope=scope)]
            except ApiError as error:
                if error.reason != "expired":
                    raise
        raise ApiError("unavailable", f"GET {path}: the list kept expiring between two pages")

    def search_clusters(self, body: Json, scope: str | None = None) -> list[Json]:
        """Return all clusters that match a search."""
        return _objects(list(self._paged("POST", _SEARCH, body=body, scope=scope)), _SEARCH)

    def _paged(
        self,
        method: str,
        path: str,
        query: Query | None = None,
        body: Json | None = None,
        scope: str | None = None,
    ) -> Iterator[Any]:
        """Yield the items of all pages of a list."""
        token, seen = "", set[str]()
        while token not in seen and len(seen) < _MOST_PAGES:
            seen.add(token)
            page = self._page(method, path, _page_query(query or {}, token), body, scope)
            yield from _list_in(page, path)
            token = _next_token(page)
            if not token:
                return
        raise ApiError("malformed_response", f"{path}: the list has no last page")

    def _page(
        self, method: str, path: str, query: Query, body: Json | None, scope: str | None
    ) -> Json:
        """Return a page. What urllib3 does not know as passing is asked again here."""
        for attempt in range(1, self.retries + 1):
            try:
                return self.call(method, path, query, body, scope)
            except ApiError as error:
                if error.reason not in _ODD or time_left() <= 0:
                    raise
            pause(backoff(attempt))
        return self.call(method, path, query, body, scope)

    def _exchange(
        self, method: str, url: str, path: str, body: Json | None, scope: str | None
    ) -> Answer:
        settings = self._settings
        headers = {**self._session.headers, **({"ProjectUid": scope} if scope else {})}
        timeouts = 0
        for attempt in range(1, settings.retries + 2):
            self._limiter.acquire(path)
            timeout = min(settings.request_timeout, max(time_left(), _SHORTEST_TIMEOUT))
            try:
                request = requests.Request(method, url, headers, json=body, auth=self._auth)
                response = self._session.send(
                    request.prepare(),
                    timeout=timeout,
                    allow_redirects=False,
                    **self._surroundings,
                )
                self._note_time(response.headers.get("Date"))
                if response.status_code != 429:
                    self._limiter.accept(path)
                kind = printable(response.headers.get("Content-Type", "no content type"), 100)
                return Answer(response.status_code, kind, body_of(response))
            except requests.RequestException as error:
                last = method not in READS or attempt > settings.retries or time_left() <= 0
                timeouts += _stalled(error)
                if last or timeouts >= MOST_TIMEOUTS or not _cut_short(error):
                    raise
                pause(backoff(attempt))
        raise AssertionError("the last attempt returns or raises")

    def _note_time(self, date: str | None) -> None:
        try:
            served_at = parsedate_to_datetime(date or "")
        except (TypeError, ValueError):
            return
        if served_at.tzinfo:
            self.clock_skew = served_at - datetime.now(timezone.utc)

    def _network_error(self, method: str, path: str, error: Exception) -> ApiError:
        cause = root_cause(error)
        reason, text = network_problem(error, cause, self._settings)
        where = f"{method} {self._settings.base_url}{path}"
        return ApiError(
            reason,
            scrub(f"{where}: {text}", self._settings.api_key),
            outcome_unknown=method not in READS and not never_sent(error, cause),
        )

    def _mount(self, prefix: str, reads: frozenset[str]) -> None:
        retry = PaletteRetry.policy(self._settings.retries, self._limiter, reads)
        self._session.mount(prefix, TimedAdapter(max_retries=retry, pool_maxsize=_POOL_SIZE))


def connect(settings: Settings) -> PaletteClient:
    """Return this process's client for these settings, which the items of a loop share."""
    return _client_of_process(settings, os.getpid())


@lru_cache(maxsize=4)
def _client_of_process(settings: Settings, _process: int) -> PaletteClient:
    # Keyed by process, because a fork must not share sockets.
    return PaletteClient(settings)


def api_path(*segments: str) -> str:
    """Return the path ``/v1/…`` of the segments, each quoted."""
    for segment in segments:
        if segment in ("", ".", ".."):
            raise ApiError("invalid_parameters", f"{segment!r} cannot be part of a URL path")
    return "/v1/" + "/".join(quote(segment, safe="") for segment in segments)


def _page_query(query: Query, token: str) -> dict[str, str]:
    page = {**query, "limit": str(PAGE)}
    return {**page, "continue": token} if token else page


def _object_in(answer: Answer, method: str, path: str) -> Json:
    problem = f"is larger than {LARGEST_ANSWER >> 20} MiB"
    if len(answer.body) <= LARGEST_ANSWER:
        with suppress(ValueError, RecursionError):
            found = _loaded(answer.body)
            if isinstance(found, dict):
                return found
        problem = "is not a JSON object"
    raise ApiError(
        "malformed_response",
        f"{method} {path}: HTTP {answer.status}: the answer ({answer.content_type}) "
        f"{problem}; is there a proxy or another server at this host?",
        outcome_unknown=method not in READS,
        http_status=answer.status,
    )


def _loaded(body: bytes) -> Any:
    found = json.loads(body)
    if _HALF_OF_A_CHARACTER.search(body):
        # Ansible could not pass on a result with one.
        found = json.loads(json.dumps(found, ensure_ascii=False).encode(errors="replace"))
    return found


def _not_palettes(answer: Answer, method: str, path: str) -> ApiError:
    # A portal in between may answer anything with a status that sounds like success.
    return ApiError(
        "malformed_response",
        f"{method} {path}: HTTP {answer.status} ({answer.content_type}) is not an answer of "
        "Palette's; is there a proxy or another server at this host?",
        outcome_unknown=method not in READS,
        http_status=answer.status,
    )


def items_of(answer: Json, where: str) -> list[Json]:
    """Return the items of a list's answer, or raise ``malformed_response``."""
    return _objects(_list_in(answer, where), where)


def _list_in(answer: Json, where: str) -> list[Any]:
    # An empty list may be null, but an answer without items is not a list.
    items = answer.get("items", "absent") or []
    if isinstance(items, list):
        return items
    raise ApiError("malformed_response", f"{where}: items is not a list")


def _objects(items: list[Any], where: str) -> list[Json]:
    if all(isinstance(item, dict) for item in items):
        return items
    raise ApiError("malformed_response", f"{where}: items is not a list of objects")


def _next_token(page: Json) -> str:
    # Kubernetes' lists have metadata, those of Palette's dashboard have listmeta.
    list_meta = page.get("listmeta") or page.get("metadata")
    following = list_meta.get("continue") if isinstance(list_meta, dict) else None
    return following if isinstance(following, str) else ""


def _cut_short(error: requests.RequestException) -> bool:
    """Return whether an answer ended or stalled after its headers, where urllib3 cannot retry."""
    broken = (
        requests.exceptions.ChunkedEncodingError,
        requests.exceptions.ContentDecodingError,
    )
    return isinstance(error, broken) or _stalled(error)


def _stalled(error: requests.RequestException) -> bool:
    return isinstance(next(iter(error.args), None), ReadTimeoutError)

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A session with one server: requests in time and within the rate limit, with retries."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable, Mapping
from datetime import MAXYEAR, datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import Any, NamedTuple
from urllib.parse import urlencode

from .._validation.printable import printable
from .answers import Answer, Json
from .deadline import attempts, may_retry, time_left
from .errors import ApiError
from .network import Words, network_problem, never_sent, root_cause
from .rate_limit import RateLimiter
from .retry import MOST_TIMEOUTS, READS, RetryPolicy
from .transport import PlainSession, TimedAdapter, Tls, body_of
from .urls import is_loopback

REQUESTS_IMPORT_ERROR: str | None = None
try:
    import requests
    import urllib3
    from requests.utils import DEFAULT_CA_BUNDLE_PATH, check_header_validity
    from urllib3.exceptions import HTTPError, InsecureRequestWarning, ReadTimeoutError
except ImportError:
    REQUESTS_IMPORT_ERROR = traceback.format_exc()

_POOL_SIZE = 256  # connections, one for each thread
_SHORTEST_TIMEOUT = 1.0
# No bundle has this name: what does not ask the context would trust nobody.
_AS_THE_CONTEXT_SAYS = "/as-the-context-says"
_NO_PROXY: dict[str, Any] = {"http": None, "https": None, "all": None}

Query = Mapping[str, str]
Headers = Mapping[str, str]


class Server(NamedTuple):
    """A server, and how patient its clients are.

    base_url: scheme, host and port, perhaps with a path, without a slash at the end.
    verify: True, False, or the path of a CA bundle. request_timeout: seconds to connect, and again
    for the whole answer.
    tls: decides whom to trust, and with which certificate to log in. proxy: a URL. Where they are
    not given, verify and the environment decide.
    """

    base_url: str
    verify: bool | str = True
    request_timeout: float = 30.0
    retries: int = 5
    tls: Tls | None = None
    proxy: str = ""


class Session:
    """Exchanges requests for answers with one server. Thread-safe.

    headers: sent with each request; nobody sees them. mask: hides what is secret in a text.
    searches: paths of which a POST only reads.
    """

    def __init__(
        self,
        server: Server,
        limiter: RateLimiter,
        words: Words,
        headers: Headers,
        mask: Callable[[str], str],
        searches: tuple[str, ...] = (),
    ) -> None:
        # The server's clock minus this machine's, by the Date of the last answer.
        self.clock_skew: timedelta | None = None
        self._server = server
        self._limiter = limiter
        self._words = words
        self._mask = mask
        self._session = PlainSession()
        if server.verify is False:
            # The task warns in its own words; on stderr urllib3's would be an error of Ansible's.
            urllib3.disable_warnings(InsecureRequestWarning)
        self._session.headers.update(headers)
        self._mount("https://", READS)
        self._mount("http://", READS)
        for path in searches:
            self._mount(server.base_url + path, READS | {"POST"})

    @cached_property
    def _surroundings(self) -> dict[str, Any]:
        """Proxies and CA certificates, from the settings or else from the environment."""
        base_url = self._server.base_url
        # A key for the local machine must not go through a proxy in clear text.
        proxies = dict(_NO_PROXY) if is_loopback(base_url) else {}
        if self._server.proxy:
            proxies = {"http": self._server.proxy, "https": self._server.proxy}
        verify = self._server.verify if self._server.tls is None else _AS_THE_CONTEXT_SAYS
        return dict(self._session.merge_environment_settings(base_url, proxies, True, verify, None))

    @cached_property
    def _pattern(self) -> requests.PreparedRequest:
        """What all requests have, checked once: the server's address, and their headers."""
        # Prepared without the session, which would read .netrc.
        return requests.Request("GET", self._server.base_url, self._session.headers).prepare()

    def _prepared(
        self, method: str, target: str, headers: Headers, body: Json | None
    ) -> requests.PreparedRequest:
        for header in headers.items():
            check_header_validity(header)
        request = requests.PreparedRequest()
        request.method = method
        request.url = f"{self._pattern.url}".rstrip("/") + target
        request.headers = self._pattern.headers.copy()
        request.headers.update(headers)
        request.prepare_body(None, None, body)
        return request

    def exchange(
        self,
        method: str,
        path: str,
        query: Query | None = None,
        body: Json | None = None,
        headers: Headers | None = None,
    ) -> Answer:
        """Send one request and return its complete answer, whatever its status.

        Raise ``unreachable``, ``timeout`` or ``tls_error`` where there is none.
        """
        target = path + (f"?{urlencode(query)}" if query else "")
        try:
            return self._exchange(method, target, path, body, headers or {})
        except (HTTPError, OSError, UnicodeError) as error:
            # requests does not wrap the errors of a host name, a proxy's login or a CA file.
            raise self._network_error(method, path, error) from None

    def where(self, method: str, path: str) -> str:
        """Return what a message says first: what was asked, and whom."""
        return f"{method} {self._server.base_url}{path}"

    def _exchange(
        self, method: str, target: str, path: str, body: Json | None, headers: Headers
    ) -> Answer:
        server = self._server
        timeouts = 0
        for attempt in attempts(server.retries):
            self._limiter.acquire(path)
            timeout = min(server.request_timeout, max(time_left(), _SHORTEST_TIMEOUT))
            try:
                response = self._session.send(
                    self._prepared(method, target, headers, body),
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
                last = method not in READS or attempt > server.retries or not may_retry()
                timeouts += _stalled(error)
                if last or timeouts >= MOST_TIMEOUTS or not _cut_short(error):
                    raise
        raise AssertionError("the last attempt returns or raises")

    def _note_time(self, date: str | None) -> None:
        try:
            served_at = parsedate_to_datetime(date or "")
        except (TypeError, ValueError, OverflowError):
            return
        # In the last year there is, a time in another zone would be too late to be written.
        if served_at.tzinfo and served_at.year < MAXYEAR:
            self.clock_skew = served_at - datetime.now(timezone.utc)

    def _network_error(self, method: str, path: str, error: Exception) -> ApiError:
        cause = root_cause(error)
        timeout = self._server.request_timeout
        reason, text = network_problem(error, cause, self._words, timeout)
        return ApiError(
            reason,
            self._mask(f"{self.where(method, path)}: {text}"),
            outcome_unknown=method not in READS and not never_sent(error, cause),
        )

    def _mount(self, prefix: str, reads: frozenset[str]) -> None:
        retry = RetryPolicy.policy(self._server.retries, self._limiter, reads)
        adapter = TimedAdapter(self._server.tls, max_retries=retry, pool_maxsize=_POOL_SIZE)
        self._session.mount(prefix, adapter)


def ca_of_environment() -> str:
    """Return the file or folder of the CAs that are trusted where nothing else is said."""
    variables = (os.environ.get(name) for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"))
    return next(filter(None, variables), None) or str(DEFAULT_CA_BUNDLE_PATH)


def _cut_short(error: requests.RequestException) -> bool:
    """Return whether an answer ended or stalled after its headers, where urllib3 cannot retry."""
    broken = (
        requests.exceptions.ChunkedEncodingError,
        requests.exceptions.ContentDecodingError,
    )
    return isinstance(error, broken) or _stalled(error)


def _stalled(error: requests.RequestException) -> bool:
    return isinstance(next(iter(error.args), None), ReadTimeoutError)

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The transport of requests: an answer must be complete, in time and of a reasonable size.

A socket's timeout alone limits only the silence between two pieces of an answer.
"""

from __future__ import annotations

import io
import socket
import ssl
import time
from functools import cache
from http.client import HTTPResponse
from typing import Any, NamedTuple

try:
    from requests import Response, Session
    from requests.adapters import HTTPAdapter
    from requests.exceptions import ChunkedEncodingError
    from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
    from urllib3.util.ssl_ import create_urllib3_context, resolve_cert_reqs
except ImportError:
    HTTPAdapter = Session = object  # type: ignore[assignment,misc]

_PIECE = 64 * 1024  # bytes
_MIB = 1024 * 1024
# Bytes, decompressed: far more than a page of 50 objects. They take up to 30 times as much memory.
LARGEST_ANSWER = 8 * _MIB
_LARGEST_ERROR = _MIB // 4
_LARGEST_ON_WIRE = 2 * LARGEST_ANSWER  # also of an answer that only urllib3 reads, to throw it away


class PlainSession(Session):
    """A session to which a redirect is an answer as any other.

    requests would parse where it leads to and read its whole body, even if it must not follow.
    """

    def get_redirect_target(self, resp: Response) -> None:
        """Return where a redirect leads to: nowhere."""


class Tls(NamedTuple):
    """What decides about a connection instead of the CAs that requests knows.

    server_name: the name in the server's certificate, if it is not the URL's.
    """

    context: ssl.SSLContext
    server_name: str = ""


def tls_context() -> ssl.SSLContext:
    """Return urllib3's own context: whether OpenSSL or urllib3 compares names depends on both."""
    context = create_urllib3_context()
    # From Python 3.13 on the default is stricter than Kubernetes, and refuses many private CAs.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


class TimedAdapter(HTTPAdapter):
    """Applies the read timeout to the whole answer: its status, headers and body.

    It is for one server, whose requests are all sent in the same way.
    """

    def __init__(self, tls: Tls | None = None, **kwargs: Any) -> None:
        self._tls = tls
        self._pool: Any = None
        super().__init__(**kwargs)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make the pools of direct connections."""
        super().init_poolmanager(*args, **self._with_tls(kwargs))
        self.poolmanager.pool_classes_by_scheme = _timed_pools()

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        """Return the server's pool, which requests would look for with each request."""
        if self._pool is None:
            self._pool = super().get_connection_with_tls_context(*args, **kwargs)
        return self._pool

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        """Make the pools of connections through a proxy."""
        manager = super().proxy_manager_for(*args, **self._with_tls(kwargs))
        manager.pool_classes_by_scheme = _timed_pools()
        return manager

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """Say what a pool's connections trust. requests would add its CAs to those of a context."""
        if self._tls is None:
            super().cert_verify(conn, url, verify, cert)  # type: ignore[no-untyped-call]
        else:
            conn.cert_reqs = self._tls.context.verify_mode
            conn.ca_certs = conn.ca_cert_dir = None

    def _with_tls(self, options: dict[str, Any]) -> dict[str, Any]:
        if self._tls is None:
            return options
        name = {"server_hostname": self._tls.server_name} if self._tls.server_name else {}
        return {**options, "ssl_context": self._tls.context, **name}


def body_of(response: Response) -> bytes:
    """Return an answer's body, cut off where it is larger than any that is expected."""
    most = LARGEST_ANSWER if response.status_code < 300 else _LARGEST_ERROR
    pieces: list[bytes] = []
    size = 0
    with response:
        if 300 <= response.status_code < 400:
            # It is refused, whatever it says.
            return b""
        for piece in response.iter_content(_PIECE):
            pieces.append(piece)
            size += len(piece)
            if size > most:
                break
        else:
            _demand_all(response)
    return b"".join(pieces)


def _demand_all(response: Response) -> None:
    # Older versions of urllib3 do not notice an answer shorter than its Content-Length.
    promised = response.headers.get("Content-Length", "")
    # Not as an integer, which may have no more than some thousand digits.
    if promised.isdecimal() and response.raw.tell() < float(promised):
        raise ChunkedEncodingError(
            f"the answer ended after {response.raw.tell()} bytes, its Content-Length says more"
        )


@cache
def _timed_pools() -> dict[str, type]:
    return {"http": _timed(HTTPConnectionPool), "https": _timed(HTTPSConnectionPool)}


def _timed(pool: type[HTTPConnectionPool]) -> type:
    connection: Any = pool.ConnectionCls

    class TimedConnection(connection):  # type: ignore[misc]
        response_class = _TimedResponse
        ssl_context: Any

        def connect(self) -> None:
            """Connect. Each connection loads its CAs, so each has a context of its own."""
            verifies = resolve_cert_reqs(getattr(self, "cert_reqs", ssl.CERT_NONE))
            if verifies == ssl.CERT_REQUIRED and self.ssl_context is None:
                self.ssl_context = tls_context()
            super().connect()

    class TimedPool(pool):  # type: ignore[misc,valid-type]
        ConnectionCls = TimedConnection

    return TimedPool


class _TimedResponse(HTTPResponse):
    """Reads from a socket until its timeout, counted from the start of the answer, is over."""

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        timeout = sock.gettimeout()
        if timeout is not None:
            timed = _TimedFile(self.fp.detach(), sock, time.monotonic() + timeout)
            self.fp = _Reader(timed)


class _Reader(io.BufferedReader):
    """Reads what an answer says, which may be a chunk of less than no bytes."""

    def read(self, size: int | None = -1, /) -> bytes:
        """Read so many bytes, or all."""
        if size is not None and size < -1:
            # urllib3 takes an OSError for an error of the network, but not BufferedReader's own.
            raise OSError("the answer has a chunk of negative size")
        return super().read(size)


class _TimedFile(io.RawIOBase):
    """The file of a socket, readable until a time.monotonic() deadline, and up to a size."""

    def __init__(self, file: io.RawIOBase, sock: socket.socket, deadline: float) -> None:
        self._file = file
        self._sock = sock
        self._deadline = deadline
        self._room = _LARGEST_ON_WIRE

    def readable(self) -> bool:
        """Return True: the file is for reading."""
        return True

    def readinto(self, buffer: Any) -> int | None:
        """Read some bytes, within the time left."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise socket.timeout("timed out")
        if self._room <= 0:
            raise OSError("the answer is too large")
        self._sock.settimeout(left)
        read = self._file.readinto(buffer)
        self._room -= read or 0
        return read

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The proxy: what it passes on, what it strikes, and what becomes of the connection."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import urlsplit

import pytest

from faults.catalogue import CATALOGUE
from faults.proxy import CREATE, LIST, Aim, Aims, End, Fault, Proxy

_SNAPSHOTS = "/v1/spectroclusters/c/vms/snapshot"
_CREATION = "/v1/spectroclusters/c/vms/db1/snapshot"
_REFUSED = Fault("refused", lambda _struck: (b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n",))


class Upstream(ThreadingHTTPServer):
    """A server that notes what it is asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.asked: list[str] = []


class _Handler(BaseHTTPRequestHandler):
    server: Upstream
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        """Say nothing."""

    def _answer(self) -> None:
        self.server.asked.append(self.command)
        self.send_response(200)
        self.send_header("Content-Length", "13")
        self.end_headers()
        self.wfile.write(b'{"items": []}')


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream() as server:
        Thread(target=server.serve_forever, args=(0.02,)).start()
        yield server
        server.shutdown()


def ask(proxy: Proxy, method: str = "GET", path: str = _SNAPSHOTS) -> int | str:
    """Return the status of an answer, or the name of the error."""
    connection = http.client.HTTPConnection(urlsplit(proxy.url).netloc, timeout=5)
    try:
        connection.request(method, path, b"{}" if method == "POST" else None)
        answer = connection.getresponse()
        answer.read()
        return answer.status
    except (OSError, http.client.HTTPException) as error:
        return type(error).__name__
    finally:
        connection.close()


def test_requests_that_are_not_aimed_at_are_passed_on(upstream: Upstream) -> None:
    aims = Aims([Aim(_REFUSED, CREATE)])

    with Proxy.running(upstream.url, aims) as proxy:
        assert ask(proxy) == 200

    assert upstream.asked == ["GET"]
    assert aims.strikes == [0]


def test_the_nth_requests_are_struck(upstream: Upstream) -> None:
    aims = Aims([Aim(_REFUSED, LIST, carried_out=False, first=2, times=2)])

    with Proxy.running(upstream.url, aims) as proxy:
        assert [ask(proxy) for _time in range(5)] == [200, 503, 503, 200, 200]

    assert len(upstream.asked) == 3
    assert aims.strikes == [2]


def test_a_request_can_be_carried_out_although_it_is_struck(upstream: Upstream) -> None:
    with Proxy.running(upstream.url, Aims([Aim(_REFUSED, CREATE)])) as proxy:
        assert ask(proxy, "POST", _CREATION) == 503

    assert upstream.asked == ["POST"]


def test_lists_are_struck_after_a_write_only(upstream: Upstream) -> None:
    aims = Aims([Aim(_REFUSED, LIST, times=None, after=CREATE)])

    with Proxy.running(upstream.url, aims) as proxy:
        before, _write, after = ask(proxy), ask(proxy, "POST", _CREATION), ask(proxy)

    assert (before, after) == (200, 503)


@pytest.mark.parametrize(
    ("end", "error"),
    [(End.RESET, "ConnectionResetError"), (End.CLOSED, "RemoteDisconnected")],
)
def test_a_connection_ends_as_the_fault_says(upstream: Upstream, end: End, error: str) -> None:
    with Proxy.running(upstream.url, Aims([Aim(Fault("x", lambda _: (), end), LIST)])) as proxy:
        assert ask(proxy) == error


def test_what_is_passed_on_late_has_been_answered_at_the_end(upstream: Upstream) -> None:
    late = Fault("late", lambda _struck: (), late=0.2)

    with Proxy.running(upstream.url, Aims([Aim(late, CREATE)])) as proxy:
        connection = http.client.HTTPConnection(urlsplit(proxy.url).netloc, timeout=0.1)
        connection.request("POST", _CREATION, b"{}")
        with pytest.raises(TimeoutError):
            connection.getresponse()
        connection.close()

    assert upstream.asked == ["POST"]


@pytest.mark.parametrize("fault", [fault for fault in CATALOGUE if fault.honest])
def test_an_honest_fault_lets_the_true_answer_arrive(upstream: Upstream, fault: Fault) -> None:
    with Proxy.running(upstream.url, Aims([Aim(fault, LIST)])) as proxy:
        assert ask(proxy) == 200

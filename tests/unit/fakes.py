# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A clock that stands still, and an HTTP server that follows a script."""

from __future__ import annotations

import io
import json
import socket
import ssl
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple


class Clock:
    """A clock that only sleeping moves on. Stands in for the module `time`."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        """Return the time."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Be that much later."""
        assert seconds >= 0
        self.slept.append(seconds)
        self.now += seconds


class Received(NamedTuple):
    """A request as the server got it. user: the common name in the client's certificate."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: Any
    user: str | None = None


class Answer(NamedTuple):
    """What the server does with one request.

    sent: how much of the body to send before cutting the connection, None for all.
    silent: cut the connection without a word. stalled: say nothing (more) until the test is over.
    dripping: seconds before each byte of the answer. garbled: say what is not TLS.
    """

    body: Any = b"{}"
    status: int = 200
    headers: Mapping[str, str] = {}
    sent: int | None = None
    silent: bool = False
    stalled: bool = False
    dripping: float = 0.0
    garbled: bool = False

    @property
    def content(self) -> bytes:
        """The body's bytes; what is not bytes already is sent as JSON."""
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()

    @property
    def closes(self) -> bool:
        """Whether the connection ends with it."""
        broken = self.silent or self.stalled or self.garbled or self.sent is not None
        return broken or self.dripping > 0


class ScriptedServer:
    """An HTTP(S) server on a free port: gives the answers of its script, the last for ever."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.received: list[Received] = []
        self.connections = 0
        self._script: deque[Answer] = deque([Answer()])
        self.over = threading.Event()
        handler = type("Handler", (_Handler,), {"owner": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]
        if context:
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        scheme = "https" if context else "http"
        self.port = self._server.server_address[1]
        self.url = f"{scheme}://127.0.0.1:{self.port}"

    @classmethod
    @contextmanager
    def running(cls, context: ssl.SSLContext | None = None) -> Iterator[ScriptedServer]:
        """Serve until the block ends."""
        server = cls(context)
        thread = threading.Thread(target=server._server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.over.set()
            server._server.shutdown()
            thread.join()
            server._server.server_close()

    def script(self, *answers: Answer) -> None:
        """Say what the next requests are answered."""
        self._script = deque(answers)

    def next_answer(self) -> Answer:
        """The answer whose turn it is."""
        return self._script.popleft() if len(self._script) > 1 else self._script[0]


class _Handler(BaseHTTPRequestHandler):
    """Serves one connection of its owner."""

    protocol_version = "HTTP/1.1"
    timeout = 10
    disable_nagle_algorithm = True
    owner: ScriptedServer

    def setup(self) -> None:
        self.owner.connections += 1
        super().setup()

    def log_message(self, *_args: Any) -> None:
        pass

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.owner.received.append(
            Received(self.command, self.path, headers, body, _user_of(self.connection))
        )
        answer = self.owner.next_answer()
        if answer.garbled:
            socket.socket.send(self.connection, b"this is not TLS at all")
        elif answer.dripping:
            self._drip(answer)
        elif not answer.silent and (answer.sent is not None or not answer.stalled):
            self._say(answer)
        if answer.stalled:
            self.owner.over.wait(10)
        self.close_connection = answer.closes

    def _say(self, answer: Answer) -> None:
        self.send_response_only(answer.status)
        headers = {"Content-Type": "application/json", **answer.headers}
        for name, value in headers.items():
            self.send_header(name, value)
        if answer.status != 204:
            self.send_header("Content-Length", str(len(answer.content)))
        self.end_headers()
        self.wfile.write(answer.content[: answer.sent])

    def _drip(self, answer: Answer) -> None:
        connection, self.wfile = self.wfile, io.BytesIO()
        self._say(answer)
        said, self.wfile = self.wfile.getvalue(), connection
        for byte in said:
            self.owner.over.wait(answer.dripping)
            self.wfile.write(bytes([byte]))

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_CONNECT = _serve  # noqa: N815


def _user_of(connection: socket.socket) -> str | None:
    certificate = connection.getpeercert() if isinstance(connection, ssl.SSLSocket) else None
    subject: Any = certificate.get("subject", ()) if certificate else ()
    return dict(pair for part in subject for pair in part).get("commonName")

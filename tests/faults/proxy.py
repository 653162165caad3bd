# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A TCP proxy before the simulated Palette that lets chosen requests fail as a fault has it."""

from __future__ import annotations

import http.client
import json
import re
import socket
import socketserver
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from enum import Enum
from http.client import HTTPException, responses
from typing import Any, NamedTuple, Protocol
from urllib.parse import parse_qs, urlsplit

Json = dict[str, Any]

LIST, VM, CREATE, UPDATE, DELETE, OTHER = "list", "vm", "create", "update", "delete", "other"
POWER, KUBECONFIG = "power", "kubeconfig"
# Of a cluster's own API: MACHINES and INSTANCES are its VMs and their instances. A restore is made,
# changed and deleted; a VM is annotated.
MACHINES, INSTANCES, RESTORES = "machines", "instances", "restores"
RESTORE, CLOSE, CLEAR, RECORD = "restore", "close", "clear", "record"
READS = (LIST, VM, KUBECONFIG, MACHINES, INSTANCES, RESTORES)
WRITES = (CREATE, UPDATE, DELETE, POWER, RESTORE, CLOSE, CLEAR, RECORD)
_KINDS = (
    ("GET", r"/virtualmachines$", MACHINES),
    ("GET", r"/virtualmachineinstances$", INSTANCES),
    ("GET", r"/virtualmachinerestores(/[^/]+)?$", RESTORES),
    ("POST", r"/virtualmachinerestores$", RESTORE),
    ("PATCH", r"/virtualmachinerestores/[^/]+$", CLOSE),
    ("DELETE", r"/virtualmachinerestores/[^/]+$", CLEAR),
    ("PATCH", r"/virtualmachines/[^/]+$", RECORD),
    ("GET", r"/assets/adminKubeconfig$", KUBECONFIG),
    ("PUT", r"/vms/[^/]+/(start|stop|pause|resume|restart)$", POWER),
    ("GET", r"/vms/snapshot$", LIST),
    ("POST", r"/vms/[^/]+/snapshot$", CREATE),
    ("PUT", r"/vms/[^/]+/snapshot/[^/]+$", UPDATE),
    ("DELETE", r"/vms/[^/]+/snapshot/[^/]+$", DELETE),
    ("GET", r"/vms(/[^/]+)?$", VM),
)
# How the body was sent on its way is the proxy's own business.
_REWRITTEN = ("connection", "content-length", "transfer-encoding")


class Reply(NamedTuple):
    """A whole HTTP answer."""

    status: int
    body: bytes
    headers: Sequence[tuple[str, str]] = (("Content-Type", "application/json"),)

    def raw(self, *more: tuple[str, str], version: str = "1.1", length: bool = True) -> bytes:
        """Return the answer's bytes. more: headers. length: whether its length is told."""
        bodiless = self.status == 204 or self.status == 304 or self.status < 200
        told = [("Content-Length", str(len(self.body)))] if length and not bodiless else []
        words = responses.get(self.status, "Unknown")
        lines = [f"HTTP/{version} {self.status} {words}"]
        lines += [f"{name}: {value}" for name, value in [*self.headers, *told, *more]]
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + (b"" if bodiless else self.body)


class Struck(NamedTuple):
    """A request that a fault strikes.

    reply: the simulator's answer; one that stands for it where the request was not carried out.
    before: the snapshots that there were at the beginning.
    """

    kind: str
    head: bytes
    target: str
    reply: Reply
    before: Sequence[Json]


class End(Enum):
    """What becomes of the connection after a fault."""

    CLOSED = "closed"
    RESET = "reset"
    HELD = "held"  # nothing more comes, until the client has gone
    KEPT = "kept"


Step = bytes | float
"""Bytes to send, or seconds to pause."""


class Fault(NamedTuple):
    """What a client gets instead of an answer. The catalogue says what the fields stand for."""

    name: str
    sends: Callable[[Struck], Iterable[Step]]
    end: End = End.CLOSED
    honest: bool = False
    on: str = "any"
    times: int | None = None
    late: float = 0.0
    core: bool = False
    refuses: bool = False


class Aim(NamedTuple):
    """Which requests a fault strikes: times of a kind, from the first one on.

    carried_out: whether they reach the simulator. times: None for all. after: only those that begin
    when a write of this kind has been answered, or has failed.
    """

    fault: Fault
    kind: str
    carried_out: bool = True
    first: int = 1
    times: int | None = 1
    after: str = ""


class Marksman(Protocol):
    """Says which requests are struck. Its methods are called by several threads."""

    def aim_at(self, kind: str) -> Aim | None:
        """Return the aim that strikes a request of a kind, if any does."""

    def note_end(self, kind: str) -> None:
        """Note that a request of a kind has been answered, or has failed."""


class Aims:
    """Strikes as planned. strikes: how many requests each aim has struck."""

    def __init__(self, aims: Sequence[Aim]) -> None:
        self.strikes = [0] * len(aims)
        self._aims = aims
        self._seen = [0] * len(aims)
        self._ended = {""}
        self._lock = threading.Lock()

    def aim_at(self, kind: str) -> Aim | None:
        """Return the first aim that strikes a request; those of its kind count it all."""
        with self._lock:
            hit = None
            for number, aim in enumerate(self._aims):
                if aim.kind != kind or aim.after not in self._ended:
                    continue
                self._seen[number] += 1
                beyond = self._seen[number] - aim.first
                if hit is None and beyond >= 0 and (aim.times is None or beyond < aim.times):
                    self.strikes[number] += 1
                    hit = aim
            return hit

    def note_end(self, kind: str) -> None:
        """Note that lists after such a write may be struck."""
        with self._lock:
            self._ended.add(kind)


class _Request(NamedTuple):
    method: str
    target: str
    head: bytes
    headers: Mapping[str, str]
    body: bytes

    @property
    def kind(self) -> str:
        path = urlsplit(self.target).path
        known = (kind for method, form, kind in _KINDS if self._is(method, form, path))
        return next(known, OTHER)

    def _is(self, method: str, form: str, path: str) -> bool:
        return self.method == method and re.search(form, path) is not None


class Clusters(NamedTuple):
    """Where the clusters' own APIs are, as the simulator's kubeconfigs say, and whom to trust."""

    url: str
    tls: ssl.SSLContext


class Proxy(socketserver.ThreadingTCPServer):
    """Passes requests on to the simulator, except those that are aimed at.

    Kubeconfigs that pass it lead back to it, so that the clusters' own APIs are behind it, too.
    """

    daemon_threads = True
    request_queue_size = 64

    def __init__(
        self,
        upstream: str,
        marksman: Marksman,
        before: Sequence[Json] = (),
        clusters: Clusters | None = None,
    ) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.gone = threading.Event()
        self.marksman = marksman
        self.before = before
        self._upstream = urlsplit(upstream)
        self._clusters = clusters
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._busy: list[threading.Thread] = []

    @classmethod
    @contextmanager
    def running(
        cls,
        upstream: str,
        marksman: Marksman,
        before: Sequence[Json] = (),
        clusters: Clusters | None = None,
    ) -> Iterator[Proxy]:
        """Run a proxy; at the end, all that it passes on late has been answered."""
        with cls(upstream, marksman, before, clusters) as proxy:
            serving = threading.Thread(target=proxy.serve_forever, args=(0.02,), daemon=True)
            serving.start()
            try:
                yield proxy
            finally:
                proxy.shutdown()
                proxy.hang_up()
                serving.join()

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve a connection, and note its thread."""
        with self._lock:
            self._busy.append(threading.current_thread())
            self._open.add(request)
        with suppress(OSError):
            super().process_request_thread(request, client_address)

    def hang_up(self) -> None:
        """Close all connections, and wait until nothing is under way."""
        self.gone.set()
        with self._lock:
            connections, threads = list(self._open), list(self._busy)
        for connection in connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RD)
        for thread in threads:
            thread.join()

    def forward(self, request: _Request) -> Reply:
        """Let the simulator carry out a request."""
        connection = self._connection(request.target)
        try:
            connection.request(request.method, request.target, request.body, request.headers)
            answer = connection.getresponse()
            kept = [pair for pair in answer.getheaders() if pair[0].lower() not in _REWRITTEN]
            return Reply(answer.status, self._led_here(answer.read()), kept)
        finally:
            connection.close()

    def _connection(self, target: str) -> http.client.HTTPConnection:
        if self._clusters and target.startswith("/k8s/"):
            there = urlsplit(self._clusters.url)
            host, tls = there.hostname or "", self._clusters.tls
            return http.client.HTTPSConnection(host, there.port, timeout=30, context=tls)
        return http.client.HTTPConnection(
            self._upstream.hostname or "", self._upstream.port, timeout=30
        )

    def _led_here(self, body: bytes) -> bytes:
        if self._clusters is None:
            return body
        return body.replace(self._clusters.url.encode(), self.url.encode())


class _Connection(socketserver.StreamRequestHandler):
    """One connection of the client."""

    server: Proxy
    disable_nagle_algorithm = True

    def handle(self) -> None:
        with suppress(OSError, HTTPException):
            while self._serve(self._next()):
                pass

    def _next(self) -> _Request | None:
        head = b""
        for line in iter(self.rfile.readline, b""):
            head += line
            if line == b"\r\n":
                break
        else:
            return None
        first, *rest = head.decode("latin-1").split("\r\n")
        method, target, _version = first.split(" ")
        headers = dict(line.split(": ", 1) for line in rest if line)
        body = self.rfile.read(int(headers.get("Content-Length", 0)))
        return _Request(method, target, head, headers, body)

    def _serve(self, request: _Request | None) -> bool:
        """Serve a request, and say whether the connection stays."""
        if request is None:
            return False
        kind = request.kind
        aim = self.server.marksman.aim_at(kind)
        try:
            if aim is None:
                self.wfile.write(self.server.forward(request).raw())
                return True
            return self._strike(request, kind, aim)
        finally:
            self.server.marksman.note_end(kind)

    def _strike(self, request: _Request, kind: str, aim: Aim) -> bool:
        # Meanwhile the client gives up.
        time.sleep(aim.fault.late)
        reply = self.server.forward(request) if aim.carried_out else _STAND_IN
        self.server.marksman.note_end(kind)
        struck = Struck(kind, request.head, request.target, reply, self.server.before)
        for step in aim.fault.sends(struck):
            if isinstance(step, bytes):
                self.wfile.write(step)
            else:
                self.server.gone.wait(step)
        return self._ended(aim.fault.end)

    def _ended(self, end: End) -> bool:
        if end is End.HELD:
            # Returns when the client closes its end.
            self.connection.recv(1)
        if end is End.RESET:
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.connection.close()
        return end is End.KEPT


_STAND_IN = Reply(200, json.dumps({"kind": "Status", "status": "Unknown", "code": 0}).encode())


def stale_list(struck: Struck) -> Reply:
    """Return a list as it was at the beginning."""
    query = parse_qs(urlsplit(struck.target).query)
    namespaces, vm_names = (
        ",".join(query.get(name, [])).split(",") for name in ("namespace", "vmName")
    )
    items = [
        item
        for item in struck.before
        if (namespaces == [""] or item["metadata"]["namespace"] in namespaces)
        and (vm_names == [""] or item["spec"]["source"]["name"] in vm_names)
    ]
    return struck.reply._replace(status=200, body=json.dumps({"items": items}).encode())

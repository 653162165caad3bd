# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The server process: sockets, TLS, the ready file, and a clean end."""

from __future__ import annotations

import asyncio
import functools
import gc
import os
import signal
import socket
import ssl
import sys
import tempfile
import threading
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

import msgspec
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from palette_simulator.app import Front
from palette_simulator.kubernetes.access import Access

HOST = "127.0.0.1"


class Binding(NamedTuple):
    """Where the server listens, and how it says so."""

    port: int
    tls: bool
    ready_file: Path | None
    stop_with_stdin: bool


class _Protocol(HttpToolsProtocol):
    """Lets a request reach its connection, so that a fault can cut it; serves no dead client."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}
        if self.client is None:
            transport.abort()  # it was gone before it was accepted


class _KubernetesProtocol(_Protocol):
    """Serves the clusters' own APIs, and lets them see who connects."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        certificate = transport.get_extra_info("peercert")
        self.app_state = {**self.app_state, "kubernetes": True, "certificate": certificate}


class _Server(uvicorn.Server):
    """Writes the ready file when it listens; opens the clusters' port when there is a way in."""

    def __init__(self, config: uvicorn.Config, ready: dict[str, Any], file: Path | None) -> None:
        super().__init__(config)
        self._ready = ready
        self._ready_file = file
        self._opening: asyncio.Task[None] | None = None

    def open(self, listener: socket.socket, context: ssl.SSLContext) -> None:
        """Answer at the clusters' port from now on."""
        self._opening = asyncio.get_running_loop().create_task(self._open(listener, context))

    async def _open(self, listener: socket.socket, context: ssl.SSLContext) -> None:
        def protocol() -> _KubernetesProtocol:
            return _KubernetesProtocol(self.config, self.server_state, self.lifespan.state)

        loop = asyncio.get_running_loop()
        self.servers.append(await loop.create_server(protocol, sock=listener, ssl=context))

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self._ready_file:
            partial = self._ready_file.with_name(self._ready_file.name + ".partial")
            partial.write_bytes(msgspec.json.encode(self._ready))
            partial.replace(self._ready_file)


def serve(front: Front, access: Access, binding: Binding) -> None:
    """Serve until SIGTERM or SIGINT."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _leave)  # uvicorn raises the signal again when it has stopped
    if binding.stop_with_stdin:
        threading.Thread(target=_stop_with_stdin, daemon=True).start()
    gc.freeze()  # a large fleet need not be looked through again and again
    with tempfile.TemporaryDirectory(prefix="palette-simulator-") as folder:
        try:
            _run(front, access, binding, Path(folder))
        finally:
            if binding.ready_file:
                binding.ready_file.unlink(missing_ok=True)


def _run(front: Front, access: Access, binding: Binding, folder: Path) -> None:
    config = uvicorn.Config(
        front,
        http=_Protocol,
        loop="uvloop",
        lifespan="off",
        access_log=False,
        log_level="error",
        server_header=False,
        date_header=False,  # the server's clock may be another than this machine's
        timeout_keep_alive=75,
        timeout_graceful_shutdown=1,
    )
    ca_file = None
    if binding.tls:
        from palette_simulator.tls import issue  # noqa: PLC0415 - slow to import, seldom needed

        certificate = issue(folder, HOST)
        config.ssl_certfile, ca_file = str(certificate.chain), str(certificate.ca)
    with (
        socket.create_server((HOST, binding.port)) as listener,
        socket.create_server((HOST, 0)) as cluster_listener,
    ):
        scheme = "https" if binding.tls else "http"
        url = f"{scheme}://{HOST}:{listener.getsockname()[1]}"
        ready = {"url": url, "pid": os.getpid(), "ca_file": ca_file}
        sys.stdout.write(f"Palette simulator at {url} (Ctrl-C stops it)\n")
        sys.stdout.flush()
        server = _Server(config, ready, binding.ready_file)
        access.url = f"https://{HOST}:{cluster_listener.getsockname()[1]}"
        access.open = functools.partial(server.open, cluster_listener)
        server.run(sockets=[listener])


def _leave(_number: int, _frame: FrameType | None) -> None:
    sys.exit(0)


def _stop_with_stdin() -> None:
    while os.read(sys.stdin.fileno(), 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)

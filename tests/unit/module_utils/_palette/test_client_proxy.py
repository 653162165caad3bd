# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The client through a proxy: a request that got through may have been carried out."""

from __future__ import annotations

import select
import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from ansible_collections.spectrocloud.palette.plugins.module_utils._palette.client import (
    PaletteClient,
)
from unit.fakes import Answer, Clock, ScriptedServer
from unit.module_utils._palette.calls import SILENT, VMS, client_of, error_of

CA = trustme.CA()


class Tunnels(socketserver.ThreadingTCPServer):
    """A proxy that lets all connections end at one port of this machine."""

    daemon_threads = True

    def __init__(self, port: int) -> None:
        self.port = port
        super().__init__(("127.0.0.1", 0), Tunnel)


class Tunnel(socketserver.StreamRequestHandler):
    """One connection through the proxy."""

    server: Tunnels

    def handle(self) -> None:
        """Answer CONNECT, and pass on what both ends say until one of them closes."""
        while self.rfile.readline().strip():
            pass
        self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        with socket.create_connection(("127.0.0.1", self.server.port)) as palette:
            while True:
                for end in select.select([self.connection, palette], [], [])[0]:
                    data = end.recv(65536)
                    if not data:
                        return
                    (palette if end is self.connection else self.connection).sendall(data)


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    """Palette, with a certificate of its own authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    CA.issue_cert("palette.invalid").configure_cert(context)
    with ScriptedServer.running(context) as server:
        yield server


@pytest.fixture
def proxy(server: ScriptedServer) -> Iterator[str]:
    """The URL of a proxy that leads to Palette."""
    with Tunnels(server.port) as proxy:
        threading.Thread(target=proxy.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{proxy.server_address[1]}"
        proxy.shutdown()


@pytest.fixture
def client(
    proxy: str,
    bare_environment: None,
    clock: Clock,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> PaletteClient:
    """A client that reaches Palette through the proxy."""
    CA.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    return client_of("https://palette.invalid", verify=str(tmp_path / "ca.pem"))


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_proxy_repeats_no_write_whose_answer_is_lost(
    server: ScriptedServer, client: PaletteClient, method: str
) -> None:
    server.script(SILENT)
    error = error_of(client.call, method, VMS)
    assert error.outcome_unknown
    assert error.reason == "unreachable"
    assert "check the proxy in HTTPS_PROXY" in error.message
    assert len(server.received) == 1


def test_proxy_repeats_a_read_whose_answer_is_lost(
    server: ScriptedServer, client: PaletteClient
) -> None:
    server.script(SILENT, SILENT, Answer({"a": 1}))
    assert client.call("GET", VMS) == {"a": 1}

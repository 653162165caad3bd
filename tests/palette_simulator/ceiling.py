# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulator's own ceiling: PYTHONPATH=tests python -m palette_simulator.ceiling.

Requests are sent in batches over one connection, so that the client costs next to nothing.
"""

from __future__ import annotations

import json
import socket
import sys
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from palette_simulator.launch import Simulator

VMS = 10_000
_BATCH = 50
_NAMESPACE = "fleet"


def measure(vms: int = VMS, requests: int = 10_000) -> dict[str, int]:
    """Requests a second for each kind of request, against a fleet of so many VMs."""
    with Simulator.running(vms=vms, rate_limits="off", timing="spread") as palette:
        connection = _Connection(palette.url)
        project, cluster = connection.find_cluster()
        vm_api = f"/v1/spectroclusters/{cluster}/vms"

        def create(number: int) -> bytes:
            name = f"vm-{number % vms + 1:05}"
            source = {"apiGroup": "kubevirt.io", "kind": "VirtualMachine", "name": name}
            body = {"metadata": {"name": f"s{number}"}, "spec": {"source": source}}
            path = f"{vm_api}/{name}/snapshot?namespace={_NAMESPACE}"
            return _request("POST", path, project, json.dumps(body))

        def get(path: str) -> Callable[[int], bytes]:
            return lambda _number: _request("GET", vm_api + path, project)

        return {
            "get a VM": connection.rate(get(f"/vm-00001?namespace={_NAMESPACE}"), requests),
            "create a snapshot": connection.rate(create, min(requests, vms)),
            "list 50 VMs": connection.rate(get("?limit=50"), requests // 10),
            "list 50 snapshots": connection.rate(get("/snapshot?limit=50"), requests // 10),
        }


class _Connection:
    def __init__(self, url: str) -> None:
        address = urlsplit(url)
        self._socket = socket.create_connection((address.hostname or "", address.port or 0))
        self._file = self._socket.makefile("rb")

    def find_cluster(self) -> tuple[str, str]:
        """The uids of the fleet's first project and of its first cluster with VMs."""
        project = self._first("/v1/dashboard/projects/metadata", "")
        return project, self._first("/v1/dashboard/spectroclusters/vms", project)

    def rate(self, request: Callable[[int], bytes], count: int) -> int:
        """Send requests numbered from 0, and say how many were answered a second."""
        batches = [
            b"".join(request(number) for number in range(first, first + _BATCH))
            for first in range(0, count, _BATCH)
        ]
        started = time.perf_counter()
        for batch in batches:
            self._socket.sendall(batch)
            for _number in range(_BATCH):
                self._read()
        return round(len(batches) * _BATCH / (time.perf_counter() - started))

    def _first(self, path: str, project: str) -> str:
        self._socket.sendall(_request("GET", path, project))
        uid: str = json.loads(self._read())["items"][0]["metadata"]["uid"]
        return uid

    def _read(self) -> bytes:
        status = self._file.readline()
        if b" 200 " not in status:
            raise RuntimeError(f"unexpected answer: {status.decode()}")
        length = 0
        while (line := self._file.readline()) != b"\r\n":
            name, _colon, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        return self._file.read(length)


def _request(method: str, path: str, project: str, body: str = "") -> bytes:
    headers: dict[str, Any] = {
        "Host": "localhost",
        "ApiKey": "demo-key",
        "Content-Type": "application/json",
        "Content-Length": len(body),
    }
    if project:
        headers["ProjectUid"] = project
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {text}" for name, text in headers.items())]
    return "\r\n".join([*lines, "", body]).encode()


def main() -> None:
    """Print the figures."""
    for what, rate in measure().items():
        sys.stdout.write(f"{what:20} {rate:6} requests/s\n")


if __name__ == "__main__":
    main()

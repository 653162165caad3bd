# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulator's own ceiling: how much it answers to several processes that do nothing but ask."""

from __future__ import annotations

import json
import socket
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from urllib.parse import urlsplit

from benchmarks import by_hand
from benchmarks.by_hand import NAMESPACE
from benchmarks.figures import Check
from benchmarks.testbed import Testbed, Uids, vm_names

_CLIENTS = 3
_VMS = 6_000
_LISTS = 600


def ceiling() -> list[Check]:
    """Ask for snapshots and for pages of 50, each client one request after the other."""
    with Testbed.open(vms=_VMS) as testbed:
        creations = [_creation(testbed.uids, name) for name in vm_names(_VMS)]
        listing = [_request(testbed.uids, "GET", f"?namespace={NAMESPACE}&limit=50")] * _LISTS
        rates = [_rate(testbed.palette.url, requests) for requests in (creations, listing)]
    return [
        Check("simulator: creations", rates[0], None, "a second"),
        Check("simulator: pages of 50 VMs", rates[1], None, "a second"),
    ]


def _rate(url: str, requests: list[bytes]) -> float:
    shares = [requests[first::_CLIENTS] for first in range(_CLIENTS)]
    with ProcessPoolExecutor(_CLIENTS) as clients:
        list(clients.map(partial(_ask, url), [share[:1] for share in shares]))  # all are awake
        started = time.perf_counter()
        list(clients.map(partial(_ask, url), shares))
        return len(requests) / (time.perf_counter() - started)


def _ask(url: str, requests: list[bytes]) -> None:
    """Send requests over one connection. An HTTP library would cost more than the server does."""
    address = urlsplit(url)
    with socket.create_connection((address.hostname or "", address.port or 0)) as connection:
        answers = connection.makefile("rb")
        for request in requests:
            connection.sendall(request)
            length = 0
            while (line := answers.readline()) != b"\r\n":
                name, _colon, value = line.partition(b":")
                length = int(value) if name.lower() == b"content-length" else length
            answers.read(length)


def _creation(uids: Uids, vm: str) -> bytes:
    target = f"/{vm}/snapshot?namespace={NAMESPACE}"
    return _request(uids, "POST", target, json.dumps(by_hand.body(vm)))


def _request(uids: Uids, method: str, target: str, body: str = "") -> bytes:
    headers = {
        "Host": "localhost",
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        **by_hand.headers(uids.project),
    }
    lines = [f"{method} {by_hand.path_of_vms(uids.cluster)}{target} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", body]).encode()

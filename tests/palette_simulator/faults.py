# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults that tests inject: errors, delays, cut connections, answers that are not JSON."""

from __future__ import annotations

import asyncio
import contextlib
import re
from email.utils import formatdate
from typing import Any, Literal

import msgspec
from starlette.responses import Response

from palette_simulator.changes import VMChange
from palette_simulator.errors import error_body

Action = Literal[
    "status",
    "html",
    "redirect",
    "retry_after",
    "delay",
    "drop_before",
    "drop_after",
    "truncate",
    "change_vm",
]


class Fault(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What happens to the next requests that match; README.md has a table of the actions."""

    action: Action
    method: str = ""
    path: str = ""
    """a regular expression that is searched for in the path"""
    times: int | None = 1
    """how many requests; null for all"""
    skip: int = 0
    """how many matching requests pass before"""
    status: int | None = None
    body: Any = None
    headers: dict[str, str] = {}
    location: str = ""
    retry_after: float = 1.0
    http_date: bool = False
    seconds: float = 0.0
    carry_out: bool = False
    """whether the request is carried out although another answer is given"""
    vm: str = ""
    """cluster/namespace/name of the VM that changes"""
    change: VMChange = msgspec.field(default_factory=VMChange)

    def __post_init__(self) -> None:
        """Check the expression, and that it is said which VM changes."""
        try:
            re.compile(self.path)
        except re.error as error:
            raise ValueError(f"path is not a regular expression: {error}") from None
        if (self.action == "change_vm") != bool(self.vm):
            raise ValueError("vm goes with the action change_vm, and with no other")

    def matches(self, method: str, path: str) -> bool:
        """Whether a request is meant."""
        return self.method in ("", method) and re.search(self.path, path) is not None

    def response(self, now: float) -> Response | None:
        """The answer given instead of Palette's; None where the action gives none.

        now: by the server's clock.
        """
        if self.action == "html":
            page = "<html><body><h1>502 Bad Gateway</h1></body></html>"
            return Response(page, self.status or 502, self.headers, "text/html")
        if self.action == "redirect":
            return Response(b"", self.status or 302, {"location": self.location, **self.headers})
        if self.action == "retry_after":
            return self._json(429, {"retry-after": self._retry_after(now), **self.headers})
        if self.action == "status":
            return self._json(500, self.headers)
        return None

    def _retry_after(self, now: float) -> str:
        if self.http_date:
            return formatdate(now + self.retry_after, usegmt=True)
        return f"{self.retry_after:g}"

    def _json(self, status: int, headers: dict[str, str]) -> Response:
        status = self.status or status
        if isinstance(self.body, str):
            return Response(self.body, status, headers, "text/plain")
        code = "TooManyRequests" if status == 429 else "InjectedFault"
        body = error_body(code, f"injected fault {status}")
        if self.body is not None:
            body = msgspec.json.encode(self.body)
        return Response(body, status, headers, "application/json")


class FaultList:
    """The faults that wait for their requests, in the order they were injected."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._cleared = asyncio.Event()

    def add(self, faults: list[Fault]) -> None:
        """Inject faults."""
        self._faults += faults

    def clear(self) -> None:
        """Take all faults back, and let go what they delay."""
        self._faults.clear()
        self._cleared.set()
        self._cleared = asyncio.Event()

    async def delay(self, seconds: float) -> None:
        """Wait for so long, or until all faults are taken back."""
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._cleared.wait(), seconds)

    def pending(self) -> list[Fault]:
        """The faults that have not been used up."""
        return self._faults

    def take(self, method: str, path: str) -> Fault | None:
        """The fault for a request, if any; it is used up by one."""
        for fault in self._faults:
            if fault.matches(method, path):
                return self._use(fault)
        return None

    def _use(self, fault: Fault) -> Fault | None:
        if fault.skip:
            fault.skip -= 1
            return None
        if fault.times is not None:
            fault.times -= 1
            if fault.times <= 0:
                self._faults.remove(fault)
        return fault

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sick clusters: Palette is well, but what it would ask them fails, each in its own way."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Literal

import msgspec
from starlette.responses import Response

from palette_simulator.errors import (
    ApiError,
    KubernetesError,
    cluster_not_found,
    error_response,
    status_response,
)
from palette_simulator.kubernetes.access import DIRECT, PROXY
from palette_simulator.switches import Switches

Kind = Literal["503", "403", "500", "404", "hang", "reset"]
Since = Literal["start", "write", "wait"]
Api = Literal["", "palette", "own"]
"""which of a cluster's APIs fails: what Palette asks of it, its own, or both"""

_WRITES = ("POST", "PUT", "PATCH", "DELETE")
_VM_PATHS = ("", "v1", "spectroclusters", "vms")


class Complaint(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What ails a cluster; README.md has a table of the kinds."""

    kind: Kind
    since: Since = "start"
    api: Api = ""


class Sickness(msgspec.Struct, kw_only=True):
    """What ails a cluster, and how often it has struck."""

    cluster: str
    uid: str
    kind: Kind
    since: Since
    api: Api
    broken_out: bool
    healed: bool = False
    strikes: int = 0

    def concerns(self, api: Api) -> bool:
        """Whether it is about one of the cluster's APIs."""
        return self.api in ("", api)

    def strikes_at(self, method: str) -> bool:
        """Whether a request fails; if so, it is counted."""
        if self.healed:
            return False
        if self.since == "write" and method in _WRITES:
            self.broken_out = True
        self.strikes += self.broken_out
        return self.broken_out

    def answered(self, method: str) -> None:
        """Note that a request was answered."""
        if self.since == "wait" and method in _WRITES:
            self.broken_out = True

    def answer(self, switches: Switches, by_kubernetes: bool = False) -> Response | None:
        """The answer to a struck request, of Palette or the cluster; None where there is none."""
        if self.kind == "503":
            page = "<html><body><h1>503 Service Temporarily Unavailable</h1></body></html>"
            return Response(page, 503, media_type="text/html")
        if by_kubernetes and self.kind in _STATUSES:
            return status_response(_STATUSES[self.kind])
        error = _error(self.kind, switches)
        return error_response(error, switches) if error else None


_STATUSES = {
    "403": KubernetesError(403, "Forbidden", "access to the cluster is forbidden"),
    "500": KubernetesError(500, "InternalError", "Internal error occurred: etcd leader changed"),
    "404": KubernetesError(404, "NotFound", "the server could not find the requested resource"),
}


# See docs/palette.md, "Palette's statuses and codes".
def _error(kind: Kind, switches: Switches) -> ApiError | None:
    newer = switches.palette_version == "4.9"
    if kind == "403":
        code = "ResOperationForbidden" if newer else "OperationForbidden"
        return ApiError(403, code, "Operation is not allowed on the cluster")
    if kind == "500":
        code = "ClusterFeatureTimeoutError" if newer else "InternalServerError"
        return ApiError(500, code, "The cluster did not answer in time")
    return cluster_not_found() if kind == "404" else None


class Ward:
    """The clusters that are or were sick, since the start or the last reset."""

    def __init__(self) -> None:
        self._sick: dict[str, Sickness] = {}
        self._healed: dict[str, asyncio.Event] = {}

    def admit(self, name: str, uid: str, complaint: Complaint) -> None:
        """Let a cluster be sick from now on; its strikes are counted anew."""
        self.discharge(uid)
        self._sick[uid] = Sickness(
            cluster=name,
            uid=uid,
            kind=complaint.kind,
            since=complaint.since,
            api=complaint.api,
            broken_out=complaint.since == "start",
        )
        self._healed[uid] = asyncio.Event()

    def discharge(self, uid: str) -> None:
        """Heal a cluster, and let go what hangs."""
        if uid in self._sick:
            self._sick[uid].healed = True
            self._healed[uid].set()

    def clear(self) -> None:
        """Heal all, and forget their strikes."""
        for uid in self._sick:
            self.discharge(uid)
        self._sick.clear()
        self._healed.clear()

    def all(self) -> list[Sickness]:
        """Every sickness there is or was, one for each cluster."""
        return list(self._sick.values())

    def of(self, path: str) -> Sickness | None:
        """The sickness of the cluster whose VMs or snapshots, or whose own API, a path is about."""
        if not self._sick:
            return None
        if path.startswith((DIRECT, PROXY)):
            return self._of(path.split("/")[2], "own")
        empty, version, resource, uid, vms, *_more = [*path.split("/"), "", "", "", "", ""]
        if (empty, version, resource, vms) != _VM_PATHS:
            return None
        return self._of(uid, "palette")

    def _of(self, uid: str, api: Api) -> Sickness | None:
        sickness = self._sick.get(uid)
        return sickness if sickness and sickness.concerns(api) else None

    def recovery(self, sickness: Sickness) -> Coroutine[Any, Any, object]:
        """What ends when a cluster is healed."""
        return self._healed[sickness.uid].wait()

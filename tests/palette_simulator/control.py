# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""/_simulator/…: what tests read and change; not part of Palette, and open to all on the host."""

from __future__ import annotations

import functools
import time
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from palette_simulator.build import new_vm
from palette_simulator.changes import ClusterChange, VMChange, find_cluster, find_vm
from palette_simulator.durations import parse_age
from palette_simulator.faults import Fault
from palette_simulator.fleet import FleetVM
from palette_simulator.palette import Palette
from palette_simulator.sickness import Complaint, Sickness
from palette_simulator.state import VM, Cluster

JSON = "application/json"
Handler = Callable[[Request, Palette, bytes], Any]


def _endpoint(handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    @functools.wraps(handler)
    async def endpoint(request: Request) -> Response:
        body = await request.body()
        try:
            answer = handler(request, request.app.state.palette, body)
        except LookupError as error:
            return _told(404, error)
        except ValueError as error:
            return _told(400, error)
        if isinstance(answer, bytes):
            return Response(answer, media_type=JSON)
        return Response(msgspec.json.encode(answer), media_type=JSON)

    return endpoint


def _told(status: int, error: Exception) -> Response:
    return Response(msgspec.json.encode({"error": str(error)}), status, media_type=JSON)


@_endpoint
def requests(request: Request, palette: Palette, body: bytes) -> bytes:
    """The request log."""
    return palette.journal.entries()


@_endpoint
def clear_requests(request: Request, palette: Palette, body: bytes) -> None:
    """Forget the request log and its counts."""
    palette.journal.clear()


@_endpoint
def faults(request: Request, palette: Palette, body: bytes) -> list[Fault]:
    """The faults that still wait for a request."""
    return palette.faults.pending()


@_endpoint
def inject(request: Request, palette: Palette, body: bytes) -> list[Fault]:
    """Inject faults."""
    injected = msgspec.json.decode(body, type=list[Fault])
    for fault in injected:
        if fault.vm:
            find_vm(palette.state, fault.vm)
    palette.faults.add(injected)
    return palette.faults.pending()


@_endpoint
def clear_faults(request: Request, palette: Palette, body: bytes) -> None:
    """Take all faults back."""
    palette.faults.clear()


@_endpoint
def sicknesses(request: Request, palette: Palette, body: bytes) -> list[Sickness]:
    """What ails or ailed the clusters, and how often it has struck."""
    return palette.ward.all()


@_endpoint
def sicken(request: Request, palette: Palette, body: bytes) -> None:
    """Let a cluster be sick."""
    complaint = msgspec.json.decode(body, type=Complaint)
    cluster = find_cluster(palette.state, request.path_params["cluster"])
    palette.ward.admit(cluster.name, cluster.uid, complaint)


@_endpoint
def heal(request: Request, palette: Palette, body: bytes) -> None:
    """Let a cluster be well again; its strikes are still told."""
    palette.ward.discharge(find_cluster(palette.state, request.path_params["cluster"]).uid)


@_endpoint
def stats(request: Request, palette: Palette, body: bytes) -> dict[str, Any]:
    """Counts of requests, and of what the clusters hold."""
    now = time.time()
    clusters = palette.state.clusters.values()
    for cluster in clusters:
        cluster.sweep(now)
    tolls = [cluster.toll(now) for cluster in clusters]
    return {
        **palette.journal.stats(),
        "vms": sum(len(cluster.vms) for cluster in clusters),
        "snapshots": sum(len(cluster.snapshots) for cluster in clusters),
        "retained_contents": [name for c in clusters for name in c.retained_contents],
        "failed": sum(toll.failed for toll in tolls),
        "longest_freeze": round(max((toll.longest_freeze for toll in tolls), default=0.0), 3),
    }


@_endpoint
def reset(request: Request, palette: Palette, body: bytes) -> None:
    """Start again from the fleet file."""
    palette.reset()


@_endpoint
def switches(request: Request, palette: Palette, body: bytes) -> object:
    """Change switches; answers with all of them."""
    palette.switch(msgspec.json.decode(body))
    return palette.switches


@_endpoint
def change_cluster(request: Request, palette: Palette, body: bytes) -> None:
    """Change a cluster's state, or the pace of its storage."""
    change = msgspec.json.decode(body, type=ClusterChange)
    change.apply(find_cluster(palette.state, request.path_params["cluster"]))
    palette.pace_storage()


@_endpoint
def change_vm(request: Request, palette: Palette, body: bytes) -> None:
    """Change a VM's state or behaviour; its snapshots in progress follow."""
    change = msgspec.json.decode(body, type=VMChange)
    change.apply(palette.state, request.path_params["vm"])


@_endpoint
def make_vm(request: Request, palette: Palette, body: bytes) -> None:
    """Make a VM, with the keys of a fleet file; one of its name is deleted before."""
    wanted, now = request.path_params, time.time()
    cluster = find_cluster(palette.state, wanted["cluster"])
    given = msgspec.json.decode(body, type=dict[str, Any])
    if "snapshots" in given:
        raise ValueError("a VM that is made has no snapshots yet")
    names = {"name": wanted["vm"], "namespace": wanted["namespace"]}
    seed = msgspec.convert({"age": "0", **given, **names}, FleetVM)
    key = seed.namespace, seed.name
    if key in cluster.vms:
        _delete(cluster, cluster.vms[key], now)
    if key in cluster.vms:
        raise ValueError(f"VM {seed.name} stays until its snapshot is taken")
    cluster.add_vm(new_vm(seed, cluster, now - parse_age(seed.age)), now)


@_endpoint
def delete_vm(request: Request, palette: Palette, body: bytes) -> None:
    """Delete a VM, as a user of Palette would; its snapshots stay."""
    cluster, vm = find_vm(palette.state, request.path_params["vm"])
    _delete(cluster, vm, time.time())


def control_app(palette: Palette) -> Starlette:
    """The application behind /_simulator/."""
    routes = [
        Route("/_simulator/requests", requests, methods=["GET"]),
        Route("/_simulator/requests", clear_requests, methods=["DELETE"]),
        Route("/_simulator/faults", faults, methods=["GET"]),
        Route("/_simulator/faults", inject, methods=["POST"]),
        Route("/_simulator/faults", clear_faults, methods=["DELETE"]),
        Route("/_simulator/sick", sicknesses, methods=["GET"]),
        Route("/_simulator/sick/{cluster}", sicken, methods=["POST"]),
        Route("/_simulator/sick/{cluster}", heal, methods=["DELETE"]),
        Route("/_simulator/stats", stats, methods=["GET"]),
        Route("/_simulator/reset", reset, methods=["POST"]),
        Route("/_simulator/switches", switches, methods=["POST"]),
        Route("/_simulator/clusters/{cluster}", change_cluster, methods=["POST"]),
        Route("/_simulator/vms/{vm:path}", change_vm, methods=["POST"]),
        Route("/_simulator/vms/{cluster}/{namespace}/{vm}", make_vm, methods=["PUT"]),
        Route("/_simulator/vms/{vm:path}", delete_vm, methods=["DELETE"]),
    ]
    app = Starlette(routes=routes)
    app.state.palette = palette
    return app


def _delete(cluster: Cluster, vm: VM, now: float) -> None:
    cluster.delete_vm(vm, now)
    cluster.sweep(now)

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of a cluster's own API that kubernetes.core.k8s needs to take snapshots.

It serves the first cluster of a simulated Palette: its VMs, its delays and its failures, under the
paths of Kubernetes. Run as a process of its own, with the simulator's command line:
python -m benchmarks.kubevirt
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from palette_simulator import snapshots
from palette_simulator.__main__ import main
from palette_simulator.palette import Palette
from palette_simulator.render import GROUP_VERSION

_GROUP, _VERSION = GROUP_VERSION.split("/")
_SNAPSHOTS = f"/apis/{GROUP_VERSION}/namespaces/{{namespace}}/virtualmachinesnapshots"


def kubevirt_app(palette: Palette) -> Starlette:
    """Return the API of a Palette's first cluster."""
    routes = [
        Route("/version", version),
        Route("/apis", list_groups),
        Route(f"/apis/{GROUP_VERSION}", list_resources),
        Route(_SNAPSHOTS, create_snapshot, methods=["POST"]),
        Route(_SNAPSHOTS + "/{snapshot}", get_snapshot),
    ]
    app = Starlette(routes=routes)
    app.state.palette = palette
    return app


async def version(request: Request) -> Response:
    """Which Kubernetes this is."""
    return JSONResponse({"major": "1", "minor": "31", "gitVersion": "v1.31.0"})


async def list_groups(request: Request) -> Response:
    """Which groups of resources there are."""
    served = {"groupVersion": GROUP_VERSION, "version": _VERSION}
    group = {"name": _GROUP, "versions": [served], "preferredVersion": served}
    return JSONResponse({"kind": "APIGroupList", "apiVersion": "v1", "groups": [group]})


async def list_resources(request: Request) -> Response:
    """Which resources the group of snapshots has."""
    resource = {
        "name": "virtualmachinesnapshots",
        "singularName": "virtualmachinesnapshot",
        "namespaced": True,
        "kind": "VirtualMachineSnapshot",
        "verbs": ["create", "get"],
    }
    listed = {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": GROUP_VERSION}
    return JSONResponse({**listed, "resources": [resource]})


async def create_snapshot(request: Request) -> Response:
    """Create a snapshot."""
    body = await request.body()
    vm = msgspec.json.decode(body)["spec"]["source"]["name"]
    response = await snapshots.create_snapshot(_to_palette(request, vm, body))
    if response.status_code == 200:
        response.status_code = 201
    return response


async def get_snapshot(request: Request) -> Response:
    """One snapshot."""
    return await snapshots.get_snapshot(_to_palette(request, vm="any"))


def _to_palette(request: Request, vm: str, body: bytes = b"") -> Request:
    """Return the request as Palette gets it."""
    palette: Palette = request.app.state.palette
    cluster = next(iter(palette.state.clusters.values()))
    headers = {
        "apikey": next(iter(palette.state.callers)),
        "projectuid": cluster.project_uid,
        "content-type": request.headers.get("content-type", ""),
    }
    scope = {
        **request.scope,
        "path_params": {**request.path_params, "uid": cluster.uid, "vm": vm},
        "query_string": urlencode({"namespace": request.path_params["namespace"]}).encode(),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body}

    return Request(scope, receive)


if __name__ == "__main__":
    main(kubevirt_app)

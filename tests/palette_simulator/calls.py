# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every API operation has in common: key, scope, permission, clock, and telling errors."""

from __future__ import annotations

import functools
import re
import time
from collections.abc import Awaitable, Callable, Sequence

from starlette.requests import Request
from starlette.responses import Response

from palette_simulator.contract import (
    HARD_MAXIMUM,
    csv_parameter,
    required_parameter,
    whole_parameter,
)
from palette_simulator.errors import (
    ApiError,
    KubernetesError,
    cluster_not_found,
    error_response,
    forbidden,
)
from palette_simulator.marshal import Shape, encode
from palette_simulator.paging import Position, decode_token
from palette_simulator.palette import Palette
from palette_simulator.state import Caller, Cluster, Key

JSON = "application/json"


class Call:
    """One authenticated request."""

    def __init__(self, request: Request, body: bytes, palette: Palette) -> None:
        self.request = request
        self.body = body
        self.palette = palette
        self.state = palette.state
        self.switches = palette.switches
        self.now = time.time()
        self.caller = _authenticate(request, palette)
        self.project_uid = _project_scope(request, palette, self.caller)

    def path(self, name: str) -> str:
        """A path parameter."""
        value: str = self.request.path_params[name]
        return value

    def namespace(self) -> str:
        """The required namespace parameter."""
        return required_parameter(self.request, "namespace", self.switches)

    def visible_clusters(self) -> list[Cluster]:
        """The clusters of the request's scope; OperationForbidden where the key may not look."""
        if not self.project_uid:
            self.demand_tenant_access()
            if self.switches.tenant_scope == "all":
                return list(self.state.clusters.values())
        return list(self.state.clusters_in(self.project_uid))

    def cluster(self) -> Cluster:
        """The cluster in the path, swept of what has gone; not found outside the scope."""
        if not self.project_uid:
            self.demand_tenant_access()
        cluster = self.state.clusters.get(self.path("uid"))
        if cluster is None or cluster.deleted:
            raise cluster_not_found()
        if not self._in_scope(cluster):
            raise _outside_scope(self.switches.foreign_scope)
        cluster.sweep(self.now)
        return cluster

    def vm_cluster(self) -> Cluster:
        """The same, for calls that need KubeVirt there."""
        cluster = self.cluster()
        if not cluster.vm_enabled:
            message = "the server could not find the requested resource"
            raise KubernetesError(404, "NotFound", message)
        return cluster

    def page_request(self) -> tuple[Position, int]:
        """Where a Kubernetes list goes on, and how many it shows; above the maximum is clamped."""
        limit = whole_parameter(self.request, "limit", self.switches) or HARD_MAXIMUM
        text = self.request.query_params.get("continue", "")
        position = decode_token(text, self.switches.continue_lifetime, self.now)
        return position, min(limit, HARD_MAXIMUM)

    def list_namespaces(self, keys: Sequence[Key]) -> frozenset[str]:
        """The namespaces that a list is asked for, of those with these sorted keys."""
        namespaces = csv_parameter(self.request, "namespace", self.switches)
        if self.switches.several_namespaces == "together" or len(namespaces) < 2:
            return namespaces
        # Namespace by namespace: the list ends with the first one that has any.
        inhabited = namespaces & {namespace for namespace, _name in keys}
        return frozenset(sorted(inhabited or namespaces)[:1])

    def reply(self, value: dict[str, object], shape: Shape) -> Response:
        """200 with an object in the JSON style switched on."""
        return Response(encode(value, shape, self.switches), media_type=JSON)

    def demand_tenant_access(self) -> None:
        """OperationForbidden for a key that may look into projects only."""
        if not self.caller.tenant:
            raise forbidden("Operation is not allowed in the tenant scope")

    def _in_scope(self, cluster: Cluster) -> bool:
        if not self.project_uid and self.switches.tenant_scope == "all":
            return True
        return cluster.project_uid == self.project_uid


Handler = Callable[[Call], Response]
Endpoint = Callable[[Request], Awaitable[Response]]


def operation(permission: str, failing: str = "") -> Callable[[Handler], Endpoint]:
    """Make a handler an endpoint that demands a permission.

    `failing` is how Palette's wrapped errors begin; it may name path parameters. An empty
    permission asks for a valid key only.
    """

    def decorate(handler: Handler) -> Endpoint:
        @functools.wraps(handler)
        async def endpoint(request: Request) -> Response:
            body = await request.body()
            palette: Palette = request.app.state.palette
            try:
                call = Call(request, body, palette)
                _demand(permission, call.caller)
                return handler(call)
            except (ApiError, KubernetesError) as error:
                text = failing.format(**request.path_params)
                return error_response(error, palette.switches, text)

        return endpoint

    return decorate


def key_is_right(request: Request, palette: Palette) -> bool:
    """Whether a request carries a known API key."""
    return request.headers.get("apikey", "") in palette.state.callers


# See docs/palette.md, "Authentication".
def _authenticate(request: Request, palette: Palette) -> Caller:
    key = request.headers.get("apikey", "")
    caller = palette.state.callers.get(key)
    if caller:
        return caller
    style = palette.switches.auth_error_style
    if style == "invalid-key" or not key:
        raise ApiError(401, "InvalidApiKey", "The API key is missing or not valid")
    message = f"Api key '{key}' not found"
    status = 401 if style == "key-echo-401" else 404
    raise ApiError(status, "ResourceNotFound", message, {"apiKey": key})


# See docs/palette.md, "Scope".
def _project_scope(request: Request, palette: Palette, caller: Caller) -> str:
    uid = request.headers.get("projectuid", "")
    if uid and (uid not in palette.state.projects or uid not in caller.projects):
        if palette.switches.palette_version == "4.9":
            raise _bad_project(uid, uid in palette.state.projects)
        raise forbidden(f"Operation is not allowed in the project '{uid}'")
    return uid


def _outside_scope(status: str) -> ApiError:
    if status == "500":
        return ApiError(500, "InternalServerError", "Failed to get the cluster's client")
    return cluster_not_found()


# See docs/palette.md, "Palette 4.9".
def _bad_project(uid: str, exists: bool) -> ApiError:
    if exists:
        return ApiError(403, "ResourceAccessDenied", f"Access to project '{uid}' is denied")
    if _UID.fullmatch(uid):
        return ApiError(404, "ProjectNotFoundInTenant", f"Project '{uid}' not found in the tenant")
    return ApiError(404, "ResourceNotFound", f"Project '{uid}' not found")


_UID = re.compile("[0-9a-f]{24}")


def _demand(permission: str, caller: Caller) -> None:
    if permission and permission not in caller.permissions:
        raise forbidden(f"Permission '{permission}' is required for the user '{caller.user}'")

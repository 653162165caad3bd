# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every call of a cluster's own API has in common: who asks, rights, and Status errors."""

from __future__ import annotations

import functools
import time
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from palette_simulator.errors import KubernetesError, bad_request, not_found, status_response
from palette_simulator.kubernetes.access import ANONYMOUS
from palette_simulator.palette import Palette
from palette_simulator.render import Clock, clock_of
from palette_simulator.state import Cluster

JSON = "application/json"
_READS = ("get", "list")
_BODY_TYPES = ("", JSON)
_MERGE_PATCH = "application/merge-patch+json"


class Resource(NamedTuple):
    """A resource of the API, as rights and errors name it."""

    group: str
    plural: str
    kind: str
    word: str
    """what the request log calls it"""

    @property
    def name(self) -> str:
        """With its group."""
        return f"{self.plural}.{self.group}" if self.group else self.plural


class KubeCall:
    """One request of a user that the cluster knows."""

    def __init__(self, request: Request, body: bytes, palette: Palette) -> None:
        self.request = request
        self.body = body
        self.switches = palette.switches
        self.now = time.time()
        cluster = palette.state.clusters.get(request.path_params["uid"])
        if cluster is None or cluster.deleted:
            raise no_such_path()
        cluster.sweep(self.now)
        self.cluster: Cluster = cluster
        self.user = _authenticate(request, palette)

    @property
    def namespace(self) -> str:
        """The namespace in the path; empty for a list of all."""
        return self.path("namespace")

    @property
    def clock(self) -> Clock:
        """How the cluster's clock shows a moment."""
        return clock_of(self.switches.clock_offset)

    def path(self, name: str) -> str:
        """A path parameter, empty where the path has none."""
        value: str = self.request.path_params.get(name, "")
        return value

    def query(self, name: str) -> str:
        """A query parameter, empty where there is none."""
        return self.request.query_params.get(name, "")

    # See docs/palette.md, "Requests that are refused".
    def demand(self, verb: str, resource: Resource, subresource: str = "") -> None:
        """Raise Forbidden where the user has no right to this."""
        if _may(self.user, self.switches.cluster_rights, verb, resource):
            return
        name = self.path("name")
        plural = f"{resource.plural}/{subresource}" if subresource else resource.plural
        group = "subresources.kubevirt.io" if subresource else resource.group
        where = f'in the namespace "{self.namespace}"' if self.namespace else "at the cluster scope"
        about = f'{resource.name} "{name}"' if name else resource.name
        message = (
            f'{about} is forbidden: User "{self.user}" cannot {verb} resource "{plural}" '
            f'in API group "{group}" {where}'
        )
        details = {"name": name, "group": resource.group, "kind": resource.plural}
        details = {key: text for key, text in details.items() if text}
        raise KubernetesError(403, "Forbidden", message, details)

    def demand_kubevirt(self, resource: Resource) -> None:
        """Raise where the cluster does not know KubeVirt's resources."""
        if resource.group and not self.cluster.vm_enabled:
            raise no_such_path()

    def read_object(self) -> dict[str, Any]:
        """The body, which has to be a JSON object."""
        return self._read(_BODY_TYPES, "application/json")

    def read_patch(self) -> dict[str, Any]:
        """The body of a merge patch; other kinds of patches are not simulated."""
        return self._read((_MERGE_PATCH,), _MERGE_PATCH)

    def _read(self, types: tuple[str, ...], accepted: str) -> dict[str, Any]:
        given = self.request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if given not in types:
            text = f"the body of the request was in an unknown format - accepted: {accepted}"
            raise KubernetesError(415, "UnsupportedMediaType", text)
        try:
            return msgspec.json.decode(self.body, type=dict[str, Any])
        except msgspec.DecodeError as error:
            raise bad_request(f"couldn't get version/kind; json parse error: {error}") from None


Handler = Callable[[KubeCall], Response]
Endpoint = Callable[[Request], Awaitable[Response]]


def endpoint(name: str, handler: Handler) -> Endpoint:
    """Make a handler an endpoint; the request log calls it by the name."""

    async def answer(request: Request) -> Response:
        body = await request.body()
        palette: Palette = request.app.state.palette
        try:
            return handler(KubeCall(request, body, palette))
        except KubernetesError as error:
            return status_response(error)

    answer.__name__ = name
    return answer


def reply(value: object, status: int = 200) -> Response:
    """An object as JSON."""
    return Response(msgspec.json.encode(value), status, media_type=JSON)


def no_such_path() -> KubernetesError:
    """The API has no such resource."""
    return KubernetesError(404, "NotFound", "the server could not find the requested resource", {})


def missing(resource: Resource, name: str) -> KubernetesError:
    """There is no such object."""
    return not_found(resource.name, name)


def _authenticate(request: Request, palette: Palette) -> str:
    user = palette.access.user_of(
        request.path_params["uid"],
        request.scope.get("state", {}).get("certificate"),
        request.headers.get("authorization", ""),
    )
    if user is None:
        raise KubernetesError(401, "Unauthorized", "Unauthorized")
    return user


@functools.cache
def _may(user: str, rights: str, verb: str, resource: Resource) -> bool:
    if user == ANONYMOUS or rights == "none":
        return False
    if rights == "view":
        return verb in _READS
    return rights == "all" or resource.plural != "persistentvolumeclaims"

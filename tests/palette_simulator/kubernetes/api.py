# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The clusters' own API: what there is to read, power, and the routes to all of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from palette_simulator import render
from palette_simulator.errors import (
    INSTANCE,
    VM_SINGULAR,
    KubernetesError,
    bad_request,
    not_found,
    status_response,
)
from palette_simulator.kubernetes import power, restore_calls
from palette_simulator.kubernetes.calls import (
    Endpoint,
    Handler,
    KubeCall,
    Resource,
    endpoint,
    missing,
    no_such_path,
    reply,
)
from palette_simulator.kubernetes.objects import claim_object, content_object, instance_object
from palette_simulator.kubernetes.restore_calls import RESTORES
from palette_simulator.paging import decode_token, page_of
from palette_simulator.palette import Palette
from palette_simulator.snapshots import moment_of
from palette_simulator.state import VM, Cluster, Key, Snapshot, content_name

Object = dict[str, Any]
VMS = Resource("kubevirt.io", "virtualmachines", "VirtualMachine", "vm")
INSTANCES = Resource("kubevirt.io", "virtualmachineinstances", "VirtualMachineInstance", "instance")
CLAIMS = Resource("", "persistentvolumeclaims", "PersistentVolumeClaim", "claim")
SNAPSHOTS = Resource(
    "snapshot.kubevirt.io", "virtualmachinesnapshots", "VirtualMachineSnapshot", "snapshot"
)
CONTENTS = Resource(
    "snapshot.kubevirt.io",
    "virtualmachinesnapshotcontents",
    "VirtualMachineSnapshotContent",
    "content",
)


class Shelf(NamedTuple):
    """Where the objects of a resource are, and how one is shown; None: it is not there now."""

    resource: Resource
    base: str
    objects: Callable[[Cluster], Mapping[Key, Any]]
    show: Callable[[KubeCall, Any], Object | None]


def _show_vm(call: KubeCall, vm: VM) -> Object:
    holder = call.cluster.holder(vm.key, call.now)
    return render.vm_object(vm, holder, vm.sight(call.now), call.clock)


def _show_instance(call: KubeCall, vm: VM) -> Object | None:
    instance = vm.sight(call.now).instance
    return instance_object(vm, instance, call.now, call.clock) if instance else None


def _show_claim(call: KubeCall, claim: Any) -> Object:
    return claim_object(claim, call.now, call.clock)


def _show_snapshot(call: KubeCall, snapshot: Any) -> Object:
    moment = moment_of(snapshot, call.cluster, call.now)
    body = render.snapshot_object(snapshot, moment, call.clock)
    return {**body, "apiVersion": f"{SNAPSHOTS.group}/{call.path('version')}"}


def _contents(cluster: Cluster) -> Mapping[Key, Snapshot]:
    return {(each.namespace, content_name(each)): each for each in cluster.snapshots.values()}


def _show_content(call: KubeCall, snapshot: Snapshot) -> Object | None:
    if snapshot.content is None or not snapshot.names_content(call.now):
        return None
    return content_object(snapshot, snapshot.content, call.path("version"), call.clock)


_SHELVES = (
    Shelf(VMS, "apis/kubevirt.io/v1", lambda cluster: cluster.vms, _show_vm),
    Shelf(INSTANCES, "apis/kubevirt.io/v1", lambda cluster: cluster.vms, _show_instance),
    Shelf(CLAIMS, "api/v1", lambda cluster: cluster.claims, _show_claim),
    Shelf(
        SNAPSHOTS,
        "apis/snapshot.kubevirt.io/{version}",
        lambda cluster: cluster.snapshots,
        _show_snapshot,
    ),
    Shelf(CONTENTS, "apis/snapshot.kubevirt.io/{version}", _contents, _show_content),
    Shelf(
        RESTORES,
        "apis/snapshot.kubevirt.io/{version}",
        lambda cluster: cluster.restores.all,
        restore_calls.show,
    ),
)
_VERSIONS = ("v1beta1", "v1alpha1")


def _get(shelf: Shelf, call: KubeCall) -> Response:
    call.demand("get", shelf.resource)
    found = shelf.objects(call.cluster).get((call.namespace, call.path("name")))
    body = None if found is None else shelf.show(call, found)
    if body is None:
        raise missing(shelf.resource, call.path("name"))
    return reply(body)


def _list(shelf: Shelf, call: KubeCall) -> Response:
    call.demand("list", shelf.resource)
    if call.query("watch") in ("true", "1"):
        raise bad_request("the simulator does not watch")
    objects = shelf.objects(call.cluster)
    within = sorted(key for key in objects if call.namespace in ("", key[0]))
    shown = {key: shelf.show(call, objects[key]) for key in within}
    chosen = {key: body for key, body in shown.items() if body and _is_wanted(call, body)}
    keys = list(chosen)
    position = decode_token(call.query("continue"), call.switches.continue_lifetime, call.now)
    limit = max(int(call.query("limit") or 0), 0) or len(keys) + 1
    page = page_of(keys, position, limit)
    metadata: Object = {"resourceVersion": call.cluster.resource_version()}
    if page.token:
        metadata["continue"] = page.token
        if not (call.query("labelSelector") or call.query("fieldSelector")):
            metadata["remainingItemCount"] = page.remaining
    group = shelf.base.removeprefix("apis/").removeprefix("api/")
    return reply(
        {
            "apiVersion": group.format(version=call.path("version")),
            "kind": f"{shelf.resource.kind}List",
            "metadata": metadata,
            "items": [chosen[key] for key in page.keys],
        }
    )


def _is_wanted(call: KubeCall, body: Object) -> bool:
    """Whether an object passes the selectors: labels by equality, fields by name."""
    metadata = body["metadata"]
    fields = {f"metadata.{key}": metadata[key] for key in ("name", "namespace")}
    return _passes(call.query("labelSelector"), metadata.get("labels", {})) and _passes(
        call.query("fieldSelector"), fields
    )


def _passes(selector: str, values: Mapping[str, str]) -> bool:
    for term in filter(None, selector.split(",")):
        key, equals, wanted = term.replace("==", "=").partition("=")
        if not equals or key.endswith("!") or "(" in term:
            raise bad_request(f"the simulator does not select by {term}")
        if values.get(key) != wanted:
            return False
    return True


def _delete_claim(call: KubeCall) -> Response:
    call.demand("delete", CLAIMS)
    key = call.namespace, call.path("name")
    claim = call.cluster.claims.get(key)
    if claim is None:
        raise missing(CLAIMS, key[1])
    call.cluster.delete_claim(claim, call.now)
    return reply(claim_object(claim, call.now, call.clock))


def _patch_vm(call: KubeCall) -> Response:
    """Change a VM's annotations, which is all that the collection changes of it."""
    call.demand("patch", VMS)
    changes = call.read_patch()
    vm = call.cluster.vms.get((call.namespace, call.path("name")))
    if vm is None:
        raise missing(VMS, call.path("name"))
    given = (changes.get("metadata") or {}).get("annotations") or {}
    merged = {**vm.annotations, **given}
    vm.annotations = {key: text for key, text in merged.items() if text is not None}
    vm.version = call.cluster.next_version()
    return reply(_show_vm(call, vm))


class _Verb(NamedTuple):
    """A power call: its subresource, and whether it is about the instance."""

    name: str
    of_instance: bool
    change: Callable[[Cluster, VM, float], None]


_VERBS = (
    _Verb("start", False, power.start),
    _Verb("stop", False, power.stop),
    _Verb("restart", False, power.restart),
    _Verb("pause", True, power.pause),
    _Verb("unpause", True, power.resume),
)


# See docs/palette.md, "Power".
def _power(verb: _Verb, call: KubeCall) -> Response:
    call.demand("update", INSTANCES if verb.of_instance else VMS, verb.name)
    vm = call.cluster.vms.get((call.namespace, call.path("name")))
    if vm is None:
        raise not_found(INSTANCE if verb.of_instance else VM_SINGULAR, call.path("name"))
    verb.change(call.cluster, vm, call.now)
    return Response(status_code=200 if verb.of_instance else 202)


def _version(_call: KubeCall) -> Response:
    return reply({"major": "1", "minor": "33", "gitVersion": "v1.33.5"})


def kubernetes_app(palette: Palette) -> Starlette:
    """The API of all clusters."""
    routes = [_route("GET", "version", "k8s_version", _version)]
    for shelf in _SHELVES:
        routes += _read_routes(shelf)
    claim = f"api/v1/namespaces/{{namespace}}/{CLAIMS.plural}/{{name}}"
    routes.append(_route("DELETE", claim, "k8s_delete_claim", _delete_claim))
    vm = f"apis/kubevirt.io/v1/namespaces/{{namespace}}/{VMS.plural}/{{name}}"
    routes.append(_route("PATCH", vm, "k8s_patch_vm", _of_kubevirt(VMS, _patch_vm)))
    for verb in _VERBS:
        plural = INSTANCES.plural if verb.of_instance else VMS.plural
        path = f"apis/subresources.kubevirt.io/v1/namespaces/{{namespace}}/{plural}/{{name}}"
        power_call = partial(_power, verb)
        routes.append(_route("PUT", f"{path}/{verb.name}", f"k8s_{verb.name}_vm", power_call))
    restores = f"apis/snapshot.kubevirt.io/{{version}}/namespaces/{{namespace}}/{RESTORES.plural}"
    for method, word, handler in restore_calls.WRITES:
        path = restores if method == "POST" else f"{restores}/{{name}}"
        known = _of_kubevirt(RESTORES, handler)
        routes.append(_route(method, path, f"k8s_{word}_restore", known))
    handlers: dict[Any, Any] = {404: _not_routed, 405: _not_routed}
    app = Starlette(routes=routes, exception_handlers=handlers)
    app.router.redirect_slashes = False
    app.state.palette = palette
    return app


def _read_routes(shelf: Shelf) -> list[Route]:
    plural, word = shelf.resource.plural, shelf.resource.word
    listing = _of_kubevirt(shelf.resource, partial(_list, shelf))
    getting = _of_kubevirt(shelf.resource, partial(_get, shelf))
    within = f"{shelf.base}/namespaces/{{namespace}}/{plural}"
    return [
        _route("GET", f"{shelf.base}/{plural}", f"k8s_list_{word}s", listing),
        _route("GET", within, f"k8s_list_{word}s", listing),
        _route("GET", f"{within}/{{name}}", f"k8s_get_{word}", getting),
    ]


def _of_kubevirt(resource: Resource, handler: Handler) -> Handler:
    """A handler for what only a cluster with KubeVirt has, in the versions it has."""

    def checked(call: KubeCall) -> Response:
        call.demand_kubevirt(resource)
        if call.path("version") not in ("", *_VERSIONS):
            raise no_such_path()
        return handler(call)

    return checked


def _route(method: str, path: str, name: str, handler: Handler) -> Route:
    answer: Endpoint = endpoint(name, handler)
    route = Route(f"/{{way}}/{{uid}}/{path}", answer, methods=[method])
    route.methods = {method}
    return route


async def _not_routed(_request: Request, error: HTTPException) -> Response:
    if error.status_code == 405:
        text = "the server does not allow this method on the requested resource"
        return status_response(KubernetesError(405, "MethodNotAllowed", text, {}))
    return status_response(no_such_path())

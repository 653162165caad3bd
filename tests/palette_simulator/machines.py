# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The VM operations: list, get, delete, and power."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec
from starlette.responses import Response

from palette_simulator import marshal, render
from palette_simulator.calls import JSON, Call, operation
from palette_simulator.errors import VM_SINGULAR, VMS, not_found
from palette_simulator.kubernetes import power
from palette_simulator.paging import Page, page_in_namespaces
from palette_simulator.state import VM, Cluster


@operation("virtualMachine.list", "Failed to list virtual machines")
def list_vms(call: Call) -> Response:
    """A page of the cluster's VMs, by namespace and name."""
    cluster = call.vm_cluster()
    namespaces = call.list_namespaces(cluster.vm_keys)
    position, limit = call.page_request()
    page = page_in_namespaces(cluster.vm_keys, namespaces, position, limit)
    items = (_json(call, cluster, cluster.vms[key]) for key in page.keys)
    return list_reply(call, "kubevirt.io/v1", "VirtualMachineList", items, page, cluster)


@operation("virtualMachine.get", "Failed to get virtual machine '{vm}'")
def get_vm(call: Call) -> Response:
    """One VM."""
    cluster, vm = _cluster_and_vm(call)
    return Response(_json(call, cluster, vm), media_type=JSON)


@operation("virtualMachine.delete", "Failed to delete virtual machine '{vm}'")
def delete_vm(call: Call) -> Response:
    """Delete a VM; its snapshots stay."""
    cluster, vm = _cluster_and_vm(call)
    cluster.delete_vm(vm, call.now)
    return Response(status_code=204)


# See docs/palette.md, "Power".
@operation("virtualMachine.start", "Failed to start virtual machine '{vm}'")
def start_vm(call: Call) -> Response:
    """Start a VM that is off."""
    return _power(call, power.start)


@operation("virtualMachine.stop", "Failed to stop virtual machine '{vm}'")
def stop_vm(call: Call) -> Response:
    """Stop a VM that is on."""
    return _power(call, power.stop)


@operation("virtualMachine.restart", "Failed to restart virtual machine '{vm}'")
def restart_vm(call: Call) -> Response:
    """Stop a VM that is on, and start it again."""
    return _power(call, power.restart)


@operation("virtualMachine.migrate", "Failed to migrate virtual machine '{vm}'")
def migrate_vm(call: Call) -> Response:
    """Move a VM that is on to another node."""
    return _power(call, power.migrate)


@operation("virtualMachine.pause", "Failed to pause virtual machine '{vm}'")
def pause_vm(call: Call) -> Response:
    """Pause a running VM."""
    return _power(call, power.pause)


@operation("virtualMachine.resume", "Failed to resume virtual machine '{vm}'")
def resume_vm(call: Call) -> Response:
    """Resume a paused VM."""
    return _power(call, power.resume)


def list_reply(
    call: Call, version: str, kind: str, items: Iterable[bytes], page: Page, cluster: Cluster
) -> Response:
    """A Kubernetes list of objects that are JSON already."""
    go = call.switches.json_style == "go-swagger"
    metadata: dict[str, object] = {"resourceVersion": cluster.resource_version()}
    if page.token:
        metadata |= {"continue": page.token, "remainingItemCount": page.remaining}
    elif not go:
        metadata["continue"] = ""
    fragments = [msgspec.Raw(item) for item in items]
    body = {
        "apiVersion": version,
        "items": fragments or (None if go else []),
        "kind": kind,
        "metadata": metadata,
    }
    return Response(msgspec.json.encode(body), media_type=JSON)


def _cluster_and_vm(call: Call, resource: str = VMS) -> tuple[Cluster, VM]:
    namespace, name = call.namespace(), call.path("vm")
    cluster = call.vm_cluster()
    vm = cluster.vms.get((namespace, name))
    if vm is None:
        raise not_found(resource, name)
    return cluster, vm


def _json(call: Call, cluster: Cluster, vm: VM) -> bytes:
    holder = cluster.holder(vm.key, call.now)
    sight = vm.sight(call.now)
    offset = call.switches.clock_offset
    shown = (vm.version, holder and holder.name, sight, call.switches)
    if vm.rendered[0] != shown:
        body = render.vm_object(vm, holder, sight, render.clock_of(offset))
        if call.switches.vm_creation_time == "dropped":
            del body["metadata"]["creationTimestamp"]
        vm.rendered = (shown, marshal.encode(body, marshal.VIRTUAL_MACHINE, call.switches))
    return vm.rendered[1]


def _power(call: Call, change: Callable[[Cluster, VM, float], None]) -> Response:
    cluster, vm = _cluster_and_vm(call, VM_SINGULAR)
    change(cluster, vm, call.now)
    return Response(status_code=204, headers={"AuditUid": "0" * 24})

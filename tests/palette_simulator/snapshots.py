# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The snapshot operations: create, list, get, update and delete."""

from __future__ import annotations

import secrets
from typing import Any

from starlette.responses import Response

from palette_simulator import contract, marshal, render
from palette_simulator.admission import WEBHOOK, admit_create, admit_deadline, admit_metadata
from palette_simulator.calls import JSON, Call, operation
from palette_simulator.durations import format_go_duration, parse_go_duration
from palette_simulator.errors import (
    SNAPSHOTS,
    VMS,
    already_exists,
    bad_request,
    conflict,
    denied,
    invalid,
    not_found,
    off_contract,
)
from palette_simulator.lifecycle import NEVER, Stage
from palette_simulator.machines import list_reply
from palette_simulator.paging import Page, page_in_namespaces, page_of
from palette_simulator.state import DEFAULT_DEADLINE, Cluster, Snapshot

Body = dict[str, Any]


@operation("virtualMachine.snapshotList", "Failed to list virtual machine snapshots")
def list_snapshots(call: Call) -> Response:
    """A page of the cluster's snapshots, by namespace and name."""
    cluster = call.vm_cluster()
    page = _page(call, cluster)
    items = (_json(call, cluster, cluster.snapshots[key]) for key in page.keys)
    kind = "VirtualMachineSnapshotList"
    return list_reply(call, render.GROUP_VERSION, kind, items, page, cluster)


@operation("virtualMachine.snapshotCreate", "Failed to create snapshot of virtual machine '{vm}'")
def create_snapshot(call: Call) -> Response:
    """Create a snapshot; the answer comes before it has a status."""
    namespace = call.namespace()
    cluster = call.vm_cluster()
    body = _read_new(call)
    admit_create(body, namespace, call.switches.snapshot_gate == "on")
    name = body["metadata"]["name"]
    _demand_room(call, cluster, namespace, name, body["spec"]["source"]["name"])
    snapshot = _snapshot(call, body, (namespace, name))
    snapshot.observe(cluster.vms.get((namespace, snapshot.vm_name)), call.now)
    cluster.add_snapshot(snapshot)
    clock = render.clock_of(call.switches.clock_offset)
    return call.reply(render.snapshot_object(snapshot, render.Moment(), clock), marshal.SNAPSHOT)


@operation("virtualMachine.snapshotGet", "Failed to get virtual machine snapshot '{snapshot}'")
def get_snapshot(call: Call) -> Response:
    """One snapshot."""
    cluster, snapshot = _cluster_and_snapshot(call)
    return Response(_json(call, cluster, snapshot), media_type=JSON)


@operation(
    "virtualMachine.snapshotUpdate", "Failed to update virtual machine snapshot '{snapshot}'"
)
def update_snapshot(call: Call) -> Response:
    """Write a snapshot's metadata; nothing else can be changed."""
    body = contract.read_body(call.request, call.body, contract.SNAPSHOT, call.switches)
    cluster, snapshot = _cluster_and_snapshot(call)
    metadata = body.get("metadata", {})
    _demand_same_object(snapshot, metadata)
    _demand_current(call, snapshot, metadata)
    admit_metadata(snapshot.name, metadata)
    admit_deadline(body["spec"])
    if _by_value(body["spec"]) != _by_value(snapshot.spec):
        raise denied(WEBHOOK, "spec in immutable after creation")
    snapshot.spec = _stored(call, body["spec"])  # the same deadline may be worded otherwise now
    _write_metadata(snapshot, metadata, merge=call.switches.put == "merge")
    cluster.update_snapshot(snapshot)
    return Response(_json(call, cluster, snapshot), media_type=JSON)


@operation(
    "virtualMachine.snapshotDelete", "Failed to delete virtual machine snapshot '{snapshot}'"
)
def delete_snapshot(call: Call) -> Response:
    """Ask for a snapshot's deletion; it is gone later."""
    cluster, snapshot = _cluster_and_snapshot(call)
    cluster.delete_snapshot(snapshot, call.now)
    return Response(status_code=204)


def _page(call: Call, cluster: Cluster) -> Page:
    namespaces = call.list_namespaces(cluster.snapshot_keys)
    vm_names = contract.csv_parameter(call.request, "vmName", call.switches)
    position, limit = call.page_request()
    if not vm_names:
        return page_in_namespaces(cluster.snapshot_keys, namespaces, position, limit)
    sources = [(ns, vm) for ns in namespaces or cluster.namespaces for vm in vm_names]
    keys = sorted(s.key for source in sources for s in cluster.sources.get(source, ()))
    return page_of(keys, position, limit)


def _read_new(call: Call) -> Body:
    source = {"apiGroup": "kubevirt.io", "kind": "VirtualMachine", "name": call.path("vm")}
    defaults = {"spec": {"source": source}} if call.switches.missing_source == "fill" else {}
    body = contract.read_body(call.request, call.body, contract.SNAPSHOT, call.switches, defaults)
    named = body["spec"]["source"]["name"]
    if named != call.path("vm") and call.switches.source_mismatch == "reject":
        raise off_contract(f"spec.source.name is not '{call.path('vm')}'", call.switches)
    _name(call, body.setdefault("metadata", {}))
    return body


def _name(call: Call, metadata: Body) -> None:
    """Draw a name where only its beginning is given."""
    prefix = metadata.get("generateName")
    if metadata.get("name") or not prefix:
        return
    if call.switches.generate_name == "reject":
        raise off_contract("metadata.name in body is required", call.switches)
    metadata["name"] = prefix + secrets.token_hex(3)[:5]


def _demand_room(call: Call, cluster: Cluster, namespace: str, name: str, vm_name: str) -> None:
    if namespace not in cluster.namespaces:
        raise not_found("namespaces", namespace)
    missing = (namespace, vm_name) not in cluster.vms
    if missing and call.switches.missing_vm_on_post == "reject":
        raise not_found(VMS, vm_name)
    snapshot = cluster.snapshots.get((namespace, name))
    if snapshot:
        raise already_exists(name, goes=snapshot.deleted < NEVER)


def _snapshot(call: Call, body: Body, key: tuple[str, str]) -> Snapshot:
    spec, metadata = body["spec"], body["metadata"]
    snapshot = Snapshot(key, spec["source"]["name"], call.now)
    snapshot.api_version = body.get("apiVersion") or render.GROUP_VERSION
    if "failureDeadline" in spec:
        snapshot.deadline = parse_go_duration(spec["failureDeadline"]) or NEVER
    else:
        snapshot.deadline = DEFAULT_DEADLINE
    snapshot.spec = _stored(call, spec)
    _write_metadata(snapshot, metadata, merge=False)
    return snapshot


def _stored(call: Call, spec: Body) -> Body:
    """A spec as it is kept."""
    kept = {key: spec[key] for key in _SPEC_FIELDS if key in spec}
    if "failureDeadline" in kept and call.switches.durations == "normalised":
        kept["failureDeadline"] = format_go_duration(parse_go_duration(kept["failureDeadline"]))
    return kept


_SPEC_FIELDS = ("source", "failureDeadline", "deletionPolicy")


def _cluster_and_snapshot(call: Call) -> tuple[Cluster, Snapshot]:
    namespace, name = call.namespace(), call.path("snapshot")
    cluster = call.vm_cluster()
    snapshot = cluster.snapshots.get((namespace, name))
    foreign = snapshot is not None and snapshot.vm_name != call.path("vm")
    if snapshot is None or (foreign and call.switches.foreign_vm == "reject"):
        raise not_found(SNAPSHOTS, name)
    return cluster, snapshot


def _demand_same_object(snapshot: Snapshot, metadata: Body) -> None:
    name = metadata.get("name", snapshot.name)
    if name != snapshot.name:
        raise bad_request(
            f"the name of the object ({name}) does not match the name on the URL ({snapshot.name})"
        )
    if metadata.get("namespace", snapshot.namespace) != snapshot.namespace:
        raise bad_request("the namespace of the object does not match the namespace on the URL")
    if metadata.get("uid", snapshot.uid) != snapshot.uid:
        raise conflict(SNAPSHOTS, snapshot.name, "Precondition failed: UID in precondition")


def _demand_current(call: Call, snapshot: Snapshot, metadata: Body) -> None:
    version = metadata.get("resourceVersion")
    if version:
        now = call.now
        if version != snapshot.resource_version(snapshot.stage(now), snapshot.names_content(now)):
            why = "the object has been modified; please apply your changes to the latest version"
            raise conflict(SNAPSHOTS, snapshot.name, f"{why} and try again")
    elif call.switches.put_without_version == "reject":
        why = "metadata.resourceVersion: Invalid value: 0x0: must be specified for an update"
        raise invalid(SNAPSHOTS, snapshot.name, why)


def _by_value(spec: Body) -> Body:
    deadline = spec.get("failureDeadline")
    seconds = None if deadline is None else parse_go_duration(deadline)
    return {**{key: spec.get(key) for key in _SPEC_FIELDS}, "failureDeadline": seconds}


def _write_metadata(snapshot: Snapshot, metadata: Body, *, merge: bool) -> None:
    labels, annotations = metadata.get("labels", {}), metadata.get("annotations", {})
    snapshot.labels = {**snapshot.labels, **labels} if merge else labels
    snapshot.annotations = {**snapshot.annotations, **annotations} if merge else annotations
    finalizers, owners = metadata.get("finalizers"), metadata.get("ownerReferences")
    if finalizers is not None or not merge:
        others = (name for name in finalizers or [] if name != render.SNAPSHOT_FINALIZER)
        snapshot.finalizers = list(others)
    if owners is not None or not merge:
        snapshot.owner_references = owners or []


def _json(call: Call, cluster: Cluster, snapshot: Snapshot) -> bytes:
    moment = moment_of(snapshot, cluster, call.now)
    shown = (snapshot.version, moment, call.switches)
    if snapshot.rendered[0] != shown:
        clock = render.clock_of(call.switches.clock_offset)
        body = render.snapshot_object(snapshot, moment, clock)
        if call.switches.indications == "dropped":
            body.get("status", {}).pop("indications", None)
        snapshot.rendered = (shown, marshal.encode(body, marshal.SNAPSHOT, call.switches))
    return snapshot.rendered[1]


def moment_of(snapshot: Snapshot, cluster: Cluster, now: float) -> render.Moment:
    """Where a snapshot stands now."""
    stage = snapshot.stage(now)
    waits_for = _waits_for(cluster, snapshot, now) if stage == Stage.WAITING else ""
    return render.Moment(stage, waits_for, snapshot.names_content(now))


# See docs/palette.md, "Locking".
def _waits_for(cluster: Cluster, snapshot: Snapshot, now: float) -> str:
    vm_key = (snapshot.namespace, snapshot.vm_name)
    if vm_key not in cluster.vms:
        return "Source does not exist"
    holder = cluster.obstacle(snapshot, now)
    if holder:
        return f'Source not locked snapshot "{holder.name}" in progress'
    return "Source not locked"

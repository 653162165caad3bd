# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The objects that only the cluster's own API has, as JSON: restores, PVCs and instances."""

from __future__ import annotations

import uuid
from typing import Any

from palette_simulator.fleet import FleetVolume
from palette_simulator.kubernetes.claims import Claim, Owner
from palette_simulator.kubernetes.instances import Instance
from palette_simulator.kubernetes.restore import Condition, Disk, Restore
from palette_simulator.render import (
    STORAGE_CLASS,
    VM_FINALIZER,
    Clock,
    content_spec,
    instance_spec,
    vm_conditions,
)
from palette_simulator.state import VM, Content, Snapshot, content_name

Object = dict[str, Any]
RESTORE_FINALIZER = "snapshot.kubevirt.io/vmrestore-protection"


def restore_object(restore: Restore, version: str, clock: Clock) -> Object:
    """A VirtualMachineRestore, in one of the API's versions."""
    metadata: Object = {
        "name": restore.name,
        "namespace": restore.namespace,
        "uid": restore.uid,
        "resourceVersion": str(restore.version),
        "generation": restore.generation,
        "creationTimestamp": clock(restore.created),
    }
    optional = {
        "labels": restore.labels,
        "annotations": restore.annotations,
        "finalizers": [RESTORE_FINALIZER] if restore.finalized else [],
        "ownerReferences": [_owner(restore.owner)] if restore.owner else [],
    }
    metadata |= {key: value for key, value in optional.items() if value}
    metadata |= _deletion(restore.deleted, clock)
    body = {
        "apiVersion": f"snapshot.kubevirt.io/{version}",
        "kind": "VirtualMachineRestore",
        "metadata": metadata,
        "spec": restore.spec,
    }
    if restore.complete is not None:
        body["status"] = _restore_status(restore, restore.complete, clock)
    return body


def _restore_status(restore: Restore, complete: bool, clock: Clock) -> Object:
    status: Object = {
        "complete": complete,
        "conditions": [_condition(*item, clock) for item in restore.conditions.items()],
    }
    if restore.finished is not None:
        status["restoreTime"] = clock(restore.finished)
    if restore.disks:
        status["restores"] = [_disk(disk) for disk in restore.disks]
    if restore.deleted_data_volumes:
        status["deletedDataVolumes"] = restore.deleted_data_volumes
    return status


def _condition(kind: str, condition: Condition, clock: Clock) -> Object:
    return {
        "type": kind,
        "status": str(condition.status),
        "reason": condition.reason,
        "lastProbeTime": None,
        "lastTransitionTime": clock(condition.since),
    }


def _disk(disk: Disk) -> Object:
    body = {
        "volumeName": disk.volume.name,
        "persistentVolumeClaim": disk.claim,
        "volumeSnapshotName": disk.source,
    }
    return {**body, "dataVolumeName": disk.data_volume} if disk.data_volume else body


def claim_object(claim: Claim, now: float, clock: Clock) -> Object:
    """A PersistentVolumeClaim."""
    bound = claim.is_bound(now)
    done = {"pv.kubernetes.io/bind-completed": "yes"} if bound else {}
    metadata: Object = {
        "name": claim.name,
        "namespace": claim.namespace,
        "uid": claim.uid,
        "resourceVersion": str(claim.version + bound),
        "creationTimestamp": clock(claim.created),
        "finalizers": ["kubernetes.io/pvc-protection"],
        **_deletion(claim.deleted, clock),
    }
    optional = {
        "labels": claim.labels,
        "annotations": {**done, **claim.annotations},
        "ownerReferences": [_owner(claim.owner)] if claim.owner else [],
    }
    metadata |= {key: value for key, value in optional.items() if value}
    size = {"storage": "1Gi"}
    spec: Object = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": size},
        "storageClassName": STORAGE_CLASS,
        "volumeMode": "Filesystem",
    }
    if claim.source:
        source = {
            "apiGroup": "snapshot.storage.k8s.io",
            "kind": "VolumeSnapshot",
            "name": claim.source,
        }
        spec |= {"dataSource": source, "dataSourceRef": source}
    status: Object = {"phase": "Pending"}
    if bound:
        spec["volumeName"] = f"pv-{claim.uid[:8]}"
        status = {"phase": "Bound", "accessModes": ["ReadWriteOnce"], "capacity": size}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": metadata,
        "spec": spec,
        "status": status,
    }


def content_object(snapshot: Snapshot, content: Content, version: str, clock: Clock) -> Object:
    """The VirtualMachineSnapshotContent of a snapshot: what it keeps of its VM."""
    created = clock(snapshot.timeline.working)
    metadata: Object = {
        "name": content_name(snapshot),
        "namespace": snapshot.namespace,
        "uid": str(uuid.uuid5(uuid.NAMESPACE_URL, content_name(snapshot))),
        "resourceVersion": str(snapshot.version),
        "creationTimestamp": created,
        "finalizers": ["snapshot.kubevirt.io/vmsnapshotcontent-protection"],
    }
    kept: Object = {"labels": content.labels, "annotations": content.annotations}
    machine: Object = {
        "metadata": {
            "name": snapshot.vm_name,
            "namespace": snapshot.namespace,
            "uid": snapshot.source_uid,
            **{key: value for key, value in kept.items() if value},
        },
        "spec": content_spec(snapshot.vm_name, content),
        "status": {},
    }
    return {
        "apiVersion": f"snapshot.kubevirt.io/{version}",
        "kind": "VirtualMachineSnapshotContent",
        "metadata": metadata,
        "spec": {
            "source": {"virtualMachine": machine},
            "virtualMachineSnapshotName": snapshot.name,
            "volumeBackups": [_backup(snapshot, v) for v in content.volumes if v.is_claimed()],
        },
    }


def _backup(snapshot: Snapshot, volume: FleetVolume) -> Object:
    return {
        "volumeName": volume.name,
        "persistentVolumeClaim": {
            "metadata": {"name": volume.claim, "namespace": snapshot.namespace},
        },
        "volumeSnapshotName": f"vmsnapshot-{snapshot.uid}-volume-{volume.name}",
    }


def instance_object(vm: VM, instance: Instance, now: float, clock: Clock) -> Object:
    """The VirtualMachineInstance of a VM."""
    metadata: Object = {
        "name": vm.name,
        "namespace": vm.namespace,
        "uid": vm.instance_uid(),
        "resourceVersion": str(vm.version),
        "creationTimestamp": clock(vm.started),
        "finalizers": [VM_FINALIZER],
        "ownerReferences": [_owner(vm.owner())],
        **_deletion(vm.change.since if instance.deleting else None, clock),
    }
    status = {
        "phase": instance.phase,
        "conditions": list(vm_conditions(vm, vm.sight(now), clock)),
    }
    return {
        "apiVersion": "kubevirt.io/v1",
        "kind": "VirtualMachineInstance",
        "metadata": metadata,
        "spec": instance_spec(vm.claimed_volumes(), vm.live_cores),
        "status": status,
    }


def _owner(owner: Owner) -> Object:
    return {
        "apiVersion": owner.api_version,
        "kind": owner.kind,
        "name": owner.name,
        "uid": owner.uid,
        "controller": True,
        "blockOwnerDeletion": True,
    }


def _deletion(moment: float | None, clock: Clock) -> Object:
    if moment is None:
        return {}
    return {"deletionTimestamp": clock(moment), "deletionGracePeriodSeconds": 0}

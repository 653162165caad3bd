# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restores as KubeVirt 1.6.2 was recorded to write them, and VMs that they are of."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from ansible_collections.spectrocloud.palette.plugins.module_utils._palette.objects import (
    write_time,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._restores.model import (
    Instance,
    Machine,
    Restore,
    read_instance,
    read_machine,
    read_restore,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._vms.model import VmKey
from unit.builders import NOW, Json, key_of

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)


def conditions(progressing: str, ready: str, *, now: bool, failure: str = "") -> list[Json]:
    """Return a restore's conditions. now: whether it is progressing."""
    listed = [
        {"type": "Progressing", "status": str(now), "reason": progressing, "lastProbeTime": None},
        {"type": "Ready", "status": "False", "reason": ready, "lastProbeTime": None},
    ]
    if failure:
        listed.append({"type": "Failure", "status": "True", "reason": failure})
    return listed


ROOTDISK = {
    "volumeName": "rootdisk",
    "persistentVolumeClaim": "restore-u1-rootdisk",
    "volumeSnapshotName": "vmsnapshot-s1-volume-rootdisk",
}
INITIALIZING: Json = {
    "complete": False,
    "conditions": conditions(
        "Initializing VirtualMachineRestore", "Initializing VirtualMachineRestore", now=True
    ),
}
CREATING: Json = {
    "complete": False,
    "conditions": conditions("Creating new PVCs", "Waiting for new PVCs", now=True),
    "restores": [ROOTDISK],
}
_EXISTS = 'persistentvolumeclaims "restore-u1-rootdisk" already exists'
PASSING: Json = {**CREATING, "conditions": conditions(_EXISTS, _EXISTS, now=False)}
COMPLETE: Json = {
    "complete": True,
    "conditions": [
        {"type": "Progressing", "status": "False", "reason": "Operation complete"},
        {"type": "Ready", "status": "True", "reason": "Operation complete"},
    ],
    "restoreTime": write_time(NOW),
    "restores": [ROOTDISK],
}
_RUNS = "Restore target VMI must be powered off before restore operation"
FAILED: Json = {
    "complete": False,
    "conditions": conditions(_RUNS, _RUNS, now=False, failure=_RUNS),
}


def restore_manifest(
    status: Json | None = None,
    *,
    name: str = "r1",
    snapshot: str = "s",
    vm_name: str = "db1",
    created: datetime = NOW,
    annotations: Json | None = None,
) -> Json:
    """Return a restore as the API gives it."""
    body: Json = {
        "apiVersion": "snapshot.kubevirt.io/v1beta1",
        "kind": "VirtualMachineRestore",
        "metadata": {
            "name": name,
            "namespace": "vms",
            "uid": f"uid-of-{name}",
            "creationTimestamp": write_time(created),
            "annotations": annotations or {},
        },
        "spec": {
            "target": {"apiGroup": "kubevirt.io", "kind": "VirtualMachine", "name": vm_name},
            "virtualMachineSnapshotName": snapshot,
        },
    }
    return body if status is None else {**body, "status": status}


def restore(status: Json | None = None, **more: Any) -> Restore:
    """Return a restore as read."""
    return read_restore("c1", restore_manifest(status, **more))


def machine_manifest(key: VmKey, strategy: str = "Always", **status: Any) -> Json:
    """Return a VM with one disk, as its cluster gives it."""
    volume = {"name": "rootdisk", "persistentVolumeClaim": {"claimName": "root"}}
    return {
        "kind": "VirtualMachine",
        "metadata": {
            "name": key.vm_name,
            "namespace": key.namespace,
            "uid": f"uid-of-{key.vm_name}",
            "labels": {"app": "db"},
            "annotations": {},
        },
        "spec": {"runStrategy": strategy, "template": {"spec": {"volumes": [volume]}}},
        "status": {"printableStatus": "Running", **status},
    }


def machine(strategy: str = "Always", key: VmKey | None = None, **status: Any) -> Machine:
    """Return a VM as read."""
    key = key or key_of()
    found = read_machine(key.cluster_uid, machine_manifest(key, strategy, **status))
    assert found
    return found


def instance_manifest(key: VmKey, created: datetime = NOW, phase: str = "Running") -> Json:
    """Return the instance of a VM, as its cluster gives it."""
    ready = str(phase == "Running")
    return {
        "kind": "VirtualMachineInstance",
        "metadata": {
            "name": key.vm_name,
            "namespace": key.namespace,
            "creationTimestamp": write_time(created),
        },
        "status": {"phase": phase, "conditions": [{"type": "Ready", "status": ready}]},
    }


def instance(created: datetime = NOW, key: VmKey | None = None) -> Instance:
    """Return the instance of a VM that runs, as read."""
    key = key or key_of()
    return read_instance(key.cluster_uid, instance_manifest(key, created))

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What many tests need: keys, snapshots and their statuses, VMs, and what a task asks for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from ansible_collections.spectrocloud.palette.plugins.module_utils._palette.clusters import Cluster
from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots.desired import (
    Desired,
    read_declaration,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots.model import (
    Snapshot,
    read_snapshot,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots.ownership import (
    MANAGED_BY,
    MANAGER,
    PART_OF,
    REQUEST_ID,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._vms.model import (
    VirtualMachine,
    VmKey,
    read_vm,
)

Json = dict[str, Any]

CLUSTER = Cluster("c1", "cluster-1", "p1")
NOW = datetime(2026, 11, 23, 12, tzinfo=timezone.utc)

RUNNING: Json = {
    "phase": "InProgress",
    "readyToUse": False,
    "indications": ["GuestAgent", "Online"],
    "conditions": [{"type": "Progressing", "status": "True", "reason": "Source locked"}],
}
SUCCEEDED: Json = {
    "phase": "Succeeded",
    "indications": ["GuestAgent", "Online"],
    "snapshotVolumes": {"includedVolumes": ["rootdisk"], "excludedVolumes": ["cloudinitdisk"]},
    "virtualMachineSnapshotContentName": "content",
}
READY: Json = {**SUCCEEDED, "readyToUse": True}
UNQUIESCED: Json = {**READY, "indications": ["NoGuestAgent", "Online"]}
FAILED: Json = {
    "phase": "Failed",
    "conditions": [
        {"type": "Progressing", "status": "False", "reason": "Operation failed"},
        {"type": "Failure", "status": "True", "reason": "snapshot deadline exceeded"},
    ],
}


def key_of(vm_name: str = "db1", namespace: str = "vms", cluster_uid: str = "c1") -> VmKey:
    """Return a VM's key."""
    return VmKey(cluster_uid, namespace, vm_name)


def own_labels(part_of: str | None = None) -> dict[str, str]:
    """Return the labels that mark a snapshot as this collection's, and as a set's."""
    return {MANAGED_BY: MANAGER, **({PART_OF: part_of} if part_of else {})}


def annotated(
    labels: Mapping[str, str], annotations: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return the annotations of a snapshot: where the labels say it is ours, it is."""
    marks = {REQUEST_ID: "a-request"} if labels.get(MANAGED_BY) == MANAGER else {}
    return {**marks, **(annotations or {})}


def manifest(
    status: Json | None = None, *, vm_name: str = "db1", spec: Json | None = None, **metadata: Any
) -> Json:
    """Return a snapshot as the API gives it, named s unless the metadata names it."""
    source = {"apiGroup": "kubevirt.io", "kind": "VirtualMachine", "name": vm_name}
    body: Json = {
        "metadata": {"name": "s", "namespace": "vms", **metadata},
        "spec": {"source": source, **(spec or {})},
    }
    return body if status is None else {**body, "status": status}


def listed(status: Json | None = None, **more: Any) -> Snapshot:
    """Return a snapshot as read from such a manifest."""
    return read_snapshot(CLUSTER.uid, manifest(status, **more))


def snapshot(key: VmKey | None = None, name: str = "s", **fields: Any) -> Snapshot:
    """Return a snapshot that is ready, unless the fields say otherwise.

    With the label of this collection it has its annotation too.
    """
    plain: Json = {
        "key": key or key_of(),
        "name": name,
        "uid": f"uid-of-{name}",
        "labels": {},
        "annotations": {},
        "failure_deadline": None,
        "deletion_policy": None,
        "phase": "Succeeded",
        "ready": True,
        "created": NOW,
        "creation_time": fields.get("created", NOW),
        "deleting": False,
        "indications": (),
        "conditions": (),
        "error": None,
        "included_volumes": (),
        "excluded_volumes": (),
        "content_name": None,
        "source_uid": None,
        "manifest": {},
    }
    made = Snapshot(**{**plain, **fields})
    return made._replace(annotations=annotated(made.labels, made.annotations))


def vm_manifest(key: VmKey, labels: dict[str, str] | None = None, **status: Any) -> Json:
    """Return a VM that can be snapshotted, unless its status says otherwise."""
    return {
        "metadata": {
            "name": key.vm_name,
            "namespace": key.namespace,
            "uid": f"uid-of-{key.vm_name}",
            "labels": dict(labels or {}),
        },
        "status": {"volumeSnapshotStatuses": [{"name": "rootdisk", "enabled": True}], **status},
    }


def vm(key: VmKey | None = None, **status: Any) -> VirtualMachine:
    """Return such a VM as read."""
    key = key or key_of()
    return read_vm(key.cluster_uid, vm_manifest(key, **status))


def desired_snapshot(
    key: VmKey | None = None, name: str = "s", part_of: str | None = None, **options: Any
) -> Desired:
    """Return a snapshot as options ask for it."""
    key = key or key_of()
    given = {"vm_name": key.vm_name, "namespace": key.namespace, "name": name, **options}
    declaration, problems = read_declaration(given, NOW, part_of)
    assert declaration, problems
    return declaration.of(key, name)

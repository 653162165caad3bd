# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The objects as JSON: clusters, VMs and snapshots, in the style of Kubernetes' own encoder.

marshal.py turns them into the other style.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timezone
from typing import Any, NamedTuple

from palette_simulator.fleet import SNAPSHOTTABLE, FleetVolume
from palette_simulator.kubernetes.instances import Sight
from palette_simulator.lifecycle import NEVER, Stage
from palette_simulator.state import VM, Cluster, Content, Project, Snapshot, content_name

SNAPSHOT_FINALIZER = "snapshot.kubevirt.io/vmsnapshot-protection"
VM_FINALIZER = "kubevirt.io/virtualMachineControllerFinalize"
LOCK_FINALIZER = "snapshot.kubevirt.io/snapshot-source-protection"
GROUP_VERSION = "snapshot.kubevirt.io/v1beta1"
STORAGE_CLASS = "local"
Object = dict[str, Any]
Clock = Callable[[float], str]
"""writes a moment as the server's clock shows it"""

# See docs/palette.md, "Snapshot phases".
_PHASES = {
    Stage.CUT: "Succeeded",
    Stage.READY: "Succeeded",
    Stage.LOST: "Succeeded",
    Stage.FAILED: "Failed",
    Stage.DELETING: "Deleting",
}
_PROGRESS = {
    Stage.WORKING: "Source locked and operation in progress",
    Stage.STRUGGLING: "In error state",
    Stage.CUT: "Operation complete",
    Stage.READY: "Operation complete",
    Stage.LOST: "In error state",
    Stage.FAILED: "Operation failed",
    Stage.DELETING: "VM snapshot is deleting",
}
_FREEZE_TROUBLE = "QuiesceFailed"  # told once the guest could not be frozen
_VOLUME_SOURCES: dict[str, Object] = {
    "dataVolume": {"name": "disk"},
    "persistentVolumeClaim": {"claimName": "disk"},
    "memoryDump": {"claimName": "memory"},
    "containerDisk": {"image": "registry.example.com/disk:1"},
    "cloudInitNoCloud": {"userData": "#cloud-config"},
    "cloudInitConfigDrive": {"userData": "#cloud-config"},
    "configMap": {"name": "settings"},
    "secret": {"secretName": "settings"},
    "emptyDisk": {"capacity": "1Gi"},
}


def timestamp(seconds: float) -> str:
    """RFC 3339, whole seconds, UTC: as Kubernetes writes times."""
    return datetime.fromtimestamp(int(seconds), timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def clock_of(offset: float) -> Clock:
    """The clock of a server that is so many seconds ahead of this machine."""
    return lambda seconds: timestamp(seconds + offset)


class Moment(NamedTuple):
    """A moment in the life of a snapshot."""

    stage: Stage = Stage.NEW
    waits_for: str = ""
    """the reason of Progressing while it has no lock"""
    names_content: bool = False


def snapshot_object(snapshot: Snapshot, moment: Moment, clock: Clock) -> Object:
    """A VirtualMachineSnapshot at a moment."""
    body = {
        "apiVersion": snapshot.api_version,
        "kind": "VirtualMachineSnapshot",
        "metadata": _snapshot_metadata(snapshot, moment, clock),
        "spec": snapshot.spec,
    }
    if moment.stage != Stage.NEW:
        body["status"] = _snapshot_status(snapshot, moment, clock)
    return body


def vm_object(vm: VM, holder: Snapshot | None, sight: Sight, clock: Clock) -> Object:
    """A VirtualMachine; holder is the snapshot that locks it."""
    metadata: Object = {
        "name": vm.name,
        "namespace": vm.namespace,
        "uid": vm.uid,
        "resourceVersion": str(vm.version),
        "generation": 1,
        "creationTimestamp": clock(vm.created),
        "finalizers": [VM_FINALIZER, *([LOCK_FINALIZER] if holder else [])],
    }
    status: Object = {"f:status": {"f:printableStatus": {}}}
    metadata["managedFields"] = _managed_fields("kubevirt.io/v1", clock(vm.created), status)
    if vm.labels:
        metadata["labels"] = vm.labels
    if vm.annotations:
        metadata["annotations"] = vm.annotations
    if vm.deleted is not None:
        metadata["deletionTimestamp"] = clock(vm.deleted)
    return {
        "apiVersion": "kubevirt.io/v1",
        "kind": "VirtualMachine",
        "metadata": metadata,
        "spec": _vm_spec(vm),
        "status": _vm_status(vm, holder, sight, clock),
    }


def cluster_metadata(cluster: Cluster) -> Object:
    """What every look-up says about a cluster."""
    scope = "project" if cluster.project_uid else "tenant"
    annotations = {"scope": scope}
    if cluster.project_uid:
        annotations["projectUid"] = cluster.project_uid
    return {"name": cluster.name, "uid": cluster.uid, "annotations": annotations}


def cluster_summary(cluster: Cluster, project: Project | None) -> Object:
    """One hit of a cluster search."""
    spec: Object = {"cloudConfig": {"cloudType": cluster.environment}}
    if project:
        spec["projectMeta"] = {"name": project.name, "uid": project.uid}
    return {
        "metadata": cluster_metadata(cluster),
        "specSummary": spec,
        "status": {"state": cluster.state},
    }


def cluster_object(cluster: Cluster) -> Object:
    """A cluster."""
    return {
        "apiVersion": "v1",
        "kind": "SpectroCluster",
        "metadata": cluster_metadata(cluster),
        "spec": {"cloudType": cluster.environment, "clusterType": "PureManage"},
        "status": {"state": cluster.state},
    }


def vm_cluster(cluster: Cluster) -> Object:
    """A cluster in the list of those that run VMs."""
    return {
        "metadata": {
            "name": cluster.name,
            "uid": cluster.uid,
            "projectUid": cluster.project_uid,
        },
        "spec": {"cloudType": cluster.environment},
        "status": {"clusterState": cluster.state},
    }


def project_object(project: Project) -> Object:
    """A project."""
    return {"metadata": {"name": project.name, "uid": project.uid}, "spec": {}, "status": {}}


def _snapshot_metadata(snapshot: Snapshot, moment: Moment, clock: Clock) -> Object:
    stage = moment.stage
    metadata: Object = {
        "name": snapshot.name,
        "namespace": snapshot.namespace,
        "uid": snapshot.uid,
        "resourceVersion": snapshot.resource_version(stage, moment.names_content),
        "generation": 1,
        "creationTimestamp": clock(snapshot.created),
    }
    finalizers = [*snapshot.finalizers, *([SNAPSHOT_FINALIZER] if stage != Stage.NEW else [])]
    status: Object | None = {"f:status": {"f:phase": {}}} if stage != Stage.NEW else None
    optional = {
        "labels": snapshot.labels,
        "annotations": snapshot.annotations,
        "finalizers": finalizers,
        "ownerReferences": snapshot.owner_references,
        "managedFields": _managed_fields(GROUP_VERSION, clock(snapshot.created), status),
    }
    metadata |= {key: value for key, value in optional.items() if value}
    if snapshot.deleted < NEVER:
        metadata["deletionTimestamp"] = clock(snapshot.deleted)
        metadata["deletionGracePeriodSeconds"] = 0
    return metadata


def _managed_fields(version: str, since: str, status: Object | None) -> list[Object]:
    """Who wrote which fields; Palette the spec, KubeVirt the status once there is one."""
    common = {"apiVersion": version, "fieldsType": "FieldsV1", "operation": "Update", "time": since}
    spec = {"f:metadata": {"f:annotations": {".": {}}}, "f:spec": {".": {}}}
    entries = [{**common, "manager": "palette", "fieldsV1": spec}]
    if status:
        by_kubevirt = {"manager": "virt-controller", "subresource": "status", "fieldsV1": status}
        entries.append({**common, **by_kubevirt})
    return entries


def _snapshot_status(snapshot: Snapshot, moment: Moment, clock: Clock) -> Object:
    line, stage = snapshot.timeline, moment.stage
    status: Object = {
        "phase": _PHASES.get(stage, "InProgress"),
        "readyToUse": stage == Stage.READY,
        "conditions": _conditions(snapshot, stage, moment.waits_for, clock),
    }
    if snapshot.source_uid:
        status["sourceUID"] = snapshot.source_uid
    troubled = stage > Stage.WORKING or snapshot.has_struggled
    indications = [i for i in snapshot.indications if i != _FREEZE_TROUBLE or troubled]
    if indications:
        status["indications"] = indications
    if moment.names_content:
        status["virtualMachineSnapshotContentName"] = content_name(snapshot)
    if stage in (Stage.CUT, Stage.READY, Stage.LOST):
        status["creationTime"] = clock(line.cut)
        lists = {"includedVolumes": snapshot.included, "excludedVolumes": snapshot.excluded}
        status["snapshotVolumes"] = {key: names for key, names in lists.items() if names}
    error = _error(snapshot, stage, clock)
    if error:
        status["error"] = error
    return status


def _error(snapshot: Snapshot, stage: Stage, clock: Clock) -> Object | None:
    line = snapshot.timeline
    if stage == Stage.LOST:
        missing = ",".join(f"vmsnapshot-{snapshot.uid}-volume-{v}" for v in snapshot.included)
        message = f"VolumeSnapshots ({missing}) missing"
        return {"message": message, "time": clock(line.lost)}
    if stage == Stage.STRUGGLING or (stage == Stage.FAILED and line.struggling <= line.failed):
        return {"message": snapshot.trouble, "time": clock(line.struggling)}
    return None


def _conditions(snapshot: Snapshot, stage: Stage, waits_for: str, clock: Clock) -> list[Object]:
    line = snapshot.timeline
    since = clock(snapshot.deleted if stage == Stage.DELETING else line[stage])
    ready = stage == Stage.READY
    conditions = [
        _condition("Progressing", stage == Stage.WORKING, _progress(line, stage, waits_for), since),
        _condition("Ready", ready, "Ready" if ready else "Not ready", since),
    ]
    if stage == Stage.FAILED:
        conditions.append(_condition("Failure", True, "snapshot deadline exceeded", since))
    return conditions


def _progress(line: tuple[float, ...], stage: Stage, waits_for: str) -> str:
    if stage == Stage.WAITING:
        return waits_for
    if stage == Stage.FAILED and line[Stage.STRUGGLING] <= line[Stage.FAILED]:
        return "In error state"
    return _PROGRESS[stage]


def _condition(kind: str, status: bool, reason: str, since: str) -> Object:
    return {
        "type": kind,
        "status": str(status),
        "reason": reason,
        "lastProbeTime": None,
        "lastTransitionTime": since,
    }


def _vm_spec(vm: VM) -> Object:
    content = Content({}, {}, vm.claimed_volumes(), vm.cores, vm.run_strategy())
    spec = content_spec(vm.name, content)
    if vm.strategy == "running":
        del spec["runStrategy"]
        spec["running"] = vm.power != "Stopped"
    return spec


def content_spec(vm_name: str, content: Content) -> Object:
    """The spec of a VM, as a snapshot keeps it."""
    volumes = content.volumes
    spec: Object = {
        "runStrategy": content.strategy,
        "template": {
            "metadata": {"labels": {"kubevirt.io/domain": vm_name}},
            "spec": instance_spec(volumes, content.cores),
        },
    }
    templates = [v.claim for v in volumes if v.kind == "dataVolume" and v.template]
    if templates:
        source = {"source": {"blank": {}}, "storage": {"storageClassName": STORAGE_CLASS}}
        spec["dataVolumeTemplates"] = [
            {"metadata": {"name": name}, "spec": source} for name in templates
        ]
    return spec


def instance_spec(volumes: Iterable[FleetVolume], cores: int) -> Object:
    """The part of the spec that an instance has too. volumes: with their claims."""
    disks = [{"name": volume.name, "disk": {"bus": "virtio"}} for volume in volumes]
    return {
        "domain": {"cpu": {"cores": cores}, "devices": {"disks": disks}},
        "volumes": [_volume(volume) for volume in volumes],
    }


def _volume(volume: FleetVolume) -> Object:
    source = {
        key: volume.claim if key in ("name", "claimName") else value
        for key, value in _VOLUME_SOURCES[volume.kind].items()
    }
    if volume.network_data:
        source["networkData"] = volume.network_data
    return {"name": volume.name, volume.kind: source}


def _vm_status(vm: VM, holder: Snapshot | None, sight: Sight, clock: Clock) -> Object:
    status: Object = {
        "printableStatus": sight.printable,
        "created": sight.instance is not None,
        "ready": sight.runs,
        "conditions": list(vm_conditions(vm, sight, clock)),
        "volumeSnapshotStatuses": [_volume_status(volume) for volume in vm.volumes],
    }
    if vm.is_to_start(sight):
        status["stateChangeRequests"] = [{"action": "Start"}]
    if holder:
        status["snapshotInProgress"] = holder.name
    if vm.restore_in_progress:
        status["restoreInProgress"] = vm.restore_in_progress
    return status


# See docs/palette.md, "VM objects".
def vm_conditions(vm: VM, sight: Sight, clock: Clock) -> Iterable[Object]:
    """The conditions of a VM, and of its instance."""
    since = clock(vm.created)
    # A new instance has a new time, and so has a VM whose instance is gone.
    yield _condition("Ready", sight.runs, _why_not_ready(sight), clock(vm.ready_since(sight)))
    # Once the VM is off, its last conditions stay.
    if vm.guest_agent and (sight.runs or sight.instance is None):
        yield _condition("AgentConnected", True, "", since)
    if vm.power == "Paused":
        yield _condition("Paused", True, "PausedByUser", since)


def _why_not_ready(sight: Sight) -> str:
    if sight.runs:
        return ""
    if sight.instance is None:
        return "VMINotExists"
    return "PodNotExists" if sight.instance.is_final else "GuestNotRunning"


def _volume_status(volume: FleetVolume) -> Object:
    if volume.can_be_snapshotted():
        return {"name": volume.name, "enabled": True}
    reason = (
        f"No VolumeSnapshotClass: Volume snapshots are not configured for this StorageClass "
        f"[{STORAGE_CLASS}] [{volume.name}]"
        if volume.kind in SNAPSHOTTABLE
        else f"Snapshot is not supported for this volumeSource type [{volume.name}]"
    )
    return {"name": volume.name, "enabled": False, "reason": reason}

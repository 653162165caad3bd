# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fleet file: which projects, clusters, VMs and API keys a simulated Palette starts with."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import msgspec

from palette_simulator.durations import parse_age, parse_go_duration
from palette_simulator.switches import Burst, Rate
from palette_simulator.timing import check_overrides

PERMISSIONS = (
    "cluster.adminKubeconfigDownload",
    "cluster.get",
    "cluster.list",
    "project.get",
    "virtualMachine.delete",
    "virtualMachine.get",
    "virtualMachine.list",
    "virtualMachine.migrate",
    "virtualMachine.pause",
    "virtualMachine.restart",
    "virtualMachine.resume",
    "virtualMachine.snapshotCreate",
    "virtualMachine.snapshotDelete",
    "virtualMachine.snapshotGet",
    "virtualMachine.snapshotList",
    "virtualMachine.snapshotUpdate",
    "virtualMachine.start",
    "virtualMachine.stop",
)
SNAPSHOTTABLE = ("dataVolume", "persistentVolumeClaim", "memoryDump")

Freeze = Literal["ok", "fails", "quiesce_failed"]
Power = Literal["Running", "Stopped", "Paused"]
SeedPower = Power | Literal["ShutDown"]
Disks = Literal["", "Provisioning", "DataVolumeError"]
RunStrategy = Literal["Always", "Once", "RerunOnFailure", "Manual", "running"]
Fate = Literal["normal", "never_ready", "fails", "ready_lost", "stuck_deleting"]


class FleetError(ValueError):
    """A fleet file that cannot be used; the text names the file and the key."""


class _Section(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A mapping of the fleet file: an unknown key is an error."""


class FleetVolume(_Section):
    """A volume of a VM; whether it can be snapshotted follows from its kind unless given."""

    name: str
    kind: Literal[
        "dataVolume",
        "persistentVolumeClaim",
        "memoryDump",
        "containerDisk",
        "cloudInitNoCloud",
        "cloudInitConfigDrive",
        "configMap",
        "secret",
        "emptyDisk",
    ] = "dataVolume"
    snapshottable: bool | None = None
    claim: str = ""
    """the PVC or DataVolume; <VM>-<volume> if empty"""
    template: bool = False
    """for a DataVolume: whether the VM's dataVolumeTemplates make it"""
    network_data: str = ""
    """for cloud-init: its networkData"""

    def is_claimed(self) -> bool:
        """Whether there is a PVC behind this volume."""
        return self.kind in SNAPSHOTTABLE

    def can_be_snapshotted(self) -> bool:
        """Whether a snapshot includes this volume."""
        if self.snapshottable is not None:
            return self.snapshottable
        return self.kind in SNAPSHOTTABLE


class FleetSnapshot(_Section):
    """A snapshot that exists when the simulator starts."""

    name: str
    age: str = "1h"
    phase: Literal["Succeeded", "Failed", "InProgress", "Deleting"] = "Succeeded"
    ready: bool = True
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    deletion_policy: str | None = None
    failure_deadline: str | None = None
    finishes_in: str | None = None
    """for phase InProgress: from the start of the simulator to Succeeded; never if absent"""

    def __post_init__(self) -> None:
        """Check the durations."""
        parse_age(self.age)
        for text in (self.failure_deadline, self.finishes_in):
            if text is not None:
                parse_go_duration(text)


class FleetVM(_Section):
    """A virtual machine and how its snapshots behave."""

    name: str
    namespace: str
    age: str = "30d"
    labels: dict[str, str] = {}
    power: SeedPower = "Running"
    """ShutDown: by its own guest, with the run strategy Manual, which leaves its instance"""
    disks: Disks = ""
    """what it shows of its disks while it is off; no snapshot can be taken then"""
    refused: bool = False
    """whether its instance cannot be created, as where a quota forbids it"""
    run_strategy: RunStrategy = "Always"
    """while it is on, and as far as it keeps it, off; running: the older field of that name"""
    cores: int = 1
    guest_agent: bool = True
    volumes: list[FleetVolume] = msgspec.field(
        default_factory=lambda: [
            FleetVolume(name="rootdisk"),
            FleetVolume(name="cloudinitdisk", kind="cloudInitNoCloud"),
        ]
    )
    freeze: Freeze = "ok"
    snapshot: Fate = "normal"
    restore_in_progress: str = ""
    timing: dict[str, Any] = {}
    snapshots: list[FleetSnapshot] = []

    def __post_init__(self) -> None:
        """Check the age and the timing overrides."""
        parse_age(self.age)
        check_overrides(self.timing)


class FleetCluster(_Section):
    """A host cluster; `namespaces` adds to those of its VMs."""

    name: str
    uid: str = ""
    environment: str = "vsphere"
    state: str = "Running"
    deleted: bool = False
    vm_enabled: bool = True
    namespaces: list[str] = []
    cuts_per_second: Rate | None = None
    """the pace of its storage; as the switch says if absent"""
    cut_burst: Burst | None = None
    vms: list[FleetVM] = []


class FleetProject(_Section):
    """A project and its clusters."""

    name: str
    uid: str = ""
    clusters: list[FleetCluster] = []


class FleetKey(_Section):
    """An API key: what it may do, and where."""

    key: str
    user: str = "user@example.com"
    permissions: list[str] | Literal["all"] = "all"
    projects: list[str] | Literal["all"] = "all"
    tenant_access: bool = True

    def __post_init__(self) -> None:
        """Check the permissions."""
        unknown = set(self.permissions) - set(PERMISSIONS) if self.permissions != "all" else None
        if unknown:
            raise ValueError(f"unknown permission: {', '.join(sorted(unknown))}")


class Fleet(_Section):
    """The whole file."""

    keys: list[FleetKey]
    projects: list[FleetProject]
    tenant_clusters: list[FleetCluster] = []

    def clusters(self) -> list[FleetCluster]:
        """Every cluster, those of projects first."""
        return [c for project in self.projects for c in project.clusters] + self.tenant_clusters


def load_fleet(path: Path) -> Fleet:
    """Read a fleet file; FleetError names the key that is wrong."""
    try:
        fleet = msgspec.yaml.decode(path.read_bytes(), type=Fleet)
    except (OSError, msgspec.MsgspecError) as error:
        raise FleetError(f"{path}: {error}") from None
    problem = _inconsistency(fleet)
    if problem:
        raise FleetError(f"{path}: {problem}")
    return fleet


def grow(fleet: Fleet, count: int, namespaces: list[str], clusters: int = 0) -> None:
    """Add VMs vm-00001 … to the first cluster, spread over the namespaces in turn.

    With a number of clusters, edge-001 … come into the first project, and have the same number of
    VMs each, or one more.
    """
    vms = [
        FleetVM(
            name=f"vm-{number:05}",
            namespace=namespaces[number % len(namespaces)],
            labels={"app": "fleet", "shard": str(number % 10)},
        )
        for number in range(1, count + 1)
    ]
    if not clusters:
        fleet.clusters()[0].vms += vms
        return
    ends = [count * number // clusters for number in range(clusters + 1)]
    fleet.projects[0].clusters += [
        FleetCluster(
            name=f"edge-{number:03}",
            environment="edge-native",
            namespaces=namespaces,
            vms=vms[ends[number - 1] : ends[number]],
        )
        for number in range(1, clusters + 1)
    ]


def _inconsistency(fleet: Fleet) -> str | None:
    names = {project.name for project in fleet.projects}
    for index, key in enumerate(fleet.keys):
        unknown = set(key.projects) - names if key.projects != "all" else None
        if unknown:
            return f"no such project: {', '.join(sorted(unknown))} - at `$.keys[{index}].projects`"
    return next(filter(None, (_twice(cluster) for cluster in fleet.clusters())), None)


def _twice(cluster: FleetCluster) -> str | None:
    seen: set[tuple[str, str, str]] = set()
    for vm in cluster.vms:
        members = [("VM", vm.namespace, vm.name)]
        members += [("snapshot", vm.namespace, snapshot.name) for snapshot in vm.snapshots]
        for member in members:
            if member in seen:
                return f"{' '.join(member)} is there twice in cluster {cluster.name}"
            seen.add(member)
    return None

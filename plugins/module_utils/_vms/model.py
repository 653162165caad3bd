# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A virtual machine, read from the API's object."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from .._http.answers import Json
from .._http.errors import ApiError
from .._palette.objects import (
    any_mapping_in,
    any_mappings_in,
    any_text_in,
    flag_in,
    mapping_in,
    name_in,
    read_time,
    shaped,
    text_in,
    texts_in,
)
from .addresses import network_data_in, static_addresses


class VmKey(NamedTuple):
    """The key of a virtual machine, unique within Palette."""

    cluster_uid: str
    namespace: str
    vm_name: str


_OFF = "Stopped"
# Run strategies: what KubeVirt makes of an instance that ends.
ALWAYS, HALTED, MANUAL, ONCE = "Always", "Halted", "Manual", "Once"
RERUN_ON_FAILURE = "RerunOnFailure"
# With these, it leaves it where it is.
_KEEPS_INSTANCE = (MANUAL, ONCE)
# What is shown of a VM's disks instead of that it is off.
_OF_THE_DISKS = ("DataVolumeError", "Provisioning")

_CLOUD_INIT = ("cloudInitConfigDrive", "cloudInitNoCloud")

# Volumes whose content comes from elsewhere, or is lost when the VM stops.
_WITHOUT_DATA = frozenset(
    {
        *_CLOUD_INIT,
        "configMap",
        "containerDisk",
        "downwardAPI",
        "downwardMetrics",
        "emptyDisk",
        "ephemeral",
        "memoryDump",
        "secret",
        "serviceAccount",
        "sysprep",
    }
)


def why_unreadable(kind: str, namespace: str, name: str, why: str) -> str:
    """Return the text that an object cannot be read, with what is known of its place."""
    return f"{kind} {namespace or '?'}/{name or '?'} cannot be read: {why}"


class Volume(NamedTuple):
    """A VM's volume. reason: why it cannot be in a snapshot.

    kind: KubeVirt's word, such as ``dataVolume``; None if Palette does not know it. snapshottable:
    None if Palette does not tell.
    """

    name: str
    kind: str | None
    snapshottable: bool | None
    reason: str = ""

    @property
    def holds_data(self) -> bool:
        """Whether data would be lost with it; assumed of an unknown kind."""
        return self.kind not in _WITHOUT_DATA


class VirtualMachine(NamedTuple):
    """A virtual machine, with the fields that snapshots and power calls need.

    running: whether it has an instance that has not ended, which can also be starting, stopping or
    paused. ended: whether all that it has is one that has ended, and stays until the VM is started.
    ready: whether its instance is up. ready_since: when that changed last, as Palette writes it.
    run_strategy: what KubeVirt makes of an instance that ends; empty if Palette does not tell.
    start_requested: whether KubeVirt is still to start it, by a request of its own or of a user.
    network_data: what cloud-init makes the guest's network of.
    guest_agent: whether it is connected; None if the VM is off or Palette does not tell.
    unreadable: why nothing but its name is known; what is not known of that is empty, too.
    """

    key: VmKey
    uid: str = ""
    labels: Mapping[str, str] = {}
    printable_status: str = ""
    running: bool = False
    paused: bool = False
    guest_agent: bool | None = None
    snapshot_in_progress: str = ""
    restore_in_progress: str = ""
    created: datetime | None = None
    deleting: bool = False
    volumes: tuple[Volume, ...] = ()
    ready: bool = False
    ready_since: str = ""
    run_strategy: str = ""
    network_data: tuple[str, ...] = ()
    unreadable: str = ""
    ended: bool = False
    start_requested: bool = False

    @property
    def addresses(self) -> list[str]:
        """The addresses that Palette tells of, which are those that cloud-init sets."""
        return list(dict.fromkeys(a for text in self.network_data for a in static_addresses(text)))

    @property
    def unreadable_text(self) -> str:
        """Why it cannot be read, with what is known of its place."""
        return why_unreadable("VM", self.key.namespace, self.key.vm_name, self.unreadable)

    @property
    def terminating_text(self) -> str:
        """What to say of it while it is being deleted."""
        return f"VM {self.key.vm_name} is being deleted"

    # See docs/palette.md, "Power".
    @property
    def comes_up(self) -> bool:
        """Whether it has no instance, and KubeVirt makes it one by itself, at once or later."""
        expected = self.run_strategy in (ALWAYS, ONCE) or self.start_requested
        return expected and not (self.running or self.ended)

    @property
    def is_on(self) -> bool:
        """Whether it runs, or will without anybody starting it."""
        return self.running or self.comes_up

    @property
    def seen_off(self) -> bool:
        """Whether Palette says that it is off, and does not only leave out that it is on."""
        if self.is_on:
            return False
        halted = self.run_strategy == HALTED and self.printable_status in _OF_THE_DISKS
        return halted or self.printable_status == _OFF

    @property
    def unsnapshottable(self) -> bool:
        """Whether a snapshot would contain no volume at all."""
        reported = [v for v in self.volumes if v.snapshottable is not None]
        perhaps = any(v.snapshottable is None and v.holds_data for v in self.volumes)
        return bool(reported) and not perhaps and not any(v.snapshottable for v in reported)

    @property
    def disks(self) -> tuple[str, ...]:
        """The names of the volumes with data."""
        return tuple(v.name for v in self.volumes if v.holds_data)

    @property
    def left_out(self) -> tuple[Volume, ...]:
        """The volumes with data that a snapshot will not contain."""
        return tuple(v for v in self.volumes if v.holds_data and v.snapshottable is False)

    @property
    def blocker(self) -> tuple[str, str] | None:
        """Why no snapshot of it can be taken now, however it is wanted: a word and a message."""
        name = self.key.vm_name
        if self.unreadable:
            return "malformed_response", f"VM {name} cannot be read: {self.unreadable}"
        if self.deleting:
            return "vm_terminating", self.terminating_text
        if self.unsnapshottable:
            causes = ", ".join(f"{v.name} ({v.reason or 'no reason given'})" for v in self.volumes)
            return "not_snapshottable", f"no volume of VM {name} can be snapshotted: {causes}"
        return None


def read_vm(cluster_uid: str, manifest: Json) -> VirtualMachine:
    """Read a VM object of the API, or raise ``malformed_response``."""
    meta, status = mapping_in(manifest, "metadata"), mapping_in(manifest, "status")
    namespace, name = (name_in(meta, part, f"metadata.{part}") for part in ("namespace", "name"))
    printable_status = any_text_in(status, "printableStatus")
    run_strategy = _run_strategy(any_mapping_in(manifest, "spec"))
    created = flag_in(status, "created")
    start_requested = _start_requested(status)
    kept = printable_status == _OFF and run_strategy in _KEEPS_INSTANCE
    ended = created and kept and not start_requested
    running = created and not ended
    # Those of a VM that is off are what is left of its last instance.
    conditions = _conditions(status, "status") if running else {}
    return VirtualMachine(
        key=VmKey(cluster_uid, namespace, name),
        uid=any_text_in(meta, "uid"),
        labels=texts_in(meta, "labels"),
        printable_status=printable_status,
        running=running,
        paused=printable_status == "Paused" or conditions.get("Paused") == "True",
        guest_agent=conditions.get("AgentConnected") == "True" if conditions else None,
        snapshot_in_progress=any_text_in(status, "snapshotInProgress"),
        restore_in_progress=any_text_in(status, "restoreInProgress"),
        created=read_time(meta.get("creationTimestamp")),
        deleting=read_time(text_in(meta, "deletionTimestamp")) is not None,
        volumes=tuple(_volumes(manifest)),
        ready=status.get("ready") is True,
        ready_since=_conditions(status, "lastTransitionTime").get("Ready", ""),
        run_strategy=run_strategy,
        network_data=tuple(filter(None, _network_data(manifest))),
        ended=ended,
        start_requested=start_requested,
    )


def read_listed(cluster_uid: str, item: Any) -> VirtualMachine:
    """Read an item of a list of VMs; one that cannot be read must not spoil the list."""
    try:
        return read_vm(cluster_uid, shaped(item, dict, "an item"))
    except ApiError as error:
        meta = any_mapping_in(item, "metadata")
        key = VmKey(cluster_uid, any_text_in(meta, "namespace"), any_text_in(meta, "name"))
        return VirtualMachine(key, any_text_in(meta, "uid"), unreadable=error.message)


# See docs/palette.md, "VM objects".
def _conditions(status: Mapping[str, Any], field: str) -> dict[str, str]:
    """Return a field of a VM's conditions, by type."""
    conditions = any_mappings_in(status, "conditions")
    return {any_text_in(each, "type"): any_text_in(each, field) for each in conditions}


def _start_requested(status: Mapping[str, Any]) -> bool:
    requests = any_mappings_in(status, "stateChangeRequests")
    return any(any_text_in(each, "action") == "Start" for each in requests)


def _run_strategy(spec: Mapping[str, Any]) -> str:
    """Return a VM's run strategy, also where it is told by the older field."""
    named, running = any_text_in(spec, "runStrategy"), spec.get("running")
    if named or not isinstance(running, bool):
        return named
    return ALWAYS if running else HALTED


def _volumes(manifest: Json) -> Iterator[Volume]:
    """Yield the volumes that the spec has, and those that only the status has."""
    kinds = {any_text_in(each, "name"): _kind(each) for each in _listed_volumes(manifest)}
    statuses = any_mappings_in(any_mapping_in(manifest, "status"), "volumeSnapshotStatuses")
    reported = {any_text_in(each, "name"): each for each in statuses}
    for name in dict.fromkeys([*kinds, *reported]):
        if not name:
            continue
        told = reported.get(name, {})
        yield Volume(name, kinds.get(name), _enabled(told), any_text_in(told, "reason"))


def _network_data(manifest: Json) -> Iterator[str]:
    for volume in _listed_volumes(manifest):
        yield from (network_data_in(any_mapping_in(volume, kind)) for kind in _CLOUD_INIT)


def _listed_volumes(manifest: Json) -> list[Mapping[str, Any]]:
    template = any_mapping_in(any_mapping_in(manifest, "spec"), "template")
    return any_mappings_in(any_mapping_in(template, "spec"), "volumes")


def _enabled(told: Mapping[str, Any]) -> bool | None:
    """Return whether a volume can be in a snapshot; what is false may be left out."""
    if not told:
        return None
    enabled = told.get("enabled") or False
    return enabled if isinstance(enabled, bool) else None


def _kind(volume: Mapping[str, Any]) -> str | None:
    """Return which of its sources a volume has."""
    return next((key for key, source in volume.items() if isinstance(source, Mapping)), None)

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A restore, and the virtual machine that it is of, read from a cluster's own API."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from .._http.answers import Json
from .._http.errors import ApiError
from .._palette.objects import (
    any_mapping_in,
    any_mappings_in,
    any_text_in,
    any_texts_in,
    flag_in,
    mapping_in,
    name_in,
    read_time,
    shaped,
    text_in,
    texts_in,
    without_managed_fields,
)
from .._snapshots.model import VM_RAN
from .._vms.model import VirtualMachine, VmKey, read_vm, why_unreadable

# What this collection writes to a restore, besides VM_RAN. Its creation and what ran before are one
# write, so that nothing is stopped before that is on record.
ROLLBACK = "spectrocloud.palette/rollback"
STRATEGY = "spectrocloud.palette/run-strategy"
CLAIMS = "spectrocloud.palette/claims"
SAFETY = "spectrocloud.palette/safety-snapshot"
PENDING, DONE = "pending", "done"

# What it writes to a VM that it stops, as long as no restore says so: when it ran.
RAN_AT = "spectrocloud.palette/ran-at"

IN_PLACE = "InPlace"
FAILED = "Failed"
_FINAL = ("Succeeded", FAILED)


class RestoredVolume(NamedTuple):
    """A volume that a restore brings back. data_volume: empty if it has none."""

    name: str
    claim: str
    volume_snapshot: str
    data_volume: str = ""


class Restore(NamedTuple):
    """A VirtualMachineRestore.

    key: its target. text: KubeVirt's, what it does or waits for. manifest: without managedFields.
    unreadable: why nothing but its place is known; what is not known of that is empty, too.
    """

    key: VmKey
    name: str
    manifest: Json
    uid: str = ""
    snapshot_name: str = ""
    in_place: bool = False
    labels: Mapping[str, str] = {}
    annotations: Mapping[str, str] = {}
    complete: bool = False
    failed: bool = False
    text: str = ""
    restore_time: datetime | None = None
    created: datetime | None = None
    deleting: bool = False
    volumes: tuple[RestoredVolume, ...] = ()
    deleted_data_volumes: tuple[str, ...] = ()
    conditions: tuple[Mapping[str, Any], ...] = ()
    unreadable: str = ""

    @property
    def unreadable_text(self) -> str:
        """Why it cannot be read, with what is known of its place."""
        whose = f" of VM {self.key.vm_name}" if self.key.vm_name else ""
        name = f"{self.name or '?'}{whose}"
        return why_unreadable("restore", self.key.namespace, name, self.unreadable)

    @property
    def pending(self) -> bool:
        """Whether it is a rollback of this collection that was not carried through."""
        return self.annotations.get(ROLLBACK) == PENDING

    @property
    def done(self) -> bool:
        """Whether it is a rollback of this collection that was carried through."""
        return self.complete and self.annotations.get(ROLLBACK) == DONE

    # See docs/palette.md, "Restored volumes".
    @property
    def takes_disks(self) -> bool:
        """Whether it may have deleted disks that the VM has: only it can bring them back."""
        return bool(self.deleted_data_volumes or (self.in_place and self.volumes))

    @property
    def vm_ran(self) -> bool:
        """Whether the VM ran before, as this collection wrote it down."""
        return self.annotations.get(VM_RAN) == "true"

    @property
    def claims_before(self) -> Mapping[str, str]:
        """The claims of the VM's volumes before, as this collection wrote them down."""
        pairs = (part.partition("=") for part in self.annotations.get(CLAIMS, "").split(","))
        return {volume: claim for volume, _equals, claim in pairs if claim}


class Instance(NamedTuple):
    """A VirtualMachineInstance: what a VM has that is not off.

    ready: whether the guest runs. agent: whether the guest agent is connected.
    """

    key: VmKey
    created: datetime | None
    phase: str
    ready: bool
    agent: bool
    deleting: bool

    @property
    def ending(self) -> bool:
        """Whether it has ended or is told to."""
        return self.deleting or self.phase in _FINAL


class Machine(NamedTuple):
    """A virtual machine with what restores need of it. claims: of its volumes, by their names."""

    vm: VirtualMachine
    claims: Mapping[str, str]
    ran_at: datetime | None
    spec: Mapping[str, Any]


def read_restore(cluster_uid: str, manifest: Json) -> Restore:
    """Read a VirtualMachineRestore object, or raise ``malformed_response``."""
    meta, spec = mapping_in(manifest, "metadata"), mapping_in(manifest, "spec")
    status = mapping_in(manifest, "status")
    target = name_in(mapping_in(spec, "target"), "name", "spec.target.name")
    namespace = name_in(meta, "namespace", "metadata.namespace")
    conditions = tuple(any_mappings_in(status, "conditions"))
    return Restore(
        key=VmKey(cluster_uid, namespace, target),
        name=name_in(meta, "name", "metadata.name"),
        manifest=without_managed_fields(manifest),
        uid=text_in(meta, "uid"),
        snapshot_name=text_in(spec, "virtualMachineSnapshotName"),
        in_place=any_text_in(spec, "volumeRestorePolicy") == IN_PLACE,
        labels=texts_in(meta, "labels"),
        annotations=texts_in(meta, "annotations"),
        complete=flag_in(status, "complete"),
        failed=_has(conditions, "Failure"),
        text=_text(conditions),
        restore_time=read_time(status.get("restoreTime")),
        created=read_time(meta.get("creationTimestamp")),
        deleting=read_time(text_in(meta, "deletionTimestamp")) is not None,
        volumes=tuple(_restored(each) for each in any_mappings_in(status, "restores")),
        deleted_data_volumes=tuple(any_texts_in(status, "deletedDataVolumes")),
        conditions=conditions,
    )


def read_listed(cluster_uid: str, item: Any) -> Restore:
    """Read an item of a list of restores; one that cannot be read must not spoil the list."""
    try:
        return read_restore(cluster_uid, shaped(item, dict, "an item"))
    except ApiError as error:
        meta = any_mapping_in(item, "metadata")
        target = any_mapping_in(any_mapping_in(item, "spec"), "target")
        key = VmKey(cluster_uid, any_text_in(meta, "namespace"), any_text_in(target, "name"))
        return Restore(key, any_text_in(meta, "name"), {}, unreadable=error.message)


def read_instance(cluster_uid: str, item: Any) -> Instance:
    """Read a VirtualMachineInstance, of which only its VM must be known."""
    meta, status = any_mapping_in(item, "metadata"), any_mapping_in(item, "status")
    conditions = any_mappings_in(status, "conditions")
    namespace, name = any_text_in(meta, "namespace"), any_text_in(meta, "name")
    return Instance(
        VmKey(cluster_uid, namespace, name),
        read_time(meta.get("creationTimestamp")),
        any_text_in(status, "phase"),
        ready=any_text_in(status, "phase") == "Running" and _has(conditions, "Ready"),
        agent=_has(conditions, "AgentConnected"),
        deleting=read_time(meta.get("deletionTimestamp")) is not None,
    )


def read_machine(cluster_uid: str, item: Any) -> Machine | None:
    """Read a VirtualMachine, or return None for what cannot be read."""
    try:
        manifest = shaped(item, dict, "an item")
        vm, spec = read_vm(cluster_uid, manifest), mapping_in(manifest, "spec")
    except ApiError:
        return None
    annotations = any_mapping_in(any_mapping_in(manifest, "metadata"), "annotations")
    ran_at = read_time(any_text_in(annotations, RAN_AT))
    return Machine(vm, _claims(spec), ran_at, spec)


def spec_in_content(manifest: Json) -> Mapping[str, Any]:
    """Return the VM's spec in a VirtualMachineSnapshotContent, or raise ``malformed_response``."""
    source = mapping_in(mapping_in(manifest, "spec"), "source")
    spec = mapping_in(mapping_in(source, "virtualMachine"), "spec")
    if not spec:
        raise ApiError("malformed_response", "the snapshot's content holds no VM")
    return spec


def _has(conditions: Iterable[Mapping[str, Any]], kind: str) -> bool:
    return any(
        any_text_in(each, "type") == kind and any_text_in(each, "status") == "True"
        for each in conditions
    )


# See docs/palette.md, "The object": the text is in the reason, and the message stays empty.
def _text(conditions: Iterable[Mapping[str, Any]]) -> str:
    texts = {any_text_in(each, "type"): any_text_in(each, "reason") for each in conditions}
    known = (texts.get(kind) for kind in ("Failure", "Progressing", "Ready"))
    return next((text for text in known if text), "")


def _restored(item: Mapping[str, Any]) -> RestoredVolume:
    names = ("volumeName", "persistentVolumeClaim", "volumeSnapshotName", "dataVolumeName")
    return RestoredVolume(*(any_text_in(item, name) for name in names))


def _claims(spec: Mapping[str, Any]) -> dict[str, str]:
    template = any_mapping_in(any_mapping_in(spec, "template"), "spec")
    claims = {}
    for volume in any_mappings_in(template, "volumes"):
        claim = any_text_in(any_mapping_in(volume, "persistentVolumeClaim"), "claimName")
        # A DataVolume's claim has its name.
        claim = claim or any_text_in(any_mapping_in(volume, "dataVolume"), "name")
        if claim:
            claims[any_text_in(volume, "name")] = claim
    return claims

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A virtual machine, read from the API's object."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from .._palette.client import Json
from .._palette.objects import list_in, mapping_in, read_time, shaped, text_in


class VmKey(NamedTuple):
    """The key of a virtual machine, unique within Palette."""

    cluster_uid: str
    namespace: str
    vm_name: str


class Volume(NamedTuple):
    """A VM's volume. enabled: whether it can be in a snapshot; reason: why not."""

    name: str
    enabled: bool
    reason: str


class VirtualMachine(NamedTuple):
    """A virtual machine, with the fields that snapshots need."""

    key: VmKey
    uid: str
    labels: Mapping[str, str]
    printable_status: str
    snapshot_in_progress: str
    restore_in_progress: str
    created: datetime | None
    deleting: bool
    volumes: tuple[Volume, ...]


def read_vm(cluster_uid: str, manifest: Json) -> VirtualMachine:
    """Read a VM object of the API."""
    meta, status = mapping_in(manifest, "metadata"), mapping_in(manifest, "status")
    return VirtualMachine(
        key=VmKey(cluster_uid, text_in(meta, "namespace"), text_in(meta, "name")),
        uid=text_in(meta, "uid"),
        labels=mapping_in(meta, "labels"),
        printable_status=text_in(status, "printableStatus"),
        snapshot_in_progress=text_in(status, "snapshotInProgress"),
        restore_in_progress=text_in(status, "restoreInProgress"),
        created=read_time(meta.get("creationTimestamp")),
        deleting=read_time(meta.get("deletionTimestamp")) is not None,
        volumes=tuple(
            _read_volume(shaped(volume, dict, "volumeSnapshotStatuses"))
            for volume in list_in(status, "volumeSnapshotStatuses")
        ),
    )


def _read_volume(status: Json) -> Volume:
    return Volume(text_in(status, "name"), bool(status.get("enabled")), text_in(status, "reason"))

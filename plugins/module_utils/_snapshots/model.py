# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the planner and the waiting know of virtual machines and snapshots, read from API objects.

Both of Palette's JSON styles are read alike: omitted or false booleans, null or empty arrays,
omitted or zero times.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any, NamedTuple

from .._palette.errors import PaletteError
from .._validation.request import response_problems

MANAGED_BY = "app.kubernetes.io/managed-by"
MANAGER = "ansible"
PART_OF = "app.kubernetes.io/part-of"
REQUEST_ID = "spectrocloud.palette/request-id"
EXPIRES_AT = "spectrocloud.palette/expires-at"

_ZERO_YEAR = 1

Json = dict[str, Any]


class VmKey(NamedTuple):
    """Which virtual machine: unique within Palette."""

    cluster_uid: str
    namespace: str
    vm_name: str


class Volume(NamedTuple):
    """Whether a VM's volume can be part of a snapshot, and if not, why."""

    name: str
    enabled: bool
    reason: str


class VirtualMachine(NamedTuple):
    """A virtual machine, as far as snapshots care."""

    key: VmKey
    uid: str
    labels: Mapping[str, str]
    printable_status: str
    snapshot_in_progress: str
    restore_in_progress: str
    deleting: bool
    volumes: tuple[Volume, ...]


class Snapshot(NamedTuple):
    """A VirtualMachineSnapshot.

    ``created`` is when it was asked for, ``creation_time`` its point in time.
    """

    key: VmKey
    name: str
    uid: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    failure_deadline: str | None
    deletion_policy: str | None
    phase: str
    ready: bool
    created: datetime | None
    creation_time: datetime | None
    deleting: bool
    indications: tuple[str, ...]
    conditions: tuple[Mapping[str, Any], ...]
    error: str | None
    included_volumes: tuple[str, ...]
    excluded_volumes: tuple[str, ...]
    content_name: str | None
    source_uid: str | None
    manifest: Json

    @property
    def failed(self) -> bool:
        """Only the phase says so: status.error may pass, and the controller tries again."""
        return self.phase == "Failed"

    @property
    def in_progress(self) -> bool:
        """Whether its VM is, or will be, locked for it."""
        return self.phase in ("", "InProgress") and not self.ready

    @property
    def taken_at(self) -> datetime | None:
        """Its point in time or, until that is known, when it was asked for."""
        return self.creation_time or self.created

    @property
    def quiesced(self) -> bool | None:
        """Whether file systems were at rest: VM off, or frozen by the guest agent without trouble.

        None while the snapshot is still being taken, and when that failed.
        """
        if self.in_progress or self.failed:
            return None
        if "Online" not in self.indications:
            return True
        trouble = any(indication.startswith("Quiesce") for indication in self.indications)
        return "GuestAgent" in self.indications and not trouble

    @property
    def restless(self) -> bool:
        """Whether it can be used, but its file systems were not at rest."""
        return self.ready and not self.quiesced

    @property
    def problem(self) -> str:
        """What stands in its way, in KubeVirt's words: failure, error, or why it is not ready."""
        reasons = {c.get("type"): c.get("reason") or c.get("message") for c in self.conditions}
        failure = reasons.get("Failure") if self.failed else None
        texts = (failure, self.error, reasons.get("Progressing"), reasons.get("Ready"))
        return "; ".join(dict.fromkeys(text for text in texts[:2] if text)) or next(
            (text for text in texts[2:] if text), "no reason given"
        )


def read_vm(cluster_uid: str, manifest: Json) -> VirtualMachine:
    """Read a VM object of the API."""
    meta, status = _mapping(manifest, "metadata"), _mapping(manifest, "status")
    return VirtualMachine(
        key=VmKey(cluster_uid, _text(meta, "namespace"), _text(meta, "name")),
        uid=_text(meta, "uid"),
        labels=_mapping(meta, "labels"),
        printable_status=_text(status, "printableStatus"),
        snapshot_in_progress=_text(status, "snapshotInProgress"),
        restore_in_progress=_text(status, "restoreInProgress"),
        deleting=read_time(meta.get("deletionTimestamp")) is not None,
        volumes=tuple(
            _read_volume(_shaped(volume, dict, "volumeSnapshotStatuses"))
            for volume in _list(status, "volumeSnapshotStatuses")
        ),
    )


def _read_volume(status: Json) -> Volume:
    return Volume(_text(status, "name"), bool(status.get("enabled")), _text(status, "reason"))


def read_snapshot(cluster_uid: str, manifest: Json) -> Snapshot:
    """Read a VirtualMachineSnapshot object of the API, or raise ``malformed_response``."""
    problems = response_problems("snapshot", manifest)
    if problems:
        raise PaletteError("malformed_response", f"Palette's answer: {'; '.join(problems)}")
    meta, spec = _mapping(manifest, "metadata"), _mapping(manifest, "spec")
    status = _mapping(manifest, "status")
    volumes = _mapping(status, "snapshotVolumes")
    return Snapshot(
        key=VmKey(cluster_uid, _text(meta, "namespace"), _text(_mapping(spec, "source"), "name")),
        name=_text(meta, "name"),
        uid=_text(meta, "uid"),
        labels=_mapping(meta, "labels"),
        annotations=_mapping(meta, "annotations"),
        failure_deadline=spec.get("failureDeadline"),
        deletion_policy=spec.get("deletionPolicy"),
        phase=_text(status, "phase"),
        ready=bool(status.get("readyToUse")),
        created=read_time(meta.get("creationTimestamp")),
        creation_time=read_time(status.get("creationTime")),
        deleting=read_time(meta.get("deletionTimestamp")) is not None,
        indications=tuple(_list(status, "indications")),
        conditions=tuple(_list(status, "conditions")),
        error=_mapping(status, "error").get("message") or None,
        included_volumes=tuple(_list(volumes, "includedVolumes")),
        excluded_volumes=tuple(_list(volumes, "excludedVolumes")),
        content_name=status.get("virtualMachineSnapshotContentName") or None,
        source_uid=status.get("sourceUID") or None,
        manifest=manifest,
    )


def read_time(text: Any) -> datetime | None:
    """Read an RFC 3339 time as UTC; None where it is absent or Go's zero time."""
    if not text:
        return None
    try:
        read = datetime.fromisoformat(_with_offset(str(text)))
        moment = (read if read.tzinfo else read.replace(tzinfo=timezone.utc)).astimezone(
            timezone.utc
        )
    except (ValueError, OverflowError):
        return None
    return moment if moment.year > _ZERO_YEAR else None


def write_time(moment: datetime | None) -> str | None:
    """Return a time as RFC 3339 in UTC, to the second."""
    if moment is None:
        return None
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def _with_offset(text: str) -> str:
    # Python before 3.11 reads neither "Z" nor fractions of other than 3 or 6 digits.
    whole, dot, rest = text.replace("Z", "+00:00").replace("z", "+00:00").partition(".")
    if not dot:
        return whole
    digits = len(rest) - len(rest.lstrip("0123456789"))
    return f"{whole}.{rest[:digits][:6].ljust(6, '0')}{rest[digits:]}"


def _mapping(parent: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = parent.get(key)
    return _shaped(value, dict, key) if value is not None else {}


def _list(parent: Mapping[str, Any], key: str) -> list[Any]:
    value = parent.get(key)
    return _shaped(value, list, key) if value is not None else []


def _text(parent: Mapping[str, Any], key: str) -> str:
    return str(parent.get(key) or "")


def _shaped(value: Any, kind: type, key: str) -> Any:
    if isinstance(value, kind):
        return value
    raise PaletteError(
        "malformed_response",
        f"Palette's answer has {key} as {type(value).__name__}, where {kind.__name__} is promised",
    )

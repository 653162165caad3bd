# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A snapshot, read from the API's object."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any, NamedTuple

from .._http.answers import Json
from .._http.errors import ApiError
from .._palette.objects import (
    any_mapping_in,
    any_mappings_in,
    any_text_in,
    any_texts_in,
    duration_in,
    flag_in,
    mapping_in,
    name_in,
    read_time,
    shaped,
    text_in,
    texts_in,
    without_managed_fields,
)
from .._validation.printable import too_deep
from .._vms.model import VmKey, why_unreadable

# The annotation of a snapshot whose VM was seen to be off when it was taken. Only the absence of
# indications tells so otherwise. See docs/palette.md, "Quiescing".
VM_OFF = "spectrocloud.palette/vm-off"
# The annotation of a snapshot whose VM was stopped for it and is to be started again: it ran.
VM_RAN = "spectrocloud.palette/vm-ran"

# Errors may pass, such as while a controller starts anew. One that lasts longer means that the
# snapshot's volumes are lost.
_TRANSIENT = timedelta(days=1)
_DEEPEST = 50
_EARLIEST = datetime.min.replace(tzinfo=timezone.utc)


class Snapshot(NamedTuple):
    """A VirtualMachineSnapshot.

    created: the time of the request. creation_time: the captured point in time. error_since: when
    it got its error. manifest: without managedFields, which nobody needs. unreadable: why nothing
    but its place is known; what is not known of that is empty, too.
    """

    key: VmKey
    name: str
    manifest: Json
    uid: str = ""
    labels: Mapping[str, str] = {}
    annotations: Mapping[str, str] = {}
    failure_deadline: str | None = None
    deletion_policy: str | None = None
    phase: str = ""
    ready: bool = False
    created: datetime | None = None
    creation_time: datetime | None = None
    deleting: bool = False
    indications: tuple[str, ...] = ()
    conditions: tuple[Mapping[str, Any], ...] = ()
    error: str | None = None
    included_volumes: tuple[str, ...] = ()
    excluded_volumes: tuple[str, ...] = ()
    content_name: str | None = None
    source_uid: str | None = None
    unreadable: str = ""
    error_since: datetime | None = None

    @property
    def unreadable_text(self) -> str:
        """Why it cannot be read, with what is known of its place."""
        return why_unreadable("snapshot", self.key.namespace, self.name, self.unreadable)

    @property
    def failed(self) -> bool:
        """Whether it failed. status.error may be temporary, because the controller retries."""
        return self.phase == "Failed"

    @property
    def out_of_time(self) -> bool:
        """Whether it failed because its deadline passed, and of nothing else that is known.

        See docs/palette.md, "Deadlines".
        """
        return self.failed and not self.error and "deadline exceeded" in self.problem.lower()

    @property
    def in_progress(self) -> bool:
        """Whether its VM is, or will be, locked for it."""
        return self.phase in ("", "InProgress") and not self.ready

    @property
    def unready(self) -> bool:
        """Whether it is taken and has not failed, but cannot be used, or not yet."""
        return not (self.ready or self.failed or self.in_progress)

    # See docs/palette.md, "Readiness".
    def lost(self, now: datetime) -> bool:
        """Say whether it is taken, and has had an error for so long that it will not be ready."""
        lasting = self.error_since is not None and now - self.error_since > _TRANSIENT
        return bool(self.unready and self.error and lasting)

    @property
    def usable(self) -> bool:
        """Whether the VM that it was taken of can be restored from it."""
        return self.ready and not self.deleting

    @property
    def taken_at(self) -> datetime | None:
        """The captured point in time; until that is known, the time of the request."""
        return self.creation_time or self.created

    @property
    def age_order(self) -> tuple[datetime, str]:
        """What sorts snapshots from the oldest to the newest. One without a time is the oldest."""
        return self.taken_at or _EARLIEST, self.name

    @property
    def quiesced(self) -> bool | None:
        """Whether the file systems are consistent: VM off, or frozen by the guest agent.

        None while the snapshot is in progress, if it failed, or if nobody can tell: Palette may not
        pass on what KubeVirt says, so that no indications alone mean nothing.
        """
        if self.in_progress or self.failed:
            return None
        if "NoGuestAgent" in self.indications or "Paused" in self.indications:
            return False
        if any(indication.startswith("Quiesce") for indication in self.indications):
            return False
        seen_off = VM_OFF in self.annotations and "Online" not in self.indications
        return True if seen_off or "GuestAgent" in self.indications else None

    @property
    def unquiesced(self) -> str:
        """Why a usable snapshot does not satisfy consistency: filesystem; empty if it does."""
        if not self.ready or self.quiesced:
            return ""
        indications = ", ".join(self.indications) or "no indications"
        return (
            f"consistency: filesystem is not satisfied, because {self._freeze_problem} "
            f"(indications: {indications}); snapshot {self.name} is kept and usable"
        )

    def lacking(self, needed: Collection[str]) -> str:
        """Return why a usable snapshot does not satisfy excluded_volumes: refuse; empty if it does.

        needed: the volumes that must be in it.
        """
        without = self.without_text(needed)
        if not without:
            return ""
        return (
            f"excluded_volumes: refuse is not satisfied, because {without}; it is kept and can be "
            "used"
        )

    def without_text(self, needed: Collection[str]) -> str:
        """Return which of these volumes a usable snapshot is without; empty if it has all."""
        lacks = [f"disk {name}" for name in needed if self.ready and self._is_without(name)]
        return f"snapshot {self.name} is without {', '.join(lacks)}" if lacks else ""

    def _is_without(self, volume: str) -> bool:
        """Say whether a volume is not in the snapshot. The VM may have got it later."""
        added = bool(self.included_volumes) and volume not in self.included_volumes
        return added or volume in self.excluded_volumes

    @property
    def _freeze_problem(self) -> str:
        if self.quiesced is None:
            return "Palette does not tell whether the VM was off or its file systems were frozen"
        if "Paused" in self.indications:
            return "the VM was paused"
        if "NoGuestAgent" in self.indications:
            return "no guest agent was connected"
        return "the guest agent reported an error while it froze the file systems"

    @property
    def problem(self) -> str:
        """KubeVirt's text: why it failed, its error, or why it is not ready."""
        if self.unreadable:
            return f"it cannot be read ({self.unreadable})"
        reasons = {
            any_text_in(each, "type"): any_text_in(each, "reason") or any_text_in(each, "message")
            for each in self.conditions
        }
        failure = reasons.get("Failure") if self.failed else None
        texts = (failure, self.error, reasons.get("Progressing"), reasons.get("Ready"))
        return "; ".join(dict.fromkeys(text for text in texts[:2] if text)) or next(
            (text for text in texts[2:] if text), "no reason given"
        )


def read_snapshot(cluster_uid: str, manifest: Json) -> Snapshot:
    """Read a VirtualMachineSnapshot object of the API, or raise ``malformed_response``."""
    if too_deep(manifest, _DEEPEST):
        # A result can hold the whole object.
        raise ApiError("malformed_response", f"the answer is nested more than {_DEEPEST} deep")
    meta, spec = mapping_in(manifest, "metadata"), mapping_in(manifest, "spec")
    status = mapping_in(manifest, "status")
    volumes = any_mapping_in(status, "snapshotVolumes")
    vm_name = name_in(mapping_in(spec, "source"), "name", "spec.source.name")
    return Snapshot(
        key=VmKey(cluster_uid, name_in(meta, "namespace", "metadata.namespace"), vm_name),
        name=name_in(meta, "name", "metadata.name"),
        uid=text_in(meta, "uid"),
        labels=texts_in(meta, "labels"),
        annotations=texts_in(meta, "annotations"),
        failure_deadline=duration_in(spec, "failureDeadline"),
        deletion_policy=text_in(spec, "deletionPolicy") or None,
        phase=text_in(status, "phase"),
        ready=flag_in(status, "readyToUse"),
        created=read_time(meta.get("creationTimestamp")),
        creation_time=read_time(status.get("creationTime")),
        deleting=read_time(text_in(meta, "deletionTimestamp")) is not None,
        indications=tuple(_indications(status)),
        conditions=tuple(any_mappings_in(status, "conditions")),
        error=_error(status),
        error_since=read_time(any_mapping_in(status, "error").get("time")),
        included_volumes=tuple(any_texts_in(volumes, "includedVolumes")),
        excluded_volumes=tuple(any_texts_in(volumes, "excludedVolumes")),
        content_name=any_text_in(status, "virtualMachineSnapshotContentName") or None,
        source_uid=any_text_in(status, "sourceUID") or None,
        manifest=without_managed_fields(manifest),
    )


def read_listed(cluster_uid: str, item: Any) -> Snapshot:
    """Read an item of a list of snapshots; one that cannot be read must not spoil the list."""
    try:
        return read_snapshot(cluster_uid, shaped(item, dict, "an item"))
    except ApiError as error:
        meta = any_mapping_in(item, "metadata")
        source = any_mapping_in(any_mapping_in(item, "spec"), "source")
        namespace, vm_name = any_text_in(meta, "namespace"), any_text_in(source, "name")
        return Snapshot(
            VmKey(cluster_uid, namespace, vm_name),
            any_text_in(meta, "name"),
            uid=any_text_in(meta, "uid"),
            manifest=item if isinstance(item, dict) else {},
            unreadable=error.message,
        )


def read_shown(cluster_uid: str, item: Any) -> Snapshot:
    """Read an item of a list without its manifest, which takes memory, for those who only show."""
    return read_listed(cluster_uid, item)._replace(manifest={})


def _error(status: Mapping[str, Any]) -> str | None:
    return (
        any_text_in(any_mapping_in(status, "error"), "message")
        or any_text_in(status, "error")
        or None
    )


# See docs/palette.md, "Quiescing": newer versions of KubeVirt write the second list instead.
def _indications(status: Mapping[str, Any]) -> list[str]:
    newer = (
        any_text_in(each, "indication") for each in any_mappings_in(status, "sourceIndications")
    )
    return list(dict.fromkeys([*any_texts_in(status, "indications"), *filter(None, newer)]))

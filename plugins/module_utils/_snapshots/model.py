# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A snapshot, read from the API's object."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from .._palette.client import Json
from .._palette.errors import PaletteError
from .._palette.objects import list_in, mapping_in, read_time, shaped, text_in
from .._validation.answers import response_problems
from .._vms.model import VmKey


class Snapshot(NamedTuple):
    """A VirtualMachineSnapshot.

    created: the time of the request. creation_time: the captured point in time.
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

    @property
    def taken_at(self) -> datetime | None:
        """The captured point in time; until that is known, the time of the request."""
        return self.creation_time or self.created

    @property
    def quiesced(self) -> bool | None:
        """Whether the file systems are consistent: VM off, or frozen by the guest agent.

        None while the snapshot is in progress, or if it failed.
        """
        if self.in_progress or self.failed:
            return None
        if "Online" not in self.indications:
            return True
        freeze_failed = any(indication.startswith("Quiesce") for indication in self.indications)
        return "GuestAgent" in self.indications and not freeze_failed

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

    @property
    def _freeze_problem(self) -> str:
        if "Paused" in self.indications:
            return "the VM was paused"
        if "NoGuestAgent" in self.indications:
            return "no guest agent was connected"
        return "the guest agent reported an error while it froze the file systems"

    @property
    def problem(self) -> str:
        """KubeVirt's text: why it failed, its error, or why it is not ready."""
        reasons = {c.get("type"): c.get("reason") or c.get("message") for c in self.conditions}
        failure = reasons.get("Failure") if self.failed else None
        texts = (failure, self.error, reasons.get("Progressing"), reasons.get("Ready"))
        return "; ".join(dict.fromkeys(text for text in texts[:2] if text)) or next(
            (text for text in texts[2:] if text), "no reason given"
        )


def read_snapshot(cluster_uid: str, manifest: Json) -> Snapshot:
    """Read a VirtualMachineSnapshot object of the API, or raise ``malformed_response``."""
    problems = response_problems("snapshot", manifest)
    if problems:
        raise PaletteError("malformed_response", f"Palette's answer: {'; '.join(problems)}")
    meta, spec = mapping_in(manifest, "metadata"), mapping_in(manifest, "spec")
    status = mapping_in(manifest, "status")
    volumes = mapping_in(status, "snapshotVolumes")
    return Snapshot(
        key=VmKey(
            cluster_uid, text_in(meta, "namespace"), text_in(mapping_in(spec, "source"), "name")
        ),
        name=text_in(meta, "name"),
        uid=text_in(meta, "uid"),
        labels=mapping_in(meta, "labels"),
        annotations=mapping_in(meta, "annotations"),
        failure_deadline=spec.get("failureDeadline"),
        deletion_policy=spec.get("deletionPolicy"),
        phase=text_in(status, "phase"),
        ready=bool(status.get("readyToUse")),
        created=read_time(meta.get("creationTimestamp")),
        creation_time=read_time(status.get("creationTime")),
        deleting=read_time(meta.get("deletionTimestamp")) is not None,
        indications=tuple(_indications(status)),
        conditions=tuple(list_in(status, "conditions")),
        error=mapping_in(status, "error").get("message") or None,
        included_volumes=tuple(list_in(volumes, "includedVolumes")),
        excluded_volumes=tuple(list_in(volumes, "excludedVolumes")),
        content_name=status.get("virtualMachineSnapshotContentName") or None,
        source_uid=status.get("sourceUID") or None,
        manifest=manifest,
    )


# See docs/palette.md, "Quiescing": newer versions of KubeVirt write the second list instead.
def _indications(status: Mapping[str, Any]) -> list[str]:
    newer = [
        shaped(each, dict, "sourceIndications") for each in list_in(status, "sourceIndications")
    ]
    named = (text_in(each, "indication") for each in newer)
    return list(dict.fromkeys([*list_in(status, "indications"), *filter(None, named)]))

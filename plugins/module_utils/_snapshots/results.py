# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A snapshot in the result: its ``status``, and what a diff shows of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any

from .._http.answers import Json
from .._palette.objects import write_time
from .._validation.printable import printable
from .model import Snapshot
from .ownership import EXPIRES_AT, REQUEST_ID, SCHEDULED, set_of


def status_of(snapshot: Snapshot, now: datetime) -> dict[str, Any]:
    """Return a snapshot's ``status``, with the keys that RETURN documents.

    Times are RFC 3339 in UTC.
    """
    return {key: read(snapshot) for key, read in status_values(now).items()}


def status_values(now: datetime) -> dict[str, Callable[[Snapshot], Any]]:
    """Return what reads each value of a ``status``, so that nobody reads more than is wanted."""
    return {**_OF_PLACE, "age_seconds": partial(_age, now), **_OF_STATUS}


def _age(now: datetime, snapshot: Snapshot) -> int | None:
    taken_at = snapshot.taken_at
    return max(int((now - taken_at).total_seconds()), 0) if taken_at else None


def _error(snapshot: Snapshot) -> str | None:
    text = snapshot.problem if snapshot.failed else snapshot.error
    return printable(text) if text else None


_OF_PLACE: Mapping[str, Callable[[Snapshot], Any]] = {
    "cluster_uid": lambda snapshot: snapshot.key.cluster_uid,
    "name": lambda snapshot: snapshot.name,
    "namespace": lambda snapshot: snapshot.key.namespace,
    "vm_name": lambda snapshot: snapshot.key.vm_name,
    "uid": lambda snapshot: snapshot.uid or None,
    "phase": lambda snapshot: snapshot.phase or None,
    "ready_to_use": lambda snapshot: snapshot.ready,
    "deleting": lambda snapshot: snapshot.deleting,
    "creation_time": lambda snapshot: write_time(snapshot.taken_at),
}
_OF_STATUS: Mapping[str, Callable[[Snapshot], Any]] = {
    "expires_at": lambda snapshot: snapshot.annotations.get(EXPIRES_AT),
    "deletion_policy": lambda snapshot: snapshot.deletion_policy,
    "failure_deadline": lambda snapshot: snapshot.failure_deadline,
    "indications": lambda snapshot: list(snapshot.indications),
    "quiesced": lambda snapshot: snapshot.quiesced,
    "included_volumes": lambda snapshot: list(snapshot.included_volumes),
    "excluded_volumes": lambda snapshot: list(snapshot.excluded_volumes),
    "conditions": lambda snapshot: [dict(condition) for condition in snapshot.conditions],
    "error": _error,
    "content_name": lambda snapshot: snapshot.content_name,
    "source_uid": lambda snapshot: snapshot.source_uid,
    "set": lambda snapshot: set_of(snapshot) or None,
    "scheduled_by_palette": lambda snapshot: snapshot.labels.get(SCHEDULED) == "true",
    "labels": lambda snapshot: dict(snapshot.labels),
    "annotations": lambda snapshot: dict(snapshot.annotations),
}


def described(manifest: Json | None) -> dict[str, Any]:
    """Return the part of a manifest that a diff shows: the fields that a client may set."""
    if not manifest:
        return {}
    meta = manifest.get("metadata") or {}
    annotations = dict(meta.get("annotations") or {})
    annotations.pop(REQUEST_ID, None)
    return {
        "metadata": {
            "name": meta.get("name"),
            "namespace": meta.get("namespace"),
            "labels": dict(meta.get("labels") or {}),
            "annotations": annotations,
        },
        "spec": manifest.get("spec") or {},
    }

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A snapshot in the result: its ``status``, and what a diff shows of it."""

from __future__ import annotations

from datetime import datetime
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
    taken_at = snapshot.taken_at
    return {
        "cluster_uid": snapshot.key.cluster_uid,
        "name": snapshot.name,
        "namespace": snapshot.key.namespace,
        "vm_name": snapshot.key.vm_name,
        "uid": snapshot.uid or None,
        "phase": snapshot.phase or None,
        "ready_to_use": snapshot.ready,
        "deleting": snapshot.deleting,
        "creation_time": write_time(taken_at),
        "age_seconds": max(int((now - taken_at).total_seconds()), 0) if taken_at else None,
        "expires_at": snapshot.annotations.get(EXPIRES_AT),
        "deletion_policy": snapshot.deletion_policy,
        "failure_deadline": snapshot.failure_deadline,
        "indications": list(snapshot.indications),
        "quiesced": snapshot.quiesced,
        "included_volumes": list(snapshot.included_volumes),
        "excluded_volumes": list(snapshot.excluded_volumes),
        "conditions": [dict(condition) for condition in snapshot.conditions],
        "error": _error(snapshot),
        "content_name": snapshot.content_name,
        "source_uid": snapshot.source_uid,
        "set": set_of(snapshot) or None,
        "scheduled_by_palette": snapshot.labels.get(SCHEDULED) == "true",
        "labels": dict(snapshot.labels),
        "annotations": dict(snapshot.annotations),
    }


def _error(snapshot: Snapshot) -> str | None:
    text = snapshot.problem if snapshot.failed else snapshot.error
    return printable(text) if text else None


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

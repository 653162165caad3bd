# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Results of vm_snapshot_info and vm_info for reports, small ones and large ones."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

Json = dict[str, Any]

NOW = datetime(2026, 11, 26, 12, 0, tzinfo=timezone.utc)
MADE_AT = "2026-11-26T12:00:00Z"
_PLACE: Json = {"cluster": "vm-cluster-1", "namespace": "vms", "vm_name": "db1"}


def ago(days: float) -> str:
    """Return the time so many days before the report."""
    return f"{NOW - timedelta(days=days):%Y-%m-%dT%H:%M:%SZ}"


def snapshot(days: float, /, **changes: Any) -> Json:
    """Return a snapshot of this age, usable unless changed."""
    return {
        **_PLACE,
        "name": f"db1-{days}",
        "set": "nightly",
        "phase": "Succeeded",
        "ready_to_use": True,
        "deleting": False,
        "quiesced": True,
        "creation_time": ago(days),
        "expires_at": None,
        "scheduled_by_palette": False,
        "error": None,
        **changes,
    }


FAILED: Json = {"phase": "Failed", "ready_to_use": False, "quiesced": None, "error": "no space"}


def vm(newest: float | None, /, **changes: Any) -> Json:
    """Return a VM whose newest usable snapshot has this age in days."""
    shown = None
    if newest is not None:
        age = int(newest * 86400)
        name = f"{changes.get('vm_name', 'db1')}-{newest}"
        shown = {"name": name, "set": "nightly", "creation_time": ago(newest), "age_seconds": age}
    return {
        **_PLACE,
        "creation_time": ago(300),
        "printable_status": "Running",
        "volumes": [],
        "blocked_by": None,
        "newest_snapshot": shown,
        "newest_unusable": None,
        **changes,
    }


def found(snapshots: Sequence[Json], **changes: Any) -> Json:
    """Return a result of vm_snapshot_info."""
    return {"snapshots": list(snapshots), "clusters": clusters(), "unmatched": [], **changes}


def fleet(vms: Sequence[Json], **changes: Any) -> Json:
    """Return a result of vm_info."""
    return {"vms": list(vms), "clusters": clusters(), "unmatched": [], **changes}


def clusters(**sick: str) -> Json:
    """Return the clusters: one that was reached, and those that are sick, with their messages."""
    well = {"vm-cluster-1": {"reachable": True, "reason": None, "message": ""}}
    return well | {
        name: {"reachable": False, "reason": "unavailable", "message": message}
        for name, message in sick.items()
    }


def large(vms: int, of_each: int) -> tuple[Json, Json]:
    """Return results with many VMs, in 20 namespaces of 5 clusters, and snapshots of each."""
    places = [
        {
            "cluster": f"production-cluster-{number % 5}",
            "namespace": f"team-{number % 20:02}",
            "vm_name": f"application-server-{number:05}",
        }
        for number in range(vms)
    ]
    snapshots = [
        snapshot(
            day + number / vms,
            **place,
            **(FAILED if (day + number) % 11 == 0 else {"quiesced": (day + number) % 7 != 0}),
            expires_at=ago(day - of_each),
            set=f"set-{number % 30}",
        )
        for number, place in enumerate(places)
        for day in range(of_each)
    ]
    for row in snapshots:
        row["name"] = f"{row['vm_name']}-nightly-{row['creation_time']}"
    listed = [vm(number % 3 / 2 + 0.1, **place) for number, place in enumerate(places)]
    return found(snapshots), fleet(listed)

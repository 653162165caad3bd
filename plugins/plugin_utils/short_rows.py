# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A short row for each virtual machine or snapshot of a result."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

_GONE = ("deleted", "absent")
_OF_STATUS = ("phase", "ready_to_use", "creation_time", "expires_at")
_OF_SNAPSHOT = (
    *("cluster", "cluster_uid", "namespace", "vm_name", "name", "set"),
    *_OF_STATUS,
    *("quiesced", "scheduled_by_palette", "error"),
)
_OF_RESTORE = ("complete", "lost_seconds", "runs", "safety_snapshot", "leftover_claims")
_OF_POWER = (
    *("cluster", "cluster_uid", "namespace", "vm_name"),
    *("before", "after", "outcome", "changed", "reason", "msg"),
)
_OF_RETENTION = ("decision", "why", "kept_by", "outcome", "reason", "msg")


def short_rows(results: Any, set_name: str | None = None) -> list[dict[str, Any]]:
    """Return the rows of one result."""
    if isinstance(results, Mapping) and "summary" in results:
        return [
            *map(_power_row, results.get("vms") or ()),
            *short_rows(results.get("members") or {}, set_name),
            *rows_left_out(results.get("left_out") or ()),
        ]
    if isinstance(results, Mapping):
        return [_row(vm, member, set_name) for vm, member in results.items()]
    if isinstance(results, Iterable) and not isinstance(results, (str, bytes)):
        return [_snapshot_row(snapshot) for snapshot in results]
    raise AnsibleFilterError(
        f"vm_snapshots takes a dictionary or a list, not a {type(results).__name__}"
    )


def rows_left_out(groups: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return a row for each member of which a result only has the name."""
    return [_row_left_out(group, vm_name) for group in groups for vm_name in group["vm_names"]]


def _row_left_out(group: Mapping[str, Any], vm_name: str) -> dict[str, Any]:
    if "set" not in group:
        return _power_row({**group, "vm_name": vm_name, "msg": ""})
    place = (group["set"], group["cluster_uid"], group["namespace"], vm_name)
    return {
        "id": "/".join(map(str, place)),
        **{key: group[key] for key in ("set", "cluster", "cluster_uid", "namespace")},
        "vm_name": vm_name,
        "name": None,
        **{key: group[key] for key in ("outcome", "reason")},
        "msg": "",
        **_told_of(group),
    }


def _told_of(group: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a row tells of the snapshot, or the restore, of a member without a row."""
    if "ready_to_use" in group:
        return {**dict.fromkeys(_OF_STATUS), "ready_to_use": group["ready_to_use"]}
    return {"snapshot": None, **{key: group.get(key) for key in _OF_RESTORE}}


def _power_row(vm: Mapping[str, Any]) -> dict[str, Any]:
    if "outcome" not in vm:
        raise AnsibleFilterError("vm_snapshots: the rows of vm_info are short as they are")
    place = (vm["cluster_uid"], vm["namespace"], vm["vm_name"])
    return {"id": "/".join(map(str, place)), **{key: vm[key] for key in _OF_POWER}}


def _row(vm: str, member: Mapping[str, Any], set_name: str | None) -> dict[str, Any]:
    cluster, namespace, vm_name = vm.rsplit("/", 2)
    told = _restored(member) if "snapshot" in member else _taken(vm_name, member)
    # A name such as 20261125 is a number where it is not quoted.
    part_of = str(set_name) if set_name else told.get("set")
    uid = member["cluster_uid"]
    return {
        "id": f"{part_of or ''}/{uid}/{namespace}/{vm_name}",
        "set": part_of,
        "cluster": cluster,
        "cluster_uid": uid,
        "namespace": namespace,
        "vm_name": vm_name,
        "name": member["name"],
        "outcome": member["outcome"],
        "reason": member["reason"],
        "msg": member["msg"],
        **{key: value for key, value in told.items() if key != "set"},
    }


def _taken(vm_name: str, member: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a row tells of a VM's snapshot."""
    status = _own_status(vm_name, member)
    return {
        **{key: status.get(key) for key in ("set", *_OF_STATUS)},
        "ready_to_use": bool(status.get("ready_to_use")),
    }


def _restored(member: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a row tells of a VM's restore."""
    status: Mapping[str, Any] = member["status"] or {}
    return {"snapshot": member["snapshot"], **{key: status.get(key) for key in _OF_RESTORE}}


def _own_status(vm_name: str, member: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the status of the VM's own snapshot; empty if it has none."""
    status: Mapping[str, Any] = member["status"] or {}
    # A deleted snapshot still has its last status; a name in use has the status of another VM's.
    if member["outcome"] in _GONE or status.get("vm_name") != vm_name:
        return {}
    return status


def _snapshot_row(snapshot: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": f"{snapshot['cluster_uid']}/{snapshot['namespace']}/{snapshot['name']}",
        **{key: snapshot.get(key) for key in _OF_SNAPSHOT},
        **{key: snapshot[key] for key in _OF_RETENTION if key in snapshot},
    }

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The core of vm_info: the virtual machines that match, what their snapshots meet, and counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from .._palette.objects import write_time
from .._snapshots.clock import clock_problem, warn_of_ages
from .._snapshots.fleet import SnapshotFleet, observe_matching
from .._snapshots.model import Snapshot
from .._snapshots.ownership import of_former_vm
from .._snapshots.results import status_of
from .._validation.problems import Problem
from .._vms.cluster_result import (
    clusters_result,
    counts_by_cluster,
    demand_clusters,
    warn_of_clusters,
    warn_of_states,
    warn_of_unreadable,
)
from .._vms.model import VirtualMachine, Volume
from .._vms.selection import Filters, filters_from
from .._vms.session import PaletteSession
from .base import Arguments, Invocation, Module, Result
from .options import CLUSTER_OR_CLUSTERS, CONNECTION, ON_ERROR, ONE_PROJECT, ROWS, SELECTION
from .rows import Rows, Values, rows_from

ARGUMENTS = Arguments(
    spec={**CONNECTION, **SELECTION, **ON_ERROR, **ROWS},
    mutually_exclusive=(ONE_PROJECT, CLUSTER_OR_CLUSTERS),
)
_CLUSTER = "cluster"
_NEWEST = "newest_snapshot"
_UNUSABLE = "newest_unusable"
# They have no order that anybody would look for.
_COMPOSED = ("labels", "addresses", "volumes", _NEWEST, _UNUSABLE)
_OF_SNAPSHOTS = ("name", "set", "creation_time", "age_seconds")


Row = dict[str, Any]


class Request(NamedTuple):
    """What the options ask for."""

    filters: Filters
    rows: Rows


def read(invocation: Invocation) -> tuple[Request, list[Problem]]:
    """Read the filters, or all that is wrong with them."""
    options = invocation.options
    filters, problems = filters_from(options)
    rows, row_problems = rows_from(options, [_CLUSTER, *_OF_VM, _NEWEST, _UNUSABLE], _COMPOSED)
    return Request(filters, rows), [*problems, *row_problems]


def run(invocation: Invocation, request: Request) -> Result:
    """Return the VMs that match all filters."""
    session = PaletteSession(invocation.options)
    fleet = observe_matching(session, request.filters, with_vms=True)
    warn_of_states((target.api for target in fleet.targets), invocation.warn)
    demand_clusters(fleet, invocation.options["on_error"])
    clock = clock_problem(invocation.now, session.clock_skew, fleet.snapshots)
    _warn(invocation, session, fleet, clock)
    vms = [candidate.vm for candidate in fleet.candidates if candidate.vm]
    newest = {vm.key: newest_usable(fleet.of_vm(vm.key), vm) for vm in vms}
    values: Values[VirtualMachine] = {
        _CLUSTER: lambda vm: fleet.title(vm.key),
        **_OF_VM,
        _NEWEST: lambda vm: _usable(newest[vm.key], vm, invocation.now),
        _UNUSABLE: lambda vm: _unusable(
            newest_unusable(fleet.of_vm(vm.key), newest[vm.key]), vm, invocation.now
        ),
    }
    return {
        "changed": False,
        "vms": request.rows.of(vms, values),
        "summary": _summary(vms, list(newest.values())),
        "unmatched": [miss.result for miss in fleet.unmatched],
        "clock_skew": clock,
        **clusters_result(fleet, counts_by_cluster(fleet, "vms", [vm.key for vm in vms])),
    }


MODULE = Module(ARGUMENTS, read, run)


def newest_usable(snapshots: Iterable[Snapshot], vm: VirtualMachine) -> Snapshot | None:
    """Return the newest snapshot that this very VM can be restored from, whoever took it."""
    usable = [s for s in snapshots if s.usable and not of_former_vm(s, vm)]
    return max(usable, key=lambda s: s.age_order, default=None)


def newest_unusable(snapshots: Iterable[Snapshot], usable: Snapshot | None) -> Snapshot | None:
    """Return the newest of a VM's snapshots, unless it is the newest usable one.

    Those of an earlier VM are older than all of its own.
    """
    newest = max(snapshots, key=lambda s: s.age_order, default=None)
    return None if newest is usable else newest


def _warn(
    invocation: Invocation, session: PaletteSession, fleet: SnapshotFleet, clock: str | None
) -> None:
    warn_of_clusters(fleet, invocation.warn)
    warn_of_unreadable(fleet, invocation.warn)
    for miss in fleet.unmatched:
        invocation.warn(str(miss))
    warn_of_ages(clock, invocation.warn)
    if not (fleet.candidates or fleet.failures) and session.project_hint:
        invocation.warn(f"no VM was found: {session.project_hint}")


def _volume(volume: Volume) -> dict[str, Any]:
    return {
        "name": volume.name,
        "kind": volume.kind,
        "holds_data": volume.holds_data,
        "snapshottable": volume.snapshottable,
        "reason": volume.reason or None,
    }


_OF_VM: Values[VirtualMachine] = {
    "cluster_uid": lambda vm: vm.key.cluster_uid,
    "namespace": lambda vm: vm.key.namespace,
    "vm_name": lambda vm: vm.key.vm_name,
    "uid": lambda vm: vm.uid or None,
    "labels": lambda vm: dict(vm.labels),
    "creation_time": lambda vm: write_time(vm.created),
    "deleting": lambda vm: vm.deleting,
    "printable_status": lambda vm: vm.printable_status or None,
    "running": lambda vm: vm.running,
    "paused": lambda vm: vm.paused,
    "guest_agent": lambda vm: vm.guest_agent,
    "addresses": lambda vm: vm.addresses,
    "volumes": lambda vm: [_volume(volume) for volume in vm.volumes],
    "snapshot_in_progress": lambda vm: vm.snapshot_in_progress or None,
    "restore_in_progress": lambda vm: vm.restore_in_progress or None,
    "blocked_by": lambda vm: vm.blocker[0] if vm.blocker else None,
    "blocked_msg": lambda vm: vm.blocker[1] if vm.blocker else None,
}


def _usable(snapshot: Snapshot | None, vm: VirtualMachine, now: datetime) -> Row | None:
    if snapshot is None:
        return None
    return {
        **_in_short(snapshot, now, "quiesced"),
        "missing_disks": snapshot.without(vm.disks),
    }


def _unusable(snapshot: Snapshot | None, vm: VirtualMachine, now: datetime) -> Row | None:
    if snapshot is None:
        return None
    return {**_in_short(snapshot, now, "error"), "why": _why_unusable(snapshot, vm)}


def _in_short(snapshot: Snapshot, now: datetime, *more: str) -> Row:
    status = status_of(snapshot, now)
    return {key: status[key] for key in (*_OF_SNAPSHOTS, *more)}


def _why_unusable(snapshot: Snapshot, vm: VirtualMachine) -> str:
    if of_former_vm(snapshot, vm):
        return "former_vm"
    if snapshot.failed:
        return "failed"
    return "in_progress" if snapshot.in_progress else "not_ready"


def _summary(vms: Sequence[VirtualMachine], newest: Sequence[Snapshot | None]) -> dict[str, Any]:
    return {
        "total": len(vms),
        "running": sum(vm.running for vm in vms),
        "paused": sum(vm.paused for vm in vms),
        "no_guest_agent": sum(vm.guest_agent is False for vm in vms),
        "volumes_excluded": sum(bool(vm.left_out) for vm in vms),
        "snapshot_in_progress": sum(bool(vm.snapshot_in_progress) for vm in vms),
        "restore_in_progress": sum(bool(vm.restore_in_progress) for vm in vms),
        "blocked": sum(vm.blocker is not None for vm in vms),
        "without_snapshot": sum(snapshot is None for snapshot in newest),
        "missing_disks": sum(bool(s and s.without(vm.disks)) for vm, s in zip(vms, newest)),
        "by_status": dict(Counter(vm.printable_status or "Unknown" for vm in vms)),
    }

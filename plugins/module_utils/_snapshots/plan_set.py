# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans a set: the actions for each virtual machine. No requests, no clock."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from .._palette.objects import write_time
from .._vms.model import VirtualMachine
from .desired import Desired
from .model import Snapshot
from .ownership import is_member, set_of
from .plan import Action, existing_notes, keep, plan_deletion, refuse_unfit, started_again


def left_alone(snapshot: Snapshot) -> str:
    """Return the text of a snapshot that has a member's name, but is no member."""
    whose = f"part of the set {set_of(snapshot)}" if set_of(snapshot) else "not part of this set"
    taken = write_time(snapshot.taken_at) or "at an unknown time"
    return (
        f"snapshot {snapshot.name} (taken {taken}) exists but is {whose}; state: absent will not "
        "delete it"
    )


def freshest(
    desired: Desired, snapshots: Iterable[Snapshot], set_name: str, unless_newer_than: timedelta
) -> Snapshot | None:
    """Return the VM's newest member of the set that is young enough, ready or in progress.

    One in progress counts, so that a run after an interruption continues with it; its error may be
    temporary. One that is not what the desired one has to be does not count. A snapshot with
    consistent file systems is preferred to a newer one.
    """
    fresh = [
        snapshot
        for snapshot in snapshots
        if is_member(snapshot, set_name)
        and _may_count(snapshot)
        and snapshot.taken_at is not None
        and desired.now - snapshot.taken_at < unless_newer_than
        and not refuse_unfit(desired, snapshot)
    ]
    # A ready one first: it needs no wait.
    return max(fresh, key=lambda s: (s.ready, s.quiesced is True, s.taken_at, s.name), default=None)


def _may_count(snapshot: Snapshot) -> bool:
    if snapshot.failed or snapshot.deleting:
        return False
    return snapshot.ready or snapshot.in_progress or not snapshot.error


def plan_fresh(
    snapshot: Snapshot,
    desired: Desired,
    vm: VirtualMachine | None = None,
    snapshots: Iterable[Snapshot] = (),
) -> Action:
    """Plan to keep a snapshot that is young enough, instead of taking the desired one."""
    notes = existing_notes(snapshot, vm) if vm else ()
    kept = keep("fresh", snapshot, desired.of_vm(vm))._replace(notes=tuple(notes))
    return started_again(kept, vm, snapshots)


def plan_absent_members(snapshots: Iterable[Snapshot], set_name: str) -> list[Action]:
    """Plan for a VM to have no snapshot of the set."""
    members = (snapshot for snapshot in snapshots if is_member(snapshot, set_name))
    return [plan_deletion(snapshot) for snapshot in sorted(members, key=lambda s: s.name)]

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans a set: the actions for each virtual machine. No requests, no clock."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from .._vms.model import VirtualMachine
from .desired import Desired
from .model import Snapshot
from .ownership import is_member, of_former_vm
from .plan import Action, keep, plan_deletion, refuse_unquiesced


def kept_notes(snapshot: Snapshot, set_name: str, vm: VirtualMachine | None) -> Iterator[str]:
    """Yield texts for warnings about an existing snapshot. vm: None if it does not exist."""
    if not is_member(snapshot, set_name):
        yield (
            f"snapshot {snapshot.name} exists but is not part of this set; state: absent will not "
            "delete it"
        )
    if vm is None:
        yield f"snapshot {snapshot.name} exists, but its VM is gone"
    if of_former_vm(snapshot, vm):
        yield f"snapshot {snapshot.name} was taken of an earlier VM with the same name"


def freshest(
    snapshots: Iterable[Snapshot], set_name: str, max_age: timedelta, now: datetime
) -> Snapshot | None:
    """Return the VM's newest member of the set that is young enough, ready or in progress.

    One in progress counts, so that a run after an interruption continues with it; its error may be
    temporary. A snapshot with consistent file systems is preferred to a newer one.
    """
    fresh = [
        snapshot
        for snapshot in snapshots
        if is_member(snapshot, set_name)
        and not snapshot.failed
        and not snapshot.deleting
        and (snapshot.ready or snapshot.in_progress or not snapshot.error)
        and snapshot.taken_at is not None
        and now - snapshot.taken_at < max_age
    ]
    # A ready one first: it needs no wait.
    return max(fresh, key=lambda s: (s.ready, s.quiesced is True, s.taken_at, s.name), default=None)


def plan_fresh(snapshot: Snapshot, desired: Desired) -> Action:
    """Plan to keep a snapshot that is young enough, instead of taking the desired one."""
    return refuse_unquiesced(desired, snapshot) or keep("fresh", snapshot, desired)


def plan_absent_members(snapshots: Iterable[Snapshot], set_name: str) -> list[Action]:
    """Plan for a VM to have no snapshot of the set."""
    members = (snapshot for snapshot in snapshots if is_member(snapshot, set_name))
    return [plan_deletion(snapshot) for snapshot in sorted(members, key=lambda s: s.name)]

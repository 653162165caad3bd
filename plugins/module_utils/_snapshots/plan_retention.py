# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans retention: which snapshots to keep, which to delete, and why. No requests, no clock."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta, timezone
from typing import NamedTuple

from .._palette.objects import read_time
from .._vms.model import VmKey
from .model import Snapshot
from .ownership import EXPIRES_AT, is_own

_TEMPORARY_ERROR = timedelta(days=1)
_EARLIEST = datetime.min.replace(tzinfo=timezone.utc)


class Rules(NamedTuple):
    """What to keep of each VM: this many of the newest ready snapshots, and all up to this age.

    A snapshot is kept if either rule keeps it. A rule that is None keeps nothing. If both are None,
    only failed and expired snapshots are deleted.
    """

    keep_last: int | None = None
    max_age: timedelta | None = None


class Decision(NamedTuple):
    """Whether to delete one snapshot. why: one word for programs."""

    snapshot: Snapshot
    delete: bool
    why: str


def decide(snapshots: Iterable[Snapshot], rules: Rules, now: datetime) -> list[Decision]:
    """Decide on every snapshot, by VM, in the order of deletion: failed ones, then oldest."""
    by_vm: dict[VmKey, list[Snapshot]] = {}
    for snapshot in snapshots:
        by_vm.setdefault(snapshot.key, []).append(snapshot)
    return [decision for key in sorted(by_vm) for decision in _decide_vm(by_vm[key], rules, now)]


def _decide_vm(snapshots: Sequence[Snapshot], rules: Rules, now: datetime) -> list[Decision]:
    newest_first = sorted(snapshots, key=_age_order, reverse=True)
    ready = [s.name for s in newest_first if is_own(s) and s.ready and not s.deleting]
    decisions = [_decide_one(s, ready, rules, now) for s in reversed(newest_first)]
    return sorted(decisions, key=lambda decision: not decision.snapshot.failed)


def _decide_one(snapshot: Snapshot, ready: Sequence[str], rules: Rules, now: datetime) -> Decision:
    """ready: the names of the VM's ready snapshots that are this collection's, newest first."""
    untouchable = _untouchable(snapshot, ready, rules, now)
    if untouchable:
        return Decision(snapshot, False, untouchable)
    if snapshot.failed:
        return Decision(snapshot, True, "failed")
    if EXPIRES_AT in snapshot.annotations:
        return _by_expiry(snapshot, now)
    return _by_rules(snapshot, ready, rules, now)


def _untouchable(
    snapshot: Snapshot, ready: Sequence[str], rules: Rules, now: datetime
) -> str | None:
    if not is_own(snapshot):
        return "not_ours"
    if snapshot.deleting:
        return "being_deleted"
    if _not_ready_yet(snapshot, now):
        return "in_progress"
    if ready[:1] == [snapshot.name] and rules.keep_last != 0:
        return "newest_ready"
    return None


def _not_ready_yet(snapshot: Snapshot, now: datetime) -> bool:
    # A snapshot may succeed before it is ready, and has no deadline for that. An error may be
    # temporary; after a day, it means that the snapshot's volumes are lost.
    if snapshot.phase != "Succeeded" or snapshot.ready:
        return snapshot.in_progress
    young = snapshot.taken_at is None or now - snapshot.taken_at < _TEMPORARY_ERROR
    return young or not snapshot.error


def _by_expiry(snapshot: Snapshot, now: datetime) -> Decision:
    expiry = read_time(snapshot.annotations[EXPIRES_AT])
    if expiry is None:
        return Decision(snapshot, False, "expiry_unreadable")
    if expiry <= now:
        return Decision(snapshot, True, "expired")
    return Decision(snapshot, False, "not_expired")


def _by_rules(snapshot: Snapshot, ready: Sequence[str], rules: Rules, now: datetime) -> Decision:
    if rules.keep_last is None and rules.max_age is None:
        return Decision(snapshot, False, "no_rule")
    if rules.keep_last is not None and snapshot.name in ready[: rules.keep_last]:
        return Decision(snapshot, False, "keep_last")
    if rules.max_age is None:
        return Decision(snapshot, True, "beyond_keep_last")
    if snapshot.taken_at is None or now - snapshot.taken_at <= rules.max_age:
        return Decision(snapshot, False, "young_enough")
    return Decision(snapshot, True, "too_old")


def _age_order(snapshot: Snapshot) -> tuple[datetime, str]:
    return snapshot.taken_at or _EARLIEST, snapshot.name

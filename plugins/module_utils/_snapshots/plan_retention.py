# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans retention: which snapshots to keep, which to delete, and why. No requests, no clock."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from .._palette.objects import read_time
from .._vms.model import VirtualMachine, VmKey
from .model import Snapshot
from .ownership import EXPIRES_AT, is_own, owner_problem, set_of
from .plan_offline import left_off_by, tells_that_it_ran

# The rules that keep the newest of each period, in UTC: two snapshots are of the same period where
# these texts are the same. Weeks are those of ISO 8601.
PERIODS: Mapping[str, str] = {
    "keep_hourly": "%Y-%m-%d %H",
    "keep_daily": "%Y-%m-%d",
    "keep_weekly": "%G-%V",
    "keep_monthly": "%Y-%m",
    "keep_yearly": "%Y",
}
COUNTS = ("keep_last", *PERIODS)
# Why a failed snapshot stays: it tells that its VM ran, and the VM is off, or cannot be read.
VM_LEFT_OFF, VM_UNREADABLE = "vm_left_off", "vm_unreadable"


class Rules(NamedTuple):
    """What to keep of each VM's snapshots in each set. A snapshot that one rule keeps is kept.

    counts: how many ``keep_last`` and the periods' rules keep. within: the age up to which all are
    kept. delete_older_than: the age beyond which no rule keeps any.
    """

    counts: Mapping[str, int] = {}
    within: timedelta | None = None
    delete_older_than: timedelta | None = None

    @property
    def keep(self) -> bool:
        """Whether any rule keeps snapshots: what none keeps is deleted then."""
        return bool(self.counts) or self.within is not None

    @property
    def by_age(self) -> bool:
        """Whether what is deleted depends on what time it is."""
        return self.within is not None or self.delete_older_than is not None

    @property
    def protects_newest(self) -> bool:
        """Whether the newest usable snapshot stays whatever else holds."""
        return self.counts.get("keep_last") != 0


class Decision(NamedTuple):
    """What becomes of one snapshot. why: one word for programs. kept_by: the rules that keep it."""

    snapshot: Snapshot
    delete: bool
    why: str
    kept_by: tuple[str, ...] = ()

    @property
    def by_age(self) -> bool:
        """Whether the snapshot is deleted because of what time it is."""
        of_age = self.why in ("too_old", "expired") or self.snapshot.unready
        return self.delete and of_age


def decide(
    snapshots: Iterable[Snapshot],
    rules: Rules,
    now: datetime,
    predicted: Mapping[VmKey, str] | None = None,
) -> list[Decision]:
    """Decide on every snapshot, each VM's of each set by themselves.

    The order is that of deletion: by VM, failed ones first, then the oldest. predicted: the VMs
    that are to get a new snapshot before, and of which set.
    """
    groups: dict[tuple[VmKey, str], list[Snapshot]] = {}
    for snapshot in snapshots:
        groups.setdefault((snapshot.key, set_of(snapshot)), []).append(snapshot)
    decisions = []
    for (key, set_name), group in groups.items():
        decisions += _decide_group(group, rules, now, (predicted or {}).get(key) == set_name)
    return sorted(decisions, key=_deletion_order)


def depends_on_vm(snapshot: Snapshot) -> bool:
    """Say whether a failed snapshot may be all that tells that its VM has to be started."""
    return snapshot.failed and tells_that_it_ran(snapshot)


def sparing(
    decisions: Iterable[Decision], vms: Mapping[VmKey, VirtualMachine | None]
) -> list[Decision]:
    """Return the decisions, which spare what tells of a VM that has to be started.

    vms: those of the snapshots that depend on them; None for one that is gone.
    """
    return [_sparing(decision, vms.get(decision.snapshot.key)) for decision in decisions]


def _sparing(decision: Decision, vm: VirtualMachine | None) -> Decision:
    snapshot = decision.snapshot
    if vm is None or not (decision.delete and depends_on_vm(snapshot)):
        return decision
    if vm.unreadable:
        return Decision(snapshot, False, VM_UNREADABLE)
    return Decision(snapshot, False, VM_LEFT_OFF) if left_off_by(snapshot, vm) else decision


def _decide_group(
    snapshots: Sequence[Snapshot], rules: Rules, now: datetime, predicted: bool
) -> list[Decision]:
    newest_first = sorted(snapshots, key=lambda s: s.age_order, reverse=True)
    usable = [s for s in newest_first if is_own(s) and s.usable]
    kept = _kept(usable, rules, now, predicted)
    protects = rules.protects_newest and not predicted
    if protects and not usable:
        # What is not ready may be all that is left, after an outage of the storage.
        return [_decide_unready(s, rules, now) for s in snapshots]
    newest = usable[0] if protects else None
    return [_decide_one(s, s is newest, kept.get(s.name, ()), rules, now) for s in snapshots]


def _decide_unready(snapshot: Snapshot, rules: Rules, now: datetime) -> Decision:
    """Decide where no snapshot can be used: one that is taken stays."""
    decision = _decide_one(snapshot, False, (), rules, now)
    stays = decision.delete and snapshot.unready
    return Decision(snapshot, False, "not_ready") if stays else decision


def _decide_one(
    snapshot: Snapshot, newest: bool, kept_by: tuple[str, ...], rules: Rules, now: datetime
) -> Decision:
    untouchable = _untouchable(snapshot, now)
    if untouchable:
        return Decision(snapshot, False, untouchable)
    if newest:
        return Decision(snapshot, False, "newest_usable", kept_by)
    if snapshot.failed:
        return Decision(snapshot, True, "failed")
    if EXPIRES_AT in snapshot.annotations:
        return _by_expiry(snapshot, now)
    return _by_rules(snapshot, kept_by, rules, now)


def _untouchable(snapshot: Snapshot, now: datetime) -> str | None:
    stranger = owner_problem(snapshot)
    if stranger:
        return stranger
    if snapshot.deleting:
        return "being_deleted"
    if snapshot.in_progress:
        return "in_progress"
    # A snapshot may succeed before it is ready, and has no deadline for that.
    may_become_ready = snapshot.phase == "Succeeded" and not snapshot.ready
    return "not_ready" if may_become_ready and not snapshot.lost(now) else None


def _by_expiry(snapshot: Snapshot, now: datetime) -> Decision:
    expiry = read_time(snapshot.annotations[EXPIRES_AT])
    if expiry is None:
        return Decision(snapshot, False, "expiry_unreadable")
    if expiry <= now:
        return Decision(snapshot, True, "expired")
    return Decision(snapshot, False, "not_expired")


def _by_rules(
    snapshot: Snapshot, kept_by: tuple[str, ...], rules: Rules, now: datetime
) -> Decision:
    bound = rules.delete_older_than
    if bound is not None and snapshot.taken_at and now - snapshot.taken_at > bound:
        return Decision(snapshot, True, "too_old")
    if kept_by:
        return Decision(snapshot, False, "kept", kept_by)
    if not rules.keep:
        return Decision(snapshot, False, "no_rule")
    return Decision(snapshot, True, "no_longer_kept")


def _kept(
    usable: Sequence[Snapshot], rules: Rules, now: datetime, predicted: bool
) -> dict[str, tuple[str, ...]]:
    """Return the rules that keep each usable snapshot. usable: newest first."""
    kept: dict[str, list[str]] = {}
    for rule, count in rules.counts.items():
        period = _period_of(rule)
        # What is still to be taken is the newest of its period, and takes its place.
        seen = [period(now, "")] if predicted else []
        for snapshot in usable:
            this = period(*snapshot.age_order)
            if this not in seen and len(seen) < count:
                seen.append(this)
                kept.setdefault(snapshot.name, []).append(rule)
    for snapshot in usable:
        if rules.within is not None and _within(snapshot, rules.within, now):
            kept.setdefault(snapshot.name, []).append("keep_within")
    return {name: tuple(by) for name, by in kept.items()}


def _within(snapshot: Snapshot, age: timedelta, now: datetime) -> bool:
    return snapshot.taken_at is None or now - snapshot.taken_at <= age


def _period_of(rule: str) -> Callable[[datetime, str], str]:
    form = PERIODS.get(rule)
    # Each snapshot is a period of its own for keep_last.
    return lambda taken_at, name: taken_at.strftime(form) if form else name


def _deletion_order(decision: Decision) -> tuple[VmKey, bool, tuple[datetime, str]]:
    snapshot = decision.snapshot
    return snapshot.key, not snapshot.failed, snapshot.age_order

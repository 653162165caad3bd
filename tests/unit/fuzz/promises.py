# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modules' documentation promises, said anew: nothing of the collection is used here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any, NamedTuple

from unit.palette_in_memory import MemoryPalette

Place = tuple[str, str, str]  # cluster's uid, namespace and name of a VM

MANAGED_BY = "app.kubernetes.io/managed-by"
PART_OF = "app.kubernetes.io/part-of"
SCHEDULED = "vmo-manager.spectrocloud.com/scheduled"
REQUEST_ID = "spectrocloud.palette/request-id"
EXPIRES_AT = "spectrocloud.palette/expires-at"
VM_RAN = "spectrocloud.palette/vm-ran"

_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
_PERIODS = {
    "keep_hourly": lambda time: (time.date(), time.hour),
    "keep_daily": lambda time: time.date(),
    "keep_weekly": lambda time: time.isocalendar()[:2],
    "keep_monthly": lambda time: (time.year, time.month),
    "keep_yearly": lambda time: time.year,
}


class Seen(NamedTuple):
    """A snapshot as it is in the cluster. taken: the point in time that it captured, or began.

    off_since: since when its VM is off; None if it is not, or was made again since.
    """

    vm: Place
    name: str
    uid: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    policy: str
    phase: str
    ready: bool
    deleting: bool
    taken: datetime
    off_since: datetime | None = None

    @property
    def ours(self) -> bool:
        """Whether this collection took it."""
        marked = self.labels.get(MANAGED_BY) == "ansible" and REQUEST_ID in self.annotations
        return marked and self.labels.get(SCHEDULED) != "true"

    @property
    def set(self) -> str:
        """The set that it is part of."""
        return self.labels.get(PART_OF, "")

    @property
    def usable(self) -> bool:
        """Whether a VM can be restored from it."""
        return self.ready and not self.deleting

    @property
    def to_come(self) -> bool:
        """Whether it may still become ready."""
        return not (self.ready or self.deleting or self.phase == "Failed")

    @property
    def left_its_vm_off(self) -> bool:
        """Whether its VM ran, was stopped for it, and has been off since."""
        off = self.off_since is not None and self.off_since <= self.taken
        return off and self.annotations.get(VM_RAN) == "true"


def look(palette: MemoryPalette) -> list[Seen]:
    """Return what is in the clusters now, whatever anybody was told of it."""
    palette.names()  # what is gone by now, goes
    return [
        _seen(stored.shown(palette.clock.now), tuple(stored.key), palette.vms.get(stored.key))
        for stored in palette.stored.values()
    ]


def age(text: str) -> timedelta:
    """Return an age of whole hours, days or weeks."""
    return int(text[:-1]) * _UNITS[text[-1]]


def doomed(snapshots: Iterable[Seen], rules: Mapping[str, Any], now: datetime) -> set[str]:
    """Return the uids of the snapshots that a retention with these rules deletes.

    snapshots: those that it considers. rules: its options.
    """
    considered = [snapshot for snapshot in snapshots if snapshot.ours]
    return {s.uid for s in considered if _is_doomed(s, _rivals(s, considered), rules, now)}


def _rivals(snapshot: Seen, others: Iterable[Seen]) -> list[Seen]:
    """Return the usable snapshots that a snapshot shares the rules with: same VM, same set."""
    return [
        other
        for other in others
        if (other.vm, other.set) == (snapshot.vm, snapshot.set) and other.usable
    ]


def _is_doomed(s: Seen, rivals: Sequence[Seen], rules: Mapping[str, Any], now: datetime) -> bool:
    if s.deleting or s.to_come:
        return False
    if s.phase == "Failed":
        return not s.left_its_vm_off
    newer = [other for other in rivals if (other.taken, other.name) > (s.taken, s.name)]
    if not newer and rules.get("keep_last") != 0:
        return False
    if EXPIRES_AT in s.annotations:
        return _time(s.annotations[EXPIRES_AT]) <= now
    oldest = rules.get("delete_older_than")
    if oldest and now - s.taken > age(oldest):
        return True
    return _has_rule(rules) and not _is_kept(s, newer, rules, now)


def _has_rule(rules: Mapping[str, Any]) -> bool:
    within, last = rules.get("keep_within"), rules.get("keep_last")
    return bool(within or any(map(rules.get, _PERIODS))) or last is not None


def _is_kept(s: Seen, newer: Sequence[Seen], rules: Mapping[str, Any], now: datetime) -> bool:
    within = rules.get("keep_within")
    if len(newer) < (rules.get("keep_last") or 0) or (within and now - s.taken <= age(within)):
        return True
    return any(
        _is_newest_of_its_period(s, newer, period, rules.get(rule) or 0)
        for rule, period in _PERIODS.items()
    )


def _is_newest_of_its_period(s: Seen, newer: Sequence[Seen], period: Any, most: int) -> bool:
    later = {period(other.taken) for other in newer}
    return period(s.taken) not in later and len(later) < most


def _off_since(vm: Mapping[str, Any] | None, taken: datetime) -> datetime | None:
    if vm is None or vm["status"].get("printableStatus") != "Stopped":
        return None
    made = vm["metadata"].get("creationTimestamp")
    if made and _time(made) > taken:
        return None
    ready = next(each for each in vm["status"]["conditions"] if each["type"] == "Ready")
    return _time(ready["lastTransitionTime"])


def _seen(manifest: Mapping[str, Any], vm: Any, existing: Mapping[str, Any] | None) -> Seen:
    metadata, status = manifest["metadata"], manifest.get("status", {})
    taken = _time(status.get("creationTime") or metadata["creationTimestamp"])
    return Seen(
        vm=vm,
        name=metadata["name"],
        uid=metadata["uid"],
        labels=metadata.get("labels") or {},
        annotations=metadata.get("annotations") or {},
        policy=manifest["spec"].get("deletionPolicy") or "Delete",
        phase=status.get("phase", ""),
        ready=status.get("readyToUse", False),
        deleting="deletionTimestamp" in metadata,
        taken=taken,
        off_since=_off_since(existing, taken),
    )


def _time(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a report on snapshots says, made of the results of vm_snapshot_info and vm_info."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any, NamedTuple

from ..module_utils._palette.objects import read_time
from ..module_utils._validation.printable import printable
from .coverage import Row, error_of, is_covered, newest_of, why_uncovered

MOST_DAYS = 31
_FEWEST_DAYS = 7
_MOST_ROWS = 200  # of a table of what needs attention
_LONGEST_TEXT = 300
_SOON = timedelta(days=7)
_NOTHING = "-"

# What a day of a VM can be, the best first: of several snapshots, the best counts.
USABLE, NOT_QUIESCED, NOT_READY, FAILED, MISSING, NOT_THERE = "uqpfmn"
STATES: Mapping[str, tuple[str, str]] = {
    USABLE: ("usable", "a snapshot that is ready to use"),
    NOT_QUIESCED: ("not quiesced", "ready to use, but its file systems were not frozen"),
    NOT_READY: ("not ready", "in progress, not ready to use, or being deleted"),
    FAILED: ("failed", "only failed snapshots"),
    MISSING: ("none", "none was taken, or it was deleted, as by a retention"),
    NOT_THERE: ("", "the VM did not exist yet"),
}
_RANK = {state: rank for rank, state in enumerate(STATES)}


class Report(NamedTuple):
    """What a report says.

    facts: when, where and by which filters it was made. totals: numbers with what they count.
    empty: whether no VM was found. months: each with how many of the days it has.
    """

    facts: Sequence[tuple[str, str]]
    totals: Sequence[tuple[str, str]]
    attention: Sequence[Table]
    empty: bool
    months: Sequence[tuple[str, int]]
    days: Sequence[date]
    groups: Sequence[Group]
    sets: Table
    expiries: Table


class Table(NamedTuple):
    """A table of texts. name: without blanks. more: how many rows are left out."""

    name: str
    title: str
    text: str
    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    more: int = 0

    @property
    def length(self) -> int:
        """How many rows there are, shown or not."""
        return len(self.rows) + self.more


class Group(NamedTuple):
    """The VMs of a namespace."""

    cluster: str
    namespace: str
    vms: Sequence[VmLine]

    @property
    def uncovered(self) -> int:
        """How many of them have no recent usable snapshot."""
        return sum(vm.uncovered for vm in self.vms)


class VmLine(NamedTuple):
    """A VM in the grid. days: a state for each day. gone: whether it does not exist any more."""

    name: str
    snapshots: int
    newest: str
    days: str
    uncovered: bool
    gone: bool


class _Place(NamedTuple):
    """A VM, or one of its name that is gone."""

    cluster: str
    namespace: str
    vm_name: str
    gone: bool


class Question(NamedTuple):
    """What a report is asked. newer_than: as the user wrote it; recent: the same."""

    now: datetime
    newer_than: str
    recent: timedelta
    given: Mapping[str, Any]


def report_on(found: Row, fleet: Row, question: Question) -> Report:
    """Return the report on a result of vm_snapshot_info and one of vm_info."""
    snapshots, vms = [dict(row) for row in found["snapshots"]], [dict(row) for row in fleet["vms"]]
    by_place = _by_place(snapshots, vms)
    uncovered = [vm for vm in vms if not is_covered(vm, question.recent)]
    days = _days(snapshots, question.now)
    clusters = {**fleet["clusters"], **found["clusters"]}
    unreachable = {**_unreachable(fleet["clusters"]), **_unreachable(found["clusters"])}
    attention = [
        _clusters_table(unreachable),
        _uncovered_table(uncovered, question),
        _failed_table(snapshots),
        _ending_table(by_place, question.now),
        _disks_table(vms),
        _unmatched_table([*fleet["unmatched"], *found["unmatched"]]),
    ]
    return Report(
        facts=_facts(question),
        totals=[
            ("VMs", str(len(vms))),
            (f"with a recent usable snapshot ({question.newer_than})", _share(vms, uncovered)),
            *_counts(snapshots),
            ("clusters reached", f"{len(clusters) - len(unreachable)} of {len(clusters)}"),
        ],
        attention=[table for table in attention if table.length],
        empty=not vms,
        months=_months(days),
        days=days,
        groups=_groups(by_place, days, {_place_of(vm): vm for vm in vms}, uncovered),
        sets=_sets_table(snapshots),
        expiries=_expiries_table(snapshots, question.now),
    )


def text_of(value: Any) -> str:
    """Return a value as a line of text that is not too long."""
    if isinstance(value, (list, tuple)):
        return ", ".join(map(text_of, value))
    return printable(value, _LONGEST_TEXT) if value not in (None, "") else _NOTHING


def time_of(text: Any) -> datetime | None:
    """Return a time, which YAML may have read already; None if it is not one."""
    return read_time(str(text))


def _facts(question: Question) -> list[tuple[str, str]]:
    given = {text_of(name): text_of(value) for name, value in question.given.items()}
    return [("Made", f"{question.now:%Y-%m-%d %H:%M} UTC"), *given.items()]


def _share(vms: Sequence[Row], uncovered: Sequence[Row]) -> str:
    return f"{len(vms) - len(uncovered)} of {len(vms)}"


def _counts(snapshots: Sequence[Row]) -> list[tuple[str, str]]:
    states = [_state(row) for row in snapshots]
    usable = states.count(USABLE) + states.count(NOT_QUIESCED)
    return [
        ("snapshots", str(len(snapshots))),
        ("usable", str(usable)),
        ("of these not quiesced", str(states.count(NOT_QUIESCED))),
        ("failed", str(states.count(FAILED))),
    ]


def _state(snapshot: Row) -> str:
    if snapshot["phase"] == "Failed":
        return FAILED
    if not snapshot["ready_to_use"] or snapshot["deleting"]:
        return NOT_READY
    return NOT_QUIESCED if snapshot["quiesced"] is False else USABLE


def _is_usable(snapshot: Row) -> bool:
    return _state(snapshot) in (USABLE, NOT_QUIESCED)


def _place_of(row: Row, gone: bool = False) -> _Place:
    return _Place(row["cluster"], row["namespace"], row["vm_name"], gone)


def _by_place(snapshots: Iterable[Row], vms: Iterable[Row]) -> Mapping[_Place, list[Row]]:
    """Return each VM's snapshots. Those of an earlier one of the same name are not its own."""
    made = {_place_of(vm): vm["creation_time"] or "" for vm in vms}
    by_place: dict[_Place, list[Row]] = {place: [] for place in made}
    for snapshot in snapshots:
        place = _place_of(snapshot)
        if place not in made or (snapshot["creation_time"] or "9") < made[place]:
            place = place._replace(gone=True)
        by_place.setdefault(place, []).append(snapshot)
    return by_place


# The grid


def _days(snapshots: Iterable[Row], now: datetime) -> list[date]:
    """Return the days up to now, from the oldest snapshot on, but neither too few nor too many."""
    oldest = min((row["creation_time"] or "9" for row in snapshots), default="9")
    read = time_of(oldest)
    wanted = (now.date() - read.date()).days + 1 if read else 0
    number = max(_FEWEST_DAYS, min(wanted, MOST_DAYS))
    return [now.date() - timedelta(days=back) for back in reversed(range(number))]


def _months(days: Iterable[date]) -> list[tuple[str, int]]:
    return [(month, len(list(own))) for month, own in groupby(days, lambda day: f"{day:%B %Y}")]


def _groups(
    by_place: Mapping[_Place, Sequence[Row]],
    days: Sequence[date],
    vms: Mapping[_Place, Row],
    uncovered: Iterable[Row],
) -> list[Group]:
    dates = [day.isoformat() for day in days]
    alarming = {_place_of(vm) for vm in uncovered}
    places = sorted(by_place)
    return [
        Group(
            text_of(cluster),
            text_of(namespace),
            [_line(p, by_place[p], dates, vms.get(p, {}), p in alarming) for p in own],
        )
        for (cluster, namespace), own in groupby(places, lambda place: place[:2])
    ]


def _line(
    place: _Place, snapshots: Sequence[Row], dates: Sequence[str], vm: Row, uncovered: bool
) -> VmLine:
    usable = [row["creation_time"] for row in snapshots if _is_usable(row)]
    made = (vm.get("creation_time") or "")[:10]
    best = {day: NOT_THERE if day < made else MISSING for day in dates}
    for snapshot in snapshots:
        day, state = (snapshot["creation_time"] or "")[:10], _state(snapshot)
        if day in best and _RANK[state] < _RANK[best[day]]:
            best[day] = state
    newest = _short_time(max(filter(None, usable), default=None))
    days = "".join(best.values())
    return VmLine(text_of(place.vm_name), len(snapshots), newest, days, uncovered, place.gone)


# What needs attention


def _table(
    name: str, title: str, text: str, headings: Sequence[str], rows: Sequence[Sequence[Any]]
) -> Table:
    shown = [[text_of(cell) for cell in row] for row in rows[:_MOST_ROWS]]
    return Table(name, title, text, headings, shown, len(rows) - len(shown))


def _unreachable(clusters: Mapping[str, Row]) -> dict[str, Row]:
    return {name: row for name, row in clusters.items() if not row["reachable"]}


def _clusters_table(unreachable: Mapping[str, Row]) -> Table:
    return _table(
        "clusters",
        "Clusters that could not be reached",
        "What is in them is not in this report.",
        ["Cluster", "Reason", "Message"],
        [[name, row["reason"], row["message"]] for name, row in unreachable.items()],
    )


def _uncovered_table(uncovered: Iterable[Row], question: Question) -> Table:
    oldest_first = sorted(uncovered, key=lambda vm: newest_of(vm).get("creation_time") or "")
    return _table(
        "uncovered",
        f"VMs without a usable snapshot from the last {question.newer_than}",
        "A usable snapshot counts whoever took it, and whatever set it is part of, but not one of "
        "an earlier VM of the same name.",
        [
            *(*_VM_HEADINGS, "Status", "Newest usable snapshot", "Taken"),
            *("Why", "Message", "Blocked by"),
        ],
        [
            [
                *_vm_cells(vm),
                vm["printable_status"],
                newest_of(vm).get("name"),
                _short_time(newest_of(vm).get("creation_time")),
                why_uncovered(vm).replace("_", " "),
                error_of(vm),
                vm["blocked_by"],
            ]
            for vm in oldest_first
        ],
    )


def _failed_table(snapshots: Iterable[Row]) -> Table:
    failed = [row for row in snapshots if _state(row) == FAILED]
    failed.sort(key=lambda row: row["creation_time"] or "", reverse=True)
    return _table(
        "failed",
        "Failed snapshots",
        "The newest first. Nothing can be restored from them.",
        [*_VM_HEADINGS, "Snapshot", "Set", "Taken", "Cause"],
        [
            [
                *_vm_cells(row),
                row["name"],
                row["set"],
                _short_time(row["creation_time"]),
                row["error"],
            ]
            for row in failed
        ],
    )


def _ending_table(by_place: Mapping[_Place, Iterable[Row]], now: datetime) -> Table:
    last = {place: _last_to_expire(rows) for place, rows in by_place.items() if not place.gone}
    ending = [
        (ends, place, name) for place, (ends, name) in last.items() if ends and ends < now + _SOON
    ]
    return _table(
        "ending",
        "VMs whose last usable snapshot expires soon",
        f"Within {_SOON.days} days, all usable snapshots of these VMs that are listed here expire.",
        [*_VM_HEADINGS, "Last snapshot", "Expires"],
        [[*place[:3], name, f"{ends:%Y-%m-%d %H:%M}"] for ends, place, name in sorted(ending)],
    )


def _last_to_expire(snapshots: Iterable[Row]) -> tuple[datetime | None, str]:
    """Return when the last of the usable snapshots expires, and its name; None for never."""
    ends = [(time_of(row["expires_at"]), row["name"]) for row in snapshots if _is_usable(row)]
    known = [(end, name) for end, name in ends if end]
    return max(known) if known and len(known) == len(ends) else (None, "")


def _disks_table(vms: Iterable[Row]) -> Table:
    return _table(
        "disks",
        "Disks that snapshots leave out",
        "They hold data that no snapshot of these VMs contains.",
        [*_VM_HEADINGS, "Disk", "Reason"],
        [
            [*_vm_cells(vm), volume["name"], volume["reason"]]
            for vm in vms
            for volume in vm["volumes"]
            if volume["holds_data"] and volume["snapshottable"] is False
        ],
    )


def _unmatched_table(misses: Iterable[Row]) -> Table:
    distinct = {(miss["option"], miss["value"]): miss["nearest"] for miss in misses}
    return _table(
        "unmatched",
        "Filters that match nothing",
        "A misspelt filter hides what was meant.",
        ["Filter", "Value", "Nearest names"],
        [[option, value, nearest] for (option, value), nearest in distinct.items()],
    )


_VM_HEADINGS = ("Cluster", "Namespace", "VM")


def _vm_cells(row: Row) -> Iterator[Any]:
    yield from (row["cluster"], row["namespace"], row["vm_name"])


def _short_time(text: str | None) -> str:
    return text[:16].replace("T", " ") if text else _NOTHING


# Sets, and what expires next


def _set_name(snapshot: Row) -> str:
    if snapshot["set"]:
        return str(snapshot["set"])
    return "(Palette's scheduler)" if snapshot["scheduled_by_palette"] else "(no set)"


def _vm_count(snapshots: Iterable[Row]) -> int:
    return len({_place_of(row) for row in snapshots})


def _sets_table(snapshots: Iterable[Row]) -> Table:
    by_set: dict[str, list[Row]] = defaultdict(list)
    for snapshot in snapshots:
        by_set[_set_name(snapshot)].append(snapshot)
    return _table(
        "sets",
        "Sets",
        "How large they are, and what is in them.",
        [
            *("Set", "Snapshots", "VMs", "Usable", "Of these not quiesced", "Failed"),
            *("Oldest", "Newest", "Next expiry"),
        ],
        [_set_row(name, own) for name, own in sorted(by_set.items())],
    )


def _set_row(name: str, snapshots: Sequence[Row]) -> list[Any]:
    counts = dict(_counts(snapshots))
    taken = [row["creation_time"] for row in snapshots if row["creation_time"]]
    ends = [end for end in (time_of(row["expires_at"]) for row in snapshots) if end]
    return [
        *(name, counts["snapshots"], _vm_count(snapshots)),
        *(counts["usable"], counts["of these not quiesced"], counts["failed"]),
        _short_time(min(taken, default=None)),
        _short_time(max(taken, default=None)),
        f"{min(ends):%Y-%m-%d %H:%M}" if ends else None,
    ]


def _expiries_table(snapshots: Iterable[Row], now: datetime) -> Table:
    by_day: dict[tuple[bool, str, str], list[Row]] = defaultdict(list)
    for snapshot in snapshots:
        ends = time_of(snapshot["expires_at"])
        if ends:
            day = "overdue" if ends <= now else f"{ends:%Y-%m-%d}"
            by_day[day != "overdue", day, _set_name(snapshot)].append(snapshot)
    return _table(
        "expiries",
        "Next expiries",
        "The next run of a retention may delete what is overdue.",
        ["Expires", "Set", "Snapshots", "VMs"],
        [
            [day, name, len(own), _vm_count(own)]
            for (_later, day, name), own in sorted(by_day.items())
        ],
    )

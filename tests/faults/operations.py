# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operations, as data: tasks, what they shall bring about, and where faults strike them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from faults.catalogue import CATALOGUE, CUT, LAGS, REQUEST_TIMEOUT, suits
from faults.proxy import (
    CLOSE,
    CREATE,
    DELETE,
    INSTANCES,
    KUBECONFIG,
    LIST,
    MACHINES,
    POWER,
    READS,
    RESTORE,
    RESTORES,
    UPDATE,
    VM,
    WRITES,
    Aim,
    Fault,
)

KEY = 'fault-key/7Q+x"9&z'  # as in fleet.yml
PROJECT_UID, CLUSTER_UID = "0123456789abcdef00000001", "0123456789abcdef00000011"
WAYS = ("in process", "as a module")

CONNECTION: Mapping[str, Any] = {
    "api_key": KEY,
    "project_uid": PROJECT_UID,
    "cluster_uid": CLUSTER_UID,
    "request_timeout": REQUEST_TIMEOUT,
    "rate_limit": 0,
}
_SELDOM = 40
_WAITING = {"wait_timeout": 3, "poll_interval": 0.3, "progress": False}


class Point(NamedTuple):
    """Where a fault strikes a task.

    helpers: what strikes besides. after: a kind of write, if only lists after it are struck.
    lasting: it strikes to the end, or together with others. brief: only a few faults strike it.
    blind: nothing can be read after the write.
    """

    name: str
    kind: str
    first: int = 1
    times: int | None = 1
    after: str = ""
    lasting: bool = False
    brief: bool = False
    blind: bool = False
    helpers: tuple[Aim, ...] = ()

    @property
    def deaf(self) -> bool:
        """Whether no list can be read any more, once the fault has struck."""
        return self.blind or (self.kind in READS and self.times is None)


class Operation(NamedTuple):
    """A task, and what it shall bring about.

    gone: snapshots that shall be deleted. taken: VMs that shall have one new usable snapshot.
    labelled: snapshots that shall have labels. off: VMs that shall be off. back: VMs that shall be
    as they were at their snapshot, and run. rested: VMs that shall be off for their snapshot, and
    run again. points: where faults strike it. share: how many of its cells there are for each that
    ``make test`` runs.
    """

    name: str
    module: str
    options: Mapping[str, Any]
    points: Sequence[Point]
    gone: frozenset[str] = frozenset()
    taken: frozenset[str] = frozenset()
    labelled: Mapping[str, Mapping[str, str]] = {}
    off: frozenset[str] = frozenset()
    back: frozenset[str] = frozenset()
    rested: frozenset[str] = frozenset()
    share: int = 5

    @property
    def of_machines(self) -> bool:
        """Whether it is about VMs and their restores, and not about snapshots."""
        return bool(self.off or self.back)

    @property
    def task(self) -> dict[str, Any]:
        """The task's options but for the host."""
        waiting = _WAITING if self.points[0].kind in WRITES else {}
        return {**CONNECTION, "retries": 1, **waiting, **self.options}

    @property
    def start(self) -> dict[str, Any]:
        """The options of vm_power that start what ran before, but for the host."""
        ran = {"namespace": self.options["namespaces"][0], "vms": sorted(self.rested)}
        return {**CONNECTION, **_WAITING, **ran, "state": "started"}


class Cell(NamedTuple):
    """One fault at one point of one operation, in one way."""

    operation: Operation
    point: Point
    fault: Fault
    carried_out: bool
    way: str

    @property
    def name(self) -> str:
        """What the cell is called."""
        parts = [self.operation.name, self.point.name, self.fault.name]
        if self.point.kind in WRITES:
            parts.append("carried out" if self.carried_out else "not carried out")
        return " / ".join([*parts, self.way])

    @property
    def aims(self) -> list[Aim]:
        """What the proxy shall strike; the cell's own fault first."""
        point, times = self.point, self.fault.times or self.point.times
        own = Aim(self.fault, point.kind, self.carried_out, point.first, times, point.after)
        return [own, *point.helpers]


_FIRST_LIST = Point("the first list", LIST)
_NO_LIST = Point("all lists", LIST, times=None, lasting=True)


def _blind(name: str, kind: str, first: int, *reads: str) -> Point:
    """Return the point at a write after which nothing can be read."""
    cut = tuple(Aim(CUT, read, carried_out=False, times=None, after=kind) for read in reads)
    return Point(
        f"{name}, and no list after it", kind, first, lasting=True, blind=True, helpers=cut
    )


def _around(name: str, kind: str, first: int = 1) -> tuple[Point, ...]:
    """Return the points at a write: alone, and with lists after it that fail or lag."""
    lagging = Aim(LAGS, LIST, times=2, after=kind)
    return (
        Point(name, kind, first),
        _blind(name, kind, first, LIST),
        Point(f"{name}, and lists that lag", kind, first, lasting=True, helpers=(lagging,)),
    )


def _lists(after: str) -> tuple[Point, ...]:
    """Return the points at the lists before and after a write."""
    return (
        _FIRST_LIST,
        _NO_LIST,
        Point("the list after it", LIST, after=after),
        Point("all lists after it", LIST, times=None, after=after, lasting=True),
    )


def _reads(what: str, kind: str, after: str) -> tuple[Point, ...]:
    """Return the points at the reads of a kind before and after a write."""
    return (
        Point(f"the first read of {what}", kind, brief=True),
        Point(f"all reads of {what}", kind, times=None, lasting=True),
        Point(f"the read of {what} after it", kind, after=after, brief=True),
        Point(f"all reads of {what} after it", kind, times=None, after=after, lasting=True),
    )


def _off_meanwhile() -> tuple[Point, ...]:
    """Return the points at a set whose VMs are off meanwhile.

    Two are stopped, then started. A third is off, so that its POST is the first one.
    """
    no_start = Aim(CUT, POWER, carried_out=False, times=None, after=CREATE)
    name = "the second POST"
    alone, _blinded, lagging = _around(name, CREATE, 2)
    return (
        Point("the second stop", POWER, 2),
        Point("the first start", POWER, 3, brief=True),
        alone._replace(brief=True),
        lagging,
        # Without lists, no VM is known to need its snapshot still, and none gets a second POST.
        _blind("the first POST", CREATE, 1, LIST),
        Point(f"{name}, and no start after it", CREATE, 2, lasting=True, helpers=(no_start,)),
        Point("the first list of snapshots", LIST, brief=True),
        Point("all lists after it", LIST, times=None, after=CREATE, lasting=True),
        *_reads("VMs", VM, POWER),
        Point("all reads of VMs after POST", VM, times=None, after=CREATE, lasting=True),
    )


def _way_back(first: int) -> tuple[Point, ...]:
    """Return the points at the way back of a VM, the first of those that are restored or not."""
    name = "the second POST" if first > 1 else "POST"
    return (
        Point(name, RESTORE, first),
        _blind(name, RESTORE, first, RESTORES, INSTANCES),
        Point("the start", POWER, brief=True),
        _blind("the start", POWER, 1, RESTORES, INSTANCES),
        Point("PATCH", CLOSE, brief=True),
        Point("the kubeconfig", KUBECONFIG, brief=True),
        Point("the first list of snapshots", LIST, brief=True),
        Point("the list of VMs by their cluster", MACHINES, brief=True),
        *_reads("restores", RESTORES, RESTORE),
        *_reads("instances", INSTANCES, POWER),
    )


OPERATIONS = (
    Operation(
        "create",
        "vm_snapshot",
        {"namespace": "create", "vm_name": "new", "name": "new-1"},
        (*_around("POST", CREATE), *_lists(CREATE)),
        taken=frozenset({"new"}),
    ),
    Operation(
        "update",
        "vm_snapshot",
        {"namespace": "update", "vm_name": "old", "name": "old-1", "labels": {"tier": "gold"}},
        (*_around("PUT", UPDATE), _FIRST_LIST, _NO_LIST, Point("the second list", LIST, first=2)),
        labelled={"old-1": {"tier": "gold"}},
    ),
    Operation(
        "replace",
        "vm_snapshot",
        {
            "namespace": "replace",
            "vm_name": "other",
            "name": "other-1",
            "deletion_policy": "Retain",
            "replace": True,
        },
        (*_around("DELETE", DELETE), *_around("POST", CREATE), *_lists(CREATE)),
        gone=frozenset({"other-1"}),
        taken=frozenset({"other"}),
    ),
    Operation(
        "delete",
        "vm_snapshot",
        {"namespace": "delete", "vm_name": "done", "name": "done-1", "state": "absent"},
        (*_around("DELETE", DELETE), *_lists(DELETE)),
        gone=frozenset({"done-1"}),
    ),
    Operation(
        "info",
        "vm_snapshot_info",
        {"namespaces": ["info"]},
        (_FIRST_LIST, _NO_LIST),
    ),
    Operation(
        "set",
        "vm_snapshot_set",
        {
            "set": "nightly",
            "namespaces": ["set"],
            "unless_newer_than": "20h",
            "members": "all",
        },
        (*_around("the second POST", CREATE, 2), *_lists(CREATE)),
        taken=frozenset("abcd"),
    ),
    Operation(
        "retention",
        "vm_snapshot_retention",
        {"namespaces": ["retention"], "set": "nightly", "keep_last": 1},
        (*_around("the second DELETE", DELETE, 2), *_lists(DELETE)),
        gone=frozenset({"long-1d", "long-2d", "long-3d", "short-1d"}),
    ),
    Operation(
        "power",
        "vm_power",
        {"namespace": "power", "vm_name": "hot", "state": "stopped"},
        (
            Point("PUT", POWER),
            _blind("PUT", POWER, 1, VM),
            *_reads("the VM", VM, POWER),
        ),
        off=frozenset({"hot"}),
        share=_SELDOM,
    ),
    Operation(
        "offline",
        "vm_snapshot_set",
        {
            "set": "at-rest",
            "namespaces": ["offline"],
            "unless_newer_than": "20h",
            "members": "all",
            "offline": True,
            "failure_deadline": "3s",
            "wait_timeout": 4,
        },
        _off_meanwhile(),
        taken=frozenset({"busy", "calm", "idle"}),
        rested=frozenset({"busy", "calm"}),
        share=_SELDOM,
    ),
    Operation(
        "restore",
        "vm_restore",
        {"namespace": "restore", "vm_name": "lost", "snapshot": "lost-1", "stop": True},
        _way_back(1),
        back=frozenset({"lost"}),
        share=_SELDOM,
    ),
    Operation(
        "restore_set",
        "vm_restore_set",
        {"set": "weekly", "namespaces": ["restores"], "stop": True, "members": "all"},
        _way_back(2),
        back=frozenset({"one", "two"}),
        share=_SELDOM,
    ),
)


def all_cells() -> list[Cell]:
    """Return all cells: each operation, at each of its points, with each fault that suits it."""
    return [
        Cell(operation, point, fault, carried_out, way)
        for operation in OPERATIONS
        for point in operation.points
        for fault in CATALOGUE
        if suits(fault, point.kind, polled=bool(point.after))
        if fault.core or not (point.lasting or point.brief)
        for carried_out in _carried_out(point, fault)
        for way in _ways(operation, point)
    ]


def _carried_out(point: Point, fault: Fault) -> tuple[bool, ...]:
    if point.kind not in WRITES or fault.honest or fault.late:
        return (True,)
    # A power call leaves nothing by which to know that it was one's own.
    limited = point.kind == POWER and fault.name.startswith("429")
    return (False,) if fault.refuses or limited else (True, False)


def _ways(operation: Operation, point: Point) -> tuple[str, ...]:
    # Both ways share the core: as a module, the request that matters most is struck.
    return WAYS if point == operation.points[0] else WAYS[:1]

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The core of vm_snapshot_info: the snapshots that match, newest first, and their counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timezone
from fnmatch import fnmatchcase
from typing import Any

from .._palette.objects import write_time
from .._snapshots.model import Snapshot
from .._snapshots.observe import list_matching
from .._snapshots.results import status_of
from .._validation.durations import parse_age
from .._validation.problems import Problem, option_problem
from .._validation.selectors import parse_selector
from .._vms.session import PaletteSession
from .base import Arguments, Invocation, Module, Result
from .options import CLUSTER, CONNECTION, ONE_CLUSTER, ONE_PROJECT

Test = Callable[[Snapshot], bool]

ARGUMENTS = Arguments(
    spec={
        **CONNECTION,
        **CLUSTER,
        "namespaces": {"type": "list", "elements": "str"},
        "vm_names": {"type": "list", "elements": "str"},
        "name": {"type": "str"},
        "selector": {"type": "str"},
        "phase": {
            "type": "list",
            "elements": "str",
            "choices": ["InProgress", "Succeeded", "Failed", "Deleting", "Unknown"],
        },
        "ready": {"type": "bool"},
        "older_than": {"type": "str"},
        "newer_than": {"type": "str"},
    },
    mutually_exclusive=(ONE_PROJECT, ONE_CLUSTER),
)
_EARLIEST = datetime.min.replace(tzinfo=timezone.utc)


def read(invocation: Invocation) -> tuple[list[Test], list[Problem]]:
    """Return the filters that the options describe, and all problems with them."""
    tests, problems = [], []
    for option, make in _TESTS.items():
        value = invocation.options[option]
        if value in (None, []):
            continue
        try:
            tests.append(make(value, invocation.now))
        except ValueError as error:
            problems.append(option_problem(option, str(error), _EXAMPLES[option]))
    return tests, problems


def run(invocation: Invocation, tests: Sequence[Test]) -> Result:
    """Return the snapshots that match all filters."""
    options = invocation.options
    namespaces, vm_names = options["namespaces"] or (), options["vm_names"] or ()
    found = [
        (api.cluster.name, snapshot)
        for api in PaletteSession(options).vm_clusters()
        for snapshot in list_matching(api, namespaces, vm_names)
        if all(test(snapshot) for test in tests)
    ]
    found.sort(key=lambda pair: (pair[1].taken_at or _EARLIEST, pair[1].name), reverse=True)
    return {
        "changed": False,
        "snapshots": [
            {**status_of(snapshot, invocation.now), "cluster": cluster}
            for cluster, snapshot in found
        ],
        "summary": summary([snapshot for _cluster, snapshot in found]),
    }


MODULE = Module(ARGUMENTS, read, run)


def summary(snapshots: Sequence[Snapshot]) -> dict[str, Any]:
    """Return counts of snapshots, and the times of the oldest and the newest."""
    times = [snapshot.taken_at for snapshot in snapshots if snapshot.taken_at]
    return {
        "total": len(snapshots),
        "ready": sum(snapshot.ready for snapshot in snapshots),
        "in_progress": sum(snapshot.in_progress for snapshot in snapshots),
        "failed": sum(snapshot.failed for snapshot in snapshots),
        "deleting": sum(snapshot.deleting for snapshot in snapshots),
        "vms": len({snapshot.key for snapshot in snapshots}),
        "by_phase": dict(Counter(map(_phase, snapshots))),
        "oldest": write_time(min(times, default=None)),
        "newest": write_time(max(times, default=None)),
    }


def _phase(snapshot: Snapshot) -> str:
    return snapshot.phase or "Unknown"


def _named(pattern: str, _now: datetime) -> Test:
    return lambda snapshot: fnmatchcase(snapshot.name, pattern)


def _labelled(text: str, _now: datetime) -> Test:
    selector = parse_selector(text)
    return lambda snapshot: selector.matches(snapshot.labels)


def _in_phase(phases: Sequence[str], _now: datetime) -> Test:
    return lambda snapshot: _phase(snapshot) in phases


def _ready(ready: bool, _now: datetime) -> Test:
    return lambda snapshot: snapshot.ready == ready


def _older(age: str, now: datetime) -> Test:
    limit = now - parse_age(age)
    return lambda snapshot: snapshot.taken_at is not None and snapshot.taken_at < limit


def _newer(age: str, now: datetime) -> Test:
    limit = now - parse_age(age)
    return lambda snapshot: snapshot.taken_at is not None and snapshot.taken_at >= limit


_TESTS: Mapping[str, Callable[[Any, datetime], Test]] = {
    "name": _named,
    "selector": _labelled,
    "phase": _in_phase,
    "ready": _ready,
    "older_than": _older,
    "newer_than": _newer,
}
_EXAMPLES = {
    "selector": "app=db,tier!=test",
    "older_than": "7d",
    "newer_than": "24h",
}

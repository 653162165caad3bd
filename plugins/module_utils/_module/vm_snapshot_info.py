# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The core of vm_snapshot_info: the snapshots that match, newest first, and their counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from .._palette.objects import write_time
from .._snapshots.clock import clock_problem, warn_of_ages
from .._snapshots.fleet import SnapshotFilters, observe_matching, snapshot_filters_from
from .._snapshots.model import Snapshot
from .._snapshots.results import status_values
from .._validation.durations import parse_age
from .._validation.problems import Problem, option_problem
from .._vms.cluster_result import (
    clusters_result,
    counts_by_cluster,
    demand_clusters,
    warn_of_clusters,
    warn_of_states,
    warn_of_unreadable,
)
from .._vms.selection import Filters, filters_from, shell_pattern
from .._vms.session import PaletteSession
from .base import Arguments, Invocation, Module, Result
from .options import (
    CLUSTER_OR_CLUSTERS,
    CONNECTION,
    ON_ERROR,
    ONE_PROJECT,
    ROWS,
    SELECTION,
    SNAPSHOT_FILTERS,
)
from .rows import Rows, Values, rows_from

Test = Callable[[Snapshot], bool]

ARGUMENTS = Arguments(
    spec={
        **CONNECTION,
        **SELECTION,
        **ON_ERROR,
        **SNAPSHOT_FILTERS,
        "name": {"type": "str"},
        # Not choices of the spec: Ansible would look for them before a text is split on lines.
        "phase": {"type": "list", "elements": "str"},
        "ready": {"type": "bool"},
        "older_than": {"type": "str"},
        "newer_than": {"type": "str"},
        **ROWS,
    },
    mutually_exclusive=(ONE_PROJECT, CLUSTER_OR_CLUSTERS),
)
_CLUSTER = "cluster"
_PHASES = ("InProgress", "Succeeded", "Failed", "Deleting", "Unknown")
# They have no order that anybody would look for.
_COMPOSED = (
    *("indications", "included_volumes", "excluded_volumes", "conditions"),
    *("labels", "annotations"),
)


class Request(NamedTuple):
    """What the options ask for. tests: what a snapshot has to pass besides the filters."""

    filters: Filters
    snapshot_filters: SnapshotFilters
    tests: Sequence[Test]
    rows: Rows


def read(invocation: Invocation) -> tuple[Request, list[Problem]]:
    """Read the filters, or all that is wrong with them."""
    options = invocation.options
    filters, problems = filters_from(options)
    snapshot_filters, snapshot_problems = snapshot_filters_from(options)
    tests, test_problems = _read_tests(invocation)
    rows, row_problems = rows_from(options, [_CLUSTER, *status_values(invocation.now)], _COMPOSED)
    problems += [*snapshot_problems, *test_problems, *row_problems]
    return Request(filters, snapshot_filters, tests, rows), problems


def run(invocation: Invocation, request: Request) -> Result:
    """Return the snapshots that match all filters."""
    session = PaletteSession(invocation.options)
    fleet = observe_matching(session, request.filters, request.filters.selector is not None)
    warn_of_states((target.api for target in fleet.targets), invocation.warn)
    demand_clusters(fleet, invocation.options["on_error"])
    warn_of_clusters(fleet, invocation.warn)
    warn_of_unreadable(fleet, invocation.warn)
    misses = [*fleet.unmatched, *fleet.unmatched_set(request.snapshot_filters.set_name)]
    for miss in misses:
        invocation.warn(str(miss))
    clock = clock_problem(invocation.now, session.clock_skew, fleet.snapshots)
    warn_of_ages(clock, invocation.warn)
    matching = fleet.matching(request.snapshot_filters)
    found = [snapshot for snapshot in matching if all(test(snapshot) for test in request.tests)]
    fleet.warn_if_empty(session.project_hint, invocation.warn)
    found.sort(key=lambda snapshot: snapshot.age_order, reverse=True)
    values: Values[Snapshot] = {
        **status_values(invocation.now),
        _CLUSTER: lambda snapshot: fleet.title(snapshot.key),
    }
    return {
        "changed": False,
        "snapshots": request.rows.of(found, values),
        "summary": summary(found),
        "unmatched": [miss.result for miss in misses],
        **clusters_result(fleet, counts_by_cluster(fleet, "snapshots", [s.key for s in found])),
    }


MODULE = Module(ARGUMENTS, read, run)


def _read_tests(invocation: Invocation) -> tuple[list[Test], list[Problem]]:
    tests, problems = [], []
    for option, make in _TESTS.items():
        value = invocation.options[option]
        if value in (None, []):
            continue
        try:
            tests.append(make(value, invocation.now))
        except ValueError as error:
            problems.append(option_problem(option, str(error), _EXAMPLES[option]))
    return tests, problems or _ages_problems(invocation.options)


def _ages_problems(options: Mapping[str, Any]) -> list[Problem]:
    """Return the problem of ages that no snapshot can have both."""
    older, newer = options["older_than"], options["newer_than"]
    if not (older and newer) or parse_age(older) < parse_age(newer):
        return []
    text = (
        f"no snapshot is both older than {older} (older_than) and at most {newer} old "
        "(newer_than): newer_than must be the greater age"
    )
    return [Problem("newer_than", text, "older_than: 1d, newer_than: 7d")]


def summary(snapshots: Sequence[Snapshot]) -> dict[str, Any]:
    """Return counts of snapshots, and the times of the oldest and the newest."""
    times = [snapshot.taken_at for snapshot in snapshots if snapshot.taken_at]
    return {
        "total": len(snapshots),
        "ready": sum(snapshot.ready for snapshot in snapshots),
        "in_progress": sum(snapshot.in_progress for snapshot in snapshots),
        "not_ready": sum(snapshot.unready for snapshot in snapshots),
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
    shell = shell_pattern(pattern)
    return lambda snapshot: shell.match(snapshot.name) is not None


def _in_phase(phases: Sequence[str], _now: datetime) -> Test:
    strange = [phase for phase in phases if phase not in _PHASES]
    if strange:
        raise ValueError(f"{strange[0]!r} is not a phase: use any of {', '.join(_PHASES)}")
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
    "phase": _in_phase,
    "ready": _ready,
    "older_than": _older,
    "newer_than": _newer,
}
_EXAMPLES: Mapping[str, Any] = {
    "phase": ["Failed", "Unknown"],
    "older_than": "7d",
    "newer_than": "24h",
}

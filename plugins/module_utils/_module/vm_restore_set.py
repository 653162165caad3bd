# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The core of vm_restore_set: the way of many virtual machines back to a set of snapshots."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from .._execution.progress import Progress
from .._execution.run import Pace, pace_from, pace_problems
from .._execution.waiting import wait_problems, waiting_from
from .._http.errors import ApiError
from .._restores.fleet import RestoreFleet
from .._restores.member import RestoreMember
from .._restores.plan import Sight, refuse
from .._restores.result import counts_by_outcome, set_diff, set_result
from .._restores.run import RestoreRun, Row, Task, wanted_from
from .._restores.session import RestoreSession
from .._snapshots.clock import check_clock, clock_problem
from .._snapshots.naming import set_name_problems
from .._snapshots.set_result import failed_only, members_text
from .._validation.problems import Problem, merged, option_problem
from .._vms.cluster_result import (
    clusters_result,
    demand_clusters,
    failure_text,
    warn_of_states,
    warn_of_unreadable,
)
from .._vms.fleet import Scope, label_of, scope_of, with_unmatched
from .._vms.model import VmKey
from .._vms.selection import Entry, Filters, entries_from, filters_from, fleet_problems
from .base import Arguments, Invocation, Module, Result
from .options import (
    CLUSTER_OR_CLUSTERS,
    CONNECTION,
    EXECUTION,
    LISTED,
    MAX_FAILED_CLUSTERS,
    ON_ERROR,
    ONE_PROJECT,
    RESTORE,
    SELECTION,
)
from .selected import demand_selection, refuse_duplicates, selection_problems

ARGUMENTS = Arguments(
    spec={
        **CONNECTION,
        "set": {"type": "str", "required": True},
        **LISTED,
        **SELECTION,
        **RESTORE,
        **ON_ERROR,
        "max_failed": {"type": "int", "default": 0},
        **MAX_FAILED_CLUSTERS,
        "members": {"type": "str", "choices": ["failed", "all"], "default": "failed"},
        **EXECUTION,
    },
    mutually_exclusive=(ONE_PROJECT, CLUSTER_OR_CLUSTERS),
)


class Request(NamedTuple):
    """What the options describe. entries: all listed VMs, or None if the filters select."""

    entries: Sequence[Entry] | None
    filters: Filters
    pace: Pace


def read(invocation: Invocation) -> tuple[Request | None, list[Problem]]:
    """Return the request that the options describe, and all problems with them."""
    options = invocation.options
    filters, filter_problems = filters_from(options)
    entries, entry_problems = entries_from(options)
    problems = merged(
        set_name_problems(options["set"]),
        [*_names_problems(options), *entry_problems, *filter_problems],
        [*selection_problems(options), *fleet_problems(options), *wait_problems(options)],
        [*pace_problems(options), *_kubeconfig_problems(options), *_most_problems(options)],
    )
    if problems:
        return None, problems
    listed = None if options["vms"] is None else entries
    return Request(listed, filters, pace_from(options, waiting_from(options))), []


def run(invocation: Invocation, request: Request) -> Result:
    """Bring the VMs back. The result or the ApiError has a row for each."""
    options = invocation.options
    session = RestoreSession(options)
    scope = scope_of(session, request.entries, request.filters)
    refuse_duplicates(scope.targets)
    warn_of_states((target.api for target in scope.targets), invocation.warn)
    task = Task(wanted_from(options), request.filters, invocation.now, invocation.warn)
    restores = RestoreRun(task, session, scope.targets)
    progress = Progress.of(options, invocation.progress, options["set"])
    clusters = restores.clusters
    if options["on_error"] == "continue" and not invocation.check_mode:
        # No cluster waits for another, so what is wrong with the selection is known at the end.
        clusters.execute(request.pace, progress)
        fleet = _known(invocation, request, session, clusters.fleet, scope)
        return _result(invocation, fleet, restores.rows)
    _known(invocation, request, session, clusters.observe_all(), scope)
    clusters.plan_all()
    aborted = options["on_error"] == "abort" and any(row.blocked for row in restores.rows)
    if not (aborted or invocation.check_mode):
        clusters.execute(request.pace, progress)
    fleet = with_unmatched(clusters.fleet, request.entries, request.filters, scope.left_out)
    return _result(invocation, fleet, restores.rows, aborted)


MODULE = Module(ARGUMENTS, read, run)


def _names_problems(options: Mapping[str, Any]) -> list[Problem]:
    named = any(isinstance(vm, Mapping) and "name" in vm for vm in options["vms"] or ())
    text = "name is for new snapshots: leave it out"
    return [option_problem("vms", text, [{"vm_name": "db1"}])] if named else []


def _kubeconfig_problems(options: Mapping[str, Any]) -> list[Problem]:
    """Return the problem with one kubeconfig for several clusters."""
    one = options["cluster"] or options["cluster_uid"] or len(options["clusters"] or ()) == 1
    if one or not options["kubeconfig"]:
        return []
    text = "leads to one cluster: set cluster too, or let Palette give each cluster's"
    return [option_problem("kubeconfig", text, "/etc/palette/cluster-1.kubeconfig")]


def _most_problems(options: Mapping[str, Any]) -> list[Problem]:
    if options["max_failed"] >= 0:
        return []
    return [option_problem("max_failed", "must be 0 or more", 0)]


def _known(
    invocation: Invocation,
    request: Request,
    session: RestoreSession,
    fleet: RestoreFleet,
    scope: Scope,
) -> RestoreFleet:
    """Return the fleet with what is to be known of it before anything is written."""
    abort = invocation.options["on_error"] == "abort"
    demand_clusters(fleet, invocation.options["on_error"])
    clock = clock_problem(invocation.now, session.clock_skew, fleet.snapshots)
    check_clock(clock, needed=False, warn=invocation.warn)
    fleet = with_unmatched(fleet, request.entries, request.filters, scope.left_out)
    warn_of_unreadable(fleet, invocation.warn)
    demand_selection(fleet, request.entries, abort, session.project_hint, "nothing was restored")
    for miss in fleet.unmatched:
        invocation.warn(str(miss))
    return fleet


def _rows_not_reached(fleet: RestoreFleet) -> list[Row]:
    """Return a row for each listed VM of a cluster that could not be observed."""
    rows = []
    for target in fleet.targets:
        error = fleet.failures.get(target.title)
        if error is None or target.uid in fleet.titles:
            continue
        for entry in target.entries or ():
            key = VmKey(target.uid or "", entry.namespace, entry.vm_name)
            text = f"cluster {target.title} could not be reached: {error.message}"
            label, action = label_of(target.title, key), refuse("cluster_unreachable", text)
            rows.append(Row(target.title, label, Sight(key, None), action, RestoreMember(key, [])))
    return rows


def _result(
    invocation: Invocation, fleet: RestoreFleet, planned: list[Row], aborted: bool = False
) -> Result:
    options = invocation.options
    rows = sorted([*planned, *_rows_not_reached(fleet)], key=lambda row: row.label)
    result = set_result(rows, invocation.now, invocation.check_mode, aborted)
    result.update(clusters_result(fleet, counts_by_outcome(fleet, rows, result["members"])))
    result["unmatched"] = [miss.result for miss in fleet.unmatched]
    if invocation.diff_mode:
        result["diff"] = set_diff(rows, invocation.now)
    members = members_text(result["members"], aborted, options["max_failed"])
    failure = "; ".join(filter(None, (failure_text(fleet), members)))
    if not aborted and _tolerated(options, fleet, rows, result["members"]):
        if failure:
            invocation.warn(failure)
        return result
    if options["members"] == "failed":
        result["members"] = failed_only(result["members"])
    raise ApiError("preflight_failed" if aborted else "members_failed", failure, **result)


def _tolerated(
    options: Mapping[str, Any],
    fleet: RestoreFleet,
    rows: Sequence[Row],
    members: Mapping[str, Any],
) -> bool:
    """Say whether no more failed than may. The members of a failed cluster count as that one."""
    failed = failed_only(members)
    elsewhere = [row for row in rows if row.label in failed and row.cluster not in fleet.failures]
    most_clusters, most = options["max_failed_clusters"], options["max_failed"]
    return bool(len(fleet.failures) <= most_clusters and len(elsewhere) <= most)

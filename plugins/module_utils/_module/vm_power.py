# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The core of vm_power: starts, stops, pauses, resumes or restarts virtual machines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from .._execution.progress import Progress
from .._execution.run import ClusterRun, Pace
from .._execution.waiting import wait_problems, waiting_from
from .._http.errors import ApiError
from .._power.plan import Plan, plan
from .._power.result import (
    Row,
    Run,
    counts_by_outcome,
    failed,
    failure_text,
    power_diff,
    power_result,
)
from .._power.work import PowerMember, PowerWork
from .._validation.problems import Problem, merged, option_problem
from .._vms.cluster_result import (
    clusters_result,
    demand_clusters,
    warn_of_states,
    warn_of_unreadable,
)
from .._vms.cluster_result import failure_text as clusters_text
from .._vms.fleet import Candidate, Fleet, observe, scope_of, with_unmatched
from .._vms.model import VmKey
from .._vms.selection import Entry, Filters, Unmatched, entries_from, filters_from, fleet_problems
from .._vms.session import PaletteSession
from .base import Arguments, Invocation, Module, Result
from .options import (
    CLUSTER_OR_CLUSTERS,
    CONCURRENCY,
    CONNECTION,
    LISTED,
    MAX_FAILED_CLUSTERS,
    ON_ERROR,
    ONE_PROJECT,
    PROGRESS,
    SELECTION,
    WAIT,
)
from .selected import demand_selection, refuse_duplicates, selection_problems

_STATES = ["started", "stopped", "paused", "resumed", "restarted"]

ARGUMENTS = Arguments(
    spec={
        **CONNECTION,
        "state": {"type": "str", "choices": _STATES, "required": True},
        "vm_name": {"type": "str"},
        **LISTED,
        **SELECTION,
        **ON_ERROR,
        **MAX_FAILED_CLUSTERS,
        **WAIT,
        **CONCURRENCY,
        **PROGRESS,
    },
    mutually_exclusive=(ONE_PROJECT, CLUSTER_OR_CLUSTERS, ("vm_name", "vms")),
)

# Right values of the options that say which VM vm_name is.
_ONE = {"vm_name": "db1", "namespace": "vms", "cluster": "vm-cluster-1", "cluster_uid": "66a1f0c2"}


class Request(NamedTuple):
    """What the options describe. entries: all listed VMs, or None if the filters select."""

    entries: Sequence[Entry] | None
    filters: Filters
    pace: Pace


def read(invocation: Invocation) -> tuple[Request | None, list[Problem]]:
    """Return the request that the options describe, and all problems with them."""
    options = _with_one_listed(invocation.options)
    filters, filter_problems = filters_from(options)
    entries, entry_problems = entries_from(options)
    problems = merged(
        [*_names_problems(options), *entry_problems, *filter_problems],
        # A namespace alone must not stop all that is in it: vm_name may have been forgotten.
        selection_problems({**options, "namespace": None}),
        [*fleet_problems(options), *wait_problems(options)],
        _most_problems(options),
    )
    if invocation.options["vm_name"] is not None:
        problems = [_of_the_one(problem) for problem in problems]
    if problems:
        return None, problems
    pace = Pace(waiting_from(options), options["concurrency"], None)
    return Request(None if options["vms"] is None else entries, filters, pace), []


def run(invocation: Invocation, request: Request) -> Result:
    """Bring the VMs to their state. The result or the ApiError has a row for each."""
    options, rows = invocation.options, list[Row]()
    session = PaletteSession(options)
    scope = scope_of(session, request.entries, request.filters)
    refuse_duplicates(scope.targets)
    warn_of_states((target.api for target in scope.targets), invocation.warn)

    def plan_part(part: Fleet) -> list[PowerMember]:
        planned = [_row(options["state"], part, candidate) for candidate in part.candidates]
        rows.extend(planned)
        return [row.member for row in planned if row.member]

    def misses(fleet: Fleet) -> list[Unmatched]:
        demand_clusters(fleet, options["on_error"])
        fleet = with_unmatched(fleet, request.entries, request.filters, scope.left_out)
        _check_selection(invocation, request, session, fleet)
        return fleet.unmatched

    observing = partial(observe, filters=request.filters)
    clusters = ClusterRun(scope.targets, Fleet, observing, plan_part, PowerWork)
    progress = Progress.of(options, invocation.progress, f"VMs to be {options['state']}")
    if options["on_error"] == "continue" and not invocation.check_mode:
        # No cluster waits for another, so what is wrong with the selection is known at the end.
        clusters.execute(request.pace, progress)
        missed = misses(clusters.fleet)
        return _result(invocation, clusters.fleet, rows, missed)
    missed = misses(clusters.observe_all())
    clusters.plan_all()
    aborted = options["on_error"] == "abort" and any(row.blocked for row in rows)
    if not (aborted or invocation.check_mode):
        clusters.execute(request.pace, progress)
    return _result(invocation, clusters.fleet, rows, missed, aborted)


MODULE = Module(ARGUMENTS, read, run)


def _with_one_listed(options: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the options with vm_name as the only one of vms."""
    named = options["vm_name"] is not None
    return {**options, "vms": [options["vm_name"]]} if named else options


def _of_the_one(problem: Problem) -> Problem:
    """Return a problem with vms, which was made of vm_name, by the option that was given."""
    vms, of_the_entry, option = problem.option.partition("vms[0].")
    if vms not in ("", "vms"):
        return problem
    option = option if of_the_entry else "vm_name"
    return option_problem(option, problem.problem, _ONE[option])


def _names_problems(options: Mapping[str, Any]) -> list[Problem]:
    named = any(isinstance(vm, Mapping) and "name" in vm for vm in options["vms"] or ())
    text = "name is for snapshots: leave it out"
    return [option_problem("vms", text, [{"vm_name": "db1"}])] if named else []


def _most_problems(options: Mapping[str, Any]) -> list[Problem]:
    if options["max_failed_clusters"] >= 0:
        return []
    return [option_problem("max_failed_clusters", "must be 0 or more", 0)]


def _row(state: str, fleet: Fleet, candidate: Candidate) -> Row:
    if candidate.vm is None:
        missing = Plan(None, "not_found", fleet.missing_vm(candidate.key))
        return Row(candidate.cluster, candidate.key, missing)
    planned = plan(state, candidate.vm)
    member = PowerMember(candidate.vm, planned.step)
    return Row(candidate.cluster, candidate.key, planned, member)


def _check_selection(
    invocation: Invocation, request: Request, session: PaletteSession, fleet: Fleet
) -> None:
    """Tell what of the selection met nothing; a task that selects nothing is an error."""
    warn_of_unreadable(fleet, invocation.warn)
    abort = invocation.options["on_error"] == "abort"
    hint = session.project_hint
    demand_selection(fleet, request.entries, abort, hint, "nothing was done")
    for miss in fleet.unmatched:
        invocation.warn(str(miss))


def _rows_not_reached(fleet: Fleet) -> list[Row]:
    """Return a row for each listed VM of a cluster that could not be observed."""
    rows = []
    for target in fleet.targets:
        error = fleet.failures.get(target.title)
        if error is None or target.uid in fleet.titles:
            continue
        for entry in target.entries or ():
            key = VmKey(target.uid or "", entry.namespace, entry.vm_name)
            text = f"cluster {target.title} could not be reached: {error.message}"
            rows.append(Row(target.title, key, Plan(None, "cluster_unreachable", text)))
    return rows


def _result(
    invocation: Invocation,
    fleet: Fleet,
    rows: list[Row],
    misses: Sequence[Unmatched],
    aborted: bool = False,
) -> Result:
    rows = sorted([*rows, *_rows_not_reached(fleet)], key=lambda row: (row.cluster, row.key))
    result = power_result(rows, Run(invocation.check_mode, aborted))
    result.update(clusters_result(fleet, counts_by_outcome(fleet, result["vms"])))
    result["unmatched"] = [miss.result for miss in misses]
    if invocation.diff_mode:
        result["diff"] = power_diff(rows, result["vms"])
    texts = (clusters_text(fleet), failure_text(result["vms"], aborted))
    text = "; ".join(filter(None, texts))
    if not aborted and _tolerated(invocation.options, fleet, result["vms"]):
        if text:
            invocation.warn(text)
        return result
    reason = "preflight_failed" if aborted else "vms_failed"
    raise ApiError(reason, text, **result)


def _tolerated(options: Mapping[str, Any], fleet: Fleet, vms: Sequence[Mapping[str, Any]]) -> bool:
    """Say whether no more failed than may. The VMs of a failed cluster count as that one."""
    elsewhere = [vm for vm in failed(vms) if vm["cluster"] not in fleet.failures]
    return not elsewhere and len(fleet.failures) <= options["max_failed_clusters"]

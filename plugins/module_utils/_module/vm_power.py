# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The core of vm_power: starts, stops, pauses, resumes or restarts virtual machines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from .._execution.run import ClusterRun, Pace, concurrency_problems
from .._execution.waiting import wait_problems, waiting_from
from .._power.plan import STATES, Plan, plan
from .._power.result import (
    Row,
    Run,
    failure_text,
    power_diff,
    power_result,
    told_of,
)
from .._power.work import PowerMember, PowerWork
from .._validation.problems import Problem, merged, option_problem
from .._vms.cluster_result import clusters_result, counts_by_outcome, demand_clusters
from .._vms.fleet import Candidate, Fleet, NotReached, observe, with_unmatched
from .._vms.selection import Entry, Filters, Unmatched, entries_from, filters_from
from .._vms.session import PaletteSession
from .base import Arguments, Invocation, Module, Result
from .options import (
    CLUSTER_OR_CLUSTERS,
    CONCURRENCY,
    CONNECTION,
    LISTED,
    MAX_FAILED_CLUSTERS,
    MAX_ROWS,
    ON_ERROR,
    ONE_PROJECT,
    PROGRESS,
    SELECTION,
    WAIT,
)
from .selected import (
    Ending,
    carry_out,
    check_selection,
    diff_within,
    ended,
    limit_problems,
    refuse_namesakes,
    scope_for,
    selection_problems,
)

ARGUMENTS = Arguments(
    spec={
        **CONNECTION,
        "state": {"type": "str", "choices": [*STATES.values()], "required": True},
        "vm_name": {"type": "str"},
        **LISTED,
        **SELECTION,
        **ON_ERROR,
        **MAX_FAILED_CLUSTERS,
        **MAX_ROWS,
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
        [*_name_problems(entries), *entry_problems, *filter_problems],
        # A namespace alone must not stop all that is in it: vm_name may have been forgotten.
        selection_problems(options, by_namespace=False),
        [*concurrency_problems(options), *wait_problems(options)],
        limit_problems(options),
    )
    if invocation.options["vm_name"] is not None:
        problems = [_of_the_one(problem) for problem in problems]
    if problems:
        return None, problems
    pace = Pace(waiting_from(options), options["concurrency"], None)
    return Request(None if options["vms"] is None else entries, filters, pace), []


def run(invocation: Invocation, request: Request) -> Result:
    """Bring the VMs to their state. The result or the ApiError has a row for each."""
    options, rows, misses = invocation.options, list[Row](), list[Unmatched]()
    session = PaletteSession(options)
    scope = scope_for(invocation, session, request.entries, request.filters)

    def plan_part(part: Fleet) -> list[PowerMember]:
        planned = [_row(options["state"], part, candidate) for candidate in part.candidates]
        rows.extend(planned)
        return [row.member for row in planned if row.member]

    def check(fleet: Fleet) -> None:
        demand_clusters(fleet, options["on_error"])
        fleet = with_unmatched(fleet, request.entries, request.filters, scope.left_out)
        misses.extend(check_selection(invocation, session, fleet, request, "nothing was done"))

    observing = partial(observe, filters=request.filters)
    clusters = ClusterRun(scope.targets, Fleet, observing, plan_part, PowerWork)
    refuse_namesakes(clusters, request.filters)
    title = f"VMs to be {options['state']}"
    aborted = carry_out(invocation, clusters, request.pace, title, check, rows)
    return _result(invocation, clusters.fleet, rows, misses, aborted)


MODULE = Module(ARGUMENTS, read, run)


def _name_problems(entries: Sequence[Entry]) -> list[Problem]:
    named = any(entry.name is not None for entry in entries)
    text = "name would be a snapshot's, which means nothing here: leave it out"
    return [option_problem("vms", text, [{"vm_name": "db1"}])] if named else []


def _with_one_listed(options: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the options with vm_name as the only one of vms."""
    named = options["vm_name"] is not None
    return {**options, "vms": [{"vm_name": options["vm_name"]}]} if named else options


def _of_the_one(problem: Problem) -> Problem:
    """Return a problem with vms, which was made of vm_name, by the option that was given."""
    vms, of_the_entry, option = problem.option.partition("vms[0].")
    if vms not in ("", "vms"):
        return problem
    option = option if of_the_entry else "vm_name"
    return option_problem(option, problem.problem, _ONE[option])


def _row(state: str, fleet: Fleet, candidate: Candidate) -> Row:
    if candidate.vm is None:
        missing = Plan(None, "not_found", fleet.missing_vm(candidate.key))
        return Row(candidate.cluster, candidate.key, missing)
    planned = plan(state, candidate.vm)
    member = PowerMember(candidate.vm, planned.step)
    return Row(candidate.cluster, candidate.key, planned, member)


def _row_not_reached(vm: NotReached) -> Row:
    return Row(vm.cluster, vm.key, Plan(None, vm.reason, vm.text))


def _result(
    invocation: Invocation,
    fleet: Fleet,
    rows: list[Row],
    misses: Sequence[Unmatched],
    aborted: bool,
) -> Result:
    rows += [_row_not_reached(vm) for vm in fleet.not_reached()]
    rows.sort(key=lambda row: (row.cluster, row.key))
    result = power_result(rows, Run(invocation.check_mode, aborted))
    outcomes = ((vm["cluster"], vm["outcome"]) for vm in result["vms"])
    result.update(clusters_result(fleet, counts_by_outcome(fleet, outcomes)))
    result["unmatched"] = [miss.result for miss in misses]
    if invocation.diff_mode:
        result["diff"] = diff_within(invocation, power_diff(rows, result["vms"]))
    ending = Ending(
        fleet,
        aborted,
        failure_text(result["vms"], aborted),
        key="vms",
        told=told_of,
    )
    return ended(invocation, result, ending)

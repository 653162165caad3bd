# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The core of vm_restore_set: restores many virtual machines from a set of snapshots."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from .._execution.run import Pace, pace_from, pace_problems
from .._execution.waiting import wait_problems, waiting_from
from .._restores.fleet import RestoreFleet
from .._restores.member import RestoreMember
from .._restores.plan import Sight, refuse
from .._restores.result import set_diff, set_result, told_of
from .._restores.run import RestoreRun, Row, Task, wanted_from
from .._restores.session import RestoreSession
from .._snapshots.clock import check_clock, clock_problem
from .._snapshots.naming import set_name_problems
from .._snapshots.set_result import members_text
from .._validation.kubevirt import snapshot_name_problem
from .._validation.problems import Problem, merged, option_problem
from .._vms.cluster_result import clusters_result, counts_by_outcome, demand_clusters
from .._vms.fleet import NotReached, with_unmatched
from .._vms.selection import Entry, Filters, Unmatched, entries_from, filters_from
from .base import Arguments, Invocation, Module, Result
from .options import (
    CLUSTER_OR_CLUSTERS,
    CONNECTION,
    EXECUTION,
    LISTED,
    MAX_FAILED,
    MAX_FAILED_CLUSTERS,
    MAX_ROWS,
    MEMBERS,
    ON_ERROR,
    ONE_PROJECT,
    RESTORE,
    SELECTION,
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
        "set": {"type": "str", "required": True},
        "restore_name": {"type": "str"},
        **LISTED,
        **SELECTION,
        **RESTORE,
        **ON_ERROR,
        **MAX_FAILED,
        **MAX_FAILED_CLUSTERS,
        **MEMBERS,
        **MAX_ROWS,
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
        [*set_name_problems(options["set"]), *_name_problems(options["restore_name"])],
        [*entry_problems, *filter_problems],
        # A namespace alone must not restore all that is in it: vms may have been forgotten.
        [*selection_problems(options, by_namespace=False), *wait_problems(options)],
        [*pace_problems(options), *_kubeconfig_problems(options), *limit_problems(options)],
    )
    if problems:
        return None, problems
    listed = None if options["vms"] is None else entries
    return Request(listed, filters, pace_from(options, waiting_from(options))), []


def run(invocation: Invocation, request: Request) -> Result:
    """Restore the VMs. The result or the ApiError has a row for each."""
    options, misses = invocation.options, list[Unmatched]()
    session = RestoreSession(options)
    scope = scope_for(invocation, session, request.entries, request.filters)
    wanted, now, warn = wanted_from(options), invocation.now, invocation.warn
    task = Task(wanted, request.filters, now, warn, of_a_set=True)
    restores = RestoreRun(task, session, scope.targets)

    def check(fleet: RestoreFleet) -> None:
        demand_clusters(fleet, options["on_error"])
        clock = clock_problem(now, session.clock_skew, fleet.snapshots)
        check_clock(clock, needed=False, warn=warn)
        fleet = with_unmatched(fleet, request.entries, request.filters, scope.left_out)
        misses.extend(check_selection(invocation, session, fleet, request, "nothing was restored"))

    clusters, title = restores.clusters, options["set"]
    refuse_namesakes(clusters, request.filters)
    aborted = carry_out(invocation, clusters, request.pace, title, check, restores.rows)
    restores.warn_of_new_claims()
    return _result(invocation, clusters.fleet, restores, misses, aborted)


MODULE = Module(ARGUMENTS, read, run)


def _name_problems(restore_name: str | None) -> list[Problem]:
    """Return the problem with the end of the restores' names."""
    text = snapshot_name_problem(f"db1-{restore_name}") if restore_name is not None else None
    return [option_problem("restore_name", text, "ticket-4711")] if text else []


def _kubeconfig_problems(options: Mapping[str, Any]) -> list[Problem]:
    """Return the problem with one kubeconfig for several clusters."""
    one = options["cluster"] or options["cluster_uid"] or len(options["clusters"] or ()) == 1
    if one or not options["kubeconfig"]:
        return []
    text = "leads to one cluster: set cluster too, or let Palette give each cluster's"
    return [option_problem("kubeconfig", text, "/etc/palette/cluster-1.kubeconfig")]


def _row_not_reached(vm: NotReached) -> Row:
    action = refuse(vm.reason, vm.text)
    return Row(vm.cluster, vm.label, Sight(vm.key, None), action, RestoreMember(vm.key, []))


def _result(
    invocation: Invocation,
    fleet: RestoreFleet,
    restores: RestoreRun,
    misses: Sequence[Unmatched],
    aborted: bool,
) -> Result:
    options = invocation.options
    rows = [*restores.rows, *(_row_not_reached(vm) for vm in fleet.not_reached())]
    rows.sort(key=lambda row: row.label)
    result = set_result(rows, invocation.now, invocation.check_mode, aborted)
    outcomes = [(row.cluster, result["members"][row.label]["outcome"]) for row in rows]
    result.update(clusters_result(fleet, counts_by_outcome(fleet, outcomes)))
    result["unmatched"] = [miss.result for miss in misses]
    if invocation.diff_mode:
        diff = set_diff(rows, invocation.now, restores.specs())
        result["diff"] = diff_within(invocation, diff)
    ending = Ending(
        fleet,
        aborted,
        members_text(result["members"], aborted, options["max_failed"]),
        key="members",
        told=partial(told_of, options["set"]),
    )
    return ended(invocation, result, ending)

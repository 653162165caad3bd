# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The core of vm_snapshot_set: a named set of snapshots, one for each selected virtual machine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any, NamedTuple

from .._execution.run import ClusterRun, Pace, pace_from, pace_problems
from .._execution.waiting import Waiting, wait_problems, waiting_from
from .._http.errors import invalid_parameters
from .._palette.vms import ClusterVms
from .._snapshots.clock import check_clock, clock_problem
from .._snapshots.desired import Declaration, Desired, read_declaration
from .._snapshots.fleet import SnapshotFleet, observe
from .._snapshots.member import SnapshotMember, patience_with
from .._snapshots.model import Snapshot
from .._snapshots.naming import (
    member_name,
    name_problems,
    naming_problems,
    set_name_problems,
    shared_time,
    template_problems,
    timestamped,
    unusable_names,
)
from .._snapshots.offline import OfflineWork, left_off
from .._snapshots.ownership import is_member, of_former_vm
from .._snapshots.plan import KEEP, UPDATE, Action, plan_present, refuse, refuse_unreadable
from .._snapshots.plan_set import freshest, left_alone, plan_absent_members, plan_fresh
from .._snapshots.set_result import (
    Row,
    Run,
    members_text,
    set_diff,
    set_result,
    told_of,
)
from .._snapshots.steps import SnapshotWork
from .._snapshots.wait import consistency_problems, offline_problems
from .._validation.durations import age_problems, parse_age
from .._validation.problems import Problem, merged
from .._vms.cluster_result import (
    clusters_result,
    counts_by_outcome,
    demand_clusters,
    warn_of_unreadable,
)
from .._vms.fleet import Candidate, NotReached, Target, with_unmatched
from .._vms.model import VirtualMachine
from .._vms.selection import Entry, Filters, Unmatched, entries_from, filters_from
from .._vms.session import PaletteSession
from .base import Arguments, Invocation, Module, Result
from .options import (
    BODY,
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
    REPLACE,
    SELECTION,
    STATE,
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
    warn_of_namesakes,
)

ARGUMENTS = Arguments(
    spec={
        **CONNECTION,
        "set": {"type": "str", "required": True},
        **STATE,
        **LISTED,
        **SELECTION,
        "name_template": {"type": "str", "default": "{vm}-{set}"},
        **BODY,
        **REPLACE,
        "unless_newer_than": {"type": "str"},
        "group_by": {"type": "str"},
        **ON_ERROR,
        **MAX_FAILED,
        **MAX_FAILED_CLUSTERS,
        **MEMBERS,
        **MAX_ROWS,
        **WAIT,
        **EXECUTION,
    },
    mutually_exclusive=(ONE_PROJECT, CLUSTER_OR_CLUSTERS),
)


class Request(NamedTuple):
    """What the options describe. entries: all listed VMs, or None if the filters select."""

    entries: Sequence[Entry] | None
    filters: Filters
    declaration: Declaration
    name_template: str
    unless_newer_than: timedelta | None
    pace: Pace


def read(invocation: Invocation) -> tuple[Request | None, list[Problem]]:
    """Return the request that the options describe, and all problems with them."""
    options = invocation.options
    filters, filter_problems = filters_from(options)
    entries, entry_problems = entries_from(options)
    # The members' bodies differ only in their names, which are checked separately.
    stand_in = {**options, "name": "x", "vm_name": "x", "namespace": "x"}
    declaration, body_problems = read_declaration(stand_in, invocation.now, options["set"])
    problems = merged(
        set_name_problems(options["set"]),
        _naming_problems(options, filters.left(entries)),
        [
            *entry_problems,
            *filter_problems,
            *selection_problems(options, options["state"] == "present"),
        ],
        limit_problems(options),
        [*_definition_problems(options), *age_problems(options, "unless_newer_than")],
        [*wait_problems(options), *consistency_problems(options)],
        offline_problems(options),
        pace_problems(options),
        body_problems,
    )
    if problems or declaration is None:
        return None, problems
    newer_than, template = options["unless_newer_than"], options["name_template"]
    age = parse_age(newer_than) if newer_than else None
    selected = None if options["vms"] is None else entries
    pace = pace_from(options, waiting_from(options))
    return Request(selected, filters, declaration, template, age, pace), []


def run(invocation: Invocation, request: Request) -> Result:
    """Complete or delete the set. The result or the ApiError has a row for each member."""
    options, rows, misses = invocation.options, list[Row](), list[Unmatched]()
    session = PaletteSession(options)
    scope = scope_for(invocation, session, request.entries, request.filters)

    def plan(part: SnapshotFleet) -> list[SnapshotMember]:
        planned = _plan(invocation, request, part, session.clock_skew)
        rows.extend(planned)
        return [row.member for row in planned]

    observing = partial(_observe, request, options["state"] == "present")
    clusters = ClusterRun(scope.targets, SnapshotFleet, observing, plan, _work(invocation))

    def check(fleet: SnapshotFleet) -> None:
        demand_clusters(fleet, options["on_error"])
        fleet = with_unmatched(fleet, request.entries, request.filters, scope.left_out)
        misses.extend(_check_selection(invocation, request, session, fleet))

    if options["state"] == "absent":
        refuse_namesakes(clusters, request.filters)
    aborted = carry_out(invocation, clusters, request.pace, options["set"], check, rows)
    return _result(invocation, clusters.fleet, rows, misses, aborted)


MODULE = Module(ARGUMENTS, read, run)


def _work(invocation: Invocation) -> Callable[[ClusterVms, Waiting], SnapshotWork]:
    if not invocation.options["offline"]:
        return SnapshotWork
    return partial(OfflineWork, say=invocation.progress)


def _naming_problems(options: Mapping[str, Any], entries: Sequence[Entry]) -> list[Problem]:
    template = options["name_template"]
    problems = template_problems(template)
    by_template = options["vms"] is None or not all(entry.name for entry in entries)
    if problems or options["state"] == "absent" or not by_template:
        return problems
    return naming_problems(
        timestamped(template) if options["unless_newer_than"] else template, options["set"]
    )


def _definition_problems(options: Mapping[str, Any]) -> list[Problem]:
    definition = options["definition"] or {}
    named = {"metadata": ("name", "namespace"), "spec": ("source",)}
    example = 'name_template: "{vm}-{set}"'
    return [
        Problem(
            f"definition.{part}.{field}", "differs from member to member: leave it out", example
        )
        for part, fields in named.items()
        for field in fields
        if isinstance(definition.get(part), Mapping) and field in definition[part]
    ]


def _observe(request: Request, present: bool, target: Target) -> SnapshotFleet:
    # Snapshots outlive their VM. To delete them, a VM is needed only for its labels.
    return observe(target, request.filters, present or request.filters.selector is not None)


def _check_selection(
    invocation: Invocation, request: Request, session: PaletteSession, fleet: SnapshotFleet
) -> list[Unmatched]:
    """Warn of what met nothing, and return it; that nothing gets a snapshot is an error."""
    if invocation.options["state"] == "present":
        warn_of_namesakes(fleet, request.filters, invocation.warn)
        fleet.warn_of_new_set(invocation.options["set"], invocation.warn)
        # A backup of nothing must not look like a success.
        return check_selection(invocation, session, fleet, request, "no snapshot was taken")
    warn_of_unreadable(fleet, invocation.warn)
    misses = [*fleet.unmatched, *fleet.unmatched_set(invocation.options["set"])]
    for miss in misses:
        invocation.warn(str(miss))
    return misses


def _plan(
    invocation: Invocation, request: Request, part: SnapshotFleet, skew: timedelta | None
) -> list[Row]:
    """Plan for what was observed, in one cluster or more."""
    clock = clock_problem(invocation.now, skew, part.snapshots)
    check_clock(clock, request.unless_newer_than is not None, invocation.warn)
    plan = _plan_present if invocation.options["state"] == "present" else _plan_absent
    rows = plan(invocation, request, part)
    for row in rows:
        for note in (note for action in row.actions for note in action.notes):
            invocation.warn(f"{row.label}: {note}")
    return rows


def _plan_absent(invocation: Invocation, request: Request, fleet: SnapshotFleet) -> list[Row]:
    set_name = invocation.options["set"]
    rows = []
    for candidate, name in _names(invocation, request, fleet):
        actions = plan_absent_members(fleet.of_vm(candidate.key), set_name)
        stray = fleet.named(candidate.key, name)
        if stray and stray.unreadable:
            actions.append(refuse_unreadable(stray))
        elif stray and not is_member(stray, set_name):
            invocation.warn(f"{candidate.label}: {left_alone(stray)}")
        rows.append(_row(invocation, request, candidate, actions))
    return rows


def _plan_present(invocation: Invocation, request: Request, fleet: SnapshotFleet) -> list[Row]:
    names = _names(invocation, request, fleet)
    unusable = unusable_names({candidate.key: name for candidate, name in names})
    if unusable and invocation.options["on_error"] == "abort":
        raise invalid_parameters(name_problems(unusable.values()))
    rows = []
    for candidate, name in names:
        desired = request.declaration.of(candidate.key, name)
        if candidate.key in unusable:
            action = refuse("invalid_name", unusable[candidate.key], None, desired)
        else:
            action = _plan_member(invocation, request, fleet, candidate, desired)
        rows.append(_row(invocation, request, candidate, [action]))
    return rows


def _names(
    invocation: Invocation, request: Request, fleet: SnapshotFleet
) -> list[tuple[Candidate, str]]:
    """Return the members, each with the name of its snapshot."""
    names, age = [], request.unless_newer_than
    now = invocation.now if age is None else shared_time(invocation.now, age)
    for candidate in fleet.candidates:
        template = candidate.own_name or request.name_template
        if age is not None:
            template = timestamped(template)
        name = member_name(template, invocation.options["set"], candidate.key, now)
        names.append((candidate, name))
    return names


def _fresh(
    invocation: Invocation,
    request: Request,
    vm: VirtualMachine | None,
    snapshots: Iterable[Snapshot],
) -> Snapshot | None:
    """Return the one of a VM's snapshots with which it needs no new one, if there is any."""
    if request.unless_newer_than is None or vm is None:
        return None
    of_this_vm = [snapshot for snapshot in snapshots if not of_former_vm(snapshot, vm)]
    age, set_name = request.unless_newer_than, invocation.options["set"]
    # Whatever its name is going to be.
    desired = request.declaration.of(vm.key, "").of_vm(vm)
    return freshest(desired, of_this_vm, set_name, age)


def _plan_member(
    invocation: Invocation,
    request: Request,
    fleet: SnapshotFleet,
    candidate: Candidate,
    desired: Desired,
) -> Action:
    options, snapshots = invocation.options, fleet.of_vm(candidate.key)
    fresh = _fresh(invocation, request, candidate.vm, snapshots)
    if fresh:
        return plan_fresh(fresh, desired, candidate.vm, snapshots)
    current = fleet.named(candidate.key, desired.name)
    # What failed of this very set is ours and of no use.
    replace = options["replace"] or (
        current is not None and current.failed and is_member(current, options["set"])
    )
    action = plan_present(desired, current, candidate.vm, snapshots, replace)
    if action.reason == "not_found":
        return action._replace(message=fleet.missing_vm(candidate.key))
    if action.verb in (KEEP, UPDATE) and current and not is_member(current, options["set"]):
        return action._replace(notes=(*action.notes, left_alone(current)))
    return action


def _row(
    invocation: Invocation, request: Request, candidate: Candidate, actions: Sequence[Action]
) -> Row:
    # An action that changes something is shown in preference to one that does not.
    shown = next((action for action in actions if action.changes), next(iter(actions), None))
    enabled = request.pace.waiting.enabled
    steps = [step for action in actions for step in action.steps_for(enabled)]
    seen, vm, label = shown.current if shown else None, candidate.vm, invocation.options["group_by"]
    patience = patience_with(shown.desired if shown else None, vm)
    group = vm.labels.get(label) if vm and label else None
    member = SnapshotMember(candidate.key, steps, seen, patience, group)
    if request.unless_newer_than is not None:
        member.fresh_among = partial(_fresh, invocation, request, vm)
    return Row(candidate.cluster, candidate.label, actions, shown, member)


def _row_not_reached(vm: NotReached) -> Row:
    action = refuse(vm.reason, vm.text)
    return Row(vm.cluster, vm.label, [action], action, SnapshotMember(vm.key, []))


def _result(
    invocation: Invocation,
    fleet: SnapshotFleet,
    rows: list[Row],
    misses: Sequence[Unmatched],
    aborted: bool,
) -> Result:
    options = invocation.options
    rows += [_row_not_reached(vm) for vm in fleet.not_reached()]
    rows.sort(key=lambda row: row.label)
    run = Run(
        invocation.now, invocation.check_mode, aborted, options["group_by"], options["offline"]
    )
    result = {"set": options["set"], **set_result(rows, run)}
    outcomes = [(row.cluster, result["members"][row.label]["outcome"]) for row in rows]
    result.update(clusters_result(fleet, counts_by_outcome(fleet, outcomes)))
    result["unmatched"] = [miss.result for miss in misses]
    if invocation.diff_mode:
        result["diff"] = diff_within(invocation, set_diff(rows))
    for text in filter(None, (left_off(row.member) for row in rows)):
        invocation.warn(text)
    ending = Ending(
        fleet,
        aborted,
        members_text(result["members"], aborted, options["max_failed"]),
        key="members",
        told=partial(told_of, options["set"]),
    )
    return ended(invocation, result, ending)

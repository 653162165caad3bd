# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The core of vm_snapshot_set: a named set of snapshots, one for each selected virtual machine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from .._palette.errors import PaletteError, invalid_parameters
from .._snapshots.desired import Declaration, read_declaration
from .._snapshots.execute import Execution, Member
from .._snapshots.fleet import Candidate, Fleet, observe_entries, observe_matching
from .._snapshots.naming import (
    member_name,
    name_problems,
    naming_problems,
    set_name_problems,
    template_problems,
    timestamped,
)
from .._snapshots.ownership import of_former_vm
from .._snapshots.plan import KEEP, UPDATE, Action, plan_present
from .._snapshots.plan_set import freshest, kept_notes, plan_absent_members, plan_fresh
from .._snapshots.progress import Progress
from .._snapshots.set_result import Row, Run, failure_text, set_diff, set_result
from .._snapshots.wait import Waiting, wait_problems, waiting_from
from .._validation.durations import age_problems, parse_age
from .._validation.problems import Problem, merged, option_problem
from .._vms.selection import Entry, Filters, entries_from, filters_from, fleet_problems
from .._vms.session import PaletteSession
from .base import Arguments, Invocation, Module, Result
from .options import (
    BODY,
    CLUSTER_OR_CLUSTERS,
    CONNECTION,
    FLEET,
    ONE_PROJECT,
    REPLACE,
    STATE,
    WAIT,
)

ARGUMENTS = Arguments(
    spec={
        **CONNECTION,
        "name": {"type": "str", "required": True},
        **STATE,
        "vms": {"type": "list", "elements": "raw"},
        "namespace": {"type": "str"},
        "all": {"type": "bool", "default": False},
        **FLEET,
        "name_template": {"type": "str", "default": "{vm}-{set}"},
        **BODY,
        **REPLACE,
        "max_age": {"type": "str"},
        "on_error": {"type": "str", "choices": ["abort", "continue"], "default": "abort"},
        "max_failed": {"type": "int", "default": 0},
        **WAIT,
    },
    mutually_exclusive=(ONE_PROJECT, CLUSTER_OR_CLUSTERS),
)
_FILTERS = ("selector", "namespaces", "vm_names", "clusters", "all")


class Request(NamedTuple):
    """What the options describe. entries: the listed VMs, None if filters select the VMs."""

    entries: Sequence[Entry] | None
    filters: Filters
    declaration: Declaration
    name_template: str
    max_age: timedelta | None
    waiting: Waiting


def read(invocation: Invocation) -> tuple[Request | None, list[Problem]]:
    """Return the request that the options describe, and all problems with them."""
    options = invocation.options
    filters, filter_problems = filters_from(options)
    listed, entry_problems = entries_from(options)
    entries = [entry for entry in listed if not filters.excludes(entry)]
    # The members' bodies differ only in their names, which are checked separately.
    stand_in = {**options, "name": "x", "vm_name": "x", "namespace": "x"}
    declaration, body_problems = read_declaration(stand_in, invocation.now, options["name"])
    problems = merged(
        set_name_problems(options["name"]),
        _naming_problems(options, entries),
        [*entry_problems, *filter_problems, *_selection_problems(options)],
        [*fleet_problems(options), *_max_failed_problems(options)],
        [*_definition_problems(options), *age_problems(options, "max_age")],
        wait_problems(options),
        body_problems,
    )
    if problems or declaration is None:
        return None, problems
    max_age = parse_age(options["max_age"]) if options["max_age"] else None
    request = Request(
        entries=None if options["vms"] is None else entries,
        filters=filters,
        declaration=declaration,
        name_template=options["name_template"],
        max_age=max_age,
        waiting=waiting_from(options),
    )
    return request, []


def run(invocation: Invocation, request: Request) -> Result:
    """Complete or delete the set. The result or the PaletteError has a row for each member."""
    options = invocation.options
    present = options["state"] == "present"
    fleet = _observe(PaletteSession(options), request, present)
    rows = (
        _plan_present(invocation, request, fleet)
        if present
        else _plan_absent(invocation, request, fleet)
    )
    if present and not rows:
        invocation.warn("vms: nothing is left after exclude; no snapshot was taken")
    for row in rows:
        for note in (note for action in row.actions for note in action.notes):
            invocation.warn(f"{row.label}: {note}")
    aborted = options["on_error"] == "abort" and any(row.blocked for row in rows)
    if not (aborted or invocation.check_mode):
        progress = Progress(options["name"], invocation.progress if options["progress"] else None)
        execution = Execution(fleet.apis, request.waiting, options["concurrency"], progress.report)
        execution.run([row.member for row in rows])
    return _result(invocation, rows, aborted)


MODULE = Module(ARGUMENTS, read, run)


def _naming_problems(options: Mapping[str, Any], entries: Sequence[Entry]) -> list[Problem]:
    template = options["name_template"]
    problems = template_problems(template)
    by_template = options["vms"] is None or not all(entry.name for entry in entries)
    if problems or options["state"] == "absent" or not by_template:
        return problems
    return naming_problems(
        timestamped(template) if options["max_age"] else template, options["name"]
    )


def _selection_problems(options: Mapping[str, Any]) -> list[Problem]:
    filters = [name for name in _FILTERS if options[name]]
    if options["vms"] is not None and filters:
        text = f"cannot be combined with {', '.join(filters)}"
        return [option_problem("vms", text, ["db1", "db2"])]
    selected = filters or options["namespace"]
    if options["state"] == "present" and options["vms"] is None and not selected:
        text = (
            "select VMs with vms, selector, namespaces, vm_names or clusters; for every VM set "
            "all: true"
        )
        return [option_problem("vms", text, ["db1", "db2"])]
    return []


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


def _max_failed_problems(options: Mapping[str, Any]) -> list[Problem]:
    if options["max_failed"] >= 0:
        return []
    return [option_problem("max_failed", "must be 0 or more", 0)]


def _observe(session: PaletteSession, request: Request, present: bool) -> Fleet:
    if request.entries is not None:
        fleet = observe_entries(session, request.entries, with_vms=present)
        _refuse_duplicates(fleet)
        return fleet
    filters = request.filters
    # Snapshots outlive their VM. To delete them, a VM is needed only for its labels.
    fleet = observe_matching(session, filters, with_vms=present or filters.selector is not None)
    if present and not fleet.candidates:
        # An empty selection must not pass as a success.
        raise PaletteError("nothing_selected", _nothing_selected(fleet))
    return fleet


def _refuse_duplicates(fleet: Fleet) -> None:
    counts = Counter(candidate.key for candidate in fleet.candidates)
    twice = [key for key, count in counts.items() if count > 1]
    if twice:
        text = f"VM {twice[0].namespace}/{twice[0].vm_name} is listed more than once"
        raise invalid_parameters([option_problem("vms", text, ["db1", "db2"])])


def _nothing_selected(fleet: Fleet) -> str:
    clusters = ", ".join(api.cluster.name for api in fleet.apis.values()) or "none that runs VMs"
    return (
        "no VM matches selector, namespaces, vm_names and exclude together; "
        f"clusters searched: {clusters}"
    )


def _plan_absent(invocation: Invocation, request: Request, fleet: Fleet) -> list[Row]:
    set_name = invocation.options["name"]
    return [
        _row(candidate, plan_absent_members(fleet.of_vm(candidate.key), set_name), request.waiting)
        for candidate in fleet.candidates
    ]


def _plan_present(invocation: Invocation, request: Request, fleet: Fleet) -> list[Row]:
    names = [_name(invocation, request, candidate) for candidate in fleet.candidates]
    clashes = name_problems([(c.key, name) for c, name in zip(fleet.candidates, names)])
    if clashes:
        raise invalid_parameters(clashes)
    return [
        _row(
            candidate, [_plan_member(invocation, request, fleet, candidate, name)], request.waiting
        )
        for candidate, name in zip(fleet.candidates, names)
    ]


def _name(invocation: Invocation, request: Request, candidate: Candidate) -> str:
    template = candidate.own_name or request.name_template
    if request.max_age is not None:
        template = timestamped(template)
    return member_name(template, invocation.options["name"], candidate.key, invocation.now)


def _plan_member(
    invocation: Invocation, request: Request, fleet: Fleet, candidate: Candidate, name: str
) -> Action:
    options = invocation.options
    desired = request.declaration.of(candidate.key, name)
    snapshots = fleet.of_vm(candidate.key)
    if request.max_age is not None:
        of_this_vm = [s for s in snapshots if not of_former_vm(s, candidate.vm)]
        fresh = freshest(of_this_vm, options["name"], request.max_age, invocation.now)
        if fresh:
            return _with_notes(plan_fresh(fresh, desired), options["name"], candidate)
    current = fleet.named(candidate.key, name)
    action = plan_present(desired, current, candidate.vm, snapshots, options["replace"])
    return _with_notes(action, options["name"], candidate)


def _with_notes(action: Action, set_name: str, candidate: Candidate) -> Action:
    if action.verb not in (KEEP, UPDATE) or not action.current:
        return action
    return action._replace(notes=tuple(kept_notes(action.current, set_name, candidate.vm)))


def _row(candidate: Candidate, actions: Sequence[Action], waiting: Waiting) -> Row:
    # An action that changes something is shown in preference to one that does not.
    shown = next((action for action in actions if action.changes), next(iter(actions), None))
    steps = [step for action in actions for step in action.steps_for(waiting.enabled)]
    member = Member(candidate.key, steps, seen=shown.current if shown else None)
    return Row(candidate.label, actions, shown, member)


def _result(invocation: Invocation, rows: Sequence[Row], aborted: bool) -> Result:
    result = set_result(rows, Run(invocation.now, invocation.check_mode, aborted))
    if invocation.diff_mode:
        result["diff"] = set_diff(rows)
    failure = failure_text(result["members"], aborted)
    if aborted or result["summary"]["failed"] > invocation.options["max_failed"]:
        reason = "preflight_failed" if aborted else "members_failed"
        raise PaletteError(reason, failure, **result)
    if failure:
        invocation.warn(failure)
    return result

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The core of vm_snapshot_set: a named set of snapshots, one for each selected virtual machine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import Any, NamedTuple

from .._palette.errors import PaletteError, invalid_parameters
from .._snapshots.desired import age_problems, mark_problems, parameter_problems, wanted
from .._snapshots.execute import Execution, Member, steps_for
from .._snapshots.fleet import Candidate, Fleet, observe_entries, observe_matching
from .._snapshots.model import MANAGED_BY, PART_OF
from .._snapshots.plan import KEEP, REFUSE, UPDATE, Action, plan_present
from .._snapshots.plan_set import (
    freshest,
    kept_notes,
    member_name,
    name_problems,
    naming_problems,
    of_former_vm,
    plan_absent_members,
    plan_fresh,
    set_name_problems,
    template_problems,
    timestamped,
)
from .._snapshots.predict import before_and_after, predicted
from .._snapshots.progress import Progress
from .._snapshots.results import described, status_facts
from .._snapshots.wait import Waiting, wait_problems, waiting_from
from .._validation.durations import parse_age
from .._validation.problems import Problem, merged, option_problem
from .._vms.selection import (
    Entry,
    concurrency_problems,
    emptiness_problems,
    entries_from,
    filters_from,
    pattern_problems,
)
from .._vms.session import Place
from .task import Result, Task

_FAILURES = ("failed", "blocked")
_OUTCOMES = (
    "created",
    "replaced",
    "updated",
    "unchanged",
    "fresh",
    "deleted",
    "absent",
    "not_tried",
    *_FAILURES,
)
_FAILURES_SHOWN = 10
_EXAMPLE = 'name_template: "{vm}-{set}"'
_FILTERS = ("selector", "namespaces", "vm_names", "clusters", "all")


class Row(NamedTuple):
    """One VM of the set: what is planned for it, and how far that has come.

    told: the action that the result tells of.
    """

    label: str
    actions: Sequence[Action]
    told: Action | None
    member: Member

    @property
    def refusal(self) -> Action | None:
        """What stands in the way of the plan, if anything."""
        return next((action for action in self.actions if action.verb == REFUSE), None)

    @property
    def blocked(self) -> bool:
        """Whether that is a reason to leave the others without a snapshot, too."""
        # One that was not at rest has been taken, and is kept.
        return self.refusal is not None and self.refusal.reason != "not_quiesced"


def problems(options: Mapping[str, Any]) -> list[Problem]:
    """Return what is wrong with the options."""
    set_name = options["name"]
    entries, entry_problems = entries_from(options)
    filters, filter_problems = filters_from(options)
    # Every member has the same body but for its names, which are checked by themselves.
    stand_in = {**options, "name": "x", "vm_name": "x", "namespace": "x"}
    return merged(
        set_name_problems(set_name),
        _naming_problems(options, [entry for entry in entries if not filters.excludes(entry)]),
        [*entry_problems, *filter_problems, *_selection_problems(options)],
        [*emptiness_problems(options), *pattern_problems(options)],
        [*_definition_problems(options), *age_problems(options, "max_age")],
        [*wait_problems(options), *_number_problems(options)],
        mark_problems(options, (MANAGED_BY, PART_OF)),
        parameter_problems(stand_in),
    )


def run(task: Task) -> Result:
    """Make the set be complete or be gone; a result or PaletteError has a row for each member."""
    now = datetime.now(timezone.utc)
    fleet = _observe(task.options)
    rows = _plan(task, fleet, now)
    if task.options["state"] == "present" and not rows:
        task.warn("vms: none is left to take a snapshot of")
    for row in rows:
        for note in (note for action in row.actions for note in action.notes):
            task.warn(f"{row.label}: {note}")
    aborted = task.options["on_error"] == "abort" and any(row.blocked for row in rows)
    if not (aborted or task.check_mode):
        _execute(task, fleet, [row.member for row in rows])
    return _result(task, rows, aborted, now)


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
            "must be given, or selector, namespaces, vm_names, clusters or, to mean it, all: true"
        )
        return [option_problem("vms", text, ["db1", "db2"])]
    return []


def _definition_problems(options: Mapping[str, Any]) -> list[Problem]:
    definition = options["definition"] or {}
    named = {"metadata": ("name", "namespace"), "spec": ("source",)}
    return [
        Problem(f"definition.{part}.{field}", "is each member's own: leave it out", _EXAMPLE)
        for part, fields in named.items()
        for field in fields
        if isinstance(definition.get(part), Mapping) and field in definition[part]
    ]


def _number_problems(options: Mapping[str, Any]) -> list[Problem]:
    problems = concurrency_problems(options)
    if options["max_failed"] < 0:
        problems.append(option_problem("max_failed", "must be 0 or more", 0))
    return problems


def _observe(options: Mapping[str, Any]) -> Fleet:
    place = Place(options)
    present = options["state"] == "present"
    filters = filters_from(options)[0]
    if options["vms"] is None:
        # Snapshots outlive their VM: to delete them, only labels have to be asked of a VM.
        fleet = observe_matching(place, filters, with_vms=present or filters.selector is not None)
        if present and not fleet.candidates:
            # A backup of nothing must not look like a success.
            raise PaletteError("nothing_selected", _nothing_selected(fleet))
        return fleet
    entries = [entry for entry in entries_from(options)[0] if not filters.excludes(entry)]
    fleet = observe_entries(place, entries, with_vms=present)
    twice = [key for key, count in Counter(c.key for c in fleet.candidates).items() if count > 1]
    if twice:
        text = f"VM {twice[0].namespace}/{twice[0].vm_name} is listed more than once"
        raise invalid_parameters([option_problem("vms", text, ["db1", "db2"])])
    return fleet


def _nothing_selected(fleet: Fleet) -> str:
    clusters = ", ".join(api.cluster.name for api in fleet.apis.values()) or "none that runs VMs"
    return (
        "no VM matches selector, namespaces, vm_names and exclude together; "
        f"clusters looked into: {clusters}"
    )


def _plan(task: Task, fleet: Fleet, now: datetime) -> list[Row]:
    options, waiting = task.options, waiting_from(task.options)
    if options["state"] == "absent":
        plans = [
            plan_absent_members(fleet.of_vm(candidate.key), options["name"])
            for candidate in fleet.candidates
        ]
    else:
        plans = [[action] for action in _plan_present(options, fleet, now)]
    return [_row(*planned, waiting) for planned in zip(fleet.candidates, plans)]


def _row(candidate: Candidate, actions: Sequence[Action], waiting: Waiting) -> Row:
    # What changes anything is told rather than what does not.
    told = next((action for action in actions if action.changes), next(iter(actions), None))
    steps = [step for action in actions for step in steps_for(action, waiting)]
    member = Member(candidate.key, steps, seen=told.current if told else None)
    return Row(candidate.label, actions, told, member)


def _plan_present(options: Mapping[str, Any], fleet: Fleet, now: datetime) -> list[Action]:
    set_name = options["name"]
    max_age = parse_age(options["max_age"]) if options["max_age"] else None
    names = []
    for candidate in fleet.candidates:
        template = candidate.own_name or options["name_template"]
        if max_age is not None:
            template = timestamped(template)
        names.append(member_name(template, set_name, candidate.key, now))
    keys = [candidate.key for candidate in fleet.candidates]
    clashes = name_problems(list(zip(keys, names)))
    if clashes:
        raise invalid_parameters(clashes)

    def plan(candidate: Candidate, name: str) -> Action:
        snapshots = fleet.of_vm(candidate.key)
        of_this_vm = [s for s in snapshots if not of_former_vm(s, candidate.vm)]
        fresh = freshest(of_this_vm, set_name, max_age, now) if max_age is not None else None
        asked = wanted(candidate.key, name, options, now, part_of=set_name)
        if fresh:
            action = plan_fresh(fresh, asked)
        else:
            current = fleet.named(candidate.key, name)
            action = plan_present(asked, current, candidate.vm, snapshots, options["replace"])
        if action.verb not in (KEEP, UPDATE) or not action.current:
            return action
        return action._replace(notes=tuple(kept_notes(action.current, set_name, candidate.vm)))

    return list(map(plan, fleet.candidates, names))


def _execute(task: Task, fleet: Fleet, members: Sequence[Member]) -> None:
    options = task.options
    progress = Progress(options["name"], task.progress if options["progress"] else None)
    Execution(fleet.apis, waiting_from(options), options["concurrency"], progress.report).run(
        members
    )


def _result(task: Task, rows: Sequence[Row], aborted: bool, now: datetime) -> Result:
    members = {row.label: _member_result(task, row, aborted, now) for row in rows}
    outcomes = Counter(member["outcome"] for member in members.values())
    failed = sum(outcomes[outcome] for outcome in _FAILURES)
    result: Result = {
        "changed": any(member["changed"] for member in members.values()),
        "members": members,
        "summary": {
            "total": len(members),
            **dict.fromkeys(_OUTCOMES, 0),
            **outcomes,
            "failed": failed,
        },
    }
    if task.diff_mode:
        result["diff"] = _diff(rows)
    if aborted or failed > task.options["max_failed"]:
        reason = "preflight_failed" if aborted else "members_failed"
        raise PaletteError(reason, _failure_text(members, failed, aborted), **result)
    if failed:
        task.warn(_failure_text(members, failed, aborted))
    return result


def _member_result(task: Task, row: Row, aborted: bool, now: datetime) -> dict[str, Any]:
    """Return a member's row: the same keys for every outcome, and a failure's own besides."""
    failure = row.member.failure
    refusal = row.refusal
    changed = row.member.changed
    if task.check_mode and not aborted:
        changed = not refusal and any(action.changes for action in row.actions)
    result: dict[str, Any] = {
        "outcome": _outcome(row, aborted),
        "changed": changed,
        "name": _snapshot_name(row),
        "status": _status(task, row, now),
        "reason": None,
        "msg": _several_deleted(row.actions),
    }
    if failure:
        result.update(failure.result())
    elif refusal:
        result.update(reason=refusal.reason, msg=refusal.message)
    return result


def _several_deleted(actions: Sequence[Action]) -> str:
    """Name what ``name`` has no room for: one VM's snapshots of several runs."""
    names = [action.current.name for action in actions if action.changes and action.current]
    return f"{len(names)} snapshots: {', '.join(names)}" if len(names) > 1 else ""


def _outcome(row: Row, aborted: bool) -> str:
    if row.blocked:
        return "blocked"
    if row.refusal or row.member.failure:
        return "failed"
    if aborted:
        return "not_tried"
    return row.told.outcome if row.told else "absent"


def _snapshot_name(row: Row) -> str | None:
    action = row.told
    if action is None:
        return None
    return action.wanted.name if action.wanted else action.current and action.current.name


def _status(task: Task, row: Row, now: datetime) -> dict[str, Any] | None:
    seen = row.member.seen
    if task.check_mode and row.told and not row.refusal:
        seen = predicted(row.told)
    return status_facts(seen, now) if seen else None


def _diff(rows: Sequence[Row]) -> dict[str, Any]:
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    for row in rows:
        for action in row.actions:
            if action.changes:
                was, will_be = before_and_after(action)
                before.setdefault(row.label, []).append(described(was))
                after.setdefault(row.label, []).append(described(will_be))
    return {"before": before, "after": after}


def _failure_text(members: Mapping[str, Mapping[str, Any]], failed: int, aborted: bool) -> str:
    texts = [
        f"{label}: {member['reason']}: {member['msg']}"
        for label, member in members.items()
        if member["outcome"] in _FAILURES
    ]
    more = f"; and {failed - _FAILURES_SHOWN} more, see members" if failed > _FAILURES_SHOWN else ""
    how = f"{failed} of {len(members)} members failed"
    if aborted:
        blocked = sum(member["outcome"] == "blocked" for member in members.values())
        how = f"{blocked} of {len(members)} members are blocked, and nothing was written"
    return f"{how}: {'; '.join(texts[:_FAILURES_SHOWN])}{more}"

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The core of vm_snapshot_retention: deletes what this collection made and nobody needs now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from .._palette.errors import PaletteError
from .._snapshots.desired import age_problems
from .._snapshots.execute import Execution, Member, Step
from .._snapshots.fleet import Fleet, observe_matching
from .._snapshots.model import Snapshot, VmKey
from .._snapshots.plan import DELETE
from .._snapshots.plan_retention import Decision, Rules, decide
from .._snapshots.plan_set import is_member
from .._snapshots.progress import Progress
from .._snapshots.results import described, status_facts
from .._snapshots.wait import Goal, wait_problems, waiting_from
from .._validation.durations import parse_age
from .._validation.problems import Problem, merged, option_problem
from .._vms.selection import (
    Filters,
    concurrency_problems,
    emptiness_problems,
    filters_from,
    pattern_problems,
)
from .._vms.session import Place
from .task import Result, Task

_FAILURES_SHOWN = 10


def problems(options: Mapping[str, Any]) -> list[Problem]:
    """Return what is wrong with the options."""
    found = [*filters_from(options)[1], *age_problems(options, "max_age")]
    found += [*emptiness_problems(options), *pattern_problems(options)]
    if options["keep_last"] is not None and options["keep_last"] < 0:
        found.append(option_problem("keep_last", "must be 0 or more", 7))
    return merged(found, wait_problems(options), concurrency_problems(options))


def run(task: Task) -> Result:
    """Delete what the rules do not keep; return a row for each snapshot seen."""
    options = task.options
    filters, _problems = filters_from(options)
    now = datetime.now(timezone.utc)
    fleet = observe_matching(Place(options), filters._replace(selector=None), with_vms=False)
    decisions = decide(_in_scope(options, fleet, filters), _rules(options), now)
    members = _members(decisions)
    if not task.check_mode:
        progress = Progress("retention", task.progress if options["progress"] else None)
        Execution(fleet.apis, waiting_from(options), options["concurrency"], progress.report).run(
            list(members.values())
        )
    return _result(task, decisions, members, now)


def _rules(options: Mapping[str, Any]) -> Rules:
    max_age = parse_age(options["max_age"]) if options["max_age"] else None
    return Rules(options["keep_last"], max_age)


def _in_scope(options: Mapping[str, Any], fleet: Fleet, filters: Filters) -> list[Snapshot]:
    set_name, selector = options["set"], filters.selector
    return [
        snapshot
        for candidate in fleet.candidates
        for snapshot in fleet.of_vm(candidate.key)
        if (set_name is None or is_member(snapshot, set_name))
        and (selector is None or selector.matches(snapshot.labels))
    ]


def _members(decisions: Sequence[Decision]) -> dict[VmKey, Member]:
    """Return for each VM its deletions, one after the other."""
    steps: dict[VmKey, list[Step]] = {}
    for snapshot, delete, _why in decisions:
        if delete:
            step = Step(DELETE, snapshot.name, Goal.GONE, uid=snapshot.uid)
            steps.setdefault(snapshot.key, []).append(step)
    return {key: Member(key, own) for key, own in steps.items()}


def _result(
    task: Task, decisions: Sequence[Decision], members: Mapping[VmKey, Member], now: datetime
) -> Result:
    rows = [_row(task, decision, members, now) for decision in decisions]
    outcomes = Counter(row["outcome"] for row in rows)
    failed = [row for row in rows if row["outcome"] == "failed"]
    result: Result = {
        "changed": any(member.changed for member in members.values())
        or (task.check_mode and bool(members)),
        "snapshots": rows,
        "summary": {
            "seen": len(rows),
            **{
                outcome: outcomes[outcome] for outcome in ("kept", "deleted", "failed", "not_tried")
            },
            "by_why": dict(Counter(row["why"] for row in rows)),
        },
    }
    if task.diff_mode:
        doomed = [decision.snapshot for decision in decisions if decision.delete]
        result["diff"] = {"before": [described(s.manifest) for s in doomed], "after": []}
    if failed:
        texts = [f"{row['namespace']}/{row['name']}: {row['msg']}" for row in failed]
        shown = "; ".join(texts[:_FAILURES_SHOWN])
        left = outcomes["not_tried"]
        more = f", and {left} were not tried after that" if left else ""
        text = f"{len(failed)} of {len(rows)} snapshots could not be deleted{more}: {shown}"
        raise PaletteError("members_failed", text, **result)
    return result


def _row(
    task: Task, decision: Decision, members: Mapping[VmKey, Member], now: datetime
) -> dict[str, Any]:
    snapshot, delete, why = decision
    row = {
        **status_facts(snapshot, now),
        "decision": "delete" if delete else "keep",
        "why": why,
        "outcome": "deleted" if delete else "kept",
        "reason": None,
        "msg": "",
    }
    member = members.get(snapshot.key)
    if not delete or task.check_mode or not member or not member.failure:
        return row
    unfinished = [step.name for step in member.steps]
    if snapshot.name == unfinished[0]:
        row.update(member.failure.result(), outcome="failed")
    elif snapshot.name in unfinished:
        row["outcome"] = "not_tried"
    return row

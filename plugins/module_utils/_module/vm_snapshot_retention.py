# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The core of vm_snapshot_retention: deletes this collection's old snapshots."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from .._palette.errors import PaletteError
from .._snapshots.execute import Execution, Member
from .._snapshots.fleet import Fleet, observe_matching
from .._snapshots.model import Snapshot
from .._snapshots.ownership import is_member
from .._snapshots.plan import Step, deletion
from .._snapshots.plan_retention import Decision, Rules, decide
from .._snapshots.progress import Progress
from .._snapshots.results import described, status_of
from .._snapshots.wait import Waiting, wait_problems, waiting_from
from .._validation.durations import age_problems, parse_age
from .._validation.problems import Problem, merged, option_problem
from .._vms.model import VmKey
from .._vms.selection import Filters, filters_from, fleet_problems
from .._vms.session import PaletteSession
from .base import Arguments, Invocation, Module, Result
from .options import CLUSTER_OR_CLUSTERS, CONNECTION, FLEET, ONE_PROJECT, POLLING

ARGUMENTS = Arguments(
    spec={
        **CONNECTION,
        **FLEET,
        "set": {"type": "str"},
        "keep_last": {"type": "int"},
        "max_age": {"type": "str"},
        **POLLING,
    },
    mutually_exclusive=(ONE_PROJECT, CLUSTER_OR_CLUSTERS),
)
_FAILURES_SHOWN = 10


class Request(NamedTuple):
    """What the options describe."""

    filters: Filters
    rules: Rules
    waiting: Waiting


def read(invocation: Invocation) -> tuple[Request | None, list[Problem]]:
    """Return the request that the options describe, and all problems with them."""
    options = invocation.options
    filters, problems = filters_from(options)
    problems = merged(
        [*problems, *age_problems(options, "max_age"), *fleet_problems(options)],
        _keep_last_problems(options),
        wait_problems(options),
    )
    if problems:
        return None, problems
    max_age = parse_age(options["max_age"]) if options["max_age"] else None
    return Request(filters, Rules(options["keep_last"], max_age), waiting_from(options)), []


def run(invocation: Invocation, request: Request) -> Result:
    """Delete the snapshots that the rules do not keep; return a row for each one considered."""
    options = invocation.options
    session = PaletteSession(options)
    fleet = observe_matching(session, request.filters._replace(selector=None), with_vms=False)
    in_scope = _in_scope(options["set"], fleet, request.filters)
    decisions = decide(in_scope, request.rules, invocation.now)
    members = _members(decisions)
    if not invocation.check_mode:
        progress = Progress("retention", invocation.progress if options["progress"] else None)
        execution = Execution(fleet.apis, request.waiting, options["concurrency"], progress.report)
        execution.run(list(members.values()))
    return _result(invocation, decisions, members)


MODULE = Module(ARGUMENTS, read, run)


def _keep_last_problems(options: Mapping[str, Any]) -> list[Problem]:
    if options["keep_last"] is None or options["keep_last"] >= 0:
        return []
    return [option_problem("keep_last", "must be 0 or more", 7)]


def _in_scope(set_name: str | None, fleet: Fleet, filters: Filters) -> list[Snapshot]:
    selector = filters.selector
    return [
        snapshot
        for candidate in fleet.candidates
        for snapshot in fleet.of_vm(candidate.key)
        if (set_name is None or is_member(snapshot, set_name))
        and (selector is None or selector.matches(snapshot.labels))
    ]


def _members(decisions: Sequence[Decision]) -> dict[VmKey, Member]:
    """Return the deletions of each VM, in order."""
    steps: dict[VmKey, list[Step]] = {}
    for snapshot, delete, _why in decisions:
        if delete:
            steps.setdefault(snapshot.key, []).append(deletion(snapshot))
    return {key: Member(key, own) for key, own in steps.items()}


def _result(
    invocation: Invocation, decisions: Sequence[Decision], members: Mapping[VmKey, Member]
) -> Result:
    rows = [_row(invocation, decision, members) for decision in decisions]
    outcomes = Counter(row["outcome"] for row in rows)
    failed = [row for row in rows if row["outcome"] == "failed"]
    result: Result = {
        "changed": any(member.changed for member in members.values())
        or (invocation.check_mode and bool(members)),
        "snapshots": rows,
        "summary": {
            "seen": len(rows),
            **{
                outcome: outcomes[outcome] for outcome in ("kept", "deleted", "failed", "not_tried")
            },
            "by_why": dict(Counter(row["why"] for row in rows)),
        },
    }
    if invocation.diff_mode:
        deleted = [decision.snapshot for decision in decisions if decision.delete]
        result["diff"] = {"before": [described(s.manifest) for s in deleted], "after": []}
    if failed:
        raise PaletteError("members_failed", _failure_text(failed, len(rows), outcomes), **result)
    return result


def _failure_text(
    failed: Sequence[Mapping[str, Any]], total: int, outcomes: Mapping[str, int]
) -> str:
    texts = [f"{row['namespace']}/{row['name']}: {row['msg']}" for row in failed]
    shown = "; ".join(texts[:_FAILURES_SHOWN])
    left = outcomes["not_tried"]
    more = f", and {left} were not tried after that" if left else ""
    return f"{len(failed)} of {total} snapshots could not be deleted{more}: {shown}"


def _row(
    invocation: Invocation, decision: Decision, members: Mapping[VmKey, Member]
) -> dict[str, Any]:
    snapshot, delete, why = decision
    row = {
        **status_of(snapshot, invocation.now),
        "decision": "delete" if delete else "keep",
        "why": why,
        "outcome": "deleted" if delete else "kept",
        "reason": None,
        "msg": "",
    }
    member = members.get(snapshot.key)
    if not delete or invocation.check_mode or not member or not member.failure:
        return row
    unfinished = [step.name for step in member.steps]
    if snapshot.name == unfinished[0]:
        row.update(member.failure.result(), outcome="failed")
    elif snapshot.name in unfinished:
        row["outcome"] = "not_tried"
    return row

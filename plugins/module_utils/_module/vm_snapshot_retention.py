# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The core of vm_snapshot_retention: deletes this collection's snapshots that no rule keeps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from .._execution.run import ClusterRun, Pace, pace_from, pace_problems
from .._execution.waiting import wait_problems, waiting_from
from .._http.errors import ApiError
from .._snapshots.clock import check_clock, clock_problem
from .._snapshots.fleet import (
    SnapshotFilters,
    SnapshotFleet,
    look_at_vms,
    observe,
    snapshot_filters_from,
)
from .._snapshots.member import SnapshotMember
from .._snapshots.ownership import PART_OF
from .._snapshots.plan import Step, deletion
from .._snapshots.plan_retention import (
    COUNTS,
    VM_LEFT_OFF,
    VM_UNREADABLE,
    Decision,
    Rules,
    decide,
    depends_on_vm,
    sparing,
)
from .._snapshots.results import described, status_of
from .._snapshots.steps import SnapshotWork
from .._validation.durations import age_problems, parse_age
from .._validation.printable import first_few, first_messages, printable
from .._validation.problems import Problem, merged, option_problem
from .._vms.cluster_result import (
    clusters_result,
    counts_by_outcome,
    demand_clusters,
    unreached_text,
    warn_of_clusters,
    warn_of_unreadable,
)
from .._vms.fleet import Target, label_of, with_unmatched
from .._vms.model import VmKey
from .._vms.selection import Filters, filters_from
from .._vms.session import PaletteSession
from .base import Arguments, Invocation, Module, Result
from .options import (
    CLUSTER_OR_CLUSTERS,
    CONNECTION,
    EXECUTION,
    MAX_FAILED_CLUSTERS,
    MAX_ROWS,
    ON_ERROR,
    ONE_PROJECT,
    POLLING,
    SELECTION,
    SNAPSHOT_FILTERS,
)
from .selected import (
    carry_out,
    diff_within,
    limit_problems,
    refuse_namesakes,
    scope_for,
    warn_of_namesakes,
)

ARGUMENTS = Arguments(
    spec={
        **CONNECTION,
        **SELECTION,
        **SNAPSHOT_FILTERS,
        **{rule: {"type": "int"} for rule in COUNTS},
        "keep_within": {"type": "str"},
        "delete_older_than": {"type": "str"},
        "after": {"type": "dict"},
        **ON_ERROR,
        **MAX_FAILED_CLUSTERS,
        **MAX_ROWS,
        **POLLING,
        **EXECUTION,
    },
    mutually_exclusive=(ONE_PROJECT, CLUSTER_OR_CLUSTERS),
)
_AGES = ("keep_within", "delete_older_than")
# Outcomes of vm_snapshot_set with which a VM has a snapshot, or will have one.
_NEW = ("created", "replaced", "updated", "unchanged", "fresh")
_AFTER_EXAMPLE = 'after: "{{ nightly }}"'
_FAILURES_SHOWN = 10
_CAUSES_SHOWN = 3
_OUTCOMES = ("kept", "deleted", "failed", "not_tried", "unknown")
# Which rows stay where not all may: what went wrong, then what is gone.
_LEAST_IMPORTANT_LAST = ("failed", "unknown", "not_tried", "deleted", "kept")


class After(NamedTuple):
    """The VMs of a vm_snapshot_set task. labels: as its result calls them.

    ready: those whose snapshot is usable. predicted: in check mode, those that will get one, and of
    which set. set_name: the task's set, if its result tells that.
    """

    labels: frozenset[str]
    ready: frozenset[VmKey]
    predicted: Mapping[VmKey, str]
    set_name: str | None = None

    def has(self, key: VmKey, title: str) -> bool:
        """Say whether the task was about a VM. title: what its cluster is called here.

        The task calls a cluster by its uid if it was given that.
        """
        forms = {label_of(cluster, key) for cluster in (title, key.cluster_uid)}
        return not self.labels.isdisjoint(forms)


class Request(NamedTuple):
    """What the options describe."""

    filters: Filters
    snapshot_filters: SnapshotFilters
    rules: Rules
    after: After | None
    pace: Pace


class Work(NamedTuple):
    """What was decided so far, and the deletions by VM."""

    decisions: list[Decision]
    members: dict[VmKey, SnapshotMember]


def read(invocation: Invocation) -> tuple[Request | None, list[Problem]]:
    """Return the request that the options describe, and all problems with them."""
    options = invocation.options
    filters, problems = filters_from(options)
    snapshot_filters, snapshot_problems = snapshot_filters_from(options)
    after, after_problems = _read_after(options["after"])
    problems = merged(
        [*problems, *snapshot_problems, *after_problems, *_set_problems(after, options["set"])],
        [*age_problems(options, *_AGES), *_count_problems(options)],
        [*wait_problems(options), *pace_problems(options), *limit_problems(options)],
    )
    if problems:
        return None, problems
    rules = Rules(
        _counts(options),
        *(parse_age(options[age]) if options[age] else None for age in _AGES),
    )
    pace = pace_from(options, waiting_from(options))
    return Request(filters, snapshot_filters, rules, after, pace), []


def run(invocation: Invocation, request: Request) -> Result:
    """Delete the snapshots that the rules do not keep; return a row for each one considered."""
    options, work = invocation.options, Work([], {})
    session = PaletteSession(options)
    with_vms = request.filters.selector is not None
    targets, left_out = scope_for(invocation, session, None, request.filters)

    def plan(part: SnapshotFleet) -> list[SnapshotMember]:
        return _plan(invocation, request, part, session.clock_skew, work)

    def observing(target: Target) -> SnapshotFleet:
        part = observe(target, request.filters, with_vms)
        if not with_vms:
            matching = part.matching(request.snapshot_filters)
            look_at_vms(part, target.api, {s.key for s in matching if depends_on_vm(s)})
        return part

    clusters = ClusterRun(targets, SnapshotFleet, observing, plan, SnapshotWork)

    def check(fleet: SnapshotFleet) -> None:
        demand_clusters(fleet, options["on_error"])

    if request.after is None:
        refuse_namesakes(clusters, request.filters)
    carry_out(invocation, clusters, request.pace, "retention", check)
    fleet = with_unmatched(clusters.fleet, None, request.filters, left_out)
    warn_of_unreadable(fleet, invocation.warn)
    warn_of_namesakes(fleet, request.filters, invocation.warn)
    _warn_of_vms(invocation, fleet, work.decisions)
    fleet.warn_if_empty(session.project_hint, invocation.warn)
    return _result(invocation, request, fleet, work)


MODULE = Module(ARGUMENTS, read, run)


def _read_after(result: Any) -> tuple[After | None, list[Problem]]:
    """Read the result of vm_snapshot_set."""
    if result is None:
        return None, []
    members, summary = result.get("members"), result.get("summary")
    left_out = result.get("left_out") or []
    shaped = isinstance(members, Mapping) and all(map(_is_row, members.values()))
    if not shaped or not isinstance(summary, Mapping) or not _are_groups(left_out):
        text = "is not the registered result of a vm_snapshot_set task"
        return None, [Problem("after", text, _AFTER_EXAMPLE)]
    if len(members) + sum(len(group["vm_names"]) for group in left_out) != summary.get("total"):
        text = "has only the VMs that failed: set members: all on the vm_snapshot_set task"
        return None, [Problem("after", text, _AFTER_EXAMPLE)]
    after = _with_left_out(_after(members), left_out)
    return after._replace(set_name=result.get("set")), []


def _set_problems(after: After | None, wanted: str | None) -> list[Problem]:
    """Return the problem with a retention of another set than was taken before."""
    taken = after.set_name if after else None
    if not wanted or taken in (None, wanted):
        return []
    text = f"{wanted!r} is not the set of the task in after, which is {taken!r}"
    return [option_problem("set", text, taken)]


def _is_row(member: Any) -> bool:
    """Say whether a value has the shape of a member's row, where that is read."""
    status = (member.get("status") or {}) if isinstance(member, Mapping) else None
    return (
        isinstance(status, Mapping)
        and isinstance(status.get("labels") or {}, Mapping)
        and all(isinstance(status.get(name) or "", str) for name in VmKey._fields)
    )


def _after(members: Mapping[str, Mapping[str, Any]]) -> After:
    new = [member for member in members.values() if member.get("outcome") in _NEW]
    ready = [member for member in new if _status(member).get("ready_to_use")]
    to_come = [member for member in new if member.get("changed") and member not in ready]
    return After(
        frozenset(members),
        frozenset(map(_key_of, ready)),
        {_key_of(m): (_status(m).get("labels") or {}).get(PART_OF, "") for m in to_come},
    )


def _are_groups(left_out: Any) -> bool:
    """Say whether a value has the shape of what a result tells of VMs without a row."""
    return isinstance(left_out, list) and all(map(_is_group, left_out))


def _is_group(group: Any) -> bool:
    if not isinstance(group, Mapping) or not isinstance(group.get("vm_names"), list):
        return False
    place = (group.get(name) for name in ("cluster", "cluster_uid", "namespace"))
    return all(isinstance(text, str) for text in (*place, *group["vm_names"]))


def _with_left_out(after: After, left_out: Sequence[Mapping[str, Any]]) -> After:
    """Add the VMs of which the result has no row of their own."""
    labels, ready, predicted = set(after.labels), set(after.ready), dict(after.predicted)
    for group in left_out:
        names, place = group["vm_names"], f"{group['cluster']}/{group['namespace']}"
        keys = [VmKey(group["cluster_uid"], group["namespace"], name) for name in names]
        labels.update(f"{place}/{name}" for name in names)
        if group.get("outcome") not in _NEW:
            continue
        if group.get("ready_to_use"):
            ready.update(keys)
        elif group.get("changed"):
            predicted.update(dict.fromkeys(keys, str(group.get("set") or "")))
    return After(frozenset(labels), frozenset(ready), predicted)


def _status(member: Mapping[str, Any]) -> Mapping[str, Any]:
    return member.get("status") or {}


def _key_of(member: Mapping[str, Any]) -> VmKey:
    """Return a member's VM, whatever its cluster is called in its label."""
    status = _status(member)
    return VmKey(*(status.get(name) or "" for name in VmKey._fields))


def _counts(options: Mapping[str, Any]) -> dict[str, int]:
    """Return how many each rule keeps. A period of which none is kept is a rule turned off."""
    given = {rule: options[rule] for rule in COUNTS if options[rule] is not None}
    return {rule: count for rule, count in given.items() if count or rule == "keep_last"}


def _count_problems(options: Mapping[str, Any]) -> list[Problem]:
    return [
        option_problem(rule, "must be 0 or more", 7)
        for rule in COUNTS
        if options[rule] is not None and options[rule] < 0
    ]


def _decide(invocation: Invocation, request: Request, fleet: SnapshotFleet) -> list[Decision]:
    snapshots, after = fleet.matching(request.snapshot_filters), request.after
    if after is None:
        return decide(snapshots, request.rules, invocation.now)
    predicted = after.predicted if invocation.check_mode else {}
    renewed = [s for s in snapshots if s.key in after.ready or s.key in predicted]
    renewed_vms = {s.key for s in renewed}
    others = [s for s in snapshots if s.key not in renewed_vms]
    spared = [s for s in others if after.has(s.key, fleet.title(s.key))]
    return [
        *decide(renewed, request.rules, invocation.now, predicted),
        *(Decision(snapshot, False, "no_new_snapshot") for snapshot in spared),
    ]


def _plan(
    invocation: Invocation,
    request: Request,
    part: SnapshotFleet,
    skew: timedelta | None,
    work: Work,
) -> list[SnapshotMember]:
    """Decide on what was observed, in one cluster or more, and return the deletions."""
    decisions = sparing(_decide(invocation, request, part), part.vms)
    clock = clock_problem(invocation.now, skew, part.snapshots)
    by_age = request.rules.by_age or any(decision.by_age for decision in decisions)
    check_clock(clock, by_age, invocation.warn)
    members = _members(decisions)
    work.decisions.extend(decisions)
    work.members.update(members)
    return list(members.values())


def _warn_of_vms(
    invocation: Invocation, fleet: SnapshotFleet, decisions: Sequence[Decision]
) -> None:
    """Warn of the VMs that have to be started, and of those of which that is not known."""
    off = [decision.snapshot.key for decision in decisions if decision.why == VM_LEFT_OFF]
    if off:
        invocation.warn(
            f"stopped for a snapshot that failed, and not started since: {_named(fleet, off)}: "
            "start them with vm_power; their failed snapshots are kept until then"
        )
    unknown = [decision.snapshot.key for decision in decisions if decision.why == VM_UNREADABLE]
    if unknown:
        seen = (fleet.vms.get(key) for key in unknown)
        texts = dict.fromkeys(vm.unreadable for vm in seen if vm)
        invocation.warn(
            f"stopped for a snapshot that failed, and perhaps off: {_named(fleet, unknown)}: "
            f"the VMs cannot be read: {first_messages(list(texts), _CAUSES_SHOWN)}; "
            "their failed snapshots are kept"
        )


def _named(fleet: SnapshotFleet, keys: Sequence[VmKey]) -> str:
    labels = [label_of(fleet.title(key), key) for key in dict.fromkeys(keys)]
    return first_few(labels, _FAILURES_SHOWN)


def _members(decisions: Sequence[Decision]) -> dict[VmKey, SnapshotMember]:
    """Return the deletions of each VM, in order."""
    steps: dict[VmKey, list[Step]] = {}
    for decision in decisions:
        if decision.delete:
            own = steps.setdefault(decision.snapshot.key, [])
            own.append(deletion(decision.snapshot))
    return {key: SnapshotMember(key, own) for key, own in steps.items()}


def _result(invocation: Invocation, request: Request, fleet: SnapshotFleet, work: Work) -> Result:
    misses = list(fleet.unmatched)
    wanted = request.snapshot_filters.set_name
    # The set of the task before is no typo: what a check predicts has no snapshot yet.
    if request.after is None or request.after.set_name != wanted:
        misses += fleet.unmatched_set(wanted)
    for miss in misses:
        invocation.warn(str(miss))
    result = _rows(invocation, fleet, work, _to_come(invocation, request, fleet))
    result["unmatched"] = [miss.result for miss in misses]
    result["rules"] = _rules_given(invocation.options)
    if invocation.diff_mode:
        result["diff"] = diff_within(invocation, _diff(fleet, work.decisions))
    failed = [row for row in result["snapshots"] if row["outcome"] in ("failed", "unknown")]
    if failed or len(fleet.failures) > invocation.options["max_failed_clusters"]:
        texts = [unreached_text(fleet)] if fleet.failures else []
        texts += [_failure_text(failed, result["summary"])] if failed else []
        raise ApiError("vms_failed", "; ".join(texts), **_shortened(invocation, result))
    warn_of_clusters(fleet, invocation.warn)
    return _shortened(invocation, result)


def _shortened(invocation: Invocation, result: Result) -> Result:
    """Return the result with no more rows than it may have."""
    most, rows = invocation.options["max_rows"], result["snapshots"]
    if most is None or len(rows) <= most:
        return result
    ranked = sorted(rows, key=lambda row: _LEAST_IMPORTANT_LAST.index(row["outcome"]))
    return {**result, "snapshots": ranked[:most]}


def _rows(invocation: Invocation, fleet: SnapshotFleet, work: Work, to_come: int) -> Result:
    rows = [_row(invocation, fleet, decision, work.members) for decision in work.decisions]
    # Clusters are planned for at the same time. Of each VM, the order is that of deletion.
    rows.sort(key=lambda row: (row["cluster"], row["namespace"], row["vm_name"]))
    changed = any(member.may_have_changed for member in work.members.values())
    outcomes = ((row["cluster"], row["outcome"]) for row in rows)
    return {
        "changed": changed or (invocation.check_mode and bool(work.members)),
        **clusters_result(fleet, counts_by_outcome(fleet, outcomes)),
        "check_mode": invocation.check_mode,
        "snapshots": rows,
        "summary": {**_summary(rows), "to_come": to_come},
    }


def _rules_given(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the rules of the task. Without any, only failed and expired ones are deleted."""
    return {**_counts(options), **{age: options[age] for age in _AGES if options[age]}}


def _to_come(invocation: Invocation, request: Request, fleet: SnapshotFleet) -> int:
    """Return how many snapshots a check predicts that the filters would match."""
    after, wanted = request.after, request.snapshot_filters.set_name
    if after is None or not invocation.check_mode:
        return 0
    return sum(
        wanted in (None, set_name) and _selected(request.filters, fleet, key)
        for key, set_name in after.predicted.items()
    )


def _selected(filters: Filters, fleet: SnapshotFleet, key: VmKey) -> bool:
    if key.cluster_uid not in fleet.titles:
        return False
    return filters.match(key, fleet.vms.get(key), fleet.title(key), fleet.names[key.cluster_uid])


def _summary(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    outcomes = Counter(row["outcome"] for row in rows)
    return {
        "seen": len(rows),
        **{outcome: outcomes[outcome] for outcome in _OUTCOMES},
        "sets": len({row["set"] for row in rows if row["outcome"] == "deleted"} - {None, ""}),
        "by_why": dict(Counter(row["why"] for row in rows)),
        "by_rule": dict(
            Counter(rule for row in rows if row["why"] == "kept" for rule in row["kept_by"])
        ),
    }


def _diff(fleet: SnapshotFleet, decisions: Sequence[Decision]) -> dict[str, Any]:
    doomed = [decision.snapshot for decision in decisions if decision.delete]
    before = {
        f"{fleet.title(s.key)}/{s.key.namespace}/{s.name}": described(s.manifest) for s in doomed
    }
    return {"before": before, "after": {}}


def _failure_text(failed: Sequence[Mapping[str, Any]], summary: Mapping[str, Any]) -> str:
    texts = [f"{row['cluster']}/{row['namespace']}/{row['name']}: {row['msg']}" for row in failed]
    shown = "; ".join(texts[:_FAILURES_SHOWN])
    left = summary["not_tried"]
    more = f", and {left} were not tried after that" if left else ""
    return f"{len(failed)} of {summary['seen']} snapshots could not be deleted{more}: {shown}"


def _row(
    invocation: Invocation,
    fleet: SnapshotFleet,
    decision: Decision,
    members: Mapping[VmKey, SnapshotMember],
) -> dict[str, Any]:
    snapshot = decision.snapshot
    return {
        **status_of(snapshot, invocation.now),
        "cluster": fleet.title(snapshot.key),
        "decision": "delete" if decision.delete else "keep",
        "why": decision.why,
        "kept_by": list(decision.kept_by),
        **_outcome(decision, None if invocation.check_mode else members.get(snapshot.key)),
    }


def _outcome(decision: Decision, member: SnapshotMember | None) -> dict[str, Any]:
    done = {"outcome": "deleted" if decision.delete else "kept", "reason": None, "msg": ""}
    if not decision.delete or not member or not member.failure:
        return done
    name, unfinished = decision.snapshot.name, [step.name for step in member.steps]
    if name == unfinished[0]:
        failure = member.failure.result()
        outcome = "unknown" if member.unknown else "failed"
        # Where the deletion was accepted, only its end was not seen.
        deleting = {"deleting": True} if member.accepted else {}
        return {**failure, **deleting, "msg": printable(failure["msg"]), "outcome": outcome}
    return {**done, "outcome": "not_tried"} if name in unfinished else done

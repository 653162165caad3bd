# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The result of a set: a row for each virtual machine, counts, and diffs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from .._validation.printable import first_messages, printable
from .._vms.rows import FAILURES, failed_only
from .member import SnapshotMember
from .model import Snapshot
from .plan import REFUSE, Action
from .results import described, status_of

_OUTCOMES = (
    "created",
    "replaced",
    "updated",
    "unchanged",
    "fresh",
    "deleted",
    "absent",
    "not_tried",
    *FAILURES,
)
_KEPT = ("not_quiesced", "volumes_missing")
_FAILURES_SHOWN = 10


class Row(NamedTuple):
    """One VM of the set: its planned actions, and their execution.

    cluster: what its cluster is called in results. shown: the action that the result shows.
    """

    cluster: str
    label: str
    actions: Sequence[Action]
    shown: Action | None
    member: SnapshotMember

    @property
    def refusal(self) -> Action | None:
        """The action that refuses, if any."""
        return next((action for action in self.actions if action.verb == REFUSE), None)

    @property
    def blocked(self) -> bool:
        """Whether the refusal also stops the other members."""
        # A snapshot that is not all that was asked for exists already, and is kept.
        return self.refusal is not None and self.refusal.reason not in _KEPT


class Run(NamedTuple):
    """How the set ran. aborted: nothing was written, because a member is blocked.

    group_by: the label whose values the result groups by. offline: whether rows tell what became of
    the VMs.
    """

    now: datetime
    check_mode: bool
    aborted: bool
    group_by: str | None = None
    offline: bool = False

    @property
    def predicted(self) -> bool:
        """Whether rows say what would be done."""
        return self.check_mode and not self.aborted


def set_result(rows: Sequence[Row], run: Run) -> dict[str, Any]:
    """Return ``changed``, ``check_mode``, ``members`` by label and ``summary``."""
    members = {row.label: _member_result(row, run) for row in rows}
    outcomes = Counter(member["outcome"] for member in members.values())
    summary: dict[str, Any] = {"total": len(members), **dict.fromkeys(_OUTCOMES, 0), **outcomes}
    # A check cannot tell when snapshots will be taken.
    taken = [] if run.check_mode else [row.member.seen for row in rows]
    summary["skew_seconds"] = skew_seconds(taken)
    return {
        "changed": any(member["changed"] for member in members.values()),
        "check_mode": run.check_mode,
        "members": members,
        "summary": summary,
        **({"groups": _groups(rows, run)} if run.group_by else {}),
    }


def skew_seconds(snapshots: Iterable[Snapshot | None]) -> int | None:
    """Return how far apart the points in time of usable snapshots are; None for fewer than two."""
    times = [s.creation_time for s in snapshots if s and s.ready and s.creation_time]
    return int((max(times) - min(times)).total_seconds()) if len(times) > 1 else None


def _groups(rows: Iterable[Row], run: Run) -> dict[str, dict[str, Any]]:
    """Return how many members each group has, and how far apart their points in time are."""
    groups: dict[str, list[SnapshotMember]] = {}
    for row in rows:
        if row.member.group is not None:
            groups.setdefault(row.member.group, []).append(row.member)
    return {
        group: {
            "members": len(own),
            "skew_seconds": None if run.check_mode else skew_seconds(m.seen for m in own),
        }
        for group, own in sorted(groups.items())
    }


def told_of(set_name: str, row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is told of a member of which the result has no row, besides its outcome."""
    return {"set": set_name, "ready_to_use": bool((row["status"] or {}).get("ready_to_use"))}


def set_diff(rows: Sequence[Row]) -> dict[str, Any]:
    """Return Ansible's diff of all snapshots that change, by the VMs' labels."""
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    for row in rows:
        for action in row.actions:
            if action.changes:
                parts = diff_parts(action)
                before.setdefault(row.label, []).append(parts[0])
                after.setdefault(row.label, []).append(parts[1])
    return {"before": before, "after": after}


def diff(action: Action) -> dict[str, Any]:
    """Return Ansible's diff of an action."""
    before, after = diff_parts(action)
    name = ((action.after or action.before or {}).get("metadata") or {}).get("name", "")
    return {"before_header": name, "after_header": name, "before": before, "after": after}


def diff_parts(action: Action) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what a diff shows before an action and after it: the snapshot, and its VM's power."""
    before, after = described(action.before), described(action.after)
    if action.stops:
        end = ", then starts again" if action.starts else ""
        return {**before, "vm": "is not off"}, {**after, "vm": f"stops for the snapshot{end}"}
    if action.starts:
        return {**before, "vm": "is off"}, {**after, "vm": "runs"}
    return before, after


def power_facts(action: Action | None, member: SnapshotMember, predicted: bool) -> dict[str, bool]:
    """Return whether the VM was stopped and started, or will be."""
    if predicted:
        return {
            "vm_stopped": action is not None and action.stops,
            "vm_started": action is not None and action.starts,
        }
    return {"vm_stopped": member.stopped, "vm_started": member.started}


def members_text(members: Mapping[str, Mapping[str, Any]], aborted: bool, max_failed: int) -> str:
    """Return the number of failed members, with the first few messages; empty if none failed."""
    failed = failed_only(members)
    if not failed:
        return ""
    texts = [f"{label}: {row['reason']}: {row['msg']}" for label, row in failed.items()]
    blocked = sum(member["outcome"] == "blocked" for member in members.values())
    if aborted:
        how = f"{blocked} of {len(members)} members are blocked, and nothing was written"
    else:
        limit = f" (max_failed: {max_failed})" if max_failed else ""
        unknown = sum(member["outcome"] == "unknown" for member in members.values())
        end = "failed or are blocked" if blocked else "failed"
        end += f", {unknown} of them with an unknown outcome" if unknown else ""
        how = f"{len(texts)} of {len(members)} members {end}{limit}"
    return f"{how}: {first_messages(texts, _FAILURES_SHOWN, 'members')}"


def _member_result(row: Row, run: Run) -> dict[str, Any]:
    """Return a member's row: the same keys for every outcome, plus those of a failure."""
    changed = row.member.may_have_changed
    if run.predicted:
        changed = not row.refusal and any(action.changes for action in row.actions)
    result: dict[str, Any] = {
        "outcome": _outcome(row, run.aborted),
        "changed": changed,
        "cluster_uid": row.member.key.cluster_uid,
        "name": _snapshot_name(row),
        "status": _status(row, run),
        "reason": None,
        "msg": _several_deleted(row.actions),
    }
    if run.offline:
        result.update(power_facts(row.shown, row.member, run.predicted))
    if row.member.failure:
        result.update(row.member.failure.result())
    elif row.refusal:
        result.update(reason=row.refusal.reason, msg=row.refusal.message)
    result["msg"] = printable(result["msg"])
    return result


def _several_deleted(actions: Sequence[Action]) -> str:
    """Return the names of all deleted snapshots if one VM has several, from several runs."""
    names = [action.current.name for action in actions if action.changes and action.current]
    return f"{len(names)} snapshots: {', '.join(names)}" if len(names) > 1 else ""


def _outcome(row: Row, aborted: bool) -> str:
    if row.blocked:
        return "blocked"
    if row.member.unknown:
        return "unknown"
    if row.refusal or row.member.failure:
        return "failed"
    if aborted:
        return "not_tried"
    if row.member.adopted and not row.member.changed:
        return "fresh" if row.member.fresh_among else "unchanged"
    return row.shown.outcome if row.shown else "absent"


def _snapshot_name(row: Row) -> str | None:
    if row.member.adopted and row.member.seen:
        return row.member.seen.name
    named = row.shown and (row.shown.current or row.shown.desired)
    return named.name if named else None


def _status(row: Row, run: Run) -> dict[str, Any] | None:
    seen = row.member.seen
    if run.check_mode and row.shown and not row.refusal:
        seen = row.shown.predicted
    return status_of(seen, run.now) if seen else None

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The result of restores: a row for each virtual machine, counts, and a diff."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from .._http.errors import ApiError
from .._palette.objects import write_time
from .._power.plan import strategy_after
from .._validation.printable import printable
from .._vms.rows import FAILURES
from .model import SAFETY, STRATEGY, Restore
from .plan import FINISH, KEEP, RESTORE, Act
from .run import Row, Specs
from .spec_diff import differences

_OUTCOMES = ("restored", "unchanged", "not_tried", *FAILURES)


def set_result(
    rows: Sequence[Row], now: datetime, check_mode: bool, aborted: bool
) -> dict[str, Any]:
    """Return ``changed``, ``check_mode``, ``members`` by label and ``summary``."""
    members = {row.label: row_result(row, now, check_mode, aborted) for row in rows}
    outcomes = Counter(member["outcome"] for member in members.values())
    return {
        "changed": any(member["changed"] for member in members.values()),
        "check_mode": check_mode,
        "members": members,
        "summary": {"total": len(members), **dict.fromkeys(_OUTCOMES, 0), **outcomes},
    }


def row_result(row: Row, now: datetime, check_mode: bool, aborted: bool = False) -> dict[str, Any]:
    """Return a VM's row: the same keys for every outcome, plus those of a failure."""
    predicted = check_mode and not aborted
    outcome, status = _outcome(row, predicted, aborted), status_of(row, now)
    if status and outcome == "not_tried":
        # The VM still has its claims.
        status["leftover_claims"] = []
    result: dict[str, Any] = {
        "outcome": outcome,
        "changed": row.action.changes if predicted else row.member.may_have_changed,
        "cluster_uid": row.sight.key.cluster_uid,
        "name": row.action.name or None,
        "snapshot": row.action.snapshot.name if row.action.snapshot else None,
        "status": status,
        "reason": None,
        "msg": "",
    }
    if row.member.failure:
        result.update(row.member.failure.result())
    elif row.blocked:
        result.update(reason=row.action.reason, msg=row.action.message)
    return {**result, "msg": printable(result["msg"])}


def told_of(set_name: str, row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is told of a VM of which the result has no row, besides its outcome."""
    status = row["status"] or {}
    return {"set": set_name, **{name: status.get(name) for name in ("complete", "runs")}}


def set_diff(rows: Sequence[Row], now: datetime, specs: Specs) -> dict[str, Any]:
    """Return Ansible's diff of all VMs that are restored, by their labels."""
    diffs = {row.label: row_diff(row, now, specs) for row in rows if row.action.changes}
    return {when: {label: each[when] for label, each in diffs.items()} for when in _WHEN}


_WHEN = ("before", "after")


def row_diff(row: Row, now: datetime, specs: Specs) -> dict[str, Any]:
    """Return Ansible's diff of a VM: disks, run strategy, point in time, and what of its spec.

    specs: those that the VMs get.
    """
    status = status_of(row, now)
    machine = row.sight.machine
    if not row.action.changes or status is None or machine is None:
        return {when: {} for when in _WHEN}
    snapshot = row.action.snapshot
    origin = f"as in snapshot {snapshot.name}" if snapshot else "as in the snapshot"
    back = dict.fromkeys(snapshot.included_volumes if snapshot else (), origin)
    kept = {*(snapshot.excluded_volumes if snapshot else ())}
    stays = {volume: claim for volume, claim in machine.claims.items() if volume in kept}
    strategies, times = status["run_strategy"], status["point_in_time"]
    spec, spec_back = _spec_diff(machine.spec, specs[row.label])
    return {
        "before": {
            "disks": dict(machine.claims),
            "run_strategy": strategies["before"],
            "point_in_time": times["before"],
            "seconds_since_snapshot": status["lost_seconds"],
            "spec": spec,
        },
        "after": {
            "disks": {**stays, **back},
            "run_strategy": strategies["after"],
            "point_in_time": times["after"],
            "seconds_since_snapshot": 0,
            "spec": spec_back,
        },
    }


def _spec_diff(now: Mapping[str, Any], then: Any) -> tuple[Any, Any]:
    """Return what of a VM's spec differs, before and after; a text where that is not known.

    then: the spec in the snapshot, or the ApiError with which it could not be read.
    """
    if isinstance(then, ApiError):
        return {}, f"not known: {printable(then.message)}"
    return differences(now, then)


def status_of(row: Row, now: datetime) -> dict[str, Any] | None:
    """Return what became, or would become, of a VM, with the keys that RETURN documents."""
    action, restore = row.action, row.member.restore
    if row.blocked:
        return None
    begun = (restore.created if restore else None) or now
    taken = action.snapshot.taken_at if action.snapshot else None
    strategy = _strategy_before(row, restore)
    stopped = action.ran or action.stopped
    machine = row.sight.machine
    return {
        "name": action.name,
        "namespace": row.sight.key.namespace,
        "vm_name": row.sight.key.vm_name,
        "cluster_uid": row.sight.key.cluster_uid,
        "uid": restore.uid if restore else None,
        "snapshot": action.snapshot.name if action.snapshot else None,
        "complete": bool(restore and restore.complete),
        "text": printable(restore.text) if restore and restore.text else None,
        "restore_time": write_time(restore.restore_time) if restore else None,
        "point_in_time": {"before": write_time(begun), "after": write_time(taken)},
        "lost_seconds": max(int((begun - taken).total_seconds()), 0) if taken else None,
        "volumes": _volumes(row, restore),
        "deleted_data_volumes": list(restore.deleted_data_volumes) if restore else [],
        "leftover_claims": leftovers(row, restore),
        "in_place": _in_place(row, restore),
        "ran_before": action.ran,
        "runs": action.starts,
        "run_strategy": {
            "before": strategy or None,
            "after": strategy_after(strategy, stopped, action.starts) or None,
        },
        "safety_snapshot": _safety(row, restore),
        "labels": dict(machine.vm.labels) if machine else {},
        "conditions": [dict(condition) for condition in restore.conditions] if restore else [],
    }


# See docs/palette.md, "Restored volumes".
def leftovers(row: Row, restore: Restore | None) -> list[str]:
    """Return the claims that a restore leaves behind, or would leave: nothing uses them."""
    if restore and restore.complete:
        return _without_use(row, restore, {volume.name for volume in restore.volumes})
    if row.member.failure:
        return _made_in_vain(row, restore)
    snapshot = row.action.snapshot
    return _without_use(row, restore, set(snapshot.included_volumes) if snapshot else set())


def _made_in_vain(row: Row, restore: Restore | None) -> list[str]:
    """Return the claims of a restore that was given up. One that goes on will give them to the VM.

    It may have just given them to the VM when it was deleted.
    """
    if restore is None or not row.member.deleted:
        return []
    return sorted({volume.claim for volume in restore.volumes} - _claims_now(row) - {""})


def _without_use(row: Row, restore: Restore | None, back: set[str]) -> list[str]:
    """Return the VM's claims from before that it uses no more when these volumes are restored."""
    snapshot, before = row.action.snapshot, _claims_before(row, restore)
    kept = set(snapshot.excluded_volumes) if snapshot else set(before)
    # In place, a volume that is back keeps its claim.
    used = kept | back if _in_place(row, restore) else kept - back
    gone = _not_left(row, restore) if restore else set[str]()
    return sorted(
        claim for volume, claim in before.items() if volume not in used and claim not in gone
    )


def _claims_before(row: Row, restore: Restore | None) -> Mapping[str, str]:
    told = restore.claims_before if restore else {}
    return told or (row.sight.machine.claims if row.sight.machine else {})


def _not_left(row: Row, restore: Restore) -> set[str]:
    """Return the claims that a restore deleted, and those that the VM has of it, or has again."""
    again = _claims_now(row) if row.action.verb == KEEP else set[str]()
    return {*restore.deleted_data_volumes, *(volume.claim for volume in restore.volumes), *again}


def _claims_now(row: Row) -> set[str]:
    """Return the claims that the VM had when the task began."""
    return set(row.sight.machine.claims.values()) if row.sight.machine else set()


def _outcome(row: Row, predicted: bool, aborted: bool) -> str:
    if row.blocked:
        return "blocked"
    if row.member.failure:
        return "unknown" if row.member.unknown else "failed"
    if aborted:
        return "not_tried"
    if predicted or not row.member.steps:
        return {RESTORE: "restored", FINISH: "restored"}.get(row.action.verb, "unchanged")
    return "not_tried"


def _volumes(row: Row, restore: Restore | None) -> list[dict[str, Any]]:
    if restore and restore.volumes:
        return [
            {
                "name": volume.name,
                "claim": volume.claim,
                "data_volume": volume.data_volume or None,
                "volume_snapshot": volume.volume_snapshot or None,
            }
            for volume in restore.volumes
        ]
    included = row.action.snapshot.included_volumes if row.action.snapshot else ()
    unknown = {"claim": None, "data_volume": None, "volume_snapshot": None}
    return [{"name": name, **unknown} for name in included]


def _in_place(row: Row, restore: Restore | None) -> bool:
    return restore.in_place if restore else row.in_place


def _strategy_before(row: Row, restore: Restore | None) -> str:
    told = restore.annotations.get(STRATEGY, "") if restore else ""
    return told or (row.sight.machine.vm.run_strategy if row.sight.machine else "")


def _safety(row: Row, restore: Restore | None) -> str | None:
    told = restore.annotations.get(SAFETY) if restore else None
    planned = (step.name for step in row.action.steps if step.act == Act.SNAPSHOT)
    return told or next(planned, None)

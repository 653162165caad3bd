# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The result of power calls: a row for each virtual machine, counts, and a diff."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from .._http.errors import ApiError
from .._validation.printable import first_messages, printable
from .._vms.fleet import label_of
from .._vms.model import VmKey
from .._vms.rows import FAILURES, label_of_row
from .plan import STATES, Goal, Plan
from .work import PowerMember

_OUTCOMES = (*STATES.values(), "unchanged", "not_tried", *FAILURES)
_SHOWN = 10


class Row(NamedTuple):
    """One VM. member: None if it was not observed. cluster: what its cluster is called."""

    cluster: str
    key: VmKey
    plan: Plan
    member: PowerMember | None = None

    @property
    def blocked(self) -> bool:
        """Whether it cannot be done, which was known beforehand."""
        return bool(self.plan.reason)


class Run(NamedTuple):
    """How a task ran. aborted: nothing was sent, because a VM is blocked."""

    check_mode: bool
    aborted: bool


def power_result(rows: Sequence[Row], run: Run) -> dict[str, Any]:
    """Return ``changed``, ``check_mode``, ``vms`` and ``summary``."""
    vms = [_row(row, run) for row in rows]
    outcomes = Counter(vm["outcome"] for vm in vms)
    return {
        "changed": any(vm["changed"] for vm in vms),
        "check_mode": run.check_mode,
        "vms": vms,
        "summary": {"total": len(vms), **dict.fromkeys(_OUTCOMES, 0), **outcomes},
    }


def power_diff(rows: Iterable[Row], vms: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return Ansible's diff of the states of the VMs that change, by their labels."""
    changed = [(label_of(row.cluster, row.key), vm) for row, vm in zip(rows, vms) if vm["changed"]]
    return {when: {label: vm[when] for label, vm in changed} for when in ("before", "after")}


def told_of(vm: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is told of a VM of which the result has no row, besides its outcome."""
    return {"before": vm["before"], "after": vm["after"]}


def failed(vms: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the rows of the VMs that are not as wanted."""
    return [vm for vm in vms if vm["outcome"] in FAILURES]


def failure_text(vms: Sequence[Mapping[str, Any]], aborted: bool) -> str:
    """Return how many VMs failed, with the first few messages; empty if none did."""
    bad = failed(vms)
    if not bad:
        return ""
    texts = [f"{label_of_row(vm)}: {vm['reason']}: {vm['msg']}" for vm in bad]
    end = "are blocked, and nothing was done" if aborted else "failed or are blocked"
    return f"{len(bad)} of {len(vms)} VMs {end}: {first_messages(texts, _SHOWN, 'vms')}"


def _row(row: Row, run: Run) -> dict[str, Any]:
    """Return a VM's row: the same keys for every outcome, plus those of a failure."""
    member = row.member
    predicted = run.check_mode and not run.aborted
    changed = member.may_have_changed if member else False
    result: dict[str, Any] = {
        "cluster": row.cluster,
        "cluster_uid": row.key.cluster_uid,
        "namespace": row.key.namespace,
        "vm_name": row.key.vm_name,
        "before": _status(member.before.printable_status) if member else None,
        "after": _status(member.seen.printable_status) if member else None,
        "outcome": _outcome(row, run),
        "changed": row.plan.changes if predicted else changed,
        "reason": row.plan.reason or None,
        "msg": row.plan.message,
    }
    if predicted and row.plan.step:
        result["after"] = _PREDICTED[row.plan.step.goal]
    failure: ApiError | None = member.failure if member else None
    result.update(failure.result() if failure else {})
    return {**result, "msg": printable(result["msg"])}


_PREDICTED = {
    Goal.RUNNING: "Running",
    Goal.RENEWED: "Running",
    Goal.STOPPED: "Stopped",
    Goal.PAUSED: "Paused",
}


def _status(printable_status: str) -> str:
    return printable_status or "Unknown"


def _outcome(row: Row, run: Run) -> str:
    member, step = row.member, row.plan.step
    if row.blocked:
        return "blocked"
    if member and member.failure:
        return "unknown" if member.unknown else "failed"
    if run.aborted:
        return "not_tried"
    if run.check_mode:
        return STATES[step.verb] if step and row.plan.changes else "unchanged"
    return STATES[member.done] if member and member.done else "unchanged"

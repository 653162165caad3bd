# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is true of VMs and their restores, and what a task may say of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from faults.evidence import Estate, Machine, Rollback, Run
from faults.operations import Operation
from faults.proxy import POWER

if TYPE_CHECKING:
    from faults.judge import Circumstances, Row

_GOOD = ("created", "fresh", "unchanged")
_LEFT = "run the task again"
_START = "start it with vm_power"
_UNKNOWN = "unknown"


def undone(operation: Operation, run: Run) -> list[str]:
    """Return what of an operation on VMs is not done, or was left behind."""
    concerned = operation.off | operation.back
    return [
        *(text for name in sorted(concerned) for text in _left_behind(name, run)),
        *(f"{name} is not off" for name in sorted(operation.off) if not _machine(name, run).off),
        *(text for name in sorted(operation.back) for text in _not_back(name, run)),
        *not_running(operation.rested - run.forgotten, run.estate),
    ]


def not_running(names: Iterable[str], estate: Estate) -> list[str]:
    """Return which VMs do not run, though they ran."""
    runs = {machine.vm_name for machine in estate.machines if machine.runs}
    return [f"VM {name} ran, and does not run" for name in sorted(names) if name not in runs]


def others(operation: Operation, run: Run) -> Iterator[str]:
    """Complain of what became of VMs that the task is not about."""
    concerned = operation.off | operation.back | operation.rested
    now = {machine.vm_name: machine for machine in run.estate.machines}
    for before in run.estate_before.machines:
        if before.vm_name not in concerned and now.get(before.vm_name) != before:
            yield f"VM {before.vm_name} was changed"


def row_complaints(operation: Operation, row: Row, run: Run, how: Circumstances) -> Iterator[str]:
    """Complain of what a row says of a VM that is not true."""
    own = operation._replace(off=operation.off & {row.vm_name}, back=operation.back & {row.vm_name})
    left = undone(own, run)
    if row.outcome in ("stopped", "restored", "unchanged"):
        yield from left
    if row.outcome == "stopped" and POWER not in {write.kind for write in run.writes}:
        yield "it was not stopped now"
    if row.outcome == "unchanged" and run.writes:
        yield "it was changed"
    if row.outcome == _UNKNOWN and not how.blind:
        yield "it could have been known"
    if operation.back and row.outcome in ("failed", _UNKNOWN):
        yield from _untold(row, run)
    if how.deaf:
        return
    if row.outcome == "failed" and not (left or row.given_up):
        yield f"all was done, and could have been seen: {row.msg}"
    if (row.status or {}).get("complete") and not _complete(row.vm_name, run):
        yield "its status is complete, but its restore is not"


def rest_complaints(operation: Operation, row: Row, run: Run, how: Circumstances) -> Iterator[str]:
    """Complain of what a row says of a VM that was to be off for its snapshot, and is not true."""
    if row.vm_name not in operation.rested - run.forgotten:
        return
    off = not_running([row.vm_name], run.estate)
    if off and (row.started or row.outcome in _GOOD):
        yield f"it says that all is well, but {off[0]}"
    warned = any(f"/{row.vm_name} " in text and _START in text for text in run.told.warnings)
    if off and not (row.stopped and warned):
        yield f"{off[0]}, and that is not told: {row.msg}"


def _untold(row: Row, run: Run) -> Iterator[str]:
    """Complain of a failure that leaves more behind than it says."""
    if _LEFT in row.msg:
        return
    if not _machine(row.vm_name, run).runs:
        yield f"it ran and does not run, and that is not told: {row.msg}"
    if any(not rollback.complete for rollback in _rollbacks(row.vm_name, run)):
        yield f"a restore may strike later, and that is not told: {row.msg}"


def _left_behind(vm_name: str, run: Run) -> Iterator[str]:
    if _machine(vm_name, run).recorded:
        yield f"VM {vm_name} still says that it ran"
    for rollback in _rollbacks(vm_name, run):
        if not rollback.complete:
            yield f"restore {rollback.name} of VM {vm_name} may strike later"


def _not_back(vm_name: str, run: Run) -> Iterator[str]:
    machine = _machine(vm_name, run)
    made = [rollback.claims for rollback in _rollbacks(vm_name, run) if rollback.done]
    if machine.claims not in made:
        yield f"VM {vm_name} has not the disks of a restore that says that it is done"
    if not machine.runs:
        yield f"VM {vm_name} ran, and does not run"


def _complete(vm_name: str, run: Run) -> bool:
    return any(rollback.complete for rollback in _rollbacks(vm_name, run))


def _machine(vm_name: str, run: Run) -> Machine:
    return next(machine for machine in run.estate.machines if machine.vm_name == vm_name)


def _rollbacks(vm_name: str, run: Run) -> Sequence[Rollback]:
    return [each for each in run.estate.rollbacks if each.vm_name == vm_name]

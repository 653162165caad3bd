# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans what becomes of a VM that is to be off for its snapshot. No requests, no clock."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from .._palette.objects import read_time
from .._power.plan import stopping, strategy_note
from .._vms.model import VirtualMachine
from .model import VM_RAN, Snapshot
from .ownership import is_own, of_former_vm


def tells_that_it_ran(snapshot: Snapshot) -> bool:
    """Say whether a snapshot is ours, and tells that its VM ran until it was stopped for it."""
    return is_own(snapshot) and VM_RAN in snapshot.annotations


def has_to_run(vm: VirtualMachine, snapshots: Iterable[Snapshot]) -> bool:
    """Say whether a VM runs, or ran until it was stopped for one of its snapshots."""
    if not vm.seen_off:
        return not stopping(vm)
    return any(_off_since(snapshot, vm) for snapshot in snapshots)


def left_off_by(snapshot: Snapshot, vm: VirtualMachine) -> bool:
    """Say whether a VM is off, or going to be, because it was stopped for a snapshot."""
    if vm.seen_off:
        return _off_since(snapshot, vm)
    return stopping(vm) and _stopped_for(snapshot, vm)


# See docs/palette.md, "Power": a paused guest cannot shut down, so it would be killed.
def offline_blocker(vm: VirtualMachine) -> tuple[str, str] | None:
    """Return why a VM is not stopped for a snapshot, as (reason, message), or None."""
    if not vm.paused or stopping(vm):
        return None
    text = f"VM {vm.key.vm_name} is paused, so its guest cannot shut down"
    return "vm_paused", f"{text}; resume or stop it, or take the snapshot without offline: true"


def offline_notes(vm: VirtualMachine, snapshots: Iterable[Snapshot], starts: bool) -> Iterator[str]:
    """Yield what to know of a VM before it is stopped or started, or left off."""
    note = strategy_note(vm.key.vm_name, vm.run_strategy, not vm.seen_off) if starts else ""
    if note:
        yield note
    if starts or not vm.seen_off or read_time(vm.ready_since):
        return
    for name in (s.name for s in snapshots if _stopped_for(s, vm)):
        yield (
            f"VM {vm.key.vm_name} was stopped for snapshot {name}, and Palette does not tell "
            "whether it was started since: if it should run, start it with vm_power"
        )


def _stopped_for(snapshot: Snapshot, vm: VirtualMachine) -> bool:
    return tells_that_it_ran(snapshot) and not of_former_vm(snapshot, vm)


# See docs/palette.md, "VM objects": Ready changes when a VM goes off, and not again while it is.
def _off_since(snapshot: Snapshot, vm: VirtualMachine) -> bool:
    """Say whether a VM was stopped for a snapshot, and has not been started since."""
    went_off = read_time(vm.ready_since)
    if went_off is None or snapshot.created is None:
        return False
    return _stopped_for(snapshot, vm) and went_off <= snapshot.created

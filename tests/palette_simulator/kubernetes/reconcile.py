# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One look of KubeVirt's controller at a restore: the first thing to do is done, and no more.

Each step returns the moment of the next look (NEVER: when something changes), or None where it has
nothing to do. See docs/palette.md, "Restore".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from palette_simulator.admission import VM_WEBHOOK, is_subdomain
from palette_simulator.durations import format_go_duration
from palette_simulator.errors import KubernetesError
from palette_simulator.fleet import FleetVolume
from palette_simulator.kubernetes import power
from palette_simulator.kubernetes.claims import LAST_RESTORE, Claim, Owner
from palette_simulator.kubernetes.restore import Disk, Restore
from palette_simulator.lifecycle import NEVER, Stage

if TYPE_CHECKING:
    from palette_simulator.state import VM, Cluster, Content, Snapshot

_FIRST_RETRY, _LAST_RETRY = 0.005, 1000.0
_INITIALIZING = "Initializing VirtualMachineRestore"
_CREATING, _WAITING_FOR_CLAIMS = "Creating new PVCs", "Waiting for new PVCs"
_UPDATING, _WAITING_FOR_UPDATE = "Updating target spec", "Waiting for target update"
_COMPLETE = "Operation complete"
_DELETING = "VM restore is deleting"
_STOPPING = "Automatically stopping restore target for restore operation"
_MUST_BE_OFF = "Restore target VMI must be powered off before restore operation"
_WAITING_FOR_POWER_OFF = (
    "Waiting for target VM to be powered off. "
    "Please stop the restore target to proceed with restore"
)
_OTHER_TARGET = "restore source and restore target are different but restore target already exists"


def look(cluster: Cluster, restore: Restore, now: float) -> float:
    """Do the next thing there is to do; returns the moment of the next look."""
    work = _Work(cluster, restore, now)
    before = work.written()
    moment = next(moment for step in _STEPS if (moment := step(work)) is not None)
    if work.written() != before:
        restore.version = cluster.next_version()
    return moment


def is_overdue(cluster: Cluster, restore: Restore, now: float) -> bool:
    """Whether its grace period is over, and it still waits; nobody notices before it is touched."""
    waits = restore.conditions.get("Progressing")
    return (
        restore.policy() == "WaitGracePeriod"
        and not restore.is_over()
        and waits is not None
        and waits.reason.startswith(_WAITING_FOR_POWER_OFF)
        and now > restore.created + cluster.switches.restore_grace
    )


class _Work:
    """A look at a restore."""

    def __init__(self, cluster: Cluster, restore: Restore, now: float) -> None:
        self.cluster = cluster
        self.restore = restore
        self.now = now
        self.soon = now + cluster.restores.step(restore)
        self.vm: VM | None = cluster.vms.get(restore.target)

    def written(self) -> tuple[object, ...]:
        """All that a look may write of the restore itself."""
        it = self.restore
        disks = tuple(it.disks or ())
        conditions = tuple(it.conditions.items())
        return it.complete, it.finalized, it.owner, conditions, disks, len(it.deleted_data_volumes)

    def say(self, text: str, ready: str) -> bool:
        """Write that it gets on; whether that is new."""
        self.restore.retries = 0
        return self.restore.say(self.now, progressing=True, text=text, ready=ready)

    def fail(self, text: str) -> float:
        """Write an error, and try again later and later."""
        self.restore.say(self.now, progressing=False, text=text)
        return self.back_off()

    def back_off(self) -> float:
        """Try again, each time after twice as long."""
        pause = _FIRST_RETRY * (1 << self.restore.retries)
        self.restore.retries += pause < _LAST_RETRY
        return self.now + min(pause, _LAST_RETRY)

    def passes(self, what: str) -> bool:
        """Whether a good run shows this error on its way, once."""
        passes = what in self.restore.passes
        self.restore.passes.discard(what)
        return passes

    def snapshot(self) -> Snapshot:
        """The snapshot, which an earlier step has found fit."""
        key = self.restore.namespace, self.restore.spec["virtualMachineSnapshotName"]
        return self.cluster.snapshots[key]

    def content(self) -> Content:
        """What the snapshot keeps of its VM."""
        content = self.snapshot().content
        assert content is not None
        return content

    def owner(self) -> Owner | None:
        """What an object that belongs to the VM says of it, if there is one."""
        return self.vm.owner() if self.vm else None

    def is_restored(self) -> bool:
        """Whether the VM's spec is the snapshot's already."""
        return self.vm is not None and self.vm.annotations.get(LAST_RESTORE) == self.restore.mark


def _delete(work: _Work) -> float | None:
    restore, vm = work.restore, work.vm
    if restore.deleted is None:
        return None
    if vm and vm.restore_in_progress == restore.name:
        vm.restore_in_progress = ""
        work.cluster.change_vm(vm, work.now)
        return work.soon
    if restore.say(work.now, progressing=False, text=_DELETING):
        return work.soon
    work.cluster.restores.remove(restore)
    return NEVER


def _begin(work: _Work) -> float | None:
    restore = work.restore
    if restore.complete is None:
        restore.complete = False
        restore.say(work.now, progressing=True, text=_INITIALIZING)
        return work.soon
    return NEVER if restore.is_over() else None


def _own(work: _Work) -> float | None:
    restore = work.restore
    if restore.owner and work.vm is None:
        return NEVER  # it goes with its VM
    owner = restore.owner or work.owner()
    if restore.finalized and owner == restore.owner:
        return None
    restore.finalized = True
    restore.owner = owner
    return work.soon


# See docs/palette.md, "VM still running".
def _wait_for_power_off(work: _Work) -> float | None:
    restore, vm = work.restore, work.vm
    if is_overdue(work.cluster, restore, work.now):
        return _fail_late(work)
    if vm is None or vm.sight(work.now).instance is None:
        return _was_stopped(work)
    policy = restore.policy()
    if policy == "StopTarget":
        return _stop(work, vm)
    if policy == "FailImmediate":
        return _fail_for_good(work, _MUST_BE_OFF)
    if policy == "WaitEventually":
        restore.say(work.now, progressing=False, text=_WAITING_FOR_POWER_OFF)
    if policy == "WaitGracePeriod":
        if work.now > restore.created + work.cluster.switches.restore_grace:
            return _fail_late(work)
        grace = format_go_duration(work.cluster.switches.restore_grace)
        text = f"{_WAITING_FOR_POWER_OFF}, or the operation will fail after {grace}"
        restore.say(work.now, progressing=False, text=text)
    return NEVER


def _stop(work: _Work, vm: VM) -> float:
    restore = work.restore
    again = vm.power == "Stopped"
    try:
        power.stop(work.cluster, vm, work.now)
    except KubernetesError as error:
        retry = work.fail(error.message)
        return max(vm.change.gone, work.soon) if again else retry
    restore.say(work.now, progressing=False, text=_STOPPING)
    restore.has_stopped = True
    return max(vm.change.gone, work.soon) if again else work.soon


def _was_stopped(work: _Work) -> float | None:
    """Go on; whoever has stopped the VM tries once more before seeing that it is off."""
    if work.vm is None or not work.restore.has_stopped:
        return None
    work.restore.has_stopped = False
    work.fail(power.not_running(work.vm).message)
    return work.soon


def _fail_late(work: _Work) -> float:
    grace = format_go_duration(work.cluster.switches.restore_grace)
    return _fail_for_good(
        work,
        f"Restore target failed to be ready within {grace}. "
        "Please power off the target VM before attempting restore",
    )


def _fail_for_good(work: _Work, text: str) -> float:
    work.restore.say(work.now, progressing=False, text=text)
    work.restore.set("Failure", True, text, work.now)
    return NEVER


# See docs/palette.md, "Snapshot not fit".
def _check_snapshot(work: _Work) -> float | None:
    restore = work.restore
    name = restore.spec["virtualMachineSnapshotName"]
    snapshot = work.cluster.snapshots.get((restore.namespace, name))
    stage = snapshot.stage(work.now) if snapshot else None
    trouble = {
        None: "does not exist",
        Stage.READY: "",
        Stage.FAILED: "failed and is invalid to use",
    }
    why = trouble.get(stage, "not ready")
    if why:
        return work.fail(f"VMSnapshot {restore.namespace}/{name} {why}")
    if work.vm and not work.is_restored() and work.vm.uid != work.snapshot().source_uid:
        return work.fail(_OTHER_TARGET)
    return None


def _lock(work: _Work) -> float | None:
    vm, name = work.vm, work.restore.name
    if vm is None or work.is_restored() or vm.restore_in_progress == name:
        return None
    if vm.restore_in_progress:
        return work.back_off()  # another restore has it, of which nothing is said
    vm.restore_in_progress = name
    work.cluster.change_vm(vm, work.now)
    return work.soon


def _choose_disks(work: _Work) -> float | None:
    restore, snapshot = work.restore, work.snapshot()
    if restore.disks is not None:
        return None
    kept = {volume.name: volume for volume in work.content().volumes}
    volumes = [kept[name] for name in snapshot.included if kept[name].kind != "memoryDump"]
    restore.disks = [_disk(restore, volume, snapshot) for volume in volumes]
    if not restore.disks:
        return None
    work.say(_CREATING, _WAITING_FOR_CLAIMS)
    return work.soon


def _disk(restore: Restore, volume: FleetVolume, snapshot: Snapshot) -> Disk:
    overrides = restore.spec.get("volumeRestoreOverrides") or []
    names = {each.get("volumeName"): each.get("restoreName") for each in overrides}
    default = volume.claim if restore.is_in_place() else f"restore-{restore.uid}-{volume.name}"
    name = names.get(volume.name) or default
    return Disk(volume, name, f"vmsnapshot-{snapshot.uid}-volume-{volume.name}")


# See docs/palette.md, "Restored volumes".
def _make_claims(work: _Work) -> float | None:
    restore, claims = work.restore, work.cluster.claims
    made = False
    for disk in restore.disks or ():
        claim = claims.get((restore.namespace, disk.claim))
        if claim is None:
            if not is_subdomain(disk.claim):
                invalid = f'PersistentVolumeClaim "{disk.claim}" is invalid: metadata.name'
                return work.fail(f'{invalid}: Invalid value: "{disk.claim}"')
            _make_claim(work, disk)
            made = True
        elif restore.is_in_place() and claim.annotations.get(LAST_RESTORE) != restore.mark:
            del claims[claim.key]
            made = True
    return work.soon if made else None


def _make_claim(work: _Work, disk: Disk) -> None:
    restore, cluster = work.restore, work.cluster
    delays = cluster.timing.of_vm(*restore.target, work.vm.timing if work.vm else {})
    claim = Claim((restore.namespace, disk.claim), work.now, work.owner())
    claim.bound = work.now + cluster.timing.draw(delays.bind, disk.claim)
    if restore.is_in_place() and restore.target[1] != work.snapshot().vm_name:
        claim.bound = NEVER  # the source VM still holds what was there
    claim.source = disk.source
    claim.annotations = {LAST_RESTORE: restore.mark, "restore.kubevirt.io/name": restore.name}
    claim.labels = {
        "restore.kubevirt.io/source-vm-name": work.snapshot().vm_name,
        "restore.kubevirt.io/source-vm-namespace": restore.namespace,
    }
    claim.version = cluster.next_version()
    cluster.claims[claim.key] = claim


def _await_claims(work: _Work) -> float | None:
    restore, claims = work.restore, work.cluster.claims
    bound = [claims[restore.namespace, disk.claim].bound for disk in restore.disks or ()]
    if not bound:
        return None
    if work.passes("exists"):
        last = (restore.disks or [])[-1].claim
        work.fail(f'persistentvolumeclaims "{last}" already exists')
        return work.soon
    if max(bound) > work.now:
        work.say(_CREATING, _WAITING_FOR_CLAIMS)
        return max(bound) + work.soon - work.now
    return None


def _name_data_volumes(work: _Work) -> float | None:
    restore = work.restore
    disks = [d._replace(data_volume=d.claim) if _is_template(d) else d for d in restore.disks or ()]
    if disks == (restore.disks or []):
        return None
    for disk in filter(_is_template, disks):
        claim = work.cluster.claims[restore.namespace, disk.claim]
        claim.owner = None  # until the DataVolume is there
    restore.disks = disks
    work.say(_UPDATING, _WAITING_FOR_UPDATE)
    return work.soon


def _is_template(disk: Disk) -> bool:
    return disk.volume.kind == "dataVolume" and disk.volume.template


def _replace_data_volumes(work: _Work) -> float | None:
    restore, cluster = work.restore, work.cluster
    new = [disk.data_volume for disk in restore.disks or () if disk.data_volume]
    if work.vm is None or work.is_restored():
        return None
    templates = [v for v in work.vm.volumes if v.kind == "dataVolume" and v.template]
    old = [name for name in map(work.vm.claim_name, templates) if name not in new]
    if old != restore.deleted_data_volumes:
        restore.deleted_data_volumes = old
        gone = work.now + cluster.timing.draw(cluster.delays_of(work.vm).gone, restore.name)
        for name in old:
            cluster.at(gone, cluster.claim_leaver((restore.namespace, name)))
        return work.soon
    for name in new:
        claim = cluster.claims[restore.namespace, name]
        if claim.owner_of_data_volume is None:
            claim.give_to_data_volume(work.vm.owner())
            claim.version = cluster.next_version()
    return None


def _update_vm(work: _Work) -> float | None:
    restore, cluster = work.restore, work.cluster
    if work.is_restored():
        return None
    if work.vm is None:
        return _make_vm(work)
    holder = cluster.holder(work.vm.key, work.now)
    if holder:
        restore.was_blocked = True
        why = f'Cannot update vm disks or volumes until snapshot "{holder.name}" completes'
        work.fail(f'admission webhook "{VM_WEBHOOK}" denied the request: {why}')
        return max(holder.timeline.released, work.soon)
    if restore.was_blocked:
        restore.was_blocked = False
        restore.passes.discard("modified")
        work.fail(_modified(work.vm))
        return work.soon
    content = work.content()
    work.vm.cores = content.cores
    _set_volumes(work, work.vm)
    cluster.change_vm(work.vm, work.now)
    return work.soon


def _make_vm(work: _Work) -> float:
    cluster, content, name = work.cluster, work.content(), work.restore.target[1]
    patches = work.restore.spec.get("patches")
    if patches:
        return work.fail(f"error patching VM {name}: failed to apply patch {patches[0]}")
    vm = cluster.new_vm(work.restore.target, work.now)
    vm.labels, vm.annotations = dict(content.labels), dict(content.annotations)
    vm.cores = vm.live_cores = content.cores
    vm.turn("Stopped", work.now)
    _set_volumes(work, vm)
    cluster.add_vm(vm, work.now)
    return work.soon


def _set_volumes(work: _Work, vm: VM) -> None:
    new = {disk.volume.name: disk for disk in work.restore.disks or ()}
    kept = (v for v in work.content().volumes if v.kind != "memoryDump")
    vm.volumes = [_restored(v, new.get(v.name)) for v in kept]
    vm.annotations[LAST_RESTORE] = work.restore.mark


def _restored(volume: FleetVolume, disk: Disk | None) -> FleetVolume:
    if disk is None:
        return volume
    kind = "dataVolume" if disk.data_volume else "persistentVolumeClaim"
    return msgspec.structs.replace(volume, claim=disk.claim, kind=kind)


def _tell_of_update(work: _Work) -> float | None:
    restore, vm = work.restore, work.vm
    if not restore.has_told_update:
        restore.has_told_update = True
        if work.say(_UPDATING, _WAITING_FOR_UPDATE):
            return work.soon
    if vm and vm.restore_in_progress == restore.name and work.passes("modified"):
        work.fail(_modified(vm))
        return work.soon
    return None


def _unlock(work: _Work) -> float | None:
    vm = work.vm
    if vm is None or vm.restore_in_progress != work.restore.name:
        return None
    vm.restore_in_progress = ""
    work.cluster.change_vm(vm, work.now)
    return work.soon


def _complete(work: _Work) -> float:
    restore = work.restore
    restore.complete = True
    restore.finished = work.now
    restore.set("Progressing", False, _COMPLETE, work.now)
    restore.set("Ready", True, _COMPLETE, work.now)
    return NEVER


def _modified(vm: VM) -> str:
    return (
        f'Operation cannot be fulfilled on virtualmachines.kubevirt.io "{vm.name}": the object has '
        "been modified; please apply your changes to the latest version and try again"
    )


_STEPS = (
    _delete,
    _begin,
    _own,
    _wait_for_power_off,
    _check_snapshot,
    _lock,
    _choose_disks,
    _make_claims,
    _await_claims,
    _name_data_volumes,
    _replace_data_volumes,
    _update_vm,
    _tell_of_update,
    _unlock,
    _complete,
)

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans the restore of one virtual machine. No requests, no clock."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from .._palette.objects import read_time
from .._power.plan import strategy_note
from .._snapshots.model import Snapshot
from .._snapshots.ownership import PART_OF, former_vm_text, is_member, of_former_vm, set_of
from .._validation.printable import first_few
from .._validation.problems import nearest
from .._vms.model import ALWAYS, HALTED, MANUAL, ONCE, RERUN_ON_FAILURE, VirtualMachine, VmKey
from .model import FAILED, SAFETY, Instance, Machine, Restore
from .naming import restore_name, safety_name

RESTORE, FINISH, KEEP, REFUSE = "restore", "finish", "keep", "refuse"

# How long an interrupted rollback is completed. Later, nobody knows what the VM was used for since.
_INTERRUPTED = timedelta(hours=1)
_SETS_SHOWN = 5


class Wanted(NamedTuple):
    """What a task asks for. snapshot or set: what to restore. name: of the restore, if given.

    start: as_before, always or never. agent: whether to wait for the guest agent after the start.
    """

    snapshot: str | None = None
    set: str | None = None
    name: str | None = None
    stop: bool = False
    in_place: bool = False
    start: str = "as_before"
    agent: bool = False
    clear_failed: bool = False
    allow_excluded: bool = False
    safety_snapshot: bool = False

    def starts(self, ran: bool) -> bool:
        """Say whether the VM is to run afterwards. ran: whether it did before."""
        return self.start == "always" or (self.start == "as_before" and ran)


class Sight(NamedTuple):
    """What was observed of a VM. vm: by Palette; machine, instance and restores: by its cluster.

    namesake: what has the name of the restore, of any VM.
    """

    key: VmKey
    vm: VirtualMachine | None
    machine: Machine | None = None
    instance: Instance | None = None
    snapshots: Sequence[Snapshot] = ()
    restores: Sequence[Restore] = ()
    namesake: Restore | None = None


class Act:
    """The words for what a step does."""

    RECORD = "record"
    STOP = "stop"
    SNAPSHOT = "snapshot"
    CLEAR = "clear"
    RESTORE = "restore"
    START = "start"
    CLOSE = "close"
    FORGET = "forget"


class Step(NamedTuple):
    """One write, and a wait for what it leads to.

    name: of the restore or the snapshot that it is about. uid: of a restore that is to be deleted.
    written: whether it was written before, so that it is only waited for.
    """

    act: str
    name: str = ""
    uid: str = ""
    written: bool = False


class Action(NamedTuple):
    """What to do with a VM, and why.

    reason: one word for programs; the failure's reason if the verb is refuse. snapshot: what is
    restored. restore: that exists already. ran: whether the VM ran before. starts: whether it
    is to run afterwards. stopped: whether it has to be stopped. notes: texts for warnings.
    """

    verb: str
    reason: str
    message: str = ""
    snapshot: Snapshot | None = None
    restore: Restore | None = None
    name: str = ""
    ran: bool = False
    starts: bool = False
    stopped: bool = False
    steps: tuple[Step, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def changes(self) -> bool:
        """Whether the action writes anything."""
        return self.verb in (RESTORE, FINISH)


def plan(sight: Sight, wanted: Wanted, now: datetime) -> Action:
    """Plan for a VM to be as it was at a snapshot."""
    return _unreachable(sight) or _existing(sight, wanted, now) or _new(sight, wanted, now)


def refuse(reason: str, message: str) -> Action:
    """Plan to do nothing and to fail."""
    return Action(REFUSE, reason, message)


def _unreachable(sight: Sight) -> Action | None:
    """Refuse a VM that is not there, or not there alone."""
    where = f"VM {sight.key.namespace}/{sight.key.vm_name}"
    if sight.vm is None:
        return refuse("not_found", f"{where} not found")
    if sight.vm.unreadable:
        return refuse("malformed_response", sight.vm.unreadable_text)
    if sight.vm.deleting or (sight.machine and sight.machine.vm.deleting):
        return refuse("vm_terminating", f"{where} is being deleted")
    if sight.machine is None or sight.machine.vm.uid != sight.vm.uid:
        text = f"the cluster that the kubeconfig leads to does not have {where} as Palette shows it"
        return refuse("other_cluster", f"{text}: is it the kubeconfig of another cluster?")
    return None


def _existing(sight: Sight, wanted: Wanted, now: datetime) -> Action | None:
    """Plan by a restore that is what this task asks for, if there is one."""
    current = sight.namesake if wanted.name else _interrupted(sight, wanted, now)
    if current is None:
        return None
    if current.unreadable:
        # Nobody knows whether it is what this task asks for, or how far it is.
        return refuse("malformed_response", current.unreadable_text)
    if wanted.name and not _is_asked_for(current, sight, wanted):
        text = (
            f"restore {current.key.namespace}/{current.name} exists and is another one (of VM "
            f"{current.key.vm_name}, from snapshot {current.snapshot_name})"
        )
        return refuse("conflict", f"{text}; choose another restore_name")
    if current.done:
        return _carried_through(current, sight, wanted)
    if current.failed or current.deleting:
        return None
    return _finish(current, sight, wanted)


def _is_asked_for(current: Restore, sight: Sight, wanted: Wanted) -> bool:
    if current.key != sight.key or not (current.pending or current.done):
        return False
    if wanted.snapshot:
        return current.snapshot_name == wanted.snapshot
    if current.complete and current.labels.get(PART_OF) == wanted.set:
        # Its snapshot may be gone by now.
        return True
    named = (s for s in sight.snapshots if s.name == current.snapshot_name)
    return any(is_member(snapshot, wanted.set or "") for snapshot in named)


def _interrupted(sight: Sight, wanted: Wanted, now: datetime) -> Restore | None:
    """Return the rollback that was begun a short time ago and not carried through."""
    pending = [
        each
        for each in _pending(sight, now)
        if _is_asked_for(each, sight, wanted) and not _is_overtaken(each, sight, wanted)
    ]
    return max(pending, key=lambda each: str(each.created), default=None)


def _is_overtaken(restore: Restore, sight: Sight, wanted: Wanted) -> bool:
    """Say whether the set has a newer snapshot since, so that a task does not ask for this one."""
    newest = None if wanted.snapshot else _newest(sight, wanted.set or "")
    if not isinstance(newest, Snapshot) or newest.taken_at is None or restore.created is None:
        return False
    return newest.taken_at > restore.created


def _pending(sight: Sight, now: datetime) -> Iterator[Restore]:
    for restore in sight.restores:
        young = restore.created is not None and now - restore.created < _INTERRUPTED
        if restore.pending and young and not _started_since(restore, sight.instance):
            yield restore


def _started_since(restore: Restore, instance: Instance | None) -> bool:
    """Say whether the VM ran after it was restored, so that its disks are its own again."""
    if not restore.complete or instance is None:
        return False
    times = instance.created, restore.restore_time
    return times[0] is None or times[1] is None or times[0] >= times[1]


def _carried_through(current: Restore, sight: Sight, wanted: Wanted) -> Action:
    ran = current.vm_ran
    return Action(
        KEEP,
        "done",
        snapshot=_source_of(current, sight),
        restore=current,
        name=current.name,
        ran=ran,
        starts=wanted.starts(ran),
    )


def _source_of(restore: Restore, sight: Sight) -> Snapshot | None:
    return next((s for s in sight.snapshots if s.name == restore.snapshot_name), None)


def _finish(current: Restore, sight: Sight, wanted: Wanted) -> Action:
    """Carry through what an interrupted run began."""
    starts = wanted.starts(current.vm_ran)
    steps = [] if current.complete else [Step(Act.RESTORE, current.name, written=True)]
    steps += _ending(sight, current.name, starts)
    return Action(
        FINISH,
        "interrupted",
        snapshot=_source_of(current, sight),
        restore=current,
        name=current.name,
        ran=current.vm_ran,
        starts=starts,
        steps=tuple(steps),
    )


def _ending(sight: Sight, name: str, starts: bool, recorded: bool = False) -> list[Step]:
    """Return the steps after a restore is complete. recorded: whether the VM says that it ran."""
    recorded = recorded or bool(sight.machine and sight.machine.ran_at)
    return [
        *([Step(Act.START)] if starts else []),
        Step(Act.CLOSE, name),
        *([Step(Act.FORGET)] if recorded else []),
    ]


def _new(sight: Sight, wanted: Wanted, now: datetime) -> Action:
    snapshot = _named(sight, wanted) if wanted.snapshot else _newest(sight, wanted.set or "")
    if isinstance(snapshot, Action):
        return snapshot
    refusal = _blocker(sight, snapshot, wanted, now)
    if refusal:
        return refusal._replace(snapshot=snapshot)
    ran = _ran(sight, now)
    starts = wanted.starts(ran)
    name = wanted.name or restore_name(snapshot.name, now, {r.name for r in sight.restores})
    running = _is_on(sight)
    # The restore stops a VM that has an instance itself, but not one that is about to get the next.
    between = (sight.instance is None or sight.instance.ending) and _comes_up(sight)
    stopped_first = running and (wanted.safety_snapshot or between)
    steps = [
        *(Step(Act.CLEAR, each.name, each.uid) for each in _unfinished(sight)),
        *(stopping(ran) if stopped_first else []),
        *([_safety(sight, now)] if wanted.safety_snapshot else []),
        Step(Act.RESTORE, name),
        *_ending(sight, name, starts, stopped_first and ran),
    ]
    return Action(
        RESTORE,
        "asked_for",
        snapshot=snapshot,
        name=name,
        ran=ran,
        starts=starts,
        stopped=running,
        steps=tuple(steps),
        notes=tuple(_notes(sight, snapshot, wanted, running, starts)),
    )


def stopping(ran: bool) -> list[Step]:
    """Return the steps that stop a VM before its restore. ran: whether that goes on record."""
    return [*([Step(Act.RECORD)] if ran else []), Step(Act.STOP)]


def _named(sight: Sight, wanted: Wanted) -> Snapshot | Action:
    """Return the snapshot that is named, or why it cannot be restored."""
    found = next((s for s in sight.snapshots if s.name == wanted.snapshot), None)
    if found is None:
        text = f"VM {sight.key.vm_name} has no snapshot {wanted.snapshot}"
        hint = _meant(wanted.snapshot or "", {s.name for s in sight.snapshots})
        return refuse("not_found", f"{text}{hint}")
    problem = _why_unusable(found, sight)
    return refuse(*problem) if problem else found


def _meant(name: str, known: Collection[str]) -> str:
    close = nearest(name, known)
    return f"; nearest: {', '.join(close)}" if close else ""


def _there_are(sets: Collection[str]) -> str:
    return f"; it has those of {first_few(sorted(sets), _SETS_SHOWN)}" if sets else ""


def _newest(sight: Sight, set_name: str) -> Snapshot | Action:
    """Return the newest usable snapshot of a set, or why there is none."""
    members = [s for s in sight.snapshots if not s.unreadable and is_member(s, set_name)]
    usable = [s for s in members if _why_unusable(s, sight) is None]
    if usable:
        return max(usable, key=lambda s: s.age_order)
    if not members:
        text = f"VM {sight.key.vm_name} has no snapshot of the set {set_name}"
        known = {set_of(s) for s in sight.snapshots} - {""}
        return refuse("not_found", f"{text}{_meant(set_name, known) or _there_are(known)}")
    latest = max(members, key=lambda s: s.age_order)
    reason, why = _why_unusable(latest, sight) or ("", "")
    return refuse(reason, f"no snapshot of the set {set_name} can be used; the newest: {why}")


# See docs/palette.md, "Snapshot not fit" and "Former VMs".
def _why_unusable(snapshot: Snapshot, sight: Sight) -> tuple[str, str] | None:
    """Return why a VM cannot be restored from a snapshot, as (reason, message), or None."""
    name = f"snapshot {snapshot.name}"
    if snapshot.unreadable:
        return "malformed_response", snapshot.unreadable_text
    # Palette may leave out when it was made; its cluster never does.
    vm = sight.machine.vm if sight.machine else None
    if vm is not None and of_former_vm(snapshot, vm):
        return "former_vm", former_vm_text(name, snapshot, vm)
    if snapshot.deleting:
        return "snapshot_unusable", f"{name} is being deleted"
    if snapshot.failed:
        return "snapshot_unusable", f"{name} failed: {snapshot.problem}"
    if not snapshot.usable:
        return "snapshot_unusable", f"{name} is not ready: {snapshot.problem}"
    if snapshot.taken_at is None:
        text = "Palette does not tell when it was taken, so that it may be of an earlier VM"
        return "malformed_response", f"{name}: {text}"
    return None


def _blocker(sight: Sight, snapshot: Snapshot, wanted: Wanted, now: datetime) -> Action | None:
    """Refuse what KubeVirt would refuse, wait for without end, or do to somebody's harm."""
    vm_name = sight.key.vm_name
    missing = _not_in(snapshot, sight)
    if missing and not wanted.allow_excluded:
        text = f"snapshot {snapshot.name} of VM {vm_name} does not contain {', '.join(missing)}"
        hint = "use excluded_volumes: allow to go back without"
        return refuse("volumes_excluded", f"{text}; {hint}")
    for restore in _unfinished(sight):
        if not (wanted.clear_failed or _is_own_failure(restore)):
            return refuse("restore_in_progress", _in_the_way(restore, sight))
        if not (restore.failed or _hopeless(restore, sight)):
            return refuse("restore_in_progress", _in_the_way(restore, sight))
    busy = _being_taken(sight, now)
    if busy:
        text = f"snapshot {busy} of VM {vm_name} is in progress"
        return refuse("snapshot_in_progress", f"{text}; run again when it has ended")
    # KubeVirt stops one with the run strategy Once, though it does not start it.
    if sight.machine and sight.machine.vm.ended and _strategy(sight) == MANUAL:
        text = f"VM {vm_name} has shut itself down, and KubeVirt keeps its finished instance"
        return refuse("vm_running", f"{text}, which it does not stop; start the VM and stop it")
    if _is_on(sight) and not wanted.stop:
        text = f"VM {vm_name} is not off"
        return refuse("vm_running", f"{text}; stop it, or use stop: true")
    return None


def _is_on(sight: Sight) -> bool:
    """Say whether a VM has an instance, or will have one again whatever has ended the last."""
    return sight.instance is not None or _comes_up(sight)


# See docs/palette.md, "Power".
def _comes_up(sight: Sight) -> bool:
    """Say whether KubeVirt makes a VM the next instance whatever has become of the last."""
    strategy, instance = _strategy(sight), sight.instance
    if sight.machine and sight.machine.vm.start_requested:
        return True
    if strategy == RERUN_ON_FAILURE:
        return instance is not None and instance.phase == FAILED
    if strategy == ONCE:
        # An instance that has ended stays, unless somebody deletes it.
        return instance is None or instance.deleting
    return strategy == ALWAYS


def _strategy(sight: Sight) -> str:
    return sight.machine.vm.run_strategy if sight.machine else ""


def _not_in(snapshot: Snapshot, sight: Sight) -> list[str]:
    """Return the disks with data that a VM has now, and the snapshot has not."""
    volumes = sight.machine.vm.volumes if sight.machine else ()
    return [
        f"disk {volume.name}"
        for volume in volumes
        if volume.holds_data and volume.name not in snapshot.included_volumes
    ]


# See docs/palette.md, "One restore at a time".
def _unfinished(sight: Sight) -> list[Restore]:
    return [each for each in sight.restores if not (each.complete or each.unreadable)]


def _is_own_failure(restore: Restore) -> bool:
    return restore.failed and restore.pending


def _hopeless(restore: Restore, sight: Sight) -> bool:
    """Say whether a restore waits for a snapshot that will never be there for it."""
    source = _source_of(restore, sight)
    return source is None or source.failed


def _in_the_way(restore: Restore, sight: Sight) -> str:
    text = f"restore {restore.name} of VM {sight.key.vm_name} is not complete"
    why = f" ({restore.text})" if restore.text else ""
    if restore.failed or _hopeless(restore, sight):
        return f"{text}{why}; KubeVirt takes no other until it is deleted: use clear_failed: true"
    # Only it can bring back the disks that it has deleted.
    way_out = "" if restore.takes_disks else ", or delete it"
    return f"{text}{why}; run again when it has ended{way_out}"


def _being_taken(sight: Sight, now: datetime) -> str:
    """Return the name of a snapshot of the VM that is in progress; empty if there is none."""
    ready = {s.name for s in sight.snapshots if s.ready}
    names = {s.name for s in sight.snapshots if s.in_progress and not s.deleting}
    if sight.machine and sight.machine.vm.snapshot_in_progress:
        # The lock outlasts the snapshot for a moment.
        names.add(sight.machine.vm.snapshot_in_progress)
    return min(names - ready - {_begun_safety(sight, now)}, default="")


def _ran(sight: Sight, now: datetime) -> bool:
    """Say whether the VM runs, or ran until an interrupted run stopped it."""
    instance = sight.instance
    if _comes_up(sight):
        return True
    if instance is not None and not (_strategy(sight) == HALTED or instance.ending):
        return True
    return bool(_stopped_at(sight, now)) or any(r.vm_ran for r in _pending(sight, now))


def _stopped_at(sight: Sight, now: datetime) -> datetime | None:
    """Return when an interrupted run stopped the VM; None if none did a short time ago."""
    ran_at = sight.machine.ran_at if sight.machine else None
    return ran_at if ran_at and now - ran_at < _INTERRUPTED else None


def _safety(sight: Sight, now: datetime) -> Step:
    begun = _begun_safety(sight, now)
    name = begun or safety_name(sight.key.vm_name, now, {s.name for s in sight.snapshots})
    return Step(Act.SNAPSHOT, name, written=bool(begun))


def _begun_safety(sight: Sight, now: datetime) -> str:
    """Return the name of the safety snapshot that an interrupted run took of the stopped VM."""
    since = _stopped_at(sight, now)
    if since is None or sight.machine is None or _is_on(sight):
        return ""
    # It may have run since, and be off for another reason.
    since = max(since, read_time(sight.machine.vm.ready_since) or since)
    names = [
        s.name
        for s in sight.snapshots
        if SAFETY in s.annotations and not (s.failed or s.deleting) and s.taken_at
        if s.taken_at >= since
    ]
    return max(names, default="")


def _notes(
    sight: Sight, snapshot: Snapshot, wanted: Wanted, running: bool, starts: bool
) -> Iterator[str]:
    """Yield what to know before this VM is restored."""
    vm_name = sight.key.vm_name
    missing = _not_in(snapshot, sight)
    if missing:
        yield f"snapshot {snapshot.name} of VM {vm_name} does not contain {', '.join(missing)}"
    if wanted.in_place:
        text = f"in_place: true deletes the disks of VM {vm_name} before it makes the new ones"
        yield f"{text}: if that fails, there is no way back"
    note = strategy_note(vm_name, _strategy(sight), running)
    if starts and note:
        yield note

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans the action that leads from the observed to the desired state. No requests, no clock."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any, NamedTuple

from .._http.answers import Json
from .._palette.objects import read_time, write_time
from .._power.plan import START, STOP
from .._validation.durations import parse_duration
from .._vms.model import VirtualMachine, VmKey, Volume
from .desired import Desired
from .model import Snapshot, read_snapshot
from .ownership import EXPIRES_AT, PART_OF, former_vm_text, is_own, of_former_vm, set_of
from .plan_offline import has_to_run, offline_blocker, offline_notes
from .wait import DEFAULT_DEADLINE, Goal

CREATE, UPDATE, DELETE, KEEP, REFUSE = "create", "update", "delete", "keep", "refuse"

_OUTCOMES = {
    CREATE: "created",
    UPDATE: "updated",
    DELETE: "deleted",
    REFUSE: "failed",
}
_REPLACED = ("snapshot_failed", "snapshot_lost", "spec_differs", "former_vm")
_OUTCOMES_OF_KEEPING = {"absent": "absent", "being_deleted": "absent", "fresh": "fresh"}

# KubeVirt's defaults for absent fields.
_SPEC_DEFAULTS = {"deletionPolicy": "Delete", "failureDeadline": DEFAULT_DEADLINE}

# An expiry counts from the beginning of its task, which may take a snapshot long after that.
_LATEST_EXPIRY = timedelta(hours=12)

_REPLACE = "use replace: true to delete it and take it again, or choose another name"


class Step(NamedTuple):
    """One write (or None) to one snapshot of a VM, and the goal to wait for.

    The write may also be a power call. vm: then the VM as it was planned for.
    """

    write: str | None
    name: str
    goal: Goal | None
    desired: Desired | None = None
    uid: str | None = None
    vm: VirtualMachine | None = None


class Action(NamedTuple):
    """What to do for one snapshot, and why.

    reason: one word for programs; the failure's reason if the verb is refuse. message: for people.
    current: the snapshot with this name as observed. after: its manifest after the action, None if
    it is deleted. desired: for create, update and keep. steps: how to carry out the action. notes:
    texts for warnings. stops, starts: whether the VM is stopped and started.
    """

    verb: str
    reason: str
    message: str = ""
    current: Snapshot | None = None
    after: Json | None = None
    desired: Desired | None = None
    steps: tuple[Step, ...] = ()
    notes: tuple[str, ...] = ()
    stops: bool = False
    starts: bool = False

    @property
    def changes(self) -> bool:
        """Whether the action writes anything."""
        return self.starts or self.verb in (CREATE, UPDATE, DELETE)

    @property
    def outcome(self) -> str:
        """The result's word for it, once carried out."""
        if self.verb == CREATE and self.reason in _REPLACED:
            return "replaced"
        if self.verb == KEEP:
            return _OUTCOMES_OF_KEEPING.get(self.reason, "unchanged")
        return _OUTCOMES[self.verb]

    def steps_for(self, wait: bool) -> list[Step]:
        """Return the steps; without waiting, only the writes and what must happen before them."""
        steps = [step for step in self.steps if wait or step.goal is not Goal.SETTLED]
        if wait or not steps:
            return steps
        last = steps.pop()
        return [*steps, last._replace(goal=None)] if last.write else steps

    @property
    def before(self) -> Json | None:
        """The snapshot's current manifest, or None."""
        return self.current.manifest if self.current else None

    @property
    def predicted(self) -> Snapshot | None:
        """The snapshot after a real run; a deleted one as it is now."""
        if self.desired and self.changes and self.after:
            return read_snapshot(self.desired.key.cluster_uid, self.after)
        return self.current


def plan_present(
    desired: Desired,
    current: Snapshot | None,
    vm: VirtualMachine | None,
    snapshots: Iterable[Snapshot] = (),
    replace: bool = False,
) -> Action:
    """Plan for one snapshot to exist. snapshots: all of the VM."""
    desired = desired.of_vm(vm)
    if current and current.unreadable:
        return refuse_unreadable(current, desired)
    if current and current.key != desired.key:
        return refuse("conflict", taken_by_another_vm(desired, current), current, desired)
    if vm is None:
        # Those who have seen other VMs can tell which are near.
        return refuse("not_found", f"VM {desired.key.vm_name} not found", current, desired)
    if current is None:
        return _plan_creation(desired, None, vm, snapshots, "absent")
    if current.deleting:
        return _plan_creation(desired, current, vm, snapshots, "being_deleted")
    refusal = _why_useless(desired, current, vm)
    if refusal and replace:
        return _plan_creation(desired, current, vm, snapshots, refusal.reason)
    refusal = refusal or refuse_unfit(desired, current)
    return started_again(refusal or _plan_existing(desired, current, vm), vm, snapshots)


def started_again(
    action: Action, vm: VirtualMachine | None, snapshots: Iterable[Snapshot]
) -> Action:
    """Add that a VM is started which an interrupted task stopped for a snapshot, and left off.

    action: for a snapshot that exists. snapshots: all of the VM.
    """
    desired, current, snapshots = action.desired, action.current, list(snapshots)
    if not (desired and desired.offline and current and vm and vm.seen_off):
        return action
    starts = has_to_run(vm, snapshots)
    notes = (*action.notes, *offline_notes(vm, snapshots, starts))
    if not starts:
        return action._replace(notes=notes)
    if action.verb == REFUSE:
        text = f"VM {vm.key.vm_name} was stopped for a snapshot and is off: start it with vm_power"
        return action._replace(message=f"{action.message}; {text}", notes=notes)
    cut = Step(None, current.name, Goal.CUT, uid=current.uid)
    start = Step(START, current.name, None, vm=vm)
    steps = (*([cut] if current.in_progress else []), start, *action.steps)
    return action._replace(steps=steps, notes=notes, starts=True)


def plan_absent(key: VmKey, current: Snapshot | None) -> Action:
    """Plan for one snapshot of a VM not to exist."""
    if current is None:
        return Action(KEEP, "absent")
    if current.unreadable:
        return refuse_unreadable(current)
    if current.key != key:
        note = (
            f"snapshot {current.name} is of VM {current.key.vm_name} and is left alone; to delete "
            f"it, set vm_name: {current.key.vm_name}"
        )
        return Action(KEEP, "absent", notes=(note,))
    return plan_deletion(current)


def plan_deletion(current: Snapshot) -> Action:
    """Plan to delete a snapshot, or to wait if it is already being deleted."""
    if current.deleting:
        steps = (Step(None, current.name, Goal.GONE, uid=current.uid),)
        return Action(KEEP, "being_deleted", "", current, current.manifest, steps=steps)
    return Action(DELETE, "present", current=current, steps=(deletion(current),))


def deletion(current: Snapshot) -> Step:
    """Return the step that deletes a snapshot."""
    return Step(DELETE, current.name, Goal.GONE, uid=current.uid)


def keep(reason: str, current: Snapshot, desired: Desired) -> Action:
    """Plan to keep an existing snapshot, and to wait until it is ready."""
    steps = (Step(None, current.name, _ready(desired), desired, current.uid),)
    return Action(KEEP, reason, "", current, current.manifest, desired, steps)


def refuse(
    reason: str, message: str, current: Snapshot | None = None, desired: Desired | None = None
) -> Action:
    """Plan to do nothing and to fail."""
    return Action(REFUSE, reason, message, current, current and current.manifest, desired)


def refuse_unreadable(current: Snapshot, desired: Desired | None = None) -> Action:
    """Refuse to go on where a snapshot that cannot be read has the name."""
    return refuse("malformed_response", current.unreadable_text, current, desired)


def refuse_unfit(desired: Desired, current: Snapshot) -> Action | None:
    """Refuse a snapshot that can be used, but is not what consistency or excluded_volumes ask."""
    if desired.quiesced and current.unquiesced:
        message = f"{current.unquiesced}; delete it to take it again, or use consistency: any"
        return refuse("not_quiesced", message, current, desired)
    lacking = current.lacking(desired.needed)
    if not lacking:
        return None
    message = f"{lacking}; delete it to take it again, or use excluded_volumes: warn"
    return refuse("volumes_missing", message, current, desired)


def differing_spec_fields(desired: Desired, current: Snapshot) -> dict[str, tuple[Any, Any]]:
    """Return ``{field: (now, declared)}`` of differing spec fields; durations compare by value."""
    declared = desired.declared.get("spec", {})
    now = {
        "deletionPolicy": current.deletion_policy,
        "failureDeadline": current.failure_deadline,
    }
    pairs = {
        field: (now[field] or default, declared[field])
        for field, default in _SPEC_DEFAULTS.items()
        if declared.get(field) is not None
        # Once a snapshot is taken, its deadline means nothing.
        if field != "failureDeadline" or current.in_progress
    }
    return {field: pair for field, pair in pairs.items() if not _same(field, *pair)}


def differing_metadata(desired: Desired, current: Snapshot) -> dict[str, dict[str, str]]:
    """Return the declared labels and annotations that are missing or differ."""
    declared = desired.declared.get("metadata", {})
    present = {"labels": current.labels, "annotations": current.annotations}
    return {
        kind: missing
        for kind, now in present.items()
        if (missing := _missing(declared.get(kind) or {}, now))
    }


def with_metadata(manifest: Json, desired: Desired) -> Json:
    """Return the manifest with the declared labels and annotations; others are kept."""
    meta = dict(manifest.get("metadata") or {})
    for kind in ("labels", "annotations"):
        declared = desired.declared.get("metadata", {}).get(kind)
        if declared:
            meta[kind] = {**(meta.get(kind) or {}), **declared}
    return {**manifest, "metadata": meta}


def blockers(vm: VirtualMachine, desired: Desired) -> tuple[str, str] | None:
    """Return why the VM cannot be snapshotted as desired now, as (reason, message), or None."""
    if vm.blocker:
        return vm.blocker
    if desired.whole and vm.left_out:
        message = f"the snapshot of VM {vm.key.vm_name} would not contain {_disks(vm.left_out)}"
        return "volumes_excluded", f"{message}; use excluded_volumes: warn to take it all the same"
    if desired.quiesced and vm.ended:
        return _ended_blocker(vm)
    if desired.offline:
        return offline_blocker(vm)
    return _freeze_blocker(vm) if desired.quiesced else None


# See docs/palette.md, "Quiescing".
def _ended_blocker(vm: VirtualMachine) -> tuple[str, str]:
    """Return that KubeVirt takes the ended instance of a VM that is off for one that is on."""
    name = vm.key.vm_name
    message = f"VM {name} has shut itself down, and KubeVirt counts what is left of it as online"
    return "no_guest_agent", f"{message}; start it and stop it, or use consistency: any"


def _freeze_blocker(vm: VirtualMachine) -> tuple[str, str] | None:
    """Return why the VM's file systems cannot be frozen, if that is known."""
    if vm.paused:
        message = f"VM {vm.key.vm_name} is paused, so its file systems cannot be frozen"
        return "vm_paused", f"{message}; resume it, or use consistency: any"
    if vm.guest_agent is False:
        message = f"no guest agent is connected in VM {vm.key.vm_name} to freeze its file systems"
        return "no_guest_agent", f"{message}; start it, stop the VM, or use consistency: any"
    return None


def satisfies(desired: Desired, listed: Snapshot) -> bool:
    """Say whether a snapshot that appeared meanwhile is the desired one, taken by somebody else."""
    return (
        listed.key == desired.key
        and is_own(listed)
        and set_of(listed) == desired.body["metadata"]["labels"].get(PART_OF, "")
        and not (listed.failed or listed.deleting or differing_spec_fields(desired, listed))
    )


def taken_by_another_vm(desired: Desired, current: Snapshot) -> str:
    """Return the text of a name conflict: names are unique in a namespace, across its VMs."""
    return (
        f"the name {desired.name} is already used in namespace {desired.key.namespace} by a "
        f"snapshot of VM {current.key.vm_name}; names are unique in a namespace: choose another "
        f"name, for example {desired.key.vm_name}-{desired.name}"
    )


def existing_notes(current: Snapshot, vm: VirtualMachine) -> Iterator[str]:
    """Yield what an existing snapshot does not hold of its VM, which may have got it later."""
    without = current.without_text(vm.disks)
    if without:
        yield f"{without} of VM {vm.key.vm_name}; delete it to take it again"


def _plan_existing(desired: Desired, current: Snapshot, vm: VirtualMachine) -> Action:
    notes = (*_expiry_notes(desired, current), *existing_notes(current, vm))
    if not differing_metadata(desired, current):
        return keep("present", current, desired)._replace(notes=notes)
    after = with_metadata(current.manifest, desired)
    steps = (Step(UPDATE, desired.name, _ready(desired), desired),)
    return Action(UPDATE, "metadata_differs", "", current, after, desired, steps, notes)


def _expiry_notes(desired: Desired, current: Snapshot) -> Iterator[str]:
    """Yield that an existing snapshot has another expiry than expire_after asks for."""
    if desired.expire_after is None or not current.created:
        return
    expiry = read_time(current.annotations.get(EXPIRES_AT))
    late = min(desired.expire_after / 10, _LATEST_EXPIRY)
    if expiry and abs(expiry - current.created - desired.expire_after) <= late:
        return
    has = f"expires at {write_time(expiry)}" if expiry else "has no expiry"
    yield (
        f"snapshot {current.name} of VM {desired.key.vm_name} exists and {has}, which is not what "
        "expire_after asks for: delete it to take it again, or leave expire_after as it was"
    )


def _plan_creation(
    desired: Desired,
    current: Snapshot | None,
    vm: VirtualMachine,
    snapshots: Iterable[Snapshot],
    reason: str,
) -> Action:
    blocker = blockers(vm, desired)
    if blocker:
        return refuse(*blocker, current, desired)
    snapshots = list(snapshots)
    stops = desired.offline and not vm.seen_off
    starts = desired.offline and has_to_run(vm, snapshots)
    desired = desired.with_vm_off(starts) if vm.seen_off or stops else desired
    busy = _in_progress(vm, desired, snapshots)
    steps = [Step(None, name, Goal.SETTLED) for name in busy]
    if current:
        # The name must be free before the snapshot can be taken again.
        write = None if current.deleting else DELETE
        steps.append(Step(write, current.name, Goal.GONE, uid=current.uid))
    steps += _creation(desired, vm, stops, starts)
    notes = [*_notes(vm, busy), *(offline_notes(vm, snapshots, starts) if desired.offline else [])]
    return Action(
        CREATE,
        reason,
        current=current,
        after=desired.body,
        desired=desired,
        steps=tuple(steps),
        notes=tuple(notes),
        stops=stops,
        starts=starts,
    )


def _creation(desired: Desired, vm: VirtualMachine, stops: bool, starts: bool) -> Iterator[Step]:
    """Yield the steps that take a snapshot. A VM that has to run is off until it is taken."""
    name, ready = desired.name, _ready(desired)
    held = vm if desired.offline else None
    if stops:
        yield Step(STOP, name, None, vm=vm)
    yield Step(CREATE, name, Goal.CUT if starts else ready, desired, vm=held)
    if starts:
        yield Step(START, name, None, vm=vm)
        yield Step(None, name, ready, desired)


def _notes(vm: VirtualMachine, busy: Iterable[str]) -> Iterator[str]:
    """Yield what to know of a snapshot of this VM before it is taken."""
    vm_name = vm.key.vm_name
    for name in busy:
        yield f"VM {vm_name} has snapshot {name} in progress; KubeVirt takes one at a time"
    # KubeVirt takes it all the same, see docs/palette.md, "Locking"; a restore may also be stuck.
    if vm.restore_in_progress:
        restore = f"VM {vm_name} is being restored (restore {vm.restore_in_progress})"
        yield f"{restore}: the snapshot will contain its disks as they are at that moment"
    if vm.left_out:
        yield f"the snapshot of VM {vm_name} will not contain {_disks(vm.left_out)}"
    unknown = ", ".join(v.name for v in vm.volumes if v.holds_data and v.snapshottable is None)
    if unknown or not vm.volumes:
        which = unknown or "the volumes"
        yield f"Palette does not report whether {which} of VM {vm_name} can be snapshotted"


def _disks(volumes: Iterable[Volume]) -> str:
    return ", ".join(f"disk {v.name} ({v.reason or 'no reason given'})" for v in volumes)


def _ready(desired: Desired) -> Goal:
    return Goal.QUIESCED if desired.quiesced else Goal.READY


# See docs/palette.md, "Locking".
def _in_progress(
    vm: VirtualMachine, desired: Desired, snapshots: Iterable[Snapshot]
) -> tuple[str, ...]:
    # KubeVirt takes one snapshot of a VM at a time, and the deadline of a waiting snapshot already
    # runs.
    names = {s.name for s in snapshots if s.in_progress and not s.deleting}
    if vm.snapshot_in_progress:
        names.add(vm.snapshot_in_progress)
    return tuple(sorted(names - {desired.name}))


def _why_useless(desired: Desired, current: Snapshot, vm: VirtualMachine) -> Action | None:
    """Refuse a snapshot that is not the desired one, but could be replaced by it."""
    where = f"snapshot {desired.key.namespace}/{current.name} of VM {desired.key.vm_name}"
    if of_former_vm(current, vm):
        text = former_vm_text(where, current, vm)
        return refuse("former_vm", f"{text}; {_REPLACE}", current, desired)
    if current.failed:
        text = f"{where} exists and failed ({current.problem}); {_REPLACE}"
        return refuse("snapshot_failed", text, current, desired)
    if current.lost(desired.now):
        since = write_time(current.error_since)
        text = f"{where} exists and cannot be used since {since} ({current.problem}); {_REPLACE}"
        return refuse("snapshot_lost", text, current, desired)
    differing = differing_spec_fields(desired, current)
    if not differing:
        return None
    fields = ", ".join(
        f"{field} is {now!r}, not {declared!r}" for field, (now, declared) in differing.items()
    )
    text = f"{where} exists with another spec, which cannot be changed: {fields}; {_REPLACE}"
    return refuse("spec_differs", text, current, desired)


def _same(field: str, now: str, declared: str) -> bool:
    if field != "failureDeadline":
        return now == declared
    try:
        return parse_duration(now) == parse_duration(declared)
    except ValueError:
        return now == declared


def _missing(declared: Mapping[str, str], now: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in declared.items() if now.get(key) != value}

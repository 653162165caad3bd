# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The planner: what is wanted and what is observed make an action. Pure: no requests, no clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from .._validation.durations import parse_duration
from .desired import Wanted
from .model import Json, Snapshot, VirtualMachine, VmKey
from .wait import not_quiesced

CREATE, UPDATE, DELETE, KEEP, REFUSE = "create", "update", "delete", "keep", "refuse"

_OUTCOMES = {
    CREATE: "created",
    UPDATE: "updated",
    DELETE: "deleted",
    REFUSE: "failed",
}
_OUTCOMES_OF_KEEPING = {"absent": "absent", "being_deleted": "absent", "fresh": "fresh"}

# What KubeVirt does where a field is absent.
_SPEC_DEFAULTS = {"deletionPolicy": "Delete", "failureDeadline": "5m"}


class Action(NamedTuple):
    """What to do for one snapshot, and why.

    reason: for programs, a failure's reason where the verb is refuse. message: for people.
    current: the snapshot of this name as observed. wanted: for create, update and keep.
    await_others: other snapshots of the VM to let finish first. notes: worth a warning.
    """

    verb: str
    reason: str
    message: str = ""
    current: Snapshot | None = None
    wanted: Wanted | None = None
    await_others: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def changes(self) -> bool:
        """Whether carrying it out writes anything."""
        return self.verb in (CREATE, UPDATE, DELETE)

    @property
    def outcome(self) -> str:
        """The result's word for it, once carried out."""
        if self.verb == CREATE and self.reason in ("snapshot_failed", "spec_differs"):
            return "replaced"
        if self.verb == KEEP:
            return _OUTCOMES_OF_KEEPING.get(self.reason, "unchanged")
        return _OUTCOMES[self.verb]

    @property
    def clears(self) -> Snapshot | None:
        """The snapshot that has to be gone before this name can be created."""
        return self.current if self.verb == CREATE else None


def plan_present(
    wanted: Wanted,
    current: Snapshot | None,
    vm: VirtualMachine | None,
    others: Iterable[Snapshot] = (),
    replace: bool = False,
) -> Action:
    """Plan for one snapshot to be there. others: the VM's other snapshots."""
    if current is None:
        return _plan_creation(wanted, None, vm, others, "absent")
    if current.key != wanted.key:
        return Action(REFUSE, "conflict", taken_by_another_vm(wanted, current), current, wanted)
    if current.deleting:
        return _plan_creation(wanted, current, vm, others, "being_deleted")
    differing = differing_spec_fields(wanted, current)
    if current.failed or differing:
        if replace:
            reason = "snapshot_failed" if current.failed else "spec_differs"
            return _plan_creation(wanted, current, vm, others, reason)
        return _refuse_other(wanted, current, differing)
    refusal = refuse_unquiesced(wanted, current)
    if refusal:
        return refusal
    if differing_metadata(wanted, current):
        return Action(UPDATE, "metadata_differs", current=current, wanted=wanted)
    return Action(KEEP, "present", current=current, wanted=wanted)


def refuse_unquiesced(wanted: Wanted, current: Snapshot) -> Action | None:
    """Plan for a snapshot whose file systems were not at rest, where they had to be."""
    if not (wanted.quiesced and current.restless):
        return None
    message = f"{not_quiesced(current)}; delete it to take it anew, or use consistency: any"
    return Action(REFUSE, "not_quiesced", message, current)


def plan_absent(key: VmKey, current: Snapshot | None) -> Action:
    """Plan for one snapshot of a VM not to be there."""
    if current is None:
        return Action(KEEP, "absent")
    if current.key != key:
        note = (
            f"snapshot {current.name} exists, but of VM {current.key.vm_name}: it is left alone; "
            f"to delete it, use vm_name: {current.key.vm_name}"
        )
        return Action(KEEP, "absent", notes=(note,))
    if current.deleting:
        return Action(KEEP, "being_deleted", current=current)
    return Action(DELETE, "present", current=current)


def differing_spec_fields(wanted: Wanted, current: Snapshot) -> dict[str, tuple[Any, Any]]:
    """Return ``{field: (now, wanted)}`` of declared spec fields that differ, durations by value."""
    declared = wanted.declared.get("spec", {})
    now = {
        "deletionPolicy": current.deletion_policy,
        "failureDeadline": current.failure_deadline,
    }
    pairs = {
        field: (now[field] or default, declared[field])
        for field, default in _SPEC_DEFAULTS.items()
        if declared.get(field) is not None
    }
    return {field: pair for field, pair in pairs.items() if not _same(field, *pair)}


def differing_metadata(wanted: Wanted, current: Snapshot) -> dict[str, dict[str, str]]:
    """Return the declared labels and annotations that current lacks or has otherwise."""
    declared = wanted.declared.get("metadata", {})
    present = {"labels": current.labels, "annotations": current.annotations}
    return {
        kind: missing
        for kind, now in present.items()
        if (missing := _missing(declared.get(kind) or {}, now))
    }


def with_metadata(manifest: Json, wanted: Wanted) -> Json:
    """Return a manifest with the declared labels and annotations; what others wrote stays."""
    meta = dict(manifest["metadata"])
    for kind in ("labels", "annotations"):
        declared = wanted.declared.get("metadata", {}).get(kind)
        if declared:
            meta[kind] = {**(meta.get(kind) or {}), **declared}
    return {**manifest, "metadata": meta}


def blockers(vm: VirtualMachine | None, wanted: Wanted) -> tuple[str, str] | None:
    """Return why a VM cannot be snapshotted now, as (reason, message), or None."""
    key = wanted.key
    if vm is None:
        return "not_found", f"vm_name: there is no VM {key.vm_name} in namespace {key.namespace}"
    if vm.deleting:
        return "vm_terminating", f"VM {key.vm_name} is being deleted"
    if vm.restore_in_progress:
        message = f"VM {key.vm_name} is being restored ({vm.restore_in_progress})"
        return "restore_in_progress", f"{message}; try again when that has ended"
    if vm.volumes and not any(volume.enabled for volume in vm.volumes):
        causes = ", ".join(f"{v.name} ({v.reason or 'no reason given'})" for v in vm.volumes)
        return "not_snapshottable", f"no volume of VM {key.vm_name} can be snapshotted: {causes}"
    return None


def _plan_creation(
    wanted: Wanted,
    current: Snapshot | None,
    vm: VirtualMachine | None,
    others: Iterable[Snapshot],
    reason: str,
) -> Action:
    blocker = blockers(vm, wanted)
    if blocker or vm is None:
        refused, message = blocker or ("not_found", "")
        return Action(REFUSE, refused, message, current, wanted)
    busy = _in_progress(vm, wanted, others)
    notes = [
        f"VM {vm.key.vm_name} has snapshot {name} in progress; KubeVirt takes one at a time"
        for name in busy
    ]
    if not vm.volumes:
        notes.append(
            f"Palette does not say which volumes of VM {vm.key.vm_name} can be snapshotted"
        )
    return Action(CREATE, reason, "", current, wanted, busy, tuple(notes))


def _in_progress(vm: VirtualMachine, wanted: Wanted, others: Iterable[Snapshot]) -> tuple[str, ...]:
    # KubeVirt takes one snapshot of a VM at a time, and a waiting one's own deadline runs
    # meanwhile.
    names = {other.name for other in others if other.in_progress and not other.deleting}
    if vm.snapshot_in_progress:
        names.add(vm.snapshot_in_progress)
    return tuple(sorted(names - {wanted.name}))


def _refuse_other(
    wanted: Wanted, current: Snapshot, differing: Mapping[str, tuple[Any, Any]]
) -> Action:
    hint = "use replace: true to delete it and take it anew, or choose another name"
    where = f"snapshot {wanted.key.namespace}/{current.name} of VM {wanted.key.vm_name}"
    if current.failed:
        message = f"{where} exists and failed ({current.problem}); {hint}"
        return Action(REFUSE, "snapshot_failed", message, current, wanted)
    fields = ", ".join(
        f"{field} is {now!r}, not {asked!r}" for field, (now, asked) in differing.items()
    )
    message = f"{where} exists with another spec, which cannot be changed: {fields}; {hint}"
    return Action(REFUSE, "spec_differs", message, current, wanted)


def taken_by_another_vm(wanted: Wanted, current: Snapshot) -> str:
    """Return the text of a clash: names are unique in a namespace, across its VMs."""
    return (
        f"the name {wanted.name} is taken in namespace {wanted.key.namespace} by a snapshot of VM "
        f"{current.key.vm_name}; names are unique in a namespace: choose another for this one, "
        f"for example {wanted.key.vm_name}-{wanted.name}"
    )


def _same(field: str, now: str, asked: str) -> bool:
    if field != "failureDeadline":
        return now == asked
    try:
        return parse_duration(now) == parse_duration(asked)
    except ValueError:
        return now == asked


def _missing(declared: Mapping[str, str], now: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in declared.items() if now.get(key) != value}

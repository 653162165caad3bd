# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The planner of a set: for each virtual machine one action. Pure: no requests, no clock."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta, timezone
from string import Formatter

from .._validation.kubevirt import label_value_problem, snapshot_name_problem
from .._validation.problems import Problem, option_problem
from .desired import Wanted
from .model import MANAGED_BY, MANAGER, PART_OF, Snapshot, VirtualMachine, VmKey
from .plan import DELETE, KEEP, Action, refuse_unquiesced

_SOME_TIME = datetime(2026, 1, 2, tzinfo=timezone.utc)
_FIELDS = ("vm", "set", "namespace", "timestamp")


def is_member(snapshot: Snapshot, set_name: str) -> bool:
    """Say whether this collection took the snapshot, as part of the set."""
    labels = snapshot.labels
    return labels.get(MANAGED_BY) == MANAGER and labels.get(PART_OF) == set_name


def of_former_vm(snapshot: Snapshot, vm: VirtualMachine | None) -> bool:
    """Say whether the VM was made anew, under the same name, after the snapshot was taken."""
    return bool(vm and vm.uid and snapshot.source_uid and snapshot.source_uid != vm.uid)


def kept_notes(snapshot: Snapshot, set_name: str, vm: VirtualMachine | None) -> Iterator[str]:
    """Yield what is worth a warning of a snapshot that is there already. vm: None if it is gone."""
    if not is_member(snapshot, set_name):
        yield f"snapshot {snapshot.name} is there, but not of this set: it is not deleted with it"
    if vm is None:
        yield f"snapshot {snapshot.name} is there, but its VM is gone"
    if of_former_vm(snapshot, vm):
        yield f"snapshot {snapshot.name} is of a former VM of this name, not of this one"


def member_name(template: str, set_name: str, key: VmKey, now: datetime) -> str:
    """Return the name of a VM's snapshot in the set."""
    return template.format(
        vm=key.vm_name,
        set=set_name,
        namespace=key.namespace,
        timestamp=now.strftime("%Y%m%d-%H%M%S"),
    )


def timestamped(template: str) -> str:
    """Return the template of names that differ from run to run."""
    return template if "timestamp" in _fields(template) else f"{template}-{{timestamp}}"


def template_problems(template: str) -> list[Problem]:
    """Return what is wrong with a name template itself."""
    try:
        unknown = sorted(set(_fields(template)) - set(_FIELDS))
        plain = all(not spec and not how for _text, _field, spec, how in _parts(template))
    except ValueError as error:
        return [_template_problem(f"{template!r}: {error}")]
    if unknown or not plain:
        text = f"{template!r} may use only {{vm}}, {{set}}, {{namespace}} and {{timestamp}}"
        return [_template_problem(text)]
    return []


def naming_problems(template: str, set_name: str) -> list[Problem]:
    """Return what of a good template, or of a set's name in it, can be in no snapshot's name."""

    def problem_with(name_of_set: str) -> str | None:
        key = VmKey("", "vms", "db1")
        return snapshot_name_problem(member_name(template, name_of_set, key, _SOME_TIME))

    text = problem_with(set_name)
    if text is None:
        return []
    if problem_with("nightly"):
        return [_template_problem(text)]
    return [option_problem("name", f"is part of the snapshots' names, and {text}", "nightly")]


def set_name_problems(set_name: str) -> list[Problem]:
    """Return what is wrong with a set's name, which is a label's value."""
    text = label_value_problem(set_name) if set_name else "must not be empty"
    return [option_problem("name", text, "nightly")] if text else []


def name_problems(names: Sequence[tuple[VmKey, str]]) -> list[Problem]:
    """Return what is wrong with the members' names: no name, or the same as another's."""
    problems = []
    for key, name in names:
        text = snapshot_name_problem(name)
        if text:
            hint = "use a shorter set name or name_template, or give this VM a name of its own"
            problems.append(_template_problem(f"VM {key.vm_name}: {text}; {hint}"))
    taken = Counter((key.cluster_uid, key.namespace, name) for key, name in names)
    for (_cluster, namespace, name), count in taken.items():
        if count > 1:
            members = f"{count} members in namespace {namespace}"
            text = f"{members} would be named {name!r}, by it or by their own names in vms"
            problems.append(_template_problem(text))
    return problems


def freshest(
    snapshots: Iterable[Snapshot], set_name: str, max_age: timedelta, now: datetime
) -> Snapshot | None:
    """Return the VM's newest member of the set that is young enough, ready or on the way there.

    One that is still being taken counts, so that a run that was interrupted is gone on with; its
    error may pass. One whose file systems were at rest is preferred to a newer one.
    """
    fresh = [
        snapshot
        for snapshot in snapshots
        if is_member(snapshot, set_name)
        and not snapshot.failed
        and not snapshot.deleting
        and (snapshot.ready or snapshot.in_progress or not snapshot.error)
        and snapshot.taken_at is not None
        and now - snapshot.taken_at < max_age
    ]
    # A ready one first: nothing has to be waited for.
    return max(fresh, key=lambda s: (s.ready, s.quiesced is True, s.taken_at, s.name), default=None)


def plan_fresh(snapshot: Snapshot, wanted: Wanted) -> Action:
    """Plan for a snapshot that is young enough: it is kept in the place of the one wanted."""
    return refuse_unquiesced(wanted, snapshot) or Action(KEEP, "fresh", current=snapshot)


def plan_absent_members(snapshots: Iterable[Snapshot], set_name: str) -> list[Action]:
    """Plan for a VM to have no snapshot of the set. One that is being deleted is waited for."""
    members = (snapshot for snapshot in snapshots if is_member(snapshot, set_name))
    return [
        Action(KEEP, "being_deleted", current=snapshot)
        if snapshot.deleting
        else Action(DELETE, "present", current=snapshot)
        for snapshot in sorted(members, key=lambda snapshot: snapshot.name)
    ]


def _template_problem(text: str) -> Problem:
    return Problem("name_template", text, 'name_template: "{vm}-{set}"')


def _parts(template: str) -> list[tuple[str, str | None, str | None, str | None]]:
    return list(Formatter().parse(template))


def _fields(template: str) -> list[str]:
    return [field for _text, field, _spec, _how in _parts(template) if field is not None]

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fleet: the selected virtual machines of one or more clusters, with their snapshots."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from .._http.errors import ApiError
from .._http.threads import at_once
from .._palette.vms import ClusterVms
from .._validation.problems import Problem, nearest, option_problem
from .._validation.selectors import Selector, parse_selector
from .._vms.fleet import (
    Candidate,
    Fleet,
    Target,
    Unreadable,
    candidates_of,
    matching,
    merged,
    scope_of,
    vms_by_key,
    vms_elsewhere,
    with_unmatched,
)
from .._vms.model import VirtualMachine, VmKey
from .._vms.observe import list_vms
from .._vms.selection import NAMESPACES, Filters, Unmatched, perhaps_elsewhere
from .._vms.session import PaletteSession
from .model import Snapshot, read_listed, read_shown
from .observe import Reader, list_matching
from .ownership import is_member, set_of

_NEAR = 0.8  # how like the names of two sets must be for one to be a slip of the other
# A cluster's uid, a namespace and a snapshot's name.
_Place = tuple[str, str, str]


class SnapshotFilters(NamedTuple):
    """What snapshots have in common. None matches all."""

    set_name: str | None
    selector: Selector | None

    def match(self, snapshot: Snapshot) -> bool:
        """Say whether a snapshot matches."""
        if self.set_name is not None and not is_member(snapshot, self.set_name):
            return False
        return self.selector is None or self.selector.matches(snapshot.labels)


def snapshot_filters_from(options: Mapping[str, Any]) -> tuple[SnapshotFilters, list[Problem]]:
    """Read the options that filter snapshots."""
    text = options["snapshot_selector"]
    try:
        selector = parse_selector(text) if text else None
    except ValueError as error:
        problem = option_problem("snapshot_selector", str(error), "purpose=patch")
        return SnapshotFilters(options["set"], None), [problem]
    return SnapshotFilters(options["set"], selector), []


@dataclass
class SnapshotFleet(Fleet):
    """What was observed of the selected VMs and their snapshots.

    snapshots: all that were listed, also those of VMs that are not selected. vms: where no VMs were
    observed, those that have snapshots. What is looked up is indexed then: after all was added.
    """

    snapshots: list[Snapshot] = field(default_factory=list)

    @cached_property
    def _readable(self) -> dict[_Place, Snapshot]:
        return {_place(snapshot): snapshot for snapshot in self.snapshots}

    @cached_property
    def _by_place(self) -> dict[_Place, Snapshot]:
        others = (item for item in self.unreadable if isinstance(item, Snapshot))
        return {**{_place(other): other for other in others}, **self._readable}

    @cached_property
    def _by_vm(self) -> dict[VmKey, list[Snapshot]]:
        by_vm: dict[VmKey, list[Snapshot]] = {}
        for snapshot in self._readable.values():
            by_vm.setdefault(snapshot.key, []).append(snapshot)
        return by_vm

    def add(self, part: Any) -> None:
        """Take in what was observed of one more target."""
        super().add(part)
        self.snapshots += part.snapshots

    def look_again(
        self, filters: Filters, options: Collection[str]
    ) -> tuple[Collection[VmKey], Sequence[VirtualMachine]]:
        """Return the VMs that count, and those that exist, after a look beyond the filters."""
        seen, existing = super().look_again(filters, options)
        if self.with_vms:
            return seen, existing
        if filters.vm_names.vm_names:
            # Only the list of all snapshots shows what is excluded, and which names are nearest.
            shown = self.list_again(lambda api: list_matching(api, filters.namespaces))
            seen = {snapshot.key for snapshot in shown if not snapshot.unreadable}
        if not NAMESPACES & set(options) and ("exclude" in options or "vm_names" in options):
            existing = self.list_again(lambda api: list_vms(api, filters.namespaces))
        return seen, existing

    def of_vm(self, key: VmKey) -> Sequence[Snapshot]:
        """Return a VM's snapshots."""
        return self._by_vm.get(key, [])

    def named(self, key: VmKey, name: str) -> Snapshot | None:
        """Return the snapshot with this name in the VM's namespace, of any VM, readable or not."""
        return self._by_place.get((key.cluster_uid, key.namespace, name))

    def matching(self, filters: SnapshotFilters) -> list[Snapshot]:
        """Return the selected VMs' snapshots that match."""
        return [
            snapshot
            for candidate in self.candidates
            for snapshot in self.of_vm(candidate.key)
            if filters.match(snapshot)
        ]

    def unmatched_set(self, set_name: str | None) -> list[Unmatched]:
        """Return the set's name if no listed snapshot is part of it.

        If nothing was selected, because something else met nothing, that is why.
        """
        if (
            set_name is None
            or (self.unmatched and not self.candidates)
            or any(is_member(s, set_name) for s in self.snapshots)
        ):
            return []
        if self.failures:
            return [perhaps_elsewhere("set", set_name)]
        known = {set_of(snapshot) for snapshot in self.snapshots} - {""}
        return [Unmatched("set", set_name, nearest(set_name, known), False)]

    def warn_of_new_set(self, set_name: str, warn: Callable[[str], None]) -> None:
        """Warn of a set that is new here, and called almost as one that there is."""
        known = {set_of(snapshot) for snapshot in self.snapshots} - {""}
        if set_name in known:
            return
        # Names such as patch-41 and patch-42 are meant.
        others = [name for name in known if _without_digits(name) != _without_digits(set_name)]
        near = nearest(set_name, others, cutoff=_NEAR)
        if near:
            warn(
                f"set: {set_name!r} is new to these VMs, which have snapshots of "
                f"{', '.join(near)}: if that was meant, correct it"
            )

    def warn_if_empty(self, hint: str, warn: Callable[[str], None]) -> None:
        """Warn that no snapshot was found. hint: what may be why; empty if nothing is known."""
        if hint and not (self.snapshots or self.unreadable or self.failures):
            warn(f"no snapshot was found: {hint}")


def _without_digits(name: str) -> str:
    return re.sub(r"\d+", "", name)


def observe(
    target: Target, filters: Filters, with_vms: bool, read: Reader = read_listed
) -> SnapshotFleet:
    """Observe what is selected in one cluster.

    Without with_vms, filters select the VMs that have snapshots, even if they no longer exist.
    """
    if target.entries is not None:
        return _observe_entries(target, with_vms)
    return _observe_matching(target, filters, with_vms, read)


def look_at_vms(part: SnapshotFleet, api: ClusterVms, keys: Collection[VmKey]) -> None:
    """Let a fleet of which only the snapshots were observed know these VMs.

    Where they cannot be listed, they are unreadable.
    """
    if not keys:
        return
    try:
        seen = vms_by_key(list_vms(api, {key.namespace for key in keys}))
    except ApiError as error:
        seen = {key: VirtualMachine(key, unreadable=error.message) for key in keys}
    part.vms.update({key: seen.get(key) for key in keys})


def observe_matching(session: PaletteSession, filters: Filters, with_vms: bool) -> SnapshotFleet:
    """Observe what the filters select, in all clusters that the options name at the same time.

    For those who only show it: the snapshots have no manifests.
    """
    targets, left_out = scope_of(session, None, filters)
    parts = at_once(lambda target: observe(target, filters, with_vms, read_shown), targets)
    fleet = merged(SnapshotFleet, targets, parts)
    return with_unmatched(fleet, None, filters, left_out)


def _observe_entries(target: Target, with_vms: bool) -> SnapshotFleet:
    api = target.api
    namespaces = {entry.namespace for entry in target.entries or ()}
    vms = list_vms(api, namespaces) if with_vms else None
    candidates = candidates_of(target, vms or ())
    part = _part(target, candidates, list_matching(api, namespaces), vms)
    part.elsewhere = vms_elsewhere(target, vms) if vms is not None else []
    return part


def _observe_matching(
    target: Target, filters: Filters, with_vms: bool, read: Reader
) -> SnapshotFleet:
    api = target.api
    names = () if with_vms else filters.vm_names.vm_names
    snapshots = list_matching(api, filters.namespaces, names, read)
    vms = list_vms(api, filters.namespaces) if with_vms else None
    candidates = matching(filters, _named_keys(snapshots, vms), target)
    return _part(target, candidates, snapshots, vms)


def _named_keys(
    snapshots: Sequence[Snapshot], vms: Sequence[VirtualMachine] | None
) -> dict[VmKey, VirtualMachine | None]:
    """Return the VMs that are known by name; where none were observed, those of the snapshots."""
    if vms is None:
        return {s.key: None for s in snapshots if not s.unreadable}
    return vms_by_key(vms)


def _part(
    target: Target,
    candidates: list[Candidate],
    snapshots: Sequence[Snapshot],
    vms: Sequence[VirtualMachine] | None,
) -> SnapshotFleet:
    """Return the fleet of one cluster. vms: None if they were not observed."""
    return SnapshotFleet(
        titles={target.uid: target.title},
        names={target.uid: target.name},
        candidates=candidates,
        snapshots=[snapshot for snapshot in snapshots if not snapshot.unreadable],
        vms=_named_keys(snapshots, vms),
        with_vms=vms is not None,
        unreadable=_unreadable(snapshots, vms or ()),
    )


def _unreadable(snapshots: Sequence[Snapshot], vms: Sequence[VirtualMachine]) -> list[Unreadable]:
    return [*(s for s in snapshots if s.unreadable), *(vm for vm in vms if vm.unreadable)]


def _place(snapshot: Snapshot) -> _Place:
    """Return what no two snapshots have in common."""
    return snapshot.key.cluster_uid, snapshot.key.namespace, snapshot.name

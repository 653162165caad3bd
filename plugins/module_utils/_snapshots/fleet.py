# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fleet: the selected virtual machines of one or more clusters, with their snapshots."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from .._palette.vms import ClusterVms
from .._validation.problems import Problem, nearest, option_problem
from .._validation.selectors import Selector, parse_selector
from .._vms.model import VirtualMachine, VmKey
from .._vms.observe import list_vms
from .._vms.selection import (
    Entry,
    Filters,
    Unmatched,
    missing_vm,
    unmatched,
    unmatched_exclusions,
)
from .._vms.session import PaletteSession
from .model import Snapshot
from .observe import list_matching
from .ownership import is_member, set_of


class Candidate(NamedTuple):
    """A selected VM. vm: None if it does not exist. own_name: set for its snapshot by the user."""

    key: VmKey
    label: str
    vm: VirtualMachine | None
    own_name: str | None = None


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
class Fleet:
    """What was observed of the selected VMs, and the clusters to work on them.

    apis and titles, what clusters are called in results: by cluster uid. snapshots: all that were
    listed, also those of VMs that are not selected. unmatched: what of the options met nothing.
    seen: the VMs that exist, if they were observed.
    """

    apis: dict[str, ClusterVms] = field(default_factory=dict)
    titles: Mapping[str, str] = field(default_factory=dict)
    candidates: list[Candidate] = field(default_factory=list)
    snapshots: list[Snapshot] = field(default_factory=list)
    unmatched: list[Unmatched] = field(default_factory=list)
    seen: list[VmKey] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Index the snapshots."""
        self.candidates.sort(key=lambda candidate: candidate.key)
        # A cluster that is listed by its name and by its uid is observed twice.
        self._by_name = {(s.key.cluster_uid, s.key.namespace, s.name): s for s in self.snapshots}
        self._by_vm: dict[VmKey, list[Snapshot]] = {}
        for snapshot in self._by_name.values():
            self._by_vm.setdefault(snapshot.key, []).append(snapshot)

    def of_vm(self, key: VmKey) -> Sequence[Snapshot]:
        """Return a VM's snapshots."""
        return self._by_vm.get(key, [])

    def named(self, key: VmKey, name: str) -> Snapshot | None:
        """Return the snapshot with this name in the VM's namespace, of any VM."""
        return self._by_name.get((key.cluster_uid, key.namespace, name))

    def title(self, key: VmKey) -> str:
        """Return what a VM's cluster is called in labels."""
        return self.titles[key.cluster_uid]

    def cluster_name(self, key: VmKey) -> str:
        """Return the name of a VM's cluster; its uid where the task names it so."""
        return self.apis[key.cluster_uid].cluster.name

    def matching(self, filters: SnapshotFilters) -> list[Snapshot]:
        """Return the selected VMs' snapshots that match."""
        return [
            snapshot
            for candidate in self.candidates
            for snapshot in self.of_vm(candidate.key)
            if filters.match(snapshot)
        ]

    def missing_vm(self, key: VmKey) -> str:
        """Return the text that a VM does not exist."""
        return missing_vm(key, self.titles[key.cluster_uid], self.seen)

    def unmatched_set(self, set_name: str | None) -> list[Unmatched]:
        """Return the set's name if no listed snapshot is part of it."""
        if set_name is None or any(is_member(s, set_name) for s in self.snapshots):
            return []
        known = {set_of(snapshot) for snapshot in self.snapshots} - {""}
        return [Unmatched("set", set_name, nearest(set_name, known), False)]


def observe_entries(
    session: PaletteSession, entries: Sequence[Entry], filters: Filters, with_vms: bool
) -> Fleet:
    """Observe the listed VMs that are not excluded. with_vms: not only their snapshots."""
    listed = {entry.given: entry.given.cluster_uid for entry in entries}
    fleet = _observe_entries(session, filters.left(entries), with_vms)
    fleet.unmatched = unmatched_exclusions(filters, listed)
    return fleet


def _observe_entries(session: PaletteSession, entries: Sequence[Entry], with_vms: bool) -> Fleet:
    apis: dict[str, ClusterVms] = {}
    candidates: list[Candidate] = []
    snapshots: list[Snapshot] = []
    seen: list[VmKey] = []
    for cluster in dict.fromkeys((entry.cluster, entry.cluster_uid) for entry in entries):
        api = session.cluster(*cluster)
        own = [entry for entry in entries if (entry.cluster, entry.cluster_uid) == cluster]
        namespaces = {entry.namespace for entry in own}
        vms = {vm.key: vm for vm in list_vms(api, namespaces)} if with_vms else {}
        apis[api.cluster.uid] = api
        seen += vms
        snapshots += list_matching(api, namespaces)
        for entry in dict.fromkeys(own):
            key = VmKey(api.cluster.uid, entry.namespace, entry.vm_name)
            candidates.append(
                Candidate(key, _label(api.cluster.name, key), vms.get(key), entry.name)
            )
    return Fleet(apis, _titles(apis.values()), candidates, snapshots, seen=seen)


def observe_matching(session: PaletteSession, filters: Filters, with_vms: bool) -> Fleet:
    """Observe the VMs that match the filters, in the clusters that the options name, or in all.

    Without with_vms, these are the VMs that have snapshots, even if they no longer exist.
    """
    names = set() if with_vms else filters.vm_names.vm_names
    fleet = _observe_matching(session, filters, with_vms, names)
    # Only the list of all VMs shows what else matches nothing, and which names are nearest.
    return _observe_matching(session, filters, with_vms, ()) if names and fleet.unmatched else fleet


def _observe_matching(
    session: PaletteSession, filters: Filters, with_vms: bool, names: Collection[str]
) -> Fleet:
    """names: of the VMs whose snapshots are listed; empty for all."""
    apis = {api.cluster.uid: api for api in session.vm_clusters()}
    titles = _titles(apis.values())
    vms: dict[VmKey, VirtualMachine | None] = {}
    snapshots: list[Snapshot] = []
    for api in apis.values():
        listed = list_matching(api, filters.namespaces, names)
        snapshots += listed
        found = list_vms(api, filters.namespaces) if with_vms else ()
        vms.update({vm.key: vm for vm in found} if with_vms else {s.key: None for s in listed})
    candidates = [
        Candidate(key, _label(titles[key.cluster_uid], key), vm)
        for key, vm in vms.items()
        if _matches(filters, key, vm, titles[key.cluster_uid])
    ]
    seen = {key: titles[key.cluster_uid] for key in vms}
    misses = unmatched(filters, seen, _namespaces(apis.values(), filters, vms))
    return Fleet(apis, titles, candidates, snapshots, misses)


def _namespaces(apis: Iterable[ClusterVms], filters: Filters, seen: Iterable[VmKey]) -> set[str]:
    """Return the namespaces that have VMs: all of them, where one of the filters' has none."""
    found = {key.namespace for key in seen}
    if found.issuperset(filters.namespaces):
        return found
    return {vm.key.namespace for api in apis for vm in list_vms(api)}


def _matches(filters: Filters, key: VmKey, vm: VirtualMachine | None, title: str) -> bool:
    return filters.match_vm(vm, title) if vm else filters.match_key(key, title)


def _titles(apis: Iterable[ClusterVms]) -> dict[str, str]:
    """Return what each cluster is called: its name or, where others have it too, its uid."""
    clusters = [api.cluster for api in apis]
    named = Counter(cluster.name for cluster in clusters)
    return {c.uid: c.name if named[c.name] == 1 else c.uid for c in clusters}


def _label(title: str, key: VmKey) -> str:
    """Return the name of a VM in results: ``cluster/namespace/vm``."""
    return f"{title}/{key.namespace}/{key.vm_name}"

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fleet: the selected virtual machines of one or more clusters, with their snapshots."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

from .._palette.errors import PaletteError
from .._palette.threads import at_once
from .._palette.vms import ClusterVms
from .._validation.problems import Problem, nearest, option_problem
from .._validation.selectors import Selector, nearest_labels, parse_selector
from .._vms.model import VirtualMachine, VmKey
from .._vms.observe import list_vms
from .._vms.selection import (
    Entry,
    Filters,
    Seen,
    Unmatched,
    missing_vm,
    unmatched,
    unmatched_exclusions,
)
from .._vms.session import PaletteSession
from .model import Snapshot
from .observe import list_matching
from .ownership import is_member, set_of

Listed = TypeVar("Listed", Snapshot, VirtualMachine)


class Candidate(NamedTuple):
    """A selected VM. vm: None if it does not exist. own_name: set for its snapshot by the user.

    cluster: what its cluster is called in results.
    """

    key: VmKey
    cluster: str
    vm: VirtualMachine | None
    own_name: str | None = None

    @property
    def label(self) -> str:
        """What the VM is called in results."""
        return label_of(self.cluster, self.key)


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


class Target(NamedTuple):
    """What a task selects in one cluster.

    title: what the cluster is called in results. api: or why there is no such cluster. entries: the
    listed VMs; None where filters select.
    """

    title: str
    api: ClusterVms | PaletteError
    entries: Sequence[Entry] | None = None

    @property
    def uid(self) -> str | None:
        """The cluster's uid, if it is known."""
        return self.api.cluster.uid if isinstance(self.api, ClusterVms) else None


class Scope(NamedTuple):
    """The clusters that a task works on, and what those are called that it leaves out."""

    targets: Sequence[Target]
    left_out: Sequence[str] = ()


@dataclass
class Fleet:
    """What was observed of the selected VMs, in one cluster or several.

    targets: what was to be observed. titles: what clusters are called in results; names: their
    names, or their uids where the task names them so; both by cluster uid. failures: why clusters
    were not observed, by title. snapshots: all that were listed, also those of VMs that are not
    selected. unmatched: what of the options met nothing. vms: those that exist in the namespaces
    that were searched; where no VMs were observed, those that have snapshots. with_vms: whether VMs
    were observed, not only their snapshots. unseen: what clusters are called that were left out or
    not observed. unreadable: what was listed too, but cannot be read.
    """

    targets: Sequence[Target] = ()
    titles: dict[str, str] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    failures: dict[str, PaletteError] = field(default_factory=dict)
    candidates: list[Candidate] = field(default_factory=list)
    snapshots: list[Snapshot] = field(default_factory=list)
    unmatched: list[Unmatched] = field(default_factory=list)
    vms: dict[VmKey, VirtualMachine | None] = field(default_factory=dict)
    with_vms: bool = False
    unseen: Sequence[str] = ()
    unreadable: list[Snapshot | VirtualMachine] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Index the snapshots."""
        self.candidates.sort(key=lambda candidate: (candidate.cluster, candidate.key))
        readable = {_place(snapshot): snapshot for snapshot in self.snapshots}
        others = (item for item in self.unreadable if isinstance(item, Snapshot))
        self._by_name = {**{_place(other): other for other in others}, **readable}
        self._by_vm: dict[VmKey, list[Snapshot]] = {}
        for snapshot in readable.values():
            self._by_vm.setdefault(snapshot.key, []).append(snapshot)

    def of_vm(self, key: VmKey) -> Sequence[Snapshot]:
        """Return a VM's snapshots."""
        return self._by_vm.get(key, [])

    def named(self, key: VmKey, name: str) -> Snapshot | None:
        """Return the snapshot with this name in the VM's namespace, of any VM, readable or not."""
        return self._by_name.get((key.cluster_uid, key.namespace, name))

    def title(self, key: VmKey) -> str:
        """Return what a VM's cluster is called in results. Patterns match this, too."""
        return self.titles[key.cluster_uid]

    def matching(self, filters: SnapshotFilters) -> list[Snapshot]:
        """Return the selected VMs' snapshots that match."""
        return [
            snapshot
            for candidate in self.candidates
            for snapshot in self.of_vm(candidate.key)
            if filters.match(snapshot)
        ]

    def list_again(self, listing: Callable[[ClusterVms], Sequence[Listed]]) -> list[Listed]:
        """Return what is listed in the clusters that were observed; one that fails adds nothing."""
        reached = (target.api for target in self.targets if target.uid in self.titles)
        apis = [api for api in reached if isinstance(api, ClusterVms)]
        lists = at_once(listing, apis)
        return [item for items in lists if not isinstance(items, PaletteError) for item in items]

    def missing_vm(self, key: VmKey) -> str:
        """Return the text that a VM does not exist."""
        here = (vm for vm in self.vms if vm.cluster_uid == key.cluster_uid)
        return missing_vm(key, self.titles[key.cluster_uid], here)

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
        known = {set_of(snapshot) for snapshot in self.snapshots} - {""}
        return [Unmatched("set", set_name, nearest(set_name, known), False)]


def scope_of(session: PaletteSession, entries: Sequence[Entry] | None, filters: Filters) -> Scope:
    """Return the clusters that a task is about, with the listed VMs that are not excluded."""
    if entries is None:
        return _narrowed(_titled(session.vm_clusters()), filters)
    by_name: dict[tuple[str | None, str | None], list[Entry]] = {}
    for entry in dict.fromkeys(filters.left(entries)):
        by_name.setdefault((entry.cluster, entry.cluster_uid), []).append(entry)
    # A cluster may be listed by its name and by its uid.
    targets: dict[object, Target] = {}
    for (name, api), own in zip(session.named(list(by_name)), by_name.values()):
        target = targets.setdefault(_identity(api), Target(name, api, []))
        targets[_identity(api)] = target._replace(entries=[*(target.entries or ()), *own])
    return Scope(list(targets.values()))


def _narrowed(targets: Sequence[Target], filters: Filters) -> Scope:
    """Leave out the clusters that no name can mean: a sick one would be in the way."""
    concerned = [target for target in targets if filters.concern(target.title)]
    if not concerned and not all(filters.exclude.match_all_of(t.title) for t in targets):
        # A name of no cluster: what there is tells which was meant.
        return Scope(targets)
    return Scope(concerned, [target.title for target in targets if target not in concerned])


def observe(target: Target, filters: Filters, with_vms: bool) -> Fleet:
    """Observe what is selected in one cluster.

    Without with_vms, filters select the VMs that have snapshots, even if they no longer exist.
    """
    if isinstance(target.api, PaletteError):
        raise target.api
    if target.entries is not None:
        return _observe_entries(target, target.api, with_vms)
    return _observe_matching(target, target.api, filters, with_vms)


def observe_matching(session: PaletteSession, filters: Filters, with_vms: bool) -> Fleet:
    """Observe what the filters select, in all clusters that the options name at the same time."""
    targets, left_out = scope_of(session, None, filters)
    fleet = merged(targets, at_once(lambda target: observe(target, filters, with_vms), targets))
    return with_unmatched(fleet, None, filters, left_out)


def merged(targets: Sequence[Target], parts: Iterable[Fleet | PaletteError]) -> Fleet:
    """Return what was observed of each target, or why it was not, as one fleet."""
    whole = Fleet(targets)
    for target, part in zip(targets, parts):
        if isinstance(part, PaletteError):
            whole.failures[target.title] = part
            continue
        whole.titles.update(part.titles)
        whole.names.update(part.names)
        whole.candidates += part.candidates
        whole.snapshots += part.snapshots
        whole.vms.update(part.vms)
        whole.with_vms = whole.with_vms or part.with_vms
        whole.unreadable += part.unreadable
    whole.__post_init__()
    return whole


def with_unmatched(
    fleet: Fleet,
    entries: Sequence[Entry] | None,
    filters: Filters,
    left_out: Sequence[str] = (),
) -> Fleet:
    """Return the fleet, which then knows what of the options met nothing.

    left_out: what the clusters are called that were not looked at.
    """
    fleet.unseen = (*left_out, *fleet.failures)
    if entries is not None:
        listed = {entry.given: entry.given.cluster_uid for entry in entries}
        names = {title: title for title in listed.values()}
        fleet.unmatched = unmatched_exclusions(filters, Seen(listed, names))
        return fleet
    misses = _unmatched(fleet, filters, fleet.vms)
    if misses:
        misses = _looked_at_again(fleet, filters, {miss.option for miss in misses})
    fleet.unmatched = [*misses, *_unmatched_selector(fleet, filters)]
    return fleet


def _looked_at_again(fleet: Fleet, filters: Filters, options: Collection[str]) -> list[Unmatched]:
    """Return what met nothing even where more is listed. options: those that met nothing."""
    seen: Collection[VmKey] = fleet.vms
    if not fleet.with_vms and filters.vm_names.vm_names:
        # Only the list of all snapshots shows what is excluded, and which names are nearest.
        listed = fleet.list_again(lambda api: list_matching(api, filters.namespaces))
        seen = {snapshot.key for snapshot in listed if not snapshot.unreadable}
    existing: list[VirtualMachine] = []
    if "namespaces" in options:
        # The nearest may be a namespace that was not searched.
        existing = fleet.list_again(list_vms)
    elif "vm_names" in options and not fleet.with_vms:
        existing = fleet.list_again(lambda api: list_vms(api, filters.namespaces))
    return _unmatched(fleet, filters, seen, {vm.key for vm in existing if vm.key.vm_name})


def _unmatched(
    fleet: Fleet, filters: Filters, vms: Collection[VmKey], existing: Collection[VmKey] = ()
) -> list[Unmatched]:
    """Return what met nothing. vms: those that count. existing: all, if that was looked up."""
    others = () if fleet.with_vms else [key for key in existing if key not in vms]
    seen = Seen(
        {key: fleet.title(key) for key in vms},
        {title: fleet.names[uid] for uid, title in fleet.titles.items()},
        {
            key: fleet.title(key)
            for key in others
            if not filters.namespaces or key.namespace in filters.namespaces
        },
        fleet.unseen,
    )
    return unmatched(filters, seen, {key.namespace for key in (*vms, *existing)})


def _unmatched_selector(fleet: Fleet, filters: Filters) -> list[Unmatched]:
    labels = [vm.labels for vm in fleet.vms.values() if vm and not vm.unreadable]
    selector = filters.selector
    if selector is None or not labels or any(map(selector.matches, labels)):
        return []
    return [Unmatched("selector", selector.text, nearest_labels(selector, labels), False)]


def _observe_entries(target: Target, api: ClusterVms, with_vms: bool) -> Fleet:
    entries = target.entries or ()
    namespaces = {entry.namespace for entry in entries}
    vms = list_vms(api, namespaces) if with_vms else None
    by_key = {vm.key: vm for vm in vms or ()}
    candidates = []
    for entry in entries:
        key = VmKey(api.cluster.uid, entry.namespace, entry.vm_name)
        candidates.append(Candidate(key, target.title, by_key.get(key), entry.name))
    snapshots = list_matching(api, namespaces)
    return _part(target.title, api, candidates, snapshots, vms)


def _observe_matching(target: Target, api: ClusterVms, filters: Filters, with_vms: bool) -> Fleet:
    names = () if with_vms else filters.vm_names.vm_names
    snapshots = list_matching(api, filters.namespaces, names)
    vms = list_vms(api, filters.namespaces) if with_vms else None
    listed = _named_keys(snapshots, vms)
    candidates = [
        Candidate(key, target.title, vm)
        for key, vm in listed.items()
        if _matches(filters, key, vm, target.title)
    ]
    return _part(target.title, api, candidates, snapshots, vms)


def _named_keys(
    snapshots: Iterable[Snapshot], vms: Iterable[VirtualMachine] | None
) -> dict[VmKey, VirtualMachine | None]:
    """Return the VMs that are known by name; where none were observed, those of the snapshots."""
    if vms is None:
        return {s.key: None for s in snapshots if not s.unreadable}
    return {vm.key: vm for vm in vms if vm.key.namespace and vm.key.vm_name}


def _part(
    title: str,
    api: ClusterVms,
    candidates: list[Candidate],
    snapshots: Sequence[Snapshot],
    vms: Sequence[VirtualMachine] | None,
) -> Fleet:
    """Return the fleet of one cluster. vms: None if they were not observed."""
    uid, name = api.cluster.uid, api.cluster.name
    listed: list[Snapshot | VirtualMachine] = [*snapshots, *(vms or ())]
    return Fleet(
        titles={uid: title},
        names={uid: name},
        candidates=candidates,
        snapshots=[snapshot for snapshot in snapshots if not snapshot.unreadable],
        vms=_named_keys(snapshots, vms),
        with_vms=vms is not None,
        unreadable=[item for item in listed if item.unreadable],
    )


def _matches(filters: Filters, key: VmKey, vm: VirtualMachine | None, title: str) -> bool:
    return filters.match_vm(vm, title) if vm else filters.match_key(key, title)


def _place(snapshot: Snapshot) -> tuple[str, str, str]:
    """Return what no two snapshots have in common."""
    return snapshot.key.cluster_uid, snapshot.key.namespace, snapshot.name


def _titled(found: Sequence[tuple[str, ClusterVms | PaletteError]]) -> list[Target]:
    """Return the clusters, each called by its name or, where others have it too, by its uid."""
    named = Counter(api.cluster.name for _name, api in found if isinstance(api, ClusterVms))

    def title(name: str, api: ClusterVms | PaletteError) -> str:
        if isinstance(api, PaletteError):
            return name
        return api.cluster.name if named[api.cluster.name] == 1 else api.cluster.uid

    return [Target(title(name, api), api) for name, api in found]


def _identity(api: ClusterVms | PaletteError) -> object:
    return api.cluster.uid if isinstance(api, ClusterVms) else api


def label_of(title: str, key: VmKey) -> str:
    """Return the name of a VM in results: ``cluster/namespace/vm``."""
    return f"{title}/{key.namespace}/{key.vm_name}"

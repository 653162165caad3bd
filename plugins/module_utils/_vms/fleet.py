# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fleet: the selected virtual machines of one or more clusters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol, TypeVar

from .._http.errors import ApiError
from .._http.threads import at_once
from .._palette.vms import ClusterVms
from .._validation.problems import nearest
from .._validation.selectors import nearest_labels
from .model import VirtualMachine, VmKey
from .observe import find_vm, list_vms
from .selection import (
    NAMESPACES,
    Entry,
    Filters,
    Seen,
    Unmatched,
    missing_vm,
    perhaps_elsewhere,
    unmatched,
    unmatched_exclusions,
)
from .session import PaletteSession

# Why a cluster that was observed is not worked on.
_AFTER_OBSERVING = ("clock_skew",)

Listed = TypeVar("Listed")
Part = TypeVar("Part", bound="Fleet")


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


class NotReached(NamedTuple):
    """A listed VM of a cluster that could not be observed, or not be planned for.

    cluster: what it is called in results. reason: why, in one word. text: why, for people.
    """

    cluster: str
    key: VmKey
    reason: str
    text: str

    @property
    def label(self) -> str:
        """What the VM is called in results."""
        return label_of(self.cluster, self.key)


class Target(NamedTuple):
    """What a task selects in one cluster.

    title: what the cluster is called in results. entries: the listed VMs; None where filters
    select.
    """

    title: str
    api: ClusterVms
    entries: Sequence[Entry] | None = None

    @property
    def uid(self) -> str:
        """The cluster's uid."""
        return self.api.cluster.uid

    @property
    def name(self) -> str:
        """The cluster's own name, which others may have too."""
        return self.api.cluster.name


class Scope(NamedTuple):
    """The clusters that a task works on, and what those are called that it leaves out."""

    targets: Sequence[Target]
    left_out: Sequence[str] = ()


class Unreadable(Protocol):
    """What was listed, but cannot be read."""

    @property
    def key(self) -> VmKey:
        """What is known of where it is."""

    @property
    def unreadable_text(self) -> str:
        """Why it cannot be read."""


@dataclass
class Fleet:
    """What was observed of the selected VMs, in one cluster or several.

    targets: what was to be observed. titles: what clusters are called in results; names: their
    names, or their uids where the task names them so; both by cluster uid. failures: why clusters
    were not observed, by title. unmatched: what of the options met nothing. vms: those that exist
    in the namespaces that were searched. elsewhere: those of all namespaces, where one that is
    listed has none. with_vms: whether VMs were observed, not only what they have. unseen: what
    clusters are called that were left out or not observed. unreadable: what was listed too, but
    cannot be read.
    """

    targets: Sequence[Target] = ()
    titles: dict[str, str] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    failures: dict[str, ApiError] = field(default_factory=dict)
    candidates: list[Candidate] = field(default_factory=list)
    unmatched: list[Unmatched] = field(default_factory=list)
    vms: dict[VmKey, VirtualMachine | None] = field(default_factory=dict)
    elsewhere: list[VmKey] = field(default_factory=list)
    with_vms: bool = False
    unseen: Sequence[str] = ()
    unreadable: list[Unreadable] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Be in order from the beginning."""
        self.sort()

    def sort(self) -> None:
        """Bring what is selected into the order of the results."""
        self.candidates.sort(key=lambda candidate: (candidate.cluster, candidate.key))

    def add(self, part: Any) -> None:
        """Take in what was observed of one more target."""
        self.titles.update(part.titles)
        self.names.update(part.names)
        self.candidates += part.candidates
        self.vms.update(part.vms)
        self.elsewhere += part.elsewhere
        self.with_vms = self.with_vms or part.with_vms
        self.unreadable += part.unreadable

    def title(self, key: VmKey) -> str:
        """Return what a VM's cluster is called in results. Patterns match this, too."""
        return self.titles[key.cluster_uid]

    def missing_vm(self, key: VmKey) -> str:
        """Return the text that a VM does not exist."""
        known = (*self.vms, *self.elsewhere)
        here = (vm for vm in known if vm.cluster_uid == key.cluster_uid)
        return missing_vm(key, self.titles[key.cluster_uid], here)

    def not_reached(self) -> Iterator[NotReached]:
        """Yield the listed VMs of the clusters that could not be observed, or planned for."""
        for target in self.targets:
            error = self.failures.get(target.title)
            if error is None or target.uid in self.titles:
                continue
            reason, text = error.reason, error.message
            if reason not in _AFTER_OBSERVING:
                reason = "cluster_unreachable"
                text = f"cluster {target.title} could not be reached: {text}"
            for entry in target.entries or ():
                key = VmKey(target.uid, entry.namespace, entry.vm_name)
                yield NotReached(target.title, key, reason, text)

    def list_again(self, listing: Callable[[ClusterVms], Sequence[Listed]]) -> list[Listed]:
        """Return what is listed in the clusters that were observed; one that fails adds nothing."""
        reached = [target.api for target in self.targets if target.uid in self.titles]
        lists = at_once(listing, reached)
        return [item for items in lists if not isinstance(items, ApiError) for item in items]

    def look_again(
        self, filters: Filters, options: Collection[str]
    ) -> tuple[Collection[VmKey], Sequence[VirtualMachine]]:
        """Return the VMs that count, and those that exist, after a look beyond the filters.

        options: those that met nothing.
        """
        del filters
        # The nearest may be a namespace that was not searched.
        return self.vms, self.list_again(list_vms) if NAMESPACES & set(options) else []


def merged(kind: type[Part], targets: Sequence[Target], parts: Iterable[Part | ApiError]) -> Part:
    """Return what was observed of each target, or why it was not, as one fleet of its kind."""
    whole = kind(targets)
    for target, part in zip(targets, parts):
        if isinstance(part, ApiError):
            whole.failures[target.title] = part
        else:
            whole.add(part)
    whole.sort()
    return whole


def scope_of(session: PaletteSession, entries: Sequence[Entry] | None, filters: Filters) -> Scope:
    """Return the clusters that a task is about, with the listed VMs that are not excluded."""
    if entries is None:
        return _narrowed(_titled(session.vm_clusters()), filters)
    by_name: dict[tuple[str | None, str | None], list[Entry]] = {}
    for entry in dict.fromkeys(filters.left(entries)):
        by_name.setdefault((entry.cluster, entry.cluster_uid), []).append(entry)
    # A cluster may be listed by its name and by its uid.
    targets: dict[str, Target] = {}
    for (name, api), own in zip(session.named(list(by_name)), by_name.values()):
        target = targets.setdefault(api.cluster.uid, Target(name, api, []))
        targets[target.uid] = target._replace(entries=[*(target.entries or ()), *own])
    return Scope(list(targets.values()))


def _narrowed(targets: Sequence[Target], filters: Filters) -> Scope:
    """Leave out the clusters that no name can mean: a sick one would be in the way."""
    concerned = [target for target in targets if filters.concern(target.title, target.name)]
    if not concerned and not all(filters.exclude_all_of(t.title, t.name) for t in targets):
        # A name of no cluster: what there is tells which was meant.
        return Scope(targets)
    return Scope(concerned, _called(target for target in targets if target not in concerned))


def _called(targets: Iterable[Target]) -> list[str]:
    """Return all that clusters may be called by."""
    return [called for target in targets for called in (target.title, target.name)]


def observe(target: Target, filters: Filters) -> Fleet:
    """Observe the VMs that are selected in one cluster."""
    if target.entries is None:
        vms = list_vms(target.api, filters.namespaces)
        candidates = matching(filters, vms_by_key(vms), target)
    else:
        vms = _list_entries(target.api, target.entries)
        candidates = candidates_of(target, vms)
    return Fleet(
        titles={target.uid: target.title},
        names={target.uid: target.name},
        candidates=candidates,
        vms=vms_by_key(vms),
        elsewhere=vms_elsewhere(target, vms),
        with_vms=True,
        unreadable=[vm for vm in vms if vm.unreadable],
    )


def candidates_of(target: Target, vms: Iterable[VirtualMachine]) -> list[Candidate]:
    """Return the VMs that a task lists one by one. vms: what there is."""
    by_key = {vm.key: vm for vm in vms}
    candidates = []
    for entry in target.entries or ():
        key = VmKey(target.uid, entry.namespace, entry.vm_name)
        candidates.append(Candidate(key, target.title, by_key.get(key), entry.name))
    return candidates


def vms_elsewhere(target: Target, vms: Iterable[VirtualMachine]) -> list[VmKey]:
    """Return the cluster's VMs if a listed one's namespace has none: it may be misspelt."""
    wanted = {entry.namespace for entry in target.entries or ()}
    if wanted <= {vm.key.namespace for vm in vms}:
        return []
    with suppress(ApiError):
        return [vm.key for vm in list_vms(target.api) if vm.key.namespace]
    return []


def matching(
    filters: Filters, vms: Mapping[VmKey, VirtualMachine | None], target: Target
) -> list[Candidate]:
    """Return the VMs of a cluster that match."""
    return [
        Candidate(key, target.title, vm)
        for key, vm in vms.items()
        if filters.match(key, vm, target.title, target.name)
    ]


def vms_by_key(vms: Iterable[VirtualMachine]) -> dict[VmKey, VirtualMachine | None]:
    """Return the VMs that are known by name."""
    return {vm.key: vm for vm in vms if vm.key.namespace and vm.key.vm_name}


def with_unmatched(
    fleet: Part,
    entries: Sequence[Entry] | None,
    filters: Filters,
    left_out: Sequence[str] = (),
) -> Part:
    """Return the fleet, which then knows what of the options met nothing.

    left_out: what the clusters are called that were not looked at.
    """
    fleet.unseen = (*left_out, *_called(t for t in fleet.targets if t.title in fleet.failures))
    if entries is not None:
        listed = {entry.given: entry.given.cluster_uid for entry in entries}
        names = {title: title for title in listed.values()}
        exclusions = unmatched_exclusions(filters, Seen(listed, names))
        fleet.unmatched = [*exclusions, *_unmatched_entries(fleet)]
        return fleet
    misses = _unmatched(fleet, filters, fleet.vms)
    if misses:
        misses = _looked_at_again(fleet, filters, {miss.option for miss in misses})
    fleet.unmatched = [*misses, *_unmatched_selector(fleet, filters)]
    return fleet


def _unmatched_entries(fleet: Fleet) -> list[Unmatched]:
    """Return the listed VMs that do not exist, and of which nothing is left."""
    unseen = [each.key for each in fleet.candidates if each.key not in fleet.vms]
    # Where VMs were observed, a missing one is blocked.
    if fleet.with_vms or not unseen:
        return []
    existing = {vm.key for vm in fleet.list_again(list_vms)}
    answered = {key.cluster_uid for key in existing}
    return [
        _unmatched_entry(key, {*existing, *fleet.vms})
        for key in unseen
        if key not in existing and key.cluster_uid in answered
    ]


def _unmatched_entry(missing: VmKey, known: Iterable[VmKey]) -> Unmatched:
    beside = [key.vm_name for key in known if key[:2] == missing[:2]]
    value = f"{missing.namespace}/{missing.vm_name}"
    return Unmatched("vms", value, nearest(missing.vm_name, beside), True)


def _looked_at_again(fleet: Fleet, filters: Filters, options: Collection[str]) -> list[Unmatched]:
    """Return what met nothing even where more is listed. options: those that met nothing."""
    seen, existing = fleet.look_again(filters, options)
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
        bool(fleet.failures),
    )
    return unmatched(filters, seen, {key.namespace for key in (*vms, *existing)})


def _unmatched_selector(fleet: Fleet, filters: Filters) -> list[Unmatched]:
    labels = [vm.labels for vm in fleet.vms.values() if vm and not vm.unreadable]
    selector = filters.selector
    if selector is None or not labels or any(map(selector.matches, labels)):
        return []
    if fleet.failures:
        return [perhaps_elsewhere("selector", selector.text)]
    return [Unmatched("selector", selector.text, nearest_labels(selector, labels), False)]


def _list_entries(api: ClusterVms, entries: Sequence[Entry]) -> list[VirtualMachine]:
    if len(entries) == 1:
        # One VM, and not all pages of its namespace.
        vm = find_vm(api, VmKey(api.cluster.uid, entries[0].namespace, entries[0].vm_name))
        if vm:
            return [vm]
    return list_vms(api, {entry.namespace for entry in entries})


def _titled(found: Sequence[tuple[str, ClusterVms]]) -> list[Target]:
    """Return the clusters, each called by its name or, where others have it too, by its uid."""
    clusters = [api.cluster for _name, api in found]
    named = Counter(cluster.name for cluster in clusters)
    titles = [cluster.name if named[cluster.name] == 1 else cluster.uid for cluster in clusters]
    return [Target(title, api) for title, (_name, api) in zip(titles, found)]


def label_of(title: str, key: VmKey) -> str:
    """Return the name of a VM in results: ``cluster/namespace/vm``."""
    return f"{title}/{key.namespace}/{key.vm_name}"

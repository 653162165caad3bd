# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fleet: the selected virtual machines of one or more clusters, with their snapshots."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from .._palette.vms import ClusterVms
from .._vms.model import VirtualMachine, VmKey
from .._vms.observe import list_vms
from .._vms.selection import Entry, Filters
from .._vms.session import PaletteSession
from .model import Snapshot
from .observe import list_matching


class Candidate(NamedTuple):
    """A selected VM. vm: None if it does not exist. own_name: set for its snapshot by the user."""

    key: VmKey
    label: str
    vm: VirtualMachine | None
    own_name: str | None = None


class Fleet:
    """The selected VMs and their snapshots as observed, and the clusters to call for them."""

    def __init__(
        self,
        apis: Iterable[ClusterVms],
        candidates: Iterable[Candidate],
        snapshots: Iterable[Snapshot],
    ) -> None:
        self.apis: Mapping[str, ClusterVms] = {api.cluster.uid: api for api in apis}
        self.candidates = sorted(candidates, key=lambda candidate: candidate.key)
        # A cluster that is listed both by name and by uid is observed twice.
        self._by_name = {(s.key.cluster_uid, s.key.namespace, s.name): s for s in snapshots}
        self._by_vm: dict[VmKey, list[Snapshot]] = {}
        for snapshot in self._by_name.values():
            self._by_vm.setdefault(snapshot.key, []).append(snapshot)

    def of_vm(self, key: VmKey) -> Sequence[Snapshot]:
        """Return a VM's snapshots."""
        return self._by_vm.get(key, [])

    def named(self, key: VmKey, name: str) -> Snapshot | None:
        """Return the snapshot with this name in the VM's namespace, of any VM."""
        return self._by_name.get((key.cluster_uid, key.namespace, name))


def observe_entries(session: PaletteSession, entries: Sequence[Entry], with_vms: bool) -> Fleet:
    """Observe VMs that are listed one by one. with_vms: also the VMs, not only their snapshots."""
    apis: list[ClusterVms] = []
    candidates: list[Candidate] = []
    snapshots: list[Snapshot] = []
    for cluster in dict.fromkeys((entry.cluster, entry.cluster_uid) for entry in entries):
        api = session.cluster(*cluster)
        own = [entry for entry in entries if (entry.cluster, entry.cluster_uid) == cluster]
        namespaces = {entry.namespace for entry in own}
        vms = {vm.key: vm for vm in list_vms(api, namespaces)} if with_vms else {}
        apis.append(api)
        snapshots += list_matching(api, namespaces)
        for entry in dict.fromkeys(own):
            key = VmKey(api.cluster.uid, entry.namespace, entry.vm_name)
            candidates.append(
                Candidate(key, _label(api.cluster.name, key), vms.get(key), entry.name)
            )
    return Fleet(apis, candidates, snapshots)


def observe_matching(session: PaletteSession, filters: Filters, with_vms: bool) -> Fleet:
    """Observe the VMs that match the filters, in the clusters that the options name, or in all.

    Without with_vms, these are the VMs that have snapshots, even if they no longer exist.
    """
    apis = session.vm_clusters()
    titles = _titles(apis)
    candidates: list[Candidate] = []
    snapshots: list[Snapshot] = []
    for api in apis:
        title = titles[api.cluster.uid]
        listed = list_matching(api, filters.namespaces)
        snapshots += listed
        vms: dict[VmKey, VirtualMachine | None] = {}
        if with_vms:
            found = list_vms(api, filters.namespaces)
            vms.update({vm.key: vm for vm in found if filters.match_vm(vm, title)})
        else:
            vms.update({snap.key: None for snap in listed if filters.match_key(snap.key, title)})
        candidates += [Candidate(key, _label(title, key), vm) for key, vm in vms.items()]
    return Fleet(apis, candidates, snapshots)


def _titles(apis: Sequence[ClusterVms]) -> dict[str, str]:
    """Return each cluster's name or, if it is not unique, its uid."""
    clusters = [api.cluster for api in apis]
    named = Counter(cluster.name for cluster in clusters)
    return {c.uid: c.name if named[c.name] == 1 else c.uid for c in clusters}


def _label(title: str, key: VmKey) -> str:
    """Return the name of a VM in results: ``cluster/namespace/vm``."""
    return f"{title}/{key.namespace}/{key.vm_name}"

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fleet: the selected VMs with their snapshots, and what their clusters know of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from .._kubernetes.cluster import ClusterApi
from .._palette.vms import ClusterVms
from .._snapshots.fleet import SnapshotFleet
from .._snapshots.fleet import observe as observe_snapshots
from .._vms.fleet import Candidate, Target
from .._vms.model import VmKey
from .._vms.selection import Filters
from .model import Instance, Machine, Restore
from .observe import list_instances, list_machines, list_restores
from .plan import Sight


@dataclass
class RestoreFleet(SnapshotFleet):
    """What was observed of the selected VMs, also by their clusters' own APIs."""

    machines: dict[VmKey, Machine] = field(default_factory=dict)
    instances: dict[VmKey, Instance] = field(default_factory=dict)
    restores: list[Restore] = field(default_factory=list)

    @cached_property
    def _restores_of(self) -> dict[VmKey, list[Restore]]:
        by_vm: dict[VmKey, list[Restore]] = {}
        for restore in self.restores:
            by_vm.setdefault(restore.key, []).append(restore)
        return by_vm

    @cached_property
    def _restore_named(self) -> dict[tuple[str, str, str], Restore]:
        return {
            (restore.key.cluster_uid, restore.key.namespace, restore.name): restore
            for restore in self.restores
        }

    def add(self, part: Any) -> None:
        """Take in what was observed of one more target."""
        super().add(part)
        self.machines.update(part.machines)
        self.instances.update(part.instances)
        self.restores += part.restores

    def sight_of(self, candidate: Candidate, restore_name: str | None) -> Sight:
        """Return what was observed of a VM. restore_name: of the restore that is asked for."""
        key = candidate.key
        named = (key.cluster_uid, key.namespace, restore_name or "")
        return Sight(
            key,
            candidate.vm,
            self.machines.get(key),
            self.instances.get(key),
            self.of_vm(key),
            self._restores_of.get(key, []),
            self._restore_named.get(named),
        )


def observe(
    target: Target, filters: Filters, reach: Callable[[ClusterVms], ClusterApi]
) -> RestoreFleet:
    """Observe what is selected in one cluster. reach: returns its own API."""
    part = RestoreFleet()
    seen = observe_snapshots(target, filters, with_vms=True)
    SnapshotFleet.add(part, seen)
    namespaces = {candidate.key.namespace for candidate in seen.candidates if candidate.vm}
    if namespaces:
        uid, cluster = target.uid, reach(target.api)
        # In this order: what another run starts meanwhile is not taken for a VM that stops.
        part.instances = {each.key: each for each in list_instances(cluster, uid, namespaces)}
        machines = list_machines(cluster, uid, namespaces)
        part.machines = {machine.vm.key: machine for machine in machines}
        part.restores = list_restores(cluster, uid, namespaces)
        part.unreadable += [restore for restore in part.restores if restore.unreadable]
    return part

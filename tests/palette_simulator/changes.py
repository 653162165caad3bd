# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests change of a cluster, or of a VM, now or when a request comes in."""

from __future__ import annotations

import time
from typing import Any, Literal

import msgspec

from palette_simulator.fleet import Disks, Fate, FleetVolume, Freeze, RunStrategy, SeedPower
from palette_simulator.state import VM, Cluster, State
from palette_simulator.switches import Burst, Rate
from palette_simulator.timing import check_overrides

_ATTRIBUTES = {"snapshot": "fate", "run_strategy": "strategy"}


class VMChange(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Which fields of a VM to change; null leaves one as it is."""

    freeze: Freeze | None = None
    snapshot: Fate | None = None
    power: SeedPower | Literal["Crashed"] | None = None
    """Crashed: its instance has failed, and KubeVirt makes another one after a pause"""
    disks: Disks | None = None
    refused: bool | None = None
    guest_agent: bool | None = None
    restore_in_progress: str | None = None
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None
    run_strategy: RunStrategy | None = None
    volumes: list[FleetVolume] | None = None
    cores: int | None = None
    timing: dict[str, Any] | None = None

    def __post_init__(self) -> None:
        """Check the timing overrides."""
        check_overrides(self.timing or {})

    def apply(self, state: State, path: str) -> None:
        """Change the VM at a path: cluster/namespace/name."""
        cluster, vm = find_vm(state, path)
        now = time.time()
        for field, value in msgspec.structs.asdict(self).items():
            if field != "power" and value is not None:
                setattr(vm, _ATTRIBUTES.get(field, field), value)
        # After its timing, which decides how long that takes.
        if self.power == "Crashed":
            cluster.crash_vm(vm, now)
        elif self.power:
            vm.be(self.power, now)
        cluster.complete_claims(vm, now)
        cluster.change_vm(vm, now)


class ClusterChange(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Which fields of a cluster to change; null gives the say back to the switch of that name."""

    cuts_per_second: Rate | msgspec.UnsetType | None = msgspec.UNSET
    cut_burst: Burst | msgspec.UnsetType | None = msgspec.UNSET
    state: str | msgspec.UnsetType = msgspec.UNSET

    def apply(self, cluster: Cluster) -> None:
        """Change the cluster."""
        for field, value in msgspec.structs.asdict(self).items():
            if value is not msgspec.UNSET:
                setattr(cluster, field, value)


def find_cluster(state: State, wanted: str) -> Cluster:
    """The cluster with this name or uid, as it is now; LookupError where there is none."""
    for cluster in state.clusters.values():
        if wanted in (cluster.name, cluster.uid):
            cluster.sweep(time.time())
            return cluster
    raise LookupError(f"no cluster {wanted}")


def find_vm(state: State, path: str) -> tuple[Cluster, VM]:
    """Return the VM at a path, and its cluster; LookupError where there is none."""
    wanted, namespace, name = path.split("/")
    for cluster in state.clusters.values():
        if wanted not in (cluster.name, cluster.uid):
            continue
        cluster.sweep(time.time())
        vm = cluster.vms.get((namespace, name))
        if vm:
            return cluster, vm
    raise LookupError(f"no VM {namespace}/{name} in {wanted}")

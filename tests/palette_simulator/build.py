# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a fleet file to the state a simulated Palette starts with."""

from __future__ import annotations

import hashlib
from typing import Any

from palette_simulator.durations import parse_age, parse_go_duration
from palette_simulator.fleet import (
    PERMISSIONS,
    Fleet,
    FleetCluster,
    FleetKey,
    FleetSnapshot,
    FleetVM,
)
from palette_simulator.lifecycle import NEVER, Timeline
from palette_simulator.state import VM, Caller, Cluster, Project, Snapshot, State
from palette_simulator.timing import Timing


def build(fleet: Fleet, timing: Timing, now: float) -> State:
    """The state at the start; ages in the fleet count back from now."""
    state = State()
    for project in fleet.projects:
        uid = project.uid or derived_uid("project", project.name)
        state.projects[uid] = Project(uid, project.name)
        for cluster in project.clusters:
            _add_cluster(state, _cluster(cluster, uid, timing, now))
    for cluster in fleet.tenant_clusters:
        _add_cluster(state, _cluster(cluster, "", timing, now))
    for key in fleet.keys:
        state.callers[key.key] = _caller(key, state)
    return state


def derived_uid(*words: str) -> str:
    """A uid in Palette's form (24 hex digits) that is the same at each start."""
    return hashlib.sha256("/".join(words).encode()).hexdigest()[:24]


def _add_cluster(state: State, cluster: Cluster) -> None:
    while cluster.uid in state.clusters:  # two clusters may share their project and name
        cluster.uid = derived_uid(cluster.uid)
    state.clusters[cluster.uid] = cluster


def _caller(key: FleetKey, state: State) -> Caller:
    permissions = PERMISSIONS if key.permissions == "all" else key.permissions
    uids = [
        project.uid
        for project in state.projects.values()
        if key.projects == "all" or project.name in key.projects
    ]
    return Caller(key.user, frozenset(permissions), frozenset(uids), key.tenant_access)


def _cluster(seed: FleetCluster, project_uid: str, timing: Timing, now: float) -> Cluster:
    uid = seed.uid or derived_uid("cluster", project_uid, seed.name)
    cluster = Cluster(uid, seed.name, project_uid)
    cluster.environment = seed.environment
    cluster.state = "Deleted" if seed.deleted else seed.state
    cluster.deleted = seed.deleted
    cluster.vm_enabled = seed.vm_enabled
    cluster.namespaces = set(seed.namespaces)
    cluster.timing = timing
    cluster.cuts_per_second = seed.cuts_per_second
    cluster.cut_burst = seed.cut_burst
    for vm in seed.vms:
        cluster.add_vm(new_vm(vm, cluster, now - parse_age(vm.age)), now)
        for snapshot in sorted(vm.snapshots, key=lambda s: -parse_age(s.age)):
            _seed_snapshot(cluster, vm, snapshot, now)
    return cluster


def new_vm(seed: FleetVM, cluster: Cluster, created: float) -> VM:
    """A VM with a uid of its own, still to be put into the cluster."""
    key = seed.namespace, seed.name
    vm = cluster.new_vm(key, created)
    vm.labels = dict(seed.labels)
    vm.volumes = list(seed.volumes)
    vm.cores = vm.live_cores = seed.cores
    vm.strategy = seed.run_strategy
    vm.guest_agent = seed.guest_agent
    vm.freeze = seed.freeze
    vm.fate = seed.snapshot
    vm.restore_in_progress = seed.restore_in_progress
    vm.timing = seed.timing
    vm.disks = seed.disks
    vm.refused = seed.refused
    vm.be(seed.power, created)
    return vm


def _seed_snapshot(cluster: Cluster, vm: FleetVM, seed: FleetSnapshot, now: float) -> None:
    created = now - parse_age(seed.age)
    snapshot = Snapshot((vm.namespace, seed.name), vm.name, created)
    snapshot.api_version = "snapshot.kubevirt.io/v1beta1"
    snapshot.labels = dict(seed.labels)
    snapshot.annotations = dict(seed.annotations)
    snapshot.spec = _spec(vm.name, seed)
    if seed.failure_deadline is not None:
        snapshot.deadline = parse_go_duration(seed.failure_deadline) or NEVER
    snapshot.observe(cluster.vms[vm.namespace, vm.name], now)
    snapshot.seeded = _timeline(snapshot, seed, now)
    cluster.add_snapshot(snapshot)
    if seed.phase == "Deleting":
        snapshot.deleted = min(created + 1, now)  # and it stays: nothing finishes the deletion


def _spec(vm_name: str, seed: FleetSnapshot) -> dict[str, Any]:
    source = {"apiGroup": "kubevirt.io", "kind": "VirtualMachine", "name": vm_name}
    spec: dict[str, Any] = {"source": source}
    if seed.deletion_policy is not None:
        spec["deletionPolicy"] = seed.deletion_policy
    if seed.failure_deadline is not None:
        spec["failureDeadline"] = seed.failure_deadline
    return spec


def _timeline(snapshot: Snapshot, seed: FleetSnapshot, now: float) -> Timeline:
    at = snapshot.created
    started = Timeline(at, at, at, NEVER, NEVER, NEVER, NEVER, NEVER, NEVER)
    if seed.phase == "Succeeded":
        ready = at if seed.ready else NEVER
        return started._replace(cut=at, ready=ready, released=at)
    if seed.phase == "Failed":
        failed = min(at + snapshot.deadline, now)
        return started._replace(failed=failed, released=failed)
    if seed.phase == "Deleting":
        return started._replace(released=at)
    if seed.finishes_in is None:
        failed = at + snapshot.deadline
        return started._replace(failed=failed, released=failed)
    cut = now + parse_go_duration(seed.finishes_in)
    return started._replace(cut=cut, ready=cut, released=cut)

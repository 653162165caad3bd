# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Storage that takes its time: whose turn it is, and what that means for deadlines and guests."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from palette_simulator.build import build
from palette_simulator.fleet import Fleet, FleetCluster, FleetKey, FleetProject, FleetVM
from palette_simulator.launch import Simulator
from palette_simulator.lifecycle import NEVER, Stage
from palette_simulator.probe import Probe, has_failed, is_ready
from palette_simulator.state import Cluster, Snapshot
from palette_simulator.storage import NO_QUEUE, Place, StorageQueue
from palette_simulator.timing import PROFILES, Delay, Timing


def queue_of(
    *places: tuple[str, float, int], rate: float = 1.0, burst: int = 1
) -> StorageQueue[str]:
    """A queue with names, when they begin to wait, and their volumes, in the order of creation."""
    queue: StorageQueue[str] = StorageQueue()
    queue.configure(rate, burst, 0.0)
    for order, (name, since, volumes) in enumerate(places):
        queue.put(name, Place(order, since, volumes), 0.0)
    return queue


def test_a_burst_is_served_at_once_and_the_rest_at_the_rate() -> None:
    queue = queue_of(*((name, 0.0, 1) for name in "abcde"), rate=2, burst=2)
    assert list(queue.served(0.4)) == [("a", 0.0), ("b", 0.0)]
    assert list(queue.served(1.5)) == [("c", 0.5), ("d", 1.0), ("e", 1.5)]


def test_the_earliest_created_of_those_who_wait_comes_first() -> None:
    queue = queue_of(("a", 0.6, 1), ("b", 0.5, 1), ("c", 0.0, 1))
    assert list(queue.served(9.0)) == [("c", 0.0), ("a", 1.0), ("b", 2.0)]


def test_each_volume_takes_a_turn() -> None:
    queue = queue_of(("a", 0.0, 3), ("b", 0.0, 1))
    assert list(queue.served(9.0)) == [("a", 2.0), ("b", 3.0)]


def test_what_is_not_used_is_saved_up_to_the_burst_only() -> None:
    queue = queue_of(*((name, 100.0, 1) for name in "abc"), rate=2, burst=2)
    assert list(queue.served(101.0)) == [("a", 100.0), ("b", 100.0), ("c", 100.5)]


def test_who_is_dropped_takes_no_turn() -> None:
    queue = queue_of(("a", 0.0, 1), ("b", 0.0, 1), ("c", 0.0, 1), ("d", 5.0, 1))
    queue.drop("b")
    queue.drop("d")
    assert list(queue.served(9.0)) == [("a", 0.0), ("c", 1.0)]


def test_who_waits_already_keeps_waiting() -> None:
    queue = queue_of(("a", 0.0, 1), ("b", 3.0, 1))
    queue.put("a", Place(0, 7.0, 1), 1.0)
    queue.put("b", Place(1, 2.0, 1), 1.0)
    assert list(queue.served(9.0)) == [("a", 0.0), ("b", 2.0)]


def test_nobody_waits_in_the_past() -> None:
    queue = queue_of()
    queue.put("late", Place(0, 2.0, 1), 6.0)
    assert list(queue.served(9.0)) == [("late", 6.0)]


def test_storage_that_stands_still_serves_its_burst_only() -> None:
    queue = queue_of(("a", 0.0, 1), ("b", 0.0, 1), rate=0)
    assert list(queue.served(1e9)) == [("a", 0.0)]


def test_without_a_queue_all_who_wait_are_served_at_once() -> None:
    queue = queue_of(("a", 0.0, 1), ("b", 0.0, 2), ("c", 6.0, 1), rate=0)
    assert list(queue.served(5.0)) == [("a", 0.0)]
    queue.configure(NO_QUEUE, 1, 5.0)
    assert list(queue.served(9.0)) == [("b", 5.0), ("c", 6.0)]


@given(
    st.lists(st.tuples(st.floats(0, 50), st.integers(1, 3)), max_size=20),
    st.floats(0.1, 5),
    st.integers(1, 5),
    st.lists(st.floats(0, 100), max_size=10).map(sorted),
)
def test_it_does_not_matter_when_one_looks(
    wanted: list[tuple[float, int]], rate: float, burst: int, looks: list[float]
) -> None:
    places = [(str(number), *place) for number, place in enumerate(wanted)]
    once = list(queue_of(*places, rate=rate, burst=burst).served(1000.0))
    looked_at = queue_of(*places, rate=rate, burst=burst)
    often = [turn for look in [*looks, 1000.0] for turn in looked_at.served(look)]
    assert often == once
    assert len(once) == len(places)


@given(st.lists(st.floats(0, 20), min_size=2, max_size=30), st.floats(0.1, 5), st.integers(1, 5))
def test_no_time_sees_more_than_the_burst_and_the_rate(
    since: list[float], rate: float, burst: int
) -> None:
    places = [(str(number), moment, 1) for number, moment in enumerate(since)]
    moments = [at for _name, at in queue_of(*places, rate=rate, burst=burst).served(1000.0)]
    assert moments == sorted(moments)
    for first, begin in enumerate(moments):
        for last, end in enumerate(moments[first:], first):
            assert last - first + 1 <= burst + (end - begin) * rate + 1e-6


def cluster_of(rate: float | None = 1.0, burst: int = 1, vms: int = 10, **delays: Delay) -> Cluster:
    """A cluster with VMs vm0 …, whose storage alone takes time unless delays say otherwise."""
    seeds = [FleetVM(name=f"vm{number}", namespace="n") for number in range(vms)]
    project = FleetProject(name="p", clusters=[FleetCluster(name="c", vms=seeds)])
    delays = {"lock_retry": 1.0, "lost": NEVER, **dict.fromkeys(_STEPS, 0.0), **delays}
    timing = Timing(PROFILES["instant"], {f"vm{number}": delays for number in range(vms)})
    state = build(Fleet(keys=[FleetKey(key="k")], projects=[project]), timing, 0.0)
    (cluster,) = state.clusters.values()
    cluster.pace_storage(rate, burst, 0.0)
    return cluster


_STEPS = ("status", "lock", "cut", "ready", "unlock", "gone")


def take(cluster: Cluster, vm: str, at: float, deadline: float = 300.0) -> Snapshot:
    """Create a snapshot at a moment."""
    cluster.sweep(at)
    snapshot = Snapshot(("n", f"{vm}-at-{at}"), vm, at)
    snapshot.deadline = deadline
    snapshot.observe(cluster.vms["n", vm], snapshot.created)
    cluster.add_snapshot(snapshot)
    return snapshot


def take_each(cluster: Cluster, at: float, deadline: float = 300.0) -> list[Snapshot]:
    """Create a snapshot of every VM."""
    return [take(cluster, name, at, deadline) for _namespace, name in list(cluster.vms)]


def cuts(snapshots: list[Snapshot]) -> list[float]:
    """When each was cut."""
    return [snapshot.timeline.cut for snapshot in snapshots]


def test_snapshots_are_cut_in_the_order_of_their_creation() -> None:
    cluster = cluster_of(rate=2, burst=2, vms=5)
    snapshots = take_each(cluster, 10.0)
    cluster.sweep(10.6)
    assert [snapshot.stage(10.6) for snapshot in snapshots] == [Stage.READY] * 3 + [
        Stage.WORKING
    ] * 2
    cluster.sweep(20.0)
    assert cuts(snapshots) == [10.0, 10.0, 10.5, 11.0, 11.5]


def test_a_cut_takes_its_own_time_too() -> None:
    cluster = cluster_of(vms=3, lock=1, cut=1.5, ready=2)
    snapshots = take_each(cluster, 0.0)
    cluster.sweep(9.0)
    assert cuts(snapshots) == [2.5, 2.5, 3.0]
    assert snapshots[2].timeline.ready == 5.0


def test_without_a_pace_nothing_waits() -> None:
    assert cuts(take_each(cluster_of(rate=None), 0.0)) == [0.0] * 10


def test_who_comes_too_late_fails_at_the_deadline() -> None:
    cluster = cluster_of(vms=5)
    snapshots = take_each(cluster, 0.0, deadline=2.5)
    cluster.sweep(9.0)
    assert cuts(snapshots) == [0.0, 1.0, 2.0, NEVER, NEVER]
    assert [snapshot.stage(2.4) for snapshot in snapshots[3:]] == [Stage.WORKING] * 2
    assert [snapshot.stage(2.5) for snapshot in snapshots[3:]] == [Stage.FAILED] * 2
    assert cluster.toll(9.0).failed == 2


@pytest.mark.parametrize(("delete", "cut"), [(False, 5.0), (True, 3.0)])
def test_the_carcass_of_a_failed_one_takes_its_turn_until_it_is_deleted(
    delete: bool, cut: float
) -> None:
    cluster = cluster_of(vms=6)
    late = [take(cluster, f"vm{number}", 0.0, deadline=2.5) for number in range(5)][3:]
    cluster.sweep(2.6)
    if delete:
        for snapshot in late:
            cluster.delete_snapshot(snapshot, 2.6)
    again = take(cluster, "vm5", 2.7)
    cluster.sweep(9.0)
    assert again.timeline.cut == cut
    assert cluster.toll(9.0).failed == 2


def test_only_what_can_be_snapshotted_waits() -> None:
    cluster = cluster_of(rate=0, vms=2)
    take(cluster, "vm0", 0.0)
    cluster.vms["n", "vm1"].volumes = []
    without = take(cluster, "vm1", 0.0)
    assert without.timeline.cut == 0.0


def test_a_guest_that_does_not_freeze_has_no_volume_to_cut() -> None:
    cluster = cluster_of(vms=2)
    vm = cluster.vms["n", "vm0"]
    vm.freeze = "fails"
    frozen, other = take_each(cluster, 0.0)
    cluster.sweep(5.0)
    assert cuts([frozen, other]) == [NEVER, 0.0]
    vm.freeze = "ok"
    cluster.change_vm(vm, 5.0)
    cluster.sweep(6.0)
    assert frozen.timeline.cut == 5.0


def test_who_waits_for_its_vm_does_not_hold_up_the_others() -> None:
    cluster = cluster_of(rate=0.5, vms=3, unlock=3.0)
    first = take(cluster, "vm0", 0.0)
    second = take(cluster, "vm1", 0.0)
    third = take(cluster, "vm1", 0.0)
    fourth = take(cluster, "vm2", 0.0)
    cluster.sweep(20.0)
    assert cuts([first, second, fourth, third]) == [0.0, 2.0, 4.0, 6.0]


def test_a_guest_with_an_agent_is_frozen_until_it_is_cut() -> None:
    cluster = cluster_of(vms=4)
    cluster.vms["n", "vm3"].guest_agent = False
    snapshots = take_each(cluster, 0.0)
    cluster.sweep(1.5)
    assert [snapshot.frozen_for(1.5) for snapshot in snapshots] == [0.0, 1.0, 1.5, 0.0]
    cluster.delete_snapshot(snapshots[2], 1.75)
    cluster.sweep(9.0)
    assert cluster.snapshots.keys() == {s.key for s in snapshots if s is not snapshots[2]}
    assert cluster.toll(9.0).longest_freeze == 1.75


def test_a_guest_is_thawed_when_its_snapshot_has_failed() -> None:
    cluster = cluster_of(rate=0, vms=2)
    take_each(cluster, 0.0, deadline=2.0)
    assert cluster.toll(9.0).longest_freeze == 2.0


def test_a_deleted_vm_goes_when_its_snapshot_is_cut() -> None:
    cluster = cluster_of(vms=2)
    take_each(cluster, 0.0)
    cluster.delete_vm(cluster.vms["n", "vm1"], 0.5)
    cluster.sweep(0.9)
    assert ("n", "vm1") in cluster.vms
    cluster.sweep(1.0)
    assert ("n", "vm1") not in cluster.vms


def test_a_vm_that_is_made_again_stays() -> None:
    cluster = cluster_of(vms=2)
    take_each(cluster, 0.0)
    gone = cluster.vms["n", "vm1"]
    cluster.delete_vm(gone, 0.5)
    cluster.sweep(1.0)
    gone.deleted = None
    cluster.add_vm(gone, 2.0)
    cluster.sweep(1000.0)
    assert ("n", "vm1") in cluster.vms


def test_a_slow_storage_lets_snapshots_fail(palette: Simulator, probe: Probe) -> None:
    palette.switch(timing="instant", cuts_per_second=0, cut_burst=2)
    probe.create("db1", "in-time")
    probe.until(is_ready, "db1", "in-time")
    probe.create("web1", "too-late", failureDeadline="300ms")
    failed = probe.until(has_failed, "web1", "too-late")
    assert "error" not in failed["status"]
    stats = palette.stats()
    assert stats["failed"] == 1
    assert 0.2 < stats["longest_freeze"] < 0.4
    palette.reset()
    stats = palette.stats()
    assert (stats["failed"], stats["longest_freeze"]) == (0, 0.0)


def test_a_cluster_may_have_a_pace_of_its_own(palette: Simulator, probe: Probe) -> None:
    palette.switch(timing="instant", cuts_per_second=0)
    palette.change_cluster("vm-cluster-1", cuts_per_second=1000, cut_burst=2)
    probe.create("db1", "s")
    probe.until(is_ready, "db1", "s")
    palette.change_cluster("vm-cluster-1", cuts_per_second=None)
    for name in ("a", "b"):
        probe.create("web1", name)
    probe.create("web1", "c", failureDeadline="100ms")
    probe.until(has_failed, "web1", "c")
    probe.create("web1", "d")
    palette.switch(cuts_per_second=None)
    probe.until(is_ready, "web1", "d")


@pytest.mark.parametrize(
    "change",
    [{"cuts_per_second": -1}, {"cut_burst": 0}, {"cut_burst": 1.5}, {"cuts_per_minute": 1}],
)
def test_a_wrong_pace_is_refused(palette: Simulator, change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="error"):
        palette.switch(**change)
    with pytest.raises(ValueError, match="error"):
        palette.change_cluster("vm-cluster-1", **change)
    with pytest.raises(ValueError, match="no cluster nowhere"):
        palette.change_cluster("nowhere", cut_burst=1)

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many members at once: one look for all, each with its own end, and no write that is hopeless."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone

import pytest

from ansible_collections.spectrocloud.palette.plugins.module_utils._palette.clusters import Cluster
from ansible_collections.spectrocloud.palette.plugins.module_utils._palette.errors import (
    PaletteError,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots import (
    execute as execute_module,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots.desired import wanted
from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots.execute import (
    Execution,
    Member,
    steps_for,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots.model import (
    VirtualMachine,
    VmKey,
    read_snapshot,
    read_vm,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots.plan import (
    plan_absent,
    plan_present,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots.wait import (
    Goal,
    Waiting,
)
from unit.fakes import (
    BROKEN,
    FAILED,
    FORBIDDEN,
    READY,
    RUNNING,
    Clock,
    FakeCluster,
    Json,
    copy,
)

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
WAITING = Waiting(600, 5, Goal.READY, Goal.GONE)


@pytest.fixture
def palette(clock: Clock) -> FakeCluster:
    """A cluster with twenty VMs."""
    cluster = FakeCluster()
    for number in range(20):
        cluster.add_vm(f"db{number}")
    return cluster


def machine(palette: FakeCluster, vm_name: str) -> VirtualMachine:
    """Return a VM as read."""
    return read_vm(palette.cluster.uid, palette.machines["vms", vm_name])


def creation(palette: FakeCluster, vm_name: str, waiting: Waiting = WAITING) -> Member:
    """Return the member that takes a snapshot of a VM."""
    key = VmKey(palette.cluster.uid, "vms", vm_name)
    asked = wanted(key, f"{vm_name}-s", {}, NOW)
    action = plan_present(asked, None, machine(palette, vm_name))
    return Member(key, steps_for(action, waiting))


def deletion(palette: FakeCluster, vm_name: str) -> Member:
    """Return the member that deletes a VM's snapshot, which there is."""
    key = VmKey(palette.cluster.uid, "vms", vm_name)
    current = read_snapshot(key.cluster_uid, palette.add_snapshot(f"{vm_name}-s", vm_name))
    return Member(key, steps_for(plan_absent(key, current), WAITING), seen=current)


def execute(
    *palettes: FakeCluster,
    members: Sequence[Member],
    waiting: Waiting = WAITING,
    concurrency: int = 4,
) -> None:
    """Carry out the members' steps."""
    apis = {palette.cluster.uid: palette for palette in palettes}
    Execution(apis, waiting, concurrency).run(members)  # type: ignore[arg-type]


def test_all_members_are_looked_at_together(palette: FakeCluster) -> None:
    members = [creation(palette, f"db{number}") for number in range(20)]
    execute(palette, members=members)
    assert all(member.changed and not member.failure for member in members)
    assert all(member.seen and member.seen.ready for member in members)
    assert palette.writes == ["POST"] * 20
    looks = [call for call in palette.calls if call[0] == "LIST"]
    assert len(looks) == 4


def test_each_member_has_its_own_end(palette: FakeCluster, clock: Clock) -> None:
    palette.courses = {"db1": (RUNNING, FAILED), "db2": (RUNNING,), "db3": (RUNNING, READY)}
    members = [creation(palette, f"db{number}") for number in (1, 2, 3)]
    execute(palette, members=members)
    reasons = [member.failure.reason if member.failure else None for member in members]
    assert reasons == ["snapshot_failed", "wait_timeout", None]
    assert all(member.changed for member in members)
    assert 600 <= clock.now - 1000 < 606


def test_a_failed_write_leaves_the_other_members_alone(palette: FakeCluster) -> None:
    palette.fail("POST", PaletteError("rejected", "no"))
    members = [creation(palette, f"db{number}") for number in range(5)]
    execute(palette, members=members, concurrency=1)
    assert [bool(member.failure) for member in members] == [True, False, False, False, False]
    assert not members[0].changed
    assert len(palette.objects) == 4


@pytest.mark.parametrize("reason", ["unauthorized", "tls_error"])
def test_after_a_hopeless_write_no_other_is_tried(palette: FakeCluster, reason: str) -> None:
    palette.fail("POST", PaletteError(reason, "the key is wrong"))
    members = [creation(palette, f"db{number}") for number in range(5)]
    execute(palette, members=members, concurrency=1)
    assert palette.writes == ["POST"]
    assert {member.failure.reason for member in members if member.failure} == {reason}
    assert all(member.failure and not member.changed for member in members)
    assert "not tried" in str(members[1].failure)
    assert "the key is wrong" in str(members[4].failure)


def test_a_cluster_that_cannot_be_read_does_not_blind_another(
    palette: FakeCluster, clock: Clock
) -> None:
    dark = FakeCluster()
    dark.cluster = Cluster("c2", "cluster-2", "p1")
    dark.add_vm("db1")

    def refuse() -> None:
        raise copy(FORBIDDEN)

    dark.on_look.append(refuse)
    members = [creation(palette, "db1"), creation(dark, "db1")]
    execute(palette, dark, members=members)
    assert members[0].failure is None
    assert members[1].failure
    assert members[1].failure.reason == "forbidden"


def test_deletions_are_waited_for_together(palette: FakeCluster) -> None:
    members = [deletion(palette, f"db{number}") for number in range(10)]
    execute(palette, members=members)
    assert palette.objects == {}
    assert palette.writes == ["DELETE"] * 10
    assert all(member.changed and not member.failure for member in members)
    assert len([call for call in palette.calls if call[0] == "LIST"]) == 2


def test_without_waiting_there_is_no_look(palette: FakeCluster, clock: Clock) -> None:
    waiting = Waiting(600, 5, None, None)
    members = [creation(palette, f"db{number}", waiting) for number in range(5)]
    execute(palette, members=members, waiting=waiting)
    assert palette.writes == ["POST"] * 5
    assert [call for call in palette.calls if call[0] == "LIST"] == []
    assert clock.slept == []


def test_every_members_progress_is_reported(palette: FakeCluster) -> None:
    counts: list[int] = []

    def report(members: Sequence[Member]) -> None:
        counts.append(sum(not member.active for member in members))

    members = [creation(palette, f"db{number}") for number in range(3)]
    palette.courses = {"db1": (READY,), "db2": (RUNNING, READY), "db0": (RUNNING, RUNNING, READY)}
    Execution({"c1": palette}, WAITING, 2, report).run(members)  # type: ignore[dict-item]
    assert counts[-3:] == [1, 2, 3]


def test_an_interrupt_begins_no_further_write(
    palette: FakeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    cancelled = threading.Event()
    create = palette.create_snapshot

    class Pool(ThreadPoolExecutor):
        def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
            super().shutdown(wait=False, cancel_futures=cancel_futures)
            cancelled.set()
            super().shutdown(wait=wait)

    def create_one_before_the_interrupt(vm_name: str, namespace: str, body: Json) -> Json:
        if palette.writes:
            assert cancelled.wait(10)
        return create(vm_name, namespace, body)

    def interrupt(_members: Sequence[Member]) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(execute_module, "ThreadPoolExecutor", Pool)
    monkeypatch.setattr(palette, "create_snapshot", create_one_before_the_interrupt)
    members = [creation(palette, f"db{number}") for number in range(20)]
    with pytest.raises(KeyboardInterrupt):
        Execution({"c1": palette}, WAITING, 1, interrupt).run(members)  # type: ignore[dict-item]
    assert len(palette.writes) <= 2  # the first, and one that had begun


def test_a_long_wait_looks_at_a_bounded_pace(palette: FakeCluster, clock: Clock) -> None:
    palette.courses = {"db1": (RUNNING,)}
    patient = Waiting(4 * 3600, 5, Goal.READY, Goal.GONE)
    member = creation(palette, "db1", patient)
    execute(palette, members=[member], waiting=patient)
    assert member.failure
    assert member.failure.reason == "wait_timeout"
    assert max(clock.slept) <= 5
    assert len(clock.slept) < 4 * 3600 / 4.5 + 10


def test_blind_looks_are_told_only_to_those_they_concern(palette: FakeCluster) -> None:
    palette.fail("LIST", BROKEN)
    members = [creation(palette, "db1")]
    palette.courses = {"db1": (RUNNING,)}
    execute(palette, members=members)
    assert members[0].failure
    assert "HTTP 500" not in members[0].failure.message

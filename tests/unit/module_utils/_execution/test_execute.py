# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carrying out the steps of many members against Palette in memory."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from math import ceil
from typing import Any

import pytest

from ansible_collections.spectrocloud.palette.plugins.module_utils._execution import execute
from ansible_collections.spectrocloud.palette.plugins.module_utils._execution.execute import (
    Execution,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._execution.lane import Lane
from ansible_collections.spectrocloud.palette.plugins.module_utils._execution.member import LAG
from ansible_collections.spectrocloud.palette.plugins.module_utils._execution.waiting import Waiting
from ansible_collections.spectrocloud.palette.plugins.module_utils._http.errors import ApiError
from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots.member import (
    SnapshotMember,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots.model import (
    Snapshot,
    read_snapshot,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots.plan import (
    DELETE,
    Action,
    Step,
    keep,
    plan_absent,
    plan_present,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots.steps import (
    SnapshotWork,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots.wait import Goal
from ansible_collections.spectrocloud.palette.plugins.module_utils._vms.model import VmKey
from unit.builders import (
    CLUSTER,
    FAILED,
    READY,
    RUNNING,
    UNQUIESCED,
    Json,
    desired_snapshot,
    key_of,
    own_labels,
    snapshot,
    vm,
)
from unit.palette_in_memory import (
    BROKEN,
    LOST,
    NEVER_READY,
    Call,
    Course,
    MemoryPalette,
    Stored,
    cluster_vms,
    connected,
    ready_after,
)

WAITING = Waiting(timeout=60.0, interval=5.0)
NO_WAITING = WAITING._replace(enabled=False)
OWN = own_labels()


def member_for(action: Action, waiting: Waiting = WAITING) -> SnapshotMember:
    """Return the member that carries out an action on a snapshot of db1."""
    return SnapshotMember(key_of(), action.steps_for(waiting.enabled), seen=action.current)


def creation(
    vm_name: str, cluster_uid: str = "c1", waiting: Waiting = WAITING, namespace: str = "vms"
) -> SnapshotMember:
    """Return a member whose snapshot is to be taken, named as its VM."""
    key = key_of(vm_name, namespace, cluster_uid)
    action = plan_present(desired_snapshot(key, vm_name), None, vm(key))
    return SnapshotMember(key, action.steps_for(waiting.enabled))


def creations(count: int, waiting: Waiting = WAITING) -> list[SnapshotMember]:
    """Return members vm-0, vm-1, … whose snapshots are to be taken."""
    return [creation(f"vm-{number}", waiting=waiting) for number in range(count)]


def deletions(vm_name: str, *names: str) -> SnapshotMember:
    """Return a member whose snapshots are to be deleted one after the other."""
    return SnapshotMember(key_of(vm_name), [Step(DELETE, name, Goal.GONE) for name in names])


def run(
    palette: MemoryPalette,
    members: Sequence[SnapshotMember],
    waiting: Waiting = WAITING,
    concurrency: int = 4,
    report: Callable[[Iterable[Any]], None] = lambda _members: None,
) -> list[Lane[SnapshotMember]]:
    """Carry the members' steps out, and return the clusters' lanes."""
    lanes = []
    for uid, cluster in palette.clusters.items():
        lane = Lane(SnapshotWork(cluster_vms(palette, cluster), waiting))
        lane.load(member for member in members if member.key.cluster_uid == uid)
        lanes.append(lane)
    with connected(palette):
        Execution(lanes, concurrency, report).run()
    return lanes


def reasons(members: Sequence[SnapshotMember]) -> dict[str, str]:
    """Return why members failed, by VM."""
    return {m.key.vm_name: m.failure.reason for m in members if m.failure}


def observed(palette: MemoryPalette, stored: Stored) -> Snapshot:
    """Return a snapshot as it would be read now."""
    return read_snapshot(CLUSTER.uid, stored.shown(palette.clock.now))


def add_failed(palette: MemoryPalette) -> Snapshot:
    """Let there be a failed snapshot s of db1."""
    return observed(palette, palette.add_snapshot("s", key_of(), OWN, course=(FAILED,)))


def replacement(palette: MemoryPalette, waiting: Waiting = WAITING) -> SnapshotMember:
    """Return a member whose failed snapshot, which there is, is to be replaced."""
    action = plan_present(desired_snapshot(), add_failed(palette), vm(), replace=True)
    return member_for(action, waiting)


@pytest.fixture
def palette() -> MemoryPalette:
    """Palette without any VM: taking snapshots does not ask for them."""
    return MemoryPalette()


# Many members


def test_run_polls_thousands_of_members_by_pages_of_50(palette: MemoryPalette) -> None:
    members = creations(2_000)
    run(palette, members, concurrency=8)
    assert reasons(members) == {}
    assert all(m.seen and m.seen.ready and m.changed and not m.active for m in members)
    assert len(palette.writes("POST")) == 2_000
    rounds = [call for call in palette.polls() if "continue" not in call.query]
    assert 1 <= len(rounds) <= 8
    assert ceil(2_000 / 50) <= len(palette.polls()) <= len(rounds) * ceil(2_000 / 50)
    assert len(palette.calls) == len(palette.polls()) + 2_000


def test_run_polls_few_members_by_their_names(palette: MemoryPalette) -> None:
    for number in range(200):
        palette.add_snapshot(f"other-{number}", key_of("other"))
    run(palette, creations(2))
    queries = {(call.query["vmName"], call.query["namespace"]) for call in palette.polls()}
    assert queries == {("vm-0", "vms"), ("vm-1", "vms")}


def test_run_polls_each_namespace_by_itself(palette: MemoryPalette) -> None:
    members = [
        creation(f"vm-{number}", namespace=namespace) for namespace in "ab" for number in range(9)
    ]
    run(palette, members)
    assert reasons(members) == {}
    assert {(call.query["namespace"], "vmName" in call.query) for call in palette.polls()} == {
        ("a", False),
        ("b", False),
    }


def test_run_polls_cluster_by_cluster(palette: MemoryPalette) -> None:
    palette.add_cluster("c2", "cluster-2")
    members = [creation("db1"), creation("db1", "c2")]
    run(palette, members)
    assert reasons(members) == {}
    assert [m.seen and m.seen.key for m in members] == [m.key for m in members]


def test_run_gives_each_member_its_own_end(palette: MemoryPalette) -> None:
    palette.courses = {"vm-0": (RUNNING, FAILED), "vm-1": NEVER_READY, "vm-2": ready_after(1)}
    members = creations(3)
    run(palette, members)
    assert reasons(members) == {"vm-0": "snapshot_failed", "vm-1": "wait_timeout"}
    assert all(member.changed for member in members)
    assert sum(palette.clock.slept) == pytest.approx(WAITING.timeout)


def test_run_goes_on_when_a_members_write_fails(palette: MemoryPalette) -> None:
    members = creations(10)
    palette.fail("POST", ApiError("rejected", "no"), vm_name="vm-3")
    run(palette, members)
    assert reasons(members) == {"vm-3": "rejected"}
    others = [f"vm-{number}" for number in range(10) if number != 3]
    assert [m.key.vm_name for m in members if m.changed] == others
    assert palette.names() == others


def test_run_begins_no_step_after_a_failed_one(palette: MemoryPalette) -> None:
    for name in "ab":
        palette.add_snapshot(name, key_of(), OWN)
    palette.fail("DELETE", ApiError("forbidden", "no"))
    member = deletions("db1", "a", "b")
    run(palette, [member])
    assert [step.name for step in member.steps] == ["a", "b"]
    assert palette.names() == ["a", "b"]
    assert not member.changed


def test_run_without_steps_sends_nothing(palette: MemoryPalette) -> None:
    run(palette, [])
    run(palette, [SnapshotMember(key_of(), [])])
    assert palette.calls == []


def test_run_does_not_hide_an_error_of_the_program_itself(palette: MemoryPalette) -> None:
    def stumble(_call: Call) -> None:
        raise ZeroDivisionError

    palette.before = stumble
    with pytest.raises(ZeroDivisionError):
        run(palette, creations(3))


def test_concurrency_is_how_many_writes_are_under_way(palette: MemoryPalette) -> None:
    concurrency = 5
    together = threading.Barrier(concurrency, timeout=30)
    lock, under_way, most = threading.Lock(), 0, 0

    def begin(call: Call) -> None:
        nonlocal under_way, most
        if call.method != "POST":
            return
        with lock:
            under_way += 1
            most = max(most, under_way)
        together.wait()  # breaks unless as many as allowed come

    def end(_call: Call) -> None:
        nonlocal under_way
        with lock:
            under_way -= 1

    palette.before, palette.after = begin, end
    members = creations(4 * concurrency)
    run(palette, members, concurrency=concurrency)
    assert reasons(members) == {}
    assert most == concurrency


def test_concurrency_does_not_reorder_a_vms_deletions(palette: MemoryPalette) -> None:
    members = []
    for number in range(20):
        vm_name = f"vm-{number}"
        names = [f"{vm_name}-{which}" for which in "abc"]
        for name in names:
            palette.add_snapshot(name, key_of(vm_name), OWN)
        members.append(deletions(vm_name, *names))
    run(palette, members, concurrency=8)
    assert reasons(members) == {}
    assert palette.deleted_together == []
    assert palette.names() == []
    for member in members:
        own = [call.name for call in palette.writes() if call.vm_name == member.key.vm_name]
        assert own == [f"{member.key.vm_name}-{which}" for which in "abc"]


def test_run_waits_for_all_deletions_together(palette: MemoryPalette) -> None:
    members = []
    for number in range(10):
        palette.add_snapshot(f"s{number}", key_of(f"vm-{number}"), OWN)
        members.append(deletions(f"vm-{number}", f"s{number}"))
    run(palette, members)
    assert palette.names() == []
    assert all(member.changed and not member.failure for member in members)
    assert len(palette.writes("DELETE")) == 10
    assert len(palette.polls()) == 3  # the third is the first after two seconds


@pytest.mark.parametrize("concurrency", [1, 4])
@pytest.mark.parametrize("reason", ["unauthorized", "rate_limited", "tls_error"])
def test_run_tries_no_other_write_after_one_that_no_other_can_survive(
    palette: MemoryPalette, reason: str, concurrency: int
) -> None:
    members = creations(500)
    palette.fail("POST", *[ApiError(reason, "not today")] * concurrency)
    run(palette, members, concurrency=concurrency)
    assert set(reasons(members).values()) == {reason}
    assert len(reasons(members)) == 500
    assert len(palette.writes()) <= concurrency
    texts = Counter(str(m.failure) for m in members)
    assert texts["not tried, because it would fail the same way: not today"] >= 500 - concurrency
    assert not any(member.changed for member in members)


def test_run_still_waits_for_what_was_written_before_such_a_failure(
    palette: MemoryPalette,
) -> None:
    members = creations(3)
    palette.fail("POST", ApiError("unauthorized", "gone"), vm_name="vm-1")
    run(palette, members, concurrency=1)
    assert members[0].seen
    assert members[0].seen.ready
    assert reasons(members) == {"vm-1": "unauthorized", "vm-2": "unauthorized"}


def test_run_lets_begun_writes_end_at_an_interrupt_and_begins_no_other(
    palette: MemoryPalette, monkeypatch: pytest.MonkeyPatch
) -> None:
    concurrency = 4
    begun: list[str] = []
    ended: list[str] = []
    enough_have_begun, cancelled = threading.Event(), threading.Event()

    class Pool(ThreadPoolExecutor):
        """A pool that says when it has cancelled what had not begun."""

        def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
            super().shutdown(wait=False, cancel_futures=cancel_futures)
            cancelled.set()
            super().shutdown(wait=wait)

    def begin(call: Call) -> None:
        begun.append(call.vm_name)
        if len(begun) >= concurrency:
            enough_have_begun.set()
            assert cancelled.wait(30)

    def interrupt(_members: Iterable[SnapshotMember]) -> None:
        assert enough_have_begun.wait(30)
        raise KeyboardInterrupt

    monkeypatch.setattr(execute, "ThreadPoolExecutor", Pool)
    palette.before = begin
    palette.after = lambda call: ended.append(call.vm_name)
    members = creations(300)
    with pytest.raises(KeyboardInterrupt):
        run(palette, members, concurrency=concurrency, report=interrupt)
    assert sorted(begun) == sorted(ended)
    assert len(begun) <= 2 * concurrency
    assert palette.names() == sorted(ended)
    assert sorted(m.key.vm_name for m in members if m.changed) == sorted(ended)


def test_report_is_called_while_writes_are_under_way(
    palette: MemoryPalette, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(execute, "_REPORT_INTERVAL", 0.01)
    standings: list[int] = []
    reported = threading.Event()

    def report(members: Iterable[SnapshotMember]) -> None:
        standings.append(sum(member.active for member in members))
        reported.set()

    def begin(call: Call) -> None:
        assert call.method != "POST" or reported.wait(30)

    palette.before = begin
    run(palette, creations(5), report=report)
    assert standings[0] == 5
    assert standings[-1] == 0


def test_report_is_called_after_each_poll(palette: MemoryPalette) -> None:
    palette.courses = {"vm-0": ready_after(2), "vm-1": (READY,), "vm-2": ready_after(1)}
    done: list[int] = []

    def report(members: Iterable[SnapshotMember]) -> None:
        done.append(sum(not member.active for member in members))

    run(palette, creations(3), report=report)
    assert list(dict.fromkeys(done))[-3:] == [1, 2, 3]


def test_report_is_called_every_second_of_a_long_pause(palette: MemoryPalette) -> None:
    palette.course = ready_after(50)
    times: list[float] = []
    run(
        palette,
        creations(1),
        WAITING._replace(interval=30.0),
        report=lambda _members: times.append(palette.elapsed),
    )
    assert times[-1] >= 50
    assert max(later - earlier for earlier, later in pairwise(times)) < 1.1


# A task's keyword timeout


class TaskTimeout(BaseException):
    """As Ansible raises it: no Exception."""


def test_task_timeout_leaves_to_each_member_what_was_done(
    palette: MemoryPalette, monkeypatch: pytest.MonkeyPatch
) -> None:
    palette.courses = {"vm-0": (READY,), "vm-1": NEVER_READY}
    failed = add_failed(palette)
    palette.gone_after = None
    replaced = member_for(plan_present(desired_snapshot(), failed, vm(), replace=True))
    members = [*creations(2), replaced]
    sleep = palette.clock.sleep

    def strike(seconds: float) -> None:
        if palette.elapsed > 10:
            raise TaskTimeout
        sleep(seconds)

    monkeypatch.setattr(palette.clock, "sleep", strike)
    run(palette, members)
    assert reasons(members) == {"vm-1": "task_timeout", "db1": "task_timeout"}
    assert [member.changed for member in members] == [True, True, True]
    assert members[1].failure
    assert "snapshot vm-1" in members[1].failure.message
    assert palette.names() == ["s", "vm-0", "vm-1"]


def test_task_timeout_tells_what_was_not_tried(palette: MemoryPalette) -> None:
    under_way, struck = threading.Event(), threading.Event()

    def begin(_call: Call) -> None:
        under_way.set()
        assert struck.wait(30)

    class Pool(ThreadPoolExecutor):
        """Carries the writes under way out only once the timeout has struck."""

        def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
            super().shutdown(wait=False, cancel_futures=cancel_futures)
            struck.set()
            super().shutdown(wait=wait)

    def strike(_members: Iterable[SnapshotMember]) -> None:
        assert under_way.wait(30)
        raise TaskTimeout

    palette.before = begin
    members = creations(3)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(execute, "ThreadPoolExecutor", Pool)
        run(palette, members, concurrency=1, report=strike)
    assert reasons(members) == dict.fromkeys(("vm-0", "vm-1", "vm-2"), "task_timeout")
    taken = palette.names()
    assert [m.key.vm_name for m in members if m.changed] == taken
    texts = {m.key.vm_name: m.failure.message for m in members if m.failure}
    assert {name for name, text in texts.items() if "was waited for" in text} == set(taken)
    assert {name for name, text in texts.items() if "turn" in text} == set(texts) - set(taken)


# Polls that fail


@pytest.mark.parametrize("reason", ["unavailable", "unreachable", "timeout", "malformed_response"])
def test_poll_that_fails_is_repeated_until_wait_timeout(
    palette: MemoryPalette, reason: str
) -> None:
    members = creations(3)
    palette.fail("LIST", *[ApiError(reason, "bad gateway")] * 5)
    run(palette, members)
    assert reasons(members) == {}


def test_wait_timeout_names_the_poll_that_failed_last(palette: MemoryPalette) -> None:
    members = creations(3)
    palette.fail("LIST", *[ApiError("unavailable", "bad gateway")] * 1_000)
    run(palette, members)
    assert set(reasons(members).values()) == {"wait_timeout"}
    assert all("the last poll failed: bad gateway" in str(m.failure) for m in members)
    assert all(member.changed for member in members)
    assert sum(palette.clock.slept) == pytest.approx(WAITING.timeout)


def test_wait_timeout_does_not_name_a_failed_poll_that_another_followed(
    palette: MemoryPalette,
) -> None:
    palette.fail("LIST", BROKEN)
    palette.course = NEVER_READY
    members = creations(1)
    run(palette, members)
    assert reasons(members) == {"vm-0": "wait_timeout"}
    assert "HTTP 500" not in str(members[0].failure)


@pytest.mark.parametrize("reason", ["unauthorized", "forbidden", "tls_error"])
def test_poll_that_no_repetition_mends_ends_the_waiting(
    palette: MemoryPalette, reason: str
) -> None:
    members = creations(3)
    palette.fail("LIST", ApiError(reason, "no"))
    run(palette, members)
    assert set(reasons(members).values()) == {reason}
    assert len(palette.polls()) == 1


def test_poll_that_fails_in_one_cluster_concerns_no_other(palette: MemoryPalette) -> None:
    palette.add_cluster("c2", "cluster-2")
    members = [creation("db1"), creation("db1", "c2")]

    def refuse(call: Call) -> None:
        if call.kind == "LIST" and call.cluster_uid == "c2":
            raise ApiError("forbidden", "no")

    palette.before = refuse
    run(palette, members)
    assert [m.failure.reason if m.failure else None for m in members] == [None, "forbidden"]


class Hiding:
    """Hides all snapshots from some polls; numbers begin at 1. A poll may be several requests."""

    def __init__(self, palette: MemoryPalette, hides: Callable[[int], bool]) -> None:
        self.polls = 0
        self._at = -1.0
        self._palette = palette
        self._hides = hides
        self._hidden: dict[tuple[str, str, str], Stored] = {}

    def __call__(self, call: Call) -> None:
        if call.kind != "LIST":
            return
        self.polls += call.at > self._at
        self._at = call.at
        self.show()
        if self._hides(self.polls):
            self._hidden = dict(self._palette.stored)
            self._palette.stored.clear()

    def show(self) -> None:
        """Show again what is hidden."""
        self._palette.stored.update(self._hidden)
        self._hidden = {}


def test_list_that_lags_is_no_disappearance(palette: MemoryPalette) -> None:
    member = creation("db1")
    palette.before = hiding = Hiding(palette, lambda _poll: palette.elapsed < LAG)
    run(palette, [member])
    assert not member.failure
    assert member.seen
    assert member.seen.ready
    assert hiding.polls > 2


def test_snapshot_that_lists_lack_for_long_has_disappeared(palette: MemoryPalette) -> None:
    member = creation("db1")
    palette.before = Hiding(palette, lambda _poll: True)
    run(palette, [member])
    assert reasons([member]) == {"db1": "snapshot_disappeared"}
    assert member.changed
    assert LAG <= palette.elapsed < 3 * LAG


def test_snapshot_that_a_get_shows_has_not_disappeared(palette: MemoryPalette) -> None:
    member = creation("db1")
    hiding = Hiding(palette, lambda _poll: palette.elapsed < 3 * LAG)

    def show_to_get(call: Call) -> None:
        hiding.show() if call.kind == "SNAPSHOT" else hiding(call)

    palette.before = show_to_get
    run(palette, [member])
    assert not member.failure
    assert any(call.kind == "SNAPSHOT" for call in palette.calls)


def test_get_that_fails_tells_nothing_and_concerns_no_other(palette: MemoryPalette) -> None:
    palette.course = ready_after(40)
    member, other = creation("db1"), creation("web1")
    hidden: dict[Any, Stored] = {}

    def hide_one(call: Call) -> None:
        palette.stored.update(hidden)
        hidden.clear()
        if call.kind == "LIST" and palette.elapsed < 3 * LAG:
            place = next((place for place in palette.stored if place[-1] == "db1"), None)
            hidden.update({place: palette.stored.pop(place)} if place else {})

    palette.before = hide_one
    palette.fail("SNAPSHOT", ApiError("forbidden", "HTTP 403"))
    run(palette, [member, other])
    assert reasons([member, other]) == {}
    assert "SNAPSHOT" in [call.kind for call in palette.calls]


def test_missed_polls_that_do_not_follow_each_other_are_forgiven(palette: MemoryPalette) -> None:
    palette.course = ready_after(20)
    member = creation("db1")
    palette.before = hiding = Hiding(palette, lambda poll: poll % 2 == 1)
    run(palette, [member])
    assert not member.failure
    assert hiding.polls > 4


# How waiting ends


def replaced_by_another(palette: MemoryPalette, name: str) -> None:
    """Let another snapshot, which is never ready, have the name."""
    palette.add_snapshot(name, key_of(), course=NEVER_READY)


def test_run_does_not_wait_for_another_snapshot_of_the_name(palette: MemoryPalette) -> None:
    member = creation("db1")
    palette.after = lambda _call: replaced_by_another(palette, "db1")
    run(palette, [member])
    assert reasons([member]) == {"db1": "snapshot_disappeared"}


def test_run_takes_a_deleted_one_as_gone_when_another_has_its_name(palette: MemoryPalette) -> None:
    palette.gone_after = None
    old = observed(palette, palette.add_snapshot("s", key_of(), OWN))
    member = member_for(plan_absent(key_of(), old))
    palette.after = lambda _call: replaced_by_another(palette, "s")
    run(palette, [member])
    assert not member.failure
    assert member.changed
    assert not member.active


@pytest.mark.parametrize(
    ("course", "reason", "text"),
    [
        ((RUNNING, RUNNING, FAILED), "snapshot_failed", "snapshot deadline exceeded"),
        (NEVER_READY, "wait_timeout", "was not ready within 60 s (wait_timeout)"),
    ],
)
def test_run_gives_each_bad_end_its_reason(
    palette: MemoryPalette, course: Course, reason: str, text: str
) -> None:
    palette.courses = {"vm-1": course}
    members = creations(3)
    run(palette, members)
    assert reasons(members) == {"vm-1": reason}
    assert text in str(members[1].failure)
    assert all(member.changed for member in members)


def test_run_gives_a_deletion_by_somebody_else_its_reason(palette: MemoryPalette) -> None:
    palette.gone_after = None

    def delete(call: Call) -> None:
        if call.vm_name == "vm-1":
            palette.begin_deletion(palette.stored["c1", "vms", "vm-1"])

    palette.after = delete
    members = creations(3)
    run(palette, members)
    assert reasons(members) == {"vm-1": "snapshot_deleted"}
    assert "deleted by somebody else" in str(members[1].failure)
    assert all(member.changed for member in members)


def test_wait_timeout_of_a_deletion(palette: MemoryPalette) -> None:
    palette.gone_after = None
    palette.add_snapshot("s", key_of(), OWN)
    member = deletions("db1", "s")
    run(palette, [member])
    assert reasons([member]) == {"db1": "wait_timeout"}
    text = "snapshot s was not gone within 60 s (wait_timeout); being deleted"
    assert text in str(member.failure)
    assert member.changed


def test_run_knows_a_failure_before_wait_timeout(palette: MemoryPalette) -> None:
    palette.course = (RUNNING, RUNNING, FAILED)
    members = creations(1)
    run(palette, members)
    assert reasons(members) == {"vm-0": "snapshot_failed"}
    assert sum(palette.clock.slept) < 10


def test_poll_interval_bounds_the_pace_of_a_long_wait(palette: MemoryPalette) -> None:
    palette.course = NEVER_READY
    hours = WAITING._replace(timeout=4 * 3600)
    members = creations(1)
    run(palette, members, hours)
    assert reasons(members) == {"vm-0": "wait_timeout"}
    polled = [call.at for call in palette.polls()]
    assert max(later - earlier for earlier, later in pairwise(polled)) <= 5
    assert len(polled) < 4 * 3600 / 4.5 + 10


def test_consistency_filesystem_keeps_an_unquiesced_snapshot(palette: MemoryPalette) -> None:
    palette.courses = {"vm-1": (RUNNING, UNQUIESCED)}
    members = [quiesced(key_of(f"vm-{number}")) for number in range(2)]
    run(palette, members)
    assert reasons(members) == {"vm-1": "not_quiesced"}
    assert palette.names() == ["vm-0", "vm-1"]


def quiesced(key: VmKey) -> SnapshotMember:
    """Return a member whose snapshot has to be consistent for file systems."""
    strict = desired_snapshot(key, key.vm_name, consistency="filesystem")
    return SnapshotMember(key, plan_present(strict, None, vm(key)).steps)


# A snapshot in progress before


def after_others(*others: Snapshot) -> SnapshotMember:
    """Return a member whose snapshot s is to be taken when the others have settled."""
    return member_for(plan_present(desired_snapshot(), None, vm(), others))


def test_run_waits_for_another_snapshot_in_progress_before_it_writes(
    palette: MemoryPalette,
) -> None:
    other = palette.add_snapshot("other", key_of(), course=ready_after(20))
    member = after_others(observed(palette, other))
    run(palette, [member])
    assert not member.failure
    assert palette.writes()[0].at >= 20
    assert member.seen
    assert member.seen.name == "s"


def test_run_is_not_stopped_by_another_snapshot_that_fails_or_goes(palette: MemoryPalette) -> None:
    course = (RUNNING, RUNNING, RUNNING, FAILED)
    fails = observed(palette, palette.add_snapshot("fails", key_of(), course=course))
    went = fails._replace(name="went")
    member = after_others(fails, went)
    run(palette, [member])
    assert not member.failure
    assert palette.names() == ["fails", "s"]


def test_wait_timeout_of_another_snapshot_in_progress_comes_before_any_write(
    palette: MemoryPalette,
) -> None:
    other = palette.add_snapshot("other", key_of(), course=NEVER_READY)
    members = [after_others(observed(palette, other)), creation("db2")]
    run(palette, members)
    assert reasons(members) == {"db1": "wait_timeout"}
    assert "an earlier snapshot of this VM, other, was still in progress after" in str(
        members[0].failure
    )
    assert not members[0].changed
    assert members[0].seen is None  # the other one is not the member's
    assert [call.vm_name for call in palette.writes()] == ["db2"]


# Replacing


@pytest.mark.parametrize("waiting", [WAITING, NO_WAITING])
def test_replace_deletes_waits_until_gone_and_creates(
    palette: MemoryPalette, waiting: Waiting
) -> None:
    member = replacement(palette, waiting)
    run(palette, [member], waiting)
    assert not member.failure
    deleted, created = palette.writes()
    assert (deleted.method, created.method) == ("DELETE", "POST")
    assert created.at >= deleted.at + 2
    assert member.seen
    assert member.seen.uid == palette.stored["c1", "vms", "s"].metadata["uid"]


def test_run_waits_for_what_is_being_deleted_and_does_not_delete_it_again(
    palette: MemoryPalette,
) -> None:
    old = palette.add_snapshot("s", key_of(), OWN)
    palette.begin_deletion(old)
    member = member_for(plan_present(desired_snapshot(), observed(palette, old), vm()))
    run(palette, [member])
    assert not member.failure
    assert [call.method for call in palette.writes()] == ["POST"]


def test_replace_creates_nothing_while_the_old_one_does_not_go(palette: MemoryPalette) -> None:
    palette.gone_after = None
    member = replacement(palette)
    run(palette, [member])
    assert reasons([member]) == {"db1": "wait_timeout"}
    assert [call.method for call in palette.writes()] == ["DELETE"]
    assert member.changed  # the old one is on its way out


def test_replace_adopts_what_somebody_else_took_meanwhile_and_is_changed(
    palette: MemoryPalette,
) -> None:
    member = replacement(palette)

    def take(call: Call) -> None:
        if call.method == "DELETE":
            del palette.stored["c1", "vms", "s"]
            palette.add_snapshot("s", key_of(), OWN)

    palette.after = take
    run(palette, [member])
    assert not member.failure
    assert (member.adopted, member.changed) == (True, True)


def test_replace_is_a_conflict_when_somebody_takes_the_name_meanwhile(
    palette: MemoryPalette,
) -> None:
    member = replacement(palette)

    def take(call: Call) -> None:
        if call.method == "DELETE":
            replaced_by_another(palette, "s")

    palette.after = take
    run(palette, [member])
    assert reasons([member]) == {"db1": "conflict"}
    assert len(palette.names()) == 1


# A snapshot that appeared meanwhile


def set_creation(**options: Any) -> SnapshotMember:
    """Return a member of the set nightly whose snapshot is to be taken."""
    desired = desired_snapshot(part_of="nightly", **options)
    return member_for(plan_present(desired, None, vm()))


def test_snapshot_that_appeared_meanwhile_is_adopted_and_waited_for(palette: MemoryPalette) -> None:
    palette.add_snapshot("s", key_of(), own_labels("nightly"), course=ready_after(5))
    member = set_creation()
    run(palette, [member])
    assert not member.failure
    assert (member.adopted, member.changed) == (True, False)
    assert member.seen
    assert member.seen.ready
    assert len(palette.writes()) == 1


@pytest.mark.parametrize(
    ("labels", "spec"),
    [
        (own_labels("weekly"), None),
        (own_labels(), None),
        ({}, None),
        (own_labels("nightly"), {"deletionPolicy": "Retain"}),
    ],
)
def test_snapshot_that_appeared_meanwhile_is_a_conflict_if_it_is_another(
    palette: MemoryPalette, labels: dict[str, str], spec: Json | None
) -> None:
    palette.add_snapshot("s", key_of(), labels, spec=spec)
    member = set_creation(deletion_policy="Delete")
    run(palette, [member])
    assert reasons([member]) == {"db1": "conflict"}
    assert (member.adopted, member.changed) == (False, False)


def test_snapshot_that_appeared_meanwhile_and_fails_is_a_failure(palette: MemoryPalette) -> None:
    palette.add_snapshot("s", key_of(), own_labels("nightly"), course=(RUNNING, RUNNING, FAILED))
    member = set_creation()
    run(palette, [member])
    assert reasons([member]) == {"db1": "snapshot_failed"}
    assert not member.changed


# Without waiting, and without a write


def test_wait_false_polls_nothing(palette: MemoryPalette) -> None:
    old = observed(palette, palette.add_snapshot("old", key_of(), OWN))
    deletion = member_for(plan_absent(key_of(), old), NO_WAITING)
    members = [*creations(3, NO_WAITING), deletion]
    run(palette, members, NO_WAITING)
    assert reasons(members) == {}
    assert sorted(call.method for call in palette.calls) == ["DELETE", "POST", "POST", "POST"]
    assert palette.clock.slept == []
    assert all(m.changed and not m.active for m in members)


def test_labels_are_read_written_and_waited_for(palette: MemoryPalette) -> None:
    old = palette.add_snapshot("s", key_of(), {"theirs": "1"}, course=ready_after(3))
    desired = desired_snapshot(labels={"mine": "2"})
    member = member_for(plan_present(desired, observed(palette, old), vm()))
    run(palette, [member])
    assert not member.failure
    assert member.seen
    assert member.seen.labels == {"theirs": "1", "mine": "2"}
    assert member.seen.ready


def test_run_sends_nothing_for_what_is_ready_already(palette: MemoryPalette) -> None:
    member = member_for(keep("present", snapshot(), desired_snapshot()))
    run(palette, [member])
    assert not member.failure
    assert not member.changed
    assert palette.calls == []


def test_run_waits_for_what_is_there_but_not_ready_yet(palette: MemoryPalette) -> None:
    old = palette.add_snapshot("s", key_of(), OWN, course=ready_after(10))
    member = member_for(keep("present", observed(palette, old), desired_snapshot()))
    run(palette, [member])
    assert not member.failure
    assert not member.changed
    assert member.seen
    assert member.seen.ready


def test_run_makes_no_duplicate_of_a_snapshot_whose_answer_was_lost(
    palette: MemoryPalette,
) -> None:
    palette.fail("POST", *[LOST] * 3, when="after")
    members = creations(10)
    run(palette, members)
    assert reasons(members) == {}
    assert len(palette.writes("POST")) == 10
    assert len(palette.names()) == 10

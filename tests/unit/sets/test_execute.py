# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carrying out the steps of many members against Palette in memory."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from math import ceil
from typing import Any

import pytest

from ansible_collections.spectrocloud.palette.plugins.module_utils._palette.errors import (
    PaletteError,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots import (
    execute as module,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots.desired import (
    Wanted,
    wanted,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots.execute import (
    Execution,
    Member,
    Step,
    steps_for,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots.model import (
    Snapshot,
    VmKey,
    read_snapshot,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots.plan import (
    CREATE,
    DELETE,
    KEEP,
    UPDATE,
    Action,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots.wait import (
    Goal,
    Waiting,
)
from unit.sets.world import (
    CLUSTER,
    EPOCH,
    Call,
    MemoryPalette,
    Stored,
    cluster_vms,
    inside,
    key_of,
    marks,
    snapshot,
)

WAITING = Waiting(timeout=60.0, interval=5.0, ready=Goal.READY, gone=Goal.GONE)
NO_WAITING = WAITING._replace(ready=None, gone=None)


def asked(key: VmKey, name: str = "s", labels: dict[str, str] | None = None) -> Wanted:
    """Return a snapshot to ask for."""
    return wanted(key, name, {"labels": labels}, EPOCH)


def creation(vm_name: str, name: str = "", waiting: Waiting = WAITING) -> Member:
    """Return a member whose snapshot is to be taken, named as its VM unless named."""
    key = key_of(vm_name)
    action = Action(CREATE, "absent", wanted=asked(key, name or vm_name))
    return Member(key, steps_for(action, waiting))


def creations(count: int, waiting: Waiting = WAITING) -> list[Member]:
    """Return members vm-0, vm-1, … whose snapshots are to be taken."""
    return [creation(f"vm-{number}", waiting=waiting) for number in range(count)]


def deletions(vm_name: str, *names: str) -> Member:
    """Return a member whose snapshots are to be deleted one after the other."""
    return Member(key_of(vm_name), [Step(DELETE, name, Goal.GONE) for name in names])


def execute(
    palette: MemoryPalette,
    members: Sequence[Member],
    waiting: Waiting = WAITING,
    concurrency: int = 4,
    report: Callable[[Sequence[Member]], None] = lambda _members: None,
) -> None:
    """Carry the members' steps out."""
    apis = {uid: cluster_vms(palette, cluster) for uid, cluster in palette.clusters.items()}
    with inside(palette):
        Execution(apis, waiting, concurrency, report).run(members)


def reasons(members: Sequence[Member]) -> dict[str, str]:
    """Return why members failed, by VM."""
    return {m.key.vm_name: m.failure.reason for m in members if m.failure}


def seen(stored: Stored, palette: MemoryPalette) -> Snapshot:
    """Return a snapshot as it would be observed now."""
    return read_snapshot(CLUSTER.uid, stored.shown(palette.clock.now))


def failing(error: PaletteError, *vm_names: str) -> Callable[[Call], None]:
    """Return what lets each write on these VMs fail."""

    def fail(call: Call) -> None:
        if call.method != "GET" and call.vm_name in vm_names:
            raise error

    return fail


def failing_lists(error: PaletteError, times: int) -> Callable[[Call], None]:
    """Return what lets so many lists of snapshots fail."""
    left = [error] * times

    def fail(call: Call) -> None:
        if call.lists_snapshots and left:
            raise left.pop()

    return fail


@pytest.fixture
def palette() -> MemoryPalette:
    """Palette without any VM: taking snapshots does not ask for them."""
    return MemoryPalette()


def test_thousands_of_members_become_ready_by_looking_at_pages_of_50(
    palette: MemoryPalette,
) -> None:
    members = creations(2_000)
    rounds: list[int] = []
    palette.before = lambda call: rounds.append(0) if _begins_a_round(call) else None
    execute(palette, members, concurrency=8)
    assert reasons(members) == {}
    assert all(m.seen and m.seen.ready and m.changed and not m.active for m in members)
    assert len(palette.writes("POST")) == 2_000
    looks = [call for call in palette.calls if call.lists_snapshots]
    assert len(looks) == len(rounds) * ceil(2_000 / 50)
    assert len(palette.calls) == len(looks) + 2_000


def _begins_a_round(call: Call) -> bool:
    return call.lists_snapshots and "continue" not in call.query


def test_a_look_at_few_members_asks_for_these_only(palette: MemoryPalette) -> None:
    palette.add_snapshot(key_of("other"), "other", {})
    execute(palette, creations(2))
    looks = [call for call in palette.calls if call.lists_snapshots]
    assert {(c.query["vmName"], c.query["namespace"]) for c in looks} == {("vm-0,vm-1", "vms")}


def test_members_of_several_clusters_are_looked_at_cluster_by_cluster(
    palette: MemoryPalette,
) -> None:
    palette.add_cluster("c2", "cluster-2")
    keys = [key_of("db1"), key_of("db1", cluster_uid="c2")]
    members = [Member(key, [Step(CREATE, "s", Goal.READY, wanted=asked(key, "s"))]) for key in keys]
    execute(palette, members)
    assert reasons(members) == {}
    assert {(m.seen.key if m.seen else None) for m in members} == set(keys)


def test_no_more_writes_are_under_way_together_than_allowed(palette: MemoryPalette) -> None:
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
    execute(palette, members, concurrency=concurrency)
    assert reasons(members) == {}
    assert most == concurrency


def test_the_snapshots_of_a_vm_are_deleted_one_after_the_other(palette: MemoryPalette) -> None:
    members = []
    for number in range(20):
        vm_name = f"vm-{number}"
        names = [f"{vm_name}-{which}" for which in "abc"]
        for name in names:
            palette.add_snapshot(key_of(vm_name), name, marks())
        members.append(deletions(vm_name, *names))
    execute(palette, members, concurrency=8)
    assert reasons(members) == {}
    assert palette.deleted_together == []
    assert palette.names() == []
    for member in members:
        own = [call.path for call in palette.writes("DELETE") if call.vm_name == member.key.vm_name]
        assert own == sorted(own)
        assert len(own) == 3


def test_a_failing_member_stops_no_other(palette: MemoryPalette) -> None:
    members = creations(10)
    palette.before = failing(PaletteError("rejected", "no"), "vm-3")
    execute(palette, members)
    assert reasons(members) == {"vm-3": "rejected"}
    assert [m.key.vm_name for m in members if m.changed] == [
        f"vm-{number}" for number in range(10) if number != 3
    ]


def test_the_next_step_is_not_begun_after_a_failed_one(palette: MemoryPalette) -> None:
    for name in "ab":
        palette.add_snapshot(key_of(), name, marks())
    palette.before = failing(PaletteError("forbidden", "no"), "db1")
    member = deletions("db1", "a", "b")
    execute(palette, [member])
    assert [step.name for step in member.steps] == ["a", "b"]
    assert palette.names() == ["a", "b"]
    assert not member.changed


@pytest.mark.parametrize("reason", ["unauthorized", "unreachable", "tls_error"])
def test_what_is_hopeless_for_one_is_not_tried_for_all(palette: MemoryPalette, reason: str) -> None:
    members = creations(500)

    def refuse(call: Call) -> None:
        if call.method == "POST":
            raise PaletteError(reason, "not today")

    palette.before = refuse
    execute(palette, members, concurrency=4)
    assert set(reasons(members).values()) == {reason}
    assert len(reasons(members)) == 500
    assert len(palette.writes()) <= 4
    texts = Counter(str(m.failure) for m in members)
    assert texts["not tried, after another VM's: not today"] >= 496
    assert not any(member.changed for member in members)


def test_what_was_begun_before_all_turned_hopeless_is_still_waited_for(
    palette: MemoryPalette,
) -> None:
    members = creations(3)
    palette.before = failing(PaletteError("unreachable", "gone"), "vm-1")
    execute(palette, members, concurrency=1)
    assert members[0].seen
    assert members[0].seen.ready
    assert reasons(members) == {"vm-1": "unreachable", "vm-2": "unreachable"}


@pytest.mark.parametrize("reason", ["unavailable", "unreachable", "timeout", "malformed_response"])
def test_looks_that_fail_are_repeated_until_the_deadline(
    palette: MemoryPalette, reason: str
) -> None:
    members = creations(3)
    palette.before = failing_lists(PaletteError(reason, "bad gateway"), times=5)
    execute(palette, members)
    assert reasons(members) == {}


def test_looks_that_fail_past_the_deadline_are_a_timeout_that_tells_of_them(
    palette: MemoryPalette,
) -> None:
    members = creations(3)
    palette.before = failing_lists(PaletteError("unavailable", "bad gateway"), times=1_000)
    execute(palette, members)
    assert set(reasons(members).values()) == {"wait_timeout"}
    assert all("the last look failed: bad gateway" in str(m.failure) for m in members)
    assert all(member.changed for member in members)
    assert sum(palette.clock.slept) == pytest.approx(WAITING.timeout)


@pytest.mark.parametrize("reason", ["unauthorized", "forbidden", "tls_error"])
def test_a_look_that_time_does_not_mend_ends_the_waiting(
    palette: MemoryPalette, reason: str
) -> None:
    members = creations(3)
    palette.before = failing_lists(PaletteError(reason, "no"), times=1)
    execute(palette, members)
    assert set(reasons(members).values()) == {reason}
    assert len([call for call in palette.calls if call.lists_snapshots]) == 1


def test_one_clusters_trouble_is_not_anothers(palette: MemoryPalette) -> None:
    palette.add_cluster("c2", "cluster-2")
    keys = [key_of("db1"), key_of("db1", cluster_uid="c2")]
    members = [Member(key, [Step(CREATE, "s", Goal.READY, wanted=asked(key, "s"))]) for key in keys]

    def refuse(call: Call) -> None:
        if call.lists_snapshots and "/c2/" in call.path:
            raise PaletteError("forbidden", "no")

    palette.before = refuse
    execute(palette, members)
    assert [m.failure.reason if m.failure else None for m in members] == [None, "forbidden"]


class Vanishing:
    """Lets a snapshot be missing from so many looks."""

    def __init__(self, palette: MemoryPalette, looks: int) -> None:
        self._palette = palette
        self._looks = looks
        self._hidden: dict[Any, Stored] = {}

    def __call__(self, call: Call) -> None:
        if not call.lists_snapshots:
            return
        self._palette.stored.update(self._hidden)
        if self._looks:
            self._looks -= 1
            self._hidden = dict(self._palette.stored)
            self._palette.stored.clear()


def test_a_snapshot_that_one_look_misses_is_looked_for_again(palette: MemoryPalette) -> None:
    member = creation("db1")
    palette.before = Vanishing(palette, looks=1)
    execute(palette, [member])
    assert not member.failure
    assert member.seen
    assert member.seen.ready


def test_a_snapshot_that_two_looks_miss_has_disappeared(palette: MemoryPalette) -> None:
    member = creation("db1")
    palette.before = Vanishing(palette, looks=2)
    execute(palette, [member])
    assert reasons([member]) == {"db1": "snapshot_disappeared"}
    assert member.changed


def test_misses_that_do_not_follow_each_other_are_forgiven(palette: MemoryPalette) -> None:
    palette.ready_after = 20
    member = creation("db1")
    looks = 0

    def hide_every_other(call: Call) -> None:
        nonlocal looks
        if call.lists_snapshots:
            looks += 1
            hidden.update(palette.stored)
            palette.stored.clear()
            if looks % 2 == 0:
                palette.stored.update(hidden)

    hidden: dict[Any, Stored] = {}
    palette.before = hide_every_other
    execute(palette, [member])
    assert not member.failure
    assert looks > 4


def test_another_of_the_same_name_is_not_the_one_waited_for(palette: MemoryPalette) -> None:
    member = creation("db1", "s")
    palette.after = lambda _call: _replaced(palette, "s")
    execute(palette, [member])
    assert reasons([member]) == {"db1": "snapshot_disappeared"}


def test_a_deleted_one_is_gone_when_another_has_its_name(palette: MemoryPalette) -> None:
    palette.gone_after = None
    old = palette.add_snapshot(key_of(), "s", marks())
    action = Action(DELETE, "present", current=seen(old, palette))
    member = Member(key_of(), steps_for(action, WAITING), seen=action.current)
    palette.after = lambda _call: _replaced(palette, "s")
    execute(palette, [member])
    assert not member.failure
    assert member.changed
    assert not member.active


def _replaced(palette: MemoryPalette, name: str) -> None:
    palette.add_snapshot(key_of(), name, {}).ready_at = None


@pytest.mark.parametrize(
    ("fate", "reason", "text"),
    [
        ("fails", "snapshot_failed", "snapshot deadline exceeded"),
        ("never_ready", "wait_timeout", "was not ready within 60 s (wait_timeout)"),
        ("deleted", "snapshot_deleted", "deleted by somebody else"),
    ],
)
def test_each_way_that_waiting_ends_badly_has_its_reason(
    palette: MemoryPalette, fate: str, reason: str, text: str
) -> None:
    def strike(call: Call) -> None:
        if call.vm_name == "vm-1":
            _strike(palette, palette.stored["c1", "vms", "vm-1"], fate)

    palette.after = strike
    members = creations(3)
    execute(palette, members)
    assert reasons(members) == {"vm-1": reason}
    assert text in str(members[1].failure)
    assert all(member.changed for member in members)


def _strike(palette: MemoryPalette, stored: Stored, fate: str) -> None:
    stored.ready_at = None
    if fate == "fails":
        stored.failed_at = palette.clock.now + 2
    elif fate == "deleted":
        palette.gone_after = None
        palette.begin_deletion(stored)


def test_what_is_not_gone_in_time_is_a_timeout(palette: MemoryPalette) -> None:
    palette.gone_after = None
    palette.add_snapshot(key_of(), "s", marks())
    member = deletions("db1", "s")
    execute(palette, [member])
    assert reasons([member]) == {"db1": "wait_timeout"}
    assert "snapshot s was not gone within 60 s (wait_timeout); being deleted" in str(
        member.failure
    )
    assert member.changed


def test_a_failure_is_known_at_once_and_not_at_the_timeout(palette: MemoryPalette) -> None:
    member = creation("db1")
    palette.after = lambda _call: _strike(palette, palette.stored["c1", "vms", "db1"], "fails")
    execute(palette, [member])
    assert reasons([member]) == {"db1": "snapshot_failed"}
    assert sum(palette.clock.slept) < 10


def test_not_quiesced_is_a_failure_that_keeps_the_snapshot(palette: MemoryPalette) -> None:
    waiting = WAITING._replace(ready=Goal.QUIESCED)
    members = creations(2, waiting)

    def strike(call: Call) -> None:
        if call.vm_name == "vm-1":
            palette.stored["c1", "vms", "vm-1"].indications = ["NoGuestAgent", "Online"]

    palette.after = strike
    execute(palette, members, waiting)
    assert reasons(members) == {"vm-1": "not_quiesced"}
    assert palette.names() == ["vm-0", "vm-1"]


def test_another_snapshot_in_progress_is_awaited_before_the_write(palette: MemoryPalette) -> None:
    other = palette.add_snapshot(key_of(), "other", {})
    other.ready_at = palette.clock.now + 20
    action = Action(CREATE, "absent", wanted=asked(key_of()), await_others=("other",))
    member = Member(key_of(), steps_for(action, WAITING))
    written_at: list[float] = []
    palette.after = lambda _call: written_at.append(palette.clock.now)
    execute(palette, [member])
    assert not member.failure
    assert written_at[0] >= other.ready_at
    assert member.seen
    assert member.seen.name == "s"


def test_another_snapshot_that_fails_or_goes_is_not_in_the_way(palette: MemoryPalette) -> None:
    other = palette.add_snapshot(key_of(), "fails", {})
    other.ready_at, other.failed_at = None, palette.clock.now + 3
    action = Action(CREATE, "absent", wanted=asked(key_of()), await_others=("fails", "went"))
    member = Member(key_of(), steps_for(action, WAITING))
    execute(palette, [member])
    assert not member.failure
    assert palette.names() == ["fails", "s"]


def test_another_snapshot_that_does_not_end_is_a_timeout_before_any_write(
    palette: MemoryPalette,
) -> None:
    palette.add_snapshot(key_of(), "other", {}).ready_at = None
    action = Action(CREATE, "absent", wanted=asked(key_of()), await_others=("other",))
    members = [Member(key_of(), steps_for(action, WAITING)), creation("db2")]
    execute(palette, members)
    assert reasons(members) == {"db1": "wait_timeout"}
    assert "other, which the same VM has in progress" in str(members[0].failure)
    assert not members[0].changed
    assert members[0].seen is None  # the other one is not the member's
    assert [call.vm_name for call in palette.writes()] == ["db2"]


@pytest.mark.parametrize("waiting", [WAITING, NO_WAITING])
def test_replacing_deletes_waits_until_gone_and_creates(
    palette: MemoryPalette, waiting: Waiting
) -> None:
    old = palette.add_snapshot(key_of(), "s", marks())
    old.failed_at = 0
    action = Action(CREATE, "snapshot_failed", current=seen(old, palette), wanted=asked(key_of()))
    member = Member(key_of(), steps_for(action, waiting), seen=action.current)
    written: list[tuple[str, float]] = []
    palette.after = lambda call: written.append((call.method, palette.clock.now))
    execute(palette, [member], waiting)
    assert not member.failure
    assert [method for method, _moment in written] == ["DELETE", "POST"]
    assert written[1][1] >= written[0][1] + (palette.gone_after or 0)
    assert member.seen
    assert member.seen.uid == palette.stored["c1", "vms", "s"].manifest["metadata"]["uid"]


def test_what_is_being_deleted_already_is_awaited_and_not_deleted_again(
    palette: MemoryPalette,
) -> None:
    old = palette.add_snapshot(key_of(), "s", marks())
    palette.begin_deletion(old)
    action = Action(CREATE, "being_deleted", current=seen(old, palette), wanted=asked(key_of()))
    member = Member(key_of(), steps_for(action, WAITING), seen=action.current)
    execute(palette, [member])
    assert not member.failure
    assert [call.method for call in palette.writes()] == ["POST"]


def test_an_old_one_that_does_not_go_keeps_the_new_one_from_being_taken(
    palette: MemoryPalette,
) -> None:
    palette.gone_after = None
    old = palette.add_snapshot(key_of(), "s", marks())
    action = Action(CREATE, "spec_differs", current=seen(old, palette), wanted=asked(key_of()))
    member = Member(key_of(), steps_for(action, WAITING), seen=action.current)
    execute(palette, [member])
    assert reasons([member]) == {"db1": "wait_timeout"}
    assert [call.method for call in palette.writes()] == ["DELETE"]
    assert member.changed  # the old one is on its way out


def test_a_name_that_somebody_takes_while_the_old_one_goes_is_a_conflict(
    palette: MemoryPalette,
) -> None:
    old = palette.add_snapshot(key_of(), "s", marks())
    action = Action(CREATE, "spec_differs", current=seen(old, palette), wanted=asked(key_of()))
    member = Member(key_of(), steps_for(action, WAITING), seen=action.current)

    def take(call: Call) -> None:
        if call.method == "DELETE":
            _replaced(palette, "s")

    palette.after = take
    execute(palette, [member])
    assert reasons([member]) == {"db1": "conflict"}
    assert len(palette.names()) == 1


def test_without_waiting_nothing_is_looked_at(palette: MemoryPalette) -> None:
    palette.add_snapshot(key_of("old"), "old", marks())
    gone = Action(DELETE, "present", current=seen(palette.stored["c1", "vms", "old"], palette))
    members = [
        *creations(3, NO_WAITING),
        Member(key_of("old"), steps_for(gone, NO_WAITING), seen=gone.current),
    ]
    execute(palette, members, NO_WAITING)
    assert reasons(members) == {}
    assert [call.method for call in palette.calls].count("GET") == 0
    assert palette.clock.slept == []
    assert all(m.changed and not m.active for m in members)


def test_an_update_is_read_written_and_awaited(palette: MemoryPalette) -> None:
    old = palette.add_snapshot(key_of(), "s", {"theirs": "1"})
    ask = asked(key_of(), labels={"mine": "2"})
    action = Action(UPDATE, "metadata_differs", current=seen(old, palette), wanted=ask)
    member = Member(key_of(), steps_for(action, WAITING), seen=action.current)
    execute(palette, [member])
    assert not member.failure
    assert member.seen
    assert member.seen.labels == {"theirs": "1", "mine": "2"}


def test_what_is_ready_already_costs_no_request(palette: MemoryPalette) -> None:
    kept = Action(KEEP, "present", current=snapshot(name="s"), wanted=asked(key_of()))
    member = Member(key_of(), steps_for(kept, WAITING), seen=kept.current)
    execute(palette, [member])
    assert not member.failure
    assert not member.changed
    assert palette.calls == []


def test_what_is_there_but_not_ready_yet_is_awaited(palette: MemoryPalette) -> None:
    stored = palette.add_snapshot(key_of(), "s", marks())
    stored.ready_at = palette.clock.now + 10
    kept = Action(KEEP, "present", current=seen(stored, palette), wanted=asked(key_of()))
    member = Member(key_of(), steps_for(kept, WAITING), seen=kept.current)
    execute(palette, [member])
    assert not member.failure
    assert not member.changed
    assert member.seen
    assert member.seen.ready


def test_an_answer_that_was_lost_is_found_and_makes_no_duplicate(palette: MemoryPalette) -> None:
    lost = [True] * 3

    def cut(call: Call) -> None:
        if call.method == "POST" and lost:
            lost.pop()
            raise PaletteError("unreachable", "connection cut", outcome_unknown=True)

    palette.after = cut
    members = creations(10)
    execute(palette, members)
    assert reasons(members) == {}
    assert len(palette.writes("POST")) == 10
    assert len(palette.names()) == 10


def test_an_interrupt_lets_begun_writes_end_and_begins_no_other(palette: MemoryPalette) -> None:
    concurrency = 4
    begun: list[str] = []
    ended: list[str] = []
    others_have_begun, interrupted = threading.Event(), threading.Event()

    def begin(call: Call) -> None:
        begun.append(call.vm_name)
        if len(begun) > concurrency:
            others_have_begun.set()
            assert interrupted.wait(30)

    def interrupt(_members: Sequence[Member]) -> None:
        assert others_have_begun.wait(30)
        interrupted.set()
        raise KeyboardInterrupt

    palette.before = begin
    palette.after = lambda call: ended.append(call.vm_name)
    members = creations(300)
    with pytest.raises(KeyboardInterrupt):
        execute(palette, members, concurrency=concurrency, report=interrupt)
    assert sorted(begun) == sorted(ended)
    assert len(begun) < 300
    assert palette.names() == sorted(ended)
    assert [m.key.vm_name for m in members if m.changed] == [
        m.key.vm_name for m in members if m.key.vm_name in ended
    ]


def test_progress_is_reported_of_writes_and_looks(
    palette: MemoryPalette, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_REPORT_INTERVAL", 0.01)
    standings: list[int] = []
    reported = threading.Event()

    def report(members: Sequence[Member]) -> None:
        standings.append(sum(member.active for member in members))
        reported.set()

    def begin(call: Call) -> None:
        assert call.method != "POST" or reported.wait(30)

    palette.before = begin
    execute(palette, creations(5), report=report)
    assert standings[0] == 5
    assert standings[-1] == 0


def test_nothing_to_do_asks_nothing(palette: MemoryPalette) -> None:
    execute(palette, [])
    execute(palette, [Member(key_of(), [])])
    assert palette.calls == []


def test_an_error_of_the_program_itself_is_not_hidden(palette: MemoryPalette) -> None:
    def stumble(_call: Call) -> None:
        raise ZeroDivisionError

    palette.before = stumble
    with pytest.raises(ZeroDivisionError):
        execute(palette, creations(3))

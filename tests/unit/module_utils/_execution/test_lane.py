# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each cluster in its own lane, against Palette in memory."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from itertools import pairwise
from typing import Any

import pytest

from ansible_collections.spectrocloud.palette.plugins.module_utils._execution.execute import (
    Execution,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._execution.lane import (
    Job,
    Lane,
    Preparation,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._execution.member import LAG
from ansible_collections.spectrocloud.palette.plugins.module_utils._execution.waiting import Waiting
from ansible_collections.spectrocloud.palette.plugins.module_utils._execution.window import Window
from ansible_collections.spectrocloud.palette.plugins.module_utils._http.errors import ApiError
from ansible_collections.spectrocloud.palette.plugins.module_utils._power import plan as power
from ansible_collections.spectrocloud.palette.plugins.module_utils._power.work import (
    PowerMember,
    PowerWork,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots.member import (
    SnapshotMember,
    patience_with,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots.model import (
    read_snapshot,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots.offline import (
    OfflineWork,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots.plan import (
    DELETE,
    Step,
    plan_present,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots.steps import (
    SnapshotWork,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots.wait import Goal
from unit.builders import FAILED, READY, RUNNING, desired_snapshot, key_of, own_labels, vm
from unit.palette_in_memory import (
    FORBIDDEN,
    NEVER_READY,
    Call,
    MemoryPalette,
    cluster_vms,
    connected,
    copy_of,
    ready_after,
)

WAITING = Waiting(timeout=60.0, interval=5.0)


def silent(_call: Call) -> ApiError:
    """Return the error of a cluster that never answers."""
    return ApiError("timeout", "no answer", outcome_unknown=True)


def creation(vm_name: str, cluster_uid: str = "c1", group: str | None = None) -> SnapshotMember:
    """Return a member whose snapshot is to be taken, named as its VM."""
    key = key_of(vm_name, cluster_uid=cluster_uid)
    action = plan_present(desired_snapshot(key, vm_name), None, vm(key))
    return SnapshotMember(key, action.steps, group=group)


def lane_of(
    palette: MemoryPalette,
    members: Sequence[SnapshotMember],
    uid: str = "c1",
    window: int | None = None,
) -> Lane[SnapshotMember]:
    """Return a cluster's lane with members."""
    lane = Lane(SnapshotWork(cluster_vms(palette, palette.clusters[uid]), WAITING), Window(window))
    lane.load(members)
    return lane


def run(palette: MemoryPalette, *lanes: Lane[SnapshotMember], concurrency: int = 4) -> None:
    """Carry the lanes' members out."""
    with connected(palette):
        Execution(lanes, concurrency).run()


def reasons(members: Sequence[SnapshotMember]) -> dict[str, str]:
    """Return why members failed, by VM."""
    return {m.key.vm_name: m.failure.reason for m in members if m.failure}


def most_in_progress(palette: MemoryPalette) -> list[int]:
    """Let each creation be noted with how many are in progress then; return the notes."""
    notes: list[int] = []

    def note(call: Call) -> None:
        if call.method == "POST":
            now = palette.clock.now
            shown = [
                stored.shown(now).get("status", {}) for stored in list(palette.stored.values())
            ]
            notes.append(sum(status.get("phase") != "Succeeded" for status in shown))

    palette.after = note
    return notes


@pytest.fixture
def palette() -> MemoryPalette:
    """Palette with two clusters."""
    palette = MemoryPalette()
    palette.add_cluster("c2", "cluster-2")
    return palette


# A thread that goes on by itself


def begin_first(palette: MemoryPalette, lane: Lane[SnapshotMember]) -> None:
    """Do the lane's first job, as a thread does."""
    with connected(palette):
        job = lane.next_job(now=palette.clock.now)
        assert job
        job.then(job.work())


def test_thread_goes_on_with_members_that_are_ready(palette: MemoryPalette) -> None:
    members = [creation(f"vm-{number}") for number in range(5)]
    begin_first(palette, lane_of(palette, members))
    assert [member.changed for member in members] == [True] * 5


def test_thread_goes_on_for_a_moment_only(palette: MemoryPalette) -> None:
    palette.before = lambda _call: palette.clock.sleep(1.0)
    members = [creation(f"vm-{number}") for number in range(5)]
    begin_first(palette, lane_of(palette, members))
    assert [member.changed for member in members] == [True] + [False] * 4


def test_thread_does_not_go_on_after_a_failure(palette: MemoryPalette) -> None:
    palette.sick = {"c1": silent}
    members = [creation(f"vm-{number}") for number in range(5)]
    begin_first(palette, lane_of(palette, members))
    assert [member.doubt is not None for member in members] == [True] + [False] * 4
    assert len(palette.writes()) == 1


def test_thread_does_not_go_on_after_an_interrupt(palette: MemoryPalette) -> None:
    members = [creation(f"vm-{number}") for number in range(5)]
    lane = lane_of(palette, members)
    palette.before = lambda _call: lane.halt()
    begin_first(palette, lane)
    assert [member.changed for member in members] == [True] + [False] * 4


# A cluster that does not answer


def test_cluster_that_does_not_answer_concerns_no_other(palette: MemoryPalette) -> None:
    palette.sick = {"c2": silent}
    sick = [creation(f"sick-{number}", "c2") for number in range(50)]
    well = [creation(f"well-{number}") for number in range(50)]
    run(palette, lane_of(palette, sick, "c2"), lane_of(palette, well))
    assert reasons(well) == {}
    assert all(member.seen and member.seen.ready for member in well)
    assert len(reasons(sick)) == 50
    assert set(reasons(sick).values()) == {"timeout", "cluster_unreachable"}


def test_cluster_that_does_not_answer_is_not_asked_for_each_member(palette: MemoryPalette) -> None:
    palette.sick = {"c2": silent}
    sick = [creation(f"sick-{number}", "c2") for number in range(50)]
    lane = lane_of(palette, sick, "c2")
    run(palette, lane)
    assert len(palette.writes("POST")) <= 6  # those under way when the third was not answered
    assert lane.failure
    assert lane.failure.reason == "cluster_unreachable"
    text = str(sick[-1].failure)
    assert "not tried, because cluster cluster-2 did not answer" in text
    assert "no answer" in text


def test_cluster_that_refused_all_is_not_polled_while_others_work(palette: MemoryPalette) -> None:
    palette.fail("PUT", FORBIDDEN)
    palette.course = ready_after(30)
    refused = PowerMember(
        vm(key_of("db", cluster_uid="c2")), power.Step(power.STOP, power.Goal.STOPPED)
    )
    lane = Lane(PowerWork(cluster_vms(palette, palette.clusters["c2"]), WAITING))
    lane.load([refused])
    well = creation("well")
    with connected(palette):
        Execution([lane, lane_of(palette, [well])], 4).run()
    assert refused.failure
    assert refused.failure.reason == "forbidden"
    assert [call.kind for call in palette.calls if call.cluster_uid == "c2"] == ["PUT"]
    assert well.seen
    assert well.seen.ready


def test_cluster_that_recovers_while_others_work_is_done_to_the_end(palette: MemoryPalette) -> None:
    palette.sick = {"c2": lambda call: silent(call) if palette.elapsed < 20 else None}
    palette.course = ready_after(30)
    sick = [creation(f"sick-{number}", "c2") for number in range(20)]
    run(palette, lane_of(palette, sick, "c2"), lane_of(palette, [creation("well")]))
    done = [member for member in sick if not member.failure]
    assert len(done) >= 14
    assert all(member.seen and member.seen.ready for member in done)
    assert "cluster_unreachable" not in reasons(sick).values()


def test_several_silent_clusters_are_palettes_own_trouble(palette: MemoryPalette) -> None:
    palette.add_cluster("c3", "cluster-3")
    palette.sick = dict.fromkeys(("c1", "c2", "c3"), silent)
    lanes = [
        lane_of(palette, [creation(f"{uid}-{number}", uid) for number in range(20)], uid)
        for uid in palette.clusters
    ]
    run(palette, *lanes)
    last = lanes[0].members[-1].failure
    assert last
    assert last.reason == "unreachable"
    assert "3 clusters did not answer" in last.message


def test_rejected_key_ends_a_silent_cluster_too(palette: MemoryPalette) -> None:
    palette.sick = {"c2": silent}
    rejected = ApiError("unauthorized", "no such key")
    sick = [creation(f"sick-{number}", "c2") for number in range(20)]
    well = [creation("first"), creation("second")]
    palette.courses = {"first": ready_after(20)}
    lanes = lane_of(palette, sick, "c2"), lane_of(palette, well, window=1)
    palette.fail("POST", rejected, vm_name="second")
    run(palette, *lanes)
    assert reasons(well) == {"second": "unauthorized"}
    assert set(reasons(sick).values()) == {"timeout", "unauthorized"}


def test_one_lost_answer_does_not_stop_the_others(palette: MemoryPalette) -> None:
    members = [creation(f"vm-{number}") for number in range(20)]
    palette.fail("POST", ApiError("unreachable", "reset"), vm_name="vm-3")
    run(palette, lane_of(palette, members))
    assert reasons(members) == {"vm-3": "unreachable"}


def test_observation_that_fails_is_the_lanes_failure(palette: MemoryPalette) -> None:
    def observe() -> object:
        raise ApiError("unavailable", "HTTP 503")

    api = cluster_vms(palette, palette.clusters["c2"])
    lane = Lane(SnapshotWork(api, WAITING), preparation=Preparation(observe, lambda _observed: []))
    well = [creation("well")]
    run(palette, lane, lane_of(palette, well))
    assert lane.failure
    assert lane.failure.reason == "unavailable"
    assert reasons(well) == {}
    assert palette.names() == ["well"]


def test_observation_brings_the_members(palette: MemoryPalette) -> None:
    api = cluster_vms(palette, palette.clusters["c2"])
    preparation = Preparation(lambda: ["a", "b"], lambda names: [creation(n, "c2") for n in names])
    lane = Lane(SnapshotWork(api, WAITING), preparation=preparation)
    run(palette, lane)
    assert palette.names() == ["a", "b"]
    assert [member.key.vm_name for member in lane.members] == ["a", "b"]


def opened(lane: Lane[Any]) -> None:
    """Let the lane's cluster have left several requests in a row without an answer."""
    breaker = lane._api.breaker
    while not breaker.open:
        with suppress(ApiError), breaker.watch():
            raise ApiError("unreachable", "connection refused")


def answered(lane: Lane[Any]) -> None:
    """Let the lane's cluster have answered."""
    with lane._api.breaker.watch():
        pass


def next_job(palette: MemoryPalette, lane: Lane[Any]) -> Job:
    """Return the lane's next job, when it is due."""
    palette.clock.now = max(palette.clock.now, lane.due(palette.clock.now))
    job = lane.next_job(palette.clock.now)
    assert job
    return job


class PoolByHand:
    """A pool whose jobs are done when the test says so."""

    def __init__(self) -> None:
        self.jobs: list[tuple[Callable[[], object], Future[object]]] = []

    def submit(self, work: Callable[[], object]) -> Future[object]:
        """Take a job."""
        future: Future[object] = Future()
        self.jobs.append((work, future))
        return future

    def do(self, number: int) -> None:
        """Do a job to its end."""
        work, future = self.jobs.pop(number)
        future.set_result(work())


def test_silent_clusters_are_given_up_though_they_let_probes_wait_at_different_times(
    palette: MemoryPalette,
) -> None:
    palette.sick = dict.fromkeys(("c1", "c2"), silent)
    lanes = [lane_of(palette, [creation(uid, uid)], uid) for uid in ("c1", "c2")]
    pool: Any = PoolByHand()
    execution = Execution(lanes, 4)

    def begin_probes() -> int:
        palette.clock.now += WAITING.interval
        execution._send(pool)
        return len(pool.jobs)

    def end_probe(number: int) -> None:
        pool.do(number)
        execution._collect(0.0)

    with connected(palette):
        for lane in lanes:
            opened(lane)
            lane._schedule(palette.clock.now)
        assert begin_probes() == 2
        end_probe(1)
        assert begin_probes() == 2
        end_probe(0)
        # Each has failed once; the second one of c2 is under way, and no other shall follow.
        assert begin_probes() == 1
        end_probe(0)
        assert not execution._wait()
    assert reasons([member for lane in lanes for member in lane.members]) == {
        "c1": "cluster_unreachable",
        "c2": "cluster_unreachable",
    }


def without_wait(member: SnapshotMember) -> SnapshotMember:
    """Return a member that waits for nothing after its write."""
    return SnapshotMember(member.key, [step._replace(goal=None) for step in member.steps])


def test_probe_asks_the_cluster_and_touches_no_member(palette: MemoryPalette) -> None:
    # They are done at once, and have no step then that a poll could read.
    members = [without_wait(creation(f"vm-{number}")) for number in range(5)]
    lane = lane_of(palette, members)
    palette.sick = {"c1": lambda _call: ApiError("unreachable", "connection refused")}
    with connected(palette):
        for _number in range(3):
            job = next_job(palette, lane)
            job.then(job.work())
        assert lane._api.breaker.open
        palette.sick = {}
        probe = next_job(palette, lane)
        answered(lane)
        begin = next_job(palette, lane)
        begin.then(begin.work())
        asked = len(palette.calls)
        probe.then(probe.work())
    assert [call.kind for call in palette.calls[asked:]] == ["LIST"]
    assert [call.vm_name for call in palette.writes("POST")[-2:]] == ["vm-3", "vm-4"]
    assert len(lane.queued) == 0


class OwnApi(SnapshotWork):
    """Work whose requests all go to the cluster's own API."""

    def asks_palette(self, member: SnapshotMember) -> bool:
        """Say that they do not go to Palette."""
        return False


def test_key_that_one_clusters_own_api_rejects_stops_no_other(palette: MemoryPalette) -> None:
    rejected = ApiError("unauthorized", "the kubeconfig is no longer valid")
    palette.sick = {"c2": lambda _call: copy_of(rejected)}
    refused = [creation(f"sick-{number}", "c2") for number in range(20)]
    lane = Lane(OwnApi(cluster_vms(palette, palette.clusters["c2"]), WAITING))
    lane.load(refused)
    well = [creation(f"well-{number}") for number in range(20)]
    run(palette, lane, lane_of(palette, well, window=1))
    assert reasons(well) == {}
    assert set(reasons(refused).values()) == {"unauthorized"}
    assert len([call for call in palette.writes("POST") if call.cluster_uid == "c2"]) <= 4


def test_member_that_has_to_put_something_back_waits_for_a_silent_cluster(
    palette: MemoryPalette,
) -> None:
    stopped = SnapshotMember(key_of("db1"), [Step(power.START, "s", None, vm=vm())])
    stopped.cause, stopped.stopped = ApiError("snapshot_failed", "full"), True
    api = cluster_vms(palette, palette.clusters["c1"])
    lane: Lane[SnapshotMember] = Lane(OfflineWork(api, WAITING, lambda _line: None))
    lane.load([stopped])
    opened(lane)
    lane.drop(lambda _member: ApiError("unauthorized", "no such key"))
    assert stopped.active
    assert lane.due(palette.clock.now) < math.inf


def test_polls_that_are_refused_give_each_member_an_error_of_its_own(
    palette: MemoryPalette,
) -> None:
    members = [creation("a"), creation("b")]
    palette.fail("LIST", FORBIDDEN)
    run(palette, lane_of(palette, members))
    first, second = (member.failure for member in members)
    assert first
    assert second
    assert first is not second
    assert first.result() == second.result()


# Power calls


def test_lost_power_call_is_sent_again_only_when_lists_have_had_time(
    palette: MemoryPalette,
) -> None:
    shown: dict[str, Any] = {"created": True, "ready": True, "printableStatus": "Running"}
    running = vm(palette.add_vm(key_of("db1"), **shown), **shown)
    stop = PowerMember(running, power.Step(power.STOP, power.Goal.STOPPED))
    lane = Lane(PowerWork(cluster_vms(palette, palette.clusters["c1"]), WAITING))
    lane.load([stop])
    sent: list[float] = []

    def lose(call: Call) -> None:
        if call.kind == "PUT":
            palette.clock.sleep(30)
            sent.append(palette.clock.now)
            raise ApiError("timeout", "no answer", outcome_unknown=True)

    palette.before = lose
    with connected(palette):
        Execution([lane], 1).run()
    assert stop.failure
    assert len(sent) == 2
    assert all(later - 30 - earlier >= LAG for earlier, later in pairwise(sent))
    assert sent[-1] - 30 < sent[0] - 30 + WAITING.timeout


# max_in_progress


def test_max_in_progress_is_how_many_snapshots_are_taken_at_once(palette: MemoryPalette) -> None:
    palette.course = (*[RUNNING] * 3, READY)
    notes = most_in_progress(palette)
    members = [creation(f"vm-{number}") for number in range(30)]
    run(palette, lane_of(palette, members, window=4), concurrency=16)
    assert reasons(members) == {}
    assert max(notes) == 4


def test_max_in_progress_counts_each_cluster(palette: MemoryPalette) -> None:
    palette.course = (*[RUNNING] * 3, READY)
    notes = most_in_progress(palette)
    lanes = [
        lane_of(palette, [creation(f"{uid}-{n}", uid) for n in range(8)], uid, window=2)
        for uid in ("c1", "c2")
    ]
    run(palette, *lanes)
    assert max(notes) == 4


def test_max_in_progress_bounds_deletions(palette: MemoryPalette) -> None:
    members = []
    for number in range(20):
        key = key_of(f"vm-{number}")
        palette.add_snapshot(f"s{number}", key, own_labels())
        members.append(SnapshotMember(key, [Step(DELETE, f"s{number}", Goal.GONE)]))
    most = 0

    def note(_call: Call) -> None:
        nonlocal most
        most = max(most, sum(stored.deleting for stored in list(palette.stored.values())))

    palette.after = note
    run(palette, lane_of(palette, members, window=3), concurrency=16)
    assert palette.names() == []
    assert most == 3


def test_members_that_only_wait_need_no_room(palette: MemoryPalette) -> None:
    palette.courses = {"slow": ready_after(30)}
    stored = palette.add_snapshot("other", key_of("other"), course=ready_after(2))
    waits = SnapshotMember(key_of("other"), [Step(None, stored.metadata["name"], Goal.SETTLED)])
    slow, next_one = creation("slow"), creation("next")
    run(palette, lane_of(palette, [slow, next_one, waits], window=1))
    assert reasons([slow, next_one, waits]) == {}
    polls = [call.at for call in palette.polls()]
    assert polls[0] < 5


def test_group_is_never_split(palette: MemoryPalette) -> None:
    palette.course = (*[RUNNING] * 5, READY)
    members = [
        creation(f"vm-{number}", group="even" if number % 2 == 0 else "odd") for number in range(6)
    ]
    run(palette, lane_of(palette, members, window=4), concurrency=1)
    begun = {call.vm_name: call.at for call in palette.writes("POST")}
    even = {begun[f"vm-{number}"] for number in (0, 2, 4)}
    odd = {begun[f"vm-{number}"] for number in (1, 3, 5)}
    assert (len(even), len(odd)) == (1, 1)
    assert max(even) < min(odd)


def test_group_larger_than_max_in_progress_begins_alone(palette: MemoryPalette) -> None:
    members = [creation(f"vm-{number}", group="shop") for number in range(6)]
    run(palette, lane_of(palette, [creation("first"), *members], window=2))
    assert reasons(members) == {}
    begun = {call.vm_name: call.at for call in palette.writes("POST")}
    assert len({begun[f"vm-{number}"] for number in range(6)}) == 1
    assert begun["first"] < begun["vm-0"]


# Storage that is too slow


def test_storage_too_slow_holds_the_rest_back(palette: MemoryPalette) -> None:
    palette.course = (RUNNING, RUNNING, FAILED)
    members = [creation(f"vm-{number}") for number in range(10)]
    run(palette, lane_of(palette, members, window=3))
    assert len(palette.writes("POST")) == 3
    assert reasons(members[:3]) == dict.fromkeys(("vm-0", "vm-1", "vm-2"), "snapshot_failed")
    assert set(reasons(members[3:]).values()) == {"storage_too_slow"}
    text = str(members[-1].failure)
    assert "cluster cluster-1 finished no snapshots a minute lately" in text
    assert "set max_in_progress: 1 or a longer failure_deadline, then run again" in text


def test_storage_is_not_too_slow_when_a_later_one_is_done(palette: MemoryPalette) -> None:
    palette.courses = {"vm-0": (RUNNING, RUNNING, RUNNING, FAILED)}
    members = [creation(f"vm-{number}") for number in range(10)]
    run(palette, lane_of(palette, members, window=3))
    assert reasons(members) == {"vm-0": "snapshot_failed"}


def test_failure_with_an_error_of_its_own_holds_nobody_back(palette: MemoryPalette) -> None:
    palette.courses = {"vm-0": ({**FAILED, "error": {"message": "Failed freezing vm"}},)}
    members = [creation(f"vm-{number}") for number in range(10)]
    run(palette, lane_of(palette, members, window=1))
    assert reasons(members) == {"vm-0": "snapshot_failed"}


# Each lane for itself


def test_wait_timeout_of_one_cluster_is_not_anothers(palette: MemoryPalette) -> None:
    palette.courses = {"never": NEVER_READY, "slow": ready_after(40)}
    never, slow = creation("never", "c2"), creation("slow")
    run(palette, lane_of(palette, [never], "c2"), lane_of(palette, [slow]))
    assert reasons([never, slow]) == {"never": "wait_timeout"}


def test_patience_is_half_the_deadline_and_short_for_frozen_guests() -> None:
    def of(deadline: str | None, **status: Any) -> float:
        return patience_with(desired_snapshot(failure_deadline=deadline), vm(**status))

    agent = [{"type": "AgentConnected", "status": "True"}]
    frozen = {"created": True, "conditions": agent}
    assert patience_with(None, None) == 150.0
    assert of(None) == 150.0
    assert of("10m") == 300.0
    assert of("0s") == 150.0
    assert of("10m", **frozen) == 60.0
    assert of("20s", **frozen) == 10.0
    assert of("10m", **{**frozen, "created": False}) == 300.0


def test_replacement_that_is_refused_does_not_show_what_was_deleted(palette: MemoryPalette) -> None:
    stored = palette.add_snapshot("s", key_of(), own_labels(), course=(FAILED,))
    current = read_snapshot("c1", stored.shown(palette.clock.now))
    action = plan_present(desired_snapshot(), current, vm(), replace=True)
    member = SnapshotMember(key_of(), action.steps, seen=current)
    palette.fail("POST", ApiError("rejected", "no more"))
    run(palette, lane_of(palette, [member]))
    assert member.failure
    assert member.failure.reason == "rejected"
    text = "the earlier snapshot was deleted, and a new one was not taken: no more"
    assert member.failure.message == text
    assert (member.changed, member.seen) == (True, None)
    assert palette.names() == []


def test_wait_timeout_does_not_say_that_a_cluster_without_answer_listed_nothing(
    palette: MemoryPalette,
) -> None:
    member = creation("vm-1")

    def falls_silent(call: Call) -> ApiError | None:
        return silent(call) if palette.writes() and call.method == "GET" else None

    palette.sick = {"c1": falls_silent}
    run(palette, lane_of(palette, [member]))
    text = str(member.failure)
    assert "was not ready within 60 s (wait_timeout); the last poll failed: no answer" in text
    assert "not listed" not in text

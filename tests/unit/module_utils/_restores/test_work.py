# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way back, step by step, in the steps' order, with all that goes wrong between them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone
from functools import partial
from typing import Any
from unittest.mock import patch

import pytest

from ansible_collections.spectrocloud.palette.plugins.module_utils._execution.execute import (
    Execution,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._execution.lane import Lane
from ansible_collections.spectrocloud.palette.plugins.module_utils._execution.waiting import Waiting
from ansible_collections.spectrocloud.palette.plugins.module_utils._http.errors import ApiError
from ansible_collections.spectrocloud.palette.plugins.module_utils._palette.objects import (
    read_time,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._palette.vms import ClusterVms
from ansible_collections.spectrocloud.palette.plugins.module_utils._restores import work, writes
from ansible_collections.spectrocloud.palette.plugins.module_utils._restores.fleet import observe
from ansible_collections.spectrocloud.palette.plugins.module_utils._restores.member import (
    RestoreMember,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._restores.model import (
    DONE,
    PENDING,
    RAN_AT,
    ROLLBACK,
    read_restore,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._restores.plan import (
    Act,
    Step,
    Wanted,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._restores.result import (
    row_result,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._restores.run import (
    RestoreRun,
    Row,
    Task,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._vms.fleet import Target
from ansible_collections.spectrocloud.palette.plugins.module_utils._vms.selection import (
    Entry,
    Filters,
    Patterns,
)
from unit.builders import CLUSTER, desired_snapshot, key_of
from unit.cluster_in_memory import NEVER_ENDS, MemoryCluster
from unit.module_utils._restores.restores import (
    COMPLETE,
    CREATING,
    FAILED,
    ROOTDISK,
    instance_manifest,
    restore_manifest,
)
from unit.palette_in_memory import MemoryPalette, connected, copy_of

KEY = key_of()
BACK = Wanted(snapshot="s", stop=True)
SAFELY = BACK._replace(safety_snapshot=True)
IN_PLACE = {"persistentVolumeClaim": "root"}
LOST = ApiError("timeout", "no answer came", outcome_unknown=True)
FORBIDDEN = ApiError("forbidden", "HTTP 403: no", transient=False, http_status=403)


class Killed(KeyboardInterrupt):
    """The process is gone."""


class Vms(ClusterVms):
    """A cluster whose VMs start and stop in memory."""

    def __init__(self, palette: MemoryPalette, cluster: MemoryCluster) -> None:
        super().__init__(palette, CLUSTER)
        self._cluster = cluster

    def power(self, verb: str, vm_name: str, namespace: str) -> None:
        """Start or stop a VM."""
        self._cluster.power(verb, vm_name, namespace)


class Bench:
    """A cluster with a snapshot of a VM, and tasks that bring it back."""

    def __init__(self, strategy: str = "Always") -> None:
        self.palette = MemoryPalette()
        self.cluster = MemoryCluster(self.palette)
        self.api = Vms(self.palette, self.cluster)
        self.cluster.add_vm(KEY, strategy)
        self.palette.add_snapshot("s", KEY, age=3600)

    def kubernetes(self, _api: ClusterVms) -> MemoryCluster:
        """Be the session of a task."""
        return self.cluster

    def run(self, wanted: Wanted = BACK, timeout: float = 60.0) -> Row:
        """Run a task, and return what became of the VM."""
        everything = Filters((), Patterns(()), Patterns(()), None)
        entry = Entry(KEY.vm_name, KEY.namespace, None, None, None)
        task = Task(wanted, everything, self.palette.now, lambda _text: None)
        target = Target(CLUSTER.name, self.api, [entry])
        session: Any = self
        restores = RestoreRun(task, session, [target])
        restores._plan(observe(target, everything, self.kubernetes))
        row = restores.rows[0]
        lane = Lane(restores._work(self.api, Waiting(timeout, 1.0)))
        lane.load([row.member])
        Execution([lane]).run()
        return row

    def fail(self, write: str, *errors: ApiError | Killed, after: bool = False) -> None:
        """Let the next writes of a name fail, each with one of the errors."""
        left = list(errors)

        def strike(name: str) -> None:
            if name == write and left:
                error = left.pop(0)
                # What is made of one error must not be seen in the next.
                raise copy_of(error) if isinstance(error, ApiError) else error

        if after:
            self.cluster.after = strike
        else:
            self.cluster.before = strike

    def rollbacks(self) -> list[str]:
        """Return what each restore says of itself."""
        found = self.cluster.found.values()
        return [body["metadata"]["annotations"][ROLLBACK] for body in found]

    @property
    def recorded(self) -> bool:
        """Whether the VM says that it ran."""
        return RAN_AT in self.cluster.machines[KEY]["metadata"]["annotations"]


@pytest.fixture
def bench() -> Iterator[Bench]:
    """Return a running VM with a snapshot."""
    made = Bench()
    with (
        connected(made.palette),
        patch.object(work, "time", made.palette.clock),
    ):
        yield made


@pytest.fixture
def off(bench: Bench) -> Bench:
    """Return a VM that is off."""
    bench.cluster.machines[KEY]["spec"]["runStrategy"] = "Halted"
    bench.cluster.running.clear()
    return bench


def outcome(row: Row, bench: Bench) -> str:
    """Return the outcome of a row."""
    text: str = row_result(row, bench.palette.now, check_mode=False)["outcome"]
    return text


def test_running_vm_goes_back_and_runs(bench: Bench) -> None:
    row = bench.run()
    assert row.member.failure is None
    assert outcome(row, bench) == "restored"
    assert bench.cluster.writes == ["create", "start", "close"]
    assert bench.cluster.runs(KEY)
    assert bench.rollbacks() == [DONE]


def test_what_ran_is_on_record_before_anything_stops(bench: Bench) -> None:
    marks = []
    bench.cluster.before = lambda _write: marks.append((bench.cluster.runs(KEY), bench.rollbacks()))
    bench.run()
    assert marks[:2] == [(True, []), (False, [PENDING])]


def test_vm_that_is_off_goes_back_and_stays_off(off: Bench) -> None:
    assert outcome(off.run(), off) == "restored"
    assert off.cluster.writes == ["create", "close"]
    assert not off.cluster.runs(KEY)


def test_safety_snapshot_is_taken_of_the_stopped_vm(bench: Bench) -> None:
    row = bench.run(SAFELY)
    assert row.member.failure is None
    assert bench.cluster.writes == ["record", "stop", "create", "start", "close", "forget"]
    assert bench.palette.names() == ["db1-before-restore-20261123-120000", "s"]
    assert row_result(row, bench.palette.now, check_mode=False)["status"]["safety_snapshot"]
    assert not bench.recorded


def test_facts(bench: Bench) -> None:
    status = row_result(bench.run(), bench.palette.now, check_mode=False)["status"]
    assert status["leftover_claims"] == ["root"]
    assert status["volumes"][0]["claim"] == "restore-u1-rootdisk"
    assert status["lost_seconds"] == 3600
    assert status["labels"] == {"app": "db"}
    assert status["run_strategy"] == {"before": "Always", "after": "Always"}
    assert (status["ran_before"], status["runs"], status["complete"]) == (True, True, True)


def test_vm_that_is_about_to_get_its_next_instance_is_stopped(bench: Bench) -> None:
    bench.cluster.running.clear()
    bench.fail("stop", LOST)
    assert outcome(bench.run(), bench) == "restored"
    assert bench.cluster.writes == ["record", "stop", "create", "start", "close", "forget"]


def test_vm_whose_instance_has_failed_is_stopped_when_it_has_the_next(bench: Bench) -> None:
    machine, began = bench.cluster.machines[KEY], bench.palette.clock.now
    machine["spec"]["runStrategy"] = "RerunOnFailure"
    machine["status"]["stateChangeRequests"] = [{"action": "Start"}]
    bench.cluster.running.clear()
    listed = bench.cluster.instances

    def instances(*args: Any) -> Any:
        due = bench.palette.clock.now >= began + 10
        if due and machine["status"].pop("stateChangeRequests", None):
            bench.cluster.running[KEY] = instance_manifest(KEY, bench.palette.now)
        return listed(*args)

    with patch.object(bench.cluster, "instances", instances):
        row = bench.run()
    assert outcome(row, bench) == "restored"
    assert bench.cluster.writes == ["record", "stop", "create", "start", "close", "forget"]
    assert bench.cluster.runs(KEY)


def test_answer_to_the_creation_is_lost(bench: Bench) -> None:
    bench.fail("create", LOST, after=True)
    row = bench.run()
    assert row.member.failure is None
    assert bench.cluster.writes == ["create", "start", "close"]


def test_creation_that_did_not_arrive_is_done_again(bench: Bench) -> None:
    bench.fail("create", LOST)
    assert outcome(bench.run(), bench) == "restored"
    assert bench.cluster.writes.count("create") == 1


def test_creation_that_never_arrives_fails_and_the_vm_runs(bench: Bench) -> None:
    bench.fail("create", *[LOST] * 20)
    row = bench.run()
    assert outcome(row, bench) == "failed"
    assert row.member.failure
    assert not row.member.failure.outcome_unknown
    assert bench.rollbacks() == []
    assert bench.cluster.runs(KEY)


def test_power_call_whose_answer_is_lost(bench: Bench) -> None:
    bench.fail("start", LOST, after=True)
    assert outcome(bench.run(), bench) == "restored"
    assert bench.cluster.writes == ["create", "start", "close"]


def test_power_call_that_did_not_arrive_is_sent_again(bench: Bench) -> None:
    bench.fail("start", LOST)
    assert outcome(bench.run(), bench) == "restored"
    assert bench.cluster.runs(KEY)


def test_start_that_the_run_strategy_does_not_allow_is_told_at_once(bench: Bench) -> None:
    text = "HTTP 409: Once does not support manual start requests"
    bench.fail("start", *[ApiError("conflict", text, outcome_unknown=True)] * 20)
    row = bench.run()
    assert row.member.failure
    assert (row.member.failure.reason, row.member.unknown) == ("run_strategy", False)
    assert "the VM is restored; the VM may be off" in row.member.failure.message


def test_mark_whose_answer_is_lost(bench: Bench) -> None:
    bench.fail("close", LOST, after=True)
    assert outcome(bench.run(), bench) == "restored"
    assert bench.rollbacks() == [DONE]


def test_restore_without_end_is_deleted_and_the_vm_runs_again(bench: Bench) -> None:
    bench.cluster.course = NEVER_ENDS
    row = bench.run()
    assert row.member.failure
    assert row.member.failure.reason == "wait_timeout"
    assert "Initializing VirtualMachineRestore" in row.member.failure.message
    assert "the restore was deleted" in row.member.failure.message
    assert "the VM runs again" in row.member.failure.message
    assert bench.cluster.writes == ["create", "record", "delete", "start", "forget"]
    assert bench.cluster.runs(KEY)
    assert not bench.cluster.found
    assert not bench.recorded


def test_claims_of_a_restore_that_is_given_up_are_named(bench: Bench) -> None:
    bench.cluster.course = (CREATING,)
    row = row_result(bench.run(), bench.palette.now, check_mode=False)
    assert row["outcome"] == "failed"
    assert row["status"]["leftover_claims"] == ["restore-u1-rootdisk"]


def leftovers(row: Row, bench: Bench, aborted: bool = False) -> list[str]:
    """Return the claims that nothing uses any more."""
    result = row_result(row, bench.palette.now, check_mode=False, aborted=aborted)
    claims: list[str] = result["status"]["leftover_claims"]
    return claims


def test_claims_of_a_restore_that_goes_on_are_no_leftovers(bench: Bench) -> None:
    bench.cluster.course = (CREATING,)
    listed = bench.cluster.restores
    since = bench.palette.clock.now

    def refused(*args: Any) -> Any:
        if bench.palette.clock.now > since + 5:
            raise copy_of(FORBIDDEN)
        return listed(*args)

    with patch.object(bench.cluster, "restores", refused):
        row = bench.run()
    assert row.member.failure
    assert "the restore goes on without this task" in row.member.failure.message
    assert row.member.restore
    assert row.member.restore.volumes
    assert leftovers(row, bench) == []


def test_claims_that_the_vm_was_given_are_no_leftovers(bench: Bench) -> None:
    """An interrupted restore has them in the VM's spec, and is not complete."""
    bench.cluster.course = (CREATING,)
    bench.fail("create", Killed(), after=True)
    with pytest.raises(Killed):
        bench.run()
    (volume,) = bench.cluster.machines[KEY]["spec"]["template"]["spec"]["volumes"]
    volume["persistentVolumeClaim"]["claimName"] = "restore-u1-rootdisk"
    row = bench.run()
    assert row.member.failure
    assert "the restore was deleted" in row.member.failure.message
    assert leftovers(row, bench) == []


def test_vm_that_was_not_restored_has_no_leftovers(bench: Bench) -> None:
    bench.fail("create", FORBIDDEN)
    assert leftovers(bench.run(), bench) == []
    bench.fail("record", FORBIDDEN)
    row = bench.run(SAFELY)
    row.member.failure = None
    row.member.steps.append(Step(Act.RESTORE, "back"))
    assert leftovers(row, bench, aborted=True) == []


def test_claims_that_the_vm_has_again_are_no_leftovers(bench: Bench) -> None:
    named = BACK._replace(name="back")
    assert leftovers(bench.run(named), bench) == ["root"]
    assert leftovers(bench.run(named), bench) == ["root"]
    bench.cluster.course = ({**COMPLETE, "restores": [{**ROOTDISK, **IN_PLACE}]},)
    bench.run(BACK._replace(in_place=True))
    assert leftovers(bench.run(named), bench) == []


def test_restored_vm_that_does_not_start_is_told(bench: Bench) -> None:
    bench.fail("start", FORBIDDEN)
    row = bench.run()
    assert row.member.failure
    message = row.member.failure.message
    assert message.endswith(
        "; the VM is restored; the VM may be off: run the task again within an hour"
    )
    bench.cluster.before = lambda _write: None
    assert outcome(bench.run(), bench) == "restored"
    assert bench.cluster.runs(KEY)


def test_restore_that_may_have_deleted_disks_is_neither_deleted_nor_is_its_vm_started(
    bench: Bench,
) -> None:
    bench.cluster.course = (CREATING,)
    row = bench.run(BACK._replace(in_place=True))
    assert bench.cluster.writes == ["create"]
    assert not bench.cluster.runs(KEY)
    assert row.member.failure
    assert "the restore goes on without this task" in row.member.failure.message
    assert "disks that the VM had before may be deleted already" in row.member.failure.message
    assert row.member.failure.message.endswith("run the task again within an hour")


def test_restore_that_has_deleted_data_volumes_is_not_deleted(bench: Bench) -> None:
    bench.cluster.course = ({**CREATING, "deletedDataVolumes": ["root"]},)
    assert outcome(bench.run(), bench) == "failed"
    assert bench.cluster.writes == ["create"]


def test_restore_that_disappeared_with_disks_leaves_it_to_the_user_to_start_the_vm(
    bench: Bench,
) -> None:
    bench.cluster.course = ({**CREATING, "deletedDataVolumes": ["root"]},)
    shown = bench.cluster.restores

    def vanish(read: Any, namespaces: Any = ()) -> list[Any]:
        listed = shown(read, namespaces)
        if listed and listed[0].deleted_data_volumes:
            bench.cluster.found.clear()
        return listed

    bench.cluster.restores = vanish  # type: ignore[method-assign]
    row = bench.run()
    assert row.member.failure
    assert row.member.failure.reason == "restore_disappeared"
    assert "goes on" not in row.member.failure.message
    assert row.member.failure.message.endswith("with start: always if it ran")


def test_vm_whose_guest_agent_does_not_come_is_not_restored_once_more(bench: Bench) -> None:
    row = bench.run(BACK._replace(agent=True))
    assert row.member.failure
    assert row.member.failure.reason == "wait_timeout"
    assert row.member.failure.message.endswith("; the VM is restored and was started")
    assert bench.cluster.writes == ["create", "start", "close"]
    assert bench.rollbacks() == [DONE]
    assert bench.cluster.runs(KEY)


def test_restore_with_a_name_goes_on_to_wait_for_the_guest_agent(bench: Bench) -> None:
    named = BACK._replace(agent=True, name="mine")
    assert outcome(bench.run(named), bench) == "failed"
    assert bench.rollbacks() == [PENDING]
    assert outcome(bench.run(named._replace(agent=False)), bench) == "restored"
    assert bench.cluster.writes.count("create") == 1
    assert bench.rollbacks() == [DONE]


def test_vm_that_an_interrupted_run_has_stopped_is_started_if_the_next_run_fails(
    bench: Bench,
) -> None:
    bench.fail("stop", Killed(), after=True)
    with pytest.raises(Killed):
        bench.run(SAFELY)
    bench.cluster.after = lambda _write: None
    bench.palette.clock.now += 60
    bench.fail("create", FORBIDDEN)
    row = bench.run(SAFELY)
    assert row.member.failure
    assert "the VM runs again" in row.member.failure.message
    assert bench.cluster.runs(KEY)
    assert not bench.recorded


def test_record_of_what_ran_has_the_time_at_which_it_is_written(bench: Bench) -> None:
    written: list[Any] = []
    bench.cluster.before = lambda _write: written.append(
        bench.cluster.machines[KEY]["metadata"]["annotations"].get(RAN_AT)
    )
    began = datetime.now(timezone.utc).replace(microsecond=0)
    bench.run(SAFELY)
    (ran_at, *_more) = filter(None, written)
    written_at = read_time(ran_at)
    assert written_at
    assert written_at >= began


UNCLEAR = ApiError("unauthorized", "401", outcome_unknown=True)


@pytest.mark.parametrize("written", [True, False])
def test_mark_whose_answer_was_lost_once_is_written_again(bench: Bench, written: bool) -> None:
    bench.fail("close", UNCLEAR, after=written)
    assert outcome(bench.run(), bench) == "restored"
    assert bench.rollbacks() == ["done"]


@pytest.mark.parametrize(("written", "ends"), [(True, "restored"), (False, "failed")])
def test_mark_whose_answers_are_all_lost_is_read(bench: Bench, written: bool, ends: str) -> None:
    bench.fail("close", *[UNCLEAR] * 20, after=written)
    assert outcome(bench.run(), bench) == ends


def test_restored_vm_that_could_not_be_marked_is_told(bench: Bench) -> None:
    bench.fail("close", FORBIDDEN)
    row = bench.run()
    assert row.member.failure
    assert outcome(row, bench) == "failed"
    assert row.member.failure.message.endswith("; the VM is restored and was started")
    assert bench.cluster.runs(KEY)


def test_vm_that_was_off_stays_off_when_the_restore_fails(off: Bench) -> None:
    off.cluster.course = (FAILED,)
    row = off.run()
    assert row.member.failure
    assert row.member.failure.reason == "restore_failed"
    assert off.cluster.writes == ["create", "delete"]
    assert not off.cluster.found


def test_never_means_never_also_after_a_failure(bench: Bench) -> None:
    bench.cluster.course = NEVER_ENDS
    bench.run(BACK._replace(start="never"))
    assert bench.cluster.writes == ["create", "delete"]


def test_vm_that_was_stopped_runs_again_when_the_creation_is_refused(bench: Bench) -> None:
    bench.fail("create", FORBIDDEN)
    row = bench.run(SAFELY)
    assert row.member.failure
    assert row.member.failure.reason == "forbidden"
    assert "the VM runs again" in row.member.failure.message
    assert bench.cluster.runs(KEY)
    assert not bench.recorded


def test_refused_creation_stops_nothing(bench: Bench) -> None:
    bench.fail("create", FORBIDDEN)
    assert outcome(bench.run(), bench) == "failed"
    assert bench.cluster.writes == []


def test_what_cannot_be_put_back_is_told(bench: Bench) -> None:
    bench.cluster.course = NEVER_ENDS
    bench.fail("delete", FORBIDDEN)
    row = bench.run()
    assert row.member.failure
    assert row.member.failure.reason == "wait_timeout"
    assert "this went wrong: HTTP 403" in row.member.failure.message


def work_of_a_vm_that_ran(bench: Bench) -> work.RestoreWork:
    """Return the work on a VM that is to run again if it is put back."""
    request = writes.RestoreRequest(KEY, "s", None, True, True, False, None, "")
    order = work.Order(request, partial(desired_snapshot, KEY), True, False)
    return work.RestoreWork(bench.api, Waiting(60.0, 1.0), bench.kubernetes, lambda _member: order)


def test_vm_between_two_steps_is_put_back_where_nothing_more_is_begun(bench: Bench) -> None:
    member = RestoreMember(KEY, [Step(Act.SNAPSHOT, "before-restore")])
    member.stopped = True
    doing = work_of_a_vm_that_ran(bench)
    for _time in range(2):
        doing.drop(member, ApiError("storage_too_slow", "not tried"))
        assert [step.act for step in member.steps] == [Act.START, Act.FORGET]
    doing.abandon(member, ApiError("task_timeout", "the time is over"))
    assert member.failure
    assert member.failure.reason == "storage_too_slow"
    assert member.failure.message == "not tried; and this went wrong: the time is over"


def test_that_kubevirt_tries_again_is_not_shown_as_a_phase() -> None:
    member = RestoreMember(KEY, [Step(Act.RESTORE, "back")])
    text = 'Operation cannot be fulfilled on virtualmachine.kubevirt.io "db1": Halted only supports'
    member.restore = read_restore("c1", restore_manifest(status=CREATING))
    assert member.phase == "Creating new PVCs"
    retried = {"conditions": [{"type": "Progressing", "status": "False", "reason": text}]}
    member.restore = read_restore("c1", restore_manifest(status=retried))
    assert member.phase == ""


def test_restored_vm_that_only_has_to_start_goes_on(bench: Bench) -> None:
    member = RestoreMember(KEY, [Step(Act.START), Step(Act.CLOSE, "back")])
    member.restore = read_restore("c1", restore_manifest(status=COMPLETE))
    work_of_a_vm_that_ran(bench).drop(member, ApiError("unauthorized", "no longer valid"))
    assert member.active
    assert member.cause is None


def test_polls_that_are_refused_while_it_is_put_back_do_not_hide_why(bench: Bench) -> None:
    member = RestoreMember(KEY, [Step(Act.SNAPSHOT, "before-restore")])
    member.stopped = True
    doing = work_of_a_vm_that_ran(bench)
    doing.drop(member, ApiError("storage_too_slow", "not tried"))
    doing.fail(member, copy_of(FORBIDDEN))
    assert member.failure
    assert member.failure.message == "not tried; and this went wrong: HTTP 403: no"


def test_start_that_leads_to_nothing_ends_with_the_wait(bench: Bench) -> None:
    sent: list[float] = []

    def lose(write: str) -> None:
        if write == "start":
            assert len(sent) < 20, "it goes on for ever"
            bench.palette.clock.sleep(6)
            sent.append(bench.palette.clock.now)
            raise copy_of(LOST)

    bench.cluster.before = lose
    row = bench.run(timeout=20.0)
    assert row.member.failure
    assert row.member.failure.reason == "wait_timeout"
    assert 2 <= len(sent) <= 4


@pytest.mark.parametrize(
    ("act", "palette"),
    [(Act.STOP, True), (Act.START, True), (Act.SNAPSHOT, True), (Act.RECORD, False)],
)
def test_step_is_a_request_to_palette_or_to_the_cluster(
    bench: Bench, act: str, palette: bool
) -> None:
    member = RestoreMember(KEY, [Step(act, "s")])
    assert work_of_a_vm_that_ran(bench).asks_palette(member) is palette


def test_vm_that_was_put_back_stops_no_other_cluster(bench: Bench) -> None:
    member = RestoreMember(KEY, [Step(Act.FORGET)])
    member.cause = ApiError("rate_limited", "the cluster's own API answers 429")
    member.advance()
    assert member.failure
    assert not work_of_a_vm_that_ran(bench).asks_palette(member)


def test_probe_asks_the_clusters_own_api(bench: Bench) -> None:
    unread = patch.object(bench.cluster, "restores", side_effect=copy_of(LOST))
    with unread, pytest.raises(ApiError, match="no answer came"):
        work_of_a_vm_that_ran(bench).probe(KEY)


def test_task_timeout_tells_that_the_vm_may_be_off(bench: Bench) -> None:
    member = RestoreMember(KEY, [Step(Act.SNAPSHOT, "before-restore")])
    member.stopped = True
    doing = work_of_a_vm_that_ran(bench)
    doing.abandon(member, ApiError("task_timeout", "the time is over"))
    assert member.failure
    assert "the VM may be off: run the task again" in member.failure.message


def test_restore_that_somebody_deletes_is_told_and_the_vm_runs_again(bench: Bench) -> None:
    bench.cluster.course = NEVER_ENDS
    polled = bench.cluster.restores

    def vanishing(*args: Any) -> Any:
        bench.cluster.found.clear()
        return polled(*args)

    bench.cluster.after = lambda write: (
        setattr(bench.cluster, "restores", vanishing) if write == "create" else None
    )
    row = bench.run()
    assert row.member.failure
    assert row.member.failure.reason == "restore_disappeared"
    assert bench.cluster.runs(KEY)


def test_name_that_somebody_else_has_just_taken_is_a_conflict(bench: Bench) -> None:
    wanted = BACK._replace(name="mine")
    create = bench.cluster.create_restore

    def faster(namespace: str, body: Any) -> Any:
        metadata = {**body["metadata"], "annotations": {}}
        create(namespace, {**body, "metadata": metadata})
        return create(namespace, body)

    with patch.object(bench.cluster, "create_restore", faster):
        row = bench.run(wanted)
    assert row.member.failure
    assert row.member.failure.reason == "conflict"


BOUNDARIES = [
    (wanted, write, after)
    for wanted, its_writes in (
        (BACK, ["create", "start", "close"]),
        (SAFELY, ["record", "stop", "create", "start", "close", "forget"]),
    )
    for write in its_writes
    for after in (False, True)
]


@pytest.mark.parametrize(("wanted", "write", "after"), BOUNDARIES)
def test_killed_at_a_boundary(bench: Bench, wanted: Wanted, write: str, after: bool) -> None:
    """The VM ran, so it runs after the next run, and no restore is left that strikes later."""
    bench.fail(write, Killed(), after=after)
    with pytest.raises(Killed):
        bench.run(wanted)
    bench.palette.clock.now += 5
    row = bench.run(wanted)
    assert row.member.failure is None
    assert row.action.verb != "refuse", row.action.message
    assert outcome(row, bench) == "restored"
    assert bench.cluster.runs(KEY)
    assert not bench.recorded
    assert all(bench.cluster._shown(place)["status"]["complete"] for place in bench.cluster.found)
    assert DONE in bench.rollbacks()


@pytest.mark.parametrize("lists", ["vms", "instances", "restores"])
@pytest.mark.parametrize(
    ("begun", "write"),
    [(False, "create"), (False, "start"), (False, "close"), (True, "start"), (True, "close")],
)
def test_other_run_goes_on_while_this_one_looks(
    bench: Bench, lists: str, begun: bool, write: str
) -> None:
    """Whichever list comes first, the VM ran, so it runs at the end.

    begun: whether the restore is complete before. write: the other run's last one.
    """

    def run_other(last: str, after: bool) -> None:
        bench.fail(last, Killed(), after=after)
        with pytest.raises(Killed):
            bench.run()

    if begun:
        run_other("start", after=False)
    listed, others = getattr(bench.cluster, lists), [write]

    def list_late(*given: Any) -> Any:
        if others:
            run_other(others.pop(), after=True)
        return listed(*given)

    with patch.object(bench.cluster, lists, list_late):
        bench.run()
    assert bench.cluster.runs(KEY)


# KubeVirt up to 1.4 stops no VM

STOPPED_FIRST = ["record", "stop", "create", "start", "close", "forget"]


@pytest.mark.parametrize("kubevirt", ["1.4", "1.4.0"])
def test_vm_that_an_old_kubevirt_does_not_stop_is_stopped_first(
    bench: Bench, kubevirt: str
) -> None:
    bench.cluster.kubevirt = kubevirt
    row = bench.run()
    assert row.member.failure is None
    assert outcome(row, bench) == "restored"
    assert bench.cluster.writes == STOPPED_FIRST
    assert bench.cluster.runs(KEY)
    assert not bench.recorded


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("write", STOPPED_FIRST)
def test_killed_at_a_boundary_with_an_old_kubevirt(bench: Bench, write: str, after: bool) -> None:
    bench.cluster.kubevirt = "1.4"
    test_killed_at_a_boundary(bench, BACK, write, after)


def test_vm_that_an_old_kubevirt_still_refuses_runs_again(bench: Bench) -> None:
    text = 'denied the request: VirtualMachine "db1" is not stopped'
    bench.fail("create", *[ApiError("rejected", text, http_status=422)] * 2)
    row = bench.run()
    assert row.member.failure
    assert "is not stopped" in row.member.failure.message
    assert "the VM runs again" in row.member.failure.message
    assert bench.cluster.writes == ["record", "stop", "start", "forget"]
    assert bench.cluster.runs(KEY)
    assert not bench.recorded


def test_vm_is_not_stopped_in_vain_for_an_old_kubevirt(bench: Bench) -> None:
    """Its run strategy would not be Halted."""
    bench.cluster.kubevirt = "1.4.0"
    bench.cluster.machines[KEY]["spec"]["runStrategy"] = "Manual"
    row = bench.run()
    assert row.member.failure
    assert "run strategy has to be Halted" in row.member.failure.message
    assert bench.cluster.writes == []


def test_vm_that_somebody_has_just_started_is_not_stopped(off: Bench) -> None:
    off.cluster.kubevirt = "1.4"

    def start(write: str) -> None:
        if write == "create":
            off.cluster.before = lambda _write: None
            off.cluster.power("start", KEY.vm_name, KEY.namespace)

    off.cluster.before = start
    row = off.run()
    assert row.member.failure
    assert "is not stopped" in row.member.failure.message
    assert off.cluster.writes == ["start"]


def test_restore_that_is_in_the_way_of_an_old_kubevirt_stops_nothing(bench: Bench) -> None:
    both = 'VirtualMachine "db1" is not stopped, VirtualMachineRestore "other" in progress'
    bench.fail("create", ApiError("rejected", f"denied the request: {both}", http_status=422))
    row = bench.run()
    assert row.member.failure
    assert row.member.failure.reason == "restore_in_progress"
    assert bench.cluster.writes == []


@pytest.mark.parametrize("write", ["record", "delete", "start", "forget"])
@pytest.mark.parametrize("after", [False, True])
def test_killed_while_it_is_put_back(bench: Bench, write: str, after: bool) -> None:
    bench.cluster.course = NEVER_ENDS
    bench.fail(write, Killed(), after=after)
    with pytest.raises(Killed):
        bench.run()
    bench.run()
    assert bench.cluster.runs(KEY)
    assert not bench.recorded
    assert not bench.cluster.found


def test_writes_are_repeated_only_where_that_may_help(bench: Bench) -> None:
    bench.fail("record", FORBIDDEN)
    with pytest.raises(ApiError, match="403"):
        writes.record(bench.cluster, 3, KEY, "2026-11-23T12:00:00Z")
    assert bench.cluster.writes == []

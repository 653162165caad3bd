# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes the steps of restores, and goes on by what polls show."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timezone
from typing import NamedTuple

from .._execution.doubt import InDoubtError
from .._execution.waiting import Waiting, wait_timed_out
from .._execution.work import Work
from .._http.errors import ApiError
from .._kubernetes.cluster import ClusterApi
from .._palette.objects import write_time
from .._palette.vms import ClusterVms
from .._power import answers
from .._snapshots import writes as snapshot_writes
from .._snapshots.desired import Desired
from .._snapshots.model import Snapshot
from .._snapshots.observe import list_snapshots
from .._snapshots.wait import Goal
from .._snapshots.wait import reached as snapshot_reached
from .._vms.model import VmKey
from . import writes
from .member import RESTORED_AND_STARTED, RestoreMember
from .model import Instance, Machine, Restore
from .observe import list_instances, list_machines, list_restores
from .plan import Act, Step, stopping

_AGAIN = 5.0  # seconds before a power call that led to nothing is sent again
_MAY_BE_OFF = "the VM may be off: run the task again within an hour"
_RAN_IS_FORGOTTEN = "the VM may be off: run the task again, with start: always if it ran"
_DISAPPEARED = "restore_disappeared"
_AT_THE_END = (Act.CLOSE, Act.FORGET)
_OF_INSTANCES = (Act.STOP, Act.START)
_OF_RESTORES = (Act.CLEAR, Act.RESTORE)
_OF_PALETTE = (Act.STOP, Act.START, Act.SNAPSHOT)


class Order(NamedTuple):
    """What the steps of a VM write. request: of the restore. safety: the snapshot's body.

    start_again: whether the VM is to run if it is put back. agent: whether to wait for the guest
    agent. named: whether a later run finds the restore by its name.
    """

    request: writes.RestoreRequest
    safety: Callable[[str], Desired]
    start_again: bool
    agent: bool
    named: bool = False


class Found(NamedTuple):
    """What a poll returned: only what steps wait for was asked for."""

    restores: Mapping[tuple[VmKey, str], Restore]
    instances: Mapping[VmKey, Instance]
    machines: Mapping[VmKey, Machine]
    snapshots: Mapping[tuple[VmKey, str], Snapshot]


class RestoreWork(Work[RestoreMember]):
    """The restores of one cluster's VMs.

    reach: returns the cluster's own API, or raises why it cannot be reached. order_of: returns what
    the steps of a member write.
    """

    def __init__(
        self,
        api: ClusterVms,
        waiting: Waiting,
        reach: Callable[[ClusterVms], ClusterApi],
        order_of: Callable[[RestoreMember], Order],
    ) -> None:
        super().__init__(api, waiting)
        self._reach = reach
        self._order_of = order_of
        self._begin = {
            Act.RECORD: self._record,
            Act.STOP: self._power,
            Act.SNAPSHOT: self._snapshot,
            Act.CLEAR: self._clear,
            Act.RESTORE: self._restore,
            Act.START: self._power,
            Act.CLOSE: self._close,
            Act.FORGET: self._forget,
        }
        self._read = {
            Act.STOP: self._read_power,
            Act.SNAPSHOT: self._read_snapshot,
            Act.CLEAR: self._read_clear,
            Act.RESTORE: self._read_restore,
            Act.START: self._read_power,
        }

    @property
    def _cluster(self) -> ClusterApi:
        return self._reach(self.api)

    def begin(self, member: RestoreMember) -> None:
        """Do the write of a member's next step."""
        step = member.steps[0]
        member.timeout = self.waiting.timeout
        member.give_up_at = min(member.give_up_at, time.monotonic() + member.timeout)
        try:
            if not step.written:
                self._begin[step.act](member, step)
            if step.act in self._read:
                member.deadline = member.give_up_at
            else:
                member.advance()
        except InDoubtError as doubt:
            member.await_doubt(doubt, time.monotonic(), member.give_up_at)
        except ApiError as error:
            if not self._stops_first(member, error):
                self._give_up_because(member, error)

    def _stops_first(self, member: RestoreMember, error: ApiError) -> bool:
        """Let a VM be stopped before its restore, if that has been refused without."""
        request = self._order_of(member).request
        asked = member.steps[0].act == Act.RESTORE and not member.stopped
        if not (asked and writes.wants_vm_off(error, request)):
            return False
        member.do_first(stopping(request.ran))
        if request.ran and member.steps[-1].act != Act.FORGET:
            member.steps.append(Step(Act.FORGET))
        return True

    def poll(self, members: Sequence[RestoreMember]) -> Found:
        """Return what the members' steps wait for."""
        cluster, uid = self._cluster, self.api.cluster.uid
        restores = list_restores(cluster, uid, _places(members, _OF_RESTORES))
        # In this order: an instance that is made meanwhile is not missed.
        instances = list_instances(cluster, uid, _places(members, _OF_INSTANCES))
        machines = list_machines(cluster, uid, _places(members, (Act.STOP,)))
        keys = {member.key for member in members if member.steps[0].act == Act.SNAPSHOT}
        snapshots = list_snapshots(self.api, keys) if keys else []
        return Found(
            {(restore.key, restore.name): restore for restore in restores},
            {instance.key: instance for instance in instances},
            {machine.vm.key: machine for machine in machines},
            {(snapshot.key, snapshot.name): snapshot for snapshot in snapshots},
        )

    def probe(self, key: VmKey) -> object:
        """Ask for the restores of a VM's namespace."""
        return list_restores(self._cluster, self.api.cluster.uid, {key.namespace})

    def asks_palette(self, member: RestoreMember) -> bool:
        """Say whether a member's step is a request to Palette, and not to the cluster's own API."""
        # One that has been put back has no step left.
        return member.step is not None and member.step.act in _OF_PALETTE

    def read(self, member: RestoreMember, found: Found, now: float) -> None:
        """Go on with a member by what a poll returned."""
        step = member.steps[0]
        try:
            self._read[step.act](member, step, found, now)
        except ApiError as error:
            self._give_up_because(member, error)

    def give_up(self, member: RestoreMember, poll_error: str) -> None:
        """Put back a VM whose time is over, or fail it where that cannot be done."""
        if member.doubt:
            self._give_up_because(member, member.doubt.end)
            return
        error = _timed_out(member, self.waiting, poll_error)
        if self.api.breaker.open:
            self.abandon(member, error)
        else:
            self._give_up_because(member, error)

    def fail(self, member: RestoreMember, error: ApiError) -> None:
        """Fail a member whose polls are refused. What was begun goes on without this task."""
        self.abandon(member, member.doubt.end if member.doubt else error)

    def drop(self, member: RestoreMember, error: ApiError) -> None:
        """Put back a VM that was to go on. One that is put back, or restored, goes on with that."""
        restored = member.restore is not None and member.restore.complete
        if not (member.cause or restored):
            self._give_up_because(member, error)

    def abandon(self, member: RestoreMember, error: ApiError) -> None:
        """Fail a member at once. What was begun goes on without this task."""
        if member.cause:
            member.fail(f"and this went wrong: {error.message}")
        else:
            member.failure = _left(member, error)

    # Putting back

    def _give_up_because(self, member: RestoreMember, error: ApiError) -> None:
        if member.cause:
            hint = "" if member.steps[0].act in _AT_THE_END else f"; {_MAY_BE_OFF}"
            member.fail(f"and this went wrong: {error.message}{hint}")
            return
        steps = list(self._back(member))
        if steps:
            member.put_back(error, steps)
        else:
            member.failure = _left(member, error)
            member.doubt = None

    def _back(self, member: RestoreMember) -> Iterable[Step]:
        """Yield the steps that put a VM back, whose disks are still its own."""
        restore = member.restore
        if restore is not None and restore.complete:
            # It is restored. The next run carries through what is left to do, but would restore it
            # once more if it was started, and the restore has no name that the run gives.
            starting = member.started and member.steps[0].act == Act.START
            if starting and not self._order_of(member).named:
                yield from (step for step in member.steps if step.act in _AT_THE_END)
            return
        if restore is not None and restore.takes_disks:
            return
        start_again = self._order_of(member).start_again
        started = start_again and (member.stopped or restore is not None)
        if restore is not None:
            if started:
                yield Step(Act.RECORD)
            yield Step(Act.CLEAR, restore.name, restore.uid)
        if started:
            yield Step(Act.START)
            yield Step(Act.FORGET)

    # Writes

    def _record(self, member: RestoreMember, step: Step) -> None:
        del step
        # Not when the task began: the steps of a large set begin much later.
        ran_at = write_time(datetime.now(timezone.utc))
        writes.record(self._cluster, self.api.retries, member.key, ran_at)
        member.changed = True

    def _forget(self, member: RestoreMember, step: Step) -> None:
        del step
        writes.record(self._cluster, self.api.retries, member.key, None)

    def _close(self, member: RestoreMember, step: Step) -> None:
        closed = writes.close(self._cluster, self.api.retries, member.key, step.name)
        member.restore = closed or member.restore
        member.changed = True

    def _clear(self, member: RestoreMember, step: Step) -> None:
        writes.delete(self._cluster, self.api.retries, member.key, step.name, step.uid)
        member.changed = True

    def _restore(self, member: RestoreMember, step: Step) -> None:
        body = writes.restore_body(self._order_of(member).request, step.name)
        member.restore = writes.create(self._cluster, member.key, body, member.request_id)
        member.uid, member.changed = member.restore.uid, True

    def _snapshot(self, member: RestoreMember, step: Step) -> None:
        desired = self._order_of(member).safety(step.name)
        marked = snapshot_writes.marked(desired, member.request_id)
        member.safety = snapshot_writes.create(self.api, marked)
        member.changed = True

    # See docs/palette.md, "Power": what polls show counts, so a lost answer does not.
    def _power(self, member: RestoreMember, step: Step) -> None:
        member.sent_at = time.monotonic()
        try:
            self.api.power(step.act, member.key.vm_name, member.key.namespace)
        except ApiError as error:
            _demand_that_polls_decide(error)
        member.changed = True
        member.stopped = member.stopped or step.act == Act.STOP

    # Polls

    def _read_power(self, member: RestoreMember, step: Step, found: Found, now: float) -> None:
        instance = found.instances.get(member.key)
        if step.act == Act.STOP:
            machine = found.machines.get(member.key)
            reached = instance is None and not (machine and machine.vm.is_on)
            idle = instance is None or not instance.ending
        else:
            agent = self._order_of(member).agent and not member.cause
            started = instance is not None and not instance.ending
            member.started = member.started or started
            reached = started and instance is not None and instance.ready
            reached = reached and (not agent or (instance is not None and instance.agent))
            idle = instance is None
        if reached:
            member.advance()
        elif idle and member.sent_at + _AGAIN <= now < member.give_up_at:
            member.reset()

    def _read_snapshot(self, member: RestoreMember, step: Step, found: Found, now: float) -> None:
        listed = found.snapshots.get((member.key, step.name))
        if member.doubt and not self._carried_out(member, member.doubt, listed, now):
            return
        member.missing_since = None if listed else member.missing_since or now
        if listed is None and not member.missing_for_long(now):
            return
        member.safety = listed or member.safety
        if snapshot_reached(Goal.READY, listed):
            member.advance()

    def _read_clear(self, member: RestoreMember, step: Step, found: Found, now: float) -> None:
        del now
        listed = found.restores.get((member.key, step.name))
        if listed is None or (step.uid and listed.uid != step.uid):
            member.advance()

    def _read_restore(self, member: RestoreMember, step: Step, found: Found, now: float) -> None:
        listed = found.restores.get((member.key, step.name))
        if listed and listed.unreadable:
            # It is there, and no more is known of it: a later poll may tell.
            return
        if member.doubt and not self._carried_out(member, member.doubt, listed, now):
            return
        if listed and member.uid and listed.uid != member.uid:
            listed = None
        member.missing_since = None if listed else member.missing_since or now
        if listed is None:
            if member.missing_for_long(now):
                raise _disappeared(step.name)
            return
        member.restore, member.uid = listed, listed.uid
        if listed.complete:
            member.advance()
        elif listed.failed:
            raise ApiError("restore_failed", f"restore {step.name} failed: {listed.text}")

    def _carried_out(
        self, member: RestoreMember, doubt: InDoubtError, listed: object, now: float
    ) -> bool:
        """Say whether a list shows that the write in doubt was carried out."""
        done = member.settle_doubt(doubt, listed, now, self.api.retries)
        if not done:
            return False
        member.changed = True
        member.deadline = member.give_up_at = now + member.timeout
        if isinstance(done, Restore):
            member.restore, member.uid = done, done.uid
        return True


def _demand_that_polls_decide(error: ApiError) -> None:
    """Raise why a power call can lead to nothing; what else went wrong with it, polls tell."""
    text = error.message
    if answers.locked(text) or answers.of_the_state(text):
        return
    if answers.of_the_strategy(text):
        raise ApiError("run_strategy", text, **error.facts)
    if not error.outcome_unknown:
        raise error


def _places(members: Iterable[RestoreMember], acts: Sequence[str]) -> set[str]:
    return {member.key.namespace for member in members if member.steps[0].act in acts}


def _disappeared(name: str) -> ApiError:
    return ApiError("restore_disappeared", f"restore {name} is gone, and was not complete")


def _timed_out(member: RestoreMember, waiting: Waiting, poll_error: str) -> ApiError:
    step = member.steps[0]
    texts = [f"VM {member.key.vm_name} waited {member.waits_for} for {waiting.limit}"]
    if step.act == Act.RESTORE and member.restore and member.restore.text:
        texts.append(f"restore {step.name}: {member.restore.text}")
    return wait_timed_out(texts, poll_error)


def _left(member: RestoreMember, error: ApiError) -> ApiError:
    """Say of an error what it leaves behind in the cluster."""
    restore, act = member.restore, member.steps[0].act
    in_doubt = error.outcome_unknown and act == Act.RESTORE
    texts = list(_became_of(restore, error, member.started)) if restore else []
    if restore is None and in_doubt:
        texts.append("if the restore was created, it goes on without this task")
    may_be_off = act not in _AT_THE_END and not member.started
    if may_be_off and (restore or in_doubt or member.stopped):
        texts.append(_RAN_IS_FORGOTTEN if error.reason == _DISAPPEARED else _MAY_BE_OFF)
    if act in _AT_THE_END and error.outcome_unknown:
        # What became of the VM is known; only a mark is not.
        error.outcome_unknown, member.changed = False, True
    error.message = "; ".join([error.message, *texts])
    return error


def _became_of(restore: Restore, error: ApiError, started: bool) -> Iterator[str]:
    """Yield what became of a restore that was not deleted, and of its VM."""
    if restore.complete:
        yield RESTORED_AND_STARTED if started else "the VM is restored"
        return
    if not (restore.failed or error.reason == _DISAPPEARED):
        yield "the restore goes on without this task"
    if restore.takes_disks:
        yield "disks that the VM had before may be deleted already"

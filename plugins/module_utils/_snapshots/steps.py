# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A member's steps: how each is begun, and what a poll says of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import cast

from .._execution.doubt import InDoubtError
from .._execution.work import PERMANENT, STOPS_ALL, Work
from .._http.deadline import pause
from .._http.errors import ApiError
from .._palette.vms import ClusterVms
from .._power.plan import STOP
from .._vms.model import VmKey
from . import writes
from .desired import Desired
from .member import SnapshotMember
from .model import Snapshot
from .observe import get_snapshot, list_snapshots
from .plan import CREATE, DELETE, UPDATE, Step, differing_metadata, satisfies
from .wait import DEFAULT_DEADLINE, Goal, reached, timed_out

_MOMENT = 1.0  # seconds in which nobody else takes a snapshot unnoticed
_ABSENCE_ENDS = (Goal.GONE, Goal.SETTLED)

Found = Mapping[tuple[VmKey, str], Snapshot]


class SnapshotWork(Work[SnapshotMember]):
    """The work on the snapshots of one cluster."""

    def begin(self, member: SnapshotMember) -> None:
        """Do the write of a member's next step. An error becomes the member's failure."""
        member.timeout = timeout = self.waiting.timeout
        try:
            if self.must_look_first(member):
                return
            step = member.steps[0]
            member.uid, member.last_polled = step.uid, None
            if step.write == CREATE:
                # What was there before is gone by now.
                member.seen = None
            if step.write:
                _WRITES[step.write](self.api, step, member)
                member.changed, member.accepted = member.changed or not member.adopted, True
            if _to_be_marked(member, member.seen):
                return
            member.deadline = time.monotonic() + timeout
            if step.goal is None or _reached_already(step, member):
                member.advance()
        except InDoubtError as doubt:
            now = time.monotonic()
            member.await_doubt(doubt, now, now + timeout)
        except writes.NameTakenError as error:
            member.failure, member.seen = error, error.listed
        except ApiError as error:
            member.failure = _after_deletion(member, error)

    def must_look_first(self, member: SnapshotMember) -> bool:
        """Say whether a member waits for a list, because it could not be looked at again."""
        if _looked_again(self.api, member):
            return False
        member.look_until = min(member.look_until, time.monotonic() + self.waiting.timeout)
        member.deadline = member.look_until
        return True

    def poll(self, members: Sequence[SnapshotMember]) -> Found:
        """Return the snapshots of these members' VMs, by VM and name."""
        listed = list_snapshots(self.api, {member.key for member in members})
        found = {(snapshot.key, snapshot.name): snapshot for snapshot in listed}
        now = time.monotonic()
        for member in members:
            wanted = member.key, member.steps[0].name
            if wanted not in found and member.missing_for_long(now):
                got = _got(self.api, *wanted)
                found.update({wanted: got} if got else {})
        return found

    def probe(self, key: VmKey) -> object:
        """Ask for the snapshots of a VM."""
        return list_snapshots(self.api, [key])

    def read(self, member: SnapshotMember, found: Found, now: float) -> None:
        """Go on with a member by what a poll returned."""
        if member.unlisted:
            _take_unless_fresh(member, [s for s in found.values() if s.key == member.key], now)
            return
        step = member.steps[0]
        listed = found.get((member.key, step.name))
        seen = _own(member, listed)
        member.last_polled = seen or member.last_polled
        member.missing_since = None if seen else member.missing_since or now
        if seen and seen.unreadable:
            # It is there, and no more is known of it: a later poll may tell.
            return
        try:
            if member.doubt and not _carried_out(
                member, member.doubt, listed, now, self.api.retries
            ):
                return
            if seen and step.goal not in _ABSENCE_ENDS:
                member.seen = seen
            if seen and _to_be_marked(member, seen):
                return
            if step.goal is None or (_sure(member, now) and _reached(step, step.goal, seen)):
                member.advance()
        except writes.NameTakenError as error:
            member.failure, member.seen = error, error.listed
        except ApiError as error:
            member.failure = error

    def fail(self, member: SnapshotMember, error: ApiError) -> None:
        """Fail a member whose polls are refused. What it deleted is known to be on its way only."""
        if member.steps[0].goal is Goal.GONE and member.accepted and member.seen:
            member.seen = member.seen._replace(deleting=True)
        super().fail(member, error)

    def drop(self, member: SnapshotMember, error: ApiError) -> None:
        """Fail a member that shall do no more, and say what it has deleted already."""
        member.failure = _after_deletion(member, error)

    def abandon(self, member: SnapshotMember, error: ApiError) -> None:
        """Fail a member at once, and say what it has deleted already."""
        member.failure = _after_deletion(member, error)

    def give_up(self, member: SnapshotMember, poll_error: str) -> None:
        """Fail a member whose time is over. poll_error: the last poll's message, if it failed."""
        step, seen = member.steps[0], member.last_polled
        goal = step.goal or Goal.SETTLED
        if goal is Goal.GONE:
            # A deleted snapshot is shown in its last known state, one still there as it is now.
            member.seen = seen or member.seen
        if member.doubt:
            member.failure = member.doubt.end
            return
        if member.unlisted:
            error = _not_taken(member.unlisted)
            member.failure = _after_deletion(member, error)
            return
        member.failure = timed_out(goal, step.name, seen, self.waiting, poll_error)

    def overrun(
        self, late: Sequence[SnapshotMember], pace: float
    ) -> Callable[[SnapshotMember], ApiError] | None:
        """Return what to fail all others with, where a deadline of KubeVirt's has passed."""
        polled = (member.last_polled for member in late)
        overrun = next((seen for seen in polled if seen and seen.out_of_time), None)
        return partial(_too_slow, self.api.cluster.name, pace, overrun) if overrun else None


def _got(api: ClusterVms, key: VmKey, name: str) -> Snapshot | None:
    """Return a snapshot that lists do not show, if there is one. Not to know it is no absence."""
    try:
        return get_snapshot(api, key, name)
    except ApiError as error:
        return Snapshot(key, name, {}, unreadable=error.message)


def _looked_again(api: ClusterVms, member: SnapshotMember) -> bool:
    """Look again, before a VM is stopped or a snapshot is taken, for one that will do by now.

    Say whether that could be seen. If not, nothing was written yet, and a poll looks again.
    """
    looked_long_ago = time.monotonic() - member.planned_at > _MOMENT
    begins = member.steps[0].write in (STOP, CREATE)
    if not (begins and member.fresh_among and looked_long_ago):
        return True
    try:
        _adopt_fresh(member, list_snapshots(api, [member.key]))
    except ApiError as error:
        if error.reason in (*PERMANENT, *STOPS_ALL):
            raise
        member.unlisted = error
    return member.unlisted is None


def _not_taken(error: ApiError) -> ApiError:
    error.message = f"{error.message}; none was taken, as this list says whether one is needed"
    return error


def _adopt_fresh(member: SnapshotMember, listed: Sequence[Snapshot]) -> None:
    fresh = member.fresh_among(listed) if member.fresh_among else None
    if fresh:
        member.adopt(fresh)


def _take_unless_fresh(member: SnapshotMember, listed: Sequence[Snapshot], now: float) -> None:
    """Go on with a member that could not be looked at before, by what a poll returned."""
    member.unlisted, member.planned_at = None, now
    _adopt_fresh(member, listed)
    member.reset()


def _delete(api: ClusterVms, step: Step, member: SnapshotMember) -> None:
    member.gone_uid, unclear = step.uid, True
    try:
        unclear = writes.delete(api, member.key, step.name, step.uid)
    finally:
        if unclear:
            # It may be carried out as late as this, and must not meet the next snapshot.
            member.not_before = time.monotonic() + api.request_timeout


def _create(api: ClusterVms, step: Step, member: SnapshotMember) -> None:
    desired = _desired_by(step)
    late = member.not_before - time.monotonic()
    if late > 0:
        pause(late)
    member.requested = writes.marked(desired, member.request_id)
    try:
        member.seen = writes.create(api, member.requested, member.gone_uid)
    except writes.NameTakenError as taken:
        # One that somebody else took meanwhile may do as well.
        if not satisfies(desired, taken.listed):
            raise
        member.seen, member.adopted, member.requested = taken.listed, True, None
    member.uid = member.seen.uid


def _desired_by(step: Step) -> Desired:
    """Return what a creation or an update writes."""
    return cast("Desired", step.desired)


# See docs/palette.md, "Not known".
def _to_be_marked(member: SnapshotMember, seen: Snapshot | None) -> bool:
    """Say whether Palette left out labels or annotations of a creation, and plan to write them."""
    if not member.requested or not seen or seen.uid != member.uid:
        return False
    if not differing_metadata(member.requested, seen):
        return False
    if member.rewritten:
        raise _marks_lost(member, "a second attempt to write them changed nothing")
    member.rewritten = True
    created = member.steps[0]
    member.steps[0] = created._replace(write=None)
    member.steps.appendleft(Step(UPDATE, created.name, None, desired=member.requested))
    member.reset()
    return True


def _update(api: ClusterVms, step: Step, member: SnapshotMember) -> None:
    desired = _desired_by(step)
    try:
        member.seen = writes.update(api, desired)
    except ApiError as error:
        if desired is not member.requested or isinstance(error, InDoubtError):
            raise
        raise _marks_lost(member, error.message) from None
    member.uid = member.seen.uid


_WRITES = {CREATE: _create, UPDATE: _update, DELETE: _delete}


def _marks_lost(member: SnapshotMember, why: str) -> ApiError:
    return ApiError(
        "marks_lost",
        f"snapshot {member.key.namespace}/{member.steps[0].name} was taken, but Palette does not "
        f"keep its labels and annotations ({why}): later runs take it for somebody else's; "
        "delete it by hand, and ask Spectro Cloud about the labels of snapshots",
    )


def _carried_out(
    member: SnapshotMember, doubt: InDoubtError, listed: Snapshot | None, now: float, retries: int
) -> bool:
    """Say whether a list shows that the write in doubt was carried out."""
    done = member.settle_doubt(doubt, listed, now, retries)
    if not done:
        return False
    member.changed = member.accepted = True
    if isinstance(done, Snapshot):
        member.seen, member.uid = done, done.uid
    member.deadline = now + member.timeout
    return True


def _own(member: SnapshotMember, listed: Snapshot | None) -> Snapshot | None:
    """Return what is listed, but not another one with the name of a member's snapshot.

    It may be an earlier one, which a lagging list still shows, or a later one.
    """
    known = listed is not None and listed.uid and member.uid
    return None if known and listed and listed.uid != member.uid else listed


def _sure(member: SnapshotMember, now: float) -> bool:
    """Say whether a poll is enough to judge by: it shows the snapshot, or lists do not lag."""
    absence_ends = member.steps[0].goal in _ABSENCE_ENDS
    return member.missing_since is None or absence_ends or member.missing_for_long(now)


def _replaces(member: SnapshotMember) -> bool:
    """Say whether a member that is about to take a snapshot has deleted another before."""
    return member.changed and member.steps[0].write == CREATE


def _after_deletion(member: SnapshotMember, error: ApiError) -> ApiError:
    """Return an error, which says if the member has deleted the snapshot that it replaces."""
    if _replaces(member):
        text = "the earlier snapshot was deleted, and a new one was not taken"
        error.message = f"{text}: {error.message}"
    return error


def _reached_already(step: Step, member: SnapshotMember) -> bool:
    """Return whether a step without a write has reached its goal before the first poll."""
    seen = member.seen
    if step.write or not step.goal or not seen or seen.name != step.name:
        return False
    return _reached(step, step.goal, _own(member, seen))


def _reached(step: Step, goal: Goal, seen: Snapshot | None) -> bool:
    return reached(goal, seen, step.desired.needed if step.desired else ())


def _too_slow(cluster: str, pace: float, overrun: Snapshot, member: SnapshotMember) -> ApiError:
    managed = f"{pace * 60:.1f}" if pace else "no"
    return ApiError(
        "storage_too_slow",
        f"not tried, because snapshot {overrun.name} failed by its deadline "
        f"({overrun.failure_deadline or DEFAULT_DEADLINE}): the storage of cluster {cluster} "
        f"finished {managed} snapshots a minute lately; set max_in_progress: "
        f"{max(int(pace * member.patience), 1)} or a longer failure_deadline, then run again",
    )

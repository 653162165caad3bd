# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of a member whose write has no clear outcome, or whose snapshot lacks our marks."""

from __future__ import annotations

import math

import pytest

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
from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots.ownership import (
    REQUEST_ID,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots.plan import (
    CREATE,
    DELETE,
    Step,
    plan_present,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots.steps import (
    SnapshotWork,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots.wait import Goal
from unit.builders import FAILED, desired_snapshot, key_of, own_labels, vm
from unit.palette_in_memory import (
    LOST,
    NEVER_READY,
    TIMED_OUT,
    Call,
    MemoryPalette,
    Stored,
    cluster_vms,
    connected,
)

WAITING = Waiting(timeout=60.0, interval=5.0)
DB1 = key_of("db1")
REFUSED = ApiError("rejected", "HTTP 400: bad", outcome_unknown=True, transient=False)
UNLISTED = ApiError("unavailable", "HTTP 503")


def creation(waiting: Waiting = WAITING) -> SnapshotMember:
    """Return a member whose snapshot s is to be taken."""
    action = plan_present(desired_snapshot(labels=own_labels()), None, vm())
    return SnapshotMember(DB1, action.steps_for(waiting.enabled))


def deletion() -> SnapshotMember:
    """Return a member whose snapshot s is to be deleted."""
    return SnapshotMember(DB1, [Step(DELETE, "s", Goal.GONE)])


def run(palette: MemoryPalette, member: SnapshotMember, waiting: Waiting = WAITING) -> None:
    """Carry the member's steps out."""
    lane = Lane(SnapshotWork(cluster_vms(palette), waiting))
    lane.load([member])
    with connected(palette):
        Execution([lane], 4).run()


@pytest.fixture
def palette() -> MemoryPalette:
    """An empty Palette."""
    return MemoryPalette()


# Writes in doubt: neither the answer nor the list tells


@pytest.mark.parametrize("wait", [True, False])
@pytest.mark.parametrize("when", ["before", "after"])
def test_creation_in_doubt_is_settled_by_a_later_poll(
    palette: MemoryPalette, when: str, wait: bool
) -> None:
    palette.fail("POST", LOST, when=when)
    palette.fail("LIST", UNLISTED, UNLISTED)
    member = creation(WAITING._replace(enabled=wait))
    run(palette, member)
    assert not member.failure
    assert (member.changed, palette.names()) == (True, ["s"])
    assert len(palette.writes("POST")) == (2 if when == "before" else 1)


@pytest.mark.parametrize("when", ["before", "after"])
def test_deletion_in_doubt_is_settled_by_a_later_poll(palette: MemoryPalette, when: str) -> None:
    palette.add_snapshot("s", DB1, own_labels())
    palette.fail("DELETE", LOST, when=when)
    palette.fail("LIST", UNLISTED, UNLISTED)
    member = deletion()
    run(palette, member)
    assert not member.failure
    assert (member.changed, palette.names()) == (True, [])
    assert len(palette.writes("DELETE")) == (2 if when == "before" else 1)


@pytest.mark.parametrize("when", ["before", "after"])
def test_creation_in_doubt_to_the_end_is_unknown_and_may_have_changed(
    palette: MemoryPalette, when: str
) -> None:
    palette.fail("POST", LOST, when=when)
    palette.fail("LIST", *[UNLISTED] * 100)
    member = creation()
    run(palette, member)
    assert member.failure
    assert (member.failure.reason, member.unknown) == ("unreachable", True)
    assert (member.changed, member.may_have_changed) == (False, True)
    assert "it is not known whether this was carried out" in member.failure.message


def test_creation_in_doubt_knows_another_one_of_its_name(palette: MemoryPalette) -> None:
    palette.fail("POST", LOST)
    palette.fail("LIST", UNLISTED)
    palette.add_snapshot("s", DB1, course=NEVER_READY)
    member = creation()
    run(palette, member)
    assert member.failure
    assert (member.failure.reason, member.unknown) == ("conflict", False)
    assert not member.changed


def test_creation_that_lists_do_not_show_is_given_up_after_the_retries(
    palette: MemoryPalette,
) -> None:
    palette.fail("POST", *[LOST] * 100)
    member = creation()
    run(palette, member)
    assert member.failure
    assert (member.failure.reason, member.unknown) == ("unreachable", False)
    assert not member.may_have_changed


@pytest.mark.parametrize("polls", [1, 3])
def test_creation_that_a_lagging_list_does_not_show_is_found_later(
    palette: MemoryPalette, polls: int
) -> None:
    palette.fail("POST", REFUSED, when="after")
    hidden: dict[tuple[str, str, str], Stored] = {}

    def lag(call: Call) -> None:
        if call.kind == "LIST":
            palette.stored.update(hidden)
            hidden.clear()
            if len(palette.polls()) <= polls:
                hidden.update(palette.stored)
                palette.stored.clear()

    palette.before = lag
    member = creation()
    run(palette, member)
    assert not member.failure
    assert (member.changed, len(palette.writes("POST"))) == (True, 1)


def test_creation_that_was_refused_is_told_when_lists_have_had_time(
    palette: MemoryPalette,
) -> None:
    palette.fail("POST", REFUSED)
    member = creation()
    run(palette, member)
    assert member.failure
    assert (member.failure.message, member.unknown) == ("HTTP 400: bad", False)
    assert len(palette.writes("POST")) == 1
    assert LAG <= palette.elapsed < 3 * LAG


def test_replacement_is_not_taken_for_somebody_elses_by_a_lagging_list(
    palette: MemoryPalette,
) -> None:
    old = palette.add_snapshot("s", DB1, own_labels(), course=(FAILED,))
    palette.fail("POST", LOST, when="after")
    taken: list[Stored] = []

    def show_the_old_one(call: Call) -> None:
        place = ("c1", "vms", "s")
        if call.kind == "LIST" and palette.writes("POST"):
            if len(taken) < 3:
                taken.append(taken[0] if taken else palette.stored[place])
                old.gone_at = None
                palette.stored[place] = old
            else:
                palette.stored[place] = taken[0]

    palette.before = show_the_old_one
    desired = desired_snapshot(labels=own_labels())
    uid = old.metadata["uid"]
    deletion_step = Step(DELETE, "s", Goal.GONE, uid=uid)
    member = SnapshotMember(DB1, [deletion_step, Step(CREATE, "s", Goal.READY, desired=desired)])
    run(palette, member)
    assert not member.failure
    assert member.seen
    assert member.seen.uid == taken[0].metadata["uid"]


# A deletion that may be under way still


@pytest.mark.parametrize(("error", "waits"), [(TIMED_OUT, True), (None, False)])
def test_replacement_is_taken_after_an_unclear_deletion_can_no_longer_strike(
    palette: MemoryPalette, error: ApiError | None, waits: bool
) -> None:
    palette.add_snapshot("s", DB1, own_labels(), course=(FAILED,))
    if error:
        palette.fail("DELETE", error, when="after")
    desired = desired_snapshot(labels=own_labels())
    replacement = [Step(DELETE, "s", Goal.GONE), Step(CREATE, "s", Goal.READY, desired=desired)]
    member = SnapshotMember(DB1, replacement)
    run(palette, member)
    assert not member.failure
    (post,) = palette.writes("POST")
    (delete,) = palette.writes("DELETE")
    timeout = cluster_vms(palette).request_timeout
    assert (post.at - delete.at >= timeout) is waits


def test_deletion_in_doubt_can_no_longer_strike_the_replacement(palette: MemoryPalette) -> None:
    palette.add_snapshot("s", DB1, own_labels(), course=(FAILED,))
    palette.fail("DELETE", TIMED_OUT, when="after")
    palette.fail("LIST", UNLISTED, UNLISTED)
    desired = desired_snapshot(labels=own_labels())
    replacement = [Step(DELETE, "s", Goal.GONE), Step(CREATE, "s", Goal.READY, desired=desired)]
    member = SnapshotMember(DB1, replacement)
    run(palette, member)
    assert not member.failure
    (post,), (delete,) = palette.writes("POST"), palette.writes("DELETE")
    assert post.at - delete.at >= cluster_vms(palette).request_timeout


@pytest.mark.parametrize("end", ["drop", "abandon"])
def test_replacement_that_is_not_begun_tells_what_was_deleted(
    palette: MemoryPalette, end: str
) -> None:
    member = SnapshotMember(DB1, [Step(CREATE, "s", Goal.READY, desired=desired_snapshot())])
    member.changed = True
    work = SnapshotWork(cluster_vms(palette), WAITING)
    getattr(work, end)(member, ApiError("unauthorized", "no such key"))
    assert member.failure
    assert member.failure.message.startswith("the earlier snapshot was deleted, and a new one")


def test_each_step_may_be_looked_at_for_as_long_as_the_one_before() -> None:
    member = SnapshotMember(DB1, [Step(DELETE, "s", Goal.GONE), Step(CREATE, "s", Goal.READY)])
    member.look_until = 1.0
    member.advance()
    assert member.look_until == math.inf


# Labels and annotations that Palette leaves out


def drop_marks(palette: MemoryPalette, *methods: str) -> None:
    """Let Palette drop all labels and annotations that are written with these methods."""

    def drop(call: Call) -> None:
        if call.method in methods:
            for stored in palette.stored.values():
                stored.metadata.update(labels={}, annotations={})

    palette.after = drop


@pytest.mark.parametrize("wait", [True, False])
def test_marks_that_a_creation_lost_are_written_again(palette: MemoryPalette, wait: bool) -> None:
    palette.strips = {"POST"}
    member = creation(WAITING._replace(enabled=wait))
    run(palette, member)
    assert not member.failure
    (stored,) = palette.stored.values()
    assert stored.metadata["labels"] == own_labels()
    assert stored.metadata["annotations"][REQUEST_ID] == member.request_id
    assert [call.method for call in palette.writes()] == ["POST", "PUT"]
    assert len(palette.names()) == 1


def test_marks_that_the_answer_has_but_the_list_lacks_are_written_again(
    palette: MemoryPalette,
) -> None:
    drop_marks(palette, "POST")
    member = creation()
    run(palette, member)
    assert not member.failure
    (stored,) = palette.stored.values()
    assert stored.metadata["labels"] == own_labels()


@pytest.mark.parametrize("wait", [True, False])
def test_marks_that_palette_never_keeps_are_a_failure(palette: MemoryPalette, wait: bool) -> None:
    palette.strips = {"POST", "PUT"}
    member = creation(WAITING._replace(enabled=wait))
    run(palette, member)
    assert member.failure
    assert (member.failure.reason, member.changed) == ("marks_lost", True)
    assert "vms/s was taken" in member.failure.message
    assert len(palette.writes("PUT")) == 1


def test_marks_that_may_not_be_written_are_a_failure(palette: MemoryPalette) -> None:
    palette.strips = {"POST"}
    palette.fail("PUT", ApiError("forbidden", "HTTP 403: no update"))
    member = creation()
    run(palette, member)
    assert member.failure
    assert (member.failure.reason, member.changed) == ("marks_lost", True)
    assert "HTTP 403: no update" in member.failure.message


def test_marks_whose_writing_is_in_doubt_are_settled_by_a_later_poll(
    palette: MemoryPalette,
) -> None:
    palette.strips = {"POST"}
    palette.fail("PUT", LOST, when="after")

    def hide_the_list_after_it(call: Call) -> None:
        if call.method == "PUT":
            palette.fail("LIST", UNLISTED)

    palette.before = hide_the_list_after_it
    member = creation()
    run(palette, member)
    assert not member.failure
    (stored,) = palette.stored.values()
    assert stored.metadata["labels"] == own_labels()
    assert len(palette.writes("PUT")) == 1

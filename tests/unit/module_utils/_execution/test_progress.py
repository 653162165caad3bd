# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The line on the screen that says how far a task has come."""

from __future__ import annotations

import time

import pytest

from ansible_collections.spectrocloud.palette.plugins.module_utils._execution.progress import (
    Progress,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._http.errors import ApiError
from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots.member import (
    SnapshotMember,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots.plan import (
    CREATE,
    DELETE,
    Step,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots.wait import Goal
from unit.builders import key_of, snapshot
from unit.fakes import Clock


def member(goal: Goal | None = Goal.READY, write: str | None = CREATE) -> SnapshotMember:
    """Return a member with one step that has not begun."""
    return SnapshotMember(key_of(), [Step(write, "s", goal)])


def begun(goal: Goal) -> SnapshotMember:
    """Return a member that waits."""
    one = member(goal)
    one.deadline = 1.0
    return one


def between_steps() -> SnapshotMember:
    """Return a member that has done a step, and not begun the next."""
    one = member()
    one.changed = True
    return one


def done() -> SnapshotMember:
    """Return a member without anything left to do."""
    return SnapshotMember(key_of(), [])


def failed() -> SnapshotMember:
    """Return a member that failed."""
    one = member()
    one.failure = ApiError("rejected", "no")
    return one


@pytest.fixture
def clock() -> Clock:
    """A clock that stands still."""
    return Clock()


@pytest.fixture
def said() -> list[str]:
    """What was said."""
    return []


@pytest.fixture
def progress(clock: Clock, said: list[str]) -> Progress:
    """The progress of a set."""
    return Progress("nightly", said.append, 600, clock.monotonic)


def test_report_says_nothing_in_the_first_seconds(
    progress: Progress, clock: Clock, said: list[str]
) -> None:
    progress.report([member()])
    clock.now += 4.9
    progress.report([member()])
    assert said == []


def test_report_says_how_many_are_done_failed_and_waiting(
    progress: Progress, clock: Clock, said: list[str]
) -> None:
    clock.now += 5
    waiting = [begun(Goal.READY), begun(Goal.READY), begun(Goal.GONE), member()]
    progress.report([done(), done(), failed(), *waiting])
    waits = "1 waiting for its turn, 1 waiting to be gone, 2 waiting to be ready"
    assert said == [f"nightly: 2/7 done, 1 failed, {waits} (5 s of 600 s)"]


def test_report_names_the_cluster_where_there_are_several(
    progress: Progress, clock: Clock, said: list[str]
) -> None:
    progress.clusters = {f"c{n}": f"edge-{n}" for n in range(1, 6)}

    def of(*numbers: int) -> list[SnapshotMember]:
        keys = [key_of(cluster_uid=f"c{n}") for n in numbers]
        return [SnapshotMember(key, [Step(CREATE, "s", Goal.READY)]) for key in keys]

    clock.now += 5
    progress.report(of(2))
    clock.now += 5
    progress.report(of(1, 2, 2, 3, 3, 3))
    clock.now += 5
    progress.report(of(1, 1, 1, 2, 2, 3, 3, 4, 5))
    assert [line.partition("failed, ")[2].rpartition(" (")[0] for line in said] == [
        "edge-2/vms/db1 waiting for its turn",
        "6 waiting for its turn (3 in edge-3, 2 in edge-2, 1 in edge-1)",
        "9 waiting for its turn (3 in edge-1, 2 in edge-2, 2 in edge-3, the others in 2 more)",
    ]


@pytest.mark.parametrize(
    ("waiting", "words"),
    [
        (begun(Goal.READY), "to be ready"),
        (begun(Goal.QUIESCED), "to be ready"),
        (begun(Goal.SETTLED), "for another snapshot of the VM"),
        (begun(Goal.GONE), "to be gone"),
        (member(Goal.GONE, DELETE), "for its turn"),
        (member(None), "for its turn"),
        (between_steps(), "to go on"),
    ],
)
def test_report_says_of_a_few_who_waits_and_for_what(
    waiting: SnapshotMember, words: str, progress: Progress, clock: Clock, said: list[str]
) -> None:
    clock.now += 60
    progress.report([waiting])
    assert said == [f"nightly: 0/1 done, 0 failed, vms/db1 waiting {words} (60 s of 600 s)"]


def test_report_counts_each_deletion_of_a_vm(
    progress: Progress, clock: Clock, said: list[str]
) -> None:
    many = SnapshotMember(key_of(), [Step(DELETE, f"s{n}", Goal.GONE) for n in range(5)])
    few = SnapshotMember(key_of(), [Step(DELETE, f"s{n}", Goal.GONE) for n in range(2)])
    for _number in range(2):
        many.advance()
    few.advance()
    few.failure = ApiError("rejected", "no")
    clock.sleep(5)
    progress.report([many, few])
    assert said == ["nightly: 3/7 done, 1 failed, vms/db1 waiting for its turn (5 s)"]


def test_report_bears_that_another_thread_does_the_last_step_meanwhile(
    progress: Progress, clock: Clock, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    racing = begun(Goal.READY)
    # Active when it was asked, and without a step when that is looked at.
    monkeypatch.setattr(SnapshotMember, "active", property(lambda _member: True))
    racing.steps.clear()
    clock.now += 5
    progress.report([racing])
    assert said == ["nightly: 0/1 done, 0 failed, vms/db1 waiting for its turn (5 s of 600 s)"]


def test_report_says_the_phase_of_each_of_a_few(
    progress: Progress, clock: Clock, said: list[str]
) -> None:
    members = [begun(Goal.READY) for _number in range(3)]
    members[0].last_polled = snapshot(phase="InProgress", ready=False)
    members[1].last_polled = snapshot(phase="", ready=False)
    clock.now += 5
    progress.report(members)
    waits = "vms/db1 waiting to be ready"
    standing = f"0/3 done, 0 failed, {waits} (phase InProgress), {waits}, {waits}"
    assert said == [f"nightly: {standing} (5 s of 600 s)"]


def test_report_says_a_line_every_few_seconds(
    progress: Progress, clock: Clock, said: list[str]
) -> None:
    members = [member() for _number in range(100)]
    for one in members:
        clock.now += 1
        one.steps.clear()
        progress.report(members)
    assert len(said) == 100 / 5
    assert said[-1] == "nightly: 100/100 done, 0 failed (100 s of 600 s)"


@pytest.mark.parametrize("count", [1, 3, 4, 1000])
def test_report_says_a_line_every_15_seconds_while_nothing_changes(
    progress: Progress, clock: Clock, said: list[str], count: int
) -> None:
    members = [begun(Goal.READY) for _number in range(count)]
    spoken_at = []
    for _second in range(90):
        clock.now += 1
        before = len(said)
        progress.report(members)
        if len(said) > before:
            spoken_at.append(clock.now - 1000)
    assert spoken_at == [5, 20, 35, 50, 65, 80]
    assert all("waiting to be ready" in line for line in said)


def test_progress_of_options_takes_their_timeout_and_can_be_turned_off(
    monkeypatch: pytest.MonkeyPatch, clock: Clock, said: list[str]
) -> None:
    for wanted in (True, False):
        options = {"progress": wanted, "wait_timeout": 90.5}
        progress = Progress.of(options, said.append, "snapshot s")
        monkeypatch.setattr(progress, "_clock", lambda: time.monotonic() + 7)
        progress.report([begun(Goal.READY)])
    assert len(said) == 1
    assert said[0].startswith("snapshot s: 0/1 done, 0 failed, vms/db1 waiting to be ready (")
    assert said[0].endswith(" of 90.5 s)")


def test_progress_can_be_silent(clock: Clock) -> None:
    progress = Progress("nightly", None, 600, clock.monotonic)
    clock.now += 60
    progress.report([member()])  # there is nobody to say it to

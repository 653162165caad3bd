# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The life of a snapshot as a pure function of time: no timer runs for any snapshot.

All times are seconds since the epoch; NEVER stands for what does not happen.
"""

from __future__ import annotations

import enum
import math
from typing import NamedTuple

NEVER = math.inf


class Stage(enum.IntEnum):
    """Where a snapshot stands; the order is the order in which stages can follow each other."""

    NEW = 0
    WAITING = 1
    WORKING = 2
    STRUGGLING = 3
    CUT = 4
    READY = 5
    LOST = 6
    FAILED = 7
    DELETING = 8


class Timeline(NamedTuple):
    """When each stage begins, in the order of Stage, and when the VM's lock is released."""

    new: float
    waiting: float
    working: float
    struggling: float
    cut: float
    ready: float
    lost: float
    failed: float
    released: float


UNPLANNED = Timeline(NEVER, NEVER, NEVER, NEVER, NEVER, NEVER, NEVER, NEVER, NEVER)


class Pace(NamedTuple):
    """The drawn delays of one snapshot, in seconds."""

    status: float
    lock: float
    lock_retry: float
    cut: float
    ready: float
    unlock: float
    lost: float


class Course(NamedTuple):
    """What can go wrong on the way: whether each step is ever reached."""

    cuts: bool = True
    becomes_ready: bool = True
    stays_ready: bool = True


class Window(NamedTuple):
    """When the VM can be locked: from `opens` (the lock is free) until `closes` (it goes away)."""

    opens: float = 0.0
    closes: float = NEVER


# See docs/palette.md, "Deadlines".
def plan(
    created: float,
    deadline: float,
    pace: Pace,
    course: Course,
    window: Window,
    turn: float = 0.0,
) -> Timeline:
    """The whole life of a snapshot that nobody deletes; deadline in seconds, NEVER for none.

    turn: when the storage takes it up; NEVER as long as it waits for that.
    """
    expires = created + deadline
    locked = _first_attempt(created + pace.lock, pace.lock_retry, window)
    locked = locked if locked < expires else NEVER
    reached = locked + pace.cut
    taken = max(reached, turn)
    cut = taken if course.cuts and taken < expires else NEVER
    struggling = NEVER if course.cuts else reached
    failed = NEVER if cut < NEVER else max(expires, created + pace.status)
    ready = cut + pace.ready if course.becomes_ready else NEVER
    lost = NEVER if course.stays_ready else ready + pace.lost
    released = min(cut, failed) + pace.unlock if locked < NEVER else created
    waiting = created + pace.status
    return Timeline(created, waiting, locked, struggling, cut, ready, lost, failed, released)


def amend(old: Timeline, new: Timeline, now: float, unlock: float) -> Timeline:
    """The new plan for what lies ahead: what has happened stays, what is overdue happens now."""
    if old.failed <= now or (old.cut <= now and new.cut == NEVER):
        return old
    pairs = zip(old, new, strict=True)
    line = Timeline(*(was if was <= now else max(will, now) for was, will in pairs))
    if old.cut <= now:
        return line._replace(released=old.released)
    locked = line.working < NEVER
    return line._replace(released=min(line.cut, line.failed) + unlock if locked else line.new)


def cancel(timeline: Timeline, at: float, unlock: float) -> Timeline:
    """The timeline of a snapshot deleted at a moment: what was not reached by then never is."""
    reached = Timeline(*(start if start <= at else NEVER for start in timeline))
    if timeline.working > at:
        return reached._replace(released=at)
    if min(timeline.cut, timeline.failed) <= at:
        return reached._replace(released=timeline.released)
    return reached._replace(released=at + unlock)


def stage_at(timeline: Timeline, now: float, deleted: float = NEVER) -> Stage:
    """The stage a snapshot has reached; one deleted before its end shows DELETING."""
    until = min(now, deleted)
    stage = next((s for s in _LATEST_FIRST if timeline[s] <= until), Stage.NEW)
    if deleted <= now and stage < Stage.CUT:
        return Stage.DELETING
    return stage


def _first_attempt(first: float, retry: float, window: Window) -> float:
    if window.opens > first:
        first += math.ceil((window.opens - first) / retry) * retry if retry else 0.0
        first = max(first, window.opens)
    return first if first < window.closes else NEVER


_LATEST_FIRST = tuple(Stage(number) for number in range(Stage.FAILED, Stage.NEW, -1))

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of a set's snapshots are fresh, and which are to be deleted."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots.model import Snapshot
from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots.ownership import (
    PART_OF,
    SCHEDULED,
    is_member,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots.plan import (
    DELETE,
    KEEP,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots.plan_set import (
    freshest,
    left_alone,
    plan_absent_members,
    plan_fresh,
)
from unit.builders import NOW, desired_snapshot, own_labels, snapshot

DAY = timedelta(days=1)
OWN = own_labels("nightly")
DESIRED = desired_snapshot(name="vm-1-nightly", part_of="nightly")


def of_age(age: timedelta, name: str = "s", **fields: Any) -> Snapshot:
    """Return a member of the set of this age."""
    return snapshot(name=name, **{"labels": OWN, "created": NOW - age, **fields})


@pytest.mark.parametrize(
    ("one", "fresh"),
    [
        (of_age(timedelta()), True),
        (of_age(DAY - timedelta(seconds=1)), True),
        (of_age(DAY), False),
        (of_age(timedelta(), labels=own_labels("weekly")), False),
        (of_age(timedelta(), labels=own_labels()), False),
        (of_age(timedelta())._replace(annotations={}), False),
        (of_age(timedelta(), labels={**OWN, SCHEDULED: "true"}), False),
        (of_age(timedelta(), deleting=True), False),
        (of_age(timedelta(), phase="Failed", ready=False), False),
        (of_age(timedelta(), phase="InProgress", ready=False), True),
        (of_age(timedelta(), phase="", ready=False, creation_time=None), True),
        (of_age(timedelta(), phase="Succeeded", ready=False), True),
        (of_age(timedelta(), phase="Succeeded", ready=False, error="volume missing"), False),
        (of_age(timedelta(), phase="InProgress", ready=False, error="freeze failed"), True),
        (of_age(timedelta(), created=None, creation_time=None), False),
    ],
)
def test_freshest_takes_a_young_member_that_can_be_used(one: Snapshot, fresh: bool) -> None:
    assert freshest(DESIRED, [one], "nightly", DAY) == (one if fresh else None)


def test_freshest_is_the_newest_ready_one() -> None:
    older, newer = of_age(3 * DAY, "older"), of_age(2 * DAY, "newer")
    on_its_way = of_age(DAY, "on-its-way", phase="InProgress", ready=False)
    stale = of_age(9 * DAY, "stale")
    for order in ([older, newer, on_its_way, stale], [stale, on_its_way, newer, older]):
        assert freshest(DESIRED, order, "nightly", 7 * DAY) == newer
    assert freshest(DESIRED, [on_its_way, stale], "nightly", 7 * DAY) == on_its_way
    assert freshest(DESIRED, [], "nightly", 7 * DAY) is None


def test_freshest_prefers_a_quiesced_one_to_a_newer_one() -> None:
    quiesced = of_age(2 * DAY, "quiesced", indications=("Online", "GuestAgent"))
    unquiesced = of_age(DAY, "unquiesced", indications=("Online", "NoGuestAgent"))
    for order in ([quiesced, unquiesced], [unquiesced, quiesced]):
        assert freshest(DESIRED, order, "nightly", 7 * DAY) == quiesced


def test_plan_fresh_keeps_it() -> None:
    action = plan_fresh(of_age(DAY), DESIRED)
    assert (action.verb, action.outcome, action.changes) == (KEEP, "fresh", False)


def test_freshest_is_no_unquiesced_one_with_consistency_filesystem() -> None:
    strict = DESIRED._replace(quiesced=True)
    unquiesced = of_age(DAY, indications=("Online", "NoGuestAgent"))
    assert freshest(strict, [unquiesced], "nightly", 7 * DAY) is None
    for counts in (
        of_age(2 * DAY, indications=("Online", "GuestAgent")),
        of_age(2 * DAY, phase="InProgress", ready=False),
    ):
        assert freshest(strict, [unquiesced, counts], "nightly", 7 * DAY) == counts
    assert freshest(DESIRED, [unquiesced], "nightly", 7 * DAY) == unquiesced


def test_freshest_is_none_that_lacks_a_disk_with_excluded_volumes_refuse() -> None:
    lacks = of_age(DAY, included_volumes=("rootdisk",))
    whole = DESIRED._replace(needed=("rootdisk", "data"))
    assert freshest(whole, [lacks], "nightly", 7 * DAY) is None
    assert freshest(DESIRED, [lacks], "nightly", 7 * DAY) == lacks


_traits = st.tuples(
    st.sampled_from([OWN, own_labels("weekly"), own_labels(), {}, {PART_OF: "nightly"}]),
    st.booleans(),
    st.sampled_from(["", "InProgress", "Succeeded", "Failed"]),
)


@given(st.lists(_traits, max_size=8))
def test_plan_absent_members_deletes_all_of_the_set_and_nothing_else(
    traits: list[tuple[Any, ...]],
) -> None:
    snapshots = [
        snapshot(name=f"s{n}", labels=labels, deleting=deleting, phase=phase)
        for n, (labels, deleting, phase) in enumerate(traits)
    ]
    actions = plan_absent_members(snapshots, "nightly")
    members = {s.name: s for s in snapshots if is_member(s, "nightly")}
    assert {a.current.name for a in actions if a.current} == set(members)
    assert {a.current.name for a in actions if a.current and a.verb == DELETE} == {
        name for name, one in members.items() if not one.deleting
    }
    assert all(a.verb == DELETE or a.reason == "being_deleted" for a in actions)


@pytest.mark.parametrize(
    ("labels", "text"),
    [
        ({}, "not part of this set"),
        (own_labels(), "not part of this set"),
        (own_labels("weekly"), "part of the set weekly"),
    ],
)
def test_left_alone_says_what_it_is_and_how_old(labels: dict[str, str], text: str) -> None:
    said = left_alone(of_age(DAY, "db1-nightly", labels=labels))
    assert "snapshot db1-nightly (taken 2026-11-22T12:00:00Z)" in said
    assert f"is {text};" in said
    assert "at an unknown time" in left_alone(snapshot(labels=labels, created=None))

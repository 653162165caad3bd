# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which snapshots retention keeps and deletes: properties over generated fleets, and a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.spectrocloud.palette.plugins.module_utils._palette.objects import (
    write_time,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots.model import Snapshot
from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots.ownership import (
    EXPIRES_AT,
    is_own,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots.plan_retention import (  # noqa: E501
    Decision,
    Rules,
    decide,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._vms.model import VmKey
from unit.builders import NOW, key_of, own_labels, snapshot

DAY = timedelta(days=1)
READY: dict[str, Any] = {"phase": "Succeeded", "ready": True}
STATES: tuple[dict[str, Any], ...] = (
    READY,
    READY,
    {"phase": "", "ready": False, "creation_time": None},
    {"phase": "InProgress", "ready": False, "creation_time": None},
    {"phase": "InProgress", "ready": False, "creation_time": None, "error": "freeze failed"},
    {"phase": "Succeeded", "ready": False},
    {"phase": "Succeeded", "ready": False, "error": "VolumeSnapshots (a) missing"},
    {"phase": "Failed", "ready": False, "creation_time": None},
    {"phase": "Failed", "ready": False, "creation_time": None, "error": "freeze failed"},
)
UNREADABLE = "next Tuesday"

_days = st.integers(min_value=0, max_value=20)
_expiries = st.one_of(
    st.none(),
    st.integers(min_value=-3, max_value=3).map(lambda days: write_time(NOW + days * DAY)),
    st.just(UNREADABLE),
)


_traits = st.tuples(
    st.sampled_from([key_of("db1"), key_of("db2"), key_of("db1", "prod")]),
    st.sampled_from(STATES),
    _days,
    st.sampled_from([own_labels(), own_labels("nightly"), own_labels(), {"owner": "someone"}]),
    _expiries,
    st.sampled_from([False, False, False, True]),
)


def _fleet_with(traits: Sequence[tuple[Any, ...]]) -> list[Snapshot]:
    return [
        snapshot(
            key,
            f"snapshot-{number}",
            labels=labels,
            annotations={EXPIRES_AT: expires_at} if expires_at else {},
            created=NOW - days * DAY,
            deleting=deleting,
            **state,
        )
        for number, (key, state, days, labels, expires_at, deleting) in enumerate(traits)
    ]


_fleets = st.lists(_traits, max_size=14).map(_fleet_with)
_limits = st.one_of(st.none(), st.integers(min_value=0, max_value=6))
_ages = st.one_of(st.none(), _days.map(lambda days: days * DAY))
_rules = st.builds(Rules, _limits, _ages)


def deleted(decisions: Sequence[Decision]) -> set[str]:
    """Return the names of what is to be deleted; they are unique in a generated fleet."""
    return {decision.snapshot.name for decision in decisions if decision.delete}


def newest_ready(fleet: Sequence[Snapshot]) -> dict[VmKey, Snapshot]:
    """Return each VM's newest snapshot of this collection that can be used."""
    usable = [s for s in fleet if is_own(s) and s.ready and not s.deleting]
    by_age = sorted(usable, key=lambda s: (str(s.taken_at), s.name))
    return {s.key: s for s in by_age}


@given(_fleets, _rules)
def test_decide_names_every_snapshot_exactly_once_and_why(
    fleet: list[Snapshot], rules: Rules
) -> None:
    decisions = decide(fleet, rules, NOW)
    names = Counter(decision.snapshot.name for decision in decisions)
    assert names == Counter(s.name for s in fleet)
    assert all(decision.why for decision in decisions)


@given(_fleets, _rules)
def test_decide_never_deletes_what_is_not_ours_or_in_progress(
    fleet: list[Snapshot], rules: Rules
) -> None:
    for decision in decide(fleet, rules, NOW):
        one = decision.snapshot
        if decision.delete:
            assert is_own(one)
            assert not one.deleting
            assert not one.in_progress
            assert one.ready or one.failed or one.error


@given(_fleets, _rules)
def test_keep_last_0_alone_deletes_the_newest_ready_of_a_vm(
    fleet: list[Snapshot], rules: Rules
) -> None:
    doomed = deleted(decide(fleet, rules, NOW))
    if rules.keep_last != 0:
        assert doomed.isdisjoint(s.name for s in newest_ready(fleet).values())


@given(_fleets, st.integers(0, 6), st.integers(0, 6), _ages)
def test_keep_last_never_deletes_more_when_it_is_higher(
    fleet: list[Snapshot], one: int, other: int, max_age: timedelta | None
) -> None:
    fewer, more = sorted((one, other))
    strict = deleted(decide(fleet, Rules(fewer, max_age), NOW))
    lax = deleted(decide(fleet, Rules(more, max_age), NOW))
    assert lax <= strict


@given(_fleets, _limits, _days, _days)
def test_max_age_never_deletes_more_when_it_is_longer(
    fleet: list[Snapshot], keep_last: int | None, one: int, other: int
) -> None:
    shorter, longer = sorted((one, other))
    strict = deleted(decide(fleet, Rules(keep_last, shorter * DAY), NOW))
    lax = deleted(decide(fleet, Rules(keep_last, longer * DAY), NOW))
    assert lax <= strict


@given(_fleets, _rules)
def test_decide_deletes_nothing_more_the_second_time(fleet: list[Snapshot], rules: Rules) -> None:
    doomed = deleted(decide(fleet, rules, NOW))
    left = [s for s in fleet if s.name not in doomed]
    assert deleted(decide(left, rules, NOW)) == set()


@given(_fleets, _rules)
def test_decide_deletes_failed_ones_of_a_vm_first_then_the_oldest(
    fleet: list[Snapshot], rules: Rules
) -> None:
    by_vm: dict[VmKey, list[Snapshot]] = {}
    for decision in decide(fleet, rules, NOW):
        if decision.delete:
            by_vm.setdefault(decision.snapshot.key, []).append(decision.snapshot)
    for doomed in by_vm.values():
        order = [(not s.failed, s.taken_at) for s in doomed]
        assert order == sorted(order)


@given(_fleets, _rules)
def test_decide_always_deletes_failed_ones_of_ours(fleet: list[Snapshot], rules: Rules) -> None:
    for decision in decide(fleet, rules, NOW):
        if decision.snapshot.failed and is_own(decision.snapshot):
            assert decision.delete is not decision.snapshot.deleting


@given(_fleets, _rules)
def test_expires_at_decides_whatever_the_rules_say(fleet: list[Snapshot], rules: Rules) -> None:
    protected = {} if rules.keep_last == 0 else newest_ready(fleet)
    for one, delete, _why in decide(fleet, rules, NOW):
        expires_at = one.annotations.get(EXPIRES_AT)
        if not expires_at or not is_own(one) or not one.ready or one.deleting:
            continue
        expired = expires_at != UNREADABLE and expires_at <= str(write_time(NOW))
        assert delete == (expired and protected.get(one.key) != one)


@given(_fleets)
def test_decide_without_rules_deletes_only_failed_and_expired_ones(fleet: list[Snapshot]) -> None:
    whys = {decision.why for decision in decide(fleet, Rules(), NOW) if decision.delete}
    assert whys <= {"failed", "expired"}


@given(_fleets, _rules)
def test_decide_on_a_vm_does_not_depend_on_other_vms(fleet: list[Snapshot], rules: Rules) -> None:
    alone = [
        decision
        for key in sorted({s.key for s in fleet})
        for decision in decide([s for s in fleet if s.key == key], rules, NOW)
    ]
    assert decide(fleet, rules, NOW) == alone


@given(_fleets, st.integers(1, 6))
def test_keep_last_keeps_so_many_that_can_be_used(fleet: list[Snapshot], keep_last: int) -> None:
    lasting = [s._replace(annotations={}) for s in fleet]
    decisions = decide(lasting, Rules(keep_last), NOW)
    usable = Counter(s.key for s in lasting if is_own(s) and s.ready and not s.deleting)
    kept = Counter(
        s.key
        for s, delete, _why in decisions
        if not delete and is_own(s) and s.ready and not s.deleting
    )
    assert kept == {key: min(count, keep_last) for key, count in usable.items()}


def aged(*days: float) -> list[Snapshot]:
    """Return one VM's ready snapshots, named by their age in days."""
    return [
        snapshot(name=f"d{age}", labels=own_labels("nightly"), created=NOW - age * DAY)
        for age in days
    ]


@pytest.mark.parametrize(
    ("rules", "kept"),
    [
        (Rules(), {"d0": "newest_ready", "d1": "no_rule", "d7": "no_rule", "d30": "no_rule"}),
        (Rules(keep_last=1), {"d0": "newest_ready"}),
        (Rules(keep_last=2), {"d0": "newest_ready", "d1": "keep_last"}),
        (
            Rules(keep_last=9),
            dict.fromkeys(("d1", "d7", "d30"), "keep_last") | {"d0": "newest_ready"},
        ),
        (Rules(keep_last=0), {}),
        (
            Rules(max_age=7 * DAY),
            {"d0": "newest_ready", "d1": "young_enough", "d7": "young_enough"},
        ),
        (
            Rules(max_age=7 * DAY - timedelta(seconds=1)),
            {"d0": "newest_ready", "d1": "young_enough"},
        ),
        (Rules(max_age=timedelta()), {"d0": "newest_ready"}),
        (Rules(0, timedelta()), {"d0": "young_enough"}),
        (Rules(0, DAY), {"d0": "young_enough", "d1": "young_enough"}),
        (Rules(3, DAY), {"d0": "newest_ready", "d1": "keep_last", "d7": "keep_last"}),
    ],
)
def test_keep_last_and_max_age(rules: Rules, kept: dict[str, str]) -> None:
    decisions = decide(aged(1, 30, 0, 7), rules, NOW)
    assert [d.snapshot.name for d in decisions] == ["d30", "d7", "d1", "d0"]
    assert {d.snapshot.name: d.why for d in decisions if not d.delete} == kept


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"labels": {}}, "not_ours"),
        ({"labels": {"app.kubernetes.io/managed-by": "Helm"}}, "not_ours"),
        ({"labels": {}, "phase": "Failed", "ready": False}, "not_ours"),
        ({"deleting": True}, "being_deleted"),
        ({"deleting": True, "phase": "Failed", "ready": False}, "being_deleted"),
        ({"phase": "", "ready": False}, "in_progress"),
        ({"phase": "InProgress", "ready": False, "error": "freeze failed"}, "in_progress"),
        ({"phase": "Succeeded", "ready": False}, "in_progress"),
        ({"phase": "Failed", "ready": False}, "failed"),
        ({"phase": "Succeeded", "ready": False, "error": "missing"}, "too_old"),
        ({"created": None}, "young_enough"),
        (
            {"created": NOW, "phase": "Succeeded", "ready": False, "error": "it may pass"},
            "in_progress",
        ),
    ],
)
def test_max_age_of_an_old_snapshot_beside_a_new_one(fields: dict[str, Any], why: str) -> None:
    old = snapshot(name="old", **{"labels": own_labels(), "created": NOW - 30 * DAY, **fields})
    decisions = decide([old, *aged(0)], Rules(max_age=DAY), NOW)
    found = {decision.snapshot.name: decision for decision in decisions}
    assert found["old"].why == why
    assert found["old"].delete == (why in ("failed", "too_old"))
    assert found["d0"].why == "newest_ready"


@pytest.mark.parametrize(
    ("expires_in", "delete", "why"),
    [
        (timedelta(seconds=1), False, "not_expired"),
        (timedelta(), True, "expired"),
        (-timedelta(seconds=1), True, "expired"),
        (-400 * DAY, True, "expired"),
    ],
)
@pytest.mark.parametrize("rules", [Rules(), Rules(keep_last=9), Rules(keep_last=0)])
def test_expires_at(expires_in: timedelta, delete: bool, why: str, rules: Rules) -> None:
    annotations = {EXPIRES_AT: f"{write_time(NOW + expires_in)}"}
    one = aged(5)[0]._replace(annotations=annotations)
    decision = decide([one, *aged(0)], rules, NOW)[0]
    assert (decision.snapshot, decision.delete, decision.why) == (one, delete, why)


@pytest.mark.parametrize("text", ["2026-11-23T13:59:59+02:00", "2026-11-23T11:59:59.999Z"])
def test_expires_at_counts_in_its_own_time_zone(text: str) -> None:
    one = aged(5)[0]._replace(annotations={EXPIRES_AT: text})
    assert deleted(decide([one, *aged(0)], Rules(), NOW)) == {"d5"}


def test_expires_at_does_not_delete_the_newest_that_can_be_used() -> None:
    expired = aged(5)[0]._replace(annotations={EXPIRES_AT: "2026-11-22T12:00:00Z"})
    failed = snapshot(name="failed", labels=own_labels(), phase="Failed", ready=False)
    decisions = decide([expired, failed], Rules(), NOW)
    assert [(d.snapshot.name, d.why) for d in decisions] == [
        ("failed", "failed"),
        ("d5", "newest_ready"),
    ]


def test_max_age_does_not_count_a_newer_snapshot_of_somebody_else_as_ours() -> None:
    theirs = snapshot(name="theirs", labels={}, created=NOW)
    assert deleted(decide([theirs, *aged(3)], Rules(max_age=DAY), NOW)) == set()

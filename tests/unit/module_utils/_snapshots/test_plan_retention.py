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
    read_time,
    write_time,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots.model import Snapshot
from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots.ownership import (
    EXPIRES_AT,
    SCHEDULED,
    is_own,
    set_of,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots.plan_retention import (  # noqa: E501
    COUNTS,
    Decision,
    Rules,
    decide,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._vms.model import VmKey
from unit.builders import NOW, annotated, key_of, own_labels, snapshot

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
READY: dict[str, Any] = {"phase": "Succeeded", "ready": True}
STATES: tuple[dict[str, Any], ...] = (
    READY,
    READY,
    {"phase": "", "ready": False, "creation_time": None},
    {"phase": "InProgress", "ready": False, "creation_time": None},
    {"phase": "InProgress", "ready": False, "creation_time": None, "error": "freeze failed"},
    {"phase": "Succeeded", "ready": False},
    {"phase": "Succeeded", "ready": False, "error": "VolumeSnapshots (a) missing"},
    {"phase": "Succeeded", "ready": False, "error": "lost", "error_since": NOW - 2 * DAY},
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
_limits = st.integers(min_value=0, max_value=6)
_ages = st.one_of(st.none(), _days.map(lambda days: days * DAY))
_counts = st.dictionaries(st.sampled_from(COUNTS), _limits, max_size=3)
_rules = st.builds(Rules, _counts, _ages, _ages)


def deleted(decisions: Sequence[Decision]) -> set[str]:
    """Return the names of what is to be deleted; they are unique in a generated fleet."""
    return {decision.snapshot.name for decision in decisions if decision.delete}


def newest_usable(fleet: Sequence[Snapshot]) -> dict[tuple[VmKey, str], Snapshot]:
    """Return the newest snapshot of this collection that can be used, of each VM and set."""
    usable = [s for s in fleet if is_own(s) and s.ready and not s.deleting]
    by_age = sorted(usable, key=lambda s: (str(s.taken_at), s.name))
    return {(s.key, set_of(s)): s for s in by_age}


def protected(fleet: Sequence[Snapshot], rules: Rules) -> set[str]:
    """Return the names of what is not deleted whatever else holds."""
    if rules.counts.get("keep_last") == 0:
        return set()
    return {s.name for s in newest_usable(fleet).values()}


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
def test_keep_last_0_alone_deletes_the_newest_usable_of_a_vm_and_set(
    fleet: list[Snapshot], rules: Rules
) -> None:
    assert deleted(decide(fleet, rules, NOW)).isdisjoint(protected(fleet, rules))


@given(_fleets, _rules, st.sampled_from(COUNTS), _limits, _limits)
def test_counts_never_delete_more_when_they_are_higher(
    fleet: list[Snapshot], rules: Rules, rule: str, one: int, other: int
) -> None:
    strict, lax = (
        deleted(decide(fleet, rules._replace(counts={**rules.counts, rule: count}), NOW))
        for count in sorted((one, other))
    )
    assert lax <= strict


@given(_fleets, _rules, _days, _days)
def test_ages_never_delete_more_when_they_are_longer(
    fleet: list[Snapshot], rules: Rules, one: int, other: int
) -> None:
    shorter, longer = (days * DAY for days in sorted((one, other)))
    for strict, lax in (
        (rules._replace(within=shorter), rules._replace(within=longer)),
        (rules._replace(delete_older_than=shorter), rules._replace(delete_older_than=longer)),
    ):
        assert deleted(decide(fleet, lax, NOW)) <= deleted(decide(fleet, strict, NOW))


@given(_fleets, _rules)
def test_what_a_rule_keeps_is_deleted_only_beyond_delete_older_than_or_by_its_expiry(
    fleet: list[Snapshot], rules: Rules
) -> None:
    for one, delete, why, kept_by in decide(fleet, rules, NOW):
        assert set(kept_by) <= {*rules.counts, "keep_within"}
        assert not (delete and kept_by)
        assert (why == "kept") <= bool(kept_by)
        if why == "no_longer_kept":
            assert delete
            assert rules.keep
        if why == "too_old":
            assert rules.delete_older_than is not None
            assert one.taken_at
            assert NOW - one.taken_at > rules.delete_older_than


@given(_fleets, _rules)
def test_delete_older_than_leaves_nothing_older_but_what_is_protected(
    fleet: list[Snapshot], rules: Rules
) -> None:
    bound = rules.delete_older_than
    for one, delete, why, _kept_by in decide(fleet, rules, NOW):
        if bound is None or one.taken_at is None or NOW - one.taken_at <= bound:
            continue
        if is_own(one) and one.ready and not one.deleting and EXPIRES_AT not in one.annotations:
            assert delete is (one.name not in protected(fleet, rules)), why


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
    for one, delete, _why, _kept_by in decide(fleet, rules, NOW):
        expires_at = one.annotations.get(EXPIRES_AT)
        if not expires_at or not is_own(one) or not one.ready or one.deleting:
            continue
        expired = expires_at != UNREADABLE and expires_at <= str(write_time(NOW))
        assert delete == (expired and one.name not in protected(fleet, rules))


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


@given(_fleets, _rules)
def test_decide_on_a_set_does_not_depend_on_other_sets(fleet: list[Snapshot], rules: Rules) -> None:
    apart = {
        name
        for set_name in {set_of(s) for s in fleet}
        for name in deleted(decide([s for s in fleet if set_of(s) == set_name], rules, NOW))
    }
    assert deleted(decide(fleet, rules, NOW)) == apart


@given(_fleets, st.integers(1, 6))
def test_keep_last_keeps_so_many_that_can_be_used(fleet: list[Snapshot], keep_last: int) -> None:
    lasting = [s._replace(annotations=annotated(s.labels)) for s in fleet]
    decisions = decide(lasting, Rules({"keep_last": keep_last}), NOW)
    usable = Counter(
        (s.key, set_of(s)) for s in lasting if is_own(s) and s.ready and not s.deleting
    )
    kept = Counter(
        (d.snapshot.key, set_of(d.snapshot)) for d in decisions if "keep_last" in d.kept_by
    )
    assert kept == {group: min(count, keep_last) for group, count in usable.items()}


@given(_fleets, _rules)
def test_predicted_snapshots_take_the_place_of_what_will_be_taken(
    fleet: list[Snapshot], rules: Rules
) -> None:
    lasting = [s._replace(annotations=annotated(s.labels)) for s in fleet]
    vms = {s.key for s in lasting}
    taken = [
        snapshot(key, f"new-{number}", labels=own_labels("nightly"), created=NOW)
        for number, key in enumerate(sorted(vms))
    ]
    predicted = deleted(decide(lasting, rules, NOW, dict.fromkeys(vms, "nightly")))
    # What is taken at the same moment would have to be sorted by name.
    if all(s.taken_at != NOW for s in lasting) and rules.protects_newest:
        assert predicted == deleted(decide([*lasting, *taken], rules, NOW))


def aged(*days: float, part_of: str | None = "nightly") -> list[Snapshot]:
    """Return one VM's ready snapshots, named by their age in days."""
    return [
        snapshot(name=f"d{age}", labels=own_labels(part_of), created=NOW - age * DAY)
        for age in days
    ]


def expiring(one: Snapshot, moment: str) -> Snapshot:
    """Return a snapshot that says when it expires."""
    return one._replace(annotations=annotated(one.labels, {EXPIRES_AT: moment}))


def kept(decisions: Sequence[Decision]) -> dict[str, str]:
    """Return why, and by which rules, each is kept."""
    return {d.snapshot.name: " ".join([d.why, *d.kept_by]) for d in decisions if not d.delete}


NEWEST = "newest_usable"


@pytest.mark.parametrize(
    ("rules", "left"),
    [
        (Rules(), {"d0": NEWEST, "d1": "no_rule", "d7": "no_rule", "d30": "no_rule"}),
        (Rules({"keep_last": 1}), {"d0": f"{NEWEST} keep_last"}),
        (Rules({"keep_last": 2}), {"d0": f"{NEWEST} keep_last", "d1": "kept keep_last"}),
        (
            Rules({"keep_last": 9}),
            dict.fromkeys(("d1", "d7", "d30"), "kept keep_last") | {"d0": f"{NEWEST} keep_last"},
        ),
        (Rules({"keep_last": 0}), {}),
        (
            Rules(within=7 * DAY),
            {"d0": f"{NEWEST} keep_within", "d1": "kept keep_within", "d7": "kept keep_within"},
        ),
        (
            Rules(within=7 * DAY - timedelta(seconds=1)),
            {"d0": f"{NEWEST} keep_within", "d1": "kept keep_within"},
        ),
        (Rules(within=timedelta()), {"d0": f"{NEWEST} keep_within"}),
        (Rules({"keep_last": 0}, timedelta()), {"d0": "kept keep_within"}),
        (
            Rules({"keep_last": 3}, DAY),
            {
                "d0": f"{NEWEST} keep_last keep_within",
                "d1": "kept keep_last keep_within",
                "d7": "kept keep_last",
            },
        ),
        (Rules(delete_older_than=7 * DAY), {"d0": NEWEST, "d1": "no_rule", "d7": "no_rule"}),
        (
            Rules({"keep_last": 9}, 99 * DAY, DAY),
            {"d0": f"{NEWEST} keep_last keep_within", "d1": "kept keep_last keep_within"},
        ),
        (
            Rules({"keep_last": 0, "keep_daily": 9}, None, DAY),
            {"d0": "kept keep_daily", "d1": "kept keep_daily"},
        ),
    ],
)
def test_rules_keep_by_count_and_age(rules: Rules, left: dict[str, str]) -> None:
    decisions = decide(aged(1, 30, 0, 7), rules, NOW)
    assert [d.snapshot.name for d in decisions] == ["d30", "d7", "d1", "d0"]
    assert kept(decisions) == left


def test_delete_older_than_spares_the_newest_usable_one() -> None:
    rules = Rules(delete_older_than=DAY)
    assert kept(decide(aged(30, 40), rules, NOW)) == {"d30": NEWEST}
    assert kept(decide(aged(30, 40), rules._replace(counts={"keep_last": 0}), NOW)) == {}


def test_retention_counts_each_set_by_itself() -> None:
    before = aged(20, part_of="before-upgrade")
    loose = aged(9, 8, part_of=None)
    decisions = decide([*aged(0, 1, 2), *before, *loose], Rules({"keep_last": 1}), NOW)
    assert sorted(kept(decisions)) == ["d0", "d20", "d8"]
    assert [d.snapshot.name for d in decisions] == ["d20", "d9", "d8", "d2", "d1", "d0"]


def test_retention_counts_each_vm_by_itself() -> None:
    other = [one._replace(key=key_of("db2")) for one in aged(20, 21)]
    decisions = decide([*aged(0, 1), *other], Rules({"keep_last": 1}), NOW)
    assert sorted(kept(decisions)) == ["d0", "d20"]


def at(*moments: str) -> list[Snapshot]:
    """Return one VM's ready snapshots of these times, named by them."""
    return [snapshot(name=m, labels=own_labels(), created=read_time(m)) for m in moments]


HOURS = ("2026-11-23T10:00:00Z", "2026-11-23T10:59:59Z", "2026-11-23T11:00:00Z")
# Both are 22 November in Berlin; in UTC only the second is.
DAYS = ("2026-11-21T23:30:00Z", "2026-11-22T00:00:00Z", "2026-11-22T22:59:00Z")
# Sunday and Monday, and two days of 2024/2025 in the same ISO week.
WEEKS = ("2026-11-15T23:59:59Z", "2026-11-16T00:00:00Z", "2026-11-22T23:59:59Z")
NEW_YEAR = ("2024-12-29T12:00:00Z", "2024-12-30T12:00:00Z", "2025-01-01T12:00:00Z")
MONTHS = ("2025-10-15T12:00:00Z", "2026-10-01T00:00:00Z", "2026-10-31T23:59:59Z")
YEARS = ("2024-12-31T23:59:59Z", "2025-01-01T00:00:00Z", "2025-12-31T23:59:59Z")


@pytest.mark.parametrize(
    ("rule", "moments"),
    [
        ("keep_hourly", HOURS),
        ("keep_weekly", NEW_YEAR),
        ("keep_yearly", YEARS),
        ("keep_daily", DAYS),
        ("keep_weekly", WEEKS),
        ("keep_monthly", MONTHS),
    ],
)
def test_periods_keep_the_newest_of_each_in_utc(rule: str, moments: tuple[str, ...]) -> None:
    first, second, third = moments
    same = (first, second) if rule == "keep_hourly" else (second, third)
    newest_of = {third, second} if rule == "keep_hourly" else {third, first}
    assert same[0] not in newest_of
    for order in (moments, moments[::-1]):
        decisions = decide(at(*order), Rules({rule: 9}), NOW)
        assert set(kept(decisions)) == newest_of
        assert all(d.kept_by == (rule,) for d in decisions if not d.delete)
    decisions = decide(at(*moments), Rules({rule: 1}), NOW)
    assert kept(decisions) == {third: f"{NEWEST} {rule}"}


def test_periods_without_a_snapshot_do_not_count() -> None:
    decisions = decide(aged(0, 5, 30, 31), Rules({"keep_daily": 3}), NOW)
    assert sorted(kept(decisions)) == ["d0", "d30", "d5"]


def test_kept_by_names_all_rules_that_keep_one() -> None:
    counts = {"keep_last": 1, "keep_daily": 2, "keep_weekly": 2, "keep_monthly": 1}
    decisions = decide(aged(0, 1, 2, 3), Rules(counts, within=DAY), NOW)
    assert kept(decisions) == {
        "d0": f"{NEWEST} keep_last keep_daily keep_weekly keep_monthly keep_within",
        "d1": "kept keep_daily keep_weekly keep_within",
    }


@pytest.mark.parametrize(
    ("counts", "predicted", "left"),
    [
        ({"keep_last": 2}, "nightly", ["d0.5"]),
        ({"keep_last": 1}, "nightly", []),
        ({"keep_daily": 2}, "nightly", ["d1.5"]),
        ({"keep_hourly": 2}, "nightly", ["d0.5"]),
        ({"keep_last": 1}, "weekly", ["d0.5"]),
        ({"keep_last": 1}, None, ["d0.5"]),
    ],
)
def test_predicted_snapshot_counts_as_the_newest_of_its_set(
    counts: dict[str, int], predicted: str | None, left: list[str]
) -> None:
    before = {key_of(): predicted} if predicted else None
    decisions = decide(aged(0.5, 1.5), Rules(counts), NOW, before)
    assert list(kept(decisions)) == left


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
        ({"phase": "Succeeded", "ready": False}, "not_ready"),
        ({"phase": "Failed", "ready": False}, "failed"),
        (
            {"phase": "Succeeded", "ready": False, "error": "lost", "error_since": NOW - 2 * DAY},
            "no_longer_kept",
        ),
        (
            {"phase": "Succeeded", "ready": False, "error": "new", "error_since": NOW - HOUR},
            "not_ready",
        ),
        ({"phase": "Succeeded", "ready": False, "error": "since when?"}, "not_ready"),
        ({"created": None}, "kept"),
        ({"labels": {**own_labels(), SCHEDULED: "true"}}, "scheduled_by_palette"),
        (
            {"labels": {**own_labels(), SCHEDULED: "true"}, "phase": "Failed", "ready": False},
            "scheduled_by_palette",
        ),
        (
            {"created": NOW, "phase": "Succeeded", "ready": False, "error": "it may pass"},
            "not_ready",
        ),
    ],
)
def test_keep_within_of_an_old_snapshot_beside_a_new_one(fields: dict[str, Any], why: str) -> None:
    old = snapshot(name="old", **{"labels": own_labels(), "created": NOW - 30 * DAY, **fields})
    decisions = decide([old, *aged(0, part_of=None)], Rules(within=DAY), NOW)
    found = {decision.snapshot.name: decision for decision in decisions}
    assert found["old"].why == why
    assert found["old"].delete == (why in ("failed", "no_longer_kept"))
    assert found["d0"].why == NEWEST


def lost(*days: float) -> list[Snapshot]:
    """Return snapshots of such ages, each with an error for two days."""
    fields: dict[str, Any] = {"ready": False, "error": "missing", "error_since": NOW - 2 * DAY}
    return [one._replace(**fields) for one in aged(*days)]


def test_an_outage_of_the_storage_takes_no_older_snapshot_with_it() -> None:
    rules = Rules({"keep_daily": 7})
    new = [one._replace(error_since=NOW - HOUR) for one in lost(1, 2, 3, 4, 5, 6, 7)]
    assert deleted(decide([*aged(0), *new], rules, NOW)) == set()


def test_what_has_long_had_an_error_stays_where_none_can_be_used() -> None:
    rules = Rules({"keep_last": 1}, None, DAY)
    assert set(kept(decide(lost(3, 4), rules, NOW)).values()) == {"not_ready"}
    assert deleted(decide([*aged(0), *lost(3, 4)], rules, NOW)) == {"d3", "d4"}
    assert deleted(decide(lost(3, 4), Rules({"keep_last": 0}), NOW)) == {"d3", "d4"}


def test_what_has_long_had_an_error_is_deleted_by_what_time_it_is() -> None:
    decisions = decide([*aged(0), *lost(3)], Rules({"keep_last": 1}), NOW)
    assert [decision.by_age for decision in decisions if decision.delete] == [True]


def test_a_label_alone_is_not_ours_to_delete() -> None:
    copied = aged(30)[0]._replace(annotations={})
    for rules in (Rules({"keep_last": 0}), Rules(delete_older_than=DAY), Rules(within=DAY)):
        assert kept(decide([copied], rules, NOW)) == {"d30": "not_ours"}


@pytest.mark.parametrize(
    ("expires_in", "delete", "why"),
    [
        (timedelta(seconds=1), False, "not_expired"),
        (timedelta(), True, "expired"),
        (-timedelta(seconds=1), True, "expired"),
        (-400 * DAY, True, "expired"),
    ],
)
@pytest.mark.parametrize("rules", [Rules(), Rules({"keep_last": 9}), Rules({"keep_last": 0})])
def test_expires_at(expires_in: timedelta, delete: bool, why: str, rules: Rules) -> None:
    one = expiring(aged(5)[0], f"{write_time(NOW + expires_in)}")
    decision = decide([one, *aged(0)], rules, NOW)[0]
    assert (decision.snapshot, decision.delete, decision.why) == (one, delete, why)


@pytest.mark.parametrize("text", ["2026-11-23T13:59:59+02:00", "2026-11-23T11:59:59.999Z"])
def test_expires_at_counts_in_its_own_time_zone(text: str) -> None:
    one = expiring(aged(5)[0], text)
    assert deleted(decide([one, *aged(0)], Rules(), NOW)) == {"d5"}


def test_expires_at_does_not_delete_the_newest_that_can_be_used() -> None:
    expired = expiring(aged(5)[0], "2026-11-22T12:00:00Z")
    failed = snapshot(name="failed", labels=own_labels(), phase="Failed", ready=False)
    decisions = decide([expired, failed], Rules(), NOW)
    assert [(d.snapshot.name, d.why) for d in decisions] == [
        ("failed", "failed"),
        ("d5", NEWEST),
    ]


def test_keep_within_does_not_count_a_newer_snapshot_of_somebody_else_as_ours() -> None:
    theirs = snapshot(name="theirs", labels={}, created=NOW)
    assert deleted(decide([theirs, *aged(3)], Rules(within=DAY), NOW)) == set()

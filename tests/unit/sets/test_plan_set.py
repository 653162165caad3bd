# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The names of a set's members, and which of them are fresh or to be deleted."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots.desired import wanted
from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots.model import (
    MANAGED_BY,
    PART_OF,
    Snapshot,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots.plan import (
    DELETE,
    KEEP,
    REFUSE,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots.plan_set import (
    freshest,
    is_member,
    member_name,
    name_problems,
    plan_absent_members,
    plan_fresh,
    set_name_problems,
    template_problems,
    timestamped,
)
from unit.sets.world import EPOCH, key_of, marks, snapshot

NOW = EPOCH
DAY = timedelta(days=1)
OURS = marks("nightly")
WANTED = wanted(key_of(), "vm-1-nightly", {}, NOW, part_of="nightly")


@pytest.mark.parametrize(
    ("template", "name"),
    [
        ("{vm}-{set}", "db1-nightly"),
        ("{set}.{namespace}.{vm}", "nightly.vms.db1"),
        ("{vm}-{timestamp}", "db1-20261123-120000"),
        ("{vm}-{vm}", "db1-db1"),
        ("fixed", "fixed"),
    ],
)
def test_member_names(template: str, name: str) -> None:
    assert template_problems(template) == []
    assert member_name(template, "nightly", key_of(), NOW) == name


@pytest.mark.parametrize(
    ("template", "result"),
    [
        ("{vm}-{set}", "{vm}-{set}-{timestamp}"),
        ("{timestamp}-{vm}", "{timestamp}-{vm}"),
        ("{{timestamp}}{vm}", "{{timestamp}}{vm}-{timestamp}"),
    ],
)
def test_names_that_differ_from_run_to_run(template: str, result: str) -> None:
    assert timestamped(template) == result


@pytest.mark.parametrize(
    "template",
    [
        "{}",
        "{0}",
        "{name}",
        "{vm",
        "vm}",
        "{vm!r}",
        "{vm:>20}",
        "{vm:{set}}",
        "{vm.key}",
        "{vm[0]}",
    ],
)
def test_templates_that_cannot_be_used(template: str) -> None:
    problems = template_problems(template)
    assert len(problems) == 1
    assert "name_template" in str(problems[0])
    assert repr(template) in str(problems[0])


@pytest.mark.parametrize("name", ["nightly", "before-patch", "Nightly_2", "a" * 63])
def test_set_names_that_can_be_a_labels_value(name: str) -> None:
    assert set_name_problems(name) == []


@pytest.mark.parametrize("name", ["", "a b", "-a", "a-", "a" * 64, "ä", "a/b"])
def test_set_names_that_cannot(name: str) -> None:
    assert [problem.option for problem in set_name_problems(name)] == ["name"]


def test_names_that_are_no_names_say_what_to_change() -> None:
    long = key_of("v" * 250)
    problems = name_problems([(key_of(), "db1-nightly"), (long, f"{long.vm_name}-nightly")])
    assert len(problems) == 1
    assert f"VM {long.vm_name}" in str(problems[0])
    assert "use a shorter set name or name_template" in str(problems[0])


@pytest.mark.parametrize("name", ["Db1-nightly", "db1_nightly", "", "-db1"])
def test_names_that_kubernetes_refuses(name: str) -> None:
    assert len(name_problems([(key_of(), name)])) == 1


def test_names_are_unique_in_a_namespace_of_a_cluster_only() -> None:
    keys = [key_of("db1"), key_of("db1", "prod"), key_of("db1", cluster_uid="c2")]
    assert name_problems([(key, "same") for key in keys]) == []
    problems = name_problems([(key_of("db1"), "same"), (key_of("db2"), "same")])
    assert "2 members in namespace vms would be named 'same'" in str(problems[0])


_vm_names = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?", fullmatch=True)


@settings(deadline=None)
@given(st.sets(_vm_names, min_size=1), _vm_names)
def test_the_default_template_gives_each_vm_a_name_of_its_own(
    vm_names: set[str], set_name: str
) -> None:
    keys = [key_of(vm_name) for vm_name in sorted(vm_names)]
    names = [(key, member_name("{vm}-{set}", set_name, key, NOW)) for key in keys]
    assert name_problems(names) == []
    assert len({name for _key, name in names}) == len(names)


@pytest.mark.parametrize(
    ("labels", "member"),
    [
        (OURS, True),
        ({**OURS, "app": "db"}, True),
        (marks(), False),
        (marks("weekly"), False),
        ({PART_OF: "nightly"}, False),
        ({MANAGED_BY: "Helm", PART_OF: "nightly"}, False),
        ({}, False),
    ],
)
def test_membership_takes_both_labels(labels: dict[str, str], member: bool) -> None:
    assert is_member(snapshot(labels=labels), "nightly") is member


def of_age(age: timedelta, name: str = "s", **fields: Any) -> Snapshot:
    """Return a member of the set of this age."""
    return snapshot(name=name, **{"labels": OURS, "created": NOW - age, **fields})


@pytest.mark.parametrize(
    ("one", "fresh"),
    [
        (of_age(timedelta()), True),
        (of_age(DAY - timedelta(seconds=1)), True),
        (of_age(DAY), False),
        (of_age(timedelta(), labels=marks("weekly")), False),
        (of_age(timedelta(), labels=marks()), False),
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
def test_what_is_fresh(one: Snapshot, fresh: bool) -> None:
    assert freshest([one], "nightly", DAY, NOW) == (one if fresh else None)


def test_the_newest_ready_one_is_the_freshest() -> None:
    older, newer = of_age(3 * DAY, "older"), of_age(2 * DAY, "newer")
    on_its_way = of_age(DAY, "on-its-way", phase="InProgress", ready=False)
    stale = of_age(9 * DAY, "stale")
    for order in ([older, newer, on_its_way, stale], [stale, on_its_way, newer, older]):
        assert freshest(order, "nightly", 7 * DAY, NOW) == newer
    assert freshest([on_its_way, stale], "nightly", 7 * DAY, NOW) == on_its_way
    assert freshest([], "nightly", 7 * DAY, NOW) is None


def test_one_that_was_at_rest_is_fresher_than_a_newer_one() -> None:
    at_rest = of_age(2 * DAY, "at-rest", indications=("Online", "GuestAgent"))
    restless = of_age(DAY, "restless", indications=("Online", "NoGuestAgent"))
    for order in ([at_rest, restless], [restless, at_rest]):
        assert freshest(order, "nightly", 7 * DAY, NOW) == at_rest


def test_a_fresh_one_is_kept() -> None:
    action = plan_fresh(of_age(DAY), WANTED)
    assert (action.verb, action.outcome, action.changes) == (KEEP, "fresh", False)


def test_a_fresh_one_has_to_be_at_rest_if_that_is_asked_for() -> None:
    at_rest = WANTED._replace(quiesced=True)
    restless = of_age(DAY, indications=("Online", "NoGuestAgent"))
    assert plan_fresh(of_age(DAY, indications=("Online", "GuestAgent")), at_rest).verb == KEEP
    action = plan_fresh(restless, at_rest)
    assert (action.verb, action.reason, action.current) == (REFUSE, "not_quiesced", restless)
    assert plan_fresh(restless, WANTED).verb == KEEP


_traits = st.tuples(
    st.sampled_from([OURS, marks("weekly"), marks(), {}, {PART_OF: "nightly"}]),
    st.booleans(),
    st.sampled_from(["", "InProgress", "Succeeded", "Failed"]),
)


@settings(deadline=None)
@given(st.lists(_traits, max_size=8))
def test_absent_deletes_all_of_the_set_and_nothing_else(traits: list[tuple[Any, ...]]) -> None:
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

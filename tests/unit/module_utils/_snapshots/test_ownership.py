# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is ours: which marks decide it, and that they are not the user's to set."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots.ownership import (
    MANAGED_BY,
    PART_OF,
    REQUEST_ID,
    SCHEDULED,
    is_member,
    is_own,
    of_former_vm,
    owner_problem,
    reserved_problems,
    set_of,
)
from unit.builders import NOW, Json, own_labels, snapshot, vm

OWN = own_labels("nightly")


@pytest.mark.parametrize(
    ("labels", "own"),
    [
        (own_labels(), True),
        (OWN, True),
        ({MANAGED_BY: "Helm"}, False),
        ({PART_OF: "nightly"}, False),
        ({}, False),
    ],
)
def test_is_own_takes_the_label_of_this_collection(labels: dict[str, str], own: bool) -> None:
    assert is_own(snapshot(labels=labels)) is own


@pytest.mark.parametrize(
    ("labels", "member"),
    [
        (OWN, True),
        ({**OWN, "app": "db"}, True),
        (own_labels(), False),
        (own_labels("weekly"), False),
        ({PART_OF: "nightly"}, False),
        ({MANAGED_BY: "Helm", PART_OF: "nightly"}, False),
        ({}, False),
    ],
)
def test_is_member_takes_both_labels(labels: dict[str, str], member: bool) -> None:
    assert is_member(snapshot(labels=labels), "nightly") is member


@pytest.mark.parametrize("labels", [own_labels(), OWN])
def test_a_label_without_the_annotation_of_the_request_is_anybodys(labels: dict[str, str]) -> None:
    ours = snapshot(labels=labels)
    copied = ours._replace(annotations={"app": "db"})
    assert (owner_problem(ours), owner_problem(copied)) == (None, "not_ours")
    assert not is_own(copied)
    assert not is_member(copied, "nightly")


def test_the_annotation_without_the_label_is_not_ours() -> None:
    assert owner_problem(snapshot(annotations={REQUEST_ID: "1"})) == "not_ours"


@pytest.mark.parametrize(
    ("scheduled", "whose"), [("true", "scheduled_by_palette"), ("false", None), ("", None)]
)
def test_what_palettes_scheduler_took_is_never_ours(scheduled: str, whose: str | None) -> None:
    one = snapshot(labels={**OWN, SCHEDULED: scheduled})
    assert owner_problem(one) == whose
    assert is_own(one) is is_member(one, "nightly") is (whose is None)


def test_set_of_is_the_label() -> None:
    assert set_of(snapshot(labels=OWN)) == "nightly"
    assert set_of(snapshot(labels=own_labels())) == ""


@pytest.mark.parametrize(
    ("age_of_vm", "former"),
    [
        (timedelta(days=1), False),
        (timedelta(), False),
        (-timedelta(seconds=1), True),
        (-timedelta(days=400), True),
    ],
)
@pytest.mark.parametrize("source_uid", ["uid-of-db1", "another", None])
def test_of_former_vm_compares_times_and_not_uids(
    age_of_vm: timedelta, former: bool, source_uid: str | None
) -> None:
    one = snapshot(source_uid=source_uid)
    assert of_former_vm(one, vm()._replace(created=NOW - age_of_vm)) is former


def test_of_former_vm_compares_with_the_captured_point_in_time() -> None:
    requested = NOW - timedelta(minutes=9)
    between = vm()._replace(created=NOW - timedelta(minutes=5))
    assert not of_former_vm(snapshot(created=requested, creation_time=NOW), between)
    assert of_former_vm(snapshot(created=requested, creation_time=None), between)


def test_of_former_vm_does_not_guess() -> None:
    later = vm()._replace(created=NOW + timedelta(days=1))
    assert not of_former_vm(snapshot(), None)
    assert not of_former_vm(snapshot(), vm()._replace(created=None))
    assert not of_former_vm(snapshot(created=None), later)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({}, []),
        ({"labels": {"app": "db"}, "annotations": {PART_OF: "x"}}, []),
        ({"labels": {PART_OF: "x"}}, [f"labels.{PART_OF}"]),
        ({"annotations": {REQUEST_ID: "1"}}, [f"annotations.{REQUEST_ID}"]),
        (
            {"definition": {"metadata": {"labels": {PART_OF: "x"}}}},
            [f"definition.metadata.labels.{PART_OF}"],
        ),
        ({"definition": {"metadata": []}}, []),
    ],
)
def test_reserved_problems_name_the_place(options: Json, named: list[str]) -> None:
    reserved = {"labels": PART_OF, "annotations": REQUEST_ID}
    problems = [
        problem
        for kind, key in reserved.items()
        for problem in reserved_problems(options, [key])
        if kind in problem.option
    ]
    assert [problem.option for problem in problems] == named

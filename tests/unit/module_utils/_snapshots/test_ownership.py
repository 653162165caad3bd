# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is ours: which labels decide it, and that they are not the user's to set."""

from __future__ import annotations

import pytest

from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots.ownership import (
    MANAGED_BY,
    PART_OF,
    REQUEST_ID,
    is_member,
    is_own,
    of_former_vm,
    reserved_problems,
)
from unit.builders import Json, own_labels, snapshot, vm

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


@pytest.mark.parametrize(
    ("source_uid", "former"), [("uid-of-db1", False), ("another", True), (None, False)]
)
def test_of_former_vm_compares_uids(source_uid: str | None, former: bool) -> None:
    one = snapshot(source_uid=source_uid)
    assert of_former_vm(one, vm()) is former
    assert not of_former_vm(one, vm()._replace(uid=""))
    assert not of_former_vm(one, None)


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

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The body of a snapshot: options over the definition, and what marks it as this collection's."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots.desired import (
    Declaration,
    read_declaration,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots.model import (
    VM_OFF,
    VM_RAN,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots.ownership import (
    EXPIRES_AT,
    MANAGED_BY,
    PART_OF,
    REQUEST_ID,
)
from unit.builders import NOW, Json, key_of, own_labels


def declaration(part_of: str | None = None, **options: Any) -> Declaration:
    """Return what the options ask for."""
    named = {} if "name_prefix" in options else {"name": "s"}
    given = {"vm_name": "db1", "namespace": "vms", **named, **options}
    found, problems = read_declaration(given, NOW, part_of)
    assert found, problems
    return found


def problems_of(part_of: str | None = None, **options: Any) -> list[str]:
    """Return the options that are wrong."""
    given = {"vm_name": "db1", "namespace": "vms", "name": "s", **options}
    found, problems = read_declaration(given, NOW, part_of)
    assert (found is None) is bool(problems)
    return [problem.option for problem in problems]


def test_of_names_the_snapshot_and_its_vm() -> None:
    desired = declaration(part_of="nightly", labels={"app": "db"}).of(
        key_of("db2", "prod"), "db2-s"
    )
    assert (desired.key, desired.name) == (key_of("db2", "prod"), "db2-s")
    assert desired.body == {
        "apiVersion": "snapshot.kubevirt.io/v1beta1",
        "kind": "VirtualMachineSnapshot",
        "metadata": {
            "name": "db2-s",
            "namespace": "prod",
            "labels": {"app": "db", **own_labels("nightly")},
        },
        "spec": {
            "source": {"apiGroup": "kubevirt.io", "kind": "VirtualMachine", "name": "db2"},
        },
    }


def test_of_leaves_the_declaration_as_it_is() -> None:
    one = declaration()
    one.of(key_of("db2", "prod"), "other")
    assert one.of(key_of(), "s").body["metadata"]["name"] == "s"
    assert (one.body["metadata"]["name"], one.body["metadata"]["namespace"]) == ("s", "vms")


def test_definition_gives_way_to_single_options() -> None:
    definition: Json = {
        "metadata": {"labels": {"app": "db", "tier": "test"}},
        "spec": {"failureDeadline": "1h", "deletionPolicy": "Retain"},
    }
    body = declaration(definition=definition, labels={"tier": "prod"}, failure_deadline="2h").body
    assert body["metadata"]["labels"] == {"app": "db", "tier": "prod", **own_labels()}
    assert (body["spec"]["failureDeadline"], body["spec"]["deletionPolicy"]) == ("2h", "Retain")
    assert definition["metadata"]["labels"] == {"app": "db", "tier": "test"}


def test_declared_is_what_the_user_wrote_and_no_mark() -> None:
    found = declaration("nightly", labels={"app": "db"}, expire_after="7d")
    assert found.declared["metadata"]["labels"] == {"app": "db"}
    assert "annotations" not in found.declared["metadata"]


def test_expire_after_is_written_as_a_time() -> None:
    metadata = declaration(expire_after="7d").body["metadata"]
    assert metadata["labels"] == {MANAGED_BY: "ansible"}
    assert metadata["annotations"] == {EXPIRES_AT: "2026-11-30T12:00:00Z"}


def test_name_prefix_makes_another_name_each_time() -> None:
    names = {declaration(name_prefix="nightly-").name for _number in range(20)}
    assert len(names) == 20
    assert all(name.startswith("nightly-") and len(name) == 16 for name in names)


@pytest.mark.parametrize(("consistency", "quiesced"), [("any", False), ("filesystem", True)])
def test_consistency_filesystem_asks_for_a_quiesced_snapshot(
    consistency: str, quiesced: bool
) -> None:
    assert declaration(consistency=consistency).quiesced is quiesced


@pytest.mark.parametrize(
    ("part_of", "options", "wrong"),
    [
        (None, {"labels": {PART_OF: "x", MANAGED_BY: "me"}}, []),
        ("nightly", {"labels": {PART_OF: "x"}}, [f"labels.{PART_OF}"]),
        ("nightly", {"labels": {MANAGED_BY: "me"}}, [f"labels.{MANAGED_BY}"]),
        (None, {"annotations": {REQUEST_ID: "1"}}, [f"annotations.{REQUEST_ID}"]),
        (None, {"annotations": {EXPIRES_AT: "2030-01-01T00:00:00Z"}}, []),
        (
            None,
            {"annotations": {EXPIRES_AT: "2030-01-01T00:00:00Z"}, "expire_after": "7d"},
            [f"annotations.{EXPIRES_AT}"],
        ),
        (None, {"expire_after": "1 week"}, ["expire_after"]),
        (
            None,
            {"definition": {"spec": {"failureDeadline": 5}}},
            ["definition.spec.failureDeadline"],
        ),
        (None, {"definition": {"spec": "text"}}, ["definition.spec"]),
        (None, {"definition": {"metadata": []}}, ["definition.metadata"]),
    ],
)
def test_read_declaration_names_what_is_wrong(
    part_of: str | None, options: Json, wrong: list[str]
) -> None:
    assert problems_of(part_of, **options) == wrong


@pytest.mark.parametrize(
    ("options", "whole"),
    [({}, False), ({"excluded_volumes": "warn"}, False), ({"excluded_volumes": "refuse"}, True)],
)
def test_excluded_volumes_is_passed_on(options: Json, whole: bool) -> None:
    assert declaration(**options).of(key_of(), "s").whole is whole


# The keys and values of our own annotations, and Kubernetes' limit for all of them.
OUR_OWN = len(REQUEST_ID) + 36 + len(EXPIRES_AT) + len("2026-11-30T12:00:00Z")
OUR_OWN += len(VM_OFF) + 4 + len(VM_RAN) + 4
LIMIT = 256 * 1024


@pytest.mark.parametrize(("size", "wrong"), [(LIMIT - OUR_OWN, []), (LIMIT, ["annotations"])])
@pytest.mark.parametrize("more", [0, 1])
def test_annotations_leave_room_for_our_own(size: int, wrong: list[str], more: int) -> None:
    annotations = {"a": "x" * (size - 1 + more)}
    found = problems_of(annotations=annotations, expire_after="7d")
    assert found == (["annotations"] if more else wrong)

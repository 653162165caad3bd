# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter uncovered, as Ansible finds it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.spectrocloud.palette.plugins.filter.uncovered import FilterModule

uncovered = FilterModule().filters()["uncovered"]

PLACE = {"cluster": "c", "cluster_uid": "u", "namespace": "vms", "printable_status": "Running"}


def vm(name: str, age: int | None) -> dict[str, Any]:
    newest = {"name": f"{name}-s", "set": "s", "creation_time": "2026-11-23T08:00:00Z"}
    snapshot = None if age is None else {**newest, "age_seconds": age}
    return {
        **PLACE,
        "vm_name": name,
        "labels": {},
        "newest_snapshot": snapshot,
        "newest_unusable": None,
    }


def test_uncovered_finds_the_vms_without_a_snapshot_that_is_young_enough() -> None:
    vms = [vm("young", 86400), vm("old", 86401), vm("none", None)]
    old, none = uncovered(vms, "24h")
    assert old == {
        **PLACE,
        "vm_name": "old",
        "name": "old-s",
        "set": "s",
        "creation_time": "2026-11-23T08:00:00Z",
        "age_seconds": 86401,
        "why": "too_old",
        "why_msg": None,
        "vm": {"vm_name": "old", "namespace": "vms", "cluster": "c", "cluster_uid": "u"},
        "blocked_by": None,
        "blocked_msg": None,
    }
    assert (none["vm_name"], none["name"], none["age_seconds"]) == ("none", None, None)
    assert none["why"] == "never"
    assert [row["vm_name"] for row in uncovered(vms, "2d")] == ["none"]


@pytest.mark.parametrize("age", [86401, None])
def test_uncovered_says_why_a_newer_snapshot_cannot_be_used(age: int | None) -> None:
    newest = {"name": "late", "why": "failed", "error": "no space", "age_seconds": 60}
    (row,) = uncovered([{**vm("db1", age), "newest_unusable": newest}], "24h")
    assert (row["why"], row["why_msg"], row["age_seconds"]) == ("failed", "no space", age)


def test_uncovered_says_why_a_vm_cannot_have_a_snapshot() -> None:
    why = {"blocked_by": "not_snapshottable", "blocked_msg": "no volume can be snapshotted"}
    (row,) = uncovered([{**vm("none", None), **why}], "24h")
    assert {key: row[key] for key in why} == why


def test_uncovered_says_what_is_wrong_with_an_age() -> None:
    with pytest.raises(AnsibleFilterError, match=r"newer_than: '1y' has the unknown unit 'y'.*24h"):
        uncovered([], "1y")


def test_uncovered_of_a_whole_result_says_to_give_its_list() -> None:
    for whole in ({"vms": [vm("db1", 1)], "changed": False}, "text", None):
        with pytest.raises(AnsibleFilterError, match=r"give its list, for example fleet\.vms \|"):
            uncovered(whole, "24h")

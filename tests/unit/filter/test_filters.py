# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filters, as Ansible finds them."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.spectrocloud.palette.plugins.filter import table as table_file
from ansible_collections.spectrocloud.palette.plugins.filter import vm_snapshots as members_file

table = table_file.FilterModule().filters()["table"]
vm_snapshots = members_file.FilterModule().filters()["vm_snapshots"]

TOLD = {"phase": "Succeeded", "ready_to_use": True, "creation_time": "2026-11-23T08:00:03Z"}
STATUS = {**TOLD, "vm_name": "db1", "name": "db1-patch"}


def member(outcome: str, status: dict[str, Any] | None, reason: str | None = None) -> Any:
    return {"outcome": outcome, "name": "db1-patch", "status": status, "reason": reason}


def test_table_aligns_columns_below_their_names() -> None:
    rows = [{"vm_name": "db1", "ready": True}, {"vm_name": "a-longer-name", "ready": False}]
    assert table(rows, ["vm_name", "ready"]) == [
        "VM NAME        READY",
        "db1            yes",
        "a-longer-name  no",
    ]


def test_table_shows_what_is_missing_and_keeps_each_row_on_its_line() -> None:
    rows = [{"a": None, "c": "two\nlines"}, {"a": 0, "b": "", "c": 1.5}]
    assert table(rows, ["a", "b", "c"]) == ["A  B  C", "-  -  two lines", "0     1.5"]


def test_table_of_nothing_has_its_heading() -> None:
    assert table(iter([]), ["name"]) == ["NAME"]


def test_table_takes_only_dictionaries() -> None:
    with pytest.raises(AnsibleFilterError, match="list of dictionaries"):
        table(["db1"], ["name"])


def test_vm_snapshots_says_what_became_of_a_vm() -> None:
    assert vm_snapshots({"cluster/vms/db1": member("created", STATUS)}) == {
        "cluster/vms/db1": {
            "cluster": "cluster",
            "namespace": "vms",
            "vm_name": "db1",
            "name": "db1-patch",
            "outcome": "created",
            "reason": None,
            **TOLD,
        }
    }


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        ("deleted", STATUS),
        ("absent", None),
        ("blocked", None),
        ("failed", None),
        ("blocked", {**STATUS, "vm_name": "db2"}),
        ("failed", {**STATUS, "vm_name": "db2"}),
    ],
)
def test_vm_snapshots_shows_no_snapshot_where_there_is_none(outcome: str, status: Any) -> None:
    (row,) = vm_snapshots({"cluster/vms/db1": member(outcome, status, "why")}).values()
    assert row["outcome"] == outcome
    assert row["reason"] == "why"
    assert (row["phase"], row["ready_to_use"], row["creation_time"]) == (None, False, None)


def test_vm_snapshots_takes_only_a_dictionary() -> None:
    with pytest.raises(AnsibleFilterError, match="not a list"):
        vm_snapshots([])

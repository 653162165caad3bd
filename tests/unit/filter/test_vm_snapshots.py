# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter vm_snapshots, as Ansible finds it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.spectrocloud.palette.plugins.filter.vm_snapshots import FilterModule

vm_snapshots = FilterModule().filters()["vm_snapshots"]

SHOWN = {"phase": "Succeeded", "ready_to_use": True, "creation_time": "2026-11-23T08:00:03Z"}
STATUS = {**SHOWN, "vm_name": "db1", "name": "db1-patch"}


def member(outcome: str, status: dict[str, Any] | None, reason: str | None = None) -> Any:
    return {"outcome": outcome, "name": "db1-patch", "status": status, "reason": reason}


def test_vm_snapshots_says_what_became_of_a_vm() -> None:
    assert vm_snapshots({"cluster/vms/db1": member("created", STATUS)}) == {
        "cluster/vms/db1": {
            "cluster": "cluster",
            "namespace": "vms",
            "vm_name": "db1",
            "name": "db1-patch",
            "outcome": "created",
            "reason": None,
            **SHOWN,
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

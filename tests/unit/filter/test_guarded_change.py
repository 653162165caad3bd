# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter guarded_change, as Ansible finds it."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.spectrocloud.palette.plugins.filter.guarded_change import FilterModule

guarded_change = FilterModule().filters()["guarded_change"]


def row(vm: str, **more: Any) -> dict[str, Any]:
    """Return the row of a snapshot; more: what else it says."""
    place = {"set": "s", "cluster": "c", "cluster_uid": "u", "namespace": "vms", "vm_name": vm}
    said = {
        "name": f"{vm}-s",
        "outcome": "created",
        "reason": None,
        "msg": "",
        "ready_to_use": True,
    }
    return {"id": f"s/u/vms/{vm}", **place, **said, **more}


def back(vm: str, outcome: str, **more: Any) -> dict[str, Any]:
    """Return the row of a restore."""
    said = {"safety_snapshot": f"{vm}-failed", "lost_seconds": 62, "runs": True}
    return row(vm, outcome=outcome, leftover_claims=[f"{vm}-root"], **{**said, **more})


def test_guarded_change_tells_what_became_of_vms_that_did_not_go_back() -> None:
    rows = guarded_change([row("db1"), row("web1", ready_to_use=False, reason="x")], "failed")
    assert list(rows) == ["s/u/vms/db1", "s/u/vms/web1"]
    assert rows["s/u/vms/db1"] == {
        **{key: row("db1")[key] for key in ("id", "set", "cluster", "cluster_uid", "namespace")},
        "vm_name": "db1",
        "snapshot": "db1-s",
        "outcome": "failed",
        "reason": None,
        "msg": "",
        "failed_state": None,
        "lost_seconds": None,
        "runs": None,
        "leftover_claims": None,
    }
    assert (rows["s/u/vms/web1"]["snapshot"], rows["s/u/vms/web1"]["reason"]) == (None, "x")


@pytest.mark.parametrize(
    ("outcome", "told"),
    [
        ("restored", "rolled_back"),
        ("unchanged", "rolled_back"),
        ("failed", "rollback_failed"),
        ("blocked", "rollback_failed"),
        ("unknown", "rollback_failed"),
    ],
)
def test_guarded_change_tells_how_each_way_back_went(outcome: str, told: str) -> None:
    taken = [row("db1"), row("web1")]
    rows = guarded_change(taken, "failed", restored=[back("web1", outcome, msg="why")])
    assert rows["s/u/vms/db1"]["outcome"] == "failed"
    found = rows["s/u/vms/web1"]
    assert (found["outcome"], found["msg"], found["snapshot"]) == (told, "why", "web1-s")
    assert (found["failed_state"], found["lost_seconds"]) == ("web1-failed", 62)
    assert (found["runs"], found["leftover_claims"]) == (True, ["web1-root"])

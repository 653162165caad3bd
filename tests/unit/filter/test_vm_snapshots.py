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

SHOWN = {
    "phase": "Succeeded",
    "ready_to_use": True,
    "creation_time": "2026-11-23T08:00:03Z",
    "expires_at": None,
}
STATUS = {**SHOWN, "vm_name": "db1", "name": "db1-patch", "set": "patch", "labels": {"a": "b"}}


def member(outcome: str, status: dict[str, Any] | None, reason: str | None = None) -> Any:
    return {
        "outcome": outcome,
        "cluster_uid": "u1",
        "name": "db1-patch",
        "status": status,
        "reason": reason,
        "msg": "",
    }


def test_vm_snapshots_says_what_became_of_a_vm() -> None:
    assert vm_snapshots({"cluster/vms/db1": member("created", STATUS)}) == [
        {
            "id": "patch/u1/vms/db1",
            "set": "patch",
            "cluster": "cluster",
            "cluster_uid": "u1",
            "namespace": "vms",
            "vm_name": "db1",
            "name": "db1-patch",
            "outcome": "created",
            "reason": None,
            "msg": "",
            **SHOWN,
        }
    ]


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
    (row,) = vm_snapshots({"cluster/vms/db1": member(outcome, status, "why")}, "nightly")
    assert row["outcome"] == outcome
    assert row["reason"] == "why"
    assert (row["phase"], row["ready_to_use"], row["creation_time"]) == (None, False, None)
    assert (row["set"], row["id"]) == ("nightly", "nightly/u1/vms/db1")


def test_vm_snapshots_says_how_a_vm_was_brought_back() -> None:
    told = {"complete": True, "lost_seconds": 5, "runs": True, "safety_snapshot": None}
    status = {**told, "leftover_claims": ["db1-root"], "volumes": []}
    restored = {**member("restored", status), "name": "r1", "snapshot": "db1-patch"}
    (row,) = vm_snapshots({"cluster/vms/db1": restored}, "patch")
    assert row == {
        "id": "patch/u1/vms/db1",
        "set": "patch",
        "cluster": "cluster",
        "cluster_uid": "u1",
        "namespace": "vms",
        "vm_name": "db1",
        "name": "r1",
        "outcome": "restored",
        "reason": None,
        "msg": "",
        "snapshot": "db1-patch",
        "leftover_claims": ["db1-root"],
        **told,
    }
    blocked = {**member("blocked", None, "not_found"), "snapshot": None}
    (row,) = vm_snapshots({"cluster/vms/db1": blocked}, "patch")
    assert (row["reason"], row["snapshot"], row["runs"]) == ("not_found", None, None)


def test_vm_snapshots_takes_a_set_whose_name_is_a_number() -> None:
    (row,) = vm_snapshots({"c/vms/db1": member("absent", None)}, 20261125)
    assert (row["set"], row["id"]) == ("20261125", "20261125/u1/vms/db1")


def test_vm_snapshots_tells_sets_and_clusters_of_one_name_apart() -> None:
    other = {**member("created", STATUS), "cluster_uid": "u2"}
    of_sets = [vm_snapshots({"c/vms/db1": member("created", STATUS)}, name) for name in ("a", "b")]
    rows = [*of_sets[0], *of_sets[1], *vm_snapshots({"c/vms/db1": other}, "a")]
    assert len({row["id"] for row in rows}) == 3


def test_vm_snapshots_keeps_earlier_rows_but_those_that_are_new_again() -> None:
    of_two = {"c/vms/db1": member("failed", None, "why"), "c/vms/db2": member("created", STATUS)}
    earlier = vm_snapshots(of_two, "patch")
    both = vm_snapshots({"c/vms/db1": member("created", STATUS)}, "patch", earlier=earlier)
    assert [(row["vm_name"], row["outcome"]) for row in both] == [
        ("db1", "created"),
        ("db2", "created"),
    ]
    assert len(vm_snapshots({"c/vms/db1": member("created", STATUS)}, "b", earlier=earlier)) == 3


def test_vm_snapshots_shortens_listed_snapshots() -> None:
    listed = {**STATUS, "cluster": "c", "cluster_uid": "u1", "namespace": "vms", "error": "full"}
    (row,) = vm_snapshots([listed])
    assert row == {
        "id": "u1/vms/db1-patch",
        "cluster": "c",
        "cluster_uid": "u1",
        "namespace": "vms",
        "vm_name": "db1",
        "name": "db1-patch",
        "set": "patch",
        "quiesced": None,
        "scheduled_by_palette": None,
        "error": "full",
        **SHOWN,
    }
    decided = {"decision": "keep", "why": "kept", "kept_by": ["keep_last"], "outcome": "kept"}
    (row,) = vm_snapshots([{**listed, **decided}])
    assert row.items() >= decided.items()


@pytest.mark.parametrize("wrong", ["db1", 1, None])
def test_vm_snapshots_takes_only_a_dictionary_or_a_list(wrong: object) -> None:
    with pytest.raises(AnsibleFilterError, match=f"not a {type(wrong).__name__}"):
        vm_snapshots(wrong)


def test_vm_snapshots_of_a_whole_result_has_a_row_of_the_vms_that_it_only_names() -> None:
    group = {
        "set": "patch",
        "cluster": "cluster",
        "cluster_uid": "u1",
        "namespace": "vms",
        "outcome": "created",
        "changed": True,
        "reason": None,
        "ready_to_use": True,
        "vm_names": ["db2", "db3"],
    }
    members = {"cluster/vms/db1": member("failed", None, "forbidden")}
    result = {"summary": {"total": 3}, "members": members, "left_out": [group]}
    rows = vm_snapshots(result, "patch")
    assert [(row["vm_name"], row["outcome"], row["ready_to_use"]) for row in rows] == [
        ("db1", "failed", False),
        ("db2", "created", True),
        ("db3", "created", True),
    ]
    # All rows have the same keys, and ids as if they had been whole.
    assert len({tuple(row) for row in rows}) == 1
    assert rows[1]["id"] == "patch/u1/vms/db2"


def test_vm_snapshots_of_restores_has_a_row_of_the_vms_that_a_result_only_names() -> None:
    told = {"complete": True, "lost_seconds": 60, "runs": True, "safety_snapshot": None}
    member_back = {**member("failed", {**told, "leftover_claims": []}), "snapshot": "db1-patch"}
    place = {"set": "patch", "cluster": "cluster", "cluster_uid": "u1", "namespace": "vms"}
    alike = {"outcome": "restored", "changed": True, "reason": None}
    group = {**place, **alike, "complete": True, "runs": False, "vm_names": ["db2"]}
    result = {"summary": {}, "members": {"cluster/vms/db1": member_back}, "left_out": [group]}
    back, named = vm_snapshots(result, "patch")
    assert tuple(back) == tuple(named)
    assert (named["id"], named["outcome"]) == ("patch/u1/vms/db2", "restored")
    assert (named["complete"], named["runs"], named["lost_seconds"]) == (True, False, None)


POWERED = {
    "cluster": "c",
    "cluster_uid": "u1",
    "namespace": "vms",
    "before": "Running",
    "after": "Stopped",
    "outcome": "stopped",
    "changed": True,
    "reason": None,
}


def test_vm_snapshots_has_a_row_of_each_vm_of_a_power_call() -> None:
    result = {
        "summary": {},
        "vms": [{**POWERED, "vm_name": "db1", "msg": "", "http_status": 403}],
        "left_out": [{**POWERED, "vm_names": ["db2"]}],
    }
    first, named = vm_snapshots(result)
    assert first == {**POWERED, "id": "u1/vms/db1", "vm_name": "db1", "msg": ""}
    assert named == {**first, "id": "u1/vms/db2", "vm_name": "db2"}


def test_vm_snapshots_does_not_take_listed_vms_for_power_states() -> None:
    with pytest.raises(AnsibleFilterError, match="rows of vm_info are short as they are"):
        vm_snapshots({"summary": {"total": 1}, "vms": [{"vm_name": "db1"}]})

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers whose fields are odd: what nobody reads does no harm, and what is unreadable stays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.spectrocloud.palette.plugins.module_utils._module import (
    vm_info,
    vm_snapshot,
    vm_snapshot_info,
    vm_snapshot_retention,
    vm_snapshot_set,
)
from unit.builders import Json, key_of, own_labels
from unit.palette_in_memory import LOST, MemoryPalette, ready_after
from unit.tasks import run

DB1, DB2 = key_of("db1"), key_of("db2")
OWN = own_labels("nightly")
DAY = 86_400.0
CLUSTER: Json = {"cluster": "cluster-1"}
PLACE: Json = {**CLUSTER, "namespace": "vms", "vm_name": "db1"}

Distortion = Callable[[Json], Any]


def unread_fields_are_odd(item: Json) -> Json:
    """Make every field odd that nobody reads."""
    item["metadata"].update(
        managedFields=[{"fieldsV1": {"Raw": "eyJmOm1ldGFkYXRhIjp7fX0="}, "time": 7}],
        ownerReferences={},
        generation="1",
        selfLink=False,
    )
    item.update(kind=None, apiVersion=7)
    if "source" in item.get("spec", {}):
        item["spec"]["source"]["kind"] = 7
    return item


def labels_are_odd(name: str) -> Distortion:
    """Make the labels of one object odd, on which much depends."""

    def distort(item: Json) -> Json:
        if item["metadata"]["name"] == name:
            item["metadata"]["labels"] = ["app"]
        return item

    return distort


def unready_is_odd(item: Json) -> Json:
    """Make a snapshot unreadable while it is taken."""
    if item.get("status", {}).get("phase") == "InProgress":
        item["status"]["readyToUse"] = "not yet"
    return item


@pytest.fixture
def palette() -> MemoryPalette:
    """A cluster with two VMs, of which db1 has an old snapshot and a new one."""
    palette = MemoryPalette()
    palette.add_vm(DB1)
    palette.add_vm(DB2)
    palette.add_snapshot("db1-old", DB1, OWN, age=9 * DAY)
    palette.add_snapshot("db1-new", DB1, OWN, age=DAY)
    return palette


def test_vm_snapshot_succeeds_where_unread_fields_are_odd(palette: MemoryPalette) -> None:
    palette.distort = unread_fields_are_odd
    made = run(palette, vm_snapshot.MODULE, **PLACE, name="before")
    assert (made["outcome"], made["changed"]) == ("created", True)
    assert len(palette.writes("POST")) == 1
    again = run(palette, vm_snapshot.MODULE, **PLACE, name="before")
    assert (again["outcome"], again["changed"]) == ("unchanged", False)
    labelled = run(palette, vm_snapshot.MODULE, **PLACE, name="before", labels={"a": "b"})
    assert labelled["outcome"] == "updated"
    gone = run(palette, vm_snapshot.MODULE, **PLACE, name="before", state="absent")
    assert gone["outcome"] == "deleted"


def test_vm_snapshot_refuses_what_it_cannot_read(palette: MemoryPalette) -> None:
    palette.distort = labels_are_odd("db1-old")
    for state in ("present", "absent"):
        result = run(palette, vm_snapshot.MODULE, **PLACE, name="db1-old", state=state)
        assert (result["reason"], result["changed"]) == ("malformed_response", False)
        assert "snapshot vms/db1-old cannot be read: the answer has labels" in result["msg"]
    assert palette.writes() == []


def test_vm_snapshot_goes_on_beside_what_it_cannot_read(palette: MemoryPalette) -> None:
    palette.distort = labels_are_odd("db1-old")
    result = run(palette, vm_snapshot.MODULE, **PLACE, name="before")
    assert result["outcome"] == "created"
    (warning,) = result["warnings"]
    assert warning.startswith("snapshot vms/db1-old cannot be read: ")


def test_vm_snapshot_takes_an_unreadable_one_of_another_vm_for_no_absence(
    palette: MemoryPalette,
) -> None:
    palette.add_snapshot("of-db2", DB2)
    palette.distort = labels_are_odd("of-db2")
    result = run(palette, vm_snapshot.MODULE, **PLACE, name="of-db2", state="absent")
    assert result["reason"] == "malformed_response"


def test_vm_snapshot_refuses_a_vm_that_it_cannot_read(palette: MemoryPalette) -> None:
    palette.distort = labels_are_odd("db1")
    result = run(palette, vm_snapshot.MODULE, **PLACE, name="before")
    assert result["reason"] == "malformed_response"
    assert "VM db1 cannot be read" in result["msg"]
    assert palette.writes() == []


def test_vm_snapshot_takes_no_unreadable_snapshot_for_deleted(palette: MemoryPalette) -> None:
    palette.gone_after = None

    def distort(item: Json) -> Json:
        if "deletionTimestamp" in item["metadata"]:
            item["spec"] = None
        return item

    palette.distort = distort
    result = run(
        palette, vm_snapshot.MODULE, **PLACE, name="db1-old", state="absent", wait_timeout=10
    )
    assert result["reason"] == "wait_timeout"
    assert "it cannot be read (the answer lacks spec.source.name)" in result["msg"]


def test_vm_snapshot_set_fails_the_member_only_whose_snapshot_is_unreadable(
    palette: MemoryPalette,
) -> None:
    palette.add_snapshot("db1-nightly", DB1, OWN)
    palette.distort = labels_are_odd("db1-nightly")
    given: Json = {**CLUSTER, "set": "nightly", "namespaces": ["vms"], "members": "all"}
    for state, done in (("present", "created"), ("absent", "absent")):
        result = run(palette, vm_snapshot_set.MODULE, **given, state=state, on_error="continue")
        rows = result["members"]
        assert rows["cluster-1/vms/db1"]["reason"] == "malformed_response"
        if state == "present":
            assert rows["cluster-1/vms/db2"]["outcome"] == done
        assert any(
            warning.startswith("cluster cluster-1: snapshot vms/db1-nightly cannot be read: ")
            for warning in result["warnings"]
        )
    assert "db1-nightly" in palette.names()


def test_vm_snapshot_set_waits_for_a_member_that_cannot_be_read_for_a_while(
    palette: MemoryPalette,
) -> None:
    palette.distort = unready_is_odd
    result = run(palette, vm_snapshot_set.MODULE, **CLUSTER, set="patch", all=True, members="all")
    assert {row["outcome"] for row in result["members"].values()} == {"created"}


def test_vm_snapshot_settles_a_lost_answer_when_its_snapshot_can_be_read(
    palette: MemoryPalette,
) -> None:
    palette.distort = unready_is_odd
    palette.course = ready_after(3)
    palette.fail("POST", LOST, when="after")
    result = run(palette, vm_snapshot.MODULE, **PLACE, name="before")
    assert (result["outcome"], result["changed"]) == ("created", True)
    assert len(palette.writes()) == 1


def test_vm_snapshot_set_blocks_a_vm_that_it_cannot_read(palette: MemoryPalette) -> None:
    palette.distort = labels_are_odd("db2")
    given: Json = {**CLUSTER, "set": "patch", "on_error": "continue", "members": "all"}
    result = run(palette, vm_snapshot_set.MODULE, **given, all=True)
    assert result["members"]["cluster-1/vms/db1"]["outcome"] == "created"
    assert result["members"]["cluster-1/vms/db2"]["reason"] == "malformed_response"


def test_selector_selects_no_vm_whose_labels_cannot_be_read(palette: MemoryPalette) -> None:
    palette.distort = labels_are_odd("db2")
    given: Json = {**CLUSTER, "set": "patch", "members": "all"}
    result = run(palette, vm_snapshot_set.MODULE, **given, selector="!app")
    assert list(result["members"]) == ["cluster-1/vms/db1"]
    assert result["warnings"][0].startswith("cluster cluster-1: VM vms/db2 cannot be read: ")


@pytest.mark.parametrize("distort", [labels_are_odd("db1-old"), lambda _item: None])
def test_vm_snapshot_retention_never_deletes_what_it_cannot_read(
    palette: MemoryPalette, distort: Distortion
) -> None:
    palette.distort = distort
    result = run(palette, vm_snapshot_retention.MODULE, **CLUSTER, delete_older_than="1h")
    assert "db1-old" in palette.names()
    assert "db1-old" not in [row["name"] for row in result["snapshots"]]
    assert result["warnings"][0].startswith("cluster cluster-1: snapshot ")


def test_vm_snapshot_retention_deletes_the_others(palette: MemoryPalette) -> None:
    palette.add_snapshot("db1-older", DB1, OWN, age=20 * DAY)
    palette.distort = labels_are_odd("db1-older")
    result = run(palette, vm_snapshot_retention.MODULE, **CLUSTER, keep_last=1)
    assert (result["changed"], palette.names()) == (True, ["db1-new", "db1-older"])


def test_vm_snapshot_info_skips_what_it_cannot_read(palette: MemoryPalette) -> None:
    palette.distort = labels_are_odd("db1-old")
    result = run(palette, vm_snapshot_info.MODULE, **CLUSTER)
    assert [row["name"] for row in result["snapshots"]] == ["db1-new"]
    (warning,) = result["warnings"]
    assert warning.startswith("cluster cluster-1: snapshot vms/db1-old cannot be read: ")
    assert warning.endswith("; it is left alone")


def test_vm_snapshot_info_names_ten_unreadable_ones(palette: MemoryPalette) -> None:
    for number in range(10):
        palette.add_snapshot(f"more-{number}", DB2)
    palette.distort = lambda item: {**item, "spec": None}
    result = run(palette, vm_snapshot_info.MODULE, **CLUSTER)
    assert len(result["warnings"]) == 11
    assert result["warnings"][10] == "2 more objects cannot be read and are left alone"


def test_vm_info_shows_a_vm_that_it_cannot_read_as_blocked(palette: MemoryPalette) -> None:
    palette.distort = labels_are_odd("db2")
    result = run(palette, vm_info.MODULE, **CLUSTER)
    blocked = {row["vm_name"]: row["blocked_by"] for row in result["vms"]}
    assert blocked == {"db1": None, "db2": "malformed_response"}
    assert result["summary"]["blocked"] == 1
    assert result["warnings"][0].startswith("cluster cluster-1: VM vms/db2 cannot be read: ")

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""vm_info against Palette in memory: every filter, each VM's newest snapshot, the summary."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from ansible_collections.spectrocloud.palette.plugins.module_utils._module.vm_info import MODULE
from ansible_collections.spectrocloud.palette.plugins.module_utils._palette.objects import (
    write_time,
)
from unit.builders import FAILED, NOW, READY, SUCCEEDED, Json, key_of, own_labels
from unit.palette_in_memory import NEVER_READY, MemoryPalette
from unit.tasks import run

HOUR = 3600.0
DB1, DB2, WEB1 = key_of("db1"), key_of("db2"), key_of("web1", "prod")
EDGE = key_of("edge1", cluster_uid="c2")
AGENT = {"type": "AgentConnected", "status": "True"}


@pytest.fixture
def palette() -> MemoryPalette:
    """Two clusters with a few VMs."""
    palette = MemoryPalette()
    palette.add_cluster("c2", "cluster-2")
    running: Json = {"created": True, "printableStatus": "Running"}
    palette.add_vm(DB1, {"app": "db"}, **running, conditions=[AGENT])
    palette.add_vm(DB2, {"app": "db"}, **running, conditions=[{"type": "Ready", "status": "True"}])
    palette.add_vm(WEB1, {"app": "web"}, printableStatus="Stopped")
    palette.add_vm(EDGE, **running)
    return palette


def found(palette: MemoryPalette, **options: Any) -> list[str]:
    """Return the names of the VMs that match."""
    return [vm["vm_name"] for vm in run(palette, MODULE, **options)["vms"]]


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({}, ["web1", "db1", "db2", "edge1"]),
        ({"cluster": "cluster-1"}, ["web1", "db1", "db2"]),
        ({"cluster_uid": "c2"}, ["edge1"]),
        ({"clusters": ["cluster-2", "cluster-1"]}, ["web1", "db1", "db2", "edge1"]),
        ({"namespaces": ["prod"]}, ["web1"]),
        ({"vm_names": ["db*"]}, ["db1", "db2"]),
        ({"vm_names": ["cluster-2/vms/*", "web1"]}, ["web1", "edge1"]),
        ({"exclude": ["vms/db?"]}, ["web1", "edge1"]),
        ({"selector": "app=db", "exclude": ["db2"]}, ["db1"]),
    ],
)
def test_filters_must_all_match(palette: MemoryPalette, options: Json, names: list[str]) -> None:
    assert found(palette, **options) == names


def test_fields_sort_and_limit_choose_the_rows(palette: MemoryPalette) -> None:
    palette.add_snapshot("s", DB2, course=(READY,), age=HOUR)
    wanted: Json = {"sort": ["-namespace", "-vm_name"], "limit": 2}
    result = run(palette, MODULE, **wanted, fields=["vm_name", "newest_snapshot"])
    (first, second) = result["vms"]
    assert (first, list(second)) == (
        {"vm_name": "edge1", "newest_snapshot": None},
        ["vm_name", "newest_snapshot"],
    )
    assert (second["vm_name"], second["newest_snapshot"]["name"]) == ("db2", "s")
    assert result["summary"]["total"] == 4
    refused = run(palette, MODULE, sort=["volumes"], fields=["vm"], limit=-5)
    assert [text.partition(":")[0] for text in refused["problems"]] == ["fields", "limit", "sort"]


def test_read_reports_all_problems_before_any_request(palette: MemoryPalette) -> None:
    result = run(palette, MODULE, namespaces=[], vm_names=["DB1"], selector="=")
    assert result["reason"] == "invalid_parameters"
    options = {problem.partition(":")[0] for problem in result["problems"]}
    assert options == {"namespaces", "vm_names", "selector"}
    assert palette.calls == []


def test_vm_is_shown_with_what_decides_about_its_snapshots(palette: MemoryPalette) -> None:
    manifest = palette.vms[DB1]
    manifest["metadata"]["creationTimestamp"] = "2026-01-02T03:04:05Z"
    network = {"networkData": "ethernets: {eth0: {addresses: [192.0.2.11/24]}}"}
    volumes = [
        {"name": "rootdisk", "dataVolume": {}},
        {"name": "init", "cloudInitNoCloud": network},
    ]
    manifest["spec"] = {"template": {"spec": {"volumes": volumes}}}
    manifest["status"]["restoreInProgress"] = "restore-1"
    manifest["status"]["volumeSnapshotStatuses"] += [{"name": "init", "reason": "not supported"}]
    (vm,) = run(palette, MODULE, vm_names=["db1"])["vms"]
    assert vm == {
        "cluster": "cluster-1",
        "cluster_uid": "c1",
        "namespace": "vms",
        "vm_name": "db1",
        "uid": "uid-of-db1",
        "labels": {"app": "db"},
        "creation_time": "2026-01-02T03:04:05Z",
        "deleting": False,
        "printable_status": "Running",
        "running": True,
        "paused": False,
        "guest_agent": True,
        "addresses": ["192.0.2.11"],
        "volumes": [
            {
                "name": "rootdisk",
                "kind": "dataVolume",
                "holds_data": True,
                "snapshottable": True,
                "reason": None,
            },
            {
                "name": "init",
                "kind": "cloudInitNoCloud",
                "holds_data": False,
                "snapshottable": False,
                "reason": "not supported",
            },
        ],
        "snapshot_in_progress": None,
        "restore_in_progress": "restore-1",
        "blocked_by": None,
        "blocked_msg": None,
        "newest_snapshot": None,
        "newest_unusable": None,
    }


def test_newest_snapshot_is_the_newest_usable_one_whoever_took_it(palette: MemoryPalette) -> None:
    palette.add_snapshot("old", DB1, own_labels("nightly"), course=(READY,), age=9 * HOUR)
    palette.add_snapshot("usable", DB1, course=(READY,), age=5 * HOUR)
    palette.add_snapshot("not-ready", DB1, course=(SUCCEEDED,), age=4 * HOUR)
    palette.add_snapshot("failed", DB1, course=(FAILED,), age=3 * HOUR)
    palette.add_snapshot("in-progress", DB1, course=NEVER_READY, age=2 * HOUR)
    palette.gone_after = None
    palette.begin_deletion(palette.add_snapshot("going", DB1, course=(READY,), age=HOUR))
    palette.add_snapshot("of-another", DB2, own_labels("nightly"), course=(READY,), age=1)
    vms = {vm["vm_name"]: vm for vm in run(palette, MODULE, namespaces=["vms"])["vms"]}
    assert vms["db1"]["newest_snapshot"] == {
        "name": "usable",
        "set": None,
        "creation_time": write_time(NOW - timedelta(hours=5)),
        "age_seconds": 5 * HOUR,
        "quiesced": True,
        "missing_disks": [],
    }
    assert vms["db2"]["newest_snapshot"]["set"] == "nightly"


@pytest.mark.parametrize(
    ("volumes", "missing"),
    [
        ({"includedVolumes": ["rootdisk"], "excludedVolumes": ["logs"]}, ["logs", "later"]),
        ({"includedVolumes": ["rootdisk", "logs", "later"]}, []),
        ({"excludedVolumes": ["init"]}, []),
        ({}, []),
    ],
)
def test_newest_snapshot_tells_which_disks_it_is_without(
    palette: MemoryPalette, volumes: Json, missing: list[str]
) -> None:
    names = ("rootdisk", "logs", "later")
    disks: list[Json] = [{"name": name, "dataVolume": {"name": name}} for name in names]
    spec = {"volumes": [*disks, {"name": "init", "cloudInitNoCloud": {}}]}
    palette.vms[DB1]["spec"] = {"template": {"spec": spec}}
    palette.add_snapshot("partial", DB1, course=({**READY, "snapshotVolumes": volumes},))
    result = run(palette, MODULE, vm_names=["db1"])
    assert result["vms"][0]["newest_snapshot"]["missing_disks"] == missing
    assert result["summary"]["missing_disks"] == bool(missing)
    assert result["warnings"] == []


@pytest.mark.parametrize(
    ("course", "why", "error"),
    [
        (FAILED, "failed", "snapshot deadline exceeded"),
        (SUCCEEDED, "not_ready", None),
        (*NEVER_READY, "in_progress", None),
    ],
)
def test_newest_unusable_says_why_a_newer_one_cannot_be_used(
    palette: MemoryPalette, course: Json, why: str, error: str | None
) -> None:
    palette.add_snapshot("usable", DB1, course=(READY,), age=5 * HOUR)
    palette.add_snapshot("later", DB1, own_labels("nightly"), course=(course,), age=HOUR)
    palette.add_snapshot("earlier", DB2, course=(course,), age=6 * HOUR)
    palette.add_snapshot("good", DB2, course=(READY,), age=5 * HOUR)
    db1, db2 = run(palette, MODULE, vm_names=["db*"])["vms"]
    assert db1["newest_snapshot"]["name"] == "usable"
    assert db1["newest_unusable"] == {
        "name": "later",
        "set": "nightly",
        "creation_time": write_time(NOW - timedelta(hours=1)),
        "age_seconds": HOUR,
        "error": error,
        "why": why,
    }
    assert db2["newest_unusable"] is None


def test_newest_unusable_may_be_one_that_is_being_deleted(palette: MemoryPalette) -> None:
    palette.gone_after = None
    palette.begin_deletion(palette.add_snapshot("going", DB1, course=(READY,), age=HOUR))
    (vm,) = run(palette, MODULE, vm_names=["db1"])["vms"]
    assert (vm["newest_unusable"]["name"], vm["newest_unusable"]["why"]) == ("going", "not_ready")


@pytest.mark.parametrize(("made", "name"), [(6, "before"), (4, None)])
def test_newest_snapshot_is_none_of_a_former_vm(
    palette: MemoryPalette, made: int, name: str | None
) -> None:
    palette.add_snapshot("before", DB1, course=(READY,), age=5 * HOUR)
    created = write_time(NOW - timedelta(hours=made))
    palette.vms[DB1]["metadata"]["creationTimestamp"] = created
    (vm,) = run(palette, MODULE, vm_names=["db1"])["vms"]
    assert (vm["newest_snapshot"] or {}).get("name") == name
    unusable = vm["newest_unusable"] or {}
    assert unusable.get("why") == (None if name else "former_vm")


def test_summary_counts_the_vms(palette: MemoryPalette) -> None:
    palette.add_snapshot("usable", DB1, course=(READY,))
    volumes = [{"name": "a", "enabled": True}, {"name": "b", "enabled": False}]
    palette.vms[DB2]["status"].update(volumeSnapshotStatuses=volumes, snapshotInProgress="s")
    palette.vms[EDGE]["status"].update(printableStatus="Paused", restoreInProgress="r")
    result = run(palette, MODULE)
    assert result["changed"] is False
    assert result["summary"] == {
        "total": 4,
        "running": 3,
        "paused": 1,
        "no_guest_agent": 1,
        "volumes_excluded": 1,
        "snapshot_in_progress": 1,
        "restore_in_progress": 1,
        "blocked": 0,
        "without_snapshot": 3,
        "missing_disks": 0,
        "by_status": {"Running": 2, "Stopped": 1, "Paused": 1},
    }


def test_unmatched_is_told_with_the_nearest(palette: MemoryPalette) -> None:
    result = run(palette, MODULE, vm_names=["db1", "web"], namespaces=["vms", "prdo"])
    assert result["unmatched"] == [
        {"option": "namespaces", "value": "prdo", "nearest": ["prod"]},
        {"option": "vm_names", "value": "web", "nearest": []},
    ]
    assert [warning.partition(" matches")[0] for warning in result["warnings"]] == [
        "namespaces: 'prdo'",
        "vm_names: 'web'",
    ]


def test_snapshot_from_the_future_is_worth_a_warning(palette: MemoryPalette) -> None:
    palette.add_snapshot("tomorrow", DB1, course=(READY,), age=-24 * HOUR)
    assert run(palette, MODULE, cluster="cluster-2")["clock_skew"] is None
    result = run(palette, MODULE, cluster="cluster-1")
    (warning,) = result["warnings"]
    assert "the clock here says" in result["clock_skew"]
    assert warning.startswith(result["clock_skew"])


def test_nothing_found_without_a_project_is_worth_a_warning() -> None:
    assert any("project" in text for text in run(MemoryPalette(), MODULE)["warnings"])
    assert run(MemoryPalette(), MODULE, project_uid="p1")["warnings"] == []


def test_vms_that_cannot_be_snapshotted_say_why_and_are_counted(palette: MemoryPalette) -> None:
    volumes = [{"name": "rootdisk", "enabled": False, "reason": "no class"}]
    palette.vms[DB1]["status"]["volumeSnapshotStatuses"] = volumes
    palette.vms[DB2]["metadata"]["deletionTimestamp"] = write_time(NOW)
    result = run(palette, MODULE)
    assert {vm["vm_name"]: vm["blocked_by"] for vm in result["vms"]} == {
        "db1": "not_snapshottable",
        "db2": "vm_terminating",
        "web1": None,
        "edge1": None,
    }
    assert {vm["vm_name"]: vm["blocked_msg"] for vm in result["vms"]} == {
        "db1": "no volume of VM db1 can be snapshotted: rootdisk (no class)",
        "db2": "VM db2 is being deleted",
        "web1": None,
        "edge1": None,
    }
    assert result["summary"]["blocked"] == 2


def test_clusters_that_share_a_name_are_called_by_their_uid(palette: MemoryPalette) -> None:
    palette.add_cluster("c2", "cluster-1")
    assert {vm["cluster"] for vm in run(palette, MODULE)["vms"]} == {"c1", "c2"}
    assert found(palette, vm_names=["c2/*/*"]) == ["edge1"]

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""vm_snapshot_info against Palette in memory: every filter, the order, the summary."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from ansible_collections.spectrocloud.palette.plugins.module_utils._module.vm_snapshot_info import (
    MODULE,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots.ownership import (
    SCHEDULED,
)
from unit.builders import FAILED, READY, SUCCEEDED, Json, key_of, own_labels
from unit.palette_in_memory import NEVER_READY, MemoryPalette
from unit.tasks import run

HOUR = 3600.0
DAY = 24 * HOUR


@pytest.fixture(params=[False, True], ids=["kubernetes", "go-swagger"])
def palette(request: pytest.FixtureRequest) -> MemoryPalette:
    """Two clusters with a few snapshots, in each of Palette's JSON styles."""
    palette = MemoryPalette(go_swagger=request.param)
    palette.add_cluster("c2", "cluster-2")
    db1, test = key_of("db1"), {"app": "db", "tier": "test", **own_labels("nightly")}
    palette.add_vm(db1, {"role": "primary"})
    palette.add_vm(key_of("db2"), {"role": "replica"})
    palette.add_snapshot("nightly-1", db1, {"app": "db"}, course=(READY,), age=10 * DAY)
    palette.add_snapshot("nightly-2", db1, test, course=(SUCCEEDED,), age=2 * HOUR)
    palette.add_snapshot("by-hand", key_of("db2"), course=(FAILED,), age=5 * DAY)
    palette.add_snapshot("fresh", key_of("db1", "prod"), course=({},), age=1)
    edge = key_of("db1", cluster_uid="c2")
    palette.gone_after = None
    palette.begin_deletion(palette.add_snapshot("edge", edge, course=NEVER_READY, age=3 * HOUR))
    return palette


def found(palette: MemoryPalette, **options: Any) -> list[str]:
    """Return the names of the snapshots that match."""
    return [snapshot["name"] for snapshot in run(palette, MODULE, **options)["snapshots"]]


ALL = ["fresh", "nightly-2", "edge", "by-hand", "nightly-1"]


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({}, ALL),
        ({"name": "nightly-*"}, ["nightly-2", "nightly-1"]),
        ({"name": "edge"}, ["edge"]),
        ({"name": "Edge"}, []),
        ({"name": "nightly-[13]"}, ["nightly-1"]),
        ({"vm_names": ["db2"]}, ["by-hand"]),
        ({"vm_names": ["db[13-9]"]}, ["fresh", "nightly-2", "edge", "nightly-1"]),
        ({"vm_names": ["prod/*"]}, ["fresh"]),
        ({"vm_names": ["cluster-2/vms/db1"]}, ["edge"]),
        ({"exclude": ["db1"]}, ["by-hand"]),
        ({"exclude": ["vms/*"]}, ["fresh"]),
        ({"clusters": ["cluster-2"]}, ["edge"]),
        ({"clusters": ["cluster-1", "cluster-2"]}, ALL),
        ({"set": "nightly"}, ["nightly-2"]),
        ({"set": "nightly", "ready": True}, []),
        ({"selector": "role=primary"}, ["nightly-2", "nightly-1"]),
        ({"namespaces": ["prod", "other"]}, ["fresh"]),
        ({"snapshot_selector": "app=db"}, ["nightly-2", "nightly-1"]),
        ({"snapshot_selector": "app=db,tier!=test"}, ["nightly-1"]),
        ({"snapshot_selector": "!app"}, ["fresh", "edge", "by-hand"]),
        ({"ready": True}, ["nightly-1"]),
        ({"ready": False}, ["fresh", "nightly-2", "edge", "by-hand"]),
        ({"phase": ["Failed", "InProgress"]}, ["edge", "by-hand"]),
        ({"phase": ["Unknown"]}, ["fresh"]),
        ({"phase": "Failed\r\nInProgress\r\n"}, ["edge", "by-hand"]),
        ({"phase": []}, ALL),
        ({"older_than": "4d"}, ["by-hand", "nightly-1"]),
        ({"newer_than": "1d"}, ["fresh", "nightly-2", "edge"]),
        ({"older_than": "1h", "newer_than": "7d"}, ["nightly-2", "edge", "by-hand"]),
        ({"older_than": "150m", "phase": ["InProgress"], "vm_names": ["db1"]}, ["edge"]),
        ({"older_than": "0"}, ALL),
        ({"older_than": "10d"}, []),
        ({"newer_than": "10d"}, ALL),
    ],
)
def test_filters_must_all_match(palette: MemoryPalette, options: Json, names: list[str]) -> None:
    assert found(palette, **options) == names


@pytest.mark.parametrize(
    ("sort", "names"),
    [
        (["creation_time"], ALL[::-1]),
        (["-creation_time"], ALL),
        (["name"], ["by-hand", "edge", "fresh", "nightly-1", "nightly-2"]),
        (["-name"], ["nightly-2", "nightly-1", "fresh", "edge", "by-hand"]),
        # Those with the same value stay newest first, and those without one come last.
        (["vm_name"], ["fresh", "nightly-2", "edge", "nightly-1", "by-hand"]),
        (["-cluster", "namespace"], ["edge", "fresh", "nightly-2", "by-hand", "nightly-1"]),
        (["phase"], ["by-hand", "edge", "nightly-2", "nightly-1", "fresh"]),
        (["-phase"], ["nightly-2", "nightly-1", "edge", "by-hand", "fresh"]),
        (["-ready_to_use"], ["nightly-1", "fresh", "nightly-2", "edge", "by-hand"]),
        (["-age_seconds", "name"], ALL[::-1]),
        ([], ALL),
    ],
)
def test_sort_orders_the_rows(palette: MemoryPalette, sort: list[str], names: list[str]) -> None:
    assert found(palette, sort=sort) == names


@pytest.mark.parametrize(("limit", "number"), [(0, 0), (1, 1), (4, 4), (5, 5), (99, 5)])
def test_limit_cuts_the_rows_and_not_the_counts(
    palette: MemoryPalette, limit: int, number: int
) -> None:
    result = run(palette, MODULE, sort=["name"], limit=limit)
    names = [row["name"] for row in result["snapshots"]]
    assert names == sorted(ALL)[:number]
    assert result["summary"]["total"] == 5
    assert result["clusters"]["cluster-1"]["counts"] == {"snapshots": 4}


def test_fields_chooses_the_keys_of_each_row_and_their_order(palette: MemoryPalette) -> None:
    everything = run(palette, MODULE)["snapshots"]
    chosen = run(palette, MODULE, fields=["name", "cluster", "labels"])["snapshots"]
    assert [list(row) for row in chosen] == [["name", "cluster", "labels"]] * 5
    assert chosen == [{key: row[key] for key in row if key in chosen[0]} for row in everything]
    assert run(palette, MODULE, fields=[])["snapshots"] == everything


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"fields": ["vmname"]}, "fields: 'vmname' is not a key that it takes; nearest: vm_name"),
        ({"fields": ["age"]}, "fields: 'age' is not a key that it takes; nearest: age_seconds"),
        ({"fields": ["name", ""]}, "fields: '' is not a key that it takes; use any of cluster, "),
        ({"sort": ["-labels"]}, "sort: 'labels' is not a key that it takes"),
        ({"sort": ["--name"]}, "sort: '-name' is not a key that it takes; nearest: name"),
        ({"limit": -1}, "limit: must be 0 or more; for example: limit: 100"),
    ],
)
def test_rows_that_cannot_be_had_are_refused(
    palette: MemoryPalette, options: Json, problem: str
) -> None:
    result = run(palette, MODULE, **options)
    assert result["reason"] == "invalid_parameters"
    assert problem in result["msg"]
    assert palette.calls == []


def test_cluster_of_each_snapshot_is_named(palette: MemoryPalette) -> None:
    snapshots = run(palette, MODULE)["snapshots"]
    assert {s["name"]: (s["cluster"], s["cluster_uid"]) for s in snapshots} == {
        **dict.fromkeys(["fresh", "nightly-2", "by-hand", "nightly-1"], ("cluster-1", "c1")),
        "edge": ("cluster-2", "c2"),
    }


def test_vm_names_and_namespaces_are_left_to_palette(palette: MemoryPalette) -> None:
    found(palette, vm_names=["db2", "db1"], namespaces=["vms"], cluster_uid="c1")
    asked = [(call.query["vmName"], call.query["namespace"]) for call in palette.calls]
    assert sorted(asked) == [("db1", "vms"), ("db2", "vms")]


def test_vm_names_of_more_than_a_few_are_filtered_here(palette: MemoryPalette) -> None:
    many = [f"db{number}" for number in range(2, 60)]
    assert found(palette, vm_names=many, cluster_uid="c1") == ["by-hand"]
    assert palette.calls
    assert all("vmName" not in call.query for call in palette.calls)


def test_summary_counts_what_was_found(palette: MemoryPalette) -> None:
    result = run(palette, MODULE)
    summary = result["summary"]
    times = [snapshot["creation_time"] for snapshot in result["snapshots"]]
    assert result["changed"] is False
    assert summary == {
        "total": 5,
        "ready": 1,
        "in_progress": 2,
        "not_ready": 1,
        "failed": 1,
        "deleting": 1,
        "vms": 4,
        "by_phase": {"Succeeded": 2, "Failed": 1, "Unknown": 1, "InProgress": 1},
        "oldest": min(times),
        "newest": max(times),
    }


def test_summary_adds_up(palette: MemoryPalette) -> None:
    summary = run(palette, MODULE)["summary"]
    states = ("ready", "in_progress", "not_ready", "failed")
    assert sum(summary[state] for state in states) == summary["total"]


def test_set_and_scheduler_of_each_snapshot_are_told(palette: MemoryPalette) -> None:
    palette.add_snapshot("theirs", key_of("db2"), {SCHEDULED: "true"})
    rows = {row["name"]: row for row in run(palette, MODULE)["snapshots"]}
    assert {name for name, row in rows.items() if row["set"] == "nightly"} == {"nightly-2"}
    assert {name for name, row in rows.items() if row["scheduled_by_palette"]} == {"theirs"}


def test_set_vm_names_and_namespaces_that_match_nothing_are_told(palette: MemoryPalette) -> None:
    options: Json = {"set": "nightyl", "vm_names": ["db2", "dbl*"], "namespaces": ["vms", "prdo"]}
    result = run(palette, MODULE, **options)
    told = {miss["option"]: (miss["value"], miss["nearest"]) for miss in result["unmatched"]}
    assert told["set"] == ("nightyl", ["nightly"])
    assert told["vm_names"][0] == "dbl*"
    assert told["namespaces"][0] == "prdo"
    for value in ("nightyl", "dbl*", "prdo"):
        assert any(f"'{value}' matches nothing" in text for text in result["warnings"])


def test_project_that_was_not_given_is_told_where_nothing_is_found(palette: MemoryPalette) -> None:
    palette.stored.clear()
    (warning,) = run(palette, MODULE)["warnings"]
    assert warning.startswith("no snapshot was found: no project was given")
    assert "PALETTE_PROJECT" in warning
    assert run(palette, MODULE, project="project-1")["warnings"] == []


def test_warn_of_a_clock_that_is_wrong(palette: MemoryPalette) -> None:
    palette.clock_skew = timedelta(days=-9)
    (warning,) = run(palette, MODULE)["warnings"]
    assert "2026-11-23T12:00:00Z" in warning
    assert "2026-11-14T12:00:00Z" in warning


def test_summary_of_nothing_found(palette: MemoryPalette) -> None:
    summary = run(palette, MODULE, name="no-such")["summary"]
    assert (summary["total"], summary["by_phase"]) == (0, {})
    assert (summary["oldest"], summary["newest"]) == (None, None)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("older_than", "a week"),
        ("older_than", ""),
        ("older_than", "-1h"),
        ("newer_than", "7"),
        ("newer_than", "800000d"),
        ("newer_than", "9999999999d"),
        ("snapshot_selector", "app=db,"),
        ("selector", "app=db,"),
        ("snapshot_selector", "app in db"),
        ("vm_names", []),
        ("vm_names", ["db 1"]),
        ("exclude", ["DB*"]),
        ("namespaces", ["vm*"]),
        ("phase", ["failed"]),
        ("phase", "Failed\n\nGone\n"),
    ],
)
def test_read_refuses_a_filter_that_makes_no_sense(
    palette: MemoryPalette, option: str, value: Any
) -> None:
    options: Json = {option: value}
    result = run(palette, MODULE, **options)
    assert result["reason"] == "invalid_parameters"
    assert [problem.partition(":")[0] for problem in result["problems"]] == [option]
    assert palette.calls == []


def test_phase_that_does_not_exist_is_told_with_all_that_do(palette: MemoryPalette) -> None:
    (told,) = run(palette, MODULE, phase="Failed\r\nSuceeded\r\n")["problems"]
    assert told == (
        "phase: 'Suceeded' is not a phase: use any of InProgress, Succeeded, Failed, Deleting, "
        "Unknown; for example: phase: [Failed, Unknown]"
    )


def test_read_reports_all_problems_at_once(palette: MemoryPalette) -> None:
    result = run(palette, MODULE, older_than="x", newer_than="y", selector="=")
    assert len(result["problems"]) == 3


def test_ages_that_no_snapshot_can_have_both_are_refused(palette: MemoryPalette) -> None:
    for older, newer in (("7d", "24h"), ("1d", "24h")):
        result = run(palette, MODULE, older_than=older, newer_than=newer)
        assert result["reason"] == "invalid_parameters"
        assert f"older than {older} (older_than)" in result["msg"]
        assert f"at most {newer} old (newer_than)" in result["msg"]
    assert palette.calls == []


def test_error_of_a_failed_snapshot_is_why_it_failed(palette: MemoryPalette) -> None:
    errors = {row["name"]: row["error"] for row in run(palette, MODULE)["snapshots"]}
    assert errors["by-hand"] == "snapshot deadline exceeded"
    assert {error for name, error in errors.items() if name != "by-hand"} == {None}


def test_clusters_that_share_a_name_are_called_by_their_uid(palette: MemoryPalette) -> None:
    palette.add_cluster("c2", "cluster-1")
    rows = run(palette, MODULE)["snapshots"]
    assert all(row["cluster"] == row["cluster_uid"] for row in rows)

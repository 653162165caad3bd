# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""vm_snapshot_info's core: every filter, the order, the summary."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.spectrocloud.palette.plugins.module_utils._module import (
    vm_snapshot_info as info,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._module.options import (
    VM_SNAPSHOT_INFO,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._module.task import Task
from ansible_collections.spectrocloud.palette.plugins.module_utils._palette.clusters import Cluster
from unit.fakes import FAILED, READY, RUNNING, SUCCEEDED, FakeCluster


def taken(age: timedelta) -> str:
    """Return the time that long ago."""
    return (datetime.now(timezone.utc) - age).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.fixture
def clusters(monkeypatch: pytest.MonkeyPatch) -> list[FakeCluster]:
    """Two clusters with a few snapshots."""
    first, second = FakeCluster(go_swagger=True), FakeCluster()
    second.cluster = Cluster("c2", "cluster-2", "p1")
    hour, day = timedelta(hours=1), timedelta(days=1)
    first.add_snapshot(
        "nightly-1",
        metadata={"labels": {"app": "db"}},
        status={**READY, "creationTime": taken(10 * day)},
    )
    first.add_snapshot(
        "nightly-2",
        metadata={"labels": {"app": "db", "tier": "test"}},
        status={**SUCCEEDED, "creationTime": taken(2 * hour)},
    )
    first.add_snapshot(
        "by-hand",
        vm_name="db2",
        status=FAILED,
        metadata={"creationTimestamp": taken(5 * day)},
    )
    first.add_snapshot(
        "fresh",
        namespace="prod",
        status={},
        metadata={"creationTimestamp": taken(timedelta(0))},
    )
    second.add_snapshot("edge", status=RUNNING, metadata={"creationTimestamp": taken(3 * hour)})
    second.start_deletion("vms", "edge")
    second.lingers = None

    class Place:
        def __init__(self, _options: Any) -> None:
            pass

        def vm_clusters(self) -> list[FakeCluster]:
            return [first, second]

    monkeypatch.setattr(info, "Place", Place)
    return [first, second]


def options_of(**given: Any) -> dict[str, Any]:
    """Return all options as a module gets them."""
    checked = ArgumentSpecValidator(VM_SNAPSHOT_INFO.spec).validate({"api_key": "x", **given})
    assert checked.error_messages == []
    options: dict[str, Any] = checked.validated_parameters
    return options


def found(**given: Any) -> list[str]:
    """Return the names of the snapshots that match."""
    options = options_of(**given)
    assert info.problems(options) == []
    return [snapshot["name"] for snapshot in info.run(Task(options))["snapshots"]]


ALL = ["fresh", "nightly-2", "edge", "by-hand", "nightly-1"]


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ({}, ALL),
        ({"name": "nightly-*"}, ["nightly-2", "nightly-1"]),
        ({"name": "edge"}, ["edge"]),
        ({"name": "Edge"}, []),
        ({"name": "nightly-[13]"}, ["nightly-1"]),
        ({"vm_names": ["db2"]}, ["by-hand"]),
        ({"vm_names": []}, ALL),
        ({"namespaces": ["prod", "other"]}, ["fresh"]),
        ({"selector": "app=db"}, ["nightly-2", "nightly-1"]),
        ({"selector": "app=db,tier!=test"}, ["nightly-1"]),
        ({"selector": "!app"}, ["fresh", "edge", "by-hand"]),
        ({"ready": True}, ["nightly-1"]),
        ({"ready": False}, ["fresh", "nightly-2", "edge", "by-hand"]),
        ({"phase": ["Failed", "InProgress"]}, ["edge", "by-hand"]),
        ({"phase": ["Unknown"]}, ["fresh"]),
        ({"phase": []}, ALL),
        ({"older_than": "4d"}, ["by-hand", "nightly-1"]),
        ({"newer_than": "1d"}, ["fresh", "nightly-2", "edge"]),
        ({"older_than": "1h", "newer_than": "7d"}, ["nightly-2", "edge", "by-hand"]),
        ({"older_than": "150m", "phase": ["InProgress"], "vm_names": ["db1"]}, ["edge"]),
        ({"older_than": "0"}, ALL),
    ],
)
def test_all_filters_must_match(
    clusters: list[FakeCluster], given: dict[str, Any], names: list[str]
) -> None:
    assert found(**given) == names


def test_each_snapshot_names_its_cluster(clusters: list[FakeCluster]) -> None:
    snapshots = info.run(Task(options_of()))["snapshots"]
    assert {s["name"]: (s["cluster"], s["cluster_uid"]) for s in snapshots} == {
        **dict.fromkeys(["fresh", "nightly-2", "by-hand", "nightly-1"], ("cluster-1", "c1")),
        "edge": ("cluster-2", "c2"),
    }


def test_filters_that_palette_has_are_left_to_it(clusters: list[FakeCluster]) -> None:
    found(vm_names=["db2", "db1"], namespaces=["vms"])
    assert clusters[0].calls == [("LIST", "db1,db2")]


def test_more_names_than_a_query_holds_are_filtered_here(clusters: list[FakeCluster]) -> None:
    many = [f"db{number}" for number in range(2, 60)]
    assert found(vm_names=many) == ["by-hand"]
    assert clusters[0].calls == [("LIST", "")]


def test_the_summary_counts_what_was_found(clusters: list[FakeCluster]) -> None:
    result = info.run(Task(options_of()))
    summary = result["summary"]
    times = [snapshot["creation_time"] for snapshot in result["snapshots"]]
    assert result["changed"] is False
    assert summary == {
        "total": 5,
        "ready": 1,
        "in_progress": 2,
        "failed": 1,
        "deleting": 1,
        "vms": 4,
        "by_phase": {"Succeeded": 2, "Failed": 1, "Unknown": 1, "InProgress": 1},
        "oldest": min(times),
        "newest": max(times),
    }


def test_nothing_found_is_a_summary_of_nothing(clusters: list[FakeCluster]) -> None:
    summary = info.run(Task(options_of(name="no-such")))["summary"]
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
        ("selector", "app=db,"),
        ("selector", "app in db"),
    ],
)
def test_a_filter_that_makes_no_sense_is_refused(option: str, value: str) -> None:
    assert [problem.option for problem in info.problems(options_of(**{option: value}))] == [option]


def test_all_faults_are_told_at_once() -> None:
    faulty = options_of(older_than="x", newer_than="y", selector="=")
    assert len(info.problems(faulty)) == 3

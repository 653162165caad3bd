# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Over the whole way, no error of Palette is taken for the absence of a VM or a snapshot."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from palette_simulator.launch import Simulator
from unit.ways_in import Result, run_as_action

IN_CLUSTER: dict[str, Any] = {"cluster": "vm-cluster-1", "project": "Default", "retries": 0}
VM = {**IN_CLUSTER, "namespace": "vms", "vm_name": "db1", "name": "s", "poll_interval": 0.05}
SET = {**IN_CLUSTER, "set": "nightly", "namespace": "vms", "vms": ["db1"], "poll_interval": 0.05}

TASKS: dict[str, tuple[str, dict[str, Any]]] = {
    "take": ("vm_snapshot", {**VM, "name": "another"}),
    "delete": ("vm_snapshot", {**VM, "state": "absent"}),
    "take a set": ("vm_snapshot_set", {**SET, "set": "another"}),
    "delete a set": ("vm_snapshot_set", {**SET, "state": "absent"}),
    "list": ("vm_snapshot_info", IN_CLUSTER),
    "list VMs": ("vm_info", IN_CLUSTER),
}
WRITES = ("take", "delete", "take a set", "delete a set")
SICK = ("403", "500", "404", "503", "reset")
# The others do not depend on Palette's version.
SICK_IN_4_8 = ("403", "500")


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    """A simulator where every step takes no time."""
    with Simulator.running("test", timing="instant", rate_limits="off") as simulator:
        yield simulator


@pytest.fixture
def palette(
    simulator: Simulator, bare_environment: None, monkeypatch: pytest.MonkeyPatch
) -> Simulator:
    """The simulator as new, with a snapshot s of db1, and another of the set nightly."""
    simulator.reset()
    monkeypatch.setenv("PALETTE_HOST", simulator.url)
    monkeypatch.setenv("PALETTE_API_KEY", "demo-key")
    assert run_as_action("vm_snapshot", **VM)["changed"] is True
    assert run_as_action("vm_snapshot_set", **SET)["changed"] is True
    return simulator


def failure(task: str, **changes: Any) -> Result:
    """Return the result of a task, which failed and tells of no absence."""
    name, args = TASKS[task]
    given = {key: value for key, value in {**args, **changes}.items() if value is not None}
    result = run_as_action(name, **given)
    assert result["failed"] is True
    rows = [result, *result.get("members", {}).values()]
    unknown = any(row.get("outcome") == "unknown" for row in rows)
    assert result.get("changed", False) is unknown
    assert result.get("outcome") != "unchanged"
    return result


def snapshots(palette: Simulator) -> int:
    """Return how many snapshots there are."""
    number: int = palette.stats()["snapshots"]
    return number


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize(
    ("version", "kind"),
    [*(("4.9", kind) for kind in SICK), *(("4.8", kind) for kind in SICK_IN_4_8)],
)
def test_a_sick_cluster_is_not_an_empty_one(
    palette: Simulator, task: str, version: str, kind: str
) -> None:
    before = snapshots(palette)
    palette.switch(palette_version=version)
    palette.sicken("vm-cluster-1", kind)
    result = failure(task)
    assert result["reason"]
    assert palette.strikes("vm-cluster-1") > 0
    assert snapshots(palette) == before


@pytest.mark.parametrize("task", WRITES)
@pytest.mark.parametrize("kind", SICK)
def test_a_cluster_that_falls_sick_at_the_write_has_lost_nothing(
    palette: Simulator, task: str, kind: str
) -> None:
    before = snapshots(palette)
    palette.switch(palette_version="4.9")
    palette.sicken("vm-cluster-1", kind, since="write")
    failure(task, wait_timeout=1)
    assert palette.strikes("vm-cluster-1") > 0
    assert snapshots(palette) == before


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize(
    ("project_uid", "api_key", "reason", "words"),
    [
        ("nowhere", "demo-key", "not_found", "not found"),
        ("f" * 24, "demo-key", "project_not_found", "check project_uid"),
        ("0123456789abcdef00000002", "default-only-key", "forbidden", "check project"),
    ],
)
def test_a_wrong_project_is_not_an_empty_one(
    palette: Simulator, task: str, project_uid: str, api_key: str, reason: str, words: str
) -> None:
    palette.switch(palette_version="4.9")
    uids = {"cluster": None, "cluster_uid": "0123456789abcdef00000011", "project": None}
    result = failure(task, **uids, project_uid=project_uid, api_key=api_key)
    assert result["reason"] == reason
    assert words in result["msg"]

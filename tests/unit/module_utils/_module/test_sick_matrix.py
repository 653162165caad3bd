# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One of four clusters is sick: each kind, at each moment, in each operation, over HTTP.

For the way back, only one of the cluster's two APIs is: what Palette asks of it, or its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any, NamedTuple

import pytest

from ansible_collections.spectrocloud.palette.plugins.module_utils._execution import member
from palette_simulator.launch import Simulator
from unit.ways_in import Result, run_as_action

SICK = "edge-002"
KINDS = ("503", "403", "500", "404", "hang", "reset")
ONCE: dict[str, Any] = {"project": "Default", "retries": 0}
EDGES: dict[str, Any] = {"clusters": ["edge-001", SICK, "edge-003", "edge-004"]}


class Operation(NamedTuple):
    """A task, the moments at which a cluster may fall sick, and the outcome of what it does.

    api: the one that is sick, if not both. patience: seconds for a wait to end by itself.
    """

    module: str
    options: dict[str, Any]
    moments: tuple[str, ...]
    outcome: str = ""
    api: str = ""
    patience: float = 60.0

    def run(self, kind: str, moment: str = "start", **more: Any) -> Result:
        """Return the result of the task. Only what a sick cluster delays is short."""
        options = {**EDGES, **ONCE, **self.options, **more}
        if kind == "hang":
            options["request_timeout"] = 2
        if self.outcome:
            patience = min(self.patience, 5.0) if moment == "wait" else self.patience
            options.update(poll_interval=0.1, wait_timeout=patience)
        return run_as_action(self.module, **options)


OPERATIONS = {
    "take": Operation(
        "vm_snapshot_set",
        {"set": "now", "all": True},
        ("start", "write", "wait"),
        "created",
    ),
    "delete": Operation(
        "vm_snapshot_set",
        {"set": "before", "state": "absent"},
        ("start", "write", "wait"),
        "deleted",
    ),
    "retention": Operation(
        "vm_snapshot_retention",
        {"set": "before", "keep_last": 0},
        ("start", "write", "wait"),
        "deleted",
    ),
    "stop": Operation(
        "vm_power",
        {"state": "stopped"},
        ("start", "write", "wait"),
        "stopped",
    ),
    "restore": Operation(
        "vm_restore_set",
        {"set": "before", "all": True, "stop": True},
        ("start", "write", "wait"),
        "restored",
        api="own",
        # Whether a 500 to a creation is its end is not known until the wait is over.
        patience=10.0,
    ),
    # What it waits for, its own API tells.
    "restore by Palette": Operation(
        "vm_restore_set",
        {"set": "before", "all": True, "stop": True},
        ("start", "write"),
        "restored",
        api="palette",
        patience=2.0,
    ),
    "list": Operation("vm_snapshot_info", {}, ("start",)),
    "list VMs": Operation("vm_info", {}, ("start",)),
}
CELLS = [
    pytest.param(kind, moment, operation, id=f"{kind}-{moment}-{name}")
    for kind, (name, operation) in product(KINDS, OPERATIONS.items())
    for moment in operation.moments
]


@pytest.fixture(autouse=True)
def lists_that_do_not_lag(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a list does not show for a second is not there."""
    monkeypatch.setattr(member, "LAG", 1.0)


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    """Four clusters with two VMs each."""
    with Simulator.running(
        clusters=4, vms=8, timing="fast", rate_limits="off", palette_version="4.9"
    ) as simulator:
        yield simulator


@pytest.fixture
def palette(
    simulator: Simulator, bare_environment: None, monkeypatch: pytest.MonkeyPatch
) -> Simulator:
    """The simulator as new, with a snapshot of the set before of each VM."""
    simulator.reset()
    monkeypatch.setenv("PALETTE_HOST", simulator.url)
    monkeypatch.setenv("PALETTE_API_KEY", "demo-key")
    taken = run_as_action("vm_snapshot_set", set="before", **EDGES, **ONCE, poll_interval=0.05)
    assert taken["summary"]["created"] == 8
    return simulator


def rows_of(result: Result) -> list[dict[str, Any]]:
    """Return the rows of a set or of retention, each with its cluster."""
    if "members" in result:
        members = result["members"].items()
        return [{**row, **place_of(label)} for label, row in members]
    return list(result["vms"] if "vms" in result else result["snapshots"])


def place_of(label: str) -> dict[str, str]:
    """Return what the label of a set's row says."""
    cluster, _namespace, vm_name = label.split("/")
    return {"cluster": cluster, "vm_name": vm_name}


def existing(palette: Simulator) -> set[tuple[str, str]]:
    """Return the cluster and name of each snapshot that there is when all are well."""
    palette.heal(SICK)
    listed = run_as_action("vm_snapshot_info", **EDGES, project="Default")
    found = listed["snapshots"]
    return {(s["cluster"], s["name"]) for s in found if not s["deleting"]}


def off(palette: Simulator) -> set[tuple[str, str]]:
    """Return the cluster and name of each VM that is off when all are well."""
    palette.heal(SICK)
    listed = run_as_action("vm_info", **EDGES, project="Default")["vms"]
    return {(vm["cluster"], vm["vm_name"]) for vm in listed if vm["printable_status"] == "Stopped"}


def closed(palette: Simulator) -> set[str]:
    """Return the names of the restores that say that their VM is as asked for."""
    written = [entry for entry in palette.requests("k8s_patch_restore") if entry["status"] == 200]
    return {entry["path"].rpartition("/")[2] for entry in written}


def is_so(palette: Simulator, row: dict[str, Any]) -> bool:
    """Say whether there is what a row's outcome tells."""
    vm = row["cluster"], row["vm_name"]
    if row["outcome"] == "stopped":
        return vm in off(palette)
    if row["outcome"] == "restored":
        return row["name"] in closed(palette) and vm not in off(palette)
    there = (row["cluster"], row["name"]) in existing(palette)
    return there is (row["outcome"] == "created")


@pytest.mark.parametrize(("kind", "moment", "operation"), CELLS)
def test_sick_cluster_concerns_no_other_and_is_told(
    palette: Simulator, kind: str, moment: str, operation: Operation
) -> None:
    palette.sicken(SICK, kind, since=moment, api=operation.api)
    result = operation.run(kind, moment, on_error="continue", **all_rows(operation))
    assert palette.strikes(SICK) > 0
    assert "exception" not in result, result
    assert set(result["clusters"]) == set(EDGES["clusters"])
    for name, cluster in result["clusters"].items():
        assert cluster["reachable"] or name == SICK, cluster
    if moment == "start":
        assert result["complete"] is False
        assert result["clusters"][SICK]["reason"]
        assert any(SICK in text for text in [*result.get("warnings", []), result.get("msg", "")])
    if operation.outcome:
        assert result["failed"] is True
        check_rows(palette, rows_of(result), operation.outcome)


def all_rows(operation: Operation) -> dict[str, Any]:
    """Return the option that makes a failing set return all rows."""
    return {"members": "all"} if operation.module.endswith("_set") else {}


def check_rows(palette: Simulator, rows: list[dict[str, Any]], outcome: str) -> None:
    """Compare rows with what there is: healthy clusters are done, and no row is untrue."""
    healthy = [row for row in rows if row["cluster"] != SICK]
    assert len(healthy) == 6
    assert {row["outcome"] for row in healthy} == {outcome}
    for row in rows:
        assert is_so(palette, row) if row["outcome"] == outcome else row["reason"], row


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["take", "delete", "retention", "stop", "restore"])
def test_run_again_completes_what_a_sick_cluster_left(
    palette: Simulator, kind: str, name: str
) -> None:
    operation = OPERATIONS[name]
    palette.sicken(SICK, kind, since="write", api=operation.api)
    assert operation.run(kind, on_error="continue")["failed"]
    assert palette.strikes(SICK) > 0
    palette.heal(SICK)
    result = operation.run("none")
    assert not result.get("failed"), result
    if name in ("stop", "restore"):
        assert len(off(palette)) == (8 if name == "stop" else 0)
        assert len(closed(palette)) >= (0 if name == "stop" else 8)
        return
    names = {name for _cluster, name in existing(palette)}
    assert any(name.endswith("-now") for name in names) == (operation.outcome == "created")
    assert any(name.endswith("-before") for name in names) == (operation.outcome == "created")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", OPERATIONS)
def test_on_error_abort_writes_nothing(palette: Simulator, kind: str, name: str) -> None:
    operation = OPERATIONS[name]
    palette.clear_requests()
    palette.sicken(SICK, kind, api=operation.api)
    result = operation.run(kind)
    assert palette.strikes(SICK) > 0
    assert result["failed"] is True
    assert f"cluster {SICK}: " in result["msg"]
    assert {entry["method"] for entry in palette.requests()} <= {"GET", "POST"}
    assert palette.requests("create_snapshot") == palette.requests("k8s_create_restore") == []

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbooks, run by name with extra vars only, against the simulator."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from integration.runs import Ansible, Run
from palette_simulator.launch import Simulator


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    """One simulator for all tests."""
    with Simulator.running("test", timing="fast", rate_limits="off") as running:
        yield running


class Operator:
    """Somebody who runs playbooks by name."""

    def __init__(self, ansible: Ansible, palette: Simulator) -> None:
        self._ansible = ansible
        self.palette = palette

    def play(self, playbook: str, /, *arguments: str, **variables: str) -> Run:
        """Run a playbook of the collection, with vm_snapshot_ variables as key=value."""
        extra: list[str] = []
        for variable, value in {"project": "Default", **variables}.items():
            extra += ["-e", f"vm_snapshot_{variable}={value}"]
        return self._ansible.run(
            *("ansible-playbook", f"spectrocloud.palette.{playbook}", *extra, *arguments),
            PALETTE_HOST=self.palette.url,
            PALETTE_API_KEY="demo-key",
        )


@pytest.fixture
def operator(tmp_path: Path, simulator: Simulator) -> Operator:
    """An operator of a Palette that is as its fleet file says."""
    simulator.reset()
    simulator.clear_requests()
    return Operator(Ansible(tmp_path), simulator)


def _table(run: Run, task: str) -> list[list[str]]:
    """Return the cells of a table on the screen, without its heading."""
    lines: list[str] = run.of(task)["msg"]
    return [re.split(r"  +", line) for line in lines[1:]]


def test_snapshot_shows_each_snapshot(operator: Operator) -> None:
    names = {"cluster": "vm-cluster-1", "namespace": "vms", "name": "patch", "vms": "db1,web1"}
    run = operator.play("snapshot", **names).ok()
    assert [row[:-1] for row in _table(run, "Show the snapshots")] == [
        ["db1-patch", "vms", "db1", "created", "Succeeded", "yes"],
        ["web1-patch", "vms", "web1", "created", "Succeeded", "yes"],
    ]
    assert "changed=1 " in run.output
    assert "changed=0 " in operator.play("snapshot", **names).ok().output


def test_snapshot_takes_vms_that_say_their_own_place(operator: Operator) -> None:
    vms = '[{"vm_name": "edge1", "namespace": "vms", "cluster": "vm-cluster-2"}]'
    run = operator.play("snapshot", "-e", f'{{"vm_snapshot_vms": {vms}}}', name="patch").ok()
    assert [row[0] for row in _table(run, "Show the snapshots")] == ["edge1-patch"]


@pytest.mark.parametrize(
    ("playbook", "given", "missing"),
    [
        (
            "snapshot",
            {"vms": "db1", "namespace": ""},
            "vm_snapshot_name and vm_snapshot_cluster and vm_snapshot_namespace must be set",
        ),
        ("snapshot", {"cluster": "c", "namespace": "vms", "name": "n"}, "vm_snapshot_vms must be"),
        ("snapshot_fleet", {"name": "nightly"}, "vm_snapshot_selector"),
        ("snapshot_fleet", {"selector": "app=db"}, "Set vm_snapshot_name"),
        (
            "snapshot_fleet",
            {"name": "nightly", "selector": "app=db", "max_age": ""},
            "vm_snapshot_max_age must not be empty",
        ),
    ],
)
def test_missing_variables_are_named_with_a_right_command(
    operator: Operator, playbook: str, given: dict[str, str], missing: str
) -> None:
    run = operator.play(playbook, **given)
    assert run.status != 0
    message = run.of("Check the required variables")["msg"]
    assert missing in message
    assert f"ansible-playbook spectrocloud.palette.{playbook} -e vm_snapshot_cluster=" in message
    assert operator.palette.requests() == []


def test_report_shows_snapshots_newest_first(operator: Operator) -> None:
    run = operator.play("snapshot_report", cluster="vm-cluster-1", vm_names="history").ok()
    shown = [row[3] for row in _table(run, "Show the snapshots, newest first")]
    assert shown[0] == "history-1h"
    assert shown[-1] == "history-kept"
    assert run.of("Show the totals")["msg"].startswith("8 snapshots of 1 VMs: 6 ready, ")


@pytest.mark.parametrize("given", ["vms", "selector", "clusters", "exclude"])
def test_report_refuses_variables_that_it_does_not_use(operator: Operator, given: str) -> None:
    run = operator.play("snapshot_report", **{given: "db1"})
    assert run.status != 0
    refusal = run.of("Refuse variables that the report does not use")["msg"]
    assert f"vm_snapshot_{given}" in refusal
    assert "vm_snapshot_vm_names=db1,db2" in refusal
    assert operator.palette.requests() == []


def test_fleet_in_check_mode_lists_only_what_would_fail(operator: Operator) -> None:
    fleet = {"cluster": "vm-cluster-1", "name": "predicted", "vm_names": "db2,no-volumes"}
    run = operator.play("snapshot_fleet", "--check", **fleet, max_failed="1").ok()
    without = _table(run, "Show the VMs without a usable snapshot")
    assert without == [["vm-cluster-1", "vms", "no-volumes", "not_snapshottable"]]


def test_report_filters(operator: Operator) -> None:
    filters = {"namespace": "vms", "name": "nightly", "older_than": "36h", "ready": "yes"}
    run = operator.play("snapshot_report", **filters).ok()
    shown = [row[3] for row in _table(run, "Show the snapshots, newest first")]
    assert shown == ["history-2d", "history-7d", "history-30d"]
    others = {"pattern": "history-*", "snapshot_selector": "owner=someone", "cluster": ""}
    run = operator.play("snapshot_report", **others).ok()
    shown = [row[3] for row in _table(run, "Show the snapshots, newest first")]
    assert shown == ["history-by-hand"]


def test_fleet_goes_on_without_the_vms_that_are_not_fit(operator: Operator) -> None:
    fleet = {"cluster": "vm-cluster-1", "name": "nightly", "vm_names": "db*,no-volumes"}
    run = operator.play("snapshot_fleet", **fleet)
    assert run.status != 0
    tolerated = operator.play("snapshot_fleet", **fleet, max_failed="1").ok()
    counts = tolerated.of("Show how many VMs had each outcome")["vm_snapshot_summary"]
    assert {outcome: count for outcome, count in counts.items() if count} == {
        "total": 4,
        "fresh": 3,
        "failed": 1,
        "blocked": 1,
    }
    without = _table(tolerated, "Show the VMs without a usable snapshot")
    assert without == [["vm-cluster-1", "vms", "no-volumes", "not_snapshottable"]]


def test_prune_shows_what_it_deleted_and_what_it_would(operator: Operator) -> None:
    rules = {"cluster": "vm-cluster-1", "name": "nightly", "keep_last": "2"}
    predicted = operator.play("snapshot_prune", "--check", **rules).ok()
    run = operator.play("snapshot_prune", **rules).ok()
    deleted = _table(run, "Show what was deleted, and why")
    assert {row[2]: row[-1] for row in deleted} == {
        "history-failed": "failed",
        "history-30d": "expired",
        "history-7d": "beyond_keep_last",
    }
    assert deleted == _table(predicted, "Show what was deleted, and why")

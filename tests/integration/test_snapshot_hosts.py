# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook snapshot_hosts, whose hosts are VMs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from integration.role_user import (
    SHOW,
    SHOW_RETENTION,
    TAKE,
    artifacts,
    prefixed,
    results_of,
    words,
    writes,
)
from integration.runs import Ansible, Run
from palette_simulator.launch import Simulator

PLACE = {"project": "Default", "cluster": "vm-cluster-1", "namespace": "vms", "set": "nightly"}
WITHOUT = "Show the hosts without"
TELL = "Fail the hosts without"
# Nothing of a host is needed to take a snapshot of it.
UNREACHABLE = {"ansible_host": "192.0.2.1", "ansible_connection": "ssh"}


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    """One simulator for all tests."""
    with Simulator.running("test", timing="fast", rate_limits="off") as running:
        yield running


@pytest.fixture
def palette(simulator: Simulator) -> Simulator:
    """The simulator as its fleet file says."""
    simulator.reset()
    simulator.clear_requests()
    return simulator


class Inventory:
    """Somebody with hosts that are VMs."""

    def __init__(self, home: Path, palette: Simulator, hosts: Mapping[str, Any]) -> None:
        self._ansible = Ansible(home)
        self._connection = {
            "PALETTE_HOST": palette.url,
            "PALETTE_API_KEY": "demo-key",
            "ANSIBLE_SHOW_CUSTOM_STATS": "1",
        }
        self._hosts = {name: {**UNREACHABLE, **own} for name, own in hosts.items()}

    def play(self, *arguments: str, **variables: Any) -> Run:
        """Run the playbook on them, with the role's variables without their prefix."""
        return self.play_over(self._ansible.inventory(self._hosts), *arguments, **variables)

    def play_over_palette(self, *arguments: str, key: str = "demo-key", **variables: Any) -> Run:
        """Run the playbook on what the inventory plugin finds with this key."""
        source = {"plugin": "spectrocloud.palette.vms", "project": "Default", "api_key": key}
        filters = {"vm_names": ["db1", "edge1"], "on_error": "continue", "retries": 0}
        file = self._ansible.home / "palette.yml"
        file.write_text(json.dumps({**source, **filters}), encoding="utf-8")
        return self.play_over(file, *arguments, **variables)

    def play_in_a_row(self, *runs: Mapping[str, Any]) -> Run:
        """Run a playbook that imports it several times, each time with other variables."""
        imported = {"import_playbook": "spectrocloud.palette.snapshot_hosts"}
        content = [{**imported, "vars": prefixed({**PLACE, **own})} for own in runs]
        file = self._ansible.home / "in_a_row.yml"
        file.write_text(json.dumps(content), encoding="utf-8")
        inventory = self._ansible.inventory(self._hosts)
        # What somebody has chosen for other plays does not matter.
        return self._ansible.playbook(file, inventory, **self._connection, ANSIBLE_STRATEGY="free")

    def play_over(self, inventory: Path, *arguments: str, **variables: Any) -> Run:
        """Run the playbook on the hosts of an inventory."""
        extra = json.dumps(prefixed({**PLACE, **variables}))
        return self._ansible.run(
            *("ansible-playbook", "spectrocloud.palette.snapshot_hosts"),
            *("-i", inventory, "-e", extra, *arguments),
            **self._connection,
        )


EMPTY = "Fail if the inventory has no hosts"


def recap(run: Run) -> dict[str, tuple[int, int]]:
    """Return how many tasks of each VM's host were ok and how many failed, by the recap."""
    lines = re.findall(r"^(\S+) +: ok=(\d+) .* failed=(\d+) ", run.output, re.M)
    return {host: (int(ok), int(failed)) for host, ok, failed in lines if host != "localhost"}


def failed(run: Run) -> list[str]:
    """Return the hosts that failed."""
    return [host for host, (_ok, number) in recap(run).items() if number]


def told(run: Run) -> dict[str, str]:
    """Return what is said of each host that failed."""
    return {
        record["host"]: record["result"]["msg"]
        for record in run.records
        if record["task"] == TELL and not record["expected"]
    }


def test_exactly_the_hosts_without_a_snapshot_fail_and_a_relaunch_heals(
    tmp_path: Path, palette: Simulator
) -> None:
    hosts = Inventory(
        tmp_path,
        palette,
        {
            "db1.example.com": {"palette_vm_name": "db1"},
            "shop": {"palette_vm_name": "db1", "palette_namespace": "prod"},
            "edge1": {"palette_cluster": "vm-cluster-2"},
            "db2": {},
            "web1": {},
        },
    )
    palette.inject({"action": "status", "status": 403, "method": "POST", "path": "/vms/db2/"})
    run = hosts.play(keep_last=3, max_failed=1)
    assert run.status != 0
    assert set(recap(run)) == {"db1.example.com", "shop", "edge1", "db2", "web1"}
    assert all(ok for host, (ok, _failed) in recap(run).items() if host != "db2")
    assert failed(run) == ["db2"]
    assert told(run)["db2"].startswith("forbidden: ")
    # The role tolerates it, the playbook does not.
    assert words(run, SHOW)[0] == "5 VMs: 4 created, 1 failed"
    assert run.of(WITHOUT)["msg"] == ["1 of 5 hosts failed", f"db2: {told(run)['db2']}"]
    summary = artifacts(run)["vm_snapshot_summary"]
    assert (summary["reason"], summary["msg"]) == (
        "hosts_failed",
        ": ".join(run.of(WITHOUT)["msg"]),
    )
    assert (summary["counts"]["created"], summary["without"]) == (4, ["vm-cluster-1/vms/db2"])
    assert words(run, SHOW_RETENTION)[0].startswith("retention: deleted 0 snapshots, kept 4")
    assert set(run.of(TAKE)["members"]) == {
        *(f"vm-cluster-1/vms/{name}" for name in ("db1", "db2", "web1")),
        *("vm-cluster-1/prod/db1", "vm-cluster-2/vms/edge1"),
    }
    palette.clear_requests()
    again = hosts.play("--limit", "db2").ok()
    assert recap(again).keys() == {"db2"}
    assert writes(palette) == ["create_snapshot"]
    assert list(again.of(TAKE)["members"]) == ["vm-cluster-1/vms/db2"]


def test_each_run_in_a_job_tells_what_became_of_it(tmp_path: Path, palette: Simulator) -> None:
    """A host that has failed takes no part in later runs, so that another one works for all."""
    refused = {"action": "status", "status": 403}
    palette.inject(
        {**refused, "method": "DELETE", "path": "/vms/history/", "times": None},
        {**refused, "method": "POST", "path": "/vms/db2/", "skip": 1},
    )
    hosts = Inventory(tmp_path, palette, {vm: {} for vm in ("db1", "web1", "db2", "history")})
    run = hosts.play_in_a_row({"keep_last": 1}, {"set": "second"}, {"keep_last": "many"})
    assert run.status != 0
    assert [len(taken["members"]) for taken in results_of(run, TAKE)] == [4, 3]
    reasons = told(run)
    assert reasons.keys() == {"db1", "db2", "web1", "history"}
    # All hosts had their snapshots, but old ones were not deleted.
    assert "forbidden: " in reasons["db1"]
    assert "history" in reasons["db1"]
    assert reasons["db2"].startswith("forbidden: ")
    assert "vm_snapshot_keep_last" in reasons["web1"]
    assert reasons["history"] == reasons["web1"]


def test_only_the_snapshots_of_its_own_hosts_are_deleted(
    tmp_path: Path, palette: Simulator
) -> None:
    hosts = Inventory(tmp_path, palette, {"db1": {}, "web1": {}})
    hosts.play().ok()
    palette.clear_requests()
    run = hosts.play("--limit", "web1", state="absent").ok()
    assert failed(run) == []
    assert writes(palette) == ["delete_snapshot"]


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"vms": ["db1"], "exclude": "x"}, "vm_snapshot_vms and vm_snapshot_exclude: no effect"),
        ({"set": ""}, "vm_snapshot_set must be set"),
        ({"keep_lsat": 3}, "vm_snapshot_keep_lsat is not known"),
        ({"namespace": ""}, "no namespace is known of db1, web1: set the host variable"),
        ({"keep_last": -1}, "vm_snapshot_keep_last must be 0 or more"),
    ],
)
def test_a_wrong_variable_fails_all_hosts_with_its_message(
    tmp_path: Path, palette: Simulator, variables: dict[str, Any], message: str
) -> None:
    run = Inventory(tmp_path, palette, {"db1": {}, "web1": {}}).play(**variables)
    assert failed(run) == ["db1", "web1"]
    assert all(message in text for text in told(run).values())
    summary = artifacts(run)["vm_snapshot_summary"]
    assert summary["reason"] == "invalid_parameters"
    assert summary["msg"].startswith(f"2 of 2 hosts failed: db1, web1: {message[:20]}")
    assert summary["counts"] == {}
    assert len(told(run)) == 2
    assert palette.requests() == []


@pytest.mark.parametrize(
    ("own", "message"),
    [
        ({"palette_vm_name": "db1"}, "db1, web1 are the same VM, db1 in namespace vms of "),
        ({"palette_namspace": "prod"}, "palette_namspace of web1 is not known (nearest: "),
    ],
    ids=["same VM", "misspelt"],
)
def test_hosts_that_may_be_the_wrong_vms_are_refused(
    tmp_path: Path, palette: Simulator, own: dict[str, Any], message: str
) -> None:
    run = Inventory(tmp_path, palette, {"db1": {}, "web1": own}).play()
    assert failed(run) == ["db1", "web1"]
    assert all(text.startswith(message) for text in told(run).values())
    assert palette.requests() == []


def test_a_check_fails_nobody_who_would_get_a_snapshot(tmp_path: Path, palette: Simulator) -> None:
    run = Inventory(tmp_path, palette, {"db1": {}, "no-volumes": {}}).play("--check")
    assert failed(run) == ["no-volumes"]
    assert words(run, SHOW)[0] == "2 VMs: 1 would be created, 1 blocked"
    assert writes(palette) == []


def test_an_inventory_that_cannot_be_read_is_no_success(tmp_path: Path, palette: Simulator) -> None:
    run = Inventory(tmp_path, palette, {}).play_over_palette(key="wrong")
    assert run.status != 0
    assert run.of(EMPTY)["msg"].startswith("the inventory has no hosts, so that nothing was done")


def test_vms_of_sick_clusters_are_missed_as_far_as_they_may_be(
    tmp_path: Path, palette: Simulator
) -> None:
    palette.sicken("vm-cluster-2", "503")
    hosts = Inventory(tmp_path, palette, {})
    run = hosts.play_over_palette("--limit", "db1.vms.*")
    assert run.status != 0
    assert words(run, SHOW)[0] == "1 VM: 1 created"
    lacking = "lacks the VMs of vm-cluster-2, which could not be reached"
    assert lacking in told(run)["db1.vms.vm-cluster-1"]
    summary = artifacts(run)["vm_snapshot_summary"]
    assert summary["reason"] == "hosts_failed"
    assert lacking in summary["msg"]
    # One that works for all is without itself.
    wrong = hosts.play_over_palette(keep_last=-1)
    assert all("vm_snapshot_keep_last" in text for text in told(wrong).values())
    assert sorted(lacking in text for text in told(wrong).values()) == [False, True]
    hosts.play_over_palette(max_failed_clusters=1).ok()

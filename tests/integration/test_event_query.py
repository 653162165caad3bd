# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The queries by which Automation Platform counts indirect nodes, on real results."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jq
import pytest
import yaml

from checkout import CHECKOUT
from integration.runs import Ansible
from palette_simulator.launch import Simulator

QUERIES: dict[str, dict[str, str]] = yaml.safe_load(
    (CHECKOUT / "extensions" / "audit" / "event_query.yml").read_text("utf-8")
)
PREFIX = "spectrocloud.palette."
PLACE = {"project": "Default", "cluster": "vm-cluster-1"}
ONE = {**PLACE, "namespace": "vms", "vm_name": "db1"}
TWO = {**PLACE, "namespace": "vms", "vms": ["db1", "web1"]}
TASKS: list[dict[str, Any]] = [
    {f"{PREFIX}vm_snapshot": {**ONE, "name": "counted"}},
    {f"{PREFIX}vm_snapshot_set": {**TWO, "set": "s", "members": "all"}},
    {f"{PREFIX}vm_power": {**PLACE, "state": "restarted", "vm_names": ["vms/db1", "vms/web1"]}},
    {f"{PREFIX}vm_restore": {**ONE, "set": "s", "stop": True}},
    {f"{PREFIX}vm_restore_set": {**TWO, "set": "s", "stop": True}},
    {f"{PREFIX}vm_snapshot_retention": {**PLACE, "set": "s", "keep_last": 0}},
]
MANAGED = [["vms/db1"], ["vms/db1", "vms/web1"]]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, Any]]:
    """The results of the modules that change something, each with its module."""
    home: Path = tmp_path_factory.mktemp("home")
    with Simulator.running("demo", timing="fast", rate_limits="off") as palette:
        run = Ansible(home).play(TASKS, PALETTE_HOST=palette.url, PALETTE_API_KEY="demo-key").ok()
    return [(record["action"], record["result"]) for record in run.records]


def records_of(module: str, result: Any) -> list[dict[str, Any]]:
    """Return what the platform records of a result."""
    found: list[dict[str, Any]] = jq.compile(QUERIES[module]["query"]).input(result).all()
    return found


def test_each_module_that_changes_something_has_a_query() -> None:
    modules = {f"{PREFIX}{path.stem}" for path in (CHECKOUT / "plugins/modules").glob("vm_*.py")}
    assert QUERIES.keys() == {name for name in modules if not name.endswith("_info")}


def test_each_vm_that_was_managed_is_a_node_with_a_name(results: list[tuple[str, Any]]) -> None:
    nodes = {module: records_of(module, result) for module, result in results}
    assert nodes.keys() == QUERIES.keys()
    for module, records in nodes.items():
        assert sorted(record["name"] for record in records) in MANAGED, module
        for record in records:
            assert record["facts"]["device_type"] == "VM"
            assert all(isinstance(v, str) and v for v in record["canonical_facts"].values())
    # One VM is one node, whichever module managed it.
    distinct = {tuple(r["canonical_facts"].items()) for records in nodes.values() for r in records}
    assert len(distinct) == 2


def test_the_vms_beyond_the_rows_of_a_result_are_nodes_too() -> None:
    place = {"cluster_uid": "c1", "namespace": "vms"}
    result = {"members": {}, "left_out": [{**place, "outcome": "created", "vm_names": ["a", "b"]}]}
    records = records_of(f"{PREFIX}vm_snapshot_set", result)
    assert [record["name"] for record in records] == ["vms/a", "vms/b"]
    assert records[0]["canonical_facts"] == {**place, "vm_name": "a"}
    assert records_of(f"{PREFIX}vm_power", {**result, "vms": []}) == records


@pytest.mark.parametrize("module", QUERIES)
@pytest.mark.parametrize(
    "result",
    [
        {"failed": True, "reason": "unauthorized", "msg": "no"},
        {"changed": True, "status": None, "members": None, "vms": None, "snapshots": None},
        {"censored": "the output has been hidden"},
        {"skipped": True, "members": {}, "vms": [], "snapshots": [], "status": {}},
    ],
)
def test_a_result_without_vms_gives_no_node_and_no_error(module: str, result: Any) -> None:
    assert records_of(module, result) == []


def test_a_check_manages_nothing(results: list[tuple[str, Any]]) -> None:
    for module, result in results:
        assert "check_mode" in result
        assert records_of(module, {**result, "check_mode": True}) == []

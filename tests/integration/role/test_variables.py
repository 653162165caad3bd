# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Variables that the role does not know are refused, wherever they come from."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from checkout import CHECKOUT
from integration.role_user import (
    FAIL,
    PLACE,
    REFUSE,
    RETAIN,
    TAKE,
    User,
    including,
    outcomes,
    prefixed,
)
from palette_simulator.launch import Simulator

OWN = yaml.safe_load((CHECKOUT / "roles/vm_snapshot/vars/main.yml").read_text("utf-8"))


def test_the_first_task_tells_all_that_is_wrong(user: User, palette: Simulator) -> None:
    run = user.apply(name="patch", vms=["db1"], older_than="7d", seletor="app=db")
    assert run.status != 0
    assert run.of(REFUSE)["msg"].split("; ") == [
        "vm_snapshot_name has no effect here: use vm_snapshot_set",
        "vm_snapshot_older_than has no effect here: use vm_snapshot_delete_older_than",
        "vm_snapshot_seletor is not known (nearest: vm_snapshot_selector)",
        "vm_snapshot_set must be set",
    ]
    assert palette.requests() == []


def test_values_are_checked(user: User, palette: Simulator) -> None:
    run = user.apply(set="patch", vms=["db1"], state="gone", keep_last="a few")
    assert run.status != 0
    assert "vm_snapshot_state must be one of: present, absent, got: gone" in run.output
    assert "vm_snapshot_keep_last" in run.output
    assert palette.requests() == []


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ({"keep_within": "3M"}, "vm_snapshot_keep_within: '3M' has the unknown unit 'M'"),
        ({"keep_last": -1}, "vm_snapshot_keep_last must be 0 or more"),
        ({"unless_newer_than": "1y"}, "vm_snapshot_unless_newer_than: '1y' has the unknown unit"),
    ],
)
def test_a_rule_is_refused_before_a_snapshot_is_taken(
    user: User, palette: Simulator, rule: dict[str, Any], text: str
) -> None:
    run = user.apply(set="patch", vms=["db1"], **rule)
    assert run.status != 0
    assert text in run.of(REFUSE)["msg"]
    assert palette.requests() == []


@pytest.mark.parametrize(
    ("entry_point", "given", "hint"),
    [
        ("prune", "vms", "use vm_snapshot_vm_names"),
        ("prune", "older_than", "use vm_snapshot_delete_older_than"),
        ("prune", "max_age", "nearest: vm_snapshot_keep_within"),
        ("prune", "unless_newer_than", "leave it out"),
        ("report", "vms", "use vm_snapshot_vm_names"),
        ("report", "keep_last", "leave it out"),
        ("coverage", "unless_newer_than", "leave it out"),
    ],
)
def test_what_would_not_limit_an_entry_point_is_refused(
    user: User, palette: Simulator, entry_point: str, given: str, hint: str
) -> None:
    run = user.apply(tasks_from=entry_point, **{given: "1"})
    assert run.status != 0
    assert run.of(REFUSE)["msg"].startswith(f"vm_snapshot_{given} ")
    assert hint in run.of(REFUSE)["msg"]
    assert palette.requests() == []


@pytest.mark.parametrize("entry_point", ["main", "prune", "report", "coverage", "restore", "power"])
def test_one_namespace_and_several_cannot_be_combined(
    user: User, palette: Simulator, entry_point: str
) -> None:
    given = {"coverage": {}, "power": {"power": "stopped"}}.get(entry_point, {"set": "nightly"})
    run = user.apply(tasks_from=entry_point, namespaces=["prod"], **given)
    assert run.status != 0
    assert "vm_snapshot_namespace and vm_snapshot_namespaces cannot" in run.of(REFUSE)["msg"]
    assert palette.requests() == []


def test_extra_vars_on_how_to_take_snapshots_suit_a_whole_play(user: User) -> None:
    extra = prefixed({"max_failed": 1, "wait": True, "failure_deadline": "5m", "concurrency": 4})
    tasks = [
        including(set="patch", vms=["db1"]),
        including("prune", set="patch", vm_names="db1"),
        including("report", set="patch"),
        including("coverage", vm_names="db1"),
    ]
    user.play({"tasks": tasks}, "-e", json.dumps(extra)).ok()


@pytest.mark.parametrize("source", ["inventory", "play", "fact"])
def test_it_does_not_matter_where_a_variable_comes_from(
    user: User, palette: Simulator, source: str
) -> None:
    wrong = {"vm_snapshot_seletor": "app=db"}
    host = {"ansible_connection": "local", **(wrong if source == "inventory" else {})}
    fact = [{"ansible.builtin.set_fact": wrong}] if source == "fact" else []
    play = {
        "vars": wrong if source == "play" else {},
        "tasks": [*fact, including(set="patch", vms=["db1"])],
    }
    run = user.play(play, hosts={"localhost": host})
    assert run.status != 0
    assert run.of(REFUSE)["msg"].startswith("vm_snapshot_seletor is not known")
    assert palette.requests() == []


def test_registered_results_may_have_any_name(user: User) -> None:
    register = {"ansible.builtin.debug": {"msg": "x"}, "register": "vm_snapshot_rows"}
    skipped = {**register, "register": "vm_snapshot_table", "when": False}
    tasks = [
        register,
        skipped,
        including(set="patch", vms=["db1"]),
        including(set="b", vms=["db1"]),
    ]
    user.play({"tasks": tasks}).ok()


def test_the_roles_own_variables_cannot_be_set_from_outside(user: User, palette: Simulator) -> None:
    own = [*OWN, "__vm_snapshot_task", "__vm_snapshot_retention", "__vm_snapshot_options"]
    facts = ["vm_snapshot_results", "vm_snapshot_reason"]
    extra = {name: {"changed": False} for name in (*own, *facts)}
    tasks = [including(set="patch", vms=["db1"])]
    run = user.play({"tasks": tasks}, "-e", json.dumps(extra))
    assert run.status != 0
    told = run.of(REFUSE)["msg"].split("; ")
    assert [text.split(" ")[0] for text in told] == sorted(extra)
    assert palette.requests() == []


def test_the_roles_own_variables_in_an_inventory_have_no_effect(user: User) -> None:
    own = dict.fromkeys([*OWN, "__vm_snapshot_task", "__vm_snapshot_retention"], "")
    hosts = {"localhost": {"ansible_connection": "local", **own}}
    tasks = [including(set="nightly", vms=["history"], keep_last=1)]
    run = user.play({"tasks": tasks}, hosts=hosts).ok()
    assert outcomes(run) == {"vm-cluster-1/vms/history": "created"}


def test_each_playbook_refuses_what_it_does_not_know(user: User, palette: Simulator) -> None:
    for playbook in sorted((CHECKOUT / "playbooks").glob("*.yml")):
        # One has variables of its own, the other needs hosts: see test_snapshot_hosts.py.
        if playbook.stem in ("awx_setup", "snapshot_hosts"):
            continue
        run = user.ansible.run(
            *("ansible-playbook", f"spectrocloud.palette.{playbook.stem}"),
            *("-e", json.dumps(prefixed({**PLACE, "seletor": "app=db"}))),
            **user.connection,
        )
        assert run.status != 0
        last = run.records[-1]["result"]["msg"]
        assert last.startswith("vm_snapshot_seletor is not known (nearest: vm_snapshot_selector")
    assert palette.requests() == []


@pytest.mark.parametrize("vms", ["db1, web1", "db1\nweb1\n", "db1\r\nweb1", ["db1", "web1"]])
def test_names_may_be_text_or_lists(user: User, vms: Any) -> None:
    run = user.apply(set="patch", vms=vms).ok()
    assert outcomes(run) == dict.fromkeys(
        ["vm-cluster-1/vms/db1", "vm-cluster-1/vms/web1"], "created"
    )
    assert FAIL not in [record["task"] for record in run.records]
    assert run.of(TAKE)["summary"]["total"] == 2


def test_exclusions_on_lines_exclude(user: User) -> None:
    given = {"set": "nightly", "keep_last": 0, "exclude": "db*\r\nhist*\r\n"}
    run = user.apply("--check", tasks_from="prune", **given).ok()
    assert "history" not in [row["vm_name"] for row in run.of(RETAIN)["snapshots"]]

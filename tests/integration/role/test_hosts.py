# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role vm_snapshot in plays over the VMs' own hosts."""

from __future__ import annotations

import re
import sys
from typing import Any

import pytest
import yaml

from checkout import CHECKOUT
from integration.role_user import (
    FAIL,
    PLACE,
    ROLE,
    SHOW,
    TAKE,
    User,
    including,
    prefixed,
    results_of,
)

FQDN = "{{ ansible_play_batch | map('split', '.') | map('first') }}"
OWN_PLACE = "{{ ansible_play_batch | map('extract', hostvars, 'palette_vm') }}"
BASTION = {"ansible_connection": "remote"}
# What the other tasks of a play need to get at the host must not matter.
ELSEWHERE = {"ansible_host": "192.0.2.1", "ansible_python_interpreter": "/nonexistent"}


def _play(vms: object, **keywords: object) -> dict[str, Any]:
    role = {
        "ansible.builtin.import_role": {"name": ROLE},
        "vars": prefixed({**PLACE, "set": "hosts", "vms": vms}),
        **keywords,
    }
    own = (
        "{{ vm_snapshot_results | selectattr('vm_name', 'equalto', inventory_hostname | "
        "split('.') | first) | map(attribute='outcome') | first }}"
    )
    show = {"name": "Show own", "ansible.builtin.debug": {"msg": own}}
    # Becoming root is for the VMs; here it would fail.
    return {"tasks": [role, show], "become": True, "become_exe": "/nonexistent"}


@pytest.mark.parametrize(
    ("hosts", "vms", "keywords", "tasks"),
    [
        (["db1", "web1"], "{{ ansible_play_batch }}", {"run_once": True}, 1),
        (["db1", "web1"], ["{{ inventory_hostname }}"], {}, 2),
        (["db1.example.com", "web1.example.com"], FQDN, {"run_once": True}, 1),
    ],
    ids=["all at once", "each its own", "by FQDN"],
)
def test_runs_in_a_play_over_the_vms_hosts(
    user: User, hosts: list[str], vms: object, keywords: dict[str, object], tasks: int
) -> None:
    run = user.play(_play(vms, **keywords), hosts=dict.fromkeys(hosts, ELSEWHERE)).ok()
    assert len(results_of(run, TAKE)) == tasks
    shown = {r["host"]: r["result"]["msg"] for r in run.records if r["task"] == "Show own"}
    assert shown == dict.fromkeys(hosts, "created")


def test_host_variables_say_which_vm_a_host_is(user: User) -> None:
    hosts = {
        "one.example.com": {"palette_vm": {"vm_name": "db1", "namespace": "prod"}},
        "two.example.com": {"palette_vm": {"vm_name": "edge1", "cluster": "vm-cluster-2"}},
    }
    run = user.play(
        {"tasks": [{**including(set="hosts", vms=OWN_PLACE), "run_once": True}]}, hosts=hosts
    )
    (taken,) = results_of(run.ok(), TAKE)
    assert list(taken["members"]) == ["vm-cluster-1/prod/db1", "vm-cluster-2/vms/edge1"]


def test_all_hosts_stop_when_a_snapshot_is_missing(user: User) -> None:
    play = _play("{{ ansible_play_batch }}", run_once=True)
    run = user.play(play, hosts={"db1": ELSEWHERE, "no-volumes": ELSEWHERE})
    assert run.status != 0
    assert results_of(run, "Show own") == []


def _example() -> dict[str, Any]:
    """Return the play of the README, with a patch."""
    text = (CHECKOUT / "roles" / "vm_snapshot" / "README.md").read_text("utf-8")
    (block,) = re.findall(r"^```yaml\n# patch-hosts.yml\n(.*?)^```", text, re.M | re.S)
    (play,) = yaml.safe_load(block)
    play["tasks"].append({"name": "Patch", "ansible.builtin.debug": {"msg": "patched"}})
    return {**play, "become": False}


GO_ON = ("-e", "vm_snapshot_on_error=continue", "-e", "vm_snapshot_max_failed=1")


@pytest.mark.parametrize(
    ("extra", "why"),
    [
        ((), "leave the hosts of these VMs out of the play. A host whose VM has another name"),
        (GO_ON, "not_found: there is no VM web11 "),
        (("-e", "vm_snapshot_vms=db1"), "no snapshot was taken"),
        (("-e", "vm_snapshot_wait=false", "-l", "db1"), "the snapshot is not ready to use"),
    ],
    ids=["as it is", "going on", "one VM for all", "not waiting"],
)
def test_no_host_is_patched_unless_all_have_a_snapshot_whatever_variables_say(
    user: User, extra: tuple[str, ...], why: str
) -> None:
    hosts = dict.fromkeys(["db1", "web11"], ELSEWHERE)
    run = user.play(_example(), *extra, hosts=hosts)
    assert run.status != 0
    assert results_of(run, "Patch") == []
    told = [
        (record["host"], record["result"]["msg"])
        for record in run.records
        if record["task"] in (FAIL, "Patch no host unless the VM of each has its snapshot")
        and not record["expected"]
    ]
    ((host, message),) = told
    assert why in message
    # What is the first host's fault in the recap is what one task did for all.
    assert host == ("web11" if len(extra) in (2, 4) and "-l" not in extra else "db1")
    assert "go on without these VMs" not in run.output


def test_the_example_patches_no_hosts_that_are_the_same_vm(user: User) -> None:
    hosts = {"db1": ELSEWHERE, "web1": {**ELSEWHERE, "palette_vm_name": "db1"}}
    run = user.play(_example(), hosts=hosts)
    assert run.status != 0
    assert "db1, web1 are the same VM, db1 in namespace vms of vm-cluster-1: " in run.output
    assert results_of(run, TAKE) == []
    assert results_of(run, "Patch") == []


def test_the_example_patches_hosts_that_have_their_snapshots_also_in_check_mode(
    user: User,
) -> None:
    hosts = {"db1": ELSEWHERE, "one.example.com": {**ELSEWHERE, "palette_vm_name": "web1"}}
    for arguments in (["--check"], []):
        run = user.play(_example(), *arguments, hosts=hosts).ok()
        assert len(results_of(run, "Patch")) == 2


def test_tags_reach_the_roles_tasks(user: User) -> None:
    imported = {
        "ansible.builtin.import_role": {"name": ROLE},
        "vars": prefixed({**PLACE, "set": "imported", "vms": ["db1"]}),
        "tags": "snapshot",
    }
    included = {
        **including(apply={"tags": ["snapshot"]}, set="included", vms=["db1"]),
        "tags": "snapshot",
    }
    other = {"name": "Patch", "ansible.builtin.debug": {"msg": "patched"}}
    tasks = [imported, other, included]
    run = user.play({"tasks": tasks}, "--tags", "snapshot").ok()
    assert len(results_of(run, SHOW)) == 2
    assert results_of(run, "Patch") == []
    run = user.play({"tasks": tasks}, "--skip-tags", "snapshot").ok()
    assert [record["task"] for record in run.records] == ["Patch"]


@pytest.mark.parametrize("python", [sys.executable, "/nonexistent"])
def test_a_bastion_may_talk_to_palette(user: User, python: str) -> None:
    hosts = {"db1": ELSEWHERE, "bastion": {**BASTION, "ansible_python_interpreter": python}}
    role = including(apply={"delegate_to": "bastion"}, set="bastion", vms=["db1"])
    run = user.play({"hosts": "db1", "tasks": [role]}, hosts=hosts)
    # It is the bastion's Python that runs the module.
    assert (run.status == 0) == (python == sys.executable)

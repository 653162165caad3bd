# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The recipes work when they are pasted, and do what they say."""

from __future__ import annotations

import json
import re
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from checkout import CHECKOUT, commit_to
from integration.role_user import (
    FAIL,
    RETAIN,
    SHOW,
    SHOW_RETENTION,
    TAKE,
    doomed,
    results_of,
    table,
    words,
)
from integration.runs import Ansible, Run
from palette_simulator.launch import LIMIT, Simulator

TEXT = (CHECKOUT / "docs" / "recipes.md").read_text("utf-8")
REPOSITORY = "https://github.com/spectrocloud/ansible-collection-palette.git"
AUDIT = "Show the VMs without a recent usable snapshot"
REPORT = "Show the snapshots, newest first"
PROXY = "http://proxy.example.com:3128"


class Recipe:
    """A recipe: the files to write, by name, and the lines to type."""

    def __init__(self, title: str) -> None:
        (text,) = re.findall(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", TEXT, re.M | re.S)
        blocks = re.findall(r"^```yaml\n# (\S+\.yml)\n(.*?)^```", text, re.M | re.S)
        assert len(blocks) == text.count("```yaml")
        self.files = dict(blocks)
        self.lines = "".join(re.findall(r"^```shell\n(.*?)^```", text, re.M | re.S)).splitlines()


class Cook:
    """Somebody who follows recipes, with a home of their own."""

    def __init__(self, home: Path, palette: Simulator) -> None:
        self.ansible = Ansible(home)
        self.home = home
        self.palette = palette
        self.environment = {"PALETTE_HOST": palette.url, "PALETTE_API_KEY": "demo-key"}

    def writes(self, recipe: Recipe, **instead: str) -> None:
        """Write a recipe's files; instead: texts for placeholders, by file."""
        for name, content in recipe.files.items():
            path = self.home / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(instead.get(name, content), encoding="utf-8")

    def types(self, line: str, *, warns: bool = False) -> Run:
        """Type a line, which may have a warning on the screen only if it should."""
        run = self.ansible.run("/bin/sh", "-e", "-c", line, **self.environment)
        assert ("[WARNING]" in run.output) == warns, run.output
        return run

    def follows(self, title: str) -> list[Run]:
        """Follow a recipe to the letter."""
        recipe = Recipe(title)
        self.writes(recipe)
        return [self.types(line).ok() for line in recipe.lines]


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    """A Palette whose names are those of the recipes."""
    with Simulator.running("demo", timing="fast", rate_limits="off") as running:
        yield running


@pytest.fixture
def cook(tmp_path: Path, simulator: Simulator) -> Cook:
    """A cook, with a Palette that is as new."""
    simulator.reset()
    return Cook(tmp_path, simulator)


def test_every_recipe_has_a_test() -> None:
    source = Path(__file__).read_text("utf-8")
    titles = re.findall(r"^## (.+)$", TEXT, re.M)
    assert [title for title in titles if f'"{title}"' not in source] == []


PATCH = "Patch hosts, with a snapshot before and retention after"
GO_BACK = "Fail, and say what to restore from"


# Hosts with full names say what their VMs are called.
OWN_NAMES = """
  vars:
    palette_vm_name: "{{ inventory_hostname.split('.') | first }}"
"""


def patched_with_failures(cook: Cook, **instead: str) -> Run:
    """Patch with a patch that fails on web1. instead: texts for files of the recipe."""
    fail = "- name: Patch\n  ansible.builtin.fail:\n  when: inventory_hostname.startswith('web1')\n"
    cook.writes(Recipe(PATCH), **{"patch-tasks.yml": fail, **instead})
    run = cook.types(Recipe(PATCH).lines[-1])
    assert run.status != 0
    assert [result["msg"][-1] for result in results_of(run, SHOW)] == ["1 VM: 1 created"] * 2
    assert run.of(GO_BACK)["msg"].startswith(
        "Patch failed: Failed as requested from task -- Ready snapshots of web1, newest first: "
        "web1-before-patch-"
    )
    return run


def of_each_vm(cook: Cook) -> dict[str, int]:
    """Return how many snapshots of the patch each VM has, in a report."""
    return dict(Counter(row[2] for row in reported(cook)))


def reported(cook: Cook) -> list[list[str]]:
    """Return the rows of a report on the snapshots of the patch."""
    report = "ansible-playbook spectrocloud.palette.snapshot_report -e vm_snapshot_project=Default"
    run = cook.types(f"{report} -e vm_snapshot_set=before-patch").ok()
    return table(run, REPORT)[1:]


def test_patch_hosts(cook: Cook) -> None:
    (real,) = cook.follows(PATCH)
    shown = [result["msg"][-1] for result in results_of(real, SHOW)]
    assert shown == ["1 VM: 1 created"] * 2
    told = [record["task"] for record in real.records if record["host"] in ("db1", "web1")]
    patched = [i for i, task in enumerate(told) if task == "Stand in for your own tasks"]
    taken = [i for i, task in enumerate(told) if task == SHOW]
    assert taken[0] < taken[1] < patched[0] < patched[1] < told.index(RETAIN)
    # A host that fails keeps its snapshots, though it is rescued, and a new patch takes new ones.
    for _patch in range(3):
        run = patched_with_failures(cook)
    assert [name.split("-")[0] for name in doomed(run)] == ["db1"]
    assert of_each_vm(cook) == {"db1": 3, "web1": 4}


def test_patch_hosts_in_batches_and_by_full_names(cook: Cook) -> None:
    files = Recipe(PATCH).files
    play = files["patch-hosts.yml"].replace("keep_last: 3", "keep_last: 1")
    instead = {
        "patch-hosts.yml": play.replace("  become:", "  serial: 1\n  become:"),
        "hosts.yml": files["hosts.yml"].replace("1:", "1.example.com:") + OWN_NAMES,
    }
    for _patch in range(2):
        patched_with_failures(cook, **instead)
    assert of_each_vm(cook) == {"db1": 1, "web1": 2}


def test_patch_a_host_whose_vm_has_another_name(cook: Cook) -> None:
    hosts = Recipe(PATCH).files["hosts.yml"].replace("db1:", "orders: {palette_vm_name: db1}")
    run = patched_with_failures(cook, **{"hosts.yml": hosts})
    assert of_each_vm(cook) == {"db1": 1, "web1": 1}
    told = run.of(GO_BACK)["msg"]
    # It is of no set, as is what a restore took of the VM after a patch.
    assert "web1-last-week" not in told
    (command,) = re.findall(r" -- To restore the newest: (.*)", told)
    back = cook.types(command).ok()
    counts, cleaning = words(back, "Show the VMs that were restored")
    assert counts == "1 VM: 1 restored"
    assert cleaning.endswith("/docs/restoring.md#clean-up-afterwards")


@pytest.mark.parametrize("title", [PATCH, "Patch hosts with modules only"])
def test_patch_a_host_whose_vm_is_in_another_namespace(cook: Cook, title: str) -> None:
    recipe = Recipe(title)
    place = "{palette_cluster: vm-cluster-1, palette_namespace: prod}"
    hosts = recipe.files["hosts.yml"].replace("web1:", f"shop1: {place}")
    cook.writes(recipe, **{"hosts.yml": hosts})
    cook.types(recipe.lines[-1]).ok()
    assert of_each_vm(cook) == {"db1": 1, "shop1": 1}


@pytest.mark.parametrize(
    "title",
    [
        PATCH,
        "Patch hosts with modules only",
        "Patch hundreds of hosts",
        "Patch hosts, and restore them if it fails",
        "Patch hosts, and restore only those that fail",
    ],
)
def test_hosts_that_are_the_same_vm_are_not_patched(cook: Cook, title: str) -> None:
    recipe = Recipe(title)
    place = "vars: {palette_cluster: vm-cluster-1, palette_namespace: vms}"
    hosts = f"all:\n  hosts:\n    web1:\n    db1: {{palette_vm_name: web1}}\n  {place}\n"
    # Also if they would be patched one after the other.
    plays = {
        name: re.sub("( +)tasks:", r"\1serial: 1\n\1tasks:", text)
        for name, text in recipe.files.items()
        if "  tasks:" in text
    }
    cook.writes(recipe, **{**plays, "hosts.yml": hosts})
    run = cook.types(recipe.lines[-1])
    assert run.status != 0
    assert "web1, db1 are the same VM, web1 in namespace vms of vm-cluster-1: " in run.output
    assert results_of(run, "Stand in for your own tasks") == []
    assert [entry for entry in cook.palette.requests() if entry["method"] == "POST"] == []


def test_the_same_vm_in_two_inventories_is_not_patched(cook: Cook) -> None:
    recipe = Recipe(INVENTORY)
    place = "palette_vm: {vm_name: db1, namespace: vms, cluster: vm-cluster-1}"
    (cook.home / "more.yml").write_text(f"to_patch: {{hosts: {{old: {{{place}}}}}}}\n", "utf-8")
    cook.writes(recipe)
    run = cook.types(f"{recipe.lines[-1]} -i more.yml")
    assert run.status != 0
    assert "are the same VM, db1 in namespace vms of vm-cluster-1: " in run.output
    assert results_of(run, "Patch the host") == []
    assert results_of(run, TAKE) == []


def test_a_host_without_a_snapshot_is_not_patched_whatever_variables_say(cook: Cook) -> None:
    hosts = Recipe(PATCH).files["hosts.yml"].replace("web1:", "web11:")
    cook.writes(Recipe(PATCH), **{"hosts.yml": hosts})
    go_on = "-e vm_snapshot_on_error=continue -e vm_snapshot_max_failed=1"
    run = cook.types(f"{Recipe(PATCH).lines[-1]} {go_on}", warns=True)
    assert run.status == 2
    patched = [r["host"] for r in run.records if r["task"] == "Stand in for your own tasks"]
    assert patched == ["db1"]
    assert run.of(GO_BACK)["msg"].startswith(
        "Patch no host without a snapshot failed: there is no VM web11 "
    )
    assert run.of(GO_BACK)["msg"].endswith("Ready snapshots of web11, newest first: none")


def test_an_unreachable_host_keeps_its_snapshots(cook: Cook) -> None:
    recipe = Recipe(PATCH)
    ping = "- name: Patch\n  ansible.builtin.ping:\n"
    # Without an interpreter, some of Ansible would first look for one, and warn.
    place = "ansible_host: 127.0.0.1, ansible_port: 1, ansible_python_interpreter: /usr/bin/python3"
    nowhere = f"all:\n  hosts:\n    db1: {{{place}}}\n"
    for _patch in range(4):
        cook.writes(recipe, **{"patch-tasks.yml": ping, "hosts.yml": nowhere})
        run = cook.types(recipe.lines[-1])
        assert run.status != 0
        assert results_of(run, GO_BACK) == []
    assert of_each_vm(cook) == {"db1": 4}


def test_patch_hundreds_of_hosts(cook: Cook) -> None:
    title = "Patch hundreds of hosts"
    (run,) = cook.follows(title)
    assert len(results_of(run, "Stand in for your own tasks")) == 2
    refused = {"action": "status", "status": 403, "method": "POST", "path": "/web1/snapshot$"}
    cook.palette.inject({**refused, "times": None})
    text = Recipe(title).files["patch-many.yml"].replace("newer_than: 1h", "newer_than: 1s")
    cook.writes(Recipe(title), **{"patch-many.yml": text})
    run = cook.types(Recipe(title).lines[-1])
    assert run.status == 2
    patched = [r["host"] for r in run.records if r["task"] == "Stand in for your own tasks"]
    assert patched == ["db1"]
    assert of_each_vm(cook) == {"db1": 2, "web1": 1}


def test_patch_of_hundreds_that_fails_keeps_the_snapshots_of_its_host(cook: Cook) -> None:
    recipe = Recipe("Patch hundreds of hosts")
    play = recipe.files["patch-many.yml"].replace("newer_than: 1h", "newer_than: 1s")
    fail = "- name: Patch\n  ansible.builtin.fail:\n  when: inventory_hostname == 'db1'\n"
    cook.writes(
        recipe,
        **{"patch-many.yml": play.replace("keep_last: 3", "keep_last: 1"), "patch-tasks.yml": fail},
    )
    for _patch in range(2):
        assert cook.types(recipe.lines[-1]).status == 2
    assert of_each_vm(cook) == {"db1": 2, "web1": 1}


INVENTORY = "Patch the VMs of the inventory, with a snapshot before"


def test_patch_the_inventory(cook: Cook) -> None:
    graph, predicted, real = cook.follows(INVENTORY)
    assert "@app_web:" in graph.output
    assert [run.of(SHOW)["msg"][-1] for run in (predicted, real)] == [
        "3 VMs: 3 would be created",
        "3 VMs: 3 created",
    ]
    assert len(results_of(real, "Patch the host")) == 3
    refused = {"action": "status", "status": 403, "method": "POST", "path": "/web1/snapshot$"}
    cook.palette.inject({**refused, "times": None})
    another = "-e vm_snapshot_set=another -e vm_snapshot_max_failed=1"
    run = cook.types(f"{Recipe(INVENTORY).lines[-1]} {another}", warns=True)
    assert run.status == 2
    assert results_of(run, "Patch the host") == []


def test_change(cook: Cook) -> None:
    title = "Change a VM, and know what to restore from"
    (run,) = cook.follows(title)
    assert [told["msg"][-1] for told in results_of(run, SHOW)] == [
        "1 VM: 1 created",
        "1 VM: 1 deleted",
    ]
    cook.writes(Recipe(title), **{"change-tasks.yml": "- ansible.builtin.fail:\n"})
    run = cook.types(Recipe(title).lines[-1])
    assert run.status != 0
    last = run.of(GO_BACK)["msg"]
    assert " failed: " in last
    # A name of its own, so that a later attempt takes a new one.
    assert " -- Ready snapshots of db1, newest first: db1-before-patch-20" in last
    refused = {"action": "status", "status": 403, "method": "POST", "path": "/snapshot$"}
    cook.palette.inject({**refused, "times": None})
    text = Recipe(title).files["change.yml"].replace("before-patch", "other")
    cook.writes(Recipe(title), **{"change.yml": text})
    run = cook.types(Recipe(title).lines[-1])
    last = run.of(GO_BACK)["msg"]
    assert last.startswith(f"{FAIL} failed: ")
    assert "HTTP 403" in last
    # There is an older one.
    assert " -- Ready snapshots of db1, newest first: db1-before-patch-20" in last
    run = cook.types(f"{Recipe(title).lines[-1]} -e vm_snapshot_retries=some")
    last = run.of(GO_BACK)["msg"]
    assert "vm_snapshot_retries" in last
    assert " -- Ready snapshots of db1, newest first: db1-before-patch-20" in last
    cook.environment["PALETTE_API_KEY"] = "wrong"
    run = cook.types(Recipe(title).lines[-1])
    assert " -- Ready snapshots of db1, newest first: not known, because " in run.of(GO_BACK)["msg"]


def test_patch_hosts_with_modules_only(cook: Cook) -> None:
    title = "Patch hosts with modules only"
    (run,) = cook.follows(title)
    patched = "Stand in for your own tasks"
    # They are patched at the same time.
    at = sorted(record["host"] for record in run.records if record["task"] == patched)
    assert at == ["db1", "web1"]
    assert run.of("Take a snapshot of each host's VM")["summary"]["created"] == 2
    hosts = Recipe(title).files["hosts.yml"].replace("web1:", "web9:")
    cook.writes(Recipe(title), **{"hosts.yml": hosts})
    run = cook.types(Recipe(title).lines[-1], warns=True)
    assert run.status != 0
    told = [result["msg"] for result in results_of(run, "Leave out a host without a snapshot")]
    assert told[-1].startswith("No usable snapshot: not_found: there is no VM web9 ")
    assert [record["host"] for record in run.records if record["task"] == patched] == ["db1"]
    assert of_each_vm(cook) == {"db1": 1, "web1": 1}


def test_guarded_hosts_are_brought_back(cook: Cook) -> None:
    recipe = Recipe("Patch hosts, and restore them if it fails")
    here = recipe.files["hosts.yml"].replace(".com:", ".com: {ansible_connection: local}")
    cook.writes(recipe, **{"hosts.yml": here})
    run = cook.types(recipe.lines[0]).ok()
    assert "retention: deleted 0 snapshots, kept 2" in run.output
    fail = "- name: Check\n  ansible.builtin.fail:\n  when: inventory_hostname.startswith('web1')\n"
    cook.writes(recipe, **{"hosts.yml": here, "patch-checks.yml": fail})
    run = cook.types(recipe.lines[0])
    assert run.status != 0
    told = [result["msg"] for result in results_of(run, "Fail if the change failed")]
    assert len(told) == 2
    assert all(text.endswith("All 2 VMs were restored to before the change.") for text in told)
    assert of_each_vm(cook) == {"db1": 2, "web1": 2}


def test_guarded_patch_in_batches_ends_at_the_host_that_fails(cook: Cook) -> None:
    recipe = Recipe("Patch hosts, and restore them if it fails")
    play = recipe.files["guarded-hosts.yml"].replace("  tasks:\n", "  serial: 1\n  tasks:\n", 1)
    # After one play in batches, another one with a group that is well.
    plays = f"{play}{recipe.files['guarded-hosts.yml'].replace('hosts: all', 'hosts: db1*')}"
    here = recipe.files["hosts.yml"].replace(".com:", ".com: {ansible_connection: local}")
    misspelt = "web9.example.com: {ansible_connection: local}"
    hosts = here.replace("    web1.", f"    {misspelt}\n    web1.")
    cook.writes(recipe, **{"guarded-hosts.yml": plays, "hosts.yml": hosts})
    run = cook.types(recipe.lines[0])
    assert run.status != 0
    patched = [r["host"] for r in run.records if r["task"] == "Stand in for your own tasks"]
    assert patched == ["db1.example.com"]
    assert "Nothing was changed on the hosts of this batch. " in run.output
    assert of_each_vm(cook) == {"db1": 1}


def test_only_hosts_whose_patch_fails_are_restored(cook: Cook) -> None:
    recipe = Recipe("Patch hosts, and restore only those that fail")
    # An older snapshot of the set is no way back.
    cook.writes(recipe)
    cook.types(recipe.lines[0]).ok()
    fail = "- name: Patch\n  ansible.builtin.fail:\n  when: inventory_hostname != 'db1'\n"
    hosts = f"{recipe.files['hosts.yml']}    web9:\n"
    cook.writes(recipe, **{"patch-tasks.yml": fail, "hosts.yml": hosts})
    run = cook.types(recipe.lines[0])
    assert run.status == 2
    assert words(run, "Show the VMs that were restored")[0] == "1 VM: 1 restored"
    names = [row[3] for row in reported(cook) if row[2] == "web1"]
    assert len(names) == 2
    assert run.of("Fail, so that the recap tells")["msg"] == (
        f"Patch failed: Failed as requested from task -- web1 was restored from {max(names)}."
    )
    # web9 is no VM. It would fail here, too.
    failed = {record["host"] for record in run.records if record["task"] == "Patch"}
    assert failed == {"web1"}
    kept = {record["host"] for record in run.records if record["task"] == RETAIN}
    assert kept == {"db1"}


def test_nightly_and_audit(cook: Cook) -> None:
    audit = Recipe("Find VMs without a recent snapshot")
    assert cook.types(audit.lines[0]).status != 0
    predicted, real = cook.follows("Take snapshots of a fleet every night")
    assert words(predicted, SHOW) == ["5 VMs: 5 would be created"]
    assert words(real, SHOW) == ["5 VMs: 5 created"]
    assert words(real, SHOW_RETENTION) == [
        "retention: deleted 0 snapshots, kept 5",
        "nothing to delete: 5 the newest usable of its VM and set (stays under any rule)",
    ]
    cook.types(audit.lines[0]).ok()


def test_what_the_audit_found_missing_is_taken(cook: Cook) -> None:
    place = "-e vm_snapshot_project=Default -e vm_snapshot_cluster=vm-cluster-1"
    one = f"{place} -e vm_snapshot_namespace=vms -e vm_snapshot_set=nightly -e vm_snapshot_vms=db1"
    cook.types(f"ansible-playbook spectrocloud.palette.snapshot {one}").ok()
    (run,) = cook.follows("Take what the audit found missing")
    assert words(run, SHOW) == ["5 VMs: 5 created"]
    counts = [result["msg"][-1] for result in results_of(run, AUDIT)]
    assert [text.partition(" in ")[0] for text in counts] == ["5 of 6 VMs", "0 of 6 VMs"]
    # Nothing is left to take.
    again = cook.types("ansible-playbook take-missing.yml").ok()
    assert results_of(again, SHOW) == []


def test_nothing_is_taken_if_the_audit_could_not_see_all(cook: Cook) -> None:
    recipe = Recipe("Take what the audit found missing")
    cook.writes(recipe)
    run = cook.types(f"{recipe.lines[0]} -e vm_snapshot_project=Defualt")
    assert run.status != 0
    assert "project 'Defualt' not found" in run.records[-1]["result"]["msg"]


def test_nightly_with_a_sick_cluster(tmp_path: Path) -> None:
    recipe = Recipe("Nightly over all clusters, some of which may be down")
    with Simulator.running("demo", timing="fast", rate_limits="off", clusters=2, vms=4) as palette:
        cook = Cook(tmp_path, palette)
        palette.sicken("edge-002", "503")
        cook.writes(recipe)
        nightly, report = (cook.types(line, warns=True).ok() for line in recipe.lines)
        missed = "not reached: 1 of 3 clusters: edge-002 (unavailable)"
        counts, cause = words(nightly, SHOW)
        assert counts == "8 VMs: 8 created"
        assert cause.startswith(f"{missed}: ")
        assert words(report, REPORT)[1:] == [cause]
        (audit,) = Recipe("Find VMs without a recent snapshot").lines
        run = cook.types(audit, warns=True)
        assert run.status != 0
        assert run.records[-1]["result"]["msg"].endswith(f" from the last 24h; {cause}")
        # More than may be.
        cook.writes(recipe, **{"all-clusters.yml": recipe.files["all-clusters.yml"][:-2] + "0\n"})
        run = cook.types(recipe.lines[0])
        assert run.status != 0
        assert missed in run.of(FAIL)["msg"]
        palette.heal("edge-002")
        run = cook.types(recipe.lines[0]).ok()
        assert words(run, SHOW) == ["10 VMs: 2 created, 8 fresh"]


def test_the_night_is_told_in_the_morning(tmp_path: Path) -> None:
    recipe = Recipe("Tell in the morning what the night did")
    with Simulator.running("demo", timing="fast", rate_limits="off", clusters=2, vms=4) as palette:
        cook = Cook(tmp_path, palette)
        cook.writes(recipe)
        palette.sicken("edge-002", "503")
        cook.types(recipe.lines[0], warns=True).ok()
        assert (cook.home / "night.txt").read_text("utf-8").splitlines()[:3] == [
            "Failure: none",
            "Clusters not reached: edge-002",
            "VMs: 8, without a usable snapshot: 0",
        ]
        failing = recipe.files["told.yml"].replace("failed_clusters: 2", "failed_clusters: 0")
        cook.writes(recipe, **{"told.yml": failing})
        assert cook.types(recipe.lines[0]).status != 0
        failure = (cook.home / "night.txt").read_text("utf-8").splitlines()[0]
        assert failure.startswith("Failure: 8 VMs: 8 fresh -- not reached: 1 of 3 clusters: ")


def test_one_filter_or_another(cook: Cook) -> None:
    (run,) = cook.follows("Select VMs by one filter or another")
    shown = [result["msg"][-1] for result in results_of(run, SHOW)]
    assert shown == ["2 VMs: 2 created"] * 2


def test_one_line_for_monitoring(cook: Cook) -> None:
    recipe = Recipe("Tell monitoring in one line")
    cook.writes(recipe)
    check, show = recipe.lines

    def told(more: str = "") -> str:
        cook.types(f"{check} {more}").ok()
        return cook.types(show).ok().output

    bare = told()
    assert bare.startswith("CRITICAL: 6 of 6 VMs in project Default without a usable snapshot ")
    fleet = "-e vm_snapshot_project=Default -e vm_snapshot_set=x -e vm_snapshot_all=true"
    cook.types(f"ansible-playbook spectrocloud.palette.snapshot_fleet {fleet}").ok()
    assert re.fullmatch(r"OK: each VM has a recent snapshot \(checked at \S+Z\)\n", told())
    for wrong, named in (("project=Defualt", "'Defualt'"), ("retries=some", "vm_snapshot_retries")):
        line = told(f"-e vm_snapshot_{wrong}")
        assert line.startswith("UNKNOWN: ")
        assert named in line


def test_what_a_retention_keeps(cook: Cook) -> None:
    cook.follows("Take snapshots of a fleet every night")
    (run,) = cook.follows("See which snapshots a retention keeps, and why")
    heading, *rows = words(run, "Show what would stay")
    assert heading.split()[-3:] == ["WHY", "KEPT", "BY"]
    assert len(rows) == 5
    assert all(row.endswith("newest_usable  keep_daily, keep_weekly, keep_monthly") for row in rows)


def test_counts(cook: Cook) -> None:
    (run,) = cook.follows("Count VMs by cluster and namespace")
    counts = run.of("Show the counts of each namespace")["results"]
    assert {result["item"]: result["msg"] for result in counts} == {
        "vm-cluster-1/prod": "2 VMs, 2 without",
        "vm-cluster-1/vms": "4 VMs, 4 without",
    }


def test_snapshots_by_hand(cook: Cook) -> None:
    cook.follows("Change a VM, and know what to restore from")
    cook.follows("Take snapshots of a fleet every night")
    (run,) = cook.follows("Find snapshots that somebody took by hand")
    assert [row[3] for row in table(run, REPORT)[1:]] == ["web1-last-week"]


def test_delete_failed_snapshots(cook: Cook, simulator: Simulator) -> None:
    simulator.change_vm("vm-cluster-1", "vms", "db1", timing={"cut": LIMIT})
    place = {"project": "Default", "cluster": "vm-cluster-1", "namespace": "vms", "vm_name": "db1"}
    arguments = json.dumps({**place, "name": "fails", "failure_deadline": "1s"})
    module = "spectrocloud.palette.vm_snapshot"
    failed = cook.ansible.run(
        "ansible", "localhost", "-m", module, "-a", arguments, **cook.environment
    )
    assert "snapshot_failed" in failed.output
    predicted, done = cook.follows("Delete failed snapshots, whoever took them")
    for run in (predicted, done):
        (deleted,) = run.of("Delete those that failed")["results"]
        assert deleted["outcome"] == "deleted"
    assert simulator.stats()["snapshots"] == 1


def test_way_back_after_a_change_that_failed(cook: Cook) -> None:
    change = Recipe("Change a VM, and know what to restore from")
    cook.writes(change, **{"change-tasks.yml": "- ansible.builtin.fail:\n"})
    failed = cook.types(change.lines[0])
    back = Recipe("Restore from a snapshot")
    cook.writes(back)
    run = cook.types(back.lines[0]).ok()
    status = run.of("Restore the database to where it was before the change")["status"]
    assert f", newest first: {status['snapshot']} of " in failed.of(GO_BACK)["msg"]
    assert status["runs"]


def test_report_in_files(cook: Cook) -> None:
    cook.follows("Write a report as a web page, CSV or JSON")
    assert "web1-last-week" in (cook.home / "snapshots.csv").read_text("utf-8")
    found = json.loads((cook.home / "snapshots.json").read_text("utf-8"))
    assert [row["name"] for row in found["snapshots"]] == ["web1-last-week"]
    assert "<th scope=row>web1" in (cook.home / "snapshots.html").read_text("utf-8")


def test_connection_in_group_vars(cook: Cook) -> None:
    recipe = Recipe("Keep the connection in group_vars and a vault")
    cook.environment = {}
    palette, vault = "group_vars/all/palette.yml", "group_vars/all/vault.yml"
    where = recipe.files[palette].replace("https://api.spectrocloud.com", cook.palette.url)
    key = recipe.files[vault].replace("your API key", "demo-key")
    cook.writes(recipe, **{palette: where, vault: key})
    runs = [cook.types(line).ok() for line in recipe.lines]
    assert "demo-key" not in (cook.home / vault).read_text("utf-8")
    assert all("1 snapshot of 1 VM: 1 ready" in run.output for run in runs[2:])
    assert len(runs) == 4


def test_proxy(tmp_path: Path) -> None:
    recipe = Recipe("Reach Palette through a proxy")
    with (
        Simulator.running("demo", timing="fast", tls=True) as palette,
        proxy(palette) as (url, asked),
    ):
        cook = Cook(tmp_path, palette)
        # A host that only the proxy knows.
        cook.environment["PALETTE_HOST"] = "https://palette.example.com"
        text = recipe.files["proxied.yml"].replace(PROXY, url)
        # The simulator's certificate is for another name.
        text = text.replace("Default\n", "Default\n        vm_snapshot_validate_certs: false\n")
        cook.writes(recipe, **{"proxied.yml": text})
        (line,) = recipe.lines
        run = cook.ansible.run("/bin/sh", "-e", "-c", line, **cook.environment).ok()
    assert "1 snapshot of 1 VM: 1 ready" in run.output
    assert set(asked) == {"palette.example.com:443"}


@contextmanager
def proxy(palette: Simulator) -> Iterator[tuple[str, list[str]]]:
    """Run a proxy that takes all hosts for Palette; yield its URL, and what it is asked for."""
    asked: list[str] = []
    server = socket.create_server(("127.0.0.1", 0))
    to = urlsplit(palette.url)

    def serve() -> None:
        while True:
            try:
                client, _address = server.accept()
            except OSError:
                return
            threading.Thread(target=tunnel, args=(client,), daemon=True).start()

    def tunnel(client: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            head += client.recv(4096)
        asked.append(head.split()[1].decode())
        there = socket.create_connection((to.hostname or "", to.port or 0))
        client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        back = threading.Thread(target=pump, args=(there, client), daemon=True)
        back.start()
        pump(client, there)
        back.join()

    def pump(source: socket.socket, sink: socket.socket) -> None:
        # Either side may hang up first.
        with suppress(OSError), sink:
            while data := source.recv(65536):
                sink.sendall(data)

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.getsockname()[1]}", asked
    finally:
        server.close()


def test_install_from_git(tmp_path: Path) -> None:
    recipe = Recipe("Install a version from git")
    repository = tmp_path / "repository"
    commit_to(repository)
    # What is fetched from GitHub comes from this checkout.
    served = f'[url "{repository.as_uri()}"]\n    insteadOf = {REPOSITORY}\n'
    home = tmp_path / "home"
    home.mkdir()
    (home / ".gitconfig").write_text(served, encoding="utf-8")
    (home / "requirements.yml").write_text(recipe.files["requirements.yml"], encoding="utf-8")
    (line,) = recipe.lines
    own = {
        "ANSIBLE_COLLECTIONS_PATH": str(home / "collections"),
        "ANSIBLE_COLLECTIONS_SCAN_SYS_PATH": "false",
    }
    Ansible(home).run("/bin/sh", "-e", "-c", line, **own).ok()
    installed = home / "collections" / "ansible_collections" / "spectrocloud" / "palette"
    assert (installed / "playbooks" / "snapshot_coverage.yml").is_file()


def test_snapshots_of_vms_that_are_off_meanwhile(cook: Cook) -> None:
    cook.palette.change_vm("vm-cluster-1", "vms", "db2", power="Stopped")
    _check, run = cook.follows("Take snapshots of VMs while they are off")
    assert power_calls(cook) == ["stop db1", "start db1"]
    assert "going to stop 1 VM for its snapshot" in run.output
    assert not (cook.home / "ran.json").exists()


def test_a_snapshot_that_fails_leaves_no_record(cook: Cook) -> None:
    """A later run would start what was stopped on purpose since."""
    title = "Take snapshots of VMs while they are off"
    cook.writes(Recipe(title))
    refused = {"action": "status", "status": 403, "method": "POST", "path": "/snapshot$"}
    cook.palette.inject({**refused, "times": None})
    run = cook.types(Recipe(title).lines[-1])
    assert run.status != 0
    assert "HTTP 403" in run.output
    calls = ["start db1", "start db2", "stop db1", "stop db2"]
    assert sorted(power_calls(cook)) == calls
    assert not (cook.home / "ran.json").exists()


def test_record_of_a_run_that_was_killed_starts_what_ran(cook: Cook) -> None:
    title = "Take snapshots of VMs while they are off"
    cook.writes(Recipe(title))
    cook.palette.change_vm("vm-cluster-1", "vms", "db1", power="Stopped")
    (cook.home / "ran.json").write_text('["db1"]', encoding="utf-8")
    cook.types(Recipe(title).lines[-1]).ok()
    assert power_calls(cook) == ["stop db2", "start db2", "start db1"]


def power_calls(cook: Cook) -> list[str]:
    """Return the power calls, in their order: verb and VM."""
    calls = [
        entry["path"].split("/")[-2:]
        for entry in cook.palette.requests()
        if entry["method"] == "PUT"
    ]
    return [f"{verb} {vm}" for vm, verb in calls]

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role vm_snapshot, in plays on localhost and over VMs' hosts, against the simulator."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from integration.runs import Ansible, Run
from palette_simulator.launch import Simulator

ROLE = "spectrocloud.palette.vm_snapshot"
TAKE = "Take or delete the snapshots"
KEEP = "Set the facts about each VM"
SAY = "Fail, and report which VMs have a usable snapshot"
WRITES = ("POST", "PUT", "DELETE")


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


class User:
    """Somebody who applies the role."""

    def __init__(self, ansible: Ansible, palette: Simulator) -> None:
        self.ansible = ansible
        self.connection: dict[str, Any] = {
            "PALETTE_HOST": palette.url,
            "PALETTE_API_KEY": "demo-key",
            "ANSIBLE_SHOW_CUSTOM_STATS": "1",
        }

    def apply(self, *arguments: object, tasks_from: str = "main", **variables: Any) -> Run:
        """Apply the role on localhost. Variables are extra vars, without their prefix."""
        role = {"name": ROLE, "tasks_from": tasks_from}
        extra = {f"vm_snapshot_{name}": value for name, value in self._place(variables).items()}
        return self.ansible.play(
            [{"ansible.builtin.include_role": role}],
            *("-e", json.dumps(extra), *arguments),
            **self.connection,
        )

    def play(self, play: Mapping[str, Any], hosts: Mapping[str, Any], **environment: str) -> Run:
        """Run a play of one task over hosts."""
        keywords = dict(play)
        tasks = keywords.pop("tasks")
        return self.ansible.play(
            tasks, keywords=keywords, hosts=hosts, **{**self.connection, **environment}
        )

    @staticmethod
    def _place(variables: Mapping[str, object]) -> dict[str, object]:
        place = {"project": "Default", "cluster": "vm-cluster-1", "namespace": "vms"}
        return {**place, **variables}


@pytest.fixture
def user(tmp_path: Path, palette: Simulator) -> User:
    """A user with nothing but the collection."""
    return User(Ansible(tmp_path), palette)


def _facts(run: Run) -> dict[str, Any]:
    facts: dict[str, Any] = run.of(KEEP)["ansible_facts"]
    return facts


def _outcomes(run: Run) -> dict[str, str]:
    members = _facts(run)["vm_snapshot_results"]
    return {vm: member["outcome"] for vm, member in members.items()}


def _artifacts(run: Run) -> dict[str, Any]:
    """Return what the run hands on to later jobs."""
    found = re.search(r"RUN: (\{.*\})", run.output)
    artifacts: dict[str, Any] = json.loads(found[1]) if found else {}
    return artifacts


def _writes(palette: Simulator) -> list[str]:
    return [
        entry["operation"]
        for entry in palette.requests()
        if entry["method"] in WRITES and "/search" not in entry["path"]
    ]


def test_takes_a_snapshot_of_each_vm_and_then_leaves_it_alone(user: User) -> None:
    vms = ["db1", {"vm_name": "db1", "namespace": "prod", "name": "mine"}]
    first = user.apply(name="patch", vms=vms).ok()
    assert _outcomes(first) == {
        "vm-cluster-1/prod/db1": "created",
        "vm-cluster-1/vms/db1": "created",
    }
    counts = _facts(first)["vm_snapshot_summary"]
    assert (counts["total"], counts["failed"], counts["created"]) == (2, 0, 2)
    mine = _artifacts(first)["vm_snapshots"]["vm-cluster-1/prod/db1"]
    assert mine == {
        "cluster": "vm-cluster-1",
        "namespace": "prod",
        "vm_name": "db1",
        "name": "mine",
        "outcome": "created",
        "reason": None,
        "phase": "Succeeded",
        "ready_to_use": True,
        "creation_time": mine["creation_time"],
    }
    second = user.apply(name="patch", vms=vms).ok()
    assert set(_outcomes(second).values()) == {"unchanged"}
    assert not second.of(TAKE)["changed"]


def test_takes_all_answers_of_a_survey_as_text(user: User, palette: Simulator) -> None:
    answers: dict[str, Any] = {
        "state": "present",
        "name": "survey",
        "vms": "db1, web1",
        "selector": "",
        "exclude": "",
        "labels": "purpose=patch,ticket=4711",
        "expire_after": "",
        "replace": "false",
        "wait": "true",
        "wait_timeout": "1800",
        "poll_interval": "0.1",
        "concurrency": "4",
        "max_failed": "0",
        "retries": "2",
        "validate_certs": "false",
        "progress": "false",
        "set_stats": "no",
        "check_only": "false",
        "keep_last": "7",
    }
    run = user.apply(**answers).ok()
    assert set(_outcomes(run).values()) == {"created"}
    members = _facts(run)["vm_snapshot_results"].values()
    assert {member["status"]["labels"]["ticket"] for member in members} == {"4711"}
    assert _artifacts(run) == {}
    palette.clear_requests()
    user.apply(**{**answers, "check_only": "yes", "name": "other"}).ok()
    assert _writes(palette) == []


def test_deletes_the_set(user: User) -> None:
    user.apply(name="patch", vms=["db1", "web1"]).ok()
    gone = user.apply(name="patch", state="absent").ok()
    assert set(_outcomes(gone).values()) >= {"deleted"}
    assert not any(row["ready_to_use"] for row in _artifacts(gone)["vm_snapshots"].values())
    again = user.apply(name="patch", state="absent", vms=["db1", "web1"]).ok()
    assert set(_outcomes(again).values()) == {"absent"}


@pytest.mark.parametrize("how", [{"check_only": True}, {}], ids=["check_only", "--check"])
def test_only_checks(user: User, palette: Simulator, how: dict[str, Any]) -> None:
    flags = [] if how else ["--check"]
    run = user.apply(*flags, name="patch", vms=["db1"], keep_last=1, **how).ok()
    assert _outcomes(run) == {"vm-cluster-1/vms/db1": "created"}
    assert run.of(TAKE)["changed"]
    assert _artifacts(run) == {}
    assert _writes(palette) == []


def test_a_failure_says_which_vms_have_a_snapshot_and_which_do_not(user: User) -> None:
    run = user.apply(name="patch", vms=["db1", "fails", "web1"], failure_deadline="1s")
    assert run.status != 0
    assert run.of(SAY)["msg"].endswith(
        " -- VMs with a usable snapshot: vm-cluster-1/vms/db1, vm-cluster-1/vms/web1."
        " VMs without: vm-cluster-1/vms/fails."
    )
    assert "snapshot_failed" in run.of(SAY)["msg"]
    assert _outcomes(run)["vm-cluster-1/vms/fails"] == "failed"
    handed_on = _artifacts(run)["vm_snapshots"]
    assert {vm: row["ready_to_use"] for vm, row in handed_on.items()} == {
        "vm-cluster-1/vms/db1": True,
        "vm-cluster-1/vms/fails": False,
        "vm-cluster-1/vms/web1": True,
    }


def test_a_failure_in_a_large_fleet_names_the_few_that_lack_a_snapshot(tmp_path: Path) -> None:
    with Simulator.running("demo", timing="instant", rate_limits="off", vms=20) as palette:
        palette.inject({"action": "status", "status": 403, "method": "POST", "path": "/vms/db2/"})
        run = User(Ansible(tmp_path), palette).apply(name="patch", namespace="", all="yes")
    assert run.status != 0
    assert run.of(SAY)["msg"].endswith(
        " -- VMs with a usable snapshot: 25 VMs, see vm_snapshot_results."
        " VMs without: vm-cluster-1/vms/db2."
    )


def test_selects_from_one_namespace(user: User) -> None:
    run = user.apply(name="patch", namespace="prod", selector="app=db").ok()
    assert _outcomes(run) == {"vm-cluster-1/prod/db1": "created"}
    user.apply(name="patch", vms=["db1"]).ok()
    run = user.apply(name="patch", state="absent").ok()
    assert _outcomes(run)["vm-cluster-1/vms/db1"] == "deleted"
    assert "vm-cluster-1/prod/db1" not in _outcomes(run)


def test_an_empty_list_is_no_vms(user: User, palette: Simulator) -> None:
    user.apply(name="patch", vms=["db1"]).ok()
    palette.clear_requests()
    run = user.apply(name="patch", state="absent", vms=[]).ok()
    assert _outcomes(run) == {}
    assert _writes(palette) == []


def test_a_vm_that_is_not_fit_stops_all_before_the_first_write(
    user: User, palette: Simulator
) -> None:
    user.apply(name="patch", vms=["db1"]).ok()
    palette.clear_requests()
    run = user.apply(name="patch", vms=["db1", "nobody", "web1"])
    assert run.status != 0
    assert "nothing was written" in run.of(SAY)["msg"]
    assert run.of(SAY)["msg"].endswith(
        " -- VMs with a usable snapshot: vm-cluster-1/vms/db1."
        " VMs without: vm-cluster-1/vms/nobody, vm-cluster-1/vms/web1."
    )
    assert _writes(palette) == []


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"cluster": "nowhere"}, "'nowhere'"),
        ({"max_age": "1y"}, "max_age: '1y' has the unknown unit 'y'"),
        ({"vms": "db1,"}, "vms[1]"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_failure_before_all_says_that_nothing_was_written(
    user: User, palette: Simulator, wrong: dict[str, Any], message: str
) -> None:
    run = user.apply(**{"name": "patch", "vms": ["db1"], **wrong})
    assert run.status != 0
    assert message in run.of(SAY)["msg"]
    assert run.of(SAY)["msg"].endswith(" -- Nothing was written.")
    assert _facts(run) == {"vm_snapshot_results": {}, "vm_snapshot_summary": {}}
    assert _writes(palette) == []


def test_variables_are_checked(user: User, palette: Simulator) -> None:
    run = user.apply(vms=["db1"], state="gone", keep_last="a few")
    assert run.status != 0
    assert "missing required arguments: vm_snapshot_name" in run.output
    assert "vm_snapshot_state must be one of: present, absent, got: gone" in run.output
    assert "vm_snapshot_keep_last" in run.output
    assert palette.requests() == []


def _host_play(vms: object, **keywords: object) -> dict[str, object]:
    variables = {
        "vm_snapshot_project": "Default",
        "vm_snapshot_cluster": "vm-cluster-1",
        "vm_snapshot_namespace": "vms",
        "vm_snapshot_name": "hosts",
        "vm_snapshot_vms": vms,
    }
    role = {"ansible.builtin.import_role": {"name": ROLE}, "vars": variables, **keywords}
    show = {
        "name": "Show own",
        "ansible.builtin.debug": {
            "msg": "{{ vm_snapshot_results['vm-cluster-1/vms/' ~ inventory_hostname].outcome }}"
        },
    }
    # Becoming root is for the VMs; here it would fail.
    return {"tasks": [role, show], "become": True, "become_exe": "/nonexistent"}


VM_HOSTS: dict[str, dict[str, object]] = {
    name: {"ansible_host": "192.0.2.1", "ansible_python_interpreter": "/nonexistent"}
    for name in ("db1", "web1")
}


@pytest.mark.parametrize(
    ("vms", "keywords", "tasks"),
    [
        ("{{ ansible_play_hosts_all }}", {"run_once": True}, 1),
        (["{{ inventory_hostname }}"], {}, 2),
    ],
    ids=["all at once", "each its own"],
)
def test_runs_in_a_play_over_the_vms_hosts(
    user: User, vms: object, keywords: dict[str, object], tasks: int
) -> None:
    run = user.play(_host_play(vms, **keywords), VM_HOSTS).ok()
    assert len([record for record in run.records if record["task"] == TAKE]) == tasks
    shown = {r["host"]: r["result"]["msg"] for r in run.records if r["task"] == "Show own"}
    assert shown == {"db1": "created", "web1": "created"}


def test_module_defaults_and_their_project_hold(user: User, palette: Simulator) -> None:
    defaults = {"host": palette.url, "api_key": "demo-key", "project": "Default"}
    role = {
        "ansible.builtin.import_role": {"name": ROLE},
        "vars": {
            "vm_snapshot_name": "defaults",
            "vm_snapshot_vms": [
                {"vm_name": "db1", "namespace": "vms", "cluster": "vm-cluster-1"},
                {"vm_name": "edge1", "namespace": "vms", "cluster": "vm-cluster-2"},
            ],
        },
    }
    play = {"tasks": [role], "module_defaults": {"group/spectrocloud.palette.all": defaults}}
    hosts = {"localhost": {"ansible_connection": "local"}}
    run = user.play(play, hosts, PALETTE_HOST="http://127.0.0.1:9", PALETTE_API_KEY="none").ok()
    assert list(_outcomes(run)) == ["vm-cluster-1/vms/db1", "vm-cluster-2/vms/edge1"]


def test_retention_looks_only_at_the_vms_worked_on(user: User, palette: Simulator) -> None:
    nightly = {"name": "nightly", "name_template": "{vm}-{set}-{timestamp}"}
    by_uid = {"cluster": "", "cluster_uid": "0123456789abcdef00000011"}
    first = user.apply(**nightly, **by_uid, vms=["db1"], keep_last=1, retention_max_age="").ok()
    assert [row["why"] for row in _pruned(first)] == ["newest_ready"]
    second = user.apply(**nightly, vms=["db1", "history"], keep_last="2", max_age="12h").ok()
    assert _outcomes(second) == {
        "vm-cluster-1/vms/db1": "fresh",
        "vm-cluster-1/vms/history": "fresh",
    }
    deleted = {row["name"]: row["why"] for row in _pruned(second) if row["decision"] == "delete"}
    assert deleted == {
        "history-failed": "failed",
        "history-30d": "expired",
        "history-7d": "beyond_keep_last",
    }


def test_retention_tells_vms_of_the_same_name_apart(tmp_path: Path) -> None:
    vms = [{"name": name, "namespace": "vms"} for name in ("db1", "web1")]
    clusters = [{"name": name, "vms": vms} for name in ("east", "west")]
    keys = [{"key": "demo-key", "user": "demo@example.com"}]
    fleet = tmp_path / "fleet.json"
    projects = [{"name": "Default", "clusters": clusters}]
    fleet.write_text(json.dumps({"keys": keys, "projects": projects}))
    with Simulator.running(fleet, timing="instant", rate_limits="off") as palette:
        user = User(Ansible(tmp_path), palette)
        nightly = {"name": "nightly", "name_template": "{vm}-{set}-{timestamp}", "cluster": ""}
        user.apply(**nightly, namespace="", all="yes").ok()
        two = [
            {"vm_name": "db1", "namespace": "vms", "cluster": "east"},
            {"vm_name": "web1", "namespace": "vms", "cluster": "west"},
        ]
        run = user.apply(**nightly, vms=two, max_age="1h", keep_last=0).ok()
    assert _outcomes(run) == {"east/vms/db1": "fresh", "west/vms/web1": "fresh"}
    assert sorted(row["vm_name"] for row in _pruned(run)) == ["db1", "web1"]


def test_prunes_alone(user: User, palette: Simulator) -> None:
    scope = {"name": "nightly", "retention_max_age": "3d", "clusters": "vm-cluster-1"}
    run = user.apply(tasks_from="prune", **{"cluster": "", "check_only": "yes", **scope}).ok()
    predicted = {row["name"] for row in _pruned(run) if row["decision"] == "delete"}
    assert "history-7d" in predicted
    assert _writes(palette) == []
    run = user.apply(tasks_from="prune", **{"cluster": "", **scope}).ok()
    assert {row["name"] for row in _pruned(run) if row["outcome"] == "deleted"} == predicted


@pytest.mark.parametrize("given", [{"vms": ["db1"]}, {"vms": "db1"}, {"selector": "app=db"}])
def test_pruning_refuses_what_would_not_limit_it(
    user: User, palette: Simulator, given: dict[str, Any]
) -> None:
    run = user.apply(tasks_from="prune", **given, keep_last=0)
    assert run.status != 0
    refusal = run.of("Refuse variables that do not limit the deletion")["msg"]
    assert "vm_snapshot_vm_names=db1,db2" in refusal
    assert _writes(palette) == []


def test_a_failed_retention_fails_after_the_snapshots(user: User, palette: Simulator) -> None:
    palette.inject({"action": "status", "status": 403, "method": "DELETE", "path": "/snapshot/"})
    run = user.apply(name="nightly", vms=["history"], max_age="12h", retention_max_age="3d")
    assert run.status != 0
    assert "Retention: " in run.output
    assert _outcomes(run) == {"vm-cluster-1/vms/history": "fresh"}
    assert "failed" in {row["outcome"] for row in _pruned(run)}


def _pruned(run: Run) -> list[dict[str, Any]]:
    facts = run.of("Set the facts about each snapshot")["ansible_facts"]
    rows: list[dict[str, Any]] = facts["vm_snapshot_pruned"]
    return rows


@pytest.mark.parametrize("key", ["demo-key", "s3cret-and-wrong"])
def test_the_api_key_is_never_shown(user: User, key: str) -> None:
    user.connection.pop("PALETTE_API_KEY")
    secret = user.ansible.home / "secret.json"
    secret.write_text(json.dumps({"vm_snapshot_api_key": key}), encoding="utf-8")
    run = user.apply("-e", f"@{secret}", "-vvvv", name="patch", vms=["db1"], keep_last=1)
    assert (run.status == 0) == (key == "demo-key")
    assert key not in run.output
    assert key not in json.dumps(_artifacts(run))

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role guarded_change: a change that goes well, and the restore after one that does not."""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import certifi
import pytest
from ansible.release import __version__ as core

from integration.role_user import (
    PLACE,
    REFUSE,
    RETAIN,
    SHOW,
    SHOW_RETENTION,
    TAKE,
    User,
    artifacts,
    including,
    passed_on,
    prefixed,
    results_of,
    shown,
    words,
    writes,
)
from integration.runs import Run
from palette_simulator.launch import Simulator

ROLE = "spectrocloud.palette.guarded_change"
UID = "0123456789abcdef00000011"
PROJECT = "0123456789abcdef00000001"
FACTS = ("guarded_change_result", "guarded_change_reason", "guarded_change_msg")
FAIL = "Fail if the change failed"
RESTORE = "Restore the VMs, or check whether they can be"
# What a change does, and what stands for it in the simulator: the VM gets more cores.
GROW = {"name": "Grow", "simulator": {"vms": {"vm-cluster-1/vms/db1": {"cores": 4}}}}
BREAK = {"name": "Break", "ansible.builtin.fail": {"msg": "the patch does not fit"}}
HOST = {"ansible_connection": "refusing"}
STOPS_ALL = tuple(map(int, core.split(".")[:2])) >= (2, 17)


class Changer:
    """Somebody who makes guarded changes of db1 and web1."""

    def __init__(self, user: User, palette: Simulator) -> None:
        self.user = user
        self.palette = palette
        user.connection["REFUSING_FOLDER"] = str(user.ansible.home)

    def task(self, tasks: list[Any], checks: list[Any] | None = None, **guarded: Any) -> Any:
        """Return the task that includes the role; vm_snapshot: variables of that role."""
        home = self.user.ansible.home
        snapshot = {**PLACE, "set": "patch", "vms": ["db1", "web1"]}
        snapshot.update(guarded.pop("vm_snapshot", {}))
        files = {"tasks": tasks, "checks": checks}
        for name, content in files.items():
            if content is not None:
                (home / f"{name}.yml").write_text(json.dumps(content), encoding="utf-8")
                guarded.setdefault(name, f"{name}.yml")
        own = {f"guarded_change_{name}": value for name, value in guarded.items()}
        return {
            "name": "Change",
            "ansible.builtin.include_role": {"name": ROLE},
            "vars": {**prefixed(snapshot), **own, "palette_url": self.palette.url},
        }

    def changes(
        self,
        *arguments: object,
        tasks: list[Any],
        hosts: Mapping[str, Any] | None = None,
        **guarded: Any,
    ) -> Run:
        """Make a guarded change, and show its facts, also after a failure."""
        block = {
            "block": [self.task(tasks, **guarded)],
            "always": [{**shown(*FACTS), "run_once": True}],
        }
        return self.user.play({"tasks": [block]}, *arguments, hosts=hosts)

    def machine(self, vm: str) -> tuple[int, str, bool]:
        """Return a VM's cores, its state, and whether its disks were restored."""
        request = urllib.request.Request(  # noqa: S310 - always our own server
            f"{self.palette.url}/v1/spectroclusters/{UID}/vms/{vm}?namespace=vms",
            headers={"ApiKey": "demo-key", "ProjectUid": PROJECT},
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request) as response:
            found = json.load(response)
        spec = found["spec"]["template"]["spec"]
        restored = "restore-" in json.dumps(spec["volumes"])
        return spec["domain"]["cpu"]["cores"], found["status"]["printableStatus"], restored


@pytest.fixture
def changer(user: User, palette: Simulator) -> Changer:
    """A changer of a Palette that is as new."""
    return Changer(user, palette)


def facts_of(run: Run) -> dict[str, Any]:
    """Return the facts of the role, with the rows by their VM."""
    facts: dict[str, Any] = run.of(FACTS[0])["msg"]
    rows = facts["guarded_change_result"].values()
    return {
        "vms": {row["vm_name"]: row for row in rows},
        "reason": facts["guarded_change_reason"],
        "msg": facts["guarded_change_msg"],
    }


def outcomes(run: Run) -> dict[str, str]:
    """Return what became of each VM."""
    return {vm: row["outcome"] for vm, row in facts_of(run)["vms"].items()}


def each_by_its_snapshot(run: Run, cluster: str) -> str:
    """Return the VMs as a restore lists them to restore what the change took."""
    rows = facts_of(run)["vms"].values()
    return ",".join(f"{cluster}/vms/{row['vm_name']}@{row['snapshot']}" for row in rows)


BOTH = ("db1", "web1")


def test_a_change_that_goes_well_keeps_the_newest_snapshots(
    changer: Changer, palette: Simulator
) -> None:
    given: dict[str, Any] = {"tasks": [shown("inventory_hostname")], "checks": [shown("groups")]}
    given["vm_snapshot"] = {"keep_last": 1}
    predicted = changer.changes("--check", **given).ok()
    assert words(predicted, SHOW) == ["2 VMs: 2 would be created"]
    assert outcomes(predicted) == dict.fromkeys(BOTH, "changed")
    assert predicted.of("groups")
    assert artifacts(predicted).keys() == {"vm_snapshot_summary"}
    assert artifacts(predicted)["vm_snapshot_summary"]["check_mode"] is True
    assert writes(palette) == []
    first = changer.changes(**given, rollback=True).ok()
    assert facts_of(first)["reason"] == facts_of(first)["msg"] == ""
    assert words(first, SHOW_RETENTION) == [
        "retention: deleted 0 snapshots, kept 2",
        "nothing to delete: 2 the newest usable of its VM and set (stays under any rule)",
    ]
    order = [r["task"] for r in first.records]
    assert order.index(SHOW) < order.index("groups") < order.index(SHOW_RETENTION)
    # The same again is a change of its own, with snapshots of its own. Another second names them.
    second = changer.changes(**given).ok()
    assert words(second, SHOW) == ["2 VMs: 2 created"]
    assert words(second, SHOW_RETENTION)[0].startswith("retention: deleted 2 snapshots in 1 set")
    row = passed_on(second, "vm_changes")[f"patch/{UID}/vms/db1"]
    assert row == facts_of(second)["vms"]["db1"]
    assert row["outcome"] == "changed"
    summary = artifacts(second)["vm_snapshot_summary"]
    assert (summary["entry_point"], summary["reason"]) == ("guarded_change", "")
    assert (summary["counts"]["created"], summary["deleted"]) == (2, 2)
    assert row["snapshot"] != facts_of(first)["vms"]["db1"]["snapshot"]
    assert "k8s_create_restore" not in writes(palette)


def test_without_a_rollback_the_failure_says_the_command_that_works(changer: Changer) -> None:
    certificates = changer.user.ansible.home / "my certificates.pem"
    certificates.write_text(Path(certifi.where()).read_text("utf-8"), encoding="utf-8")
    given = {"keep_last": 1, "ca_path": str(certificates)}
    # A snapshot of the tasks is newer and of the same set.
    middle = {"spectrocloud.palette.vm_snapshot_set": {**PLACE, "set": "patch", "vms": ["db1"]}}
    run = changer.changes(tasks=[GROW, middle], checks=[BREAK], vm_snapshot=given)
    assert run.status != 0
    facts = facts_of(run)
    assert facts["reason"] == "change_failed"
    assert facts["msg"] == run.of(FAIL)["msg"]
    told = " -- No VM was restored. To restore: "
    cause, way_back, going_on = re.split(f"{told}| -- To restore the others ", facts["msg"])
    assert going_on.endswith(", add -e vm_snapshot_on_error=continue")
    assert cause == "localhost: Break failed: the patch does not fit"
    assert way_back == (
        "ansible-playbook spectrocloud.palette.snapshot_restore -e vm_snapshot_project=Default "
        f"""-e '{{"vm_snapshot_ca_path": "{certificates}"}}' """
        f"-e vm_snapshot_set=patch -e vm_snapshot_vms={each_by_its_snapshot(run, 'vm-cluster-1')} "
        "-e vm_snapshot_stop=true"
    )
    assert outcomes(run) == dict.fromkeys(BOTH, "failed")
    assert results_of(run, SHOW_RETENTION) == []
    assert changer.machine("db1") == (4, "Running", False)
    connection = changer.user.connection
    back = changer.user.ansible.run("/bin/sh", "-e", "-c", way_back, **connection).ok()
    assert words(back, "Show the VMs that were restored")[0] == "2 VMs: 2 restored"
    assert passed_on(back, "vm_restores")[f"patch/{UID}/vms/db1"]["outcome"] == "restored"
    assert artifacts(back)["vm_snapshot_summary"]["counts"]["restored"] == 2
    assert changer.machine("db1") == (1, "Running", True)


def test_a_rollback_brings_all_vms_back_and_the_run_fails(
    changer: Changer, palette: Simulator
) -> None:
    given: dict[str, Any] = {"tasks": [GROW, BREAK], "rollback": True, "keep_failed": "yes"}
    one_row = {"max_rows": 1}
    predicted = changer.changes("--check", tasks=[BREAK], rollback=True, vm_snapshot=one_row)
    assert facts_of(predicted)["msg"].endswith(" -- Nothing was changed, in check mode.")
    assert predicted.of("Show what became of each VM")["msg"][-1] == "and 1 more"
    assert writes(palette) == []
    run = changer.changes(**given)
    assert run.status != 0
    assert passed_on(run, "vm_changes").keys() == {f"patch/{UID}/vms/{vm}" for vm in BOTH}
    facts = facts_of(run)
    assert facts["reason"] == "rolled_back"
    assert facts["msg"] == (
        "localhost: Break failed: the patch does not fit -- "
        "All 2 VMs were restored to before the change."
    )
    assert outcomes(run) == dict.fromkeys(BOTH, "rolled_back")
    assert [changer.machine(vm) for vm in BOTH] == [(1, "Running", True)] * 2
    kept = facts["vms"]["db1"]
    assert kept["failed_state"].startswith("db1-before-restore-")
    assert kept["runs"] is True
    assert kept["leftover_claims"]


def test_a_retention_of_the_change_spares_the_snapshots_of_the_guard(changer: Changer) -> None:
    # A rule of the guarded change holds for the role in its tasks, too.
    tasks = [
        {**including(set="patch", vms=["db1"]), "name": "Take one more"},
        including("prune", vms="", keep_last=0),
        BREAK,
    ]
    run = changer.changes(tasks=tasks, vm_snapshot={"keep_last": 1}, rollback=True)
    assert outcomes(run) == dict.fromkeys(BOTH, "rolled_back"), run.output
    assert [r["summary"]["deleted"] for r in results_of(run, RETAIN)] == [0, 0]


def test_a_vm_that_cannot_be_brought_back_is_told(changer: Changer, palette: Simulator) -> None:
    strike = {"name": "Strike", "simulator": {"switches": {"cluster_rights": "view"}}}
    place = {"cluster": "", "cluster_uid": UID}
    run = changer.changes(
        *("-e", "awx_job_id=1"), tasks=[strike, BREAK], rollback=True, vm_snapshot=place
    )
    assert run.status != 0
    facts = facts_of(run)
    assert facts["reason"] == "rollback_failed"
    assert outcomes(run) == dict.fromkeys(BOTH, "rollback_failed")
    assert facts["vms"]["db1"]["reason"] == "forbidden"
    summary = artifacts(run)["vm_snapshot_summary"]
    assert (summary["reason"], summary["msg"]) == ("rollback_failed", facts["msg"])
    assert summary["without"] == [f"{UID}/vms/{vm}" for vm in BOTH]
    again = re.split(" -- To try again: | -- To restore the others ", facts["msg"])[1]
    # In AWX, nobody types commands.
    beginning, variables = again.split("{", 1)
    assert beginning == "launch the template Palette restore with the answers "
    assert json.loads("{" + variables) == {
        "vm_snapshot_project": "Default",
        "vm_snapshot_set": "patch",
        "vm_snapshot_vms": each_by_its_snapshot(run, UID),
        "vm_snapshot_stop": "true",
    }


def test_one_vm_that_cannot_be_restored_keeps_no_other_from_it(changer: Changer) -> None:
    lose = including(set="patch", vms=["web1"], state="absent")
    run = changer.changes(tasks=[lose, BREAK], rollback=True)
    assert run.status != 0
    assert facts_of(run)["reason"] == "rollback_failed"
    assert outcomes(run) == {"db1": "rolled_back", "web1": "rollback_failed"}
    assert facts_of(run)["vms"]["web1"]["reason"] == "not_found"


ALL = {"namespace": "prod", "vms": "", "all": True}


@pytest.mark.parametrize(
    ("selected", "kubeconfigs", "reason", "told"),
    [
        (
            {"vms": ["db1", "no-class"]},
            "present",
            "preflight_failed",
            "Nothing was changed. 2 VMs: ",
        ),
        # The restore is for the listed VMs that have a snapshot, however they were selected.
        (ALL, "missing", "not_found", "The change was not begun. Its snapshots stay: db1-patch-20"),
    ],
)
def test_nothing_is_changed_without_snapshots_and_a_way_back(
    changer: Changer,
    palette: Simulator,
    selected: dict[str, Any],
    kubeconfigs: str,
    reason: str,
    told: str,
) -> None:
    palette.switch(kubeconfigs=kubeconfigs)
    run = changer.changes(tasks=[GROW], rollback=True, vm_snapshot=selected)
    assert run.status != 0
    message = facts_of(run)["msg"]
    assert message.startswith(told)
    assert "Nothing was done" not in message
    assert "Nothing was written" not in message
    # On the screen once, but for the facts above.
    failures = [r["result"]["msg"] for r in run.records if r["result"].get("msg") == message]
    assert failures == [message]
    assert (facts_of(run)["reason"], set(outcomes(run).values())) == (reason, {"not_changed"})
    assert results_of(run, "Grow") == []


def test_all_that_is_wrong_with_the_variables_is_told_at_once(
    changer: Changer, palette: Simulator
) -> None:
    snapshot = {
        "seletor": "app=db",
        "state": "absent",
        "name_template": "{vm}-{set}",
        "set": "CHG-1234",
        "vms": "vms/db1@db1-patch,web1",
    }
    run = changer.changes(
        tasks=[BREAK],
        checks_file="x",
        rolback=True,
        keep_failed=True,
        vm_snapshot=snapshot,
    )
    assert run.status != 0
    told = run.of(REFUSE)["msg"].split("; ")
    assert [text.split(":")[0].removesuffix(" (nearest") for text in told] == [
        "guarded_change_checks_file is not known",
        "guarded_change_rolback is not known",
        "vm_snapshot_seletor is not known",
        "vm_snapshot_state has no effect here",
        "guarded_change_keep_failed has an effect only with guarded_change_rollback",
        "vm_snapshot_set",
        "for example",
        "vm_snapshot_name_template must contain {timestamp}",
        "for example",
        "vm_snapshot_vms",
    ]
    assert told[6] == "for example: vm_snapshot_set: chg-1234"
    assert "nearest: guarded_change_rollback" in told[1]
    assert facts_of(run)["reason"] == "invalid_parameters"
    summary = artifacts(run)["vm_snapshot_summary"]
    assert (summary["entry_point"], summary["reason"]) == ("guarded_change", "invalid_parameters")
    assert summary["msg"] == run.of(REFUSE)["msg"]
    assert palette.requests() == []


# Plays over the VMs' hosts


def away(how: str, *hosts: str) -> list[dict[str, Any]]:
    """Return a task of a change that cuts hosts off."""
    copy = {"content": how, "dest": "{{ playbook_dir }}/{{ inventory_hostname }}"}
    cut = {"name": "Cut off", "ansible.builtin.copy": copy, "delegate_to": "localhost"}
    return [{**cut, "when": f"inventory_hostname in {list(hosts)}"}]


ON_HOST = {"name": "On the host", "ansible.builtin.command": "/bin/true"}
BREAK_ONE = {**BREAK, "when": "inventory_hostname == 'db1'"}
BATCH = {"vms": "{{ ansible_play_batch }}"}
HOSTS = dict.fromkeys(BOTH, HOST)


def test_hosts_change_together_with_one_task_for_their_snapshots(changer: Changer) -> None:
    # They are the VMs that the hosts are.
    offline = {"vms": "", "keep_last": 1, "offline": True}
    run = changer.changes(tasks=[ON_HOST], vm_snapshot=offline, hosts=HOSTS, rollback=True).ok()
    order = [record["task"] for record in run.records]
    taken = order.index(TAKE)
    assert TAKE not in order[taken + 1 :]
    # VMs that were off have to answer again before they are changed.
    before, after = order[:taken], order[taken : order.index("On the host")]
    check = "Check whether the host answers, timeout in seconds 300"
    assert before.count(check) == after.count(check) == 2
    assert {record["host"] for record in run.records if record["task"] == "On the host"} == {*BOTH}
    assert outcomes(run) == dict.fromkeys(BOTH, "changed")
    assert words(run, SHOW_RETENTION)[0] == "retention: deleted 0 snapshots, kept 2"


@pytest.mark.parametrize("vms", ["", ["db1"], ["db1", "web1"]])
@pytest.mark.parametrize("keywords", [{}, {"serial": 1}], ids=["together", "in batches"])
def test_hosts_that_are_the_same_vm_are_refused(
    changer: Changer, palette: Simulator, vms: object, keywords: dict[str, Any]
) -> None:
    task = changer.task([ON_HOST], vm_snapshot={"vms": vms})
    hosts = {"db1": HOST, "web1": {**HOST, "palette_vm_name": "db1"}}
    run = changer.user.play({"tasks": [task], **keywords}, hosts=hosts)
    assert run.status != 0
    assert "db1, web1 are the same VM, db1 in namespace vms of vm-cluster-1: " in run.output
    assert results_of(run, "On the host") == []
    assert palette.requests() == []


@pytest.mark.parametrize("strategy", ["free", "ansible.builtin.host_pinned"])
def test_hosts_that_would_not_go_together_are_refused(
    changer: Changer, palette: Simulator, strategy: str
) -> None:
    task = changer.task([ON_HOST], vm_snapshot=BATCH)
    run = changer.user.play({"tasks": [task], "strategy": strategy}, hosts=HOSTS)
    assert run.status != 0
    assert "A guarded change needs strategy linear" in run.output
    assert palette.requests() == []
    assert results_of(run, "On the host") == []


def test_one_host_goes_with_every_strategy(changer: Changer) -> None:
    """Also a localhost that is in no inventory, which stays so."""
    task = changer.task([shown("groups")])
    play = {"hosts": "localhost", "strategy": "free", "tasks": [task]}
    run = changer.user.play(play, hosts={"db1": HOST}).ok()
    assert run.of("groups")["msg"]["groups"]["all"] == ["db1"]


def rescued(task: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return a task that may fail, and what shows why then, by its name."""
    show = {
        "name": name,
        "ansible.builtin.debug": {"msg": "{{ guarded_change_msg | default('') }}"},
    }
    return {"block": [task], "rescue": [show]}


def test_a_bastion_takes_no_part_and_nothing_is_told_of_earlier_runs(
    changer: Changer, palette: Simulator
) -> None:
    given: dict[str, Any] = {"rollback": True}
    given["vm_snapshot"] = {"vms": "", "keep_last": "many"}
    # A change within the change would take over its facts.
    own = {"guarded_change_tasks": "nested.yml"}
    nested = {"name": "Nest", "ansible.builtin.include_role": {"name": ROLE}, "vars": own}
    Path(changer.user.ansible.home, "nested.yml").write_text(json.dumps([ON_HOST]), "utf-8")
    refused = changer.task([GROW, nested, BREAK], **given)
    # The VMs are those of the hosts that take part.
    of_hosts = {"vms": "", "keep_last": 1}
    change = changer.task([GROW, nested, BREAK], rollback=True, vm_snapshot=of_hosts)
    apart = changer.task([GROW, nested, BREAK], vm_snapshot={"vms": ["db1"]})
    imported = {"ansible.builtin.import_role": {"name": ROLE}, "vars": change["vars"]}
    tasks = [
        rescued({**including(set="x", vms=["no-volumes"]), "run_once": True}, "Earlier"),
        rescued(apart, "Apart"),
        rescued(refused, "Refused"),
        rescued({**imported, "when": "inventory_hostname != 'db1'"}, "Without the first"),
        {
            "block": [{**change, "when": "inventory_hostname != 'bastion'"}],
            "always": [{**shown(*FACTS), "run_once": True}],
        },
    ]
    run = changer.user.play({"tasks": tasks}, hosts={**HOSTS, "bastion": HOST})
    assert run.status != 0
    names = ("Earlier", "Refused", "Without the first", "Apart")
    reasons = {name: results_of(run, name) for name in names}
    assert [len(told) for told in reasons.values()] == [1, 3, 2, 3]
    assert reasons["Apart"][0]["msg"].startswith("web1, bastion: hosts of the play whose VMs are ")
    assert "vm_snapshot_keep_last" in reasons["Refused"][0]["msg"]
    assert "condition leaves out db1" in reasons["Without the first"][0]["msg"]
    assert facts_of(run)["reason"] == "rolled_back"
    assert outcomes(run) == dict.fromkeys(BOTH, "rolled_back")
    assert "db1: Refuse variables that are not known here failed: a guarded" in facts_of(run)["msg"]


def test_one_failed_and_one_unreachable_host_bring_all_back(changer: Changer) -> None:
    # Files of the role have these names, too.
    names = ("prepare", "tell")
    own = [{"ansible.builtin.include_tasks": f"{name}.yml"} for name in names]
    for name in names:
        file = changer.user.ansible.home / f"{name}.yml"
        file.write_text(json.dumps([{**shown("ansible_host"), "name": f"Own {name}"}]), "utf-8")
    # A snapshot of theirs is not what is restored, though it is newer and of the same set.
    middle = {**including(set="patch", vms=["db1"]), "run_once": True}
    tasks = [*own, GROW, middle, *away("until restored", "web1"), ON_HOST, BREAK_ONE]
    given: dict[str, Any] = {"rollback": True, "connection_timeout": 10}
    run = changer.changes(tasks=tasks, vm_snapshot=BATCH, hosts=HOSTS, **given)
    assert run.status != 0
    assert [result["check_mode"] for result in results_of(run, RESTORE)] == [True, False]
    assert outcomes(run) == dict.fromkeys(BOTH, "rolled_back")
    assert facts_of(run)["vms"]["db1"]["snapshot"].startswith("db1-patch-")
    assert artifacts(run)["vm_snapshot_summary"]["counts"]["total"] == 2
    assert [changer.machine(vm) for vm in BOTH] == [(1, "Running", True)] * 2
    for name in names:
        assert len(results_of(run, f"Own {name}")) == 2
    cause = facts_of(run)["msg"].split(" -- ")[0]
    assert "web1: it cannot be reached" in cause
    # The first failure ends the change for all hosts, if Ansible can.
    assert (results_of(run, "Break") == []) == STOPS_ALL
    # All hosts fail, and none before it answers again.
    assert {record["host"] for record in run.records if record["task"] == FAIL} == {*BOTH}
    answers = results_of(run, "Wait until the host answers again, timeout in seconds 10")
    assert [answer.get("msg") for answer in answers] == [None, None]


def test_the_only_host_may_become_unreachable(changer: Changer) -> None:
    run = changer.changes(
        tasks=[*away("until restored", "db1"), ON_HOST],
        vm_snapshot=BATCH,
        hosts={"db1": HOST},
        rollback=True,
        connection_timeout=2,
    )
    assert outcomes(run) == {"db1": "rolled_back"}
    assert facts_of(run)["msg"].startswith("db1: it cannot be reached -- The VM was restored")


@pytest.mark.skipif(not STOPS_ALL, reason="ansible-core 2.16 cannot tell")
def test_a_host_that_is_away_for_one_task_has_missed_it(changer: Changer) -> None:
    run = changer.changes(
        tasks=[*away("once", "web1"), ON_HOST], vm_snapshot=BATCH, hosts=HOSTS, rollback=True
    )
    assert run.status != 0
    assert outcomes(run) == dict.fromkeys(BOTH, "rolled_back")
    assert "could not be reached for a while" in facts_of(run)["msg"]


def test_a_host_that_does_not_answer_is_not_changed(changer: Changer, palette: Simulator) -> None:
    Path(changer.user.ansible.home, "web1").write_text("until restored", encoding="utf-8")
    run = changer.changes(
        tasks=[ON_HOST], vm_snapshot=BATCH, hosts=HOSTS, rollback=True, connection_timeout=1
    )
    assert run.status != 0
    assert facts_of(run)["reason"] == "hosts_unreachable"
    assert artifacts(run)["vm_snapshot_summary"]["reason"] == "hosts_unreachable"
    assert facts_of(run)["msg"].startswith("Nothing was changed. These hosts do not answer: web1 (")
    assert facts_of(run)["msg"].endswith("than 1 s by guarded_change_connection_timeout")
    assert results_of(run, "On the host") == []
    assert palette.requests() == []

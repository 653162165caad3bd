# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role vm_snapshot on localhost: sets, their retention, facts and failures."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest

from integration.role_user import (
    FAIL,
    REFUSE,
    RETAIN,
    ROLE,
    SHOW,
    SHOW_RETENTION,
    TAKE,
    User,
    artifacts,
    doomed,
    including,
    outcomes,
    passed_on,
    results_of,
    shown,
    table,
    words,
    writes,
)
from integration.runs import Ansible
from palette_simulator.launch import Simulator

FACTS = "vm_snapshot_results"
NOT_REACHED = "vm_snapshot_not_reached"
SWITCH = "Bring the VMs to their state"
RESTORE = "Restore the VMs, or check whether they can be"
OF_AUDIT = ["vm_snapshot_uncovered"]
UID = "0123456789abcdef00000011"


def test_takes_a_snapshot_of_each_vm_and_then_leaves_it_alone(user: User) -> None:
    vms = ["db1", {"vm_name": "db1", "namespace": "prod", "name": "mine"}]
    first = user.apply(set="patch", vms=vms).ok()
    assert outcomes(first) == {
        "vm-cluster-1/prod/db1": "created",
        "vm-cluster-1/vms/db1": "created",
    }
    mine = passed_on(first)[f"patch/{UID}/prod/db1"]
    assert mine == {
        "id": f"patch/{UID}/prod/db1",
        "set": "patch",
        "cluster": "vm-cluster-1",
        "cluster_uid": UID,
        "namespace": "prod",
        "vm_name": "db1",
        "name": "mine",
        "outcome": "created",
        "reason": None,
        "msg": "",
        "phase": "Succeeded",
        "ready_to_use": True,
        "creation_time": mine["creation_time"],
        "expires_at": None,
    }
    second = user.apply(set="patch", vms=vms).ok()
    assert set(outcomes(second).values()) == {"unchanged"}
    assert not second.of(TAKE)["changed"]


def test_takes_all_answers_of_a_survey_as_text(user: User, palette: Simulator) -> None:
    answers: dict[str, Any] = {
        "state": "present",
        "set": "survey",
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
        "keep_within": "",
    }
    run = user.apply(**answers).ok()
    assert set(outcomes(run).values()) == {"created"}
    members = run.of(TAKE)["members"].values()
    assert {member["status"]["labels"]["ticket"] for member in members} == {"4711"}
    assert artifacts(run) == {}
    palette.clear_requests()
    user.apply(**{**answers, "check_only": "yes", "set": "other"}).ok()
    assert writes(palette) == []


def test_deletes_the_set(user: User) -> None:
    user.apply(set="patch", vms=["db1", "web1"]).ok()
    gone = user.apply(set="patch", state="absent", keep_last=1).ok()
    assert set(outcomes(gone).values()) >= {"deleted"}
    assert not any(row["ready_to_use"] for row in passed_on(gone).values())
    # There is no retention to apply to a set that is gone.
    assert gone.output.count("retention: ") == 0
    again = user.apply(set="patch", state="absent", vms=["db1", "web1"]).ok()
    assert set(outcomes(again).values()) == {"absent"}


def test_selects_from_one_namespace(user: User) -> None:
    run = user.apply(set="patch", namespace="prod", selector="app=db").ok()
    assert outcomes(run) == {"vm-cluster-1/prod/db1": "created"}
    user.apply(set="patch", vms=["db1"]).ok()
    run = user.apply(set="patch", state="absent").ok()
    assert outcomes(run)["vm-cluster-1/vms/db1"] == "deleted"
    assert "vm-cluster-1/prod/db1" not in outcomes(run)


@pytest.mark.parametrize("state", ["present", "absent"])
def test_an_empty_list_of_vms_is_a_failure(user: User, palette: Simulator, state: str) -> None:
    # It is known only when the role runs, as a list of hosts often is.
    role = including(set="patch", state=state, vms="{{ groups['none'] | default([]) }}")
    block = {"block": [role], "rescue": [shown("vm_snapshot_reason")]}
    run = user.play({"tasks": [block]}).ok()
    assert run.of("vm_snapshot_reason")["msg"] == {"vm_snapshot_reason": "nothing_selected"}
    assert run.of(REFUSE)["msg"] == "vm_snapshot_vms is an empty list: it names no VM"
    assert palette.requests() == []


def test_module_defaults_and_their_project_hold(user: User, palette: Simulator) -> None:
    defaults = {"host": palette.url, "api_key": "demo-key", "project": "Default"}
    role = {
        "ansible.builtin.import_role": {"name": ROLE},
        "vars": {
            "vm_snapshot_set": "defaults",
            "vm_snapshot_vms": [
                {"vm_name": "db1", "namespace": "vms", "cluster": "vm-cluster-1"},
                {"vm_name": "edge1", "namespace": "vms", "cluster": "vm-cluster-2"},
            ],
        },
    }
    play = {"tasks": [role], "module_defaults": {"group/spectrocloud.palette.all": defaults}}
    run = user.play(play, PALETTE_HOST="http://127.0.0.1:9", PALETTE_API_KEY="none").ok()
    assert list(outcomes(run)) == ["vm-cluster-1/vms/db1", "vm-cluster-2/vms/edge1"]


# Failures


def test_a_failure_comes_last_and_says_why_and_what_to_do(user: User) -> None:
    vms = ["db1", "fails", "no-volumes", "no-class", "history"]
    tolerant: dict[str, Any] = {
        "set": "nightly",
        "vms": vms,
        "on_error": "continue",
        "failure_deadline": "1s",
    }
    tasks = [
        {"block": [including(**tolerant, keep_last=2, unless_newer_than="12h")]},
    ]
    tasks[0]["rescue"] = [shown("vm_snapshot_reason", "ansible_failed_task.name")]
    run = user.play({"tasks": tasks}).ok()
    # The one that has a new snapshot loses old ones, though others failed.
    assert doomed(run).keys() == {"history-failed", "history-30d", "history-7d"}
    assert run.of("vm_snapshot_reason")["msg"] == {
        "vm_snapshot_reason": "vms_failed",
        "ansible_failed_task.name": FAIL,
    }
    told = [record["task"] for record in run.records]
    assert told.index(SHOW) < told.index(SHOW_RETENTION) < told.index(FAIL)
    without = {row[2]: row[5] for row in table(run, SHOW)[1:] if row[7] == "no"}
    assert without == {
        "fails": "snapshot_failed",
        "no-class": "not_snapshottable",
        "no-volumes": "not_snapshottable",
    }
    counts, first, second, advice = run.of(FAIL)["msg"].split(" -- ")
    assert [counts, first, second] == words(run, SHOW)
    assert counts == "5 VMs: 1 created, 1 fresh, 2 blocked, 1 failed"
    assert first.startswith(
        "not_snapshottable: 2 VMs (vm-cluster-1/vms/no-class, vm-cluster-1/vms/no-volumes): "
    )
    assert second.startswith("snapshot_failed: 1 VM (vm-cluster-1/vms/fails): ")
    assert "run the same again" in advice
    command = advice.split("To see what there is: ")[1]
    assert command.startswith("ansible-playbook spectrocloud.palette.snapshot_report -e ")
    assert json.loads(command.split(" -e ")[1].strip("'")) == {
        "vm_snapshot_set": "nightly",
        "vm_snapshot_project": "Default",
    }
    rows = passed_on(run).values()
    assert {row["vm_name"] for row in rows if not row["ready_to_use"]} == without.keys()
    summary = artifacts(run)["vm_snapshot_summary"]
    assert {label.split("/")[-1] for label in summary["without"]} == without.keys()
    assert (summary["reason"], summary["msg"]) == ("vms_failed", run.of(FAIL)["msg"])


def test_a_failure_in_awx_names_the_template(user: User) -> None:
    failing = including(set="nightly", vms=["fails"], failure_deadline="1s")
    run = user.play({"tasks": [failing]}, "-e", "awx_job_id=1")
    told = run.of(FAIL)["msg"].split("To see what there is: ")[1]
    template = 'launch the template Palette report with the answers {"vm_snapshot_set": "nightly"}'
    assert told == template


def test_a_vm_that_is_not_fit_stops_all_before_the_first_write(
    user: User, palette: Simulator
) -> None:
    run = user.apply(set="nightly", vms=["db1", "nobody", "history"], keep_last=1)
    assert run.status != 0
    assert words(run, SHOW)[0] == "3 VMs: 2 not tried, 1 blocked"
    assert "not_found: 1 VM (vm-cluster-1/vms/nobody): " in run.of(FAIL)["msg"]
    assert " -- Nothing was written. " in run.of(FAIL)["msg"]
    # A task of the user's may follow, which would change a VM that has no snapshot.
    assert run.of(FAIL)["msg"].endswith(", or leave these VMs out, and do not change them")
    assert run.output.count("retention: ") == 0
    assert writes(palette) == []


def test_the_advice_in_a_job_of_awx_needs_no_command_and_no_more_variables(user: User) -> None:
    run = user.takes("-e", "awx_job_id=7", set="nightly", vms=["db1", "nobody"])
    assert run.of(FAIL)["msg"].endswith(
        "Correct this and run the same again, or leave these VMs out, and do not change them"
    )


def test_above_max_rows_results_and_artifacts_have_what_failed_and_name_the_others(
    user: User,
) -> None:
    given: dict[str, Any] = {"vms": ["db1", "no-volumes", "web1"], "on_error": "continue"}
    run = user.apply(set="nightly", **given, max_rows=1, max_failed=1, keep_last=1).ok()
    assert list(run.of(TAKE)["members"]) == ["vm-cluster-1/vms/no-volumes"]
    assert {row["vm_name"]: row["ready_to_use"] for row in passed_on(run).values()} == {
        "db1": True,
        "no-volumes": False,
        "web1": True,
    }
    summary = artifacts(run)["vm_snapshot_summary"]
    assert summary["without"] == ["vm-cluster-1/vms/no-volumes"]
    assert summary["counts"]["created"] == 2
    # The retention knows the VMs that are only named.
    assert words(run, SHOW_RETENTION)[0] == "retention: deleted 0 snapshots, kept 2"


def test_each_run_passes_on_a_part_of_its_own_however_few_rows_its_result_may_have(
    user: User,
) -> None:
    facts = ("vm_snapshot_power_states", "vm_snapshot_restores")
    tasks = [including("main", set="patch", vms=["db1", "web1"])]
    for vm in ("db1", "web1"):
        each: dict[str, Any] = {"vms": [vm], "max_rows": 0}
        tasks += [
            including("power", power="stopped", **each),
            including("restore", set="patch", **each),
            shown(*facts),
        ]
    run = user.play({"tasks": tasks}).ok()
    for task, rows in ((SWITCH, "vms"), (RESTORE, "members")):
        results = results_of(run, task)
        assert [len(result[rows]) for result in results] == [0, 0]
        named = [name for result in results for name in result["left_out"][0]["vm_names"]]
        assert named == ["db1", "web1"]
    ids = [f"{UID}/vms/db1", f"{UID}/vms/web1"]
    states, back = passed_on(run, "vm_power_states"), passed_on(run, "vm_restores")
    assert [*states] == ids
    assert {(row["before"], row["after"]) for row in states.values()} == {("Running", "Stopped")}
    assert [*back] == [f"patch/{place}" for place in ids]
    assert {row["outcome"] for row in back.values()} == {"restored"}
    told = results_of(run, facts[0])[-1]["msg"]
    assert [[row["id"] for row in told[fact]] for fact in facts] == [ids, [*back]]


def test_the_advice_to_go_on_works(user: User) -> None:
    given: dict[str, Any] = {"set": "nightly", "vms": ["db1", "nobody", "no-volumes"]}
    advice = user.takes(**given).of(FAIL)["msg"].split(" go on without these VMs: ")[1]
    assert advice == "-e vm_snapshot_on_error=continue -e vm_snapshot_max_failed=2"
    assert set(outcomes(user.takes(*shlex.split(advice), **given).ok()).values()) == {
        "created",
        "blocked",
    }


def test_there_is_no_advice_to_go_on_without_all_vms(user: User) -> None:
    run = user.apply(set="nightly", vms=["nobody"])
    assert run.of(FAIL)["msg"].endswith(" Correct this and run the same again")


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({}, "works only on what is missing."),
        ({"name_template": "{vm}-{timestamp}"}, "takes new snapshots of all VMs, because "),
        (
            {"name_template": "{vm}-{timestamp}", "unless_newer_than": "1h"},
            "works only on what is missing.",
        ),
    ],
)
def test_what_a_second_run_does_depends_on_the_names(
    user: User, more: dict[str, str], told: str
) -> None:
    run = user.apply(set="patch", vms=["db1", "fails"], failure_deadline="1s", **more)
    assert f"run the same again, which {told}" in run.of(FAIL)["msg"]


WHY = ["vm_snapshot_reason", "vm_snapshot_msg"]


@pytest.mark.parametrize(
    ("entry_point", "given", "reason", "msg"),
    [
        ("main", {"set": "s", "seletor": "x"}, "invalid_parameters", "vm_snapshot_seletor is not"),
        ("main", {"vms": ["db1"]}, "invalid_parameters", "vm_snapshot_set must be set"),
        ("main", {"set": "s", "vms": ["no-volumes"]}, "preflight_failed", "1 VM: 1 blocked -- "),
        ("main", {"set": "s", "selector": "app=none"}, "nothing_selected", ""),
        ("prune", {"seletor": "x"}, "invalid_parameters", "vm_snapshot_seletor is not"),
        ("prune", {"keep_within": "1y"}, "invalid_parameters", ""),
        ("report", {"seletor": "x"}, "invalid_parameters", "vm_snapshot_seletor is not"),
        ("report", {"dest": "x.xls"}, "invalid_parameters", "vm_snapshot_dest must end in"),
        ("report", {"dest": "no/x.csv"}, "invalid_parameters", "vm_snapshot_dest is in /"),
        ("coverage", {"dest": "no/x.csv"}, "invalid_parameters", "vm_snapshot_dest is in /"),
        ("report", {"cluster": "nowhere"}, "not_found", ""),
        ("coverage", {"seletor": "x"}, "invalid_parameters", "vm_snapshot_seletor is not"),
        ("coverage", {"newer_than": "1y"}, "invalid_parameters", "vm_snapshot_newer_than: '1y'"),
        ("coverage", {"cluster": "nowhere"}, "not_found", ""),
        ("coverage", {"vm_names": "db2"}, "uncovered", "1 of 1 VM in project Default without"),
        ("coverage", {"vm_names": "nobody"}, "nothing_selected", "no VM was found"),
        ("restore", {"vms": ["db1"]}, "invalid_parameters", "vm_snapshot_set must be set"),
        (
            *("restore", {"vms": ["db1@db1-x"]}, "invalid_parameters"),
            "vm_snapshot_set must be set; with VM@SNAPSHOT in vm_snapshot_vms, any name of a",
        ),
        ("restore", {"set": "none", "vms": ["db1"]}, "preflight_failed", "1 VM: 1 blocked -- "),
        ("power", {"vms": ["db1"]}, "invalid_parameters", "vm_snapshot_power must be set"),
        ("power", {"power": "paused", "vms": ["stopped"]}, "preflight_failed", "1 VM: 1 blocked"),
    ],
)
def test_each_failure_says_why_in_facts(
    user: User, entry_point: str, given: dict[str, Any], reason: str, msg: str
) -> None:
    # What an earlier run has left must not be taken for this one's.
    stale: dict[str, Any] = {"ansible.builtin.set_fact": {"vm_snapshot_uncovered": ["stale"]}}
    stale["ansible.builtin.set_fact"].update(dict.fromkeys(WHY, "stale"))
    failing = {"block": [including(entry_point, **given)], "rescue": [shown(*WHY, *OF_AUDIT)]}
    run = user.play({"tasks": [stale, failing]}).ok()
    facts = run.of(WHY[0])["msg"]
    assert facts[WHY[0]] == reason
    assert facts[WHY[1]].startswith(msg)
    assert facts[WHY[1]] == run.records[-2]["result"]["msg"]
    if entry_point == "coverage":
        assert [row["vm_name"] for row in facts[OF_AUDIT[0]]] == ["db2"] * (reason == "uncovered")


@pytest.mark.parametrize(
    ("entry_point", "given"),
    [
        ("main", {"set": "s", "vm_names": "history", "max_failed_clusters": 1}),
        ("prune", {"keep_last": 9, "max_failed_clusters": 1}),
        ("restore", {"set": "s", "vm_names": "history", "max_failed_clusters": 1}),
        ("power", {"power": "started", "vm_names": "vms/history", "max_failed_clusters": 1}),
        ("report", {}),
        ("coverage", {"vm_names": "history"}),
    ],
)
def test_facts_name_the_clusters_that_were_not_reached(
    user: User, palette: Simulator, entry_point: str, given: dict[str, Any]
) -> None:
    palette.sicken("vm-cluster-2", "503")
    some = {"cluster": "", "clusters": ["vm-cluster-1", "vm-cluster-2"], "retries": 0}
    tasks = [
        # A run that asks nothing must not tell what an earlier one has left.
        {"block": [task], "rescue": [{"ansible.builtin.meta": "noop"}], "always": [telling]}
        for task, telling in (
            (including(entry_point, **some, on_error="continue", **given), shown(NOT_REACHED)),
            (including(entry_point, seletor="x"), {**shown(NOT_REACHED), "name": "Tell again"}),
        )
    ]
    run = user.play({"tasks": tasks}).ok()
    assert run.of(NOT_REACHED)["msg"] == {NOT_REACHED: ["vm-cluster-2"]}
    assert run.of("Tell again")["msg"] == {NOT_REACHED: []}


def test_an_audit_with_a_wrong_clock_fails(user: User, palette: Simulator) -> None:
    palette.switch(clock_offset=9 * 24 * 3600)
    failing = {"block": [including("coverage", vm_names="history")], "rescue": [shown(*WHY)]}
    facts = user.play({"tasks": [failing]}).ok().of(WHY[0])["msg"]
    assert facts[WHY[0]] == "clock_skew"
    assert facts[WHY[1]].startswith("the clock here says ")


def test_a_success_has_no_reason(user: User) -> None:
    failing = {"block": [including("report", seletor="x")], "rescue": [shown("first")]}
    failing["rescue"][0]["vars"] = {"first": 1}
    tasks: list[dict[str, Any]] = [failing]
    for entry_point, given in (
        ("report", {}),
        ("coverage", {"vm_names": "history"}),
        ("prune", {"set": "none"}),
        ("main", {"set": "s", "vms": ["db1"]}),
    ):
        check = {"ansible.builtin.assert": {"that": "vm_snapshot_reason == vm_snapshot_msg == ''"}}
        tasks += [including(entry_point, **given), check]
    user.play({"tasks": tasks}).ok()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"cluster": "nowhere"}, "'nowhere'"),
        ({"vms": ["db1", ""]}, "vms[1]"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_failure_before_all_says_that_nothing_was_written(
    user: User, palette: Simulator, wrong: dict[str, Any], message: str
) -> None:
    run = user.apply(**{"set": "patch", "vms": ["db1"], **wrong})
    assert run.status != 0
    assert message in run.of(FAIL)["msg"]
    assert run.of(FAIL)["msg"].endswith(" -- Nothing was written.")
    assert writes(palette) == []


def test_a_failed_retention_fails_after_the_snapshots(user: User, palette: Simulator) -> None:
    palette.inject({"action": "status", "status": 403, "method": "DELETE", "path": "/snapshot/"})
    role = including(set="nightly", vms=["history"], unless_newer_than="12h", keep_within="3d")
    block = {"block": [role], "rescue": [shown("vm_snapshot_reason", "vm_snapshot_pruned")]}
    run = user.play({"tasks": [block]}).ok()
    assert run.of(FAIL)["msg"].startswith("retention: deleted 0 snapshots, kept ")
    assert "1 could not be deleted" in run.of(FAIL)["msg"]
    assert "forbidden: 1 snapshot (vm-cluster-1/vms/history-failed): " in run.of(FAIL)["msg"]
    assert outcomes(run) == {"vm-cluster-1/vms/history": "fresh"}
    facts = run.of("vm_snapshot_reason")["msg"]
    assert facts["vm_snapshot_reason"] == "vms_failed"
    assert "failed" in {row["outcome"] for row in facts["vm_snapshot_pruned"]}


def test_of_a_large_fleet_only_the_vms_without_a_snapshot_are_shown(tmp_path: Path) -> None:
    with Simulator.running("demo", timing="instant", rate_limits="off", vms=60) as palette:
        palette.inject({"action": "status", "status": 403, "method": "POST", "path": "/vms/db2/"})
        user = User(Ansible(tmp_path), palette)
        run = user.apply(set="patch", namespace="", all="yes")
        assert run.status != 0
        assert [row[2] for row in table(run, SHOW)[1:]] == ["db2"]
        assert words(run, SHOW)[0] == "66 VMs: 65 created, 1 failed"
        predicted = user.apply("--check", set="other", namespace="", all="yes").ok()
        assert len(table(predicted, SHOW)[1:]) == 66


# Retention


def test_retention_looks_only_at_the_vms_and_the_set_of_the_run(user: User) -> None:
    nightly = {"set": "nightly", "name_template": "{vm}-{set}-{timestamp}"}
    by_uid = {"cluster": "", "cluster_uid": UID}
    first = user.apply(**nightly, **by_uid, vms=["db1"], keep_last=1, keep_within="").ok()
    assert [row["why"] for row in first.of(RETAIN)["snapshots"]] == ["newest_usable"]
    history = {"vm_name": "history", "cluster": "vm-cluster-1", "cluster_uid": UID}
    second = user.apply(
        **nightly, vms=["db1", history], keep_last="2", unless_newer_than="12h"
    ).ok()
    assert list(second.of(RETAIN)["clusters"]) == ["vm-cluster-1"]
    assert outcomes(second) == {
        "vm-cluster-1/vms/db1": "fresh",
        "vm-cluster-1/vms/history": "fresh",
    }
    assert doomed(second) == {
        "history-failed": "failed",
        "history-30d": "expired",
        "history-7d": "no_longer_kept",
    }
    heading, *rows = table(second, SHOW_RETENTION)
    assert (heading[0], heading[4]) == ("CLUSTER", "SET")
    assert {(row[0], row[4]) for row in rows} == {("vm-cluster-1", "nightly")}


def test_retention_tells_vms_of_the_same_name_apart(tmp_path: Path) -> None:
    vms = [{"name": name, "namespace": "vms"} for name in ("db1", "web1")]
    clusters = [{"name": name, "vms": vms} for name in ("east", "west")]
    keys = [{"key": "demo-key", "user": "demo@example.com"}]
    fleet = tmp_path / "fleet.json"
    projects = [{"name": "Default", "clusters": clusters}]
    fleet.write_text(json.dumps({"keys": keys, "projects": projects}))
    with Simulator.running(fleet, timing="instant", rate_limits="off") as palette:
        user = User(Ansible(tmp_path), palette)
        nightly = {"set": "nightly", "name_template": "{vm}-{set}-{timestamp}", "cluster": ""}
        user.apply(**nightly, namespace="", all="yes").ok()
        two = [
            {"vm_name": "db1", "namespace": "vms", "cluster": "east"},
            {"vm_name": "web1", "namespace": "vms", "cluster": "west"},
        ]
        run = user.apply(**nightly, vms=two, unless_newer_than="1h", keep_last=0).ok()
    assert outcomes(run) == {"east/vms/db1": "fresh", "west/vms/web1": "fresh"}
    assert sorted(row["vm_name"] for row in run.of(RETAIN)["snapshots"]) == ["db1", "web1"]


def test_prunes_alone(user: User, palette: Simulator) -> None:
    scope = {"set": "nightly", "keep_within": "3d", "clusters": "vm-cluster-1", "cluster": ""}
    by_labels = user.apply("--check", tasks_from="prune", **scope, selector="app=db").ok()
    assert doomed(by_labels) == {}
    predicted = user.apply("--check", tasks_from="prune", **scope).ok()
    assert "history-7d" in doomed(predicted)
    assert writes(palette) == []
    run = user.apply(tasks_from="prune", **scope).ok()
    assert doomed(run) == doomed(predicted)
    assert writes(palette) == ["delete_snapshot"] * len(doomed(run))


# Facts of several runs


def test_a_loop_keeps_the_results_of_all_its_runs(user: User) -> None:
    role = including(set="{{ item.set }}", namespace="{{ item.namespace }}", vms="db1", keep_last=1)
    role["loop"] = [
        {"set": "a", "namespace": "vms"},
        {"set": "b", "namespace": "vms"},
        {"set": "a", "namespace": "prod"},
        {"set": "a", "namespace": "vms"},
    ]
    run = user.play({"tasks": [role, shown(FACTS, "vm_snapshot_pruned")]}).ok()
    facts = run.of(FACTS)["msg"]
    assert [(row["set"], row["namespace"], row["outcome"]) for row in facts[FACTS]] == [
        ("a", "vms", "unchanged"),
        ("b", "vms", "created"),
        ("a", "prod", "created"),
    ]
    assert len(facts["vm_snapshot_pruned"]) == 3
    assert passed_on(run).keys() == {row["id"] for row in facts[FACTS]}


def test_a_rescued_failure_is_not_replaced_by_what_succeeds_elsewhere(tmp_path: Path) -> None:
    clusters = [{"name": "same", "vms": [{"name": "db1", "namespace": "vms"}]}]
    keys = [{"key": "demo-key", "user": "demo@example.com"}]
    projects = [{"name": name, "clusters": clusters} for name in ("East", "West")]
    fleet = tmp_path / "fleet.json"
    fleet.write_text(json.dumps({"keys": keys, "projects": projects}))
    with Simulator.running(fleet, timing="instant", rate_limits="off") as palette:
        palette.inject({"action": "status", "status": 403, "method": "POST", "path": "/vms/db1/"})
        user = User(Ansible(tmp_path), palette)
        place: dict[str, Any] = {"cluster": "same", "set": "patch", "vms": ["db1"]}
        failing = {"block": [including(**place, project="East")], "rescue": [shown("rescued")]}
        failing["rescue"][0]["vars"] = {"rescued": True}
        tasks = [failing, including(**place, project="West"), shown(FACTS)]
        run = user.play({"tasks": tasks}).ok()
    rows = run.of(FACTS)["msg"][FACTS]
    assert [(row["cluster"], row["outcome"]) for row in rows] == [
        ("same", "failed"),
        ("same", "created"),
    ]
    assert {row["id"]: row for row in rows} == passed_on(run)


# What is on the screen


def test_tables_are_readable_as_yaml_too(user: User) -> None:
    tasks = [including(set="patch", vms=["db1", "web1"])]
    run = user.play({"tasks": tasks}, ANSIBLE_CALLBACK_RESULT_FORMAT="yaml").ok()
    told: str = run.of(SHOW)["msg"]
    heading = told.splitlines()[0]
    assert heading.startswith("CLUSTER       NAMESPACE  VM NAME")
    assert len(heading) > 80
    # Each line of the table is one on the screen, and starts where the others do.
    on_screen = run.output.splitlines()
    rows = [row for row in told.splitlines() if row]
    indents = [line.index(row) for row in rows for line in on_screen if row in line]
    assert len(indents) == len(rows)
    assert len(set(indents)) == 1


@pytest.mark.parametrize("key", ["demo-key", "s3cret-and-wrong"])
def test_the_api_key_is_never_shown(user: User, key: str) -> None:
    user.connection.pop("PALETTE_API_KEY")
    secret = user.ansible.home / "secret.json"
    secret.write_text(json.dumps({"vm_snapshot_api_key": key}), encoding="utf-8")
    run = user.apply("-e", f"@{secret}", "-vvvv", set="patch", vms=["db1"], keep_last=1)
    assert (run.status == 0) == (key == "demo-key")
    assert key not in run.output
    assert key not in json.dumps(artifacts(run))

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ways in which people run the modules, and that none of them shows the API key."""

from __future__ import annotations

import json
import re
import sys
import venv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from integration.runs import Ansible, Run
from palette_simulator.launch import LIMIT, Simulator

KEY = "demo-key"
WRONG_KEY = "sesame-open-4711"
PLACE = {"project": "Default", "cluster": "vm-cluster-1"}
ONE = {**PLACE, "namespace": "vms", "vm_name": "db1"}
TASKS: list[dict[str, Any]] = [
    {"spectrocloud.palette.vm_snapshot": {**ONE, "name": "secret-test"}},
    {"spectrocloud.palette.vm_snapshot_info": PLACE},
    {
        "spectrocloud.palette.vm_snapshot_set": {
            **PLACE,
            "namespace": "vms",
            "set": "s",
            "vms": ["db2"],
        }
    },
    {"spectrocloud.palette.vm_snapshot_retention": {**PLACE, "keep_last": 3}},
    {"spectrocloud.palette.vm_info": PLACE},
]
MODULES = Path(__file__).parents[2] / "plugins" / "modules"
# The hosts of a play and where its tasks run: here in Ansible's worker, or there as modules.
HERE = {"one": {"ansible_connection": "local"}}
THERE = {"one": {"ansible_connection": "remote"}}


@pytest.fixture(scope="module")
def palette() -> Iterator[Simulator]:
    with Simulator.running("demo", timing="fast", rate_limits="off", tls=True) as simulator:
        yield simulator


@pytest.fixture
def ansible(tmp_path: Path, palette: Simulator) -> Ansible:
    palette.reset()
    return Ansible(tmp_path)


def surroundings(palette: Simulator, key: str = KEY) -> dict[str, Any]:
    """The environment that says where Palette is."""
    return {
        "PALETTE_HOST": palette.url,
        "PALETTE_API_KEY": key,
        "PALETTE_CA_FILE": palette.ca_file or "",
    }


def ad_hoc(ansible: Ansible, palette: Simulator, module: str, **options: object) -> Run:
    arguments = json.dumps(options)
    inventory = ansible.inventory({"localhost": {"ansible_connection": "local"}})
    name = f"spectrocloud.palette.{module}"
    return ansible.run(
        "ansible",
        "-i",
        inventory,
        "localhost",
        "-m",
        name,
        "-a",
        arguments,
        ANSIBLE_LOAD_CALLBACK_PLUGINS="1",
        **surroundings(palette),
    )


def delegated(tasks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Let tasks run on the play's host, as modules if it is not this machine."""
    return [{**task, "delegate_to": "one"} for task in tasks]


def test_ad_hoc_with_the_environment_only(ansible: Ansible, palette: Simulator) -> None:
    by_hand: dict[str, Any] = {**ONE, "name": "by-hand", "poll_interval": 0.2}
    first = ad_hoc(ansible, palette, "vm_snapshot", **by_hand).ok()
    assert first.of("spectrocloud.palette.vm_snapshot")["status"]["ready_to_use"] is True
    second = ad_hoc(ansible, palette, "vm_snapshot", **by_hand).ok()
    assert second.of("spectrocloud.palette.vm_snapshot")["outcome"] == "unchanged"
    listed = ad_hoc(ansible, palette, "vm_snapshot_info", **PLACE, name="by-*").ok()
    found = listed.of("spectrocloud.palette.vm_snapshot_info")["snapshots"]
    assert [snapshot["name"] for snapshot in found] == ["by-hand"]


def test_in_a_play_over_other_machines_with_become_nothing_has_to_be_there(
    ansible: Ansible, palette: Simulator
) -> None:
    """No module gets to the host: it has no Python, and nobody may become root there."""
    host = {"ansible_connection": "remote", "ansible_python_interpreter": "/no/python"}
    keywords = {"become": True, "become_exe": "/no/sudo"}
    run = ansible.play(TASKS, keywords=keywords, hosts={"one": host}, **surroundings(palette)).ok()
    assert len(run.records) == len(TASKS)


def test_async_in_a_play_over_other_machines_needs_delegate_to(
    ansible: Ansible, palette: Simulator
) -> None:
    task = {**TASKS[1], "name": "look", "async": LIMIT, "poll": 1, "ignore_errors": True}
    run = ansible.play([task], hosts=THERE, **surroundings(palette)).ok()
    assert run.of("look")["reason"] == "invalid_parameters"
    assert "delegate_to: localhost" in run.of("look")["msg"]
    task["delegate_to"] = "localhost"
    where: dict[str, Any] = {"ANSIBLE_ASYNC_DIR": str(ansible.home / "jobs")}
    run = ansible.play([task], hosts=THERE, **where, **surroundings(palette)).ok()
    assert run.of("look")["summary"]["total"] == 1


def test_diff_of_each_module_is_shown_without_an_error_of_the_callback(
    ansible: Ansible, palette: Simulator
) -> None:
    one = {**ONE, "name": "seen-in-the-diff"}
    a_set = {**PLACE, "namespace": "vms", "set": "seen", "vms": ["db1", "db2"]}
    tasks: list[dict[str, Any]] = [
        {"spectrocloud.palette.vm_snapshot": one},
        {"spectrocloud.palette.vm_snapshot": {**one, "labels": {"a": "b"}}},
        {"spectrocloud.palette.vm_snapshot": {**one, "state": "absent"}},
        {"spectrocloud.palette.vm_snapshot_set": a_set},
        {"spectrocloud.palette.vm_snapshot_set": {**a_set, "state": "absent"}},
        {"spectrocloud.palette.vm_snapshot_set": {**a_set, "unless_newer_than": "1h"}},
        {"spectrocloud.palette.vm_snapshot_retention": {**PLACE, "set": "seen", "keep_last": 0}},
        {"spectrocloud.palette.vm_snapshot_info": PLACE},
        {"spectrocloud.palette.vm_info": PLACE},
        {"spectrocloud.palette.vm_power": {**ONE, "state": "restarted"}},
        {"spectrocloud.palette.vm_snapshot_set": {**a_set, "set": "back"}},
        {"spectrocloud.palette.vm_restore": {**ONE, "set": "back", "stop": True}},
        {"spectrocloud.palette.vm_restore_set": {**a_set, "set": "back", "stop": True}},
    ]
    named = {name.rpartition(".")[2] for task in tasks for name in task}
    assert named == {file.stem for file in MODULES.glob("vm_*.py")}
    run = ansible.play(tasks, "--diff", **surroundings(palette)).ok()
    changed = [record["result"] for record in run.records if record["result"]["changed"]]
    assert len(changed) == 11
    for result in changed:
        assert isinstance(result["diff"]["before"], (dict, str))
        assert isinstance(result["diff"]["after"], (dict, str))
    assert "callback" not in run.output.lower(), run.output
    shown = run.output[run.output.index("vm_snapshot_retention") :]
    assert re.search(r"^-.*db1-seen", shown, re.M), run.output


@pytest.mark.parametrize("poll", [1, 0])
def test_async(ansible: Ansible, palette: Simulator, poll: int) -> None:
    options = {**ONE, "name": f"in-background-{poll}", "poll_interval": 0.2}
    tasks: list[dict[str, Any]] = [
        {
            "name": "take it",
            "spectrocloud.palette.vm_snapshot": options,
            "async": LIMIT,
            "poll": poll,
            "register": "job",
        },
        {
            "name": "see it done",
            "ansible.builtin.async_status": {"jid": "{{ job.ansible_job_id }}"},
            "register": "done",
            "until": "done is finished",
            "retries": LIMIT,
            "delay": 0.2,
        },
    ]
    # HOME is not the user's here: both ends of the job must look into the same folder.
    where: dict[str, Any] = {"ANSIBLE_ASYNC_DIR": str(ansible.home / "jobs")}
    run = ansible.play(tasks[: 2 - poll], **where, **surroundings(palette)).ok()
    result = run.of("take it" if poll else "see it done")
    assert (result["outcome"], result["status"]["ready_to_use"]) == ("created", True)


PASSED_ON: dict[str, dict[str, Any]] = {
    "the environment of Ansible": {},
    "environment": {"environment": {"PALETTE_API_KEY": WRONG_KEY}},
    "api_key": {"module_defaults": {"group/spectrocloud.palette.all": {"api_key": WRONG_KEY}}},
}


@pytest.mark.parametrize("way", PASSED_ON)
def test_async_leaves_the_key_only_where_the_readme_says(
    ansible: Ansible, palette: Simulator, tmp_path: Path, way: str
) -> None:
    task = {**TASKS[4], "name": "look", "async": LIMIT, "poll": 1, "ignore_errors": True}
    where: dict[str, Any] = {
        "ANSIBLE_ASYNC_DIR": str(tmp_path / "jobs"),
        "ANSIBLE_REMOTE_TMP": str(tmp_path / "remote"),
        "ANSIBLE_KEEP_REMOTE_FILES": "1",
    }
    around = surroundings(palette, KEY if PASSED_ON[way] else WRONG_KEY)
    run = ansible.play([{**task, **PASSED_ON[way]}], "-vvvv", **where, **around).ok()
    assert run.of("look")["reason"] == "unauthorized"
    left = [path for name in ("jobs", "remote") for path in (tmp_path / name).rglob("*")]
    files = [path for path in left if path.is_file() and WRONG_KEY in path.read_text()]
    assert (WRONG_KEY in run.output) is (way == "environment")
    assert bool(files) is (way == "api_key"), files


def test_async_of_each_module(ansible: Ansible, palette: Simulator) -> None:
    tasks = [{**task, "async": LIMIT, "poll": 1} for task in TASKS]
    run = ansible.play(
        tasks, ANSIBLE_ASYNC_DIR=str(ansible.home / "jobs"), **surroundings(palette)
    ).ok()
    for record in run.records:
        assert record["result"]["ansible_job_id"]
        assert record["result"].keys() & {"status", "summary"}
    assert len(run.records) == len(TASKS)


def test_progress_is_shown_unless_turned_off(ansible: Ansible, palette: Simulator) -> None:
    # A line is due after five seconds. So many polls take longer, and only then the snapshot ends.
    polls = {"action": "change_vm", "path": "/vms/snapshot$", "skip": 13}
    for vm in ("db1", "db2"):
        palette.change_vm("vm-cluster-1", "vms", vm, timing={"cut": 200})
        palette.inject({**polls, "vm": f"vm-cluster-1/vms/{vm}", "change": {"timing": {}}})
    sets: list[dict[str, Any]] = [
        {**PLACE, "namespace": "vms", "set": "shown", "vms": ["db1"]},
        {**PLACE, "namespace": "vms", "set": "hidden", "vms": ["db2"], "progress": False},
    ]
    tasks = [{"spectrocloud.palette.vm_snapshot_set": {**one, "poll_interval": 1}} for one in sets]
    run = ansible.play(tasks, **surroundings(palette)).ok()
    line = (
        r"^shown: 0/1 done, 0 failed, vms/db1 waiting to be ready \(phase \w+\) \(\d+ s of \d+ s\)$"
    )
    assert re.search(line, run.output, re.M), run.output
    assert "hidden: " not in run.output


def test_the_environment_of_the_task_wins(ansible: Ansible, palette: Simulator) -> None:
    task = {**TASKS[1], "name": "look", "environment": surroundings(palette)}
    wrong: dict[str, Any] = {"PALETTE_HOST": "https://127.0.0.1:1", "PALETTE_API_KEY": WRONG_KEY}
    assert ansible.play([task], **wrong).ok().of("look")["summary"]["total"] == 1


@pytest.mark.parametrize("hosts", [HERE, THERE], ids=["here", "there"])
@pytest.mark.parametrize("check", [False, True])
def test_no_output_of_a_success_has_the_key(
    ansible: Ansible, palette: Simulator, hosts: dict[str, Any], check: bool
) -> None:
    defaults = {
        "group/spectrocloud.palette.all": {
            "host": palette.url,
            "api_key": KEY,
            "ca_path": palette.ca_file,
        }
    }
    run = ansible.play(
        delegated(TASKS),
        "-vvvv",
        "--diff",
        *(["--check"] if check else []),
        keywords={"module_defaults": defaults},
        hosts=hosts,
    ).ok()
    assert "secret-test" in run.output
    assert KEY not in run.output


@pytest.mark.parametrize("hosts", [HERE, THERE], ids=["here", "there"])
@pytest.mark.parametrize("style", ["invalid-key", "key-echo-401", "key-echo-404"])
def test_no_output_of_a_refused_key_has_it(
    ansible: Ansible, palette: Simulator, hosts: dict[str, Any], style: str
) -> None:
    palette.switch(auth_error_style=style)
    tasks = [{**task, "ignore_errors": True} for task in delegated(TASKS)]
    run = ansible.play(
        tasks,
        "-vvvv",
        hosts=hosts,
        **surroundings(palette, WRONG_KEY),
    ).ok()
    reasons = {record["result"]["reason"] for record in run.records}
    assert reasons == {"unauthorized"}
    assert WRONG_KEY not in run.output


@pytest.mark.parametrize(
    ("trouble", "reason"),
    [
        ({"PALETTE_HOST": "https://127.0.0.1:1"}, "unreachable"),
        ({"PALETTE_CA_FILE": ""}, "tls_error"),
    ],
)
def test_no_output_of_a_broken_connection_has_the_key(
    ansible: Ansible, palette: Simulator, trouble: dict[str, Any], reason: str
) -> None:
    tasks = [
        {action: {**options, "retries": 0}, "ignore_errors": True}
        for task in TASKS
        for action, options in task.items()
    ]
    run = ansible.play(tasks, "-vvvv", **{**surroundings(palette, WRONG_KEY), **trouble}).ok()
    assert {record["result"]["reason"] for record in run.records} == {reason}
    assert WRONG_KEY not in run.output


def test_a_redirect_is_refused_and_does_not_get_the_key(
    ansible: Ansible, palette: Simulator
) -> None:
    palette.inject({"action": "redirect", "location": f"{palette.url}/other", "times": None})
    task = {**TASKS[1], "name": "look", "ignore_errors": True}
    run = ansible.play([task], "-vvvv", **surroundings(palette)).ok()
    assert run.of("look")["reason"] == "redirected"
    assert KEY not in run.output
    assert not [entry for entry in palette.requests() if "/other" in entry["path"]]


def test_a_missing_library_names_the_interpreter(
    ansible: Ansible, palette: Simulator, tmp_path: Path
) -> None:
    bare = tmp_path / "bare"
    venv.create(bare, symlinks=True)
    python = str(bare / "bin" / Path(sys.executable).name)
    python = python if Path(python).exists() else str(bare / "bin" / "python")
    host = {"ansible_connection": "remote", "ansible_python_interpreter": python}
    task = {**TASKS[1], "name": "look", "ignore_errors": True, "delegate_to": "one"}
    run = ansible.play([task], hosts={"one": host}, **surroundings(palette)).ok()
    result = run.of("look")
    assert result["reason"] == "missing_library"
    assert "requests" in result["msg"]
    assert python in result["msg"]

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
            "name": "s",
            "vms": ["db2"],
        }
    },
    {"spectrocloud.palette.vm_snapshot_retention": {**PLACE, "keep_last": 3}},
]


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


def test_ad_hoc_with_the_environment_only(ansible: Ansible, palette: Simulator) -> None:
    by_hand: dict[str, Any] = {**ONE, "name": "by-hand", "poll_interval": 0.2}
    first = ad_hoc(ansible, palette, "vm_snapshot", **by_hand).ok()
    assert first.of("spectrocloud.palette.vm_snapshot")["status"]["ready_to_use"] is True
    second = ad_hoc(ansible, palette, "vm_snapshot", **by_hand).ok()
    assert second.of("spectrocloud.palette.vm_snapshot")["outcome"] == "unchanged"
    listed = ad_hoc(ansible, palette, "vm_snapshot_info", **PLACE, name="by-*").ok()
    found = listed.of("spectrocloud.palette.vm_snapshot_info")["snapshots"]
    assert [snapshot["name"] for snapshot in found] == ["by-hand"]


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
        {**PLACE, "namespace": "vms", "name": "shown", "vms": ["db1"]},
        {**PLACE, "namespace": "vms", "name": "hidden", "vms": ["db2"], "progress": False},
    ]
    tasks = [{"spectrocloud.palette.vm_snapshot_set": {**one, "poll_interval": 1}} for one in sets]
    run = ansible.play(tasks, **surroundings(palette)).ok()
    assert re.search(r"^shown: 0/1 done, 0 failed, 1 waiting to be ready, \d+ s$", run.output, re.M)
    assert "hidden: " not in run.output


def test_the_environment_of_the_task_wins(ansible: Ansible, palette: Simulator) -> None:
    task = {**TASKS[1], "name": "look", "environment": surroundings(palette)}
    wrong: dict[str, Any] = {"PALETTE_HOST": "https://127.0.0.1:1", "PALETTE_API_KEY": WRONG_KEY}
    assert ansible.play([task], **wrong).ok().of("look")["summary"]["total"] == 1


@pytest.mark.parametrize("host", ["local", "remote"])
@pytest.mark.parametrize("check", [False, True])
def test_no_output_of_a_success_has_the_key(
    ansible: Ansible, palette: Simulator, host: str, check: bool
) -> None:
    defaults = {
        "group/spectrocloud.palette.all": {
            "host": palette.url,
            "api_key": KEY,
            "ca_path": palette.ca_file,
        }
    }
    run = ansible.play(
        TASKS,
        "-vvvv",
        "--diff",
        *(["--check"] if check else []),
        keywords={"module_defaults": defaults},
        hosts={"one": {"ansible_connection": host}},
    ).ok()
    assert "secret-test" in run.output
    assert KEY not in run.output


@pytest.mark.parametrize("host", ["local", "remote"])
@pytest.mark.parametrize("style", ["invalid-key", "key-echo-401", "key-echo-404"])
def test_no_output_of_a_refused_key_has_it(
    ansible: Ansible, palette: Simulator, host: str, style: str
) -> None:
    palette.switch(auth_error_style=style)
    tasks = [{**task, "ignore_errors": True} for task in TASKS]
    run = ansible.play(
        tasks,
        "-vvvv",
        hosts={"one": {"ansible_connection": host}},
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
    task = {**TASKS[1], "name": "look", "ignore_errors": True}
    run = ansible.play([task], hosts={"one": host}, **surroundings(palette)).ok()
    result = run.of("look")
    assert result["reason"] == "missing_library"
    assert "requests" in result["msg"]
    assert python in result["msg"]

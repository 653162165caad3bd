# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A play run by ansible-runner, as AWX runs it, and read back from what that leaves behind."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

from integration.runs import Ansible
from palette_simulator.launch import Simulator

KEY = "demo-key"
PLAY = {
    "hosts": "all",
    "gather_facts": False,
    "module_defaults": {
        "group/spectrocloud.palette.all": {"project": "Default", "cluster": "vm-cluster-1"}
    },
    "tasks": [
        {
            "name": "Take a snapshot",
            "spectrocloud.palette.vm_snapshot": {
                "namespace": "vms",
                "vm_name": "db1",
                "name": "by-a-job",
                "poll_interval": 0.2,
            },
            "register": "taken",
        },
        {
            "name": "Hand on its name",
            "ansible.builtin.set_stats": {"data": {"snapshot": "{{ taken.status.name }}"}},
        },
    ],
}


ROLE_PLAY = {
    "hosts": "localhost",
    "gather_facts": False,
    "roles": [{"role": "spectrocloud.palette.vm_snapshot"}],
}
# As a survey gives them.
ANSWERS = {
    "vm_snapshot_project": "Default",
    "vm_snapshot_cluster": "vm-cluster-1",
    "vm_snapshot_namespace": "vms",
    "vm_snapshot_set": "by-a-job",
    "vm_snapshot_vms": "db1\r\nweb1\r\n",
    "vm_snapshot_exclude": "",
    "vm_snapshot_keep_last": 3,
}


class Job(NamedTuple):
    """What a job left behind."""

    results: dict[str, dict[str, Any]]
    artifacts: dict[str, Any]
    stdout: str


def _run(ansible: Ansible, folder: Path, palette: Simulator, play: object, **extra: object) -> Job:
    """Run a play as AWX does, the key being a credential that is injected as a variable."""
    contents: dict[str, Any] = {
        "project/play.yml": [play],
        "inventory/hosts.json": {"all": {"hosts": {"localhost": {"ansible_connection": "local"}}}},
        "env/envvars": {"PALETTE_HOST": palette.url, "PALETTE_API_KEY": KEY},
        "env/extravars": extra,
    }
    for name, content in contents.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content), encoding="utf-8")
    command = ("ansible-runner", "run", folder, "-p", "play.yml", "--ident", "1", "-v")
    ansible.run(*command).ok()
    left = folder / "artifacts" / "1"
    assert (left / "rc").read_text() == "0"
    events = [json.loads(path.read_text()) for path in (left / "job_events").glob("*.json")]
    assert not [event for event in events if KEY in json.dumps(event)]
    # As README.md says, ansible-runner itself writes down the environment.
    assert KEY in (left / "command").read_text()
    stdout = (left / "stdout").read_text()
    assert KEY not in stdout
    results = {
        event["event_data"]["task"]: event["event_data"]["res"]
        for event in events
        if event["event"] == "runner_on_ok"
    }
    stats = next(e["event_data"] for e in events if e["event"] == "playbook_on_stats")
    return Job(results, stats.get("artifact_data", {}), stdout)


def test_a_job_of_ansible_runner(tmp_path: Path) -> None:
    with Simulator.running("demo", timing="fast") as palette:
        job = _run(Ansible(tmp_path), tmp_path / "job", palette, PLAY)
    assert job.results["Take a snapshot"]["changed"] is True
    assert job.results["Take a snapshot"]["status"]["ready_to_use"] is True
    assert job.artifacts == {"snapshot": "by-a-job"}


def test_jobs_of_the_role_in_a_workflow(tmp_path: Path) -> None:
    ansible = Ansible(tmp_path)
    with Simulator.running("demo", timing="fast") as palette:
        first = _run(ansible, tmp_path / "first", palette, ROLE_PLAY, **ANSWERS)
        rows = first.artifacts["vm_snapshots"].values()
        assert [(row["vm_name"], row["outcome"]) for row in rows] == [
            ("db1", "created"),
            ("web1", "created"),
        ]
        assert "2 VMs: 2 created" in first.stdout
        # A later node gets the answers and the artifacts of those before.
        handed_on = {**ANSWERS, **first.artifacts, "vm_snapshot_state": "absent"}
        second = _run(ansible, tmp_path / "second", palette, ROLE_PLAY, **handed_on)
    rows = second.artifacts["vm_snapshots"].values()
    assert [row["outcome"] for row in rows] == ["deleted", "deleted"]

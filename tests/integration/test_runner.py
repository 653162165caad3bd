# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A play run by ansible-runner, as AWX runs it, and read back from what that leaves behind."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

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


def _private_data(folder: Path, palette: Simulator) -> Path:
    """Lay out a job as AWX does, the key being a credential that is injected as a variable."""
    contents: dict[str, Any] = {
        "project/play.yml": [PLAY],
        "inventory/hosts.json": {"all": {"hosts": {"localhost": {"ansible_connection": "local"}}}},
        "env/envvars": {"PALETTE_HOST": palette.url, "PALETTE_API_KEY": KEY},
    }
    for name, content in contents.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content), encoding="utf-8")
    return folder


def test_a_job_of_ansible_runner(tmp_path: Path) -> None:
    job = tmp_path / "job"
    with Simulator.running("demo", timing="fast") as palette:
        command = ("ansible-runner", "run", _private_data(job, palette), "-p", "play.yml")
        Ansible(tmp_path).run(*command, "--ident", "1", "-v").ok()
    artifacts = job / "artifacts" / "1"
    assert (artifacts / "rc").read_text() == "0"
    events = [json.loads(path.read_text()) for path in (artifacts / "job_events").glob("*.json")]
    results = {
        event["event_data"]["task"]: event["event_data"]["res"]
        for event in events
        if event["event"] == "runner_on_ok"
    }
    assert results["Take a snapshot"]["changed"] is True
    assert results["Take a snapshot"]["status"]["ready_to_use"] is True
    stats = next(e["event_data"] for e in events if e["event"] == "playbook_on_stats")
    assert stats["artifact_data"] == {"snapshot": "by-a-job"}
    assert KEY not in (artifacts / "stdout").read_text()
    assert not [event for event in events if KEY in json.dumps(event)]

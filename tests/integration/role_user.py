# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Somebody who applies the role vm_snapshot, and what the role told them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.spectrocloud.palette.plugins.filter.from_artifacts import from_artifacts
from integration.runs import Ansible, Run
from palette_simulator.launch import Simulator

ROLE = "spectrocloud.palette.vm_snapshot"
LOCALHOST: dict[str, dict[str, Any]] = {"localhost": {"ansible_connection": "local"}}
PLACE = {"project": "Default", "cluster": "vm-cluster-1", "namespace": "vms"}

REFUSE = "Refuse variables that are not known here"
TAKE = "Take or delete the snapshots"
RETAIN = "Delete the snapshots that are no longer needed"
SHOW = "Show the snapshots"
SHOW_RETENTION = "Show what was deleted, and why"
FAIL = "Fail if a snapshot is missing or was not deleted"


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
        extra = prefixed({**PLACE, **variables})
        role = {"ansible.builtin.include_role": {"name": ROLE, "tasks_from": tasks_from}}
        return self.ansible.play([role], "-e", json.dumps(extra), *arguments, **self.connection)

    def takes(self, *arguments: object, **variables: Any) -> Run:
        """Run the playbook snapshot."""
        extra = json.dumps(prefixed({**PLACE, **variables}))
        playbook = "spectrocloud.palette.snapshot"
        command = ("ansible-playbook", playbook, "-e", extra, *arguments)
        return self.ansible.run(*command, **self.connection)

    def play(
        self,
        play: Mapping[str, Any],
        *arguments: object,
        hosts: Mapping[str, Any] | None = None,
        **environment: str,
    ) -> Run:
        """Run a play; on localhost, unless hosts are given."""
        keywords = dict(play)
        tasks = keywords.pop("tasks", [])
        return self.ansible.play(
            *(tasks, *arguments),
            keywords=keywords,
            hosts=hosts or LOCALHOST,
            **{**self.connection, **environment},
        )


def prefixed(variables: Mapping[str, Any]) -> dict[str, Any]:
    """Return the role's variables by their full names."""
    return {f"vm_snapshot_{name}": value for name, value in variables.items()}


def including(tasks_from: str = "main", apply: Any = None, **variables: Any) -> dict[str, Any]:
    """Return the task that includes the role with these variables."""
    role: dict[str, Any] = {"name": ROLE, "tasks_from": tasks_from}
    if apply:
        role["apply"] = apply
    return {"ansible.builtin.include_role": role, "vars": prefixed({**PLACE, **variables})}


def shown(*names: str) -> dict[str, Any]:
    """Return a task that shows facts; its name is their first."""
    return {
        "name": names[0],
        "ansible.builtin.debug": {"msg": {n: f"{{{{ {n} }}}}" for n in names}},
    }


def results_of(run: Run, task: str) -> list[dict[str, Any]]:
    """Return the results of all tasks of a name."""
    return [record["result"] for record in run.records if record["task"] == task]


def outcomes(run: Run) -> dict[str, str]:
    """Return the outcome for each VM."""
    members = run.of(TAKE)["members"]
    return {vm: member["outcome"] for vm, member in members.items()}


def doomed(run: Run) -> dict[str, str]:
    """Return the snapshots that retention deleted, or would delete, and why."""
    rows = run.of(RETAIN)["snapshots"]
    return {row["name"]: row["why"] for row in rows if row["decision"] == "delete"}


def table(run: Run, task: str) -> list[list[str]]:
    """Return the cells of a table on the screen, with its heading."""
    lines = run.of(task)["msg"]
    above = lines[: lines.index("")] if "" in lines else []
    return [re.split(r"  +", line) for line in above]


def words(run: Run, task: str) -> list[str]:
    """Return the sentences below a table on the screen."""
    lines: list[str] = run.of(task)["msg"]
    return lines[lines.index("") + 1 :] if "" in lines else lines


def artifacts(run: Run) -> dict[str, Any]:
    """Return what the run passes on to later jobs."""
    found = re.search(r"RUN: (\{.*\})", run.output)
    passed_on: dict[str, Any] = json.loads(found[1]) if found else {}
    return passed_on


def passed_on(run: Run, artifact: str = "vm_snapshots") -> dict[str, Any]:
    """Return the rows that a later job finds, by their ids."""
    return {row["id"]: row for row in from_artifacts(artifacts(run), artifact=artifact)}


def writes(palette: Simulator) -> list[str]:
    """Return the operations that Palette was asked to write."""
    return [
        entry["operation"]
        for entry in palette.requests()
        if entry["method"] in ("POST", "PUT", "DELETE") and "/search" not in entry["path"]
    ]

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs Ansible's commands as a user would, in a home of their own, and keeps what they did."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from palette_simulator.launch import LIMIT

HERE = Path(__file__).parent
_BIN = Path(sys.executable).parent
# Two marks that end something, one after the other, but for an ellipsis.
_DOUBLED = re.compile(r"(?<![.])[.?!;:,][.?!;:,](?=\s|$)")
_TELLS = ("fail", "assert", "debug")
_PASSED_ON = ("LANG", "LC_ALL", "TMPDIR", "COVERAGE_PROCESS_START")


class Run(NamedTuple):
    """A finished command: its output, and the result of each task."""

    status: int
    output: str
    records: list[dict[str, Any]]

    def ok(self) -> Run:
        """Return this run, which must have succeeded."""
        assert self.status == 0, self.output
        return self

    def of(self, name: str) -> dict[str, Any]:
        """Return the result of the one task, or module, of this name."""
        found = [r["result"] for r in self.records if name in (r["task"], r["action"])]
        assert len(found) == 1, f"{len(found)} results of {name}:\n{self.output}"
        result: dict[str, Any] = found[0]
        return result


class Ansible:
    """Ansible's commands. home: an empty folder for all that they write."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._config = home / "ansible.cfg"
        self._config.touch()
        self._runs = 0

    def environment(self, **more: str) -> dict[str, str]:
        """Return the environment of a command: nothing of the user's, no colours."""
        kept = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        plugins = HERE / "plugins"
        return {
            **kept,
            "PATH": f"{_BIN}{os.pathsep}{os.environ['PATH']}",
            "LC_ALL": "C.UTF-8",
            "HOME": str(self.home),
            "ANSIBLE_HOME": str(self.home / "ansible"),
            "ANSIBLE_CONFIG": str(self._config),
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_LOCALHOST_WARNING": "0",
            "ANSIBLE_INVENTORY_UNPARSED_WARNING": "0",
            "ANSIBLE_PIPELINING": "1",
            "ANSIBLE_TASK_TIMEOUT": str(LIMIT),
            "ANSIBLE_ROLES_PATH": str(HERE / "targets"),
            "ANSIBLE_ACTION_PLUGINS": str(plugins / "action"),
            "ANSIBLE_CALLBACK_PLUGINS": str(plugins / "callback"),
            "ANSIBLE_CALLBACKS_ENABLED": "recorder",
            "ANSIBLE_CONNECTION_PLUGINS": str(plugins / "connection"),
            **more,
        }

    def run(self, *command: object, **environment: str) -> Run:
        """Run a command of the environment's bin folder."""
        self._runs += 1
        record = self.home / f"record-{self._runs}.jsonl"
        record.touch()
        name, *arguments = map(str, command)
        done = subprocess.run(
            [str(_BIN / name), *arguments],
            env=self.environment(**{"RECORDER_FILE": str(record), **environment}),
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=2 * LIMIT,  # a task that hangs ends before, and fails alone
            check=False,
        )
        run = Run(done.returncode, done.stdout, _records(record))
        assert oddly_joined(run.records) == []
        return run

    def playbook(
        self, playbook: Path, inventory: Path, *arguments: object, **environment: str
    ) -> Run:
        """Run a playbook file."""
        return self.run("ansible-playbook", "-i", inventory, playbook, *arguments, **environment)

    def play(
        self,
        tasks: Sequence[Mapping[str, Any]],
        *arguments: object,
        keywords: Mapping[str, Any] | None = None,
        hosts: Mapping[str, Mapping[str, Any]] | None = None,
        **environment: str,
    ) -> Run:
        """Run tasks in a play of their own. keywords: of the play. hosts: with their variables."""
        play = {"hosts": "all", "gather_facts": False, **(keywords or {}), "tasks": list(tasks)}
        playbook = self.home / f"play-{self._runs}.yml"
        playbook.write_text(json.dumps([play]), encoding="utf-8")
        inventory = self.inventory(hosts or {"localhost": {"ansible_connection": "local"}})
        return self.playbook(playbook, inventory, *arguments, **environment)

    def inventory(self, hosts: Mapping[str, Mapping[str, Any]]) -> Path:
        """Write an inventory whose hosts are all this machine."""
        path = self.home / f"inventory-{self._runs}.json"
        common = {"ansible_python_interpreter": sys.executable}
        content = {"all": {"hosts": hosts, "vars": common}}
        path.write_text(json.dumps(content), encoding="utf-8")
        return path


def oddly_joined(records: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the texts of our modules, roles and playbooks in which a sentence ends twice."""
    ours = [
        record["result"].get("msg")
        for record in records
        if record["action"].startswith("spectrocloud.palette.")
        or record["action"].rpartition(".")[2] in _TELLS
    ]
    texts = [text for msg in ours for text in (msg if isinstance(msg, list) else [msg])]
    return [text for text in texts if isinstance(text, str) and _DOUBLED.search(text)]


def _records(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]

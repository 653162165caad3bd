# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs Ansible's commands as a user would, with default settings, in a home of their own."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import processes
from benchmarks.processes import Usage

_BIN = Path(sys.executable).parent
_CALLBACKS = Path(__file__).parent / "callback"
# Where make puts what the collection is compared with.
RIVALS = Path(__file__).parents[2] / ".cache" / "bench"

_UNPARSED = "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED"

Task = Mapping[str, Any]


class Play(NamedTuple):
    """A finished play.

    task_seconds: of all its tasks on all hosts; 0 where it has none. result: of the last task,
    where it is wanted.
    """

    usage: Usage
    task_seconds: float
    result: Mapping[str, Any]

    @property
    def seconds(self) -> float:
        """How long the whole command took."""
        return self.usage.seconds


class Ansible:
    """Ansible's commands against one Palette. home: an empty folder for all that they write."""

    def __init__(self, home: Path, palette_url: str, api_key: str) -> None:
        self._home = home
        self._config = home / "ansible.cfg"
        self._config.touch()
        self._environment = {
            "PATH": f"{_BIN}{os.pathsep}{os.environ['PATH']}",
            "LC_ALL": "C.UTF-8",
            "HOME": str(home),
            "TMPDIR": str(home),
            "ANSIBLE_HOME": str(home / "ansible"),
            "ANSIBLE_CONFIG": str(self._config),
            "ANSIBLE_COLLECTIONS_PATH": str(RIVALS / "collections"),
            "ANSIBLE_LOCALHOST_WARNING": "0",
            "ANSIBLE_INVENTORY_UNPARSED_WARNING": "0",
            "PALETTE_HOST": palette_url,
            "PALETTE_API_KEY": api_key,
        }

    def play(
        self,
        *tasks: Task,
        hosts: Sequence[str] = ("localhost",),
        forks: int = 5,
        result: bool = False,
    ) -> Play:
        """Run a play of these tasks on hosts that all are this machine.

        result: whether to keep the last task's, which takes time of its own.
        """
        playbook, stopwatch = self._home / "play.json", self._home / "stopwatch.json"
        kept = self._home / "result.json"
        kept.write_text("{}", encoding="utf-8")
        play = {"hosts": "all", "gather_facts": False, "tasks": tasks}
        playbook.write_text(json.dumps([play]), encoding="utf-8")
        watched = {
            "ANSIBLE_CALLBACK_PLUGINS": str(_CALLBACKS),
            "ANSIBLE_CALLBACKS_ENABLED": "stopwatch,last_result" if result else "stopwatch",
            "STOPWATCH_FILE": str(stopwatch),
            "LAST_RESULT_FILE": str(kept),
        }
        options = ["--inventory", str(self._inventory(hosts)), "--forks", str(forks)]
        command = [str(_BIN / "ansible-playbook"), *options, str(playbook)]
        usage = processes.run(command, self._environment | watched)
        return Play(usage, sum(_read(stopwatch)), _read(kept))

    def playbook(
        self, name: str, hosts: Sequence[str], variables: Mapping[str, object], forks: int = 5
    ) -> Usage:
        """Run a playbook of the collection on hosts that all are this machine."""
        options = ["--inventory", str(self._inventory(hosts)), "--forks", str(forks)]
        options += ["--extra-vars", json.dumps(variables)]
        command = [str(_BIN / "ansible-playbook"), *options, f"spectrocloud.palette.{name}"]
        return processes.run(command, self._environment)

    def ad_hoc(self, task: Task) -> Usage:
        """Run one module with the command for that."""
        ((module, arguments),) = task.items()
        options = ["--inventory", str(self._inventory(["localhost"]))]
        options += ["--module-name", module, "--args", json.dumps(arguments)]
        return processes.run([str(_BIN / "ansible"), "localhost", *options], self._environment)

    def inventory(self, source: Mapping[str, Any]) -> Usage:
        """List the hosts of an inventory file with this content."""
        path = self._home / "palette.yml"
        path.write_text(json.dumps(source), encoding="utf-8")
        command = [str(_BIN / "ansible-inventory"), "--list", "--inventory", str(path)]
        return processes.run(command, self._environment | {_UNPARSED: "1"})

    def _inventory(self, hosts: Sequence[str]) -> Path:
        path = self._home / "inventory.json"
        # An interpreter that is given need not be searched for, which would count against modules.
        common = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
        content = {"all": {"hosts": {host: {} for host in hosts}, "vars": common}}
        path.write_text(json.dumps(content), encoding="utf-8")
        return path


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs run by ansible-runner as AWX runs them, and read back from what they leave behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from integration.killed import MARK, marked
from integration.runs import Ansible
from palette_simulator.launch import LIMIT, Simulator

KEY = "demo-key"
# AWX keeps no result that is longer.
LONGEST_RESULT = 700_000
_WITH_RESULT = ("runner_on_ok", "runner_on_failed", "runner_on_unreachable")


class Unsafe(str):
    """A text that Ansible must not take for a template."""

    __slots__ = ()


yaml.SafeDumper.add_representer(
    Unsafe, lambda dumper, text: dumper.represent_scalar("!unsafe", str(text), style='"')
)


def unsafe(value: Any) -> Any:
    """Return a value in which each text is marked, as AWX marks what people answer."""
    if isinstance(value, str):
        return Unsafe(value)
    if isinstance(value, Mapping):
        return {key: unsafe(item) for key, item in value.items()}
    return list(map(unsafe, value)) if isinstance(value, (list, tuple)) else value


class Job(NamedTuple):
    """What a job left behind. failed: the hosts that AWX would relaunch it on."""

    status: int
    events: list[dict[str, Any]]
    artifacts: dict[str, Any]
    failed: set[str]
    stdout: str

    def of(self, task: str) -> dict[str, Any]:
        """Return the result of the one task of this name."""
        (result,) = self.all_of(task)
        return result

    def all_of(self, task: str) -> list[dict[str, Any]]:
        """Return the results of all tasks of a name, or of all hosts, that were not skipped."""
        return [
            event["event_data"]["res"]
            for event in self.events
            if event["event"] in ("runner_on_ok", "runner_on_failed")
            and event["event_data"]["task"] == task
        ]

    def ok(self) -> Job:
        """Return this job, which must have succeeded."""
        assert self.status == 0, self.stdout
        return self


class Jobs:
    """Job templates of a playbook each, against one Palette. folder: an empty one."""

    def __init__(self, folder: Path, palette: Simulator) -> None:
        self._folder = folder
        self._palette = palette
        self._runs = 0

    def run(
        self,
        play: str | Sequence[Mapping[str, Any]],
        *arguments: str,
        hosts: Sequence[str] = (),
        answers: Mapping[str, Any] | None = None,
        extra_vars: Mapping[str, Any] | None = None,
    ) -> Job:
        """Run a job. play: a playbook of the collection by name, or plays.

        answers: of a survey, or what a workflow passes on. extra_vars: the template's own.
        """
        home, command = self._prepared(play, hosts, {**(extra_vars or {}), **unsafe(answers or {})})
        run = Ansible(home).run(*command, *arguments)
        return _read(home, run.status, run.output)

    def kill(self, play: str, after: str, **prepared: Any) -> None:
        """Run a job, and kill all of it when Palette is asked for an operation."""
        answers = unsafe(prepared.get("answers", {}))
        home, command = self._prepared(play, prepared.get("hosts", ()), answers)
        mark = uuid.uuid4().hex
        with subprocess.Popen(
            [str(Path(sys.executable).with_name("ansible-runner")), *map(str, command[1:])],
            env=Ansible(home).environment(RECORDER_FILE=str(home / "killed.jsonl"), **{MARK: mark}),
            cwd=home,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as process:
            while not self._palette.requests(after):
                assert process.poll() is None, "the job ended before it could be killed"
                time.sleep(0.01)
            _kill_all(mark)

    def _prepared(
        self, play: str | Sequence[Mapping[str, Any]], hosts: Sequence[str], extra: object
    ) -> tuple[Path, tuple[object, ...]]:
        self._runs += 1
        home = self._folder / f"job-{self._runs}"
        # AWX cannot name a playbook of a collection: a project has a line for each.
        one_line = [{"import_playbook": f"spectrocloud.palette.{play}"}]
        plays = one_line if isinstance(play, str) else play
        contents: dict[str, Any] = {
            "project/play.yml": plays,
            "inventory/hosts.json": {"all": {"hosts": {key: {} for key in hosts}}},
            "env/envvars": {
                "PALETTE_HOST": self._palette.url,
                "PALETTE_API_KEY": KEY,
                "MAX_EVENT_RES": str(LONGEST_RESULT),
                "ANSIBLE_NOCOLOR": "0",
                "ANSIBLE_FORCE_COLOR": "1",
            },
        }
        for name, content in contents.items():
            path = home / "job" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(content), encoding="utf-8")
        variables = home / "job" / "env" / "extravars"
        variables.write_text(yaml.safe_dump(extra, width=10_000), encoding="utf-8")
        command = ("ansible-runner", "run", home / "job", "-p", "play.yml", "--ident", "1", "-v")
        return home, command


def _read(home: Path, status: int, output: str) -> Job:
    left = home / "job" / "artifacts" / "1"
    # As README.md says, ansible-runner itself writes down the environment.
    assert KEY in (left / "command").read_text("utf-8")
    files = sorted(
        (left / "job_events").glob("*.json"), key=lambda file: int(file.name.split("-")[0])
    )
    events = [json.loads(file.read_text("utf-8")) for file in files]
    assert not [event for event in events if KEY in json.dumps(event)], "the key is in an event"
    stdout = (left / "stdout").read_text("utf-8")
    assert KEY not in stdout + output
    stats: dict[str, Any] = next(
        (e["event_data"] for e in events if e["event"] == "playbook_on_stats"), {}
    )
    failed = {*stats.get("failures", {}), *stats.get("dark", {})}
    return Job(status, events, stats.get("artifact_data", {}), failed, stdout)


def results(job: Job) -> list[tuple[str, int]]:
    """Return the length of each result as ansible-runner counts it, by its task; 0 if emptied."""
    return [
        (event["event_data"]["task"], len(str(event["event_data"]["res"] or "")))
        for event in job.events
        if event["event"] in _WITH_RESULT
    ]


def _kill_all(mark: str) -> None:
    deadline = time.monotonic() + LIMIT
    while processes := marked(mark):
        assert time.monotonic() < deadline, "processes of the job outlive SIGKILL"
        for process in processes:
            try:
                os.kill(process, signal.SIGKILL)
            except ProcessLookupError:
                continue

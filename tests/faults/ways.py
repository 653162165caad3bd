# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Both ways to run a task: in process, and as a module in a process of its own."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

from unit.ways_in import run_as_action

_TESTS = Path(__file__).resolve().parents[1]


LIMIT = 30  # seconds: ends a task that hangs


class Told(NamedTuple):
    """What a task told. result: None if there was no result. text: all that it wrote."""

    result: dict[str, Any] | None
    text: str

    @property
    def warnings(self) -> list[str]:
        """The warnings in the result."""
        warnings: list[str] = (self.result or {}).get("warnings") or []
        return warnings


def in_process(module: str, options: Mapping[str, Any], limit: int = LIMIT) -> Told:
    """Run a task as its action does, in this process. limit: seconds it may take."""
    with _limited(limit):
        result = run_as_action(module, **options)
    return Told(result, json.dumps(result, default=str))


class ModuleHost:
    """Runs modules, each in a process of its own that begins with everything imported."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    @classmethod
    @contextmanager
    def running(cls) -> Iterator[ModuleHost]:
        """Run a host."""
        with subprocess.Popen(
            [sys.executable, "-m", "faults.module_host"],
            cwd=_TESTS,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            yield cls(process)
            # Popen closes standard input, and the host ends.

    def run(self, module: str, options: Mapping[str, Any]) -> Told:
        """Run a task as Ansible runs modules: arguments on standard input, result on its output."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps({"module": module, "args": options}) + "\n")
        self._process.stdin.flush()
        told = json.loads(self._process.stdout.readline())
        return Told(_result_in(told["stdout"]), told["stdout"] + told["stderr"])


@contextmanager
def _limited(seconds: int) -> Iterator[None]:
    def give_up(_number: int, _frame: FrameType | None) -> None:
        raise TimeoutError(f"the task has not ended after {seconds} s")

    signal.signal(signal.SIGALRM, give_up)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)


def _result_in(output: str) -> dict[str, Any] | None:
    try:
        result = json.loads(output)
    except ValueError:
        return None
    return result if isinstance(result, dict) else None

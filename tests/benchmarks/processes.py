# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a command as a process of its own and says what it took."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from typing import IO, NamedTuple

_TAIL = 2000  # characters of output that explain a failure


class Usage(NamedTuple):
    """What a process and its children took.

    seconds: by the clock. cpu_seconds: of all together. peak_mb: of the largest one's memory.
    """

    seconds: float
    cpu_seconds: float
    peak_mb: float


class CommandError(RuntimeError):
    """A command of a benchmark failed, so that there is nothing to measure."""


def run(command: Sequence[str], environment: Mapping[str, str]) -> Usage:
    """Run a command to its end; CommandError holds the end of its output."""
    with tempfile.TemporaryFile("w+", encoding="utf-8") as output:
        started = time.perf_counter()
        process = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        # Unlike Popen.wait, this tells what the children took that the process has awaited.
        _pid, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise CommandError(f"{command[0]} ended with {process.returncode}: {_tail(output)}")
    return Usage(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def _tail(output: IO[str]) -> str:
    output.seek(0)
    return output.read()[-_TAIL:]

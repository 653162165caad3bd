# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs modules for others: a line of JSON in, a process for each, a line of JSON out.

A module's Python takes most of a second to start. This one has imported everything, and forks.
"""

from __future__ import annotations

import json
import os
import runpy
import signal
import sys
import tempfile
from importlib import import_module
from typing import IO, Any

from faults.ways import LIMIT

_MODULES = "ansible_collections.spectrocloud.palette.plugins.modules"
_CORES = "ansible_collections.spectrocloud.palette.plugins.module_utils._module"
_PRELOADED = (
    "vm_power",
    "vm_restore",
    "vm_restore_set",
    "vm_snapshot",
    "vm_snapshot_info",
    "vm_snapshot_retention",
    "vm_snapshot_set",
)


def main() -> None:
    """Run modules until standard input ends."""
    for name in _PRELOADED:
        import_module(f"{_CORES}.{name}")
    for line in sys.stdin:
        sys.stdout.write(json.dumps(_run(json.loads(line))) + "\n")
        sys.stdout.flush()


def _run(job: dict[str, Any]) -> dict[str, str]:
    with (
        tempfile.TemporaryFile("w+") as given,
        tempfile.TemporaryFile("w+") as stdout,
        tempfile.TemporaryFile("w+") as stderr,
    ):
        given.write(json.dumps({"ANSIBLE_MODULE_ARGS": job["args"]}))
        given.seek(0)
        child = os.fork()
        if not child:
            _become(job["module"], given, stdout, stderr)
        os.waitpid(child, 0)
        return {"stdout": _content(stdout), "stderr": _content(stderr)}


def _become(module: str, *streams: IO[str]) -> None:
    signal.alarm(LIMIT)  # ends this process
    for number, stream in enumerate(streams):
        os.dup2(stream.fileno(), number)
    # What the host has read ahead of standard input is not this process's.
    sys.stdin = open(0, closefd=False)  # noqa: SIM115 - the module's for all its life
    status = 1
    try:
        runpy.run_module(f"{_MODULES}.{module}", run_name="__main__")
    except SystemExit as ended:
        status = int(ended.code or 0)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _content(stream: IO[str]) -> str:
    stream.seek(0)
    return stream.read()


if __name__ == "__main__":
    main()

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs that are killed: their processes are marked, and heed signals."""

from __future__ import annotations

import signal
from pathlib import Path

MARK = "PALETTE_TEST_RUN"  # of the environment that a run passes on to all its processes


def heed_signals() -> None:
    """Undo what a process inherits in the background, or by nohup: SIGINT and SIGHUP ignored."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def marked(mark: str) -> list[int]:
    """Return the processes that have a mark in their environment."""
    sought = f"{MARK}={mark}".encode()
    return [
        int(folder.name)
        for folder in Path("/proc").glob("[0-9]*")
        if sought in _environment(folder).split(b"\0")
    ]


def _environment(process: Path) -> bytes:
    try:
        return (process / "environ").read_bytes()
    except OSError:  # it has ended, or is another user's
        return b""

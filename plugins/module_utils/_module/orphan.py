# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ends a task whose starter is gone, because of a hang-up or a kill.

Workers of newer ansible-cores have a session of their own: no signal reaches them. They would go on
writing beside the next run, for nobody.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_INTERVAL = 0.1  # seconds
_STATUS = 129  # as of a process that a hang-up ended
# They wait for a module, and do not notice that who started them is gone.
_GO_BETWEENS = ("sh", "ash", "bash", "dash", "ksh", "zsh", "busybox", "sudo", "su")


@contextmanager
def ended_with_its_starter() -> Iterator[None]:
    """In this block, end the process soon after the one that started it, whatever it does."""
    done = threading.Event()
    starters = _starters()

    def watch() -> None:
        while not done.wait(_INTERVAL):
            if _starters() != starters:
                # No clean end: threads may wait for answers, and nobody reads what is still said.
                os._exit(_STATUS)

    threading.Thread(target=watch, daemon=True).start()
    try:
        yield
    finally:
        done.set()


def _starters() -> list[int]:
    """Return the parent of this process; if that is a shell, its parent, too, and so on."""
    starters = [os.getppid()]
    name, parent = _name_and_parent(starters[0])
    while name in _GO_BETWEENS:
        starters.append(parent)
        name, parent = _name_and_parent(parent)
    return starters


def _name_and_parent(process: int) -> tuple[str, int]:
    try:
        stat = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
        # As in "4711 (sh) S 4710 …"; the name may contain anything.
        before, _parenthesis, after = stat.rpartition(")")
        return before.partition("(")[2], int(after.split()[1])
    except (OSError, ValueError, IndexError):
        return "", 0

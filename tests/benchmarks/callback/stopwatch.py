# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes the time of each task, from its start on the first host to its end on the last."""

from __future__ import annotations

import json
import os
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: stopwatch
type: aggregate
short_description: Write how long each task took
description:
  - Writes a list of seconds as JSON to the file that the environment variable STOPWATCH_FILE names.
"""


class CallbackModule(CallbackBase):  # type: ignore[misc]  # ansible-core is untyped
    """Times the tasks of this process."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "stopwatch"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self._laps: list[float] = []

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        """The task before, if any, is done."""
        self._laps.append(time.perf_counter())

    def v2_playbook_on_stats(self, stats: Any) -> None:
        """The last task is done."""
        moments = pairwise([*self._laps, time.perf_counter()])
        seconds = [end - start for start, end in moments]
        Path(os.environ["STOPWATCH_FILE"]).write_text(json.dumps(seconds), encoding="utf-8")

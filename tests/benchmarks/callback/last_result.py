# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps what the last task returned, and which of its items failed."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: last_result
type: aggregate
short_description: Write what the last task returned, and which of its items failed
description:
  - Writes the result of the play's last task as JSON to the file that the environment variable
    LAST_RESULT_FILE names. The failed items of its loop are in failed_items.
"""


class CallbackModule(CallbackBase):  # type: ignore[misc]  # ansible-core is untyped
    """Holds the latest result of this process."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "last_result"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self._latest: Any = {}
        self._failed_items: list[Any] = []

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        """Another task begins, with items of its own."""
        self._failed_items = []

    def v2_runner_item_on_failed(self, result: Any) -> None:
        """An item has failed; from ansible-core 2.19 on, the task's result does not say so."""
        self._failed_items.append(result._result["item"])

    def v2_runner_on_ok(self, result: Any) -> None:
        """A task has done its work."""
        self._latest = result._result

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        """A task has failed."""
        self._latest = result._result

    def v2_playbook_on_stats(self, stats: Any) -> None:
        """The play is done."""
        written = {**self._latest, "failed_items": self._failed_items}
        text = json.dumps(written, default=str)
        Path(os.environ["LAST_RESULT_FILE"]).write_text(text, encoding="utf-8")

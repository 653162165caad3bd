# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes each task's result as a line of JSON, so that tests can check and compare them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: recorder
type: notification
short_description: Write results as lines of JSON
description:
  - Writes to the file that the environment variable RECORDER_FILE names.
"""


class CallbackModule(CallbackBase):  # type: ignore[misc]  # ansible-core is untyped
    """Records results of this process."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "recorder"

    def v2_runner_on_ok(self, result: Any) -> None:
        """A task ended well."""
        self._record(result, expected=True)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        """A task failed; expected is a failure that its play ignores."""
        self._record(result, expected=ignore_errors)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        """A host could not be reached."""
        self._record(result, expected=False)

    def _record(self, result: Any, *, expected: bool) -> None:
        entry = {
            "host": result._host.get_name(),
            "action": result._task.action,
            "task": result._task_fields.get("name") or result._task.get_name(),
            "expected": expected,
            "result": result._result,
        }
        with Path(os.environ["RECORDER_FILE"]).open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry, default=str) + "\n")

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a core function is given: the task's options and the few things it may do besides."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple


class Task(NamedTuple):
    """One task. warn and progress take a line of text for the user.

    options: checked for type by the argument spec, every option present, None where not given.
    """

    options: Mapping[str, Any]
    check_mode: bool = False
    diff_mode: bool = False
    warn: Callable[[str], None] = lambda _text: None
    progress: Callable[[str], None] = lambda _text: None


Result = dict[str, Any]

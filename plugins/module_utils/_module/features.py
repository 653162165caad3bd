# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection's features: for each module, its arguments and the core function behind it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from .. import arguments
from .._snapshots import info, retention, sets, single
from .._validation.problems import Problem
from .task import Result, Task


class Feature(NamedTuple):
    """What one module does, whichever way it is run.

    problems: what is wrong with the options, told before any request.
    """

    arguments: arguments.Arguments
    problems: Callable[[Mapping[str, Any]], list[Problem]]
    core: Callable[[Task], Result]


VM_SNAPSHOT = Feature(arguments.VM_SNAPSHOT, single.problems, single.run)
VM_SNAPSHOT_INFO = Feature(arguments.VM_SNAPSHOT_INFO, info.problems, info.run)
VM_SNAPSHOT_RETENTION = Feature(arguments.VM_SNAPSHOT_RETENTION, retention.problems, retention.run)
VM_SNAPSHOT_SET = Feature(arguments.VM_SNAPSHOT_SET, sets.problems, sets.run)

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How much is tried, and what was: the same little in each unit test, more in ``make fuzz``."""

from __future__ import annotations

import os
from collections import Counter

from hypothesis import HealthCheck, settings

# How many times as much as in the unit tests.
TIMES = int(os.environ.get("FUZZ", "0"))
_RUNS, _STEPS = 20, 20
_TASKS = 40

tried: Counter[str] = Counter()


def of_states() -> settings:
    """Return how many runs the state machine has, and of how many steps."""
    return settings(_tries(_RUNS), stateful_step_count=50 if TIMES else _STEPS)


def of_options() -> settings:
    """Return how many tasks each module is given."""
    return _tries(_TASKS)


def _tries(examples: int) -> settings:
    return settings(
        max_examples=examples * max(TIMES, 1),
        derandomize=not TIMES,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )

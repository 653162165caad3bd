# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What KubeVirt's refusals of power calls mean: their texts count, not their statuses.

See docs/palette.md, "Power".
"""

from __future__ import annotations

import re

# The VM is, or soon will be, in another state than the call needs: a poll tells in which.
_OF_THE_STATE = re.compile(
    r"VMI? is (not running|already running|already paused|not paused)"
    r"|currently being migrated"
    r"|does not support starting VM from failed state"
    r"|only supports manual stop requests with a shorter graceperiod"
    r"|Always does not support manual start requests"
    r"|Halted does not support manual restart requests"
    r"|virtualmachineinstances?\.kubevirt\.io \S+ not found",
    re.IGNORECASE,
)
# A snapshot or a restore has the VM.
_LOCKED = re.compile(
    r"until (snapshot|restore) .* completes|VM snapshot is in progress", re.IGNORECASE
)
_STRATEGY = re.compile(r"does not support manual \w+ requests", re.IGNORECASE)


def of_the_state(text: str) -> bool:
    """Say whether a refusal is about the VM's present state, which a poll shows."""
    return bool(_OF_THE_STATE.search(text))


def locked(text: str) -> bool:
    """Say whether a refusal lasts until a snapshot or a restore ends."""
    return bool(_LOCKED.search(text))


def of_the_strategy(text: str) -> bool:
    """Say whether the VM's run strategy does not allow the call."""
    return bool(_STRATEGY.search(text))

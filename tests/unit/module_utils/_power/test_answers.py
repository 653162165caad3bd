# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""KubeVirt's refusals of power calls, told by their texts."""

from __future__ import annotations

import pytest

from ansible_collections.spectrocloud.palette.plugins.module_utils._power.answers import (
    locked,
    of_the_state,
    of_the_strategy,
)

_VM = 'Operation cannot be fulfilled on virtualmachine.kubevirt.io "vm1": '
_DENIED = 'admission webhook "virtualmachine-validator.kubevirt.io" denied the request: '
_BUSY = "Cannot update vm running state until snapshot"


@pytest.mark.parametrize(
    "text",
    [
        f"{_VM}VM is not running",
        f"{_VM}VM is already running",
        f"{_VM}Halted only supports manual stop requests with a shorter graceperiod",
        f"{_VM}RunStategy Halted does not support manual restart requests",
        f"{_VM}Always does not support manual start requests",
        "Operation cannot be fulfilled on virtualmachineinstance.kubevirt.io: VMI is not paused",
        "VMI is already paused",
        f"{_VM}Cannot pause VM 'vm1' because it is currently being migrated",
        f"{_VM}RerunOnFailure does not support starting VM from failed state",
        'virtualmachineinstance.kubevirt.io "vm1" not found',
    ],
)
def test_of_the_state(text: str) -> None:
    assert of_the_state(f"PUT https://palette.example/v1/x: HTTP 409: {text}")
    assert not locked(text)


@pytest.mark.parametrize(
    "text",
    [
        f'Internal error occurred: {_DENIED}{_BUSY} "x" completes',
        f'{_DENIED}Cannot update VM runStrategy until restore "r1" completes',
        f"{_VM}VM snapshot is in progress",
    ],
)
def test_locked(text: str) -> None:
    assert locked(text)
    assert not of_the_state(text)


@pytest.mark.parametrize("verb", ["start", "stop", "restart"])
def test_of_the_strategy(verb: str) -> None:
    text = f"{_VM}Once does not support manual {verb} requests"
    assert of_the_strategy(text)
    assert not of_the_state(text)


@pytest.mark.parametrize(
    "text",
    [
        "HTTP 500: Failed to stop virtual machine 'vm1'",
        'virtualmachine.kubevirt.io "vm1" not found',
        "Palette says that cluster c is Error, not Running",
    ],
)
def test_other_refusals_are_none_of_these(text: str) -> None:
    assert not any(told(text) for told in (of_the_state, locked, of_the_strategy))

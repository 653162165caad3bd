# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The result of each module that writes says whether it is a prediction."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import pytest
import yaml

from ansible_collections.spectrocloud.palette.plugins.module_utils._restores import work
from ansible_collections.spectrocloud.palette.plugins.module_utils._restores.session import (
    RestoreSession,
)
from unit.builders import key_of, own_labels
from unit.cluster_in_memory import PowerPalette
from unit.tasks import run
from unit.test_modules_and_actions import MODULES, core_of
from unit.ways_in import PLUGINS

DB1 = key_of("db1")
ONE: dict[str, Any] = {"cluster_uid": "c1", "namespace": "vms", "vm_name": "db1"}
ALL: dict[str, Any] = {"cluster_uid": "c1", "all": True}
GIVEN: dict[str, dict[str, Any]] = {
    "vm_power": {**ALL, "state": "stopped", "wait": False},
    "vm_restore": {**ONE, "snapshot": "s", "stop": True},
    "vm_restore_set": {**ALL, "set": "nightly", "stop": True},
    "vm_snapshot": {**ONE, "name": "new"},
    "vm_snapshot_retention": {"cluster_uid": "c1", "set": "nightly", "keep_last": 1},
    "vm_snapshot_set": {**ALL, "set": "other"},
}
REFUSED: dict[str, dict[str, Any]] = {
    "vm_restore": {**ONE, "snapshot": "s"},
    "vm_snapshot": {**ONE, "vm_name": "nobody", "name": "new"},
}


@pytest.fixture
def palette() -> Iterator[PowerPalette]:
    """Return Palette with a running VM, and its snapshot."""
    made = PowerPalette()
    made.cluster.add_vm(DB1)
    made.add_snapshot("s", DB1, own_labels("nightly"), age=3600)
    reach = patch.object(RestoreSession, "kubernetes", lambda _self, _api: made.cluster)
    with reach, patch.object(work, "time", made.clock):
        yield made


def test_all_modules_but_those_that_only_read_are_here() -> None:
    assert [name for name in MODULES if not name.endswith("_info")] == sorted(GIVEN)


@pytest.mark.parametrize("name", GIVEN)
def test_check_mode_is_documented_in_the_same_words(name: str) -> None:
    returned = yaml.safe_load(importlib.import_module(f"{PLUGINS}.modules.{name}").RETURN)
    text = returned["check_mode"]["description"]
    assert text == "Whether this is a prediction, and nothing was written."


@pytest.mark.parametrize("name", GIVEN)
@pytest.mark.parametrize("check_mode", [True, False])
def test_result_says_whether_it_is_a_prediction(
    palette: PowerPalette, name: str, check_mode: bool
) -> None:
    result = run(palette, core_of(name), check_mode=check_mode, **GIVEN[name])
    assert not result.get("failed"), result
    assert result["check_mode"] is check_mode


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("check_mode", [True, False])
def test_refusal_says_whether_it_is_a_prediction(
    palette: PowerPalette, name: str, check_mode: bool
) -> None:
    result = run(palette, core_of(name), check_mode=check_mode, **REFUSED[name])
    assert result["failed"]
    assert result["check_mode"] is check_mode

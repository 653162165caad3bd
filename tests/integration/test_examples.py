# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""EXAMPLES run as they stand, those of the modules with the connection in the environment."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from integration.runs import HERE, Ansible
from palette_simulator.build import derived_uid
from palette_simulator.launch import Simulator

PLUGINS = HERE.parents[1] / "plugins"
MODULES = sorted((PLUGINS / "modules").glob("vm_*.py"))


_PLACE = {"project": "Default", "cluster": "vm-cluster-1", "namespace": "vms"}
_ONE = {**_PLACE, "vm_name": "db1", "name": "db1-before-patch"}
_TWO = {**_PLACE, "vms": ["db1", "web1"], "set": "before-patch"}
_DATABASES = {**_PLACE, "vms": ["db1", "db2"]}
_TAKE, _TAKE_SET = "spectrocloud.palette.vm_snapshot", "spectrocloud.palette.vm_snapshot_set"
# What was taken before.
TAKEN: dict[str, list[dict[str, Any]]] = {
    "vm_restore": [{_TAKE: _ONE}, {_TAKE_SET: {**_DATABASES, "set": "nightly"}}],
    "vm_restore_set": [{_TAKE_SET: _TWO}, {_TAKE_SET: {**_DATABASES, "set": "before-release"}}],
}


@pytest.fixture(scope="module")
def palette() -> Iterator[Simulator]:
    """A Palette whose names are those of the examples."""
    with Simulator.running("demo", timing="fast") as simulator:
        yield simulator


def _examples(module: Path) -> list[dict[str, Any]]:
    for statement in ast.parse(module.read_text("utf-8")).body:
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "EXAMPLES":
            tasks: list[dict[str, Any]] = yaml.safe_load(ast.literal_eval(statement.value))
            return tasks
    raise AssertionError(f"{module.name} has no EXAMPLES")


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.stem)
def test_examples_run_as_they_stand(module: Path, palette: Simulator, tmp_path: Path) -> None:
    palette.reset()
    tasks = _examples(module)
    run = Ansible(tmp_path).play(
        [*TAKEN.get(module.stem, []), *tasks],
        PALETTE_HOST=palette.url,
        PALETTE_API_KEY="demo-key",
        PALETTE_PROJECT_UID=derived_uid("project", "Default"),
    )
    own = f"spectrocloud.palette.{module.stem}"
    done = [record["task"] for record in run.ok().records if record["action"] == own]
    assert done == [task["name"] for task in tasks if own in task]
    assert done


def test_the_examples_of_from_artifacts_find_all_parts(tmp_path: Path) -> None:
    run = Ansible(tmp_path).play(_examples(PLUGINS / "filter" / "from_artifacts.py")).ok()
    assert [record["result"].get("msg") for record in run.records[-2:]] == [
        ["db1", "web1"],
        ["db1"],
    ]

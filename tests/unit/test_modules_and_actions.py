# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each module has an action of its name, and both have the documented options."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from ansible_collections.spectrocloud.palette.plugins.module_utils._module.base import Module
from ansible_collections.spectrocloud.palette.plugins.plugin_utils.in_process import InProcessAction
from unit.ways_in import PLUGINS

FOLDER = Path(__file__).parents[2] / "plugins"
MODULES = sorted(path.stem for path in (FOLDER / "modules").glob("*.py"))


def plugin(kind: str, name: str) -> ModuleType:
    return importlib.import_module(f"{PLUGINS}.{kind}.{name}")


def core_of(name: str) -> Module:
    """Return what a module does, from the file of its name."""
    core: Module = plugin("module_utils._module", name).MODULE
    return core


def documented_options(name: str) -> dict[str, Any]:
    documentation = yaml.safe_load(plugin("modules", name).DOCUMENTATION)
    options: dict[str, Any] = dict(documentation["options"]) if "options" in documentation else {}
    for reference in documentation["extends_documentation_fragment"]:
        fragment, _dot, part = reference.removeprefix("spectrocloud.palette.").partition(".")
        text = getattr(
            plugin("doc_fragments", fragment).ModuleDocFragment, (part or "documentation").upper()
        )
        options.update(yaml.safe_load(text).get("options", {}))
    return options


def test_actions_are_those_of_all_modules_and_no_others() -> None:
    assert sorted(path.stem for path in (FOLDER / "action").glob("*.py")) == MODULES


@pytest.mark.parametrize("name", MODULES)
def test_module_and_action_have_the_same_core(name: str) -> None:
    action = plugin("action", name).ActionModule
    assert issubclass(action, InProcessAction)
    assert action.module is core_of(name)
    assert plugin("modules", name).MODULE is core_of(name)


@pytest.mark.parametrize("name", MODULES)
def test_options_that_readme_names_for_all_modules_are_known(name: str) -> None:
    # module_defaults of the group must fit all: a key that one module does not know is an error.
    readme = (FOLDER.parent / "README.md").read_text("utf-8")
    table = readme.partition("| Option | Environment variables |")[2].partition("\n\n")[0]
    common = {*re.findall(r"^\| `(\w+)`", table, re.M), "cluster", "cluster_uid", "namespace"}
    assert len(common) > 7
    assert common - core_of(name).arguments.spec.keys() == set()


@pytest.mark.parametrize("name", MODULES)
def test_documentation_has_all_options_and_no_others(name: str) -> None:
    assert documented_options(name).keys() == core_of(name).arguments.spec.keys()


@pytest.mark.parametrize("name", MODULES)
def test_no_list_has_choices_which_ansible_would_look_for_before_lines_are_split(name: str) -> None:
    specs = core_of(name).arguments.spec.items()
    assert [o for o, spec in specs if spec["type"] == "list" and "choices" in spec] == []

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each module has an action plugin and documented options, and both mean the same feature."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from ansible_collections.spectrocloud.palette.plugins.module_utils import features

COLLECTION = "ansible_collections.spectrocloud.palette.plugins"
PLUGINS = Path(__file__).parents[3] / "plugins"
MODULES = sorted(path.stem for path in (PLUGINS / "modules").glob("*.py"))


def plugin(kind: str, name: str) -> ModuleType:
    return importlib.import_module(f"{COLLECTION}.{kind}.{name}")


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


def test_there_are_actions_for_all_modules_and_no_others() -> None:
    assert sorted(path.stem for path in (PLUGINS / "action").glob("*.py")) == MODULES


@pytest.mark.parametrize("name", MODULES)
def test_both_doors_lead_to_the_same_feature(name: str) -> None:
    feature = getattr(features, name.upper())
    assert plugin("action", name).ActionModule.feature is feature
    assert getattr(plugin("modules", name), name.upper()) is feature


@pytest.mark.parametrize("name", MODULES)
def test_all_options_are_documented_and_no_others(name: str) -> None:
    spec = getattr(features, name.upper()).arguments.spec
    assert documented_options(name).keys() == spec.keys()

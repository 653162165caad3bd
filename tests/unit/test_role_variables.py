# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The variables of the role vm_snapshot: one list of them in each place, and all the same."""

from __future__ import annotations

import re
from importlib import import_module
from typing import Any

import pytest
import yaml

from ansible_collections.spectrocloud.palette.plugins.plugin_utils.role_variables import FACTS
from checkout import CHECKOUT

ROLE = CHECKOUT / "roles" / "vm_snapshot"
README = (ROLE / "README.md").read_text("utf-8")
SPECS: dict[str, Any] = yaml.safe_load((ROLE / "meta" / "argument_specs.yml").read_text("utf-8"))[
    "argument_specs"
]
OPTIONS = {
    name: {word.removeprefix("vm_snapshot_") for word in spec["options"]}
    for name, spec in SPECS.items()
}
OWN: dict[str, Any] = yaml.safe_load((ROLE / "vars" / "main.yml").read_text("utf-8"))


def spec_of(module: str) -> dict[str, Any]:
    """Return a module's argument spec."""
    name = f"ansible_collections.spectrocloud.palette.plugins.module_utils._module.{module}"
    spec: dict[str, Any] = import_module(name).ARGUMENTS.spec
    return spec


def options_of(module: str) -> set[str]:
    """Return the options of a module."""
    return set(spec_of(module))


def passed_on(*lists: str) -> set[str]:
    """Return the options that the role passes on, and that each is in one list only."""
    words = [word for name in lists for word in OWN[f"__vm_snapshot_{name}"]]
    assert len(words) == len(set(words))
    return set(words)


COMMON = ("selection", "connection")
# The role itself says which rows of a list it needs.
ROWS = {"fields", "sort", "limit"}


def test_the_role_passes_on_all_options_of_a_set() -> None:
    # The role itself says which rows it wants.
    given = options_of("vm_snapshot_set") - {"members", "max_rows"}
    assert passed_on("members", "execution", *COMMON) == given


def test_the_role_passes_on_all_options_of_retention() -> None:
    own = passed_on("rules", "execution", *COMMON) | {"set", "snapshot_selector"}
    assert own == options_of("vm_snapshot_retention") - {"after", "max_rows"}


def test_the_role_passes_on_all_options_of_a_restore() -> None:
    # wait_timeout and poll_interval are among those of the execution.
    own = passed_on("restoring", "execution", *COMMON) | {"set"}
    assert own == options_of("vm_restore_set") - {"members", "max_rows"}


def test_the_role_passes_on_all_options_of_power_calls() -> None:
    # The role itself asks for one VM as for many.
    given = options_of("vm_power") - {"state", "vm_name", "max_rows"}
    assert passed_on("switching", *COMMON) == given


def test_the_role_passes_on_all_filters_of_snapshots() -> None:
    assert passed_on("filters", *COMMON) == options_of("vm_snapshot_info") - ROWS


def test_the_role_asks_for_no_more_of_a_list_than_it_needs() -> None:
    """A result with all of 30,000 snapshots would take a minute, and AWX would not keep it."""
    tasks = yaml.safe_load((ROLE / "tasks" / "report.yml").read_text("utf-8"))
    lists = {f"spectrocloud.palette.{module}" for module in ("vm_snapshot_info", "vm_info")}
    asked = {module: task[module].get("fields") for task in tasks for module in lists & set(task)}
    assert set(asked) == lists
    assert all(asked.values())


def test_the_role_passes_on_all_filters_of_vms() -> None:
    assert passed_on(*COMMON) == options_of("vm_info") - ROWS


def test_the_role_documents_what_it_passes_on_and_nothing_else() -> None:
    own = {"max_rows", "set_stats"}
    taking = passed_on("members", "rules", "execution", *COMMON)
    assert OPTIONS["main"] == taking | own | {"check_only"}
    retention = options_of("vm_snapshot_retention") - {"after"}
    assert OPTIONS["prune"] == retention | own | {"namespace", "check_only"}
    report, coverage = options_of("vm_snapshot_info") - ROWS, options_of("vm_info") - ROWS
    assert OPTIONS["report"] == report | own | {"namespace", "dest"}
    assert OPTIONS["coverage"] == coverage | own | {"namespace", "newer_than", "dest"}
    back = options_of("vm_restore_set") - {"members"}
    assert OPTIONS["restore"] == back | {"set_stats", "check_only"}
    power = options_of("vm_power") - {"state", "vm_name"}
    assert OPTIONS["power"] == power | {"set_stats", "check_only", "power"}


@pytest.mark.parametrize(
    ("entry_point", "module"),
    [
        ("main", "vm_snapshot_set"),
        ("prune", "vm_snapshot_retention"),
        ("report", "vm_snapshot_info"),
        ("coverage", "vm_info"),
        ("restore", "vm_restore_set"),
        ("power", "vm_power"),
    ],
)
def test_the_types_are_those_of_the_modules(entry_point: str, module: str) -> None:
    modules = ("vm_snapshot_info", "vm_snapshot_retention", "vm_snapshot_set", module)
    options = {name: option for each in modules for name, option in spec_of(each).items()}
    own = {"check_only", "set_stats", "dest", "max_rows", "power"}
    for word in OPTIONS[entry_point] - own:
        documented = SPECS[entry_point]["options"][f"vm_snapshot_{word}"]
        for key in ("type", "elements", "choices"):
            # The modules leave these to KubeVirt's rules.
            if (word, key) != ("deletion_policy", "choices"):
                assert documented.get(key) == options[word].get(key), (word, key)


def test_the_readme_has_all_variables_and_facts_in_its_tables_and_no_others() -> None:
    cells = re.findall(r"^\| (`[^|]+) \|", README, re.MULTILINE)
    named = {word for cell in cells for word in re.findall(r"`vm_snapshot_(\w+)`", cell)}
    facts = {fact.removeprefix("vm_snapshot_") for fact in FACTS}
    assert named == set().union(*OPTIONS.values()) | facts

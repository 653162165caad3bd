# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Problems of options: their order, and examples that are YAML."""

from __future__ import annotations

import json

import pytest
import yaml

from ansible_collections.spectrocloud.palette.plugins.module_utils._validation.problems import (
    Problem,
    in_one_text,
    merged,
    nearest,
    option_problem,
)


def test_in_one_text_shows_each_example_once() -> None:
    vms = [Problem(f"vms[{n}].cluster", "must be set", "vms: [db1]") for n in range(5)]
    name = Problem("vms[1].vm_name", "is no name", "vms: [db1]")
    assert in_one_text([*vms, name, Problem("set", "is empty", "set: nightly")]) == (
        "vms[0].cluster, vms[1].cluster, vms[2].cluster and 2 more: must be set; "
        "vms[1].vm_name: is no name; for example: vms: [db1]; "
        "set: is empty; for example: set: nightly"
    )


def test_merged_adds_only_options_that_earlier_groups_left_out() -> None:
    first, again, other = Problem("name", "a", ""), Problem("name", "b", ""), Problem("zz", "c", "")
    assert merged([first], [again, other]) == [first, other]


def test_merged_puts_problems_in_reading_order() -> None:
    names = ("definition.spec", "wait_timeout", "labels.b", "labels.a", "name", "vm_name")
    problems = [Problem(name, "", "") for name in names]
    assert [problem.option for problem in merged(problems, problems)] == [
        "vm_name",
        "name",
        "labels.a",
        "labels.b",
        "wait_timeout",
        "definition.spec",
    ]


@pytest.mark.parametrize("text", ["5", "1.5", "1e3", "true", "No", "null", ""])
def test_option_problem_quotes_an_example_that_yaml_would_not_read_as_text(text: str) -> None:
    example = option_problem("kind", "is wrong", text).example
    assert yaml.safe_load(example) == {"kind": text}
    assert example == f"kind: {json.dumps(text)}"


def test_nearest_of_a_hosts_full_name_is_like_its_first_label_too() -> None:
    known = ["db1", "web1", "db2.example.com"]
    assert nearest("db1.lan.internal.example.org", known)[0] == "db1"
    assert nearest("vms/db1.example.com", ["vms/db1"]) == ["vms/db1"]
    assert nearest("db2.example.con", known)[0] == "db2.example.com"


def test_nearest_are_only_those_that_are_near_enough() -> None:
    assert nearest("rows", ["progress"]) == ["progress"]
    assert nearest("rows", ["progress"], cutoff=0.7) == []

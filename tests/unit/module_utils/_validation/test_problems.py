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
    merged,
    option_problem,
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

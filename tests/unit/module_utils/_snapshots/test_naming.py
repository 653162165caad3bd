# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The names of a set's members."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots.naming import (
    member_name,
    name_problems,
    random_suffix,
    set_name_problems,
    template_problems,
    timestamped,
)
from unit.builders import NOW, key_of


def test_random_suffix_differs_each_time() -> None:
    suffixes = {random_suffix() for _number in range(50)}
    assert len(suffixes) == 50
    assert name_problems([(key_of(), f"db1-{suffix}") for suffix in suffixes]) == []


@pytest.mark.parametrize(
    ("template", "name"),
    [
        ("{vm}-{set}", "db1-nightly"),
        ("{set}.{namespace}.{vm}", "nightly.vms.db1"),
        ("{vm}-{timestamp}", "db1-20261123-120000"),
        ("{vm}-{vm}", "db1-db1"),
        ("fixed", "fixed"),
    ],
)
def test_member_name_fills_the_template(template: str, name: str) -> None:
    assert template_problems(template) == []
    assert member_name(template, "nightly", key_of(), NOW) == name


@pytest.mark.parametrize(
    ("template", "result"),
    [
        ("{vm}-{set}", "{vm}-{set}-{timestamp}"),
        ("{timestamp}-{vm}", "{timestamp}-{vm}"),
        ("{{timestamp}}{vm}", "{{timestamp}}{vm}-{timestamp}"),
    ],
)
def test_timestamped_makes_names_that_differ_from_run_to_run(template: str, result: str) -> None:
    assert timestamped(template) == result


@pytest.mark.parametrize(
    "template",
    [
        "{}",
        "{0}",
        "{name}",
        "{vm",
        "vm}",
        "{vm!r}",
        "{vm:>20}",
        "{vm:{set}}",
        "{vm.key}",
        "{vm[0]}",
    ],
)
def test_template_problems_of_a_template_that_cannot_be_used(template: str) -> None:
    problems = template_problems(template)
    assert len(problems) == 1
    assert "name_template" in str(problems[0])
    assert repr(template) in str(problems[0])


@pytest.mark.parametrize("name", ["nightly", "before-patch", "Nightly_2", "a" * 63])
def test_set_name_problems_allow_what_can_be_a_labels_value(name: str) -> None:
    assert set_name_problems(name) == []


@pytest.mark.parametrize("name", ["", "a b", "-a", "a-", "a" * 64, "ä", "a/b"])
def test_set_name_problems_of_what_cannot_be_a_labels_value(name: str) -> None:
    assert [problem.option for problem in set_name_problems(name)] == ["name"]


def test_name_problems_say_what_to_change() -> None:
    long = key_of("v" * 250)
    problems = name_problems([(key_of(), "db1-nightly"), (long, f"{long.vm_name}-nightly")])
    assert len(problems) == 1
    assert f"VM {long.vm_name}" in str(problems[0])
    assert "shorten name or name_template" in str(problems[0])


@pytest.mark.parametrize("name", ["Db1-nightly", "db1_nightly", "", "-db1"])
def test_name_problems_of_names_that_kubernetes_refuses(name: str) -> None:
    assert len(name_problems([(key_of(), name)])) == 1


def test_name_problems_of_the_same_name_twice_in_a_namespace() -> None:
    keys = [key_of("db1"), key_of("db1", "prod"), key_of("db1", cluster_uid="c2")]
    assert name_problems([(key, "same") for key in keys]) == []
    problems = name_problems([(key_of("db1"), "same"), (key_of("db2"), "same")])
    assert "2 members in namespace vms would have the name 'same'" in str(problems[0])


_vm_names = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?", fullmatch=True)


@given(st.sets(_vm_names, min_size=1), _vm_names)
def test_name_template_gives_each_vm_a_name_of_its_own_by_default(
    vm_names: set[str], set_name: str
) -> None:
    keys = [key_of(vm_name) for vm_name in sorted(vm_names)]
    names = [(key, member_name("{vm}-{set}", set_name, key, NOW)) for key in keys]
    assert name_problems(names) == []
    assert len({name for _key, name in names}) == len(names)

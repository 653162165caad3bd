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
    naming_problems,
    random_suffix,
    set_name_problems,
    template_problems,
    timestamped,
    unusable_names,
)
from unit.builders import NOW, key_of


def test_random_suffix_differs_each_time() -> None:
    suffixes = {random_suffix() for _number in range(50)}
    assert len(suffixes) == 50
    assert all(unusable_names({key_of(): f"db1-{suffix}"}) == {} for suffix in suffixes)


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
    assert [problem.option for problem in set_name_problems(name)] == ["set"]


def test_naming_problems_blame_the_set_where_its_name_makes_the_names_invalid() -> None:
    (problem,) = naming_problems("{vm}-{set}", "Nightly")
    assert problem.option == "set"
    assert [p.option for p in naming_problems("Vm-{set}", "nightly")] == ["name_template"]
    assert naming_problems("{vm}-{set}", "nightly") == []


def test_unusable_names_say_of_each_vm_what_to_change() -> None:
    long = key_of("v" * 250)
    texts = unusable_names({key_of(): "db1-nightly", long: f"{long.vm_name}-nightly"})
    assert list(texts) == [long]
    assert texts[long].startswith(f"VM vms/{long.vm_name}: ")
    assert "shorten set or name_template" in texts[long]


@pytest.mark.parametrize("name", ["Db1-nightly", "db1_nightly", "", "-db1"])
def test_unusable_names_are_those_that_kubernetes_refuses(name: str) -> None:
    assert list(unusable_names({key_of(): name})) == [key_of()]


def test_unusable_names_are_all_that_are_the_same_in_a_namespace() -> None:
    keys = [key_of("db1"), key_of("db1", "prod"), key_of("db1", cluster_uid="c2")]
    assert unusable_names(dict.fromkeys(keys, "same")) == {}
    names = {key_of("db1"): "same", key_of("db2"): "same", key_of("db3"): "other"}
    texts = unusable_names(names)
    assert list(texts) == [key_of("db1"), key_of("db2")]
    assert "'same' would also be the name of another VM's snapshot" in texts[key_of("db2")]
    assert "{vm}" in texts[key_of("db2")]


def test_name_problems_are_the_templates() -> None:
    problems = name_problems(["too long", "twice"])
    assert [(p.option, p.problem) for p in problems] == [
        ("name_template", "too long"),
        ("name_template", "twice"),
    ]


_vm_names = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?", fullmatch=True)


@given(st.sets(_vm_names, min_size=1), _vm_names)
def test_name_template_gives_each_vm_a_name_of_its_own_by_default(
    vm_names: set[str], set_name: str
) -> None:
    keys = [key_of(vm_name) for vm_name in sorted(vm_names)]
    names = {key: member_name("{vm}-{set}", set_name, key, NOW) for key in keys}
    assert unusable_names(names) == {}
    assert len(set(names.values())) == len(names)

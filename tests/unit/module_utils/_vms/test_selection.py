# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which VMs the options name: entries of a list, and filters."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.spectrocloud.palette.plugins.module_utils._vms.model import (
    VmKey,
    read_vm,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._vms.selection import (
    Entry,
    entries_from,
    filters_from,
    fleet_problems,
)
from unit.builders import key_of

COMMON = {"cluster": "cluster-1", "cluster_uid": None, "namespace": "vms"}


@pytest.mark.parametrize(
    ("given", "entry"),
    [
        ("db1", Entry("db1", "vms", "cluster-1", None, None)),
        ({"vm_name": "db1"}, Entry("db1", "vms", "cluster-1", None, None)),
        ({"vm_name": "db1", "namespace": "prod"}, Entry("db1", "prod", "cluster-1", None, None)),
        ({"vm_name": "db1", "cluster": "other"}, Entry("db1", "vms", "other", None, None)),
        ({"vm_name": "db1", "cluster_uid": "c9"}, Entry("db1", "vms", None, "c9", None)),
        ({"vm_name": "db1", "name": "own"}, Entry("db1", "vms", "cluster-1", None, "own")),
        (
            {"vm_name": "db1", "namespace": None, "cluster": None},
            Entry("db1", "vms", "cluster-1", None, None),
        ),
    ],
)
def test_entries_from_takes_what_an_entry_does_not_say_from_the_task(
    given: Any, entry: Entry
) -> None:
    assert entries_from({**COMMON, "vms": [given]}) == ([entry], [])


def test_entries_from_lets_an_entry_name_its_cluster_otherwise_than_the_task() -> None:
    options = {"cluster": None, "cluster_uid": "c1", "namespace": "vms"}
    vms = ["db1", {"vm_name": "db2", "cluster": "cluster-2"}]
    entries, problems = entries_from({**options, "vms": vms})
    assert problems == []
    assert [(entry.cluster, entry.cluster_uid) for entry in entries] == [
        (None, "c1"),
        ("cluster-2", None),
    ]


@pytest.mark.parametrize("vms", [None, []])
def test_entries_from_nothing(vms: Any) -> None:
    assert entries_from({**COMMON, "vms": vms}) == ([], [])


@pytest.mark.parametrize(
    ("given", "where"),
    [
        (3, "vms[0]"),
        (None, "vms[0]"),
        (["db1"], "vms[0]"),
        ("", "vms[0].vm_name"),
        ("DB1", "vms[0].vm_name"),
        ({"vm_name": "db1", "cluster_uid": "../c1"}, "vms[0].cluster_uid"),
        ("db 1", "vms[0].vm_name"),
        ({}, "vms[0].vm_name"),
        ({"vm_name": None}, "vms[0].vm_name"),
        ({"vm_name": 7}, "vms[0].vm_name"),
        ({"vm_name": ["db1"]}, "vms[0].vm_name"),
        ({"vm_name": "db1", "namespace": "Bad_One"}, "vms[0].namespace"),
        ({"vm_name": "db1", "namespace": 1}, "vms[0].namespace"),
        ({"vm_name": "db1", "name": "Own"}, "vms[0].name"),
        ({"vm_name": "db1", "name": 5}, "vms[0].name"),
        ({"vm_name": "db1", "nmae": "own"}, "vms[0].nmae"),
        ({"vm_name": "db1", "cluster": "a", "cluster_uid": "b"}, "vms[0].cluster"),
        ({"name": "db1"}, "vms[0].vm_name"),
    ],
)
def test_entries_from_names_the_place_of_a_bad_entry(given: Any, where: str) -> None:
    entries, problems = entries_from({**COMMON, "vms": [given]})
    assert entries == []
    assert [problem.option for problem in problems] == [where]
    assert where in str(problems[0])
    assert "vm_name: db1" in str(problems[0])  # a right example


@pytest.mark.parametrize("key", ["cluster", "cluster_uid"])
@pytest.mark.parametrize("value", [5, ["a"], {"a": "b"}])
def test_entries_from_refuses_a_cluster_that_is_not_text(key: str, value: Any) -> None:
    entries, problems = entries_from({**COMMON, "vms": [{"vm_name": "db1", key: value}]})
    assert entries == []
    assert [problem.option for problem in problems] == [f"vms[0].{key}"]


def test_entries_from_reports_all_bad_entries_and_reads_the_good_ones() -> None:
    vms = ["ok", "Not Ok", {"vm_name": "BAD", "namespace": "WORSE"}]
    entries, problems = entries_from({**COMMON, "vms": vms})
    assert [entry.vm_name for entry in entries] == ["ok"]
    assert [problem.option for problem in problems] == [
        "vms[1].vm_name",
        "vms[2].vm_name",
        "vms[2].namespace",
    ]


def test_entries_from_needs_a_namespace_and_a_cluster() -> None:
    options = {"cluster": None, "cluster_uid": None, "namespace": None, "vms": ["db1"]}
    _entries, problems = entries_from(options)
    assert {problem.option for problem in problems} == {"vms[0].namespace", "vms[0].cluster"}


FLEET = [key_of("db1"), key_of("db2"), key_of("web1"), key_of("db1", "prod")]


@pytest.mark.parametrize(
    ("options", "selected"),
    [
        ({}, FLEET),
        ({"namespaces": ["prod"]}, [FLEET[3]]),
        ({"namespaces": ["prod", "vms"]}, FLEET),
        ({"namespaces": ["pro*"]}, []),
        ({"vm_names": ["db1"]}, [FLEET[0], FLEET[3]]),
        ({"vm_names": ["db*"]}, [FLEET[0], FLEET[1], FLEET[3]]),
        ({"vm_names": ["db[12]", "web?"]}, FLEET),
        ({"vm_names": ["prod/db1"]}, [FLEET[3]]),
        ({"vm_names": ["*/db1"]}, [FLEET[0], FLEET[3]]),
        ({"vm_names": ["prod/*"]}, [FLEET[3]]),
        ({"vm_names": ["DB1"]}, []),
        ({"vm_names": ["cluster-1/prod/db1"]}, [FLEET[3]]),
        ({"vm_names": ["cluster-*/vms/db?"]}, [FLEET[0], FLEET[1]]),
        ({"vm_names": ["cluster-2/*/*", "cluster-2/vms/db1"]}, []),
        ({"namespace": "prod", "vms": None}, [FLEET[3]]),
        ({"namespace": "prod", "namespaces": ["vms"], "vms": None}, FLEET[:3]),
        ({"exclude": ["db1"]}, [FLEET[1], FLEET[2]]),
        ({"exclude": ["vms/db1"]}, [FLEET[1], FLEET[2], FLEET[3]]),
        ({"exclude": ["vms/*"]}, [FLEET[3]]),
        ({"exclude": ["*"]}, []),
        ({"exclude": ["nothing-like-it"]}, FLEET),
        ({"vm_names": ["db*"], "exclude": ["db2"], "namespaces": ["vms"]}, [FLEET[0]]),
    ],
)
def test_filters_from_namespaces_vm_names_and_exclude(
    options: dict[str, Any], selected: list[VmKey]
) -> None:
    filters, problems = filters_from(options)
    assert problems == []
    assert [key for key in FLEET if filters.match_key(key, "cluster-1")] == selected


@pytest.mark.parametrize(
    ("selector", "matches"),
    [
        ("app=db", True),
        ("app=web", False),
        ("app in (db,web),tier!=test", True),
        ("!stage", True),
        ("stage", False),
        (None, True),
    ],
)
def test_filters_from_selector(selector: str | None, matches: bool) -> None:
    manifest = {"metadata": {"name": "db1", "namespace": "vms", "labels": {"app": "db"}}}
    filters, problems = filters_from({"selector": selector})
    assert problems == []
    assert filters.match_vm(read_vm("c1", manifest), "cluster-1") is matches


def test_exclude_wins_over_selector() -> None:
    manifest = {"metadata": {"name": "db1", "namespace": "vms", "labels": {"app": "db"}}}
    filters, _problems = filters_from({"selector": "app=db", "exclude": ["db*"]})
    assert not filters.match_vm(read_vm("c1", manifest), "cluster-1")


def test_filters_from_a_selector_that_cannot_be_read() -> None:
    _filters, problems = filters_from({"selector": "app=db,,"})
    assert [problem.option for problem in problems] == ["selector"]


@pytest.mark.parametrize(("concurrency", "wrong"), [(1, False), (64, False), (0, True), (-1, True)])
def test_concurrency_must_be_1_or_more(concurrency: int, wrong: bool) -> None:
    assert [p.option for p in fleet_problems({"concurrency": concurrency})] == [
        "concurrency"
    ] * wrong

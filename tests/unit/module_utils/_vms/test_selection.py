# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which VMs the options name: entries of a list, and filters."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.spectrocloud.palette.plugins.module_utils._vms import selection
from ansible_collections.spectrocloud.palette.plugins.module_utils._vms.model import (
    VmKey,
    read_vm,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._vms.selection import (
    Entry,
    Seen,
    entries_from,
    filters_from,
    missing_vm,
    unmatched,
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
        (
            {"vm_name": "db1", "cluster": "other", "cluster_uid": "c9"},
            Entry("db1", "vms", "other", "c9", None),
        ),
        ({"vm_name": "db1", "name": "own"}, Entry("db1", "vms", "cluster-1", None, "own")),
        (1001, Entry("1001", "vms", "cluster-1", None, None)),
        (
            {"vm_name": 1001, "name": 20261125},
            Entry("1001", "vms", "cluster-1", None, "20261125"),
        ),
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


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("web/db1", {"namespace": "web"}),
        ("db1@before", {"name": "before"}),
        ("my@cluster/web/db1", {"namespace": "web", "cluster": "my@cluster"}),
        ("a/b/web/db1@before", {"namespace": "web", "cluster": "a/b", "name": "before"}),
        (f"{'0a' * 12}/web/db1", {"namespace": "web", "cluster_uid": "0a" * 12}),
    ],
)
def test_entries_from_reads_a_text_as_a_mapping(text: str, fields: dict[str, str]) -> None:
    mapping = {"vm_name": "db1", **fields}
    entries, problems = entries_from({**COMMON, "vms": [text]})
    assert (entries, problems) == entries_from({**COMMON, "vms": [mapping]})
    assert problems == []


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
        (True, "vms[0]"),
        (3.5, "vms[0]"),
        (None, "vms[0]"),
        (["db1"], "vms[0]"),
        ("", "vms[0].vm_name"),
        ("DB1", "vms[0].vm_name"),
        ({"vm_name": "db1", "cluster_uid": "../c1"}, "vms[0].cluster_uid"),
        ("db 1", "vms[0].vm_name"),
        ("vms/", "vms[0].vm_name"),
        ("Vms/db1", "vms[0].namespace"),
        ("db1@", "vms[0].name"),
        ({}, "vms[0].vm_name"),
        ({"vm_name": None}, "vms[0].vm_name"),
        ({"vm_name": True}, "vms[0].vm_name"),
        ({"vm_name": ["db1"]}, "vms[0].vm_name"),
        ({"vm_name": "db1", "namespace": "Bad_One"}, "vms[0].namespace"),
        ({"vm_name": "db1", "namespace": 1}, "vms[0].namespace"),
        ({"vm_name": "db1", "name": "Own"}, "vms[0].name"),
        ({"vm_name": "db1", "name": 5.5}, "vms[0].name"),
        ({"vm_name": "db1", "nmae": "own"}, "vms[0].nmae"),
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
        ({"namespaces": ["prd"]}, []),
        ({"vm_names": ["db1"]}, [FLEET[0], FLEET[3]]),
        ({"vm_names": ["db*"]}, [FLEET[0], FLEET[1], FLEET[3]]),
        ({"vm_names": ["db[12]", "web?"]}, FLEET),
        ({"vm_names": ["prod/db1"]}, [FLEET[3]]),
        ({"vm_names": ["*/db1"]}, [FLEET[0], FLEET[3]]),
        ({"vm_names": ["prod/*"]}, [FLEET[3]]),
        ({"vm_names": ["db9"]}, []),
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
    assert [key for key in FLEET if filters.match(key, None, "cluster-1", "cluster-1")] == selected


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
    vm = read_vm("c1", manifest)
    assert filters.match(vm.key, vm, "cluster-1", "cluster-1") is matches


def test_exclude_wins_over_selector() -> None:
    manifest = {"metadata": {"name": "db1", "namespace": "vms", "labels": {"app": "db"}}}
    filters, _problems = filters_from({"selector": "app=db", "exclude": ["db*"]})
    vm = read_vm("c1", manifest)
    assert not filters.match(vm.key, vm, "cluster-1", "cluster-1")


def test_filters_from_a_selector_that_cannot_be_read() -> None:
    _filters, problems = filters_from({"selector": "app=db,,"})
    assert [problem.option for problem in problems] == ["selector"]


@pytest.mark.parametrize(
    ("options", "option", "shown"),
    [
        ({"exclude": ["db*\nweb*"]}, "exclude", "'\\n'"),
        ({"exclude": ["db*, web*"]}, "exclude", "','"),
        ({"vm_names": ["DB1"]}, "vm_names", "'D'"),
        ({"vm_names": ["db_1"]}, "vm_names", "'_'"),
        ({"vm_names": ["vms/db1 "]}, "vm_names", "' '"),
        ({"namespaces": ["vms*"]}, "namespaces", "patterns"),
        ({"namespaces": ["Vms"]}, "namespaces", "Vms"),
        ({"exclude": ["[db1"]}, "exclude", "'[db1' has a bracket without its other"),
        ({"vm_names": ["web1]"]}, "vm_names", "'web1]' has a bracket without its other"),
    ],
)
def test_filters_from_characters_that_no_name_can_have(
    options: dict[str, Any], option: str, shown: str
) -> None:
    _filters, problems = filters_from(options)
    assert [problem.option for problem in problems] == [option]
    assert shown in str(problems[0])


def test_filters_from_patterns_and_any_name_of_a_cluster() -> None:
    patterns = ["db?", "db[!12]*", "vms/db-1", "My Cluster_1/vms/*", "1001", "a.b"]
    options = {"vm_names": patterns, "exclude": patterns, "namespaces": ["vms"]}
    assert filters_from(options)[1] == []


SEEN = Seen(dict.fromkeys(FLEET, "cluster-1"), {"cluster-1": "cluster-1"})
NAMESPACES = {"vms", "prod"}


@pytest.mark.parametrize(
    ("options", "misses"),
    [
        ({}, []),
        ({"namespaces": ["vms"], "vm_names": ["db1", "w*"], "exclude": ["*/db2"]}, []),
        ({"namespaces": ["vms", "prdo"]}, [("namespaces", "prdo", ["prod"], True)]),
        ({"vm_names": ["db1", "wbe1"]}, [("vm_names", "wbe1", ["web1"], True)]),
        ({"vm_names": ["vms/wbe1"]}, [("vm_names", "vms/wbe1", ["vms/web1"], True)]),
        ({"vm_names": ["wbe*"]}, [("vm_names", "wbe*", ["web1"], False)]),
        ({"vm_names": ["q?"]}, [("vm_names", "q?", [], False)]),
        ({"exclude": ["wbe1"]}, [("exclude", "wbe1", ["web1"], False)]),
        ({"exclude": ["test-*"]}, [("exclude", "test-*", [], False)]),
        (
            {"exclude": ["cluster-2/vms/web1"]},
            [("exclude", "cluster-2/vms/web1", "cluster-1/vms/web1", False)],
        ),
    ],
)
def test_unmatched_is_what_met_nothing_with_the_nearest_names(
    options: dict[str, Any], misses: list[tuple[str, str, Any, bool]]
) -> None:
    filters, _problems = filters_from(options)
    found = unmatched(filters, SEEN, NAMESPACES)
    assert [(m.option, m.value, m.exact) for m in found] == [(o, v, e) for o, v, _n, e in misses]
    for miss, (_option, _value, nearest, _exact) in zip(found, misses, strict=True):
        expected = [nearest] if isinstance(nearest, str) else nearest
        assert miss.nearest[:1] == expected


def test_unmatched_names_the_option_that_was_given() -> None:
    filters, _problems = filters_from({"namespace": "prdo"})
    (miss,) = unmatched(filters, SEEN, NAMESPACES)
    assert str(miss) == "namespace: 'prdo' matches nothing; nearest: prod"


def test_entries_from_says_what_completes_an_entry() -> None:
    _entries, problems = entries_from({"vms": [{"vm_name": "db1", "nmespace": "vms"}]})
    assert {problem.option: problem.problem for problem in problems} == {
        "vms[0].namespace": "must be set in this entry; or for all entries, set namespace",
        "vms[0].nmespace": "is not a known key; nearest: 'namespace'",
        "vms[0].cluster": (
            "must be set in this entry; or for all entries, set cluster or cluster_uid"
        ),
    }


def test_unmatched_tells_it_in_words_and_in_results() -> None:
    filters, _problems = filters_from({"namespaces": ["prdo"], "exclude": ["q?"]})
    miss, without = unmatched(filters, SEEN, NAMESPACES)
    assert str(miss) == "namespaces: 'prdo' matches nothing; nearest: prod"
    assert str(without) == "exclude: 'q?' matches nothing in prdo"
    assert miss.result == {"option": "namespaces", "value": "prdo", "nearest": ["prod"]}


@pytest.mark.parametrize(
    ("pattern", "meant"),
    [
        ("cluster-1/*", ["cluster-1/*/*"]),
        ("cluster-?/db1", ["cluster-1/*/db1"]),
        ("cluster-1/db9", []),
        ("cluster-2/*", []),
    ],
)
def test_unmatched_pattern_of_a_cluster_says_how_to_write_it(
    pattern: str, meant: list[str]
) -> None:
    filters, _problems = filters_from({"exclude": [pattern]})
    (miss,) = unmatched(filters, SEEN, NAMESPACES)
    assert ("to name a cluster, write" in str(miss)) is bool(meant)
    assert [form for form in miss.nearest if "*" in form] == [form for form in meant if "*" in form]


@pytest.mark.parametrize("option", ["vm_names", "exclude"])
@pytest.mark.parametrize(
    ("pattern", "nearest"),
    [
        ("clustre-1/*/*", ["cluster-1/*/*", "cluster-2/*/*"]),
        ("clustre-1/vms/db*", ["cluster-1/vms/db*", "cluster-2/vms/db*"]),
        ("clustre-1/vms/web1", ["cluster-1/vms/web1"]),
        ("cluster-1/*/wbe1", ["cluster-1/vms/web1"]),
    ],
)
def test_unmatched_pattern_of_no_cluster_names_the_nearest_clusters(
    option: str, pattern: str, nearest: list[str]
) -> None:
    filters, _problems = filters_from({option: [pattern]})
    (miss,) = unmatched(filters, SEEN._replace(unseen=["cluster-2"]), NAMESPACES)
    assert miss.nearest[: len(nearest)] == nearest


def test_unmatched_name_of_clusters_that_share_it_says_what_they_are_called() -> None:
    vms = {key_of("db1", cluster_uid=uid): uid for uid in ("c1", "c2")}
    filters, _problems = filters_from({"vm_names": ["twin/*/*"], "exclude": ["twin/vms/*"]})
    (miss,) = unmatched(filters, Seen(vms, {"c1": "twin", "c2": "twin"}), NAMESPACES)
    assert str(miss) == (
        "vm_names: 'twin/*/*' matches nothing; to name a cluster, write c1/*/*, c2/*/*"
    )


@pytest.mark.parametrize("pattern", ["twin/*/*", "t*/*/*", "twin/vms/db1", "c1/*/*"])
def test_exclude_matches_the_name_that_clusters_share(pattern: str) -> None:
    filters, _problems = filters_from({"exclude": [pattern]})
    assert not filters.match(key_of("db1"), None, "c1", "twin")
    assert filters.match(key_of("db1"), None, "c2", "other")
    assert filters.concern("c1", "twin") is (pattern == "twin/vms/db1")


def test_unmatched_finds_a_vm_by_the_full_name_of_its_host() -> None:
    filters, _problems = filters_from({"vm_names": ["web1.example.com", "vms/web1.example.com"]})
    found = unmatched(filters, SEEN, NAMESPACES)
    assert [miss.nearest[0] for miss in found] == ["vms/web1", "web1"]


def test_unmatched_says_where_a_vm_exists_that_does_not_count() -> None:
    others = {key_of("new1"): "cluster-1"}
    filters, _problems = filters_from({"vm_names": ["new1"], "exclude": ["new*"]})
    (name,) = unmatched(filters, SEEN._replace(others=others), NAMESPACES)
    assert str(name) == "vm_names: 'new1' matches no VM that has a snapshot"
    assert name.exact
    # A VM that is excluded every night has no snapshot: it is no mistake to name it.


@pytest.mark.parametrize(
    ("key", "text"),
    [
        (
            key_of("wbe1"),
            "there is no VM wbe1 in namespace vms of cluster c-1; nearest: web1, db1",
        ),
        (
            key_of("web1", "prod"),
            "there is no VM web1 in namespace prod of cluster c-1; nearest: vms/web1, db1",
        ),
        (key_of("qq"), "there is no VM qq in namespace vms of cluster c-1"),
        (
            key_of("db1", "prdo"),
            "there is no VM in namespace prdo of cluster c-1: check the namespace; nearest: prod",
        ),
        (
            key_of("db1", "qq"),
            "there is no VM in namespace qq of cluster c-1: check the namespace",
        ),
    ],
)
def test_missing_vm_names_where_it_was_sought_and_the_nearest(key: VmKey, text: str) -> None:
    assert missing_vm(key, "c-1", FLEET) == text


def test_shell_pattern_that_python_cannot_read_matches_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Python 3.9 makes this of the pattern [z-a].
    monkeypatch.setattr(selection, "translate", lambda _pattern: r"(?s:[z-a])\Z")
    selection.shell_pattern.cache_clear()
    try:
        assert not selection.shell_pattern("[z-a]").match("a")
    finally:
        selection.shell_pattern.cache_clear()

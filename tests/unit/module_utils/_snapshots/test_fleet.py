# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The observation of a fleet: which VMs and snapshots, of which clusters, with which requests."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import Any

import pytest

from ansible_collections.spectrocloud.palette.plugins.module_utils._http.errors import ApiError
from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots.fleet import (
    SnapshotFilters,
    SnapshotFleet,
    observe,
    observe_matching,
    snapshot_filters_from,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._vms.fleet import (
    merged,
    scope_of,
    with_unmatched,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._vms.selection import (
    Entry,
    filters_from,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._vms.session import (
    PaletteSession,
)
from unit.builders import Json, key_of, own_labels, snapshot
from unit.palette_in_memory import MemoryPalette, connected

CONNECTION = {
    "host": "https://palette.example",
    "api_key": "a-key",
    "validate_certs": True,
    "request_timeout": 30,
    "retries": 2,
    "rate_limit": 0,
    "project_uid": "p1",
}


def entry(vm_name: str, **more: Any) -> Entry:
    """Return an entry of the list of VMs."""
    plain = {"namespace": "vms", "cluster": "cluster-1", "cluster_uid": None, "name": None}
    return Entry(vm_name, **{**plain, **more})


def entries_observed(
    palette: MemoryPalette, *entries: Entry, with_vms: bool = True
) -> SnapshotFleet:
    """Return what is observed of VMs that are listed."""
    filters, _problems = filters_from({})
    with connected(palette):
        targets, _left_out = scope_of(PaletteSession(CONNECTION), entries, filters)
        parts = [observe(target, filters, with_vms) for target in targets]
        return with_unmatched(merged(SnapshotFleet, targets, parts), entries, filters)


def matching_observed(
    palette: MemoryPalette, options: Mapping[str, Any] | None = None, *, with_vms: bool = True
) -> SnapshotFleet:
    """Return what is observed of VMs that match."""
    filters, _problems = filters_from(options or {})
    with connected(palette):
        return observe_matching(
            PaletteSession({**CONNECTION, **(options or {})}), filters, with_vms
        )


def labels(fleet: SnapshotFleet) -> list[str]:
    """Return what the VMs are called in results."""
    return [candidate.label for candidate in fleet.candidates]


@pytest.fixture
def palette() -> MemoryPalette:
    """Two clusters with a few VMs."""
    palette = MemoryPalette()
    palette.add_cluster("c2", "cluster-2")
    palette.add_vm(key_of("db1"), {"app": "db"})
    palette.add_vm(key_of("db2"), {"app": "db"})
    palette.add_vm(key_of("db1", "prod"), {"app": "db"})
    palette.add_vm(key_of("web1"), {"app": "web"})
    palette.add_vm(key_of("edge1", cluster_uid="c2"), {"app": "db"})
    palette.add_snapshot("db1-a", key_of("db1"), own_labels())
    palette.add_snapshot("db1-b", key_of("db1"), own_labels())
    palette.add_snapshot("gone-a", key_of("gone"), own_labels())
    return palette


def test_observe_entries_finds_vms_with_their_snapshots(palette: MemoryPalette) -> None:
    fleet = entries_observed(palette, entry("web1"), entry("db1"), entry("nowhere"))
    assert labels(fleet) == ["cluster-1/vms/db1", "cluster-1/vms/nowhere", "cluster-1/vms/web1"]
    assert [bool(candidate.vm) for candidate in fleet.candidates] == [True, False, True]
    assert [s.name for s in fleet.of_vm(key_of("db1"))] == ["db1-a", "db1-b"]
    assert fleet.of_vm(key_of("web1")) == []


def test_observe_entries_does_not_mix_up_namespaces(palette: MemoryPalette) -> None:
    fleet = entries_observed(
        palette, entry("db1", namespace="prod"), entry("web1", namespace="prod")
    )
    assert [bool(candidate.vm) for candidate in fleet.candidates] == [True, False]


def test_observe_entries_knows_a_cluster_by_name_and_by_uid_as_the_same(
    palette: MemoryPalette,
) -> None:
    fleet = entries_observed(palette, entry("db1"), entry("web1", cluster=None, cluster_uid="c1"))
    assert [candidate.key for candidate in fleet.candidates] == [key_of("db1"), key_of("web1")]
    assert list(fleet.titles) == ["c1"]
    assert [s.name for s in fleet.of_vm(key_of("db1"))] == ["db1-a", "db1-b"]


def test_observe_entries_takes_the_same_entry_twice_as_one(palette: MemoryPalette) -> None:
    assert labels(entries_observed(palette, entry("db1"), entry("db1"))) == ["cluster-1/vms/db1"]


def test_observe_entries_labels_vms_by_their_clusters(palette: MemoryPalette) -> None:
    fleet = entries_observed(palette, entry("db1"), entry("edge1", cluster="cluster-2"))
    assert labels(fleet) == ["cluster-1/vms/db1", "cluster-2/vms/edge1"]
    assert sorted(fleet.titles) == ["c1", "c2"]


def test_named_finds_a_snapshot_of_any_vm_in_the_namespace(palette: MemoryPalette) -> None:
    fleet = entries_observed(palette, entry("web1"))
    found = fleet.named(key_of("web1"), "gone-a")
    assert found
    assert found.key == key_of("gone")
    assert fleet.named(key_of("web1", "prod"), "gone-a") is None
    assert fleet.named(key_of("web1", cluster_uid="c2"), "gone-a") is None


def test_fleet_finds_the_snapshots_of_all_its_clusters(palette: MemoryPalette) -> None:
    edge = key_of("edge1", cluster_uid="c2")
    palette.add_snapshot("edge1-a", edge, own_labels())
    fleet = matching_observed(palette)
    assert [s.name for s in fleet.of_vm(key_of("db1"))] == ["db1-a", "db1-b"]
    assert [s.name for s in fleet.of_vm(edge)] == ["edge1-a"]
    assert fleet.named(edge, "edge1-a") == fleet.of_vm(edge)[0]


def test_observe_entries_keeps_own_names(palette: MemoryPalette) -> None:
    fleet = entries_observed(palette, entry("db1", name="own"), entry("db2"))
    assert [candidate.own_name for candidate in fleet.candidates] == ["own", None]


def test_observe_entries_sends_a_request_per_page_and_not_per_vm(palette: MemoryPalette) -> None:
    for number in range(200):
        palette.add_vm(key_of(f"vm-{number}"))
        palette.add_snapshot(f"vm-{number}-a", key_of(f"vm-{number}"), own_labels())
    entries_observed(palette, *(entry(f"vm-{number}") for number in range(200)))
    vms, snapshots = 200 + 3, 200 + 3
    pages = ceil(vms / 50) + ceil(snapshots / 50)
    assert len(palette.calls) == pages


def test_observe_entries_without_vms_lists_only_snapshots(palette: MemoryPalette) -> None:
    entries_observed(palette, entry("db1"), with_vms=False)
    assert palette.calls == palette.polls() != []


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (
            {},
            [
                "cluster-1/prod/db1",
                "cluster-1/vms/db1",
                "cluster-1/vms/db2",
                "cluster-1/vms/web1",
                "cluster-2/vms/edge1",
            ],
        ),
        ({"cluster": "cluster-2"}, ["cluster-2/vms/edge1"]),
        ({"cluster_uid": "c2"}, ["c2/vms/edge1"]),
        ({"clusters": ["cluster-2", "cluster-2"]}, ["cluster-2/vms/edge1"]),
        ({"selector": "app=web"}, ["cluster-1/vms/web1"]),
        ({"namespaces": ["prod"]}, ["cluster-1/prod/db1"]),
        ({"vm_names": ["*1"], "exclude": ["vms/*"]}, ["cluster-1/prod/db1"]),
        ({"vm_names": ["nothing"]}, []),
    ],
)
def test_observe_matching_finds_the_vms_that_match(
    palette: MemoryPalette, options: dict[str, Any], expected: list[str]
) -> None:
    fleet = matching_observed(palette, options)
    assert labels(fleet) == expected
    assert all(candidate.vm for candidate in fleet.candidates)


def test_observe_matching_without_vms_finds_those_that_have_snapshots_even_if_they_are_gone(
    palette: MemoryPalette,
) -> None:
    fleet = matching_observed(palette, with_vms=False)
    assert labels(fleet) == ["cluster-1/vms/db1", "cluster-1/vms/gone"]
    assert labels(matching_observed(palette, {"exclude": ["vms/g*"]}, with_vms=False)) == [
        "cluster-1/vms/db1"
    ]


def test_namespaces_narrow_what_is_listed(palette: MemoryPalette) -> None:
    palette.add_snapshot("s", key_of("db1", "prod"))
    matching_observed(palette, {"namespaces": ["prod"], "cluster_uid": "c1"})
    assert {call.query["namespace"] for call in palette.calls} == {"prod"}


def test_observe_matching_sends_the_scope_of_each_cluster(palette: MemoryPalette) -> None:
    matching_observed(palette)
    assert {call.scope for call in palette.calls} == {"p1"}


def test_observe_matching_labels_vms_of_clusters_of_the_same_name_by_uid(
    palette: MemoryPalette,
) -> None:
    palette.add_cluster("c3", "cluster-1")
    palette.add_vm(key_of("db1", cluster_uid="c3"))
    fleet = matching_observed(palette)
    assert len(set(labels(fleet))) == len(fleet.candidates)


# Filters of snapshots


def snapshot_filters(**options: Any) -> SnapshotFilters:
    """Return the filters that the options describe."""
    filters, problems = snapshot_filters_from({"set": None, "snapshot_selector": None, **options})
    assert problems == []
    return filters


NIGHTLY = {**own_labels("nightly"), "purpose": "patch"}


@pytest.mark.parametrize(
    ("options", "labels", "matches"),
    [
        ({}, {}, True),
        ({"set": "nightly"}, NIGHTLY, True),
        ({"set": "nightly"}, own_labels("weekly"), False),
        ({"set": "nightly"}, {"app.kubernetes.io/part-of": "nightly"}, False),
        ({"snapshot_selector": "purpose=patch"}, NIGHTLY, True),
        ({"snapshot_selector": "purpose!=patch"}, NIGHTLY, False),
        ({"set": "weekly", "snapshot_selector": "purpose=patch"}, NIGHTLY, False),
    ],
)
def test_snapshot_filters_match(
    options: dict[str, Any], labels: dict[str, str], matches: bool
) -> None:
    assert snapshot_filters(**options).match(snapshot(labels=labels)) is matches


def test_snapshot_filters_from_a_selector_that_cannot_be_read() -> None:
    _filters, problems = snapshot_filters_from({"set": "nightly", "snapshot_selector": "a=b,,"})
    assert [problem.option for problem in problems] == ["snapshot_selector"]


def test_matching_are_the_snapshots_of_selected_vms_only(palette: MemoryPalette) -> None:
    palette.add_snapshot("db2-nightly", key_of("db2"), NIGHTLY)
    palette.add_snapshot("web1-nightly", key_of("web1"), NIGHTLY)
    fleet = matching_observed(palette, {"vm_names": ["db*"]}, with_vms=False)
    assert [s.name for s in fleet.matching(snapshot_filters())] == ["db1-a", "db1-b", "db2-nightly"]
    assert [s.name for s in fleet.matching(snapshot_filters(set="nightly"))] == ["db2-nightly"]


# What met nothing


def test_unmatched_set_is_told_with_the_nearest(palette: MemoryPalette) -> None:
    palette.add_snapshot("db2-nightly", key_of("db2"), NIGHTLY)
    fleet = matching_observed(palette, {"vm_names": ["db1*"]}, with_vms=False)
    assert fleet.unmatched_set(None) == []
    assert fleet.unmatched_set("nightly") == []
    (miss,) = fleet.unmatched_set("nightyl")
    assert (miss.option, miss.value, miss.nearest, miss.exact) == (
        "set",
        "nightyl",
        ["nightly"],
        False,
    )


def misses(fleet: SnapshotFleet) -> dict[str, list[str]]:
    """Return what met nothing, with the nearest names."""
    return {f"{miss.option}: {miss.value}": list(miss.nearest) for miss in fleet.unmatched}


@pytest.mark.parametrize("with_vms", [True, False])
def test_observe_matching_tells_what_met_nothing(palette: MemoryPalette, with_vms: bool) -> None:
    options = {"namespaces": ["vms", "prdo"], "vm_names": ["db1", "gome"], "exclude": ["zzz"]}
    found = misses(matching_observed(palette, options, with_vms=with_vms))
    assert found == {
        "namespaces: prdo": ["prod"],
        "vm_names: gome": [] if with_vms else ["gone"],
        "exclude: zzz": [],
    }


def test_exclusion_of_a_vm_without_snapshots_is_no_miss(palette: MemoryPalette) -> None:
    palette.add_vm(key_of("batch1"))
    assert misses(matching_observed(palette, {"exclude": ["batch*"]}, with_vms=False)) == {}


def test_observe_matching_does_not_miss_a_namespace_whose_vms_have_no_snapshot(
    palette: MemoryPalette,
) -> None:
    assert misses(matching_observed(palette, {"namespaces": ["prod"]}, with_vms=False)) == {}


def test_observe_matching_of_names_lists_only_their_snapshots(palette: MemoryPalette) -> None:
    options = {"cluster_uid": "c1", "vm_names": ["db1"]}
    assert misses(matching_observed(palette, options, with_vms=False)) == {}
    assert [call.query["vmName"] for call in palette.calls] == ["db1"]


def test_observe_matching_of_names_does_not_miss_what_else_is_excluded(
    palette: MemoryPalette,
) -> None:
    options = {"vm_names": ["db1"], "exclude": ["gone"]}
    assert misses(matching_observed(palette, options, with_vms=False)) == {}


def test_missing_vm_names_the_cluster_and_the_nearest(palette: MemoryPalette) -> None:
    fleet = entries_observed(palette, entry("db3"))
    text = fleet.missing_vm(key_of("db3"))
    assert text.startswith("there is no VM db3 in namespace vms of cluster cluster-1; nearest: db")


def test_observe_matching_says_where_an_existing_vm_has_no_snapshot(palette: MemoryPalette) -> None:
    options = {"namespaces": ["vms"], "vm_names": ["web1", "wbe1"]}
    fleet = matching_observed(palette, options, with_vms=False)
    assert [str(miss) for miss in fleet.unmatched] == [
        "vm_names: 'wbe1' matches nothing; nearest: web1, db1",
        "vm_names: 'web1' matches no VM that has a snapshot",
    ]


def test_observe_matching_leaves_other_namespaces_out_where_it_looks_again(
    palette: MemoryPalette,
) -> None:
    options = {"namespaces": ["prod", "prdo"], "vm_names": ["web1"]}
    fleet = matching_observed(palette, options, with_vms=False)
    assert [(miss.value, miss.what) for miss in fleet.unmatched] == [
        ("prdo", "nothing"),
        ("web1", "nothing"),
    ]


def test_observe_matching_of_vms_does_not_ask_for_snapshots(palette: MemoryPalette) -> None:
    fleet = matching_observed(palette, {"vm_names": ["gome"]})
    assert misses(fleet) == {"vm_names: gome": []}


def test_observe_matching_tells_a_selector_that_matches_no_vm(palette: MemoryPalette) -> None:
    fleet = matching_observed(palette, {"selector": "app=dbb"})
    assert [str(miss) for miss in fleet.unmatched] == [
        "selector: 'app=dbb' matches nothing; nearest: app=db"
    ]
    assert misses(matching_observed(palette, {"selector": "app=db", "vm_names": ["web1"]})) == {}


def test_patterns_match_what_results_call_clusters_that_share_a_name(
    palette: MemoryPalette,
) -> None:
    palette.add_cluster("c2", "cluster-1")
    fleet = matching_observed(palette, {"exclude": ["c1/*/*"]})
    (candidate,) = fleet.candidates
    assert (candidate.label, fleet.title(candidate.key)) == ("c2/vms/edge1", "c2")
    assert fleet.unmatched == []
    named = matching_observed(palette, {"exclude": ["cluster-1/*/*"]})
    assert (named.candidates, named.unmatched) == ([], [])
    (miss,) = matching_observed(palette, {"vm_names": ["cluster-1/*/*"]}).unmatched
    assert list(miss.nearest) == ["c1/*/*", "c2/*/*"]


# Clusters that names leave out


@pytest.mark.parametrize(
    ("options", "asked"),
    [
        ({"exclude": ["cluster-2/*/*"]}, {"c1"}),
        ({"exclude": ["cluster-[2-9]/*/*"]}, {"c1"}),
        ({"exclude": ["cluster-2/*/db*"]}, {"c1", "c2"}),
        ({"exclude": ["*/*"]}, {"c1", "c2"}),
        ({"vm_names": ["cluster-1/vms/db1"]}, {"c1"}),
        ({"vm_names": ["cluster-1/vms/db1", "db*"]}, {"c1", "c2"}),
        ({"vm_names": ["clutser-1/vms/db1"]}, {"c1", "c2"}),
        ({"exclude": ["*/*/*"]}, set()),
    ],
)
def test_cluster_that_names_leave_out_is_not_asked(options: Json, asked: set[str]) -> None:
    palette = MemoryPalette()
    palette.add_cluster("c2", "cluster-2")
    for uid in palette.clusters:
        palette.add_vm(key_of("db1", cluster_uid=uid))
    fleet = matching_observed(palette, options)
    assert {call.cluster_uid for call in palette.calls} == asked
    mistyped = [miss.value for miss in fleet.unmatched]
    assert mistyped == [name for name in options.get("vm_names", ()) if name.startswith("clut")]


def test_name_in_a_cluster_that_does_not_answer_is_no_mistake() -> None:
    palette = MemoryPalette()
    palette.add_cluster("c2", "cluster-2")
    palette.add_vm(key_of("db1"))
    palette.sick["c2"] = lambda _call: ApiError("unavailable", "HTTP 503")
    options = {"vm_names": ["db1", "cluster-2/vms/web9", "cluster-1/vms/dbl"]}
    fleet = matching_observed(palette, options)
    assert [miss.value for miss in fleet.unmatched] == ["cluster-1/vms/dbl"]


def test_set_is_not_said_to_match_nothing_where_a_name_does_not() -> None:
    palette = MemoryPalette()
    palette.add_snapshot("s", key_of("db1"), own_labels())
    fleet = matching_observed(palette, {"vm_names": ["dbl"]}, with_vms=False)
    assert [miss.value for miss in fleet.unmatched] == ["dbl"]
    assert fleet.unmatched_set("nightly") == []
    assert len(matching_observed(palette, with_vms=False).unmatched_set("nightly")) == 1

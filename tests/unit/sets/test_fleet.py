# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The observation of a fleet: which VMs and snapshots, of which clusters, with which requests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots.fleet import (
    Fleet,
    observe_entries,
    observe_matching,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._vms.selection import (
    Entry,
    filters_from,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._vms.session import Place
from unit.sets.world import MemoryPalette, inside, key_of, marks

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


def listed(palette: MemoryPalette, *entries: Entry, with_vms: bool = True) -> Fleet:
    """Return what is observed of VMs that are listed."""
    with inside(palette):
        return observe_entries(Place(CONNECTION), entries, with_vms)


def matching(
    palette: MemoryPalette, options: Mapping[str, Any] | None = None, *, with_vms: bool = True
) -> Fleet:
    """Return what is observed of VMs that match."""
    filters, _problems = filters_from(options or {})
    with inside(palette):
        return observe_matching(Place({**CONNECTION, **(options or {})}), filters, with_vms)


def labels(fleet: Fleet) -> list[str]:
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
    palette.add_snapshot(key_of("db1"), "db1-a", marks())
    palette.add_snapshot(key_of("db1"), "db1-b", marks())
    palette.add_snapshot(key_of("gone"), "gone-a", marks())
    return palette


def test_listed_vms_are_found_with_their_snapshots(palette: MemoryPalette) -> None:
    fleet = listed(palette, entry("web1"), entry("db1"), entry("nowhere"))
    assert labels(fleet) == ["cluster-1/vms/db1", "cluster-1/vms/nowhere", "cluster-1/vms/web1"]
    assert [bool(candidate.vm) for candidate in fleet.candidates] == [True, False, True]
    assert [s.name for s in fleet.of_vm(key_of("db1"))] == ["db1-a", "db1-b"]
    assert fleet.of_vm(key_of("web1")) == []


def test_a_listed_vm_of_another_namespace_is_not_this_one(palette: MemoryPalette) -> None:
    fleet = listed(palette, entry("db1", namespace="prod"), entry("web1", namespace="prod"))
    assert [bool(candidate.vm) for candidate in fleet.candidates] == [True, False]


def test_a_cluster_by_its_name_and_by_its_uid_is_the_same(palette: MemoryPalette) -> None:
    fleet = listed(palette, entry("db1"), entry("web1", cluster=None, cluster_uid="c1"))
    assert [candidate.key for candidate in fleet.candidates] == [key_of("db1"), key_of("web1")]
    assert list(fleet.apis) == ["c1"]
    assert [s.name for s in fleet.of_vm(key_of("db1"))] == ["db1-a", "db1-b"]


def test_listed_vms_of_two_clusters_are_called_by_theirs(palette: MemoryPalette) -> None:
    fleet = listed(palette, entry("db1"), entry("edge1", cluster="cluster-2"))
    assert labels(fleet) == ["cluster-1/vms/db1", "cluster-2/vms/edge1"]
    assert sorted(fleet.apis) == ["c1", "c2"]


def test_a_name_is_found_whichever_vm_of_the_namespace_has_it(palette: MemoryPalette) -> None:
    fleet = listed(palette, entry("web1"))
    found = fleet.named(key_of("web1"), "gone-a")
    assert found
    assert found.key == key_of("gone")
    assert fleet.named(key_of("web1", "prod"), "gone-a") is None
    assert fleet.named(key_of("web1", cluster_uid="c2"), "gone-a") is None


def test_own_names_are_kept(palette: MemoryPalette) -> None:
    fleet = listed(palette, entry("db1", name="own"), entry("db2"))
    assert [candidate.own_name for candidate in fleet.candidates] == ["own", None]


def test_requests_grow_with_pages_and_not_with_vms(palette: MemoryPalette) -> None:
    for number in range(200):
        palette.add_vm(key_of(f"vm-{number}"))
        palette.add_snapshot(key_of(f"vm-{number}"), f"vm-{number}-a", marks())
    listed(palette, *(entry(f"vm-{number}") for number in range(200)))
    in_namespace = 200 + len([key for key in palette.vms if key[:2] == ("c1", "vms")]) - 200
    pages = -(-in_namespace // 50) + -(-(200 + 3) // 50)
    assert len(palette.calls) == pages


def test_without_vms_only_snapshots_are_asked_for(palette: MemoryPalette) -> None:
    listed(palette, entry("db1"), with_vms=False)
    assert all(call.lists_snapshots for call in palette.calls)


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
def test_vms_that_match(
    palette: MemoryPalette, options: dict[str, Any], expected: list[str]
) -> None:
    fleet = matching(palette, options)
    assert labels(fleet) == expected
    assert all(candidate.vm for candidate in fleet.candidates)


def test_without_vms_it_is_those_that_have_snapshots_whether_or_not_they_exist(
    palette: MemoryPalette,
) -> None:
    fleet = matching(palette, with_vms=False)
    assert labels(fleet) == ["cluster-1/vms/db1", "cluster-1/vms/gone"]
    assert labels(matching(palette, {"exclude": ["vms/g*"]}, with_vms=False)) == [
        "cluster-1/vms/db1"
    ]


def test_namespaces_narrow_what_is_asked_for(palette: MemoryPalette) -> None:
    matching(palette, {"namespaces": ["prod"], "cluster_uid": "c1"})
    assert {call.query["namespace"] for call in palette.calls} == {"prod"}


def test_requests_carry_the_scope_of_their_cluster(palette: MemoryPalette) -> None:
    matching(palette)
    assert {call.scope for call in palette.calls} == {"p1"}


def test_vms_of_clusters_of_the_same_name_are_told_apart(palette: MemoryPalette) -> None:
    palette.add_cluster("c3", "cluster-1")
    palette.add_vm(key_of("db1", cluster_uid="c3"))
    fleet = matching(palette)
    assert len(set(labels(fleet))) == len(fleet.candidates)

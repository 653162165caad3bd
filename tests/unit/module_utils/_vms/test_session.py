# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a task works: names become uids, each by one request."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.spectrocloud.palette.plugins.module_utils._http.errors import ApiError
from ansible_collections.spectrocloud.palette.plugins.module_utils._palette import (
    clusters as lookups,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._palette.clusters import Cluster
from ansible_collections.spectrocloud.palette.plugins.module_utils._palette.vms import ClusterVms
from ansible_collections.spectrocloud.palette.plugins.module_utils._vms.session import (
    PaletteSession,
)
from unit.builders import CLUSTER
from unit.palette_in_memory import MemoryPalette, connected

SEARCH = "/v1/dashboard/spectroclusters/search"
PROJECTS = "/v1/dashboard/projects/metadata"
VM_CLUSTERS = "/v1/dashboard/spectroclusters/vms"


@pytest.fixture
def palette() -> Iterator[MemoryPalette]:
    """A Palette with two clusters."""
    palette = MemoryPalette()
    palette.add_cluster("c2", "cluster-2")
    with connected(palette):
        yield palette


def session(**options: Any) -> PaletteSession:
    """Return a session with these options."""
    connection = {
        "host": "palette.example",
        "api_key": "a-key",
        "validate_certs": True,
        "request_timeout": 30,
        "retries": 2,
        "rate_limit": 0,
    }
    return PaletteSession({**connection, **options})


def clusters(**options: Any) -> list[Cluster]:
    """Return the clusters that these options name."""
    found = session(**options).vm_clusters()
    return [api.cluster for _name, api in found if isinstance(api, ClusterVms)]


def test_cluster_uid_needs_no_request(palette: MemoryPalette) -> None:
    api = session(cluster_uid="c9", project_uid="p1").cluster()
    assert api.cluster == Cluster("c9", "c9", "p1")
    assert palette.lookups == []


def test_cluster_is_looked_up_once(palette: MemoryPalette) -> None:
    found = [session(cluster="cluster-1", project_uid="p1").cluster().cluster for _time in range(3)]
    assert found == [CLUSTER] * 3
    assert palette.lookups == [(SEARCH, "p1")]


def test_cluster_may_be_named_by_an_entry(palette: MemoryPalette) -> None:
    one = session(cluster="cluster-1", project_uid="p1")
    assert one.cluster("cluster-2").cluster.uid == "c2"
    assert one.cluster(uid="c3").cluster.uid == "c3"


def test_cluster_of_the_name_with_another_uid_is_not_found(palette: MemoryPalette) -> None:
    one = session(project_uid="p1")
    assert one.cluster("cluster-1", "c1").cluster == CLUSTER
    with pytest.raises(ApiError, match=r"the one that was found has the uid c1; ") as caught:
        one.cluster("cluster-1", "c9")
    assert caught.value.reason == "not_found"


def test_cluster_that_does_not_exist_is_not_found(palette: MemoryPalette) -> None:
    with pytest.raises(ApiError, match="cluster-3") as caught:
        session(cluster="cluster-3").cluster()
    assert caught.value.reason == "not_found"
    assert sorted(caught.value.facts["candidates"]) == ["cluster-1", "cluster-2"]


def test_named_looks_all_up_and_says_of_each_that_there_is_none(palette: MemoryPalette) -> None:
    with pytest.raises(ApiError, match=r"cluster-3.*; .*cluster-4") as caught:
        clusters(clusters=["cluster-3", "cluster-1", "cluster-4"])
    assert caught.value.reason == "not_found"
    assert caught.value.facts["candidates"] == ["cluster-1", "cluster-2"]


def test_named_says_once_that_nothing_can_be_looked_up(
    palette: MemoryPalette, monkeypatch: pytest.MonkeyPatch
) -> None:
    def portal(*_args: Any) -> None:
        raise ApiError("not_found", "HTTP 404: no such page", http_status=404)

    monkeypatch.setattr(lookups, "cluster_named", portal)
    with pytest.raises(ApiError, match=r"^HTTP 404: no such page$") as caught:
        clusters(clusters=["cluster-1", "cluster-2"])
    assert (caught.value.reason, caught.value.facts) == ("not_found", {"http_status": 404})


def test_project_becomes_the_scope_and_is_looked_up_once(palette: MemoryPalette) -> None:
    for _time in range(2):
        assert session(cluster="cluster-1", project="project-1").cluster().cluster.scope == "p1"
    assert palette.lookups == [(PROJECTS, None), (SEARCH, "p1")]


def test_vm_clusters_are_those_that_the_options_name_or_all(palette: MemoryPalette) -> None:
    assert clusters(cluster="cluster-2") == [Cluster("c2", "cluster-2", None)]
    assert clusters(cluster_uid="c2") == [Cluster("c2", "c2", None)]
    twice = ["cluster-2", "cluster-1", "cluster-2"]
    assert [cluster.uid for cluster in clusters(clusters=twice)] == ["c2", "c1"]
    palette.lookups.clear()
    assert [cluster.uid for cluster in clusters()] == ["c1", "c2"]
    assert palette.lookups == [(VM_CLUSTERS, None)]

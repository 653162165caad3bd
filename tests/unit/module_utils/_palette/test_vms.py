# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The calls on one cluster's VMs and snapshots, against a real HTTP server; and their scope."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import NamedTuple, cast

from ansible_collections.spectrocloud.palette.plugins.module_utils._http.errors import ApiError
from ansible_collections.spectrocloud.palette.plugins.module_utils._http.session import Query
from ansible_collections.spectrocloud.palette.plugins.module_utils._palette.client import (
    PaletteClient,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._palette.clusters import (
    Cluster,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._palette.lists import Where
from ansible_collections.spectrocloud.palette.plugins.module_utils._palette.vms import ClusterVms
from ansible_collections.spectrocloud.palette.plugins.module_utils._vms.model import VmKey
from unit.fakes import Answer, ScriptedServer


class Thing(NamedTuple):
    """What is read of each item."""

    key: VmKey


def read(_item: object) -> Thing:
    return Thing(VmKey("c 1", "a", "x"))


def test_cluster_vms_calls_what_the_contract_names(
    server: ScriptedServer, client: PaletteClient
) -> None:
    server.script(Answer({"items": [{}]}))
    api = ClusterVms(client, Cluster("c 1", "one", "p1"))
    body = {"metadata": {"name": "s/1"}}
    api.vm("db 1", "vms")
    api.vms(read, ["a"])
    api.vms(read)
    api.snapshots(read, [Where("a", "x")])
    api.create_snapshot("db1", "vms", body)
    api.update_snapshot("db1", "vms", body)
    server.script(Answer(b"", 204))
    api.delete_snapshot("db1", "vms", "s/1")
    root = "/v1/spectroclusters/c%201/vms"
    assert [(request.method, request.path) for request in server.received] == [
        ("GET", f"{root}/db%201?namespace=vms"),
        ("GET", f"{root}?namespace=a&limit=50"),
        ("GET", f"{root}?limit=50"),
        ("GET", f"{root}/snapshot?namespace=a&vmName=x&limit=50"),
        ("POST", f"{root}/db1/snapshot?namespace=vms"),
        ("PUT", f"{root}/db1/snapshot/s%2F1?namespace=vms"),
        ("DELETE", f"{root}/db1/snapshot/s%2F1?namespace=vms"),
    ]
    assert {request.headers.get("projectuid") for request in server.received} == {"p1"}
    assert [request.body for request in server.received[4:6]] == [body, body]
    assert api.retries == 3


class TenantsCluster:
    """A client of a cluster that turns out to be the tenant's while its namespaces are listed.

    The answer about a comes first. That about b, in the wrong scope, comes after it was learned.
    """

    def __init__(self) -> None:
        self.b_was_asked = threading.Event()
        self.learned = threading.Event()
        self.asked: list[tuple[str, str | None]] = []

    def items(
        self, _path: str, read: Callable[[object], Thing], query: Query, scope: str | None
    ) -> list[Thing]:
        """List a namespace."""
        namespace = query["namespace"]
        self.asked.append((namespace, scope))
        if scope is None:
            self.learned.set()
            return [Thing(VmKey("c1", namespace, "x"))]
        if namespace == "b":
            self.b_was_asked.set()
        awaited = self.learned if namespace == "b" else self.b_was_asked
        assert awaited.wait(60)
        raise ApiError("not_found", "Cluster not found", http_status=404)

    def call(self, *_asked: object) -> dict[str, object]:
        """Say of which scope the cluster is."""
        return {"metadata": {"uid": "c1", "annotations": {"scope": "tenant"}}}


def test_vms_of_all_namespaces_are_listed_where_one_has_learned_the_scope_before() -> None:
    client = TenantsCluster()
    api = ClusterVms(cast(PaletteClient, client), Cluster("c1", "one", "p1"))
    found = api.vms(read, ["a", "b"])
    assert sorted(thing.key.namespace for thing in found) == ["a", "b"]
    assert sorted(client.asked, key=str) == [("a", "p1"), ("a", None), ("b", "p1"), ("b", None)]

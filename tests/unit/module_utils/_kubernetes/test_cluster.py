# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The calls for VMs and restores, against a real HTTPS server."""

from __future__ import annotations

from ansible_collections.spectrocloud.palette.plugins.module_utils._kubernetes.client import (
    KubernetesClient,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._kubernetes.cluster import (
    ClusterApi,
)
from unit.fakes import Answer, ScriptedServer
from unit.module_utils._kubernetes.clusters import error_of, status

KUBEVIRT = "/apis/kubevirt.io/v1"
RESTORES = "/apis/snapshot.kubevirt.io/v1beta1/namespaces/a/virtualmachinerestores"


def test_cluster_api_asks_kubevirts_paths(server: ScriptedServer, client: KubernetesClient) -> None:
    api = ClusterApi(client)
    server.script(Answer({"kind": "Any", "items": [1]}))
    assert api.vm("a", "db1")
    assert api.restore("a", "r1")
    assert api.vms(str) == ["1"]
    assert api.instances(str, ["b", "a", "b"]) == ["1", "1"]
    assert api.restores(str, ["a"]) == ["1"]
    assert [request.path.partition("?")[0] for request in server.received] == [
        f"{KUBEVIRT}/namespaces/a/virtualmachines/db1",
        f"{RESTORES}/r1",
        f"{KUBEVIRT}/virtualmachines",
        f"{KUBEVIRT}/namespaces/a/virtualmachineinstances",
        f"{KUBEVIRT}/namespaces/b/virtualmachineinstances",
        RESTORES,
    ]


def test_cluster_api_writes_restores(server: ScriptedServer, client: KubernetesClient) -> None:
    api = ClusterApi(client)
    server.script(Answer({"kind": "Any"}, 201), Answer({"kind": "Any"}))
    api.create_restore("a", {"metadata": {"name": "r1"}})
    api.annotate_restore("a", "r1", {"example.com/x": "done", "example.com/y": None})
    api.delete_restore("a", "r1", uid="u1")
    annotations = {"example.com/x": "done", "example.com/y": None}
    assert [(request.method, request.path, request.body) for request in server.received] == [
        ("POST", RESTORES, {"metadata": {"name": "r1"}}),
        ("PATCH", f"{RESTORES}/r1", {"metadata": {"annotations": annotations}}),
        ("DELETE", f"{RESTORES}/r1", {"preconditions": {"uid": "u1"}}),
    ]


def test_cluster_api_notes_that_its_cluster_is_silent(
    server: ScriptedServer, client: KubernetesClient
) -> None:
    api = ClusterApi(client)
    found = []
    for answer in (503, 503, 503, 404):
        server.script(status(answer))
        error_of(api.restore, "a", "r1")
        found.append(api.breaker.open)
    assert found == [False, False, True, False]

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way into a cluster's own API, what is there, and who may do what."""

from __future__ import annotations

import base64
import time
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from palette_simulator.launch import LIMIT
from palette_simulator.probe import CLUSTER, Probe, is_ready
from unit.simulator.bench import restore_body

_VMS = "apis/kubevirt.io/v1/namespaces/vms/virtualmachines"
_INSTANCES = "apis/kubevirt.io/v1/namespaces/vms/virtualmachineinstances"
_CLAIMS = "api/v1/namespaces/vms/persistentvolumeclaims"
_RESTORES = "apis/snapshot.kubevirt.io/v1beta1/namespaces/vms/virtualmachinerestores"
_POWER = "apis/subresources.kubevirt.io/v1/namespaces/vms"


class Kube:
    """A client that takes its way in from a kubeconfig."""

    def __init__(self, config: dict[str, Any], folder: Path) -> None:
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        self.server = cluster["server"]
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.verify = _file(folder / "ca", cluster["certificate-authority-data"])
        if "token" in user:
            self._session.headers["Authorization"] = f"Bearer {user['token']}"
        if "client-key-data" in user:
            self._session.cert = (
                _file(folder / "certificate", user["client-certificate-data"]),
                _file(folder / "key", user["client-key-data"]),
            )

    def call(
        self, method: str, path: str, body: object = None, **headers: str
    ) -> requests.Response:
        return self._session.request(
            method, f"{self.server}/{path}", json=body, timeout=LIMIT, headers=headers
        )

    def get(self, path: str) -> Any:
        answer = self.call("GET", path)
        assert answer.status_code == 200, answer.text
        return answer.json()


def _file(path: Path, data: str) -> str:
    path.write_bytes(base64.b64decode(data))
    return str(path)


def fetch(probe: Probe, name: str = "adminKubeconfig", **query: object) -> requests.Response:
    return probe.call("GET", f"spectroclusters/{probe.cluster}/assets/{name}", **query)


def config_of(probe: Probe, name: str = "adminKubeconfig", **query: object) -> dict[str, Any]:
    answer = fetch(probe, name, **query)
    assert answer.status_code == 200, answer.text
    config: dict[str, Any] = yaml.safe_load(answer.text)
    return config


@pytest.fixture
def kube(probe: Probe, tmp_path: Path) -> Kube:
    return Kube(config_of(probe), tmp_path)


def until(kube: Kube, path: str, *fields: str, expected: object) -> None:
    deadline = time.monotonic() + LIMIT
    while True:
        value = kube.get(path)
        for field in fields:
            value = value.get(field, {})
        if value == expected:
            return
        assert time.monotonic() < deadline, value


def test_a_client_certificate_opens_a_cluster(kube: Kube) -> None:
    names = [vm["metadata"]["name"] for vm in kube.get(_VMS)["items"]]
    assert "db1" in names
    assert kube.get(f"{_VMS}/db1")["status"]["printableStatus"] == "Running"
    assert kube.get(f"{_INSTANCES}/db1")["status"]["phase"] == "Running"
    assert kube.get("version")["major"] == "1"


def test_so_does_a_token(probe: Probe, tmp_path: Path) -> None:
    probe.palette.switch(admin_login="token")
    assert Kube(config_of(probe), tmp_path).get(f"{_VMS}/db1")["kind"] == "VirtualMachine"


def test_a_restore_by_https_changes_what_palette_shows(probe: Probe, kube: Kube) -> None:
    probe.create("stopped", "s")
    probe.until(is_ready, "stopped", "s")
    body = restore_body("r", "s", "stopped")
    body["metadata"]["namespace"] = "vms"
    created = kube.call("POST", _RESTORES, body)
    assert (created.status_code, "status" in created.json()) == (201, False)
    until(kube, f"{_RESTORES}/r", "status", "complete", expected=True)
    restored = kube.get(f"{_RESTORES}/r")["status"]["restores"][0]["persistentVolumeClaim"]
    shown = probe.vms("GET", "stopped", namespace="vms").json()
    volumes = shown["spec"]["template"]["spec"]["volumes"]
    assert volumes[0]["persistentVolumeClaim"]["claimName"] == restored
    assert "restore.kubevirt.io/lastRestoreUID" in shown["metadata"]["annotations"]
    assert kube.get(f"{_CLAIMS}/{restored}")["status"]["phase"] == "Bound"
    assert len(probe.palette.requests("k8s_create_restore")) == 1


def test_the_snapshots_are_those_of_palette(probe: Probe, kube: Kube) -> None:
    probe.create("db1", "s")
    probe.until(is_ready, "db1", "s")
    path = "apis/snapshot.kubevirt.io/v1alpha1/namespaces/vms/virtualmachinesnapshots/s"
    snapshot = kube.get(path)
    assert snapshot["apiVersion"] == "snapshot.kubevirt.io/v1alpha1"
    assert snapshot["metadata"]["uid"] == probe.get("db1", "s")["metadata"]["uid"]
    assert snapshot["status"]["readyToUse"] is True


def test_a_vm_is_stopped_and_started(kube: Kube) -> None:
    stopped = kube.call("PUT", f"{_POWER}/virtualmachines/db1/stop", {})
    assert (stopped.status_code, stopped.content) == (202, b"")
    until(kube, f"{_VMS}/db1", "status", "created", expected=False)
    missing = kube.call("GET", f"{_INSTANCES}/db1")
    assert missing.status_code == 404
    assert missing.json()["message"] == 'virtualmachineinstances.kubevirt.io "db1" not found'
    assert kube.call("PUT", f"{_POWER}/virtualmachines/db1/start", {}).status_code == 202
    until(kube, f"{_VMS}/db1", "status", "printableStatus", expected="Running")
    assert kube.call("PUT", f"{_POWER}/virtualmachineinstances/db1/pause", {}).status_code == 200
    assert kube.get(f"{_VMS}/db1")["status"]["printableStatus"] == "Paused"


def test_lists_are_selected_and_paged(kube: Kube) -> None:
    found = kube.get(f"{_VMS}?labelSelector=app=db,tier=backend")["items"]
    assert [vm["metadata"]["name"] for vm in found] == ["db1", "db2"]
    one = kube.get(f"{_VMS}?fieldSelector=metadata.name=db2")["items"]
    assert [vm["metadata"]["name"] for vm in one] == ["db2"]
    whole = kube.get("apis/kubevirt.io/v1/virtualmachines")["items"]
    page = kube.get("apis/kubevirt.io/v1/virtualmachines?limit=3")
    assert page["metadata"]["remainingItemCount"] == len(whole) - 3
    token = page["metadata"]["continue"]
    onward = kube.get(f"apis/kubevirt.io/v1/virtualmachines?limit=3&continue={token}")
    assert onward["items"] == whole[3:6]
    assert kube.call("GET", f"{_VMS}?labelSelector=app").status_code == 400
    assert kube.call("GET", f"{_VMS}?watch=true").status_code == 400


def test_a_kubeconfig_is_a_file_plain_or_base64(probe: Probe) -> None:
    answer = fetch(probe)
    assert answer.headers["content-type"] == "application/octet-stream"
    assert "attachment" in answer.headers["content-disposition"]
    assert answer.text.startswith("apiVersion: v1")
    probe.palette.switch(kubeconfig_form="base64")
    assert base64.b64decode(fetch(probe).text).startswith(b"apiVersion: v1")


def test_a_users_kubeconfig_needs_a_login_program(probe: Probe) -> None:
    assert list(config_of(probe, "kubeconfig")["users"][0]["user"]) == ["exec"]
    probe.palette.switch(user_login="token")
    assert list(config_of(probe, "kubeconfig")["users"][0]["user"]) == ["token"]


def test_a_kubeconfig_may_lead_through_the_proxy(probe: Probe, tmp_path: Path) -> None:
    probe.palette.switch(user_login="certificate", direct_access="off")
    proxied = Kube(config_of(probe, "kubeconfig"), tmp_path)
    assert f"/frp/{CLUSTER}" in proxied.server
    assert proxied.get(f"{_VMS}/db1")["kind"] == "VirtualMachine"
    direct = Kube(config_of(probe, "kubeconfig", frp="false"), tmp_path)
    assert f"/k8s/{CLUSTER}" in direct.server
    with pytest.raises(requests.ConnectionError):
        direct.get(f"{_VMS}/db1")
    assert f"/k8s/{CLUSTER}" in Kube(config_of(probe), tmp_path).server
    probe.palette.switch(admin_address="proxy")
    assert f"/frp/{CLUSTER}" in Kube(config_of(probe), tmp_path).server


def test_there_may_be_no_kubeconfig(probe: Probe) -> None:
    probe.palette.switch(kubeconfigs="missing")
    for name in ("adminKubeconfig", "kubeconfig"):
        assert fetch(probe, name).status_code == 404
    assert fetch(probe, "kubeconfig", frp="maybe").status_code == 400


def test_the_admins_kubeconfig_needs_a_permission(probe: Probe) -> None:
    probe.key = "viewer-key"
    answer = fetch(probe)
    assert (answer.status_code, answer.json()["code"]) == (403, "OperationForbidden")
    assert "cluster.adminKubeconfigDownload" in answer.json()["message"]
    assert fetch(probe, "kubeconfig").status_code == 200


def test_a_credential_opens_its_own_cluster_only(kube: Kube) -> None:
    kube.server = kube.server.replace(CLUSTER, "0123456789abcdef00000012")
    answer = kube.call("GET", _VMS)
    assert (answer.status_code, answer.json()["reason"]) == (401, "Unauthorized")


def test_without_a_credential_everything_is_forbidden(probe: Probe, tmp_path: Path) -> None:
    config = config_of(probe)
    config["users"][0]["user"] = {}
    answer = Kube(config, tmp_path).call("GET", _VMS)
    assert answer.status_code == 403
    assert 'User "system:anonymous" cannot list' in answer.json()["message"]
    config["users"][0]["user"] = {"token": "wrong"}
    assert Kube(config, tmp_path).call("GET", _VMS).status_code == 401


@pytest.mark.parametrize(
    ("rights", "method", "path", "about", "what", "where"),
    [
        (
            "view",
            "POST",
            _RESTORES,
            "virtualmachinerestores.snapshot.kubevirt.io",
            'create resource "virtualmachinerestores" in API group "snapshot.kubevirt.io"',
            'in the namespace "vms"',
        ),
        (
            "none",
            "GET",
            f"{_VMS}/db1",
            'virtualmachines.kubevirt.io "db1"',
            'get resource "virtualmachines" in API group "kubevirt.io"',
            'in the namespace "vms"',
        ),
        (
            "no-claims",
            "GET",
            "api/v1/persistentvolumeclaims",
            "persistentvolumeclaims",
            'list resource "persistentvolumeclaims" in API group ""',
            "at the cluster scope",
        ),
        (
            "view",
            "PUT",
            f"{_POWER}/virtualmachines/db1/start",
            'virtualmachines.kubevirt.io "db1"',
            'update resource "virtualmachines/start" in API group "subresources.kubevirt.io"',
            'in the namespace "vms"',
        ),
    ],
)
def test_rights_are_limited(
    kube: Kube,
    probe: Probe,
    rights: str,
    method: str,
    path: str,
    about: str,
    what: str,
    where: str,
) -> None:
    probe.palette.switch(cluster_rights=rights)
    answer = kube.call(method, path, {} if method != "GET" else None)
    assert (answer.status_code, answer.json()["reason"]) == (403, "Forbidden")
    message = f'{about} is forbidden: User "kubernetes-admin" cannot {what} {where}'
    assert answer.json()["message"] == message


def test_unknown_paths_methods_and_bodies_get_a_status(kube: Kube) -> None:
    for path in ("apis", "apis/snapshot.kubevirt.io/v2/virtualmachinerestores"):
        assert kube.call("GET", path).json()["reason"] == "NotFound"
    assert kube.call("DELETE", _VMS).json()["reason"] == "MethodNotAllowed"
    assert kube.call("POST", _RESTORES, []).json()["reason"] == "BadRequest"
    namespace = _RESTORES.replace("/vms/", "/nowhere/")
    body = restore_body("r", "s")
    body["metadata"].pop("namespace")
    assert kube.call("POST", namespace, body).json()["message"] == 'namespaces "nowhere" not found'


def test_a_cluster_without_kubevirt_has_no_vms_of_its_own(probe: Probe, tmp_path: Path) -> None:
    probe.cluster = CLUSTER.replace("11", "15")
    kube = Kube(config_of(probe), tmp_path)
    assert (
        kube.call("GET", _VMS).json()["message"]
        == "the server could not find the requested resource"
    )
    assert kube.get(_CLAIMS)["items"] == []


@pytest.mark.parametrize(
    ("kind", "status"), [("503", 503), ("403", 403), ("500", 500), ("404", 404)]
)
def test_a_sick_cluster_is_sick_by_its_own_api_too(
    kube: Kube, probe: Probe, kind: str, status: int
) -> None:
    probe.palette.sicken("vm-cluster-1", kind)
    answer = kube.call("GET", _VMS)
    assert answer.status_code == status
    if kind != "503":
        assert answer.json()["kind"] == "Status"
    assert probe.palette.strikes("vm-cluster-1") == 1


def test_faults_and_the_log_know_the_clusters_own_api(kube: Kube, probe: Probe) -> None:
    body = {**restore_body("r", "nothere"), "metadata": {"name": "r"}}
    probe.palette.inject(
        {"action": "drop_after", "method": "POST", "path": "/virtualmachinerestores$"}
    )
    with pytest.raises(requests.ConnectionError):
        kube.call("POST", _RESTORES, body)
    assert kube.get(f"{_RESTORES}/r")["metadata"]["name"] == "r"
    (entry,) = probe.palette.requests("k8s_create_restore")
    assert (entry["status"], entry["fault"]) == (None, "drop_after")


def test_palettes_own_port_does_not_serve_the_clusters(probe: Probe) -> None:
    answer = requests.get(f"{probe.palette.url}/k8s/{CLUSTER}/{_VMS}", timeout=LIMIT)
    assert answer.status_code == 404


def test_annotations_of_a_vm_are_merged(kube: Kube) -> None:
    patch = {"Content-Type": "application/merge-patch+json"}

    def annotate(**annotations: str | None) -> Any:
        changes = {"metadata": {"annotations": annotations}}
        answer = kube.call("PATCH", f"{_VMS}/db1", changes, **patch)
        assert answer.status_code == 200, answer.text
        return answer.json()["metadata"].get("annotations", {})

    assert annotate(one="1", two="2") == {"one": "1", "two": "2"}
    assert annotate(one=None, three="3") == {"two": "2", "three": "3"}
    assert kube.call("PATCH", f"{_VMS}/db9", {}, **patch).status_code == 404


@pytest.mark.parametrize(
    ("api", "of_palette", "of_own"), [("palette", 503, 200), ("own", 200, 503)]
)
def test_only_one_of_a_clusters_apis_may_be_sick(
    probe: Probe, kube: Kube, api: str, of_palette: int, of_own: int
) -> None:
    probe.palette.sicken(CLUSTER, "503", api=api)
    assert probe.vms("GET").status_code == of_palette
    assert kube.call("GET", _VMS).status_code == of_own


def test_a_snapshots_content_holds_the_vm_that_it_was_taken_of(probe: Probe, kube: Kube) -> None:
    contents = "apis/snapshot.kubevirt.io/v1beta1/namespaces/vms/virtualmachinesnapshotcontents"
    assert probe.create("db1", "s").status_code == 200
    snapshot = probe.until(is_ready, "db1", "s")
    probe.palette.change_vm(CLUSTER, "vms", "db1", cores=8)
    content = kube.get(f"{contents}/{snapshot['status']['virtualMachineSnapshotContentName']}")
    machine = content["spec"]["source"]["virtualMachine"]
    assert content["spec"]["virtualMachineSnapshotName"] == "s"
    assert machine["metadata"]["name"] == "db1"
    spec = kube.get(f"{_VMS}/db1")["spec"]
    assert spec["template"]["spec"]["domain"]["cpu"]["cores"] == 8
    spec["template"]["spec"]["domain"]["cpu"]["cores"] = 1
    assert machine["spec"] == spec
    backups = {each["volumeName"] for each in content["spec"]["volumeBackups"]}
    assert backups == {"rootdisk", "datadisk"}

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is true, by the simulator's own account: what there is, and the writes it carried out."""

from __future__ import annotations

import base64
import json
import ssl
import urllib.request
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote, unquote

import yaml

from faults.operations import CLUSTER_UID, KEY, PROJECT_UID
from faults.proxy import CLEAR, CLOSE, CREATE, DELETE, POWER, RECORD, RESTORE, UPDATE, Clusters
from faults.ways import Told
from palette_simulator.launch import Simulator

_OPERATIONS = {
    "create_snapshot": CREATE,
    "update_snapshot": UPDATE,
    "delete_snapshot": DELETE,
    "start_vm": POWER,
    "stop_vm": POWER,
    "k8s_create_restore": RESTORE,
    "k8s_patch_restore": CLOSE,
    "k8s_delete_restore": CLEAR,
    "k8s_patch_vm": RECORD,
}
_CLUSTER = f"/v1/spectroclusters/{CLUSTER_UID}"
_LIST = f"{_CLUSTER}/vms/snapshot?limit=50"
_MACHINES = "apis/kubevirt.io/v1/virtualmachines"
_INSTANCES = "apis/kubevirt.io/v1/virtualmachineinstances"
_RESTORES = "apis/snapshot.kubevirt.io/v1beta1/virtualmachinerestores"
_PREFIX = "spectrocloud.palette/"


class Stored(NamedTuple):
    """A snapshot that there is. vm_ran: whether it says that its VM ran, and was stopped for it."""

    vm_name: str
    name: str
    uid: str
    labels: Mapping[str, str]
    ready: bool
    deleting: bool
    vm_ran: bool = False


class Write(NamedTuple):
    """A write that was carried out. name: of the snapshot, empty for a creation."""

    kind: str
    vm_name: str
    name: str


class Machine(NamedTuple):
    """A VM. runs: whether it has an instance that does not end. recorded: says when it ran."""

    vm_name: str
    runs: bool
    off: bool
    claims: tuple[str, ...]
    recorded: bool = False


class Rollback(NamedTuple):
    """A restore that there is. claims: those that it made. done: whether it says so."""

    vm_name: str
    name: str
    complete: bool
    done: bool
    claims: tuple[str, ...]


class Estate(NamedTuple):
    """The VMs of a cluster, and their restores."""

    machines: Sequence[Machine] = ()
    rollbacks: Sequence[Rollback] = ()


class Run(NamedTuple):
    """One run of a task: what it told, and what it did.

    before: the snapshots at the beginning of the cell, which the first run of two began with.
    estate_before: the same of the VMs. token: with which the cluster's own API was asked.
    forgotten: VMs that an earlier run left off, of which nothing says that they ran.
    """

    told: Told
    before: Sequence[Stored]
    after: Sequence[Stored]
    writes: Sequence[Write]
    estate_before: Estate = Estate()
    estate: Estate = Estate()
    token: str = ""
    forgotten: frozenset[str] = frozenset()


class ClusterApi:
    """The cluster's own API, as its admin asks it."""

    def __init__(self, palette: Simulator) -> None:
        content = yaml.safe_load(_get(palette.url + f"{_CLUSTER}/assets/adminKubeconfig", _LOGIN))
        cluster = content["clusters"][0]["cluster"]
        ca = base64.b64decode(cluster["certificate-authority-data"]).decode()
        self._server: str = cluster["server"]
        self.token: str = content["users"][0]["user"]["token"]
        self._login = {"Authorization": f"Bearer {self.token}"}
        self.clusters = Clusters(
            self._server.partition("/k8s/")[0], ssl.create_default_context(cadata=ca)
        )

    def estate(self) -> Estate:
        """Return the VMs and restores that there are."""
        instances = {
            each["metadata"]["name"]: "deletionTimestamp" not in each["metadata"]
            for each in self._items(_INSTANCES)
        }
        return Estate(
            [_machine(each, instances) for each in self._items(_MACHINES)],
            [_rollback(each) for each in self._items(_RESTORES)],
        )

    def _items(self, path: str) -> list[dict[str, Any]]:
        text = _get(f"{self._server}/{path}", self._login, self.clusters.tls)
        items: list[dict[str, Any]] = json.loads(text)["items"]
        return items


def manifests(palette: Simulator) -> list[dict[str, Any]]:
    """Return the snapshots that there are, as Palette lists them."""
    items: list[dict[str, Any]] = []
    token = ""
    while True:
        page = _page(palette, token)
        items += page["items"] or []
        token = page["metadata"].get("continue", "")
        if not token:
            return items


def stored(items: Sequence[Mapping[str, Any]]) -> list[Stored]:
    """Return what matters of listed snapshots."""
    return [_stored(item) for item in items]


def writes_in(palette: Simulator) -> list[Write]:
    """Return the writes that were carried out since the request log began."""
    return [
        _write(_OPERATIONS[entry["operation"]], entry)
        for entry in palette.requests()
        if entry["operation"] in _OPERATIONS and 200 <= (entry["status"] or 0) < 300
    ]


def _page(palette: Simulator, token: str) -> dict[str, Any]:
    address = palette.url + _LIST + (f"&continue={quote(token)}" if token else "")
    page: dict[str, Any] = json.loads(_get(address, _LOGIN))
    return page


_LOGIN = {"ApiKey": KEY, "ProjectUid": PROJECT_UID}


def _get(address: str, login: Mapping[str, str], tls: ssl.SSLContext | None = None) -> bytes:
    request = urllib.request.Request(address, headers=dict(login))  # noqa: S310 - our own server
    direct = urllib.request.ProxyHandler({})
    opener = urllib.request.build_opener(direct, urllib.request.HTTPSHandler(context=tls))
    with opener.open(request, timeout=30) as response:
        content: bytes = response.read()
    return content


def _stored(item: Mapping[str, Any]) -> Stored:
    metadata, status = item["metadata"], item.get("status") or {}
    return Stored(
        item["spec"]["source"]["name"],
        metadata["name"],
        metadata["uid"],
        metadata.get("labels") or {},
        bool(status.get("readyToUse")),
        "deletionTimestamp" in metadata,
        f"{_PREFIX}vm-ran" in (metadata.get("annotations") or {}),
    )


def _machine(item: Mapping[str, Any], instances: Mapping[str, bool]) -> Machine:
    name = item["metadata"]["name"]
    volumes = item["spec"]["template"]["spec"]["volumes"]
    claims = (
        volume.get("persistentVolumeClaim", {}).get("claimName")
        or volume.get("dataVolume", {}).get("name")
        for volume in volumes
    )
    return Machine(
        name,
        instances.get(name, False),
        name not in instances and item["status"]["printableStatus"] == "Stopped",
        tuple(filter(None, claims)),
        f"{_PREFIX}ran-at" in (item["metadata"].get("annotations") or {}),
    )


def _rollback(item: Mapping[str, Any]) -> Rollback:
    metadata, status = item["metadata"], item.get("status") or {}
    return Rollback(
        item["spec"]["target"]["name"],
        metadata["name"],
        bool(status.get("complete")),
        metadata["annotations"].get(f"{_PREFIX}rollback") == "done",
        tuple(each["persistentVolumeClaim"] for each in status.get("restores") or ()),
    )


def _write(kind: str, entry: Mapping[str, Any]) -> Write:
    if kind in (RESTORE, CLOSE, CLEAR):
        return Write(kind, entry["response"]["spec"]["target"]["name"], "")
    parts = [unquote(part) for part in entry["path"].split("/")]
    if kind == RECORD:
        return Write(kind, parts[-1], "")
    # /v1/spectroclusters/{uid}/vms/{vm}/snapshot[/{name}]
    return Write(kind, parts[5], parts[7] if len(parts) > 7 else "")

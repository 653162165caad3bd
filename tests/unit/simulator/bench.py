# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A simulated cluster in this process, whose time stands still unless a test moves it."""

from __future__ import annotations

import json
import time
from collections.abc import Coroutine, MutableMapping
from typing import Any

import msgspec
import pytest

from palette_simulator.app import palette_app
from palette_simulator.fleet import Fleet
from palette_simulator.journal import Journal
from palette_simulator.kubernetes.api import kubernetes_app
from palette_simulator.lifecycle import NEVER
from palette_simulator.palette import Palette
from palette_simulator.state import Cluster, Snapshot
from palette_simulator.switches import Switches
from unit.simulator.views import Watcher

UID = "0123456789abcdef00000011"
PROJECT = "0123456789abcdef00000001"
NAMESPACE = "ns"
_START = 1_800_000_000.0
_GRAIN = 0.001
_SNAPSHOTS = f"apis/snapshot.kubevirt.io/v1beta1/namespaces/{NAMESPACE}"
PATHS = {
    "VirtualMachine": f"apis/kubevirt.io/v1/namespaces/{NAMESPACE}/virtualmachines",
    "VirtualMachineInstance": f"apis/kubevirt.io/v1/namespaces/{NAMESPACE}/virtualmachineinstances",
    "PersistentVolumeClaim": f"api/v1/namespaces/{NAMESPACE}/persistentvolumeclaims",
    "VirtualMachineSnapshot": f"{_SNAPSHOTS}/virtualmachinesnapshots",
    "VirtualMachineRestore": f"{_SNAPSHOTS}/virtualmachinerestores",
}
# The pace of the recordings: their storage, guests and garbage collector were stand-ins.
PACE = {
    "status": 0.01, "lock": 0.03, "cut": 0.7, "ready": 0.5, "unlock": 0.03, "gone": 0.5,
    "power": 2.5, "vanish": 0.08, "restore_step": 0.01, "bind": 1.0,
}  # fmt: skip

Answer = tuple[int, Any]


class Bench:
    """One cluster with one VM, vm1, its own API and that of Palette, and a watcher."""

    def __init__(self, patch: pytest.MonkeyPatch, vm: dict[str, Any], **switches: object) -> None:
        self.now = _START
        patch.setattr(time, "time", lambda: self.now)
        machine = {"name": "vm1", "namespace": NAMESPACE, "guest_agent": False, **vm}
        machine["timing"] = {**PACE, **machine.get("timing", {})}
        cluster = {"name": "c", "uid": UID, "vms": [machine]}
        seed = {
            "keys": [{"key": "k"}],
            "projects": [{"name": "p", "uid": PROJECT, "clusters": [cluster]}],
        }
        chosen = Switches().but({"restore_passes": "none", **switches})
        self.palette = Palette(msgspec.convert(seed, Fleet), chosen, Journal())
        self._apis = {True: kubernetes_app(self.palette), False: palette_app(self.palette)}
        self._token = self.palette.access.token(UID)
        self.watcher = Watcher()
        self.look()
        self.watcher.events.clear()

    @property
    def cluster(self) -> Cluster:
        """The cluster's state."""
        return self.palette.state.clusters[UID]

    def call(
        self, method: str, path: str, body: object = None, kind: str = "application/json"
    ) -> Answer:
        """Send a request to the cluster's own API; status and body."""
        credential = f"Bearer {self._token}"
        return self._send(True, method, f"/k8s/{UID}/{path}", body, kind, authorization=credential)

    def snapshot(self, name: str, vm: str = "vm1", **spec: object) -> None:
        """Take a snapshot, through Palette."""
        source = {"apiGroup": "kubevirt.io", "kind": "VirtualMachine", "name": vm}
        body = {"metadata": {"name": name}, "spec": {"source": source, **spec}}
        assert self._palette("POST", f"{vm}/snapshot", body) == 200

    def drop_snapshot(self, name: str, vm: str = "vm1") -> None:
        """Delete a snapshot, through Palette."""
        assert self._palette("DELETE", f"{vm}/snapshot/{name}") == 204

    def drop_vm(self) -> None:
        """Delete the VM, through Palette."""
        assert self._palette("DELETE", "vm1") == 204

    def restore(self, name: str, snapshot: str, target: str = "vm1", **spec: Any) -> Answer:
        """Create a restore."""
        return self.call(
            "POST", PATHS["VirtualMachineRestore"], restore_body(name, snapshot, target, **spec)
        )

    def delete_restore(self, name: str) -> Answer:
        """Delete a restore."""
        return self.call("DELETE", f"{PATHS['VirtualMachineRestore']}/{name}")

    def power(self, verb: str, vm: str = "vm1") -> Answer:
        """Start, stop or restart; pause or unpause."""
        plural = "virtualmachineinstances" if "pause" in verb else "virtualmachines"
        base = f"apis/subresources.kubevirt.io/v1/namespaces/{NAMESPACE}/{plural}"
        return self.call("PUT", f"{base}/{vm}/{verb}", {})

    def get(self, kind: str, name: str = "vm1") -> Any:
        """An object that must be there."""
        status, body = self.call("GET", f"{PATHS[kind]}/{name}")
        assert status == 200, body
        return body

    def reason(self, name: str, condition: str = "Progressing") -> str:
        """The reason of a restore's condition."""
        found = self.get("VirtualMachineRestore", name)["status"]["conditions"]
        reason: str = next(each["reason"] for each in found if each["type"] == condition)
        return reason

    def change_vm(self, **fields: object) -> None:
        """Change the VM as tests do."""
        from palette_simulator.changes import VMChange  # noqa: PLC0415

        msgspec.convert(fields, VMChange).apply(self.palette.state, f"c/{NAMESPACE}/vm1")
        self.look()

    def pass_by(self, seconds: float) -> None:
        """Let time pass, and watch."""
        until = self.now + seconds
        while (moment := self._next_moment()) < until:
            self.now = max(moment, self.now + _GRAIN / 10)
            self.look()
        self.now = until
        self.look()

    def look(self) -> None:
        """Watch all objects."""
        for kind, path in PATHS.items():
            status, body = self.call("GET", path)
            assert status == 200, body
            self.watcher.see_all(self.now - _START, kind, body["items"])

    def _next_moment(self) -> float:
        cluster = self.cluster
        moments = [cluster.next_moment()]
        for snapshot in cluster.snapshots.values():
            moments += _moments(snapshot)
        for vm in cluster.vms.values():
            since, settles, gone, _before = vm.change
            moments += [since + (settles - since) * part / 100 for part in range(101)]
            moments += [gone]
        moments += [claim.bound for claim in cluster.claims.values()]
        return min((m for m in moments if m > self.now), default=NEVER)

    def _palette(self, method: str, path: str, body: object = None) -> int:
        url = f"/v1/spectroclusters/{UID}/vms/{path}"
        headers = {"apikey": "k", "projectuid": PROJECT}
        status, _body = self._send(False, method, url, body, "application/json", **headers)
        return status

    def _send(
        self, own: bool, method: str, path: str, body: object, kind: str, **headers: str
    ) -> Answer:
        path, _mark, query = path.partition("?")
        if not own:
            query = f"namespace={NAMESPACE}"
        scope = {
            "type": "http", "method": method, "path": path, "raw_path": path.encode(),
            "query_string": query.encode(), "root_path": "", "client": ("127.0.0.1", 1),
            "headers": [(b"content-type", kind.encode())]
            + [(name.encode(), text.encode()) for name, text in headers.items()],
            "state": {"kubernetes": own},
        }  # fmt: skip
        sent = b"" if body is None else json.dumps(body).encode()
        answers: list[MutableMapping[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": sent, "more_body": False}

        async def send(message: MutableMapping[str, Any]) -> None:
            answers.append(message)

        _finish(self._apis[own](scope, receive, send))
        content = b"".join(message.get("body", b"") for message in answers)
        return answers[0]["status"], json.loads(content) if content else None


def restore_body(name: str, snapshot: str, target: str = "vm1", **spec: object) -> dict[str, Any]:
    """The body of a create request."""
    vm = {"apiGroup": "kubevirt.io", "kind": "VirtualMachine", "name": target}
    return {
        "apiVersion": "snapshot.kubevirt.io/v1beta1",
        "kind": "VirtualMachineRestore",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {"target": vm, "virtualMachineSnapshotName": snapshot, **spec},
    }


def _moments(snapshot: Snapshot) -> list[float]:
    line = snapshot.timeline
    return [*line, line.working + 0.03, (line.working + line.cut) / 2, snapshot.gone]


def _finish(work: Coroutine[Any, Any, None]) -> None:
    """Run what never has to wait."""
    try:
        work.send(None)
    except StopIteration:
        return
    raise AssertionError("it waits for something")

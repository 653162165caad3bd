# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A few lines of API client, with which the simulator's own tests look at it from outside."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import requests

from palette_simulator.launch import LIMIT, Simulator

DEFAULT_PROJECT = "0123456789abcdef00000001"
CLUSTER = "0123456789abcdef00000011"
Body = dict[str, Any]
_POLL_SECONDS = 0.01


class Probe:
    """Speaks to the cluster vm-cluster-1 of fleets/test.yml."""

    def __init__(self, palette: Simulator, session: requests.Session) -> None:
        self.palette = palette
        self.session = session
        self.key = "demo-key"
        self.project = DEFAULT_PROJECT
        self.cluster = CLUSTER
        self.timeout: float = LIMIT

    @classmethod
    @contextmanager
    def of(cls, palette: Simulator) -> Iterator[Probe]:
        """A probe with a session of its own."""
        with requests.Session() as session:
            session.trust_env = False
            session.verify = palette.ca_file or True
            yield cls(palette, session)

    def call(
        self, method: str, path: str, body: object = None, **query: object
    ) -> requests.Response:
        """Send a request to a path under /v1/, as the key and in the project of the probe."""
        headers = {"ApiKey": self.key, "ProjectUid": self.project}
        return self.session.request(
            method,
            f"{self.palette.url}/v1/{path}",
            headers={name: value for name, value in headers.items() if value},
            params={name: str(value) for name, value in query.items()},
            json=body,
            timeout=self.timeout,
            allow_redirects=False,
        )

    def vms(self, method: str, path: str = "", body: object = None, **query: object) -> Any:
        """Send a request to the cluster's VM API."""
        slash = "/" if path else ""
        return self.call(method, f"spectroclusters/{self.cluster}/vms{slash}{path}", body, **query)

    def create(self, vm: str, name: str, **spec: object) -> requests.Response:
        """Create a snapshot in the namespace vms."""
        answer: requests.Response = self.vms(
            "POST", f"{vm}/snapshot", snapshot_body(vm, name, **spec), namespace="vms"
        )
        return answer

    def get(self, vm: str, name: str) -> Body:
        """A snapshot that must be there."""
        answer = self.vms("GET", f"{vm}/snapshot/{name}", namespace="vms")
        answer.raise_for_status()
        snapshot: Body = answer.json()
        return snapshot

    def put(self, vm: str, body: Body) -> requests.Response:
        """Write a snapshot back."""
        path = f"{vm}/snapshot/{body['metadata']['name']}"
        answer: requests.Response = self.vms("PUT", path, body, namespace="vms")
        return answer

    def delete(self, vm: str, name: str) -> requests.Response:
        """Delete a snapshot."""
        answer: requests.Response = self.vms("DELETE", f"{vm}/snapshot/{name}", namespace="vms")
        return answer

    def names(self, **query: object) -> list[str]:
        """The names of all listed snapshots of the first page."""
        items = self.vms("GET", "snapshot", **query).json()["items"]
        return [item["metadata"]["name"] for item in items or []]

    def until(self, holds: Callable[[Body], object], vm: str, name: str) -> Body:
        """Read a snapshot until something holds of it."""
        deadline = time.monotonic() + LIMIT
        while not holds(snapshot := self.get(vm, name)):
            time.sleep(_POLL_SECONDS)
            if time.monotonic() > deadline:
                raise AssertionError(f"it did not come to that: {snapshot}")
        return snapshot

    def until_gone(self, name: str) -> None:
        """List snapshots until one is not among them."""
        deadline = time.monotonic() + LIMIT
        while name in self.names(namespace="vms"):
            time.sleep(_POLL_SECONDS)
            if time.monotonic() > deadline:
                raise AssertionError(f"{name} is still there")


def snapshot_body(vm: str, name: str, **spec: object) -> Body:
    """The body of a create request."""
    source = {"apiGroup": "kubevirt.io", "kind": "VirtualMachine", "name": vm}
    return {"metadata": {"name": name}, "spec": {"source": source, **spec}}


def is_ready(snapshot: Body) -> bool:
    """Whether a snapshot can be used."""
    return snapshot.get("status", {}).get("readyToUse", False) is True


def has_failed(snapshot: Body) -> bool:
    """Whether a snapshot has failed."""
    return phase(snapshot) == "Failed"


def phase(snapshot: Body) -> str:
    """The phase, empty before there is a status."""
    text: str = snapshot.get("status", {}).get("phase", "")
    return text


def condition(snapshot: Body, kind: str) -> tuple[str, str]:
    """The status and reason of a condition."""
    found = next(c for c in snapshot["status"]["conditions"] if c["type"] == kind)
    return found["status"], found["reason"]

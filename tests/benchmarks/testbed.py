# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The testbed: a simulated Palette, Ansible set up for it, and the tasks to compare."""

from __future__ import annotations

import json
import sys
import tempfile
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import by_hand
from benchmarks.ansible import Ansible, Task
from benchmarks.by_hand import API_KEY, NAMESPACE
from palette_simulator.launch import Simulator

PROJECT = "Default"
CLUSTER = "vm-cluster-1"
_PLACE = {"project": PROJECT, "cluster": CLUSTER}
_FLEET = {"project": PROJECT, "namespaces": [NAMESPACE]}
_SET = {"set": "now", "progress": False}


class Uids(NamedTuple):
    """The project's and the cluster's."""

    project: str
    cluster: str


class Testbed(NamedTuple):
    """One running Palette and what is needed to work with it."""

    palette: Simulator
    ansible: Ansible
    uids: Uids

    @classmethod
    @contextmanager
    def open(cls, vms: int, **switches: object) -> Iterator[Testbed]:
        """Start a Palette with so many VMs; without rate limits unless a switch says so."""
        options: dict[str, Any] = {"rate_limits": "off", "timing": "instant", **switches}
        with (
            tempfile.TemporaryDirectory(prefix="benchmark-") as home,
            Simulator.running(vms=vms, **options) as palette,
        ):
            yield cls(palette, Ansible(Path(home), palette.url, API_KEY), _uids(palette.url))


def vm_names(count: int) -> list[str]:
    """Return the names of the first VMs of the simulator's fleet."""
    return [f"vm-{number:05}" for number in range(1, count + 1)]


def vm_snapshot(vm: str) -> Task:
    """Return a task that asks for a snapshot. vm: a VM's name, or an expression for it."""
    options = {**_PLACE, "vm_name": vm, "namespace": NAMESPACE, "name": f"{vm}-now"}
    return {"spectrocloud.palette.vm_snapshot": {**options, "wait": False, "rate_limit": 0}}


def vm_snapshot_set(**options: object) -> Task:
    """Return a task that asks for a snapshot of every VM of the first cluster's fleet."""
    return fleet_set(cluster=CLUSTER, **options)


def fleet_set(**options: object) -> Task:
    """Return a task that asks for a snapshot of every VM of the fleet, on all clusters."""
    return {"spectrocloud.palette.vm_snapshot_set": {**_FLEET, **_SET, **options}}


def fleet_info(**options: object) -> Task:
    """Return a task that reads the snapshots of the fleet, on all clusters."""
    return {"spectrocloud.palette.vm_snapshot_info": {**_FLEET, **options}}


def fleet_with_history(path: Path, vms: int, of_each: int) -> None:
    """Write a fleet file with many VMs of the first cluster, each with a snapshot of each day."""
    machines = [
        {
            "name": vm,
            "namespace": NAMESPACE,
            "snapshots": [{"name": f"{vm}-{day:02}", "age": f"{day}d"} for day in range(of_each)],
        }
        for vm in vm_names(vms)
    ]
    clusters = [{"name": CLUSTER, "vms": machines}]
    fleet = {"keys": [{"key": API_KEY}], "projects": [{"name": PROJECT, "clusters": clusters}]}
    path.write_text(json.dumps(fleet), encoding="utf-8")


def uri(testbed: Testbed, vm: str, deadline: str = "") -> Task:
    """Return a task that posts a snapshot's body by hand."""
    body = by_hand.body(vm, deadline)
    return _uri(testbed, f"{vm}/snapshot", method="POST", body_format="json", body=body)


def uri_to_read(testbed: Testbed, vm: str) -> Task:
    """Return a task that reads that snapshot by hand."""
    return _uri(testbed, f"{vm}/snapshot/{vm}-now")


def say(text: str) -> None:
    """Tell what is going on, apart from the results."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def _uri(testbed: Testbed, path: str, **options: object) -> Task:
    vms = testbed.palette.url + by_hand.path_of_vms(testbed.uids.cluster)
    target = f"{vms}/{path}?namespace={NAMESPACE}"
    headers = by_hand.headers(testbed.uids.project)
    return {"ansible.builtin.uri": {"url": target, "headers": headers, **options}}


def cluster_uids(testbed: Testbed) -> dict[str, str]:
    """Return the uid of each of the project's clusters, by name."""
    return _clusters(testbed.palette.url, testbed.uids.project)


def _uids(url: str) -> Uids:
    project = _by_name(_listed(url, "/v1/dashboard/projects/metadata", {"ApiKey": API_KEY}))
    uid = project[PROJECT]
    return Uids(uid, _clusters(url, uid)[CLUSTER])


def _clusters(url: str, project: str) -> dict[str, str]:
    headers = by_hand.headers(project)
    return _by_name(_listed(url, "/v1/dashboard/spectroclusters/vms", headers))


def _by_name(listed: list[dict[str, Any]]) -> dict[str, str]:
    return {item["metadata"]["name"]: item["metadata"]["uid"] for item in listed}


def _listed(url: str, path: str, headers: Mapping[str, str]) -> list[dict[str, Any]]:
    request = urllib.request.Request(url + path, headers=dict(headers))  # noqa: S310 - our own server
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=30) as response:
        listed: list[dict[str, Any]] = json.load(response)["items"]
    return listed

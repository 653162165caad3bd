# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cluster's own API that kubernetes.core.k8s is measured against: the same VMs and failures."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests

from benchmarks import by_hand
from palette_simulator.launch import Simulator

GROUP = "/apis/snapshot.kubevirt.io/v1beta1"
SNAPSHOTS = f"{GROUP}/namespaces/fleet/virtualmachinesnapshots"


@pytest.fixture(scope="module")
def cluster() -> Iterator[Simulator]:
    styles = {"json_style": "kubernetes", "error_style": "kubernetes", "timing": "instant"}
    with Simulator.running(program="benchmarks.kubevirt", vms=2, **styles) as running:
        yield running


@pytest.fixture
def session() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        yield session


def test_the_resource_is_discovered_step_by_step(
    cluster: Simulator, session: requests.Session
) -> None:
    assert session.get(f"{cluster.url}/version").json()["major"] == "1"
    (group,) = session.get(f"{cluster.url}/apis").json()["groups"]
    assert f"/apis/{group['preferredVersion']['groupVersion']}" == GROUP
    (resource,) = session.get(cluster.url + GROUP).json()["resources"]
    assert SNAPSHOTS.endswith(resource["name"])


def test_a_snapshot_becomes_ready(cluster: Simulator, session: requests.Session) -> None:
    url = cluster.url + SNAPSHOTS
    created = session.post(url, json=by_hand.body("vm-00001"))
    assert created.status_code == 201
    read = session.get(f"{url}/vm-00001-now").json()
    assert read["metadata"]["uid"] == created.json()["metadata"]["uid"]
    assert read["status"]["readyToUse"] is True


def test_a_snapshot_fails_as_its_vm_is_told_to(
    cluster: Simulator, session: requests.Session
) -> None:
    cluster.change_vm("vm-cluster-1", "fleet", "vm-00002", snapshot="fails")
    url = cluster.url + SNAPSHOTS
    session.post(url, json=by_hand.body("vm-00002", "1us")).raise_for_status()
    assert session.get(f"{url}/vm-00002-now").json()["status"]["phase"] == "Failed"


def test_what_is_absent_is_not_found(cluster: Simulator, session: requests.Session) -> None:
    absent = session.get(f"{cluster.url}{SNAPSHOTS}/absent")
    assert (absent.status_code, absent.json()["code"]) == (404, "NotFound")


def test_what_comes_in_is_counted(cluster: Simulator, session: requests.Session) -> None:
    cluster.clear_requests()
    session.get(f"{cluster.url}/version")
    assert cluster.stats()["requests"] == 1

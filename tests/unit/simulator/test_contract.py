# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every kind of answer that the simulator gives keeps to the contract of Palette 4.8."""

from __future__ import annotations

import json
import re

import pytest

from palette_simulator import marshal, render
from palette_simulator.app import ROUTES
from palette_simulator.lifecycle import Stage, Timeline
from palette_simulator.probe import CLUSTER, DEFAULT_PROJECT, Probe, snapshot_body
from palette_simulator.state import Snapshot
from palette_simulator.switches import Switches
from vendor_contract import CONTRACT, VendorContract

STYLES = ["go-swagger", "kubernetes"]
NOW = 1_700_000_000.0


def nameless(path: str) -> str:
    """A path without the names of its parameters."""
    return re.sub(r"\{\w+\}", "{}", path)


@pytest.fixture(scope="module")
def contract() -> VendorContract:
    return VendorContract.load()


def test_every_call_of_the_simulator_is_in_the_contract() -> None:
    paths = json.loads(CONTRACT.read_text("utf-8"))["paths"].items()
    known = {(method.upper(), nameless(path)) for path, methods in paths for method in methods}
    assert {(method, nameless(path)) for method, path, _endpoint in ROUTES} <= known


@pytest.mark.parametrize("style", STYLES)
def test_every_call_answers_by_the_contract(
    probe: Probe, contract: VendorContract, style: str
) -> None:
    probe.palette.switch(json_style=style)
    # A status that changes between GET and PUT would be a conflict.
    probe.palette.change_vm("vm-cluster-1", "vms", "db1", timing={"status": 600, "lock": 600})
    clusters = "dashboard/spectroclusters"
    probe.call("GET", "dashboard/projects/metadata")
    probe.call("GET", f"projects/{DEFAULT_PROJECT}")
    probe.call("GET", f"{clusters}/metadata")
    probe.call("POST", f"{clusters}/metadata", {"sort": "name"})
    probe.call("POST", f"{clusters}/search", {"sort": [{"field": "clusterName"}]}, limit=1)
    probe.call("GET", f"{clusters}/vms")
    probe.call("GET", f"spectroclusters/{CLUSTER}")
    probe.vms("GET", limit=1)
    probe.create("db1", "s")
    probe.put("db1", probe.get("db1", "s"))
    probe.vms("GET", "snapshot", limit=1)
    probe.delete("db1", "s")
    powers = ("web1/stop", "stopped/start", "db2/restart", "no-agent/pause", "paused/resume")
    for call in powers:
        probe.vms("PUT", call, namespace="vms")
    probe.vms("PUT", "slow/migrate", namespace="vms")
    probe.call("GET", f"spectroclusters/{CLUSTER}/assets/adminKubeconfig")
    probe.call("GET", f"spectroclusters/{CLUSTER}/assets/kubeconfig", frp="false")
    probe.vms("GET", "web1", namespace="vms")
    probe.vms("DELETE", "web1", namespace="vms")

    log = probe.palette.requests()
    assert {each["operation"]: each["status"] for each in log if each["status"] >= 300} == {}
    assert {each["operation"] for each in log} == {route[-1].__name__ for route in ROUTES}
    assert contract.problems_in_requests(log) == []
    assert contract.problems_in_log(log) == []


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("stage", Stage)
def test_a_snapshot_keeps_to_the_contract_at_every_stage(
    contract: VendorContract, stage: Stage, style: str
) -> None:
    snapshot = Snapshot(("vms", "s"), "db1", NOW)
    snapshot.api_version = render.GROUP_VERSION
    snapshot.spec = snapshot_body("db1", "s", failureDeadline="5m0s")["spec"]
    snapshot.labels = snapshot.annotations = {"a": ""}
    snapshot.finalizers = snapshot.indications = snapshot.included = snapshot.excluded = ["b"]
    snapshot.source_uid = snapshot.trouble = "c"
    snapshot.timeline = Timeline(*[NOW] * len(Timeline._fields))
    snapshot.deleted = NOW
    moment = render.Moment(stage, "Source not locked", names_content=True)
    shown = render.snapshot_object(snapshot, moment, render.clock_of(0))
    body = json.loads(
        marshal.encode(shown, marshal.SNAPSHOT, Switches().but({"json_style": style}))
    )
    path = "/v1/spectroclusters/c/vms/db1/snapshot/s"
    assert contract.problems_in_response("GET", path, 200, body) == []


@pytest.mark.parametrize("style", ["palette", "kubernetes"])
def test_every_kind_of_error_keeps_to_the_contract(
    probe: Probe, contract: VendorContract, style: str
) -> None:
    probe.palette.switch(error_style=style)
    probe.create("db1", "s")
    probe.create("db1", "s")  # the name is taken
    probe.create("db1", "S")  # not a name
    probe.create("db1", "t", failureDeadline=1)  # off the contract
    probe.vms("GET", "nobody", namespace="vms")
    probe.vms("GET", "x" * 9000, namespace="vms")
    probe.vms("PATCH", "db1", namespace="vms")
    probe.call("GET", "nothing")
    probe.key = "viewer-key"
    probe.create("db1", "t")  # not permitted
    probe.key = ""
    probe.create("db1", "t")
    log = probe.palette.requests()
    statuses = {entry["status"] for entry in log if entry["status"] >= 400}
    cluster_errors = {"palette": {500}, "kubernetes": {409, 422}}[style]
    assert statuses == {400, 401, 403, 404, 405, 414} | cluster_errors
    assert contract.problems_in_log(log) == []

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The check of traffic against the contract finds what is wrong."""

from __future__ import annotations

from typing import Any

import pytest

from palette_simulator.probe import snapshot_body
from vendor_contract import VendorContract

SNAPSHOTS = "/v1/spectroclusters/c/vms/db1/snapshot"
QUERY = "namespace=vms"


@pytest.fixture(scope="module")
def contract() -> VendorContract:
    return VendorContract.load()


def snapshot(**status: Any) -> dict[str, Any]:
    return {**snapshot_body("db1", "s"), "status": status}


@pytest.mark.parametrize(
    "body",
    [
        snapshot(readyToUse=True, creationTime="0001-01-01T00:00:00.000Z"),
        snapshot(conditions=None, indications=None),
        snapshot(conditions=[{"type": "Ready", "status": "True", "lastProbeTime": None}]),
        {**snapshot_body("db1", "s"), "status": None},
    ],
)
def test_a_right_answer_passes(contract: VendorContract, body: object) -> None:
    assert contract.problems_in_response("POST", SNAPSHOTS, 200, body) == []


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (200, snapshot(readyToUse="true"), "$.status.readyToUse: 'true' is not of type 'boolean'"),
        (200, snapshot(creationTime="now"), "'now' is not a 'date-time'"),
        (200, snapshot(phase=None), "None is not of type 'string'"),
        (200, snapshot(sourceIndications=[]), "'sourceIndications' was unexpected"),
        (200, {}, "'spec' is a required property"),
        (201, {}, "status 201 is not in the contract"),
        (500, {"code": 500, "message": "m"}, "500 is not of type 'string'"),
        (500, {"message": "m"}, "'code' is a required property"),
    ],
)
def test_a_wrong_answer_is_found(
    contract: VendorContract, status: int, body: object, words: str
) -> None:
    problems = contract.problems_in_response("POST", SNAPSHOTS, status, body)
    assert any(words in problem for problem in problems), problems


def test_a_deletion_has_no_body(contract: VendorContract) -> None:
    path = f"{SNAPSHOTS}/s"
    assert contract.problems_in_response("DELETE", path, 204, None) == []
    assert contract.problems_in_response("DELETE", path, 204, {"a": 1}) != []


def test_the_list_is_not_taken_for_a_vm(contract: VendorContract) -> None:
    answer = {"metadata": {}, "items": [snapshot_body("db1", "s")]}
    path = "/v1/spectroclusters/c/vms/snapshot"
    assert contract.problems_in_response("GET", path, 200, answer) == []


@pytest.mark.parametrize(
    ("method", "path", "query", "body", "words"),
    [
        ("POST", SNAPSHOTS, QUERY, snapshot_body("db1", "s"), None),
        ("GET", f"{SNAPSHOTS}/s", QUERY, None, None),
        ("GET", "/v1/spectroclusters/c/vms/snapshot", "vmName=a%2Cb&limit=50", None, None),
        ("POST", SNAPSHOTS, "", snapshot_body("db1", "s"), "namespace is missing"),
        ("POST", SNAPSHOTS, f"{QUERY}&dryRun=All", snapshot_body("db1", "s"), "dryRun is unknown"),
        ("POST", SNAPSHOTS, QUERY, {"spec": {}}, "'source' is a required property"),
        ("GET", f"{SNAPSHOTS}/s", QUERY, {}, "there should be no body"),
        ("PATCH", SNAPSHOTS, QUERY, None, "is not in the contract"),
    ],
)
def test_requests_are_checked(
    contract: VendorContract, method: str, path: str, query: str, body: object, words: str | None
) -> None:
    problems = contract.problems_in_request(method, path, query, body)
    if words is None:
        assert problems == []
    else:
        assert any(words in problem for problem in problems), problems


def test_a_log_is_checked_but_for_faults(contract: VendorContract) -> None:
    entry = {"method": "POST", "path": SNAPSHOTS, "status": 200, "fault": None, "response": {}}
    faulty = {**entry, "fault": "truncate"}
    cut = {**entry, "status": None}
    (problem,) = contract.problems_in_log([entry, faulty, cut])
    assert problem == f"POST {SNAPSHOTS} → 200: $: 'spec' is a required property"


def test_the_requests_of_a_log_are_checked_once_each(contract: VendorContract) -> None:
    entry = {"method": "POST", "path": SNAPSHOTS, "query": QUERY, "request": {}}
    right = {**entry, "request": snapshot_body("db1", "s")}
    (problem,) = contract.problems_in_requests([entry, right, entry])
    assert problem == f"POST {SNAPSHOTS}: $: 'spec' is a required property"

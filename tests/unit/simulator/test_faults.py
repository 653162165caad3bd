# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Injected faults, and what the log says about them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from email.utils import parsedate_to_datetime

import pytest
import requests

from palette_simulator.launch import LIMIT, Simulator
from palette_simulator.probe import Probe

CREATE = {"method": "POST", "path": "/snapshot$"}


@pytest.mark.parametrize(("action", "carried_out"), [("drop_before", False), ("drop_after", True)])
def test_a_connection_is_cut(probe: Probe, action: str, carried_out: bool) -> None:
    probe.palette.inject({"action": action, **CREATE})
    with pytest.raises(requests.ConnectionError):
        probe.create("db1", "s")
    assert ("s" in probe.names(vmName="db1")) == carried_out
    entry = probe.palette.requests()[0]
    assert (entry["fault"], entry["status"]) == (action, None)


@pytest.mark.parametrize("carry_out", [False, True])
def test_a_status_is_answered_instead(probe: Probe, carry_out: bool) -> None:
    probe.palette.inject({"action": "status", "status": 504, "carry_out": carry_out, **CREATE})
    answer = probe.create("db1", "s")
    assert (answer.status_code, answer.json()["code"]) == (504, "InjectedFault")
    assert ("s" in probe.names(vmName="db1")) == carry_out


@pytest.mark.parametrize(
    ("body", "text", "media_type"),
    [
        ("plain", "plain", "text/plain; charset=utf-8"),
        ({"code": "Mine"}, '{"code":"Mine"}', "application/json"),
        ([], "[]", "application/json"),
    ],
)
def test_a_body_can_be_given(probe: Probe, body: object, text: str, media_type: str) -> None:
    probe.palette.inject({"action": "status", "status": 200, "body": body, "headers": {"X": "y"}})
    answer = probe.vms("GET")
    assert (answer.status_code, answer.text, answer.headers["X"]) == (200, text, "y")
    assert answer.headers["Content-Type"] == media_type


def test_html_and_redirects_are_answered(probe: Probe) -> None:
    probe.palette.inject(
        {"action": "html"}, {"action": "redirect", "location": "http://127.0.0.1:1/"}
    )
    page, redirect = probe.vms("GET"), probe.vms("GET")
    assert (page.status_code, "<html>" in page.text) == (502, True)
    assert (redirect.status_code, redirect.headers["Location"]) == (302, "http://127.0.0.1:1/")


def test_retry_after_is_answered_in_both_forms(probe: Probe) -> None:
    probe.palette.inject(
        {"action": "retry_after", "retry_after": 2},
        {"action": "retry_after", "status": 503, "http_date": True},
    )
    seconds, date = probe.vms("GET"), probe.vms("GET")
    assert (seconds.status_code, seconds.headers["Retry-After"]) == (429, "2")
    assert date.status_code == 503
    assert parsedate_to_datetime(date.headers["Retry-After"])


def test_an_answer_is_truncated(probe: Probe) -> None:
    probe.palette.inject({"action": "truncate"})
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        probe.vms("GET")
    assert probe.vms("GET").status_code == 200


def test_an_answer_is_delayed(probe: Probe) -> None:
    probe.palette.inject({"action": "delay", "seconds": 0.05})
    assert probe.vms("GET").status_code == 200
    assert probe.palette.requests()[0]["seconds"] >= 0.05


def test_what_is_delayed_goes_on_when_the_faults_are_cleared(probe: Probe) -> None:
    probe.palette.inject({"action": "delay", "seconds": LIMIT, **CREATE})
    with ThreadPoolExecutor() as pool, Probe.of(probe.palette) as other:
        delayed = pool.submit(other.create, "db1", "s")
        while probe.palette.faults():  # it has not struck yet
            assert not delayed.done()
        assert probe.names(vmName="db1") == []
        probe.palette.clear_faults()
        assert delayed.result().status_code == 200


def test_a_vm_changes_when_a_request_has_been_answered(probe: Probe) -> None:
    change = {"vm": "vm-cluster-1/vms/db1", "change": {"power": "Stopped"}}
    probe.palette.inject({"action": "change_vm", "path": "/db1$", "skip": 1, **change})
    seen = [
        probe.vms("GET", "db1", namespace="vms").json()["status"]["printableStatus"]
        for _number in range(3)
    ]
    assert seen == ["Running", "Running", "Stopped"]


def test_faults_are_counted_out(probe: Probe) -> None:
    probe.palette.inject({"action": "html", "path": "/vms$", "skip": 1, "times": 2})
    assert [probe.vms("GET").status_code for _number in range(4)] == [200, 502, 502, 200]


def test_faults_without_number_last_until_they_are_cleared(probe: Probe) -> None:
    probe.palette.inject({"action": "html", "times": None})
    assert [probe.vms("GET").status_code for _number in range(3)] == [502] * 3
    probe.palette.clear_faults()
    assert probe.vms("GET").status_code == 200


@pytest.mark.parametrize(
    "fault",
    [
        {"action": "explode"},
        {"action": "html", "path": "("},
        {"action": "html", "x": 1},
        {"action": "change_vm"},
        {"action": "change_vm", "vm": "vm-cluster-1/vms/nobody"},
        {"action": "change_vm", "vm": "vm-cluster-1/vms/db1", "change": {"timing": {"x": 1}}},
    ],
)
def test_a_wrong_fault_is_refused(palette: Simulator, fault: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="error"):
        palette.inject(fault)


def test_a_change_of_an_unknown_vm_is_refused(palette: Simulator) -> None:
    with pytest.raises(ValueError, match="no VM vms/nobody in vm-cluster-1"):
        palette.change_vm("vm-cluster-1", "vms", "nobody", freeze="ok")


def test_connections_are_kept_and_told_apart(probe: Probe) -> None:
    for _number in range(3):
        probe.vms("GET")
    assert len({entry["source_port"] for entry in probe.palette.requests()}) == 1
    with Probe.of(probe.palette) as other:
        other.vms("GET")
    stats = probe.palette.stats()
    assert (stats["connections"], stats["operations"]) == (2, {"list_vms": 4})
    assert (stats["statuses"], stats["most_in_flight"]) == ({"200": 4}, 1)


def test_a_request_target_may_not_be_too_long(probe: Probe) -> None:
    answer = probe.vms("GET", "snapshot", vmName="x" * 8200)
    assert (answer.status_code, answer.json()["code"]) == (414, "URITooLong")

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each switch: both answers to what is not known about Palette."""

from __future__ import annotations

import base64
import json
import re
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlencode

import pytest
import requests

from palette_simulator.launch import Simulator
from palette_simulator.probe import CLUSTER, Probe, condition, is_ready, snapshot_body


@pytest.fixture(params=["palette", "kubernetes"])
def error_style(request: pytest.FixtureRequest, palette: Simulator) -> str:
    style = str(request.param)
    palette.switch(error_style=style)
    return style


def test_errors_of_the_cluster_are_wrapped_or_passed_through(
    probe: Probe, error_style: str
) -> None:
    answer = probe.vms("GET", "nobody", namespace="vms")
    error = answer.json()
    assert 'virtualmachines.kubevirt.io "nobody" not found' in error["message"]
    assert re.fullmatch("[0-9a-f]{32}", error["ref"])
    if error_style == "palette":
        assert answer.status_code == 500
        assert error["message"].startswith("Failed to get virtual machine 'nobody': ")
        assert "details" not in error
    else:
        assert (answer.status_code, error["code"]) == (404, "NotFound")
        about = {"name": "nobody", "group": "kubevirt.io", "kind": "virtualmachines"}
        assert error["details"] == about


@pytest.mark.parametrize(
    ("verb", "vm", "text"),
    [
        ("GET", "db1/snapshot/x", "Failed to get virtual machine snapshot 'x': "),
        ("DELETE", "db1/snapshot/x", "Failed to delete virtual machine snapshot 'x': "),
        ("PUT", "db1/start", "Failed to start virtual machine 'db1': "),
    ],
)
def test_wrapped_errors_say_what_failed(probe: Probe, verb: str, vm: str, text: str) -> None:
    answer = probe.vms(verb, vm, namespace="vms")
    assert (answer.status_code, answer.json()["message"].startswith(text)) == (500, True)


def test_errors_of_palette_are_never_wrapped(probe: Probe, error_style: str) -> None:
    probe.cluster = "unknown"
    answer = probe.vms("GET")
    assert (answer.status_code, answer.json()["code"]) == (404, "ResourceNotFound")


def test_go_models_omit_and_write_null(probe: Probe) -> None:
    vm = probe.vms("GET", "stopped", namespace="vms").json()
    assert vm["status"]["stateChangeRequests"] is None
    assert not {"created", "ready"} & vm["status"].keys()
    assert probe.vms("GET", namespace="empty").json()["items"] is None
    created = probe.create("stopped", "s").json()
    assert created["metadata"]["finalizers"] is None
    status = probe.until(is_ready, "stopped", "s")["status"]
    assert (status["indications"], status["readyToUse"]) == (None, True)
    assert re.fullmatch(r"\d{4}-.*T.*\.000Z", status["creationTime"])


def test_kubernetes_writes_plainly(probe: Probe) -> None:
    probe.palette.switch(json_style="kubernetes")
    vm = probe.vms("GET", "stopped", namespace="vms").json()
    assert (vm["status"]["created"], vm["status"]["ready"]) == (False, False)
    empty = probe.vms("GET", namespace="empty").json()
    assert (empty["items"], empty["metadata"]["continue"]) == ([], "")
    created = probe.create("stopped", "s").json()
    assert "finalizers" not in created["metadata"]
    snapshot = probe.until(lambda s: "status" in s, "stopped", "s")
    assert snapshot["status"]["conditions"][0]["lastProbeTime"] is None
    status = probe.until(is_ready, "stopped", "s")["status"]
    assert "indications" not in status
    assert re.fullmatch(r"\d{4}-.*T..:..:..Z", status["creationTime"])


@pytest.mark.parametrize("style", ["go-swagger", "kubernetes"])
def test_an_empty_label_survives_both_styles(probe: Probe, style: str) -> None:
    probe.palette.switch(json_style=style)
    body = snapshot_body("db1", "s")
    body["metadata"]["labels"] = {"empty": ""}
    answer = probe.vms("POST", "db1/snapshot", body, namespace="vms").json()
    assert answer["metadata"]["labels"] == {"empty": ""}


@pytest.mark.parametrize(
    ("style", "status", "code", "echoed"),
    [
        ("invalid-key", 401, "InvalidApiKey", False),
        ("key-echo-401", 401, "ResourceNotFound", True),
        ("key-echo-404", 404, "ResourceNotFound", True),
    ],
)
def test_a_wrong_key_may_be_echoed(
    probe: Probe, style: str, status: int, code: str, echoed: bool
) -> None:
    probe.palette.switch(auth_error_style=style)
    probe.key = "my-secret"
    answer = probe.vms("GET")
    error = answer.json()
    assert (answer.status_code, error["code"]) == (status, code)
    assert ("my-secret" in error["message"]) == echoed
    assert ("my-secret" in str(error.get("details"))) == echoed


def test_the_contract_is_kept_by_400_or_422(probe: Probe) -> None:
    assert probe.vms("GET", "db1").status_code == 400
    probe.palette.switch(contract_status="422")
    assert probe.vms("GET", "db1").status_code == 422


def test_unknown_fields_are_ignored_or_rejected(probe: Probe) -> None:
    body = snapshot_body("db1", "s", colour="red")
    answer = probe.vms("POST", "db1/snapshot", body, namespace="vms")
    assert (answer.status_code, "colour" in answer.json()["spec"]) == (200, False)
    probe.palette.switch(unknown_fields="reject")
    answer = probe.vms("POST", "db1/snapshot", body, namespace="vms")
    assert "spec.colour in body is an unknown field" in answer.json()["message"]


def test_a_missing_vm_is_accepted_or_rejected(probe: Probe) -> None:
    assert probe.create("nobody", "s").status_code == 200
    probe.palette.switch(missing_vm_on_post="reject")
    assert (
        'virtualmachines.kubevirt.io "nobody" not found'
        in probe.create("nobody", "t").json()["message"]
    )


def test_a_missing_source_is_rejected_or_filled(probe: Probe) -> None:
    body = {"metadata": {"name": "s"}}
    assert probe.vms("POST", "db1/snapshot", body, namespace="vms").status_code == 400
    probe.palette.switch(missing_source="fill")
    answer = probe.vms("POST", "db1/snapshot", body, namespace="vms")
    source = {"apiGroup": "kubevirt.io", "kind": "VirtualMachine", "name": "db1"}
    assert answer.json()["spec"]["source"] == source


def test_another_source_is_rejected_or_accepted(probe: Probe) -> None:
    body = snapshot_body("web1", "s")
    assert probe.vms("POST", "db1/snapshot", body, namespace="vms").status_code == 400
    probe.palette.switch(source_mismatch="accept")
    assert probe.vms("POST", "db1/snapshot", body, namespace="vms").status_code == 200
    assert probe.names(vmName="web1") == ["s"]


def test_another_vms_snapshot_is_accepted_or_rejected(probe: Probe) -> None:
    path = "db1/snapshot/history-1h"
    assert probe.vms("GET", path, namespace="vms").status_code == 200
    probe.palette.switch(foreign_vm="reject")
    assert "not found" in probe.vms("GET", path, namespace="vms").json()["message"]
    assert "not found" in probe.vms("DELETE", path, namespace="vms").json()["message"]


def test_a_generated_name_is_rejected_or_accepted(probe: Probe) -> None:
    body = snapshot_body("db1", "")
    body["metadata"] = {"generateName": "s-"}
    assert probe.vms("POST", "db1/snapshot", body, namespace="vms").status_code == 400
    probe.palette.switch(generate_name="accept")
    answer = probe.vms("POST", "db1/snapshot", body, namespace="vms")
    assert re.fullmatch(r"s-[0-9a-f]{5}", answer.json()["metadata"]["name"])


def test_a_put_replaces_or_merges(probe: Probe) -> None:
    probe.palette.switch(put="merge")
    body = probe.get("history", "history-30d")
    body["metadata"]["labels"] = {"more": "x"}
    labels = probe.put("history", body).json()["metadata"]["labels"]
    assert labels["more"] == "x"
    assert labels["app.kubernetes.io/part-of"] == "nightly"


def test_a_put_without_version_is_rejected_or_accepted(probe: Probe) -> None:
    body = probe.get("history", "history-1h")
    del body["metadata"]["resourceVersion"]
    assert "must be specified for an update" in probe.put("history", body).json()["message"]
    probe.palette.switch(put_without_version="accept")
    assert probe.put("history", body).status_code == 200


def test_durations_are_normalised_or_verbatim(probe: Probe) -> None:
    assert (
        probe.create("db1", "s", failureDeadline="90s").json()["spec"]["failureDeadline"] == "1m30s"
    )
    probe.palette.switch(durations="verbatim")
    assert (
        probe.create("db1", "t", failureDeadline="90s").json()["spec"]["failureDeadline"] == "90s"
    )


def raw_fields(probe: Probe, path: str) -> list[Any]:
    """Return who manages which fields of a VM or snapshot."""
    metadata = probe.vms("GET", path, namespace="vms").json()["metadata"]
    return [entry["fieldsV1"] for entry in metadata.get("managedFields") or ()]


@pytest.mark.parametrize("path", ["db1", "db1/snapshot/s"])
def test_managed_fields_are_a_list_of_bytes_or_bytes_or_not_there(probe: Probe, path: str) -> None:
    created = probe.create("db1", "s").json()
    assert len(created["metadata"]["managedFields"]) == 1
    probe.until(is_ready, "db1", "s")
    by_palette, by_kubevirt = raw_fields(probe, path)
    (raw,) = by_palette["Raw"]
    fields = json.loads(base64.b64decode(raw))
    assert fields["f:spec"] == {".": {}}
    assert by_kubevirt != by_palette
    probe.palette.switch(json_style="kubernetes")
    assert raw_fields(probe, path)[0] == fields
    probe.palette.switch(managed_fields="none")
    assert raw_fields(probe, path) == []
    probe.palette.switch(managed_fields="text", json_style="go-swagger")
    assert raw_fields(probe, path)[0]["Raw"] == raw
    probe.palette.reset()  # the log, too: this is not by the contract


@pytest.mark.parametrize("style", ["go-swagger", "kubernetes"])
def test_indications_may_be_dropped(probe: Probe, style: str) -> None:
    probe.palette.switch(json_style=style)
    probe.create("db1", "s")
    assert probe.until(is_ready, "db1", "s")["status"]["indications"] == ["GuestAgent", "Online"]
    probe.palette.switch(indications="dropped")
    assert not probe.get("db1", "s")["status"].get("indications")


@pytest.mark.parametrize("style", ["go-swagger", "kubernetes"])
def test_the_creation_of_vms_may_be_dropped(probe: Probe, style: str) -> None:
    probe.palette.switch(json_style=style)
    assert "creationTimestamp" in probe.vms("GET", "db1", namespace="vms").json()["metadata"]
    probe.palette.switch(vm_creation_time="dropped")
    assert "creationTimestamp" not in probe.vms("GET", "db1", namespace="vms").json()["metadata"]


def test_the_snapshot_gate_may_be_off(probe: Probe) -> None:
    probe.palette.switch(snapshot_gate="off")
    assert "snapshot feature gate not enabled" in probe.create("db1", "s").json()["message"]
    kept = probe.get("history", "history-kept")
    assert probe.put("history", kept).status_code == 200  # the gate is for new ones


def test_the_tenant_scope_may_show_all(probe: Probe) -> None:
    probe.project = ""
    path = "dashboard/spectroclusters/vms"
    only = probe.call("GET", path).json()["items"]
    assert [item["metadata"]["name"] for item in only] == ["tenant-cluster"]
    probe.palette.switch(tenant_scope="all")
    assert len(probe.call("GET", path).json()["items"]) == 7
    assert probe.call("GET", f"spectroclusters/{CLUSTER}").status_code == 200


@pytest.mark.parametrize(("style", "status"), [("palette", 500), ("kubernetes", 410)])
def test_a_continue_token_may_expire(probe: Probe, style: str, status: int) -> None:
    token = probe.vms("GET", limit=3).json()["metadata"]["continue"]
    probe.palette.switch(continue_lifetime=0, error_style=style)
    answer = probe.vms("GET", limit=3, **{"continue": token})
    assert (answer.status_code, "too old" in answer.json()["message"]) == (status, True)


def test_what_is_over_the_rate_limit_is_refused_and_counted(probe: Probe) -> None:
    probe.palette.switch(rate_limits="documented", log_bodies=False)
    statuses = [
        probe.call("GET", "dashboard/projects/metadata").status_code for _number in range(200)
    ]
    assert statuses.index(429) >= 50
    assert probe.palette.stats()["rate_limited"] == statuses.count(429)
    probe.palette.clear_requests()  # they were logged without the bodies the contract asks for


@pytest.mark.parametrize("body", ["json", "text"])
@pytest.mark.parametrize("retry_after", ["none", "seconds", "http-date"])
def test_the_forms_of_429(probe: Probe, retry_after: str, body: str) -> None:
    probe.palette.switch(
        rate_limits="documented", retry_after=retry_after, rate_limit_body=body, log_bodies=False
    )
    # However slow this machine is, it asks more often than ten times a second in the end.
    answers = (probe.call("GET", "dashboard/projects/metadata") for _number in range(5_000))
    refused = next(answer for answer in answers if answer.status_code == 429)
    header: Any = refused.headers.get("Retry-After")
    if retry_after == "http-date":
        assert parsedate_to_datetime(header)
    else:
        assert header == {"none": None, "seconds": "1"}[retry_after]
    assert refused.headers["Content-Type"].startswith(
        "application/json" if body == "json" else "text/plain"
    )
    assert "oo many requests" in refused.text
    probe.palette.clear_requests()


NINE_DAYS = timedelta(days=9)


def served_at(answer: requests.Response) -> datetime:
    """When the server's clock says that it answered; there must be one date only."""
    return parsedate_to_datetime(answer.headers["Date"])


def nearly(moment: datetime, other: datetime) -> bool:
    return abs(moment - other) < timedelta(minutes=1)


@pytest.mark.parametrize("offset", [timedelta(), NINE_DAYS, -NINE_DAYS])
def test_the_servers_clock_may_be_another(probe: Probe, offset: timedelta) -> None:
    now = datetime.now(timezone.utc)
    probe.palette.switch(clock_offset=offset.total_seconds())
    there = now + offset
    answer = probe.vms("GET", "history/snapshot/history-1h", namespace="vms")
    assert nearly(served_at(answer), there)
    taken = datetime.fromisoformat(answer.json()["status"]["creationTime"].replace("Z", "+00:00"))
    assert nearly(taken, there - timedelta(hours=1))
    probe.create("fails", "s")
    moments = every_time_in(probe.until(lambda s: "error" in s.get("status", {}), "fails", "s"))
    moments += every_time_in(probe.vms("GET", "made-again", namespace="vms").json())
    assert len(moments) >= 6
    assert all(nearly(m, there) or nearly(m, there - timedelta(hours=1)) for m in moments)


def every_time_in(value: Any) -> list[datetime]:
    if isinstance(value, dict):
        return [moment for each in value.values() for moment in every_time_in(each)]
    if isinstance(value, list):
        return [moment for each in value for moment in every_time_in(each)]
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\dT.*Z", value):
        moment = datetime.fromisoformat(value.replace("Z", "+00:00"))
        return [moment] if moment.year > 1 else []
    return []


def test_refusals_are_dated_by_the_servers_clock_too(probe: Probe) -> None:
    there = datetime.now(timezone.utc) - NINE_DAYS
    probe.palette.switch(clock_offset=-NINE_DAYS.total_seconds())
    probe.palette.inject({"action": "retry_after", "path": "/vms$", "http_date": True})
    answer = probe.vms("GET")
    assert (answer.status_code, nearly(served_at(answer), there)) == (429, True)
    assert nearly(parsedate_to_datetime(answer.headers["Retry-After"]), there)
    probe.palette.switch(rate_limits="documented", retry_after="http-date", log_bodies=False)
    # However slow this machine is, it asks more often than ten times a second in the end.
    answers = (probe.call("GET", "dashboard/projects/metadata") for _number in range(5_000))
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert nearly(parsedate_to_datetime(refused.headers["Retry-After"]), there)
    probe.palette.clear_requests()  # they were logged without the bodies the contract asks for


def test_timing_and_scale_can_be_changed(probe: Probe) -> None:
    probe.palette.switch(timing="real", time_scale=100)
    probe.create("db1", "slow")
    probe.palette.switch(timing="instant", time_scale=1)
    probe.create("web1", "quick")
    assert is_ready(probe.get("web1", "quick"))
    assert "status" not in probe.get("db1", "slow")


def test_every_request_may_be_late(probe: Probe) -> None:
    probe.palette.switch(latency=0.05)
    probe.vms("GET")
    assert probe.palette.requests("list_vms")[0]["seconds"] >= 0.05


@pytest.mark.parametrize(
    "changes", [{"error_style": "loud"}, {"colour": "red"}, {"timing": "quick"}, {"latency": "x"}]
)
def test_a_wrong_switch_is_refused(palette: Simulator, changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"error"):
        palette.switch(**changes)


def test_a_reset_brings_the_first_switches_back(probe: Probe) -> None:
    probe.palette.switch(error_style="kubernetes")
    probe.palette.reset()
    assert probe.vms("GET", "nobody", namespace="vms").status_code == 500
    assert condition(probe.get("busy", "busy-first"), "Ready") == ("False", "Not ready")


def listed(probe: Probe, path: str, *filters: tuple[str, str]) -> list[str]:
    """Return the places of what a list has, page by page."""
    places: list[str] = []
    token = ""
    while True:
        query = [*filters, ("limit", "2"), *([("continue", token)] if token else [])]
        page = probe.call("GET", f"spectroclusters/{CLUSTER}/vms{path}?{urlencode(query)}").json()
        for item in page["items"] or ():
            places.append(f"{item['metadata']['namespace']}/{item['metadata']['name']}")
        token = page["metadata"].get("continue", "")
        if not token:
            return places


BOTH = (("namespace", "prod,vms"),)
REPEATED = (("namespace", "prod"), ("namespace", "vms"))


@pytest.mark.parametrize(
    ("switches", "filters", "namespaces"),
    [
        ({}, BOTH, {"prod", "vms"}),
        ({"several_values": "last"}, BOTH, {"vms"}),
        ({"several_values": "unsplit"}, BOTH, set()),
        ({"several_values": "unsplit"}, BOTH[:0], {"prod", "vms"}),
        ({}, REPEATED, {"vms"}),
        ({"repeated_values": "all"}, REPEATED, {"prod", "vms"}),
        ({"repeated_values": "all", "several_values": "last"}, REPEATED, {"vms"}),
        ({"repeated_values": "all", "several_values": "unsplit"}, REPEATED, {"prod", "vms"}),
        ({"several_namespaces": "first"}, BOTH, {"prod"}),
        ({"several_namespaces": "first"}, (("namespace", "none,vms"),), {"vms"}),
        ({"several_namespaces": "first"}, (("namespace", "none,nor"),), set()),
        ({"several_namespaces": "first"}, REPEATED[1:], {"vms"}),
        ({"several_namespaces": "first"}, BOTH[:0], {"prod", "vms"}),
    ],
)
@pytest.mark.parametrize("path", ["", "/snapshot"])
def test_several_values_in_a_filter_of_a_list(
    probe: Probe,
    palette: Simulator,
    path: str,
    switches: dict[str, str],
    filters: tuple[tuple[str, str], ...],
    namespaces: set[str],
) -> None:
    probe.vms("POST", "db1/snapshot", snapshot_body("db1", "one"), namespace="prod")
    everything = listed(probe, path)
    assert {"prod", "vms"} <= {place.partition("/")[0] for place in everything}
    palette.switch(**switches)
    wanted = [place for place in everything if place.partition("/")[0] in namespaces]
    assert listed(probe, path, *filters) == (wanted if filters else everything)


@pytest.mark.parametrize(
    ("several", "vms"), [("all", {"db1", "history"}), ("last", {"db1"}), ("unsplit", set())]
)
def test_several_values_of_vm_names(
    probe: Probe, palette: Simulator, several: str, vms: set[str]
) -> None:
    probe.create("db1", "one")
    palette.switch(several_values=several)
    found = listed(probe, "/snapshot", ("vmName", "history,db1"))
    assert ("vms/one" in found, len(found) > 1) == ("db1" in vms, "history" in vms)

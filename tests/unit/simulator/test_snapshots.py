# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The snapshot operations: creation, life, metadata, deletion."""

from __future__ import annotations

from typing import Any

import pytest

from palette_simulator.launch import LIMIT
from palette_simulator.probe import (
    Probe,
    condition,
    has_failed,
    is_ready,
    phase,
    snapshot_body,
)

WEBHOOK = 'admission webhook "virtualmachinesnapshot-validator.snapshot.kubevirt.io" denied'


def test_a_snapshot_becomes_ready(probe: Probe) -> None:
    created = probe.create("db1", "s", failureDeadline="10m", deletionPolicy="Delete")
    assert created.status_code == 200
    assert "status" not in created.json()
    assert created.json()["spec"]["failureDeadline"] == "10m0s"
    status = probe.until(is_ready, "db1", "s")["status"]
    assert status["phase"] == "Succeeded"
    assert status["indications"] == ["GuestAgent", "Online"]
    assert status["snapshotVolumes"] == {
        "includedVolumes": ["rootdisk", "datadisk"],
        "excludedVolumes": ["cloudinitdisk"],
    }
    assert not status["creationTime"].startswith("0001")


def test_a_snapshot_in_progress_says_so(probe: Probe) -> None:
    probe.palette.change_vm("vm-cluster-1", "vms", "db1", timing={"lock": 200})
    probe.create("db1", "s")
    waiting = probe.until(lambda s: "status" in s, "db1", "s")
    assert phase(waiting) == "InProgress"
    assert condition(waiting, "Progressing") == ("False", "Source not locked")
    assert waiting["status"]["creationTime"] == "0001-01-01T00:00:00.000Z"
    assert "readyToUse" not in waiting["status"]
    probe.palette.change_vm("vm-cluster-1", "vms", "db1", timing={"cut": 200})
    working = probe.until(lambda s: condition(s, "Progressing")[0] == "True", "db1", "s")
    assert condition(working, "Progressing")[1] == "Source locked and operation in progress"
    assert condition(working, "Ready") == ("False", "Not ready")
    assert working["metadata"]["resourceVersion"] > waiting["metadata"]["resourceVersion"]


@pytest.mark.parametrize(
    ("vm", "indications"),
    [
        ("stopped", None),
        ("paused", ["Online", "Paused"]),
        ("no-agent", ["NoGuestAgent", "Online"]),
        ("quiesce-failed", ["GuestAgent", "Online", "QuiesceFailed"]),
    ],
)
def test_indications_tell_of_the_consistency(
    probe: Probe, vm: str, indications: list[str] | None
) -> None:
    probe.create(vm, "s")
    assert probe.until(is_ready, vm, "s")["status"]["indications"] == indications


@pytest.mark.parametrize(
    ("vm", "words"), [("freeze-fails", "Failed freezing vm freeze-fails"), ("fails", "storage")]
)
def test_trouble_lasts_until_the_deadline(probe: Probe, vm: str, words: str) -> None:
    probe.create(vm, "s")
    struggling = probe.until(lambda s: "error" in s.get("status", {}), vm, "s")
    assert words in struggling["status"]["error"]["message"]
    assert phase(struggling) == "InProgress"
    assert condition(struggling, "Progressing") == ("False", "In error state")
    probe.delete(vm, "s")
    probe.create(vm, "hasty", failureDeadline="1s")
    failed = probe.until(has_failed, vm, "hasty")
    assert condition(failed, "Failure") == ("True", "snapshot deadline exceeded")
    assert condition(failed, "Progressing") == ("False", "In error state")
    assert words in failed["status"]["error"]["message"]


def test_trouble_that_ends_in_time_is_forgotten(probe: Probe) -> None:
    probe.create("freeze-fails", "s")
    probe.until(lambda s: "error" in s.get("status", {}), "freeze-fails", "s")
    probe.palette.change_vm("vm-cluster-1", "vms", "freeze-fails", freeze="ok")
    status = probe.until(is_ready, "freeze-fails", "s")["status"]
    assert "error" not in status
    assert "QuiesceFailed" in status["indications"]


def test_a_snapshot_may_never_be_ready(probe: Probe) -> None:
    probe.create("never-ready", "s")
    snapshot = probe.until(lambda s: phase(s) == "Succeeded", "never-ready", "s")
    assert not is_ready(snapshot)
    assert condition(snapshot, "Ready") == ("False", "Not ready")


def test_a_ready_snapshot_may_be_lost(probe: Probe) -> None:
    probe.palette.change_vm("vm-cluster-1", "vms", "ready-lost", timing={"lost": 3600})
    probe.create("ready-lost", "s")
    probe.until(is_ready, "ready-lost", "s")
    probe.palette.change_vm("vm-cluster-1", "vms", "ready-lost", timing={})
    lost = probe.until(lambda s: not is_ready(s), "ready-lost", "s")
    assert phase(lost) == "Succeeded"
    assert "missing" in lost["status"]["error"]["message"]
    assert condition(lost, "Progressing") == ("False", "In error state")


def test_a_second_snapshot_waits_with_its_deadline_ticking(probe: Probe) -> None:
    probe.create("busy", "patient")
    probe.create("busy", "hasty", failureDeadline="300ms")
    waiting = probe.until(lambda s: "status" in s, "busy", "patient")
    reason = 'Source not locked snapshot "busy-first" in progress'
    assert condition(waiting, "Progressing") == ("False", reason)
    failed = probe.until(has_failed, "busy", "hasty")
    assert condition(failed, "Progressing") == ("False", "Operation failed")
    probe.delete("busy", "busy-first")
    assert is_ready(probe.until(is_ready, "busy", "patient"))


def test_a_lock_is_released_when_its_snapshot_is_cut(probe: Probe) -> None:
    probe.create("soon-free", "second")
    assert is_ready(probe.until(is_ready, "soon-free", "second"))


def test_a_missing_vm_is_found_out_by_the_deadline(probe: Probe) -> None:
    assert probe.create("nobody", "patient").status_code == 200
    assert probe.create("nobody", "hasty", failureDeadline="300ms").status_code == 200
    waiting = probe.until(lambda s: "status" in s, "nobody", "patient")
    assert condition(waiting, "Progressing") == ("False", "Source does not exist")
    assert has_failed(probe.until(has_failed, "nobody", "hasty"))


def test_a_restore_keeps_no_snapshot_from_being_taken(probe: Probe) -> None:
    probe.palette.change_vm("vm-cluster-1", "vms", "restoring", timing={"cut": 60})
    probe.create("restoring", "s")
    probe.until(
        lambda s: "status" in s and condition(s, "Progressing")[0] == "True", "restoring", "s"
    )
    status = probe.vms("GET", "restoring", namespace="vms").json()["status"]
    assert (status["restoreInProgress"], status["snapshotInProgress"]) == ("restore-1", "s")
    probe.palette.change_vm("vm-cluster-1", "vms", "restoring", timing={"cut": 0})
    assert is_ready(probe.until(is_ready, "restoring", "s"))


def test_a_snapshot_points_to_the_vm_that_has_the_name_now(probe: Probe) -> None:
    before = probe.get("history", "history-1h")
    probe.palette.make_vm("vm-cluster-1", "vms", "history")
    after = probe.get("history", "history-1h")
    made = probe.vms("GET", "history", namespace="vms").json()["metadata"]
    assert before["status"]["sourceUID"] != after["status"]["sourceUID"] == made["uid"]
    assert before["metadata"]["resourceVersion"] != after["metadata"]["resourceVersion"]
    assert before["status"]["creationTime"] == after["status"]["creationTime"]
    assert after["status"]["creationTime"] < made["creationTimestamp"]


def test_a_snapshot_of_a_vm_that_is_gone_keeps_pointing_to_it(probe: Probe) -> None:
    before = probe.get("history", "history-1h")["status"]["sourceUID"]
    probe.palette.delete_vm("vm-cluster-1", "vms", "history")
    assert probe.get("history", "history-1h")["status"]["sourceUID"] == before


def test_a_snapshot_that_waits_for_its_vm_is_taken_of_the_one_that_comes(probe: Probe) -> None:
    probe.create("late", "s")
    probe.until(lambda s: "status" in s, "late", "s")
    probe.palette.make_vm("vm-cluster-1", "vms", "late", guest_agent=False)
    status = probe.until(is_ready, "late", "s")["status"]
    uid = probe.vms("GET", "late", namespace="vms").json()["metadata"]["uid"]
    assert status["sourceUID"] == uid
    assert status["indications"] == ["NoGuestAgent", "Online"]


def test_a_ready_snapshot_outlives_its_vm_and_its_siblings(probe: Probe) -> None:
    for name in ("first", "second"):
        probe.create("db1", name)
        probe.until(is_ready, "db1", name)
    probe.palette.change_vm("vm-cluster-1", "vms", "db1", freeze="fails", snapshot="fails")
    assert is_ready(probe.get("db1", "first"))
    probe.vms("DELETE", "db1", namespace="vms")
    probe.delete("db1", "first")
    probe.until_gone("first")
    assert is_ready(probe.get("db1", "second"))


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        ({"metadata": {"name": "UPPER"}}, 422, "a lowercase RFC 1123 subdomain must consist of"),
        ({"metadata": {"name": "x" * 254}}, 422, "no more than 253 characters"),
        ({"metadata": {"name": "x-"}}, 422, "RFC 1123"),
        ({"metadata": {}}, 422, "name or generateName"),
        ({"metadata": {"name": "s", "namespace": "prod"}}, 400, "namespace"),
        ({"metadata": {"name": "s", "resourceVersion": "1"}}, 500, "resourceVersion"),
        ({"metadata": {"name": "s", "labels": {"a b": "c"}}}, 422, "metadata.labels"),
        ({"metadata": {"name": "s", "labels": {"a": "b c"}}}, 422, "metadata.labels"),
        ({"metadata": {"name": "s", "labels": {"UP/a": "b"}}}, 422, "metadata.labels"),
        ({"metadata": {"name": "s", "annotations": {"/a": "b"}}}, 422, "metadata.annotations"),
        ({"metadata": {"name": "s", "annotations": {"a": "b" * 2**18}}}, 422, "Too long"),
        ({"metadata": {"name": "s", "finalizers": ["a b"]}}, 422, "metadata.finalizers"),
        ({"apiVersion": "v1"}, 400, "does not match the expected API version"),
        ({"kind": "Pod"}, 400, "no kind"),
        (
            {"spec": {"failureDeadline": "1d"}},
            400,
            f'{WEBHOOK} the request: time: unknown unit "d"',
        ),
        ({"spec": {"source": {"apiGroup": ""}}}, 422, "invalid apiGroup"),
        ({"spec": {"source": {"apiGroup": "apps"}}}, 422, "invalid apiGroup"),
        ({"spec": {"source": {"kind": "Pod"}}}, 422, "invalid kind"),
    ],
)
def test_admission_refuses(probe: Probe, change: dict[str, Any], status: int, words: str) -> None:
    probe.palette.switch(error_style="kubernetes")
    body = snapshot_body("db1", "s")
    spec = change.pop("spec", {})
    body["spec"]["source"].update(spec.pop("source", {}))
    body["spec"].update(spec)
    answer = probe.vms("POST", "db1/snapshot", {**body, **change}, namespace="vms")
    assert answer.status_code == status
    assert words in answer.json()["message"]
    assert "s" not in probe.names(namespace="vms")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "spec in body is required"),
        ({"spec": {}}, "spec.source in body is required"),
        ({"spec": {"source": {"kind": "VirtualMachine"}}}, "spec.source.name in body is required"),
        (snapshot_body("db1", "s", failureDeadline=300), "spec.failureDeadline in body must be of"),
        (snapshot_body("db1", "s", deletionPolicy=None), "spec.deletionPolicy in body must be of"),
        ({**snapshot_body("db1", "s"), "metadata": {"labels": {"a": 1}}}, "metadata.labels.a"),
        ({**snapshot_body("db1", "s"), "metadata": {"finalizers": "x"}}, "metadata.finalizers"),
        ({**snapshot_body("db1", "s"), "metadata": []}, "metadata in body must be of type object"),
        (
            {**snapshot_body("db1", "s"), "metadata": {"deletionTimestamp": "today"}},
            "metadata.deletionTimestamp in body must be of type date-time",
        ),
        ([], "body in body must be of type object"),
        (snapshot_body("web1", "s"), "spec.source.name is not 'db1'"),
    ],
)
def test_a_body_off_the_contract_is_refused(probe: Probe, body: object, words: str) -> None:
    answer = probe.vms("POST", "db1/snapshot", body, namespace="vms")
    assert answer.status_code == 400
    assert words in answer.json()["message"]


@pytest.mark.parametrize(
    ("body", "media_type", "status"),
    [
        ("{", "application/json", 400),
        ("", "application/json", 400),
        ("{}", "text/plain", 415),
        ("{}", None, 415),
    ],
)
def test_a_body_that_is_not_json_is_refused(
    probe: Probe, body: str, media_type: str | None, status: int
) -> None:
    answer = probe.session.post(
        f"{probe.palette.url}/v1/spectroclusters/{probe.cluster}/vms/db1/snapshot?namespace=vms",
        headers={"ApiKey": probe.key, "ProjectUid": probe.project, "Content-Type": media_type},
        data=body,
        timeout=LIMIT,
    )
    assert answer.status_code == status


def test_a_name_is_taken_for_all_vms_of_a_namespace(probe: Probe) -> None:
    assert probe.create("db1", "s").status_code == 200
    answer = probe.create("web1", "s")
    assert answer.status_code == 500
    assert 'virtualmachinesnapshots.snapshot.kubevirt.io "s" already exists' in answer.text.replace(
        "\\", ""
    )
    other = probe.vms("POST", "db1/snapshot", snapshot_body("db1", "s"), namespace="prod")
    assert other.status_code == 200


def test_a_namespace_must_exist(probe: Probe) -> None:
    answer = probe.vms("POST", "db1/snapshot", snapshot_body("db1", "s"), namespace="nowhere")
    assert 'namespaces "nowhere" not found' in answer.json()["message"]
    assert probe.names(namespace="nowhere") == []


def test_snapshots_are_listed_by_vm_and_namespace(probe: Probe) -> None:
    assert probe.names(vmName="busy,soon-free") == ["busy-first", "soon-free-first"]
    assert probe.names(vmName="busy", namespace="prod") == []
    assert len(probe.names(namespace="vms,prod")) == 14
    page = probe.vms("GET", "snapshot", vmName="history", limit=5).json()
    token = page["metadata"]["continue"]
    onward = probe.vms("GET", "snapshot", vmName="history", limit=5, **{"continue": token}).json()
    assert [len(part["items"]) for part in (page, onward)] == [5, 3]


@pytest.mark.parametrize(
    ("name", "phase_", "ready"),
    [
        ("history-1h", "Succeeded", True),
        ("history-not-ready", "Succeeded", False),
        ("history-failed", "Failed", False),
        ("deleting-old", "Deleting", False),
        ("busy-first", "InProgress", False),
    ],
)
def test_the_fleet_brings_snapshots(probe: Probe, name: str, phase_: str, ready: bool) -> None:
    snapshot = probe.get(name.split("-", maxsplit=1)[0], name)
    assert (phase(snapshot), is_ready(snapshot)) == (phase_, ready)


def test_a_put_replaces_the_metadata(probe: Probe) -> None:
    body = probe.get("history", "history-30d")
    before = body["metadata"]["resourceVersion"]
    body["metadata"]["labels"] = {"only": "this"}
    del body["metadata"]["annotations"]
    answer = probe.put("history", body)
    assert answer.status_code == 200
    metadata = probe.get("history", "history-30d")["metadata"]
    assert metadata["labels"] == {"only": "this"}
    assert "annotations" not in metadata
    assert metadata["resourceVersion"] not in ("", before)


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        ({"metadata": {"resourceVersion": "1"}}, 409, "the object has been modified"),
        ({"metadata": {"resourceVersion": ""}}, 422, "must be specified for an update"),
        ({"metadata": {"namespace": "prod"}}, 400, "namespace"),
        ({"metadata": {"uid": "other"}}, 409, "Precondition failed"),
        ({"spec": {"deletionPolicy": "Delete"}}, 422, "spec in immutable after creation"),
        ({"spec": {"failureDeadline": "7m"}}, 422, "spec in immutable after creation"),
        ({"metadata": {"labels": {"a": "b c"}}}, 422, "metadata.labels"),
    ],
)
def test_a_put_is_refused(
    probe: Probe, change: dict[str, dict[str, Any]], status: int, words: str
) -> None:
    probe.palette.switch(error_style="kubernetes")
    body = probe.get("history", "history-kept")
    for part, fields in change.items():
        body[part].update(fields)
    answer = probe.put("history", body)
    assert (answer.status_code, words in answer.json()["message"]) == (status, True)


def test_a_put_by_another_name_is_refused(probe: Probe) -> None:
    body = probe.get("history", "history-1h")
    answer = probe.vms("PUT", "history/snapshot/history-7d", body, namespace="vms")
    assert "does not match the name on the URL" in answer.json()["message"]


def test_a_put_with_an_equal_duration_changes_its_words(probe: Probe) -> None:
    probe.palette.switch(durations="verbatim")
    probe.palette.change_vm("vm-cluster-1", "vms", "db1", timing={"status": 600, "lock": 600})
    probe.create("db1", "s", failureDeadline="10m")
    body = probe.get("db1", "s")
    body["spec"]["failureDeadline"] = "600s"
    assert probe.put("db1", body).status_code == 200
    assert probe.get("db1", "s")["spec"]["failureDeadline"] == "600s"


def test_a_name_is_taken_while_its_snapshot_goes(probe: Probe) -> None:
    probe.palette.switch(error_style="kubernetes")
    answer = probe.create("deleting", "deleting-old")
    taken = 'virtualmachinesnapshots.snapshot.kubevirt.io "deleting-old" already exists'
    assert answer.status_code == 409
    assert answer.json()["message"] == f"object is being deleted: {taken}"


def test_indications_are_told_while_it_waits_and_trouble_when_it_comes(probe: Probe) -> None:
    probe.palette.change_vm("vm-cluster-1", "vms", "freeze-fails", timing={"lock": 600})
    probe.create("freeze-fails", "s")
    waiting = probe.until(lambda s: "status" in s, "freeze-fails", "s")
    assert waiting["status"]["indications"] == ["GuestAgent", "Online"]
    probe.palette.change_vm("vm-cluster-1", "vms", "freeze-fails", timing={"lock": 0, "cut": 0})
    troubled = probe.until(lambda s: "error" in s["status"], "freeze-fails", "s")
    assert troubled["status"]["indications"] == ["GuestAgent", "Online", "QuiesceFailed"]


def test_a_put_takes_an_equal_duration(probe: Probe) -> None:
    probe.create("stopped", "s", failureDeadline="10m")
    body = probe.until(is_ready, "stopped", "s")
    body["spec"]["failureDeadline"] = "600s"
    assert probe.put("stopped", body).status_code == 200


def test_every_stage_makes_older_versions_stale(probe: Probe) -> None:
    body = probe.create("db1", "s").json()
    probe.until(is_ready, "db1", "s")
    assert "the object has been modified" in probe.put("db1", body).text


def test_a_deleted_snapshot_lingers_and_goes(probe: Probe) -> None:
    probe.palette.change_vm("vm-cluster-1", "vms", "history", timing={"gone": 3600})
    for _number in range(2):
        assert probe.delete("history", "history-1h").status_code == 204
    lingering = probe.get("history", "history-1h")
    assert lingering["metadata"]["deletionTimestamp"]
    assert lingering["metadata"]["finalizers"] == ["snapshot.kubevirt.io/vmsnapshot-protection"]
    assert phase(lingering) == "Succeeded"
    assert "already exists" in probe.create("db1", "history-1h").text
    probe.palette.change_vm("vm-cluster-1", "vms", "history", timing={})
    probe.until_gone("history-1h")
    assert probe.create("db1", "history-1h").status_code == 200
    assert "not found" in probe.delete("history", "nothing").text


def test_deleting_in_progress_cancels(probe: Probe) -> None:
    probe.palette.change_vm("vm-cluster-1", "vms", "busy", timing={"gone": 3600})
    probe.delete("busy", "busy-first")
    snapshot = probe.get("busy", "busy-first")
    assert phase(snapshot) == "Deleting"
    assert condition(snapshot, "Progressing") == ("False", "VM snapshot is deleting")
    probe.palette.change_vm("vm-cluster-1", "vms", "busy", timing={})
    probe.until_gone("busy-first")


def test_a_deletion_may_be_stuck(probe: Probe) -> None:
    probe.create("stuck-deleting", "s")
    probe.until(is_ready, "stuck-deleting", "s")
    probe.delete("stuck-deleting", "s")
    probe.create("db1", "clock")
    probe.until(is_ready, "db1", "clock")  # longer than a deletion takes
    assert "s" in probe.names(namespace="vms")
    probe.palette.change_vm("vm-cluster-1", "vms", "stuck-deleting", snapshot="normal")
    probe.until_gone("s")


def test_a_finalizer_of_the_user_holds_a_deletion_up(probe: Probe) -> None:
    body = snapshot_body("stopped", "s")
    body["metadata"]["finalizers"] = ["example.com/hold"]
    probe.vms("POST", "stopped/snapshot", body, namespace="vms")
    probe.until(is_ready, "stopped", "s")
    probe.delete("stopped", "s")
    held = probe.until(lambda s: "deletionTimestamp" in s["metadata"], "stopped", "s")
    assert "example.com/hold" in held["metadata"]["finalizers"]
    held["metadata"]["finalizers"].remove("example.com/hold")
    assert probe.put("stopped", held).status_code == 200
    probe.until_gone("s")


@pytest.mark.parametrize(
    ("spec", "kept"),
    [
        ({}, False),
        ({"deletionPolicy": "Delete"}, False),
        ({"deletionPolicy": "Retain"}, True),
        ({"deletionPolicy": "delete"}, True),
    ],
)
def test_only_an_exact_delete_removes_the_content(
    probe: Probe, spec: dict[str, str], kept: bool
) -> None:
    probe.create("db1", "s", **spec)
    content = probe.until(is_ready, "db1", "s")["status"]["virtualMachineSnapshotContentName"]
    probe.delete("db1", "s")
    probe.until_gone("s")
    assert (content in probe.palette.stats()["retained_contents"]) == kept

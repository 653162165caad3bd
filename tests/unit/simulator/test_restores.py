# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restores beyond the recordings: waiting for power off, refusals, PVCs, other targets."""

from __future__ import annotations

from typing import Any

import pytest

from unit.simulator.bench import PATHS, Bench, restore_body

_ROOT = {"name": "rootdisk", "kind": "persistentVolumeClaim", "claim": "root"}
_STOPPED = {"power": "Stopped", "volumes": [_ROOT]}
_WAITING = (
    "Waiting for target VM to be powered off. "
    "Please stop the restore target to proceed with restore"
)
_EXCEEDED = (
    "Restore target failed to be ready within 5m0s. "
    "Please power off the target VM before attempting restore"
)
_DENIED = (
    'admission webhook "virtualmachinerestore-validator.snapshot.kubevirt.io" denied the request'
)
_RESTORE = PATHS["VirtualMachineRestore"]

Patch = pytest.MonkeyPatch


def with_snapshot(patch: Patch, vm: dict[str, Any], **switches: object) -> Bench:
    bench = Bench(patch, vm, **switches)
    bench.snapshot("s")
    bench.pass_by(3)
    return bench


def create(bench: Bench, name: str = "r", **spec: Any) -> None:
    status, body = bench.restore(name, "s", **spec)
    assert status == 201, body


def status_of(bench: Bench, name: str = "r") -> dict[str, Any]:
    found: dict[str, Any] = bench.get("VirtualMachineRestore", name)["status"]
    return found


def failed(bench: Bench, name: str = "r") -> bool:
    return "Failure" in {each["type"] for each in status_of(bench, name)["conditions"]}


@pytest.mark.parametrize("policy", [None, "WaitGracePeriod"])
def test_a_restore_waits_for_the_vm_to_be_off(monkeypatch: Patch, policy: str | None) -> None:
    bench = with_snapshot(monkeypatch, {"volumes": [_ROOT]})
    create(bench, **({"targetReadinessPolicy": policy} if policy else {}))
    bench.pass_by(60)
    assert bench.reason("r") == f"{_WAITING}, or the operation will fail after 5m0s"
    assert "restoreInProgress" not in bench.get("VirtualMachine")["status"]
    assert bench.power("stop")[0] == 202
    bench.pass_by(10)
    assert status_of(bench)["complete"] is True
    assert bench.get("VirtualMachine")["spec"]["runStrategy"] == "Halted"


def test_the_grace_period_has_no_timer(monkeypatch: Patch) -> None:
    bench = with_snapshot(monkeypatch, {"volumes": [_ROOT]})
    create(bench)
    bench.pass_by(381)
    assert not failed(bench)
    bench.change_vm(labels={"any": "change"})
    assert failed(bench)
    assert bench.reason("r", "Failure") == _EXCEEDED


def test_a_stop_after_the_grace_period_makes_the_restore_fail(monkeypatch: Patch) -> None:
    bench = with_snapshot(monkeypatch, {"volumes": [_ROOT]})
    create(bench)
    bench.pass_by(318)
    assert bench.power("stop")[0] == 202
    bench.pass_by(10)
    assert failed(bench)
    vm = bench.get("VirtualMachine")
    assert vm["status"]["printableStatus"] == "Stopped"
    assert bench.watcher.views()["VirtualMachine vm1"]["volumes"] == ["rootdisk: root"]


def test_a_shorter_grace_period_can_be_had(monkeypatch: Patch) -> None:
    bench = with_snapshot(monkeypatch, {"volumes": [_ROOT]}, restore_grace=2)
    create(bench)
    bench.pass_by(1)
    assert bench.reason("r").endswith("fail after 2s")


def test_a_restore_may_wait_for_ever(monkeypatch: Patch) -> None:
    bench = with_snapshot(monkeypatch, {"volumes": [_ROOT]})
    create(bench, targetReadinessPolicy="WaitEventually")
    bench.pass_by(3600)
    bench.change_vm(labels={"any": "change"})
    bench.pass_by(1)
    assert bench.reason("r") == _WAITING
    assert not failed(bench)


@pytest.mark.parametrize(
    ("kubevirt", "strategy", "text"),
    [
        ("1.4", "Always", "is not stopped"),
        ("1.4.0", "running", "is not stopped"),
        ("1.4.0", "Always", "run strategy has to be Halted"),
    ],
)
def test_an_old_kubevirt_refuses_a_vm_that_is_on(
    monkeypatch: Patch, kubevirt: str, strategy: str, text: str
) -> None:
    vm = {"volumes": [_ROOT], "run_strategy": strategy}
    bench = with_snapshot(monkeypatch, vm, kubevirt=kubevirt)
    status, body = bench.restore("r", "s", targetReadinessPolicy="StopTarget")
    assert (status, body["message"]) == (422, f'{_DENIED}: VirtualMachine "vm1" {text}')
    bench.power("stop")
    bench.pass_by(10)
    create(bench, targetReadinessPolicy="StopTarget")
    bench.pass_by(10)
    assert status_of(bench)["complete"] is True


@pytest.mark.parametrize(
    ("kubevirt", "dropped"),
    [
        ("1.5", {"volumeRestorePolicy"}),
        ("1.4", {"volumeRestorePolicy", "targetReadinessPolicy"}),
    ],
)
def test_an_old_kubevirt_drops_what_it_does_not_know(
    monkeypatch: Patch, kubevirt: str, dropped: set[str]
) -> None:
    bench = with_snapshot(monkeypatch, _STOPPED, kubevirt=kubevirt)
    asked = {"volumeRestorePolicy": "InPlace", "targetReadinessPolicy": "FailImmediate"}
    status, body = bench.restore("r", "s", **asked)
    assert status == 201
    assert asked.keys() - body["spec"].keys() == dropped


def test_an_unknown_policy_waits_without_a_word(monkeypatch: Patch) -> None:
    bench = with_snapshot(monkeypatch, {"volumes": [_ROOT]})
    create(bench, targetReadinessPolicy="Foo")
    bench.pass_by(60)
    assert bench.reason("r") == "Initializing VirtualMachineRestore"
    bench.power("stop")
    bench.pass_by(10)
    assert status_of(bench)["complete"] is True


def test_a_paused_vm_is_running(monkeypatch: Patch) -> None:
    bench = with_snapshot(monkeypatch, {"volumes": [_ROOT], "power": "Paused"})
    create(bench, targetReadinessPolicy="FailImmediate")
    bench.pass_by(1)
    assert failed(bench)


@pytest.mark.parametrize(
    ("strategy", "field", "before", "after"),
    [
        ("Always", "runStrategy", "Always", "Halted"),
        ("Manual", "runStrategy", "Manual", "Manual"),
        ("RerunOnFailure", "runStrategy", "RerunOnFailure", "RerunOnFailure"),
        ("running", "running", True, False),
    ],
)
def test_what_becomes_of_the_run_strategy(
    monkeypatch: Patch, strategy: str, field: str, before: object, after: object
) -> None:
    vm = {"volumes": [_ROOT], "run_strategy": strategy}
    monkeypatch.setattr(Bench, "look", lambda _bench: None)
    bench = with_snapshot(monkeypatch, vm)
    assert bench.get("VirtualMachine")["spec"][field] == before
    create(bench, targetReadinessPolicy="StopTarget")
    bench.pass_by(10)
    assert status_of(bench)["complete"] is True
    assert bench.get("VirtualMachine")["spec"][field] == after
    assert bench.call("GET", f"{PATHS['VirtualMachineInstance']}/vm1")[0] == 404


def test_labels_stay_and_the_spec_is_replaced(monkeypatch: Patch) -> None:
    bench = with_snapshot(monkeypatch, {**_STOPPED, "labels": {"app": "db"}, "cores": 1})
    uid = bench.get("VirtualMachine")["metadata"]["uid"]
    bench.change_vm(labels={"app": "db", "after": "snapshot"}, cores=4)
    create(bench)
    bench.pass_by(5)
    vm = bench.get("VirtualMachine")
    assert vm["metadata"]["labels"] == {"app": "db", "after": "snapshot"}
    assert vm["metadata"]["uid"] == uid
    assert vm["spec"]["template"]["spec"]["domain"]["cpu"] == {"cores": 1}


def test_a_snapshot_of_a_running_vm_keeps_what_it_runs_with(monkeypatch: Patch) -> None:
    bench = Bench(monkeypatch, {"volumes": [_ROOT], "cores": 2})
    bench.change_vm(cores=4)
    bench.snapshot("s")
    bench.pass_by(3)
    create(bench, targetReadinessPolicy="StopTarget")
    bench.pass_by(10)
    spec = bench.get("VirtualMachine")["spec"]["template"]["spec"]
    assert spec["domain"]["cpu"] == {"cores": 2}


def test_each_restore_leaves_a_set_of_pvcs_behind(monkeypatch: Patch) -> None:
    bench = with_snapshot(monkeypatch, _STOPPED)
    for number in range(3):
        create(bench, f"r{number}")
        bench.pass_by(5)
    names = [
        c["metadata"]["name"] for c in bench.call("GET", PATHS["PersistentVolumeClaim"])[1]["items"]
    ]
    assert len(names) == 4
    old = next(name for name in names if name != "root" and name != claim_of(bench))
    status, body = bench.call("DELETE", f"{PATHS['PersistentVolumeClaim']}/{old}")
    assert (status, body["metadata"]["name"]) == (200, old)
    assert bench.call("GET", f"{PATHS['PersistentVolumeClaim']}/{old}")[0] == 404


def claim_of(bench: Bench) -> str:
    volumes = bench.get("VirtualMachine")["spec"]["template"]["spec"]["volumes"]
    name: str = volumes[0]["persistentVolumeClaim"]["claimName"]
    return name


def test_a_pvc_in_use_stays_until_its_vm_is_off(monkeypatch: Patch) -> None:
    bench = Bench(monkeypatch, {"volumes": [_ROOT]})
    path = f"{PATHS['PersistentVolumeClaim']}/root"
    assert bench.call("DELETE", path)[0] == 200
    assert "deletionTimestamp" in bench.call("GET", path)[1]["metadata"]
    bench.power("stop")
    bench.pass_by(5)
    assert bench.call("GET", path)[0] == 404
    assert bench.power("start")[0] == 202
    bench.pass_by(60)
    assert bench.get("VirtualMachine")["status"]["printableStatus"] == "ErrorPvcNotFound"


def test_in_place_takes_the_names_and_leaves_nothing_behind(monkeypatch: Patch) -> None:
    bench = with_snapshot(monkeypatch, _STOPPED)
    create(bench, volumeRestorePolicy="InPlace")
    bench.pass_by(5)
    assert status_of(bench)["complete"] is True
    assert claim_of(bench) == "root"
    claim = bench.get("PersistentVolumeClaim", "root")
    uid = bench.get("VirtualMachineRestore", "r")["metadata"]["uid"]
    assert claim["metadata"]["annotations"]["restore.kubevirt.io/lastRestoreUID"] == f"r-{uid}"
    assert len(bench.call("GET", PATHS["PersistentVolumeClaim"])[1]["items"]) == 1


def test_in_place_for_another_vm_destroys_the_disk_of_the_source(monkeypatch: Patch) -> None:
    bench = with_snapshot(monkeypatch, _STOPPED)
    assert bench.restore("r", "s", "other", volumeRestorePolicy="InPlace")[0] == 201
    bench.pass_by(3600)
    assert bench.reason("r") == "Creating new PVCs"
    assert bench.get("PersistentVolumeClaim", "root")["status"]["phase"] == "Pending"


def test_a_new_vm_is_made_halted_and_its_pvcs_belong_to_nobody(monkeypatch: Patch) -> None:
    bench = with_snapshot(monkeypatch, {"volumes": [_ROOT], "labels": {"app": "db"}})
    assert bench.restore("r", "s", "other")[0] == 201
    bench.pass_by(5)
    assert status_of(bench)["complete"] is True
    vm = bench.get("VirtualMachine", "other")
    assert vm["spec"]["runStrategy"] == "Halted"
    assert vm["metadata"]["labels"] == {"app": "db"}
    claim = bench.get(
        "PersistentVolumeClaim", status_of(bench)["restores"][0]["persistentVolumeClaim"]
    )
    assert "ownerReferences" not in claim["metadata"]


def test_another_vm_that_exists_is_never_restored(monkeypatch: Patch) -> None:
    bench = with_snapshot(monkeypatch, _STOPPED)
    bench.restore("first", "s", "other")
    bench.pass_by(5)
    bench.restore("second", "s", "other")
    bench.pass_by(60)
    text = "restore source and restore target are different but restore target already exists"
    assert bench.reason("second") == text


def test_a_restore_without_volumes_is_over_soon(monkeypatch: Patch) -> None:
    bench = with_snapshot(monkeypatch, {"power": "Stopped", "volumes": []})
    create(bench)
    bench.pass_by(0.2)
    assert status_of(bench)["complete"] is True
    assert "restores" not in status_of(bench)


def test_a_memory_dump_is_not_restored(monkeypatch: Patch) -> None:
    dump = {"name": "dump", "kind": "memoryDump"}
    bench = with_snapshot(monkeypatch, {"power": "Stopped", "volumes": [_ROOT, dump]})
    create(bench)
    bench.pass_by(5)
    assert [each["volumeName"] for each in status_of(bench)["restores"]] == ["rootdisk"]
    assert bench.watcher.views()["VirtualMachine vm1"]["volumes"][0].startswith(
        "rootdisk: restore-"
    )
    assert len(bench.watcher.views()["VirtualMachine vm1"]["volumes"]) == 1


def test_a_data_volume_without_template_becomes_a_pvc(monkeypatch: Patch) -> None:
    disk = {"name": "rootdisk", "kind": "dataVolume", "claim": "dv"}
    bench = with_snapshot(monkeypatch, {"power": "Stopped", "volumes": [disk]})
    create(bench)
    bench.pass_by(5)
    assert claim_of(bench).startswith("restore-")
    assert bench.get("PersistentVolumeClaim", "dv")["status"]["phase"] == "Bound"
    assert "deletedDataVolumes" not in status_of(bench)


def test_a_restore_waits_for_a_lock_that_nobody_releases(monkeypatch: Patch) -> None:
    bench = with_snapshot(monkeypatch, {**_STOPPED, "restore_in_progress": "another"})
    create(bench)
    bench.pass_by(60)
    assert bench.reason("r") == "Initializing VirtualMachineRestore"
    bench.change_vm(restore_in_progress="")
    bench.pass_by(5)
    assert status_of(bench)["complete"] is True


def test_a_restore_that_is_under_way_goes_with_its_vm(monkeypatch: Patch) -> None:
    bench = with_snapshot(monkeypatch, {**_STOPPED, "timing": {"bind": 3600}})
    create(bench)
    bench.pass_by(1)
    bench.drop_vm()
    bench.pass_by(5)
    for kind in ("VirtualMachine", "VirtualMachineRestore"):
        assert bench.call("GET", PATHS[kind])[1]["items"] == []
    names = [
        c["metadata"]["name"] for c in bench.call("GET", PATHS["PersistentVolumeClaim"])[1]["items"]
    ]
    assert names == ["root"]
    assert bench.get("VirtualMachineSnapshot", "s")["status"]["readyToUse"] is True


def test_deleting_a_restore_under_way_frees_the_vm_and_leaves_its_pvcs(monkeypatch: Patch) -> None:
    bench = with_snapshot(monkeypatch, {**_STOPPED, "timing": {"bind": 3600}})
    create(bench)
    bench.pass_by(1)
    assert bench.power("start")[0] == 500
    assert bench.delete_restore("r")[0] == 200
    bench.pass_by(1)
    assert "restoreInProgress" not in bench.get("VirtualMachine")["status"]
    assert claim_of(bench) == "root"
    assert len(bench.call("GET", PATHS["PersistentVolumeClaim"])[1]["items"]) == 2
    assert bench.power("start")[0] == 202


def test_a_restore_that_waits_strikes_later(monkeypatch: Patch) -> None:
    bench = with_snapshot(monkeypatch, {"volumes": [_ROOT]})
    create(bench, targetReadinessPolicy="WaitEventually")
    bench.pass_by(86_400)
    bench.power("stop")
    bench.pass_by(10)
    assert claim_of(bench).startswith("restore-")


@pytest.mark.parametrize(
    ("spec", "status", "words"),
    [
        (
            {},
            422,
            'Restore.snapshot.kubevirt.io "r" is invalid: spec.target: Required value',
        ),
        (
            {"target": {}},
            422,
            "[spec.target.kind: Required value, spec.target.name: Required value]",
        ),
        ({"target": "x"}, 422, 'spec.target in body must be of type object: "string"'),
        (
            {"virtualMachineSnapshotName": None},
            422,
            "spec.virtualMachineSnapshotName: Required value",
        ),
        (
            {"target": {"kind": "VirtualMachine", "name": "vm1"}},
            422,
            f"{_DENIED}: missing apiGroup",
        ),
        (
            {"target": {"apiGroup": "x", "kind": "VirtualMachine", "name": "vm1"}},
            422,
            "invalid apiGroup",
        ),
        ({"target": {"apiGroup": "kubevirt.io", "kind": "X", "name": "vm1"}}, 422, "invalid kind"),
        (
            {"target": {"apiGroup": "kubevirt.io", "kind": "VirtualMachine", "name": ""}},
            400,
            f"{_DENIED}: resource name may not be empty",
        ),
        ({"volumeRestorePolicy": "Foo"}, 422, 'volume restore policy "Foo" doesn\'t exist'),
        ({"volumeRestorePolicy": ""}, 422, 'volume restore policy "" doesn\'t exist'),
        ({"volumeRestorePolicy": "inplace"}, 422, 'volume restore policy "inplace" doesn\'t exist'),
        ({"volumeRestoreOverrides": [{"restoreName": "x"}]}, 422, "must provide a volume name"),
        (
            {"volumeRestoreOverrides": [{"volumeName": "x"}]},
            422,
            "must provide at least one overriden field",
        ),
        (
            {"patches": ['{"op": "replace", "path": "/metadata/name", "value": "x"}']},
            422,
            'patching is valid only for elements under /spec/ only:  "path": "/metadata/name"',
        ),
        (
            {"patches": ["rubbish"]},
            422,
            'valid - one ":" expected in a single key-value json patch: rubbish',
        ),
    ],
)
def test_what_does_not_fit_is_refused(
    monkeypatch: Patch, spec: dict[str, Any], status: int, words: str
) -> None:
    bench = with_snapshot(monkeypatch, _STOPPED)
    body = restore_body("r", "s")
    body["spec"] |= spec
    if not spec:
        del body["spec"]["target"]
    if spec == {"virtualMachineSnapshotName": None}:
        del body["spec"]["virtualMachineSnapshotName"]
    answer, error = bench.call("POST", _RESTORE, body)
    assert (answer, error["kind"], error["code"]) == (status, "Status", status)
    assert words in error["message"]
    assert bench.call("GET", _RESTORE)[1]["items"] == []


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        ({"kind": "Other"}, 400, "the kind in the data"),
        ({"apiVersion": "v1"}, 400, "the API version in the data"),
        ({"kind": ""}, 400, "Object 'Kind' is missing"),
        ({"metadata": {}}, 422, "name or generateName is required"),
        ({"metadata": {"name": "Bad Name"}}, 422, "a lowercase RFC 1123 subdomain"),
        ({"metadata": {"name": "r", "namespace": "x"}}, 400, "does not match the namespace"),
        (
            {"metadata": {"name": "r", "resourceVersion": "1"}},
            500,
            "resourceVersion should not be set",
        ),
        ({"metadata": {"name": "r", "labels": {"a": 1}}}, 400, "metadata cannot be read"),
    ],
)
def test_an_object_that_is_none_is_refused(
    monkeypatch: Patch, change: dict[str, Any], status: int, words: str
) -> None:
    bench = with_snapshot(monkeypatch, _STOPPED)
    answer, error = bench.call("POST", _RESTORE, {**restore_body("r", "s"), **change})
    assert (answer, words in error["message"]) == (status, True), error


def test_a_name_is_taken_until_its_restore_is_deleted(monkeypatch: Patch) -> None:
    bench = with_snapshot(monkeypatch, _STOPPED)
    create(bench)
    answer, error = bench.restore("r", "s")
    assert (answer, error["message"]) == (422, f'{_DENIED}: VirtualMachineRestore "r" in progress')
    assert error["details"]["causes"][0]["field"] == "spec.target"
    bench.pass_by(5)
    answer, error = bench.restore("r", "s")
    assert (answer, error["reason"]) == (409, "AlreadyExists")


def test_the_gate_stops_new_restores(monkeypatch: Patch) -> None:
    bench = with_snapshot(monkeypatch, _STOPPED, snapshot_gate="on")
    bench.palette.switch({"snapshot_gate": "off"})
    answer, error = bench.restore("r", "s")
    assert (answer, error["message"]) == (
        400,
        f"{_DENIED}: Snapshot/Restore feature gate not enabled",
    )


def test_a_new_target_needs_content_and_no_status_crashes_the_webhook(monkeypatch: Patch) -> None:
    bench = Bench(monkeypatch, {**_STOPPED, "timing": {"lock": 60}})
    bench.snapshot("s")
    answer, error = bench.restore("r", "s")
    assert (answer, error["message"].endswith(": EOF")) == (500, True)
    bench.pass_by(1)
    answer, error = bench.restore("r", "s", "fresh")
    assert (answer, error["message"]) == (
        400, f"{_DENIED}: snapshot content name is nil in vmSnapshot status",
    )  # fmt: skip
    assert bench.restore("r", "s")[0] == 201


def test_a_dry_run_is_checked_and_stores_nothing(monkeypatch: Patch) -> None:
    bench = with_snapshot(monkeypatch, _STOPPED)
    path = f"{_RESTORE}?dryRun=All"
    assert bench.call("POST", path, restore_body("r", "nothere"))[0] == 201
    assert bench.call("GET", _RESTORE)[1]["items"] == []
    assert bench.call("POST", path, restore_body("r", "s", volumeRestorePolicy="x"))[0] == 422


def test_unknown_fields_are_dropped_unless_told_otherwise(monkeypatch: Patch) -> None:
    bench = with_snapshot(monkeypatch, _STOPPED)
    body = restore_body("r", "s", colour="red")
    answer, error = bench.call("POST", f"{_RESTORE}?fieldValidation=Strict", body)
    assert (answer, 'unknown field "spec.colour"' in error["message"]) == (400, True)
    assert "colour" not in bench.call("POST", _RESTORE, body)[1]["spec"]


def test_a_name_can_be_drawn(monkeypatch: Patch) -> None:
    bench = with_snapshot(monkeypatch, _STOPPED)
    body = {**restore_body("r", "s"), "metadata": {"generateName": "back-"}}
    assert bench.call("POST", _RESTORE, body)[1]["metadata"]["name"].startswith("back-")


def test_annotations_are_merged_and_the_spec_stays(monkeypatch: Patch) -> None:
    bench = with_snapshot(monkeypatch, _STOPPED)
    body = restore_body("r", "s")
    body["metadata"]["annotations"] = {"keep": "1", "drop": "2"}
    bench.call("POST", _RESTORE, body)
    path, kind = f"{_RESTORE}/r", "application/merge-patch+json"
    patch = {"metadata": {"annotations": {"drop": None, "new": "3"}}}
    answer, patched = bench.call("PATCH", path, patch, kind)
    assert (answer, patched["metadata"]["annotations"]) == (200, {"keep": "1", "new": "3"})
    answer, error = bench.call("PATCH", path, {"spec": {"targetReadinessPolicy": "x"}}, kind)
    assert (answer, error["message"]) == (422, f"{_DENIED}: spec in immutable after creation")
    stale = {"metadata": {"resourceVersion": "1", "annotations": {}}}
    answer, error = bench.call("PATCH", path, stale, kind)
    assert (answer, "the object has been modified" in error["message"]) == (409, True)
    assert bench.call("PATCH", path, patch)[0] == 415


def test_a_put_needs_the_version_and_leaves_the_spec(monkeypatch: Patch) -> None:
    bench = with_snapshot(monkeypatch, _STOPPED)
    create(bench)
    bench.pass_by(5)
    body = bench.get("VirtualMachineRestore", "r")
    path = f"{_RESTORE}/r"
    body["metadata"]["labels"] = {"a": "b"}
    answer, written = bench.call("PUT", path, body)
    assert (answer, written["metadata"]["labels"]) == (200, {"a": "b"})
    assert bench.call("PUT", path, body)[0] == 409  # another version by now
    del body["metadata"]["resourceVersion"]
    answer, error = bench.call("PUT", path, body)
    assert (answer, "must be specified for an update" in error["message"]) == (422, True)
    written["spec"]["virtualMachineSnapshotName"] = "other"
    answer, error = bench.call("PUT", path, written)
    assert (answer, error["message"]) == (422, f"{_DENIED}: spec in immutable after creation")


def test_a_deletion_may_name_the_uid(monkeypatch: Patch) -> None:
    bench = with_snapshot(monkeypatch, _STOPPED)
    create(bench)
    path = f"{_RESTORE}/r"
    answer, error = bench.call("DELETE", path, {"preconditions": {"uid": "other"}})
    assert (answer, "UID in precondition: other" in error["message"]) == (409, True)
    assert bench.call("DELETE", path)[0] == 200
    bench.pass_by(1)
    answer, error = bench.call("DELETE", path)
    assert (answer, error["message"]) == (
        404, 'virtualmachinerestores.snapshot.kubevirt.io "r" not found',
    )  # fmt: skip


def test_a_bad_name_for_a_pvc_hangs(monkeypatch: Patch) -> None:
    bench = with_snapshot(monkeypatch, _STOPPED)
    create(bench, volumeRestoreOverrides=[{"volumeName": "rootdisk", "restoreName": "Bad Name"}])
    bench.pass_by(60)
    assert bench.reason("r").startswith('PersistentVolumeClaim "Bad Name" is invalid')
    assert not failed(bench)

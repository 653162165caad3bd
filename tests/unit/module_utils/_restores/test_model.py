# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A restore, a VM and its instance are read from what a cluster gives."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.spectrocloud.palette.plugins.module_utils._http.errors import ApiError
from ansible_collections.spectrocloud.palette.plugins.module_utils._restores.model import (
    CLAIMS,
    DONE,
    PENDING,
    RAN_AT,
    ROLLBACK,
    read_instance,
    read_listed,
    read_machine,
    read_restore,
    spec_in_content,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots.model import VM_RAN
from unit.builders import NOW, key_of
from unit.module_utils._restores.restores import (
    COMPLETE,
    CREATING,
    FAILED,
    INITIALIZING,
    PASSING,
    instance_manifest,
    machine,
    machine_manifest,
    restore,
    restore_manifest,
)


@pytest.mark.parametrize(
    ("status", "complete", "failed", "text"),
    [
        (None, False, False, ""),
        (INITIALIZING, False, False, "Initializing VirtualMachineRestore"),
        (CREATING, False, False, "Creating new PVCs"),
        (PASSING, False, False, 'persistentvolumeclaims "restore-u1-rootdisk" already exists'),
        (COMPLETE, True, False, "Operation complete"),
        (FAILED, False, True, "Restore target VMI must be powered off before restore operation"),
    ],
)
def test_only_complete_and_a_failure_are_ends(
    status: Any, complete: bool, failed: bool, text: str
) -> None:
    read = restore(status)
    assert (read.complete, read.failed, read.text) == (complete, failed, text)


def test_failure_that_is_not_true_is_none() -> None:
    status = {"conditions": [{"type": "Failure", "status": "False", "reason": "no"}]}
    assert not restore(status).failed


def test_what_was_restored_is_read() -> None:
    volume = {**COMPLETE["restores"][0], "dataVolumeName": "dv-new"}
    body = restore_manifest({**COMPLETE, "restores": [volume], "deletedDataVolumes": ["dv-root"]})
    body["metadata"]["managedFields"] = [{"manager": "virt-api"}]
    body["spec"]["volumeRestorePolicy"] = "InPlace"
    read = read_restore("c1", body)
    assert read.volumes[0] == (
        "rootdisk",
        "restore-u1-rootdisk",
        "vmsnapshot-s1-volume-rootdisk",
        "dv-new",
    )
    assert read.deleted_data_volumes == ("dv-root",)
    assert (read.restore_time, read.in_place) == (NOW, True)
    assert "managedFields" not in read.manifest["metadata"]


def test_what_this_collection_wrote_is_read() -> None:
    marks = {ROLLBACK: PENDING, VM_RAN: "true", CLAIMS: "rootdisk=root,datadisk=data"}
    read = restore(COMPLETE, annotations=marks)
    assert (read.pending, read.done, read.vm_ran) == (True, False, True)
    assert read.claims_before == {"rootdisk": "root", "datadisk": "data"}
    done = restore(COMPLETE, annotations={**marks, ROLLBACK: DONE})
    assert (done.pending, done.done) == (False, True)


def test_restores_of_others_say_nothing() -> None:
    read = restore(COMPLETE)
    assert (read.pending, read.done, read.vm_ran, read.claims_before) == (False, False, False, {})


@pytest.mark.parametrize(
    "item", [{"spec": []}, "text", {"metadata": {"name": "r", "namespace": 1}}]
)
def test_what_cannot_be_read_spoils_no_list(item: Any) -> None:
    assert read_listed("c1", item).unreadable


def test_what_cannot_be_read_has_its_place() -> None:
    body = restore_manifest({"complete": "yes"})
    read = read_listed("c1", body)
    assert (read.key, read.name) == (key_of(), "r1")
    assert "complete" in read.unreadable
    assert read.unreadable_text.startswith("restore vms/r1 of VM db1 cannot be read: ")
    with pytest.raises(ApiError, match="complete"):
        read_restore("c1", body)


def test_claims_are_of_claims_and_data_volumes() -> None:
    body = machine_manifest(key_of())
    body["spec"]["template"]["spec"]["volumes"] += [
        {"name": "datadisk", "dataVolume": {"name": "dv-data"}},
        {"name": "cloudinit", "cloudInitNoCloud": {}},
    ]
    found = read_machine("c1", body)
    assert found
    assert found.claims == {"rootdisk": "root", "datadisk": "dv-data"}


def test_when_it_ran_is_read() -> None:
    body = machine_manifest(key_of())
    body["metadata"]["annotations"] = {RAN_AT: "2026-11-23T12:00:00Z"}
    found = read_machine("c1", body)
    assert found
    assert (found.ran_at, machine().ran_at) == (NOW, None)


@pytest.mark.parametrize(
    "item", [None, {}, {"metadata": {"name": "db1", "namespace": "vms"}, "spec": 1}]
)
def test_vm_that_cannot_be_read_is_none(item: Any) -> None:
    assert read_machine("c1", item) is None


def test_instance_is_ready_when_its_guest_runs() -> None:
    running = read_instance("c1", instance_manifest(key_of()))
    assert (running.ready, running.agent, running.ending, running.created) == (
        True,
        False,
        False,
        NOW,
    )
    starting = read_instance("c1", instance_manifest(key_of(), phase="Scheduling"))
    assert (starting.ready, starting.ending) == (False, False)
    ended = read_instance("c1", instance_manifest(key_of(), phase="Succeeded"))
    assert (ended.ready, ended.ending) == (False, True)


def test_instance_that_is_told_to_end_is_ending() -> None:
    body = instance_manifest(key_of())
    body["metadata"]["deletionTimestamp"] = "2026-11-23T12:00:00Z"
    body["status"]["conditions"].append({"type": "AgentConnected", "status": "True"})
    found = read_instance("c1", body)
    assert (found.ending, found.agent) == (True, True)


def test_instance_of_nothing_known_is_read() -> None:
    assert read_instance("c1", "text").key == ("c1", "", "")


@pytest.mark.parametrize("source", [{}, {"virtualMachine": {}}, {"virtualMachine": {"spec": {}}}])
def test_content_of_a_snapshot_without_a_vm(source: dict[str, Any]) -> None:
    with pytest.raises(ApiError, match="holds no VM") as raised:
        spec_in_content({"spec": {"source": source}})
    assert raised.value.reason == "malformed_response"

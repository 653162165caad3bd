# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The VM operations."""

from __future__ import annotations

import time

import pytest

from palette_simulator.launch import LIMIT, Simulator
from palette_simulator.probe import CLUSTER, Probe


def power(probe: Probe, vm: str, verb: str) -> tuple[int, str]:
    answer = probe.vms("PUT", f"{vm}/{verb}", namespace="vms")
    return answer.status_code, answer.text


def status(probe: Probe, vm: str) -> dict[str, object]:
    found: dict[str, object] = probe.vms("GET", vm, namespace="vms").json()["status"]
    return found


def until_it_shows(probe: Probe, vm: str, printable: str) -> None:
    deadline = time.monotonic() + LIMIT
    while status(probe, vm)["printableStatus"] != printable:
        assert time.monotonic() < deadline


def test_a_vm_that_shuts_itself_down_keeps_its_instance_till_it_is_started(
    palette: Simulator, probe: Probe
) -> None:
    palette.change_vm(CLUSTER, "vms", "db1", power="ShutDown")
    shown = status(probe, "db1")
    assert (shown["printableStatus"], shown["created"]) == ("Stopped", True)
    assert not shown.get("ready")
    assert "VM is not running" in power(probe, "db1", "stop")[1]
    assert power(probe, "db1", "start")[0] == 204
    until_it_shows(probe, "db1", "Running")


def test_a_vm_that_is_off_shows_its_disks(palette: Simulator, probe: Probe) -> None:
    palette.change_vm(CLUSTER, "vms", "db1", power="Stopped", disks="Provisioning")
    shown = status(probe, "db1")
    assert shown["printableStatus"] == "Provisioning"
    assert not shown.get("created")


def test_a_vm_whose_instance_cannot_be_created_shows_stopped_till_it_can(
    palette: Simulator, probe: Probe
) -> None:
    for vm in ("db1", "web1"):
        palette.change_vm(CLUSTER, "vms", vm, refused=True)
        machine = probe.vms("GET", vm, namespace="vms").json()
        assert machine["spec"]["runStrategy"] == "Always"
        assert machine["status"]["printableStatus"] == "Stopped"
        assert not machine["status"].get("created")
        assert "does not support manual start requests" in power(probe, vm, "start")[1]
    assert power(probe, "web1", "stop") == (204, "")
    for vm, printable in (("db1", "Running"), ("web1", "Stopped")):
        palette.change_vm(CLUSTER, "vms", vm, refused=False)
        assert status(probe, vm)["printableStatus"] == printable


def test_a_vm_whose_instance_has_failed_gets_the_next_after_a_pause(
    palette: Simulator, probe: Probe
) -> None:
    palette.change_vm(CLUSTER, "vms", "db1", timing={"vanish": 0.5, "power": 0.5})
    palette.change_vm(CLUSTER, "vms", "db1", power="Crashed")
    shown = status(probe, "db1")
    assert (shown["printableStatus"], shown["created"]) == ("Stopped", True)
    assert shown["stateChangeRequests"] == [{"action": "Start"}]
    assert "RerunOnFailure does not support starting VM" in power(probe, "db1", "start")[1]
    until_its_instance_is_gone(probe, "db1")
    assert status(probe, "db1")["stateChangeRequests"] == [{"action": "Start"}]
    assert "stop/start already underway" in power(probe, "db1", "start")[1]
    assert "VM is not running" in power(probe, "db1", "stop")[1]
    until_it_shows(probe, "db1", "Running")
    assert not status(probe, "db1").get("stateChangeRequests")
    assert power(probe, "db1", "stop") == (204, "")
    until_it_shows(probe, "db1", "Stopped")


def test_vms_are_listed_by_namespace_and_name(probe: Probe) -> None:
    items = probe.vms("GET").json()["items"]
    keys = [(item["metadata"]["namespace"], item["metadata"]["name"]) for item in items]
    assert keys == sorted(keys)
    assert ("prod", "db1") in keys
    only = probe.vms("GET", namespace="prod,empty").json()["items"]
    assert [item["metadata"]["name"] for item in only] == ["db1"]


def test_a_list_is_clamped_and_counts_what_remains(probe: Probe) -> None:
    whole = probe.vms("GET", limit=1000).json()
    assert "continue" not in whole["metadata"]
    page = probe.vms("GET", limit=3).json()
    assert page["metadata"]["remainingItemCount"] == len(whole["items"]) - 3
    onward = probe.vms("GET", limit=3, **{"continue": page["metadata"]["continue"]}).json()
    assert onward["items"] == whole["items"][3:6]


def test_a_page_never_shows_more_than_fifty() -> None:
    with (
        Simulator.running(vms=120, vm_namespaces="a", rate_limits="off") as palette,
        Probe.of(palette) as probe,
    ):
        probe.project = ""
        project = probe.call("GET", "dashboard/projects/metadata").json()["items"][0]
        probe.project = project["metadata"]["uid"]
        clusters = probe.call("GET", "dashboard/spectroclusters/vms").json()["items"]
        probe.cluster = clusters[0]["metadata"]["uid"]
        page = probe.vms("GET", namespace="a", limit=120).json()
        assert len(page["items"]) == 50
        assert page["metadata"]["remainingItemCount"] == 70


@pytest.mark.parametrize("query", [{"limit": "x"}, {"limit": "-1"}])
def test_a_bad_list_request_is_refused(probe: Probe, query: dict[str, str]) -> None:
    assert probe.vms("GET", **query).status_code == 400


def test_a_vm_tells_which_volumes_can_be_snapshotted(probe: Probe) -> None:
    volumes = status(probe, "all-volumes")["volumeSnapshotStatuses"]
    assert isinstance(volumes, list)
    assert [volume["name"] for volume in volumes if volume["enabled"]] == ["a", "b", "c"]
    assert all("enabled" in volume for volume in volumes)


@pytest.mark.parametrize(
    ("vm", "expected"),
    [
        ("db1", "Running"),
        ("stopped", "Stopped"),
        ("paused", "Paused"),
    ],
)
def test_a_vm_tells_its_power(probe: Probe, vm: str, expected: str) -> None:
    assert status(probe, vm)["printableStatus"] == expected


def test_a_vm_tells_why_a_volume_cannot_be_snapshotted(probe: Probe) -> None:
    volumes = status(probe, "data-left-out")["volumeSnapshotStatuses"]
    assert isinstance(volumes, list)
    assert {volume["name"]: volume.get("reason", "") for volume in volumes} == {
        "rootdisk": "",
        "data1": "No VolumeSnapshotClass: Volume snapshots are not configured for this StorageClass"
        " [local] [data1]",
        "cloudinitdisk": "Snapshot is not supported for this volumeSource type [cloudinitdisk]",
        "tools": "Snapshot is not supported for this volumeSource type [tools]",
    }


@pytest.mark.parametrize(
    ("vm", "kinds"),
    [
        ("db1", ["AgentConnected", "Ready"]),
        ("paused", ["AgentConnected", "Paused", "Ready"]),
        ("no-agent", ["Ready"]),
        ("stopped", ["AgentConnected", "Ready"]),  # what it last was, though it is off
    ],
)
def test_a_vm_has_conditions(probe: Probe, vm: str, kinds: list[str]) -> None:
    conditions = status(probe, vm)["conditions"]
    assert isinstance(conditions, list)
    assert sorted(condition["type"] for condition in conditions) == kinds


def test_a_vm_tells_of_a_restore(probe: Probe) -> None:
    assert status(probe, "restoring")["restoreInProgress"] == "restore-1"


def test_a_vm_stops_after_a_while(probe: Probe) -> None:
    probe.palette.change_vm("vm-cluster-1", "vms", "db1", timing={"power": 3600})
    for vm in ("db1", "web1"):
        assert power(probe, vm, "stop") == (204, "")
    until_it_shows(probe, "db1", "Stopping")
    assert status(probe, "db1")["ready"] is True
    impatient = "Halted only supports manual stop requests with a shorter graceperiod"
    assert impatient in power(probe, "db1", "stop")[1]
    assert "VM is already running" in power(probe, "db1", "start")[1]
    until_it_shows(probe, "web1", "Stopped")
    assert "VM is not running" in power(probe, "web1", "stop")[1]
    assert power(probe, "web1", "start") == (204, "")
    until_it_shows(probe, "web1", "Running")


def until_its_instance_is_gone(probe: Probe, vm: str) -> None:
    deadline = time.monotonic() + LIMIT
    while status(probe, vm).get("created"):
        assert time.monotonic() < deadline


def ready_since(probe: Probe, vm: str) -> str:
    """When the condition Ready changed last."""
    conditions = status(probe, vm)["conditions"]
    assert isinstance(conditions, list)
    found: str = next(c["lastTransitionTime"] for c in conditions if c["type"] == "Ready")
    return found


def test_a_vm_that_is_off_tells_since_when(probe: Probe) -> None:
    """So it can be told whether it was started since a point in time."""
    probe.palette.change_vm("vm-cluster-1", "vms", "db1", timing={"power": 1.1})
    ran_since = ready_since(probe, "db1")
    assert power(probe, "db1", "stop") == (204, "")
    until_it_shows(probe, "db1", "Stopping")
    assert ready_since(probe, "db1") == ran_since
    until_its_instance_is_gone(probe, "db1")
    assert ready_since(probe, "db1") > ran_since


def test_a_vm_is_paused_and_resumed(probe: Probe) -> None:
    assert "VMI is not paused" in power(probe, "db1", "resume")[1]
    assert power(probe, "db1", "pause")[0] == 204
    assert "VMI is already paused" in power(probe, "db1", "pause")[1]
    missing = 'virtualmachineinstance.kubevirt.io \\"stopped\\" not found'
    assert missing in power(probe, "stopped", "pause")[1]
    assert missing in power(probe, "stopped", "resume")[1]
    assert "VM is already running" in power(probe, "db1", "start")[1]
    assert power(probe, "db1", "resume")[0] == 204


def test_a_vm_is_restarted(probe: Probe) -> None:
    probe.palette.change_vm("vm-cluster-1", "vms", "db1", timing={"power": 3600})
    assert power(probe, "db1", "restart") == (204, "")
    underway = "unable to complete request: stop/start already underway"
    assert underway in power(probe, "db1", "restart")[1]
    until_it_shows(probe, "db1", "Starting")
    text = "RunStategy Halted does not support manual restart requests"
    assert text in power(probe, "stopped", "restart")[1]
    assert power(probe, "busy", "restart") == (204, "")


def test_a_vm_is_migrated_while_it_is_on(probe: Probe) -> None:
    probe.palette.change_vm("vm-cluster-1", "vms", "db1", timing={"power": 0.5})
    assert power(probe, "db1", "migrate") == (204, "")
    assert status(probe, "db1")["printableStatus"] == "Migrating"
    assert status(probe, "db1")["ready"] is True
    assert "because it is currently being migrated" in power(probe, "db1", "pause")[1]
    until_it_shows(probe, "db1", "Running")
    assert power(probe, "db1", "pause") == (204, "")
    assert power(probe, "paused", "migrate") == (204, "")
    missing = 'virtualmachineinstance.kubevirt.io \\"stopped\\" not found'
    assert missing in power(probe, "stopped", "migrate")[1]
    probe.palette.change_vm("vm-cluster-1", "vms", "stopped", timing={"power": 3600})
    assert power(probe, "stopped", "start") == (204, "")
    until_it_shows(probe, "stopped", "Starting")
    assert "VM is not running" in power(probe, "stopped", "migrate")[1]


def test_a_locked_vm_keeps_its_power(probe: Probe) -> None:
    assert status(probe, "busy")["snapshotInProgress"] == "busy-first"
    words = 'Cannot update vm running state until snapshot \\"busy-first\\" completes'
    assert words in power(probe, "busy", "stop")[1]
    assert power(probe, "busy", "pause")[0] == 204
    assert "VM snapshot is in progress" in power(probe, "busy", "resume")[1]


def test_a_vm_can_be_deleted_and_its_snapshots_stay(probe: Probe) -> None:
    assert probe.vms("DELETE", "history", namespace="vms").status_code == 204
    answer = probe.vms("GET", "history", namespace="vms")
    assert answer.status_code == 500
    assert "Failed to get virtual machine 'history'" in answer.json()["message"]
    assert len(probe.names(vmName="history")) == 8


def test_a_locked_vm_lingers_after_its_deletion(probe: Probe) -> None:
    for _number in range(2):
        assert probe.vms("DELETE", "busy", namespace="vms").status_code == 204
    metadata = probe.vms("GET", "busy", namespace="vms").json()["metadata"]
    assert metadata["deletionTimestamp"]
    assert "snapshot.kubevirt.io/snapshot-source-protection" in metadata["finalizers"]


def test_the_namespace_is_required(probe: Probe) -> None:
    for query in ({}, {"namespace": ""}):
        answer = probe.vms("GET", "db1", **query)
        assert (answer.status_code, "namespace" in answer.text) == (400, True)


def test_a_vm_is_made_again_as_another_one(probe: Probe) -> None:
    before = probe.vms("GET", "db1", namespace="vms").json()["metadata"]
    probe.palette.make_vm("vm-cluster-1", "vms", "db1", labels={"app": "new"}, age="1h")
    after = probe.vms("GET", "db1", namespace="vms").json()["metadata"]
    assert before["uid"] != after["uid"]
    assert before["creationTimestamp"] < after["creationTimestamp"]
    assert after["labels"] == {"app": "new"}


def test_vms_of_one_name_in_two_namespaces_have_uids_of_their_own(probe: Probe) -> None:
    items = probe.vms("GET").json()["items"]
    assert len({item["metadata"]["uid"] for item in items}) == len(items)


def test_a_vm_that_a_snapshot_keeps_cannot_be_made_again(probe: Probe) -> None:
    with pytest.raises(ValueError, match="VM busy stays until its snapshot is taken"):
        probe.palette.make_vm("vm-cluster-1", "vms", "busy")


@pytest.mark.parametrize(
    ("cluster", "fields", "words"),
    [
        ("nowhere", {}, "no cluster nowhere"),
        ("vm-cluster-1", {"snapshots": []}, "no snapshots yet"),
        ("vm-cluster-1", {"colour": "red"}, "unknown field `colour`"),
    ],
)
def test_a_vm_is_made_with_what_a_vm_has(
    probe: Probe, cluster: str, fields: dict[str, object], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        probe.palette.make_vm(cluster, "vms", "new", **fields)


def test_a_vm_named_snapshot_cannot_be_got_but_deleted(probe: Probe) -> None:
    answer = probe.vms("GET", "snapshot", namespace="vms").json()
    assert answer["kind"] == "VirtualMachineSnapshotList"
    assert probe.vms("DELETE", "snapshot", namespace="vms").status_code == 204
    names = [item["metadata"]["name"] for item in probe.vms("GET").json()["items"]]
    assert "snapshot" not in names


def test_a_cluster_without_kubevirt_knows_no_vms(probe: Probe) -> None:
    probe.cluster = CLUSTER.replace("11", "15")
    answer = probe.vms("GET")
    assert answer.status_code == 500
    assert "could not find the requested resource" in answer.text

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is read of a VM."""

from __future__ import annotations

import pytest

from ansible_collections.spectrocloud.palette.plugins.module_utils._http.errors import ApiError
from ansible_collections.spectrocloud.palette.plugins.module_utils._vms.model import (
    VirtualMachine,
    VmKey,
    Volume,
    read_listed,
    read_vm,
)
from unit.builders import Json

PLACE: Json = {"name": "db1", "namespace": "vms"}


@pytest.mark.parametrize(
    "machine",
    [
        {"metadata": []},
        {"metadata": {"name": "db1"}},
        {"metadata": {"namespace": "vms"}},
        {"metadata": {**PLACE, "labels": "a=b"}},
        {"metadata": {**PLACE, "deletionTimestamp": True}},
        {"metadata": PLACE, "status": "Running"},
        {"metadata": PLACE, "status": {"created": "false"}},
    ],
)
def test_what_decides_something_makes_a_vm_unreadable_where_it_is_odd(machine: Json) -> None:
    with pytest.raises(ApiError) as caught:
        read_vm("c1", machine)
    assert caught.value.reason == "malformed_response"
    read = read_listed("c1", machine)
    assert read.unreadable == caught.value.message
    assert read.blocker
    assert read.blocker[0] == "malformed_response"


@pytest.mark.parametrize(
    "change",
    [
        {"status": {"volumeSnapshotStatuses": {}}},
        {"status": {"volumeSnapshotStatuses": ["rootdisk", {"name": 7, "enabled": True}]}},
        {"status": {"created": True, "conditions": ["Ready", {"type": [], "status": 1}]}},
        {"status": {"printableStatus": 7, "snapshotInProgress": {}, "restoreInProgress": []}},
        {"spec": {"template": {"spec": {"volumes": ["rootdisk"]}}}},
        {"spec": {"template": []}},
        {"spec": "text"},
        {"metadata": {**PLACE, "uid": 7, "creationTimestamp": 7, "managedFields": "text"}},
    ],
)
def test_what_nothing_depends_on_may_be_odd(change: Json) -> None:
    machine = read_vm("c1", {"metadata": PLACE, **change})
    assert machine.key == VmKey("c1", "vms", "db1")
    assert (machine.volumes, machine.snapshot_in_progress, machine.printable_status) == ((), "", "")
    assert machine.blocker is None


@pytest.mark.parametrize(
    ("spec", "strategy"),
    [
        ({"runStrategy": "Manual"}, "Manual"),
        ({"running": True}, "Always"),
        ({"running": False}, "Halted"),
        ({"runStrategy": None, "running": "yes"}, ""),
        ({}, ""),
    ],
)
def test_read_vm_reads_what_power_calls_depend_on(spec: Json, strategy: str) -> None:
    since = "2026-11-25T18:38:36Z"
    ready = {"type": "Ready", "status": "True", "lastTransitionTime": since}
    status = {"created": True, "ready": True, "conditions": [ready]}
    machine = read_vm("c1", {"metadata": PLACE, "spec": spec, "status": status})
    assert (machine.run_strategy, machine.ready, machine.ready_since) == (strategy, True, since)
    bare = read_vm("c1", {"metadata": PLACE, "spec": spec, "status": {"ready": "yes"}})
    assert (bare.ready, bare.ready_since) == (False, "")


def test_a_volume_is_not_told_of_where_enabled_is_odd() -> None:
    told = [{"name": "root", "enabled": "yes"}]
    machine = read_vm("c1", {"metadata": PLACE, "status": {"volumeSnapshotStatuses": told}})
    assert machine.volumes == (Volume("root", None, None, ""),)


def test_read_vm_reads_what_snapshots_depend_on() -> None:
    machine = read_vm(
        "c1",
        {
            "metadata": {"name": "db1", "namespace": "vms", "uid": "u", "labels": {"a": "1"}},
            "status": {
                "printableStatus": "Running",
                "snapshotInProgress": "s",
                "volumeSnapshotStatuses": [
                    {"name": "a", "enabled": True},
                    {"name": "b", "reason": "no class"},
                ],
            },
        },
    )
    assert machine.key == VmKey("c1", "vms", "db1")
    assert machine.labels == {"a": "1"}
    assert machine.volumes == (Volume("a", None, True, ""), Volume("b", None, False, "no class"))
    assert (machine.snapshot_in_progress, machine.restore_in_progress) == ("s", "")
    assert not machine.deleting


# Power


def with_status(**status: object) -> VirtualMachine:
    """Return a VM with this status."""
    return read_vm("c1", {"metadata": {"name": "db1", "namespace": "vms"}, "status": status})


AGENT = {"type": "AgentConnected", "status": "True"}
READY = {"type": "Ready", "status": "True", "lastProbeTime": None}
PAUSED = {"type": "Paused", "status": "True", "reason": "PausedByUser"}


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ({"created": True, "conditions": [READY, AGENT]}, (True, False, True)),
        ({"created": True, "conditions": [READY]}, (True, False, False)),
        ({"created": True, "conditions": [{**AGENT, "status": "False"}]}, (True, False, False)),
        ({"created": True, "conditions": [AGENT, PAUSED]}, (True, True, True)),
        (
            {"created": True, "conditions": [AGENT, {**PAUSED, "status": "False"}]},
            (True, False, True),
        ),
        # Nothing is told.
        ({"created": True}, (True, False, None)),
        ({"created": True, "conditions": None}, (True, False, None)),
        ({"created": True, "printableStatus": "Paused"}, (True, True, None)),
        # Off: the conditions are those of its last instance.
        ({"created": False, "conditions": [READY, AGENT, PAUSED]}, (False, False, None)),
        ({"conditions": [AGENT, PAUSED]}, (False, False, None)),
        ({}, (False, False, None)),
    ],
)
def test_running_paused_and_guest_agent(status: Json, expected: tuple[object, ...]) -> None:
    machine = with_status(**status)
    assert (machine.running, machine.paused, machine.guest_agent) == expected


# Volumes


@pytest.mark.parametrize(
    ("strategy", "printable", "created", "expected"),
    [
        ("Halted", "Stopped", False, (False, False, True)),
        ("Always", "Running", True, (True, False, False)),
        # Its guest has shut down, and KubeVirt leaves the instance.
        ("Manual", "Stopped", True, (False, True, True)),
        ("Once", "Stopped", True, (False, True, True)),
        # For a moment only: it is about to go, or to start again.
        ("Halted", "Stopped", True, (True, False, False)),
        ("Always", "Stopped", True, (True, False, False)),
        ("Manual", "Stopping", True, (True, False, False)),
        # What is shown of the disks hides that it is off.
        ("Halted", "Provisioning", False, (False, False, True)),
        ("Halted", "DataVolumeError", False, (False, False, True)),
        ("Always", "Provisioning", False, (False, False, False)),
        ("Manual", "Provisioning", False, (False, False, False)),
        # KubeVirt cannot make its instance, and tries on.
        ("Always", "Stopped", False, (False, False, False)),
        ("Once", "Stopped", False, (False, False, False)),
        ("Manual", "Stopped", False, (False, False, True)),
        ("RerunOnFailure", "Stopped", False, (False, False, True)),
        # It may be left out that it is on.
        ("Halted", "Running", False, (False, False, False)),
        ("Halted", "", False, (False, False, False)),
    ],
)
def test_running_ended_and_seen_off(
    strategy: str, printable: str, created: bool, expected: tuple[bool, ...]
) -> None:
    status = {"printableStatus": printable, "created": created, "conditions": [AGENT]}
    spec = {"runStrategy": strategy}
    machine = read_vm("c1", {"metadata": PLACE, "spec": spec, "status": status})
    assert (machine.running, machine.ended, machine.seen_off) == expected
    assert (machine.guest_agent is None) is not machine.running


@pytest.mark.parametrize("created", [True, False])
def test_vm_that_kubevirt_is_requested_to_start_is_not_off(created: bool) -> None:
    start = {"stateChangeRequests": [{"action": "Stop", "uid": "u"}, {"action": "Start"}]}
    status = {"printableStatus": "Stopped", "created": created, **start}
    spec = {"runStrategy": "Manual"}
    machine = read_vm("c1", {"metadata": PLACE, "spec": spec, "status": status})
    assert (machine.ended, machine.is_on, machine.seen_off) == (False, True, False)
    assert machine.comes_up is not created


def with_volumes(
    kinds: dict[str, str | None], told: dict[str, bool], reason: str = "no class"
) -> VirtualMachine:
    """Return a VM with volumes of these kinds, and what its status tells of them."""
    volumes = [{"name": name, **({kind: {}} if kind else {})} for name, kind in kinds.items()]
    statuses = [
        {"name": name, "enabled": True} if enabled else {"name": name, "reason": reason}
        for name, enabled in told.items()
    ]
    return read_vm(
        "c1",
        {
            "metadata": {"name": "db1", "namespace": "vms"},
            "spec": {"template": {"spec": {"volumes": volumes}}},
            "status": {"volumeSnapshotStatuses": statuses},
        },
    )


def test_volumes_are_those_of_the_spec_with_what_the_status_tells() -> None:
    kinds = {"root": "dataVolume", "init": "cloudInitNoCloud", "new": "persistentVolumeClaim"}
    machine = with_volumes({**kinds, "odd": None}, {"init": False, "root": True, "gone": False})
    assert machine.volumes == (
        Volume("root", "dataVolume", True),
        Volume("init", "cloudInitNoCloud", False, "no class"),
        Volume("new", "persistentVolumeClaim", None),
        Volume("odd", None, None),
        Volume("gone", None, False, "no class"),
    )


@pytest.mark.parametrize("kind", ["dataVolume", "persistentVolumeClaim", "hostDisk", "newer", None])
def test_volume_of_a_kind_with_data_is_left_out_if_it_cannot_be_snapshotted(
    kind: str | None,
) -> None:
    machine = with_volumes({"root": "dataVolume", "a": kind}, {"root": True, "a": False})
    assert [volume.name for volume in machine.left_out] == ["a"]


@pytest.mark.parametrize(
    "kind",
    [
        "cloudInitConfigDrive",
        "cloudInitNoCloud",
        "configMap",
        "containerDisk",
        "downwardAPI",
        "downwardMetrics",
        "emptyDisk",
        "ephemeral",
        "memoryDump",
        "secret",
        "serviceAccount",
        "sysprep",
    ],
)
def test_volume_of_a_kind_without_data_never_counts_as_left_out(kind: str) -> None:
    machine = with_volumes({"root": "dataVolume", "a": kind}, {"root": True, "a": False})
    assert machine.left_out == ()


def test_left_out_is_only_what_is_known_to_be() -> None:
    assert with_volumes({"root": "dataVolume"}, {}).left_out == ()


@pytest.mark.parametrize(
    ("kinds", "told", "expected"),
    [
        ({"root": "dataVolume"}, {"root": True}, False),
        ({"root": "dataVolume"}, {"root": False}, True),
        ({"root": "containerDisk", "init": "cloudInitNoCloud"}, {"root": False}, True),
        # Whether there is one is not known.
        ({"root": "dataVolume", "init": "cloudInitNoCloud"}, {"init": False}, False),
        ({"root": "dataVolume"}, {}, False),
        ({}, {}, False),
    ],
)
def test_unsnapshottable_is_a_vm_whose_snapshot_would_have_no_volume(
    kinds: dict[str, str | None], told: dict[str, bool], expected: bool
) -> None:
    assert with_volumes(kinds, told).unsnapshottable is expected

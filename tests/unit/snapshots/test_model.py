# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is read of API objects, in both JSON styles, and the facts that are made of it."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.spectrocloud.palette.plugins.module_utils._palette.errors import (
    PaletteError,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots.model import (
    Snapshot,
    VmKey,
    Volume,
    read_snapshot,
    read_time,
    read_vm,
    write_time,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots.results import (
    diff,
    status_facts,
)
from unit.fakes import FAILED, READY, RUNNING, SUCCEEDED, Json

NOW = datetime(2026, 1, 2, 4, 4, 8, tzinfo=timezone.utc)


def manifest(status: Json | None = None, **meta: Any) -> Json:
    """Return a snapshot object."""
    body: Json = {
        "metadata": {"name": "s", "namespace": "vms", **meta},
        "spec": {"source": {"kind": "VirtualMachine", "name": "db1"}},
    }
    return body if status is None else {**body, "status": status}


def snapshot(status: Json | None = None, **meta: Any) -> Snapshot:
    """Return a snapshot as read."""
    return read_snapshot("c1", manifest(status, **meta))


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2025-12-10T08:00:03Z", "2025-12-10T08:00:03Z"),
        ("2025-12-10t08:00:03z", "2025-12-10T08:00:03Z"),
        ("2025-12-10T08:00:03.5Z", "2025-12-10T08:00:03Z"),
        ("2025-12-10T08:00:03.123456789Z", "2025-12-10T08:00:03Z"),
        ("2025-12-10T08:00:03.1+02:00", "2025-12-10T06:00:03Z"),
        ("2025-12-10T08:00:03-07:30", "2025-12-10T15:30:03Z"),
        ("2025-12-10T08:00:03", "2025-12-10T08:00:03Z"),
        ("0001-01-01T00:00:00.000Z", None),
        ("0001-01-01T00:00:00Z", None),
        ("9999-12-31T23:59:59-01:00", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("", None),
        (None, None),
        ("yesterday", None),
        ("2025-13-40T99:99:99Z", None),
        (7, None),
    ],
)
def test_times_are_read_in_every_form(text: Any, time: str | None) -> None:
    assert write_time(read_time(text)) == time


@given(st.datetimes(datetime(1900, 1, 1), datetime(2900, 1, 1), timezones=st.timezones()))  # noqa: DTZ001
def test_times_survive_writing_and_reading(moment: datetime) -> None:
    assert read_time(write_time(moment)) == moment.astimezone(timezone.utc).replace(microsecond=0)


@given(st.text())
def test_no_text_breaks_the_reading_of_times(text: str) -> None:
    moment = read_time(text)
    assert moment is None or moment.tzinfo == timezone.utc


OMITTED: Json = {"metadata": {"name": "s", "namespace": "vms"}}
EMPTY: Json = {
    "metadata": {
        "name": "s",
        "namespace": "vms",
        "uid": "",
        "labels": None,
        "annotations": {},
        "finalizers": None,
        "deletionTimestamp": "0001-01-01T00:00:00.000Z",
        "creationTimestamp": "0001-01-01T00:00:00.000Z",
    },
    "status": {
        "phase": "",
        "readyToUse": False,
        "creationTime": "0001-01-01T00:00:00.000Z",
        "conditions": None,
        "indications": None,
        "error": None,
        "snapshotVolumes": {"includedVolumes": None, "excludedVolumes": []},
        "virtualMachineSnapshotContentName": "",
        "sourceUID": "",
    },
}


@pytest.mark.parametrize("style", [OMITTED, {**OMITTED, "status": None}, EMPTY])
def test_what_is_empty_is_read_alike_in_every_style(style: Json) -> None:
    source = {"spec": {"source": {"kind": "VirtualMachine", "name": "db1"}}}
    read = read_snapshot("c1", {**style, **source})
    plain = read_snapshot("c1", {**OMITTED, **source})
    assert read._replace(manifest={}) == plain._replace(manifest={})
    assert not read.deleting
    assert not read.ready
    assert read.in_progress
    assert status_facts(read, NOW)["creation_time"] is None
    assert status_facts(read, NOW)["age_seconds"] is None


@pytest.mark.parametrize(
    "change",
    [
        {"metadata": None},
        {"metadata": []},
        {"spec": "text"},
        {"spec": {"source": []}},
        {"status": []},
        {"status": {"conditions": {}}},
        {"status": {"conditions": ["text"]}},
        {"status": {"indications": "Online"}},
        {"status": {"snapshotVolumes": []}},
        {"status": {"readyToUse": "yes"}},
        {"metadata": {"name": "s", "namespace": "vms", "labels": ["a"]}},
    ],
)
def test_an_object_of_another_shape_is_malformed(change: Json) -> None:
    with pytest.raises(PaletteError) as caught:
        read_snapshot("c1", {**manifest(), **change})
    assert caught.value.reason == "malformed_response"


@pytest.mark.parametrize(
    "machine",
    [
        {"metadata": []},
        {"status": "Running"},
        {"status": {"volumeSnapshotStatuses": {}}},
        {"status": {"volumeSnapshotStatuses": ["rootdisk"]}},
        {"metadata": {"labels": "a=b"}},
    ],
)
def test_a_vm_of_another_shape_is_malformed(machine: Json) -> None:
    with pytest.raises(PaletteError) as caught:
        read_vm("c1", machine)
    assert caught.value.reason == "malformed_response"


def test_a_vm_is_read() -> None:
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
    assert machine.volumes == (Volume("a", True, ""), Volume("b", False, "no class"))
    assert (machine.snapshot_in_progress, machine.restore_in_progress) == ("s", "")
    assert not machine.deleting


@pytest.mark.parametrize(
    ("status", "progress", "failed", "ready"),
    [
        (None, True, False, False),
        (RUNNING, True, False, False),
        (SUCCEEDED, False, False, False),
        (READY, False, False, True),
        (FAILED, False, True, False),
        ({**RUNNING, "error": {"message": "passing"}}, True, False, False),
        ({"phase": "Deleting"}, False, False, False),
        ({"phase": "Unknown"}, False, False, False),
    ],
)
def test_how_far_a_snapshot_is(
    status: Json | None, progress: bool, failed: bool, ready: bool
) -> None:
    read = snapshot(status)
    assert (read.in_progress, read.failed, read.ready) == (progress, failed, ready)


@pytest.mark.parametrize("status", [None, RUNNING, {**RUNNING, "indications": []}, FAILED])
def test_whether_file_systems_were_at_rest_is_unknown_without_a_snapshot(
    status: Json | None,
) -> None:
    assert snapshot(status).quiesced is None


@pytest.mark.parametrize(
    ("status", "problem"),
    [
        (FAILED, "snapshot deadline exceeded"),
        (
            {**FAILED, "error": {"message": "Failed freezing"}},
            "snapshot deadline exceeded; Failed freezing",
        ),
        ({**RUNNING, "error": {"message": "Failed freezing"}}, "Failed freezing"),
        (RUNNING, "Source locked"),
        ({"conditions": [{"type": "Ready", "status": "False", "message": "Not yet"}]}, "Not yet"),
        ({"phase": "Failed"}, "no reason given"),
        (None, "no reason given"),
    ],
)
def test_what_stands_in_the_way_is_told_in_kubevirts_words(
    status: Json | None, problem: str
) -> None:
    assert snapshot(status).problem == problem


def test_facts_are_all_there() -> None:
    read = snapshot(
        {**READY, "conditions": [{"type": "Ready", "status": "True"}]},
        uid="u1",
        labels={"a": "1"},
        annotations={"spectrocloud.palette/expires-at": "2026-02-01T00:00:00Z"},
        creationTimestamp="2026-01-02T03:04:05Z",
    )
    facts = status_facts(read, NOW)
    assert facts == {
        "cluster_uid": "c1",
        "name": "s",
        "namespace": "vms",
        "vm_name": "db1",
        "uid": "u1",
        "phase": "Succeeded",
        "ready_to_use": True,
        "deleting": False,
        "creation_time": "2026-01-02T03:04:08Z",
        "age_seconds": 3600,
        "expires_at": "2026-02-01T00:00:00Z",
        "deletion_policy": None,
        "failure_deadline": None,
        "indications": ["GuestAgent", "Online"],
        "quiesced": True,
        "included_volumes": ["rootdisk"],
        "excluded_volumes": ["cloudinitdisk"],
        "conditions": [{"type": "Ready", "status": "True"}],
        "error": None,
        "content_name": "content",
        "source_uid": "vm-uid",
        "labels": {"a": "1"},
        "annotations": {"spectrocloud.palette/expires-at": "2026-02-01T00:00:00Z"},
    }


def test_a_clock_that_lags_makes_no_negative_age() -> None:
    early = datetime(2020, 1, 1, tzinfo=timezone.utc)
    assert status_facts(snapshot(READY), early)["age_seconds"] == 0


def test_a_diff_shows_what_a_client_may_set() -> None:
    old = manifest(READY, labels={"a": "1"}, resourceVersion="7", uid="u")
    new = manifest(annotations={"b": "2", "spectrocloud.palette/request-id": "r"})
    assert diff(old, new) == {
        "before_header": "s",
        "after_header": "s",
        "before": {
            "metadata": {"name": "s", "namespace": "vms", "labels": {"a": "1"}, "annotations": {}},
            "spec": old["spec"],
        },
        "after": {
            "metadata": {"name": "s", "namespace": "vms", "labels": {}, "annotations": {"b": "2"}},
            "spec": old["spec"],
        },
    }
    assert diff(None, None) == {
        "before_header": "",
        "after_header": "",
        "before": {},
        "after": {},
    }

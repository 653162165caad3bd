# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is read of a snapshot, in both JSON styles."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.spectrocloud.palette.plugins.module_utils._http.errors import ApiError
from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots.model import (
    VM_OFF,
    read_listed,
    read_snapshot,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots.results import (
    status_of,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._validation.durations import (
    parse_duration,
)
from unit.builders import FAILED, NOW, READY, RUNNING, SUCCEEDED, Json, key_of, listed, manifest

PLACE: Json = {"name": "s", "namespace": "vms"}
SPEC: Json = {"source": {"name": "db1"}}
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
def test_read_snapshot_reads_what_is_empty_alike_in_every_style(style: Json) -> None:
    source = {"spec": {"source": {"kind": "VirtualMachine", "name": "db1"}}}
    read = read_snapshot("c1", {**style, **source})
    plain = read_snapshot("c1", {**OMITTED, **source})
    assert read._replace(manifest={}) == plain._replace(manifest={})
    assert not read.deleting
    assert not read.ready
    assert read.in_progress
    assert read.taken_at is None
    assert status_of(read, NOW)["creation_time"] is None
    assert status_of(read, NOW)["age_seconds"] is None


@pytest.mark.parametrize(
    "change",
    [
        {"metadata": None},
        {"metadata": []},
        {"metadata": {"name": "s"}},
        {"metadata": {"namespace": "vms"}},
        {"metadata": {**PLACE, "labels": ["a"]}},
        {"metadata": {**PLACE, "labels": {"a": 1}}},
        {"metadata": {**PLACE, "annotations": "a"}},
        {"metadata": {**PLACE, "uid": 7}},
        {"metadata": {**PLACE, "deletionTimestamp": 7}},
        {"spec": "text"},
        {"spec": {}},
        {"spec": {"source": []}},
        {"spec": {"source": {"name": ""}}},
        {"spec": {**SPEC, "failureDeadline": {}}},
        {"spec": {**SPEC, "deletionPolicy": ["Retain"]}},
        {"status": []},
        {"status": {"phase": 7}},
        {"status": {"readyToUse": "yes"}},
    ],
)
def test_what_decides_something_makes_a_snapshot_unreadable_where_it_is_odd(change: Json) -> None:
    item = {**manifest(), **change}
    with pytest.raises(ApiError) as caught:
        read_snapshot("c1", item)
    assert caught.value.reason == "malformed_response"
    listed_all_the_same = read_listed("c1", item)
    assert listed_all_the_same.unreadable == caught.value.message
    assert listed_all_the_same.labels == {}
    assert not listed_all_the_same.ready


@pytest.mark.parametrize(
    "change",
    [
        {"kind": 7, "apiVersion": None, "unknown": {}},
        {
            "metadata": {
                **PLACE,
                "managedFields": [{"fieldsV1": {"Raw": "text"}, "time": 7}],
                "ownerReferences": "none",
                "finalizers": {},
                "generation": "1",
                "creationTimestamp": 20251210,
                "selfLink": 1,
            }
        },
        {"spec": {**SPEC, "source": {"name": "db1", "kind": 7}}},
        {"spec": {**SPEC, "virtualMachineSnapshotClass": 1}},
        {"status": {"conditions": {}, "creationTime": 7}},
        {"status": {"conditions": ["text", {"type": [], "reason": 7}]}},
        {"status": {"indications": "Online", "sourceIndications": ["Online", {"indication": 1}]}},
        {"status": {"snapshotVolumes": [], "error": 7, "sourceUID": 7}},
        {"status": {"snapshotVolumes": {"includedVolumes": "root"}, "error": {"message": 7}}},
        {"status": {"virtualMachineSnapshotContentName": {}}},
    ],
)
def test_what_nothing_depends_on_may_be_odd(change: Json) -> None:
    read = read_snapshot("c1", {**manifest(), **change})
    assert (read.key, read.name) == (key_of(), "s")
    assert read.problem == "no reason given"
    assert (read.created, read.creation_time) == (None, None)
    assert status_of(read, NOW)["indications"] == []


@pytest.mark.parametrize(
    ("written", "read"),
    [("10m", "10m"), (600_000_000_000, "600s"), (1_500_000_000, "1500000000ns"), (0, "0s")],
)
def test_failure_deadline_may_be_a_number_of_nanoseconds(written: object, read: str) -> None:
    deadline = listed(spec={"failureDeadline": written}).failure_deadline
    assert deadline == read
    parse_duration(read)


def test_manifest_is_without_managed_fields() -> None:
    item = manifest(labels={"a": "b"}, managedFields=[{"manager": "palette"}])
    assert read_snapshot("c1", item).manifest == manifest(labels={"a": "b"})
    assert "managedFields" in item["metadata"]


@pytest.mark.parametrize(
    ("item", "place"),
    [
        (manifest({"phase": 7}), "snapshot vms/s"),
        ({"metadata": {"name": "s"}, "spec": []}, "snapshot ?/s"),
        ({"metadata": "text"}, "snapshot ?/?"),
        (None, "snapshot ?/?"),
    ],
)
def test_read_listed_tells_what_is_known_of_the_unreadable(item: Any, place: str) -> None:
    read = read_listed("c1", item)
    text = read.unreadable_text
    assert text.startswith(f"{place} cannot be read: the answer ")
    assert read.problem == f"it cannot be read ({read.unreadable})"


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
def test_in_progress_failed_and_ready(
    status: Json | None, progress: bool, failed: bool, ready: bool
) -> None:
    read = listed(status)
    assert (read.in_progress, read.failed, read.ready) == (progress, failed, ready)


@pytest.mark.parametrize("status", [None, RUNNING, {**RUNNING, "indications": []}, FAILED])
def test_quiesced_is_unknown_until_the_snapshot_is_taken(status: Json | None) -> None:
    assert listed(status).quiesced is None


@pytest.mark.parametrize("seen_off", [False, True])
@pytest.mark.parametrize(
    ("indications", "quiesced", "if_off"),
    [
        (["GuestAgent", "Online"], True, True),
        (["GuestAgent"], True, True),
        (["GuestAgent", "Online", "QuiesceFailed"], False, False),
        (["Online", "QuiesceTimeout"], False, False),
        (["NoGuestAgent", "Online"], False, False),
        (["Online", "Paused"], False, False),
        (["Online"], None, None),
        (["PartialSnapshot"], None, True),
        ([], None, True),
        (None, None, True),
    ],
)
def test_quiesced_is_true_only_where_it_is_known(
    indications: list[str] | None, quiesced: bool | None, if_off: bool | None, seen_off: bool
) -> None:
    annotations = {VM_OFF: "true"} if seen_off else {}
    read = listed({**READY, "indications": indications}, annotations=annotations)
    assert read.quiesced is (if_off if seen_off else quiesced)


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
def test_problem_is_in_kubevirts_words(status: Json | None, problem: str) -> None:
    assert listed(status).problem == problem


@pytest.mark.parametrize(
    ("indications", "cause"),
    [
        (["Online", "Paused"], "because the VM was paused (indications: Online, Paused)"),
        (["NoGuestAgent", "Online"], "because no guest agent was connected"),
        (
            ["GuestAgent", "Online", "QuiesceFailed"],
            "because the guest agent reported an error while it froze the file systems",
        ),
        (["GuestAgent", "Online"], ""),
        ([], "because Palette does not tell whether the VM was off"),
        (["Online"], "because Palette does not tell whether the VM was off"),
    ],
)
def test_unquiesced_tells_the_cause(indications: list[str], cause: str) -> None:
    told = listed({**READY, "indications": indications}).unquiesced
    assert cause in told
    assert bool(cause) is bool(told)


@pytest.mark.parametrize(
    ("status", "indications"),
    [
        ({"indications": ["GuestAgent", "Online"]}, ("GuestAgent", "Online")),
        (
            {
                "indications": None,
                "sourceIndications": [
                    {"indication": "Online", "message": "online"},
                    {"indication": "NoGuestAgent", "message": "no agent"},
                ],
            },
            ("Online", "NoGuestAgent"),
        ),
        (
            {
                "indications": ["GuestAgent", "Online"],
                "sourceIndications": [{"indication": "Online"}, {"indication": "QuiesceTimeout"}],
            },
            ("GuestAgent", "Online", "QuiesceTimeout"),
        ),
        ({"sourceIndications": [{"message": "odd"}]}, ()),
        ({"sourceIndications": None}, ()),
        ({}, ()),
    ],
)
def test_indications_are_read_in_the_form_of_every_version(
    status: Json, indications: tuple[str, ...]
) -> None:
    assert listed(status).indications == indications


@pytest.mark.parametrize(
    ("status", "is_lost"),
    [
        ({"error": {"message": "missing", "time": "2026-11-22T11:59:59Z"}}, True),
        ({"error": {"message": "missing", "time": "2026-11-22T12:00:00Z"}}, False),
        ({"error": {"message": "missing", "time": "0001-01-01T00:00:00.000Z"}}, False),
        ({"error": {"message": "missing"}}, False),
        ({"error": "missing"}, False),
        ({"error": {"time": "2026-11-20T12:00:00Z"}}, False),
        ({"error": {"message": "m", "time": "2026-11-20T12:00:00Z"}, "readyToUse": True}, False),
        ({"error": {"message": "m", "time": "2026-11-20T12:00:00Z"}, "phase": "Failed"}, False),
    ],
)
def test_lost_is_what_has_had_an_error_for_more_than_a_day(status: Json, is_lost: bool) -> None:
    assert listed({**SUCCEEDED, **status}).lost(NOW) is is_lost

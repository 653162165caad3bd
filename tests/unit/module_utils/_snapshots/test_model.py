# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is read of a snapshot, in both JSON styles."""

from __future__ import annotations

import pytest

from ansible_collections.spectrocloud.palette.plugins.module_utils._palette.errors import (
    PaletteError,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots.model import (
    read_snapshot,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots.results import (
    status_of,
)
from unit.builders import FAILED, NOW, READY, RUNNING, SUCCEEDED, Json, listed, manifest

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
        {"spec": "text"},
        {"spec": {"source": []}},
        {"status": []},
        {"status": {"conditions": {}}},
        {"status": {"conditions": ["text"]}},
        {"status": {"indications": "Online"}},
        {"status": {"sourceIndications": ["Online"]}},
        {"status": {"snapshotVolumes": []}},
        {"status": {"readyToUse": "yes"}},
        {"metadata": {"name": "s", "namespace": "vms", "labels": ["a"]}},
    ],
)
def test_read_snapshot_refuses_another_shape(change: Json) -> None:
    with pytest.raises(PaletteError) as caught:
        read_snapshot("c1", {**manifest(), **change})
    assert caught.value.reason == "malformed_response"


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
        ([], ""),
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

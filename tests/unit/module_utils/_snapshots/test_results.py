# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the user gets back of a snapshot: its status."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots.ownership import (
    EXPIRES_AT,
    SCHEDULED,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots.results import (
    status_of,
)
from unit.builders import READY, Json, listed, own_labels

TAKEN: Json = {**READY, "creationTime": "2026-01-02T03:04:08Z", "sourceUID": "vm-uid"}
AN_HOUR_LATER = datetime(2026, 1, 2, 4, 4, 8, tzinfo=timezone.utc)


def test_status_of_has_all_keys() -> None:
    read = listed(
        {**TAKEN, "conditions": [{"type": "Ready", "status": "True"}]},
        uid="u1",
        labels={"a": "1"},
        annotations={EXPIRES_AT: "2026-02-01T00:00:00Z"},
        creationTimestamp="2026-01-02T03:04:05Z",
    )
    assert status_of(read, AN_HOUR_LATER) == {
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
        "set": None,
        "scheduled_by_palette": False,
        "labels": {"a": "1"},
        "annotations": {"spectrocloud.palette/expires-at": "2026-02-01T00:00:00Z"},
    }


@pytest.mark.parametrize(("scheduled", "shown"), [("true", True), ("false", False)])
def test_status_of_tells_the_set_and_palettes_scheduler(scheduled: str, shown: bool) -> None:
    labels = {**own_labels("nightly"), SCHEDULED: scheduled}
    status = status_of(listed(TAKEN, labels=labels), AN_HOUR_LATER)
    assert (status["set"], status["scheduled_by_palette"]) == ("nightly", shown)


def test_status_of_has_no_negative_age_where_a_clock_lags() -> None:
    early = datetime(2020, 1, 1, tzinfo=timezone.utc)
    assert status_of(listed(TAKEN), early)["age_seconds"] == 0

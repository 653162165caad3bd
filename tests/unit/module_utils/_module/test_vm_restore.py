# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The core of vm_restore against Palette and a cluster in memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import pytest

from ansible_collections.spectrocloud.palette.plugins.module_utils._http.errors import ApiError
from ansible_collections.spectrocloud.palette.plugins.module_utils._module.vm_restore import MODULE
from ansible_collections.spectrocloud.palette.plugins.module_utils._restores import work
from ansible_collections.spectrocloud.palette.plugins.module_utils._restores.session import (
    RestoreSession,
)
from unit.builders import Json, key_of
from unit.cluster_in_memory import NEVER_ENDS, PowerPalette
from unit.module_utils._restores.restores import restore_manifest
from unit.palette_in_memory import FORBIDDEN, copy_of
from unit.tasks import run

DB1 = key_of("db1")
BACK: Json = {"cluster_uid": "c1", "namespace": "vms", "vm_name": "db1", "snapshot": "s"}
STATUS = {
    "name",
    "namespace",
    "vm_name",
    "cluster_uid",
    "uid",
    "snapshot",
    "complete",
    "text",
    "restore_time",
    "point_in_time",
    "lost_seconds",
    "volumes",
    "deleted_data_volumes",
    "leftover_claims",
    "in_place",
    "ran_before",
    "runs",
    "run_strategy",
    "safety_snapshot",
    "labels",
    "conditions",
}


@pytest.fixture
def palette() -> Iterator[PowerPalette]:
    """Return Palette with a running VM, and its snapshot."""
    made = PowerPalette()
    made.cluster.add_vm(DB1)
    made.add_snapshot("s", DB1, age=3600)
    reach = patch.object(RestoreSession, "kubernetes", lambda _self, _api: made.cluster)
    with reach, patch.object(work, "time", made.clock):
        yield made


def restore(palette: PowerPalette, **options: Any) -> Json:
    """Return the result of a task."""
    return run(palette, MODULE, **{**BACK, **options})


def test_back(palette: PowerPalette) -> None:
    result = restore(palette, stop=True)
    assert (result["changed"], result["outcome"]) == (True, "restored")
    assert set(result["status"]) == STATUS
    assert result["restore"]["metadata"]["annotations"]["spectrocloud.palette/rollback"] == "done"
    assert palette.cluster.runs(DB1)


def test_a_restore_that_cannot_be_read_is_told(
    palette: PowerPalette, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd = restore_manifest({"complete": "yes"})
    monkeypatch.setattr(palette.cluster, "restores", lambda read, _namespaces: [read(odd)])
    (warning,) = restore(palette, stop=True, check_mode=True)["warnings"]
    assert "restore vms/r1 of VM db1 cannot be read: " in warning
    assert warning.endswith("; it is left alone")


def test_check_mode_writes_nothing_and_shows_what_is_lost(palette: PowerPalette) -> None:
    result = restore(palette, stop=True, check_mode=True, diff_mode=True)
    assert (result["changed"], result["outcome"]) == (True, "restored")
    assert palette.cluster.writes == []
    assert result["status"]["lost_seconds"] == 3600
    assert result["status"]["leftover_claims"] == ["root"]
    assert result["diff"] == {
        "before": {
            "disks": {"rootdisk": "root"},
            "run_strategy": "Always",
            "point_in_time": "2026-11-23T12:00:00Z",
            "seconds_since_snapshot": 3600,
            "spec": {},
        },
        "after": {
            "disks": {"rootdisk": "as in snapshot s"},
            "run_strategy": "Always",
            "point_in_time": "2026-11-23T11:00:00Z",
            "seconds_since_snapshot": 0,
            "spec": {},
        },
    }


def test_diff_shows_what_of_the_spec_differs(palette: PowerPalette) -> None:
    palette.cluster.held = {"template": {"spec": {"domain": {"cpu": {"cores": 2}}}}}
    diff = restore(palette, stop=True, diff_mode=True)["diff"]
    assert diff["before"]["spec"] == {}
    assert diff["after"]["spec"] == {"template.spec.domain.cpu.cores": "2"}


def test_diff_says_why_the_spec_of_the_snapshot_is_not_known(palette: PowerPalette) -> None:
    forbidden = ApiError("forbidden", "HTTP 403: no", transient=False)
    with patch.object(palette.cluster, "snapshot_content", side_effect=forbidden):
        result = restore(palette, stop=True, diff_mode=True)
    assert result["outcome"] == "restored"
    assert result["diff"]["after"]["spec"] == "not known: HTTP 403: no"


def test_diff_without_a_content_of_the_snapshot(palette: PowerPalette) -> None:
    palette.stored["c1", "vms", "s"].course[-1].pop("virtualMachineSnapshotContentName", None)
    result = restore(palette, stop=True, diff_mode=True)
    assert result["outcome"] == "restored"
    assert "does not name the content" in result["diff"]["after"]["spec"]


def test_cluster_that_cannot_be_read_fails_the_task(palette: PowerPalette) -> None:
    palette.fail("LIST", *[copy_of(FORBIDDEN) for _try in range(9)])
    result = restore(palette, stop=True)
    assert (result["failed"], result["reason"], result["changed"]) == (True, "forbidden", False)
    assert palette.cluster.writes == []


def test_named_rollback_is_done_once(palette: PowerPalette) -> None:
    first = restore(palette, stop=True, restore_name="back")
    again = restore(palette, stop=True, restore_name="back", diff_mode=True)
    assert (again["changed"], again["outcome"]) == (False, "unchanged")
    assert again["status"] == first["status"]
    assert again["diff"] == {"before": {}, "after": {}}


def test_refusal(palette: PowerPalette) -> None:
    result = restore(palette)
    assert (result["failed"], result["changed"], result["outcome"]) == (True, False, "failed")
    assert (result["reason"], result["status"], result["restore"]) == ("vm_running", None, None)
    assert palette.cluster.writes == []


def test_vm_that_is_missing_names_the_nearest(palette: PowerPalette) -> None:
    result = restore(palette, vm_name="db11")
    assert result["reason"] == "not_found"
    assert "db1" in result["msg"]


def test_failure_has_what_became_of_the_vm(palette: PowerPalette) -> None:
    palette.cluster.course = NEVER_ENDS
    result = restore(palette, stop=True, wait_timeout=60)
    assert (result["failed"], result["changed"], result["outcome"]) == (True, True, "failed")
    assert result["reason"] == "wait_timeout"
    assert result["status"]["complete"] is False
    assert palette.cluster.runs(DB1)


def test_progress_shows_what_kubevirt_says(palette: PowerPalette) -> None:
    lines: list[str] = []
    palette.cluster.course = NEVER_ENDS
    restore(palette, stop=True, wait_timeout=60, say=lines.append)
    assert any(
        "to be restored (phase Initializing VirtualMachineRestore)" in line for line in lines
    )


def test_notes_are_warnings(palette: PowerPalette) -> None:
    result = restore(palette, stop=True, in_place=True)
    assert "there is no way back" in result["warnings"][0]
    assert result["status"]["leftover_claims"] == []


def test_new_claims_of_a_kubevirt_that_knows_no_others_are_told(palette: PowerPalette) -> None:
    palette.cluster.kubevirt = "1.5"
    result = restore(palette, stop=True, in_place=True)
    _before, after = result["warnings"]
    assert after.startswith("in_place: true has no effect on ")
    assert "KubeVirt knows it from 1.6 on" in after
    assert result["status"]["in_place"] is False
    assert result["status"]["leftover_claims"] == ["root"]


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"cluster_uid": None, "cluster": ""}, "cluster: must not be empty; for example: "),
        ({"cluster_uid": ""}, "cluster_uid: must not be empty; for example: "),
        ({"namespace": ""}, "namespace: must not be empty; for example: "),
        ({"vm_name": "../x"}, "vm_name: "),
        ({"namespace": "a/b"}, "namespace: "),
        ({"snapshot": None, "set": "a b"}, "set: "),
        ({"snapshot": "Bad Name"}, "snapshot: "),
        ({"restore_name": "Bad Name"}, "restore_name: "),
        ({"wait_timeout": 0}, "wait_timeout: "),
    ],
)
def test_wrong_options(palette: PowerPalette, options: Json, text: str) -> None:
    result = restore(palette, **options)
    assert result["reason"] == "invalid_parameters"
    (problem,) = result["problems"]
    assert problem.startswith(text)

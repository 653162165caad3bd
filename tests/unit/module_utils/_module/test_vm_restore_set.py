# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The core of vm_restore_set against Palette and a cluster in memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import pytest

from ansible_collections.spectrocloud.palette.plugins.module_utils._http.errors import ApiError
from ansible_collections.spectrocloud.palette.plugins.module_utils._module.vm_restore_set import (
    MODULE,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._palette.vms import ClusterVms
from ansible_collections.spectrocloud.palette.plugins.module_utils._restores import work
from ansible_collections.spectrocloud.palette.plugins.module_utils._restores.session import (
    RestoreSession,
)
from unit.builders import Json, key_of, own_labels
from unit.cluster_in_memory import MemoryCluster, PowerPalette
from unit.palette_in_memory import LOST
from unit.tasks import run

VMS = [key_of(name) for name in ("db1", "db2", "web1")]
BACK: Json = {"cluster": "cluster-1", "set": "patch", "namespaces": ["vms"], "stop": True}


@pytest.fixture
def palette() -> Iterator[PowerPalette]:
    """Return Palette with running VMs, each with a snapshot of the set."""
    made = PowerPalette()
    for key in VMS:
        made.cluster.add_vm(key)
        made.add_snapshot(f"{key.vm_name}-patch", key, own_labels("patch"), age=3600)
    reach = patch.object(RestoreSession, "kubernetes", lambda _self, _api: made.cluster)
    with reach, patch.object(work, "time", made.clock):
        yield made


def restore(palette: PowerPalette, **options: Any) -> Json:
    """Return the result of a task."""
    return run(palette, MODULE, **{**BACK, **options})


def outcomes(result: Json) -> list[str]:
    """Return what became of each VM."""
    return [row["outcome"] for row in result["members"].values()]


def test_all_go_back(palette: PowerPalette) -> None:
    result = restore(palette)
    assert result["changed"]
    assert result["summary"]["restored"] == 3
    assert result["members"]["cluster-1/vms/db1"]["snapshot"] == "db1-patch"
    assert result["clusters"]["cluster-1"]["counts"] == {"restored": 3}
    assert all(palette.cluster.runs(key) for key in VMS)


def test_vm_names_that_several_vms_have_restore_nothing(palette: PowerPalette) -> None:
    palette.cluster.add_vm(key_of("db1", "prod"))
    result = restore(palette, namespaces=None, vm_names=["db1"], on_error="continue")
    assert result["reason"] == "ambiguous_name"
    assert result["candidates"] == ["cluster-1/prod/db1", "cluster-1/vms/db1"]
    assert (palette.cluster.writes, palette.writes()) == ([], [])
    assert restore(palette, vm_names=["db1"], check_mode=True)["summary"]["restored"] == 1


def test_vms_may_name_their_snapshots(palette: PowerPalette) -> None:
    for key in VMS[:2]:
        palette.add_snapshot(f"{key.vm_name}-later", key, own_labels("patch"), age=60)
    entries = [{"vm_name": "db1", "name": "db1-patch"}, "db2", {"vm_name": "web1", "name": "none"}]
    result = restore(
        palette, vms=entries, namespaces=None, namespace="vms", on_error="continue", members="all"
    )
    of_vms = {name.split("/")[-1]: row for name, row in result["members"].items()}
    assert of_vms["db1"]["snapshot"] == "db1-patch"
    assert of_vms["db2"]["snapshot"] == "db2-later"
    assert (of_vms["web1"]["outcome"], of_vms["web1"]["reason"]) == ("blocked", "not_found")


def test_restore_name_is_done_once(palette: PowerPalette) -> None:
    first = restore(palette, restore_name="ticket-1")
    assert first["members"]["cluster-1/vms/db1"]["name"] == "db1-ticket-1"
    palette.clock.now += 7200
    palette.stored.clear()  # retention deletes the snapshots
    writes = list(palette.cluster.writes)
    again = restore(palette, restore_name="ticket-1")
    assert (again["changed"], again["summary"]["unchanged"]) == (False, 3)
    assert palette.cluster.writes == writes


def test_restore_name_completes_what_failed(palette: PowerPalette) -> None:
    refused = [ApiError("forbidden", "HTTP 403: no", transient=False)]
    palette.cluster.before = lambda write: _raise_one(refused) if write == "create" else None
    restore(palette, restore_name="ticket-1", concurrency=1)
    again = restore(palette, restore_name="ticket-1")
    assert sorted(outcomes(again)) == ["restored", "unchanged", "unchanged"]


def _raise_one(errors: list[ApiError]) -> None:
    if errors:
        raise errors.pop()


def test_max_rows_leaves_what_failed_and_names_the_others(palette: PowerPalette) -> None:
    refused = [ApiError("forbidden", "HTTP 403: no", transient=False)]
    palette.cluster.before = lambda write: _raise_one(refused) if write == "create" else None
    options: Json = {"members": "all", "max_rows": 2, "diff_mode": True, "concurrency": 1}
    result = restore(palette, **options)
    assert (result["reason"], result["summary"]["restored"]) == ("vms_failed", 2)
    assert outcomes(result) == ["failed"]
    (others,) = result["left_out"]
    assert (others["set"], others["outcome"], len(others["vm_names"])) == ("patch", "restored", 2)
    assert (others["complete"], others["runs"]) == (True, True)
    assert "the diff shows 2 of 3 rows, see max_rows" in result["warnings"]


def test_check_mode_predicts_it(palette: PowerPalette) -> None:
    predicted = restore(palette, check_mode=True, diff_mode=True)
    assert palette.cluster.writes == []
    assert predicted["diff"]["after"].keys() == predicted["members"].keys()
    assert predicted["summary"] == restore(palette)["summary"]


def test_one_that_is_blocked_stops_all_before_the_first_stop(palette: PowerPalette) -> None:
    palette.add_snapshot("new", VMS[1], course=({"phase": "InProgress"},))
    result = restore(palette, members="all")
    assert (result["reason"], result["changed"]) == ("preflight_failed", False)
    assert outcomes(result) == ["not_tried", "blocked", "not_tried"]
    assert palette.cluster.writes == []


def test_others_go_on_without_it(palette: PowerPalette) -> None:
    palette.add_snapshot("new", VMS[1], course=({"phase": "InProgress"},))
    result = restore(palette, on_error="continue", members="all")
    assert result["reason"] == "vms_failed"
    assert outcomes(result) == ["restored", "blocked", "restored"]


def test_one_that_fails_stops_no_other(palette: PowerPalette) -> None:
    refused = [ApiError("forbidden", "HTTP 403: no", transient=False)]

    def strike(write: str) -> None:
        if write == "create" and refused:
            raise refused.pop()

    palette.cluster.before = strike
    result = restore(palette, members="all")
    assert result["reason"] == "vms_failed"
    assert sorted(outcomes(result)) == ["failed", "restored", "restored"]
    assert all(palette.cluster.runs(key) for key in VMS)


def test_cluster_whose_own_api_is_out_of_reach_stops_no_other(palette: PowerPalette) -> None:
    palette.add_cluster("c2", "cluster-2")
    palette.add_vm(key_of("db9", cluster_uid="c2"))

    def reach(_session: RestoreSession, api: ClusterVms) -> MemoryCluster:
        if api.cluster.uid == "c2":
            raise ApiError("forbidden", "HTTP 403: no kubeconfig", transient=False)
        return palette.cluster

    with patch.object(RestoreSession, "kubernetes", reach):
        result = restore(palette, cluster=None, on_error="continue", max_failed_clusters=1)
    assert result["summary"]["restored"] == 3
    assert not result["clusters"]["cluster-2"]["reachable"]
    assert result["clusters"]["cluster-2"]["reason"] == "forbidden"


def test_vms_of_a_cluster_out_of_reach_have_rows(palette: PowerPalette) -> None:
    palette.add_cluster("c2", "cluster-2")
    palette.sick["c2"] = lambda _call: LOST
    db9 = {"cluster": "cluster-2", "namespace": "vms", "vm_name": "db9"}
    entries = [{"cluster": "cluster-1", "namespace": "vms", "vm_name": "db1"}, db9]
    given: Json = {"cluster": None, "namespaces": None, "vms": entries}
    result = restore(palette, **given, on_error="continue", members="all")
    rows = {label: (row["outcome"], row["reason"]) for label, row in result["members"].items()}
    assert rows["cluster-1/vms/db1"] == ("restored", None)
    assert rows["cluster-2/vms/db9"] == ("blocked", "cluster_unreachable")


def test_tolerated_failures_are_warned_of(palette: PowerPalette) -> None:
    palette.add_snapshot("new", VMS[1], course=({"phase": "InProgress"},))
    result = restore(palette, on_error="continue", max_failed=1)
    assert "failed" not in result
    assert any("1 of 3 members" in warning for warning in result["warnings"])


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"namespaces": None}, "vms: select VMs"),
        ({"vms": [{"vm_name": "db1", "name": "X"}], "namespaces": None}, "vms[0].name: "),
        ({"max_failed": -1}, "max_failed: "),
        ({"set": ""}, "set: "),
        ({"restore_name": "Ticket 1"}, "restore_name: "),
        ({"restore_name": ""}, "restore_name: "),
        ({"cluster": None, "kubeconfig": "/x"}, "kubeconfig: leads to one cluster"),
    ],
)
def test_wrong_options(palette: PowerPalette, options: Json, text: str) -> None:
    result = restore(palette, **options)
    assert result["reason"] == "invalid_parameters"
    assert any(problem.startswith(text) for problem in result["problems"]), result["problems"]


def test_a_namespace_alone_brings_nothing_back(palette: PowerPalette) -> None:
    result = restore(palette, namespaces=None, namespace="vms")
    assert result["reason"] == "invalid_parameters"
    assert "namespace alone selects nothing: set namespaces, or list vms" in result["msg"]


def test_nothing_selected(palette: PowerPalette) -> None:
    result = restore(palette, namespaces=["empty"])
    assert (result["reason"], result["changed"]) == ("nothing_selected", False)


def test_what_matches_nothing_is_looked_for_once(palette: PowerPalette) -> None:
    result = restore(palette, namespaces=["vms", "vmz"], on_error="continue")
    assert [miss["value"] for miss in result["unmatched"]] == ["vmz"]
    lists = [call for call in palette.calls if call.kind == "VMS"]
    assert len([call for call in lists if "namespace" not in call.query]) == 1

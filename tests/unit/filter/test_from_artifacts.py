# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter from_artifacts, as Ansible finds it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.spectrocloud.palette.plugins.filter.from_artifacts import FilterModule

from_artifacts = FilterModule().filters()["from_artifacts"]


def part(*vms: str, at: str = "2026-11-23T08:00:00Z", **more: Any) -> dict[str, Any]:
    rows = [{"id": vm, "vm_name": vm, "outcome": "created"} for vm in vms]
    return {"set": "nightly", "at": at, "rows": rows, "left_out": [], **more}


def names(rows: list[dict[str, Any]]) -> list[str]:
    return [row["vm_name"] for row in rows]


def test_from_artifacts_puts_the_parts_of_all_slices_together() -> None:
    given = {"vm_snapshots_nightly_1": part("a", "b"), "vm_snapshots_nightly_2": part("c")}
    assert names(from_artifacts({**given, "vm_snapshot_summary": {}, "other": 1})) == [
        "a",
        "b",
        "c",
    ]


def test_from_artifacts_takes_the_latest_row_of_a_vm() -> None:
    late = part("a", at="2026-11-23T09:00:00Z")
    late["rows"][0]["outcome"] = "deleted"
    given = {"vm_snapshots_nightly_1": late, "vm_snapshots_nightly_2": part("a", "b")}
    rows = {row["id"]: row["outcome"] for row in from_artifacts(given)}
    assert rows == {"a": "deleted", "b": "created"}


def test_from_artifacts_has_a_row_of_the_vms_that_a_part_only_names() -> None:
    group = {
        "set": "nightly",
        "cluster": "c",
        "cluster_uid": "u",
        "namespace": "vms",
        "outcome": "created",
        "reason": None,
        "ready_to_use": True,
        "vm_names": ["b", "d"],
    }
    rows = from_artifacts({"vm_snapshots_nightly_1": part("a", left_out=[group])})
    assert names(rows) == ["a", "b", "d"]
    assert rows[2]["id"] == "nightly/u/vms/d"


def test_from_artifacts_takes_only_those_of_a_set() -> None:
    given = {
        "vm_snapshots_a_1": part("a", set="a"),
        "vm_snapshots_20261125_2": part("b", set=20261125),
    }
    assert names(from_artifacts(given, "20261125")) == ["b"]


def test_from_artifacts_takes_only_those_of_an_artifact() -> None:
    given = {
        "vm_snapshots_nightly_1": part("a"),
        "vm_restores_nightly_1": part("b"),
        "vm_restores_nightly_2": part("c"),
        "vm_changes_nightly_1": part("d"),
        "vm_power_states_1": part("e", set=""),
    }
    found = {
        artifact: names(from_artifacts(given, artifact=artifact))
        for artifact in ("vm_snapshots", "vm_restores", "vm_changes", "vm_power_states")
    }
    assert [*found.values()] == [["a"], ["b", "c"], ["d"], ["e"]]
    assert names(from_artifacts(given, "nightly", artifact="vm_restores")) == ["b", "c"]


def test_from_artifacts_has_a_row_of_the_power_states_that_a_part_only_names() -> None:
    states = {"before": "Running", "after": "Stopped", "outcome": "stopped", "changed": True}
    place = {"cluster": "c", "cluster_uid": "u", "namespace": "vms", "reason": None}
    group = {**place, **states, "vm_names": ["b"]}
    given = {"vm_power_states_1": part("a", set="", left_out=[group])}
    (_whole, named) = from_artifacts(given, artifact="vm_power_states")
    assert (named["id"], named["outcome"], named["before"]) == ("u/vms/b", "stopped", "Running")


@pytest.mark.parametrize(
    ("wanted", "artifact", "text"),
    [
        (None, "vm_restore", "'vm_restore' is not known: use any of vm_snapshots, vm_restores"),
        (None, "vm_changes", "no earlier job has passed on guarded changes$"),
        ("s", "vm_power_states", "power states of the set 's'; there are those of no set$"),
    ],
)
def test_from_artifacts_says_which_artifact_is_not_there(
    wanted: str | None, artifact: str, text: str
) -> None:
    given = {"vm_snapshots_s_1": part("a", set="s"), "vm_power_states_1": part("a", set="")}
    with pytest.raises(AnsibleFilterError, match=text):
        from_artifacts(given, wanted, artifact=artifact)


@pytest.mark.parametrize(
    ("given", "wanted", "text"),
    [
        ({}, None, "no earlier job has passed on snapshots$"),
        ({"vm_snapshots_mine": "text"}, None, "no earlier job has passed on snapshots$"),
        (
            {"vm_snapshots_n_1": part("a")},
            "night",
            "of the set 'night'; there are those of nightly$",
        ),
        ([], None, "takes a dictionary such as hostvars"),
    ],
)
def test_from_artifacts_says_what_is_not_there(given: Any, wanted: str | None, text: str) -> None:
    with pytest.raises(AnsibleFilterError, match=text):
        from_artifacts(given, wanted)

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Results with no more rows than they may have: what failed stays, and all others are named."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.spectrocloud.palette.plugins.module_utils._vms.rows import (
    failed_only,
    shortened,
)
from unit.builders import Json

STATUS: Json = {"name": "x" * 63, "labels": {"a" * 63: "b" * 63}, "ready_to_use": True}


def told(row: Any) -> Json:
    """Return what is told of a row besides its outcome."""
    return {"ready_to_use": row["status"] is not None}


def whole(good: int, bad: int) -> Json:
    """Return a result with so many rows that are well, and then so many that failed."""
    common = {"changed": True, "cluster_uid": "u", "name": "s", "reason": None, "msg": ""}
    fine = {**common, "outcome": "created", "status": STATUS}
    sad = {**common, "outcome": "failed", "reason": "timeout", "msg": "m" * 500, "status": None}
    rows = {f"c/vms/vm-{number:05}": fine for number in range(good)}
    return {"members": {**rows, **{f"c/vms/bad-{number:05}": sad for number in range(bad)}}}


def listed(result: Json) -> Json:
    """Return the same with the rows in a list."""
    rows = []
    for label, row in result["members"].items():
        cluster, namespace, vm_name = label.split("/")
        rows.append({"cluster": cluster, "namespace": namespace, "vm_name": vm_name, **row})
    return {"vms": rows}


def test_failed_only_are_the_rows_that_failed_or_were_blocked() -> None:
    outcomes = ("created", "unchanged", "blocked", "failed", "not_tried", "absent")
    rows = {outcome: {"outcome": outcome} for outcome in outcomes}
    assert failed_only(rows) == {name: rows[name] for name in ("blocked", "failed")}


def test_shortened_leaves_few_rows_as_they_are() -> None:
    result = whole(2, 1)
    assert shortened(result, "members", 3, told) == {**result, "left_out": []}
    assert shortened(listed(result), "vms", 3, told) == {**listed(result), "left_out": []}
    assert shortened(result, "members", None, told) == result


def test_shortened_has_the_rows_that_failed_and_the_names_of_the_others() -> None:
    place = {"cluster": "c", "cluster_uid": "u", "namespace": "vms"}
    alike = {"outcome": "created", "changed": True, "reason": None, "ready_to_use": True}
    left_out = [{**place, **alike, "vm_names": ["vm-00000", "vm-00001"]}]
    short = shortened(whole(2, 1), "members", 2, told)
    assert (list(short["members"]), short["left_out"]) == (["c/vms/bad-00000"], left_out)
    short = shortened(listed(whole(2, 1)), "vms", 2, told)
    assert [row["vm_name"] for row in short["vms"]] == ["bad-00000"]
    assert short["left_out"] == left_out


@pytest.mark.parametrize("bad", [0, 10_000])
def test_shortened_fits_into_what_awx_keeps_at_10000_vms(bad: int) -> None:
    short = shortened(whole(10_000 - bad, bad), "members", 200, told)
    assert len(json.dumps(short)) < 700_000
    named = [name for group in short["left_out"] for name in group["vm_names"]]
    assert len(short["members"]) == (200 if bad else 0)
    assert len(named) + len(short["members"]) == 10_000

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A dry run of the role writes nothing, however it is asked for, and only then."""

from __future__ import annotations

from typing import Any

import pytest

from integration.role_user import (
    PLACE,
    RETAIN,
    ROLE,
    SHOW,
    SHOW_RETENTION,
    TAKE,
    User,
    artifacts,
    doomed,
    including,
    outcomes,
    passed_on,
    prefixed,
    results_of,
    words,
    writes,
)
from palette_simulator.launch import Simulator

TAKING: dict[str, Any] = {
    "set": "nightly",
    "name_template": "{vm}-{set}-{timestamp}",
    "vms": ["history"],
    "keep_last": 2,
}
PRUNING: dict[str, Any] = {"set": "nightly", "vm_names": "history", "keep_last": 2}
BOTH = [including(**TAKING), including("prune", **PRUNING)]
APPLIED = [
    including(entry_point, apply={"check_mode": True}, **variables)
    for entry_point, variables in (("main", TAKING), ("prune", PRUNING))
]
IMPORTED = [
    {
        "ansible.builtin.import_role": {"name": ROLE, "tasks_from": entry_point},
        "vars": prefixed({**PLACE, **variables}),
        "check_mode": True,
    }
    for entry_point, variables in (("main", TAKING), ("prune", PRUNING))
]
ONLY = [
    including(entry_point, check_only="yes", **variables)
    for entry_point, variables in (("main", TAKING), ("prune", PRUNING))
]
ENTRY = {"role": ROLE, "check_mode": True, "vars": prefixed({**PLACE, **TAKING})}
PLAYS: dict[str, dict[str, Any]] = {
    "--check": {"tasks": BOTH},
    "block": {"tasks": [{"block": BOTH, "check_mode": True}]},
    "apply": {"tasks": APPLIED},
    "import_role": {"tasks": IMPORTED},
    "play": {"tasks": BOTH, "check_mode": True},
    "check_only": {"tasks": ONLY},
    "check_only in a real block": {"tasks": [{"block": ONLY, "check_mode": False}]},
    # Here it cannot be prune.
    "roles": {"roles": [ENTRY]},
}


def retained(lines: list[str]) -> str:
    """Return the counts of a retention among the lines that the role shows."""
    return next(line for line in lines if line.startswith("retention: "))


@pytest.mark.parametrize("way", PLAYS)
def test_a_dry_run_writes_nothing_and_says_what_would_be(
    user: User, palette: Simulator, way: str
) -> None:
    flags = ["--check"] if way.startswith(("--check", "check_only in")) else []
    run = user.play(PLAYS[way], *flags).ok()
    assert outcomes(run) == {"vm-cluster-1/vms/history": "created"}
    assert run.of(TAKE)["changed"]
    assert words(run, SHOW) == ["1 VM: 1 would be created"]
    told = [retained(result["msg"]) for result in results_of(run, SHOW_RETENTION)]
    # The role counts the snapshot that it would take.
    predicted = [
        ("delete 4", "keep 2 and the new one"),
        ("delete 3", "keep 3"),
    ]
    assert told == [
        f"retention: would {deleted} snapshots in 1 set of 1 cluster, would {kept}"
        for deleted, kept in predicted[: len(told)]
    ]
    assert len(told) == (1 if way == "roles" else 2)
    assert artifacts(run).keys() == {"vm_snapshot_summary"}
    assert artifacts(run)["vm_snapshot_summary"]["check_mode"] is True
    assert writes(palette) == []


@pytest.mark.parametrize("around", ["block", "play"])
def test_check_mode_false_around_the_role_makes_it_real(
    user: User, palette: Simulator, around: str
) -> None:
    play: dict[str, Any] = {"tasks": BOTH, "check_mode": False}
    if around == "block":
        play = {"tasks": [{"block": BOTH, "check_mode": False}]}
    run = user.play(play, "--check").ok()
    assert words(run, SHOW) == ["1 VM: 1 created"]
    told = [retained(result["msg"]) for result in results_of(run, SHOW_RETENTION)]
    assert [text.split(",")[0] for text in told] == [
        "retention: deleted 4 snapshots in 1 set of 1 cluster",
        "retention: deleted 0 snapshots",
    ]
    assert [row["outcome"] for row in passed_on(run).values()] == ["created"]
    assert artifacts(run)["vm_snapshot_summary"]["check_mode"] is False
    assert sorted(writes(palette)) == ["create_snapshot", *["delete_snapshot"] * 4]


def test_a_dry_run_predicts_what_the_retention_deletes(user: User, palette: Simulator) -> None:
    tasks = [including(**TAKING)]
    predicted = user.play({"tasks": tasks}, "--check").ok()
    real = user.play({"tasks": tasks}).ok()
    assert doomed(predicted) == doomed(real)
    assert doomed(real).keys() >= {"history-2d", "history-7d"}
    assert predicted.of(RETAIN)["changed"]

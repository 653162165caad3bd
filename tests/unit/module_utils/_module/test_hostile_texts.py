# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No text of a server steers the terminal, whichever way it takes to the user."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ansible_collections.spectrocloud.palette.plugins.module_utils._http.errors import ApiError
from ansible_collections.spectrocloud.palette.plugins.module_utils._module import (
    vm_snapshot,
    vm_snapshot_info,
    vm_snapshot_retention,
    vm_snapshot_set,
)
from unit.builders import FAILED, Json, key_of, own_labels
from unit.palette_in_memory import NEVER_READY, MemoryPalette
from unit.tasks import run

EVIL = "\x1b[2J\x9b31m\u202eevil\r\nfatal: a line of its own"
STEERING = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
FOR_PEOPLE = ("msg", "message", "error", "warnings")


def texts_in(value: Any, key: str = "") -> Iterator[str]:
    """Yield the texts for people in a result."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from texts_in(item, name)
    elif isinstance(value, list):
        for item in value:
            yield from texts_in(item, key)
    elif isinstance(value, str) and key in FOR_PEOPLE:
        yield value


def demand_harmless(*texts: str) -> None:
    """Fail unless the texts say what the server said, and nothing that steers a terminal."""
    assert any("evil" in text for text in texts)
    assert [text for text in texts if STEERING.search(text)] == []


def palette_with_vms(*names: str, **status: Any) -> MemoryPalette:
    """Return a Palette with these VMs."""
    palette = MemoryPalette()
    for name in names:
        palette.add_vm(key_of(name), **status)
    return palette


def test_members_and_msg_of_a_set_are_harmless() -> None:
    palette = palette_with_vms("db1", "db2")
    palette.fail("POST", ApiError("rejected", EVIL), vm_name="db1")
    result = run(
        palette, vm_snapshot_set.MODULE, cluster_uid="c1", set="s", all=True, on_error="continue"
    )
    rows = [row["msg"] for row in result["members"].values()]
    demand_harmless(*rows)
    demand_harmless(*texts_in(result))


def test_snapshots_of_retention_are_harmless() -> None:
    palette = palette_with_vms("db1")
    for number in range(2):
        palette.add_snapshot(f"s{number}", key_of("db1"), own_labels("s"), age=9.0 + number)
    palette.fail("DELETE", ApiError("rejected", EVIL))
    result = run(palette, vm_snapshot_retention.MODULE, cluster_uid="c1", set="s", keep_last=1)
    demand_harmless(*[row["msg"] for row in result["snapshots"]])
    demand_harmless(*texts_in(result))


def test_clusters_and_warnings_are_harmless() -> None:
    palette = palette_with_vms("db1")
    palette.add_cluster("c2", f"two{EVIL}")
    palette.fail("LIST", ApiError("forbidden", EVIL))
    result = run(palette, vm_snapshot_info.MODULE, on_error="continue")
    demand_harmless(*[row["message"] for row in result["clusters"].values()])
    result = run(palette, vm_snapshot_info.MODULE, on_error="continue", vm_names=["nobody"])
    demand_harmless(*[row["message"] for row in result["clusters"].values()], "evil")
    demand_harmless(*result["warnings"], "evil")


def test_notes_are_harmless() -> None:
    volumes = [
        {"name": f"disk-{EVIL}", "enabled": False, "reason": EVIL},
        {"name": "rootdisk", "enabled": True},
    ]
    palette = palette_with_vms("db1", volumeSnapshotStatuses=volumes)
    given: Json = {"cluster_uid": "c1", "namespace": "vms", "vm_name": "db1", "name": "s"}
    demand_harmless(*run(palette, vm_snapshot.MODULE, **given)["warnings"])


def test_progress_is_harmless() -> None:
    palette = palette_with_vms("db1")
    palette.courses = {"db1": [{**NEVER_READY[0], "phase": f"InProgress{EVIL}"}]}
    lines: list[str] = []
    given: Json = {"cluster_uid": "c1", "namespace": "vms", "vm_name": "db1", "name": "s"}
    run(palette, vm_snapshot.MODULE, say=lines.append, wait_timeout=60, **given)
    demand_harmless(*lines)


def test_error_of_a_snapshot_is_harmless() -> None:
    palette = palette_with_vms("db1")
    failed = {**FAILED, "error": {"message": EVIL}}
    palette.add_snapshot("s", key_of("db1"), course=[failed])
    result = run(palette, vm_snapshot_info.MODULE, cluster_uid="c1")
    demand_harmless(*[row["error"] for row in result["snapshots"]])


def test_snapshot_that_is_nested_too_deeply_is_no_snapshot() -> None:
    deep: Any = {}
    for _depth in range(99):
        deep = {"f": deep}
    palette = palette_with_vms("db1")
    palette.add_snapshot("s", key_of("db1"), spec={"extra": deep})
    given: Json = {"cluster_uid": "c1", "namespace": "vms", "vm_name": "db1", "name": "s"}
    result = run(palette, vm_snapshot.MODULE, **given)
    assert result["reason"] == "malformed_response"
    assert "nested more than 50 deep" in result["msg"]

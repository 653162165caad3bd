# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What check mode and diffs say an action will have made of a snapshot."""

from __future__ import annotations

from typing import Any

from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots.desired import wanted
from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots.model import (
    Snapshot,
    read_snapshot,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots.plan import (
    CREATE,
    DELETE,
    KEEP,
    REFUSE,
    UPDATE,
    Action,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots.predict import (
    before_and_after,
    predicted,
)
from unit.sets.world import EPOCH, key_of

WANTED = wanted(key_of(), "s", {"labels": {"mine": "new"}}, EPOCH, part_of="nightly")


def existing(**labels: str) -> Snapshot:
    """Return a snapshot as Palette lists it."""
    manifest: dict[str, Any] = {
        "metadata": {"name": "s", "namespace": "vms", "uid": "u1", "labels": labels},
        "spec": {"source": {"kind": "VirtualMachine", "name": "db1"}},
        "status": {"phase": "Succeeded", "readyToUse": True},
    }
    return read_snapshot("c1", manifest)


def test_a_creation_leaves_what_is_asked_for() -> None:
    action = Action(CREATE, "absent", wanted=WANTED)
    assert before_and_after(action) == (None, WANTED.body)
    left = predicted(action)
    assert left
    assert (left.key, left.name, left.phase, left.ready) == (key_of(), "s", "", False)
    assert left.labels == WANTED.body["metadata"]["labels"]


def test_a_replacement_shows_the_old_one_before() -> None:
    old = existing(theirs="1")
    action = Action(CREATE, "snapshot_failed", current=old, wanted=WANTED)
    assert before_and_after(action) == (old.manifest, WANTED.body)
    left = predicted(action)
    assert left
    assert left.uid == ""


def test_an_update_keeps_what_others_wrote_and_takes_nothing_into_the_collections_care() -> None:
    old = existing(theirs="1", mine="old")
    action = Action(UPDATE, "metadata_differs", current=old, wanted=WANTED)
    left = predicted(action)
    assert left
    assert left.labels == {"theirs": "1", "mine": "new"}
    assert left.ready
    assert old.labels == {"theirs": "1", "mine": "old"}


def test_a_deletion_leaves_nothing_and_shows_what_was() -> None:
    old = existing()
    action = Action(DELETE, "present", current=old)
    assert before_and_after(action) == (old.manifest, None)
    assert predicted(action) == old


def test_keeping_and_refusing_change_nothing() -> None:
    old = existing()
    for verb in (KEEP, REFUSE):
        action = Action(verb, "present", current=old, wanted=WANTED)
        assert before_and_after(action) == (old.manifest, old.manifest)
        assert predicted(action) == old
    assert before_and_after(Action(REFUSE, "not_found", wanted=WANTED)) == (None, None)
    assert predicted(Action(KEEP, "absent")) is None

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of a restore's write whose answer does not tell."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

import pytest

from ansible_collections.spectrocloud.palette.plugins.module_utils._execution.doubt import (
    InDoubtError,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._http.errors import ApiError
from ansible_collections.spectrocloud.palette.plugins.module_utils._restores import writes
from unit.builders import Json, key_of
from unit.cluster_in_memory import NEVER_ENDS, MemoryCluster
from unit.module_utils._restores.restores import COMPLETE, restore_manifest
from unit.palette_in_memory import BROKEN, LOST, MemoryPalette, copy_of

DB1 = key_of("db1")


@pytest.fixture
def cluster() -> MemoryCluster:
    """Return a cluster with a VM that is off, whose restores are complete at once."""
    made = MemoryCluster(MemoryPalette())
    made.add_vm(DB1, "Halted")
    made.course = (COMPLETE,)
    return made


def body(name: str) -> Json:
    """Return what requests a restore of the VM."""
    made = restore_manifest()
    made["metadata"] = {"name": name, "namespace": DB1.namespace, "annotations": {}}
    made["spec"]["target"]["name"] = DB1.vm_name
    made["spec"]["targetReadinessPolicy"] = "FailImmediate"
    made.pop("status", None)
    return made


def loses(*lost: str) -> Any:
    """Return what lets writes be lost, by their names, where the cluster calls it."""

    def hook(write: str) -> None:
        if write in lost:
            raise copy_of(LOST)

    return hook


def test_creation_whose_answer_is_lost_is_found(cluster: MemoryCluster) -> None:
    cluster.after = loses("create")
    assert writes.create(cluster, DB1, body("back"), "request-1").name == "back"


def test_creation_that_is_not_found_is_in_doubt(cluster: MemoryCluster) -> None:
    """It may still come: what is found later says whose it is."""
    cluster.before = loses("create")
    with pytest.raises(InDoubtError) as raised:
        writes.create(cluster, DB1, body("back"), "request-1")
    cluster.before = loses()
    made = writes.create(cluster, DB1, body("back"), "request-1")
    assert raised.value.settle(made) == made
    with pytest.raises(ApiError, match="somebody else has just created restore"):
        raised.value.settle(made._replace(annotations={}))


def test_creation_whose_restore_cannot_be_read_is_in_doubt(cluster: MemoryCluster) -> None:
    cluster.after = loses("create")
    unread = patch.object(cluster, "restore", side_effect=copy_of(BROKEN))
    with unread, pytest.raises(InDoubtError, match="the list cannot be read either"):
        writes.create(cluster, DB1, body("back"), "request-1")


NO_RESTORE: Json = {"kind": "VirtualMachineRestore", "metadata": []}
UNREADABLE = pytest.mark.parametrize("answer", [NO_RESTORE, body("other")])


def answering(cluster: MemoryCluster, write: str, answer: Json) -> Any:
    """Return what lets a write be carried out, and have another answer."""
    carry_out = getattr(cluster, write)

    def write_and_answer(*arguments: Any) -> Json:
        carry_out(*arguments)
        return answer

    return patch.object(cluster, write, write_and_answer)


@UNREADABLE
def test_creation_whose_answer_cannot_be_read_is_found(
    cluster: MemoryCluster, answer: Json
) -> None:
    with answering(cluster, "create_restore", answer):
        assert writes.create(cluster, DB1, body("back"), "request-1").name == "back"


@UNREADABLE
def test_close_whose_answer_cannot_be_read(cluster: MemoryCluster, answer: Json) -> None:
    writes.create(cluster, DB1, body("back"), "request-1")
    with answering(cluster, "annotate_restore", answer):
        closed = writes.close(cluster, 0, DB1, "back")
        assert closed
        assert closed.done
        unread = patch.object(cluster, "restore", side_effect=copy_of(BROKEN))
        with unread, pytest.raises(ApiError) as raised:
            writes.close(cluster, 0, DB1, "back")
    assert (raised.value.reason, raised.value.outcome_unknown) == ("malformed_response", True)


def test_creation_beside_another_restore_says_so(cluster: MemoryCluster) -> None:
    cluster.course = NEVER_ENDS
    writes.create(cluster, DB1, body("first"), "request-1")
    with pytest.raises(ApiError, match='"first" in progress') as raised:
        writes.create(cluster, DB1, body("second"), "request-2")
    assert raised.value.reason == "restore_in_progress"


@pytest.mark.parametrize("after", [False, True])
def test_close_whose_answer_is_lost(cluster: MemoryCluster, after: bool) -> None:
    writes.create(cluster, DB1, body("back"), "request-1")
    if after:
        cluster.after = loses("close")
        closed = writes.close(cluster, 0, DB1, "back")
        assert closed
        assert closed.done
        return
    cluster.before = loses("close")
    with pytest.raises(ApiError, match="the connection was cut"):
        writes.close(cluster, 0, DB1, "back")


def test_close_of_which_nothing_can_be_read_fails_as_it_did(cluster: MemoryCluster) -> None:
    writes.create(cluster, DB1, body("back"), "request-1")
    cluster.after = loses("close")
    unread = patch.object(cluster, "restore", side_effect=copy_of(BROKEN))
    with unread, pytest.raises(ApiError, match="the connection was cut") as raised:
        writes.close(cluster, 0, DB1, "back")
    assert raised.value.outcome_unknown


def is_refused_once(write: str) -> Any:
    """Return what tells of the first of these writes that there is no such restore."""
    refusals = [ApiError("not_found", "no such restore", http_status=404)]

    def hook(name: str) -> None:
        if name == write and refusals:
            raise refusals.pop()

    return hook


def test_one_answer_that_a_restore_is_gone_is_not_believed(cluster: MemoryCluster) -> None:
    made = writes.create(cluster, DB1, body("back"), "request-1")
    cluster.before = is_refused_once("close")
    closed = writes.close(cluster, 1, DB1, "back")
    assert closed
    assert closed.done
    cluster.before = is_refused_once("delete")
    writes.delete(cluster, 1, DB1, "back", made.uid)
    with pytest.raises(ApiError, match="not found"):
        cluster.restore(DB1.namespace, "back")


def test_one_answer_that_a_vm_is_gone_is_not_believed(cluster: MemoryCluster) -> None:
    cluster.before = is_refused_once("record")
    writes.record(cluster, 1, DB1, "2026-11-26T08:00:00Z")
    assert cluster.writes == ["record"]


def test_a_vm_that_is_gone_is_not_asked_for_again(cluster: MemoryCluster) -> None:
    tried: list[str] = []
    cluster.before = tried.append
    cluster.machines.clear()
    with pytest.raises(ApiError, match="not found"):
        writes.record(cluster, 5, DB1, "2026-11-26T08:00:00Z")
    assert tried == ["record"]


def test_a_restore_that_is_gone_needs_neither_mark_nor_deletion(cluster: MemoryCluster) -> None:
    made = writes.create(cluster, DB1, body("back"), "request-1")
    writes.delete(cluster, 0, DB1, "back", made.uid)
    assert writes.close(cluster, 0, DB1, "back") is None
    writes.delete(cluster, 0, DB1, "back", made.uid)
    assert cluster.writes == ["create", "delete"]

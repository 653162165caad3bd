# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""vm_snapshot's core against a cluster in memory: every row of what it promises."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.spectrocloud.palette.plugins.module_utils._module import (
    vm_snapshot as single,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._module.options import (
    VM_SNAPSHOT,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._module.task import Task
from ansible_collections.spectrocloud.palette.plugins.module_utils._palette.errors import (
    PaletteError,
)
from unit.fakes import (
    BECOMES_READY,
    BROKEN,
    FAILED,
    FORBIDDEN,
    LOST,
    READY,
    RUNNING,
    SUCCEEDED,
    TIMED_OUT,
    Clock,
    FakeCluster,
    Json,
)

MANAGED = {"app.kubernetes.io/managed-by": "ansible"}
REQUEST_ID = "spectrocloud.palette/request-id"

Run = Callable[..., dict[str, Any]]


@pytest.fixture(params=[False, True], ids=["kubernetes", "go-swagger"])
def palette(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> FakeCluster:
    """A cluster with the VM db1, in each of Palette's JSON styles, where no time is lost."""
    cluster = FakeCluster(go_swagger=request.param)
    cluster.add_vm("db1")

    class Place:
        def __init__(self, _options: Any) -> None:
            pass

        def cluster(self) -> FakeCluster:
            return cluster

    monkeypatch.setattr(single, "Place", Place)
    return cluster


def options_of(**given: Any) -> dict[str, Any]:
    """Return all options as a module gets them."""
    named: dict[str, Any] = {} if {"name", "name_prefix"} & set(given) else {"name": "before"}
    minimal = {"vm_name": "db1", "namespace": "vms", "cluster_uid": "c1", "api_key": "secret"}
    checked = ArgumentSpecValidator(VM_SNAPSHOT.spec).validate({**minimal, **named, **given})
    assert checked.error_messages == []
    options: dict[str, Any] = checked.validated_parameters
    return options


def run(check: bool = False, warnings: list[str] | None = None, **given: Any) -> dict[str, Any]:
    """Run the core with diff and return its result."""
    warn = (warnings if warnings is not None else []).append
    options = options_of(**given)
    assert single.problems(options) == []
    return single.run(Task(options, check_mode=check, diff_mode=True, warn=warn))


def failure_of(check: bool = False, **given: Any) -> PaletteError:
    """Return the error that the core ends with."""
    with pytest.raises(PaletteError) as caught:
        run(check, **given)
    error = caught.value
    assert error.facts["outcome"] == "failed"
    assert {"changed", "snapshot", "status"} <= set(error.facts)
    return error


def snapshot_in(palette: FakeCluster, name: str = "before") -> Json:
    """Return a snapshot as the cluster has it."""
    return palette.objects["vms", name]


# Taking one


def test_a_snapshot_is_taken_and_waited_for(palette: FakeCluster) -> None:
    result = run(labels={"tier": "db"}, deletion_policy="Delete", failure_deadline="10m")
    assert (result["changed"], result["outcome"]) == (True, "created")
    assert result["status"]["ready_to_use"] is True
    assert result["status"]["phase"] == "Succeeded"
    assert result["status"]["quiesced"] is True
    assert result["status"]["included_volumes"] == ["rootdisk"]
    assert result["status"]["creation_time"] == "2026-01-02T03:04:08Z"
    assert result["snapshot"]["metadata"]["uid"] == result["status"]["uid"]
    assert palette.writes == ["POST"]
    stored = snapshot_in(palette)
    assert stored["metadata"]["labels"] == {"tier": "db", **MANAGED}
    assert list(stored["metadata"]["annotations"]) == [REQUEST_ID]
    assert stored["spec"] == {
        "source": {"apiGroup": "kubevirt.io", "kind": "VirtualMachine", "name": "db1"},
        "deletionPolicy": "Delete",
        "failureDeadline": "10m",
    }


def test_without_waiting_the_answer_is_returned_at_once(palette: FakeCluster, clock: Clock) -> None:
    result = run(wait=False)
    assert (result["changed"], result["outcome"]) == (True, "created")
    assert result["status"]["phase"] is None
    assert result["status"]["ready_to_use"] is False
    assert result["status"]["creation_time"] == "2026-01-02T03:04:05Z"
    assert clock.slept == []


def test_succeeded_is_not_ready(palette: FakeCluster) -> None:
    palette.courses["db1"] = (RUNNING, *[SUCCEEDED] * 20, READY)
    assert run()["status"]["ready_to_use"] is True


def test_an_error_that_passes_is_waited_through(palette: FakeCluster) -> None:
    troubled = {**RUNNING, "error": {"message": "Failed freezing vm db1: agent busy"}}
    palette.courses["db1"] = (troubled, troubled, READY)
    result = run()
    assert result["status"]["ready_to_use"] is True
    assert result["status"]["error"] is None


def test_a_prefix_takes_a_new_snapshot_each_time(palette: FakeCluster) -> None:
    names = {run(name_prefix="nightly-")["status"]["name"] for _number in range(3)}
    assert len(names) == 3
    assert all(name.startswith("nightly-") and len(name) == 16 for name in names)


def test_a_definition_is_sent_whole(palette: FakeCluster) -> None:
    definition = {
        "apiVersion": "snapshot.kubevirt.io/v1alpha1",
        "metadata": {"annotations": {"a": "1"}, "finalizers": ["example.com/keep"]},
        "spec": {"failureDeadline": "1h", "deletionPolicy": "Retain"},
    }
    run(definition=definition, failure_deadline="2h", annotations={"b": "2"})
    stored = snapshot_in(palette)
    assert stored["apiVersion"] == "snapshot.kubevirt.io/v1alpha1"
    assert stored["metadata"]["finalizers"] == ["example.com/keep"]
    assert stored["spec"]["failureDeadline"] == "2h"
    assert stored["spec"]["deletionPolicy"] == "Retain"
    assert stored["metadata"]["annotations"].items() >= {"a": "1", "b": "2"}.items()


def test_a_missing_vm_is_told_before_a_write(palette: FakeCluster) -> None:
    error = failure_of(vm_name="db9")
    assert error.reason == "not_found"
    assert "db9" in error.message
    assert palette.writes == []


def test_a_vm_that_a_get_cannot_find_is_looked_for_in_the_list(palette: FakeCluster) -> None:
    palette.add_vm("snapshot")  # its path is that of the list of snapshots
    assert run(vm_name="snapshot")["outcome"] == "created"


def test_an_answer_that_is_not_the_vm_is_no_proof_of_it(palette: FakeCluster) -> None:
    palette.machines["vms", "db9"] = {"kind": "Something"}
    assert failure_of(vm_name="db9").reason == "not_found"
    assert palette.writes == []


def test_a_forbidden_vm_is_not_an_absent_one(palette: FakeCluster) -> None:
    palette.fail("VM", FORBIDDEN)
    with pytest.raises(PaletteError) as caught:
        run()
    assert caught.value.reason == "forbidden"


@pytest.mark.parametrize(
    ("status", "reason", "told"),
    [
        ({"restoreInProgress": "restore-1"}, "restore_in_progress", "restore-1"),
        (
            {"volumeSnapshotStatuses": [{"name": "root", "enabled": False, "reason": "no class"}]},
            "not_snapshottable",
            "no class",
        ),
    ],
)
def test_a_vm_that_cannot_be_snapshotted_is_refused(
    palette: FakeCluster, status: Json, reason: str, told: str
) -> None:
    palette.add_vm("db1", **status)
    for check in (True, False):
        error = failure_of(check)
        assert error.reason == reason
        assert told in error.message
    assert palette.writes == []


def test_a_vm_that_is_being_deleted_is_refused(palette: FakeCluster) -> None:
    palette.machines["vms", "db1"]["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert failure_of().reason == "vm_terminating"


def test_one_volume_that_can_be_snapshotted_is_enough(palette: FakeCluster) -> None:
    volumes = [{"name": "a", "enabled": False}, {"name": "b", "enabled": True}]
    palette.add_vm("db1", volumeSnapshotStatuses=volumes)
    assert run()["changed"] is True


def test_volumes_that_are_not_told_are_worth_a_warning(palette: FakeCluster) -> None:
    palette.add_vm("db1", volumeSnapshotStatuses=None)
    warnings: list[str] = []
    assert run(warnings=warnings)["changed"] is True
    assert len(warnings) == 1
    assert "db1" in warnings[0]


def test_another_snapshot_in_progress_is_reported_and_waited_for(palette: FakeCluster) -> None:
    palette.add_snapshot("other")
    warnings: list[str] = []
    assert run(warnings=warnings)["outcome"] == "created"
    assert "other" in warnings[0]
    looks_before = palette.calls.index(("POST", "before"))
    assert palette.calls[:looks_before].count(("LIST", "db1")) == BECOMES_READY.index(SUCCEEDED) + 1


def test_another_snapshot_that_does_not_end_is_named(palette: FakeCluster) -> None:
    palette.add_snapshot("other", status=RUNNING)
    error = failure_of(wait_timeout=10)
    assert error.reason == "wait_timeout"
    assert "other" in error.message
    assert error.facts["changed"] is False
    assert palette.writes == []


def test_a_lock_that_only_the_vm_tells_of_is_reported(palette: FakeCluster) -> None:
    palette.add_vm("db1", snapshotInProgress="elsewhere")
    warnings: list[str] = []
    run(warnings=warnings)
    assert "elsewhere" in warnings[0]


# One that is there already


def test_again_nothing_is_changed(palette: FakeCluster) -> None:
    given: dict[str, Any] = {
        "labels": {"a": "1"},
        "annotations": {"b": "2"},
        "failure_deadline": "10m",
        "deletion_policy": "Delete",
    }
    run(**given)
    result = run(**given)
    assert (result["changed"], result["outcome"]) == (False, "unchanged")
    assert result["diff"]["before"] == result["diff"]["after"]
    assert palette.writes == ["POST"]
    assert result["status"]["ready_to_use"] is True


@pytest.mark.parametrize(
    ("now", "asked"), [("10m0s", "10m"), ("1h30m0s", "90m"), (None, "5m"), (None, "300s")]
)
def test_durations_are_compared_by_value(palette: FakeCluster, now: str | None, asked: str) -> None:
    palette.add_snapshot("before", spec={"failureDeadline": now} if now else {}, status=READY)
    assert run(failure_deadline=asked)["changed"] is False


def test_one_that_is_still_in_progress_is_waited_for(palette: FakeCluster) -> None:
    palette.add_snapshot("before")
    result = run()
    assert (result["changed"], result["outcome"]) == (False, "unchanged")
    assert result["status"]["ready_to_use"] is True
    assert palette.writes == []


def test_metadata_that_differs_is_updated_and_what_others_wrote_stays(
    palette: FakeCluster,
) -> None:
    palette.add_snapshot(
        "before",
        metadata={"labels": {"theirs": "1", "a": "old"}, "annotations": {"note": "theirs"}},
        status=READY,
    )
    result = run(labels={"a": "new"}, annotations={"b": "2"})
    assert (result["changed"], result["outcome"]) == (True, "updated")
    meta = snapshot_in(palette)["metadata"]
    assert meta["labels"] == {"theirs": "1", "a": "new"}
    assert meta["annotations"] == {"note": "theirs", "b": "2"}
    assert result["diff"]["before"]["metadata"]["labels"] == {"theirs": "1", "a": "old"}
    assert result["diff"]["after"]["metadata"]["labels"] == {"theirs": "1", "a": "new"}
    assert run(labels={"a": "new"}, annotations={"b": "2"})["changed"] is False


def test_what_others_write_meanwhile_stays_as_well(palette: FakeCluster) -> None:
    palette.add_snapshot("before", metadata={"labels": {"a": "old"}}, status=READY)
    looks: list[int] = []

    def somebody_writes() -> None:
        looks.append(1)
        if len(looks) == 2:
            snapshot_in(palette)["metadata"]["labels"]["theirs"] = "late"
            palette.touch("vms", "before")

    palette.on_look.append(somebody_writes)
    run(labels={"a": "new"})
    assert snapshot_in(palette)["metadata"]["labels"] == {"a": "new", "theirs": "late"}


def test_a_stale_version_is_read_again(palette: FakeCluster) -> None:
    palette.add_snapshot("before", status=READY)
    palette.fail("PUT", PaletteError("conflict", "modified"), PaletteError("conflict", "modified"))
    assert run(labels={"a": "1"})["outcome"] == "updated"
    assert snapshot_in(palette)["metadata"]["labels"] == {"a": "1"}


def test_a_snapshot_of_another_vm_is_a_conflict(palette: FakeCluster) -> None:
    palette.add_vm("db2")
    palette.add_snapshot("before", vm_name="db2", status=READY)
    for check in (True, False):
        error = failure_of(check)
        assert error.reason == "conflict"
        assert "db2" in error.message
    assert snapshot_in(palette)["spec"]["source"]["name"] == "db2"


@pytest.mark.parametrize(
    ("spec", "given", "field"),
    [
        ({"failureDeadline": "10m"}, {"failure_deadline": "20m"}, "failureDeadline"),
        ({"deletionPolicy": "Retain"}, {"deletion_policy": "Delete"}, "deletionPolicy"),
        ({}, {"deletion_policy": "Retain"}, "deletionPolicy"),
        ({}, {"failure_deadline": "0"}, "failureDeadline"),
        ({}, {"definition": {"spec": {"failureDeadline": "1h"}}}, "failureDeadline"),
    ],
)
def test_another_spec_is_an_error_that_names_the_field(
    palette: FakeCluster, spec: Json, given: Json, field: str
) -> None:
    palette.add_snapshot("before", spec=spec, status=READY)
    for check in (True, False):
        error = failure_of(check, **given)
        assert error.reason == "spec_differs"
        assert field in error.message
        assert "replace" in error.message
    assert palette.writes == []


def test_a_spec_that_is_not_declared_does_not_differ(palette: FakeCluster) -> None:
    spec = {"failureDeadline": "10m", "deletionPolicy": "Retain"}
    palette.add_snapshot("before", spec=spec, status=READY)
    assert run()["changed"] is False


def test_a_failed_one_is_an_error_with_its_cause(palette: FakeCluster) -> None:
    palette.add_snapshot("before", status=FAILED)
    error = failure_of()
    assert error.reason == "snapshot_failed"
    assert "snapshot deadline exceeded" in error.message
    assert error.facts["status"]["phase"] == "Failed"
    assert palette.writes == []


@pytest.mark.parametrize(
    ("more", "given"),
    [
        ({"status": FAILED}, {}),
        ({"status": READY, "spec": {"failureDeadline": "1h"}}, {"failure_deadline": "2h"}),
    ],
)
@pytest.mark.parametrize("wait", [True, False])
def test_replace_deletes_it_and_takes_it_anew(
    palette: FakeCluster, more: Json, given: Json, wait: bool
) -> None:
    old = palette.add_snapshot("before", **more)["metadata"]["uid"]
    result = run(replace=True, wait=wait, **given)
    assert (result["changed"], result["outcome"]) == (True, "replaced")
    assert palette.writes == ["DELETE", "POST"]
    assert result["status"]["uid"] not in (None, old)
    assert result["status"]["ready_to_use"] is wait


def test_replace_replaces_nothing_that_is_right(palette: FakeCluster) -> None:
    palette.add_snapshot("before", status=READY)
    assert run(replace=True)["changed"] is False
    assert palette.writes == []


def test_replace_does_not_delete_what_cannot_be_taken_anew(palette: FakeCluster) -> None:
    palette.add_snapshot("before", status=FAILED)
    palette.add_vm("db1", restoreInProgress="restore-1")
    assert failure_of(replace=True).reason == "restore_in_progress"
    assert palette.writes == []


def test_replace_leaves_another_vms_snapshot_alone(palette: FakeCluster) -> None:
    palette.add_snapshot("before", vm_name="db2", status=FAILED)
    assert failure_of(replace=True).reason == "conflict"
    assert palette.writes == ["POST"]
    assert "deletionTimestamp" not in snapshot_in(palette)["metadata"]


@pytest.mark.parametrize("wait", [True, False])
def test_one_that_is_being_deleted_is_waited_for_and_taken_anew(
    palette: FakeCluster, wait: bool
) -> None:
    old = palette.add_snapshot("before", status=READY)["metadata"]["uid"]
    palette.lingers = 5
    palette.start_deletion("vms", "before")
    result = run(wait=wait)
    assert (result["changed"], result["outcome"]) == (True, "created")
    assert palette.writes == ["POST"]
    assert result["status"]["uid"] != old


# Waiting and its ends


def test_a_failure_ends_the_waiting_at_once_with_its_cause(
    palette: FakeCluster, clock: Clock
) -> None:
    palette.courses["db1"] = (RUNNING, FAILED)
    error = failure_of()
    assert error.reason == "snapshot_failed"
    assert "snapshot deadline exceeded" in error.message
    assert error.facts["changed"] is True
    assert error.facts["status"]["phase"] == "Failed"
    assert clock.now - 1000 < 5


def test_a_timeout_says_what_was_last_seen(palette: FakeCluster, clock: Clock) -> None:
    stuck = {**RUNNING, "error": {"message": "Failed freezing vm db1"}}
    palette.courses["db1"] = (stuck,)
    error = failure_of(wait_timeout=120)
    assert error.reason == "wait_timeout"
    assert "within 120 s" in error.message
    assert "Failed freezing vm db1" in error.message
    assert error.facts["changed"] is True
    assert error.facts["status"]["phase"] == "InProgress"
    assert 120 <= clock.now - 1000 < 126


def test_a_disappearance_is_its_own_end(palette: FakeCluster) -> None:
    palette.courses["db1"] = (RUNNING,)
    palette.lingers = 0
    palette.on_look.append(palette.objects.clear)
    error = failure_of()
    assert error.reason == "snapshot_disappeared"
    assert error.facts["changed"] is True


def test_a_list_that_misses_it_once_is_not_a_disappearance(palette: FakeCluster) -> None:
    hidden: list[Json] = []

    def hide_for_one_look() -> None:
        if ("vms", "before") in palette.objects and not hidden:
            hidden.append(palette.objects.pop(("vms", "before")))
        elif hidden:
            palette.objects["vms", "before"] = hidden[0]

    palette.on_look.append(hide_for_one_look)
    assert run()["outcome"] == "created"


def test_a_deletion_by_somebody_else_is_its_own_end(palette: FakeCluster) -> None:
    palette.courses["db1"] = (RUNNING,)
    palette.lingers = None

    def somebody_deletes() -> None:
        if ("vms", "before") in palette.objects:
            palette.start_deletion("vms", "before")

    palette.on_look.append(somebody_deletes)
    assert failure_of().reason == "snapshot_deleted"


def test_one_of_the_same_name_taken_by_somebody_else_is_not_ours(palette: FakeCluster) -> None:
    palette.courses["db1"] = (RUNNING,)

    def somebody_swaps() -> None:
        if ("vms", "before") in palette.objects:
            del palette.objects["vms", "before"]
            palette.add_snapshot("before", status=READY)

    palette.on_look.append(somebody_swaps)
    assert failure_of().reason == "snapshot_disappeared"


def test_looks_that_fail_until_the_deadline_are_told(palette: FakeCluster, clock: Clock) -> None:
    def go_blind() -> None:
        if ("POST", "before") in palette.calls:
            raise BROKEN

    palette.on_look.append(go_blind)
    error = failure_of(wait_timeout=60)
    assert error.reason == "wait_timeout"
    assert "HTTP 500" in error.message
    assert error.facts["changed"] is True
    assert 60 <= clock.now - 1000 < 66


def test_a_few_blind_looks_do_not_end_the_waiting(palette: FakeCluster) -> None:
    looks: list[int] = []

    def blink() -> None:
        looks.append(1)
        if 2 <= len(looks) <= 5:
            raise LOST

    palette.on_look.append(blink)
    assert run()["status"]["ready_to_use"] is True


@pytest.mark.parametrize("reason", ["unauthorized", "forbidden", "tls_error"])
def test_a_look_that_time_does_not_mend_ends_the_waiting(
    palette: FakeCluster, clock: Clock, reason: str
) -> None:
    def expire() -> None:
        if ("POST", "before") in palette.calls:
            raise PaletteError(reason, "no longer")

    palette.on_look.append(expire)
    error = failure_of()
    assert error.reason == reason
    assert error.facts["changed"] is True
    assert clock.now - 1000 < 5


# Consistency


@pytest.mark.parametrize(
    ("indications", "good"),
    [
        (["GuestAgent", "Online"], True),
        ([], True),
        (["NoGuestAgent", "Online"], False),
        (["Online", "Paused"], False),
        (["GuestAgent", "Online", "QuiesceFailed"], False),
        (["GuestAgent", "Online", "QuiesceTimeout"], False),
        (["Online"], False),
    ],
)
def test_filesystem_consistency_needs_a_frozen_or_stopped_vm(
    palette: FakeCluster, indications: list[str], good: bool
) -> None:
    palette.courses["db1"] = (RUNNING, {**READY, "indications": indications})
    assert run(name="anyhow")["status"]["quiesced"] is good
    if good:
        assert run(consistency="filesystem")["status"]["quiesced"] is True
        return
    error = failure_of(consistency="filesystem")
    assert error.reason == "not_quiesced"
    assert "before" in error.message
    assert error.facts["changed"] is True
    assert error.facts["status"]["ready_to_use"] is True
    assert ("vms", "before") in palette.objects


@pytest.mark.parametrize("check_mode", [True, False])
def test_consistency_is_demanded_of_one_that_is_there_already(
    palette: FakeCluster, check_mode: bool
) -> None:
    palette.add_snapshot("before", status={**READY, "indications": ["NoGuestAgent", "Online"]})
    error = failure_of(check_mode, consistency="filesystem", labels={"a": "b"})
    assert (error.reason, error.facts["changed"]) == ("not_quiesced", False)
    assert error.facts["status"]["name"] == "before"
    assert palette.writes == []


# Deleting one


def test_deletion_is_waited_for(palette: FakeCluster) -> None:
    palette.add_snapshot("before", status=READY)
    palette.lingers = 4
    result = run(state="absent")
    assert (result["changed"], result["outcome"]) == (True, "deleted")
    assert palette.objects == {}
    assert result["status"]["deleting"] is False, "it is shown as it was before"
    assert result["diff"]["after"] == {}
    assert result["diff"]["before"]["metadata"]["name"] == "before"
    again = run(state="absent")
    assert (again["changed"], again["outcome"]) == (False, "absent")
    assert (again["snapshot"], again["status"]) == (None, None)
    assert palette.writes == ["DELETE"]


def test_deletion_without_waiting_is_asked_for_only(palette: FakeCluster) -> None:
    palette.add_snapshot("before", status=READY)
    assert run(state="absent", wait=False)["outcome"] == "deleted"
    assert ("vms", "before") in palette.objects


def test_deletion_that_does_not_end_is_told(palette: FakeCluster, clock: Clock) -> None:
    palette.add_snapshot("before", status=READY)
    palette.lingers = None
    error = failure_of(state="absent", wait_timeout=30)
    assert error.reason == "wait_timeout"
    assert "not gone" in error.message
    assert error.facts["changed"] is True
    assert error.facts["status"]["deleting"] is True
    assert 30 <= clock.now - 1000 < 36


def test_a_deletion_under_way_is_waited_for_but_not_asked_for_again(palette: FakeCluster) -> None:
    palette.add_snapshot("before", status=READY)
    palette.lingers = 3
    palette.start_deletion("vms", "before")
    result = run(state="absent")
    assert (result["changed"], result["outcome"]) == (False, "absent")
    assert palette.writes == []
    assert palette.objects == {}


def test_another_vms_snapshot_is_left_alone_with_a_warning(palette: FakeCluster) -> None:
    palette.add_snapshot("before", vm_name="db2", status=READY)
    warnings: list[str] = []
    result = run(state="absent", warnings=warnings)
    assert (result["changed"], result["outcome"]) == (False, "absent")
    assert "db2" in warnings[0]
    assert ("vms", "before") in palette.objects


def test_the_vm_need_not_exist_for_a_deletion(palette: FakeCluster) -> None:
    palette.machines.clear()
    palette.add_snapshot("before", status=READY)
    assert run(state="absent")["outcome"] == "deleted"


# Exactly once


@pytest.mark.parametrize("error", [LOST, TIMED_OUT, BROKEN])
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("times", [1, 2])
def test_a_post_whose_answer_is_lost_makes_one_snapshot(
    palette: FakeCluster, error: PaletteError, when: str, times: int
) -> None:
    palette.fail("POST", *[error] * times, when=when)
    result = run()
    assert (result["changed"], result["outcome"]) == (True, "created")
    assert len(palette.objects) == 1
    assert palette.writes.count("POST") == (times + 1 if when == "before" else 1)
    assert result["status"]["ready_to_use"] is True


def test_a_post_that_arrives_late_is_still_ours(palette: FakeCluster) -> None:
    late: list[Json] = []
    create = palette.create_snapshot

    def arrive_later(vm_name: str, namespace: str, body: Json) -> Json:
        if not late:
            late.append(deepcopy(body))
            palette.calls.append(("POST", "lost"))
            raise LOST
        palette.add_snapshot("before", metadata={"annotations": late[0]["metadata"]["annotations"]})
        return create(vm_name, namespace, body)

    palette.create_snapshot = arrive_later  # type: ignore[method-assign]
    result = run()
    assert (result["changed"], result["outcome"]) == (True, "created")
    assert len(palette.objects) == 1


@pytest.mark.parametrize("vm_name", ["db1", "db2"])
def test_a_name_taken_meanwhile_is_a_conflict(palette: FakeCluster, vm_name: str) -> None:
    def somebody_is_faster() -> None:
        if ("VM", "db1") in palette.calls and not palette.objects:
            palette.add_snapshot("before", vm_name=vm_name, status=READY)

    palette.fail("POST", LOST)
    palette.on_look.append(somebody_is_faster)
    error = failure_of()
    assert error.reason == "conflict"
    assert error.facts["changed"] is False
    assert error.facts["status"]["vm_name"] == vm_name


def test_a_post_and_list_that_both_fail_leave_the_outcome_open(palette: FakeCluster) -> None:
    def go_blind() -> None:
        if "POST" in palette.writes:
            raise FORBIDDEN

    palette.fail("POST", LOST)
    palette.on_look.append(go_blind)
    error = failure_of()
    assert error.reason == "unreachable"
    assert error.outcome_unknown
    assert "not known" in error.message
    assert "HTTP 403: no" in error.message


def test_a_post_that_is_always_lost_is_given_up(palette: FakeCluster) -> None:
    palette.fail("POST", *[LOST] * 10)
    error = failure_of()
    assert error.reason == "unreachable"
    assert palette.writes == ["POST"] * 3
    assert error.facts["changed"] is False


def test_a_refused_post_is_not_repeated(palette: FakeCluster) -> None:
    palette.fail("POST", PaletteError("rejected", "webhook denied the request", http_status=422))
    error = failure_of()
    assert error.reason == "rejected"
    assert error.facts["http_status"] == 422
    assert palette.writes == ["POST"]


ANOTHER: Json = {
    "metadata": {"name": "another", "namespace": "vms"},
    "spec": {"source": {"kind": "VirtualMachine", "name": "db1"}},
}


@pytest.mark.parametrize(
    "answer", [{}, {"status": "ok"}, {"metadata": {"name": "before"}}, {"metadata": []}, ANOTHER]
)
@pytest.mark.parametrize("retries", [0, 2])
def test_an_answer_that_is_not_the_snapshot_is_settled_by_the_list(
    palette: FakeCluster, answer: Json, retries: int
) -> None:
    palette.retries = retries
    create = palette.create_snapshot

    def answer_nonsense(vm_name: str, namespace: str, body: Json) -> Json:
        create(vm_name, namespace, body)
        return answer

    palette.create_snapshot = answer_nonsense  # type: ignore[method-assign]
    result = run(wait=False)
    assert (result["changed"], result["outcome"]) == (True, "created")
    assert result["status"]["name"] == "before"
    assert palette.writes == ["POST"]


@pytest.mark.parametrize("error", [LOST, TIMED_OUT, BROKEN])
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("times", [1, 2])
def test_a_put_whose_answer_is_lost_updates_once(
    palette: FakeCluster, error: PaletteError, when: str, times: int
) -> None:
    palette.add_snapshot("before", status=READY)
    palette.fail("PUT", *[error] * times, when=when)
    result = run(labels={"a": "1"})
    assert (result["changed"], result["outcome"]) == (True, "updated")
    assert snapshot_in(palette)["metadata"]["labels"] == {"a": "1"}
    assert palette.writes.count("PUT") == (times + 1 if when == "before" else 1)


def test_without_retries_the_list_still_settles_a_lost_put(palette: FakeCluster) -> None:
    palette.retries = 0
    palette.add_snapshot("before", status=READY)
    palette.fail("PUT", LOST, when="after")
    assert run(labels={"a": "1"})["outcome"] == "updated"


@pytest.mark.parametrize("deleting", [True, False])
def test_an_update_of_what_was_deleted_meanwhile_is_told(
    palette: FakeCluster, deleting: bool
) -> None:
    palette.add_snapshot("before", status=READY)
    palette.lingers = None
    looks: list[int] = []

    def somebody_deletes() -> None:
        looks.append(1)
        if len(looks) == 2 and deleting:
            palette.start_deletion("vms", "before")
        elif len(looks) == 2:
            palette.objects.clear()

    palette.on_look.append(somebody_deletes)
    assert failure_of(labels={"a": "1"}).reason == "snapshot_disappeared"
    assert palette.writes == []


@pytest.mark.parametrize("error", [LOST, TIMED_OUT, BROKEN])
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("lingers", [0, 3])
def test_a_delete_whose_answer_is_lost_deletes_once(
    palette: FakeCluster, error: PaletteError, when: str, lingers: int
) -> None:
    palette.add_snapshot("before", status=READY)
    palette.lingers = lingers
    palette.fail("DELETE", error, when=when)
    result = run(state="absent")
    assert (result["changed"], result["outcome"]) == (True, "deleted")
    assert palette.objects == {}
    assert palette.writes.count("DELETE") == (2 if when == "before" else 1)


def test_a_lost_delete_does_not_reach_the_next_owner_of_the_name(palette: FakeCluster) -> None:
    palette.add_snapshot("before", status=READY)
    delete = palette.delete_snapshot

    def lose_the_answer(vm_name: str, namespace: str, name: str) -> None:
        delete(vm_name, namespace, name)
        palette.objects.clear()
        palette.add_snapshot("before", vm_name="db2", status=READY)
        raise LOST

    palette.delete_snapshot = lose_the_answer  # type: ignore[method-assign]
    assert run(state="absent")["outcome"] == "deleted"
    assert palette.writes == ["DELETE"]
    assert "deletionTimestamp" not in snapshot_in(palette)["metadata"]


def test_a_delete_of_what_is_gone_already_is_done(palette: FakeCluster) -> None:
    palette.add_snapshot("before", status=READY)
    palette.lingers = 0
    palette.fail("DELETE", PaletteError("not_found", "gone"))
    palette.on_look.append(lambda: palette.objects.clear() if "DELETE" in palette.writes else None)
    assert run(state="absent")["outcome"] == "deleted"


def test_a_delete_that_is_not_found_although_listed_is_an_error(palette: FakeCluster) -> None:
    palette.add_snapshot("before", status=READY)
    palette.fail("DELETE", *[PaletteError("not_found", "no such VM")] * 5)
    assert failure_of(state="absent").reason == "not_found"


# Check mode


def add_deleting(palette: FakeCluster) -> None:
    """Let there be a snapshot that is being deleted."""
    palette.add_snapshot("before", status=READY)
    palette.start_deletion("vms", "before")


SITUATIONS: dict[str, tuple[Callable[[FakeCluster], object], Json]] = {
    "create": (lambda _: None, {}),
    "create with all": (lambda _: None, {"labels": {"a": "1"}, "failure_deadline": "10m"}),
    "unchanged": (lambda p: p.add_snapshot("before", status=READY), {}),
    "update": (
        lambda p: p.add_snapshot("before", metadata={"labels": {"x": "y"}}, status=READY),
        {"labels": {"a": "1"}},
    ),
    "replace failed": (lambda p: p.add_snapshot("before", status=FAILED), {"replace": True}),
    "replace spec": (
        lambda p: p.add_snapshot("before", status=READY),
        {"replace": True, "deletion_policy": "Retain"},
    ),
    "delete": (lambda p: p.add_snapshot("before", status=READY), {"state": "absent"}),
    "absent": (lambda _: None, {"state": "absent"}),
    "being deleted": (
        add_deleting,
        {},
    ),
    "deleted already": (
        add_deleting,
        {"state": "absent"},
    ),
    "another VM's, absent": (
        lambda p: p.add_snapshot("before", vm_name="db2", status=READY),
        {"state": "absent"},
    ),
}


@pytest.mark.parametrize("situation", SITUATIONS)
def test_check_mode_tells_what_a_real_run_then_does(palette: FakeCluster, situation: str) -> None:
    prepare, given = SITUATIONS[situation]
    prepare(palette)
    palette.lingers = 20
    foreseen = run(check=True, **given)
    assert palette.writes == []
    done = run(**given)
    assert (foreseen["changed"], foreseen["outcome"]) == (done["changed"], done["outcome"])
    assert foreseen["changed"] == bool(palette.writes)
    assert foreseen["diff"] == done["diff"]
    assert set(foreseen) == set(done)
    assert set(foreseen["status"] or {}) == set(done["status"] or {})
    assert (foreseen["snapshot"] is None) == (done["snapshot"] is None)


def test_check_mode_waits_for_nothing(palette: FakeCluster, clock: Clock) -> None:
    palette.add_snapshot("other", status=RUNNING)
    assert run(check=True)["outcome"] == "created"
    assert clock.slept == []


def test_check_mode_foresees_the_facts_of_a_new_snapshot(palette: FakeCluster) -> None:
    status = run(check=True, labels={"a": "1"}, deletion_policy="Retain")["status"]
    assert status["name"] == "before"
    assert status["labels"] == {"a": "1", **MANAGED}
    assert status["deletion_policy"] == "Retain"
    assert (status["uid"], status["phase"], status["ready_to_use"]) == (None, None, False)


def test_without_diff_there_is_none(palette: FakeCluster) -> None:
    assert "diff" not in single.run(Task(options_of()))


def test_options_are_not_changed(palette: FakeCluster) -> None:
    given = {"definition": {"metadata": {"labels": {"a": "1"}}}, "labels": {"b": "2"}}
    options = options_of(**given)
    before = deepcopy(options)
    single.run(Task(options))
    assert options == before

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""vm_snapshot against Palette in memory: every row of what it promises."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from ansible_collections.spectrocloud.palette.plugins.module_utils._http.errors import ApiError
from ansible_collections.spectrocloud.palette.plugins.module_utils._module.base import (
    Invocation,
    result_of,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._module.vm_snapshot import MODULE
from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots.ownership import (
    REQUEST_ID,
)
from unit.builders import (
    FAILED,
    NOW,
    READY,
    RUNNING,
    SUCCEEDED,
    UNQUIESCED,
    Json,
    key_of,
    own_labels,
)
from unit.palette_in_memory import (
    BECOMES_READY,
    BROKEN,
    FORBIDDEN,
    LOST,
    NEVER_READY,
    Call,
    MemoryPalette,
    Stored,
    connected,
    ready_after,
)
from unit.tasks import options_of, run

DB1, DB2 = key_of("db1"), key_of("db2")
PLACE = ("c1", "vms", "before")
# A volume that can be in a snapshot, and one that cannot.
HALF = [{"name": "a", "enabled": True}, {"name": "b", "enabled": False, "reason": "no class"}]


@pytest.fixture(params=[False, True], ids=["kubernetes", "go-swagger"])
def palette(request: pytest.FixtureRequest) -> MemoryPalette:
    """A cluster with the VM db1, in each of Palette's JSON styles."""
    palette = MemoryPalette(go_swagger=request.param)
    palette.add_vm(DB1)
    return palette


def given(**options: Any) -> Json:
    """Return the options of a task, about the snapshot before of db1 unless they say otherwise."""
    named: Json = {} if "name_prefix" in options else {"name": "before"}
    return {"vm_name": "db1", "namespace": "vms", "cluster_uid": "c1", **named, **options}


def vm_snapshot(palette: MemoryPalette, check_mode: bool = False, **options: Any) -> Json:
    """Return the result of a task that succeeds."""
    result = run(palette, MODULE, check_mode=check_mode, diff_mode=True, **given(**options))
    assert not result.get("failed"), result
    return result


def failure(palette: MemoryPalette, check_mode: bool = False, **options: Any) -> Json:
    """Return the result of a task that fails once the snapshot has been looked up."""
    result = run(palette, MODULE, check_mode=check_mode, diff_mode=True, **given(**options))
    assert result["failed"] is True
    assert result["outcome"] in ("failed", "unknown")
    assert {"changed", "snapshot", "status"} <= set(result)
    return result


def add(palette: MemoryPalette, **more: Any) -> Stored:
    """Let there be the snapshot "before" of db1."""
    return palette.add_snapshot("before", DB1, **more)


def methods(palette: MemoryPalette) -> list[str]:
    """Return the methods of the writes so far."""
    return [call.method for call in palette.writes()]


def on_poll(palette: MemoryPalette, act: Callable[[], object], after: str = "") -> None:
    """Let something happen before each list of snapshots, or before those after a write."""

    def before(call: Call) -> None:
        if call.kind == "LIST" and (not after or palette.writes(after)):
            act()

    palette.before = before


# Taking one


def test_state_present_takes_a_snapshot_and_waits_for_it(palette: MemoryPalette) -> None:
    result = vm_snapshot(
        palette, labels={"tier": "db"}, deletion_policy="Delete", failure_deadline="10m"
    )
    assert (result["changed"], result["outcome"]) == (True, "created")
    assert result["status"]["ready_to_use"] is True
    assert result["status"]["phase"] == "Succeeded"
    assert result["status"]["quiesced"] is True
    assert result["status"]["included_volumes"] == ["rootdisk"]
    assert result["status"]["creation_time"] == "2026-11-23T12:00:02Z"
    assert result["snapshot"]["metadata"]["uid"] == result["status"]["uid"]
    assert methods(palette) == ["POST"]
    stored = palette.stored[PLACE]
    assert stored.metadata["labels"] == {"tier": "db", **own_labels()}
    assert list(stored.metadata["annotations"]) == [REQUEST_ID]
    assert stored.manifest["spec"] == {
        "source": {"apiGroup": "kubevirt.io", "kind": "VirtualMachine", "name": "db1"},
        "deletionPolicy": "Delete",
        "failureDeadline": "10m",
    }


def test_wait_false_returns_the_answer_at_once(palette: MemoryPalette) -> None:
    result = vm_snapshot(palette, wait=False)
    assert (result["changed"], result["outcome"]) == (True, "created")
    assert result["status"]["phase"] is None
    assert result["status"]["ready_to_use"] is False
    assert result["status"]["creation_time"] == "2026-11-23T12:00:00Z"
    assert palette.clock.slept == []


def test_wait_does_not_take_succeeded_for_ready(palette: MemoryPalette) -> None:
    palette.course = (RUNNING, *[SUCCEEDED] * 60, READY)
    assert vm_snapshot(palette)["status"]["ready_to_use"] is True


def test_wait_goes_on_through_an_error_that_passes(palette: MemoryPalette) -> None:
    troubled = {**RUNNING, "error": {"message": "Failed freezing vm db1: agent busy"}}
    palette.course = (troubled, troubled, READY)
    result = vm_snapshot(palette)
    assert result["status"]["ready_to_use"] is True
    assert result["status"]["error"] is None


def test_name_prefix_takes_a_new_snapshot_each_time(palette: MemoryPalette) -> None:
    names = {vm_snapshot(palette, name_prefix="nightly-")["status"]["name"] for _number in range(3)}
    assert len(names) == 3
    assert all(name.startswith("nightly-") and len(name) == 16 for name in names)


def test_definition_is_sent_whole(palette: MemoryPalette) -> None:
    definition = {
        "apiVersion": "snapshot.kubevirt.io/v1alpha1",
        "metadata": {"annotations": {"a": "1"}, "finalizers": ["example.com/keep"]},
        "spec": {"failureDeadline": "1h", "deletionPolicy": "Retain"},
    }
    vm_snapshot(palette, definition=definition, failure_deadline="2h", annotations={"b": "2"})
    stored = palette.stored[PLACE]
    assert stored.manifest["apiVersion"] == "snapshot.kubevirt.io/v1alpha1"
    assert stored.metadata["finalizers"] == ["example.com/keep"]
    assert stored.manifest["spec"]["failureDeadline"] == "2h"
    assert stored.manifest["spec"]["deletionPolicy"] == "Retain"
    assert stored.metadata["annotations"].items() >= {"a": "1", "b": "2"}.items()


@pytest.mark.parametrize(
    ("options", "option"),
    [
        ({"name": "Bad Name"}, "name"),
        ({"deletion_policy": "delete"}, "deletion_policy"),
        ({"wait_timeout": 0}, "wait_timeout"),
        ({"consistency": "filesystem", "wait": False}, "consistency"),
        ({"labels": {"a": "b c"}}, "labels.a"),
        ({"retries": -1}, "retries"),
    ],
)
def test_read_refuses_wrong_options_before_any_request(
    palette: MemoryPalette, options: Json, option: str
) -> None:
    result = run(palette, MODULE, **given(**options))
    assert result["reason"] == "invalid_parameters"
    assert [problem.partition(":")[0] for problem in result["problems"]] == [option]
    assert palette.calls == []
    assert palette.lookups == []


@pytest.mark.parametrize("option", ["cluster", "cluster_uid"])
def test_cluster_and_cluster_uid_must_not_be_empty(palette: MemoryPalette, option: str) -> None:
    place = {"cluster_uid": None, option: " "}
    result = run(palette, MODULE, **given(**place))
    assert result["msg"].startswith(f"{option}: must not be empty")
    assert palette.calls == []
    assert palette.lookups == []


def test_vm_name_of_a_missing_vm_is_refused_before_a_write(palette: MemoryPalette) -> None:
    result = failure(palette, vm_name="db9")
    assert result["reason"] == "not_found"
    assert "db9" in result["msg"]
    assert palette.writes() == []


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (
            {"vm_name": "db11"},
            "VM db11 in namespace vms of cluster cluster-1; nearest: db1",
        ),
        (
            {"namespace": "vm"},
            "in namespace vm of cluster cluster-1: check the namespace; nearest: vms",
        ),
    ],
)
def test_vm_name_or_namespace_of_a_missing_vm_comes_with_the_nearest(
    palette: MemoryPalette, options: Json, text: str
) -> None:
    by_name: Json = {"cluster_uid": None, "cluster": "cluster-1"}
    message = failure(palette, **{**by_name, **options})["msg"]
    assert message.startswith("there is no VM ")
    assert message.endswith(text)


def test_vm_name_of_a_vm_that_is_gone_is_not_found_though_it_has_a_snapshot(
    palette: MemoryPalette,
) -> None:
    add(palette)
    palette.vms.clear()
    for check_mode in (True, False):
        result = failure(palette, check_mode, replace=True)
        assert (result["reason"], result["changed"]) == ("not_found", False)
    assert palette.writes() == []


def test_vm_name_of_a_former_vm_is_another_vms_snapshot(palette: MemoryPalette) -> None:
    add(palette, age=60)
    palette.make_again(DB1)
    for check_mode in (True, False):
        result = failure(palette, check_mode)
        assert result["reason"] == "former_vm"
        assert "taken on 2026-11-23T11:59:00Z of an earlier VM" in result["msg"]
        assert "replace: true" in result["msg"]
    assert palette.writes() == []
    assert vm_snapshot(palette, replace=True)["outcome"] == "replaced"
    assert vm_snapshot(palette)["outcome"] == "unchanged"


def test_vm_name_that_a_get_cannot_find_is_looked_for_in_the_list(palette: MemoryPalette) -> None:
    palette.add_vm(key_of("snapshot"))  # its path is that of the list of snapshots
    assert vm_snapshot(palette, vm_name="snapshot")["outcome"] == "created"


def test_vm_name_needs_an_answer_that_is_the_vm(palette: MemoryPalette) -> None:
    palette.vms[key_of("db9")] = {"kind": "Something"}
    assert failure(palette, vm_name="db9")["reason"] == "not_found"
    assert palette.writes() == []


def test_vm_name_of_a_forbidden_vm_is_not_an_absent_one(palette: MemoryPalette) -> None:
    palette.fail("VM", FORBIDDEN)
    result = run(palette, MODULE, **given())
    assert (result["failed"], result["reason"]) == (True, "forbidden")


@pytest.mark.parametrize(
    ("status", "reason", "text"),
    [
        (
            {"created": True, "conditions": [{"type": "Paused", "status": "True"}]},
            "vm_paused",
            "is paused",
        ),
        ({"created": True, "conditions": [{"type": "Ready"}]}, "no_guest_agent", "no guest agent"),
        ({"volumeSnapshotStatuses": HALF}, "volumes_excluded", "disk b (no class)"),
        (
            {"volumeSnapshotStatuses": [{"name": "root", "enabled": False, "reason": "no class"}]},
            "not_snapshottable",
            "no class",
        ),
    ],
)
def test_blockers_of_a_vm_are_refused(
    palette: MemoryPalette, status: Json, reason: str, text: str
) -> None:
    palette.add_vm(DB1, **status)
    demands = {"consistency": "filesystem", "excluded_volumes": "refuse"}
    for check_mode in (True, False):
        result = failure(palette, check_mode, **demands)
        assert result["reason"] == reason
        assert text in result["msg"]
    assert palette.writes() == []


def test_excluded_volumes_are_looked_at_when_the_snapshot_is_ready(palette: MemoryPalette) -> None:
    palette.add_vm(DB1, volumeSnapshotStatuses=None)
    volumes = [{"name": "rootdisk", "dataVolume": {}}, {"name": "data", "dataVolume": {}}]
    palette.vms[DB1]["spec"] = {"template": {"spec": {"volumes": volumes}}}
    left_out = {"includedVolumes": ["rootdisk"], "excludedVolumes": ["data"]}
    palette.course = (RUNNING, {**READY, "snapshotVolumes": left_out})
    result = run(palette, MODULE, **given(excluded_volumes="refuse"))
    assert (result["reason"], result["changed"]) == ("volumes_missing", True)
    assert "disk data" in result["msg"]
    again = failure(palette, check_mode=True, excluded_volumes="refuse")
    assert (again["reason"], again["changed"]) == ("volumes_missing", False)
    assert vm_snapshot(palette, excluded_volumes="warn")["outcome"] == "unchanged"


def test_blockers_include_a_vm_that_is_being_deleted(palette: MemoryPalette) -> None:
    palette.vms[DB1]["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert failure(palette)["reason"] == "vm_terminating"


def test_blockers_do_not_include_one_volume_of_two(palette: MemoryPalette) -> None:
    palette.add_vm(DB1, volumeSnapshotStatuses=HALF)
    result = vm_snapshot(palette)
    assert result["changed"] is True
    assert "will not contain disk b (no class)" in result["warnings"][0]


def test_blockers_do_not_include_a_restore(palette: MemoryPalette) -> None:
    palette.add_vm(DB1, restoreInProgress="restore-1")
    result = vm_snapshot(palette)
    assert result["changed"] is True
    assert "restore restore-1" in result["warnings"][0]


def test_warn_where_palette_does_not_name_the_volumes(palette: MemoryPalette) -> None:
    palette.add_vm(DB1, volumeSnapshotStatuses=None)
    result = vm_snapshot(palette)
    assert result["changed"] is True
    assert len(result["warnings"]) == 1
    assert "db1" in result["warnings"][0]


def test_wait_for_another_snapshot_in_progress_comes_with_a_warning(
    palette: MemoryPalette,
) -> None:
    palette.add_snapshot("other", DB1, course=(RUNNING, RUNNING, SUCCEEDED))
    result = vm_snapshot(palette)
    assert result["outcome"] == "created"
    assert "other" in result["warnings"][0]
    assert 2 <= palette.writes()[0].at < 3  # it need not be ready, only at its end


def test_wait_timeout_of_another_snapshot_names_it(palette: MemoryPalette) -> None:
    palette.add_snapshot("other", DB1, course=NEVER_READY)
    result = failure(palette, wait_timeout=10)
    assert result["reason"] == "wait_timeout"
    assert "other" in result["msg"]
    assert result["changed"] is False
    assert palette.writes() == []


def test_warn_of_a_snapshot_in_progress_that_only_the_vm_shows(palette: MemoryPalette) -> None:
    palette.add_vm(DB1, snapshotInProgress="another")
    assert "another" in vm_snapshot(palette)["warnings"][0]


# One that is there already


def test_state_present_changes_nothing_the_second_time(palette: MemoryPalette) -> None:
    options: Json = {
        "labels": {"a": "1"},
        "annotations": {"b": "2"},
        "failure_deadline": "10m",
        "deletion_policy": "Delete",
    }
    vm_snapshot(palette, **options)
    result = vm_snapshot(palette, **options)
    assert (result["changed"], result["outcome"]) == (False, "unchanged")
    assert result["diff"]["before"] == result["diff"]["after"]
    assert methods(palette) == ["POST"]
    assert result["status"]["ready_to_use"] is True


@pytest.mark.parametrize(
    ("now", "declared"), [("10m0s", "10m"), ("1h30m0s", "90m"), (None, "5m"), (None, "300s")]
)
def test_failure_deadline_is_compared_by_value(
    palette: MemoryPalette, now: str | None, declared: str
) -> None:
    add(palette, spec={"failureDeadline": now} if now else {})
    assert vm_snapshot(palette, failure_deadline=declared)["changed"] is False


def test_wait_for_one_that_is_still_in_progress(palette: MemoryPalette) -> None:
    add(palette, course=BECOMES_READY)
    result = vm_snapshot(palette)
    assert (result["changed"], result["outcome"]) == (False, "unchanged")
    assert result["status"]["ready_to_use"] is True
    assert palette.writes() == []


def test_labels_and_annotations_are_updated_and_what_others_wrote_stays(
    palette: MemoryPalette,
) -> None:
    stored = add(palette, labels={"theirs": "1", "a": "old"}, annotations={"note": "theirs"})
    options: Json = {"labels": {"a": "new"}, "annotations": {"b": "2"}}
    result = vm_snapshot(palette, **options)
    assert (result["changed"], result["outcome"]) == (True, "updated")
    assert stored.metadata["labels"] == {"theirs": "1", "a": "new"}
    assert stored.metadata["annotations"] == {"note": "theirs", "b": "2"}
    assert result["diff"]["before"]["metadata"]["labels"] == {"theirs": "1", "a": "old"}
    assert result["diff"]["after"]["metadata"]["labels"] == {"theirs": "1", "a": "new"}
    assert vm_snapshot(palette, **options)["changed"] is False


def test_name_of_another_vms_snapshot_is_a_conflict(palette: MemoryPalette) -> None:
    palette.add_vm(DB2)
    stored = palette.add_snapshot("before", DB2)
    for check_mode in (True, False):
        result = failure(palette, check_mode)
        assert result["reason"] == "conflict"
        assert "db2" in result["msg"]
    assert palette.stored[PLACE] is stored


def test_no_vm_is_stopped_for_a_name_that_another_vms_snapshot_has(palette: MemoryPalette) -> None:
    palette.add_snapshot("before", DB2)
    assert failure(palette, offline=True)["reason"] == "conflict"
    assert palette.writes() == []


@pytest.mark.parametrize(
    ("spec", "options", "field"),
    [
        ({"deletionPolicy": "Retain"}, {"deletion_policy": "Delete"}, "deletionPolicy"),
        ({}, {"deletion_policy": "Retain"}, "deletionPolicy"),
        ({}, {"definition": {"spec": {"deletionPolicy": "Retain"}}}, "deletionPolicy"),
    ],
)
def test_deletion_policy_that_differs_is_an_error_that_names_it(
    palette: MemoryPalette, spec: Json, options: Json, field: str
) -> None:
    add(palette, spec=spec)
    for check_mode in (True, False):
        result = failure(palette, check_mode, **options)
        assert result["reason"] == "spec_differs"
        assert field in result["msg"]
        assert "replace" in result["msg"]
    assert palette.writes() == []


@pytest.mark.parametrize("replace", [True, False])
def test_failure_deadline_means_nothing_once_a_snapshot_is_taken(
    palette: MemoryPalette, replace: bool
) -> None:
    add(palette, spec={"failureDeadline": "10m"})
    result = vm_snapshot(palette, failure_deadline="20m", replace=replace)
    assert result["outcome"] == "unchanged"
    assert palette.writes() == []


def test_deletion_policy_and_failure_deadline_do_not_differ_where_not_given(
    palette: MemoryPalette,
) -> None:
    add(palette, spec={"failureDeadline": "10m", "deletionPolicy": "Retain"})
    assert vm_snapshot(palette)["changed"] is False


def test_state_present_fails_for_a_failed_one_with_its_cause(palette: MemoryPalette) -> None:
    add(palette, course=(FAILED,))
    result = failure(palette)
    assert result["reason"] == "snapshot_failed"
    assert "snapshot deadline exceeded" in result["msg"]
    assert result["status"]["phase"] == "Failed"
    assert palette.writes() == []


@pytest.mark.parametrize(
    ("more", "options"),
    [
        ({"course": (FAILED,)}, {}),
        ({"spec": {"deletionPolicy": "Retain"}}, {"deletion_policy": "Delete"}),
    ],
)
@pytest.mark.parametrize("wait", [True, False])
def test_replace_deletes_it_and_takes_it_again(
    palette: MemoryPalette, more: Json, options: Json, wait: bool
) -> None:
    old = add(palette, **more).metadata["uid"]
    result = vm_snapshot(palette, replace=True, wait=wait, **options)
    assert (result["changed"], result["outcome"]) == (True, "replaced")
    assert methods(palette) == ["DELETE", "POST"]
    assert result["status"]["uid"] not in (None, old)
    assert result["status"]["ready_to_use"] is wait


def test_replace_replaces_nothing_that_is_right(palette: MemoryPalette) -> None:
    add(palette)
    assert vm_snapshot(palette, replace=True)["changed"] is False
    assert palette.writes() == []


def test_replace_does_not_delete_what_cannot_be_taken_again(palette: MemoryPalette) -> None:
    add(palette, course=(FAILED,))
    palette.add_vm(DB1, volumeSnapshotStatuses=[{"name": "a", "enabled": False}])
    assert failure(palette, replace=True)["reason"] == "not_snapshottable"
    assert palette.writes() == []


def test_replace_leaves_another_vms_snapshot_alone(palette: MemoryPalette) -> None:
    stored = palette.add_snapshot("before", DB2, course=(FAILED,))
    assert failure(palette, replace=True)["reason"] == "conflict"
    assert methods(palette) == ["POST"]
    assert not stored.deleting


@pytest.mark.parametrize("wait", [True, False])
def test_wait_for_the_end_of_one_that_is_being_deleted_precedes_taking_it_again(
    palette: MemoryPalette, wait: bool
) -> None:
    palette.gone_after = 10
    old = add(palette)
    palette.begin_deletion(old)
    result = vm_snapshot(palette, wait=wait)
    assert (result["changed"], result["outcome"]) == (True, "created")
    assert methods(palette) == ["POST"]
    assert result["status"]["uid"] != old.metadata["uid"]


# Waiting and its ends


def test_wait_ends_at_once_with_the_cause_of_a_failure(palette: MemoryPalette) -> None:
    palette.course = (RUNNING, FAILED)
    result = failure(palette)
    assert result["reason"] == "snapshot_failed"
    assert "snapshot deadline exceeded" in result["msg"]
    assert result["changed"] is True
    assert result["status"]["phase"] == "Failed"
    assert palette.elapsed < 5


def test_wait_timeout_says_what_was_seen_last(palette: MemoryPalette) -> None:
    palette.course = ({**RUNNING, "error": {"message": "Failed freezing vm db1"}},)
    result = failure(palette, wait_timeout=120)
    assert result["reason"] == "wait_timeout"
    assert "within 120 s" in result["msg"]
    assert "Failed freezing vm db1" in result["msg"]
    assert result["changed"] is True
    assert result["status"]["phase"] == "InProgress"
    assert 120 <= palette.elapsed < 126


def test_wait_ends_when_the_snapshot_disappears(palette: MemoryPalette) -> None:
    on_poll(palette, palette.stored.clear)
    result = failure(palette)
    assert result["reason"] == "snapshot_disappeared"
    assert result["changed"] is True


def test_wait_goes_on_when_one_poll_misses_the_snapshot(palette: MemoryPalette) -> None:
    hidden: list[Stored] = []

    def hide_once() -> None:
        if not hidden:
            hidden.append(palette.stored.pop(PLACE))
        else:
            palette.stored[PLACE] = hidden[0]

    on_poll(palette, hide_once, after="POST")
    assert vm_snapshot(palette)["outcome"] == "created"
    assert hidden


def test_wait_ends_when_somebody_deletes_the_snapshot(palette: MemoryPalette) -> None:
    palette.course, palette.gone_after = NEVER_READY, None
    on_poll(palette, lambda: palette.begin_deletion(palette.stored[PLACE]), after="POST")
    assert failure(palette)["reason"] == "snapshot_deleted"


def test_wait_ends_when_somebody_takes_another_of_the_name(palette: MemoryPalette) -> None:
    palette.course = NEVER_READY
    on_poll(palette, lambda: add(palette), after="POST")
    assert failure(palette)["reason"] == "snapshot_disappeared"


def test_wait_timeout_names_polls_that_fail_until_then(palette: MemoryPalette) -> None:
    palette.after = lambda _call: palette.fail("LIST", *[BROKEN] * 100)
    result = failure(palette, wait_timeout=60)
    assert result["reason"] == "wait_timeout"
    assert "HTTP 500" in result["msg"]
    assert result["changed"] is True
    assert 60 <= palette.elapsed < 66


def test_wait_goes_on_after_a_few_polls_that_fail(palette: MemoryPalette) -> None:
    palette.after = lambda _call: palette.fail("LIST", *[LOST] * 4)
    assert vm_snapshot(palette)["status"]["ready_to_use"] is True
    assert len(palette.polls()) > 5


@pytest.mark.parametrize("reason", ["unauthorized", "forbidden", "tls_error"])
def test_wait_ends_with_a_poll_that_no_repetition_mends(
    palette: MemoryPalette, reason: str
) -> None:
    palette.after = lambda _call: palette.fail("LIST", ApiError(reason, "no longer"))
    result = failure(palette)
    assert result["reason"] == reason
    assert result["changed"] is True
    assert palette.elapsed < 5


# Consistency


@pytest.mark.parametrize(
    ("indications", "good"),
    [
        (["GuestAgent", "Online"], True),
        ([], None),
        (["NoGuestAgent", "Online"], False),
        (["Online", "Paused"], False),
        (["GuestAgent", "Online", "QuiesceFailed"], False),
        (["GuestAgent", "Online", "QuiesceTimeout"], False),
        (["Online"], None),
    ],
)
def test_consistency_filesystem_needs_a_frozen_vm(
    palette: MemoryPalette, indications: list[str], good: bool | None
) -> None:
    palette.course = (RUNNING, {**READY, "indications": indications})
    assert vm_snapshot(palette, name="anyhow")["status"]["quiesced"] is good
    if good:
        assert vm_snapshot(palette, consistency="filesystem")["status"]["quiesced"] is True
        return
    result = failure(palette, consistency="filesystem")
    assert result["reason"] == "not_quiesced"
    assert "before" in result["msg"]
    assert result["changed"] is True
    assert result["status"]["ready_to_use"] is True
    assert PLACE in palette.stored


OFF = {"printableStatus": "Stopped", "created": False}


@pytest.mark.parametrize(
    ("status", "indications", "quiesced"),
    [
        (OFF, [], True),
        (OFF, ["NoGuestAgent", "Online"], False),
        (OFF, ["Online"], None),
        ({**OFF, "created": True}, [], None),
        ({"printableStatus": "Running", "created": True}, [], None),
        ({"printableStatus": "Provisioning"}, [], None),
        ({}, [], None),
    ],
)
def test_consistency_filesystem_needs_a_vm_that_was_seen_off(
    palette: MemoryPalette, status: Json, indications: list[str], quiesced: bool | None
) -> None:
    palette.add_vm(DB1, **status)
    palette.course = (RUNNING, {**READY, "indications": indications})
    first = run(palette, MODULE, **given(consistency="filesystem"))
    assert first["status"]["quiesced"] is quiesced
    assert first.get("reason") == (None if quiesced else "not_quiesced")
    # What was seen then is known ever after.
    palette.add_vm(DB1, printableStatus="Running", created=True)
    again = run(palette, MODULE, **given(consistency="filesystem"))
    assert again["status"]["quiesced"] is quiesced
    assert again["changed"] is False


def test_annotation_that_a_vm_was_off_is_not_the_users(palette: MemoryPalette) -> None:
    result = run(palette, MODULE, **given(annotations={"spectrocloud.palette/vm-off": "true"}))
    assert result["reason"] == "invalid_parameters"
    assert "annotations.spectrocloud.palette/vm-off" in result["msg"]


@pytest.mark.parametrize("check_mode", [True, False])
def test_consistency_filesystem_is_demanded_of_one_that_is_there_already(
    palette: MemoryPalette, check_mode: bool
) -> None:
    add(palette, course=(UNQUIESCED,))
    result = failure(palette, check_mode, consistency="filesystem", labels={"a": "b"})
    assert (result["reason"], result["changed"]) == ("not_quiesced", False)
    assert result["status"]["name"] == "before"
    assert palette.writes() == []


# Deleting one


def test_state_absent_waits_for_the_deletion(palette: MemoryPalette) -> None:
    add(palette)
    palette.gone_after = 10
    result = vm_snapshot(palette, state="absent")
    assert (result["changed"], result["outcome"]) == (True, "deleted")
    assert palette.names() == []
    assert result["status"]["deleting"] is False, "it is shown as it was before"
    assert result["diff"]["after"] == {}
    assert result["diff"]["before"]["metadata"]["name"] == "before"
    again = vm_snapshot(palette, state="absent")
    assert (again["changed"], again["outcome"]) == (False, "absent")
    assert (again["snapshot"], again["status"]) == (None, None)
    assert methods(palette) == ["DELETE"]


def test_wait_false_only_asks_for_the_deletion(palette: MemoryPalette) -> None:
    add(palette)
    assert vm_snapshot(palette, state="absent", wait=False)["outcome"] == "deleted"
    assert palette.names() == ["before"]


def test_wait_timeout_of_a_deletion_that_does_not_end(palette: MemoryPalette) -> None:
    add(palette)
    palette.gone_after = None
    result = failure(palette, state="absent", wait_timeout=30)
    assert result["reason"] == "wait_timeout"
    assert "not gone" in result["msg"]
    assert result["changed"] is True
    assert result["status"]["deleting"] is True
    assert 30 <= palette.elapsed < 36


def test_state_absent_waits_for_a_deletion_under_way_without_asking_again(
    palette: MemoryPalette,
) -> None:
    palette.begin_deletion(add(palette))
    result = vm_snapshot(palette, state="absent")
    assert (result["changed"], result["outcome"]) == (False, "absent")
    assert palette.writes() == []
    assert palette.stored == {}


def test_state_absent_leaves_another_vms_snapshot_alone_with_a_warning(
    palette: MemoryPalette,
) -> None:
    palette.add_snapshot("before", DB2)
    result = vm_snapshot(palette, state="absent")
    assert (result["changed"], result["outcome"]) == (False, "absent")
    assert "db2" in result["warnings"][0]
    assert palette.names() == ["before"]


def test_state_absent_does_not_need_the_vm(palette: MemoryPalette) -> None:
    palette.vms.clear()
    add(palette)
    assert vm_snapshot(palette, state="absent")["outcome"] == "deleted"


# Exactly once: see also the tests of writes


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(
    ("method", "options", "outcome"),
    [
        ("POST", {}, "created"),
        ("PUT", {"labels": {"a": "1"}}, "updated"),
        ("DELETE", {"state": "absent"}, "deleted"),
    ],
)
def test_retries_carry_out_once_what_an_answer_was_lost_of(
    palette: MemoryPalette, method: str, options: Json, outcome: str, when: str
) -> None:
    if method != "POST":
        add(palette)
    palette.fail(method, LOST, when=when)
    result = vm_snapshot(palette, **options)
    assert (result["changed"], result["outcome"]) == (True, outcome)
    assert methods(palette) == [method] * (2 if when == "before" else 1)
    assert palette.names() == ([] if method == "DELETE" else ["before"])


@pytest.mark.parametrize(
    ("method", "options"),
    [("POST", {}), ("PUT", {"labels": {"a": "1"}}), ("DELETE", {"state": "absent"})],
)
def test_retries_0_still_asks_the_list_for_a_lost_answer(
    palette: MemoryPalette, method: str, options: Json
) -> None:
    if method != "POST":
        add(palette)
    palette.fail(method, LOST, when="after")
    assert vm_snapshot(palette, retries=0, **options)["changed"] is True
    assert methods(palette) == [method]


def test_name_that_another_vms_snapshot_takes_meanwhile_is_a_conflict(
    palette: MemoryPalette,
) -> None:
    palette.fail("POST", LOST)
    on_poll(palette, lambda: palette.add_snapshot("before", DB2), after="POST")
    result = failure(palette)
    assert result["reason"] == "conflict"
    assert result["changed"] is False
    assert result["status"]["vm_name"] == DB2.vm_name


@pytest.mark.parametrize("wait", [True, False])
def test_name_that_is_taken_meanwhile_as_asked_is_adopted(
    palette: MemoryPalette, wait: bool
) -> None:
    palette.fail("POST", LOST)
    on_poll(palette, lambda: add_once(palette, own_labels()), after="POST")
    result = vm_snapshot(palette, wait=wait)
    assert (result["changed"], result["outcome"]) == (False, "unchanged")
    assert result["status"]["uid"] == palette.stored[PLACE].metadata["uid"]


def test_name_that_is_taken_meanwhile_otherwise_than_asked_is_refused_as_such(
    palette: MemoryPalette,
) -> None:
    palette.fail("POST", LOST)
    on_poll(palette, lambda: add_once(palette, own_labels()), after="POST")
    result = failure(palette, deletion_policy="Retain")
    assert result["reason"] == "spec_differs"
    assert methods(palette) == ["POST"]


@pytest.mark.parametrize(
    ("course", "options", "outcome"),
    [
        ((READY,), {}, "unchanged"),
        ((READY,), {"labels": {"a": "1"}}, "updated"),
        ((FAILED,), {"replace": True}, "replaced"),
    ],
)
def test_snapshot_that_the_list_of_its_vm_lacks_is_found_by_its_name(
    palette: MemoryPalette, course: Any, options: Json, outcome: str
) -> None:
    add(palette, course=course)
    palette.finds_vm_names = False
    assert vm_snapshot(palette, **options)["outcome"] == outcome


def test_vm_without_snapshots_costs_one_list_before_the_creation(palette: MemoryPalette) -> None:
    vm_snapshot(palette, wait=False)
    assert [call.kind for call in palette.calls] == ["LIST", "VM", "POST"]


def add_once(palette: MemoryPalette, labels: dict[str, str]) -> None:
    """Let somebody take the snapshot, once."""
    if PLACE not in palette.stored:
        add(palette, labels=labels)


# Progress


def test_progress_is_said_at_least_every_15_seconds(palette: MemoryPalette) -> None:
    palette.course = ready_after(60)
    lines: list[tuple[float, str]] = []
    said = lines.append
    run(palette, MODULE, say=lambda line: said((palette.elapsed, line)), **given(wait_timeout=90))
    times = [0, *(at for at, _line in lines), palette.elapsed]
    # It is looked every second whether a line is due.
    assert max(later - at for at, later in pairwise(times)) <= 16
    waiting = "snapshot before: 0/1 done, 0 failed, vms/db1 waiting to be ready"
    *meanwhile, (at, done) = lines
    assert done == f"snapshot before: 1/1 done, 0 failed ({at:.0f} s of 90 s)"
    assert all(line.startswith(waiting) for _at, line in meanwhile)
    at, line = meanwhile[-1]
    assert line == f"{waiting} (phase InProgress) ({at:.0f} s of 90 s)"


def test_progress_false_says_nothing(palette: MemoryPalette) -> None:
    palette.course = ready_after(60)
    lines: list[str] = []
    result = run(palette, MODULE, say=lines.append, **given(progress=False))
    assert (result["outcome"], lines) == ("created", [])
    assert palette.elapsed > 30


def test_retries_do_not_help_when_the_list_fails_too(palette: MemoryPalette) -> None:
    palette.fail("POST", LOST)
    forbid = [FORBIDDEN] * 100
    palette.before = lambda call: palette.fail("LIST", *forbid) if call.method == "POST" else None
    result = failure(palette)
    assert (result["reason"], result["outcome"]) == ("unreachable", "unknown")
    assert result["changed"] is True
    assert "not known" in result["msg"]
    assert "HTTP 403: no" in result["msg"]


def test_retries_are_how_often_a_lost_write_is_repeated(palette: MemoryPalette) -> None:
    palette.fail("POST", *[LOST] * 10)
    result = failure(palette, retries=2)
    assert result["reason"] == "unreachable"
    assert methods(palette) == ["POST"] * 3
    assert result["changed"] is False


def test_retries_do_not_repeat_what_is_refused(palette: MemoryPalette) -> None:
    palette.fail("POST", ApiError("rejected", "webhook denied the request", http_status=422))
    result = failure(palette)
    assert result["reason"] == "rejected"
    assert result["http_status"] == 422
    assert methods(palette) == ["POST"]


@pytest.mark.parametrize("deleting", [True, False])
def test_labels_of_what_was_deleted_meanwhile_are_an_error(
    palette: MemoryPalette, deleting: bool
) -> None:
    stored = add(palette)
    palette.gone_after = None

    def delete(call: Call) -> None:
        if call.kind == "LIST" and len(palette.polls()) == 2 and deleting:
            palette.begin_deletion(stored)
        elif call.kind == "LIST" and len(palette.polls()) == 2:
            palette.stored.clear()

    palette.before = delete
    assert failure(palette, labels={"a": "1"})["reason"] == "snapshot_disappeared"
    assert palette.writes() == []


def test_state_absent_fails_when_what_is_not_found_is_listed(palette: MemoryPalette) -> None:
    add(palette)
    palette.fail("DELETE", *[ApiError("not_found", "no such VM")] * 10)
    assert failure(palette, state="absent")["reason"] == "not_found"


def test_state_absent_is_reached_when_the_snapshot_goes_by_itself(palette: MemoryPalette) -> None:
    add(palette)
    palette.before = lambda call: palette.stored.clear() if call.method == "DELETE" else None
    assert vm_snapshot(palette, state="absent")["outcome"] == "deleted"


# Check mode


def add_deleting(palette: MemoryPalette) -> None:
    """Let there be a snapshot that is being deleted."""
    palette.begin_deletion(add(palette))


SITUATIONS: dict[str, tuple[Callable[[MemoryPalette], object], Json]] = {
    "create": (lambda _: None, {}),
    "create with all": (lambda _: None, {"labels": {"a": "1"}, "failure_deadline": "10m"}),
    "unchanged": (add, {}),
    "update": (lambda p: add(p, labels={"x": "y"}), {"labels": {"a": "1"}}),
    "replace failed": (lambda p: add(p, course=(FAILED,)), {"replace": True}),
    "replace spec": (add, {"replace": True, "deletion_policy": "Retain"}),
    "delete": (add, {"state": "absent"}),
    "absent": (lambda _: None, {"state": "absent"}),
    "being deleted": (add_deleting, {}),
    "deleted already": (add_deleting, {"state": "absent"}),
    "another VM's, absent": (lambda p: p.add_snapshot("before", DB2), {"state": "absent"}),
}


@pytest.mark.parametrize("situation", SITUATIONS)
def test_check_mode_reports_what_a_real_run_then_does(
    palette: MemoryPalette, situation: str
) -> None:
    palette.gone_after = 20
    prepare, options = SITUATIONS[situation]
    prepare(palette)
    foreseen = vm_snapshot(palette, check_mode=True, **options)
    assert palette.writes() == []
    done = vm_snapshot(palette, **options)
    assert (foreseen["changed"], foreseen["outcome"]) == (done["changed"], done["outcome"])
    assert foreseen["changed"] == bool(palette.writes())
    assert foreseen["diff"] == done["diff"]
    assert foreseen["warnings"] == done["warnings"]
    assert set(foreseen) == set(done)
    assert set(foreseen["status"] or {}) == set(done["status"] or {})
    assert (foreseen["snapshot"] is None) == (done["snapshot"] is None)


def test_check_mode_waits_for_nothing(palette: MemoryPalette) -> None:
    palette.add_snapshot("other", DB1, course=NEVER_READY)
    assert vm_snapshot(palette, check_mode=True)["outcome"] == "created"
    assert palette.clock.slept == []


def test_check_mode_foresees_the_status_of_a_new_snapshot(palette: MemoryPalette) -> None:
    options = {"labels": {"a": "1"}, "deletion_policy": "Retain"}
    status = vm_snapshot(palette, check_mode=True, **options)["status"]
    assert status["name"] == "before"
    assert status["labels"] == {"a": "1", **own_labels()}
    assert status["deletion_policy"] == "Retain"
    assert (status["uid"], status["phase"], status["ready_to_use"]) == (None, None, False)


def test_diff_is_there_only_in_diff_mode(palette: MemoryPalette) -> None:
    assert "diff" not in run(palette, MODULE, **given())


def test_run_does_not_change_the_options(palette: MemoryPalette) -> None:
    definition = {"metadata": {"labels": {"a": "1"}}}
    options = options_of(MODULE, **given(definition=definition, labels={"b": "2"}))
    before = deepcopy(options)
    with connected(palette):
        assert result_of(MODULE, Invocation(options, NOW))["changed"]
    assert options == before


# The clock


@pytest.mark.parametrize("days", [9, -9])
def test_vm_snapshot_warns_of_a_clock_that_is_wrong(palette: MemoryPalette, days: int) -> None:
    palette.clock_skew = timedelta(days=days)
    result = vm_snapshot(palette, name="before")
    assert result["outcome"] == "created"
    assert [text for text in result["warnings"] if "set the clocks right" in text]

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of the way back: what is refused, what is done, and what an interrupted run left."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.spectrocloud.palette.plugins.module_utils._palette.objects import (
    write_time,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._restores.model import (
    DONE,
    PENDING,
    ROLLBACK,
    SAFETY,
    Instance,
    Restore,
    read_instance,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._restores.naming import (
    restore_name,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._restores.plan import (
    FINISH,
    KEEP,
    REFUSE,
    RESTORE,
    Act,
    Action,
    Sight,
    Wanted,
    plan,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots.model import VM_RAN
from unit.builders import NOW, key_of, own_labels, snapshot, vm
from unit.module_utils._restores.restores import (
    COMPLETE,
    CREATING,
    FAILED,
    HOUR,
    MINUTE,
    SECOND,
    instance,
    instance_manifest,
    machine,
    restore,
)

TAKEN = snapshot(included_volumes=("rootdisk",))
TO_S = Wanted(snapshot="s")
RAN_BEFORE = {ROLLBACK: PENDING, VM_RAN: "true"}


def sight(**more: Any) -> Sight:
    """Return a VM that is off, with a usable snapshot."""
    seen = {"vm": vm(), "machine": machine("Halted"), "snapshots": [TAKEN], **more}
    return Sight(key_of(), **seen)


def running(**more: Any) -> Sight:
    """Return such a VM that runs."""
    return sight(**{"machine": machine(), "instance": instance(NOW - HOUR), **more})


def acts(action: Action) -> list[str]:
    """Return what the steps do."""
    return [step.act for step in action.steps]


def planned(seen: Sight, wanted: Wanted = TO_S) -> Action:
    """Return the plan now."""
    return plan(seen, wanted, NOW)


# What is done


def test_vm_that_is_off_stays_off() -> None:
    action = planned(sight())
    assert (action.verb, action.snapshot, action.ran, action.starts) == (
        RESTORE,
        TAKEN,
        False,
        False,
    )
    assert acts(action) == [Act.RESTORE, Act.CLOSE]
    assert not action.stopped


def test_vm_that_runs_is_stopped_by_the_restore_and_started_again() -> None:
    action = planned(running(), TO_S._replace(stop=True))
    assert acts(action) == [Act.RESTORE, Act.START, Act.CLOSE]
    assert (action.ran, action.starts, action.stopped) == (True, True, True)


@pytest.mark.parametrize(
    ("start", "ran", "starts"),
    [
        ("as_before", True, True),
        ("as_before", False, False),
        ("always", False, True),
        ("never", True, False),
    ],
)
def test_start(start: str, ran: bool, starts: bool) -> None:
    seen = running() if ran else sight()
    action = planned(seen, TO_S._replace(stop=True, start=start))
    assert (Act.START in acts(action), action.starts) == (starts, starts)


def test_vm_that_is_being_stopped_did_not_run() -> None:
    seen = running(machine=machine("Halted"))
    action = planned(seen, TO_S._replace(stop=True))
    assert (action.ran, action.stopped) == (False, True)


CRASHED = read_instance("c1", instance_manifest(key_of(), phase="Failed"))


TO_START: dict[str, Any] = {"stateChangeRequests": [{"action": "Start"}]}


@pytest.mark.parametrize(
    ("strategy", "status", "left"),
    [
        ("Always", {}, CRASHED),
        ("Always", {}, None),
        ("Once", {}, None),
        ("Once", {}, CRASHED._replace(deleting=True)),
        ("RerunOnFailure", {}, CRASHED),
        ("RerunOnFailure", TO_START, None),
        ("Manual", TO_START, CRASHED),
    ],
)
def test_vm_that_kubevirt_starts_again_ran_whatever_its_instance_does(
    strategy: str, status: dict[str, Any], left: Instance | None
) -> None:
    seen = sight(machine=machine(strategy, **status), instance=left)
    assert planned(seen).reason == "vm_running"
    action = planned(seen, TO_S._replace(stop=True))
    assert (action.ran, action.stopped, action.starts) == (True, True, True)
    assert Act.STOP in acts(action)


def test_vm_that_kubevirt_reruns_after_a_failure_only_is_off_without_one() -> None:
    action = planned(sight(machine=machine("RerunOnFailure")))
    assert (action.ran, action.stopped, action.starts) == (False, False, False)


def test_vm_that_has_shut_itself_down_is_refused() -> None:
    seen = sight(machine=machine("Manual", printableStatus="Stopped", created=True))
    action = planned(seen, TO_S._replace(stop=True))
    assert action.reason == "vm_running"
    assert "start the VM and stop it" in action.message
    once = machine("Once", printableStatus="Stopped", created=True)
    action = planned(sight(machine=once, instance=CRASHED), TO_S._replace(stop=True))
    assert (action.verb, action.ran) == (RESTORE, False)


def test_newest_usable_of_the_set() -> None:
    def member(name: str, **more: Any) -> Any:
        return snapshot(name=name, labels=own_labels("set"), **more)

    seen = sight(
        machine=machine("Halted"),
        snapshots=[
            member("old", created=NOW - 2 * HOUR, included_volumes=("rootdisk",)),
            member("usable", created=NOW - HOUR, included_volumes=("rootdisk",)),
            member("failed", created=NOW, phase="Failed", ready=False),
            member("of-unknown-age", created=None, creation_time=None),
            snapshot(name="of-another-set", created=NOW),
        ],
    )
    action = planned(seen, Wanted(set="set"))
    assert action.snapshot
    assert action.snapshot.name == "usable"


def test_names_tell_the_snapshot_and_the_time() -> None:
    assert planned(sight()).name == "s-restore-20261123-120000"
    assert planned(sight(), TO_S._replace(name="mine")).name == "mine"
    assert len(restore_name("x" * 250, NOW)) <= 253
    assert ".-" not in restore_name("x" * 228 + ".abc", NOW)


def test_names_of_a_run_within_a_second_of_another_are_its_own() -> None:
    taken = snapshot(name="db1-before-restore-20261123-120000", ready=False)
    earlier = restore(COMPLETE, annotations={ROLLBACK: DONE})._replace(
        name="s-restore-20261123-120000"
    )
    seen = running(restores=[earlier], snapshots=[TAKEN, taken])
    action = planned(seen, TO_S._replace(stop=True, safety_snapshot=True))
    assert action.name == "s-restore-20261123-120001"
    (safety,) = (step for step in action.steps if step.act == Act.SNAPSHOT)
    assert safety.name == "db1-before-restore-20261123-120001"


def test_safety_snapshot_of_a_running_vm_has_it_recorded_before_it_is_stopped() -> None:
    action = planned(running(), TO_S._replace(stop=True, safety_snapshot=True))
    assert acts(action) == [
        Act.RECORD,
        Act.STOP,
        Act.SNAPSHOT,
        Act.RESTORE,
        Act.START,
        Act.CLOSE,
        Act.FORGET,
    ]


def test_safety_snapshot_of_a_vm_that_is_off() -> None:
    action = planned(sight(), TO_S._replace(safety_snapshot=True))
    assert acts(action) == [Act.SNAPSHOT, Act.RESTORE, Act.CLOSE]
    assert action.steps[0].name == "db1-before-restore-20261123-120000"


# What is refused


@pytest.mark.parametrize(
    ("seen", "wanted", "reason", "text"),
    [
        (sight(vm=None), TO_S, "not_found", "VM vms/db1 not found"),
        (sight(vm=vm()._replace(unreadable="why")), TO_S, "malformed_response", "why"),
        (sight(vm=vm()._replace(deleting=True)), TO_S, "vm_terminating", "is being deleted"),
        (sight(machine=None), TO_S, "other_cluster", "the kubeconfig of another cluster"),
        (sight(vm=vm()._replace(uid="x")), TO_S, "other_cluster", "as Palette shows it"),
        (running(), TO_S, "vm_running", "use stop: true"),
        (sight(), Wanted(snapshot="ss"), "not_found", "no snapshot ss; nearest: s"),
        (sight(), Wanted(set="nightly"), "not_found", "no snapshot of the set nightly"),
        (
            sight(snapshots=[snapshot(labels=own_labels("nightly"))]),
            Wanted(set="nigthly"),
            "not_found",
            "no snapshot of the set nigthly; nearest: nightly",
        ),
        (
            sight(snapshots=[snapshot(labels=own_labels("nightly"))]),
            Wanted(set="before-patch"),
            "not_found",
            "no snapshot of the set before-patch; it has those of nightly",
        ),
    ],
)
def test_vm_is_refused(seen: Sight, wanted: Wanted, reason: str, text: str) -> None:
    action = planned(seen, wanted)
    assert (action.verb, action.reason) == (REFUSE, reason)
    assert text in action.message


@pytest.mark.parametrize(
    ("fields", "reason", "text"),
    [
        ({"deleting": True}, "snapshot_unusable", "is being deleted"),
        ({"phase": "Failed", "ready": False}, "snapshot_unusable", "failed"),
        ({"phase": "InProgress", "ready": False}, "snapshot_unusable", "is not ready"),
        ({"phase": "Succeeded", "ready": False}, "snapshot_unusable", "is not ready"),
        ({"unreadable": "why"}, "malformed_response", "why"),
        ({"creation_time": None, "created": None}, "malformed_response", "of an earlier VM"),
    ],
)
def test_snapshot_is_refused(fields: Any, reason: str, text: str) -> None:
    action = planned(sight(snapshots=[TAKEN._replace(**fields)]))
    assert (action.verb, action.reason) == (REFUSE, reason)
    assert text in action.message


@pytest.mark.parametrize("wanted", [TO_S, Wanted(set="patch")])
def test_snapshot_of_a_former_vm_is_refused_by_the_time_in_the_cluster(wanted: Wanted) -> None:
    """Palette may leave that time out."""
    off = machine("Halted")
    made_again = off._replace(vm=off.vm._replace(created=NOW + SECOND))
    taken = snapshot(labels=own_labels("patch"), included_volumes=("rootdisk",))
    action = planned(sight(machine=made_again, snapshots=[taken]), wanted)
    assert (action.verb, action.reason) == (REFUSE, "former_vm")


def test_vm_that_its_cluster_deletes_is_refused() -> None:
    """Palette may not say so yet."""
    off = machine("Halted")
    action = planned(sight(machine=off._replace(vm=off.vm._replace(deleting=True))))
    assert (action.verb, action.reason) == (REFUSE, "vm_terminating")


def test_set_without_a_usable_member_tells_of_the_newest() -> None:
    failed = snapshot(name="x", labels=own_labels("set"), phase="Failed", ready=False)
    action = planned(sight(snapshots=[failed]), Wanted(set="set"))
    assert (action.verb, action.reason) == (REFUSE, "snapshot_unusable")
    assert "the newest: snapshot x failed" in action.message


def test_disk_that_is_not_in_the_snapshot() -> None:
    seen = sight(snapshots=[snapshot()])
    action = planned(seen)
    assert (action.reason, "disk rootdisk" in action.message) == ("volumes_excluded", True)
    allowed = planned(seen, TO_S._replace(allow_excluded=True))
    assert allowed.verb == RESTORE
    assert allowed.notes == ("snapshot s of VM db1 does not contain disk rootdisk",)


def test_snapshot_in_progress_is_waited_for_by_hand() -> None:
    other = snapshot(name="other", phase="InProgress", ready=False)
    action = planned(sight(snapshots=[TAKEN, other]))
    assert (action.verb, action.reason) == (REFUSE, "snapshot_in_progress")


def test_lock_of_a_snapshot_that_is_ready_is_about_to_go() -> None:
    locked = machine("Halted", snapshotInProgress="s")
    assert planned(sight(machine=locked)).verb == RESTORE


@pytest.mark.parametrize(
    ("other", "clear", "verb"),
    [
        (restore(CREATING), False, REFUSE),
        (restore(CREATING), True, REFUSE),
        (restore(FAILED), False, REFUSE),
        (restore(FAILED), True, RESTORE),
        (restore(CREATING, snapshot="missing"), False, REFUSE),
        (restore(CREATING, snapshot="missing"), True, RESTORE),
        (restore(FAILED, annotations=RAN_BEFORE), False, RESTORE),
        (restore(COMPLETE), False, RESTORE),
        (restore()._replace(unreadable="why"), False, RESTORE),
    ],
)
def test_restore_of_somebody_else(other: Restore, clear: bool, verb: str) -> None:
    """What may still end is never deleted; what never will only if that is asked for."""
    action = planned(sight(restores=[other]), TO_S._replace(clear_failed=clear))
    assert action.verb == verb
    if verb == REFUSE:
        assert action.reason == "restore_in_progress"
    else:
        cleared = [step.name for step in action.steps if step.act == Act.CLEAR]
        assert cleared == ([] if other.complete or other.unreadable else ["r1"])


def test_a_restore_that_may_have_deleted_disks_is_not_advised_to_be_deleted() -> None:
    begun = restore(CREATING)
    taking = begun._replace(deleted_data_volumes=("db1-rootdisk",))
    assert planned(sight(restores=[begun])).message.endswith("when it has ended, or delete it")
    assert planned(sight(restores=[taking])).message.endswith("run again when it has ended")


def test_a_restore_that_cannot_be_read_is_not_gone_on_with() -> None:
    named = restore()._replace(unreadable="complete: is no boolean")
    action = planned(sight(namesake=named), TO_S._replace(name="r1"))
    assert (action.verb, action.reason) == (REFUSE, "malformed_response")
    assert action.message == "restore vms/r1 of VM db1 cannot be read: complete: is no boolean"


# Run again


def test_interrupted_one_is_completed() -> None:
    begun = restore(CREATING, created=NOW - MINUTE, annotations=RAN_BEFORE)
    action = planned(sight(restores=[begun]))
    assert (action.verb, action.name, action.ran) == (FINISH, "r1", True)
    assert acts(action) == [Act.RESTORE, Act.START, Act.CLOSE]
    assert action.steps[0].written


def test_restored_one_is_started_and_closed() -> None:
    begun = restore(COMPLETE, created=NOW - MINUTE, annotations=RAN_BEFORE)
    assert acts(planned(sight(restores=[begun]))) == [Act.START, Act.CLOSE]


def test_restored_one_is_not_what_a_set_with_a_newer_snapshot_asks_for() -> None:
    begun = restore(COMPLETE, created=NOW - MINUTE, annotations=RAN_BEFORE)
    ours = snapshot(included_volumes=("rootdisk",), labels=own_labels("patch"))
    members = [
        ours._replace(name=name, creation_time=at)
        for name, at in (("s", NOW - HOUR), ("later", NOW))
    ]
    to_set = Wanted(set="patch")
    first = sight(restores=[begun], snapshots=members[:1])
    assert planned(first, to_set).verb == FINISH
    action = planned(first._replace(snapshots=members), to_set)
    assert (action.verb, action.snapshot, action.starts) == (RESTORE, members[1], True)


def test_running_one_is_completed_without_stop() -> None:
    """KubeVirt is about to stop it: that was asked for."""
    begun = restore(CREATING, created=NOW - MINUTE, annotations=RAN_BEFORE)
    assert planned(running(restores=[begun])).verb == FINISH


@pytest.mark.parametrize(
    ("begun", "seen"),
    [
        (restore(COMPLETE, created=NOW - HOUR, annotations=RAN_BEFORE), {}),
        (restore(COMPLETE, annotations={ROLLBACK: DONE, VM_RAN: "true"}), {}),
        (restore(COMPLETE), {}),
        (restore(COMPLETE, snapshot="other", annotations={ROLLBACK: PENDING}), {}),
        (restore(COMPLETE, annotations=RAN_BEFORE), {"instance": instance(NOW + SECOND)}),
    ],
)
def test_everything_else_goes_back_again(begun: Restore, seen: Any) -> None:
    action = planned(sight(restores=[begun], **seen), TO_S._replace(stop=True))
    assert action.verb == RESTORE


def test_other_way_back_knows_what_ran_before_the_interrupted_one() -> None:
    begun = restore(COMPLETE, snapshot="other", annotations=RAN_BEFORE)
    assert planned(sight(restores=[begun])).ran


def test_named_one_that_is_done_is_unchanged() -> None:
    done = restore(COMPLETE, created=NOW - 100 * HOUR, annotations={ROLLBACK: DONE})
    action = planned(running(namesake=done), TO_S._replace(name="r1"))
    assert (action.verb, action.changes, action.steps) == (KEEP, False, ())


def test_named_one_that_is_pending_is_completed_however_old() -> None:
    begun = restore(COMPLETE, created=NOW - 100 * HOUR, annotations=RAN_BEFORE)
    action = planned(sight(namesake=begun, restores=[begun]), TO_S._replace(name="r1"))
    assert acts(action) == [Act.START, Act.CLOSE]


@pytest.mark.parametrize(
    "other",
    [
        restore(COMPLETE),
        restore(COMPLETE, vm_name="db2", annotations={ROLLBACK: DONE}),
        restore(COMPLETE, snapshot="other", annotations={ROLLBACK: DONE}),
    ],
)
def test_name_of_another_one_is_a_conflict(other: Restore) -> None:
    action = planned(sight(namesake=other), TO_S._replace(name="r1"))
    assert (action.verb, action.reason) == (REFUSE, "conflict")


def test_vm_that_was_stopped_by_an_interrupted_run_ran() -> None:
    recorded = machine("Halted")._replace(ran_at=NOW - MINUTE)
    action = planned(sight(machine=recorded))
    assert acts(action) == [Act.RESTORE, Act.START, Act.CLOSE, Act.FORGET]
    old = planned(sight(machine=recorded._replace(ran_at=NOW - HOUR)))
    assert acts(old) == [Act.RESTORE, Act.CLOSE, Act.FORGET]


def test_safety_snapshot_of_an_interrupted_run_is_used() -> None:
    recorded = machine("Halted")._replace(ran_at=NOW - MINUTE)
    begun = snapshot(name="safe", phase="InProgress", ready=False, annotations={SAFETY: "true"})
    seen = sight(machine=recorded, snapshots=[TAKEN, begun])
    action = planned(seen, TO_S._replace(safety_snapshot=True))
    assert (action.steps[0].name, action.steps[0].written) == ("safe", True)


@pytest.mark.parametrize(
    "later",
    [
        {"ran_at": NOW - HOUR},
        # It has run since, and is off for another reason.
        {"vm": machine("Halted").vm._replace(ready_since=write_time(NOW + MINUTE) or "")},
    ],
)
def test_safety_snapshot_of_an_interrupted_run_long_ago_is_not_used(later: dict[str, Any]) -> None:
    recorded = machine("Halted")._replace(**{"ran_at": NOW - MINUTE, **later})
    begun = snapshot(name="safe", created=NOW, annotations={SAFETY: "true"})
    seen = sight(machine=recorded, snapshots=[TAKEN, begun])
    safety = planned(seen, TO_S._replace(safety_snapshot=True)).steps[0]
    assert (safety.act, safety.written) == (Act.SNAPSHOT, False)


# What is told


def test_in_place_warns() -> None:
    notes = planned(sight(), TO_S._replace(in_place=True)).notes
    assert "there is no way back" in notes[0]


def test_run_strategy_that_cannot_be_set_back_is_told() -> None:
    seen = running(machine=machine("Once"))
    notes = planned(seen, TO_S._replace(stop=True)).notes
    text = "the run strategy of VM db1 was Once and will be Always"
    assert notes == (f"{text}: Palette's calls cannot set it back",)

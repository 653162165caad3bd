# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The planner's laws: what is applied is kept, others' is left alone, a refusal writes nothing."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.spectrocloud.palette.plugins.module_utils._palette.objects import (
    write_time,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots.desired import (
    Desired,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots.model import (
    Snapshot,
    read_snapshot,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots.ownership import (
    EXPIRES_AT,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots.plan import (
    CREATE,
    DELETE,
    KEEP,
    REFUSE,
    UPDATE,
    Action,
    Step,
    blockers,
    differing_metadata,
    keep,
    plan_absent,
    plan_present,
    refuse,
    satisfies,
    with_metadata,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots.wait import Goal
from ansible_collections.spectrocloud.palette.plugins.module_utils._vms.model import (
    VirtualMachine,
    read_vm,
)
from unit.builders import (
    FAILED,
    NOW,
    READY,
    RUNNING,
    SUCCEEDED,
    Json,
    annotated,
    desired_snapshot,
    key_of,
    listed,
    own_labels,
    vm,
)

KEY, OTHER_VM = key_of("db1"), key_of("db2")

words = st.sampled_from(["a", "b", "app", "tier"])
texts = st.dictionaries(words, st.sampled_from(["", "1", "2"]), max_size=3)
durations = st.builds(
    lambda hours, minutes, seconds: (
        f"{hours * 3600 + minutes * 60 + seconds}s",
        f"{hours}h{minutes}m{seconds}s",
    ),
    st.integers(0, 5),
    st.integers(0, 59),
    st.integers(0, 59),
)
policies = st.sampled_from([None, "Delete", "Retain"])


@st.composite
def desireds(draw: st.DrawFn) -> Desired:
    """Draw a snapshot as a task may ask for it."""
    options: dict[str, Any] = {
        "labels": draw(st.none() | texts),
        "annotations": draw(st.none() | texts),
        "deletion_policy": draw(policies),
        "failure_deadline": draw(st.none() | durations.map(lambda pair: pair[0])),
        "expire_after": draw(st.sampled_from([None, "7d"])),
        "definition": draw(
            st.none() | st.builds(lambda labels: {"metadata": {"labels": labels}}, texts)
        ),
    }
    return desired_snapshot(KEY, "before", **options)


@st.composite
def snapshots(draw: st.DrawFn, name: str = "before") -> Snapshot:
    """Draw a snapshot as the list may show it."""
    key = draw(st.sampled_from([KEY, KEY, OTHER_VM]))
    spec: Json = {}
    policy, deadline = draw(policies), draw(st.none() | durations)
    if policy:
        spec["deletionPolicy"] = policy
    if deadline:
        spec["failureDeadline"] = deadline[1]
    meta: Json = {"name": name, "uid": "u1"}
    meta["labels"], meta["annotations"] = draw(st.none() | texts), draw(st.none() | texts)
    if draw(st.booleans()):
        meta["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    status = draw(st.sampled_from([{}, RUNNING, READY, FAILED]))
    return listed(status, vm_name=key.vm_name, spec=spec, **meta)


@st.composite
def vms(draw: st.DrawFn) -> VirtualMachine | None:
    """Draw the VM as it may be found."""
    if draw(st.booleans()):
        return None
    volumes = draw(st.lists(st.builds(lambda on: {"name": "v", "enabled": on}, st.booleans())))
    status = {
        "volumeSnapshotStatuses": volumes,
        "snapshotInProgress": draw(st.sampled_from([None, "before", "x"])),
        "restoreInProgress": draw(st.sampled_from([None, "", "restore-1"])),
    }
    return read_vm("c1", {"metadata": {"namespace": "vms", "name": "db1"}, "status": status})


def applied(action: Action, server_words: bool) -> Snapshot:
    """Return the snapshot that is there once the action was carried out."""
    after = action.predicted
    assert after
    manifest: Json = {**after.manifest, "status": READY}
    if server_words:
        manifest["metadata"] = {**manifest["metadata"], "deletionTimestamp": "0001-01-01T00:00:00Z"}
        spec = manifest["spec"]
        if action.verb == CREATE and "failureDeadline" in spec:
            minutes, rest = divmod(int(spec["failureDeadline"].rstrip("s")), 60)
            manifest["spec"] = {**spec, "failureDeadline": f"{minutes}m{rest}s"}
    return read_snapshot("c1", manifest)


@given(desireds(), st.none() | snapshots(), st.booleans(), st.booleans())
def test_plan_present_keeps_what_was_applied(
    desired: Desired, current: Snapshot | None, replace: bool, server_words: bool
) -> None:
    action = plan_present(desired, current, vm(), [], replace)
    if action.verb == REFUSE:
        return
    again = plan_present(desired, applied(action, server_words), vm(), [], replace)
    assert again.verb == KEEP
    assert (again.changes, again.outcome) == (False, "unchanged")


@given(
    desireds(),
    st.none() | snapshots(),
    vms(),
    st.lists(snapshots(name="other"), max_size=2),
    st.booleans(),
)
def test_plan_present_keeps_the_laws(
    desired: Desired,
    current: Snapshot | None,
    machine: VirtualMachine | None,
    others: list[Snapshot],
    replace: bool,
) -> None:
    action = plan_present(desired, current, machine, others, replace)
    assert action.verb in (CREATE, UPDATE, KEEP, REFUSE)
    if action.verb == REFUSE:
        assert not action.changes
        assert action.steps == ()
        assert action.reason
        assert action.message
    if current and current.key != KEY:
        assert (action.verb, action.reason) == (REFUSE, "conflict")
    if action.verb == CREATE:
        assert machine
        assert current is None or current.deleting or replace
        assert action.steps[-1] == Step(CREATE, "before", Goal.READY, desired)
        awaited = [step.name for step in action.steps if step.goal is Goal.SETTLED]
        assert "before" not in awaited
    for step in action.steps:
        if step.write == DELETE:
            assert current
            assert (step.name, step.uid, current.key) == (current.name, current.uid, KEY)
    if action.verb in (UPDATE, KEEP):
        assert current
        assert not current.deleting
        assert machine


@given(st.none() | snapshots())
def test_plan_absent_deletes_only_the_vms_own_snapshot_and_once(current: Snapshot | None) -> None:
    action = plan_absent(KEY, current)
    assert action.verb in (DELETE, KEEP)
    deletable = current is not None and current.key == KEY and not current.deleting
    assert (action.verb == DELETE) is deletable
    assert [step.write for step in action.steps].count(DELETE) == int(deletable)
    assert plan_absent(KEY, None).verb == KEEP
    assert bool(action.notes) is (current is not None and current.key != KEY)


@given(desireds(), snapshots())
def test_with_metadata_writes_what_is_declared_and_leaves_the_rest(
    desired: Desired, current: Snapshot
) -> None:
    manifest = with_metadata(current.manifest, desired)
    written = read_snapshot("c1", manifest)
    assert differing_metadata(desired, written) == {}
    for kind in ("labels", "annotations"):
        declared = desired.declared["metadata"].get(kind) or {}
        before, after = dict(getattr(current, kind)), dict(getattr(written, kind))
        assert after == {**before, **declared}
    assert manifest["spec"] == current.manifest["spec"]


@given(desireds(), st.none() | snapshots(), vms(), st.booleans())
def test_before_and_after_agree_with_the_verb(
    desired: Desired, current: Snapshot | None, machine: VirtualMachine | None, replace: bool
) -> None:
    for action in (plan_present(desired, current, machine, [], replace), plan_absent(KEY, current)):
        if not action.changes:
            assert action.before == action.after
        if action.verb == DELETE:
            assert action.after is None
        if action.verb == CREATE:
            assert action.after == desired.body


def test_expire_after_and_ownership_of_an_existing_snapshot_are_left_alone() -> None:
    desired = desired_snapshot(KEY, "before", expire_after="7d")
    assert plan_present(desired, listed(READY, name="before"), vm()).verb == KEEP


@pytest.mark.parametrize(
    ("days", "said"),
    [
        (7, ""),
        (7 - 0.4, ""),  # taken ten hours after its task began
        (14, "expires at 2026-12-07T12:00:00Z"),
        (1, "expires at 2026-11-24T12:00:00Z"),
        (None, "has no expiry"),
    ],
)
def test_expire_after_that_an_existing_snapshot_does_not_have_is_told(
    days: float | None, said: str
) -> None:
    expiry = {EXPIRES_AT: write_time(NOW + timedelta(days=days)) or ""} if days else {}
    current = listed(READY, name="before")._replace(created=NOW, annotations=expiry)
    for labels in (None, {"mine": "new"}):
        desired = desired_snapshot(KEY, "before", expire_after="7d", labels=labels)
        notes = " ".join(plan_present(desired, current, vm()).notes)
        assert said in notes
        assert bool(notes) == bool(said)
    assert plan_present(desired_snapshot(KEY, "before"), current, vm()).notes == ()


def test_failure_deadline_that_cannot_be_read_is_compared_as_text() -> None:
    desired = desired_snapshot(KEY, "before", failure_deadline="5m")
    current = listed(RUNNING, name="before", spec={"failureDeadline": "five minutes"})
    assert plan_present(desired, current, vm()).reason == "spec_differs"


# What check mode and diff show

DESIRED = desired_snapshot(name="s", labels={"mine": "new"}, part_of="nightly")


def existing(status: Json = READY, **labels: str) -> Snapshot:
    """Return a snapshot as Palette lists it."""
    return listed(status, uid="u1", labels=labels)


def test_predicted_creation_is_what_is_asked_for() -> None:
    action = plan_present(DESIRED, None, vm())
    assert (action.before, action.after) == (None, DESIRED.body)
    left = action.predicted
    assert left
    assert (left.key, left.name, left.phase, left.ready) == (key_of(), "s", "", False)
    assert left.labels == DESIRED.body["metadata"]["labels"]


def test_replace_shows_the_old_one_before() -> None:
    old = existing(FAILED, theirs="1")
    action = plan_present(DESIRED, old, vm(), replace=True)
    assert (action.before, action.after) == (old.manifest, DESIRED.body)
    left = action.predicted
    assert left
    assert left.uid == ""


def test_predicted_update_keeps_what_others_wrote_and_does_not_make_the_snapshot_ours() -> None:
    old = existing(theirs="1", mine="old")
    action = plan_present(DESIRED, old, vm())
    assert action.verb == UPDATE
    left = action.predicted
    assert left
    assert left.labels == {"theirs": "1", "mine": "new"}
    assert left.ready
    assert old.labels == {"theirs": "1", "mine": "old"}


def test_predicted_deletion_shows_what_was() -> None:
    old = existing()
    action = plan_absent(key_of(), old)
    assert (action.before, action.after) == (old.manifest, None)
    assert action.predicted == old


def test_keep_and_refuse_predict_no_change() -> None:
    old = existing()
    for action in (keep("present", old, DESIRED), refuse("conflict", "no", old, DESIRED)):
        assert (action.before, action.after) == (old.manifest, old.manifest)
        assert action.predicted == old
    refused = refuse("not_found", "no", None, DESIRED)
    assert (refused.before, refused.after) == (None, None)
    assert plan_absent(key_of(), None).predicted is None


# A snapshot of a former VM

TAKEN = datetime(2026, 1, 2, 3, tzinfo=timezone.utc)
LATER = datetime(2026, 1, 5, tzinfo=timezone.utc)
OF_FORMER = {**READY, "creationTime": "2026-01-02T03:00:00Z", "sourceUID": "uid-of-db1"}


def created_at(moment: datetime | None) -> VirtualMachine:
    """Return the VM, created at that time."""
    return vm()._replace(created=moment)


def test_plan_present_refuses_a_snapshot_of_a_former_vm_and_says_when() -> None:
    old = existing(OF_FORMER, mine="new")
    action = plan_present(DESIRED, old, created_at(LATER))
    assert (action.verb, action.reason, action.changes) == (REFUSE, "former_vm", False)
    for part in ("vms/s", "2026-01-02T03:00:00Z", "2026-01-05T00:00:00Z", "replace: true"):
        assert part in action.message


def test_plan_present_replaces_a_snapshot_of_a_former_vm() -> None:
    action = plan_present(DESIRED, existing(OF_FORMER), created_at(LATER), replace=True)
    assert action.outcome == "replaced"
    assert [step.write for step in action.steps] == [DELETE, CREATE]


@pytest.mark.parametrize("replace", [False, True])
@pytest.mark.parametrize("created", [TAKEN, datetime(2025, 1, 1, tzinfo=timezone.utc), None])
def test_plan_present_keeps_a_snapshot_that_is_younger_than_its_vm(
    created: datetime | None, replace: bool
) -> None:
    old = existing(OF_FORMER, mine="new")
    assert plan_present(DESIRED, old, created_at(created), replace=replace).verb == KEEP


@pytest.mark.parametrize("replace", [False, True])
@pytest.mark.parametrize("status", [READY, FAILED, RUNNING])
def test_plan_present_refuses_a_snapshot_whose_vm_is_gone(status: Json, replace: bool) -> None:
    action = plan_present(DESIRED, existing(status, mine="new"), None, replace=replace)
    assert (action.verb, action.reason, action.steps) == (REFUSE, "not_found", ())


# A snapshot whose volumes are lost


def with_error_since(moment: str) -> Snapshot:
    """Return the snapshot that was applied, with an error since then."""
    error = {"message": "VolumeSnapshots (a) missing", "time": moment}
    return existing({**SUCCEEDED, "error": error}, mine="new")


def test_plan_present_refuses_a_lost_snapshot_at_once_and_replaces_it() -> None:
    lost = with_error_since("2026-11-22T11:00:00Z")
    action = plan_present(DESIRED, lost, vm())
    assert (action.verb, action.reason, action.steps) == (REFUSE, "snapshot_lost", ())
    for part in ("vms/s", "2026-11-22T11:00:00Z", "VolumeSnapshots (a) missing", "replace: true"):
        assert part in action.message
    replaced = plan_present(DESIRED, lost, vm(), replace=True)
    assert replaced.outcome == "replaced"
    assert [step.write for step in replaced.steps] == [DELETE, CREATE]


@pytest.mark.parametrize("replace", [False, True])
def test_plan_present_waits_for_a_snapshot_whose_error_may_pass(replace: bool) -> None:
    passing = with_error_since("2026-11-23T11:00:00Z")
    assert plan_present(DESIRED, passing, vm(), replace=replace).verb == KEEP


# A snapshot that appeared meanwhile

ASKED = desired_snapshot(part_of="nightly", failure_deadline="5m")
SAME_SPEC = {"failureDeadline": "5m0s"}


def appeared(status: Json, *, vm_name: str = "db1", spec: Json | None = None, **meta: Any) -> Any:
    """Return a snapshot of the set as somebody else has just taken it, unless told otherwise."""
    labels = own_labels("nightly")
    found: Json = {"labels": labels, "annotations": annotated(labels), **meta}
    return listed(status, vm_name=vm_name, spec=SAME_SPEC if spec is None else spec, **found)


@pytest.mark.parametrize("status", [{}, RUNNING, READY])
def test_satisfies_what_is_of_the_same_vm_set_and_spec(status: Json) -> None:
    assert satisfies(ASKED, appeared(status))


@pytest.mark.parametrize(
    "other",
    [
        appeared(READY, vm_name="db2"),
        appeared(READY, labels=own_labels("weekly")),
        appeared(READY, labels=own_labels()),
        appeared(READY, annotations={}),
        appeared(RUNNING, spec={"failureDeadline": "6m"}),
        appeared(FAILED),
        appeared(READY, deletionTimestamp="2026-01-01T00:00:00Z"),
    ],
    ids=["VM", "set", "no set", "not ours", "spec", "failed", "being deleted"],
)
def test_satisfies_is_not_what_differs(other: Snapshot) -> None:
    assert not satisfies(ASKED, other)


# The steps


BUSY = listed(RUNNING, name="other")
NEW = Step(CREATE, "s", Goal.READY, DESIRED)
DELETION = Step(DELETE, "s", Goal.GONE, uid="u1")
GOING = listed(READY, uid="u1", deletionTimestamp="2026-01-01T00:00:00Z")


@pytest.mark.parametrize(
    ("action", "waiting", "not_waiting"),
    [
        (plan_present(DESIRED, None, vm()), [NEW], [NEW._replace(goal=None)]),
        (
            plan_present(DESIRED, None, vm(), [BUSY]),
            [Step(None, "other", Goal.SETTLED), NEW],
            [NEW._replace(goal=None)],
        ),
        (
            plan_present(DESIRED, existing(FAILED), vm(), replace=True),
            [DELETION, NEW],
            [DELETION, NEW._replace(goal=None)],
        ),
        (
            plan_present(DESIRED, GOING, vm()),
            [DELETION._replace(write=None), NEW],
            [DELETION._replace(write=None), NEW._replace(goal=None)],
        ),
        (
            plan_present(DESIRED, existing(), vm()),
            [Step(UPDATE, "s", Goal.READY, DESIRED)],
            [Step(UPDATE, "s", None, DESIRED)],
        ),
        (
            plan_present(DESIRED, existing(mine="new"), vm()),
            [Step(None, "s", Goal.READY, DESIRED, uid="u1")],
            [],
        ),
        (plan_absent(key_of(), existing()), [DELETION], [DELETION._replace(goal=None)]),
        (plan_absent(key_of(), GOING), [DELETION._replace(write=None)], []),
        (plan_absent(key_of(), None), [], []),
        (plan_present(DESIRED, None, None), [], []),
    ],
    ids=[
        "create",
        "create after another",
        "replace",
        "create after a deletion",
        "update",
        "keep",
        "delete",
        "being deleted",
        "absent",
        "refuse",
    ],
)
def test_steps_for_leaves_out_what_is_only_waited_for(
    action: Action, waiting: list[Step], not_waiting: list[Step]
) -> None:
    assert action.steps_for(True) == waiting
    assert action.steps_for(False) == not_waiting


def test_consistency_filesystem_is_what_is_waited_for() -> None:
    desired = desired_snapshot(consistency="filesystem")
    assert [step.goal for step in plan_present(desired, None, vm()).steps] == [Goal.QUIESCED]


# What is told before anything is taken

AGENT = {"type": "AgentConnected", "status": "True"}
READY_VM = {"type": "Ready", "status": "True"}
PAUSED = {"type": "Paused", "status": "True"}
AT_REST = desired_snapshot(consistency="filesystem")


def with_disks(**told: bool | None) -> VirtualMachine:
    """Return a VM with data disks, and cloud-init; told: whether each can be snapshotted."""
    volumes = [{"name": name, "dataVolume": {"name": name}} for name in told]
    statuses = [
        {"name": name, "enabled": enabled, "reason": "" if enabled else f"no class [{name}]"}
        for name, enabled in told.items()
        if enabled is not None
    ]
    init = {"name": "init", "enabled": False, "reason": "not supported"}
    return read_vm(
        "c1",
        {
            "metadata": {"namespace": "vms", "name": "db1"},
            "spec": {
                "template": {
                    "spec": {"volumes": [*volumes, {"name": "init", "cloudInitNoCloud": {}}]}
                }
            },
            "status": {"volumeSnapshotStatuses": [*statuses, init]},
        },
    )


def test_volumes_that_will_be_missing_are_told_with_the_cause() -> None:
    action = plan_present(desired_snapshot(), None, with_disks(root=True, data1=False, data2=False))
    assert action.verb == CREATE
    disks = "disk data1 (no class [data1]), disk data2 (no class [data2])"
    assert action.notes == (f"the snapshot of VM db1 will not contain {disks}",)


def test_volumes_that_will_be_missing_are_refused_if_that_is_asked_for() -> None:
    desired = desired_snapshot(excluded_volumes="refuse")
    action = plan_present(desired, None, with_disks(root=True, data1=False))
    assert (action.verb, action.reason, action.steps) == (REFUSE, "volumes_excluded", ())
    assert "would not contain disk data1 (no class [data1])" in action.message


@pytest.mark.parametrize("choice", ["warn", "refuse"])
def test_volumes_without_data_never_count(choice: str) -> None:
    action = plan_present(desired_snapshot(excluded_volumes=choice), None, with_disks(root=True))
    assert (action.verb, action.notes) == (CREATE, ())


def test_volumes_of_which_nothing_is_known_are_told_and_refuse_nothing() -> None:
    desired = desired_snapshot(excluded_volumes="refuse")
    action = plan_present(desired, None, with_disks(root=True, data1=None))
    assert action.verb == CREATE
    assert action.notes == ("Palette does not report whether data1 of VM db1 can be snapshotted",)


def test_restore_in_progress_is_told_and_blocks_nothing() -> None:
    action = plan_present(desired_snapshot(), None, vm(restoreInProgress="restore-1"))
    assert [step.write for step in action.steps] == [CREATE]
    (note,) = action.notes
    assert note.startswith("VM db1 is being restored (restore restore-1)")


def lacking(*names: str) -> Snapshot:
    """Return a snapshot that can be used, without these volumes."""
    volumes = {"includedVolumes": ["root"], "excludedVolumes": [*names]}
    return listed({**READY, "snapshotVolumes": volumes})


def test_volumes_that_an_existing_snapshot_lacks_are_refused_if_that_is_asked_for() -> None:
    machine = with_disks(root=True, data1=None)
    wanted = desired_snapshot(excluded_volumes="refuse")
    action = plan_present(wanted, lacking("data1", "init"), machine)
    assert (action.verb, action.reason, action.steps) == (REFUSE, "volumes_missing", ())
    assert "snapshot s is without disk data1; it is kept" in action.message
    assert plan_present(desired_snapshot(), lacking("data1"), machine).verb == KEEP
    small = with_disks(root=True)
    assert plan_present(wanted, lacking("init", "gone"), small).verb == KEEP
    # Palette does not tell what is in it.
    silent = listed({**READY, "snapshotVolumes": None})
    assert plan_present(wanted, silent, with_disks(root=True, data1=False)).verb == KEEP
    # What is not in it, because the VM got it later.
    older = listed({**READY, "snapshotVolumes": {"includedVolumes": ["root"]}})
    added = plan_present(wanted, older, with_disks(root=True, data1=False))
    assert added.reason == "volumes_missing"


def test_volumes_that_must_be_in_it_are_known_to_each_step_that_waits_for_it() -> None:
    machine = with_disks(root=True, data1=None)._replace(
        printable_status="Running", running=True, run_strategy="Always"
    )
    offline = desired_snapshot(excluded_volumes="refuse", offline=True)
    for current in (None, listed(RUNNING)):
        last = plan_present(offline, current, machine).steps[-1]
        assert last.desired
        assert last.desired.needed == ("root", "data1")


@pytest.mark.parametrize(
    ("status", "expected", "says"),
    [
        ({"created": True, "conditions": [READY_VM]}, "no_guest_agent", "no guest agent"),
        ({"created": True, "conditions": [AGENT, PAUSED]}, "vm_paused", "is paused"),
        ({"created": True, "conditions": [PAUSED]}, "vm_paused", "is paused"),
        ({"created": True, "conditions": [READY_VM, AGENT]}, None, ""),
        ({"created": True}, None, ""),  # Palette tells no conditions
        ({"created": False, "conditions": [PAUSED]}, None, ""),  # off
    ],
)
def test_consistency_filesystem_is_refused_where_nothing_can_be_frozen(
    status: Json, expected: str | None, says: str
) -> None:
    refused = blockers(vm(**status), AT_REST)
    assert (refused and refused[0]) == expected
    assert says in (refused[1] if refused else "")
    assert blockers(vm(**status), desired_snapshot()) is None
    verb = REFUSE if expected else CREATE
    assert plan_present(AT_REST, None, vm(**status)).verb == verb


def test_consistency_filesystem_keeps_a_consistent_snapshot_of_a_vm_that_is_paused_now() -> None:
    paused = vm(created=True, conditions=[PAUSED])
    assert plan_present(AT_REST, listed(READY), paused).verb == KEEP

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The planner's laws: what is applied is kept, others' is left alone, a refusal writes nothing."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots.desired import (
    Wanted,
    wanted,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots.model import (
    Snapshot,
    VirtualMachine,
    VmKey,
    read_snapshot,
    read_vm,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots.plan import (
    CREATE,
    DELETE,
    KEEP,
    REFUSE,
    UPDATE,
    Action,
    differing_metadata,
    plan_absent,
    plan_present,
    with_metadata,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots.predict import (
    before_and_after,
    predicted,
)
from unit.fakes import FAILED, READY, RUNNING, Json

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
KEY = VmKey("c1", "vms", "db1")
OTHER_VM = VmKey("c1", "vms", "db2")

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
def wishes(draw: st.DrawFn) -> Wanted:
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
    return wanted(KEY, "before", options, NOW)


@st.composite
def snapshots(draw: st.DrawFn, name: str = "before") -> Snapshot:
    """Draw a snapshot as the list may show it."""
    key = draw(st.sampled_from([KEY, KEY, OTHER_VM]))
    spec: Json = {"source": {"kind": "VirtualMachine", "name": key.vm_name}}
    policy, deadline = draw(policies), draw(st.none() | durations)
    if policy:
        spec["deletionPolicy"] = policy
    if deadline:
        spec["failureDeadline"] = deadline[1]
    meta: Json = {"name": name, "namespace": "vms", "uid": "u1"}
    meta["labels"], meta["annotations"] = draw(st.none() | texts), draw(st.none() | texts)
    if draw(st.booleans()):
        meta["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    status = draw(st.sampled_from([{}, RUNNING, READY, FAILED]))
    return read_snapshot("c1", {"metadata": meta, "spec": spec, "status": status})


@st.composite
def machines(draw: st.DrawFn) -> VirtualMachine | None:
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


GOOD_VM = read_vm(
    "c1",
    {
        "metadata": {"namespace": "vms", "name": "db1"},
        "status": {"volumeSnapshotStatuses": [{"name": "v", "enabled": True}]},
    },
)


def applied(action: Action, server_words: bool) -> Snapshot:
    """Return the snapshot that is there once the action was carried out."""
    after = predicted(action)
    assert after
    manifest: Json = {**after.manifest, "status": READY}
    if server_words:
        manifest["metadata"] = {**manifest["metadata"], "deletionTimestamp": "0001-01-01T00:00:00Z"}
        spec = manifest["spec"]
        seconds = (
            int(str(spec.get("failureDeadline", "0s")).rstrip("s"))
            if action.verb == CREATE
            else None
        )
        if seconds is not None and "failureDeadline" in spec:
            minutes, rest = divmod(seconds, 60)
            manifest["spec"] = {**spec, "failureDeadline": f"{minutes}m{rest}s"}
    return read_snapshot("c1", manifest)


@given(wishes(), st.none() | snapshots(), st.booleans(), st.booleans())
def test_what_was_applied_is_kept(
    asked: Wanted, current: Snapshot | None, replace: bool, server_words: bool
) -> None:
    action = plan_present(asked, current, GOOD_VM, [], replace)
    if action.verb == REFUSE:
        return
    again = plan_present(asked, applied(action, server_words), GOOD_VM, [], replace)
    assert again.verb == KEEP
    assert (again.changes, again.outcome) == (False, "unchanged")


@given(
    wishes(),
    st.none() | snapshots(),
    machines(),
    st.lists(snapshots(name="other"), max_size=2),
    st.booleans(),
)
def test_every_plan_to_be_there_keeps_the_laws(
    asked: Wanted,
    current: Snapshot | None,
    vm: VirtualMachine | None,
    others: list[Snapshot],
    replace: bool,
) -> None:
    action = plan_present(asked, current, vm, others, replace)
    assert action.verb in (CREATE, UPDATE, KEEP, REFUSE)
    if action.verb == REFUSE:
        assert not action.changes
        assert action.reason
        assert action.message
    if current and current.key != KEY:
        assert (action.verb, action.reason) == (REFUSE, "conflict")
    if action.verb == CREATE:
        assert vm
        assert not vm.restore_in_progress
        assert current is None or current.deleting or replace
        assert asked.name not in action.await_others
    if action.clears:
        assert action.clears.key == KEY
    if action.verb == UPDATE:
        assert current
        assert not current.deleting


@given(st.none() | snapshots())
def test_only_the_vms_own_snapshot_is_deleted_and_once(current: Snapshot | None) -> None:
    action = plan_absent(KEY, current)
    assert action.verb in (DELETE, KEEP)
    deletable = current is not None and current.key == KEY and not current.deleting
    assert (action.verb == DELETE) is deletable
    assert plan_absent(KEY, None).verb == KEEP
    assert bool(action.notes) is (current is not None and current.key != KEY)


@given(wishes(), snapshots())
def test_declared_metadata_is_written_and_the_rest_stays(asked: Wanted, current: Snapshot) -> None:
    manifest = with_metadata(current.manifest, asked)
    written = read_snapshot("c1", manifest)
    assert differing_metadata(asked, written) == {}
    for kind in ("labels", "annotations"):
        declared = asked.declared["metadata"].get(kind) or {}
        before, after = dict(getattr(current, kind)), dict(getattr(written, kind))
        assert after == {**before, **declared}
    assert manifest["spec"] == current.manifest["spec"]


@given(wishes(), st.none() | snapshots(), machines(), st.booleans())
def test_a_plan_and_its_forecast_agree(
    asked: Wanted, current: Snapshot | None, vm: VirtualMachine | None, replace: bool
) -> None:
    for action in (plan_present(asked, current, vm, [], replace), plan_absent(KEY, current)):
        before, after = before_and_after(action)
        if not action.changes:
            assert before == after
        if action.verb == DELETE:
            assert after is None
        if action.verb == CREATE:
            assert after == asked.body


def test_expiry_and_ownership_are_written_at_creation_only() -> None:
    asked = wanted(KEY, "before", {"expire_after": "7d"}, NOW)
    assert asked.body["metadata"]["labels"] == {"app.kubernetes.io/managed-by": "ansible"}
    assert asked.body["metadata"]["annotations"] == {
        "spectrocloud.palette/expires-at": "2026-01-09T03:04:05Z"
    }
    theirs = read_snapshot(
        "c1",
        {
            "metadata": {"name": "before", "namespace": "vms"},
            "spec": {"source": {"kind": "VirtualMachine", "name": "db1"}},
            "status": READY,
        },
    )
    assert plan_present(asked, theirs, None).verb == KEEP


def test_a_duration_that_cannot_be_read_is_compared_as_text() -> None:
    asked = wanted(KEY, "before", {"failure_deadline": "5m"}, NOW)
    spec = {"source": {"kind": "VirtualMachine", "name": "db1"}, "failureDeadline": "five minutes"}
    meta = {"name": "before", "namespace": "vms"}
    current = read_snapshot("c1", {"metadata": meta, "spec": spec, "status": READY})
    assert plan_present(asked, current, None).reason == "spec_differs"

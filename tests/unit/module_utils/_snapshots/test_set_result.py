# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the user gets back of a set: its counts, and the text of its failure."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from ansible_collections.spectrocloud.palette.plugins.module_utils._http.errors import ApiError
from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots.member import (
    SnapshotMember,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots.ownership import (
    REQUEST_ID,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots.plan import (
    UPDATE,
    Action,
    plan_absent,
    plan_deletion,
    plan_present,
    refuse,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots.set_result import (
    Row,
    Run,
    diff,
    members_text,
    set_diff,
    set_result,
)
from unit.builders import NOW, READY, Json, desired_snapshot, key_of, listed, manifest, vm

REAL = Run(NOW, check_mode=False, aborted=False)
CHECK = Run(NOW, check_mode=True, aborted=False)
DESIRED = desired_snapshot(name="s")
CREATION = plan_present(DESIRED, None, vm())
UNQUIESCED = refuse("not_quiesced", "no", listed(READY), DESIRED)
BLOCKED = refuse("not_snapshottable", "no", None, DESIRED)


def row(*actions: Action, label: str = "c/vms/db1", failure: ApiError | None = None) -> Row:
    """Return a row whose steps are done, unless it failed."""
    member = SnapshotMember(key_of(), [])
    member.changed = any(action.changes for action in actions) and not failure
    member.failure = failure
    return Row("cluster-1", label, actions, actions[0] if actions else None, member)


def failures(count: int, outcome: str = "failed") -> dict[str, Json]:
    """Return so many rows of a result."""
    row = {"outcome": outcome, "reason": "timeout", "msg": "no answer"}
    return {f"c/vms/vm-{number}": row for number in range(count)}


@pytest.mark.parametrize(
    ("actions", "failure", "outcome"),
    [
        ((CREATION,), None, "created"),
        ((), None, "absent"),
        ((plan_absent(key_of(), None),), None, "absent"),
        ((BLOCKED,), None, "blocked"),
        ((UNQUIESCED,), None, "failed"),
        ((CREATION,), ApiError("forbidden", "no"), "failed"),
    ],
)
def test_set_result_outcome(
    actions: Sequence[Action], failure: ApiError | None, outcome: str
) -> None:
    result = set_result([row(*actions, failure=failure)], REAL)
    assert result["members"]["c/vms/db1"]["outcome"] == outcome
    assert result["changed"] is (outcome == "created")
    assert {name: n for name, n in result["summary"].items() if n} == {"total": 1, outcome: 1}


def test_set_result_of_an_aborted_set_tries_nothing() -> None:
    rows = [row(BLOCKED, label="a"), row(CREATION, label="b"), row(UNQUIESCED, label="c")]
    for check_mode in (True, False):
        members = set_result(rows, Run(NOW, check_mode, aborted=True))["members"]
        assert [m["outcome"] for m in members.values()] == ["blocked", "not_tried", "failed"]


def test_set_result_in_check_mode_predicts_the_status() -> None:
    result = set_result([row(CREATION)._replace(member=SnapshotMember(key_of(), []))], CHECK)
    member = result["members"]["c/vms/db1"]
    assert (member["changed"], member["status"]["name"]) == (True, "s")


def test_set_result_names_all_snapshots_of_a_vm_that_are_deleted() -> None:
    deletions = [plan_deletion(listed(READY, name=name)) for name in ("s1", "s2")]
    member = set_result([row(*deletions)], REAL)["members"]["c/vms/db1"]
    assert (member["name"], member["msg"]) == ("s1", "2 snapshots: s1, s2")


def test_set_diff_shows_only_what_changes() -> None:
    deletion = plan_deletion(listed(READY, name="s1"))
    shown = set_diff([row(CREATION, label="a"), row(deletion, label="b"), row(BLOCKED, label="c")])
    assert shown["before"] == {"a": [{}], "b": [deletion_body("s1")]}
    assert shown["after"]["a"][0]["metadata"]["name"] == "s"
    assert shown["after"]["b"] == [{}]


def deletion_body(name: str) -> Json:
    """Return what a diff shows of a snapshot that is deleted."""
    metadata = {"name": name, "namespace": "vms", "labels": {}, "annotations": {}}
    return {"metadata": metadata, "spec": listed(READY, name=name).manifest["spec"]}


def test_members_text_names_the_first_failures_only() -> None:
    text = members_text(failures(200), aborted=False, max_failed=0)
    assert text.startswith("200 of 200 members failed: c/vms/vm-0: timeout: no answer; ")
    assert text.endswith("; and 190 more, see members")
    assert len(text) < 2_000
    assert "more" not in members_text(failures(10), aborted=False, max_failed=0)


def test_members_text_counts_blocked_members_of_an_aborted_set() -> None:
    members = {**failures(2, "blocked"), "c/vms/db1": {"outcome": "not_tried"}}
    text = members_text(members, aborted=True, max_failed=0)
    assert text.startswith("2 of 3 members are blocked, and nothing was written: c/vms/vm-0: ")


def test_members_text_says_of_how_many_the_outcome_is_unknown() -> None:
    members = {name: {**row, "outcome": "unknown"} for name, row in failures(2).items()}
    text = members_text({**members, "ok": {"outcome": "created"}}, aborted=False, max_failed=0)
    assert text.startswith("2 of 3 members failed, 2 of them with an unknown outcome: ")


def test_members_text_is_empty_without_a_failure() -> None:
    assert members_text({"c/vms/db1": {"outcome": "created"}}, aborted=False, max_failed=0) == ""


def test_members_text_tells_max_failed() -> None:
    text = members_text(failures(3), aborted=False, max_failed=2)
    assert text.startswith("3 of 3 members failed (max_failed: 2): ")


def test_set_result_shows_an_adopted_snapshot_as_unchanged() -> None:
    adopted = row(CREATION)
    adopted.member.adopted, adopted.member.changed = True, False
    result = set_result([adopted], REAL)
    assert result["members"]["c/vms/db1"]["outcome"] == "unchanged"
    assert not result["changed"]
    assert result["summary"]["unchanged"] == 1
    adopted.member.changed = True  # an older one was deleted before
    assert set_result([adopted], REAL)["members"]["c/vms/db1"]["outcome"] == "created"


def test_diff_shows_what_a_client_may_set() -> None:
    old = manifest(READY, labels={"a": "1"}, resourceVersion="7", uid="u")
    new = manifest(annotations={"b": "2", REQUEST_ID: "r"})
    current = listed(READY)._replace(manifest=old)
    assert diff(Action(UPDATE, "metadata_differs", current=current, after=new)) == {
        "before_header": "s",
        "after_header": "s",
        "before": {
            "metadata": {"name": "s", "namespace": "vms", "labels": {"a": "1"}, "annotations": {}},
            "spec": old["spec"],
        },
        "after": {
            "metadata": {"name": "s", "namespace": "vms", "labels": {}, "annotations": {"b": "2"}},
            "spec": old["spec"],
        },
    }
    assert diff(plan_absent(key_of(), None)) == {
        "before_header": "",
        "after_header": "",
        "before": {},
        "after": {},
    }


@pytest.mark.parametrize(
    ("stops", "starts", "before", "after"),
    [
        (True, True, "is not off", "stops for the snapshot, then starts again"),
        (True, False, "is not off", "stops for the snapshot"),
        (False, True, "is off", "runs"),
    ],
)
def test_diff_shows_what_becomes_of_the_vm(
    stops: bool, starts: bool, before: str, after: str
) -> None:
    shown = diff(CREATION._replace(stops=stops, starts=starts))
    assert (shown["before"]["vm"], shown["after"]["vm"]) == (before, after)

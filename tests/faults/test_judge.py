# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The judge: a true row passes, and each kind of untrue one does not."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from faults.evidence import Estate, Machine, Rollback, Run, Stored, Write
from faults.judge import Circumstances, complaints, forgotten, not_healed
from faults.operations import KEY, OPERATIONS, Operation
from faults.proxy import CREATE, DELETE, POWER, RESTORE, UPDATE
from faults.ways import Told

_FAULTY = Circumstances(honest=False)
_BLIND = Circumstances(blind=True, deaf=True, honest=False)


def operation(name: str) -> Operation:
    return next(operation for operation in OPERATIONS if operation.name == name)


def snapshot(vm_name: str, name: str, uid: str = "", **fields: Any) -> Stored:
    known: dict[str, Any] = {"labels": {}, "ready": True, "deleting": False, **fields}
    return Stored(vm_name, name, uid or f"uid-{name}", **known)


def run(
    result: Mapping[str, Any],
    before: Sequence[Stored] = (),
    after: Sequence[Stored] = (),
    writes: Sequence[Write] = (),
) -> Run:
    return Run(Told(dict(result), json.dumps(result)), before, after, writes)


NEW = snapshot("new", "new-1")
TAKEN: dict[str, Any] = {"after": [NEW], "writes": [Write(CREATE, "new", "")]}
READY = {"name": "new-1", "uid": NEW.uid, "ready_to_use": True}
CREATED = {"changed": True, "outcome": "created", "status": READY}
FAILED = {"failed": True, "outcome": "failed", "changed": False, "reason": "timeout", "msg": "late"}
DONE = snapshot("done", "done-1")
DELETED = {"changed": True, "outcome": "deleted", "status": {"name": "done-1", "uid": DONE.uid}}
OTHER = snapshot("other", "other-1", "old-uid")


def test_true_rows_pass() -> None:
    created = run(CREATED, **TAKEN)
    deleted = run(DELETED, [DONE], writes=[Write(DELETE, "done", "done-1")])
    failed = run({**FAILED, "status": None})

    assert complaints(operation("create"), created, Circumstances()) == []
    assert complaints(operation("delete"), deleted, Circumstances()) == []
    assert complaints(operation("create"), failed, _FAULTY) == []


def test_true_rows_of_sets_and_retention_pass() -> None:
    row = {"outcome": "created", "changed": True, "name": "a-1", "status": None}
    members = {"changed": True, "members": {"c/set/a": row}}
    taken = run(members, after=[snapshot("a", "a-1")], writes=[Write(CREATE, "a", "")])
    kept = {"vm_name": "long", "name": "long-1h", "uid": "uid-long-1h", "outcome": "kept"}
    gone = {"vm_name": "long", "name": "long-1d", "uid": "uid-long-1d", "outcome": "deleted"}
    there = [snapshot("long", "long-1h"), snapshot("long", "long-1d")]
    pruned = run(
        {"changed": True, "snapshots": [kept, gone]},
        there,
        there[:1],
        [Write(DELETE, "long", "long-1d")],
    )

    assert complaints(operation("set"), taken, Circumstances()) == []
    assert complaints(operation("retention"), pruned, Circumstances()) == []


@pytest.mark.parametrize(
    ("name", "what", "how", "complaint"),
    [
        ("create", run({**CREATED, "changed": False}, **TAKEN), _FAULTY, "changed is false"),
        ("create", run(CREATED, after=[NEW]), _FAULTY, "nothing was carried out"),
        ("create", run(CREATED, writes=TAKEN["writes"]), _FAULTY, "no such usable snapshot"),
        ("create", run({**CREATED, "outcome": "unchanged"}, **TAKEN), _FAULTY, "was changed"),
        ("create", run({**CREATED, "outcome": "unknown"}, **TAKEN), _FAULTY, "could have been"),
        ("create", run({**FAILED, "changed": True, "status": READY}, **TAKEN), _FAULTY, "all was"),
        ("create", run({**FAILED, "changed": True, "status": None}, **TAKEN), _FAULTY, "no status"),
        ("create", run({**FAILED, "msg": "not tried"}), _FAULTY, "while Palette answers"),
        ("create", run({**FAILED, "msg": f"key {KEY}"}), _FAULTY, "API key is shown"),
        ("create", run({**FAILED, "msg": "Traceback"}), _FAULTY, "traceback"),
        ("create", run(FAILED), Circumstances(), "all answers were right"),
        (
            "create",
            run(CREATED, **{**TAKEN, "after": [NEW, snapshot("new", "new-2")]}),
            _FAULTY,
            "2 snapshots of new",
        ),
        (
            "create",
            run(CREATED, **{**TAKEN, "after": [snapshot("new", "new-1", ready=False)]}),
            _FAULTY,
            "its status is ready",
        ),
        ("create", run(CREATED, [DONE], **TAKEN), _FAULTY, "done-1 was deleted"),
        (
            "delete",
            run(DELETED, [DONE], [DONE], [Write(DELETE, "done", "done-1")]),
            _FAULTY,
            "still there",
        ),
        ("delete", run({**DELETED, "outcome": "absent"}, [DONE], [DONE]), _FAULTY, "still there"),
        (
            "update",
            run(
                {"changed": True, "outcome": "updated"},
                after=[snapshot("old", "old-1")],
                writes=[Write(UPDATE, "old", "old-1")],
            ),
            _FAULTY,
            "not the labels",
        ),
        (
            "replace",
            run(
                {**FAILED, "changed": True, "status": {"uid": OTHER.uid, "ready_to_use": True}},
                [OTHER],
                [],
                [Write(DELETE, "other", "other-1")],
            ),
            _FAULTY,
            "snapshot that is gone",
        ),
        (
            "info",
            run({"snapshots": []}, after=[snapshot("shown", "shown-1")]),
            _FAULTY,
            "are listed",
        ),
        (
            "set",
            run(
                {"changed": True, "members": {}},
                after=[snapshot("a", "a-1")],
                writes=[Write(CREATE, "a", "")],
            ),
            _FAULTY,
            "no row",
        ),
    ],
)
def test_untrue_rows_do_not(name: str, what: Run, how: Circumstances, complaint: str) -> None:
    found = complaints(operation(name), what, how)

    assert any(complaint in text for text in found), found


# VMs


LOST = Machine("lost", runs=True, off=False, claims=("old",))
HOT = Machine("hot", runs=True, off=False, claims=("hot-root",))
OFF = HOT._replace(runs=False, off=True)
BACK = LOST._replace(claims=("new",))
DONE_WELL = Rollback("lost", "r", complete=True, done=True, claims=("new",))
PENDING = DONE_WELL._replace(complete=False, done=False)
RESTORED = {"changed": True, "outcome": "restored", "status": {"name": "r", "complete": True}}
GIVEN_UP = {**RESTORED, "failed": True, "outcome": "failed", "reason": "timeout", "msg": "late"}
STOPPED = {"vm_name": "hot", "outcome": "stopped", "changed": True}


def of_machines(
    result: Mapping[str, Any], kind: str, *machines: Machine, rollbacks: Sequence[Rollback] = ()
) -> Run:
    told = run({"changed": True, **result}, writes=[Write(kind, machines[0].vm_name, "")])
    return told._replace(estate_before=Estate([HOT, LOST]), estate=Estate(machines, rollbacks))


def stopped(*machines: Machine, **fields: Any) -> Run:
    return of_machines({"vms": [{**STOPPED, **fields}]}, POWER, *machines)


def restored(result: Mapping[str, Any], *machines: Machine, rollback: Rollback = DONE_WELL) -> Run:
    return of_machines(result, RESTORE, *machines, rollbacks=[rollback])


def test_true_rows_of_vms_pass() -> None:
    told = {**GIVEN_UP, "status": None, "msg": "late; run the task again"}
    refused = stopped(OFF, LOST, outcome="failed", reason="unauthorized", msg="HTTP 401")

    assert complaints(operation("power"), stopped(OFF, LOST), Circumstances()) == []
    assert complaints(operation("power"), refused, _FAULTY) == []
    assert complaints(operation("restore"), restored(RESTORED, BACK, HOT), Circumstances()) == []
    left = restored(told, LOST._replace(runs=False), HOT, rollback=PENDING)
    assert complaints(operation("restore"), left, _FAULTY) == []


@pytest.mark.parametrize(
    ("name", "what", "complaint"),
    [
        ("power", stopped(HOT, LOST), "is not off"),
        ("power", stopped(OFF, LOST, outcome="failed", msg="late"), "all was done"),
        ("power", stopped(OFF, LOST, outcome="unchanged"), "it was changed"),
        ("power", stopped(OFF, LOST, outcome="unknown"), "could have been known"),
        ("power", stopped(OFF, LOST._replace(runs=False)), "VM lost was changed"),
        ("restore", restored(RESTORED, LOST, HOT), "has not the disks"),
        (
            "restore",
            restored({**RESTORED, "msg": "Bearer t0ken"}, BACK, HOT)._replace(token="t0ken"),
            "token is shown",
        ),
        ("restore", restored(RESTORED, BACK._replace(runs=False), HOT), "does not run"),
        ("restore", restored(RESTORED, BACK._replace(recorded=True), HOT), "still says"),
        ("restore", restored(RESTORED, BACK, HOT, rollback=PENDING), "may strike later"),
        ("restore", restored(GIVEN_UP, BACK, HOT), "all was done"),
        ("restore", restored(GIVEN_UP, BACK, HOT, rollback=PENDING), "its restore is not"),
        (
            "restore",
            restored({**GIVEN_UP, "status": None}, LOST, HOT, rollback=PENDING),
            "and that is not told",
        ),
        (
            "restore",
            restored(GIVEN_UP, BACK._replace(runs=False), HOT),
            "it ran and does not run, and that is not told",
        ),
    ],
)
def test_untrue_rows_of_vms_do_not(name: str, what: Run, complaint: str) -> None:
    found = complaints(operation(name), what, _FAULTY)

    assert any(complaint in text for text in found), found


# VMs that are off for their snapshots


BUSY = Machine("busy", runs=True, off=False, claims=("busy-root",))
BUSY_OFF = BUSY._replace(runs=False, off=True)
TAKEN_OFF = snapshot("busy", "busy-1", vm_ran=True)
RESTED = {"name": "busy-1", "vm_stopped": True, "vm_started": True, "status": None}
RESTED_WELL = {**RESTED, "outcome": "created", "changed": True, "msg": ""}
LEFT_OFF = {
    **RESTED,
    "vm_started": False,
    "outcome": "failed",
    "reason": "forbidden",
    "changed": True,
    "status": {"name": "busy-1", "uid": TAKEN_OFF.uid},
}
WARNED = ["VM offline/busy was stopped for its snapshot and may be off: start it with vm_power"]


def rested(
    row: Mapping[str, Any],
    machine: Machine,
    warnings: Sequence[str] = (),
    taken: Stored = TAKEN_OFF,
) -> Run:
    told = {"changed": True, "members": {"c/offline/busy": row}, "warnings": list(warnings)}
    done = [Write(POWER, "busy", ""), Write(CREATE, "busy", "")]
    known = run(told, after=[taken], writes=done)
    return known._replace(estate_before=Estate([BUSY]), estate=Estate([machine]))


def test_true_rows_of_vms_that_were_off_pass() -> None:
    offline = operation("offline")

    assert complaints(offline, rested(RESTED_WELL, BUSY), Circumstances()) == []
    assert complaints(offline, rested(LEFT_OFF, BUSY_OFF, WARNED), _FAULTY) == []


@pytest.mark.parametrize(
    ("what", "complaint"),
    [
        (rested(RESTED_WELL, BUSY_OFF, WARNED), "says that all is well"),
        (rested({**LEFT_OFF, "vm_started": True}, BUSY_OFF, WARNED), "says that all is well"),
        (rested(LEFT_OFF, BUSY_OFF), "and that is not told"),
        (rested({**LEFT_OFF, "vm_stopped": False}, BUSY_OFF, WARNED), "and that is not told"),
        (rested({**LEFT_OFF, "reason": "timeout"}, BUSY, WARNED), "all was done"),
        (rested(RESTED_WELL, BUSY)._replace(writes=[]), "was not taken now"),
    ],
)
def test_untrue_rows_of_vms_that_were_off_do_not(what: Run, complaint: str) -> None:
    found = complaints(operation("offline"), what, _FAULTY)

    assert any(complaint in text for text in found), found


def test_a_second_run_may_leave_off_only_what_nothing_tells_of() -> None:
    offline = operation("offline")._replace(taken=frozenset({"busy"}), rested=frozenset({"busy"}))
    unmarked = TAKEN_OFF._replace(vm_ran=False)
    row = {**RESTED_WELL, "vm_stopped": False, "vm_started": False}
    documented = rested(row, BUSY_OFF, taken=unmarked)
    requested_before = rested({**row, "outcome": "fresh"}, BUSY_OFF, taken=unmarked)
    says_so = rested(row, BUSY_OFF)

    assert forgotten(offline, documented) == {"busy"}
    assert not_healed(offline, documented._replace(forgotten=frozenset({"busy"}))) == []
    for again in (requested_before, says_so):
        assert not forgotten(offline, again)
        assert any("does not run" in text for text in not_healed(offline, again))


def test_an_unknown_outcome_is_allowed_where_no_list_can_be_read() -> None:
    unknown = {**FAILED, "outcome": "unknown", "changed": True, "status": None}

    assert complaints(operation("create"), run(unknown, **TAKEN), _BLIND) == []
    assert complaints(operation("create"), run(unknown), _BLIND) == []


def test_an_unknown_outcome_has_changed_where_it_was_carried_out() -> None:
    unknown = {**FAILED, "outcome": "unknown", "status": None}

    assert complaints(operation("create"), run(unknown, **TAKEN), _BLIND)


def test_a_second_run_heals_only_if_all_is_done() -> None:
    unchanged = {"changed": False, "outcome": "unchanged", "status": READY}

    assert not_healed(operation("create"), run(unchanged, after=[NEW])) == []
    assert not_healed(operation("create"), run({**FAILED, "status": None}))
    assert not_healed(operation("create"), run({**unchanged, "status": None}))

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The judge: compares each row that a task told with what is true."""

from __future__ import annotations

import base64
import html
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple
from urllib.parse import quote

from faults import machines
from faults.evidence import Run, Stored, Write
from faults.operations import KEY, Operation
from faults.proxy import CREATE, DELETE, POWER, UPDATE

_UNKNOWN = "unknown"
# After these, other members need not be tried.
_STOPS_ALL = ("unauthorized", "rate_limited")
_SPELLINGS = {
    KEY,
    json.dumps(KEY)[1:-1],
    json.dumps(KEY)[1:-1].replace("/", "\\/"),
    quote(KEY),
    quote(KEY, safe=""),
    quote(KEY, safe="").lower(),
    html.escape(KEY),
    base64.b64encode(KEY.encode()).decode(),
}


class Row(NamedTuple):
    """A row of a result. changed: None where rows do not say it. name: of the snapshot.

    stopped, started: what it says of its VM.
    """

    vm_name: str
    name: str
    outcome: str
    changed: bool | None
    status: Mapping[str, Any] | None
    reason: str
    msg: str
    stopped: bool = False
    started: bool = False

    @property
    def given_up(self) -> bool:
        """Whether the key was refused. That stands for all of Palette: nobody asks on."""
        return self.reason in ("unauthorized", "forbidden")


class Circumstances(NamedTuple):
    """What a task had to cope with.

    blind: no list could be read after the write. deaf: none could be read at the end. honest: all
    answers were Palette's own.
    """

    blind: bool = False
    deaf: bool = False
    honest: bool = True


def complaints(operation: Operation, run: Run, how: Circumstances) -> list[str]:
    """Return what is not true, or not right, in a run of a task."""
    result = run.told.result
    if result is None:
        return [*_secrets(run), "there is no result"]
    rows = rows_of(operation, result)
    return [
        *_secrets(run),
        *_traces(run),
        *_changed(result, rows, run),
        *(text for row in rows for text in _row(operation, row, run, how)),
        *_missing_rows(operation, result, rows, run),
        *_twice(operation, run),
        *_others(operation, run),
        *_unneeded_failure(result, how),
    ]


def not_healed(operation: Operation, again: Run) -> list[str]:
    """Return what a second run, without any fault, left undone."""
    result = again.told.result or {"failed": True}
    failed = [f"it failed: {result.get('msg')}"] if result.get("failed") else []
    found = [*failed, *_undone(operation, again), *complaints(operation, again, Circumstances())]
    return [f"second run: {text}" for text in found]


def forgotten(operation: Operation, again: Run) -> frozenset[str]:
    """Return the VMs that a second run may leave off: nothing in Palette says that they ran.

    The first run had stopped them, and not requested their snapshots, as "When a VM is off" on the
    page "When it fails" says. So the second one took them, and found no other that knows more.
    """
    rows = rows_of(operation, again.told.result or {})
    created = {row.vm_name for row in rows if row.outcome == "created"}
    told = {snapshot.vm_name for snapshot in again.after if snapshot.vm_ran}
    return operation.rested & created - told


def differences(operation: Operation, run: Run) -> list[str]:
    """Return how what is there differs from what is there after a run without any trouble."""
    return [*_undone(operation, run), *_twice(operation, run), *_others(operation, run)]


def rows_of(operation: Operation, result: Mapping[str, Any]) -> list[Row]:
    """Return the rows of a task's result."""
    if operation.module in ("vm_snapshot_set", "vm_restore_set"):
        members = result.get("members") or {}
        return [_read_row(label.split("/")[-1], row) for label, row in members.items()]
    if operation.module == "vm_power":
        return [_read_row(row["vm_name"], row) for row in result.get("vms") or []]
    if operation.module == "vm_restore":
        return [_read_row(operation.options["vm_name"], result)] if "outcome" in result else []
    if operation.module == "vm_snapshot":
        named = {"name": operation.options["name"], **result}
        return [_read_row(operation.options["vm_name"], named)] if "outcome" in result else []
    # The other rows have a snapshot's status in them.
    rows = result.get("snapshots") or []
    return [_read_row(row["vm_name"], {"status": row, **row}) for row in rows]


def _read_row(vm_name: str, row: Mapping[str, Any]) -> Row:
    status = row.get("status")
    name = row.get("name") or (status or {}).get("name") or ""
    return Row(
        vm_name,
        name,
        row.get("outcome", "listed"),
        row.get("changed"),
        status,
        row.get("reason") or "",
        row.get("msg") or "",
        row.get("vm_stopped", False),
        row.get("vm_started", False),
    )


# What holds for all tasks


def _secrets(run: Run) -> Iterator[str]:
    if any(spelling in run.told.text for spelling in _SPELLINGS):
        yield "the API key is shown"
    if run.token and run.token in run.told.text:
        yield "the cluster's token is shown"


def _traces(run: Run) -> Iterator[str]:
    text = run.told.text
    if "Traceback" in text or "internal_error" in text:
        yield f"there is a traceback: {text[-300:]}"


def _changed(result: Mapping[str, Any], rows: Iterable[Row], run: Run) -> Iterator[str]:
    told, true = bool(result.get("changed")), bool(run.writes)
    unknown = any(row.outcome == _UNKNOWN for row in rows)
    if true and not told:
        yield f"changed is false, but {_told(run.writes)} was carried out"
    if told and not true and not unknown:
        yield "changed is true, but nothing was carried out"


def _missing_rows(
    operation: Operation, result: Mapping[str, Any], rows: Sequence[Row], run: Run
) -> Iterator[str]:
    """Complain of what was written without a row, or is listed without one."""
    rowed = {row.vm_name for row in rows}
    for write in run.writes:
        if write.vm_name not in rowed:
            yield f"{_told([write])} was carried out, but there is no row for it"
    if operation.name == "info" and not result.get("failed"):
        shown = sorted(row.name for row in rows)
        true = sorted(s.name for s in run.after if s.vm_name.startswith("shown"))
        if shown != true:
            yield f"there are {true}, but {shown} are listed"


def _twice(operation: Operation, run: Run) -> Iterator[str]:
    """Complain of two new snapshots of one VM."""
    before = {snapshot.uid for snapshot in run.before}
    new = Counter(s.vm_name for s in run.after if s.uid not in before and not s.deleting)
    for vm_name, count in new.items():
        if count > 1:
            yield f"{count} snapshots of {vm_name} were taken"
        if vm_name not in operation.taken:
            yield f"a snapshot of {vm_name} was taken"


def _others(operation: Operation, run: Run) -> Iterator[str]:
    """Complain of what was deleted, or changed, besides what the task is about."""
    after = {snapshot.uid: snapshot for snapshot in run.after}
    for snapshot in run.before:
        now = after.get(snapshot.uid)
        if (now is None or now.deleting) and snapshot.name not in operation.gone:
            yield f"{snapshot.name} was deleted"
        if now and now.labels != snapshot.labels and snapshot.name not in operation.labelled:
            yield f"the labels of {snapshot.name} were changed"
    yield from machines.others(operation, run)


def _unneeded_failure(result: Mapping[str, Any], how: Circumstances) -> Iterator[str]:
    if how.honest and result.get("failed"):
        yield f"it failed, although all answers were right: {result.get('msg')}"


# Rows


def _row(operation: Operation, row: Row, run: Run, how: Circumstances) -> list[str]:
    if operation.of_machines:
        told = machines.row_complaints(operation, row, run, how)
    else:
        told = chain(
            _row_status(row, run, how),
            _row_outcome(operation, row, run, how),
            machines.rest_complaints(operation, row, run, how),
        )
    found = [*_row_changed(row, run), *_row_not_tried(row), *told]
    said = f"{row.vm_name}/{row.name} ({row.outcome}, {row.reason or 'no reason'})"
    return [f"{said}: {text}" for text in found]


def _row_changed(row: Row, run: Run) -> Iterator[str]:
    if row.changed is None:
        return
    done = _writes_of(row, run)
    if done and not row.changed:
        yield f"changed is false, but {_told(done)} was carried out"
    if row.changed and not done and row.outcome != _UNKNOWN:
        yield "changed is true, but nothing was carried out"


def _row_not_tried(row: Row) -> Iterator[str]:
    if row.outcome == "failed" and "not tried" in row.msg and row.reason not in _STOPS_ALL:
        yield f"it was not tried, while Palette answers: {row.msg}"


def _row_status(row: Row, run: Run, how: Circumstances) -> Iterator[str]:
    """Complain of a status that shows what is not there."""
    if row.status is None or row.outcome in ("deleted", "absent") or how.deaf:
        return  # then it is the last known state
    now = {snapshot.uid: snapshot for snapshot in run.after}.get(row.status.get("uid") or "")
    if row.status.get("deleting"):
        return
    if now is None or now.deleting:
        yield "its status is of a snapshot that is gone"
    elif row.status.get("ready_to_use") and not now.ready:
        yield "its status is ready, but the snapshot is not"


def _row_outcome(operation: Operation, row: Row, run: Run, how: Circumstances) -> Iterator[str]:
    there = [s for s in run.after if (s.vm_name, s.name) == (row.vm_name, row.name)]
    usable = any(snapshot.ready and not snapshot.deleting for snapshot in there)
    writes = [write for write in _writes_of(row, run) if write.kind != POWER]
    done = {write.kind for write in writes}
    if row.outcome in ("created", "replaced") and not (usable and CREATE in done):
        yield "there is no such usable snapshot, or it was not taken now"
    if row.outcome in ("unchanged", "fresh", "kept", "listed") and (writes or not there):
        yield f"there is no such snapshot, or it was changed: {_told(writes)}"
    if row.outcome == "updated" and not (UPDATE in done and not _undone(operation, run)):
        yield "it has not the labels, or they were not written now"
    if row.outcome == "deleted" and (there or DELETE not in done):
        yield "it is still there, or it was not deleted now"
    if row.outcome == "absent" and there:
        yield "it is still there"
    if row.outcome == _UNKNOWN and not how.blind:
        yield "it could have been known"
    if row.outcome == "failed" and not how.deaf:
        yield from _row_failure(operation, row, run, there)


def _row_failure(
    operation: Operation, row: Row, run: Run, there: Sequence[Stored]
) -> Iterator[str]:
    """Complain of a failure where all was done, or where it could have been done."""
    if row.given_up:
        return
    if row.status is None and any(not snapshot.deleting for snapshot in there):
        yield "it has no status, but the snapshot is there"
    own = operation._replace(
        taken=operation.taken & {row.vm_name},
        gone=operation.gone & {row.name},
        labelled={name: labels for name, labels in operation.labelled.items() if name == row.name},
        rested=operation.rested & {row.vm_name},
    )
    if (own.taken or own.gone or own.labelled) and not _undone(own, run):
        yield f"all was done, and could have been seen: {row.msg}"


def _writes_of(row: Row, run: Run) -> list[Write]:
    """Return the writes about a row's snapshot."""
    return [
        write
        for write in run.writes
        if write.vm_name == row.vm_name and row.name in ("", write.name or row.name)
    ]


def _undone(operation: Operation, run: Run) -> list[str]:
    """Return what of an operation is not done."""
    before = {snapshot.uid for snapshot in run.before}
    doomed = {snapshot.uid for snapshot in run.before if snapshot.name in operation.gone}
    usable = {s.vm_name for s in run.after if s.ready and not s.deleting and s.uid not in before}
    named = {s.name: s for s in run.after if not s.deleting}
    unlabelled = [
        name
        for name, labels in operation.labelled.items()
        if name not in named or not labels.items() <= named[name].labels.items()
    ]
    return [
        *(f"{s.name} is still there" for s in run.after if s.uid in doomed),
        *(f"{vm_name} has no new snapshot" for vm_name in sorted(operation.taken - usable)),
        *(f"{name} has not its labels" for name in unlabelled),
        *machines.undone(operation, run),
    ]


def _told(writes: Iterable[Write]) -> str:
    return ", ".join(f"{w.kind} of {w.vm_name} {w.name}".strip() for w in writes) or "nothing"

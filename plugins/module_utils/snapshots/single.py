# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The core of vm_snapshot: one snapshot of one VM, as a set with one member."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from ansible_collections.spectrocloud.palette.plugins.module_utils.palette.errors import (
    PaletteError,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils.palette.virtual_machines import (
    ClusterVms,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils.snapshots.body import (
    Wanted,
    invalid_parameters,
    parameter_problems,
    wanted,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils.snapshots.execute import (
    Execution,
    Member,
    steps_for,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils.snapshots.facts import (
    diff,
    status_facts,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils.snapshots.model import (
    Json,
    Snapshot,
    read_snapshot,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils.snapshots.observe import (
    find_name,
    find_vm,
    list_snapshots,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils.snapshots.place import Place
from ansible_collections.spectrocloud.palette.plugins.module_utils.snapshots.plan import (
    CREATE,
    DELETE,
    REFUSE,
    UPDATE,
    Action,
    plan_absent,
    plan_present,
    with_metadata,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils.snapshots.task import (
    Result,
    Task,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils.snapshots.wait import (
    Goal,
    Waiting,
)


def run(task: Task) -> Result:
    """Make the snapshot be there or not be there; return the facts, or raise PaletteError with them."""
    problems = parameter_problems(task.options)
    if problems:
        raise invalid_parameters(problems)
    api = Place(task.options).cluster()
    asked = wanted(api.cluster.uid, task.options)
    action = _plan(task, api, asked)
    for note in action.notes:
        task.warn(note)
    if action.verb == REFUSE:
        raise PaletteError(
            action.reason, action.message, changed=False, outcome="failed", **_facts(action.current)
        )
    member = Member(asked.key, steps_for(action, *_goals(task)), seen=action.current)
    if not task.check_mode:
        Execution({api.cluster.uid: api}, _waiting(task)).run([member])
    return _result(task, action, member)


def _plan(task: Task, api: ClusterVms, asked: Wanted) -> Action:
    others = list_snapshots(api, [asked.key])
    current = next((snapshot for snapshot in others if snapshot.name == asked.name), None)
    absent = task.options["state"] == "absent"
    if current is None and (absent or task.check_mode):
        # It may be another VM's. A creation learns that from Palette's refusal, a prediction has to look.
        current = find_name(api, asked.key.namespace, asked.name)
    if absent:
        return plan_absent(asked.key, current)
    vm = None
    if current is None or current.deleting or task.options["replace"]:
        vm = find_vm(api, asked.key)
    return plan_present(asked, current, vm, others, task.options["replace"])


def _goals(task: Task) -> tuple[Goal | None, Goal | None]:
    if not task.options["wait"]:
        return None, None
    quiesced = task.options["consistency"] == "filesystem"
    return (Goal.QUIESCED if quiesced else Goal.READY), Goal.GONE


def _waiting(task: Task) -> Waiting:
    return Waiting(task.options["wait_timeout"], task.options["poll_interval"])


def _result(task: Task, action: Action, member: Member) -> Result:
    changed = action.changes if task.check_mode else member.changed
    shown = _predicted(action) if task.check_mode else member.seen
    if member.failure:
        raise member.failure.with_facts(changed=changed, outcome="failed", **_facts(shown))
    result: Result = {"changed": changed, "outcome": action.outcome}
    if task.diff_mode:
        result["diff"] = diff(*_before_and_after(action))
    return {**result, **_facts(shown)}


def _predicted(action: Action) -> Snapshot | None:
    manifest = _before_and_after(action)[1]
    if action.verb in (CREATE, UPDATE) and manifest and action.wanted:
        return read_snapshot(action.wanted.key.cluster_uid, manifest)
    return action.current


def _before_and_after(action: Action) -> tuple[Json | None, Json | None]:
    before = action.current.manifest if action.current else None
    if action.verb == DELETE:
        return before, None
    if action.verb == CREATE and action.wanted:
        return before, action.wanted.body
    if action.verb == UPDATE and action.wanted and before:
        return before, with_metadata(before, action.wanted)
    return before, before


def _facts(snapshot: Snapshot | None) -> dict[str, Any]:
    if snapshot is None:
        return {"snapshot": None, "status": None}
    now = datetime.now(timezone.utc)
    return {"snapshot": snapshot.manifest, "status": status_facts(snapshot, now)}

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The core of vm_snapshot: one snapshot of one VM, as a set with one member."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from .._palette.errors import PaletteError
from .._palette.vms import ClusterVms
from .._snapshots.desired import Wanted, parameter_problems, random_suffix, wanted
from .._snapshots.execute import Execution, Member, steps_for
from .._snapshots.model import Snapshot, VmKey
from .._snapshots.observe import find_name, find_vm, list_snapshots
from .._snapshots.plan import REFUSE, Action, plan_absent, plan_present
from .._snapshots.predict import before_and_after, predicted
from .._snapshots.results import diff, status_facts
from .._snapshots.wait import wait_problems, waiting_from
from .._validation.problems import Problem, merged
from .._vms.session import Place
from .task import Result, Task


def problems(options: Mapping[str, Any]) -> list[Problem]:
    """Return what is wrong with the options."""
    return merged(parameter_problems(options), wait_problems(options))


def run(task: Task) -> Result:
    """Make the snapshot be there or not; the facts are in the result or the PaletteError."""
    api = Place(task.options).cluster()
    asked = _wanted(task, api)
    action = _plan(task, api, asked)
    for note in action.notes:
        task.warn(note)
    if action.verb == REFUSE:
        raise PaletteError(
            action.reason, action.message, changed=False, outcome="failed", **_facts(action.current)
        )
    waiting = waiting_from(task.options)
    member = Member(asked.key, steps_for(action, waiting), seen=action.current)
    if not task.check_mode:
        Execution({api.cluster.uid: api}, waiting).run([member])
    return _result(task, action, member)


def _wanted(task: Task, api: ClusterVms) -> Wanted:
    options = task.options
    key = VmKey(api.cluster.uid, options["namespace"], options["vm_name"])
    name = options["name"] or f"{options['name_prefix']}{random_suffix()}"
    return wanted(key, name, options, datetime.now(timezone.utc))


def _plan(task: Task, api: ClusterVms, asked: Wanted) -> Action:
    others = list_snapshots(api, [asked.key])
    current = next((snapshot for snapshot in others if snapshot.name == asked.name), None)
    absent = task.options["state"] == "absent"
    if current is None and (absent or task.check_mode):
        # It may be another VM's. A creation learns that from Palette's refusal, a prediction has to
        # look.
        current = find_name(api, asked.key.namespace, asked.name)
    if absent:
        return plan_absent(asked.key, current)
    vm = None
    if current is None or current.deleting or task.options["replace"]:
        vm = find_vm(api, asked.key)
    return plan_present(asked, current, vm, others, task.options["replace"])


def _result(task: Task, action: Action, member: Member) -> Result:
    changed = action.changes if task.check_mode else member.changed
    shown = predicted(action) if task.check_mode else member.seen
    if member.failure:
        raise member.failure.with_facts(changed=changed, outcome="failed", **_facts(shown))
    result: Result = {"changed": changed, "outcome": action.outcome}
    if task.diff_mode:
        result["diff"] = diff(*before_and_after(action))
    return {**result, **_facts(shown)}


def _facts(snapshot: Snapshot | None) -> dict[str, Any]:
    if snapshot is None:
        return {"snapshot": None, "status": None}
    now = datetime.now(timezone.utc)
    return {"snapshot": snapshot.manifest, "status": status_facts(snapshot, now)}

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the way back of one VM or many: they differ in what is selected, and in nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple

from .._execution.run import ClusterRun
from .._execution.waiting import Waiting
from .._http.answers import Json
from .._palette.objects import write_time
from .._palette.vms import ClusterVms
from .._snapshots.desired import Declaration, Desired, read_declaration
from .._vms.fleet import Candidate, Target
from .._vms.model import VmKey
from .._vms.selection import Filters
from .fleet import RestoreFleet, observe
from .member import RestoreMember
from .model import SAFETY
from .plan import REFUSE, Act, Action, Sight, Wanted, plan
from .session import RestoreSession
from .work import Order, RestoreWork
from .writes import restore_body


class Row(NamedTuple):
    """One VM: what was observed and planned, and its execution.

    cluster: what its cluster is called in results. in_place: whether that is asked for.
    """

    cluster: str
    label: str
    sight: Sight
    action: Action
    member: RestoreMember
    in_place: bool = False

    @property
    def blocked(self) -> bool:
        """Whether it cannot go back, which was known beforehand."""
        return self.action.verb == REFUSE


class Task(NamedTuple):
    """What a task asks for, at what time. warn: takes a line of text for the user."""

    wanted: Wanted
    filters: Filters
    now: datetime
    warn: Callable[[str], None]


class RestoreRun:
    """The VMs of a task. rows: those that were planned so far."""

    def __init__(self, task: Task, session: RestoreSession, targets: Sequence[Target]) -> None:
        self.rows: list[Row] = []
        self._task = task
        self._session = session
        self._orders: dict[VmKey, Order] = {}
        self._safety = _safety_declaration(task.now)
        self.clusters = ClusterRun(targets, RestoreFleet, self._observe, self._plan, self._work)

    def _observe(self, target: Target) -> RestoreFleet:
        return observe(target, self._task.filters, self._session.kubernetes)

    def _plan(self, part: RestoreFleet) -> list[RestoreMember]:
        rows = [self._row(part, candidate) for candidate in part.candidates]
        for row in rows:
            for note in row.action.notes:
                self._task.warn(f"{row.label}: {note}")
        self.rows.extend(rows)
        return [row.member for row in rows]

    def _row(self, part: RestoreFleet, candidate: Candidate) -> Row:
        task, key = self._task, candidate.key
        sight = part.sight_of(candidate, task.wanted.name)
        action = plan(sight, task.wanted, task.now)
        if action.reason == "not_found" and candidate.vm is None:
            action = action._replace(message=part.missing_vm(key))
        self._orders[key] = self._order(sight, action)
        member = RestoreMember(key, action.steps, action.restore)
        in_place = task.wanted.in_place
        return Row(candidate.cluster, candidate.label, sight, action, member, in_place)

    def _order(self, sight: Sight, action: Action) -> Order:
        wanted = self._task.wanted
        safety = next((step.name for step in action.steps if step.act == Act.SNAPSHOT), "")

        def body(name: str) -> Json:
            return restore_body(
                sight.key,
                name,
                action.snapshot.name if action.snapshot else "",
                sight.machine,
                ran=action.ran,
                stop=action.stopped and not safety,
                in_place=wanted.in_place,
                part_of=wanted.set,
                safety=safety,
            )

        return Order(
            restore=body,
            safety=partial(_safety_snapshot, self._safety, sight.key),
            record=write_time(self._task.now) or "",
            start_again=action.ran and wanted.start != "never",
            agent=wanted.agent,
        )

    def _work(self, api: ClusterVms, waiting: Waiting) -> RestoreWork:
        reach = self._session.kubernetes
        return RestoreWork(api, waiting, reach, lambda member: self._orders[member.key])


def wanted_from(options: Mapping[str, Any]) -> Wanted:
    """Return what checked options ask for."""
    return Wanted(
        snapshot=options.get("snapshot"),
        set=options["set"],
        name=options.get("restore_name"),
        stop=options["stop"],
        in_place=options["in_place"],
        start=options["start"],
        agent=options["wait_for"] == "agent",
        clear_failed=options["clear_failed"],
        allow_excluded=options["excluded_volumes"] == "allow",
        safety_snapshot=options["safety_snapshot"],
    )


def _safety_declaration(now: datetime) -> Declaration | None:
    stand_in = {"vm_name": "x", "namespace": "x", "name": "x", "annotations": {SAFETY: "true"}}
    return read_declaration(stand_in, now)[0]


def _safety_snapshot(declaration: Declaration | None, key: VmKey, name: str) -> Desired:
    """Return the snapshot of a VM that is off, before it goes back."""
    if declaration is None:
        raise AssertionError("what this collection declares is right")
    return declaration.of(key, name).with_vm_off()

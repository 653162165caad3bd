# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the restores of one VM or many: they differ in what is selected, and in nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple

from .._execution.run import ClusterRun
from .._execution.waiting import Waiting
from .._http.errors import ApiError
from .._http.threads import at_once
from .._palette.vms import ClusterVms
from .._snapshots.desired import Declaration, Desired, read_declaration
from .._validation.printable import first_few
from .._vms.fleet import Candidate, Target
from .._vms.model import VmKey
from .._vms.selection import Filters
from .fleet import RestoreFleet, observe
from .member import RestoreMember
from .model import SAFETY, spec_in_content
from .plan import REFUSE, Act, Action, Sight, Wanted, plan
from .session import RestoreSession
from .work import Order, RestoreWork
from .writes import RestoreRequest

_SHOWN = 10  # VMs in a warning
_SINCE = "KubeVirt knows it from 1.6 on, and a restore that was begun before stays as it is"
_AT_ONCE = 8  # requests for what a snapshot holds of its VM

# By the rows' labels: the specs that VMs get, or an ApiError that says why one is unknown.
Specs = Mapping[str, Any]


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
        """Whether it cannot be restored, which was known beforehand."""
        return self.action.verb == REFUSE


class Task(NamedTuple):
    """What a task asks for, at what time. warn: takes a line of text for the user.

    of_a_set: whether the name that is wanted is only the end of each restore's name.
    """

    wanted: Wanted
    filters: Filters
    now: datetime
    warn: Callable[[str], None]
    of_a_set: bool = False

    def wanted_of(self, candidate: Candidate) -> Wanted:
        """Return what is asked for of one VM. Its snapshot may be named in its entry of vms."""
        wanted = self.wanted._replace(snapshot=candidate.own_name or self.wanted.snapshot)
        if not (wanted.name and self.of_a_set):
            return wanted
        return wanted._replace(name=f"{candidate.key.vm_name}-{wanted.name}")


class RestoreRun:
    """The VMs of a task. rows: those that were planned so far."""

    def __init__(self, task: Task, session: RestoreSession, targets: Sequence[Target]) -> None:
        self.rows: list[Row] = []
        self._task = task
        self._session = session
        self._orders: dict[VmKey, Order] = {}
        self._apis = {target.uid: target.api for target in targets}
        self._safety = _safety_declaration(task.now)
        self.clusters = ClusterRun(targets, RestoreFleet, self._observe, self._plan, self._work)

    def warn_of_new_claims(self) -> None:
        """Tell which VMs get new claims, though the task asks for the names of the old ones."""
        restores = ((row.label, row.member.restore) for row in self.rows if row.in_place)
        names = [label for label, restore in restores if restore and not restore.in_place]
        if names:
            self._task.warn(f"in_place: true has no effect on {first_few(names, _SHOWN)}: {_SINCE}")

    def specs(self) -> Specs:
        """Return the specs that the VMs get, which their snapshots hold."""
        rows = [row for row in self.rows if row.action.changes]
        return dict(zip((row.label for row in rows), at_once(self._spec_of, rows, _AT_ONCE)))

    def _spec_of(self, row: Row) -> Mapping[str, Any]:
        key, snapshot = row.sight.key, row.action.snapshot
        if snapshot is None or not snapshot.content_name:
            raise ApiError("not_found", "Palette does not name the content of the snapshot")
        cluster = self._session.kubernetes(self._apis[key.cluster_uid])
        return spec_in_content(cluster.snapshot_content(key.namespace, snapshot.content_name))

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
        wanted = task.wanted_of(candidate)
        sight = part.sight_of(candidate, wanted.name)
        action = plan(sight, wanted, task.now)
        if action.reason == "not_found" and candidate.vm is None:
            action = action._replace(message=part.missing_vm(key))
        self._orders[key] = self._order(sight, action)
        stopped = action.ran and not action.stopped and sight.instance is None
        member = RestoreMember(key, action.steps, action.restore, stopped)
        return Row(candidate.cluster, candidate.label, sight, action, member, wanted.in_place)

    def _order(self, sight: Sight, action: Action) -> Order:
        wanted = self._task.wanted
        safety = next((step.name for step in action.steps if step.act == Act.SNAPSHOT), "")
        request = RestoreRequest(
            sight.key,
            action.snapshot.name if action.snapshot else "",
            sight.machine,
            ran=action.ran,
            stop=action.stopped and not safety,
            in_place=wanted.in_place,
            part_of=wanted.set,
            safety=safety,
        )
        return Order(
            request=request,
            safety=partial(_safety_snapshot, self._safety, sight.key),
            start_again=action.ran and wanted.start != "never",
            agent=wanted.agent,
            named=wanted.name is not None,
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
    """Return the snapshot of a VM that is off, before it is restored."""
    if declaration is None:
        raise AssertionError("what this collection declares is right")
    return declaration.of(key, name).with_vm_off()

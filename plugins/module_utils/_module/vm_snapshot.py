# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The core of vm_snapshot: one snapshot of one VM, as a set with one member."""

from __future__ import annotations

from typing import Any, NamedTuple

from .._execution.execute import Execution
from .._execution.lane import Lane
from .._execution.progress import Progress
from .._execution.waiting import Waiting, wait_problems, waiting_from
from .._http.errors import ApiError
from .._palette.vms import ClusterVms
from .._snapshots.clock import check_clock, clock_problem
from .._snapshots.desired import Declaration, Desired, read_declaration
from .._snapshots.member import SnapshotMember
from .._snapshots.model import Snapshot
from .._snapshots.observe import look_up
from .._snapshots.offline import OfflineWork, left_off
from .._snapshots.plan import REFUSE, Action, plan_absent, plan_present
from .._snapshots.results import status_of
from .._snapshots.set_result import diff, power_facts
from .._snapshots.steps import SnapshotWork
from .._snapshots.wait import consistency_problems, offline_problems
from .._snapshots.writes import NameTakenError
from .._validation.problems import Problem, merged
from .._vms.cluster_result import warn_of_states
from .._vms.model import VmKey
from .._vms.observe import find_vm, list_vms
from .._vms.selection import missing_vm
from .._vms.session import PaletteSession
from .base import Arguments, Invocation, Module, Result
from .options import (
    BODY,
    CONNECTION,
    ONE_CLUSTER,
    ONE_PROJECT,
    PROGRESS,
    REPLACE,
    STATE,
    VM,
    WAIT,
    one_cluster_problems,
)

_NAMES = ("name", "name_prefix")

ARGUMENTS = Arguments(
    spec={
        **CONNECTION,
        **VM,
        **STATE,
        "name": {"type": "str"},
        "name_prefix": {"type": "str"},
        **BODY,
        **REPLACE,
        **WAIT,
        **PROGRESS,
    },
    mutually_exclusive=(ONE_PROJECT, ONE_CLUSTER, _NAMES),
    required_one_of=(ONE_CLUSTER, _NAMES),
    required_if=(("state", "absent", ("name",)),),
)


class Request(NamedTuple):
    """What the options describe."""

    declaration: Declaration
    waiting: Waiting


def read(invocation: Invocation) -> tuple[Request | None, list[Problem]]:
    """Return the request that the options describe, and all problems with them."""
    options = invocation.options
    declaration, problems = read_declaration(options, invocation.now)
    problems = merged(
        problems,
        [*wait_problems(options), *consistency_problems(options), *one_cluster_problems(options)],
        offline_problems(options),
    )
    return declaration and Request(declaration, waiting_from(options)), problems


def run(invocation: Invocation, request: Request) -> Result:
    """Take or delete the snapshot. The result or the ApiError contains it."""
    session = PaletteSession(invocation.options)
    api = session.cluster()
    warn_of_states([api], invocation.warn)
    desired = _desired(invocation, request, api)

    def attempt(anywhere: bool) -> tuple[Action, SnapshotMember]:
        action = _plan(invocation, api, desired, anywhere)
        _warn(invocation, session, action)
        _demand(action, invocation)
        return action, _carry_out(invocation, request, api, desired, action)

    # Another VM's snapshot may have the name. Palette rejects a creation then; a prediction, a
    # deletion and who stops a VM for it must search for it.
    anywhere = _absent(invocation) or invocation.check_mode or invocation.options["offline"]
    action, member = attempt(anywhere)
    if isinstance(member.failure, NameTakenError) and not (anywhere or action.current):
        # The list of the VM's snapshots does not have the one that Palette says is there.
        action, member = attempt(anywhere=True)
    return _result(invocation, action, member)


MODULE = Module(ARGUMENTS, read, run)


def _warn(invocation: Invocation, session: PaletteSession, action: Action) -> None:
    seen = [action.current] if action.current else []
    clock = clock_problem(invocation.now, session.clock_skew, seen)
    check_clock(clock, needed=False, warn=invocation.warn)
    for note in action.notes:
        invocation.warn(note)


def _carry_out(
    invocation: Invocation, request: Request, api: ClusterVms, desired: Desired, action: Action
) -> SnapshotMember:
    """Carry out an action, but not in check mode."""
    steps = action.steps_for(request.waiting.enabled)
    member = SnapshotMember(desired.key, steps, seen=action.current)
    if invocation.check_mode:
        return member
    title = f"snapshot {desired.name}"
    progress = Progress.of(invocation.options, invocation.progress, title)
    if invocation.options["offline"]:
        work: SnapshotWork = OfflineWork(api, request.waiting, invocation.progress)
    else:
        work = SnapshotWork(api, request.waiting)
    lane = Lane(work)
    lane.load([member])
    Execution([lane], report=progress.report).run()
    if left_off(member):
        invocation.warn(left_off(member))
    return member


def _demand(action: Action, invocation: Invocation) -> None:
    if action.verb == REFUSE:
        shown = _shown(invocation, action.current)
        raise ApiError(action.reason, action.message, changed=False, outcome="failed", **shown)


def _desired(invocation: Invocation, request: Request, api: ClusterVms) -> Desired:
    options = invocation.options
    key = VmKey(api.cluster.uid, options["namespace"], options["vm_name"])
    return request.declaration.of(key, request.declaration.name)


def _absent(invocation: Invocation) -> bool:
    return bool(invocation.options["state"] == "absent")


def _plan(invocation: Invocation, api: ClusterVms, desired: Desired, anywhere: bool) -> Action:
    listed, current = look_up(api, desired.key, desired.name, anywhere)
    snapshots = [snapshot for snapshot in listed if not snapshot.unreadable]
    for stranger in (s for s in listed if s.unreadable and s is not current):
        invocation.warn(f"{stranger.unreadable_text}; it is left alone")
    if _absent(invocation):
        return plan_absent(desired.key, current)
    vm = find_vm(api, desired.key)
    action = plan_present(desired, current, vm, snapshots, invocation.options["replace"])
    return action if action.reason != "not_found" else _naming_the_nearest(action, api, desired)


def _naming_the_nearest(action: Action, api: ClusterVms, desired: Desired) -> Action:
    seen = (vm.key for vm in list_vms(api))
    return action._replace(message=missing_vm(desired.key, api.cluster.name, seen))


def _result(invocation: Invocation, action: Action, member: SnapshotMember) -> Result:
    changed = action.changes if invocation.check_mode else member.may_have_changed
    seen = action.predicted if invocation.check_mode else member.seen
    shown = _shown(invocation, seen)
    if invocation.options["offline"]:
        shown.update(power_facts(action, member, invocation.check_mode))
    if member.failure:
        outcome = "unknown" if member.unknown else "failed"
        raise member.failure.with_facts(changed=changed, outcome=outcome, **shown)
    outcome = "unchanged" if member.adopted and not member.changed else action.outcome
    result: Result = {"changed": changed, "outcome": outcome}
    if invocation.diff_mode:
        result["diff"] = diff(action)
    return {**result, **shown}


def _shown(invocation: Invocation, snapshot: Snapshot | None) -> dict[str, Any]:
    return {
        "check_mode": invocation.check_mode,
        "snapshot": snapshot.manifest if snapshot else None,
        "status": status_of(snapshot, invocation.now) if snapshot else None,
    }

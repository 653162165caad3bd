# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The core of vm_restore: restores one VM from a snapshot, as a set with one member."""

from __future__ import annotations

from typing import Any, NamedTuple

from .._execution.progress import Progress
from .._execution.run import Pace
from .._execution.waiting import Waiting, wait_problems, waiting_from
from .._http.errors import ApiError
from .._palette.vms import ClusterVms
from .._restores.result import row_diff, row_result
from .._restores.run import RestoreRun, Row, Task, wanted_from
from .._restores.session import RestoreSession
from .._snapshots.clock import check_clock, clock_problem
from .._snapshots.naming import set_name_problems
from .._validation.kubevirt import snapshot_name_problem
from .._validation.problems import Problem, merged, option_problem
from .._validation.request import problems_in_options
from .._vms.cluster_result import warn_of_states, warn_of_unreadable
from .._vms.fleet import Target
from .._vms.selection import Entry, Filters, Patterns
from .base import Arguments, Invocation, Module, Result
from .options import (
    CONNECTION,
    ONE_CLUSTER,
    ONE_PROJECT,
    PROGRESS,
    RESTORE,
    VM,
    one_cluster_problems,
)

_BACK_TO = ("snapshot", "set")
_NAMES = ("snapshot", "restore_name")

ARGUMENTS = Arguments(
    spec={
        **CONNECTION,
        **VM,
        "snapshot": {"type": "str"},
        "set": {"type": "str"},
        "restore_name": {"type": "str"},
        **RESTORE,
        **PROGRESS,
    },
    mutually_exclusive=(ONE_PROJECT, ONE_CLUSTER, _BACK_TO),
    required_one_of=(ONE_CLUSTER, _BACK_TO),
)


class Request(NamedTuple):
    """What the options describe."""

    entry: Entry
    waiting: Waiting


def read(invocation: Invocation) -> tuple[Request | None, list[Problem]]:
    """Return the request that the options describe, and all problems with them."""
    options = invocation.options
    names = {name: options[name] for name in _NAMES if options[name] is not None}
    texts = {name: snapshot_name_problem(value) for name, value in names.items()}
    problems = merged(
        [*problems_in_options(options), *one_cluster_problems(options)],
        [option_problem(name, text, "before-patch") for name, text in texts.items() if text],
        set_name_problems(options["set"]) if options["set"] is not None else [],
        wait_problems(options),
    )
    entry = Entry(options["vm_name"], options["namespace"], None, None, None)
    return Request(entry, waiting_from(options)), problems


def run(invocation: Invocation, request: Request) -> Result:
    """Restore the VM. The result or the ApiError contains what became of it."""
    session = RestoreSession(invocation.options)
    api = session.cluster()
    warn_of_states([api], invocation.warn)
    restores = _planned(invocation, request, session, api)
    row = restores.rows[0]
    clock = clock_problem(invocation.now, session.clock_skew, row.sight.snapshots)
    check_clock(clock, needed=False, warn=invocation.warn)
    if row.blocked:
        facts = _shown(invocation, row)
        raise ApiError(row.action.reason, row.action.message, **{**facts, "outcome": "failed"})
    if not invocation.check_mode:
        progress = Progress.of(invocation.options, invocation.progress, row.label)
        restores.clusters.execute(Pace(request.waiting, 1, None), progress)
        restores.warn_of_new_claims()
    return _result(invocation, restores)


MODULE = Module(ARGUMENTS, read, run)


def _planned(
    invocation: Invocation, request: Request, session: RestoreSession, api: ClusterVms
) -> RestoreRun:
    """Return the VM's restore, observed and planned."""
    everything = Filters((), Patterns(()), Patterns(()), None)
    wanted = wanted_from(invocation.options)
    task = Task(wanted, everything, invocation.now, invocation.warn)
    restores = RestoreRun(task, session, [Target(api.cluster.name, api, [request.entry])])
    fleet = restores.clusters.observe_all()
    for error in fleet.failures.values():
        raise error.with_facts(changed=False)
    warn_of_unreadable(fleet, invocation.warn)
    restores.clusters.plan_all()
    return restores


def _result(invocation: Invocation, restores: RestoreRun) -> Result:
    row = restores.rows[0]
    result = _shown(invocation, row)
    if row.member.failure:
        raise row.member.failure.with_facts(**result)
    if invocation.diff_mode:
        result["diff"] = row_diff(row, invocation.now, restores.specs())
    return result


def _shown(invocation: Invocation, row: Row) -> dict[str, Any]:
    shown = row_result(row, invocation.now, invocation.check_mode)
    restore = row.member.restore
    return {
        "check_mode": invocation.check_mode,
        **{name: shown[name] for name in ("changed", "outcome", "status")},
        "restore": restore.manifest if restore else None,
    }

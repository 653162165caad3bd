# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What modules that work on many virtual machines share: their selection, and their course."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple, Protocol

from .._execution.progress import Progress
from .._execution.run import ClusterRun, Pace
from .._http.errors import ApiError, invalid_parameters
from .._validation.printable import first_few
from .._validation.problems import Problem, option_problem
from .._vms.cluster_result import tolerated, unreached_text, warn_of_states, warn_of_unreadable
from .._vms.fleet import Fleet, Part, Scope, Target, scope_of
from .._vms.rows import Row, clusters_of_failed, failed_only, shortened
from .._vms.selection import Entry, Filters, Unmatched
from .._vms.session import PaletteSession
from .base import Invocation, Result

_LIMITS = ("max_failed", "max_failed_clusters", "max_rows")
_SHOWN = 5
_FILTERS = ("selector", "namespaces", "vm_names", "clusters", "all")


def selection_problems(
    options: Mapping[str, Any], required: bool = True, by_namespace: bool = True
) -> list[Problem]:
    """Return the problem with how VMs are selected.

    required: whether they must be. by_namespace: whether the option namespace alone does it.
    """
    filters = [name for name in _FILTERS if options[name]]
    if options["vms"] is not None and filters:
        text = f"cannot be combined with {', '.join(filters)}"
        return [option_problem("vms", text, ["db1", "db2"])]
    selected = filters or (by_namespace and options["namespace"])
    if required and options["vms"] is None and not selected:
        text = (
            "select VMs with vms, selector, namespaces, vm_names or clusters; for every VM set "
            "all: true"
        )
        if options["namespace"]:
            text += "; namespace alone selects nothing: set namespaces, or list vms"
        return [option_problem("vms", text, ["db1", "db2"])]
    return []


def limit_problems(options: Mapping[str, Any]) -> list[Problem]:
    """Return the problems with how many may fail, and how many rows a result may have."""
    return [
        option_problem(name, "must be 0 or more", 0)
        for name in _LIMITS
        if (options.get(name) or 0) < 0
    ]


def diff_within(
    invocation: Invocation, diff: Mapping[str, Mapping[str, Any]]
) -> dict[str, Mapping[str, Any]]:
    """Return a diff with no more rows than the result may have, and tell what it lacks."""
    most, number = invocation.options["max_rows"], max(map(len, diff.values()))
    if most is None or number <= most:
        return dict(diff)
    invocation.warn(f"the diff shows {most} of {number} rows, see max_rows")
    return {side: dict(islice(rows.items(), most)) for side, rows in diff.items()}


class Planned(Protocol):
    """What was planned for a VM."""

    @property
    def blocked(self) -> bool:
        """Whether it cannot be done, which was known beforehand."""


def carry_out(
    invocation: Invocation,
    clusters: ClusterRun[Part, Any],
    pace: Pace,
    title: str,
    check: Callable[[Part], object],
    rows: Sequence[Planned] = (),
) -> bool:
    """Observe, plan and execute in all clusters, and return whether that was aborted.

    With on_error: continue, no cluster waits for another. Otherwise nothing is written before all
    was checked. check: raises what is wrong with what was observed. rows: where the clusters' plans
    are added; if one of them is blocked, nothing is executed.
    """
    abort = invocation.options["on_error"] == "abort"
    progress = Progress.of(invocation.options, invocation.progress, title)
    if not abort:
        # What is wrong with the selection is known at the end.
        if invocation.check_mode:
            clusters.predict()
        else:
            clusters.execute(pace, progress)
        check(clusters.fleet)
        return False
    check(clusters.observe_all())
    clusters.plan_all()
    aborted = any(row.blocked for row in rows)
    if not (aborted or invocation.check_mode):
        clusters.execute(pace, progress)
    return aborted


class Ending(NamedTuple):
    """How a task ended.

    text: how many VMs failed, and why; empty if none did. key, told: as shortened takes them.
    """

    fleet: Fleet
    aborted: bool
    text: str
    key: str
    told: Callable[[Row], Row]


def ended(invocation: Invocation, result: Result, ending: Ending) -> Result:
    """Return a task's result, and warn of what failed; raise it as ApiError if too much did."""
    options = invocation.options
    text = "; ".join(filter(None, (unreached_text(ending.fleet), ending.text)))
    clusters = clusters_of_failed(result[ending.key])
    tolerable = not ending.aborted and tolerated(options, ending.fleet, clusters)
    if tolerable and text:
        invocation.warn(text)
    if not tolerable and options.get("members") == "failed":
        result = {**result, ending.key: failed_only(result[ending.key])}
    result = shortened(result, ending.key, options["max_rows"], ending.told)
    if tolerable:
        return result
    reason = "preflight_failed" if ending.aborted else "vms_failed"
    raise ApiError(reason, text, **result)


def scope_for(
    invocation: Invocation,
    session: PaletteSession,
    entries: Sequence[Entry] | None,
    filters: Filters,
) -> Scope:
    """Return where a task works, and warn of clusters that do not run.

    Raise ApiError if a VM is listed more than once. entries: the listed VMs, if any.
    """
    scope = scope_of(session, entries, filters)
    _refuse_duplicates(scope.targets)
    warn_of_states((target.api for target in scope.targets), invocation.warn)
    return scope


def _refuse_duplicates(targets: Sequence[Target]) -> None:
    for target in targets:
        counts = Counter((entry.namespace, entry.vm_name) for entry in target.entries or ())
        twice = [place for place, count in counts.items() if count > 1]
        if twice:
            text = f"VM {'/'.join(twice[0])} is listed more than once"
            raise invalid_parameters([option_problem("vms", text, ["db1", "db2"])])


class Selection(Protocol):
    """How a task selects VMs. entries: those that it lists, or None if the filters select."""

    @property
    def entries(self) -> Sequence[Entry] | None:
        """The listed VMs."""

    @property
    def filters(self) -> Filters:
        """What VMs have to match, or must not match."""


def check_selection(
    invocation: Invocation,
    session: PaletteSession,
    fleet: Fleet,
    selection: Selection,
    nothing_done: str,
) -> list[Unmatched]:
    """Warn of what met nothing, and return it. If nothing is selected, nothing is done: raise that.

    nothing_done: how to say that.
    """
    warn_of_unreadable(fleet, invocation.warn)
    abort = invocation.options["on_error"] == "abort"
    _demand_selection(fleet, selection.entries, abort, session.project_hint, nothing_done)
    for miss in fleet.unmatched:
        invocation.warn(str(miss))
    return fleet.unmatched


def refuse_namesakes(clusters: ClusterRun[Part, Any], filters: Filters) -> None:
    """Raise ApiError if a name means several VMs, for tasks that stop or delete something.

    Only all clusters together tell, so that no cluster is worked on before the others have answered
    where there is such a name.
    """
    if not filters.vm_names.bare:
        return
    namesakes = _namesakes(clusters.observe_all(), filters)
    if namesakes:
        texts = [_namesakes_text(name, labels) for name, labels in namesakes.items()]
        labels = [label for found in namesakes.values() for label in found]
        text = f"{'; '.join(texts[:_SHOWN])}; nothing was done"
        raise ApiError("ambiguous_name", text, changed=False, candidates=labels)


def warn_of_namesakes(fleet: Fleet, filters: Filters, warn: Callable[[str], None]) -> None:
    """Warn of names that mean several VMs: a name is of one namespace only."""
    for name, labels in _namesakes(fleet, filters).items():
        warn(_namesakes_text(name, labels))


def _namesakes(fleet: Fleet, filters: Filters) -> dict[str, list[str]]:
    """Return the names that mean several VMs, with what those are called in results."""
    places: dict[str, list[str]] = {}
    for candidate in fleet.candidates:
        places.setdefault(candidate.key.vm_name, []).append(candidate.label)
    found = {name: places.get(name, []) for name in sorted(filters.vm_names.bare)}
    return {name: labels for name, labels in found.items() if len(labels) > 1}


def _namesakes_text(name: str, labels: Sequence[str]) -> str:
    return (
        f"vm_names: {name!r} means {len(labels)} VMs: {first_few(labels, _SHOWN)}; if one is "
        f"meant, write it so; if all are, write '*/{name}'"
    )


def _demand_selection(
    fleet: Fleet, entries: Sequence[Entry] | None, abort: bool, hint: str, nothing_done: str
) -> None:
    """Raise ApiError if nothing is selected or, to abort, if a name met nothing.

    entries: the listed VMs. hint: what else may be why. nothing_done: how to say that.
    """
    if not (fleet.candidates or fleet.failures):
        raise _error(_nothing_selected(fleet, entries, hint, nothing_done), fleet.unmatched)
    exact = [str(miss) for miss in fleet.unmatched if miss.exact]
    if abort and exact:
        advice = "nothing was written: correct this, or go on without it by on_error: continue"
        raise _error("; ".join([*exact, advice]), fleet.unmatched)


def _nothing_selected(
    fleet: Fleet, entries: Sequence[Entry] | None, hint: str, nothing_done: str
) -> str:
    if entries is not None:
        empty = "nothing is left after exclude" if entries else "the list is empty"
        return f"vms: {empty}; {nothing_done}"
    clusters = ", ".join(fleet.titles.values()) or "none that runs VMs"
    texts = [
        "no VM matches all filters together",
        f"clusters searched: {clusters}",
        *map(str, fleet.unmatched),
        hint,
    ]
    return "; ".join(filter(None, texts))


def _error(text: str, misses: Sequence[Unmatched]) -> ApiError:
    shown = [miss.result for miss in misses]
    return ApiError("nothing_selected", text, changed=False, unmatched=shown)

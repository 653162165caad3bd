# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What modules that work on many virtual machines demand of their selection."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from .._http.errors import ApiError, invalid_parameters
from .._validation.problems import Problem, option_problem
from .._vms.fleet import Fleet, Target
from .._vms.selection import Entry, Unmatched

_FILTERS = ("selector", "namespaces", "vm_names", "clusters", "all")


def selection_problems(options: Mapping[str, Any], required: bool = True) -> list[Problem]:
    """Return the problem with how VMs are selected. required: whether they must be."""
    filters = [name for name in _FILTERS if options[name]]
    if options["vms"] is not None and filters:
        text = f"cannot be combined with {', '.join(filters)}"
        return [option_problem("vms", text, ["db1", "db2"])]
    selected = filters or options["namespace"]
    if required and options["vms"] is None and not selected:
        text = (
            "select VMs with vms, selector, namespaces, vm_names or clusters; for every VM set "
            "all: true"
        )
        return [option_problem("vms", text, ["db1", "db2"])]
    return []


def refuse_duplicates(targets: Sequence[Target]) -> None:
    """Raise ApiError if a VM is listed more than once."""
    for target in targets:
        counts = Counter((entry.namespace, entry.vm_name) for entry in target.entries or ())
        twice = [place for place, count in counts.items() if count > 1]
        if twice:
            text = f"VM {'/'.join(twice[0])} is listed more than once"
            raise invalid_parameters([option_problem("vms", text, ["db1", "db2"])])


def demand_selection(
    fleet: Fleet, entries: Sequence[Entry] | None, abort: bool, hint: str, undone: str
) -> None:
    """Raise ApiError if nothing is selected or, to abort, if a name met nothing.

    entries: the listed VMs. hint: what else may be why. undone: says that nothing was done.
    """
    if not (fleet.candidates or fleet.failures):
        raise _error(_nothing_selected(fleet, entries, hint, undone), fleet.unmatched)
    exact = [str(miss) for miss in fleet.unmatched if miss.exact]
    if abort and exact:
        advice = "nothing was written: correct this, or go on without it by on_error: continue"
        raise _error("; ".join([*exact, advice]), fleet.unmatched)


def _nothing_selected(fleet: Fleet, entries: Sequence[Entry] | None, hint: str, undone: str) -> str:
    if entries is not None:
        empty = "nothing is left after exclude" if entries else "the list is empty"
        return f"vms: {empty}; {undone}"
    clusters = ", ".join(fleet.titles.values()) or "none that runs VMs"
    texts = [
        "no VM matches selector, namespaces, vm_names and exclude together",
        f"clusters searched: {clusters}",
        *map(str, fleet.unmatched),
        hint,
    ]
    return "; ".join(filter(None, texts))


def _error(text: str, misses: Sequence[Unmatched]) -> ApiError:
    shown = [miss.result for miss in misses]
    return ApiError("nothing_selected", text, changed=False, unmatched=shown)

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What became of each cluster: a row for it in the result, and what a sick one means for a task."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from .._http.errors import ApiError
from .._palette.vms import ClusterVms
from .._validation.printable import first_few, first_messages, printable
from .fleet import Fleet
from .model import VmKey

_SHOWN = 10
_ADVICE = "; nothing was changed: go on without it by on_error: continue"


def clusters_result(
    fleet: Fleet, counts: Mapping[str, Mapping[str, int]] | None = None
) -> dict[str, Any]:
    """Return ``clusters``, by what each is called, and ``complete``: whether all were reached.

    counts: what to say of each cluster's share, by its title.
    """
    clusters = {
        target.title: {
            "uid": target.uid,
            "reachable": target.title not in fleet.failures,
            **_failure(fleet.failures.get(target.title)),
            "counts": dict((counts or {}).get(target.title, {})),
        }
        for target in fleet.targets
    }
    return {"clusters": clusters, "complete": not fleet.failures}


def counts_by_cluster(fleet: Fleet, what: str, keys: Iterable[VmKey]) -> dict[str, dict[str, int]]:
    """Return how many of something each cluster has, by its title. keys: of the VMs they are of."""
    counts = Counter(key.cluster_uid for key in keys)
    return {title: {what: counts[uid]} for uid, title in fleet.titles.items()}


def counts_by_outcome(
    fleet: Fleet, outcomes: Iterable[tuple[str, str]]
) -> dict[str, dict[str, int]]:
    """Return how many VMs of each cluster had which outcome, by its title.

    outcomes: of each VM, after what its cluster is called.
    """
    counts: dict[str, Counter[str]] = {target.title: Counter() for target in fleet.targets}
    for title, outcome in outcomes:
        counts[title][outcome] += 1
    return {title: dict(counter) for title, counter in counts.items()}


def tolerated(options: Mapping[str, Any], fleet: Fleet, failed: Iterable[str]) -> bool:
    """Say whether no more failed than may. The VMs of a failed cluster count as that one.

    failed: what the cluster of each failed VM is called.
    """
    elsewhere = sum(title not in fleet.failures for title in failed)
    most, most_clusters = options.get("max_failed", 0), options["max_failed_clusters"]
    return bool(len(fleet.failures) <= most_clusters and elsewhere <= most)


def demand_clusters(fleet: Fleet, on_error: str) -> None:
    """Raise ApiError if a cluster was not observed that the task cannot do without.

    One that failed later, while it was worked on, has rows in the result.
    """
    failures, total = fleet.failures, len(fleet.targets)
    if not failures or (on_error == "continue" and fleet.titles):
        return
    title, first = next(iter(failures.items()))
    facts = {**first.facts, "changed": False, **clusters_result(fleet)}
    if total == 1:
        raise ApiError(first.reason, first.message, **facts)
    text = f"cluster {title}: {first.message}"
    if len(failures) > 1:
        text = f"{unreached_text(fleet)}; the first: {text}"
    advice = _ADVICE if on_error == "abort" else ""
    raise ApiError(first.reason, f"{text}{advice}", **facts)


def warn_of_clusters(fleet: Fleet, warn: Callable[[str], None]) -> None:
    """Warn that a result is partial, because clusters were not reached."""
    if fleet.failures:
        warn(f"{unreached_text(fleet)}: the result may lack what is in them")


def warn_of_unreadable(fleet: Fleet, warn: Callable[[str], None]) -> None:
    """Warn of objects that are left alone, because they cannot be read."""
    for item in fleet.unreadable[:_SHOWN]:
        warn(f"cluster {fleet.title(item.key)}: {item.unreadable_text}; it is left alone")
    if len(fleet.unreadable) > _SHOWN:
        warn(f"{len(fleet.unreadable) - _SHOWN} more objects cannot be read and are left alone")


def warn_of_states(apis: Iterable[ClusterVms], warn: Callable[[str], None]) -> None:
    """Warn of the clusters that are not running, before work on them begins."""
    texts = [api.cluster.trouble for api in apis]
    troubles = list(filter(None, texts))
    if troubles:
        warn(f"{first_messages(troubles, _SHOWN)}: requests for its VMs may fail")


def unreached_text(fleet: Fleet) -> str:
    """Return which clusters were not reached, and why; empty if all were."""
    if not fleet.failures:
        return ""
    texts = [f"{title} ({error.reason})" for title, error in fleet.failures.items()]
    number = f"{len(texts)} of {len(fleet.targets)} clusters"
    return f"{number} could not be reached: {first_few(texts, _SHOWN)}"


def _failure(error: ApiError | None) -> dict[str, Any]:
    if error is None:
        return {"reason": None, "message": ""}
    return {"reason": error.reason, "message": printable(error.message)}

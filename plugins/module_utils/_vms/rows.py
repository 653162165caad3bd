# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows of a result on many virtual machines: which failed, and no more than it may have."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import islice
from typing import Any

FAILURES = ("failed", "blocked", "unknown")
# What virtual machines of which the result has no row are told by.
_IN_COMMON = ("outcome", "changed", "reason")

Row = Mapping[str, Any]
Rows = Mapping[str, Any]


def failed_only(rows: Rows) -> dict[str, Any]:
    """Return the rows of what failed: thousands of others would hide them."""
    return {label: row for label, row in rows.items() if row["outcome"] in FAILURES}


def shortened(
    result: Mapping[str, Any], key: str, most: int | None, told: Callable[[Row], Row]
) -> dict[str, Any]:
    """Return a result with so many rows at most, those that failed first.

    ``left_out`` tells the others' outcomes by place: a name alone is a hundredth of a row.
    key: where the rows are, in a list or by their labels. told: what else is told of one.
    """
    if most is None:
        return dict(result)
    whole = result[key]
    rows = _by_label(whole)
    kept = rows if len(rows) <= most else dict(islice(failed_only(rows).items(), most))
    others = {label: row for label, row in rows.items() if label not in kept}
    shown = kept if isinstance(whole, Mapping) else list(kept.values())
    return {**result, key: shown, "left_out": _by_place(others, told)}


def clusters_of_failed(whole: Any) -> list[str]:
    """Return what the cluster of each row that failed is called. whole: a list, or by label."""
    return [label.rsplit("/", 2)[0] for label in failed_only(_by_label(whole))]


def _by_label(whole: Any) -> Rows:
    return whole if isinstance(whole, Mapping) else {label_of_row(row): row for row in whole}


def label_of_row(row: Row) -> str:
    """Return the name of a row's VM: ``cluster/namespace/vm``."""
    return f"{row['cluster']}/{row['namespace']}/{row['vm_name']}"


def _by_place(rows: Rows, told: Callable[[Row], Row]) -> list[dict[str, Any]]:
    """Return the names of virtual machines by what their rows have in common."""
    groups: dict[tuple[Any, ...], list[str]] = {}
    for label, row in rows.items():
        cluster, namespace, vm_name = label.rsplit("/", 2)
        place = {"cluster": cluster, "cluster_uid": row["cluster_uid"], "namespace": namespace}
        alike = {**place, **{name: row[name] for name in _IN_COMMON}, **told(row)}
        groups.setdefault(tuple(alike.items()), []).append(vm_name)
    return [{**dict(alike), "vm_names": names} for alike, names in groups.items()]

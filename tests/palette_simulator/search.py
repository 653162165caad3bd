# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cluster search: a filter tree evaluated against clusters, sorted and paged."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from palette_simulator.errors import ApiError
from palette_simulator.state import Cluster

Filter = dict[str, Any]

_PROPERTIES: dict[str, Callable[[Cluster], str | bool]] = {
    "clusterName": lambda cluster: cluster.name,
    "clusterState": lambda cluster: cluster.state,
    "environment": lambda cluster: cluster.environment,
    "isDeleted": lambda cluster: cluster.deleted,
}
_OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "eq": str.__eq__,
    "contains": str.__contains__,
    "beginsWith": str.startswith,
}


def search(clusters: Iterable[Cluster], spec: Filter) -> list[Cluster]:
    """The clusters that match the filter, sorted as asked or by name."""
    tree = spec.get("filter", {})
    found = [cluster for cluster in clusters if _matches_tree(cluster, tree)]
    found.sort(key=lambda cluster: (cluster.name, cluster.uid))
    for order in reversed(spec.get("sort") or []):
        known = _PROPERTIES.get(order.get("field") or "clusterName", _PROPERTIES["clusterName"])
        found.sort(key=known, reverse=order.get("order") == "desc")
    return found


def matches_metadata_filter(cluster: Cluster, spec: Filter) -> bool:
    """Whether a cluster passes the simpler filter of the metadata call."""
    if spec.get("environment", cluster.environment) != cluster.environment:
        return False
    if spec.get("state", cluster.state) != cluster.state:
        return False
    return _matches_name(cluster.name, spec.get("name", {}))


def _matches_name(name: str, spec: Filter) -> bool:
    fold: Callable[[str], str] = str.lower if spec.get("ignoreCase", True) else str
    name = fold(name)
    tests = {**_OPERATORS, "ne": str.__ne__}
    return all(
        tests[operator](name, fold(value))
        for operator, value in spec.items()
        if operator in tests and value is not None
    )


def _matches_tree(cluster: Cluster, tree: Filter) -> bool:
    groups = [_matches_group(cluster, group) for group in tree.get("filterGroups") or []]
    return _join(groups, tree.get("conjunction"))


def _matches_group(cluster: Cluster, group: Filter) -> bool:
    hits = [_matches(cluster, each) for each in group.get("filters") or []]
    return _join(hits, group.get("conjunction"))


def _join(hits: list[bool], conjunction: str | None) -> bool:
    return any(hits) if conjunction == "or" and hits else all(hits)


def _matches(cluster: Cluster, test: Filter) -> bool:
    name = test.get("property", "")
    if name not in _PROPERTIES:
        raise ApiError(400, "InvalidFilter", f"property '{name}' cannot be searched for")
    value = _PROPERTIES[name](cluster)
    condition = test.get("condition", {}).get(test.get("type", ""))
    if isinstance(value, bool) and test.get("type") == "bool" and condition is not None:
        return value is bool(condition.get("value"))
    if isinstance(value, str) and test.get("type") == "string" and condition is not None:
        return _matches_string(value, condition)
    raise ApiError(400, "InvalidFilter", f"the condition does not suit property '{name}'")


def _matches_string(value: str, condition: Filter) -> bool:
    fold: Callable[[str], str] = str.lower if condition.get("ignoreCase", False) else str
    operator = _OPERATORS[condition.get("operator", "eq")]
    match = condition.get("match", {})
    hits = [operator(fold(value), fold(wanted)) for wanted in match.get("values") or []]
    hit = all(hits) if match.get("conjunction") == "and" and hits else any(hits)
    return hit is not bool(condition.get("negation"))

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Problems in what a user wrote: their words, their right examples and their order."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from . import kubevirt

# The way to a value in a body: keys of mappings and indexes of lists.
Path = tuple[Any, ...]
# Which option a path of the body came from; the longest prefix of a path counts.
Origins = Mapping[Path, str]

DEFINITION = "definition"
# The order in which the options are documented; those not named here follow.
_READING_ORDER = (
    "vm_name",
    "namespace",
    "name",
    "name_prefix",
    "labels",
    "annotations",
    "deletion_policy",
    "failure_deadline",
)

# A right body with every field that a client may set: the examples are taken from it.
EXAMPLE_BODY: dict[str, Any] = {
    "apiVersion": kubevirt.API_VERSIONS[0],
    "kind": kubevirt.KIND,
    "metadata": {
        "name": "db1-before-patch",
        "namespace": "databases",
        "labels": {"tier": "db"},
        "annotations": {"example.com/ticket": "CHG-1042"},
        "finalizers": ["example.com/keep"],
        "ownerReferences": [
            {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "name": "patch-day",
                "uid": "6c04c240-d3e6-43c6-a768-01f1c1a557d5",
                "blockOwnerDeletion": False,
                "controller": False,
            }
        ],
    },
    "spec": {
        "source": {
            "apiGroup": kubevirt.SOURCE_API_GROUP,
            "kind": kubevirt.SOURCE_KIND,
            "name": "db1",
        },
        "deletionPolicy": "Delete",
        "failureDeadline": "10m",
    },
}


class Problem(NamedTuple):
    """One thing to put right: the option, what is wrong with it, and a right line for it."""

    option: str
    problem: str
    example: str

    def __str__(self) -> str:
        return f"{self.option}: {self.problem}; for example: {self.example}"


class Finding(NamedTuple):
    """A problem at a path of a body; `right` is a path and a value that would do there."""

    path: Path
    problem: str
    right: tuple[Path, Any] | None = None


def worded(finding: Finding, origins: Origins) -> Problem:
    """Put a finding in the words of the options that the user wrote."""
    option, rest = _origin(finding.path, origins)
    path, value = finding.right or (finding.path, example_value(finding.path))
    return Problem(_dotted(option, rest), finding.problem, _example(*_origin(path, origins), value))


def option_problem(option: str, problem: str, example: Any) -> Problem:
    """Return the problem of a plain option; example is a right value for it."""
    return Problem(option, problem, _example(option, (), example))


def example_value(path: Path) -> Any:
    """Return a right value for a path: a free key has that of another, a mapping shows no lists."""
    value: Any = EXAMPLE_BODY
    for part in path:
        neighbour = value[0] if isinstance(value, list) else next(iter(value.values()))
        value = value.get(part, neighbour) if isinstance(value, dict) else neighbour
    if isinstance(value, dict):
        return {key: child for key, child in value.items() if not isinstance(child, list)}
    return value


def merged(*groups: Iterable[Problem]) -> list[Problem]:
    """Join problems in reading order; a later group adds only options that earlier ones left out.

    So a bad value that is found both as an option and in the body made of it is told once.
    """
    found: list[Problem] = []
    for group in groups:
        told = {problem.option for problem in found}
        found += [problem for problem in group if problem.option not in told]
    return sorted(dict.fromkeys(found), key=_reading_position)


def _reading_position(problem: Problem) -> tuple[bool, int, str]:
    option = problem.option.partition(".")[0]
    place = _READING_ORDER.index(option) if option in _READING_ORDER else len(_READING_ORDER)
    return option == DEFINITION, place, problem.option


def _origin(path: Path, origins: Origins) -> tuple[str, Path]:
    for length in range(len(path), 0, -1):
        if path[:length] in origins:
            return origins[path[:length]], path[length:]
    return DEFINITION, path


def _dotted(option: str, rest: Path) -> str:
    return option + "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in rest)


def _example(option: str, rest: Path, value: Any) -> str:
    """Write a right value as a line of YAML; the option may be a key of one, as `labels.tier`."""
    name, dot, key = option.partition(".")
    path: Path = (key, *rest) if dot else rest
    for part in reversed(path):
        value = [value] if isinstance(part, int) else {part: value}
    return f"{name}: {_flow(value)}"


def _flow(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_flow(child)}" for key, child in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_flow(child) for child in value) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    return str(value) if _is_plain_text(value) else json.dumps(value)


def _is_plain_text(value: str) -> bool:
    """Tell whether YAML reads a value of ours as text when it has no quotes."""
    if value.lower() in ("", "false", "no", "null", "off", "on", "true", "yes"):
        return False
    try:
        float(value)
    except ValueError:
        return True
    return False

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Problems at paths of a request body, reported for the options that the user wrote."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from . import kubevirt
from .problems import DEFINITION, Path, Problem, example_line

# The option that a path of the body comes from; the longest prefix of a path counts.
Origins = Mapping[Path, str]

# A valid body with every field that a client may set: the source of the examples.
EXAMPLE_BODY: dict[str, Any] = {
    "apiVersion": kubevirt.API_VERSION,
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


class Finding(NamedTuple):
    """A problem at a path of a body. right: a path and a valid value for it."""

    path: Path
    problem: str
    right: tuple[Path, Any] | None = None


def worded(finding: Finding, origins: Origins) -> Problem:
    """Return a finding as a problem with the option that the user wrote."""
    option, rest = _origin(finding.path, origins)
    path, value = finding.right or (finding.path, example_value(finding.path))
    return Problem(
        _dotted(option, rest), finding.problem, example_line(*_origin(path, origins), value)
    )


def example_value(path: Path) -> Any:
    """Return a valid value for a path; any other key of a mapping has the value of its first."""
    value: Any = EXAMPLE_BODY
    for part in path:
        neighbour = value[0] if isinstance(value, list) else next(iter(value.values()))
        value = value.get(part, neighbour) if isinstance(value, dict) else neighbour
    if isinstance(value, dict):
        return {key: child for key, child in value.items() if not isinstance(child, list)}
    return value


def _origin(path: Path, origins: Origins) -> tuple[str, Path]:
    for length in range(len(path), 0, -1):
        if path[:length] in origins:
            return origins[path[:length]], path[length:]
    return DEFINITION, path


def _dotted(option: str, rest: Path) -> str:
    return option + "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in rest)

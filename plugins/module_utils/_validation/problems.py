# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Problems with what a user wrote: their text, an example and their order."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable
from typing import Any, NamedTuple

from .printable import first_few

# The path to a value in a body: keys of mappings and indexes of lists.
Path = tuple[Any, ...]

_FEW = 3  # options that have the same problem
DEFINITION = "definition"
# The order of options in messages; other options follow.
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


class Problem(NamedTuple):
    """One problem: the option, what is wrong with it, and a valid line as an example."""

    option: str
    problem: str
    example: str

    def __str__(self) -> str:
        return f"{self.option}: {self.problem}; for example: {self.example}"


def option_problem(option: str, problem: str, example: Any) -> Problem:
    """Return the problem of a plain option. example: a valid value for it."""
    return Problem(option, problem, example_line(option, (), example))


def nearest(name: str, known: Iterable[str], most: int = 3, cutoff: float = 0.5) -> list[str]:
    """Return the known names that are most like a name that is not known.

    A host's full name, such as db1.example.com, is like its first label too. cutoff: how like they
    must be, up to 1.
    """
    names = sorted(set(known))
    path, slash, last = name.rpartition("/")
    label = f"{path}{slash}{last.partition('.')[0]}"
    forms = [label, name] if label in names else [name, label]
    near = [n for form in forms for n in difflib.get_close_matches(form, names, most, cutoff)]
    return list(dict.fromkeys(near))[:most]


def merged(*groups: Iterable[Problem]) -> list[Problem]:
    """Join problems in order; a later group adds only options that earlier groups do not have.

    So an invalid value that is found both in the options and in the body is reported once.
    """
    found: list[Problem] = []
    for group in groups:
        reported = {problem.option for problem in found}
        found += [problem for problem in group if problem.option not in reported]
    return sorted(dict.fromkeys(found), key=_reading_position)


def in_one_text(problems: Iterable[Problem]) -> str:
    """Return all problems: those of one kind together, and each example once, after the last."""
    options: dict[tuple[str, str], list[str]] = {}
    for option, problem, example in problems:
        options.setdefault((example, problem), []).append(option)
    last = dict(options.keys())
    return "; ".join(
        f"{first_few(names, _FEW)}: {problem}"
        + (f"; for example: {example}" if last[example] == problem else "")
        for (example, problem), names in options.items()
    )


def example_line(option: str, rest: Path, value: Any) -> str:
    """Return a valid value as a line of YAML.

    option: may include a key, as ``labels.tier``. rest: the path from there to the value.
    """
    name, dot, key = option.partition(".")
    path: Path = (key, *rest) if dot else rest
    for part in reversed(path):
        value = [value] if isinstance(part, int) else {part: value}
    return f"{name}: {_flow(value)}"


def _reading_position(problem: Problem) -> tuple[bool, int, str]:
    option = problem.option.partition(".")[0]
    place = _READING_ORDER.index(option) if option in _READING_ORDER else len(_READING_ORDER)
    return option == DEFINITION, place, problem.option


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
    """Return whether YAML reads an example as text if it has no quotes."""
    if value.lower() in ("", "false", "no", "null", "off", "on", "true", "yes"):
        return False
    try:
        float(value)
    except ValueError:
        return True
    return False

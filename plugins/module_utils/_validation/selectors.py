# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kubernetes label selectors: `tier=db,env in (prod, test),!legacy`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from .kubevirt import label_key_problem, label_value_problem
from .problems import nearest

_WORD = r"[^\s=!(),<>]"
_COMMA_BETWEEN_REQUIREMENTS = re.compile(r",(?![^()]*\))")
_REQUIREMENT = re.compile(
    rf"""\s*(?:
        !\s*(?P<absent>{_WORD}+)
      | (?P<key>{_WORD}+)
        (?: \s*(?P<equality>==|=|!=)\s*(?P<value>{_WORD}*)
          | \s+(?P<membership>in|notin)\s*\((?P<values>[^()]*)\)
        )?
    )\s*""",
    re.VERBOSE,
)
_VALUES_SHOWN = 3
_OPERATORS = {"=": "in", "==": "in", "!=": "notin", "in": "in", "notin": "notin"}


class Requirement(NamedTuple):
    """One requirement of a selector. operator: in, notin, exists or absent."""

    key: str
    operator: str
    values: frozenset[str] = frozenset()

    def holds(self, labels: Mapping[str, str]) -> bool:
        """Return whether the labels meet it; a missing label is in no set of values."""
        if self.operator == "exists":
            return self.key in labels
        if self.operator == "absent":
            return self.key not in labels
        return (labels.get(self.key) in self.values) == (self.operator == "in")


class Selector(NamedTuple):
    """Requirements that labels must all meet; without any, all labels match. text: as given."""

    requirements: tuple[Requirement, ...]
    text: str = ""

    def matches(self, labels: Mapping[str, str] | None) -> bool:
        """Return whether the labels (None: no labels) meet every requirement."""
        return all(requirement.holds(labels or {}) for requirement in self.requirements)


def parse_selector(text: str) -> Selector:
    """Read a selector made of =, ==, !=, in, notin, key and !key; raise ValueError if invalid."""
    if not text.strip():
        return Selector(())
    requirements = tuple(map(_requirement, _COMMA_BETWEEN_REQUIREMENTS.split(text)))
    return Selector(requirements, text)


def nearest_labels(selector: Selector, seen: Iterable[Mapping[str, str]]) -> list[str]:
    """Return the labels that are most like those that a selector wants and nothing has."""
    labels = list(seen)
    values: dict[str, set[str]] = {}
    for key, value in (item for each in labels for item in each.items()):
        values.setdefault(key, set()).add(value)
    near: list[str] = []
    for wanted in selector.requirements:
        if not any(wanted.holds(each) for each in labels):
            near += _nearest_labels(wanted, values)
    return list(dict.fromkeys(near))


def _nearest_labels(wanted: Requirement, values: Mapping[str, set[str]]) -> Iterator[str]:
    """Yield labels for one requirement: other values of its key, or keys that are like it."""
    if wanted.key not in values:
        yield from nearest(wanted.key, values)
    elif wanted.operator == "in":
        known = values[wanted.key]
        near = [value for given in sorted(wanted.values) for value in nearest(given, known)]
        yield from (f"{wanted.key}={value}" for value in near or sorted(known)[:_VALUES_SHOWN])


def _requirement(text: str) -> Requirement:
    found = _REQUIREMENT.fullmatch(text)
    if found is None:
        raise ValueError(
            f"{text.strip()!r} is not a label requirement"
            " (key, !key, key=value, key!=value, key in (a, b) or key notin (a, b))"
        )
    if found["absent"]:
        return _checked(Requirement(found["absent"], "absent"))
    operator = found["equality"] or found["membership"]
    if operator is None:
        return _checked(Requirement(found["key"], "exists"))
    values = found["value"] if found["equality"] else found["values"]
    words = frozenset(word.strip() for word in values.split(","))
    return _checked(Requirement(found["key"], _OPERATORS[operator], words))


def _checked(requirement: Requirement) -> Requirement:
    problems = [label_key_problem(requirement.key)]
    problems += [label_value_problem(value) for value in sorted(requirement.values)]
    for problem in filter(None, problems):
        raise ValueError(f"label {requirement.key!r}: {problem}")
    return requirement

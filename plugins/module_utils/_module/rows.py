# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which rows of a list a task wants, in which order, and which keys of each."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from .._validation.problems import Problem, nearest, option_problem

_DESCENDING = "-"

Item = TypeVar("Item")
Values = Mapping[str, Callable[[Item], Any]]


class Rows(NamedTuple):
    """What a task wants of a list; empty fields and order, and no limit, are all as it comes.

    order: keys, each with a minus before it if the greatest comes first.
    """

    fields: Sequence[str]
    order: Sequence[str]
    limit: int | None

    def of(self, items: Sequence[Item], values: Values[Item]) -> list[dict[str, Any]]:
        """Return the rows of these items. values: what a row may have, in its order."""
        chosen = {key: values[key] for key in self.fields} if self.fields else values
        return [
            {key: read(item) for key, read in chosen.items()}
            for item in self._sorted(items, values)[: self.limit]
        ]

    def _sorted(self, items: Sequence[Item], values: Values[Item]) -> Sequence[Item]:
        for word in reversed(self.order):
            items = _sorted_by(items, values[_key(word)], word.startswith(_DESCENDING))
        return items


def rows_from(
    options: Mapping[str, Any], keys: Collection[str], composed: Collection[str]
) -> tuple[Rows, list[Problem]]:
    """Read the options that say which rows are wanted.

    keys: those that a row may have. composed: those of them that have no order.
    """
    rows = Rows(options["fields"] or (), options["sort"] or (), options["limit"])
    plain = [key for key in keys if key not in composed]
    return rows, [
        *_key_problems("fields", rows.fields, keys, ["vm_name", "name"]),
        *_key_problems("sort", map(_key, rows.order), plain, ["namespace", "-creation_time"]),
        *_limit_problems(rows.limit),
    ]


def _key_problems(
    option: str, given: Iterable[str], known: Collection[str], example: Any
) -> list[Problem]:
    for key in given:
        if key not in known:
            near = _beginning_with(key, known) or nearest(key, known, most=1)
            meant = f"nearest: {near[0]}" if near else f"use any of {', '.join(known)}"
            return [option_problem(option, f"{key!r} is not a key that it takes; {meant}", example)]
    return []


def _beginning_with(word: str, known: Collection[str]) -> list[str]:
    """Return the keys whose first words these are, as age_seconds for age."""
    return [key for key in known if key.startswith(f"{word}_")]


def _limit_problems(limit: int | None) -> list[Problem]:
    return [option_problem("limit", "must be 0 or more", 100)] if (limit or 0) < 0 else []


def _key(word: str) -> str:
    return word[len(_DESCENDING) :] if word.startswith(_DESCENDING) else word


def _sorted_by(
    items: Sequence[Item], read: Callable[[Item], Any], descending: bool
) -> Sequence[Item]:
    """Return items by a value; those without one come last, and equal ones as they were."""
    read_items = [(read(item), item) for item in items]
    known = [pair for pair in read_items if pair[0] is not None]
    known.sort(key=lambda pair: pair[0], reverse=descending)
    return [item for _value, item in known] + [item for value, item in read_items if value is None]

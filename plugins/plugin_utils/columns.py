# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Columns of rows: whether there is such a column, and what a row has in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError

from ..module_utils._validation.problems import nearest

# Each with its seconds, and from how many seconds on it is used: 26 hours must not pass for 24.
_UNITS = (("d", 86400, 2 * 86400), ("h", 3600, 3600), ("m", 60, 60))


def checked_rows(
    name: str, rows: Iterable[Mapping[str, Any]], columns: Sequence[str]
) -> list[Mapping[str, Any]]:
    """Return the rows, or raise an error of the filter that has this name.

    columns: of which at least one row must have each. Without rows, that cannot be told.
    """
    given = list(rows)
    if not all(isinstance(row, Mapping) for row in given):
        raise AnsibleFilterError(f"{name} takes a list of dictionaries")
    keys = {str(key) for row in given for key in row}
    known = keys | ({"age"} if "age_seconds" in keys else set())
    for column in columns:
        if given and column not in known:
            raise AnsibleFilterError(
                f"{name}: no row has {column!r}; {_known_columns(column, known)}"
            )
    return given


def _known_columns(column: str, known: Iterable[str]) -> str:
    near = nearest(column, known, most=1)
    return f"nearest: {near[0]}" if near else f"the rows have {', '.join(sorted(known))}"


def value_of(row: Mapping[str, Any], column: str) -> Any:
    """Return what to show of a row in a column."""
    if column == "age" and column not in row:
        return _age(row.get("age_seconds"))
    return row.get(column)


def _age(seconds: Any) -> str | None:
    """Return an age in its largest unit; up to two days, in hours."""
    if seconds is None:
        return None
    unit, length, _least = next((u for u in _UNITS if seconds >= u[2]), ("s", 1, 0))
    return f"{int(seconds // length)}{unit}"

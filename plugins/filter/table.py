# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter that formats rows as a table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..module_utils._validation.printable import printable
from ..plugin_utils.columns import checked_rows, value_of

DOCUMENTATION = r"""
name: table
short_description: Format rows as a table of text
version_added: 1.0.0
author:
  - Contributors to the spectrocloud.palette collection (@spectrocloud)
description:
  - Formats rows as a table, with a header line and one line per row.
positional: columns
options:
  _input:
    description: The rows.
    type: list
    elements: dict
    required: true
  columns:
    description:
      - The keys to show, in this order. A key that a row lacks is shown like null. If no row has
        it, that is an error, unless it is one of the O(optional) ones.
      - V(age) is made of a row's C(age_seconds), if it has no C(age), as V(26h) up to two days and
        V(3d) from then on.
    type: list
    elements: str
    required: true
  optional:
    description: Those of the O(columns) to leave out if no row has anything to show there.
    type: list
    elements: str
    default: []
  headings:
    description: The headings of columns whose heading differs from their key.
    type: dict
    default: {}
  limit:
    description: The most rows to show. A last line says how many more there are.
    type: int
seealso:
  - module: spectrocloud.palette.vm_snapshot_info
  - plugin: spectrocloud.palette.vm_snapshots
    plugin_type: filter
"""

EXAMPLES = r"""
- name: List snapshots
  spectrocloud.palette.vm_snapshot_info:
    project: Default
    cluster: vm-cluster-1
  register: found

- name: Show them
  ansible.builtin.debug:
    msg: "{{ found.snapshots | spectrocloud.palette.table(['vm_name', 'name', 'phase', 'age']) }}"
"""

RETURN = r"""
_value:
  description:
    - The lines. Booleans are shown as C(yes) and C(no), null and empty lists as C(-).
    - Characters that would steer a terminal are left out, and a text ends after 500 characters.
  type: list
  elements: str
  sample:
    - "VM NAME  NAME              PHASE      AGE"
    - "db1      db1-before-patch  Succeeded  3h"
"""

_WORDS = {True: "yes", False: "no", None: "-"}
_LONGEST_CELL = 500


def table(
    rows: Iterable[Mapping[str, Any]],
    columns: Sequence[str],
    optional: Sequence[str] = (),
    headings: Mapping[str, str] | None = None,
    limit: int | None = None,
) -> list[str]:
    """Return the lines of a table with these keys of the rows as columns."""
    rows = checked_rows("table", rows, [c for c in columns if c not in optional])
    shown = [c for c in columns if c not in optional or any(row.get(c) for row in rows)]
    named = headings or {}
    lines = [[named.get(column, column).replace("_", " ").upper() for column in shown]]
    lines += [[_cell(value_of(row, column)) for column in shown] for row in rows[:limit]]
    widths = [max(map(len, cells)) for cells in zip(*lines)]
    aligned = [
        "  ".join(cell.ljust(width) for cell, width in zip(cells, widths)).rstrip()
        for cells in lines
    ]
    more = 0 if limit is None else len(rows) - limit
    return [*aligned, f"and {more} more"] if more > 0 else aligned


def _cell(value: Any) -> str:
    """Return a value as one line of text."""
    if value is None or isinstance(value, bool):
        return _WORDS[value]
    if isinstance(value, (list, tuple)):
        return printable(", ".join(map(_cell, value)), _LONGEST_CELL) or _WORDS[None]
    return printable(" ".join(str(value).split()), _LONGEST_CELL)


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Any]:
        """Return the filters of this file."""
        return {"table": table}

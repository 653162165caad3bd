# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter that formats rows as a table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError

DOCUMENTATION = r"""
name: table
short_description: Format rows as a table of text
version_added: 0.1.0
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
    description: The keys to show, in this order. A key that a row lacks is shown like null.
    type: list
    elements: str
    required: true
seealso:
  - module: spectrocloud.palette.vm_snapshot_info
  - plugin: spectrocloud.palette.vm_snapshots
    plugin_type: filter
"""

EXAMPLES = r"""
- name: List snapshots
  spectrocloud.palette.vm_snapshot_info:
    cluster: vm-cluster-1
  register: found

- name: Show them
  ansible.builtin.debug:
    msg: "{{ found.snapshots | spectrocloud.palette.table(['vm_name', 'name', 'ready_to_use']) }}"
"""

RETURN = r"""
_value:
  description: The lines. Booleans are shown as C(yes) and C(no), and null as C(-).
  type: list
  elements: str
  sample:
    - "VM NAME  NAME              READY TO USE"
    - "db1      db1-before-patch  yes"
"""

_WORDS = {True: "yes", False: "no", None: "-"}


def table(rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> list[str]:
    """Return the lines of a table with these keys of the rows as columns."""
    rows = list(rows)
    if not all(isinstance(row, Mapping) for row in rows):
        raise AnsibleFilterError("table takes a list of dictionaries")
    lines = [[column.replace("_", " ").upper() for column in columns]]
    lines += [[_cell(row.get(column)) for column in columns] for row in rows]
    widths = [max(map(len, cells)) for cells in zip(*lines)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(cells, widths)).rstrip()
        for cells in lines
    ]


def _cell(value: Any) -> str:
    """Return a value as one line of text."""
    if value is None or isinstance(value, bool):
        return _WORDS[value]
    return " ".join(str(value).split())


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Any]:
        """Return the filters of this file."""
        return {"table": table}

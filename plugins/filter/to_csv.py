# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter that writes rows as CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..plugin_utils.columns import checked_rows, value_of

DOCUMENTATION = r"""
name: to_csv
short_description: Write rows as CSV
version_added: 1.0.0
author:
  - Contributors to the spectrocloud.palette collection (@spectrocloud)
description:
  - Writes rows as comma-separated values, with a header line and one line per row.
positional: columns
options:
  _input:
    description: The rows.
    type: list
    elements: dict
    required: true
  columns:
    description:
      - The keys to write, in this order. If no row has one, that is an error.
      - V(age) is made of a row's C(age_seconds), if it has no C(age), as V(26h) up to two days and
        V(3d) from then on.
    type: list
    elements: str
    required: true
seealso:
  - module: spectrocloud.palette.vm_snapshot_info
  - plugin: spectrocloud.palette.table
    plugin_type: filter
"""

EXAMPLES = r"""
- name: List snapshots
  spectrocloud.palette.vm_snapshot_info:
    project: Default
    cluster: vm-cluster-1
  register: found

- name: Write them to a file
  ansible.builtin.copy:
    content: "{{ found.snapshots | spectrocloud.palette.to_csv(['vm_name', 'name', 'phase']) }}"
    dest: /tmp/snapshots.csv
    mode: "0644"
"""

RETURN = r"""
_value:
  description:
    - The text. Booleans are written as C(true) and C(false), null as nothing, the items of a list
      with spaces between them, and dictionaries as JSON.
    - A text that a spreadsheet would take for a formula begins with an apostrophe.
  type: str
  sample: |
    vm_name,name,phase
    db1,db1-before-patch,Succeeded
"""

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def to_csv(rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> str:
    """Return these keys of the rows as lines of CSV."""
    rows = checked_rows("to_csv", rows, columns)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_cell(value_of(row, column)) for column in columns] for row in rows)
    return text.getvalue()


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, (bool, int, float)):
        return json.dumps(value)
    if isinstance(value, Mapping):
        value = json.dumps({str(key): str(item) for key, item in value.items()})
    text = " ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Any]:
        """Return the filters of this file."""
        return {"to_csv": to_csv}

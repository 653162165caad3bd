# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter that finds what earlier jobs handed on, in however many parts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

from .vm_snapshots import rows_left_out

DOCUMENTATION = r"""
name: from_artifacts
short_description: Find the VMs that earlier jobs of a workflow took snapshots of
version_added: 0.1.0
author:
  - Contributors to the spectrocloud.palette collection (@spectrocloud)
description:
  - Puts together what jobs of the role P(spectrocloud.palette.vm_snapshot#role) handed on in their
    artifacts. Each slice of a job hands on its own part, and so does each run for other virtual
    machines.
options:
  _input:
    description:
      - The variables of a host, C(hostvars[inventory_hostname]), or the artifacts of a job of AWX.
    type: dict
    required: true
  set:
    description: The name of the set. Without it, those of all sets are returned.
    type: str
seealso:
  - plugin: spectrocloud.palette.vm_snapshots
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Name the VMs whose snapshot is usable
  ansible.builtin.debug:
    msg: "{{ taken | selectattr('ready_to_use') | map(attribute='vm_name') | list }}"
  vars:
    taken: "{{ hostvars[inventory_hostname] | spectrocloud.palette.from_artifacts(this_set) }}"
    this_set: before-patch
    # AWX sets such variables. They are here to show what they are like.
    vm_snapshots_before_patch_0a1b2c3d:
      set: before-patch
      at: "2026-11-23T08:00:09Z"
      rows:
        - {id: before-patch/0123456789abcdef00000011/vms/db1, vm_name: db1, ready_to_use: true}
      left_out: []
    vm_snapshots_before_patch_4e5f6a7b:
      set: before-patch
      at: "2026-11-23T08:00:11Z"
      rows:
        - {id: before-patch/0123456789abcdef00000011/vms/web1, vm_name: web1, ready_to_use: true}
      left_out: []
"""

RETURN = r"""
_value:
  description:
    - A row for each virtual machine, as the filter P(spectrocloud.palette.vm_snapshots#filter)
      returns them. The latest one counts.
    - Of more than O(spectrocloud.palette.vm_snapshot#role:main:vm_snapshot_max_rows) in one part,
      C(name) and what only a snapshot tells is null, except C(ready_to_use).
  type: list
  elements: dict
  sample:
    - id: before-patch/0123456789abcdef00000011/vms/db1
      set: before-patch
      vm_name: db1
      name: db1-before-patch
      outcome: created
      ready_to_use: true
"""

_PREFIX = "vm_snapshots_"


def from_artifacts(
    variables: Mapping[str, Any],
    set: str | None = None,  # noqa: A002 - the option's name
) -> list[dict[str, Any]]:
    """Return the latest row of each member of a set, from all parts that were handed on."""
    if not isinstance(variables, Mapping):
        raise AnsibleFilterError(
            f"from_artifacts takes a dictionary such as hostvars[inventory_hostname], not a "
            f"{type(variables).__name__}"
        )
    parts = list(_parts(variables))
    wanted = [part for part in parts if set is None or str(part["set"]) == str(set)]
    if not wanted:
        raise AnsibleFilterError(_nothing({str(part["set"]) for part in parts}, set))
    rows: dict[str, dict[str, Any]] = {}
    for part in sorted(wanted, key=lambda part: str(part["at"])):
        for row in (*part["rows"], *rows_left_out(part["left_out"])):
            rows[row["id"]] = row
    return list(rows.values())


def _parts(variables: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for name in variables:
        if name.startswith(_PREFIX):
            part = variables[name]
            if isinstance(part, Mapping) and {"set", "at", "rows", "left_out"} <= part.keys():
                yield part


def _nothing(sets: set[str], wanted: str | None) -> str:
    of_set = f" of the set {wanted!r}" if wanted is not None else ""
    others = f"; there are those of {', '.join(sorted(sets))}" if sets else ""
    return f"from_artifacts: no earlier job has handed on snapshots{of_set}{others}"


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Any]:
        """Return the filters of this file."""
        return {"from_artifacts": from_artifacts}

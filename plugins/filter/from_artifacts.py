# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter that finds what earlier jobs passed on, in however many parts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

from ..plugin_utils.short_rows import rows_left_out

DOCUMENTATION = r"""
name: from_artifacts
short_description: Find what earlier jobs of a workflow did with each VM
version_added: 1.0.0
author:
  - Contributors to the spectrocloud.palette collection (@spectrocloud)
description:
  - Puts together what jobs of the roles P(spectrocloud.palette.vm_snapshot#role) and
    P(spectrocloud.palette.guarded_change#role) passed on in their artifacts. Each slice of a job
    passes on its own part, and so does each run for other virtual machines.
options:
  _input:
    description:
      - The variables of a host, C(hostvars[inventory_hostname]), or the artifacts of a job of AWX.
    type: dict
    required: true
  set:
    description:
      - The name of the set. Without it, those of all sets are returned. Power states are of none.
    type: str
  artifact:
    description:
      - What the jobs did. V(vm_snapshots) took or deleted snapshots, V(vm_restores) restored
        virtual machines, V(vm_changes) made guarded changes, and V(vm_power_states) set power
        states.
    type: str
    choices: [vm_snapshots, vm_restores, vm_changes, vm_power_states]
    default: vm_snapshots
seealso:
  - plugin: spectrocloud.palette.vm_snapshots
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Show what AWX sets in a later node
  ansible.builtin.set_fact:
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
    vm_restores_before_patch_0a1b2c3d:
      set: before-patch
      at: "2026-11-23T09:00:09Z"
      rows:
        - {id: before-patch/0123456789abcdef00000011/vms/db1, vm_name: db1, outcome: restored}
      left_out: []

- name: Name the VMs whose snapshot is usable
  ansible.builtin.debug:
    msg: "{{ taken | selectattr('ready_to_use') | map(attribute='vm_name') | list }}"
  vars:
    taken: >-
      {{ hostvars[inventory_hostname] | spectrocloud.palette.from_artifacts(set='before-patch') }}

- name: Name the VMs that were restored
  ansible.builtin.debug:
    msg: "{{ rows | selectattr('outcome', 'eq', 'restored') | map(attribute='vm_name') | list }}"
  vars:
    rows: >-
      {{
        hostvars[inventory_hostname]
        | spectrocloud.palette.from_artifacts(set='before-patch', artifact='vm_restores')
      }}
"""

RETURN = r"""
_value:
  description:
    - A row for each virtual machine, as the filter P(spectrocloud.palette.vm_snapshots#filter)
      returns them or, for V(vm_changes), the filter P(spectrocloud.palette.guarded_change#filter).
      The latest one counts.
    - If one part has more than O(spectrocloud.palette.vm_snapshot#role:main:vm_snapshot_max_rows),
      C(name) and what only a snapshot or a restore tells may be null, except C(ready_to_use),
      C(complete) and C(runs). Guarded changes pass on all of each.
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

_SNAPSHOTS = "vm_snapshots"
# What earlier jobs pass on, and what it is called.
_ARTIFACTS: Mapping[str, str] = {
    _SNAPSHOTS: "snapshots",
    "vm_restores": "restores",
    "vm_changes": "guarded changes",
    "vm_power_states": "power states",
}


def from_artifacts(
    variables: Mapping[str, Any],
    set: str | None = None,  # noqa: A002 - the option's name
    artifact: str = _SNAPSHOTS,
) -> list[dict[str, Any]]:
    """Return the latest row of each member of a set, from all parts that were passed on."""
    if artifact not in _ARTIFACTS:
        raise AnsibleFilterError(
            f"from_artifacts: artifact: {artifact!r} is not known: use any of "
            f"{', '.join(_ARTIFACTS)}"
        )
    if not isinstance(variables, Mapping):
        raise AnsibleFilterError(
            f"from_artifacts takes a dictionary such as hostvars[inventory_hostname], not a "
            f"{type(variables).__name__}"
        )
    parts = list(_parts(variables, f"{artifact}_"))
    wanted = [part for part in parts if set is None or str(part["set"]) == str(set)]
    if not wanted:
        raise AnsibleFilterError(
            _nothing(_ARTIFACTS[artifact], {str(part["set"]) for part in parts}, set)
        )
    rows: dict[str, dict[str, Any]] = {}
    for part in sorted(wanted, key=lambda part: str(part["at"])):
        for row in (*part["rows"], *rows_left_out(part["left_out"])):
            rows[row["id"]] = row
    return list(rows.values())


def _parts(variables: Mapping[str, Any], prefix: str) -> Iterator[Mapping[str, Any]]:
    for name in variables:
        if name.startswith(prefix):
            part = variables[name]
            if isinstance(part, Mapping) and {"set", "at", "rows", "left_out"} <= part.keys():
                yield part


def _nothing(things: str, sets: set[str], wanted: str | None) -> str:
    of_set = f" of the set {wanted!r}" if wanted is not None else ""
    names = ", ".join(sorted(name or "no set" for name in sets))
    others = f"; there are those of {names}" if sets else ""
    return f"from_artifacts: no earlier job has passed on {things}{of_set}{others}"


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Any]:
        """Return the filters of this file."""
        return {"from_artifacts": from_artifacts}

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter that summarizes the result for each virtual machine of a set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

DOCUMENTATION = r"""
name: vm_snapshots
short_description: Summarize the result for each virtual machine of a set
version_added: 0.1.0
author:
  - Contributors to the spectrocloud.palette collection (@spectrocloud)
description:
  - Reduces RV(spectrocloud.palette.vm_snapshot_set#module:members) to what a report or a later job
    needs of each virtual machine.
options:
  _input:
    description: The members of a set, as M(spectrocloud.palette.vm_snapshot_set) returns them.
    type: dict
    required: true
seealso:
  - module: spectrocloud.palette.vm_snapshot_set
  - plugin: spectrocloud.palette.table
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Take snapshots
  spectrocloud.palette.vm_snapshot_set:
    cluster: vm-cluster-1
    namespace: vms
    name: before-patch
    vms: [db1, db2]
  register: before_patch

- name: Pass them to later jobs of the workflow
  ansible.builtin.set_stats:
    data:
      vm_snapshots: "{{ before_patch.members | spectrocloud.palette.vm_snapshots }}"
"""

RETURN = r"""
_value:
  description:
    - By C(cluster/namespace/vm), a dictionary of C(cluster), C(namespace), C(vm_name), C(name),
      C(outcome), C(reason), C(phase), C(ready_to_use) and C(creation_time).
    - If the virtual machine has no such snapshot (any more), C(ready_to_use) is V(false), and
      C(phase) and C(creation_time) are null.
  type: dict
  sample:
    vm-cluster-1/vms/db1:
      cluster: vm-cluster-1
      namespace: vms
      vm_name: db1
      name: db1-before-patch
      outcome: created
      reason: null
      phase: Succeeded
      ready_to_use: true
      creation_time: "2026-11-23T08:00:03Z"
"""

_GONE = ("deleted", "absent")


def vm_snapshots(members: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return a flat row for each member, by ``cluster/namespace/vm``."""
    if not isinstance(members, Mapping):
        raise AnsibleFilterError(f"vm_snapshots takes a dictionary, not a {type(members).__name__}")
    return {vm: _row(vm, member) for vm, member in members.items()}


def _row(vm: str, member: Mapping[str, Any]) -> dict[str, Any]:
    cluster, namespace, vm_name = vm.rsplit("/", 2)
    status = _own_status(vm_name, member)
    return {
        "cluster": cluster,
        "namespace": namespace,
        "vm_name": vm_name,
        "name": member["name"],
        "outcome": member["outcome"],
        "reason": member["reason"],
        "phase": status.get("phase"),
        "ready_to_use": bool(status.get("ready_to_use")),
        "creation_time": status.get("creation_time"),
    }


def _own_status(vm_name: str, member: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the status of the VM's own snapshot; empty if it has none."""
    status: Mapping[str, Any] = member["status"] or {}
    # A deleted snapshot still has its last status; a name in use has the status of another VM's.
    if member["outcome"] in _GONE or status.get("vm_name") != vm_name:
        return {}
    return status


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Any]:
        """Return the filters of this file."""
        return {"vm_snapshots": vm_snapshots}

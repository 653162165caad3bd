# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter that tells what a guarded change has made of each virtual machine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

DOCUMENTATION = r"""
name: guarded_change
short_description: Tell what a guarded change has made of each virtual machine
version_added: 1.0.0
author:
  - Contributors to the spectrocloud.palette collection (@spectrocloud)
description:
  - Joins the rows of the snapshots and of the restore to one for each virtual machine, as the role
    P(spectrocloud.palette.guarded_change#role) leaves them in C(guarded_change_result).
positional: outcome
options:
  _input:
    description:
      - The rows of the snapshots, from P(spectrocloud.palette.vm_snapshots#filter).
    type: list
    elements: dict
    required: true
  outcome:
    description: What became of virtual machines that have no row in O(restored).
    type: str
    required: true
  restored:
    description:
      - The rows of the restore, from P(spectrocloud.palette.vm_snapshots#filter).
    type: list
    elements: dict
    default: []
seealso:
  - plugin: spectrocloud.palette.vm_snapshots
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Take snapshots
  spectrocloud.palette.vm_snapshot_set:
    project: Default
    cluster: vm-cluster-1
    namespace: vms
    set: before-patch
    vms: [db1, db2]
  register: taken

- name: Show what became of each VM
  ansible.builtin.debug:
    msg: >-
      {{ taken.members | spectrocloud.palette.vm_snapshots
      | spectrocloud.palette.guarded_change('changed') }}
"""

RETURN = r"""
_value:
  description:
    - A row for each virtual machine, by its C(id).
    - C(outcome) is O(outcome), or V(rolled_back) or V(rollback_failed) with C(reason) and C(msg).
    - C(snapshot) is the one to restore from. C(failed_state) is the snapshot of the state that was
      left, if one was taken. C(lost_seconds), C(runs) and C(leftover_claims) are those of
      M(spectrocloud.palette.vm_restore_set).
  type: dict
  sample:
    before-patch/0123456789abcdef00000011/vms/db1:
      id: before-patch/0123456789abcdef00000011/vms/db1
      set: before-patch
      cluster: vm-cluster-1
      cluster_uid: 0123456789abcdef00000011
      namespace: vms
      vm_name: db1
      snapshot: db1-before-patch
      outcome: rolled_back
      reason: null
      msg: ""
      failed_state: null
      lost_seconds: 62
      runs: true
      leftover_claims: [db1-root]
"""

_OF_VM = ("id", "set", "cluster", "cluster_uid", "namespace", "vm_name")
_OF_RESTORE = ("lost_seconds", "runs", "leftover_claims")
_RESTORED = ("restored", "unchanged")


def guarded_change(
    taken: Iterable[Mapping[str, Any]], outcome: str, restored: Iterable[Mapping[str, Any]] = ()
) -> dict[str, dict[str, Any]]:
    """Return a row for each VM that was to have a snapshot, by its id."""
    restores = {row["id"]: row for row in restored}
    return {row["id"]: _row(row, outcome, restores.get(row["id"])) for row in taken}


def _row(
    taken: Mapping[str, Any], outcome: str, restored: Mapping[str, Any] | None
) -> dict[str, Any]:
    told = restored or taken
    if restored:
        outcome = "rolled_back" if restored["outcome"] in _RESTORED else "rollback_failed"
    return {
        **{key: taken[key] for key in _OF_VM},
        "snapshot": taken["name"] if taken["ready_to_use"] else None,
        "outcome": outcome,
        "reason": told["reason"],
        "msg": told["msg"],
        "failed_state": restored["safety_snapshot"] if restored else None,
        **{key: restored[key] if restored else None for key in _OF_RESTORE},
    }


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Any]:
        """Return the filters of this file."""
        return {"guarded_change": guarded_change}

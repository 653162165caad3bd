# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter that reduces results to what a report or a later job needs of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..plugin_utils.short_rows import short_rows

DOCUMENTATION = r"""
name: vm_snapshots
short_description: Reduce results to a short row for each virtual machine or snapshot
version_added: 1.0.0
author:
  - Contributors to the spectrocloud.palette collection (@spectrocloud)
description:
  - Reduces results to what a report or a later job needs.
positional: set
options:
  _input:
    description:
      - RV(spectrocloud.palette.vm_snapshot_set#module:members) or
        RV(spectrocloud.palette.vm_restore_set#module:members) for a row for each virtual machine,
        or the whole result, which may tell others in
        RV(spectrocloud.palette.vm_snapshot_set#module:left_out).
      - The whole result of M(spectrocloud.palette.vm_power) for a row for each virtual machine.
      - RV(spectrocloud.palette.vm_snapshot_retention#module:snapshots) or
        RV(spectrocloud.palette.vm_snapshot_info#module:snapshots) for a row for each snapshot.
    type: raw
    required: true
  set:
    description: The name of the set, for virtual machines that have no snapshot which says it.
    type: str
  earlier:
    description: Rows of earlier results to keep, unless there is a new row with the same C(id).
    type: list
    elements: dict
    default: []
seealso:
  - module: spectrocloud.palette.vm_snapshot_set
  - module: spectrocloud.palette.vm_snapshot_retention
  - plugin: spectrocloud.palette.table
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
  register: before_patch

- name: Pass them to later jobs of the workflow
  ansible.builtin.set_stats:
    data:
      before_patch: "{{ before_patch.members | spectrocloud.palette.vm_snapshots }}"
"""

RETURN = r"""
_value:
  description:
    - For each virtual machine C(id), C(set), C(cluster), C(cluster_uid), C(namespace), C(vm_name),
      C(name), C(outcome), C(reason), C(msg), C(phase), C(ready_to_use), C(creation_time) and
      C(expires_at). If it has no such snapshot (any more), C(ready_to_use) is V(false), and what a
      snapshot would tell is null.
    - For each virtual machine that was restored C(id) to C(vm_name) as above, C(name) of the
      restore, C(snapshot), C(outcome), C(reason), C(msg), and of its status C(complete),
      C(lost_seconds), C(runs), C(safety_snapshot) and C(leftover_claims).
    - For each virtual machine whose power state was set C(id), C(cluster), C(cluster_uid),
      C(namespace), C(vm_name), C(before), C(after), C(outcome), C(changed), C(reason) and C(msg).
    - For each snapshot the same as for a virtual machine with a snapshot, C(quiesced),
      C(scheduled_by_palette) and C(error). Only retention has C(outcome), C(reason) and C(msg), and
      what it decided in C(decision), C(why) and C(kept_by).
    - C(id) is made of the set, the cluster's uid, the namespace and the virtual machine, or of the
      cluster's uid, the namespace and the snapshot. No other virtual machine or snapshot has it.
      That of a power state has no set.
  type: list
  elements: dict
  sample:
    - id: before-patch/0123456789abcdef00000011/vms/db1
      set: before-patch
      cluster: vm-cluster-1
      cluster_uid: 0123456789abcdef00000011
      namespace: vms
      vm_name: db1
      name: db1-before-patch
      outcome: created
      reason: null
      msg: ""
      phase: Succeeded
      ready_to_use: true
      creation_time: "2026-11-23T08:00:03Z"
      expires_at: null
"""


def vm_snapshots(
    results: Any,
    set: str | None = None,  # noqa: A002 - the option's name
    earlier: Iterable[Mapping[str, Any]] = (),
) -> list[Mapping[str, Any]]:
    """Return a short row for each member of a set or, of a list, for each snapshot."""
    rows = {row["id"]: row for row in (*earlier, *short_rows(results, set))}
    return list(rows.values())


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Any]:
        """Return the filters of this file."""
        return {"vm_snapshots": vm_snapshots}

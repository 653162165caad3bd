#!/usr/bin/python
# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Delete snapshots that this collection took and that are no longer needed."""

from __future__ import annotations

DOCUMENTATION = r"""
module: vm_snapshot_retention
short_description: Delete old snapshots of virtual machines on Palette
version_added: 0.1.0
description:
  - Deletes snapshots that this collection took, and reports for every snapshot why it is kept or
    deleted.
  - Only snapshots with the label C(app.kubernetes.io/managed-by=ansible) are ever deleted. This
    collection sets the label on every snapshot it takes.
  - Snapshots in progress are kept. So is the newest usable snapshot of each virtual machine, unless
    O(keep_last=0) is set.
  - Failed snapshots are deleted first, whatever O(keep_last) and O(max_age) are.
  - A snapshot with an expiry, see O(spectrocloud.palette.vm_snapshot#module:expire_after), is kept
    until then and deleted afterwards, whatever O(keep_last) and O(max_age) are.
  - Other snapshots are deleted unless O(keep_last) or O(max_age) keeps them. If neither option is
    set, all of them are kept.
  - Virtual machines are processed in parallel, and the snapshots of each one by one. The task waits
    until the deleted snapshots are gone.
author:
  - Contributors to the spectrocloud.palette collection (@spectrocloud)
extends_documentation_fragment:
  - spectrocloud.palette.palette
  - spectrocloud.palette.cluster
  - spectrocloud.palette.fleet
  - spectrocloud.palette.wait
  - spectrocloud.palette.attributes
  - spectrocloud.palette.attributes.writes
attributes:
  idempotent:
    description: A second run deletes nothing except snapshots that have since become too old.
    support: full
options:
  set:
    description:
      - Consider only the snapshots of this set, see M(spectrocloud.palette.vm_snapshot_set).
    type: str
  selector:
    description:
      - Consider only snapshots whose labels match this Kubernetes label selector, such as
        V(purpose=patch).
    type: str
  keep_last:
    description:
      - Keep this many of the newest usable snapshots of each virtual machine.
      - V(0) also removes the protection of the newest one.
    type: int
  max_age:
    description:
      - Keep snapshots that are not older than this, such as V(36h), V(7d) or V(2w).
    type: str
seealso:
  - module: spectrocloud.palette.vm_snapshot_set
  - module: spectrocloud.palette.vm_snapshot_info
  - name: Palette VM snapshots
    description: How to take a snapshot by hand, and what Palette includes in it.
    link: https://docs.spectrocloud.com/vm-management/create-manage-vm/standard-vm-operations/take-snapshot-of-vm/
  - name: KubeVirt snapshots
    description: What KubeVirt does for a snapshot, and how to restore from one.
    link: https://kubevirt.io/user-guide/storage/snapshot_restore_api/
"""

EXAMPLES = r"""
- name: Keep the last seven nightly snapshots of each VM
  spectrocloud.palette.vm_snapshot_retention:
    cluster: vm-cluster-1
    set: nightly
    keep_last: 7

- name: Keep snapshots of the last 30 days, and the last three of each VM however old
  spectrocloud.palette.vm_snapshot_retention:
    cluster: vm-cluster-1
    max_age: 30d
    keep_last: 3
  register: retention

- name: Show what was deleted, and why
  ansible.builtin.debug:
    msg: "{{ item.name }}: {{ item.why }}"
  loop: "{{ retention.snapshots | selectattr('decision', 'equalto', 'delete') }}"
  loop_control:
    label: "{{ item.name }}"

- name: Delete expired and failed snapshots in all clusters of the project
  spectrocloud.palette.vm_snapshot_retention:
    project: Default
"""

RETURN = r"""
snapshots:
  description:
    - Every snapshot considered, in the order of deletion. Also returned on failure.
    - Each has the keys of RV(spectrocloud.palette.vm_snapshot#module:status), with the values from
      before the deletion, and those below.
    - C(decision) is V(keep) or V(delete).
    - C(why) of a kept snapshot is one of V(not_ours), V(being_deleted), V(in_progress),
      V(newest_ready), V(not_expired), V(expiry_unreadable), V(keep_last), V(young_enough) and
      V(no_rule). C(why) of a deleted snapshot is one of V(failed), V(expired), V(beyond_keep_last)
      and V(too_old).
    - C(outcome) is one of V(kept), V(deleted), V(failed) and V(not_tried).
    - C(reason) and C(msg) say why a snapshot could not be deleted. If Palette returned an error, it
      is in C(http_status), C(code), C(message), C(details) and C(ref).
  returned: always, except when the task fails before looking up the snapshots
  type: list
  elements: dict
  sample:
    - name: db1-nightly-20261109-220000
      namespace: vms
      vm_name: db1
      phase: Succeeded
      ready_to_use: true
      creation_time: "2026-11-09T22:00:04Z"
      decision: delete
      why: beyond_keep_last
      outcome: deleted
      reason: null
      msg: ""
summary:
  description:
    - How many snapshots were considered (C(seen)), how many had each outcome, and how many had each
      C(why) (C(by_why)).
  returned: always, except when the task fails before looking up the snapshots
  type: dict
  sample:
    seen: 8
    kept: 7
    deleted: 1
    failed: 0
    not_tried: 0
    by_why:
      keep_last: 6
      newest_ready: 1
      beyond_keep_last: 1
reason:
  description:
    - Why the task failed, in one word. V(members_failed) if snapshots could not be deleted.
    - For other values, see RV(spectrocloud.palette.vm_snapshot#module:reason).
    - Errors returned by Palette are in C(http_status), C(code), C(message), C(details) and C(ref),
      and possible matches for a name in C(candidates), as in M(spectrocloud.palette.vm_snapshot).
  returned: failure
  type: str
  sample: members_failed
problems:
  description: Every problem with the options.
  returned: when RV(reason) is V(invalid_parameters)
  type: list
  elements: str
  sample: ["keep_last: must be 0 or more; for example: keep_last: 7"]
"""

from ..module_utils._module.base import run_module
from ..module_utils._module.vm_snapshot_retention import MODULE


def main() -> None:
    """Run the module."""
    run_module(MODULE)


if __name__ == "__main__":
    main()

#!/usr/bin/python
# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restore virtual machines from a set of snapshots."""

from __future__ import annotations

DOCUMENTATION = r"""
module: vm_restore_set
short_description: Restore many virtual machines on Palette from a set of snapshots
version_added: 1.0.0
description:
  - Restores each selected virtual machine from its newest usable snapshot of the set, and starts
    those again that ran.
  - All virtual machines are checked before the first one is stopped.
  - Each is restored separately. One that fails stops no other.
author:
  - Contributors to the spectrocloud.palette collection (@spectrocloud)
extends_documentation_fragment:
  - spectrocloud.palette.palette
  - spectrocloud.palette.cluster
  - spectrocloud.palette.selection
  - spectrocloud.palette.selection.listed
  - spectrocloud.palette.restore
  - spectrocloud.palette.execution.concurrency
  - spectrocloud.palette.execution.progress
  - spectrocloud.palette.execution.on_blocked
  - spectrocloud.palette.execution.members
  - spectrocloud.palette.execution.max_failed_clusters
  - spectrocloud.palette.execution.max_rows
  - spectrocloud.palette.attributes
  - spectrocloud.palette.attributes.writes
attributes:
  diff_mode:
    description:
      - Shows the disks, the run strategy, the point in time with the seconds since then, and what
        of the spec of the virtual machine differs from the one in the snapshot, which is read from
        the cluster's own API. What may be secret there, such as cloud-init's user data, is hidden.
    support: full
  idempotent:
    description:
      - With O(restore_name), a second run changes nothing. Without it, each run really restores,
        unless it completes an interrupted one.
    support: partial
options:
  set:
    description:
      - The name of the set, as in M(spectrocloud.palette.vm_snapshot_set).
      - Each virtual machine is restored from its newest usable snapshot of the set. An entry of
        O(vms) may name another one, as V(db1@db1-before-patch) or, in a mapping, by V(name).
    type: str
    required: true
  restore_name:
    description:
      - The end of the restores' names, such as a ticket's number. The restore of the virtual
        machine C(db1) is named C(db1-<restore_name>), and its name is its identity. Where this
        restore was carried through, nothing is done, and where it was interrupted, it is
        completed, however long ago that was. So a second run does what the first one left undone.
      - Without it, the names are the snapshots', with the time of the run.
    type: str
  namespace:
    description:
      - The namespace of the O(vms) entries that do not set their own. With a filter but without
        O(namespaces), the only namespace to select from.
      - It is not a filter. For all virtual machines of a namespace, set O(namespaces).
    type: str
  max_in_progress:
    description:
      - How many virtual machines of one cluster may be restored at the same time. The others wait
        for their turn, and go on running meanwhile.
      - With V(auto), the task begins with few, measures how many the storage finishes per second,
        and lets in so many that each should be done within a minute.
    type: str
    default: auto
seealso:
  - module: spectrocloud.palette.vm_restore
  - module: spectrocloud.palette.vm_snapshot_set
  - module: spectrocloud.palette.vm_power
"""

EXAMPLES = r"""
- name: Restore two VMs from the snapshots that were taken before the patch
  spectrocloud.palette.vm_restore_set:
    project: Default
    cluster: vm-cluster-1
    namespace: vms
    set: before-patch
    vms: [db1, web1]
    stop: true
  register: restored

- name: Show how much of each VM's time is lost
  ansible.builtin.debug:
    msg: "{{ item.key }}: {{ item.value.outcome }}, {{ item.value.status.lost_seconds }} s"
  loop: "{{ restored.members | dict2items }}"

- name: Restore them once, however often this runs
  spectrocloud.palette.vm_restore_set:
    project: Default
    cluster: vm-cluster-1
    namespace: vms
    set: before-patch
    vms: [db1, web1]
    restore_name: ticket-4711
    stop: true

- name: Restore all databases that can be, and leave them off
  spectrocloud.palette.vm_restore_set:
    project: Default
    cluster: vm-cluster-1
    set: before-release
    selector: app=db
    stop: true
    start: never
    on_error: continue
"""

RETURN = r"""
members:
  description:
    - The result for each selected virtual machine, by C(cluster/namespace/vm). The cluster is named
      as in the task, or by its uid if several selected clusters have the same name.
    - On failure, only those that failed, were blocked or are unknown, unless O(members=all) is set.
    - If there are more than O(max_rows), the result has only those that failed, and at most
      O(max_rows) of them. See RV(left_out).
    - C(outcome) is V(restored); V(unchanged) if the restore O(restore_name) was carried through
      before; V(blocked) if it was known before anything was written that it cannot be done, or if
      its cluster could not be reached; V(failed) if it failed afterwards; V(not_tried) if it was
      not begun, because others are blocked, or because of what failed before; or V(unknown) if it
      is not known whether something was written.
    - C(name) is the restore's name, C(snapshot) the snapshot's, C(changed) says whether anything
      was written, C(cluster_uid) is the uid of its cluster, and C(status) has the keys of
      RV(spectrocloud.palette.vm_restore#module:status).
    - C(reason) and C(msg) say why the virtual machine failed, with the reasons of
      RV(spectrocloud.palette.vm_restore#module:reason).
  returned: always, except when the task fails before looking up the virtual machines
  type: dict
  sample:
    vm-cluster-1/vms/db1:
      outcome: restored
      changed: true
      cluster_uid: 0123456789abcdef00000011
      name: db1-before-patch-restore-20261125-183246
      snapshot: db1-before-patch
      reason: null
      msg: ""
      status:
        complete: true
        lost_seconds: 5566
        leftover_claims: [db1-root]
left_out:
  description:
    - The virtual machines beyond O(max_rows), by what they have in common. Those that failed are
      left out last. The filter P(spectrocloud.palette.vm_snapshots#filter) reads them from here.
    - C(complete) and C(runs) are those of their C(status).
  returned: with RV(members), if O(max_rows) is set
  type: list
  elements: dict
  sample:
    - cluster: vm-cluster-1
      cluster_uid: 0123456789abcdef00000011
      namespace: vms
      outcome: restored
      changed: true
      reason: null
      set: before-patch
      complete: true
      runs: true
      vm_names: [db1, db2]
check_mode:
  description: Whether this is a prediction, and nothing was written.
  returned: with RV(members)
  type: bool
  sample: false
summary:
  description:
    - The number of virtual machines (C(total)), and of those with each outcome, even if it is V(0).
  returned: with RV(members)
  type: dict
  sample:
    total: 1
    restored: 1
    unchanged: 0
    not_tried: 0
    failed: 0
    blocked: 0
    unknown: 0
unmatched:
  description:
    - What was given in the options and matches nothing, with the nearest names that exist.
  returned: always, except when the task fails before looking up the virtual machines
  type: list
  elements: dict
  sample:
    - option: vm_names
      value: dbl
      nearest: [db1]
clusters:
  description:
    - One entry for each cluster, by its name, or by its uid if the task gives the uid or the name
      is not unique.
    - C(reachable) is false if the cluster could not be read, or stopped answering. C(reason) and
      C(message) say why.
    - C(counts) are the numbers of their virtual machines by outcome.
  returned: always, except when the task fails before looking up the clusters
  type: dict
  sample:
    vm-cluster-1:
      uid: 0123456789abcdef00000011
      reachable: true
      reason: null
      message: ""
      counts: {restored: 1}
complete:
  description: Whether all clusters were reached. If not, the result lacks what is in the others.
  returned: with RV(clusters)
  type: bool
  sample: true
reason:
  description:
    - Why the task failed, in one word. V(nothing_selected) if the filters match no virtual machine,
      a name in them does not, O(vms) is empty, or O(exclude) leaves none of them,
      V(preflight_failed) if nothing was done because virtual machines are blocked,
      V(vms_failed) if more than O(max_failed) failed, or more clusters than
      O(max_failed_clusters).
    - For other values, see RV(spectrocloud.palette.vm_restore#module:reason).
  returned: failure
  type: str
  sample: preflight_failed
problems:
  description: Every problem with the options.
  returned: when RV(reason) is V(invalid_parameters)
  type: list
  elements: str
  sample: ["max_failed: must be 0 or more; for example: max_failed: 0"]
"""

from ..module_utils._module.base import run_module
from ..module_utils._module.vm_restore_set import MODULE


def main() -> None:
    """Run the module."""
    run_module(MODULE)


if __name__ == "__main__":
    main()

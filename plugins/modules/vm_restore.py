#!/usr/bin/python
# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restore a virtual machine from a snapshot."""

from __future__ import annotations

DOCUMENTATION = r"""
module: vm_restore
short_description: Restore a virtual machine on Palette from a snapshot
version_added: 1.0.0
description:
  - Restores a virtual machine from one of its snapshots, and starts it again if it ran.
  - All that KubeVirt would refuse, or wait for without end, is checked before anything is stopped.
author:
  - Contributors to the spectrocloud.palette collection (@spectrocloud)
extends_documentation_fragment:
  - spectrocloud.palette.palette
  - spectrocloud.palette.cluster
  - spectrocloud.palette.vm
  - spectrocloud.palette.restore
  - spectrocloud.palette.execution.progress
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
  snapshot:
    description:
      - The name of the snapshot to restore from.
      - Exactly one of O(snapshot) and O(set) is required.
    type: str
  set:
    description:
      - Restore from the newest usable snapshot of this set.
    type: str
  restore_name:
    description:
      - The name of the restore. It is the restore's identity. If this restore was carried through,
        nothing is done, and if it was interrupted, it is completed, however long ago that was.
      - Without it, the name is the snapshot's, with the time of the run.
    type: str
seealso:
  - module: spectrocloud.palette.vm_restore_set
  - module: spectrocloud.palette.vm_snapshot
  - module: spectrocloud.palette.vm_power
  - name: KubeVirt restores
    description: What KubeVirt does for a restore.
    link: https://kubevirt.io/user-guide/storage/snapshot_restore_api/
"""

EXAMPLES = r"""
- name: Restore a VM from the snapshot that was taken before the patch
  spectrocloud.palette.vm_restore:
    project: Default
    cluster: vm-cluster-1
    namespace: vms
    vm_name: db1
    snapshot: db1-before-patch
    stop: true
  register: restored

- name: Show which claims nobody uses any more
  ansible.builtin.debug:
    var: restored.status.leftover_claims

- name: Restore it from the newest nightly snapshot, once, and in a way that can be undone
  spectrocloud.palette.vm_restore:
    project: Default
    cluster: vm-cluster-1
    namespace: vms
    vm_name: db1
    set: nightly
    restore_name: db1-ticket-4711
    safety_snapshot: true
    stop: true
    wait_for: agent
"""

RETURN = r"""
outcome:
  description:
    - V(restored), V(unchanged) if the restore O(restore_name) was carried through before,
      V(failed), or V(unknown) if it is not known whether the restore was created.
  returned: always, except when the task fails before looking up the virtual machine
  type: str
  sample: restored
check_mode:
  description: Whether this is a prediction, and nothing was written.
  returned: with RV(outcome)
  type: bool
  sample: false
status:
  description:
    - What became of the virtual machine, null if it was refused.
    - C(point_in_time) is the time from which (C(before)) and to which (C(after)) the virtual
      machine goes back. What was written in the C(lost_seconds) between them is lost.
    - C(volumes) are the restored disks with their new claims. C(leftover_claims) are the claims
      that no virtual machine uses any more. They are the old ones, or, where the restore was given
      up and deleted, those that it had made. There are none where it goes on without the task.
      C(deleted_data_volumes) were deleted by KubeVirt.
    - C(ran_before) says whether the virtual machine ran or was paused, C(runs) whether it is to run
      afterwards. C(run_strategy) is the one of before, and the one that stop and start leave.
    - C(labels) are the labels of the virtual machine, which stay.
    - C(text) is what KubeVirt says of the restore. Only C(complete) tells that it is restored.
    - In check mode, the prediction.
  returned: with RV(outcome)
  type: dict
  sample:
    name: before-patch-restore-20261125-183246
    namespace: vms
    vm_name: db1
    cluster_uid: 0123456789abcdef00000011
    uid: d2242421-20d2-4faf-bea2-99b672885e1f
    snapshot: before-patch
    complete: true
    text: Operation complete
    restore_time: "2026-11-25T18:32:49Z"
    point_in_time: {before: "2026-11-25T18:32:46Z", after: "2026-11-25T17:00:00Z"}
    lost_seconds: 5566
    volumes:
      - name: rootdisk
        claim: restore-d2242421-20d2-4faf-bea2-99b672885e1f-rootdisk
        data_volume: null
        volume_snapshot: vmsnapshot-a4fc7fd4-d662-41d0-88e8-1330135d5bef-volume-rootdisk
    deleted_data_volumes: []
    leftover_claims: [db1-root]
    in_place: false
    ran_before: true
    runs: true
    run_strategy: {before: Always, after: Always}
    safety_snapshot: null
    labels: {app: db}
    conditions: []
restore:
  description: The VirtualMachineRestore as last seen, null if there is none.
  returned: with RV(outcome)
  type: dict
  sample:
    apiVersion: snapshot.kubevirt.io/v1beta1
    kind: VirtualMachineRestore
    metadata: {name: before-patch-restore-20261125-183246, namespace: vms}
reason:
  description:
    - Why the task failed, in one word. V(not_found), V(former_vm), V(snapshot_unusable),
      V(snapshot_in_progress), V(volumes_excluded), V(vm_running), V(vm_terminating),
      V(restore_in_progress), V(conflict) or V(other_cluster) if it was refused, and nothing was
      done.
    - V(restore_failed), V(restore_disappeared), V(wait_timeout) or V(run_strategy) if it went wrong
      later. V(kubeconfig_unusable) if nobody can log in with the kubeconfig.
    - For other values, see RV(spectrocloud.palette.vm_snapshot#module:reason).
  returned: failure
  type: str
  sample: vm_running
problems:
  description: Every problem with the options.
  returned: when RV(reason) is V(invalid_parameters)
  type: list
  elements: str
  sample: ["wait_timeout: must be above 0 and at most 31536000; for example: wait_timeout: 600"]
"""

from ..module_utils._module.base import run_module
from ..module_utils._module.vm_restore import MODULE


def main() -> None:
    """Run the module."""
    run_module(MODULE)


if __name__ == "__main__":
    main()

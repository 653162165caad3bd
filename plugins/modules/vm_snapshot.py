#!/usr/bin/python
# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Take or delete one snapshot of one virtual machine."""

from __future__ import annotations

DOCUMENTATION = r"""
module: vm_snapshot
short_description: Take or delete a snapshot of a virtual machine on Palette
version_added: 1.0.0
description:
  - Ensures that one snapshot of one virtual machine exists, and waits until it is ready to use. Or
    ensures that it does not exist, and waits until it is gone.
  - All options are validated before the first request. Ansible's own argument errors (a missing
    option, an invalid choice) carry no RV(reason); all other problems are reported together.
  - For many virtual machines, use M(spectrocloud.palette.vm_snapshot_set) instead of a loop. One
    task does it all, and much faster.
author:
  - Contributors to the spectrocloud.palette collection (@spectrocloud)
extends_documentation_fragment:
  - spectrocloud.palette.palette
  - spectrocloud.palette.cluster
  - spectrocloud.palette.vm
  - spectrocloud.palette.snapshot
  - spectrocloud.palette.wait
  - spectrocloud.palette.wait.optional
  - spectrocloud.palette.execution.progress
  - spectrocloud.palette.attributes
  - spectrocloud.palette.attributes.writes
attributes:
  idempotent:
    description:
      - With O(name), a second run changes nothing. With O(name_prefix), each run takes another
        snapshot.
    support: partial
options:
  state:
    description:
      - V(present) takes the snapshot unless it exists, and updates its labels and annotations.
      - V(absent) deletes it.
    type: str
    choices: [present, absent]
    default: present
  name:
    description:
      - The name of the snapshot, unique in its namespace across all virtual machines.
      - Exactly one of O(name) and O(name_prefix) is required. O(state=absent) requires O(name).
    type: str
  name_prefix:
    description:
      - Take a new snapshot, whose name is this prefix plus eight random characters.
    type: str
  replace:
    description:
      - If the snapshot has failed, has another spec, was taken of an earlier virtual machine with
        the same name, or is not ready and has had its error for more than a day, delete it and take
        it again. Without O(replace), this is an error.
      - A usable snapshot is kept even if it does not satisfy O(consistency).
    type: bool
    default: false
seealso:
  - module: spectrocloud.palette.vm_snapshot_info
  - module: spectrocloud.palette.vm_snapshot_set
  - module: spectrocloud.palette.vm_snapshot_retention
  - name: Palette VM snapshots
    description: How to take a snapshot by hand, and what Palette includes in it.
    link: https://docs.spectrocloud.com/vm-management/create-manage-vm/standard-vm-operations/take-snapshot-of-vm/
  - name: KubeVirt snapshots
    description: What KubeVirt does for a snapshot, and how to restore from one.
    link: https://kubevirt.io/user-guide/storage/snapshot_restore_api/
"""

EXAMPLES = r"""
- name: Take a snapshot before a patch
  spectrocloud.palette.vm_snapshot:
    project: Default
    cluster: vm-cluster-1
    namespace: vms
    vm_name: db1
    name: db1-before-patch
    labels:
      purpose: patch
  register: before_patch

- name: Show when it was taken
  ansible.builtin.debug:
    msg: "{{ before_patch.status.name }} was taken at {{ before_patch.status.creation_time }}"

- name: Require consistent file systems, and give a large VM more time
  spectrocloud.palette.vm_snapshot:
    project: Default
    cluster: vm-cluster-1
    namespace: vms
    vm_name: db1
    name: db1-consistent
    consistency: filesystem
    failure_deadline: 20m
    wait_timeout: 1500

- name: Stop the VM for its snapshot, and start it again
  spectrocloud.palette.vm_snapshot:
    project: Default
    cluster: vm-cluster-1
    namespace: vms
    vm_name: db1
    name: db1-at-rest
    offline: true
    consistency: filesystem

- name: Take another snapshot on each run
  spectrocloud.palette.vm_snapshot:
    project: Default
    cluster: vm-cluster-1
    namespace: vms
    vm_name: db1
    name_prefix: db1-adhoc-

- name: Set a field in the manifest, here to keep the stored data when the snapshot is deleted
  spectrocloud.palette.vm_snapshot:
    project: Default
    cluster: vm-cluster-1
    namespace: vms
    vm_name: db1
    name: db1-archive
    definition:
      spec:
        deletionPolicy: Retain

- name: Delete the snapshot after the patch
  spectrocloud.palette.vm_snapshot:
    project: Default
    cluster: vm-cluster-1
    namespace: vms
    vm_name: db1
    name: db1-before-patch
    state: absent
"""

RETURN = r"""
outcome:
  description:
    - What was done or, in check mode, would be done.
    - One of V(created), V(replaced), V(updated), V(unchanged), V(deleted), V(absent), V(failed) and
      V(unknown). V(unknown) is a failure of which it is not known whether something was written,
      because Palette answered neither the request nor the question what became of it. It counts as
      changed. Run the task again.
  returned: always, except when the task fails before looking up the snapshot
  type: str
  sample: created
check_mode:
  description: Whether this is a prediction, and nothing was written.
  returned: with RV(outcome)
  type: bool
  sample: false
snapshot:
  description:
    - The snapshot as last returned by the API; after a deletion, its last known state. In check
      mode, the snapshot as predicted. Without C(managedFields). Null if there is none.
  returned: always, except when the task fails before looking up the snapshot
  type: dict
  sample:
    apiVersion: snapshot.kubevirt.io/v1beta1
    kind: VirtualMachineSnapshot
    metadata:
      name: db1-before-patch
      namespace: vms
    spec:
      source:
        apiGroup: kubevirt.io
        kind: VirtualMachine
        name: db1
    status:
      phase: Succeeded
      readyToUse: true
status:
  description: The snapshot's main properties. Null if there is no snapshot.
  returned: always, except when the task fails before looking up the snapshot
  type: dict
  contains:
    cluster_uid:
      description: The uid of the cluster.
      type: str
      sample: 66a1f0c2e4b0a1b2c3d4e5f6
    name:
      description: The snapshot's name.
      type: str
      sample: db1-before-patch
    namespace:
      description: The snapshot's namespace.
      type: str
      sample: vms
    vm_name:
      description: The virtual machine that the snapshot was taken of.
      type: str
      sample: db1
    uid:
      description: The snapshot's uid. Null in check mode if the snapshot would be created.
      type: str
      sample: 6c04c240-d3e6-43c6-a768-01f1c1a557d5
    phase:
      description:
        - KubeVirt's phase. Null until KubeVirt has started. V(Succeeded) does not yet mean ready to
          use.
      type: str
      sample: Succeeded
    ready_to_use:
      description: Whether the snapshot is ready to be restored from.
      type: bool
      sample: true
    deleting:
      description: Whether the snapshot is being deleted.
      type: bool
      sample: false
    creation_time:
      description:
        - The captured point in time; until that is known, the time of the request. In UTC.
      type: str
      sample: "2026-11-23T08:00:03Z"
    age_seconds:
      description: The snapshot's age when the task started, in seconds.
      type: int
      sample: 0
    expires_at:
      description: When retention may delete the snapshot. Null if not set.
      type: str
      sample: null
    deletion_policy:
      description: What happens to the stored data at deletion. Null if not set.
      type: str
      sample: Delete
    failure_deadline:
      description: How long KubeVirt may take. Null if not set.
      type: str
      sample: 10m0s
    indications:
      description: KubeVirt's indications of how it was taken. Empty for a VM that was off.
      type: list
      elements: str
      sample: [GuestAgent, Online]
    quiesced:
      description:
        - Whether the file systems are consistent. The VM was off, or its guest agent froze them
          without an error. Null while the snapshot is in progress, if it failed, or if Palette does
          not tell.
        - That the VM was off is known only of snapshots that this collection took. They have the
          annotation C(spectrocloud.palette/vm-off).
      type: bool
      sample: true
    included_volumes:
      description: The volumes in the snapshot.
      type: list
      elements: str
      sample: [rootdisk]
    excluded_volumes:
      description: The volumes that were left out, because they cannot be snapshotted.
      type: list
      elements: str
      sample: [cloudinitdisk]
    conditions:
      description: KubeVirt's conditions.
      type: list
      elements: dict
      sample:
        - type: Ready
          status: "True"
          reason: Ready
    error:
      description:
        - Why it failed, in KubeVirt's words. If it has not failed, KubeVirt's last error, which may
          be temporary; only the phase V(Failed) is final.
      type: str
      sample: null
    set:
      description: The set that it is part of.
      type: str
      sample: before-patch
    scheduled_by_palette:
      description: Whether Palette's own scheduler took it.
      type: bool
      sample: false
    content_name:
      description: The name of the C(VirtualMachineSnapshotContent).
      type: str
      sample: vmsnapshot-content-6c04c240-d3e6-43c6-a768-01f1c1a557d5
    source_uid:
      description:
        - The uid of the virtual machine that has the name now. KubeVirt rewrites it if the virtual
          machine is made again.
      type: str
      sample: c67acd28-1a2b-4c3d-8e9f-000000000001
    labels:
      description: The snapshot's labels.
      type: dict
      sample:
        app.kubernetes.io/managed-by: ansible
        purpose: patch
    annotations:
      description: The snapshot's annotations.
      type: dict
      sample:
        spectrocloud.palette/request-id: 0b0c1d2e-3f40-4152-8637-48596a7b8c9d
vm_stopped:
  description:
    - Whether the virtual machine was stopped for the snapshot or, in check mode, would be.
    - If RV(vm_started) is false then, and it ran before, it may be off.
  returned: with O(offline), except when the task fails before the first write
  type: bool
  sample: true
vm_started:
  description:
    - Whether the virtual machine was started again, and runs or, in check mode, would be. Also
      after a run that stopped it and was interrupted; C(changed) is true then.
  returned: with O(offline), except when the task fails before the first write
  type: bool
  sample: true
reason:
  description:
    - Why the task failed, in one word.
    - The values include V(invalid_parameters), V(unauthorized), V(forbidden), V(not_found),
      V(ambiguous_name), V(conflict), V(spec_differs), V(former_vm), V(not_snapshottable),
      V(volumes_excluded), V(no_guest_agent), V(vm_paused), V(vm_terminating), V(vm_disappeared),
      V(run_strategy), V(task_timeout), V(snapshot_failed), V(snapshot_lost),
      V(snapshot_disappeared), V(snapshot_deleted), V(not_quiesced), V(volumes_missing),
      V(wait_timeout), V(rate_limited), V(rejected), V(server_error), V(unavailable),
      V(unreachable), V(timeout), V(cluster_timeout), V(cluster_unreachable), V(project_not_found),
      V(tls_error), V(redirected), V(malformed_response), V(marks_lost), V(missing_library) and
      V(internal_error).
  returned: failure
  type: str
  sample: wait_timeout
problems:
  description: Every problem with the options.
  returned: when RV(reason) is V(invalid_parameters)
  type: list
  elements: str
  sample: ["wait_timeout: must be above 0 and at most 31536000; for example: wait_timeout: 600"]
candidates:
  description:
    - Possible matches for the name of a project or cluster. Names, or uids if it is ambiguous.
    - The virtual machines that a name in O(spectrocloud.palette.vm_snapshot_set#module:vm_names)
      means, where they are several.
  returned: when the name of a project or cluster is not found, or a name is ambiguous
  type: list
  elements: str
  sample: [vm-cluster-1]
http_status:
  description: The HTTP status of Palette's error.
  returned: when Palette returned an error
  type: int
  sample: 403
code:
  description: Palette's error code.
  returned: when Palette returned one
  type: str
  sample: OperationForbidden
message:
  description: Palette's error message.
  returned: when Palette returned one
  type: str
  sample: Operation is not allowed
details:
  description: Palette's details of the error.
  returned: when Palette returned any
  type: raw
  sample: null
ref:
  description: Palette's reference of the error, for Spectro Cloud's support.
  returned: when Palette returned one
  type: str
  sample: 1c2d3e4f
"""

from ..module_utils._module.base import run_module
from ..module_utils._module.vm_snapshot import MODULE


def main() -> None:
    """Run the module."""
    run_module(MODULE)


if __name__ == "__main__":
    main()

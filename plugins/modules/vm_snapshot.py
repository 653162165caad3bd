#!/usr/bin/python
# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Take or delete one snapshot of one virtual machine."""

from __future__ import annotations

DOCUMENTATION = r"""
module: vm_snapshot
short_description: Take or delete a snapshot of a virtual machine on Palette
version_added: 0.1.0
description:
  - Ensures that one snapshot of one virtual machine exists, and waits until it can be used. Or
    ensures that it does not exist, and waits until it is gone.
  - All options are validated before the first request. What Ansible itself refuses, such as a
    missing option or an unknown choice, is told without RV(reason). All other problems are told at
    once.
  - For many virtual machines, M(spectrocloud.palette.vm_snapshot_set) does in one task what this
    does in a loop, and much faster.
author:
  - Contributors to the spectrocloud.palette collection (@spectrocloud)
extends_documentation_fragment:
  - spectrocloud.palette.palette
  - spectrocloud.palette.cluster
  - spectrocloud.palette.vm
  - spectrocloud.palette.snapshot
  - spectrocloud.palette.wait
  - spectrocloud.palette.wait.optional
  - spectrocloud.palette.attributes
  - spectrocloud.palette.attributes.writes
attributes:
  idempotent:
    description:
      - With O(name), a second run changes nothing. With O(name_prefix), each run takes one more
        snapshot.
    support: partial
options:
  state:
    description:
      - V(present) takes the snapshot unless it is there already. Its labels and annotations are
        brought up to date.
      - V(absent) deletes it.
    type: str
    choices: [present, absent]
    default: present
  name:
    description:
      - The name of the snapshot, unique in its namespace across all virtual machines.
      - Exactly one of O(name) and O(name_prefix) is needed, and O(name) with O(state=absent).
    type: str
  name_prefix:
    description:
      - Take a new snapshot, under a name that begins so and ends in eight random characters.
    type: str
  replace:
    description:
      - When a snapshot of this name failed, or has another spec, delete it and take it anew.
        Without it, that is an error.
      - One that can be used is not deleted because it is not what O(consistency) asks for.
    type: bool
    default: false
seealso:
  - module: spectrocloud.palette.vm_snapshot_info
  - module: spectrocloud.palette.vm_snapshot_set
  - module: spectrocloud.palette.vm_snapshot_retention
"""

EXAMPLES = r"""
- name: Take a snapshot before a patch
  spectrocloud.palette.vm_snapshot:
    cluster: vm-cluster-1
    namespace: vms
    vm_name: db1
    name: db1-before-patch
    labels:
      purpose: patch
  register: before_patch

- name: Show when it was taken
  ansible.builtin.debug:
    msg: "{{ before_patch.status.name }} is of {{ before_patch.status.creation_time }}"

- name: Insist on file systems at rest, and give a large VM more time
  spectrocloud.palette.vm_snapshot:
    cluster: vm-cluster-1
    namespace: vms
    vm_name: db1
    name: db1-consistent
    consistency: filesystem
    failure_deadline: 20m
    wait_timeout: 1500

- name: Take one more snapshot, whatever there is already
  spectrocloud.palette.vm_snapshot:
    cluster: vm-cluster-1
    namespace: vms
    vm_name: db1
    name_prefix: db1-adhoc-

- name: Keep the stored data when the snapshot is deleted, given in the API's own words
  spectrocloud.palette.vm_snapshot:
    cluster: vm-cluster-1
    namespace: vms
    vm_name: db1
    name: db1-archive
    definition:
      spec:
        deletionPolicy: Retain

- name: Delete the snapshot after the patch
  spectrocloud.palette.vm_snapshot:
    cluster: vm-cluster-1
    namespace: vms
    vm_name: db1
    name: db1-before-patch
    state: absent
"""

RETURN = r"""
outcome:
  description:
    - What was done, or in check mode would be done.
    - One of V(created), V(replaced), V(updated), V(unchanged), V(deleted), V(absent) and V(failed).
  returned: always, but for errors before the snapshot was looked for
  type: str
  sample: created
snapshot:
  description:
    - The snapshot as the API gave it last. After a deletion, as it was before. Null where there is
      none.
  returned: always, but for errors before the snapshot was looked for
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
  description: The same in few words. Null where there is no snapshot.
  returned: always, but for errors before the snapshot was looked for
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
      description: Its namespace.
      type: str
      sample: vms
    vm_name:
      description: The virtual machine that it is of.
      type: str
      sample: db1
    uid:
      description: Its uid. Null in check mode.
      type: str
      sample: 6c04c240-d3e6-43c6-a768-01f1c1a557d5
    phase:
      description:
        - KubeVirt's phase. Null as long as KubeVirt has not begun. V(Succeeded) does not mean ready
          to use.
      type: str
      sample: Succeeded
    ready_to_use:
      description: Whether it can be restored from.
      type: bool
      sample: true
    deleting:
      description: Whether its deletion has been asked for.
      type: bool
      sample: false
    creation_time:
      description:
        - The point in time that it shows, or as long as that is not known, when it was asked for.
          UTC.
      type: str
      sample: "2026-11-23T08:00:03Z"
    age_seconds:
      description: The seconds since then.
      type: int
      sample: 5
    expires_at:
      description: When retention may delete it. Null where that was not set.
      type: str
      sample: null
    deletion_policy:
      description: What becomes of the stored data at deletion. Null where it was not set.
      type: str
      sample: Delete
    failure_deadline:
      description: How long KubeVirt may take. Null where it was not set.
      type: str
      sample: 10m0s
    indications:
      description: KubeVirt's words on how it was taken. Empty for a VM that was off.
      type: list
      elements: str
      sample: [GuestAgent, Online]
    quiesced:
      description: Whether the file systems were at rest. Null while it is taken, or if that failed.
      type: bool
      sample: true
    included_volumes:
      description: The volumes that it holds.
      type: list
      elements: str
      sample: [rootdisk]
    excluded_volumes:
      description: The volumes that it does not hold, because they cannot be snapshotted.
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
      description: KubeVirt's last error. It may pass. Only the phase V(Failed) is final.
      type: str
      sample: null
    content_name:
      description: The name of the VirtualMachineSnapshotContent.
      type: str
      sample: vmsnapshot-content-6c04c240-d3e6-43c6-a768-01f1c1a557d5
    source_uid:
      description: The uid of the virtual machine.
      type: str
      sample: c67acd28-1a2b-4c3d-8e9f-000000000001
    labels:
      description: Its labels.
      type: dict
      sample:
        app.kubernetes.io/managed-by: ansible
        purpose: patch
    annotations:
      description: Its annotations.
      type: dict
      sample:
        spectrocloud.palette/request-id: 0b0c1d2e-3f40-4152-8637-48596a7b8c9d
reason:
  description:
    - Why the task failed, in one word for programs.
    - Among others V(invalid_parameters), V(unauthorized), V(forbidden), V(not_found),
      V(ambiguous_name), V(conflict), V(spec_differs), V(not_snapshottable), V(restore_in_progress),
      V(vm_terminating), V(snapshot_failed), V(snapshot_disappeared), V(snapshot_deleted),
      V(not_quiesced), V(wait_timeout), V(rate_limited), V(rejected), V(server_error),
      V(unavailable), V(unreachable), V(timeout), V(tls_error), V(redirected), V(malformed_response)
      and V(missing_library).
  returned: failure
  type: str
  sample: wait_timeout
problems:
  description: Each problem of the options.
  returned: when RV(reason) is V(invalid_parameters)
  type: list
  elements: str
  sample: ["wait_timeout: 0 must be above 0 s, up to a year; for example: wait_timeout: 600"]
candidates:
  description: What may have been meant by the name of a project or cluster.
  returned: when such a name was not found, or found more than once
  type: list
  elements: str
  sample: [vm-cluster-1]
http_status:
  description: The HTTP status of Palette's error.
  returned: when Palette answered with an error
  type: int
  sample: 403
code:
  description: Palette's own code of the error.
  returned: when Palette gave one
  type: str
  sample: OperationForbidden
message:
  description: Palette's own text of the error.
  returned: when Palette gave one
  type: str
  sample: Operation is not allowed
details:
  description: What Palette added to the error.
  returned: when Palette gave any
  type: raw
  sample: null
ref:
  description: Palette's reference of the error, for its support.
  returned: when Palette gave one
  type: str
  sample: 1c2d3e4f
"""

from ..module_utils._module.base import run_module
from ..module_utils._module.vm_snapshot import MODULE


def main() -> None:
    """Hand over to the core."""
    run_module(MODULE)


if __name__ == "__main__":
    main()

#!/usr/bin/python
# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""List snapshots of virtual machines."""

from __future__ import annotations

DOCUMENTATION = r"""
module: vm_snapshot_info
short_description: List snapshots of virtual machines on Palette
version_added: 1.0.0
description:
  - Lists the snapshots of one cluster, or of all clusters of the project that run virtual machines,
    newest first unless O(sort) says otherwise.
  - A snapshot is listed if it matches all filters, also one of an earlier virtual machine with the
    same name, which none can be restored from. Whether a virtual machine has a usable one is in
    C(newest_snapshot) of M(spectrocloud.palette.vm_info).
author:
  - Contributors to the spectrocloud.palette collection (@spectrocloud)
extends_documentation_fragment:
  - spectrocloud.palette.palette
  - spectrocloud.palette.cluster
  - spectrocloud.palette.selection
  - spectrocloud.palette.selection.snapshots
  - spectrocloud.palette.selection.rows
  - spectrocloud.palette.execution.on_error
  - spectrocloud.palette.attributes
  - spectrocloud.palette.attributes.reads
attributes:
  idempotent:
    description: Only reads.
    support: full
options:
  name:
    description:
      - The name of a snapshot, or a shell pattern such as V(nightly-*).
    type: str
  phase:
    description:
      - The phases to list, any of V(InProgress), V(Succeeded), V(Failed), V(Deleting) and
        V(Unknown). V(Unknown) stands for snapshots that KubeVirt has not started yet.
    type: list
    elements: str
  ready:
    description:
      - With V(true), list snapshots that are ready to use; with V(false), those that are not.
    type: bool
  older_than:
    description:
      - List snapshots that are older than this, such as V(36h), V(7d) or V(2w).
    type: str
  newer_than:
    description:
      - List snapshots that are not older than this, such as V(36h), V(7d) or V(2w).
    type: str
seealso:
  - module: spectrocloud.palette.vm_snapshot
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
- name: List all snapshots of the project
  spectrocloud.palette.vm_snapshot_info:
    project: Default
  register: all_snapshots

- name: Show how many there are
  ansible.builtin.debug:
    msg: "{{ all_snapshots.summary.ready }} of {{ all_snapshots.summary.total }} are ready to use"

- name: Find old snapshots that this collection did not take
  spectrocloud.palette.vm_snapshot_info:
    project: Default
    cluster: vm-cluster-1
    older_than: 30d
    snapshot_selector: app.kubernetes.io/managed-by!=ansible
  register: forgotten

- name: Find the usable snapshots of a VM, newest first
  spectrocloud.palette.vm_snapshot_info:
    project: Default
    cluster: vm-cluster-1
    namespaces: [vms]
    vm_names: [db1]
    ready: true
  register: of_db1

- name: Find the ten oldest snapshots, and only what tells where they are
  spectrocloud.palette.vm_snapshot_info:
    project: Default
    sort: [creation_time]
    limit: 10
    fields: [cluster, namespace, vm_name, name, creation_time]
  register: oldest

- name: Count the snapshots of a set
  spectrocloud.palette.vm_snapshot_info:
    project: Default
    set: nightly
    limit: 0
  register: counted

- name: Show how many there are of how many VMs
  ansible.builtin.debug:
    msg: "{{ counted | spectrocloud.palette.in_words }}"
"""

RETURN = r"""
snapshots:
  description:
    - The snapshots that match, newest first unless O(sort) says otherwise, up to O(limit).
    - Each has the keys of RV(spectrocloud.palette.vm_snapshot#module:status), and C(cluster), which
      is what its cluster is called, also in patterns of O(vm_names) and O(exclude). With O(fields),
      it has only those.
  returned: success
  type: list
  elements: dict
  sample:
    - cluster: vm-cluster-1
      cluster_uid: 66a1f0c2e4b0a1b2c3d4e5f6
      namespace: vms
      vm_name: db1
      name: db1-before-patch
      uid: 6c04c240-d3e6-43c6-a768-01f1c1a557d5
      phase: Succeeded
      ready_to_use: true
      deleting: false
      creation_time: "2026-11-23T08:00:03Z"
      age_seconds: 5
      expires_at: null
      deletion_policy: Delete
      failure_deadline: 10m0s
      indications: [GuestAgent, Online]
      quiesced: true
      included_volumes: [rootdisk]
      excluded_volumes: [cloudinitdisk]
      conditions:
        - type: Ready
          status: "True"
          reason: Ready
      error: null
      set: before-patch
      scheduled_by_palette: false
      content_name: vmsnapshot-content-6c04c240-d3e6-43c6-a768-01f1c1a557d5
      source_uid: c67acd28-1a2b-4c3d-8e9f-000000000001
      labels:
        app.kubernetes.io/managed-by: ansible
      annotations: {}
unmatched:
  description:
    - What was given in the options and matches nothing, with the nearest names that exist.
  returned: success
  type: list
  elements: dict
  sample:
    - option: vm_names
      value: dbl
      nearest: [db1]
summary:
  description: Counts of all snapshots that match, also of those beyond O(limit).
  returned: success
  type: dict
  contains:
    total:
      description: How many match.
      type: int
      sample: 1
    ready:
      description: How many are ready to use.
      type: int
      sample: 1
    in_progress:
      description: How many are in progress.
      type: int
      sample: 0
    not_ready:
      description: How many are taken, but not ready to use, or not yet.
      type: int
      sample: 0
    failed:
      description: How many failed.
      type: int
      sample: 0
    deleting:
      description: How many are being deleted.
      type: int
      sample: 0
    vms:
      description: How many virtual machines they were taken of.
      type: int
      sample: 1
    by_phase:
      description: How many are in each phase.
      type: dict
      sample:
        Succeeded: 1
    oldest:
      description: The C(creation_time) of the oldest. Null if there is none.
      type: str
      sample: "2026-11-23T08:00:03Z"
    newest:
      description: The C(creation_time) of the newest. Null if there is none.
      type: str
      sample: "2026-11-23T08:00:03Z"
clusters:
  description:
    - One entry for each cluster, by its name, or by its uid if the task gives the uid or the name
      is not unique.
    - C(reachable) is false if the cluster could not be read, or stopped answering. C(reason) and
      C(message) say why.
    - C(counts) are the numbers of their snapshots in the result.
  returned: always, except when the task fails before looking up the clusters
  type: dict
  sample:
    vm-cluster-1:
      uid: 0123456789abcdef00000011
      reachable: true
      reason: null
      message: ""
      counts: {snapshots: 4}
    edge-007:
      uid: 0123456789abcdef00000017
      reachable: false
      reason: unavailable
      message: "GET https://palette.example/v1/spectroclusters/.../vms/snapshot: HTTP 503: no text"
      counts: {}
complete:
  description: Whether all clusters were reached. If not, the result lacks what is in the others.
  returned: with RV(clusters)
  type: bool
  sample: false
reason:
  description:
    - Why the task failed, in one word. For the values, see
      RV(spectrocloud.palette.vm_snapshot#module:reason).
    - Errors returned by Palette are in C(http_status), C(code), C(message), C(details) and C(ref),
      and possible matches for a name in C(candidates), as in M(spectrocloud.palette.vm_snapshot).
  returned: failure
  type: str
  sample: not_found
problems:
  description: Every problem with the options.
  returned: when RV(reason) is V(invalid_parameters)
  type: list
  elements: str
  sample: ["newer_than: '-24h' is negative; for example: newer_than: 24h"]
"""

from ..module_utils._module.base import run_module
from ..module_utils._module.vm_snapshot_info import MODULE


def main() -> None:
    """Run the module."""
    run_module(MODULE)


if __name__ == "__main__":
    main()

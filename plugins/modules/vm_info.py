#!/usr/bin/python
# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""List virtual machines."""

from __future__ import annotations

DOCUMENTATION = r"""
module: vm_info
short_description: List virtual machines on Palette
version_added: 1.0.0
description:
  - Lists the virtual machines of one cluster, or of all clusters of the project that run virtual
    machines.
  - Each is shown with what decides about its snapshots, such as its power state, its guest agent
    and which volumes can be snapshotted, and with its newest usable snapshot.
  - A virtual machine is listed if it matches all filters.
author:
  - Contributors to the spectrocloud.palette collection (@spectrocloud)
extends_documentation_fragment:
  - spectrocloud.palette.palette
  - spectrocloud.palette.cluster
  - spectrocloud.palette.selection
  - spectrocloud.palette.selection.rows
  - spectrocloud.palette.execution.on_error
  - spectrocloud.palette.attributes
  - spectrocloud.palette.attributes.reads
attributes:
  idempotent:
    description: Only reads.
    support: full
seealso:
  - module: spectrocloud.palette.vm_snapshot
  - module: spectrocloud.palette.vm_snapshot_set
  - module: spectrocloud.palette.vm_snapshot_info
  - plugin: spectrocloud.palette.vms
    plugin_type: inventory
"""

EXAMPLES = r"""
- name: List all virtual machines of the project
  spectrocloud.palette.vm_info:
    project: Default
  register: fleet

- name: Name those without a usable snapshot from the last 24 hours
  ansible.builtin.debug:
    msg: "{{ item.cluster }}/{{ item.namespace }}/{{ item.vm_name }}"
  loop: "{{ fleet.vms }}"
  loop_control:
    label: "{{ item.vm_name }}"
  when: (item.newest_snapshot.age_seconds | default(86400)) >= 86400

- name: Find VMs that cannot be snapshotted
  ansible.builtin.debug:
    msg: "{{ item.cluster }}/{{ item.namespace }}/{{ item.vm_name }}: {{ item.blocked_msg }}"
  loop: "{{ fleet.vms | selectattr('blocked_by') }}"
  loop_control:
    label: "{{ item.vm_name }}"

- name: List when each VM was made, the newest first
  spectrocloud.palette.vm_info:
    project: Default
    fields: [cluster, namespace, vm_name, creation_time]
    sort: [-creation_time]
  register: newcomers

- name: List the database servers
  spectrocloud.palette.vm_info:
    project: Default
    cluster: vm-cluster-1
    namespaces: [vms]
    selector: app=db
  register: databases

- name: Name those whose file systems cannot be frozen for a snapshot
  ansible.builtin.debug:
    msg: "{{ (no_agent + paused) | map(attribute='vm_name') | join(', ') }}"
  vars:
    no_agent: "{{ databases.vms | selectattr('guest_agent', 'equalto', false) }}"
    paused: "{{ databases.vms | selectattr('paused') }}"

- name: Name volumes with data that a snapshot would not contain
  ansible.builtin.debug:
    msg: "{{ item.0.vm_name }}: {{ item.1.name }}: {{ item.1.reason }}"
  loop: "{{ databases.vms | subelements('volumes') }}"
  loop_control:
    label: "{{ item.0.vm_name }} {{ item.1.name }}"
  when:
    - item.1.holds_data
    - item.1.snapshottable is false
"""

RETURN = r"""
vms:
  description:
    - The virtual machines that match, by cluster, namespace and name unless O(sort) says otherwise,
      up to O(limit). With O(fields), each has only those keys.
  returned: success
  type: list
  elements: dict
  contains:
    cluster:
      description:
        - What the cluster is called, also in patterns of O(vm_names) and O(exclude). This is its
          name, or its uid if the task sets O(cluster_uid) or if several clusters have the name.
      type: str
      sample: vm-cluster-1
    cluster_uid:
      description: The uid of the cluster.
      type: str
      sample: 66a1f0c2e4b0a1b2c3d4e5f6
    namespace:
      description: The Kubernetes namespace.
      type: str
      sample: vms
    vm_name:
      description: The name.
      type: str
      sample: db1
    uid:
      description: The uid. One that is made again under the same name has another.
      type: str
      sample: c67acd28-1a2b-4c3d-8e9f-000000000001
    labels:
      description: The labels.
      type: dict
      sample:
        app: db
    creation_time:
      description: When it was created, in UTC.
      type: str
      sample: "2026-10-24T08:00:00Z"
    deleting:
      description: Whether it is being deleted.
      type: bool
      sample: false
    printable_status:
      description:
        - Its state in KubeVirt's words, such as V(Running), V(Stopped), V(Paused), V(Starting) or
          V(CrashLoopBackOff).
      type: str
      sample: Running
    running:
      description:
        - Whether it is not off. That includes one that is starting, stopping or paused.
      type: bool
      sample: true
    paused:
      description: Whether it is paused. Its file systems cannot be frozen for a snapshot then.
      type: bool
      sample: false
    guest_agent:
      description:
        - Whether its guest agent is connected. Null if it is off, or if Palette does not tell.
      type: bool
      sample: true
    addresses:
      description:
        - The addresses that cloud-init sets in it (C(networkData)). Palette tells no others, so
          those that a guest gets by DHCP are not known.
      type: list
      elements: str
      sample: [192.0.2.11]
    volumes:
      description: Its volumes.
      type: list
      elements: dict
      contains:
        name:
          description: The name of the volume.
          type: str
          sample: rootdisk
        kind:
          description:
            - Where its content comes from, in KubeVirt's words, such as V(dataVolume),
              V(persistentVolumeClaim), V(containerDisk) or V(cloudInitNoCloud). Null if Palette
              does not tell.
          type: str
          sample: dataVolume
        holds_data:
          description:
            - Whether data would be missing without it. V(false) for volumes such as cloud-init and
              container disks, whose content comes from elsewhere.
          type: bool
          sample: true
        snapshottable:
          description: Whether a snapshot contains it. Null if Palette does not tell.
          type: bool
          sample: true
        reason:
          description: Why a snapshot does not contain it. Null if it does.
          type: str
          sample: null
    snapshot_in_progress:
      description: The name of the snapshot that is being taken of it. Null if there is none.
      type: str
      sample: null
    restore_in_progress:
      description: The name of the restore that is in progress. Null if there is none.
      type: str
      sample: null
    blocked_by:
      description:
        - Why M(spectrocloud.palette.vm_snapshot) would refuse to take a snapshot of it now, as its
          RV(spectrocloud.palette.vm_snapshot#module:reason) says it, V(not_snapshottable),
          V(vm_terminating) or V(malformed_response). Null if it would not.
        - With V(malformed_response), Palette's answer about it cannot be read. Then only its name
          is known, and no C(selector) matches it.
        - What only O(spectrocloud.palette.vm_snapshot#module:consistency) or
          O(spectrocloud.palette.vm_snapshot#module:excluded_volumes) refuses does not count, see
          C(paused), C(guest_agent) and C(volumes).
      type: str
      sample: null
    blocked_msg:
      description: The same in a sentence, with the cause of each volume. Null if it would not.
      type: str
      sample: null
    newest_snapshot:
      description:
        - Its newest snapshot that is ready to use, whoever took it. Null if there is none.
        - The snapshots of an earlier virtual machine with the same name do not count.
      type: dict
      contains:
        name:
          description: The name of the snapshot.
          type: str
          sample: db1-nightly
        set:
          description: The set that it is part of. Null if there is none.
          type: str
          sample: nightly
        creation_time:
          description: When it was taken, in UTC.
          type: str
          sample: "2026-11-23T02:00:03Z"
        age_seconds:
          description: Its age in seconds.
          type: int
          sample: 21600
        quiesced:
          description:
            - Whether its file systems are consistent, because the virtual machine was off or its
              guest agent had frozen them. Null if Palette does not tell.
          type: bool
          sample: true
        missing_disks:
          description:
            - The virtual machine's volumes with data that the snapshot does not contain, also those
              that the virtual machine got later. Empty if it has all, or if Palette does not tell.
          type: list
          elements: str
          sample: [logs]
    newest_unusable:
      description:
        - Its newest snapshot, if that cannot be used and is newer than C(newest_snapshot). Null
          otherwise.
      type: dict
      contains:
        name:
          description: The name of the snapshot.
          type: str
          sample: db1-nightly-2
        set:
          description: The set that it is part of. Null if there is none.
          type: str
          sample: nightly
        creation_time:
          description: When it was taken, in UTC.
          type: str
          sample: "2026-11-23T03:00:03Z"
        age_seconds:
          description: Its age in seconds.
          type: int
          sample: 18000
        error:
          description:
            - Why it failed, or the error that it has, in KubeVirt's words. Null if there is none.
          type: str
          sample: snapshot deadline exceeded
        why:
          description:
            - Why it cannot be used, V(failed), V(in_progress), V(not_ready) or V(former_vm).
            - V(not_ready) is one that is taken, but not ready to use, or that is being deleted.
            - V(former_vm) is one of an earlier virtual machine with the same name. It is shown only
              if there is none of this one.
          type: str
          sample: failed
summary:
  description: Counts of all virtual machines that match, also of those beyond O(limit).
  returned: success
  type: dict
  contains:
    total:
      description: How many match.
      type: int
      sample: 1
    running:
      description: How many are not off.
      type: int
      sample: 1
    paused:
      description: How many are paused.
      type: int
      sample: 0
    no_guest_agent:
      description: How many are not off, and have no connected guest agent.
      type: int
      sample: 0
    volumes_excluded:
      description: How many have a volume with data that a snapshot does not contain.
      type: int
      sample: 0
    snapshot_in_progress:
      description: How many have a snapshot in progress.
      type: int
      sample: 0
    restore_in_progress:
      description: How many have a restore in progress.
      type: int
      sample: 0
    blocked:
      description: How many no snapshot can be taken of now, see C(blocked_by).
      type: int
      sample: 0
    without_snapshot:
      description: How many have no snapshot that is ready to use.
      type: int
      sample: 0
    missing_disks:
      description: How many have a C(newest_snapshot) that does not contain all of their disks.
      type: int
      sample: 1
    by_status:
      description: How many have each C(printable_status).
      type: dict
      sample:
        Running: 1
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
clock_skew:
  description:
    - How the clock of the controller and that of Palette or of a cluster differ, if it is by more
      than five minutes. The ages in C(newest_snapshot) are not to be trusted then.
    - Null if they agree.
  returned: success
  type: str
  sample: null
clusters:
  description:
    - One entry for each cluster, by its name, or by its uid if the task gives the uid or the name
      is not unique.
    - C(reachable) is false if the cluster could not be read, or stopped answering. C(reason) and
      C(message) say why.
    - C(counts) are the numbers of their virtual machines in the result.
  returned: always, except when the task fails before looking up the clusters
  type: dict
  sample:
    vm-cluster-1:
      uid: 0123456789abcdef00000011
      reachable: true
      reason: null
      message: ""
      counts: {vms: 4}
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
  sample:
    - >-
      namespaces: must not be empty; leave it out to select all; for example: namespaces: [vms,
      prod]
"""

from ..module_utils._module.base import run_module
from ..module_utils._module.vm_info import MODULE


def main() -> None:
    """Run the module."""
    run_module(MODULE)


if __name__ == "__main__":
    main()

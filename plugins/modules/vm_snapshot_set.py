#!/usr/bin/python
# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Take or delete a set of snapshots, one for each selected virtual machine."""

from __future__ import annotations

DOCUMENTATION = r"""
module: vm_snapshot_set
short_description: Take or delete snapshots of many virtual machines on Palette
version_added: 1.0.0
description:
  - Completes a named set of snapshots, one for each selected virtual machine, and waits until all
    are ready to use. Or deletes the set.
  - The whole set is checked before the first write. Every virtual machine without a snapshot must
    exist and allow a snapshot now, and every name must be free.
  - Snapshots are taken in parallel, as fast as Palette allows, and are polled together.
  - To complete an interrupted run, run the same task again.
author:
  - Contributors to the spectrocloud.palette collection (@spectrocloud)
extends_documentation_fragment:
  - spectrocloud.palette.palette
  - spectrocloud.palette.cluster
  - spectrocloud.palette.selection
  - spectrocloud.palette.selection.listed
  - spectrocloud.palette.snapshot
  - spectrocloud.palette.wait
  - spectrocloud.palette.wait.optional
  - spectrocloud.palette.execution
  - spectrocloud.palette.execution.concurrency
  - spectrocloud.palette.execution.progress
  - spectrocloud.palette.execution.on_blocked
  - spectrocloud.palette.execution.members
  - spectrocloud.palette.execution.max_failed_clusters
  - spectrocloud.palette.execution.max_rows
  - spectrocloud.palette.attributes
  - spectrocloud.palette.attributes.writes
attributes:
  idempotent:
    description:
      - A second run changes nothing. With O(unless_newer_than), this holds while the snapshots are
        young enough.
      - If O(name_template) has a timestamp and O(unless_newer_than) is not set, each run takes new
        snapshots.
    support: partial
options:
  set:
    description:
      - The name of the set. Its snapshots carry it as the label C(app.kubernetes.io/part-of).
    type: str
    required: true
  state:
    description:
      - V(present) takes the missing snapshots.
      - V(absent) deletes the set's snapshots of the selected virtual machines or, if none are
        selected, the whole set. Snapshots without the set's label are left alone, whatever their
        names.
    type: str
    choices: [present, absent]
    default: present
  vms:
    description:
      - The virtual machines, one by one. Each entry is a name, or a mapping of V(vm_name) and any
        of V(namespace), V(cluster), V(cluster_uid) and V(name). V(name) is the name of this
        virtual machine's snapshot, instead of the one from O(name_template).
      - O(namespace), O(cluster) and O(cluster_uid) apply to entries that do not set their own.
        An entry that sets both V(cluster) and V(cluster_uid) is refused if the cluster of that name
        has another uid, such as the one of another project.
      - Cannot be combined with the filters O(selector), O(namespaces), O(vm_names), O(clusters) and
        O(all).
  namespace:
    description:
      - The namespace of the O(vms) entries that do not set their own. Without O(vms) and
        O(namespaces), the only namespace to select from.
    type: str
  name_template:
    description:
      - The template for the snapshots' names. The placeholders are V({vm}), V({set}),
        V({namespace}) and V({timestamp}).
      - With O(unless_newer_than), C(-{timestamp}) is appended to a template without V({timestamp}),
        and to the V(name) of O(vms) entries.
    type: str
    default: "{vm}-{set}"
  replace:
    description:
      - If a member's snapshot has another spec, was taken of an earlier virtual machine with the
        same name, or is not ready and has had its error for more than a day, delete it and take it
        again. Without O(replace), such a member is blocked.
      - A failed snapshot of this very set that has the name is always deleted and taken again. With
        O(replace), so is one that is not part of the set.
      - A usable snapshot is kept even if it does not satisfy O(consistency).
    type: bool
    default: false
  unless_newer_than:
    description:
      - Take no snapshot of a virtual machine that has a snapshot of the set, ready or in progress,
        that is not older than this, such as V(20h). This way a nightly job may run twice.
      - A ready one that does not satisfy O(consistency=filesystem) or O(excluded_volumes=refuse)
        does not count.
      - Such a snapshot is not changed, whatever its labels, policy and expiry.
      - Refused with RV(reason=clock_skew) if the controller's clock and Palette's differ by more
        than five minutes.
    type: str
  group_by:
    description:
      - The name of a label of the virtual machines. Members of a cluster with the same value are
        taken next to each other, and O(max_in_progress) never splits them.
      - Each of their snapshots is crash-consistent on its own. How far apart their points in time
        are is in RV(groups).
    type: str
seealso:
  - module: spectrocloud.palette.vm_snapshot
  - module: spectrocloud.palette.vm_snapshot_info
  - module: spectrocloud.palette.vm_snapshot_retention
  - name: Palette VM snapshots
    description: How to take a snapshot by hand, and what Palette includes in it.
    link: https://docs.spectrocloud.com/vm-management/create-manage-vm/standard-vm-operations/take-snapshot-of-vm/
  - name: KubeVirt snapshots
    description: What KubeVirt does for a snapshot, and how to restore from one.
    link: https://kubevirt.io/user-guide/storage/snapshot_restore_api/
"""

EXAMPLES = r"""
- name: Take snapshots of two VMs before a patch
  spectrocloud.palette.vm_snapshot_set:
    project: Default
    cluster: vm-cluster-1
    namespace: vms
    set: before-patch
    vms:
      - db1
      - vm_name: web1
        name: web1-before-the-big-patch
  register: before_patch

- name: Show the outcome for each VM
  ansible.builtin.debug:
    msg: "{{ item.key }}: {{ item.value.outcome }}"
  loop: "{{ before_patch.members | dict2items }}"

- name: Take a nightly snapshot of each database that has none from the last 20 hours
  spectrocloud.palette.vm_snapshot_set:
    project: Default
    cluster: vm-cluster-1
    set: nightly
    selector: app=db
    unless_newer_than: 20h
    expire_after: 14d

- name: Take snapshots of a whole cluster, skip blocked VMs, and tolerate three failures
  spectrocloud.palette.vm_snapshot_set:
    project: Default
    cluster: vm-cluster-1
    set: weekly
    all: true
    unless_newer_than: 6d
    exclude:
      - scratch-*
    on_error: continue
    max_failed: 3

- name: Take nightly snapshots in all clusters of the project, of which two may be unreachable
  spectrocloud.palette.vm_snapshot_set:
    project: Default
    set: nightly
    all: true
    unless_newer_than: 20h
    on_error: continue
    max_failed_clusters: 2

- name: Take snapshots of the VMs of each application next to each other
  spectrocloud.palette.vm_snapshot_set:
    project: Default
    cluster: vm-cluster-1
    set: before-release
    selector: app
    group_by: app

- name: Stop each VM for its snapshot, a few at a time, and start it again
  spectrocloud.palette.vm_snapshot_set:
    project: Default
    cluster: vm-cluster-1
    set: at-rest
    selector: app=db
    offline: true
    max_in_progress: 5

- name: Delete the set after the patch
  spectrocloud.palette.vm_snapshot_set:
    project: Default
    cluster: vm-cluster-1
    set: before-patch
    state: absent
"""

RETURN = r"""
members:
  description:
    - The result for each selected virtual machine, by C(cluster/namespace/vm). The cluster is named
      as in the task, or by its uid if several selected clusters have the same name.
    - On failure, only those that failed, were blocked or are unknown, unless O(members=all) is set.
    - If there are more than O(max_rows), the result has only those that failed, and at most
      O(max_rows) of them. See RV(left_out).
    - C(outcome) says what was done or, in check mode, would be done. V(created) is a new snapshot,
      V(replaced) a new one in place of one that was deleted for it, V(updated) one whose labels or
      annotations were changed, and V(unchanged) one that was there already.
    - V(fresh) is one that is newer than O(unless_newer_than), so that none was taken. With
      O(state=absent), it is V(deleted), or V(absent) if there was none.
    - V(blocked) is a member of which it was known before anything was written that it cannot be
      done, or whose cluster could not be reached. V(failed) is one that failed afterwards, even if
      it was not begun because its cluster had stopped answering. V(not_tried) is one that was not
      begun, because others are blocked. V(unknown) is one of which it is not known whether
      something was written. Run the task again.
    - C(name) is the snapshot's name, C(changed) says whether it was changed, C(cluster_uid) is the
      uid of its cluster, and C(status) has the keys of
      RV(spectrocloud.palette.vm_snapshot#module:status).
    - C(reason) and C(msg) say why the member failed, with the reasons of
      RV(spectrocloud.palette.vm_snapshot#module:reason), V(invalid_name), V(clock_skew) and
      V(storage_too_slow). If Palette returned an error, it is in C(http_status), C(code),
      C(message), C(details) and C(ref).
    - With O(offline), C(vm_stopped) and C(vm_started) say whether the virtual machine was stopped
      for its snapshot, and whether it was started and runs again or, in check mode, would be. If
      it was stopped and not started, it may be off.
    - If several snapshots of one virtual machine are deleted, C(name) and C(status) are those of
      the first, and C(msg) names them all.
  returned: always, except when the task fails before looking up the virtual machines
  type: dict
  sample:
    vm-cluster-1/vms/db1:
      outcome: created
      changed: true
      cluster_uid: 0123456789abcdef00000011
      name: db1-before-patch
      reason: null
      msg: ""
      status:
        name: db1-before-patch
        namespace: vms
        vm_name: db1
        phase: Succeeded
        ready_to_use: true
    vm-cluster-1/vms/web1:
      outcome: failed
      changed: true
      name: web1-before-the-big-patch
      reason: snapshot_failed
      msg: "the snapshot failed: snapshot deadline exceeded"
      status:
        name: web1-before-the-big-patch
        namespace: vms
        vm_name: web1
        phase: Failed
        ready_to_use: false
left_out:
  description:
    - The members beyond O(max_rows), by what they have in common. Those that failed are left out
      last. O(spectrocloud.palette.vm_snapshot_retention#module:after) and the filter
      P(spectrocloud.palette.vm_snapshots#filter) read them from here.
  returned: with RV(members), if O(max_rows) is set
  type: list
  elements: dict
  sample:
    - cluster: vm-cluster-1
      cluster_uid: 0123456789abcdef00000011
      namespace: vms
      outcome: created
      changed: true
      reason: null
      set: before-patch
      ready_to_use: true
      vm_names: [db1, db2]
set:
  description: The name of the set.
  returned: with RV(members)
  type: str
  sample: before-patch
check_mode:
  description: Whether this is a prediction, and nothing was written.
  returned: with RV(members)
  type: bool
  sample: false
summary:
  description:
    - The number of members (C(total)), and of those with each outcome, even if it is V(0).
    - C(skew_seconds) is how far apart the points in time of the usable snapshots are, null if there
      are fewer than two, and in check mode.
  returned: always, except when the task fails before looking up the virtual machines
  type: dict
  sample:
    total: 2
    created: 1
    replaced: 0
    updated: 0
    unchanged: 0
    fresh: 0
    deleted: 0
    absent: 0
    not_tried: 0
    failed: 1
    blocked: 0
    unknown: 0
    skew_seconds: null
groups:
  description:
    - For each value of the label O(group_by), the number of its C(members) and how far apart the
      points in time of their usable snapshots are (C(skew_seconds)).
  returned: with O(group_by)
  type: dict
  sample:
    shop: {members: 3, skew_seconds: 1}
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
    - C(counts) are the numbers of their members by outcome.
  returned: always, except when the task fails before looking up the clusters
  type: dict
  sample:
    vm-cluster-1:
      uid: 0123456789abcdef00000011
      reachable: true
      reason: null
      message: ""
      counts: {created: 1, failed: 1}
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
    - Why the task failed, in one word. V(nothing_selected) if the filters match no virtual machine,
      a name in them does not, O(vms) is empty, or O(exclude) leaves none of them,
      V(clock_skew) if ages cannot be told,
      V(preflight_failed) if nothing was written because members are blocked, V(vms_failed) if
      more members failed than O(max_failed) allows, or more clusters than O(max_failed_clusters).
    - For other values, see RV(spectrocloud.palette.vm_snapshot#module:reason).
    - Errors returned by Palette are in C(http_status), C(code), C(message), C(details) and C(ref),
      and possible matches for a name in C(candidates), as in M(spectrocloud.palette.vm_snapshot).
  returned: failure
  type: str
  sample: vms_failed
problems:
  description: Every problem with the options.
  returned: when RV(reason) is V(invalid_parameters)
  type: list
  elements: str
  sample: ["unless_newer_than: '-20h' is negative; for example: unless_newer_than: 7d"]
"""

from ..module_utils._module.base import run_module
from ..module_utils._module.vm_snapshot_set import MODULE


def main() -> None:
    """Run the module."""
    run_module(MODULE)


if __name__ == "__main__":
    main()

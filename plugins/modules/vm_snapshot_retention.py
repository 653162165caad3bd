#!/usr/bin/python
# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Delete snapshots that this collection took and that are no longer needed."""

from __future__ import annotations

DOCUMENTATION = r"""
module: vm_snapshot_retention
short_description: Delete old snapshots of virtual machines on Palette
version_added: 1.0.0
description:
  - Deletes snapshots that this collection took, and reports for every snapshot why it is kept or
    deleted.
  - Each virtual machine and each set is counted separately. A set's snapshots never take the place
    of another's.
  - Deletes only what this collection took itself, which has the label
    C(app.kubernetes.io/managed-by=ansible) and the annotation C(spectrocloud.palette/request-id).
    Snapshots of Palette's own scheduler are never deleted, nor is one that cannot be read, which a
    warning names.
  - Snapshots in progress are kept, and so are those that are taken but not ready to use, unless
    KubeVirt says that they have had their error for more than a day. Even then they are kept while
    the virtual machine and set has no usable one, unless O(keep_last=0) is set. Delete one that
    never becomes ready with M(spectrocloud.palette.vm_snapshot).
  - The newest usable one of each virtual machine and set is kept, unless O(keep_last=0) is set.
  - Failed snapshots are deleted first, whatever the rules are. One of a virtual machine that was
    stopped for it, see O(spectrocloud.palette.vm_snapshot#module:offline), is kept while that is
    off, or cannot be read, as only the snapshot tells that it has to be started. A warning names
    the virtual machine.
  - A snapshot with an expiry, see O(spectrocloud.palette.vm_snapshot#module:expire_after), is kept
    until then and deleted afterwards, whatever the rules are, unless it is the newest usable one.
  - Other snapshots are kept if one of the rules O(keep_last), O(keep_hourly), O(keep_daily),
    O(keep_weekly), O(keep_monthly), O(keep_yearly) and O(keep_within) keeps them, and deleted
    otherwise. If no rule is set, all of them are kept, and only
    failed and expired ones are deleted.
  - Virtual machines are processed in parallel, and the snapshots of each one by one. The task waits
    until the deleted snapshots are gone.
author:
  - Contributors to the spectrocloud.palette collection (@spectrocloud)
extends_documentation_fragment:
  - spectrocloud.palette.palette
  - spectrocloud.palette.cluster
  - spectrocloud.palette.selection
  - spectrocloud.palette.selection.snapshots
  - spectrocloud.palette.wait
  - spectrocloud.palette.execution.concurrency
  - spectrocloud.palette.execution.progress
  - spectrocloud.palette.execution.on_error
  - spectrocloud.palette.execution.max_failed_clusters
  - spectrocloud.palette.execution.max_rows
  - spectrocloud.palette.attributes
  - spectrocloud.palette.attributes.writes
attributes:
  idempotent:
    description: A second run deletes nothing except snapshots that have since become too old.
    support: full
options:
  keep_last:
    description:
      - Keep this many of the newest usable snapshots.
      - V(0) also removes the protection of the newest one.
    type: int
  keep_hourly:
    description:
      - Keep the newest usable snapshot of each of the last N hours (UTC) that have one.
      - V(0) turns the rule off, as it does for the longer periods.
    type: int
  keep_daily:
    description:
      - Keep the newest usable snapshot of each of the last N days (UTC) that have one.
    type: int
  keep_weekly:
    description:
      - Keep the newest usable snapshot of each of the last N ISO weeks (UTC) that have one.
    type: int
  keep_monthly:
    description:
      - Keep the newest usable snapshot of each of the last N months (UTC) that have one.
    type: int
  keep_yearly:
    description:
      - Keep the newest usable snapshot of each of the last N years (UTC) that have one.
    type: int
  keep_within:
    description:
      - Keep all usable snapshots that are not older than this, such as V(36h), V(7d) or V(2w).
      - The units of all ages are V(s), V(m) (minutes), V(h), V(d) and V(w). There is no unit for
        months.
    type: str
  delete_older_than:
    description:
      - Delete snapshots that are older than this, even if a rule keeps them. The newest usable one
        of each virtual machine and set stays, and so do those with an expiry that is still to come.
    type: str
  after:
    description:
      - The registered result of a M(spectrocloud.palette.vm_snapshot_set) task, which needs
        O(spectrocloud.palette.vm_snapshot_set#module:members=all) if it may fail.
      - Only virtual machines that have a usable snapshot by that task lose any. In check mode, the
        snapshots that it predicts count as the newest ones.
      - O(set) must be the set of that task, or be left out.
    type: dict
  max_in_progress:
    description:
      - How many snapshots of one cluster may be deleted at the same time. The others wait for their
        turn.
      - With V(auto), the task begins with few, measures how many the storage finishes per second,
        and lets in so many that each should be done within two and a half minutes.
    type: str
    default: auto
  wait_timeout:
    description:
      - The seconds to wait until each deleted snapshot is gone.
      - A failed poll is retried until the timeout. Only a rejected API key, missing permissions or
        a TLS error fail at once.
    type: float
    default: 600
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
    project: Default
    cluster: vm-cluster-1
    set: nightly
    keep_last: 7

- name: Keep snapshots of the last 30 days, and the last three of each VM however old
  spectrocloud.palette.vm_snapshot_retention:
    project: Default
    cluster: vm-cluster-1
    keep_within: 30d
    keep_last: 3
  register: retention

- name: Show what was deleted, and why
  ansible.builtin.debug:
    msg: "{{ item.name }}: {{ item.why }}"
  loop: "{{ retention.snapshots | selectattr('decision', 'equalto', 'delete') }}"
  loop_control:
    label: "{{ item.name }}"

- name: Keep seven daily, four weekly and twelve monthly snapshots of each VM
  spectrocloud.palette.vm_snapshot_retention:
    project: Default
    cluster: vm-cluster-1
    set: nightly
    keep_daily: 7
    keep_weekly: 4
    keep_monthly: 12

- name: Delete expired and failed snapshots in all clusters of the project
  spectrocloud.palette.vm_snapshot_retention:
    project: Default
"""

RETURN = r"""
snapshots:
  description:
    - Every snapshot considered, by virtual machine, in the order of deletion. Also returned on
      failure.
    - If there are more than O(max_rows), those that could not be deleted come first, then the
      deleted, and the others are left out.
    - Each has the keys of RV(spectrocloud.palette.vm_snapshot#module:status), with the values from
      before the deletion, C(cluster), and those below. Of a failed one, C(deleting) is true if the
      deletion was accepted and only its end was not seen.
    - C(decision) is V(keep) or V(delete).
    - C(kept_by) lists the rules that keep it.
    - C(why) of a kept snapshot is one of V(not_ours), V(scheduled_by_palette), V(being_deleted),
      V(in_progress), V(not_ready), V(newest_usable), V(kept), V(not_expired), V(expiry_unreadable),
      V(no_rule), V(no_new_snapshot) (see O(after)), V(vm_left_off) and V(vm_unreadable). C(why) of
      a deleted snapshot is one of V(failed), V(expired), V(too_old) (see O(delete_older_than)) and
      V(no_longer_kept).
    - C(outcome) is V(kept), V(deleted), V(failed) if it could not be deleted, V(not_tried) if it
      should have been deleted after one that could not be, or V(unknown) if it is not known whether
      it was deleted. Run the task again.
    - C(reason) and C(msg) say why a snapshot could not be deleted. If Palette returned an error, it
      is in C(http_status), C(code), C(message), C(details) and C(ref).
  returned: always, except when the task fails before looking up the snapshots
  type: list
  elements: dict
  sample:
    - cluster: vm-cluster-1
      name: db1-nightly-20261109-220000
      namespace: vms
      vm_name: db1
      phase: Succeeded
      ready_to_use: true
      creation_time: "2026-11-09T22:00:04Z"
      decision: delete
      why: no_longer_kept
      kept_by: []
      outcome: deleted
      reason: null
      msg: ""
check_mode:
  description: Whether this is a prediction, and nothing was written.
  returned: with RV(snapshots)
  type: bool
  sample: false
summary:
  description:
    - How many snapshots were considered (C(seen)), how many had each outcome, and how many had each
      C(why) (C(by_why)). C(by_rule) is how many each rule keeps, of those whose C(why) is V(kept).
      C(sets) is from how many sets some were deleted.
    - C(to_come) is how many snapshots the task of O(after) would have taken before, in check mode.
      They would be kept. V(0) otherwise.
  returned: always, except when the task fails before looking up the snapshots
  type: dict
  sample:
    seen: 8
    kept: 7
    deleted: 1
    failed: 0
    not_tried: 0
    unknown: 0
    sets: 1
    to_come: 0
    by_why:
      kept: 6
      newest_usable: 1
      no_longer_kept: 1
    by_rule:
      keep_last: 6
      keep_within: 2
rules:
  description:
    - The rules of the task. If there are none, only failed and expired snapshots are deleted.
  returned: with RV(snapshots)
  type: dict
  sample:
    keep_last: 7
    keep_within: 30d
unmatched:
  description:
    - What was given in the options and matches nothing, with the nearest names that exist.
  returned: always, except when the task fails before looking up the snapshots
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
    - C(counts) are the numbers of their snapshots by outcome.
  returned: always, except when the task fails before looking up the clusters
  type: dict
  sample:
    vm-cluster-1:
      uid: 0123456789abcdef00000011
      reachable: true
      reason: null
      message: ""
      counts: {kept: 7, deleted: 1}
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
    - Why the task failed, in one word. V(vms_failed) if snapshots could not be deleted or more
      clusters could not be reached than O(max_failed_clusters) allows,
      V(clock_skew) if the controller's clock and Palette's differ by more than five minutes and
      snapshots would be deleted by age.
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
  sample: ["keep_last: must be 0 or more; for example: keep_last: 7"]
"""

from ..module_utils._module.base import run_module
from ..module_utils._module.vm_snapshot_retention import MODULE


def main() -> None:
    """Run the module."""
    run_module(MODULE)


if __name__ == "__main__":
    main()

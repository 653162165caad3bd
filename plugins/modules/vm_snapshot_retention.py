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
  - Deletes snapshots that this collection took, virtual machine by virtual machine, and says of
    every snapshot that it saw why it is kept or deleted.
  - Only snapshots with the label C(app.kubernetes.io/managed-by=ansible) are ever deleted, which
    this collection gives to those that it takes.
  - Snapshots that are still being taken are kept. So is the newest of a virtual machine that can be
    used, unless O(keep_last=0) gives it up.
  - Of the rest, a snapshot that failed is deleted, and first of all.
  - One with an expiry, see O(spectrocloud.palette.vm_snapshot#module:expire_after), is kept until
    then and deleted after, whatever O(keep_last) and O(max_age) say.
  - Of all others, those are kept that O(keep_last) or O(max_age) keeps. Without both, they are all
    kept.
  - Virtual machines are worked on in parallel, each one's snapshots one after the other, and the
    task waits until they are gone.
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
    description: A second run deletes nothing, but for what has grown too old meanwhile.
    support: full
options:
  set:
    description:
      - Look only at the snapshots of this set, see M(spectrocloud.palette.vm_snapshot_set).
    type: str
  selector:
    description:
      - Look only at snapshots whose labels match this Kubernetes label selector, such as
        V(purpose=patch).
    type: str
  keep_last:
    description:
      - Keep this many of the newest usable snapshots of each virtual machine.
      - V(0) also gives up the protection of the newest one.
    type: int
  max_age:
    description:
      - Keep what is not older than this, such as V(36h), V(7d) or V(2w).
    type: str
seealso:
  - module: spectrocloud.palette.vm_snapshot_set
  - module: spectrocloud.palette.vm_snapshot_info
"""

EXAMPLES = r"""
- name: Keep the last seven nightly snapshots of each VM
  spectrocloud.palette.vm_snapshot_retention:
    cluster: vm-cluster-1
    set: nightly
    keep_last: 7

- name: Keep what is younger than 30 days, and the last three of each VM however old
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

- name: Delete what has expired or failed, in all clusters of the project
  spectrocloud.palette.vm_snapshot_retention:
    project: Default
"""

RETURN = r"""
snapshots:
  description:
    - Every snapshot that was looked at, in the order of deletion. Given on failure, too.
    - Each has the keys of RV(spectrocloud.palette.vm_snapshot#module:status), as it was before, and
      those below.
    - C(decision) is V(keep) or V(delete).
    - C(why) is, of what is kept, one of V(not_ours), V(being_deleted), V(in_progress),
      V(newest_ready), V(not_expired), V(expiry_unreadable), V(keep_last), V(young_enough) and
      V(no_rule). Of what is deleted, it is one of V(failed), V(expired), V(beyond_keep_last) and
      V(too_old).
    - C(outcome) is one of V(kept), V(deleted), V(failed) and V(not_tried).
    - C(reason) and C(msg) say why it could not be deleted, with Palette's own C(http_status),
      C(code), C(message), C(details) and C(ref) where it answered with an error.
  returned: always, but for errors before the snapshots were looked for
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
    - How many snapshots were seen, kept, deleted, not deleted because of a failure, and for which
      reasons.
  returned: always, but for errors before the snapshots were looked for
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
    - Why the task failed, in one word for programs. V(members_failed) if snapshots could not be
      deleted.
    - Otherwise as for M(spectrocloud.palette.vm_snapshot).
    - Palette's part in it is told by C(http_status), C(code), C(message), C(details), C(ref) and
      C(candidates), as M(spectrocloud.palette.vm_snapshot) documents them.
  returned: failure
  type: str
  sample: members_failed
problems:
  description: Each problem of the options.
  returned: when RV(reason) is V(invalid_parameters)
  type: list
  elements: str
  sample: ["keep_last: must be 0 or more; for example: keep_last: 7"]
"""

from ..module_utils._module.base import run_module
from ..module_utils._module.vm_snapshot_retention import MODULE


def main() -> None:
    """Hand over to the core."""
    run_module(MODULE)


if __name__ == "__main__":
    main()

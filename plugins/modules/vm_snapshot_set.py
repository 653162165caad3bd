#!/usr/bin/python
# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Take or delete a set of snapshots, one for each selected virtual machine."""

from __future__ import annotations

DOCUMENTATION = r"""
module: vm_snapshot_set
short_description: Take or delete snapshots of many virtual machines on Palette
version_added: 0.1.0
description:
  - Completes a named set of snapshots, one for each selected virtual machine, and waits until all
    can be used. Or deletes the set.
  - The whole set is checked before the first write. Every virtual machine without a snapshot has to
    exist and to be fit for one, and every name has to be free.
  - Snapshots are taken in parallel, as fast as Palette allows, and are watched together.
  - A run that was interrupted is completed by running the same task again.
author:
  - Contributors to the spectrocloud.palette collection (@spectrocloud)
extends_documentation_fragment:
  - spectrocloud.palette.palette
  - spectrocloud.palette.cluster
  - spectrocloud.palette.fleet
  - spectrocloud.palette.snapshot
  - spectrocloud.palette.wait
  - spectrocloud.palette.wait.optional
  - spectrocloud.palette.attributes
  - spectrocloud.palette.attributes.writes
attributes:
  idempotent:
    description:
      - A second run changes nothing. With O(max_age), that is so for as long as the snapshots are
        young enough.
      - A O(name_template) with a timestamp and without O(max_age) takes new snapshots on each run.
    support: partial
options:
  name:
    description:
      - The name of the set. Its snapshots carry it as the label C(app.kubernetes.io/part-of).
    type: str
    required: true
  state:
    description:
      - V(present) takes the snapshots that are missing.
      - V(absent) deletes the set's snapshots of the selected virtual machines or, where none are
        selected, of all. Snapshots that do not carry the set's label are left alone, whatever their
        names.
    type: str
    choices: [present, absent]
    default: present
  vms:
    description:
      - The virtual machines, one by one. Each is a name, or a mapping of V(vm_name) and any of
        V(namespace), V(cluster) or V(cluster_uid), and V(name) to give this one's snapshot a name
        of its own.
      - What an entry does not say is taken from O(namespace), O(cluster) and O(cluster_uid).
      - Cannot be combined with the filters O(selector), O(namespaces), O(vm_names), O(clusters) and
        O(all).
    type: list
    elements: raw
  namespace:
    description:
      - The namespace of those O(vms) that do not say their own. Without O(vms) and O(namespaces),
        the one namespace to select from.
    type: str
  selector:
    description:
      - A Kubernetes label selector that the virtual machines' labels must match, such as
        V(app=db,tier notin (test,dev\)).
    type: str
  all:
    description:
      - Select all virtual machines. Needed only where no other filter is given, so that nobody does
        so by mistake.
    type: bool
    default: false
  name_template:
    description:
      - How the snapshots are named. V({vm}), V({set}), V({namespace}) and V({timestamp}) stand for
        what they say.
      - With O(max_age), C(-{timestamp}) is appended unless V({timestamp}) is part of the template,
        and also to the O(vms) entries' own names.
    type: str
    default: "{vm}-{set}"
  replace:
    description:
      - When a member failed, or has another spec, delete it and take it anew. Without it, that
        blocks the set.
      - One that can be used is not deleted because it is not what O(consistency) asks for.
    type: bool
    default: false
  max_age:
    description:
      - Keep a virtual machine's newest snapshot of the set if it is younger than this, such as
        V(20h). Otherwise take a new one. So a nightly job may run twice.
      - What is kept stays as it is, whatever its labels, policy and expiry.
    type: str
  on_error:
    description:
      - What to do when the check before the first write finds members that are blocked.
      - With V(abort), nothing is written. With V(continue), the others go on.
    type: str
    choices: [abort, continue]
    default: abort
  max_failed:
    description:
      - How many members may fail, or be blocked with O(on_error=continue), before the task fails.
      - One whose snapshot is not what O(consistency) asks for has failed, and does not block.
    type: int
    default: 0
seealso:
  - module: spectrocloud.palette.vm_snapshot
  - module: spectrocloud.palette.vm_snapshot_info
  - module: spectrocloud.palette.vm_snapshot_retention
"""

EXAMPLES = r"""
- name: Take snapshots of two VMs before a patch
  spectrocloud.palette.vm_snapshot_set:
    cluster: vm-cluster-1
    namespace: vms
    name: before-patch
    vms:
      - db1
      - vm_name: web1
        name: web1-before-the-big-patch
  register: before_patch

- name: Show what became of each
  ansible.builtin.debug:
    msg: "{{ item.key }}: {{ item.value.outcome }}"
  loop: "{{ before_patch.members | dict2items }}"

- name: Take the nightly snapshots of all databases, unless there is one of the last 20 hours
  spectrocloud.palette.vm_snapshot_set:
    cluster: vm-cluster-1
    name: nightly
    selector: app=db
    max_age: 20h
    expire_after: 14d

- name: Take snapshots of a whole cluster, go on where a VM is not fit, and tolerate three failures
  spectrocloud.palette.vm_snapshot_set:
    cluster: vm-cluster-1
    name: weekly
    all: true
    exclude:
      - scratch-*
    on_error: continue
    max_failed: 3

- name: Delete the set after the patch
  spectrocloud.palette.vm_snapshot_set:
    cluster: vm-cluster-1
    name: before-patch
    state: absent
"""

RETURN = r"""
members:
  description:
    - What became of each selected virtual machine, by C(cluster/namespace/vm). The cluster is named
      as the task names it, or by its uid where several of the selected have the same name. Given on
      failure, too.
    - C(outcome) is one of V(created), V(replaced), V(updated), V(unchanged), V(fresh), V(deleted),
      V(absent), V(failed), V(blocked) and V(not_tried).
    - C(name) is its snapshot's name, C(changed) whether it was changed, and C(status) has the keys
      of RV(spectrocloud.palette.vm_snapshot#module:status).
    - C(reason) and C(msg) say why it failed, with reasons as in
      RV(spectrocloud.palette.vm_snapshot#module:reason), and Palette's own C(http_status),
      C(code), C(message), C(details) and C(ref) where it answered with an error.
    - Where several snapshots of one virtual machine are deleted, C(name) and C(status) are the
      first one's, and C(msg) names all.
  returned: always, but for errors before the virtual machines were looked for
  type: dict
  sample:
    vm-cluster-1/vms/db1:
      outcome: created
      changed: true
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
summary:
  description:
    - How many members there are (C(total)), how many failed or were blocked (C(failed)), and how
      many had each of the other outcomes, V(0) among them.
  returned: always, but for errors before the virtual machines were looked for
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
reason:
  description:
    - Why the task failed, in one word for programs. V(nothing_selected) if the filters match no
      virtual machine, V(preflight_failed) if nothing was written
      because members were blocked, V(members_failed) if more members failed than O(max_failed)
      allows.
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
  sample: ["max_age: '1y' has the unknown unit 'y'; for example: max_age: 7d"]
"""

from ..module_utils._module.base import run_module
from ..module_utils._module.vm_snapshot_set import MODULE


def main() -> None:
    """Hand over to the core."""
    run_module(MODULE)


if __name__ == "__main__":
    main()

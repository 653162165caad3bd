#!/usr/bin/python
# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Start, stop, pause, resume or restart virtual machines."""

from __future__ import annotations

DOCUMENTATION = r"""
module: vm_power
short_description: Start, stop, pause, resume or restart virtual machines on Palette
version_added: 1.0.0
description:
  - Brings one virtual machine or many to a power state, and waits until they have reached it.
  - The whole selection is checked before the first call.
  - While a snapshot or a restore has a virtual machine, KubeVirt refuses to start, stop and resume
    it. The task waits until that ends, and tries again.
  - If an answer is lost, the virtual machine itself tells whether the call was carried out.
  - To complete an interrupted run, run the same task again.
author:
  - Contributors to the spectrocloud.palette collection (@spectrocloud)
extends_documentation_fragment:
  - spectrocloud.palette.palette
  - spectrocloud.palette.cluster
  - spectrocloud.palette.selection
  - spectrocloud.palette.selection.listed
  - spectrocloud.palette.wait
  - spectrocloud.palette.wait.optional
  - spectrocloud.palette.execution.concurrency
  - spectrocloud.palette.execution.progress
  - spectrocloud.palette.execution.on_blocked
  - spectrocloud.palette.execution.max_failed_clusters
  - spectrocloud.palette.execution.max_rows
  - spectrocloud.palette.attributes
  - spectrocloud.palette.attributes.writes
attributes:
  diff_mode:
    description: Shows the power state of each virtual machine before and after.
    support: full
  idempotent:
    description:
      - A second run changes nothing, except with O(state=restarted), which restarts each time.
    support: partial
options:
  state:
    description:
      - V(started) starts what is off and resumes what is paused, until Palette shows C(Running) and
        ready. Whether the guest has booted is not known to Palette. What shows C(Migrating) runs
        too.
      - V(stopped) asks the guest to shut down, until Palette shows C(Stopped) and no instance is
        left. After the termination grace period of the virtual machine, KubeVirt turns it off.
      - What has shut itself down is off, though KubeVirt may keep its ended instance. So is what is
        C(Halted), though its disks are still imported. What KubeVirt will start later is not off,
        though it shows C(Stopped), as where a quota forbids its instance. It is stopped too.
      - V(paused) freezes what runs, until Palette shows it as paused. Its memory is kept.
      - V(resumed) lets what is paused go on, until Palette shows C(Running).
      - V(restarted) starts what is off, waits for what is starting or restarting already, and
        restarts all else. A restart counts as done when the virtual machine was seen to stop, or
        its C(Ready) condition changed, and it is C(Running) and ready again.
      - What is off can be neither paused nor resumed. It is V(blocked).
    type: str
    choices: [started, stopped, paused, resumed, restarted]
    required: true
  vm_name:
    description:
      - The name of one virtual machine, in O(namespace). The same as O(vms) with one entry.
      - Mutually exclusive with O(vms).
    type: str
  namespace:
    description:
      - The namespace of O(vm_name), and of the O(vms) entries that do not set their own. With a
        filter but without O(namespaces), the only namespace to select from.
      - It is not a filter. For all virtual machines of a namespace, set O(namespaces).
    type: str
  wait:
    description:
      - Whether to wait until the virtual machines are as wanted. With V(false), the task ends as
        soon as Palette has accepted all calls, for which it may have to wait until a snapshot or a
        restore ends.
  wait_timeout:
    description:
      - The seconds to wait until Palette accepts the call for a virtual machine, and then until the
        virtual machine is as wanted. Set it higher than the termination grace period.
      - A failed poll is retried until the timeout. Only a rejected API key, missing permissions or
        a TLS error fail at once.
seealso:
  - module: spectrocloud.palette.vm_info
  - module: spectrocloud.palette.vm_snapshot_set
  - name: KubeVirt run strategies
    description: What KubeVirt does when an instance ends, and which calls it allows.
    link: https://kubevirt.io/user-guide/compute/run_strategies/
"""

EXAMPLES = r"""
- name: Stop a VM
  spectrocloud.palette.vm_power:
    project: Default
    cluster: vm-cluster-1
    namespace: vms
    vm_name: db1
    state: stopped

- name: Start it again, and give it half an hour
  spectrocloud.palette.vm_power:
    project: Default
    cluster: vm-cluster-1
    namespace: vms
    vm_name: db1
    state: started
    wait_timeout: 1800

- name: Restart all web servers of a cluster
  spectrocloud.palette.vm_power:
    project: Default
    cluster: vm-cluster-1
    selector: app=web
    state: restarted
  register: restarted

- name: Show what became of each VM
  ansible.builtin.debug:
    msg: "{{ item.vm_name }}: {{ item.outcome }}, was {{ item.before }}, is {{ item.after }}"
  loop: "{{ restarted.vms }}"
  loop_control:
    label: "{{ item.vm_name }}"

- name: Stop what may be stopped in all clusters of the project, of which two may be unreachable
  spectrocloud.palette.vm_power:
    project: Default
    state: stopped
    all: true
    exclude:
      - db*
    on_error: continue
    max_failed_clusters: 2
"""

RETURN = r"""
vms:
  description:
    - A row for each selected virtual machine, by cluster, namespace and name.
    - If there are more than O(max_rows), the result has only those that failed, and at most
      O(max_rows) of them. See RV(left_out).
    - C(before) and C(after) are its states in KubeVirt's words, as Palette showed them before the
      first call and last, null if it was not seen. In check mode, C(after) is the prediction.
    - C(outcome) is what was done, V(started), V(stopped), V(paused), V(resumed) or V(restarted); or
      V(unchanged) if it was so already or became so by itself, V(failed), V(blocked) if it was
      known beforehand that it cannot be done, V(not_tried) if the task did nothing because others
      are blocked, or V(unknown) if it is not known whether the call was carried out.
    - C(reason) and C(msg) say why it failed. C(reason) is V(not_found), V(vm_terminating),
      V(not_running), V(run_strategy) if KubeVirt does not allow the call for its run strategy,
      V(wait_timeout), V(vm_disappeared), V(cluster_unreachable), or the reason of an error that
      Palette returned, which is in C(http_status), C(code), C(message), C(details) and C(ref).
  returned: always, except when the task fails before looking up the virtual machines
  type: list
  elements: dict
  sample:
    - cluster: vm-cluster-1
      cluster_uid: 0123456789abcdef00000011
      namespace: vms
      vm_name: db1
      before: Running
      after: Stopped
      outcome: stopped
      changed: true
      reason: null
      msg: ""
left_out:
  description:
    - The virtual machines beyond O(max_rows), by what they have in common. Those that failed are
      left out last. The filter P(spectrocloud.palette.vm_snapshots#filter) reads them from here.
  returned: with RV(vms), if O(max_rows) is set
  type: list
  elements: dict
  sample:
    - cluster: vm-cluster-1
      cluster_uid: 0123456789abcdef00000011
      namespace: vms
      outcome: stopped
      changed: true
      reason: null
      before: Running
      after: Stopped
      vm_names: [db1, db2]
check_mode:
  description: Whether this is a prediction, and nothing was written.
  returned: with RV(vms)
  type: bool
  sample: false
summary:
  description:
    - The number of virtual machines (C(total)), and of those with each outcome, even if it is V(0).
  returned: with RV(vms)
  type: dict
  sample:
    total: 1
    started: 0
    stopped: 1
    paused: 0
    resumed: 0
    restarted: 0
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
      counts: {stopped: 1}
complete:
  description: Whether all clusters were reached. If not, the result lacks what is in the others.
  returned: with RV(clusters)
  type: bool
  sample: true
reason:
  description:
    - Why the task failed, in one word. V(nothing_selected) if the filters match no virtual machine,
      a name in them does not, O(vms) is empty, or O(exclude) leaves none of them,
      V(preflight_failed) if nothing was done because virtual machines are blocked, V(vms_failed) if
      any failed, or more clusters than O(max_failed_clusters).
    - For other values, see RV(spectrocloud.palette.vm_snapshot#module:reason).
  returned: failure
  type: str
  sample: vms_failed
problems:
  description: Every problem with the options.
  returned: when RV(reason) is V(invalid_parameters)
  type: list
  elements: str
  sample: ["wait_timeout: must be above 0 and at most 31536000; for example: wait_timeout: 600"]
"""

from ..module_utils._module.base import run_module
from ..module_utils._module.vm_power import MODULE


def main() -> None:
    """Run the module."""
    run_module(MODULE)


if __name__ == "__main__":
    main()

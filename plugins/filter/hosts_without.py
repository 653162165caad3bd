# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter that finds the hosts whose VMs have not got their snapshots."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

DOCUMENTATION = r"""
name: hosts_without
short_description: Find the hosts whose VMs have not got their snapshots
version_added: 0.1.0
author:
  - Contributors to the spectrocloud.palette collection (@spectrocloud)
description:
  - Compares the hosts of a play with the rows of a set of snapshots. A host is without if the
    snapshot of its virtual machine failed, was blocked or not tried, or if there is no row of it.
  - The playbook C(spectrocloud.palette.snapshot_hosts) uses it.
positional: vms, rows, cause
options:
  _input:
    description: The names of the hosts, such as C(ansible_play_batch).
    type: list
    elements: str
    required: true
  vms:
    description: C(vms) of the filter P(spectrocloud.palette.vms_of_hosts#filter).
    type: dict
    required: true
  rows:
    description:
      - The fact C(vm_snapshot_results) of the role P(spectrocloud.palette.vm_snapshot#role).
    type: list
    elements: dict
    required: true
  cause:
    description: Why the snapshots failed that have no reason of their own.
    type: str
    default: ""
seealso:
  - plugin: spectrocloud.palette.vms_of_hosts
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Show the hosts without, and why
  ansible.builtin.debug:
    msg: "{{ ['db1', 'web1'] | spectrocloud.palette.hosts_without(vms, rows) }}"
  vars:
    vms:
      db1: {vm_name: db1, namespace: vms, cluster: vm-cluster-1}
      web1: {vm_name: web1, namespace: vms, cluster: vm-cluster-1}
    rows:
      - cluster: vm-cluster-1
        namespace: vms
        vm_name: db1
        outcome: created
        reason: null
        msg: ""
"""

RETURN = r"""
_value:
  description: Why each such host is without, by its name.
  type: dict
  sample:
    web1: "no snapshot was taken"
"""

_WITHOUT = ("failed", "blocked", "unknown", "not_tried")
_NO_CAUSE = "no snapshot was taken"
_OTHER_NAME = "if its VM has another name than the host, set the host variable palette_vm_name"


def hosts_without(
    hosts: Iterable[str],
    vms: Mapping[str, Mapping[str, str]],
    rows: Iterable[Mapping[str, Any]],
    cause: str = "",
) -> dict[str, str]:
    """Return why hosts are without, by name."""
    index: dict[tuple[str, ...], Mapping[str, Any]] = {}
    for row in rows:
        for cluster in (row["cluster"], row.get("cluster_uid")):
            index[str(cluster), row["namespace"], row["vm_name"]] = row
    found = {host: index.get(_place(vms.get(host, {}))) for host in hosts}
    return {
        host: _why(row, cause)
        for host, row in found.items()
        if row is None or row["outcome"] in _WITHOUT
    }


def _place(vm: Mapping[str, str]) -> tuple[str, ...]:
    # Clusters of two projects may have the same name.
    cluster = vm.get("cluster_uid") or vm.get("cluster", "")
    return cluster, vm.get("namespace", ""), vm.get("vm_name", "")


def _why(row: Mapping[str, Any] | None, cause: str) -> str:
    if row is None or not row["reason"]:
        return cause or _NO_CAUSE
    texts = [str(row["reason"]), row["msg"]]
    if row["reason"] == "not_found":
        texts[1:] = ["; ".join(filter(None, [row["msg"], _OTHER_NAME]))]
    return ": ".join(filter(None, texts))


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Any]:
        """Return the filters of this file."""
        return {"hosts_without": hosts_without}

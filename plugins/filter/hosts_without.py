# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter that finds the hosts whose VMs have not got their snapshots."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

DOCUMENTATION = r"""
name: hosts_without
short_description: Find the hosts whose VMs have not got their snapshots
version_added: 1.0.0
author:
  - Contributors to the spectrocloud.palette collection (@spectrocloud)
description:
  - Compares the hosts of a play with the rows of a set of snapshots. A host is without if the
    snapshot of its virtual machine failed, was blocked or not tried, or if there is no row of it.
  - What a virtual machine lacks in O(vms), such as its namespace, is not compared.
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
  ready:
    description:
      - Whether a host is without, too, if the snapshot is not ready to use, as before a patch.
        No snapshot is, in check mode.
    type: bool
    default: false
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

Row = Mapping[str, Any]

_WITHOUT = ("failed", "blocked", "unknown", "not_tried")
_NO_CAUSE = "no snapshot was taken"
_NOT_READY = "the snapshot is not ready to use"
_OTHER_NAME = (
    "if its VM has another name than the host, or is elsewhere, set its host variable "
    "palette_vm_name, palette_namespace or palette_cluster"
)


def hosts_without(
    hosts: Iterable[str],
    vms: Mapping[str, Mapping[str, str]],
    rows: Iterable[Mapping[str, Any]],
    cause: str = "",
    ready: bool = False,
) -> dict[str, str]:
    """Return why hosts are without, by name."""
    by_name: dict[str, list[Row]] = {}
    for row in rows:
        by_name.setdefault(row["vm_name"], []).append(row)
    whys = {}
    for host in hosts:
        vm = vms.get(host, {})
        own = [row for row in by_name.get(vm.get("vm_name", ""), ()) if _is_of(row, vm)]
        whys[host] = _why(own, cause) or (_why_not_ready(own) if ready else "")
    return {host: why for host, why in whys.items() if why}


def _is_of(row: Row, vm: Mapping[str, str]) -> bool:
    """Say whether a row is of a VM, by what is known of where the VM is."""
    # Clusters of two projects may have the same name.
    cluster = vm.get("cluster_uid") or vm.get("cluster")
    return vm.get("namespace") in (None, row["namespace"]) and cluster in (
        None,
        row["cluster"],
        row.get("cluster_uid"),
    )


def _why(rows: Sequence[Row], cause: str) -> str:
    """Return why a VM is without, by its rows; empty if it is not."""
    row = next((each for each in rows if each["outcome"] in _WITHOUT), None)
    if row is None:
        return "" if rows else cause or _NO_CAUSE
    if not row["reason"]:
        return cause or _NO_CAUSE
    texts = [str(row["reason"]), row["msg"]]
    if row["reason"] == "not_found":
        texts[1:] = ["; ".join(filter(None, [row["msg"], _OTHER_NAME]))]
    return ": ".join(filter(None, texts))


def _why_not_ready(rows: Sequence[Row]) -> str:
    return "" if all(row["ready_to_use"] for row in rows) else _NOT_READY


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Any]:
        """Return the filters of this file."""
        return {"hosts_without": hosts_without}

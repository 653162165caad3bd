# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter that finds the virtual machines without a recent usable snapshot."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

from ..module_utils._validation.durations import parse_age
from ..plugin_utils.coverage import error_of, is_covered, newest_of, why_uncovered
from ..plugin_utils.hosts import entry_of

DOCUMENTATION = r"""
name: uncovered
short_description: Find the virtual machines without a recent usable snapshot
version_added: 1.0.0
author:
  - Contributors to the spectrocloud.palette collection (@spectrocloud)
description:
  - Returns the virtual machines whose newest usable snapshot is too old, and those that have none.
positional: newer_than
options:
  _input:
    description: RV(spectrocloud.palette.vm_info#module:vms).
    type: list
    elements: dict
    required: true
  newer_than:
    description: The age up to which a snapshot is recent, such as V(24h), V(7d) or V(2w).
    type: str
    required: true
seealso:
  - module: spectrocloud.palette.vm_info
  - plugin: spectrocloud.palette.table
    plugin_type: filter
"""

EXAMPLES = r"""
- name: List the virtual machines
  spectrocloud.palette.vm_info:
    project: Default
  register: fleet

- name: Show those without a usable snapshot of the last week
  ansible.builtin.debug:
    msg: "{{ fleet.vms | spectrocloud.palette.uncovered('7d') | map(attribute='vm_name') | list }}"
"""

RETURN = r"""
_value:
  description:
    - For each of these virtual machines C(cluster), C(cluster_uid), C(namespace), C(vm_name) and
      C(printable_status), and C(name), C(set), C(creation_time) and C(age_seconds) of its newest
      usable snapshot. These are null if it has none.
    - C(why) says why it has no recent one. This is V(never) if there is no snapshot of it, and
      V(too_old) if its newest one is usable, but too old. Otherwise its newest one cannot be used,
      because of V(failed), V(in_progress), V(not_ready) or V(former_vm), as in
      RV(spectrocloud.palette.vm_info#module:vms[].newest_unusable.why). C(why_msg) is the error of
      that one in KubeVirt's words, or null.
    - C(vm) is the virtual machine as O(spectrocloud.palette.vm_snapshot_set#module:vms) takes it.
    - C(blocked_by) and C(blocked_msg) say why no snapshot can be taken of it, such as
      V(not_snapshottable) if it has no disk that can be in one. They are null if one can be taken.
  type: list
  elements: dict
  sample:
    - cluster: vm-cluster-1
      cluster_uid: 0123456789abcdef00000011
      namespace: vms
      vm_name: db1
      printable_status: Running
      name: db1-before-patch
      set: before-patch
      creation_time: "2026-11-16T08:00:03Z"
      age_seconds: 608400
      why: failed
      why_msg: snapshot deadline exceeded
      vm:
        vm_name: db1
        namespace: vms
        cluster: vm-cluster-1
        cluster_uid: 0123456789abcdef00000011
      blocked_by: null
      blocked_msg: null
"""

_OF_VM = ("cluster", "cluster_uid", "namespace", "vm_name", "printable_status")
_BLOCKED = ("blocked_by", "blocked_msg")
_OF_SNAPSHOT = ("name", "set", "creation_time", "age_seconds")


def uncovered(vms: Iterable[Mapping[str, Any]], newer_than: str) -> list[dict[str, Any]]:
    """Return a row for each VM that has no usable snapshot of at most this age."""
    try:
        recent = parse_age(str(newer_than))
    except ValueError as error:
        raise AnsibleFilterError(f"newer_than: {error}; for example: 24h") from None
    if isinstance(vms, (str, Mapping)) or not isinstance(vms, Iterable):
        raise AnsibleFilterError(
            "uncovered takes the list of VMs of a result: give its list, for example "
            f"fleet.vms | spectrocloud.palette.uncovered('{newer_than}')"
        )
    return [_row(vm) for vm in vms if not is_covered(vm, recent)]


def _row(vm: Mapping[str, Any]) -> dict[str, Any]:
    newest = newest_of(vm)
    return {
        **{key: vm[key] for key in _OF_VM},
        **{key: newest.get(key) for key in _OF_SNAPSHOT},
        "why": why_uncovered(vm),
        "why_msg": error_of(vm),
        "vm": entry_of(vm),
        # Whoever lists VMs with few fields may have left them out.
        **{key: vm.get(key) for key in _BLOCKED},
    }


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Any]:
        """Return the filters of this file."""
        return {"uncovered": uncovered}

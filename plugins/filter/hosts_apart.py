# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter that compares the hosts of a play with the VMs that are listed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..module_utils._validation.printable import first_few
from ..module_utils._vms.selection import entry_of_text

DOCUMENTATION = r"""
name: hosts_apart
short_description: Say which hosts and which listed virtual machines do not belong together
version_added: 1.0.0
author:
  - Contributors to the spectrocloud.palette collection (@spectrocloud)
description:
  - Returns a sentence if some hosts of a play are among the listed virtual machines and others are
    not, and one if a listed virtual machine has the name of a host that is not in the play.
  - Where no host is among them, the play is about other hosts, and nothing is said.
  - The role P(spectrocloud.palette.guarded_change#role) uses it.
positional: vms, listed, inventory
options:
  _input:
    description: The names of the hosts that take part, such as C(ansible_play_batch).
    type: list
    elements: str
    required: true
  vms:
    description: C(vms) of the filter P(spectrocloud.palette.vms_of_hosts#filter).
    type: dict
    required: true
  listed:
    description: The value of C(vm_snapshot_vms).
    type: raw
    required: true
  inventory:
    description: The names of all hosts, C(groups.all).
    type: list
    elements: str
    required: true
seealso:
  - plugin: spectrocloud.palette.vms_of_hosts
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Show what does not belong together
  ansible.builtin.debug:
    msg: "{{ ['db1', 'web1'] | spectrocloud.palette.hosts_apart(vms, ['db1'], groups.all) }}"
  vars:
    vms:
      db1: {vm_name: db1}
      web1: {vm_name: web1}
"""

RETURN = r"""
_value:
  description: A sentence for each thing that is wrong.
  type: list
  elements: str
  sample:
    - "web1: hosts of the play whose VMs are not in vm_snapshot_vms would be changed …"
"""

_NAMES_SHOWN = 5
_UNGUARDED = (
    "hosts of the play whose VMs are not in vm_snapshot_vms would be changed without a snapshot: "
    "leave vm_snapshot_vms out, which takes the VM of each host, or leave these hosts out of the "
    "play"
)
_ELSEWHERE = (
    "in vm_snapshot_vms, but as hosts not in this play or batch, so that they would be restored "
    "without being changed: leave vm_snapshot_vms out, which takes the VM of each host"
)


def hosts_apart(
    hosts: Iterable[str],
    vms: Mapping[str, Mapping[str, str]],
    listed: Any,
    inventory: Iterable[str],
) -> list[str]:
    """Return what is wrong with the listed VMs."""
    names = {host: vms[host]["vm_name"] for host in hosts}
    wanted = list(dict.fromkeys(_names_of(listed)))
    lacking = [host for host, name in names.items() if name not in wanted]
    if len(lacking) == len(names):
        return []
    absent = set(inventory) - names.keys() - set(names.values())
    strange = [name for name in wanted if name in absent]
    told = ((lacking, _UNGUARDED), (strange, _ELSEWHERE))
    return [f"{first_few(which, _NAMES_SHOWN)}: {text}" for which, text in told if which]


def _names_of(listed: Any) -> Iterator[str]:
    """Yield the names of listed VMs, which may also be text with commas or on lines."""
    for entry in listed if isinstance(listed, (list, tuple)) else [listed]:
        if isinstance(entry, Mapping):
            yield str(entry.get("vm_name", ""))
        else:
            words = re.split(r"[,\s]+", str(entry))
            yield from (entry_of_text(word)["vm_name"] for word in words if word)


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Any]:
        """Return the filters of this file."""
        return {"hosts_apart": hosts_apart}

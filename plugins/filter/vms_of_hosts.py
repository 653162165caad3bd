# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter that finds the VM that each host of an inventory is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..module_utils._validation.printable import first_few
from ..plugin_utils.role_variables import FACTS, PREFIX

DOCUMENTATION = r"""
name: vms_of_hosts
short_description: Find the VM that each host of a play is
version_added: 0.1.0
author:
  - Contributors to the spectrocloud.palette collection (@spectrocloud)
description:
  - Returns entries for O(spectrocloud.palette.vm_snapshot_set#module:vms).
  - The host variable C(palette_vm) is such an entry, as the inventory plugin
    P(spectrocloud.palette.vms#inventory) sets it. What it lacks, other variables tell.
  - The name of a virtual machine is C(palette_vm_name), or else the host's own name. Its namespace
    is C(palette_namespace) or C(vm_snapshot_namespace), and its cluster C(palette_cluster),
    C(vm_snapshot_cluster) or C(vm_snapshot_cluster_uid).
  - The playbook C(spectrocloud.palette.snapshot_hosts) uses it.
positional: hostvars
options:
  _input:
    description: The names of the hosts, such as C(ansible_play_batch).
    type: list
    elements: str
    required: true
  hostvars:
    description: The variable C(hostvars).
    type: dict
    required: true
  play:
    description:
      - Where the virtual machines are whose hosts do not say so. The keys are V(namespace),
        V(cluster) and V(cluster_uid). A value that a host of the play has for itself does not count
        for others.
    type: dict
    default: {}
seealso:
  - plugin: spectrocloud.palette.vms
    plugin_type: inventory
  - plugin: spectrocloud.palette.hosts_without
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Show which VM this host is
  ansible.builtin.debug:
    msg: "{{ [inventory_hostname] | spectrocloud.palette.vms_of_hosts(hostvars, play=place) }}"
  vars:
    place: {cluster: vm-cluster-1, namespace: vms}
"""

RETURN = r"""
_value:
  description:
    - C(vms) has an entry for each host, by its name. C(problems) has a sentence for each thing that
      is wrong, such as hosts without a namespace.
  type: dict
  sample:
    vms:
      db1.example.com: {vm_name: db1, namespace: vms, cluster: vm-cluster-1}
    problems: []
"""

_VM = "palette_vm"
# What each host may have for itself.
_PLACE = ("namespace", "cluster", "cluster_uid")
_NAMES_SHOWN = 5


def vms_of_hosts(
    hosts: Sequence[str],
    hostvars: Mapping[str, Mapping[str, Any]],
    play: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the VM of each host, and what is wrong with them."""
    variables = {host: hostvars[host] for host in hosts}
    own = {word for word in _PLACE if any(PREFIX + word in each for each in variables.values())}
    common = {word: value for word, value in (play or {}).items() if word not in own}
    vms = {host: _entry(host, each, common) for host, each in variables.items()}
    return {
        "vms": vms,
        "problems": [*_misshapen(variables), *_homeless(vms), *_different(variables)],
    }


def _entry(host: str, variables: Mapping[str, Any], common: Mapping[str, Any]) -> dict[str, str]:
    """Return the VM of a host. What it has for itself goes before what the play has."""
    own = variables.get(_VM)
    told = [
        own if isinstance(own, Mapping) else {},
        {word: variables.get(f"palette_{word}") for word in ("vm_name", "namespace", "cluster")},
        {word: variables.get(PREFIX + word) for word in _PLACE},
        common,
    ]
    entry = {
        "vm_name": _first(told, "vm_name") or host,
        "namespace": _first(told, "namespace"),
        **_cluster(told),
    }
    return {word: str(value) for word, value in entry.items() if value}


def _first(told: Sequence[Mapping[str, Any]], word: str) -> Any:
    return next(filter(None, (each.get(word) for each in told)), None)


def _cluster(told: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the cluster that is told first, by its name, its uid or both."""
    places = ({word: each.get(word) for word in ("cluster", "cluster_uid")} for each in told)
    return next((place for place in places if any(place.values())), {})


def _misshapen(variables: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    wrong = [host for host, each in variables.items() if not isinstance(each.get(_VM, {}), Mapping)]
    if wrong:
        yield (
            f"{_VM} of {first_few(wrong, _NAMES_SHOWN)} is not a dictionary: set it to one such as "
            "{vm_name: db1, namespace: vms, cluster: vm-cluster-1}"
        )


def _homeless(vms: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    for word, others in (("namespace", ()), ("cluster", ("cluster_uid",))):
        lacking = [host for host, vm in vms.items() if not any(map(vm.get, (word, *others)))]
        if lacking:
            yield (
                f"no {word} is known of {first_few(lacking, _NAMES_SHOWN)}: set the host variable "
                f"palette_{word}, or {PREFIX}{word} for all"
            )


def _different(variables: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Yield what should differ from host to host, though one task works on all of them."""
    names = {name for each in variables.values() for name in each if name.startswith(PREFIX)}
    # Facts are of the hosts that an earlier run of the role worked on.
    for name in sorted(names - {PREFIX + word for word in _PLACE} - FACTS):
        values = [each.get(name) for each in variables.values()]
        if any(value != values[0] for value in values):
            yield f"{name} differs from host to host: set it for all, or limit the play to some"


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Any]:
        """Return the filters of this file."""
        return {"vms_of_hosts": vms_of_hosts}

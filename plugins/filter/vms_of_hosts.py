# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter that finds the VM that each host of an inventory is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..module_utils._validation.printable import first_few, first_messages
from ..module_utils._validation.problems import nearest
from ..plugin_utils.role_variables import FACTS, PREFIX

DOCUMENTATION = r"""
name: vms_of_hosts
short_description: Find the VM that each host of a play is
version_added: 1.0.0
author:
  - Contributors to the spectrocloud.palette collection (@spectrocloud)
description:
  - Returns entries for O(spectrocloud.palette.vm_snapshot_set#module:vms).
  - The host variable C(palette_vm) is such an entry, as the inventory plugin
    P(spectrocloud.palette.vms#inventory) sets it. What it lacks, other variables tell.
  - The name of a virtual machine is C(palette_vm_name), or else the host's own name. Its namespace
    is C(palette_namespace) or C(vm_snapshot_namespace), and its cluster C(palette_cluster),
    C(vm_snapshot_cluster) or C(vm_snapshot_cluster_uid).
  - Two hosts that are the same virtual machine are a problem. Each would be changed, but its
    snapshot has what was changed on the other. Give it all hosts of the play, such as
    C(ansible_play_hosts_all), so that hosts of different batches are compared, too.
  - The playbook C(spectrocloud.palette.snapshot_hosts) and the role
    P(spectrocloud.palette.guarded_change#role) use it.
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
- name: Refuse hosts of which it is not known what VM they are, and those that are the same VM
  ansible.builtin.assert:
    that: of_hosts.problems == []
    fail_msg: "{{ of_hosts.problems | join('; ') }}"
  vars:
    of_hosts: >-
      {{ ansible_play_hosts_all | spectrocloud.palette.vms_of_hosts(hostvars, play=place) }}
    place: {cluster: vm-cluster-1, namespace: vms}
  run_once: true

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
      is wrong, such as hosts without a namespace. C(same_vm) has those of them that are about
      hosts which are the same virtual machine.
  type: dict
  sample:
    vms:
      db1.example.com: {vm_name: db1, namespace: vms, cluster: vm-cluster-1}
    problems: []
    same_vm: []
"""

_VM = "palette_vm"
# What each host may have for itself.
_PLACE = ("namespace", "cluster", "cluster_uid")
_NAMES_SHOWN = 5
_OURS = "palette_"
# What says which VM a host is, and of what kind its value is.
_TELLING: Mapping[str, type] = {"vm": Mapping, "vm_name": str, "namespace": str, "cluster": str}
_NEAR = 0.85  # how like one of them a name must be to be a misspelt one


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
    same_vm = list(_same_vm(vms))
    return {
        "vms": vms,
        "problems": [
            *_misspelt(variables),
            *_misshapen(variables),
            *_homeless(vms),
            *same_vm,
            *_different(variables),
        ],
        "same_vm": same_vm,
    }


def _entry(host: str, variables: Mapping[str, Any], common: Mapping[str, Any]) -> dict[str, str]:
    """Return the VM of a host. What it has for itself goes before what the play has."""
    own = variables.get(_VM)
    told = [
        own if isinstance(own, Mapping) else {},
        {word: variables.get(_OURS + word) for word in ("vm_name", "namespace", "cluster")},
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


def _misspelt(variables: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Yield the variables that are almost called like one that says which VM a host is.

    Others are the user's own, or the inventory plugin's.
    """
    names = {name for each in variables.values() for name in each if name.startswith(_OURS)}
    for name in sorted(names):
        word = name.removeprefix(_OURS)
        for meant in nearest(word.lower(), _TELLING, most=1, cutoff=_NEAR):
            kind = _TELLING[meant]
            wrong = [host for host, each in variables.items() if isinstance(each.get(name), kind)]
            if wrong and meant != word:
                shown = first_few(wrong, _NAMES_SHOWN)
                yield f"{name} of {shown} is not known (nearest: {_OURS}{meant})"


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


def _same_vm(vms: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    hosts: dict[tuple[str | None, ...], list[str]] = {}
    uids = {vm.get("cluster"): vm["cluster_uid"] for vm in vms.values() if "cluster_uid" in vm}
    for host, vm in vms.items():
        cluster = vm.get("cluster_uid") or uids.get(vm.get("cluster"), vm.get("cluster"))
        hosts.setdefault((vm["vm_name"], vm.get("namespace"), cluster), []).append(host)
    told = [_one_vm(vms[same[0]], same) for same in hosts.values() if len(same) > 1]
    if told:
        yield (
            f"{first_messages(told, _NAMES_SHOWN)}: set palette_vm_name of each or, if they are "
            "one machine, leave all but one of them out of the play"
        )


def _one_vm(vm: Mapping[str, str], hosts: Sequence[str]) -> str:
    """Say that several hosts are this VM."""
    place = f" in namespace {vm['namespace']}" if "namespace" in vm else ""
    cluster = vm.get("cluster") or vm.get("cluster_uid")
    where = f"{place} of {cluster}" if cluster else place
    return f"{first_few(hosts, _NAMES_SHOWN)} are the same VM, {vm['vm_name']}{where}"


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

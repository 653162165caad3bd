# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Single snapshots, a task each, against `ansible.builtin.uri` that posts the same bodies."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.ansible import Task
from benchmarks.figures import Check, median_ratio
from benchmarks.lab import Lab, say, uri, vm_names, vm_snapshot

_PAIRS = 3
_AD_HOC_PAIRS = 7
_LOOP = 200
_HOSTS = 100
_FORKS = 10


def loop() -> list[Check]:
    """Loop over 200 VMs: the time of the task that loops, from its start to its end."""
    names = vm_names(_LOOP)

    def seconds(lab: Lab, task: Task) -> float:
        return lab.ansible.play({**task, "loop": names}).task_seconds

    with Lab.open(vms=_LOOP) as lab:
        ratio = 1 / _ratio(lab, "{{ item }}", seconds, _PAIRS)
    return [Check(f"loop of {_LOOP}: uri / vm_snapshot", ratio, 25, "times", at_least=True)]


def hosts() -> list[Check]:
    """Run on 100 hosts: the time of the task, from its start to the last host's end."""
    names = vm_names(_HOSTS)

    def seconds(lab: Lab, task: Task) -> float:
        return lab.ansible.play(task, names, _FORKS).task_seconds

    with Lab.open(vms=_HOSTS) as lab:
        ratio = 1 / _ratio(lab, "{{ inventory_hostname }}", seconds, _PAIRS)
    what = f"{_HOSTS} hosts, {_FORKS} forks: uri / vm_snapshot"
    return [Check(what, ratio, 8, "times", at_least=True)]


def ad_hoc() -> list[Check]:
    """Run one module ad hoc: the time of the whole command."""
    (name,) = vm_names(1)

    def seconds(lab: Lab, task: Task) -> float:
        return lab.ansible.ad_hoc(task).seconds

    with Lab.open(vms=1) as lab:
        ratio = _ratio(lab, name, seconds, _AD_HOC_PAIRS)
    return [Check("one ad-hoc: vm_snapshot / uri", ratio, 1, "times")]


def _ratio(lab: Lab, vm: str, seconds: Callable[[Lab, Task], float], pairs: int) -> float:
    """Return the time of vm_snapshot in those of uri, taken in turn."""
    taken = []
    for _number in range(pairs):
        lab.palette.reset()
        ours = seconds(lab, vm_snapshot(vm))
        lab.palette.reset()
        theirs = seconds(lab, uri(lab, vm))
        say(f"  vm_snapshot {ours:.2f} s, uri {theirs:.2f} s")
        taken.append((ours, theirs))
    return median_ratio(taken)

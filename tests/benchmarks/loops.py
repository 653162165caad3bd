# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Single snapshots, a task each, against `ansible.builtin.uri` that posts the same bodies."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.ansible import Task
from benchmarks.figures import Check, median_ratio
from benchmarks.testbed import Testbed, say, uri, vm_names, vm_snapshot

_PAIRS = 3
_AD_HOC_PAIRS = 7
_LOOP = 200
_HOSTS = 100
_FORKS = 10


def loop() -> list[Check]:
    """Loop over 200 VMs: the time of the task that loops, from its start to its end."""
    names = vm_names(_LOOP)

    def seconds(testbed: Testbed, task: Task) -> float:
        return testbed.ansible.play({**task, "loop": names}).task_seconds

    with Testbed.open(vms=_LOOP) as testbed:
        ratio = 1 / _ratio(testbed, "{{ item }}", seconds, _PAIRS)
    return [Check(f"loop of {_LOOP}: uri / vm_snapshot", ratio, 25, "times", at_least=True)]


def hosts() -> list[Check]:
    """Run on 100 hosts: the time of the task, from its start to the last host's end."""
    names = vm_names(_HOSTS)

    def seconds(testbed: Testbed, task: Task) -> float:
        return testbed.ansible.play(task, hosts=names, forks=_FORKS).task_seconds

    with Testbed.open(vms=_HOSTS) as testbed:
        ratio = 1 / _ratio(testbed, "{{ inventory_hostname }}", seconds, _PAIRS)
    what = f"{_HOSTS} hosts, {_FORKS} forks: uri / vm_snapshot"
    return [Check(what, ratio, 8, "times", at_least=True)]


def ad_hoc() -> list[Check]:
    """Run one module ad hoc: the time of the whole command."""
    (name,) = vm_names(1)

    def seconds(testbed: Testbed, task: Task) -> float:
        return testbed.ansible.ad_hoc(task).seconds

    with Testbed.open(vms=1) as testbed:
        ratio = _ratio(testbed, name, seconds, _AD_HOC_PAIRS)
    return [Check("one ad-hoc: vm_snapshot / uri", ratio, 1, "times")]


def _ratio(
    testbed: Testbed, vm: str, seconds: Callable[[Testbed, Task], float], pairs: int
) -> float:
    """Return the time of vm_snapshot in those of uri, taken in turn."""
    taken = []
    for _number in range(pairs):
        testbed.palette.reset()
        ours = seconds(testbed, vm_snapshot(vm))
        testbed.palette.reset()
        theirs = seconds(testbed, uri(testbed, vm))
        say(f"  vm_snapshot {ours:.2f} s, uri {theirs:.2f} s")
        taken.append((ours, theirs))
    return median_ratio(taken)

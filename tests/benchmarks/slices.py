# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One job for many hosts, and the same cut into slices that share the rate limit."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.ansible import Ansible
from benchmarks.by_hand import API_KEY, NAMESPACE
from benchmarks.figures import Check, rate_bound
from benchmarks.sets import RUNS, limited_calls
from benchmarks.testbed import CLUSTER, PROJECT, Testbed, say, vm_names, vm_snapshot_set

_VMS = 1_000
_SLICES = 4
# Of a job with forks for a machine that does nothing else.
_FORKS = 10


def slices() -> list[Check]:
    """Take a set in four slices at the same time, at the documented limits: the slowest of them."""
    with Testbed.open(vms=_VMS, rate_limits="documented") as testbed:
        shares = [_share(testbed) for _number in range(RUNS)]
        created = testbed.palette.stats()["operations"]["create_snapshot"]
        refused = testbed.palette.stats()["rate_limited"]
        hosts = _hosts(testbed)
    what = f"set of {_VMS} in {_SLICES} slices: (slices - empty plays) / bound of one process"
    return [
        Check(what, statistics.median(shares), 1.15, "times"),
        Check("  snapshots that were asked for", created, _VMS, "snapshots"),
        Check("  429s seen and absorbed in the last run", refused, None, "answers"),
        Check(f"snapshot_hosts on {_VMS} hosts / a play of one task on each", hosts, 2.5, "times"),
    ]


def _share(testbed: Testbed) -> float:
    """Return the time of all slices in that which the rate limit demands of one process."""
    names = vm_names(_VMS)
    own = [names[number::_SLICES] for number in range(_SLICES)]
    place = {"wait": False, "namespace": NAMESPACE, "namespaces": None}
    empty = _at_once(testbed, lambda ansible, _number: ansible.play())
    testbed.palette.reset()
    ours = _at_once(
        testbed, lambda ansible, number: ansible.play(vm_snapshot_set(**place, vms=own[number]))
    )
    bound = rate_bound(limited_calls(testbed.palette.stats()))
    say(f"  slices {ours:.2f} s, empty {empty:.2f} s, bound {bound:.2f} s")
    return (ours - empty) / bound


def _at_once(testbed: Testbed, job: Callable[[Ansible, int], object]) -> float:
    """Run a job for each slice at the same time; return the seconds until all have ended."""
    with tempfile.TemporaryDirectory(prefix="slices-") as folder:
        homes = [Path(folder) / str(number) for number in range(_SLICES)]
        for home in homes:
            home.mkdir()
        commands = [Ansible(home, testbed.palette.url, API_KEY) for home in homes]
        started = time.perf_counter()
        with ThreadPoolExecutor(_SLICES) as pool:
            list(pool.map(job, commands, range(_SLICES)))
        return time.perf_counter() - started


def _hosts(testbed: Testbed) -> float:
    """Return the time of the playbook for hosts, in those of the least play that fails some."""
    names = vm_names(_VMS)
    testbed.palette.reset()
    testbed.palette.switch(rate_limits="off")
    variables = {
        "vm_snapshot_project": PROJECT,
        "vm_snapshot_cluster": CLUSTER,
        "vm_snapshot_namespace": NAMESPACE,
        "vm_snapshot_set": "now",
        "vm_snapshot_rate_limit": 0,
    }
    ours = testbed.ansible.playbook("snapshot_hosts", names, variables, _FORKS).seconds
    task = {"ansible.builtin.assert": {"that": "inventory_hostname != ''", "quiet": True}}
    least = testbed.ansible.play(task, hosts=names, forks=_FORKS).seconds
    say(f"  snapshot_hosts {ours:.2f} s, a play of one task {least:.2f} s")
    return ours / least

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A thousand VMs as hosts, against the lists that it takes."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from benchmarks import processes
from benchmarks.by_hand import NAMESPACE
from benchmarks.figures import Check, median_ratio
from benchmarks.sets import RUNS
from benchmarks.testbed import PROJECT, Testbed, cluster_uids, say

_VMS = 1_000
_CLUSTERS = 4
_LATENCY = 0.05  # seconds
_TESTS = Path(__file__).parents[1]
_SOURCE = {
    "plugin": "spectrocloud.palette.vms",
    "project": PROJECT,
    "namespaces": [NAMESPACE],
    "vm_names": ["edge-*/*/*"],
}
# What ansible-inventory needs for so many hosts on its own.
_NAMED: dict[str, Any] = {"all": {"hosts": {f"host-{number}": {} for number in range(_VMS)}}}


def hosts() -> list[Check]:
    """Make hosts of 1,000 VMs on 4 clusters, less as many that a file names, against bare LISTs."""
    pairs, asked = [], []
    with Testbed.open(vms=_VMS, clusters=_CLUSTERS, latency=_LATENCY) as testbed:
        uids = [uid for name, uid in cluster_uids(testbed).items() if name.startswith("edge-")]
        for _number in range(RUNS):
            named = testbed.ansible.inventory(_NAMED).seconds
            testbed.palette.reset()
            ours = testbed.ansible.inventory(_SOURCE).seconds - named
            ours_asked = testbed.palette.stats()["requests"]
            testbed.palette.reset()
            bare = _bare_lists(testbed, uids)
            say(f"  inventory {ours:.2f} s beyond {named:.2f} s, bare lists {bare:.2f} s")
            pairs.append((ours, bare))
            asked.append((ours_asked, testbed.palette.stats()["requests"]))
    what = f"inventory of {_VMS} VMs"
    return [
        Check(f"{what}: (inventory - named hosts) / bare lists", median_ratio(pairs), 2.5, "times"),
        Check("  requests / those of bare lists", median_ratio(asked), 1.3, "times"),
    ]


def _bare_lists(testbed: Testbed, clusters: list[str]) -> float:
    project = testbed.uids.project
    command = [sys.executable, "-m", "benchmarks.bare_lists", testbed.palette.url, project]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(_TESTS)}
    return processes.run([*command, *clusters], environment).seconds

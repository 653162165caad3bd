# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A set of many VMs in one task: against a bare script, the rate limit, and itself when smaller."""

from __future__ import annotations

import os
import statistics
import sys
from pathlib import Path
from typing import Any

from benchmarks import processes
from benchmarks.ansible import Play
from benchmarks.figures import Check, median_ratio, pages, rate_bound, rounds
from benchmarks.testbed import Testbed, say, vm_snapshot_set
from palette_simulator.timing import PROFILES

RUNS = 3
_SHORT_RUNS = 5
_LONG_RUNS = 2
_VMS = 1_000
_MANY_VMS = 10_000
CONCURRENCY = 16  # the default of vm_snapshot_set
POLL_INTERVAL = 5.0  # seconds; the default
_LATENCY = 0.05  # seconds
_TESTS = Path(__file__).parents[1]
UNLIMITED = {"rate_limit": 0}


def against_bare_script() -> list[Check]:
    """Compare a play, less an empty one, with a script that sends the same calls."""
    pairs, busy = [], []
    with Testbed.open(vms=_VMS) as testbed:
        for _number in range(_SHORT_RUNS):
            empty = testbed.ansible.play().seconds
            testbed.palette.reset()
            before = _cpu_seconds(testbed.palette.process.pid)
            ours = testbed.ansible.play(vm_snapshot_set(wait=False, **UNLIMITED)).seconds - empty
            busy.append((_cpu_seconds(testbed.palette.process.pid) - before) / ours)
            testbed.palette.reset()
            bare = bare_script(testbed)
            say(f"  set {ours:.2f} s beyond an empty play of {empty:.2f} s, script {bare:.2f} s")
            pairs.append((ours, bare))
    return [
        Check(
            f"set of {_VMS}: (play - empty play) / bare script", median_ratio(pairs), 1.3, "times"
        ),
        Check("  the simulator's share of that time", statistics.median(busy), None, "CPUs"),
    ]


def at_the_rate_limit() -> list[Check]:
    """Compare a play, less an empty one, with the time that the documented limits demand."""
    shares, refused = [], []
    with Testbed.open(vms=_VMS, rate_limits="documented") as testbed:
        for _number in range(RUNS):
            empty = testbed.ansible.play().seconds
            testbed.palette.reset()
            ours = testbed.ansible.play(vm_snapshot_set(wait=False)).seconds - empty
            stats = testbed.palette.stats()
            bound = rate_bound(limited_calls(stats))
            say(f"  set {ours:.2f} s, bound {bound:.2f} s, {stats['rate_limited']} times 429")
            shares.append(ours / bound)
            refused.append(stats["rate_limited"])
    return [
        Check(
            f"set of {_VMS} at documented limits / bound", statistics.median(shares), 1.1, "times"
        ),
        Check("  429s seen and absorbed, at most", max(refused), None, "answers"),
    ]


def waiting() -> list[Check]:
    """Wait for all of a set: the time of the whole play, and the requests of a poll round."""
    with Testbed.open(
        vms=_VMS, rate_limits="documented", timing="spread", latency=_LATENCY
    ) as testbed:
        runs = [_waited(testbed) for _number in range(RUNS)]
    beyond = statistics.median(seconds - bound for seconds, bound, _lengths in runs)
    slack = _slowest_member() + 2 * POLL_INTERVAL
    most = max(length for _total, _bound, lengths in runs for length in lengths)
    return [
        Check(f"set of {_VMS}, waiting: beyond the bound", beyond, slack, "s"),
        Check("  requests of the longest poll round", most, pages(_VMS), "requests"),
    ]


def window() -> list[Check]:
    """Wait for a set on fast storage: the whole play with the default window, and with none."""
    with Testbed.open(
        vms=_VMS, rate_limits="documented", timing="spread", latency=_LATENCY
    ) as testbed:
        pairs = []
        for _number in range(_LONG_RUNS):
            automatic, *_rest = _waited(testbed)
            unlimited, *_rest = _waited(testbed, max_in_progress=100 * _VMS)
            pairs.append((automatic, unlimited))
    what = f"set of {_VMS}, waiting: max_in_progress auto / unlimited"
    return [Check(what, median_ratio(pairs), 1.1, "times")]


def growth() -> list[Check]:
    """Compare 10,000 VMs with 1,000: the task's own time, and the memory of its largest process."""
    runs = [(_grown(_MANY_VMS), _grown(_VMS)) for _number in range(RUNS)]
    peak = statistics.median(many.usage.peak_mb for many, _few in runs)
    ratio = median_ratio((many.task_seconds, few.task_seconds) for many, few in runs)
    return [
        Check(f"set of {_MANY_VMS}: memory of the largest process", peak, 250, "MB"),
        Check(f"  time of {_MANY_VMS} / of {_VMS}", ratio, 11, "times"),
    ]


def bare_script(testbed: Testbed, concurrency: int = CONCURRENCY) -> float:
    """Return the seconds of the script that sends the same calls; with 0, it only lists."""
    command = [sys.executable, "-m", "benchmarks.bare", testbed.palette.url, *testbed.uids]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(_TESTS)}
    return processes.run([*command, str(concurrency)], environment).seconds


def _waited(testbed: Testbed, **options: object) -> tuple[float, float, list[int]]:
    """Return the seconds of a run, the bound of its writes, and the lengths of its poll rounds."""
    testbed.palette.reset()
    seconds = testbed.ansible.play(vm_snapshot_set(wait=True, **options)).seconds
    polls = [
        entry for entry in testbed.palette.requests("list_snapshots") if entry["status"] == 200
    ]
    _before_the_writes, *lengths = rounds([entry["query"] for entry in polls])
    stats = testbed.palette.stats()
    bound = rate_bound(limited_calls(stats) - sum(lengths))
    say(f"  set {seconds:.2f} s, bound {bound:.2f} s, requests a poll round: {set(lengths)}")
    return seconds, bound, lengths


def _grown(vms: int) -> Play:
    with Testbed.open(vms=vms) as testbed:
        play = testbed.ansible.play(vm_snapshot_set(wait=True, poll_interval=1, **UNLIMITED))
    say(f"  {vms} VMs: {play.task_seconds:.2f} s, {play.usage.peak_mb:.0f} MB")
    return play


def limited_calls(stats: dict[str, Any]) -> int:
    """Return how many requests were accepted and count against the limit of 50 a second."""
    in_dashboard = ("list_projects", "search_clusters")
    others = sum(stats["operations"].get(name, 0) for name in in_dashboard)
    return int(stats["requests"] - stats["rate_limited"] - others)


def _slowest_member() -> float:
    """Return the seconds from a snapshot's creation until the slowest of all is ready."""
    steps = (PROFILES["spread"].lock, PROFILES["spread"].cut, PROFILES["spread"].ready)
    return sum(step[1] if isinstance(step, tuple) else step for step in steps)


def _cpu_seconds(pid: int) -> float:
    """Return what a process has computed so far."""
    user, system = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

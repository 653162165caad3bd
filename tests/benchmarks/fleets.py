# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fleets as they are: storage that takes its time, many clusters, and some of them sick."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import requests

from benchmarks import by_hand
from benchmarks.ansible import Task
from benchmarks.figures import Check, last_answer, median_ratio, pages, rate_bound
from benchmarks.sets import CONCURRENCY, POLL_INTERVAL, RUNS, UNLIMITED, bare_script
from benchmarks.testbed import (
    CLUSTER,
    Testbed,
    cluster_uids,
    fleet_info,
    fleet_set,
    fleet_with_history,
    say,
    vm_snapshot_set,
)

# A cluster at its defaults cuts 0.55 snapshots a second and fails those that wait for five minutes.
_FASTER = 9  # times, so that 300 of them end in a minute
_QUEUED_VMS = 300
_CUTS_PER_SECOND = 0.55 * _FASTER
_DEADLINE = f"{300 / _FASTER:.0f}s"

_CLUSTERS = 40
_FLEET_VMS = 80
_LATENCY = 0.2  # seconds

_SICK_CLUSTERS = 20
_SICK_VMS = 200
_KINDS = ("503", "403", "500", "404", "hang", "reset")
_SICK_TIMEOUT = 60  # seconds; as long as a cluster that stays sick is waited for
_MOMENTS = {"start": "before", "write": "at the write", "wait": "while waiting"}

_LISTED_VMS = 2_000
_SNAPSHOTS_OF_EACH = 15
_FEW_FIELDS = ["cluster", "namespace", "vm_name", "name", "creation_time"]

_LARGE_CLUSTERS = 200
_LARGE_VMS = 10_000


class _Taken(NamedTuple):
    """A set that was taken.

    seconds: until the clusters that are well were done. left: how many of their VMs have no
    snapshot. struck: how many clusters were sick indeed.
    """

    seconds: float
    left: int
    struck: int


def storage_queue() -> list[Check]:
    """Take 300 snapshots from storage that needs a minute for them: the whole play."""
    storage = {"cuts_per_second": _CUTS_PER_SECOND, "timing": "real", "time_scale": 1 / _FASTER}
    with Testbed.open(vms=_QUEUED_VMS, **storage) as testbed:
        task = vm_snapshot_set(failure_deadline=_DEADLINE, poll_interval=POLL_INTERVAL / _FASTER)
        seconds = testbed.ansible.play({**task, "ignore_errors": True}).seconds
        stats = testbed.palette.stats()
        left = _left(testbed, testbed.uids.cluster)
    say(f"  set {seconds:.1f} s, {stats['failed']} snapshots failed")
    share = seconds * _CUTS_PER_SECOND / _QUEUED_VMS
    return [
        Check(f"set of {_QUEUED_VMS}, slow storage: time / storage's own", share, 1.15, "times"),
        Check("  snapshots that failed", stats["failed"], 0, "snapshots"),
        Check("  VMs without a snapshot", left, 0, "VMs"),
        Check("  longest freeze of a guest", stats["longest_freeze"], None, "s"),
    ]


def many_clusters() -> list[Check]:
    """Read 40 clusters and take a set of them: the play less an empty one, and its requests."""
    found = f"{_CLUSTERS} clusters, {_LATENCY} s latency: "
    bound = "/ (requests x latency / threads)"
    with Testbed.open(vms=_FLEET_VMS, clusters=_CLUSTERS, latency=_LATENCY) as testbed:
        info = _share(testbed, fleet_info())
        taken = _share(testbed, fleet_set(wait=False))
    return [
        Check(f"{found}info {bound}", info, 2, "times"),
        Check(f"{found}set {bound}", taken, 2, "times"),
    ]


def sick_clusters() -> list[Check]:
    """Take a set of 20 clusters, six of them sick in six ways: when the others are done."""
    checks = []
    with Testbed.open(vms=_SICK_VMS, clusters=_SICK_CLUSTERS, timing="real") as testbed:
        uids = cluster_uids(testbed)
        sick = dict(zip(_edges(uids), _KINDS, strict=False))
        others = {uid for name, uid in uids.items() if name not in sick}
        healthy = _take(testbed, others, {}, "start").seconds
        for moment, when in _MOMENTS.items():
            taken = _take(testbed, others, sick, moment)
            what = f"six of {_SICK_CLUSTERS} clusters sick {when}: others' time / with none sick"
            checks += [
                Check(what, taken.seconds / healthy, 2, "times"),
                Check("  VMs of the others without a snapshot", taken.left, 0, "VMs"),
                Check("  clusters that were sick", taken.struck, len(sick), "clusters", True),
            ]
    return checks


def memory() -> list[Check]:
    """Take 10,000 snapshots on 200 clusters: the memory of the largest process."""
    with Testbed.open(vms=_LARGE_VMS, clusters=_LARGE_CLUSTERS) as testbed:
        task = fleet_set(**UNLIMITED, poll_interval=1)
        play = testbed.ansible.play(task)
    say(f"  {play.task_seconds:.1f} s, {play.usage.peak_mb:.0f} MB")
    what = f"set of {_LARGE_VMS} on {_LARGE_CLUSTERS} clusters: memory of the largest process"
    return [Check(what, play.usage.peak_mb, 250, "MB")]


def large_answer() -> list[Check]:
    """List 30,000 snapshots with few fields: the play less an empty one, and its memory."""
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        fleet = Path(folder) / "fleet.json"
        fleet_with_history(fleet, _LISTED_VMS, _SNAPSHOTS_OF_EACH)
        with Testbed.open(vms=0, fleet=fleet, rate_limits="documented") as testbed:
            limited = [_listed(testbed, {}) for _number in range(RUNS)]
        bound = rate_bound(pages(_LISTED_VMS * _SNAPSHOTS_OF_EACH))
        with Testbed.open(vms=0, fleet=fleet) as testbed:
            pairs = [
                (_listed(testbed, UNLIMITED)[0], bare_script(testbed, concurrency=0))
                for _number in range(RUNS)
            ]
    say(f"  bound {bound:.2f} s, bare script {statistics.median(bare for _o, bare in pairs):.2f} s")
    what = f"info on {_LISTED_VMS * _SNAPSHOTS_OF_EACH} snapshots, few fields"
    share = statistics.median(seconds / bound for seconds, _memory in limited)
    return [
        Check(f"{what}, at documented limits / bound", share, 1.3, "times"),
        Check("  memory of the largest process", max(mb for _s, mb in limited), 250, "MB"),
        Check("  without limits: (play - empty play) / bare script", median_ratio(pairs), None, ""),
    ]


def _listed(testbed: Testbed, options: Mapping[str, object]) -> tuple[float, float]:
    """Return the seconds of a task that lists, and the memory of its largest process."""
    empty = testbed.ansible.play().seconds
    # The run before has spent what may be sent at once.
    testbed.palette.reset()
    play = testbed.ansible.play(fleet_info(cluster=CLUSTER, fields=_FEW_FIELDS, **options))
    seconds, refused = play.seconds - empty, testbed.palette.stats()["rate_limited"]
    say(f"  info {seconds:.2f} s, {play.usage.peak_mb:.0f} MB, {refused} times 429")
    return seconds, play.usage.peak_mb


def _share(testbed: Testbed, task: Task) -> float:
    """Return the median share of a task's time in what its requests need at the very least."""
    shares = []
    for _number in range(RUNS):
        empty = testbed.ansible.play().seconds
        testbed.palette.reset()
        seconds = testbed.ansible.play(task).seconds - empty
        requests_made = int(testbed.palette.stats()["requests"])
        bound = requests_made * _LATENCY / CONCURRENCY
        say(f"  {seconds:.2f} s for {requests_made} requests, which need {bound:.2f} s")
        shares.append(seconds / bound)
    return statistics.median(shares)


def _take(
    testbed: Testbed, others: Collection[str], sick: Mapping[str, str], moment: str
) -> _Taken:
    """Take a set while some clusters are sick. others: the uids of those that are well."""
    testbed.palette.reset()
    for cluster, kind in sick.items():
        testbed.palette.sicken(cluster, kind, since=moment)
    task = fleet_set(on_error="continue", max_failed_clusters=len(sick), wait_timeout=_SICK_TIMEOUT)
    play = testbed.ansible.play({**task, "ignore_errors": True})
    seconds = last_answer(testbed.palette.requests(), others)
    struck = sum(testbed.palette.strikes(cluster) > 0 for cluster in sick)
    say(f"  {struck} sick since {moment}; others {seconds:.1f} s, play {play.seconds:.1f} s")
    return _Taken(seconds, sum(_left(testbed, uid) for uid in others), struck)


def _left(testbed: Testbed, cluster: str) -> int:
    """Return how many VMs of a cluster have no snapshot that is ready."""
    ready = [item for item in _items(testbed, cluster, "/snapshot") if _is_ready(item)]
    return len(list(_items(testbed, cluster, ""))) - len(ready)


def _is_ready(snapshot: Mapping[str, Any]) -> bool:
    return bool(snapshot.get("status", {}).get("readyToUse"))


def _items(testbed: Testbed, cluster: str, what: str) -> Iterator[Any]:
    with requests.Session() as session:
        session.trust_env = False
        session.headers.update(by_hand.headers(testbed.uids.project))
        yield from by_hand.items(session, testbed.palette.url + by_hand.path_of_vms(cluster) + what)


def _edges(names: Iterable[str]) -> list[str]:
    """Return the names of the fleet's clusters, in order; others of the testbed have no part."""
    return sorted(name for name in names if name.startswith("edge-"))

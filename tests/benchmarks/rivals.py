# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Snapshots with what users have without the collection, beside the collection's own."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from benchmarks import by_hand
from benchmarks.ansible import RIVALS, Task
from benchmarks.by_hand import NAMESPACE
from benchmarks.figures import Check
from benchmarks.testbed import CLUSTER, Testbed, say, uri, uri_to_read, vm_names, vm_snapshot_set
from palette_simulator.launch import Simulator

_VMS = 20
_FAILING = frozenset({"vm-00004", "vm-00011", "vm-00018"})
# Ready after two seconds, which is two fifths of the time that the simulator takes for real.
_SERVER: Mapping[str, Any] = {
    "vms": _VMS,
    "rate_limits": "off",
    "timing": "real",
    "time_scale": 0.4,
    "latency": 0.05,
}
_DEADLINE = "4s"  # where storage fails, a snapshot fails then
_PATIENCE = 6  # seconds that those wait who do not see that a snapshot has failed
_PAUSE = 1  # second between two polls

Result = Mapping[str, Any]


class Contender(NamedTuple):
    """A way to take snapshots. named: which VMs its result says have failed."""

    name: str
    server: Simulator
    tasks: Sequence[Task]
    named: Callable[[Result], set[str]]


def side_by_side() -> list[Check]:
    """Take 20 snapshots, of which three fail, with each tool: the whole play."""
    with Testbed.open(**_SERVER) as testbed, _kubevirt() as cluster:
        contenders = [
            Contender("k8s in a loop", cluster, [_k8s_loop(cluster.url)], of_loop),
            Contender("k8s with a list", cluster, [_k8s_list(cluster.url)], of_list),
            Contender("uri in loops", testbed.palette, _uri_loops(testbed), of_loop),
            Contender("vm_snapshot_set", testbed.palette, [_ours()], of_set),
        ]
        taken = [_measure(testbed, contender) for contender in contenders]
    *others, ours = taken
    fastest = min(seconds for seconds, _checks in others)
    verdict = Check("vm_snapshot_set / fastest of the others", ours[0] / fastest, 1, "times")
    return [verdict, *(check for _seconds, checks in taken for check in checks)]


def of_loop(result: Result) -> set[str]:
    """Return the VMs whose items have failed."""
    return set(result["failed_items"])


def of_list(result: Result) -> set[str]:
    """Return the VMs that the errors of a list of definitions name."""
    results = result["result"].get("results", [])  # of a single definition, there is no list
    errors = [entry["error"] for entry in results if "error" in entry]
    return set(re.findall(r"vm-\d{5}", json.dumps(errors)))


def of_set(result: Result) -> set[str]:
    """Return the VMs whose members have failed."""
    members = result["members"].items()
    return {key.rpartition("/")[2] for key, member in members if member["outcome"] == "failed"}


@contextmanager
def _kubevirt() -> Iterator[Simulator]:
    styles = {"json_style": "kubernetes", "error_style": "kubernetes"}
    with Simulator.running(program="benchmarks.kubevirt", **_SERVER, **styles) as cluster:
        yield cluster


def _measure(testbed: Testbed, contender: Contender) -> tuple[float, list[Check]]:
    """Return the seconds of a contender's play, and all that is worth knowing of it."""
    contender.server.reset()
    for vm in _FAILING:
        contender.server.change_vm(CLUSTER, NAMESPACE, vm, snapshot="fails")
    play = testbed.ansible.play(*contender.tasks, result=True)
    wrong = contender.named(play.result) ^ _FAILING
    requests = contender.server.stats()["requests"]
    say(f"  {contender.name} {play.seconds:.1f} s, {requests} requests, wrong: {sorted(wrong)}")
    target = 0 if contender.named is of_set else None
    return play.seconds, [
        Check(f"  {contender.name}: time", play.seconds, None, "s"),
        Check("    requests", requests, None, "requests"),
        Check("    CPU time of all processes", play.usage.cpu_seconds, None, "s"),
        Check("    memory of the largest process", play.usage.peak_mb, None, "MB"),
        Check("    VMs named wrongly as failed, or not named", len(wrong), target, "VMs"),
    ]


def _k8s_loop(url: str) -> Task:
    return {**_k8s(url, definition=by_hand.body("{{ item }}", _DEADLINE)), "loop": vm_names(_VMS)}


def _k8s_list(url: str) -> Task:
    bodies = [by_hand.body(vm, _DEADLINE) for vm in vm_names(_VMS)]
    # Without the last option, nothing is tried any more after the first failure.
    return _k8s(url, definition=bodies, continue_on_error=True)


def _k8s(url: str, **options: object) -> Task:
    waiting = {
        "wait": True,
        "wait_condition": {"type": "Ready", "status": "True"},
        "wait_sleep": _PAUSE,
        "wait_timeout": _PATIENCE,
    }
    return {
        "kubernetes.core.k8s": {"host": url, "api_key": "a-token", **waiting, **options},
        "vars": {"ansible_python_interpreter": str(RIVALS / "bin" / "python")},
        "ignore_errors": True,
    }


def _uri_loops(testbed: Testbed) -> list[Task]:
    names = vm_names(_VMS)
    phase = "polled.json.status.phase | default('')"
    ready = "polled.json.status.readyToUse | default(false)"
    creation = {**uri(testbed, "{{ item }}", _DEADLINE), "loop": names}
    poll = {
        **uri_to_read(testbed, "{{ item }}"),
        "loop": names,
        "register": "polled",
        "until": f"{ready} or {phase} == 'Failed'",
        "failed_when": f"not {ready}",
        "retries": _PATIENCE,
        "delay": _PAUSE,
        "ignore_errors": True,
    }
    return [creation, poll]


def _ours() -> Task:
    task = vm_snapshot_set(failure_deadline=_DEADLINE, poll_interval=_PAUSE)
    return {**task, "ignore_errors": True}

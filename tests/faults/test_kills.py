# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ansible-playbook killed at each request, in each way: nothing is left, and a rerun completes it.

KILLS=all runs all cells, as ``make faults`` does; else a fixed sample runs.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
import uuid
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from faults.cells import still_off
from faults.evidence import ClusterApi, Run, manifests, stored
from faults.judge import differences, forgotten
from faults.operations import OPERATIONS, Operation
from faults.proxy import Proxy
from faults.ways import in_process
from integration.killed import MARK, heed_signals, marked
from integration.runs import Ansible
from palette_simulator.launch import Simulator

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/environ").exists(), reason="needs /proc to see which processes are left"
)

_FLEET = Path(__file__).with_name("fleet.yml")
_END = 10.0  # seconds until nothing of a killed run may be left
_BEGIN = 60.0  # seconds that ansible-playbook may take to its first requests on a busy machine
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL)
_TARGETS = ("process", "group", "worker")
# How many requests each makes at least: the look-ups, the writes, and a poll.
_REQUESTS = {
    "set": 7,
    "replace": 6,
    "retention": 7,
    "power": 3,
    "offline": 13,
    "restore": 12,
    "restore_set": 15,
}
# Of which one cell in so many runs, in ``make test``.
_SHARES = {
    "set": 10,
    "replace": 10,
    "retention": 10,
    "power": 20,
    "offline": 60,
    "restore": 40,
    "restore_set": 60,
}


class Kill(NamedTuple):
    """What is killed, by which signal, and when: before so many requests are carried out."""

    operation: Operation
    number: signal.Signals
    target: str
    request: int

    @property
    def name(self) -> str:
        """What the cell is called."""
        return f"{self.operation.name}-{self.request}-{self.number.name}-{self.target}"


def _kills() -> list[Kill]:
    kills = [
        Kill(operation, number, target, request)
        for operation in OPERATIONS
        for request in range(1, _REQUESTS.get(operation.name, 0) + 1)
        for number in _SIGNALS
        for target in _TARGETS
    ]
    if os.environ.get("KILLS") == "all":
        return kills
    return [kill for kill in kills if _hash(kill) % _SHARES[kill.operation.name] == 0]


def _hash(kill: Kill) -> int:
    return zlib.crc32(kill.name.encode())


class Gate:
    """Holds up the n-th request and all after it, until it is opened."""

    def __init__(self, number: int) -> None:
        self.reached, self._opened = threading.Event(), threading.Event()
        self._number = number
        self._count = 0
        self._lock = threading.Lock()

    def open(self) -> None:
        """Let all pass."""
        self._opened.set()

    def aim_at(self, _kind: str) -> None:
        """Hold up a request, or let it pass; none is struck."""
        with self._lock:
            self._count += 1
            held = self._count >= self._number
        if held:
            self.reached.set()
            self._opened.wait(_BEGIN)

    def note_end(self, kind: str) -> None:
        """Do nothing: only the beginning of a request counts."""


@pytest.fixture(scope="module")
def palette() -> Iterator[Simulator]:
    # So slow that what goes on after the kill meets the next run.
    with Simulator.running(
        _FLEET, timing="fast", rate_limits="off", latency=0.1, admin_login="token"
    ) as running:
        yield running


@pytest.mark.parametrize("kill", [pytest.param(kill, id=kill.name) for kill in _kills()])
def test_a_killed_run_is_completed_by_the_next(
    palette: Simulator, tmp_path: Path, kill: Kill
) -> None:
    palette.reset()
    gate, operation, cluster = Gate(kill.request), kill.operation, ClusterApi(palette)
    before, estate_before = manifests(palette), cluster.estate()
    with Proxy.running(palette.url, gate, clusters=cluster.clusters) as proxy:
        task = {**operation.task, **_one_by_one(operation), "host": proxy.url}
        left = _killed(Ansible(tmp_path), operation.module, task, gate, kill)
        # At once: what the killed run has left under way may still come.
        told = in_process(operation.module, {**operation.task, "host": palette.url})
        still_there = _ended(left)
    after, estate = stored(manifests(palette)), cluster.estate()
    again = Run(told, stored(before), after, (), estate_before, estate)
    again = again._replace(forgotten=forgotten(operation, again))

    assert differences(operation, again) == [], told.text
    assert again.told.result
    assert not again.told.result.get("failed"), again.told.text
    assert still_there == [], f"still running {_END:g} s after the kill"
    assert still_off(operation, palette.url, cluster) == []


def _one_by_one(operation: Operation) -> dict[str, Any]:
    """Return options with which a task is still at work when it is killed."""
    return {} if operation.module in ("vm_snapshot", "vm_restore") else {"concurrency": 1}


def _killed(
    ansible: Ansible, module: str, options: dict[str, Any], gate: Gate, kill: Kill
) -> list[int]:
    """Run a task and kill it at the gate; return its processes."""
    task = {"name": "Run it", f"spectrocloud.palette.{module}": options}
    playbook = ansible.home / "play.yml"
    playbook.write_text(
        json.dumps([{"hosts": "all", "gather_facts": False, "tasks": [task]}]), encoding="utf-8"
    )
    inventory = ansible.inventory({"localhost": {"ansible_connection": "local"}})
    mark = uuid.uuid4().hex
    environment = ansible.environment(
        **{"RECORDER_FILE": str(ansible.home / "record.jsonl"), MARK: mark}
    )
    with subprocess.Popen(
        ["ansible-playbook", "-i", str(inventory), str(playbook)],
        env=environment,
        cwd=ansible.home,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=heed_signals,  # noqa: PLW1509 - nothing else of this process matters there
    ) as process:
        try:
            assert gate.reached.wait(_BEGIN), "the request to kill at did not come"
            processes = marked(mark)
            _send(process.pid, kill)
            gate.open()
            process.wait(_END)
        finally:
            gate.open()
            process.kill()
        return processes


def _send(main: int, kill: Kill) -> None:
    if kill.target == "group":
        os.killpg(main, kill.number)
        return
    children = Path(f"/proc/{main}/task/{main}/children").read_text(encoding="utf-8").split()
    os.kill(main if kill.target == "process" else int(children[-1]), kill.number)


def _ended(processes: list[int]) -> list[int]:
    """Wait for the end of processes, and return those that had to be ended."""
    deadline = time.monotonic() + _END
    while (left := [pid for pid in processes if _runs(pid)]) and time.monotonic() < deadline:
        time.sleep(0.05)
    for pid in left:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return left


def _runs(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run killed at each request, in each way: nothing is left, and a rerun completes it.

In process, each signal strikes ansible-playbook, its group or its worker. As a module in a process
of its own, what differs in kind:

- SIGKILL to the module, as by the OOM killer, or when its machine loses power; SIGTERM to it, as
  when its machine shuts down;
- SIGKILL to ansible-playbook or to the worker alone, which leaves the module without a parent;
- SIGKILL to the group, and SIGINT to it, as Ctrl-C sends it;
- SIGKILL to the group where the connection stays, as SSH's does: the module goes on, as Ansible's
  own modules do, beside the rerun. That may be refused where the module is restoring a VM.

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
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from faults.cells import still_off
from faults.evidence import ClusterApi, Estate, Run, Stored, manifests, stored
from faults.judge import differences, forgotten, rows_of
from faults.operations import OPERATIONS, Operation
from faults.proxy import Proxy
from faults.ways import Told, in_process
from integration.killed import MARK, heed_signals, marked
from integration.runs import Ansible
from palette_simulator.launch import Simulator

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/environ").exists(), reason="needs /proc to see which processes are left"
)

_ALL = os.environ.get("KILLS") == "all"
_FLEET = Path(__file__).with_name("fleet.yml")
_END = 10.0  # seconds until nothing of a killed run may be left
_BEGIN = 300.0  # seconds that ansible-playbook may take to its first requests on a busy machine
_ALONE = 60.0  # seconds that a module may go on alone
_BOTH_BEGIN = 20.0  # seconds that a run and the next may take to begin
# Why a task leaves a VM alone that another run restores. See docs/when-it-fails.md.
_BUSY = {"conflict", "restore_in_progress"}
# Where each stands in the line of ansible-playbook and its descendants.
_PLACES = {"process": 0, "worker": 1, "module": -1}
# How many requests each makes at least: the look-ups, the writes, and a poll.
_REQUESTS = {
    "set": 7,
    "replace": 6,
    "retention": 7,
    "power": 3,
    "offline": 13,
    "restore": 12,
    "restore_set": 14,
}
# Of which, in process, one cell in so many runs in ``make test``.
_SHARES = {
    "set": 10,
    "replace": 10,
    "retention": 10,
    "power": 20,
    "offline": 60,
    "restore": 40,
    "restore_set": 60,
}


class Blow(NamedTuple):
    """Which process is killed by which signal. connection: to where the task runs.

    Over any but the local one, the task runs as a module.
    """

    number: signal.Signals
    target: str
    connection: str = "local"

    @property
    def in_process(self) -> bool:
        """Whether the task runs in ansible-playbook's worker."""
        return self.connection == "local"

    @property
    def name(self) -> str:
        """What it is called."""
        way = [] if self.in_process else [self.connection]
        return "-".join([self.number.name, self.target, *way])


_STAYING = Blow(signal.SIGKILL, "group", "staying")
_BLOWS = (
    *(
        Blow(number, target)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL)
        for target in ("process", "group", "worker")
    ),
    *(Blow(number, "module", "remote") for number in (signal.SIGTERM, signal.SIGKILL)),
    *(Blow(signal.SIGKILL, target, "remote") for target in ("process", "worker", "group")),
    Blow(signal.SIGINT, "group", "remote"),
    _STAYING,
)


class Kill(NamedTuple):
    """A blow, and when it strikes: before so many requests of an operation are carried out."""

    operation: Operation
    request: int
    blow: Blow

    @property
    def name(self) -> str:
        """What the cell is called."""
        return f"{self.operation.name}-{self.request}-{self.blow.name}"


def _kills() -> list[Kill]:
    kills = [
        Kill(operation, request, blow)
        for operation in OPERATIONS
        for request in range(1, _REQUESTS.get(operation.name, 0) + 1)
        for blow in _BLOWS
    ]
    return kills if _ALL else [*_share_in_process(kills), *_each_once_as_module(kills)]


def _share_in_process(kills: Sequence[Kill]) -> list[Kill]:
    mine = [kill for kill in kills if kill.blow.in_process]
    return [kill for kill in mine if _hash(kill) % _SHARES[kill.operation.name] == 0]


def _each_once_as_module(kills: Sequence[Kill]) -> list[Kill]:
    """Return a cell of each operation, and of each blow."""
    blows = [blow for blow in _BLOWS if not blow.in_process]
    groups = [
        [kill for kill in kills if (kill.operation.name, kill.blow) == pair]
        for pair in zip(_REQUESTS, blows, strict=True)
    ]
    return [min(group, key=_hash) for group in groups]


def _hash(kill: Kill) -> int:
    return zlib.crc32(kill.name.encode())


def _going_on() -> list[Operation]:
    sample = _REQUESTS if _ALL else ("restore",)
    return [operation for operation in OPERATIONS if operation.name in sample]


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


class There(NamedTuple):
    """What there is."""

    snapshots: Sequence[Stored]
    estate: Estate


class Stage:
    """Where operations are killed. cluster: the fleet's cluster."""

    def __init__(self, palette: Simulator, home: Path) -> None:
        palette.reset()
        self.palette, self.cluster = palette, ClusterApi(palette)
        self._ansible = Ansible(home)
        self._before = self._there()

    @contextmanager
    def killed(self, kill: Kill) -> Iterator[list[int]]:
        """Run an operation's task and kill it.

        Yield its processes. What they have left under way passes the gate until the block's end.
        """
        gate, operation = Gate(kill.request), kill.operation
        if kill.blow == _STAYING and "unless_newer_than" in operation.options:
            _await_time_in_the_minute()
        with Proxy.running(self.palette.url, gate, clusters=self.cluster.clusters) as proxy:
            options = {**operation.task, **_one_by_one(operation), "host": proxy.url}
            task = {f"spectrocloud.palette.{operation.module}": options}
            yield _killed(self._ansible, task, gate, kill.blow)

    def complete(self, operation: Operation) -> Told:
        """Run an operation's task to its end."""
        return in_process(operation.module, {**operation.task, "host": self.palette.url})

    def so_far(self, told: Told) -> Run:
        """Return what has become of the fleet, and what the last task told."""
        before, now = self._before, self._there()
        return Run(told, before.snapshots, now.snapshots, (), before.estate, now.estate)

    def _there(self) -> There:
        return There(stored(manifests(self.palette)), self.cluster.estate())


@pytest.mark.parametrize("kill", [pytest.param(kill, id=kill.name) for kill in _kills()])
def test_a_killed_run_is_completed_by_the_next(
    palette: Simulator, tmp_path: Path, kill: Kill
) -> None:
    stage, operation = Stage(palette, tmp_path), kill.operation
    goes_on = kill.blow == _STAYING
    limit = _ALONE if goes_on else _END
    with stage.killed(kill) as left:
        # At once: what the killed run has left under way may still come.
        told = stage.complete(operation)
        still_there = _ended(left, limit)

    assert still_there == [], f"still running {limit:g} s after the kill"
    _assert_done(stage, operation, told)
    if goes_on and _is_refused(operation, told):
        # The module was faster, and has done it. Now that it has ended, nothing is in the way.
        told = stage.complete(operation)
        _assert_done(stage, operation, told)
    assert told.result
    assert not told.result.get("failed"), told.text
    assert still_off(operation, palette.url, stage.cluster) == []


def _assert_done(stage: Stage, operation: Operation, told: Told) -> None:
    run = stage.so_far(told)
    run = run._replace(forgotten=forgotten(operation, run))
    assert differences(operation, run) == [], told.text


def _is_refused(operation: Operation, told: Told) -> bool:
    """Say whether a task only failed because another run was restoring the VMs."""
    rows = rows_of(operation, told.result or {})
    reasons = {row.reason for row in rows if row.outcome == "failed"}
    return bool(reasons) and reasons <= _BUSY


@pytest.mark.parametrize("operation", [pytest.param(each, id=each.name) for each in _going_on()])
def test_a_module_goes_on_alone_where_its_connection_stays(
    palette: Simulator, tmp_path: Path, operation: Operation
) -> None:
    stage = Stage(palette, tmp_path)
    with stage.killed(Kill(operation, 1, _STAYING)) as left:
        still_there = _ended(left, _ALONE)

    assert differences(operation, stage.so_far(Told(None, ""))) == []
    assert still_there == [], f"still running {_ALONE:g} s after the kill"


def _one_by_one(operation: Operation) -> dict[str, Any]:
    """Return options with which a task is still at work when it is killed."""
    return {} if operation.module in ("vm_snapshot", "vm_restore") else {"concurrency": 1}


def _await_time_in_the_minute() -> None:
    """Wait until the next run begins in the same minute: the snapshots of both have one name then.

    Two that begin in different minutes can both take one, as the page "When it fails" says.
    """
    left = 60 - time.time() % 60
    if left < _BOTH_BEGIN:
        time.sleep(left)


def _killed(ansible: Ansible, task: dict[str, Any], gate: Gate, blow: Blow) -> list[int]:
    """Run a task and kill it at the gate; return its processes."""
    # Delegated, so that it runs as a module where the host is not this machine.
    play = {"hosts": "all", "gather_facts": False, "tasks": [{**task, "delegate_to": "target"}]}
    playbook = ansible.home / "play.yml"
    playbook.write_text(json.dumps([play]), encoding="utf-8")
    inventory = ansible.inventory({"target": {"ansible_connection": blow.connection}})
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
            processes, line = marked(mark), _descent(process.pid)
            assert (len(line) == 2) == blow.in_process, "the task runs in the other way"
            _send(line, blow)
            gate.open()
            process.wait(_END)
        finally:
            gate.open()
            process.kill()
        return processes


def _send(line: Sequence[int], blow: Blow) -> None:
    """Strike ansible-playbook, or one of those that descend from it."""
    if blow.target == "group":
        os.killpg(line[0], blow.number)
    else:
        os.kill(line[_PLACES[blow.target]], blow.number)


def _descent(process: int) -> list[int]:
    """Return a process, what it has started last, what that has started last, and so on."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text(encoding="utf-8").split()
    return [process, *(_descent(int(children[-1])) if children else [])]


def _ended(processes: list[int], limit: float) -> list[int]:
    """Wait so many seconds for the end of processes, and return those that had to be ended."""
    deadline = time.monotonic() + limit
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

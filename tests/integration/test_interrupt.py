# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A set of 1,000 VMs, interrupted at a random moment: the same task completes it, each VM once."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from integration.killed import MARK, heed_signals, marked
from integration.runs import Ansible
from palette_simulator.launch import LIMIT, Simulator

VMS = 1_000
ENDED_WITHIN = 25.0  # seconds; requests that are held up would be given up after 30
BEFORE = 1  # snapshot of the demo fleet, which is not of the set
# These end ansible-playbook at once. Workers of newer ansible-cores have a session of their own.
UNHANDLED = (signal.SIGHUP, signal.SIGKILL)

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/environ").exists(), reason="needs /proc to see which processes are left"
)

# Once more as before: PALETTE_TEST_SEED=… pytest tests/integration/test_interrupt.py
SEED = int(os.environ.get("PALETTE_TEST_SEED", random.randrange(2**32)))


@pytest.fixture(scope="module")
def palette() -> Iterator[Simulator]:
    """A Palette with many VMs."""
    with Simulator.running("demo", vms=VMS, timing="fast", rate_limits="off") as running:
        yield running


class Task:
    """A play of the one task, which can be interrupted and run again."""

    def __init__(self, home: Path, palette: Simulator, connection: str, **options: Any) -> None:
        self.ansible = Ansible(home)
        self.palette = palette
        connected = {"host": palette.url, "api_key": "demo-key", "rate_limit": 0}
        selected = {"set": "nightly", "cluster": "vm-cluster-1", "namespaces": ["fleet"]}
        arguments = {**connected, **selected, "project": "Default", "poll_interval": 0.5, **options}
        # Delegated, so that it runs as a module where the host is not this machine.
        task = {
            "name": "Take the set",
            "spectrocloud.palette.vm_snapshot_set": arguments,
            "delegate_to": "vms",
        }
        self._playbook = home / "set.yml"
        play = {"hosts": "all", "gather_facts": False, "tasks": [task]}
        self._playbook.write_text(json.dumps([play]), encoding="utf-8")
        self._inventory = self.ansible.inventory({"vms": {"ansible_connection": connection}})

    def interrupt(self, number: signal.Signals, after_posts: int) -> None:
        """Run it and send it a signal when so many snapshots have been asked for.

        Further requests are held up until then, so that it cannot end before. After a signal that
        Ansible does not handle they stay held up: nobody may go on.
        """
        held_up = {"action": "delay", "seconds": LIMIT, "skip": after_posts, "times": None}
        self.palette.inject({**held_up, "method": "POST", "path": "/snapshot$"})
        mark = uuid.uuid4().hex
        record = self.ansible.home / "interrupted.jsonl"
        command = ["ansible-playbook", "-i", str(self._inventory), str(self._playbook)]
        with subprocess.Popen(
            [str(Path(sys.executable).with_name(command[0])), *command[1:]],
            env=self.ansible.environment(**{"RECORDER_FILE": str(record), MARK: mark}),
            cwd=self.ansible.home,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=heed_signals,  # noqa: PLW1509 - nothing else of this process matters there
        ) as process:
            try:
                self._await_posts(process, after_posts)
                assert marked(mark)
                # To the whole group, as a terminal and AWX do: older ansible-cores do not pass it
                # on to their workers.
                os.killpg(process.pid, number)
                if number not in UNHANDLED:
                    self.palette.clear_faults()
                assert process.wait(LIMIT) != 0
            finally:
                process.kill()
        assert _left(mark) == []
        self.palette.clear_faults()

    def run(self) -> dict[str, Any]:
        """Run it to its end and return its result."""
        return self.ansible.playbook(self._playbook, self._inventory).ok().of("Take the set")

    def _await_posts(self, process: subprocess.Popen[bytes], count: int) -> None:
        while self.palette.stats()["operations"].get("create_snapshot", 0) < count:
            assert process.poll() is None, "the task ended before it could be interrupted"
            time.sleep(0.01)


def _left(mark: str) -> list[int]:
    """Return the processes of a run that have not ended, when they have had time to do so."""
    deadline = time.monotonic() + ENDED_WITHIN
    while (left := marked(mark)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left


@pytest.mark.parametrize(
    ("number", "connection", "options"),
    [
        pytest.param(signal.SIGINT, "local", {}, id="SIGINT"),
        pytest.param(signal.SIGTERM, "local", {}, id="SIGTERM"),
        pytest.param(signal.SIGHUP, "local", {}, id="SIGHUP"),
        pytest.param(signal.SIGKILL, "local", {}, id="SIGKILL"),
        pytest.param(signal.SIGKILL, "remote", {}, id="SIGKILL-module"),
        pytest.param(
            signal.SIGINT, "local", {"unless_newer_than": "1h"}, id="SIGINT-unless_newer_than"
        ),
        pytest.param(
            signal.SIGTERM,
            "remote",
            {"unless_newer_than": "1h"},
            id="SIGTERM-unless_newer_than-module",
        ),
    ],
)
def test_the_same_task_completes_an_interrupted_set(
    palette: Simulator,
    tmp_path: Path,
    number: signal.Signals,
    connection: str,
    options: dict[str, Any],
) -> None:
    palette.reset()
    after_posts = random.Random(f"{SEED} {connection} {options} {number}").randint(1, VMS - 50)
    print(f"PALETTE_TEST_SEED={SEED}: {number.name} after {after_posts} requests")  # noqa: T201
    task = Task(tmp_path, palette, connection, **options)

    task.interrupt(number, after_posts)

    members = task.run()["members"].values()
    kept = "fresh" if "unless_newer_than" in options else "unchanged"
    outcomes = Counter(member["outcome"] for member in members)
    assert set(outcomes) <= {kept, "created"}
    assert outcomes[kept] >= after_posts
    assert all(member["status"]["ready_to_use"] for member in members)
    assert len({member["status"]["vm_name"] for member in members}) == VMS
    assert palette.stats()["snapshots"] == VMS + BEFORE

    again = task.run()
    assert not again["changed"]
    assert palette.stats()["snapshots"] == VMS + BEFORE

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Exactly once: 500 snapshots are taken, while requests fail at random."""

from __future__ import annotations

import random
import threading
from pathlib import Path

import pytest

from faults.catalogue import CATALOGUE
from faults.evidence import Run, manifests, stored, writes_in
from faults.judge import Circumstances, complaints, not_healed
from faults.operations import CONNECTION, Operation
from faults.proxy import CREATE, LIST, Aim, Proxy
from faults.ways import in_process
from palette_simulator.launch import Simulator

_VMS = 500
_FLEET = Path(__file__).with_name("fleet.yml")
_SET = Operation(
    "set",
    "vm_snapshot_set",
    {
        "set": "once",
        "namespaces": ["fleet"],
        "unless_newer_than": "20h",
        "members": "all",
        "concurrency": 16,
        "max_in_progress": str(_VMS),
        "poll_interval": 1,
        "wait_timeout": 60,
        "progress": False,
    },
    (),
    taken=frozenset(f"vm-{number:05}" for number in range(1, _VMS + 1)),
)
# After one of these, another attempt can succeed.
_PASSING = (
    "reset",
    "close without an answer",
    "hang",
    "truncated body",
    "garbage instead of HTTP",
    "chunked, cut",
    "gzip rubbish",
    "200 html",
    "200 empty",
    "null",
    "408 html",
    "425 empty",
    "429 empty",
    "499 html",
    "500 html",
    "502 html",
    "503 empty",
    "504 html",
)


class Dice:
    """Strikes a share of the creations and lists, by a fixed seed."""

    def __init__(self, seed: int, share: float) -> None:
        self.strikes = 0
        self._random = random.Random(seed)
        self._share = share
        self._faults = [fault for fault in CATALOGUE if fault.name in _PASSING]
        self._created = False
        self._lock = threading.Lock()

    def aim_at(self, kind: str) -> Aim | None:
        """Return what strikes a request, if anything does."""
        with self._lock:
            self._created = self._created or kind == CREATE
            hit = self._random.random() < self._share
            fault, carried_out = self._random.choice(self._faults), self._random.random() < 0.5
            if not hit or kind not in (CREATE, LIST):
                return None
            self.strikes += 1
            if fault.name == "hang" and kind == LIST and not self._created:
                # The first look at all VMs may time out twice (MOST_TIMEOUTS), which ends the task.
                fault = self._faults[0]
            return Aim(fault, kind, carried_out)

    def note_end(self, kind: str) -> None:
        """Do nothing: what is struck does not depend on it."""


@pytest.mark.parametrize(("seed", "share"), [(1, 0.05), (2, 0.1), (3, 0.2)])
def test_500_snapshots_are_taken_exactly_once(seed: int, share: float) -> None:
    dice = Dice(seed, share)
    # With the default of 4, one request in 3,000 would be struck each time it is tried.
    options = {**CONNECTION, "retries": 9, **_SET.options}
    with Simulator.running(_FLEET, timing="fast", rate_limits="off", vms=_VMS) as palette:
        before = stored(manifests(palette))
        with Proxy.running(palette.url, dice) as proxy:
            told = in_process(_SET.module, {**options, "host": proxy.url}, limit=300)
        struck = Run(told, before, stored(manifests(palette)), writes_in(palette))
        palette.clear_requests()
        told = in_process(_SET.module, {**options, "host": palette.url}, limit=300)
        again = Run(told, before, stored(manifests(palette)), writes_in(palette))

    assert complaints(_SET, struck, Circumstances()) == []
    assert dice.strikes >= _VMS * share
    assert len(struck.writes) == len(struck.after) - len(before) == _VMS
    assert not_healed(_SET, again) == []

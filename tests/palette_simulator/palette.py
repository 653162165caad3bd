# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The running Palette: its state, switches, request log, faults, sick clusters and rate limits."""

from __future__ import annotations

import time

from palette_simulator.build import build
from palette_simulator.faults import FaultList
from palette_simulator.fleet import Fleet
from palette_simulator.journal import Journal
from palette_simulator.kubernetes.access import Access
from palette_simulator.ratelimit import RateLimiter
from palette_simulator.sickness import Ward
from palette_simulator.switches import Switches
from palette_simulator.timing import load_timing


class Palette:
    """Everything a request handler needs."""

    def __init__(self, fleet: Fleet, switches: Switches, journal: Journal) -> None:
        self._fleet = fleet
        self._first_switches = switches
        self.journal = journal
        self.faults = FaultList()
        self.ward = Ward()
        self.access = Access()
        self.reset()

    def reset(self) -> None:
        """Start again: fleet and switches as first given, all in order, an empty log."""
        self.switches = self._first_switches
        self.limiter = RateLimiter()
        self.faults.clear()
        self.ward.clear()
        timing = load_timing(self.switches.timing, self.switches.time_scale)
        self.state = build(self._fleet, timing, time.time())
        self._tell_switches()
        self.pace_storage()
        self.journal.clear()

    def now(self) -> float:
        """The time by the server's clock; what happens in the clusters follows this machine's."""
        return time.time() + self.switches.clock_offset

    def switch(self, changes: object) -> None:
        """Change some switches; ValueError names a wrong one."""
        switches = self.switches.but(changes)
        timing = load_timing(switches.timing, switches.time_scale)
        self.switches = switches
        for cluster in self.state.clusters.values():
            cluster.timing = timing
        self._tell_switches()
        self.pace_storage()

    def _tell_switches(self) -> None:
        for cluster in self.state.clusters.values():
            cluster.switches = self.switches

    def pace_storage(self) -> None:
        """Let the clusters' storage be as fast as the switches, or they themselves, say."""
        switches, now = self.switches, time.time()
        for cluster in self.state.clusters.values():
            cluster.pace_storage(switches.cuts_per_second, switches.cut_burst, now)

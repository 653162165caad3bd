# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One simulator for all tests of a module, started again for each of them."""

from __future__ import annotations

import functools
from collections.abc import Iterator

import pytest

from palette_simulator.launch import Simulator
from palette_simulator.probe import Probe
from vendor_contract import VendorContract


@pytest.fixture(scope="session")
def running() -> Iterator[Simulator]:
    """A simulator of the test fleet."""
    with Simulator.running(
        fleet="test", timing="fast", rate_limits="off", log_bodies=True
    ) as palette:
        yield palette


@pytest.fixture
def palette(running: Simulator) -> Iterator[Simulator]:
    """The same, as if just started; what it answered in the test keeps to the contract."""
    running.reset()
    yield running
    assert _contract().problems_in_log(running.requests()) == []


@pytest.fixture
def probe(palette: Simulator) -> Iterator[Probe]:
    """A probe for that simulator."""
    with Probe.of(palette) as probe:
        yield probe


@functools.cache
def _contract() -> VendorContract:
    return VendorContract.load()

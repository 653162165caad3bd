# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Palette and a user for the tests of the role."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from integration.role_user import User
from integration.runs import Ansible
from palette_simulator.launch import Simulator


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    """One simulator for all tests of a file."""
    with Simulator.running("test", timing="fast", rate_limits="off") as running:
        yield running


@pytest.fixture
def palette(simulator: Simulator) -> Simulator:
    """The simulator as its fleet file says."""
    simulator.reset()
    simulator.clear_requests()
    return simulator


@pytest.fixture
def user(tmp_path: Path, palette: Simulator) -> User:
    """A user with nothing but the collection."""
    return User(Ansible(tmp_path), palette)

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures of the tests of Palette's client."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from ansible_collections.spectrocloud.palette.plugins.module_utils._palette.client import (
    PaletteClient,
)
from unit.fakes import Clock, ScriptedServer
from unit.module_utils._palette.calls import client_of


@pytest.fixture
def client(server: ScriptedServer, clock: Clock) -> PaletteClient:
    """A client of the scripted server that loses no time between two attempts."""
    return client_of(server.url)


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port that nobody listens at."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]

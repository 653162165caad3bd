# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures of all unit tests: no time passes and nothing of the user's environment is seen."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from ansible_collections.spectrocloud.palette.plugins.module_utils._http import (
    deadline,
    rate_limit,
)
from unit.fakes import Clock, ScriptedServer

# On a busy machine an example may take any time.
settings.register_profile("unit", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unit")

_OF_THE_USER = ("proxy", "ca_bundle", "palette_", "spectrocloud_", "netrc")


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name a task's options by their keys, so that ``-k`` finds the tests of an option."""
    return "+".join(val) if argname == "options" and isinstance(val, dict) and val else None


@pytest.fixture
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Hide proxies, CA bundles, .netrc and Palette's variables."""
    for name in list(os.environ):
        if any(part in name.lower() for part in _OF_THE_USER):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Time for the client, which passes only where it pauses."""
    clock = Clock()
    monkeypatch.setattr(deadline, "time", clock)
    monkeypatch.setattr(rate_limit, "time", clock)
    return clock


@pytest.fixture
def server(bare_environment: None) -> Iterator[ScriptedServer]:
    """A server over plain HTTP that follows a script."""
    with ScriptedServer.running() as server:
        yield server

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures of all unit tests: no time passes and nothing of the user's environment is seen."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.spectrocloud.palette.plugins.module_utils._palette import deadline, retry
from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots import execute
from unit.fakes import Clock, ScriptedServer

_OF_THE_USER = ("proxy", "ca_bundle", "palette_", "spectrocloud_", "netrc")


@pytest.fixture
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Hide proxies, CA bundles, .netrc and Palette's variables."""
    for name in list(os.environ):
        if any(part in name.lower() for part in _OF_THE_USER):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Time for retries and waiting, which passes only where they sleep."""
    clock = Clock()
    monkeypatch.setattr(deadline, "time", clock)
    monkeypatch.setattr(retry, "time", clock)
    monkeypatch.setattr(execute, "time", clock)
    return clock


@pytest.fixture
def server(bare_environment: None) -> Iterator[ScriptedServer]:
    """A server over plain HTTP that follows a script."""
    with ScriptedServer.running() as server:
        yield server

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The development environment is installed from where the machine's pip is told to install."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ansible_collections.spectrocloud.palette.tools.make_venv import UV_NAMES, uv_environment

PIP = [sys.executable, "-m", "pip"]


@pytest.fixture(autouse=True)
def configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A pip.conf of the test's own, where nothing else is said to pip or uv."""
    for name in ("index-url", "extra-index-url", "find-links", "no-index", "trusted-host", "cert"):
        monkeypatch.delenv(f"PIP_{name.upper().replace('-', '_')}", raising=False)
    for name in UV_NAMES.values():
        monkeypatch.delenv(name, raising=False)
    path = tmp_path / "pip.conf"
    monkeypatch.setenv("PIP_CONFIG_FILE", str(path))
    return path


def test_uv_is_told_what_pip_is_told_in_a_file(configuration: Path) -> None:
    configuration.write_text(
        "[global]\nindex-url = https://mirror.example/simple\n"
        "extra-index-url =\n  https://a.example/simple\n  https://b.example/simple\n"
    )
    environment = uv_environment(PIP)
    assert environment["UV_DEFAULT_INDEX"] == "https://mirror.example/simple"
    assert environment["UV_INDEX"] == "https://a.example/simple https://b.example/simple"


def test_a_variable_for_pip_overrides_the_file(
    configuration: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configuration.write_text("[global]\nindex-url = https://mirror.example/simple\n")
    monkeypatch.setenv("PIP_INDEX_URL", "https://other.example/simple")
    assert uv_environment(PIP)["UV_DEFAULT_INDEX"] == "https://other.example/simple"


def test_what_is_said_to_uv_itself_wins(
    configuration: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configuration.write_text("[global]\nindex-url = https://mirror.example/simple\n")
    monkeypatch.setenv("UV_DEFAULT_INDEX", "https://uv.example/simple")
    assert uv_environment(PIP)["UV_DEFAULT_INDEX"] == "https://uv.example/simple"


def test_uv_downloads_no_interpreter() -> None:
    assert uv_environment(PIP)["UV_PYTHON_DOWNLOADS"] == "never"

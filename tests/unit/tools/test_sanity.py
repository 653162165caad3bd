# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ansible-test installs from where the machine's pip is told to install."""

from __future__ import annotations

from configparser import RawConfigParser
from pathlib import Path

import pytest

from ansible_collections.spectrocloud.palette.tools.sanity import pip_configuration


def test_pips_files_and_variables_become_one_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "pip.conf"
    file.write_text(
        "[global]\nindex-url = https://mirror.example/simple\nretries = 1\n"
        "extra-index-url =\n  https://a.example/simple\n  https://b.example/simple\n"
        "[install]\nretries = 2\n"
    )
    for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", str(file))
    monkeypatch.setenv("PIP_RETRIES", "3")
    parser = RawConfigParser()
    parser.read_string(pip_configuration())
    settings = parser["global"]
    assert settings["index-url"] == "https://mirror.example/simple"
    assert settings["extra-index-url"] == "https://a.example/simple https://b.example/simple"
    assert settings["retries"] == "3"
    assert settings["quiet"] == "2"

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter show_warnings, as Ansible finds it."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError
from ansible.utils.display import Display

from ansible_collections.spectrocloud.palette.plugins.filter import show_warnings as plugin

show_warnings = plugin.FilterModule().filters()["show_warnings"]


def test_show_warnings_shows_each(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []
    monkeypatch.setattr(Display, "warning", lambda _self, text: shown.append(text))
    assert show_warnings({"warnings": ["one", "two"]}) == []
    assert show_warnings({"changed": False}) == []
    assert shown == ["one", "two"]


def test_show_warnings_takes_a_result() -> None:
    with pytest.raises(AnsibleFilterError, match="takes a dictionary, not a list"):
        show_warnings([])

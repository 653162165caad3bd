# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter table, as Ansible finds it."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.spectrocloud.palette.plugins.filter.table import FilterModule

table = FilterModule().filters()["table"]


def test_table_aligns_columns_below_their_names() -> None:
    rows = [{"vm_name": "db1", "ready": True}, {"vm_name": "a-longer-name", "ready": False}]
    assert table(rows, ["vm_name", "ready"]) == [
        "VM NAME        READY",
        "db1            yes",
        "a-longer-name  no",
    ]


def test_table_shows_what_is_missing_and_keeps_each_row_on_its_line() -> None:
    rows = [{"a": None, "c": "two\nlines"}, {"a": 0, "b": "", "c": 1.5}]
    assert table(rows, ["a", "b", "c"]) == ["A  B  C", "-  -  two lines", "0     1.5"]


def test_table_of_nothing_has_its_heading() -> None:
    assert table(iter([]), ["name"]) == ["NAME"]


def test_table_takes_only_dictionaries() -> None:
    with pytest.raises(AnsibleFilterError, match="list of dictionaries"):
        table(["db1"], ["name"])

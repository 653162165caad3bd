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


@pytest.mark.parametrize(
    ("seconds", "age"),
    [
        (0, "0s"),
        (59, "59s"),
        (60, "1m"),
        (3599, "59m"),
        (10800, "3h"),
        (26 * 3600, "26h"),
        (48 * 3600 - 1, "47h"),
        (48 * 3600, "2d"),
        (1296000, "15d"),
        (None, "-"),
    ],
)
def test_table_shows_an_age_in_its_largest_unit(seconds: int | None, age: str) -> None:
    assert table([{"age_seconds": seconds}], ["age"]) == ["AGE", age]


def test_table_shows_an_age_that_a_row_has_as_it_is() -> None:
    assert table([{"age": "old", "age_seconds": 1}], ["age"]) == ["AGE", "old"]


def test_table_leaves_optional_columns_out_where_no_row_has_anything_to_show() -> None:
    rows = [{"a": 1, "b": None, "c": False, "d": [], "e": ""}, {"a": 2, "e": "x"}]
    columns = ["a", "b", "c", "d", "e"]
    assert table(rows, columns, optional=columns[1:]) == ["A  E", "1", "2  x"]


def test_table_shows_lists_in_one_cell_and_headings_as_asked() -> None:
    rows = [{"kept_by": ["keep_last", "keep_daily"]}, {"kept_by": []}]
    assert table(rows, ["kept_by"], headings={"kept_by": "why_not"}) == [
        "WHY NOT",
        "keep_last, keep_daily",
        "-",
    ]


@pytest.mark.parametrize(("rows", "more"), [(2, []), (3, ["and 1 more"])])
def test_table_says_how_many_rows_it_does_not_show(rows: int, more: list[str]) -> None:
    assert table([{"a": n} for n in range(rows)], ["a"], limit=2) == ["A", "0", "1", *more]


def test_table_takes_only_dictionaries() -> None:
    with pytest.raises(AnsibleFilterError, match="list of dictionaries"):
        table(["db1"], ["name"])


def test_table_refuses_a_column_that_no_row_has() -> None:
    rows = [{"vm_name": "db1", "age_seconds": 1}]
    with pytest.raises(AnsibleFilterError, match="table: no row has 'vm_nmae'; nearest: vm_name"):
        table(rows, ["vm_nmae"])
    with pytest.raises(AnsibleFilterError, match="the rows have age, age_seconds, vm_name"):
        table(rows, ["zzz"])
    assert table(rows, ["vm_name", "zzz"], optional=["zzz"]) == ["VM NAME", "db1"]
    assert table([], ["zzz"]) == ["ZZZ"]


def test_table_shows_nothing_that_steers_a_terminal_and_ends_long_texts() -> None:
    rows = [{"a": "\x1b[2J\x9bx\u202e", "b": ["\x07y", "z" * 9_999]}]
    _heading, line = table(rows, ["a", "b"])
    assert line.startswith("[2Jx  y, zzz")
    assert line.endswith("z …")
    assert len(line) < 600

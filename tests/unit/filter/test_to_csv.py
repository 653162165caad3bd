# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter to_csv, as Ansible finds it."""

from __future__ import annotations

import csv
import io

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.spectrocloud.palette.plugins.filter.to_csv import FilterModule

to_csv = FilterModule().filters()["to_csv"]


def test_to_csv_writes_the_columns_of_the_rows() -> None:
    rows = [{"a": "x", "b": True, "c": None, "d": 1}, {"b": False, "d": -1.5, "z": "other"}]
    assert to_csv(rows, ["a", "b", "c", "d"]) == "a,b,c,d\nx,true,,1\n,false,,-1.5\n"


def test_to_csv_writes_lists_and_dictionaries_in_one_cell() -> None:
    assert to_csv([{"a": ["x", "y"], "b": {"k": "v"}}], ["a", "b"]) == (
        'a,b\nx y,"{""k"": ""v""}"\n'
    )


def test_to_csv_can_be_read_back_whatever_a_text_has() -> None:
    texts = ["two\nlines", 'quo"te', "com,ma", " blanks "]
    written = to_csv([{"a": text} for text in texts], ["a"])
    assert [row[0] for row in csv.reader(io.StringIO(written, newline=""))] == ["a", *texts]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@a", "\tx"])
def test_to_csv_disarms_what_a_spreadsheet_would_calculate(text: str) -> None:
    (row,) = csv.DictReader(io.StringIO(to_csv([{"a": text}], ["a"])))
    assert row["a"] == f"'{text}"


def test_to_csv_takes_only_dictionaries() -> None:
    with pytest.raises(AnsibleFilterError, match="list of dictionaries"):
        to_csv(["db1"], ["name"])


def test_to_csv_knows_an_age_as_table_does() -> None:
    assert to_csv([{"age_seconds": 10800}], ["age", "age_seconds"]) == "age,age_seconds\n3h,10800\n"


def test_to_csv_refuses_a_column_that_no_row_has() -> None:
    with pytest.raises(AnsibleFilterError, match="to_csv: no row has 'nmae'; nearest: name"):
        to_csv([{"name": "s"}], ["nmae"])
    assert to_csv([], ["nmae"]) == "nmae\n"

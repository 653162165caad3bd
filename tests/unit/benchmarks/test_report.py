# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report: target and measured side by side, and one missed target is a failure."""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks import report
from benchmarks.figures import Check

FASTER = Check("uri / vm_snapshot", 31.4159, 25, "times", at_least=True)
TOO_MUCH = Check("memory", 312.5, 250, "MB")
FACT = Check("answers", 7, None, "answers")


def test_the_table_has_target_and_measured_side_by_side() -> None:
    assert report.table({"1": [FASTER, FACT], "6": [TOO_MUCH]}).splitlines() == [
        "#  measured is        target       measured",
        "1  uri / vm_snapshot  >= 25 times  31.416 times  met",
        "1  answers                         7 answers",
        "6  memory             <= 250 MB    312.5 MB      MISSED",
    ]


def test_one_missed_target_is_a_failure() -> None:
    assert report.all_met({"1": [FASTER, FACT]})
    assert not report.all_met({"1": [FASTER, FACT], "6": [TOO_MUCH]})


def test_the_results_are_written_with_their_verdicts(tmp_path: Path) -> None:
    path = tmp_path / "build" / "bench.json"
    report.write({"1": [FASTER], "6": [TOO_MUCH]}, 0.254, path)
    written = json.loads(path.read_text(encoding="utf-8"))
    assert written["met"] is False
    assert written["load_average_before"] == 0.25
    assert written["benchmarks"]["6"] == [
        {
            "what": "memory",
            "measured": 312.5,
            "target": 250,
            "unit": "MB",
            "at_least": False,
            "met": False,
        }
    ]

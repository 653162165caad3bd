# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a check of ``make test`` shows, and that its failure is one."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

TOOLS = Path(__file__).resolve().parents[3] / "tools"


class Checks:
    """A checkout with the runner of checks and a tool to run by it."""

    def __init__(self, folder: Path) -> None:
        self.logs = folder / "build" / "logs"
        self._runner = folder / "tools" / "check.sh"
        self._runner.parent.mkdir()
        shutil.copy(TOOLS / "check.sh", self._runner)
        self._path = f"{folder}{os.pathsep}{os.environ['PATH']}"
        tool = folder / "pytest"
        tool.write_text('#!/bin/sh\necho working\necho "=== $1 ==="\nexit $2\n')
        tool.chmod(0o755)

    def run(self, closing: str, status: int, quiet: str = "") -> tuple[int, list[str]]:
        """Run the tool; return the exit status and what was shown, without the seconds it took."""
        done = subprocess.run(
            [self._runner, "2.16/unit", "30", "pytest", closing, str(status)],
            env={"PATH": self._path, "QUIET": quiet},
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        shown = re.sub(r" +\d+ s ", " N s ", done.stdout)
        return done.returncode, shown.splitlines()


@pytest.fixture
def checks(tmp_path: Path) -> Checks:
    return Checks(tmp_path)


def test_a_check_shows_its_beginning_its_output_and_its_verdict(checks: Checks) -> None:
    assert checks.run("3 passed", 0) == (
        0,
        [
            "begins   2.16/unit (usually 30 s)",
            "working",
            "=== 3 passed ===",
            "passed   2.16/unit N s  3 passed",
        ],
    )


def test_a_failure_is_one_and_is_kept_with_what_was_printed(checks: Checks) -> None:
    status, shown = checks.run("1 failed", 5, quiet="1")
    assert (status, shown) == (
        5,
        ["begins   2.16/unit (usually 30 s)", "FAILED   2.16/unit N s  1 failed"],
    )
    assert (checks.logs / "2.16" / "unit.log").read_text() == "working\n=== 1 failed ===\n"
    assert (checks.logs / "2.16" / "unit.verdict").read_text().startswith("FAILED   2.16/unit ")

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which statements count as error branches, and when their share is too low."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

TOOL = Path(__file__).resolve().parents[3] / "tools" / "error_branches.py"
# Each line that is one has a mark.
SOURCE = dedent(
    """\
    def f(a, problems):
        if a:
            raise ValueError(a)  #
        try:
            g()
        except OSError as error:
            if error.errno:  #
                return None  #
            g()
        finally:
            g()
        with a:
            return ApiError("a", "b")  #
        problems.append(option_problem(  #
            "a",
        ))
        a.failure = errors.InDoubtError(a)  #
        yield refuse_unreadable(a)  #
        problems = [Problem(b) for b in a] + a_problems(a)
        error = ApiError("a") if a else None
        raise AssertionError("never")
    """
)
MARKED = [n for n, line in enumerate(SOURCE.splitlines(), 1) if line.endswith("#")]


def measure(folder: Path, missing: list[int]) -> tuple[int, list[str]]:
    """Return the tool's exit status and output, for a file of which lines have not run."""
    file = folder / "plugins" / "module_utils" / "a.py"
    file.parent.mkdir(parents=True)
    file.write_text(SOURCE, encoding="utf-8")
    ran = [line for line in range(1, len(SOURCE.splitlines()) + 1) if line not in missing]
    measured = {"executed_lines": ran, "missing_lines": missing}
    files = {"plugins/module_utils/a.py": measured, "plugins/modules/b.py": measured}
    (folder / "coverage.json").write_text(json.dumps({"files": files}), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, TOOL, "coverage.json"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout.splitlines()


def test_all_are_found_where_none_was_taken(tmp_path: Path) -> None:
    status, told = measure(tmp_path, list(range(1, len(SOURCE.splitlines()) + 1)))

    assert status == 1
    assert [int(line.split(":")[1]) for line in told[:-1]] == MARKED
    assert told[0] == "plugins/module_utils/a.py:3: raise ValueError(a)  #"
    assert told[-1] == f"0 of {len(MARKED)} error branches taken: 0.0 %, at least 95 %"


@pytest.mark.parametrize(("missing", "status"), [([], 0), (MARKED[:1], 1), ([21], 0)])
def test_share_decides(tmp_path: Path, missing: list[int], status: int) -> None:
    assert measure(tmp_path, missing)[0] == status

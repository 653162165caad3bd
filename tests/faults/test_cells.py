# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fixed sample of the fault tests; ``make faults`` runs all."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from faults.cells import a_sample
from faults.operations import OPERATIONS, all_cells

_TESTS = Path(__file__).resolve().parents[1]


def test_sample_is_green() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "faults", "--sample"],
        env={**os.environ, "PYTHONPATH": str(_TESTS)},
        capture_output=True,
        text=True,
        check=False,
    )

    told = ended.stdout.splitlines()
    assert ended.returncode == 0, "\n".join(
        [line for line in told if not line.startswith("green")] + [ended.stderr]
    )
    assert len([line for line in told if line.startswith("green")]) == len(a_sample(all_cells()))


def test_sample_has_its_share_of_each_operation() -> None:
    cells = all_cells()

    for operation in OPERATIONS:
        own = [cell for cell in cells if cell.operation is operation]
        assert len(a_sample(own)) == len(own) // operation.share > 0, operation.name

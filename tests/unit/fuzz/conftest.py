# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Says what was tried."""

from __future__ import annotations

from typing import Any

from unit.fuzz import effort


def pytest_terminal_summary(terminalreporter: Any, config: Any) -> None:
    if not effort.TIMES:
        return
    seed = config.getoption("hypothesis_seed")
    terminalreporter.section(f"tried with seed {seed}")
    for what, times in sorted(effort.tried.items()):
        terminalreporter.line(f"{times:>9,}  {what}")

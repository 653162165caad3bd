# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the fault tests have shown: counts, and a table of faults and operations."""

from __future__ import annotations

from collections import defaultdict

from faults.cells import Verdict
from faults.operations import OPERATIONS, Cell

_HEAD = """\
<!--
Copyright: Contributors to the spectrocloud.palette collection
GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
SPDX-License-Identifier: GPL-3.0-or-later
-->

# Faults

Written by `make faults`. Each cell is a task that a fault strikes, and the same task again without
it. A proxy before the simulated Palette gives the client something else than Palette's answer,
before the request has reached Palette or after it was carried out. A judge compares every row of
both results with what the simulator holds and what it carried out.
[tests/README.md](../tests/README.md#faults) tells how to run one.

"""


class Tally:
    """The verdicts so far."""

    def __init__(self) -> None:
        self.red = 0
        self._strikes = 0
        self._verdicts: dict[tuple[str, str], list[bool]] = defaultdict(list)

    def add(self, cell: Cell, verdict: Verdict) -> None:
        """Count a cell's verdict."""
        self.red += not verdict.green
        self._strikes += verdict.strikes
        self._verdicts[cell.fault.name, cell.operation.name].append(verdict.green)

    @property
    def counts(self) -> str:
        """The counts in a line."""
        faults = {fault for fault, _operation in self._verdicts}
        operations = {operation for _fault, operation in self._verdicts}
        cells = sum(map(len, self._verdicts.values()))
        return (
            f"{len(faults)} faults, {len(operations)} operations, {cells} cells, "
            f"{self._strikes} strikes, {cells - self.red} green, {self.red} red"
        )

    def table(self) -> str:
        """The table as a page of Markdown: green cells of all, for each fault and operation."""
        names = [operation.name for operation in OPERATIONS]
        lines = [f"| Fault | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|"]
        for fault in dict.fromkeys(fault for fault, _operation in self._verdicts):
            shares = (self._share(fault, name) for name in names)
            lines.append(f"| {fault} | {' | '.join(shares)} |")
        return f"{_HEAD}{self.counts}.\n\n" + "\n".join(lines) + "\n"

    def _share(self, fault: str, operation: str) -> str:
        verdicts = self._verdicts.get((fault, operation), [])
        return f"{sum(verdicts)}/{len(verdicts)}" if verdicts else ""

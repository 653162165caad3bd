# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the fault tests: ``python -m faults [--sample] [--write FILE] [WORD …]``.

WORD: run only the cells whose names have all these words, such as ``create`` or ``"400 json"``.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from faults.cells import a_sample, verdicts_on
from faults.operations import all_cells
from faults.report import Tally


def main() -> int:
    """Run cells, print each and the counts, and return whether one of them is red."""
    parser = argparse.ArgumentParser(prog="python -m faults", description=__doc__)
    parser.add_argument("words", nargs="*", metavar="WORD")
    parser.add_argument("--sample", action="store_true", help="run the cells of make test")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the table as Markdown")
    given = parser.parse_args()
    cells = [cell for cell in all_cells() if all(word in cell.name for word in given.words)]
    tally = Tally()
    for cell, verdict in verdicts_on(a_sample(cells) if given.sample else cells):
        tally.add(cell, verdict)
        _tell("\n    ".join([f"{verdict.colour}  {cell.name}", *verdict.complaints]))
    _tell(tally.counts)
    if given.write:
        given.write.write_text(tally.table(), encoding="utf-8")
    return 1 if tally.red else 0


def _tell(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())

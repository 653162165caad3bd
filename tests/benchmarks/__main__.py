# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line: PYTHONPATH=tests python -m benchmarks [NUMBER ...]."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks import fleets, inventories, loops, report, rivals, sets, slices
from benchmarks.ceiling import ceiling
from benchmarks.figures import Check
from benchmarks.testbed import say

BENCHMARKS: dict[str, Callable[[], list[Check]]] = {
    "1": loops.loop,
    "2": loops.hosts,
    "3": sets.against_bare_script,
    "4": sets.at_the_rate_limit,
    "5": sets.waiting,
    "6": sets.growth,
    "7": loops.ad_hoc,
    "8": fleets.storage_queue,
    "9": sets.window,
    "10": fleets.many_clusters,
    "11": fleets.sick_clusters,
    "12": rivals.side_by_side,
    "13": fleets.memory,
    "14": inventories.hosts,
    "15": slices.slices,
    "16": fleets.large_answer,
}
_RESULTS = Path(__file__).parents[2] / "build" / "bench.json"


def main() -> None:
    """Run the chosen benchmarks, or all; exit with 1 where a target is missed."""
    parser = argparse.ArgumentParser("benchmarks", description=__doc__)
    parser.add_argument(
        "chosen", nargs="*", metavar="NUMBER", help=f"one of {', '.join(BENCHMARKS)}"
    )
    chosen = parser.parse_args().chosen or list(BENCHMARKS)
    unknown = [key for key in chosen if key not in BENCHMARKS]
    if unknown:
        parser.error(f"there is no benchmark {', '.join(unknown)}")
    load_before = os.getloadavg()[0]
    findings = _run(chosen)
    report.write(findings, load_before, _RESULTS)
    sys.stdout.write(f"\n{report.table(findings)}")
    cpus = os.cpu_count()
    sys.stdout.write(f"\nThe load average was {load_before:.2f} at the start, with {cpus} CPUs.\n")
    sys.exit(0 if report.all_met(findings) else 1)


def _run(chosen: Sequence[str]) -> dict[str, list[Check]]:
    say("The simulator's own ceiling")
    findings = {"": ceiling()}
    for key in chosen:
        benchmark = BENCHMARKS[key]
        say(f"{key}. {benchmark.__doc__}")
        findings[key] = benchmark()
    return findings


if __name__ == "__main__":
    main()

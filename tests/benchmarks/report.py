# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the benchmarks found, as a table on the screen and as JSON."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

from benchmarks.figures import Check

Findings = Mapping[str, Sequence[Check]]
_HEADINGS = ("#", "measured is", "target", "measured", "")


def all_met(findings: Findings) -> bool:
    """Say whether every target is reached."""
    return all(check.met for checks in findings.values() for check in checks)


def table(findings: Findings) -> str:
    """Return the findings with target and measured side by side."""
    rows = [_HEADINGS, *(_row(key, check) for key, checks in findings.items() for check in checks)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "".join(f"{_aligned(row, widths)}\n" for row in rows)


def write(findings: Findings, load_before: float, path: Path) -> None:
    """Write the findings, and on what they were made. load_before: the load average."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {
        "python": platform.python_version(),
        "ansible_core": version("ansible-core"),
        "cpus": os.cpu_count(),
        "load_average_before": round(load_before, 2),
        "met": all_met(findings),
        "benchmarks": {
            key: [{**check._asdict(), "met": check.met} for check in checks]
            for key, checks in findings.items()
        },
    }
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _row(key: str, check: Check) -> tuple[str, ...]:
    target, verdict = "", ""
    if check.target is not None:
        target = f"{'>=' if check.at_least else '<='} {_number(check.target)} {check.unit}"
        verdict = "met" if check.met else "MISSED"
    return key, check.what, target, f"{_number(check.measured)} {check.unit}", verdict


def _number(value: float) -> str:
    """Return a number with enough digits to tell it from a target that it just misses."""
    if value == int(value) or abs(value) >= 1000:
        return f"{value:.0f}"
    return f"{value:.1f}" if abs(value) >= 100 else f"{value:.3f}"


def _aligned(row: Iterable[str], widths: Iterable[int]) -> str:
    return "  ".join(map(str.ljust, row, widths)).rstrip()

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the unit, integration and sanity tests on each supported ansible-core."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

CHECKOUT = Path(__file__).resolve().parents[1]
TOOLS = CHECKOUT / "tools"
LOGS = CHECKOUT / "build" / "matrix"

# The Pythons on which each ansible-core can be a controller. The oldest installed is taken: it
# differs most from the one that development happens on.
PYTHONS = {
    "2.16": ("3.10", "3.11", "3.12"),
    "2.17": ("3.10", "3.11", "3.12"),
    "2.18": ("3.11", "3.12", "3.13"),
    "2.19": ("3.11", "3.12", "3.13"),
    "2.20": ("3.12", "3.13", "3.14"),
    "2.21": ("3.12", "3.13", "3.14"),
}
PYTEST = ("-m", "pytest", "-p", "no:cacheprovider")
SUITES = {
    "unit": (*PYTEST, "tests/unit"),
    "integration": (*PYTEST, "tests/integration", "--numprocesses=2"),
    "sanity": ("tools/sanity.py",),
}
# How Palette speaks does not depend on the ansible-core: one style will do.
ENVIRONMENT = {"PALETTE_STYLES": "1,1"}
AT_ONCE = 2

PASSED = "passed"
FAILED = "FAILED"


class Row(NamedTuple):
    """What came of one suite on one ansible-core."""

    core: str
    python: str
    suite: str
    verdict: str
    seconds: int = 0
    closing: str = ""

    def __str__(self) -> str:
        columns = f"{self.core:<6} {self.python:<7} {self.suite:<12} {self.verdict:<8}"
        return f"{columns} {self.seconds:>5}  {self.closing}".rstrip()


def main() -> int:
    """Test the ansible-cores named as arguments, or all; exit status 1 if anything failed."""
    cores = sys.argv[1:] or list(PYTHONS)
    unknown = [core for core in cores if core not in PYTHONS]
    if unknown:
        sys.exit(f"unknown ansible-core {', '.join(unknown)}; known are {', '.join(PYTHONS)}")
    LOGS.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        rows = [row for rows_of_core in pool.map(test_core, cores) for row in rows_of_core]
    print("", "core   python  suite        verdict      s", *rows, sep="\n")
    return int(any(row.verdict == FAILED for row in rows))


def test_core(core: str) -> list[Row]:
    """Run all suites on one ansible-core, or say why not."""
    interpreter = find_python(core)
    if interpreter is None:
        missing = f"none of Python {', '.join(PYTHONS[core])} is installed"
        return [reported(Row(core, "-", "all", "skipped", closing=missing))]
    version, path = interpreter
    folder = CHECKOUT / ".cache" / "matrix" / core
    made = make_environment(core, version, path, folder)
    if made.verdict == FAILED:
        return [made]
    python = str(folder / "bin" / "python")
    return [run(Row(core, version, suite, ""), [python, *SUITES[suite]]) for suite in SUITES]


def find_python(core: str) -> tuple[str, str] | None:
    """Return version and path of the first installed Python for this ansible-core."""
    for version in PYTHONS[core]:
        finder = [str(TOOLS / "find_python.sh"), version]
        path = subprocess.run(finder, capture_output=True, text=True, check=False).stdout.strip()
        if path:
            return version, path
    return None


def make_environment(core: str, version: str, python: str, folder: Path) -> Row:
    """Make the virtual environment anew unless it is there, made from the same ingredients."""
    row = Row(core, version, "environment", PASSED)
    ingredients = [*sorted(CHECKOUT.glob("requirements*.txt")), TOOLS / "make_venv.py"]
    recipe = python + "".join(path.read_text(encoding="utf-8") for path in ingredients)
    stamp = folder / f".made-{hashlib.sha256(recipe.encode()).hexdigest()[:12]}"
    if stamp.exists():
        return row
    shutil.rmtree(folder, ignore_errors=True)
    maker = [python, str(TOOLS / "make_venv.py"), str(folder)]
    row = run(row, [*maker, "requirements-test.txt", f"ansible-core~={core}.0"])
    if row.verdict == PASSED:
        stamp.touch()
    return row


def run(row: Row, command: list[str]) -> Row:
    """Run a command into a log of its own; return the row with the verdict."""
    log = LOGS / f"{row.core}-{row.suite}.log"
    # The suites start ansible-playbook and other programs of the environment they run in.
    path = os.pathsep.join([str(Path(command[0]).parent), os.environ["PATH"]])
    started = time.monotonic()
    with log.open("w", encoding="utf-8") as output:
        status = subprocess.run(
            command,
            cwd=CHECKOUT,
            env={**os.environ, **ENVIRONMENT, "PATH": path},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        ).returncode
    text = log.read_text(encoding="utf-8")
    if status != 0:
        print(text)
    return reported(
        row._replace(
            verdict=FAILED if status else PASSED,
            seconds=round(time.monotonic() - started),
            closing=closing_line(text) if "pytest" in command else "",
        )
    )


def closing_line(text: str) -> str:
    """Return pytest's last line without its decoration."""
    return (text.splitlines() or [""])[-1].strip("= ")


def reported(row: Row) -> Row:
    print(row, flush=True)
    return row


if __name__ == "__main__":
    sys.exit(main())

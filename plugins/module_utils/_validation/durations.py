# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Go durations (`1h30m`), and ages, which also have days and weeks (`7d`)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from .problems import Problem, option_problem

_MICROSECOND = 1_000
_SECOND = 1_000_000 * _MICROSECOND
_HOUR = 3600 * _SECOND
_GO_UNITS = {
    "ns": 1,
    "us": _MICROSECOND,
    "\u00b5s": _MICROSECOND,  # the micro sign
    "\u03bcs": _MICROSECOND,  # the Greek letter mu
    "ms": 1_000 * _MICROSECOND,
    "s": _SECOND,
    "m": 60 * _SECOND,
    "h": _HOUR,
}
_AGE_UNITS = {**_GO_UNITS, "d": 24 * _HOUR, "w": 7 * 24 * _HOUR}
_INT64_MIN, _INT64_MAX = -(2**63), 2**63 - 1
# Go reads as many digits of a fraction as fit into an int64.
_FRACTION_DIGITS = 19

_PART = re.compile(r"(?P<whole>[0-9]*)(?:\.(?P<fraction>[0-9]*))?(?P<unit>[^0-9.]*)")


# See docs/palette.md, "Deadlines".
def parse_duration(text: str) -> int:
    """Return a Go duration in nanoseconds.

    Reads what Go's time.ParseDuration reads: an optional sign, then numbers that each have a unit
    (ns, us, ms, s, m, h); `0` needs none. Raises ValueError with a readable text.
    """
    return _parse(text, _GO_UNITS, "ns, us, ms, s, m, h")


def parse_age(text: str) -> timedelta:
    """Return an age, to the microsecond: a Go duration that may also count days (d) and weeks (w).

    Raises ValueError with a readable text, also for a negative age.
    """
    nanoseconds = _parse(text, _AGE_UNITS, "ns, us, ms, s, m, h, d, w")
    if nanoseconds < 0:
        raise ValueError(f"{text!r} is negative")
    return timedelta(microseconds=nanoseconds // _MICROSECOND)


def age_problems(options: Mapping[str, Any], *names: str) -> list[Problem]:
    """Return the problems with options that are ages, such as ``7d``; None is not set."""
    problems = []
    for name in names:
        try:
            parse_age(options.get(name) or "0")
        except ValueError as error:
            problems.append(option_problem(name, str(error), "7d"))
    return problems


def _parse(text: str, units: Mapping[str, int], known: str) -> int:
    sign = -1 if text.startswith("-") else 1
    unsigned = text[1:] if text[:1] in ("-", "+") else text
    if unsigned == "0":
        return 0
    if not unsigned:
        raise ValueError(f"{text!r} is not a duration")
    total = sign * _sum_of_parts(text, unsigned, units, known)
    if not _INT64_MIN <= total <= _INT64_MAX:
        raise ValueError(f"{text!r} is longer than 292 years, the longest possible duration")
    return total


def _sum_of_parts(text: str, unsigned: str, units: Mapping[str, int], known: str) -> int:
    total, position = 0, 0
    while position < len(unsigned):
        part = _PART.match(unsigned, position)
        if part is None or not (part["whole"] or part["fraction"]):
            raise ValueError(f"{text!r} is not a duration")
        if not part["unit"]:
            raise ValueError(f"{text!r} has a number without a unit (one of {known})")
        if part["unit"] not in units:
            raise ValueError(f"{text!r} has the unknown unit {part['unit']!r} (known: {known})")
        total += _nanoseconds(part["whole"], part["fraction"] or "", units[part["unit"]])
        position = part.end()
    return total


def _nanoseconds(whole: str, fraction: str, unit: int) -> int:
    digits = fraction[:_FRACTION_DIGITS]
    # The unit is scaled first, as in Go, so that 0.29s is exactly 290ms.
    part = int(int(digits) * (unit / 10 ** len(digits))) if digits else 0
    return int(whole or "0") * unit + part

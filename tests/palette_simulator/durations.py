# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Durations as Go writes them, and the ages a fleet file uses."""

from __future__ import annotations

import re

_SECONDS = {
    "ns": 1e-9,
    "us": 1e-6,
    "µs": 1e-6,  # U+00B5, micro sign
    "μs": 1e-6,  # U+03BC, Greek mu; Go takes both
    "ms": 1e-3,
    "s": 1.0,
    "m": 60.0,
    "h": 3600.0,
}
_AGE_SECONDS = _SECONDS | {"d": 86400.0, "w": 604800.0}
_PART = re.compile(r"(\d+\.?\d*|\.\d+)([^\d.]*)")
_LONGEST = 2**63 / 1e9


def parse_go_duration(text: str) -> float:
    """Seconds of a Go duration; ValueError carries the words of Go's time.ParseDuration."""
    return _parse(text, _SECONDS)


def parse_age(text: str) -> float:
    """Seconds of a Go duration that may also use d (days) and w (weeks)."""
    return _parse(text, _AGE_SECONDS)


def format_go_duration(seconds: float) -> str:
    """The text Go's Duration.String() gives: 600.0 is "10m0s"."""
    if seconds == 0:
        return "0s"
    sign, seconds = ("-", -seconds) if seconds < 0 else ("", seconds)
    if seconds < 1:
        return sign + _below_a_second(seconds)
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(int(minutes), 60)
    text = f"{_number(rest)}s"
    if hours or minutes:
        text = f"{minutes}m{text}"
    return f"{sign}{hours}h{text}" if hours else sign + text


def _below_a_second(seconds: float) -> str:
    unit = next(unit for unit in ("ms", "µs", "ns") if seconds >= _SECONDS[unit] * 0.9999999)
    return _number(seconds / _SECONDS[unit]) + unit


def _number(value: float) -> str:
    return f"{value:.9f}".rstrip("0").rstrip(".")


def _parse(text: str, units: dict[str, float]) -> float:
    sign = -1.0 if text.startswith("-") else 1.0
    body = text[1:] if text[:1] in ("+", "-") else text
    if body == "0":
        return 0.0
    if not body or "".join(part.group() for part in _PART.finditer(body)) != body:
        raise ValueError(f'time: invalid duration "{text}"')
    seconds = sum(_part_seconds(part, units, text) for part in _PART.finditer(body))
    if seconds >= _LONGEST:
        raise ValueError(f'time: invalid duration "{text}"')
    return sign * seconds


def _part_seconds(part: re.Match[str], units: dict[str, float], text: str) -> float:
    number, unit = part.groups()
    if not unit:
        raise ValueError(f'time: missing unit in duration "{text}"')
    if unit not in units:
        raise ValueError(f'time: unknown unit "{unit}" in duration "{text}"')
    return float(number) * units[unit]

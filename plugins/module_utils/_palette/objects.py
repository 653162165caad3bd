# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the fields of the API's objects, in both of Palette's JSON styles.

Booleans may be omitted or false, arrays null or empty, times omitted or zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from .errors import PaletteError

# See docs/palette.md, "JSON styles".
_ZERO_YEAR = 1


def mapping_in(parent: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """Return the mapping under a key; empty if it is absent or null."""
    value = parent.get(key)
    return shaped(value, dict, key) if value is not None else {}


def list_in(parent: Mapping[str, Any], key: str) -> list[Any]:
    """Return the list under a key; empty if it is absent or null."""
    value = parent.get(key)
    return shaped(value, list, key) if value is not None else []


def text_in(parent: Mapping[str, Any], key: str) -> str:
    """Return the text under a key; empty if it is absent or null."""
    return str(parent.get(key) or "")


def shaped(value: Any, kind: type, key: str) -> Any:
    """Return a value of the expected type, or raise ``malformed_response``."""
    if isinstance(value, kind):
        return value
    raise PaletteError(
        "malformed_response",
        f"Palette's answer has {key} as {type(value).__name__} instead of {kind.__name__}",
    )


def read_time(text: Any) -> datetime | None:
    """Read an RFC 3339 time as UTC; None if it is absent or Go's zero time."""
    if not text:
        return None
    try:
        read = datetime.fromisoformat(_with_offset(str(text)))
        moment = (read if read.tzinfo else read.replace(tzinfo=timezone.utc)).astimezone(
            timezone.utc
        )
    except (ValueError, OverflowError):
        return None
    return moment if moment.year > _ZERO_YEAR else None


def write_time(moment: datetime | None) -> str | None:
    """Return a time as RFC 3339 in UTC, to the second."""
    if moment is None:
        return None
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def _with_offset(text: str) -> str:
    # Python before 3.11 reads neither "Z" nor fractions of other than 3 or 6 digits.
    whole, dot, rest = text.replace("Z", "+00:00").replace("z", "+00:00").partition(".")
    if not dot:
        return whole
    digits = len(rest) - len(rest.lstrip("0123456789"))
    return f"{whole}.{rest[:digits][:6].ljust(6, '0')}{rest[digits:]}"


def without_nulls(value: Any) -> Any:
    """Return a value without what is null in it, which a body must leave out."""
    if isinstance(value, dict):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [without_nulls(item) for item in value]
    return value

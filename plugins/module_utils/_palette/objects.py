# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the fields of the API's objects, in both of Palette's JSON styles.

Booleans may be omitted or false, arrays null or empty, times omitted or zero.

Only what is read is checked. What decides something has its type, or the object cannot be read
(``malformed_response``). What is only shown is read by ``any_…``, which take what they find.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from .._http.errors import ApiError

# See docs/palette.md, "JSON styles".
_ZERO_YEAR = 1
_SECOND = 1_000_000_000  # nanoseconds
_PLAIN = len("2026-11-26T08:00:00Z")


def mapping_in(parent: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """Return the mapping under a key; empty if it is absent or null."""
    value = parent.get(key)
    return shaped(value, dict, key) if value is not None else {}


def text_in(parent: Mapping[str, Any], key: str) -> str:
    """Return the text under a key; empty if it is absent or null."""
    value = parent.get(key)
    return shaped(value, str, key) if value is not None else ""


def name_in(parent: Mapping[str, Any], key: str, path: str) -> str:
    """Return the text under a key, without which an object means nothing. path: for the message."""
    name = text_in(parent, key)
    if name:
        return name
    raise ApiError("malformed_response", f"the answer lacks {path}")


def texts_in(parent: Mapping[str, Any], key: str) -> Mapping[str, str]:
    """Return the mapping of texts under a key; empty if it is absent or null."""
    texts = mapping_in(parent, key)
    for name, value in texts.items():
        shaped(value, str, f"{key}.{name}")
    return texts


def flag_in(parent: Mapping[str, Any], key: str) -> bool:
    """Return the boolean under a key; false if it is absent or null."""
    value = parent.get(key)
    return shaped(value, bool, key) if value is not None else False


def duration_in(parent: Mapping[str, Any], key: str) -> str | None:
    """Return the duration under a key as text; None if it is absent or null."""
    value = parent.get(key)
    if isinstance(value, int) and not isinstance(value, bool):
        # Go's own type is written as a number of nanoseconds.
        seconds, rest = divmod(value, _SECOND)
        return f"{value}ns" if rest else f"{seconds}s"
    return shaped(value, str, key) if value is not None else None


def any_mapping_in(parent: Any, key: str) -> Mapping[str, Any]:
    """Return the mapping under a key, empty if there is none, whatever the parent is."""
    value = parent.get(key) if isinstance(parent, dict) else None
    return value if isinstance(value, dict) else {}


def any_text_in(parent: Mapping[str, Any], key: str) -> str:
    """Return the text under a key; empty if there is none."""
    value = parent.get(key)
    return value if isinstance(value, str) else ""


def any_texts_in(parent: Mapping[str, Any], key: str) -> list[str]:
    """Return the texts in the list under a key; none if there is no list."""
    value = parent.get(key)
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def any_mappings_in(parent: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    """Return the mappings in the list under a key; none if there is no list."""
    value = parent.get(key)
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def shaped(value: Any, kind: type, key: str) -> Any:
    """Return a value of the expected type, or raise ``malformed_response``."""
    if isinstance(value, kind):
        return value
    raise ApiError(
        "malformed_response",
        f"the answer has {key} as {type(value).__name__} instead of {kind.__name__}",
    )


def read_time(text: Any) -> datetime | None:
    """Read an RFC 3339 time as UTC; None if it is absent, Go's zero time, or no time."""
    if not isinstance(text, str) or not text:
        return None
    try:
        # Kubernetes' own form, of which there are thousands, needs no more.
        plain = len(text) == _PLAIN and text.endswith("Z")
        read = datetime.fromisoformat(f"{text[:-1]}+00:00" if plain else _with_offset(text))
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
    # Not strftime, which takes several times as long, and lets a year have three digits.
    return f"{moment.astimezone(timezone.utc).replace(tzinfo=None).isoformat(timespec='seconds')}Z"


def _with_offset(text: str) -> str:
    # Python before 3.11 reads neither "Z" nor fractions of other than 3 or 6 digits.
    whole, dot, rest = text.replace("Z", "+00:00").replace("z", "+00:00").partition(".")
    if not dot:
        return whole
    digits = len(rest) - len(rest.lstrip("0123456789"))
    return f"{whole}.{rest[:digits][:6].ljust(6, '0')}{rest[digits:]}"


def without_managed_fields(manifest: dict[str, Any]) -> dict[str, Any]:
    """Return an object without Kubernetes' notes on who wrote which field."""
    meta = mapping_in(manifest, "metadata")
    if "managedFields" not in meta:
        return manifest
    kept = {key: value for key, value in meta.items() if key != "managedFields"}
    return {**manifest, "metadata": kept}


def without_nulls(value: Any) -> Any:
    """Return a value without what is null in it, which a body must leave out."""
    if isinstance(value, dict):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [without_nulls(item) for item in value]
    return value

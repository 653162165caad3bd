# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Masks a secret in what is shown, however it is spelled."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping
from functools import lru_cache
from html.entities import html5
from typing import Any

MASK = "********"
_ESCAPES = re.compile(r"[%&\\]")
_URL_SAFE = str.maketrans("+/", "-_")
_SHORTEST_BASE64 = 8  # characters; shorter ones would match by chance


def scrub(value: Any, secret: str) -> Any:
    """Return a text, list or mapping in which the secret is masked, however it is spelled."""
    if not secret:
        return value
    if isinstance(value, str):
        return _scrubbed(value, secret)
    if isinstance(value, Mapping):
        return {scrub(key, secret): scrub(item, secret) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [scrub(item, secret) for item in value]
    return value


def _scrubbed(text: str, secret: str) -> str:
    for form in (secret, *_in_base64(secret)):
        text = text.replace(form, MASK)
    # Where nothing is escaped, there is no need to look for what is.
    return _escaped(secret).sub(MASK, text) if _ESCAPES.search(text) else text


@lru_cache(maxsize=4)
def _escaped(secret: str) -> re.Pattern[str]:
    """Return what matches the secret, with any character escaped for a URL, JSON or HTML."""
    return re.compile("".join(_spellings(character) for character in secret))


def _spellings(character: str) -> str:
    code = ord(character)
    names = "".join(f"|{name}" for name, meant in html5.items() if meant == character)
    in_json = rf"\\*(?:{re.escape(character)}|(?i:u{code:04x}|x{code:02x}))"
    in_url = "".join(f"%(?:25)*(?i:{byte:02x})" for byte in character.encode(errors="replace"))
    in_html = rf"&(?:amp;)*(?:#0*{code};|(?i:#x0*{code:x};){names})"
    return f"(?:{in_json}|{in_url}|{in_html})"


@lru_cache(maxsize=4)
def _in_base64(secret: str) -> tuple[str, ...]:
    """Return what stands for the secret in base64, wherever in the encoded text it begins."""
    forms = set()
    for before in range(3):
        encoded = b64encode(b"\0" * before + secret.encode(errors="replace")).decode().rstrip("=")
        # The first and last characters may also stand for a part of what is around it.
        bits = 8 * (before + len(secret.encode(errors="replace")))
        form = encoded[-(-8 * before // 6) : bits // 6]
        forms |= {form, form.translate(_URL_SAFE)}
    return tuple(form for form in forms if len(form) >= _SHORTEST_BASE64)

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a server says, made fit for a terminal: nothing that steers it, and not too much."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from html.parser import HTMLParser
from typing import Any

LONGEST = 2_000  # characters of one text
_LONGEST_EXCERPT = 500
LONGEST_MESSAGE = 20_000  # a message may be made of many texts
_DEEPEST = 10
_LARGEST = 4_000  # characters of JSON
_MORE = " …"
_LONGEST_PAGE = 20_000  # characters; the first words of a page are in them
_PAGE = re.compile("<(!doctype|html|head|body|title)\\b", re.IGNORECASE)
_HIDDEN = ("script", "style", "template", "noscript")
_NESTED = (dict, list)

_BLANKS = re.compile("[\t-\r\x1c-\x1f\x85\u2028\u2029]+")
# C0, DEL, C1, what turns the direction of writing, and halves of characters.
_CONTROLS = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


def printable(value: object, most: int = LONGEST, mask: Callable[[str], str] | None = None) -> str:
    """Return a text as one line that a terminal only shows, of at most so many characters.

    mask: hides what must not be shown, before a part of it is cut off.
    """
    text = str(value)
    if not text.isprintable():
        text = _CONTROLS.sub("", _BLANKS.sub(" ", text))
    if mask:
        text = mask(text)
    return text if len(text) <= most else text[:most] + _MORE


def first_few(names: Sequence[str], most: int) -> str:
    """Return the first names in a row, and how many more there are."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")


def first_messages(messages: Sequence[str], most: int, where: str = "") -> str:
    """Return the first messages in a row, how many more there are, and where they are."""
    more, see = len(messages) - most, f", see {where}" if where else ""
    return "; ".join([*messages[:most], *([f"and {more} more{see}"] if more > 0 else [])])


def excerpt(body: str, mask: Callable[[str], str]) -> str:
    """Return the beginning of an answer that is not in the form of the API's.

    Of a page, such as a portal's, only what people read.
    """
    body = mask(body)
    text = _words_of(body[:_LONGEST_PAGE]) if _PAGE.search(body[:_LONGEST_EXCERPT]) else body
    return printable(" ".join(text.split()), _LONGEST_EXCERPT, mask) or "no text"


class _Words(HTMLParser):
    """Collects the title and the text of a page, without tags, scripts and styles."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self._hidden = ""

    def handle_starttag(self, tag: str, attrs: object) -> None:
        """Leave out what is in an element that nobody reads."""
        del attrs
        if tag in _HIDDEN and not self._hidden:
            self._hidden = tag

    def handle_endtag(self, tag: str) -> None:
        """Go on after such an element."""
        if tag == self._hidden:
            self._hidden = ""

    def handle_data(self, data: str) -> None:
        """Take in text, unless the line before, such as the title, says the same."""
        words = " ".join(data.split())
        if words and not self._hidden and words not in self.words[-1:]:
            self.words.append(words)


def _words_of(page: str) -> str:
    reader = _Words()
    with suppress(AssertionError, NotImplementedError, ValueError):
        # That is all that it says of some broken declarations, the second in Python 3.9, and of
        # a character's number with thousands of digits.
        reader.feed(page)
        reader.close()
    return ": ".join(reader.words[:2]) + "".join(f" {words}" for words in reader.words[2:])


def in_bounds(value: Any, mask: Callable[[str], str] | None = None) -> Any:
    """Return a value of JSON with printable texts, or a text about it if that is too much."""
    if too_deep(value, _DEEPEST):
        return f"not shown: nested more than {_DEEPEST} deep"
    shown = _printable_in(value, mask)
    text = json.dumps(shown, ensure_ascii=False)
    return shown if len(text) <= _LARGEST else text[:_LARGEST] + _MORE


def too_deep(value: Any, most: int) -> bool:
    """Say whether lists and dictionaries of JSON are nested deeper than this, however deep."""
    level = [value] if isinstance(value, _NESTED) else []
    # Asked of each of thousands of objects: what is not nested is left behind at once.
    for _depth in range(most):
        level = [
            item
            for each in level
            for item in (each.values() if isinstance(each, dict) else each)
            if isinstance(item, _NESTED)
        ]
        if not level:
            return False
    return any(level)


def _printable_in(value: Any, mask: Callable[[str], str] | None) -> Any:
    if isinstance(value, str):
        return printable(value, mask=mask)
    if isinstance(value, Mapping):
        return {printable(key, mask=mask): _printable_in(item, mask) for key, item in value.items()}
    if isinstance(value, list):
        return [_printable_in(item, mask) for item in value]
    return value

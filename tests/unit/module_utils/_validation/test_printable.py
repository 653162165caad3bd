# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a server says is shown, but steers no terminal and fills none."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.spectrocloud.palette.plugins.module_utils._validation.printable import (
    LONGEST,
    excerpt,
    first_few,
    first_messages,
    in_bounds,
    printable,
    too_deep,
)

PAGE = """<!DOCTYPE html>
<html><head><title>503 Busy</title><style>p {color: red}</style></head>
<body><script>alert(1)</script><h1>503 Busy</h1>
<p>Come &amp; try <b>later</b></p></body></html>"""


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("Größe 大小 👍", "Größe 大小 👍"),
        ("\x1b[2J\x1b]0;title\x07", "[2J]0;title"),
        ("\x9b31mred", "31mred"),
        ("a\x00b\x7fc\x08d", "abcd"),
        ("one\r\ntwo\tthree\u2028four\x85five", "one two three four five"),
        ("a\u202eb\u2066c\u200fd\u061ce", "abcde"),
        ("half \ud800 a character", "half  a character"),
        (["a"], "['a']"),
    ],
)
def test_printable_leaves_out_what_steers_a_terminal(text: object, shown: str) -> None:
    assert printable(text) == shown


def test_printable_ends_a_long_text() -> None:
    assert printable("x" * LONGEST) == "x" * LONGEST
    assert printable("x" * 9_999_999) == "x" * LONGEST + " …"
    assert printable("abcdef", 3) == "abc …"


@pytest.mark.parametrize(
    ("number", "names", "messages"),
    [
        (0, "", ""),
        (1, "a", "a"),
        (2, "a, b", "a; b"),
        (4, "a, b and 2 more", "a; b; and 2 more, see vms"),
    ],
)
def test_first_texts_tell_how_many_more_there_are(number: int, names: str, messages: str) -> None:
    texts = list("abcd")[:number]
    assert (first_few(texts, 2), first_messages(texts, 2, "vms")) == (names, messages)
    assert first_messages(texts, 2) == messages.replace(", see vms", "")


def test_printable_masks_a_secret_that_controls_hide_or_the_end_cuts() -> None:
    def mask(text: str) -> str:
        return text.replace("secret", "***")

    assert printable("sec\x00ret", mask=mask) == "***"
    assert printable("a secret", 5, mask) == "a ***"


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        ("no  upstream\n", "no upstream"),
        ("", "no text"),
        ("error at <nil>", "error at <nil>"),
        (PAGE, "503 Busy: Come & try later"),
        ("<html><body><p>unclosed <script>x", "unclosed"),
        ("<html><body>", "no text"),
        ("<HTML><TITLE>Sign in</TITLE>" + "<p>a<p>b" * 999, f"Sign in: {'a b ' * 122}a b …"),
    ],
)
def test_excerpt_shows_the_words_of_a_page(body: str, shown: str) -> None:
    assert excerpt(body, str) == shown


@pytest.mark.parametrize(
    "end", ["<![wrong<p>x", "<!wrong", "<!--", "<p", "&#x;", f"<p>&#{'1' * 5000};"]
)
def test_excerpt_of_a_broken_page_is_some_text(end: str) -> None:
    assert excerpt(f"<html><p>Hello {end}", str).startswith("Hello")


def test_excerpt_of_a_page_masks_a_secret() -> None:
    def mask(text: str) -> str:
        return text.replace("secret", "***")

    page = f"<html><p>a s&#101;cret, secret</p>{' ' * 20_000}<p>secret</p>"
    assert excerpt(page, mask) == "a ***, ***"


@given(st.text(st.characters(exclude_categories=())))
def test_printable_is_encodable_and_stays_as_it_is(text: str) -> None:
    shown = printable(text)
    shown.encode()
    assert printable(shown) == shown
    assert shown.splitlines() in ([shown], [])


@pytest.mark.parametrize("value", [None, 1, True, "text", {}, [], {"a": [1, {"b": "c"}]}])
def test_in_bounds_keeps_a_value_that_is(value: Any) -> None:
    assert in_bounds(value) == value


def test_in_bounds_makes_all_texts_printable_and_masked() -> None:
    value = {"k\x1b1": ["a\nb", {"c": "secret"}]}
    assert in_bounds(value, lambda text: text.replace("secret", "***")) == {
        "k1": ["a b", {"c": "***"}]
    }


def test_in_bounds_only_tells_of_a_value_that_is_too_deep() -> None:
    value: Any = "x"
    for _depth in range(100_000):
        value = [value]
    assert in_bounds(value) == "not shown: nested more than 10 deep"


def test_in_bounds_cuts_a_value_that_is_too_large() -> None:
    cut = in_bounds([{"number": number} for number in range(100_000)])
    assert cut.startswith('[{"number": 0}, {"number": 1}')
    assert cut.endswith(" …")
    assert len(cut) < 5_000


@pytest.mark.parametrize(
    ("value", "most", "expected"),
    [
        ("x", 0, False),
        ([], 0, False),
        ([1], 1, False),
        ([[1]], 1, True),
        ({"a": {"b": 1}}, 1, True),
    ],
)
def test_too_deep_counts_lists_and_mappings(value: Any, most: int, expected: bool) -> None:
    assert too_deep(value, most) is expected

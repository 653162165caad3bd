# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No secret is shown, however it is spelled."""

from __future__ import annotations

from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.spectrocloud.palette.plugins.module_utils._http.secrets import MASK, scrub


@pytest.mark.parametrize("before", ["", "a", "ab", "abc", "user:"])
@pytest.mark.parametrize("after", ["", "x", "xy", ":password"])
@pytest.mark.parametrize("encode", [b64encode, urlsafe_b64encode])
def test_scrub_masks_a_secret_in_base64(
    before: str, after: str, encode: Callable[[bytes], bytes]
) -> None:
    key = "~~???~~>>>a-key-of-some-length"
    encoded = encode(f"{before}{key}{after}".encode()).decode()
    scrubbed = scrub(f"Basic {encoded}.", key)
    left = scrubbed.replace(MASK, "")
    assert scrubbed.startswith("Basic ")
    assert MASK in scrubbed
    # What is around it stays, and at most a character of it on each side.
    assert len(left) - len("Basic .") <= len(encode(f"{before}{after}".encode())) + 8


def test_scrub_does_not_take_a_short_text_for_the_base64_of_a_short_key() -> None:
    assert scrub("YQ YWI a word", "a-b") == "YQ YWI a word"


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_scrub_changes_nothing_without_the_secret(value: Any) -> None:
    assert scrub(value, "a secret that is not there") == value


@given(st.text(), st.text(), st.text(min_size=1).filter(lambda text: text not in MASK))
def test_scrub_leaves_no_secret(before: str, after: str, secret: str) -> None:
    scrubbed = scrub([{before + secret: (before + secret + after,)}], secret)
    for key, (text,) in scrubbed[0].items():
        assert MASK in key
        assert MASK in text


def test_scrub_masks_nothing_for_an_empty_secret() -> None:
    assert scrub({"a": ["b"]}, "") == {"a": ["b"]}

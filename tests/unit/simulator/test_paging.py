# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages of sorted keys."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from palette_simulator.errors import KubernetesError
from palette_simulator.paging import decode_token, encode_token, page_in_namespaces, page_of

KEYS = st.lists(st.tuples(st.sampled_from("abc"), st.text("xyz", min_size=1)), unique=True)
LIFETIME = 300.0


@given(KEYS.map(sorted), st.frozensets(st.sampled_from("abcd")), st.integers(1, 7))
def test_the_pages_together_are_the_list(
    keys: list[tuple[str, str]], namespaces: frozenset[str], limit: int
) -> None:
    wanted = [key for key in keys if not namespaces or key[0] in namespaces]
    found: list[tuple[str, str]] = []
    token = ""
    while True:
        position = decode_token(token, LIFETIME, now=1.0)
        page = page_in_namespaces(keys, namespaces, position, limit)
        found += page.keys
        assert page.remaining == len(wanted) - len(found)
        if not page.token:
            break
        token = page.token
        assert len(page.keys) == limit
    assert found == wanted


def test_a_token_expires() -> None:
    token = encode_token(("n", "x"), since=0.0)
    assert decode_token(token, LIFETIME, now=299.0) == (("n", "x"), 0.0)
    with pytest.raises(KubernetesError) as caught:
        decode_token(token, LIFETIME, now=300.0)
    assert (caught.value.status, caught.value.reason) == (410, "Expired")


def test_all_tokens_of_a_list_expire_together() -> None:
    keys = [("n", "x"), ("n", "y"), ("n", "z")]
    first = page_of(keys, decode_token("", LIFETIME, now=0.0), 1)
    second = page_of(keys, decode_token(first.token, LIFETIME, now=200.0), 1)
    with pytest.raises(KubernetesError, match="too old"):
        decode_token(second.token, LIFETIME, now=300.0)


@pytest.mark.parametrize("text", ["x", "bm90LWpzb24", "W10", "é"])
def test_a_made_up_token_is_refused(text: str) -> None:
    with pytest.raises(KubernetesError) as caught:
        decode_token(text, LIFETIME, now=0.0)
    assert caught.value.status == 400

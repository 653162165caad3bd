# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists in pages: complete, in order, and with the next page on its way."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

import pytest

from ansible_collections.spectrocloud.palette.plugins.module_utils._http.errors import ApiError
from ansible_collections.spectrocloud.palette.plugins.module_utils._http.paging import paged

PAGES: Mapping[str, Any] = {
    "": {"items": [1, 2], "metadata": {"continue": "a"}},
    "a": {"items": None, "metadata": {"continue": "b"}},
    "b": {"items": [3], "metadata": {}},
}


def test_pages_are_joined_in_their_order() -> None:
    asked: list[Mapping[str, str]] = []

    def ask(query: Mapping[str, str]) -> Any:
        asked.append(query)
        return PAGES[query.get("continue", "")]

    assert list(paged(ask, "/list", 2, 0)) == [1, 2, 3]
    assert asked == [
        {"limit": "2"},
        {"limit": "2", "continue": "a"},
        {"limit": "2", "continue": "b"},
    ]


def test_the_next_page_is_asked_for_before_the_items_are_worked_on() -> None:
    on_its_way = threading.Event()

    def ask(query: Mapping[str, str]) -> Any:
        if "continue" in query:
            on_its_way.set()
        return PAGES[query.get("continue", "")]

    items = paged(ask, "/list", 2, 0)
    assert next(items) == 1
    assert on_its_way.wait(60)
    assert list(items) == [2, 3]


def test_an_error_of_a_page_is_raised_after_the_items_before_it() -> None:
    def ask(query: Mapping[str, str]) -> Any:
        if "continue" in query:
            raise ApiError("expired", "the token is too old")
        return PAGES[""]

    items = paged(ask, "/list", 2, 0)
    assert [next(items), next(items)] == [1, 2]
    with pytest.raises(ApiError, match="too old"):
        next(items)


def test_a_list_that_goes_in_a_circle_is_refused() -> None:
    circle = {"items": [1], "metadata": {"continue": "a"}}
    with pytest.raises(ApiError, match="/list: the list has no last page"):
        list(paged(lambda _query: circle, "/list", 2, 0))

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists that are complete whatever Palette makes of their filters, by few requests."""

from __future__ import annotations

import sys
import threading
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.spectrocloud.palette.plugins.module_utils._http.errors import ApiError
from ansible_collections.spectrocloud.palette.plugins.module_utils._http.threads import at_once
from ansible_collections.spectrocloud.palette.plugins.module_utils._palette.lists import (
    EVERYWHERE,
    ClusterList,
    Where,
)


class Thing(NamedTuple):
    """What is listed."""

    key: Where
    number: int


class Server:
    """What answers lists. blind: filters that find nothing. deaf: filters that it ignores."""

    def __init__(
        self, held: Mapping[Where, int], blind: Collection[str] = (), deaf: Collection[str] = ()
    ) -> None:
        self.held = held
        self.blind = blind
        self.deaf = deaf
        self.asked: list[str] = []

    def ask(self, read: Any, query: Mapping[str, str]) -> list[Any]:
        """Answer one request."""
        self.asked.append(" ".join(f"{name}={value}" for name, value in query.items()) or "all")
        query = {name: value for name, value in query.items() if name not in self.deaf}
        if not query.keys().isdisjoint(self.blind):
            return []
        where = Where(query.get("namespace", ""), query.get("vmName", ""))
        return [
            read((key, number))
            for key, count in self.held.items()
            for number in range(count)
            if where.covers(key)
        ]

    def listed(self) -> tuple[ClusterList, list[str]]:
        """Return the list that asks this server, and what it asks."""
        return ClusterList(self.ask), self.asked


def read(pair: tuple[Where, int]) -> Thing:
    return Thing(*pair)


def held_in(things: list[Thing], *wanted: Where) -> set[Thing]:
    """Return those of what was listed that were wanted; none is there twice."""
    assert len(things) == len(set(things))
    return {thing for thing in things if any(where.covers(thing.key) for where in wanted)}


A1, A2, B1 = Where("a", "1"), Where("a", "2"), Where("b", "1")
HELD = {A1: 2, A2: 1, B1: 3}


def test_each_request_has_one_value_in_a_filter() -> None:
    things, asked = Server(HELD).listed()
    found = things.items(read, [Where("a"), Where("b")])
    assert sorted(asked) == ["namespace=a", "namespace=b"]
    assert len(held_in(found, Where("a"), Where("b"))) == 6


def test_several_requests_are_sent_at_the_same_time() -> None:
    together = threading.Barrier(2, timeout=10)

    def ask(_read: Any, _query: Mapping[str, str]) -> list[Any]:
        together.wait()
        return [read((A1, 1))]

    ClusterList(ask).items(read, [Where("a"), Where("b")])


def test_threads_ask_for_many_vms_at_the_same_time() -> None:
    # Threads take turns so often that one learns while another counts what is known.
    interval = sys.getswitchinterval()
    places = [Where("a", str(number)) for number in range(2_000)]
    things, _asked = Server(dict.fromkeys(places[:1], 1)).listed()
    sys.setswitchinterval(1e-6)
    try:
        found = at_once(lambda where: things.items(read, [where], believe_empty=True), places, 8)
    finally:
        sys.setswitchinterval(interval)
    assert found == [[Thing(places[0], 0)], *[[]] * 1_999]


def test_the_first_error_is_raised() -> None:
    def ask(_read: Any, query: Mapping[str, str]) -> list[Any]:
        raise ApiError("forbidden", query["namespace"])

    with pytest.raises(ApiError, match="a"):
        ClusterList(ask).items(read, [Where("b"), Where("a")])


@pytest.mark.parametrize(
    ("blind", "asked"),
    [
        ((), ["namespace=a vmName=1"]),
        (["vmName"], ["namespace=a vmName=1", "namespace=a", "namespace=a vmName=1"]),
        (["namespace"], ["namespace=a vmName=1", "namespace=a", "all", "namespace=a vmName=1"]),
    ],
)
def test_an_empty_list_is_asked_for_again_with_fewer_filters(
    blind: list[str], asked: list[str]
) -> None:
    server = Server(HELD, blind)
    found = ClusterList(server.ask).items(read, [A1])
    assert held_in(found, A1) == {Thing(A1, 0), Thing(A1, 1)}
    assert server.asked == asked


def test_an_empty_list_is_believed_where_it_may_be_wrong() -> None:
    things, asked = Server(HELD, ["vmName"]).listed()
    assert things.items(read, [A1], believe_empty=True) == []
    assert asked == ["namespace=a vmName=1"]


def test_an_empty_list_is_believed_where_it_had_items_before() -> None:
    server = Server({A1: 1})
    things = ClusterList(server.ask)
    things.items(read, [A1])
    server.held = {}
    server.asked.clear()
    assert things.items(read, [A1]) == []
    assert server.asked == ["namespace=a vmName=1"]


def test_an_empty_namespace_is_believed_where_another_was_not_empty() -> None:
    things, asked = Server(HELD).listed()
    things.items(read, [Where("a"), Where("c")])
    assert sorted(asked) == ["namespace=a", "namespace=c"]


def test_an_empty_vm_is_believed_as_soon_as_another_was_found_by_its_name() -> None:
    things, asked = Server(HELD).listed()
    for number in range(3, 100):
        assert held_in(things.items(read, [where := Where("a", str(number))]), where) == set()
    assert asked[:3] == ["namespace=a vmName=3", "namespace=a", "namespace=a vmName=1"]
    assert asked[3:] == [f"namespace=a vmName={number}" for number in range(4, 100)]


def test_an_error_in_trying_names_is_none_of_the_list() -> None:
    server = Server(HELD)

    def ask(read: Any, query: Mapping[str, str]) -> list[Any]:
        if len(server.asked) == 2:
            server.asked.append("failed")
            raise ApiError("unreachable", "no answer")
        return server.ask(read, query)

    things = ClusterList(ask)
    assert held_in(things.items(read, [Where("a", "3")]), Where("a", "3")) == set()
    assert held_in(things.items(read, [Where("a", "4")]), Where("a", "4")) == set()
    assert server.asked[2:5] == ["failed", "namespace=a vmName=4", "namespace=a"]


def test_everything_empty_is_asked_for_once() -> None:
    things, asked = Server({}).listed()
    assert things.items(read, [EVERYWHERE]) == []
    assert asked == ["all"]


def test_few_vms_of_a_namespace_with_few_pages_are_one_request() -> None:
    things, asked = Server(HELD).listed()
    things.items(read, [Where("a")])
    things.items(read, [A1, A2])
    assert asked[1:] == ["namespace=a"]


def test_few_vms_of_a_namespace_with_many_pages_are_asked_for_one_by_one() -> None:
    things, asked = Server({**HELD, Where("a", "3"): 500}).listed()
    things.items(read, [Where("a")])
    things.items(read, [A1, A2])
    assert sorted(asked[1:]) == ["namespace=a vmName=1", "namespace=a vmName=2"]


def test_many_vms_of_a_namespace_are_asked_for_together() -> None:
    many = {Where("a", str(number)): 1 for number in range(1_000)}
    things, asked = Server(many).listed()
    assert len(things.items(read, many)) == 1_000
    assert asked == ["namespace=a"]


def test_many_namespaces_are_asked_for_together_until_it_is_known_to_be_dearer() -> None:
    few = [Where(str(number), "1") for number in range(30)]
    server = Server({**dict.fromkeys(few, 1), Where("big", "1"): 5_000})
    things = ClusterList(server.ask)
    wanted = [Where(where.namespace) for where in few]
    assert len(held_in(things.items(read, wanted), *wanted)) == 30
    assert server.asked == ["all"]
    server.asked.clear()
    assert len(held_in(things.items(read, wanted), *wanted)) == 30
    assert sorted(server.asked) == sorted(f"namespace={where.namespace}" for where in wanted)


def test_a_namespace_that_has_grown_is_still_asked_for_alone() -> None:
    server = Server({B1: 1})
    things = ClusterList(server.ask)
    things.items(read, [Where("a")])
    server.held = {B1: 1, A1: 200}
    things.items(read, [Where("a")])
    server.asked.clear()
    things.items(read, [Where("a")])
    assert server.asked == ["namespace=a"]


PLACES = st.builds(Where, st.sampled_from("ab"), st.sampled_from("12"))
WANTED = PLACES | st.builds(Where, st.sampled_from(["", "a", "b"]), st.sampled_from(["", "1", "2"]))


FILTERS = st.sets(st.sampled_from(["namespace", "vmName"]))


@given(
    st.dictionaries(PLACES, st.integers(0, 60)),
    FILTERS,
    FILTERS,
    st.lists(st.sets(WANTED, min_size=1), min_size=1, max_size=4),
)
def test_nothing_is_lost_or_twice_whatever_becomes_of_filters(
    held: dict[Where, int], blind: set[str], deaf: set[str], rounds: list[set[Where]]
) -> None:
    server = Server(held, blind, deaf)
    things = ClusterList(server.ask)
    for wanted in rounds:
        found = held_in(things.items(read, wanted), *wanted)
        assert found == {
            Thing(key, number)
            for key, count in held.items()
            for number in range(count)
            if any(where.covers(key) for where in wanted)
        }

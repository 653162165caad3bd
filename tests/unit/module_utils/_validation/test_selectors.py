# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Label selectors with Kubernetes' meaning."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.spectrocloud.palette.plugins.module_utils._validation.selectors import (
    nearest_labels,
    parse_selector,
)

DB = {"tier": "db", "env": "prod", "example.com/owner": ""}


@pytest.mark.parametrize(
    ("selector", "matches"),
    [
        ("", True),
        ("  ", True),
        ("tier=db", True),
        ("tier==db", True),
        ("tier = db , env = prod", True),
        ("tier=web", False),
        ("tier=", False),
        ("example.com/owner=", True),
        ("tier!=web", True),
        ("tier!=db", False),
        ("zone!=a", True),
        ("tier in (web, db)", True),
        ("tier in(web,db)", True),
        ("tier in (web)", False),
        ("zone in (a)", False),
        ("zone in ()", False),
        ("example.com/owner in ()", True),
        ("tier notin (web)", True),
        ("tier notin (web,db)", False),
        ("zone notin (a)", True),
        ("tier", True),
        ("zone", False),
        ("!zone", True),
        ("! zone", True),
        ("!tier", False),
        ("tier in (web, db),env=prod,!zone", True),
        ("tier in (web, db),env=test,!zone", False),
        ("in in (a)", False),
        ("notin", False),
    ],
)
def test_selector_matches_as_kubernetes_does(selector: str, matches: bool) -> None:
    assert parse_selector(selector).matches(DB) is matches


@pytest.mark.parametrize(("selector", "matches"), [("tier", False), ("!tier", True), ("", True)])
def test_selector_matches_an_object_without_labels(selector: str, matches: bool) -> None:
    assert parse_selector(selector).matches(None) is matches


@pytest.mark.parametrize(
    ("selector", "said"),
    [
        (",", "is not a label requirement"),
        ("tier=db,", "is not a label requirement"),
        ("=db", "is not a label requirement"),
        ("tier=a b", "is not a label requirement"),
        ("tier>1", "is not a label requirement"),
        ("tier in db", "is not a label requirement"),
        ("tier in (db", "is not a label requirement"),
        ("tier notin (a)) ", "is not a label requirement"),
        ("!tier=db", "is not a label requirement"),
        ("tier===db", "is not a label requirement"),
        ("-tier", "the key '-tier' must be"),
        ("Example.com/tier", "invalid prefix"),
        ("tier=-db", "label 'tier': '-db' must be"),
        ("tier in (a, b_)", "label 'tier': 'b_' must be"),
        ("tier=" + "a" * 64, "at most 63"),
    ],
)
def test_parse_selector_says_what_is_wrong(selector: str, said: str) -> None:
    with pytest.raises(ValueError) as error:  # noqa: PT011 (the text is asserted below)
        parse_selector(selector)
    assert said in str(error.value)


WORDS = st.from_regex(r"[a-z]{1,4}", fullmatch=True)
LABELS = st.dictionaries(WORDS, WORDS, max_size=3)


@given(WORDS, st.sets(WORDS, min_size=1, max_size=3), LABELS)
def test_selector_and_its_opposite_never_match_the_same_object(
    key: str, values: set[str], labels: dict[str, str]
) -> None:
    listed = ",".join(sorted(values))
    inside = parse_selector(f"{key} in ({listed})").matches(labels)
    assert parse_selector(f"{key} notin ({listed})").matches(labels) is not inside
    assert parse_selector(f"!{key}").matches(labels) is not parse_selector(key).matches(labels)


@given(LABELS, LABELS)
def test_selector_of_equalities_matches_objects_with_all_these_labels(
    wanted: dict[str, str], labels: dict[str, str]
) -> None:
    selector = ",".join(f"{key}={value}" for key, value in wanted.items())
    assert parse_selector(selector).matches(labels) is (wanted.items() <= labels.items())


@pytest.mark.parametrize(
    ("selector", "near"),
    [
        ("tier=dbb", ["tier=db"]),
        ("tier=zzz", ["tier=db", "tier=web"]),
        ("tire", ["tier"]),
        ("tire=db", ["tier"]),
        ("zzz", []),
        ("tier!=db,env=prdo", ["env=prod"]),
        ("!tier", []),
    ],
)
def test_nearest_labels_are_those_of_requirements_that_nothing_meets(
    selector: str, near: list[str]
) -> None:
    seen = [{"tier": "db", "env": "prod"}, {"tier": "web"}]
    assert nearest_labels(parse_selector(selector), seen) == near

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The calendars of the page "Retention by example" show what the rules really keep."""

from __future__ import annotations

import re
import textwrap
from datetime import datetime, timedelta, timezone

import pytest

from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots.plan_retention import (  # noqa: E501
    PERIODS,
    Rules,
    decide,
)
from checkout import CHECKOUT
from unit.builders import own_labels, snapshot

PAGE = (CHECKOUT / "docs" / "retention.md").read_text("utf-8")
EXAMPLES = re.findall(r"^`(keep_[^`]*)`\n\n```text\n(.*?)```", PAGE, re.M | re.S)
MONDAY = datetime(2026, 11, 30, 2, tzinfo=timezone.utc)
DAY = timedelta(days=1)
WEEKS_SHOWN = 6
LETTERS = {"keep_last": "L", **{rule: rule.removeprefix("keep_")[0].upper() for rule in PERIODS}}


def kept(rules: Rules) -> dict[datetime, str]:
    """Return the nights of a year whose snapshots are kept on a Monday, with the rules' letters."""
    taken = [MONDAY - timedelta(hours=1) - number * DAY for number in range(366)]
    nightly = [
        snapshot(
            name=f"db1-{at:%F}",
            phase="Succeeded",
            ready=True,
            creation_time=at,
            labels=own_labels("nightly"),
        )
        for at in taken
    ]
    return {
        decision.snapshot.taken_at: "".join(
            letter for rule, letter in LETTERS.items() if rule in decision.kept_by
        )
        for decision in decide(nightly, rules, MONDAY)
        if not decision.delete and decision.snapshot.taken_at
    }


def calendar(rules: Rules) -> str:
    """Return the weeks up to a Monday, and the nights before that are kept."""
    nights = {f"{at:%F}": letters for at, letters in kept(rules).items()}
    first = MONDAY - (WEEKS_SHOWN - 1) * 7 * DAY
    lines = ["week of  Mon  Tue  Wed  Thu  Fri  Sat  Sun"]
    shown: set[str] = set()
    for week in (first + 7 * number * DAY for number in range(WEEKS_SHOWN)):
        days = [week + number * DAY for number in range(7)]
        shown.update(f"{day:%F}" for day in days)
        cells = [" " if day > MONDAY else nights.get(f"{day:%F}", "·") for day in days]
        lines.append(f"{week:%d %b}   " + "".join(f"{cell:5}" for cell in cells))
    before = [f"{night} {letters}" for night, letters in nights.items() if night not in shown]
    listed = ", ".join(sorted(before, reverse=True))
    lines += textwrap.wrap(listed, 72, initial_indent="before:  ", subsequent_indent=" " * 9)
    return "".join(f"{line.rstrip()}\n" for line in lines)


@pytest.mark.parametrize(("rules", "shown"), EXAMPLES)
def test_a_calendar_shows_what_its_rules_keep(rules: str, shown: str) -> None:
    counts = {name: int(count) for name, count in re.findall(r"(keep_\w+): (\d+)", rules)}
    assert shown == calendar(Rules(counts))


def test_there_are_calendars() -> None:
    assert len(EXAMPLES) == PAGE.count("```text")
    assert len(EXAMPLES) > 2

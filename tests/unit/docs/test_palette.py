# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What points to docs/palette.md finds its section, and what the page points to exists."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from palette_simulator.switches import Switches

CHECKOUT = Path(__file__).resolve().parents[3]
PAGE = (CHECKOUT / "docs" / "palette.md").read_text(encoding="utf-8")
TITLES = re.findall(r"^#+ (.+)$", PAGE, re.MULTILINE)
ANCHORS = {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in TITLES}

POINTER = re.compile(r'docs/palette\.md, "([^"]+)"')
POINTERS = sorted(
    (file.relative_to(CHECKOUT).as_posix(), title)
    for folder in ("plugins", "tests", "tools")
    for file in (CHECKOUT / folder).rglob("*.py")
    for title in POINTER.findall(file.read_text(encoding="utf-8"))
)


def test_every_pointer_names_a_section() -> None:
    """A renamed section takes its pointers along."""
    assert POINTERS
    assert [pointer for pointer in POINTERS if pointer[1] not in TITLES] == []


def test_every_link_of_the_page_has_a_section() -> None:
    """GitHub makes the anchors from the titles."""
    links = set(re.findall(r"\]\(#([^)]+)\)", PAGE))
    assert links
    assert links - ANCHORS == set()


def test_the_index_leads_to_every_section() -> None:
    """All but the two that open the page."""
    index = PAGE.partition("## Find the answer\n")[2].partition("\n## ")[0]
    titles = re.findall(r"^## (.+)$", PAGE, re.MULTILINE)[2:]
    assert re.findall(r"\[([^]]+)\]\(#", index)
    assert set(titles) - set(re.findall(r"\[([^]]+)\]\(#", index)) == set()


def test_every_switch_for_an_open_question_exists() -> None:
    """The simulator has the switches that the page names."""
    questions = PAGE.partition("## Not known\n")[2]
    named = set(re.findall(r"\| `(\w+)` \|$", questions, re.MULTILINE))
    assert named
    assert named - {field.name for field in msgspec.structs.fields(Switches)} == set()

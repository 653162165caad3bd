# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pages of the documentation site: nothing in them is untried, and they name what there is."""

from __future__ import annotations

import re

import pytest
import yaml

from checkout import CHECKOUT

PAGES = {page.name: page.read_text("utf-8") for page in (CHECKOUT / "docs").glob("*.md")}
# By the integration tests test_readme.py, test_recipes.py, test_ad_hoc.py and test_awx_setup.py.
TRIED = {"getting-started.md", "playbooks.md", "recipes.md", "ad-hoc.md", "awx.md"}
MODULES = yaml.safe_load((CHECKOUT / "meta" / "runtime.yml").read_text("utf-8"))["action_groups"]


@pytest.mark.parametrize("name", sorted(set(PAGES) - TRIED))
def test_no_page_has_a_command_or_playbook_that_is_not_tried(name: str) -> None:
    assert re.findall(r"^```(shell|yaml|bash|console).*", PAGES[name], re.M) == []


@pytest.mark.parametrize("name", sorted(PAGES))
def test_links_out_of_the_folder_lead_to_files(name: str) -> None:
    paths = re.findall(r"\]\((\.\./[^)#]+)", PAGES[name])
    assert [path for path in paths if not (CHECKOUT / "docs" / path).is_file()] == []


def test_permissions_are_told_of_each_module() -> None:
    rows = re.findall(r"^\| (`vm_[^|]*) \|", PAGES["permissions.md"], re.M)
    told = {module for row in rows for module in re.findall(r"`(\w+)`", row)}
    assert told == set(MODULES["all"])

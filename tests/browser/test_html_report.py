# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of html_report in a browser: for all people, with and without its script, on paper."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from ansible_collections.spectrocloud.palette.plugins.filter.html_report import FilterModule
from unit.report_rows import FAILED, MADE_AT, ago, clusters, fleet, found, large, snapshot, vm

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
HOSTILE = "<script>console.error('run')</script><img src=x onerror=console.error('run')>\"'"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The Chromium of this machine."""
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        pytest.skip("there is no Chromium: install the package chromium")
    # As root, Chromium has no sandbox; nor has it a GPU here.
    arguments = ["--disable-gpu", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=program, args=arguments)
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page with something of everything."""
    disk = {"name": "data", "holds_data": True, "snapshottable": False, "reason": "no class"}
    snapshots = [
        snapshot(0, expires_at=ago(-2)),
        snapshot(1, quiesced=False),
        snapshot(2, **FAILED),
        snapshot(3, ready_to_use=False),
        snapshot(0, vm_name="web1", namespace="shop"),
        snapshot(1, vm_name=HOSTILE, error=HOSTILE, set=HOSTILE),
    ]
    vms = [
        vm(0),
        vm(None, vm_name="db10", volumes=[disk], blocked_by="not_snapshottable"),
        vm(1.5, vm_name="db9"),
        vm(0, vm_name="web1", namespace="shop"),
    ]
    sick = clusters(edge=f"HTTP 503 {HOSTILE}")
    return written(tmp_path_factory, found(snapshots), fleet(vms, clusters=sick))


def written(
    factory: pytest.TempPathFactory, snapshots: dict[str, Any], vms: dict[str, Any]
) -> Path:
    """Write a page on these results into a file."""
    path = factory.mktemp("page") / "report.html"
    html_report = FilterModule().filters()["html_report"]
    path.write_text(html_report(snapshots, vms, made_at=MADE_AT), encoding="utf-8")
    return path


@contextmanager
def opened(browser: Browser, report: Path, **options: Any) -> Iterator[Page]:
    """Open a page as somebody would, who sees no error and whose browser asks for nothing."""
    problems: list[str] = []
    context = browser.new_context(**options)
    page = context.new_page()
    page.on("console", lambda message: problems.append(message.text))
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("request", lambda request: problems.append(request.url))
    page.goto(report.as_uri())
    yield page
    context.close()
    assert problems == [report.as_uri()]


def violations(page: Page) -> list[str]:
    """Return what axe finds wrong for people who cannot see, or use no mouse."""
    results = Axe().run(page).response
    assert len(results["passes"]) > 20
    return [
        f"{found['id']}: {node['html']}: {node['failureSummary']}"
        for found in results["violations"]
        for node in found["nodes"]
    ]


@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_everybody_can_use_the_page(
    browser: Browser, report: Path, colours: str, width: int
) -> None:
    size = {"width": width, "height": 800}
    with opened(browser, report, color_scheme=colours, viewport=size) as page:
        assert violations(page) == []


def test_everybody_can_read_what_is_printed(browser: Browser, report: Path) -> None:
    with opened(browser, report, color_scheme="dark") as page:
        page.emulate_media(media="print")
        assert violations(page) == []
        assert not page.locator("form").is_visible()
        assert page.pdf().startswith(b"%PDF")


def test_cells_are_words_to_a_screen_reader(browser: Browser, report: Path) -> None:
    with opened(browser, report) as page:
        row = page.get_by_role("table", name="vm-cluster-1 / vms").get_by_role("row", name="db1 4")
        last = [row.get_by_role("cell").nth(number) for number in (-4, -3, -2, -1)]
        words = [cell.aria_snapshot() for cell in last]
        assert words == [
            '- cell "not ready"',
            '- cell "failed"',
            '- cell "not quiesced"',
            '- cell "usable"',
        ]


def test_page_without_script_has_all_but_the_controls(browser: Browser, report: Path) -> None:
    with opened(browser, report, java_script_enabled=False) as page:
        assert page.get_by_role("row", name="db10").first.is_visible()
        assert not page.locator("form").is_visible()
        assert page.get_by_role("button").count() == 0


def names(page: Page) -> list[str]:
    """Return the VMs that are shown, by the grids' order."""
    return page.locator(".grid tbody tr:visible th").all_inner_texts()


def test_search_and_choice_leave_the_vms_that_match(browser: Browser, report: Path) -> None:
    with opened(browser, report) as page:
        page.get_by_label("Search cluster, namespace and VM").fill("SHOP web")
        assert names(page) == ["web1"]
        assert page.get_by_role("status").inner_text() == "1 of 5 VMs shown"
        assert page.locator("details:visible").count() == 1
        page.get_by_label("Search cluster, namespace and VM").fill("")
        page.get_by_label("Show").select_option(label="without a recent usable snapshot")
        assert names(page) == ["db10", "db9"]
        page.get_by_label("Show").select_option(label="with a day of failed snapshots only")
        assert names(page) == ["db1"]


def test_headings_sort_by_keyboard(browser: Browser, report: Path) -> None:
    with opened(browser, report) as page:
        grid = page.get_by_role("table", name="vm-cluster-1 / vms")
        heading = grid.get_by_role("columnheader", name="VM", exact=True)
        heading.get_by_role("button").focus()
        page.keyboard.press("Enter")
        assert heading.get_attribute("aria-sort") == "ascending"
        assert names(page)[2:5] == ["db1", "db9", "db10"]
        page.keyboard.press("Space")
        assert heading.get_attribute("aria-sort") == "descending"
        assert names(page)[1:4] == ["db10", "db9", "db1"]


def test_page_of_2000_vms_and_30000_snapshots_can_be_searched(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with opened(browser, written(tmp_path_factory, *large(2_000, 15))) as page:
        page.get_by_label("Search cluster, namespace and VM").fill("server-01999")
        assert names(page) == ["application-server-01999"]

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter html_report: what the page says, in which order, and that texts stay texts."""

from __future__ import annotations

from collections.abc import Sequence
from html.parser import HTMLParser
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.spectrocloud.palette.plugins.filter.html_report import FilterModule
from unit.report_rows import FAILED, MADE_AT, ago, clusters, fleet, found, large, snapshot, vm

html_report = FilterModule().filters()["html_report"]

Json = dict[str, Any]


class Page(HTMLParser):
    """What is on a page. tables: the cells of each row, by the id or label of their table."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.headings: list[str] = []
        self.tables: dict[str, list[list[str]]] = {}
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {"dt": [], "dd": [], "p": []}
        self._rows: list[list[str]] = []
        self._into: list[str] | None = None
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.append((tag, given))
        if tag == "table":
            name = given.get("aria-labelledby") or given.get("aria-label") or ""
            self._rows = self.tables[name] = []
        elif tag == "tr":
            self._rows.append([])
        elif tag in ("td", "th"):
            self._into = self._rows[-1]
            self._into.append("")
        elif tag in ("h1", "h2", "h3"):
            self._into = self.headings
            self.headings.append("")
        elif tag in self.texts:
            self._into = self.texts[tag]
            self._into.append("")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("h1", "h2", "h3", "dt", "dd", "p", "table", "thead"):
            self._into = None

    def handle_data(self, data: str) -> None:
        if self._into is not None:
            self._into[-1] += data

    def rows(self, name: str) -> list[list[str]]:
        """Return the rows of a table without those of its head."""
        head = 2 if "/" in name else 1
        return [[cell.strip() for cell in row] for row in self.tables[name][head:]]

    @property
    def facts(self) -> dict[str, str]:
        """What stands at the head of the page."""
        return dict(zip(self.texts["dt"], self.texts["dd"], strict=True))


def page(snapshots: Sequence[Json], vms: Sequence[Json], **options: Any) -> Page:
    """Return the page on these rows."""
    return Page(html_report(found(snapshots), fleet(vms), made_at=MADE_AT, **options))


GRID = "vm-cluster-1 / vms"


def test_grid_shows_the_best_of_each_day_in_words() -> None:
    shown = page(
        [
            snapshot(0),
            snapshot(0.1, **FAILED),
            snapshot(1, quiesced=False),
            snapshot(1.1, **FAILED),
            snapshot(2, ready_to_use=False),
            snapshot(3, **FAILED),
            snapshot(5, deleting=True),
            snapshot(6, quiesced=None),
        ],
        [vm(0)],
    )
    (db1,) = shown.rows(GRID)
    assert db1[:3] == ["db1", "8", "2026-11-26 12:00"]
    assert db1[3:] == [
        *("usable", "not ready", "none", "failed"),
        *("not ready", "not quiesced", "usable"),
    ]
    assert [cell.strip() for cell in shown.tables[GRID][1][3:]] == [
        *("20", "21", "22", "23", "24", "25", "26")
    ]


def test_grid_shows_no_day_before_a_vm_was_made() -> None:
    (db1,) = page([snapshot(0)], [vm(0, creation_time=ago(1.2))]).rows(GRID)
    assert db1[3:] == ["", "", "", "", "", "none", "usable"]


def test_grid_keeps_snapshots_of_an_earlier_vm_of_the_name_apart() -> None:
    new, old = page([snapshot(0), snapshot(3)], [vm(0, creation_time=ago(1))]).rows(GRID)
    assert (new[0], new[1], new[-1]) == ("db1", "1", "usable")
    assert (old[0], old[1], old[-4]) == ("db1 (no longer exists)", "1", "usable")


def test_grid_has_vms_without_snapshots_and_snapshots_without_vms() -> None:
    shown = page([snapshot(0, vm_name="gone")], [vm(None, vm_name="bare")]).rows(GRID)
    assert [row[:3] for row in shown] == [
        ["bare", "0", "-"],
        ["gone (no longer exists)", "1", "2026-11-26 12:00"],
    ]


def test_grid_is_grouped_by_cluster_and_namespace() -> None:
    places = [("b", "x"), ("a", "y"), ("a", "x")]
    shown = page([], [vm(None, cluster=cluster, namespace=name) for cluster, name in places])
    grids = [heading for heading in shown.headings if " / " in heading]
    assert grids == ["a / x", "a / y", "b / x"]


@pytest.mark.parametrize(("oldest", "days"), [(0, 7), (6, 7), (9, 10), (30, 31), (299, 31)])
def test_grid_has_the_days_of_the_snapshots_within_bounds(oldest: int, days: int) -> None:
    (row,) = page([snapshot(oldest)], [vm(oldest)]).rows(GRID)
    assert len(row) - 3 == days


def test_attention_comes_first_and_names_what_is_wrong() -> None:
    disks = [
        {"name": "data", "holds_data": True, "snapshottable": False, "reason": "no class"},
        {"name": "init", "holds_data": False, "snapshottable": False, "reason": "no volume"},
        {"name": "root", "holds_data": True, "snapshottable": True, "reason": None},
    ]
    snapshots = [
        snapshot(0.5, vm_name="web1", expires_at=ago(-3)),
        snapshot(0.6, vm_name="web1", expires_at=ago(-1)),
        snapshot(0.5, vm_name="web2", expires_at=ago(-3)),
        snapshot(0.7, vm_name="web2"),
        snapshot(2, **FAILED),
    ]
    unusable = {"name": "db1-1", "why": "not_ready", "error": "no space"}
    vms = [
        vm(None, vm_name="new", blocked_by="not_snapshottable"),
        vm(1.5, volumes=disks, newest_unusable=unusable),
        vm(0.5, vm_name="web1"),
        vm(0.5, vm_name="web2"),
    ]
    miss = {"option": "vm_names", "value": "dbl", "nearest": ["db1", "db2"]}
    shown = Page(
        html_report(
            found(snapshots, unmatched=[miss]),
            fleet(vms, unmatched=[miss], clusters=clusters(edge="HTTP 503")),
            made_at=MADE_AT,
        )
    )
    assert shown.headings[:8] == [
        "Snapshots of virtual machines",
        "What needs attention",
        "Clusters that could not be reached: 1",
        "VMs without a usable snapshot from the last 24h: 2",
        "Failed snapshots: 1",
        "VMs whose last usable snapshot expires soon: 1",
        "Disks that snapshots leave out: 1",
        "Filters that match nothing: 1",
    ]
    place = ["vm-cluster-1", "vms"]
    assert shown.rows("clusters") == [["edge", "unavailable", "HTTP 503"]]
    assert shown.rows("uncovered") == [
        [*place, "new", "Running", "-", "-", "never", "-", "not_snapshottable"],
        [*place, "db1", "Running", "db1-1.5", "2026-11-25 00:00", "not ready", "no space", "-"],
    ]
    failed = [*place, "db1", "db1-2", "nightly", "2026-11-24 12:00", "no space"]
    assert shown.rows("failed") == [failed]
    assert shown.rows("ending") == [[*place, "web1", "db1-0.5", "2026-11-29 12:00"]]
    assert shown.rows("disks") == [[*place, "db1", "data", "no class"]]
    assert shown.rows("unmatched") == [["vm_names", "dbl", "db1, db2"]]
    alarming = [given for tag, given in shown.tags if tag == "tr" and given.get("class") == "x"]
    assert len(alarming) == 2


def test_nothing_that_needs_attention_is_said() -> None:
    shown = page([snapshot(0)], [vm(0)])
    assert shown.headings[1:3] == ["What needs attention", "VMs and days"]
    assert any(text.startswith("Nothing: ") for text in shown.texts["p"])


def test_page_without_any_vm_gives_no_all_clear() -> None:
    (text,) = (text for text in page([], []).texts["p"] if "Nothing" in text or "No VM" in text)
    assert text == "No VM was found. Check the project and the filters at the head of this page."


@pytest.mark.parametrize(("newer_than", "uncovered"), [("24h", 2), ("2d", 1), ("52h", 0)])
def test_newer_than_says_what_is_recent(newer_than: str, uncovered: int) -> None:
    vms = [vm(1), vm(1.5, vm_name="db2"), vm(2.1, vm_name="db3")]
    shown = page([], vms, newer_than=newer_than)
    assert len(shown.tables.get("uncovered", [[]])[1:]) == uncovered
    recent = shown.facts[f"with a recent usable snapshot ({newer_than})"]
    assert recent == f"{3 - uncovered} of 3"


def test_totals_count_what_there_is() -> None:
    snapshots = [snapshot(0), snapshot(1, quiesced=False), snapshot(2, **FAILED)]
    shown = page(snapshots, [vm(0)], given={"Project": "Default", "vm_names": ["db1", "db2"]})
    assert shown.facts == {
        "Made": "2026-11-26 12:00 UTC",
        "Project": "Default",
        "vm_names": "db1, db2",
        "VMs": "1",
        "with a recent usable snapshot (24h)": "1 of 1",
        "snapshots": "3",
        "usable": "2",
        "of these not quiesced": "1",
        "failed": "1",
        "clusters reached": "1 of 1",
    }


def test_sets_and_their_next_expiries_are_counted() -> None:
    shown = page(
        [
            snapshot(0, expires_at=ago(-2)),
            snapshot(1, vm_name="db2", expires_at=ago(-2.1), quiesced=False),
            snapshot(2, expires_at=ago(0.5)),
            snapshot(3, set=None, **FAILED),
            snapshot(4, set=None, scheduled_by_palette=True, expires_at="whenever"),
        ],
        [],
    )
    taken = {days: ago(days)[:16].replace("T", " ") for days in range(5)}
    assert shown.rows("sets") == [
        ["(Palette's scheduler)", "1", "1", "1", "0", "0", taken[4], taken[4], "-"],
        ["(no set)", "1", "1", "0", "0", "1", taken[3], taken[3], "-"],
        ["nightly", "3", "2", "3", "1", "0", taken[2], taken[0], "2026-11-26 00:00"],
    ]
    assert shown.rows("expiries") == [
        ["overdue", "nightly", "1", "1"],
        ["2026-11-28", "nightly", "2", "2"],
    ]


HOSTILE = "<script>alert('x')</script>\"&\x1b[2J{{ 1 + 1 }}\u202e<img src=x onerror=alert(1)>"
SHOWN = "<script>alert('x')</script>\"&[2J{{ 1 + 1 }}<img src=x onerror=alert(1)>"


def test_texts_of_the_server_stay_texts_wherever_they_are_shown() -> None:
    keys = ("cluster", "namespace", "vm_name", "name", "set", "error")
    place = dict.fromkeys(keys[:3], HOSTILE)
    disk = {"name": HOSTILE, "holds_data": True, "snapshottable": False, "reason": HOSTILE}
    newest = {"name": HOSTILE, "creation_time": HOSTILE, "age_seconds": 10**9, "set": HOSTILE}
    hostile_vm = vm(None, **place, printable_status=HOSTILE, volumes=[disk], blocked_by=HOSTILE)
    snapshots = [
        snapshot(0, **{**FAILED, **dict.fromkeys(keys, HOSTILE)}),
        snapshot(0, **dict.fromkeys(keys, HOSTILE), expires_at=ago(-1)),
        snapshot(0, creation_time=HOSTILE, expires_at=HOSTILE),
    ]
    miss = {"option": "vm_names", "value": HOSTILE, "nearest": [HOSTILE]}
    html = html_report(
        found(snapshots, unmatched=[miss], clusters=clusters(**{HOSTILE: HOSTILE})),
        fleet([hostile_vm | {"newest_snapshot": newest}]),
        given={HOSTILE: [HOSTILE]},
        made_at=MADE_AT,
    )
    shown = Page(html)
    tags = [tag for tag, _given in shown.tags]
    assert (tags.count("script"), tags.count("img")) == (1, 0)
    assert not [given for _tag, given in shown.tags if any(n.startswith("on") for n in given)]
    assert shown.facts[SHOWN] == SHOWN
    assert shown.rows("clusters") == [[SHOWN, "unavailable", SHOWN]]
    assert shown.rows("disks")[0] == [SHOWN] * 5
    assert f"{SHOWN} / {SHOWN}" in shown.tables
    assert "\x1b" not in html
    assert "\u202e" not in html


def test_page_needs_nothing_but_itself() -> None:
    shown = page([snapshot(0)], [vm(0)])
    links = [given.get(name) for _tag, given in shown.tags for name in ("src", "href", "action")]
    assert all(link is None or link.startswith("#") for link in links)
    (policy,) = [
        given["content"]
        for tag, given in shown.tags
        if given.get("http-equiv") == "Content-Security-Policy"
    ]
    assert policy is not None
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert not [given for _tag, given in shown.tags if "style" in given]


def test_page_of_many_vms_and_snapshots_stays_small() -> None:
    many, vms = large(2_000, 15)
    assert len(many["snapshots"]) == 30_000
    html = html_report(many, vms, made_at=MADE_AT)
    assert len(html.encode()) < 5_000_000
    shown = Page(html)
    assert sum(len(shown.rows(name)) for name in shown.tables if " / " in name) == 2_000
    left_out = [text for text in shown.texts["p"] if text.startswith("And ")]
    failed = sum(row["phase"] == "Failed" for row in many["snapshots"])
    assert f"And {failed - 200} more. A report as CSV or JSON has all." in left_out


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"newer_than": "1y"}, "newer_than: '1y' has the unknown unit 'y'"),
        ({"made_at": "noon"}, "made_at: 'noon' is not a time; for example: 2026-11-26T08:00:00Z"),
        ({"fleet": {"msg": "no"}}, "html_report takes fleet, a result of vm_info, which has vms"),
        ({"found": []}, "html_report takes a result of vm_snapshot_info which has snapshots"),
        ({"found": found([{"name": "x"}])}, "html_report: a row lacks 'cluster': add it to fields"),
    ],
)
def test_html_report_says_what_is_wrong_with_its_input(options: Json, problem: str) -> None:
    given = {"found": found([]), "fleet": fleet([]), **options}
    with pytest.raises(AnsibleFilterError, match=problem.replace("(", r"\(")):
        html_report(given.pop("found"), **given)

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Draw the picture of the README, docs/demo.svg, from what a run of the demo prints.

    make demo | python tools/draw_demo.py

The picture has the lines that tell the story. tests/integration/test_demo.py compares it with a
run.
"""

from __future__ import annotations

import io
import re
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import yaml
from rich.console import Console
from rich.text import Text

CHECKOUT = Path(__file__).resolve().parents[1]
PICTURE = CHECKOUT / "docs" / "demo.svg"
COLUMNS = 104
# Where the output is divided, and which of the parts are shown.
PART = re.compile(r"^(?==== |TASK \[|PLAY )", re.MULTILINE)
SCENES = re.compile(r"=== (Look at the fleet|Change VMs|Report what)")
SHOWN = re.compile(r"TASK \[.* : (Show |Check that its application|Fail if the change failed)")
RESULT = re.compile(r"^(\S+: \[localhost\].*?) => *\n((?:    .*\n|\n)+)", re.MULTILINE)
# Bright enough for everybody on the picture's own dark ground.
GOOD, BAD = "#a6c75c", "#ff8a80"
STYLES = {"$ ": "bold", "=== ": "bold #7cc4da", "TASK": "white", "fatal": BAD}

TEMPLATE = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}"
 role="img" aria-labelledby="title">
<!-- Copyright: Contributors to the spectrocloud.palette collection -->
<!-- SPDX-License-Identifier: GPL-3.0-or-later -->
<!-- Drawn by tools/draw_demo.py, with Rich -->
<title id="title">The output of make demo, in extracts</title>
<style>
.{unique_id}-matrix {{ font: {char_height}px ui-monospace, Menlo, Consolas, monospace }}
.{unique_id}-title {{ font: bold 18px system-ui, sans-serif }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect width="{terminal_width}" height="{terminal_height}"/>
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


def main() -> None:
    output = sys.stdin.read()
    PICTURE.write_text(draw(extract(output)), encoding="utf-8")
    print(f"Wrote {PICTURE.relative_to(CHECKOUT)}")


def extract(output: str) -> list[str]:
    """Return the lines of a run that tell the story."""
    story = ["$ make demo"]
    parts = PART.split(output.replace(f"{CHECKOUT}/", ""))
    in_scene = False
    for part in parts:
        head = part.partition("\n")[0]
        if head.startswith("==="):
            in_scene = bool(SCENES.match(head))
            story += ["", *part.splitlines()[:2]] if in_scene else []
        elif in_scene and SHOWN.match(head):
            story += ["", head.rstrip("* "), *_result(part)]
    return [_cut(line) for line in [*story, "", *parts[-1].splitlines()[:2]]]


def _result(part: str) -> Iterator[str]:
    """Return the message of a task, and that it failed."""
    for told, result in RESULT.findall(part):
        if told.startswith("fatal"):
            yield told
        for line in yaml.safe_load(result)["msg"].splitlines():
            yield from [line] if "  " in line else textwrap.wrap(line, COLUMNS) or [""]


def _cut(line: str) -> str:
    """Shorten a line to the columns; a row of a table loses whole cells."""
    if len(line) <= COLUMNS:
        return line
    cells, gap, _rest = line[: COLUMNS - 1].rpartition("  ")
    return f"{cells}{gap}…" if gap else f"{line[: COLUMNS - 1]}…"


def draw(lines: list[str]) -> str:
    """Return the picture of a terminal with these lines."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), highlight=False)
    style = ""
    for line in lines:
        style = _style(line, style)
        console.print(Text(line, style), no_wrap=True, overflow="crop")
    return console.export_svg(title="make demo", code_format=TEMPLATE, unique_id="demo")


def _style(line: str, before: str) -> str:
    """Return the style of a line; what follows the word of a failure belongs to it."""
    begun = next((style for start, style in STYLES.items() if line.startswith(start)), "")
    return begun or (BAD if before == BAD and line else GOOD)


def drawn(picture: str) -> list[str]:
    """Return the lines of a picture, without blanks."""
    lines: dict[str, str] = {}
    root = ET.fromstring(picture)  # noqa: S314 - our own
    for text in root.iterfind(".//*[@class='demo-matrix']/*"):
        lines[text.attrib["y"]] = lines.get(text.attrib["y"], "") + squeezed(text.text or "")
    return [line for line in lines.values() if line]


def squeezed(line: str) -> str:
    """Return a line without blanks."""
    return re.sub(r"\s", "", line)


if __name__ == "__main__":
    main()

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo runs, and the README's picture shows what it prints."""

from __future__ import annotations

import re
import subprocess
import sys

from ansible_collections.spectrocloud.palette.tools.draw_demo import (
    PICTURE,
    drawn,
    extract,
    squeezed,
)
from checkout import CHECKOUT

# What differs from run to run: times, in names too, and how long the VMs were down.
RUNNING = re.compile(r"\d{4}-\d\d-\d\dT[\d:]+Z|(?<=-)\d{8}-\d{6}|(?<=rolled_back)\d+(?=yes)")
REDRAW = "draw it anew: make demo | python tools/draw_demo.py"


def test_the_picture_shows_what_the_demo_prints() -> None:
    demo = subprocess.run(
        [sys.executable, str(CHECKOUT / "tools" / "demo.py")],
        check=False,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert demo.returncode == 0, demo.stdout + demo.stderr

    printed = [squeezed(line) for line in extract(demo.stdout) if line]
    assert steady(drawn(PICTURE.read_text("utf-8"))) == steady(printed), REDRAW


def steady(lines: list[str]) -> list[str]:
    """Return lines as they are in each run."""
    return [RUNNING.sub("…", line) for line in lines]

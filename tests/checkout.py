# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""This checkout as a commit would hold it: the names of its files, and copies of it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
COMMITTER = (
    "-c",
    "user.name=Test",
    "-c",
    "user.email=test@example.com",
    "-c",
    "commit.gpgsign=false",
)


def known_files() -> set[str]:
    """Return the names of the files that git knows or would add."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listing = subprocess.run(command, cwd=CHECKOUT, check=True, capture_output=True, text=True)
    # git still lists a file that is deleted but not yet committed.
    return {name for name in listing.stdout.split("\0") if (CHECKOUT / name).is_file()}


def copy_to(folder: Path) -> None:
    """Copy these files, as they are now, into a folder."""
    for name in known_files():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(CHECKOUT / name, folder / name)


def commit_to(folder: Path) -> None:
    """Make a git repository whose branch main holds these files."""
    copy_to(folder)
    for command in (
        ["init", "--quiet", "--initial-branch=main"],
        ["add", "--all", "--force"],
        [*COMMITTER, "commit", "--quiet", "--no-verify", "--message=Copy a checkout"],
    ):
        subprocess.run(["git", *command], cwd=folder, check=True, capture_output=True)

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the documentation site into build/site: the pages of docs/ and the reference.

It fails where a reference leads nowhere, or a page has no way to it.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
SITE = CHECKOUT / "build" / "site"
SOURCE = SITE / "source"
REFERENCE = SOURCE / "reference"
GENERATE = (
    *("antsibull-docs", "collection", "--use-current", "--squash-hierarchy", "--fail-on-error"),
    "--dest-dir",
)
BUILD = ("sphinx-build", "--fail-on-warning", "--keep-going", "--quiet")


def main() -> None:
    """Gather the pages, generate the reference, and let Sphinx make the site."""
    shutil.rmtree(SITE, ignore_errors=True)
    # antsibull-docs insists that only its user may write there.
    REFERENCE.mkdir(parents=True)
    REFERENCE.chmod(0o755)
    for page in [*CHECKOUT.glob("docs/*.md"), *CHECKOUT.glob("docs/*.svg")]:
        shutil.copy(page, SOURCE)
    shutil.copy(CHECKOUT / "docs" / "docsite" / "conf.py", SOURCE)
    shutil.copy(CHECKOUT / "galaxy.yml", SOURCE)
    _run(*GENERATE, REFERENCE, "spectrocloud.palette")
    _run(*BUILD, SOURCE, SITE / "html")
    print(f"The site is in {(SITE / 'html' / 'index.html').relative_to(CHECKOUT)}")


def _run(*command: str | Path) -> None:
    subprocess.run(list(map(str, command)), cwd=SOURCE, check=True)


if __name__ == "__main__":
    main()

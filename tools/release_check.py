# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Go through the list of what a release needs; say what is open, and what to do about it.

    release_check.py CHECK...

What 'make test' and 'make matrix' find out is not found out again: each CHECK is one of theirs, and
has to have passed since the last commit.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from checkout import CHECKOUT, copy_to

VERSION = re.compile(r"\d+\.\d+\.\d+")
ADDED = re.compile(r"^\s*version_added: *[\"']?([\d.]+)", re.MULTILINE)
# These tell of changes, and nobody has what a first release would change.
OF_CHANGES = {"minor_changes", "bugfixes", "breaking_changes", "removed_features"}
LEFT_TO_DO = "T[O]DO|F[I]XME|X[X]X"


def main() -> int:
    version = str(_load(CHECKOUT / "galaxy.yml")["version"])
    log = CHECKOUT / "build" / "logs"
    points = {
        "the work is committed": uncommitted(CHECKOUT),
        f"version {version} is new": not_new(CHECKOUT, version),
        "the changelog tells of it": unreleased(CHECKOUT, version),
        "version_added is no later": added_later(CHECKOUT, version),
        "nothing is left to do in files": left_to_do(CHECKOUT),
        "make test matrix has passed": not_passed(log, sys.argv[1:], _committed_at(CHECKOUT)),
    }
    found = {point: list(problems) for point, problems in points.items()}
    for point, problems in found.items():
        print("OPEN " if problems else "done ", point)
        print("".join(f"       {problem}\n" for problem in problems), end="")
    return any(found.values())


def uncommitted(checkout: Path) -> list[str]:
    """Return the files that git does not hold as they are."""
    return [f"{line[3:]}: commit it" for line in _git(checkout, "status", "--porcelain")]


def not_new(checkout: Path, version: str) -> Iterator[str]:
    """Say why a version cannot be released."""
    if not VERSION.fullmatch(version):
        yield "galaxy.yml: version must be three numbers; for example: 1.0.0"
    if _git(checkout, "tag", "--list", version):
        yield f"galaxy.yml: {version} has a tag already; raise the version"


def unreleased(checkout: Path, version: str) -> Iterator[str]:
    """Say what the changelog lacks; what waits in fragments is released in a copy first."""
    waiting = sorted(path.name for path in (checkout / "changelogs" / "fragments").glob("*.yml"))
    if waiting:
        yield f"{', '.join(waiting)}: run antsibull-changelog release"
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        copy_to(copy)
        failed = _release(copy) if waiting else ""
        yield from [failed] if failed else untold(copy, version)


def untold(checkout: Path, version: str) -> Iterator[str]:
    """Say what a released changelog does not tell of a version, or needlessly or wrongly does."""
    changelog = checkout / "changelogs" / "changelog.yaml"
    releases = _load(changelog)["releases"] if changelog.exists() else {}
    if version not in releases:
        yield f"changelogs: {version} is not told; write a fragment with a release_summary"
        return
    changes = releases[version].get("changes", {})
    if "release_summary" not in changes:
        yield f"changelogs: {version} has no release_summary; write a fragment with one"
    if len(releases) == 1 and (needless := OF_CHANGES & set(changes)):
        yield f"changelogs: nothing was released before; leave out {', '.join(sorted(needless))}"
    yield from untold_playbooks(checkout, releases)
    yield from misdated(checkout, releases[version], version)


def untold_playbooks(checkout: Path, releases: dict[str, Any]) -> Iterator[str]:
    """Name the playbooks that no release tells; antsibull-changelog does not find them itself."""
    told = {
        added["name"]
        for release in releases.values()
        for added in release.get("objects", {}).get("playbook", [])
    }
    for name in sorted({path.stem for path in checkout.glob("playbooks/*.yml")} - told):
        yield f"changelogs: the playbook {name} is not told; add it to 'add object.playbook'"


def misdated(checkout: Path, release: dict[str, Any], version: str) -> Iterator[str]:
    """Name what is new in a release, and says that it was added in another."""
    new = {"modules": release.get("modules", []), **release.get("plugins", {})}
    for folder, plugins in new.items():
        for name in (plugin["name"] for plugin in plugins):
            path = checkout / "plugins" / folder / f"{name}.py"
            added = ADDED.findall(path.read_text("utf-8"))
            if added[:1] != [version]:
                yield f"{path.relative_to(checkout)}: is new; set version_added: {version}"


def added_later(checkout: Path, version: str) -> Iterator[str]:
    """Name the documentation whose version_added is later than the version."""
    documented = [*checkout.glob("plugins/**/*.py"), *checkout.glob("roles/*/meta/*.yml")]
    for path in sorted(documented):
        for added in sorted(set(ADDED.findall(path.read_text("utf-8")))):
            if _numbers(added) > _numbers(version):
                yield f"{path.relative_to(checkout)}: version_added is {added}, not {version}"


def left_to_do(checkout: Path) -> list[str]:
    """Return the lines that say that something is left to do."""
    return _git(checkout, "grep", "-nIwE", LEFT_TO_DO)


def not_passed(logs: Path, checks: Iterable[str], since: float) -> Iterator[str]:
    """Say which checks have not passed since a time."""
    verdicts = {name: logs / f"{name}.verdict" for name in checks}
    ran = {name: path for name, path in verdicts.items() if path.exists()}
    if missing := verdicts.keys() - ran.keys():
        yield f"has not run: {', '.join(sorted(missing))}"
    if old := {name for name, path in ran.items() if path.stat().st_mtime < since}:
        yield f"has not run since the last commit: {', '.join(sorted(old))}"
    told = [path.read_text("utf-8").strip() for path in ran.values()]
    yield from (verdict for verdict in told if not verdict.startswith("passed"))


def _release(copy: Path) -> str:
    """Release a copy's fragments; return what went wrong."""
    command = ["antsibull-changelog", "release"]
    done = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False)
    return f"it fails in a copy: {done.stdout}{done.stderr}" if done.returncode else ""


def _committed_at(checkout: Path) -> float:
    return float(_git(checkout, "log", "-1", "--format=%ct")[0])


def _git(checkout: Path, *arguments: str) -> list[str]:
    done = subprocess.run(["git", *arguments], cwd=checkout, capture_output=True, check=False)
    # 'git grep' ends with 1 where there is nothing.
    if done.returncode > 1:
        sys.exit(done.stderr.decode())
    return done.stdout.decode().splitlines()


def _numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".") if part]


def _load(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))
    return loaded


if __name__ == "__main__":
    sys.exit(main())

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the list of a release finds open, in small checkouts."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.spectrocloud.palette.tools import release_check
from checkout import CHECKOUT, COMMITTER

SUMMARY = {"release_summary": "The first release."}
PLAYBOOK = {"playbook": [{"name": "snapshot", "description": "Take it", "namespace": None}]}
MISDATED = "plugins/modules/vm_info.py: is new; set version_added: 1.1.0"
MODULE = {"name": "vm_info", "description": "List VMs", "namespace": ""}


def write(path: Path, content: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
    return path


def told(checkout: Path, **releases: dict[str, Any]) -> Path:
    """Write a changelog whose versions are called v1_0_0 here."""
    named = {name[1:].replace("_", "."): release for name, release in releases.items()}
    write(checkout / "changelogs" / "changelog.yaml", yaml.safe_dump({"releases": named}))
    return checkout


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with one commit, tagged 1.0.0."""
    write(tmp_path / "README.md", "A collection\n")
    for command in (
        ("init", "--quiet"),
        ("add", "--all"),
        (*COMMITTER, "commit", "--quiet", "--no-gpg-sign", "--message=Begin"),
        ("tag", "1.0.0"),
    ):
        subprocess.run(["git", *command], cwd=tmp_path, check=True, capture_output=True)
    return tmp_path


def test_uncommitted_names_what_git_does_not_hold(repository: Path) -> None:
    assert release_check.uncommitted(repository) == []
    write(repository / "README.md", "Another\n")
    write(repository / "new.yml", "")
    assert release_check.uncommitted(repository) == ["README.md: commit it", "new.yml: commit it"]


@pytest.mark.parametrize(
    ("version", "problems"),
    [
        ("1.1.0", []),
        ("1.0.0", ["galaxy.yml: 1.0.0 has a tag already; raise the version"]),
        ("1.1", ["galaxy.yml: version must be three numbers; for example: 1.0.0"]),
    ],
)
def test_not_new_refuses_tagged_and_odd_versions(
    repository: Path, version: str, problems: list[str]
) -> None:
    assert list(release_check.not_new(repository, version)) == problems


def test_left_to_do_finds_whole_words(repository: Path) -> None:
    word = "TO" + "DO"
    write(repository / "README.md", f"A {word}S list\n# {word}: write more\n")
    assert release_check.left_to_do(repository) == [f"README.md:2:# {word}: write more"]


def test_untold_is_satisfied_by_a_summary_and_every_playbook(tmp_path: Path) -> None:
    write(tmp_path / "playbooks" / "snapshot.yml", "")
    told(tmp_path, v1_0_0={"changes": SUMMARY, "objects": PLAYBOOK})
    assert list(release_check.untold(tmp_path, "1.0.0")) == []


def test_untold_names_what_is_missing(tmp_path: Path) -> None:
    write(tmp_path / "playbooks" / "snapshot.yml", "")
    write(tmp_path / "playbooks" / "vm_power.yml", "")
    told(tmp_path, v1_0_0={"objects": PLAYBOOK}, v1_1_0={"changes": {"bugfixes": ["one"]}})
    assert list(release_check.untold(tmp_path, "1.1.0")) == [
        "changelogs: 1.1.0 has no release_summary; write a fragment with one",
        "changelogs: the playbook vm_power is not told; add it to 'add object.playbook'",
    ]


@pytest.mark.parametrize("releases", [{}, {"v1_0_0": {"changes": SUMMARY}}])
def test_untold_names_a_version_that_is_not_there(
    tmp_path: Path, releases: dict[str, dict[str, Any]]
) -> None:
    if releases:
        told(tmp_path, **releases)
    assert list(release_check.untold(tmp_path, "1.1.0")) == [
        "changelogs: 1.1.0 is not told; write a fragment with a release_summary"
    ]


def test_untold_refuses_bugfixes_of_what_nobody_has(tmp_path: Path) -> None:
    told(tmp_path, v1_0_0={"changes": SUMMARY | {"bugfixes": ["one"], "minor_changes": ["two"]}})
    assert list(release_check.untold(tmp_path, "1.0.0")) == [
        "changelogs: nothing was released before; leave out bugfixes, minor_changes"
    ]


@pytest.mark.parametrize(
    ("added", "problems"),
    [
        ("version_added: 1.1.0\noptions:\n  host:\n    version_added: 1.0.0\n", []),
        (
            "version_added: 1.0.0\n",
            ["plugins/modules/vm_info.py: is new; set version_added: 1.1.0"],
        ),
        ("", ["plugins/modules/vm_info.py: is new; set version_added: 1.1.0"]),
    ],
)
def test_misdated_names_what_is_new_and_says_otherwise(
    tmp_path: Path, added: str, problems: list[str]
) -> None:
    write(tmp_path / "plugins" / "modules" / "vm_info.py", added)
    write(tmp_path / "plugins" / "filter" / "table.py", "version_added: '1.1.0'\n")
    release = {"modules": [MODULE], "plugins": {"filter": [{"name": "table"}]}}
    assert list(release_check.misdated(tmp_path, release, "1.1.0")) == problems


def test_added_later_compares_numbers(tmp_path: Path) -> None:
    write(tmp_path / "plugins" / "modules" / "vm_info.py", "version_added: 1.9.0\n")
    write(tmp_path / "roles" / "one" / "meta" / "argument_specs.yml", "  version_added: 1.11.0\n")
    assert list(release_check.added_later(tmp_path, "1.10.0")) == [
        "roles/one/meta/argument_specs.yml: version_added is 1.11.0, not 1.10.0"
    ]


def test_not_passed_wants_a_verdict_since_the_last_commit(tmp_path: Path) -> None:
    for name, verdict in {"ruff": "passed", "mypy": "FAILED", "2.16/unit": "passed"}.items():
        path = write(tmp_path / f"{name}.verdict", f"{verdict}   {name}   1 s\n")
        os.utime(path, (100, 100))
    os.utime(tmp_path / "ruff.verdict", (99, 99))
    checks = ["ruff", "mypy", "2.16/unit", "2.16/sanity"]
    assert list(release_check.not_passed(tmp_path, checks, since=100.0)) == [
        "has not run: 2.16/sanity",
        "has not run since the last commit: ruff",
        "FAILED   mypy   1 s",
    ]


def test_nothing_in_this_checkout_is_of_a_later_version() -> None:
    galaxy = yaml.safe_load((CHECKOUT / "galaxy.yml").read_text("utf-8"))
    assert list(release_check.added_later(CHECKOUT, galaxy["version"])) == []

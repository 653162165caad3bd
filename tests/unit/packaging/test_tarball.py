# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tarball holds what a user needs, all of it, and nothing else."""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
import yaml

from checkout import CHECKOUT, copy_to, known_files

GENERATED = {"FILES.json", "MANIFEST.json"}
SHIPPED_FILES = {
    "CHANGELOG.rst",
    "CODE_OF_CONDUCT.md",
    "LICENSE",
    "MAINTAINERS.md",
    "README.md",
    "SECURITY.md",
    "changelogs/changelog.yaml",
    "requirements.txt",
}
SHIPPED_FOLDERS = re.compile(
    r"""
    meta/(runtime|execution-environment)\.yml
    | extensions/audit/event_query\.yml
    | extensions/awx/([a-z_]+/)?[a-z_-]+\.yml
    | playbooks/((checks|tasks)/)?[a-z_]+\.yml
    | plugins/(action|doc_fragments|filter|inventory|lookup|module_utils|modules|plugin_utils)/
      ([a-z_]+/)*[a-z_]+\.py
    | roles/[a-z_]+/README\.md
    | roles/[a-z_]+/(defaults|handlers|meta|tasks(/guard)?|vars)/[a-z_]+\.yml
    | roles/[a-z_]+/templates/[a-z_.]+\.j2
    """,
    re.VERBOSE,
)
# What developers, their tools and their desktops leave in a checkout.
LITTER = (
    ".DS_Store",
    ".cache/ansible/galaxy_token",
    ".coverage.host.1",
    ".env",
    ".github/workflows/ci.yml",
    ".mypy_cache/3.10/cache.json",
    ".venv/bin/python",
    "build/demo/ansible.cfg",
    "changelogs/.plugin-cache.yaml",
    "docs/notes.md",
    "extensions/awx/.git/config",
    "playbooks/nightly.retry",
    "plugins/modules/.vm_snapshot.py.swp",
    "plugins/modules/__pycache__/vm_snapshot.cpython-313.pyc",
    "requirements-new.txt",
    "roles/vm_snapshot/.ansible/roles.json",
    "spectrocloud-palette-0.0.1.tar.gz",
    "tests/output/bot/result.json",
    "tools/__pycache__/demo.cpython-313.pyc",
)


def pack(checkout: Path, folder: Path) -> set[str]:
    """Build a tarball and return the names of the files in it."""
    galaxy = str(Path(sys.executable).with_name("ansible-galaxy"))
    command = [galaxy, "collection", "build", "--output-path", str(folder), str(checkout)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, capture_output=True)
    (tarball,) = folder.glob("spectrocloud-palette-*.tar.gz")
    with tarfile.open(tarball) as archive:
        return {member.name for member in archive if member.isfile()}


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The names of the files in a tarball built from this checkout."""
    return pack(CHECKOUT, tmp_path_factory.mktemp("tarball"))


def test_packs_what_users_need_and_nothing_else(packed: set[str]) -> None:
    needed = {
        name for name in known_files() if name in SHIPPED_FILES or SHIPPED_FOLDERS.fullmatch(name)
    }
    assert sorted(packed) == sorted(needed | GENERATED)


def test_packs_all_files_of_the_folders_it_ships(packed: set[str]) -> None:
    folders = ("extensions/", "meta/", "playbooks/", "plugins/", "roles/")
    present = {name for name in known_files() if name.startswith(folders)}
    assert sorted(present - packed) == []


def test_packs_nothing_that_lies_around(packed: set[str], tmp_path: Path) -> None:
    checkout, built = tmp_path / "checkout", tmp_path / "built"
    copy_to(checkout)
    for name in LITTER:
        (checkout / name).parent.mkdir(parents=True, exist_ok=True)
        (checkout / name).touch()
    assert sorted(pack(checkout, built)) == sorted(packed)


def test_packs_the_files_that_galaxy_shows(packed: set[str]) -> None:
    assert {"CHANGELOG.rst", "LICENSE", "README.md", "meta/runtime.yml"} <= packed


def test_execution_environments_are_told_of_the_requirements(packed: set[str]) -> None:
    described = yaml.safe_load((CHECKOUT / "meta/execution-environment.yml").read_text("utf-8"))
    assert described["dependencies"]["python"] in packed


def test_every_module_is_in_the_action_group() -> None:
    runtime = yaml.safe_load((CHECKOUT / "meta/runtime.yml").read_text("utf-8"))
    modules = {path.stem for path in (CHECKOUT / "plugins/modules").glob("[!_]*.py")}
    assert set(runtime["action_groups"]["all"]) == modules

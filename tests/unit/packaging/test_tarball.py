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

CHECKOUT = Path(__file__).resolve().parents[3]

ALLOWED = re.compile(
    r"""
    FILES\.json | MANIFEST\.json | CHANGELOG\.rst | LICENSE | README\.md | requirements\.txt
    | changelogs/changelog\.yaml
    | meta/(runtime|execution-environment)\.yml
    | playbooks/[a-z_]+\.yml
    | plugins/(action|doc_fragments|filter|inventory|lookup|module_utils|modules|plugin_utils)/
      ([a-z_]+/)*[a-z_]+\.py
    | roles/[a-z_]+/README\.md
    | roles/[a-z_]+/(defaults|handlers|meta|tasks|vars)/[a-z_]+\.yml
    | roles/[a-z_]+/templates/[a-z_.]+\.j2
    """,
    re.VERBOSE,
)
SHIPPED_FOLDERS = ("meta", "playbooks", "plugins", "roles")


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The names of the files in a tarball built from this checkout."""
    folder = tmp_path_factory.mktemp("tarball")
    galaxy = str(Path(sys.executable).with_name("ansible-galaxy"))
    command = [galaxy, "collection", "build", "--output-path", str(folder), str(CHECKOUT)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, capture_output=True)
    (tarball,) = folder.glob("spectrocloud-palette-*.tar.gz")
    with tarfile.open(tarball) as archive:
        return {member.name for member in archive if member.isfile()}


def test_packs_nothing_that_users_do_not_need(packed: set[str]) -> None:
    assert sorted(name for name in packed if not ALLOWED.fullmatch(name)) == []


@pytest.mark.parametrize("folder", SHIPPED_FOLDERS)
def test_packs_all_files_of_what_it_ships(packed: set[str], folder: str) -> None:
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", folder]
    listing = subprocess.run(command, cwd=CHECKOUT, check=True, capture_output=True, text=True)
    present = {name for name in listing.stdout.splitlines() if (CHECKOUT / name).is_file()}
    assert sorted(present - packed) == []


def test_packs_the_files_that_galaxy_shows(packed: set[str]) -> None:
    assert {"CHANGELOG.rst", "LICENSE", "README.md", "meta/runtime.yml"} <= packed


def test_execution_environments_are_told_of_the_requirements(packed: set[str]) -> None:
    described = yaml.safe_load((CHECKOUT / "meta/execution-environment.yml").read_text("utf-8"))
    assert described["dependencies"]["python"] in packed


def test_every_module_is_in_the_action_group() -> None:
    runtime = yaml.safe_load((CHECKOUT / "meta/runtime.yml").read_text("utf-8"))
    modules = {path.stem for path in (CHECKOUT / "plugins/modules").glob("[!_]*.py")}
    assert set(runtime["action_groups"]["all"]) == modules

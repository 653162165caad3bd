# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the READMEs tell to type works, with the collection installed from its tarball."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from integration.runs import Ansible, Run
from palette_simulator.launch import Simulator

CHECKOUT = Path(__file__).resolve().parents[2]
READMES = ("README.md", "roles/vm_snapshot/README.md")
HOSTS: dict[str, dict[str, str]] = {"db1": {}, "web1": {}}
COMMANDS = ("ansible", "ansible-doc", "ansible-playbook")
# CI runs these targets; the fixture below installs from a tarball, and its requirements are here.
TRIED_OTHERWISE = re.compile(
    r"""
    make\ (demo|test|build) | export\ PALETTE_\w+=.*
    | python\ -m\ pip\ install\ 'requests>=2\.28'\ 'jsonschema>=4\.10'
    | ansible-galaxy\ collection\ install\ spectrocloud\.palette
    | ansible-galaxy\ collection\ install\ build/spectrocloud-palette-[\d.]+\.tar\.gz
    """,
    re.VERBOSE,
)


class Readme(NamedTuple):
    """What a README tells: files to write, by name, and lines to type."""

    text: str
    files: dict[str, str]
    lines: list[str]

    @classmethod
    def read(cls, name: str) -> Readme:
        """Read a README of the checkout."""
        text = (CHECKOUT / name).read_text("utf-8")
        named = (re.match(r"# (\S+\.yml)\n", block) for block in _blocks(text, "yaml"))
        files = {match[1]: match.string for match in named if match}
        shell = "\n".join(_blocks(text, "shell"))
        lines = shell.replace("\\\n", "").strip().splitlines()
        return cls(text, files, [line for line in lines if line])


def _blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


class Reader(NamedTuple):
    """Somebody who types what a README tells."""

    ansible: Ansible
    environment: dict[str, str]

    def types(self, line: str) -> Run:
        """Type a line into a shell."""
        return self.ansible.run("/bin/sh", "-c", line, **self.environment)


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    """A reader who has installed the collection as the README says, and has a Palette."""
    ansible = Ansible(tmp_path_factory.mktemp("reader"))
    collections = ansible.home / "collections"
    environment = {
        "ANSIBLE_COLLECTIONS_PATH": str(collections),
        "ANSIBLE_COLLECTIONS_SCAN_SYS_PATH": "false",
    }
    built = ansible.home / "build"
    ansible.run("ansible-galaxy", "collection", "build", "--output-path", built, CHECKOUT).ok()
    (tarball,) = built.iterdir()
    install = f"ansible-galaxy collection install --offline -p collections build/{tarball.name}"
    with Simulator.running("demo", timing="fast") as palette:
        environment.update(PALETTE_HOST=palette.url, PALETTE_API_KEY="demo-key")
        reader = Reader(ansible, environment)
        reader.types(install).ok()
        yield reader


@pytest.mark.parametrize("name", READMES)
def test_what_a_readme_tells_works(reader: Reader, name: str) -> None:
    readme = Readme.read(name)
    for file, content in readme.files.items():
        (reader.ansible.home / file).write_text(content, encoding="utf-8")
    inventory = reader.ansible.inventory(HOSTS)
    typed = [line for line in readme.lines if shlex.split(line)[0] in COMMANDS]
    shown = [
        f"ansible-playbook -i {inventory} {file}"
        for file in readme.files
        if not any(file in line for line in typed)
    ]
    for line in [*typed, *shown]:
        run = reader.types(line)
        assert run.status == 0, f"{line}\n{run.output}"
        # ansible-doc warns of a collection of ansible-core's own.
        warned = "[WARNING]" in run.output and not line.startswith("ansible-doc ")
        assert not warned, f"{line}\n{run.output}"


@pytest.mark.parametrize("name", READMES)
def test_a_readme_tells_nothing_that_is_not_tried(name: str) -> None:
    readme = Readme.read(name)
    assert len(readme.files) == len(_blocks(readme.text, "yaml"))
    others = [line for line in readme.lines if shlex.split(line)[0] not in COMMANDS]
    assert [line for line in others if not TRIED_OTHERWISE.fullmatch(line)] == []


def test_the_readme_names_the_version_and_the_requirements() -> None:
    text = (CHECKOUT / "README.md").read_text("utf-8")
    galaxy = (CHECKOUT / "galaxy.yml").read_text("utf-8")
    version = re.search(r"^version: (\S+)$", galaxy, re.MULTILINE)
    assert version
    assert f"spectrocloud-palette-{version[1]}.tar.gz" in text
    requirements = (CHECKOUT / "requirements.txt").read_text("utf-8")
    assert "jsonschema>=4.10" in requirements
    assert "requests" in requirements


@pytest.mark.parametrize("name", READMES)
def test_links_lead_somewhere(name: str) -> None:
    text = Readme.read(name).text
    links = [link for link in re.findall(r"\]\(([^)#]+)", text) if "://" not in link]
    folder = (CHECKOUT / name).parent
    assert [link for link in links if not (folder / link).exists()] == []


def test_the_roles_readme_names_all_its_variables() -> None:
    folder = CHECKOUT / "roles" / "vm_snapshot"
    specs = (folder / "meta" / "argument_specs.yml").read_text("utf-8")
    variables = set(re.findall(r"^      (vm_snapshot_\w+):", specs, re.MULTILINE))
    named = set(re.findall(r"`(vm_snapshot_\w+)`", (folder / "README.md").read_text("utf-8")))
    assert len(variables) > 40
    assert sorted(variables - named) == []

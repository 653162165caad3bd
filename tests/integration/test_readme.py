# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the READMEs tell to type works: installing the collection, and using it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from checkout import CHECKOUT, commit_to
from integration.runs import Ansible, Run
from palette_simulator.launch import Simulator

REPOSITORY = "https://github.com/spectrocloud/ansible-collection-palette"
OWN = re.compile(
    rf"{REPOSITORY}/blob/main/|https://raw.githubusercontent.com/spectrocloud/ansible-collection-palette/main/"
)
READMES = ("README.md", "roles/vm_snapshot/README.md", "roles/guarded_change/README.md")
# Whose commands and files are tried.
PAGES = (*READMES, "docs/getting-started.md", "docs/playbooks.md")
# Read on Galaxy or from the tarball, without the rest of the repository.
SHIPPED_PAGES = (*READMES, "CODE_OF_CONDUCT.md", "MAINTAINERS.md", "SECURITY.md")
# In the order that certification asks for.
SECTIONS = [
    "Description",
    "Requirements",
    "Installation",
    "Use Cases",
    "Testing",
    "Contributing",
    "Support",
    "Release Notes",
    "License Information",
]
HOSTS = {host: {"ansible_connection": "local"} for host in ("db1", "web1")}
# Files that a playbook includes.
INCLUDED = re.compile(r"-(tasks|checks)\.yml$")
COMMANDS = ("ansible", "ansible-doc", "ansible-playbook", "python")
INSTALLER = "ansible-galaxy collection install "
# No test can install what is on Galaxy only after a release.
FROM_GALAXY = f"{INSTALLER}spectrocloud.palette"
CLONE = f"git clone {REPOSITORY}.git"
# test_demo.py runs the demo, CI the tests, and a way to install clones; the fixture below sets
# other values.
TRIED_OTHERWISE = re.compile(
    rf"make (-C ansible-collection-palette )?(demo|test)|export PALETTE_\w+=.*"
    rf"|{re.escape(FROM_GALAXY)}|{re.escape(CLONE)}"
)


class Readme(NamedTuple):
    """What a README tells: files to write, by name, and lines to type, by block."""

    text: str
    files: dict[str, str]
    blocks: list[list[str]]

    @classmethod
    def read(cls, name: str) -> Readme:
        """Read a README of the checkout."""
        text = (CHECKOUT / name).read_text("utf-8")
        named = (re.match(r"# (\S+\.yml)\n", block) for block in _blocks(text, "yaml"))
        files = {match[1]: match.string for match in named if match}
        shell = _blocks(text, "shell")
        blocks = [block.replace("\\\n", "").strip().splitlines() for block in shell]
        return cls(text, files, blocks)

    @property
    def lines(self) -> list[str]:
        """The lines of all blocks but those below."""
        return [line for block in self.blocks if block not in self.installing for line in block]

    @property
    def installing(self) -> list[list[str]]:
        """The blocks that install the collection, each in another way, and not from Galaxy."""
        return [b for b in self.blocks if b[-1].startswith(INSTALLER) and b != [FROM_GALAXY]]

    def write_files(self, folder: Path) -> None:
        """Write the files into a folder."""
        for name, content in self.files.items():
            (folder / name).write_text(content, encoding="utf-8")


def _blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


class Reader:
    """Somebody with a home of their own, who types what a README tells."""

    def __init__(self, home: Path) -> None:
        self.ansible = Ansible(home)
        self.environment = {
            "ANSIBLE_COLLECTIONS_PATH": str(home / "collections"),
            "ANSIBLE_COLLECTIONS_SCAN_SYS_PATH": "false",
        }

    def types(self, *lines: str) -> Run:
        """Type lines into a shell, up to the first that fails."""
        return self.ansible.run("/bin/sh", "-e", "-c", "\n".join(lines), **self.environment)


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    """A reader who has installed the collection from its tarball, and has a Palette."""
    reader = Reader(tmp_path_factory.mktemp("reader"))
    reader.types(
        f"ansible-galaxy collection build --output-path build {shlex.quote(str(CHECKOUT))}",
        "ansible-galaxy collection install --offline build/*.tar.gz",
    ).ok()
    with Simulator.running("demo", timing="fast") as palette:
        reader.environment.update(PALETTE_HOST=palette.url, PALETTE_API_KEY="demo-key")
        yield reader


@pytest.mark.parametrize("name", PAGES)
def test_what_a_readme_tells_works(reader: Reader, name: str) -> None:
    readme = Readme.read(name)
    readme.write_files(reader.ansible.home)
    inventory = reader.ansible.inventory(HOSTS)
    typed = [line for line in readme.lines if shlex.split(line)[0] in COMMANDS]
    shown = [
        f"ansible-playbook -i {inventory} {file}"
        for file in readme.files
        if not INCLUDED.search(file)
        and not any(file in line for block in readme.blocks for line in block)
    ]
    # Files that no line names are of the first sections.
    for line in [*shown, *typed]:
        run = reader.types(line)
        assert run.status == 0, f"{line}\n{run.output}"
        # ansible-doc warns of a collection of ansible-core's own.
        warned = "[WARNING]" in run.output and not line.startswith("ansible-doc ")
        assert not warned, f"{line}\n{run.output}"


def test_nightly_deletes_old_ones_even_if_too_many_vms_failed(reader: Reader) -> None:
    text = Readme.read("README.md").files["nightly.yml"]
    text = text.replace("selector: app=db", "vms: [vms/db1, vms/nobody]")
    text = text.replace("max_failed: 5", "max_failed: 0")
    (reader.ansible.home / "too-many.yml").write_text(text, encoding="utf-8")
    run = reader.types("ansible-playbook too-many.yml")
    assert run.status == 2
    assert "retention: deleted " in run.output


@pytest.mark.parametrize("name", PAGES)
def test_a_readme_tells_nothing_that_is_not_tried(name: str) -> None:
    readme = Readme.read(name)
    assert len(readme.files) == len(_blocks(readme.text, "yaml"))
    others = [line for line in readme.lines if shlex.split(line)[0] not in COMMANDS]
    assert [line for line in others if not TRIED_OTHERWISE.fullmatch(line)] == []


def test_each_way_to_install_works_when_pasted(tmp_path: Path) -> None:
    readme = Readme.read("README.md")
    repository = tmp_path / "repository"
    commit_to(repository)
    # What the README fetches from GitHub comes from this checkout.
    served = f'[url "{repository.as_uri()}"]\n    insteadOf = {REPOSITORY}.git\n'
    assert len(readme.installing) == 2
    for number, block in enumerate(readme.installing):
        home = tmp_path / str(number)
        home.mkdir()
        (home / ".gitconfig").write_text(served, encoding="utf-8")
        readme.write_files(home)
        documented = Reader(home).types(*block, "ansible-doc spectrocloud.palette.vm_snapshot")
        assert "before-patch" in documented.ok().output


def test_the_readme_names_the_requirements() -> None:
    readme = Readme.read("README.md")
    (install,) = (line for line in readme.lines if line.startswith("python -m pip install "))
    requirements = (CHECKOUT / "requirements.txt").read_text("utf-8").splitlines()
    assert shlex.split(install)[4:] == [line for line in requirements if not line.startswith("#")]
    runtime = (CHECKOUT / "meta" / "runtime.yml").read_text("utf-8")
    (core,) = re.findall(r'^requires_ansible: ">=(\d+\.\d+)\.0"$', runtime, re.MULTILINE)
    assert f"ansible-core {core} or newer" in readme.text


def test_the_readme_has_the_sections_of_a_certified_collection() -> None:
    text = Readme.read("README.md").text
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == SECTIONS


@pytest.mark.parametrize("name", SHIPPED_PAGES)
def test_links_are_full_and_lead_somewhere(name: str) -> None:
    links = re.findall(r"\]\(([^)]+)", (CHECKOUT / name).read_text("utf-8"))
    assert [link for link in links if not link.startswith("https://")] == []
    paths = [OWN.sub("", link).partition("#")[0] for link in links if OWN.match(link)]
    assert [path for path in paths if not (CHECKOUT / path).exists()] == []


@pytest.mark.parametrize(("role", "number"), [("vm_snapshot", 70), ("guarded_change", 5)])
def test_the_roles_readme_names_all_its_variables(role: str, number: int) -> None:
    folder = CHECKOUT / "roles" / role
    specs = (folder / "meta" / "argument_specs.yml").read_text("utf-8")
    variables = set(re.findall(rf"^      ({role}_\w+):", specs, re.MULTILINE))
    named = set(re.findall(rf"`({role}_\w+)`", (folder / "README.md").read_text("utf-8")))
    assert len(variables) >= number
    assert sorted(variables - named) == []

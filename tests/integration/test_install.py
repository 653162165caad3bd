# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where only ansible-core is installed, the collection can be installed from git."""

from __future__ import annotations

from pathlib import Path

import pytest

from checkout import commit_to
from integration.runs import Ansible

# The collection's own requirements, and what ansible-galaxy needs to obey `manifest` in galaxy.yml.
MISSING = ("distlib", "jsonschema", "requests", "urllib3")


@pytest.fixture
def only_core(tmp_path: Path) -> dict[str, str]:
    """An environment in which these packages cannot be imported, and no collection is known."""
    folder = tmp_path / "missing"
    folder.mkdir()
    for name in MISSING:
        text = f"raise ModuleNotFoundError(\"No module named '{name}'\", name='{name}')\n"
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
    return {
        "PYTHONPATH": str(folder),
        "ANSIBLE_COLLECTIONS_PATH": str(tmp_path / "collections"),
        "ANSIBLE_COLLECTIONS_SCAN_SYS_PATH": "false",
    }


def test_installs_from_git_with_ansible_core_alone(
    tmp_path: Path, only_core: dict[str, str]
) -> None:
    repository = tmp_path / "repository"
    commit_to(repository)
    ansible = Ansible(tmp_path)
    source = f"git+{repository.as_uri()}"
    ansible.run("ansible-galaxy", "collection", "install", source, **only_core).ok()
    documented = ansible.run(
        "ansible-doc", "--json", "spectrocloud.palette.vm_snapshot", **only_core
    ).ok()
    installed = tmp_path / "collections" / "ansible_collections" / "spectrocloud" / "palette"
    assert str(installed / "plugins" / "modules" / "vm_snapshot.py") in documented.output

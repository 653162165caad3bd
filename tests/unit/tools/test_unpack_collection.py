# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Taking one collection out of a package of many."""

from __future__ import annotations

from pathlib import Path
from zipfile import ZipFile

from ansible_collections.spectrocloud.palette.tools.unpack_collection import unpack


def package(path: Path) -> Path:
    """Write a package with two collections whose names begin alike."""
    with ZipFile(path, "w") as archive:
        archive.writestr("ansible_collections/kubernetes/core/plugins/modules/k8s.py", "# k8s")
        archive.writestr("ansible_collections/kubernetes/core_more/README.md", "another")
    return path


def test_only_the_named_collection_is_unpacked(tmp_path: Path) -> None:
    wheel = package(tmp_path / "ansible.whl")
    assert unpack(wheel, "kubernetes.core", tmp_path / "to") == 1
    unpacked = [path for path in (tmp_path / "to").rglob("*") if path.is_file()]
    assert unpacked == [tmp_path / "to/ansible_collections/kubernetes/core/plugins/modules/k8s.py"]


def test_an_absent_collection_is_no_file(tmp_path: Path) -> None:
    assert unpack(package(tmp_path / "ansible.whl"), "kubernetes.cor", tmp_path / "to") == 0

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The data file of the AWX project, with the texts that AWX renders itself told apart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from checkout import CHECKOUT

PROJECT = CHECKOUT / "extensions" / "awx"
FILE = PROJECT / "controller.yml"


class Unsafe(str):
    """A text that Ansible does not render."""

    __slots__ = ()


class _Loader(yaml.SafeLoader):
    """Reads YAML that has Ansible's tag."""


def _unsafe(loader: yaml.SafeLoader, node: yaml.Node) -> Unsafe:
    assert isinstance(node, yaml.ScalarNode), "Ansible loses what is nested: mark each text"
    return Unsafe(loader.construct_scalar(node))


_Loader.add_constructor("!unsafe", _unsafe)


def read(file: Path = FILE) -> dict[str, Any]:
    """Return the variables of the file."""
    # The loader is a safe one.
    content: dict[str, Any] = yaml.load(file.read_text("utf-8"), _Loader)  # noqa: S506
    return content


def texts_in(value: Any) -> list[str]:
    """Return all texts in a value."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    return [text for item in value for text in texts_in(item)] if isinstance(value, list) else []

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How Sphinx makes the documentation site; tools/build_site.py calls it."""

from __future__ import annotations

from pathlib import Path

import yaml
from docutils import nodes
from sphinx.application import Sphinx

GALAXY = yaml.safe_load(Path("galaxy.yml").read_text("utf-8"))
REPOSITORY = GALAXY["repository"]

project = "spectrocloud.palette"
author = "Contributors to the spectrocloud.palette collection"
version = release = GALAXY["version"]
extensions = ["myst_parser", "sphinx_antsibull_ext"]
myst_enable_extensions = ["deflist"]
# The anchors that GitHub makes, so that links work on both.
myst_heading_anchors = 3
nitpicky = True
# What 'make faults' writes is for developers, who read it in the repository.
exclude_patterns = ["faults.md"]
html_theme = "furo"
html_title = f"{project} {version}"
html_copy_source = False

# Of Ansible's own documentation, by the labels that antsibull-docs writes.
ANSIBLE_PAGES = {
    "action_plugins": "plugins/action.html",
    "ansible_configuration_settings": "reference_appendices/config.html",
    "common_return_values": "reference_appendices/common_return_values.html",
    "inventory_plugins": "plugins/inventory.html",
}


def to_repository(_app: Sphinx, _page: str, source: list[str]) -> None:
    """Let links to files outside docs/ lead to the repository."""
    source[0] = source[0].replace("](../", f"]({REPOSITORY}/blob/main/")


def to_ansible(
    _app: Sphinx, _env: object, node: nodes.Element, content: nodes.TextElement
) -> nodes.Node | None:
    """Let references to pages of Ansible's own documentation lead there."""
    label = node["reftarget"]
    page = ANSIBLE_PAGES.get(label) or _page_of_builtin(label) or _page_of_setting(label)
    if page is None:
        return None
    url = f"https://docs.ansible.com/ansible/latest/{page}"
    return nodes.reference("", "", content, internal=False, refuri=url)


def _page_of_builtin(label: str) -> str | None:
    _before, builtin, name = label.partition("ansible_collections.ansible.builtin.")
    return f"collections/ansible/builtin/{name}.html" if builtin else None


def _page_of_setting(label: str) -> str | None:
    known = label.startswith("ANSIBLE_")
    return f"reference_appendices/config.html#envvar-{label}" if known else None


def setup(app: Sphinx) -> None:
    """Connect the two."""
    app.connect("source-read", to_repository)
    app.connect("missing-reference", to_ansible)

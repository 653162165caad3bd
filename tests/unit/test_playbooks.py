# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbooks' own defaults of the role's variables."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import jinja2
import pytest
import yaml

PLAYBOOKS = Path(__file__).parents[2] / "playbooks"


def defaults() -> Iterator[tuple[str, str, str]]:
    """Yield the playbook, the variable and the template of each default."""
    for path in sorted(PLAYBOOKS.glob("*.yml")):
        for play in yaml.safe_load(path.read_text("utf-8")):
            for name, template in play.get("vars", {}).items():
                if name.startswith("vm_snapshot_"):
                    yield path.stem, name, template


@pytest.mark.parametrize(("playbook", "name", "template"), [*defaults()])
def test_variables_of_the_inventory_go_before_a_default(
    playbook: str, name: str, template: str
) -> None:
    """To Ansible, a variable of a play goes before those of the inventory."""

    def value(**own: str) -> str:
        hostvars = {"here": own}
        known = jinja2.Template(template)
        return str(known.render(inventory_hostname="here", hostvars=hostvars))

    assert value(**{name: "own"}) == "own", playbook
    assert value() in {"20h", "continue"}


def test_there_are_defaults() -> None:
    assert {playbook for playbook, _name, _template in defaults()} >= {"snapshot_hosts"}

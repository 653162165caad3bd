# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The variables of the roles, as their argument specs have them, and their facts."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import Any

from ansible.module_utils.common.yaml import yaml_load

PREFIX = "vm_snapshot_"
# The facts that the role vm_snapshot sets.
FACTS = frozenset(
    PREFIX + fact
    for fact in (
        *("results", "counts", "pruned", "prune_counts", "uncovered", "restores", "power_states"),
        *("unmatched", "reason", "msg"),
    )
)
_ROLES = Path(__file__).parents[2] / "roles"


def specified(role: str) -> dict[str, dict[str, Any]]:
    """Return the variables that each entry point of a role knows, with their types."""
    text = (_ROLES / role / "meta" / "argument_specs.yml").read_text(encoding="utf-8")
    specs = yaml_load(text)["argument_specs"]
    return {name: spec["options"] for name, spec in specs.items()}


def with_variables(text: str) -> str:
    """Return a module's message with the role's variables in place of the module's options."""
    return str(_options().sub(rf"{PREFIX}\g<0>", text))


@lru_cache(maxsize=1)
def _options() -> re.Pattern[str]:
    """Return what finds options in a message: as ``set: nightly``, or with an underscore."""
    known = set().union(*specified("vm_snapshot").values())
    names = sorted((name.removeprefix(PREFIX) for name in known), key=len, reverse=True)
    with_value = rf"(?:{'|'.join(names)})(?=: [a-z0-9'\"\[{{])"
    alone = rf"(?:{'|'.join(name for name in names if '_' in name)})(?![\w/-])"
    return re.compile(rf"(?<![\w./'-])(?:{with_value}|{alone})")

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
        *("unmatched", "not_reached", "reason", "msg"),
    )
)
# What goes before options in an advice, and what follows them.
_CUES = "set|set no|instead of|check|shorten|combined with|VMs with|list|neither|entry of"
_AFTER_ADVICE = r"(?=$|[.,;:)]| \(| (?:for|to|too|in)\b)"
# After these words, what follows is one of English: "visible clusters: a, b".
_NO_ENGLISH = "".join(rf"(?<!\b{word} )" for word in ("visible", "one", "a", "the"))
_WITH_KEYS = "labels|annotations|definition"
_MAPPING = r"\{(?:[^{}]|\{[^{}]*\})*\}"
_ROLES = Path(__file__).parents[2] / "roles"


def specified(role: str) -> dict[str, dict[str, Any]]:
    """Return the variables that each entry point of a role knows, with their types."""
    text = (_ROLES / role / "meta" / "argument_specs.yml").read_text(encoding="utf-8")
    specs = yaml_load(text)["argument_specs"]
    return {name: spec["options"] for name, spec in specs.items()}


def with_variables(text: str) -> str:
    """Return a module's message with the role's variables in place of the module's options.

    The keys of a mapping, such as those of an entry of vms, stay as they are.
    """
    in_advice, anywhere = _options()

    def prefixed(found: re.Match[str]) -> str:
        return found[0] if found[0].startswith("{") else PREFIX + found[0]

    def advised(found: re.Match[str]) -> str:
        return found[1] + _option_names().sub(prefixed, found[2])

    return str(anywhere.sub(prefixed, in_advice.sub(advised, text)))


@lru_cache(maxsize=1)
def _option_names() -> re.Pattern[str]:
    known = set().union(*specified("vm_snapshot").values())
    names = sorted((name.removeprefix(PREFIX) for name in known), key=len, reverse=True)
    return re.compile(rf"(?<![\w./'-])(?:{'|'.join(names)})(?![\w/-])")


@lru_cache(maxsize=1)
def _options() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Return what finds the options that an advice names, and those that are told anywhere.

    Most are words of English, too. They are options as ``set: nightly``, as the beginning of a path
    such as ``vms[0].cluster``, and where an advice such as ``set cluster`` names them.
    """
    name = _option_names().pattern
    in_advice = rf"\b((?:{_CUES}) )({name}(?:(?:, | or | and | nor ){name})*){_AFTER_ADVICE}"
    with_value = rf"{_NO_ENGLISH}{name}(?=: [a-z0-9/'\"\[{{])"
    with_path = rf"{name}(?=\[\d)|(?<![\w./'-])(?:{_WITH_KEYS})(?=\.[^;:]+: )"
    alone = rf"(?=\w+_){name}"
    return re.compile(in_advice), re.compile(rf"{_MAPPING}|{with_value}|{with_path}|{alone}")

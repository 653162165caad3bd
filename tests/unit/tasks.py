# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tasks of the modules, run against Palette in memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.spectrocloud.palette.plugins.module_utils._module.base import (
    Invocation,
    Module,
    result_of,
)
from unit.builders import Json
from unit.palette_in_memory import MemoryPalette, connected


def options_of(module: Module, **given: Any) -> Json:
    """Return a module's options as Ansible would pass them; what is None is not given."""
    arguments = module.arguments
    validator = ArgumentSpecValidator(
        arguments.spec,
        mutually_exclusive=arguments.mutually_exclusive,
        required_one_of=arguments.required_one_of,
        required_if=arguments.required_if,
    )
    named = {name: value for name, value in given.items() if value is not None}
    checked = validator.validate({"api_key": "a-key", **named})
    assert checked.error_messages == []
    options: Json = checked.validated_parameters
    return options


def run(
    palette: MemoryPalette,
    module: Module,
    *,
    check_mode: bool = False,
    diff_mode: bool = False,
    say: Callable[[str], None] = lambda _line: None,
    **given: Any,
) -> Json:
    """Return the result of a task of a module, with its warnings. say: takes its progress."""
    warnings: list[str] = []
    options = options_of(module, **given)
    invocation = Invocation(options, palette.now, check_mode, diff_mode, warnings.append, say)
    with connected(palette):
        return {"warnings": warnings, **result_of(module, invocation)}

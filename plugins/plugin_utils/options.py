# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that were given to a plugin, checked as those of a module."""

from __future__ import annotations

import json
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from datetime import date
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator, ValidationResult

from ..module_utils._module.base import Module


def check_options(module: Module, given: Mapping[str, Any]) -> ValidationResult:
    """Check options as the module would, by the argument spec."""
    arguments = module.arguments
    validator = ArgumentSpecValidator(
        arguments.spec,
        mutually_exclusive=arguments.mutually_exclusive,
        required_one_of=arguments.required_one_of,
        required_if=arguments.required_if,
    )
    # A module's arguments have been through JSON, which leaves plain text and numbers.
    return validator.validate(json.loads(json.dumps(given, default=_as_json)))


def _as_json(value: Any) -> Any:
    """Return a value that JSON does not have, as Ansible passes it to modules."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, AbstractSet):
        return list(value)
    return value.isoformat() if isinstance(value, date) else str(value)

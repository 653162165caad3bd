# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way in to the core, the same for modules and actions: Ansible in, facts or failure out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from .._palette.client import REQUESTS_IMPORT_ERROR
from .._palette.errors import PaletteError, invalid_parameters, scrub
from .._palette.settings import connection_problems
from .._validation.problems import merged
from .._validation.request import JSONSCHEMA_IMPORT_ERROR
from .features import Feature
from .options import with_default_project, without_blanks
from .task import Task

_LIBRARIES = {"requests": REQUESTS_IMPORT_ERROR, "jsonschema": JSONSCHEMA_IMPORT_ERROR}


def result_of(feature: Feature, task: Task) -> dict[str, Any]:
    """Run the core and return the task's result.

    The one place that turns an error into a failure.
    """
    options = with_default_project(without_blanks(task.options))
    problems = merged(connection_problems(options), feature.problems(options))
    try:
        if problems:
            raise invalid_parameters(problems)
        return feature.core(task._replace(options=options))
    except PaletteError as error:
        failure: dict[str, Any] = scrub(error.result(), options["api_key"] or "")
        return {"failed": True, **failure}


def missing_libraries() -> Iterator[tuple[str, str]]:
    """Yield a message, which names the interpreter, and a traceback for each missing library."""
    for library, import_error in _LIBRARIES.items():
        if import_error:
            yield missing_required_lib(library), import_error


def run_module(feature: Feature) -> None:
    """Be an Ansible module."""
    module = AnsibleModule(
        argument_spec=feature.arguments.spec,
        mutually_exclusive=feature.arguments.mutually_exclusive,
        required_one_of=feature.arguments.required_one_of,
        required_if=feature.arguments.required_if,
        supports_check_mode=True,
    )
    for message, import_error in missing_libraries():
        module.fail_json(msg=message, exception=import_error, reason="missing_library")
    result = result_of(
        feature, Task(module.params, module.check_mode, module._diff, warn=module.warn)
    )
    if result.get("failed"):
        module.fail_json(**result)
    module.exit_json(**result)

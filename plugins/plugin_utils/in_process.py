# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a module's core in the controller's worker, without starting another Python."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timezone
from functools import partial
from typing import Any, ClassVar

from ansible.module_utils.common.arg_spec import ValidationResult
from ansible.module_utils.errors import AnsibleValidationError, UnsupportedError
from ansible.plugins.action import ActionBase

from ..module_utils._module.base import (
    Invocation,
    Module,
    missing_libraries,
    result_of,
    without_key,
)
from ..module_utils._module.orphan import ended_with_its_starter
from .options import check_options


class InProcessAction(ActionBase):  # type: ignore[misc]  # ansible-core is untyped
    """Runs a module in the controller's worker: same options, same results.

    An API needs neither the play's host nor its become. The module itself runs where the task is
    delegated to another machine, in the background, and where the controller lacks a library.
    """

    module: ClassVar[Module]
    _supports_async = True
    _supports_check_mode = True

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Run the task."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        environment: dict[str, Any] = {}
        self._compute_environment_string(environment)
        with _environment(environment):
            return {**result, **self._outcome(task_vars)}

    def _outcome(self, task_vars: dict[str, Any] | None) -> dict[str, Any]:
        is_local = self._connection.transport == "local"
        if not is_local and not self._task.delegate_to:
            return self._run_here() if not self._task.async_val else _refuse_async()
        if is_local and not self._task.async_val and not any(missing_libraries()):
            return self._run_here()
        return self._run_module(task_vars)

    def _run_here(self) -> dict[str, Any]:
        for message, import_error in missing_libraries():
            return _failed(message, reason="missing_library", exception=import_error)
        try:
            checked = self._check_options(self._task.args)
        except OverflowError:
            return _failed(self._text_of_infinity(), reason="invalid_parameters")
        if checked.error_messages:
            name = self._task.resolved_action or self._task.action
            return _failed(_text_of(checked.errors[0], name))
        return self._call(checked.validated_parameters)

    def _check_options(self, given: Mapping[str, Any]) -> ValidationResult:
        """Check options as the module would."""
        return check_options(self.module, given)

    def _text_of_infinity(self) -> str:
        """Say which options are infinite, which ansible-core cannot refuse where it wants int."""
        infinite = []
        for name, value in self._task.args.items():
            try:
                self._check_options({name: value})
            except OverflowError:
                infinite.append(name)
        return f"{', '.join(infinite)}: must be a whole number, and cannot be infinite"

    def _call(self, options: dict[str, Any]) -> dict[str, Any]:
        warnings: list[str] = []
        invocation = Invocation(
            options,
            datetime.now(timezone.utc),
            check_mode=self._task.check_mode,
            diff_mode=self._task.diff,
            warn=warnings.append,
            # On stderr, because a program may read the results on stdout.
            progress=partial(self._display.display, stderr=True),
        )
        # The garbage collector can skip the objects from before the fork: they stay to the end.
        gc.freeze()
        with ended_with_its_starter():
            result = result_of(self.module, invocation)
        if warnings:
            result["warnings"] = warnings
        return without_key(result, options)

    def _run_module(self, task_vars: dict[str, Any] | None) -> dict[str, Any]:
        in_background = self._task.async_val and not self._connection.has_native_async
        # The module ends with this worker.
        with ended_with_its_starter():
            result: dict[str, Any] = self._execute_module(
                module_name=self._task.resolved_action or self._task.action,
                module_args=self._task.args,
                task_vars=task_vars,
                wrap_async=in_background,
            )
        return result


def _failed(text: str, **facts: Any) -> dict[str, Any]:
    return {"failed": True, "msg": text, **facts}


def _refuse_async() -> dict[str, Any]:
    text = "async runs where the task runs, and Palette is reached from the controller: add"
    return _failed(f"{text} delegate_to: localhost to the task", reason="invalid_parameters")


def _text_of(error: AnsibleValidationError, name: str) -> str:
    """Return the first error of the options, in AnsibleModule's words."""
    if isinstance(error, UnsupportedError):
        return f"Unsupported parameters for ({name}) module: {error.msg}"
    return str(error.msg)


@contextmanager
def _environment(variables: Mapping[str, Any]) -> Iterator[None]:
    """Set the task's environment in this worker, which runs only this task."""
    before = dict(os.environ)
    os.environ.update({name: str(value) for name, value in variables.items()})
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)

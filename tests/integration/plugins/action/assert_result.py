# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compares results with what a case expects, and names every difference."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible.plugins.action import ActionBase

# What Ansible adds to a result of its own accord.
_ANSIBLES_OWN = ("warnings", "deprecations", "exception", "invocation", "diff")


class ActionModule(ActionBase):  # type: ignore[misc]  # ansible-core is untyped
    """Compare a result with expectations.

    Options: of (the result), name (what to call it), includes (values that it must have, at any
    depth), says (texts of its msg), warns (texts of its warnings), shaped_like (a result with the
    same keys; one that failed and one that did not have but those of their status in common). Or
    each: a list of such options, for several results at once.
    """

    _VALID_ARGS = frozenset(("of", "name", "includes", "says", "warns", "shaped_like", "each"))

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Fail with the differences, if there are any."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        args = self._task.args
        problems = [text for options in args.get("each", [args]) for text in _problems(options)]
        if not problems:
            return result
        return {**result, "failed": True, "msg": "; ".join(problems), "asserted": args}


def _problems(options: Mapping[str, Any]) -> Iterator[str]:
    given, name = options["of"], options.get("name", "result")
    yield from _differences(given, options.get("includes", {}), name)
    yield from _unsaid(f"{name}.msg", given.get("msg"), options.get("says", []))
    yield from _unsaid(f"{name}.warnings", given.get("warnings"), options.get("warns", []))
    if "shaped_like" in options:
        yield from _other_shape(given, options["shaped_like"], name)


def _differences(given: Any, expected: Any, where: str) -> Iterator[str]:
    if isinstance(expected, Mapping) and isinstance(given, Mapping):
        for key, value in expected.items():
            if key in given:
                yield from _differences(given[key], value, f"{where}.{key}")
            else:
                yield f"{where} has no {key}"
    elif given != expected:
        yield f"{where} is {given!r}, not {expected!r}"


def _unsaid(where: str, text: Any, parts: list[str]) -> list[str]:
    return [f"{where} does not say {part!r}" for part in parts if part not in str(text)]


def _other_shape(given: Mapping[str, Any], model: Mapping[str, Any], where: str) -> Iterator[str]:
    differing = (given.keys() ^ model.keys()) - set(_ANSIBLES_OWN)
    if differing and given.get("failed") == model.get("failed"):
        yield f"{where} and its model differ in {', '.join(sorted(differing))}"
    status, status_of_model = given.get("status"), model.get("status")
    if isinstance(status, Mapping) and isinstance(status_of_model, Mapping):
        yield from _other_shape(status, status_of_model, f"{where}.status")

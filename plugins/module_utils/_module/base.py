# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all modules share: arguments, the invocation, and how a result or failure is returned."""

from __future__ import annotations

import json
import os
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timezone
from functools import partial
from typing import Any, NamedTuple

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from .._http.errors import ApiError, invalid_parameters
from .._http.secrets import scrub
from .._http.session import REQUESTS_IMPORT_ERROR
from .._palette.settings import connection_problems
from .._validation.printable import LONGEST_MESSAGE, printable
from .._validation.problems import Problem, merged
from .._validation.request import JSONSCHEMA_IMPORT_ERROR
from .orphan import ended_with_its_starter

_LIBRARIES = {"requests": REQUESTS_IMPORT_ERROR, "jsonschema": JSONSCHEMA_IMPORT_ERROR}
_PROJECT_UID_VARIABLES = ("PALETTE_PROJECT_UID", "SPECTROCLOUD_DEFAULT_PROJECT_ID")

# What tells a container: of Podman, of Docker, and of a container group on Kubernetes.
_CONTAINER_FILES = ("/run/.containerenv", "/.dockerenv")
_CONTAINER_VARIABLES = ("KUBERNETES_SERVICE_HOST", "container")
_IN_A_CONTAINER = (
    "; this task runs in a container, such as an execution environment of AWX, where an installed "
    "library is gone after the job: run it in an image that has the collection's requirements, "
    "which ansible-builder makes from the collection's execution-environment.yml"
)

_ISSUES = "https://github.com/spectrocloud/ansible-collection-palette/issues"

Result = dict[str, Any]


class Arguments(NamedTuple):
    """A module's options, in AnsibleModule's terms."""

    spec: dict[str, Any]
    mutually_exclusive: tuple[tuple[str, ...], ...] = ()
    required_one_of: tuple[tuple[str, ...], ...] = ()
    required_if: tuple[tuple[Any, ...], ...] = ()


class Invocation(NamedTuple):
    """One task's call of a module. warn and progress each take a line of text for the user.

    options: typed by the argument spec; every option is present, None if not set.
    now: when the task started; planners and results use no other clock.
    """

    options: Mapping[str, Any]
    now: datetime
    check_mode: bool = False
    diff_mode: bool = False
    warn: Callable[[str], None] = lambda _text: None
    progress: Callable[[str], None] = lambda _text: None


class Module(NamedTuple):
    """What one module does, whether Ansible runs it as a module or as an action.

    read: returns the request that the options describe, and all problems with them; no I/O.
    run: carries out the request, or raises ApiError.
    """

    arguments: Arguments
    read: Callable[[Invocation], tuple[Any, list[Problem]]]
    run: Callable[[Invocation, Any], Result]


def result_of(module: Module, invocation: Invocation) -> Result:
    """Run a module's core and return the task's result.

    No other place turns an error into a failure, or shows what a server says.
    """
    warn, progress = invocation.warn, invocation.progress
    options = with_default_project(tidied(invocation.options))
    shown = partial(printable, most=LONGEST_MESSAGE, mask=partial(scrub, secret=_key_in(options)))
    invocation = invocation._replace(
        options=options,
        warn=_once(lambda text: warn(shown(text))),
        progress=lambda text: progress(shown(text)),
    )
    try:
        request, problems = module.read(invocation)
        problems = merged(connection_problems(options), problems)
        if problems:
            raise invalid_parameters(problems)
        if not options["validate_certs"]:
            invocation.warn(
                f"validate_certs: false: anybody between here and {options['host']} can read the "
                "API key; set ca_path instead"
            )
        return module.run(invocation, request)
    except ApiError as error:
        failure = error.result()
    except Exception as error:  # noqa: BLE001
        # The last net: a bug of ours must not show the API key, and has a reason as all failures.
        failure = _internal_error(error)
    scrubbed: Result = scrub(failure, _key_in(options))
    return {"failed": True, **scrubbed, "msg": shown(failure["msg"])}


def without_key(result: Result, options: Mapping[str, Any]) -> Result:
    """Return a result in which the API key is masked, as Ansible does it for modules."""
    key = _key_in(options)
    # Searching the whole text is far faster than walking through thousands of rows.
    if not key or json.dumps(key)[1:-1] not in json.dumps(result, default=str):
        return result
    masked: Result = scrub(result, key)
    return masked


def _key_in(options: Mapping[str, Any]) -> str:
    return options["api_key"] or ""


def _once(warn: Callable[[str], None]) -> Callable[[str], None]:
    """Return what warns of each thing once: clusters may share a trouble, such as a wrong clock."""
    said: set[str] = set()

    def say(text: str) -> None:
        if text not in said:
            said.add(text)
            warn(text)

    return say


def _internal_error(error: Exception) -> Result:
    text = f"{type(error).__name__}: {error}"
    return {
        "msg": f"this is an error of the collection itself ({text}); report it at {_ISSUES}",
        "reason": "internal_error",
        "exception": "".join(traceback.format_exception(type(error), error, error.__traceback__)),
    }


def run_module(module: Module) -> None:
    """Run as an Ansible module."""
    ansible = AnsibleModule(
        argument_spec=module.arguments.spec,
        mutually_exclusive=module.arguments.mutually_exclusive,
        required_one_of=module.arguments.required_one_of,
        required_if=module.arguments.required_if,
        supports_check_mode=True,
    )
    for message, import_error in missing_libraries():
        ansible.fail_json(msg=message, exception=import_error, reason="missing_library")
    now = datetime.now(timezone.utc)
    invocation = Invocation(
        ansible.params, now, ansible.check_mode, ansible._diff, warn=ansible.warn
    )
    with ended_with_its_starter():
        result = result_of(module, invocation)
    if result.get("failed"):
        ansible.fail_json(**result)
    ansible.exit_json(**result)


def missing_libraries() -> Iterator[tuple[str, str]]:
    """Yield a message that names the interpreter, and a traceback, for each missing library."""
    advice = _IN_A_CONTAINER if _is_in_a_container() else ""
    for library, import_error in _LIBRARIES.items():
        if import_error:
            yield missing_required_lib(library) + advice, import_error


def _is_in_a_container() -> bool:
    return any(map(os.path.exists, _CONTAINER_FILES)) or any(
        map(os.environ.get, _CONTAINER_VARIABLES)
    )


def tidied(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options as people mean them.

    Text and the items of lists have no blanks around, which ``db1, db2`` and a key read from a file
    would leave. A list may also be text on lines, as a web form gives it.
    """
    return {name: _tidied(value) for name, value in options.items()}


def _tidied(value: Any) -> Any:
    if isinstance(value, str):
        return value.strip()
    if not isinstance(value, list):
        return value
    return [item.strip() if isinstance(item, str) else item for item in _on_lines(value)]


def _on_lines(items: Sequence[Any]) -> Iterator[Any]:
    for item in items:
        if (isinstance(item, str) and len(item.splitlines()) > 1) or item in ("\n", "\r\n"):
            yield from (line for line in item.splitlines() if line.strip())
        else:
            yield item


def with_default_project(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options with the environment's project if the task sets none.

    Not fallbacks of the options: the environment's uid would clash with a project given by name.
    """
    if options.get("project") or options.get("project_uid"):
        return dict(options)
    found = (os.environ.get(variable, "").strip() for variable in _PROJECT_UID_VARIABLES)
    uid = next((uid for uid in found if uid), None)
    if uid:
        return {**options, "project_uid": uid}
    return {**options, "project": os.environ.get("PALETTE_PROJECT", "").strip() or None}

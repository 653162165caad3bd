# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The snapshot that a task asks for: options and definition merged into one request body."""

from __future__ import annotations

import random
import string
from collections.abc import Iterable, Mapping
from copy import deepcopy
from datetime import datetime
from typing import Any, NamedTuple

from .._validation.durations import parse_age
from .._validation.kubevirt import NAME_SUFFIX_LENGTH
from .._validation.problems import DEFINITION, Problem, merged, option_problem
from .._validation.request import problems_in_body, problems_in_options
from .model import EXPIRES_AT, MANAGED_BY, MANAGER, PART_OF, REQUEST_ID, Json, VmKey, write_time

API_VERSION = "snapshot.kubevirt.io/v1beta1"
KIND = "VirtualMachineSnapshot"
_SOURCE = {"apiGroup": "kubevirt.io", "kind": "VirtualMachine"}
_NAMESPACE, _NAME = ("metadata", "namespace"), ("metadata", "name")
_SOURCE_NAME = ("spec", "source", "name")
_OPTION_PATHS: Mapping[tuple[str, ...], str] = {
    ("metadata", "labels"): "labels",
    ("metadata", "annotations"): "annotations",
    ("spec", "deletionPolicy"): "deletion_policy",
    ("spec", "failureDeadline"): "failure_deadline",
}


class Wanted(NamedTuple):
    """A snapshot as asked for.

    declared: the body's parts that came from the user. quiesced: the guest's file systems have to
    have been at rest.
    """

    key: VmKey
    name: str
    body: Json
    declared: Json
    quiesced: bool = False


def wanted(
    key: VmKey, name: str, options: Mapping[str, Any], now: datetime, part_of: str | None = None
) -> Wanted:
    """Return the snapshot that checked options ask for. part_of: the set that it is a member of.

    What marks it as this collection's own is written at its creation only, so that no snapshot of
    somebody else's ever becomes subject to retention.
    """
    declared = body_from({**options, "namespace": key.namespace, "vm_name": key.vm_name}, name)
    body = deepcopy(declared)
    labels = body["metadata"].setdefault("labels", {})
    labels.setdefault(MANAGED_BY, MANAGER)
    if part_of:
        labels[PART_OF] = part_of
    if options.get("expire_after"):
        expiry = write_time(now + parse_age(options["expire_after"]))
        body["metadata"].setdefault("annotations", {})[EXPIRES_AT] = expiry
    return Wanted(key, name, body, declared, options.get("consistency") == "filesystem")


def body_from(options: Mapping[str, Any], name: str) -> Json:
    """Return the body of a create call: the definition, and over it the single options."""
    body = deepcopy(dict(options.get("definition") or {}))
    _fill(body, ("apiVersion",), API_VERSION)
    _fill(body, ("kind",), KIND)
    _fill(body, _NAMESPACE, options["namespace"])
    _put(body, _NAME, name)
    for field, value in {**_SOURCE, "name": options["vm_name"]}.items():
        _fill(body, ("spec", "source", field), value)
    for path, option in _OPTION_PATHS.items():
        if options.get(option) is not None:
            _put(body, path, _merged(_get(body, path), options[option]))
    return body


def parameter_problems(options: Mapping[str, Any]) -> list[Problem]:
    """Return all that is wrong with the options of a snapshot, before any request."""
    problems = problems_in_options(options)
    name = options.get("name")
    if name is None:
        name = f"{options.get('name_prefix') or ''}{random_suffix()}"
    body = body_from(options, name)
    in_body = problems_in_body(body, _origins(options), options["vm_name"], options["namespace"])
    own = [REQUEST_ID, *([EXPIRES_AT] if options.get("expire_after") else [])]
    return merged(
        [*problems, *age_problems(options, "expire_after"), *mark_problems(options, own)], in_body
    )


def mark_problems(options: Mapping[str, Any], marks: Iterable[str]) -> list[Problem]:
    """Return which labels and annotations a user sets that this collection writes itself."""
    definition = options.get("definition") or {}
    found = []
    for kind in ("labels", "annotations"):
        places = {
            kind: options.get(kind),
            f"{DEFINITION}.metadata.{kind}": _get(definition, ("metadata", kind)),
        }
        for place, given in places.items():
            for mark in marks:
                if isinstance(given, Mapping) and mark in given:
                    text = "is written by this collection: leave it out"
                    found.append(Problem(f"{place}.{mark}", text, f"{kind}: {{purpose: patch}}"))
    return found


def age_problems(options: Mapping[str, Any], *names: str) -> list[Problem]:
    """Return what is wrong with options that are ages, such as ``7d``."""
    problems = []
    for name in names:
        try:
            parse_age(options.get(name) or "0")
        except ValueError as error:
            problems.append(option_problem(name, str(error), "7d"))
    return problems


def random_suffix() -> str:
    """Return the random end of a name: chosen here, so that a repeat can tell what it made."""
    return "".join(random.choices(string.ascii_lowercase + string.digits, k=NAME_SUFFIX_LENGTH))


def _origins(options: Mapping[str, Any]) -> dict[tuple[str, ...], str]:
    origins: dict[tuple[str, ...], str] = {
        _NAME: "name_prefix" if options.get("name") is None else "name"
    }
    for path, option in ((_NAMESPACE, "namespace"), (_SOURCE_NAME, "vm_name")):
        if _get(options.get("definition") or {}, path) is None:
            origins[path] = option
    for place, option in _OPTION_PATHS.items():
        value = options.get(option)
        if isinstance(value, Mapping):
            origins.update({(*place, key): f"{option}.{key}" for key in value})
        elif value is not None:
            origins[place] = option
    return origins


def _get(body: Json, path: tuple[str, ...]) -> Any:
    value: Any = body
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _put(body: Json, path: tuple[str, ...], value: Any) -> None:
    *parents, last = path
    parent: Any = body
    for key in parents:
        parent = parent.setdefault(key, {})
        if not isinstance(parent, dict):
            return  # of the wrong type: validation says so
    parent[last] = value


def _fill(body: Json, path: tuple[str, ...], value: Any) -> None:
    if _get(body, path) is None:
        _put(body, path, value)


def _merged(below: Any, above: Any) -> Any:
    if isinstance(below, Mapping) and isinstance(above, Mapping):
        return {**below, **above}
    return above

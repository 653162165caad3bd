# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Validates options and request bodies before any request is sent."""

from __future__ import annotations

import difflib
import functools
import json
import traceback
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Callable, Optional

from . import kubevirt, virtual_machine_snapshot
from .findings import Finding, Origins, example_value, worded
from .problems import Path, Problem, merged, option_problem

JSONSCHEMA_IMPORT_ERROR: str | None = None
try:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import ValidationError
except ImportError:
    JSONSCHEMA_IMPORT_ERROR = traceback.format_exc()

Rule = Callable[[str], Optional[str]]

_LABELS = ("metadata", "labels")
_ANNOTATIONS = ("metadata", "annotations")
_FINALIZERS = ("metadata", "finalizers")
_NAMESPACE = ("metadata", "namespace")
_SOURCE_NAME = ("spec", "source", "name")

# Fields that a create call must not have, whatever their value.
_REFUSED: Mapping[Path, str] = {
    **dict.fromkeys(sorted(kubevirt.SERVER_SET), "is set by the server only: leave it out"),
    ("metadata", "clusterName"): "is ignored by Kubernetes: use the option cluster",
    ("metadata", "generateName"): "is not supported: use the option name_prefix",
}
_FIELD_RULES: Mapping[Path, Rule] = {
    ("apiVersion",): kubevirt.api_version_problem,
    ("kind",): kubevirt.kind_problem,
    ("metadata", "name"): kubevirt.snapshot_name_problem,
    ("spec", "deletionPolicy"): kubevirt.deletion_policy_problem,
    ("spec", "failureDeadline"): kubevirt.failure_deadline_problem,
    ("spec", "source", "apiGroup"): kubevirt.source_api_group_problem,
    ("spec", "source", "kind"): kubevirt.source_kind_problem,
}
# The example for a refused field: a field that a client may set.
_SETTABLE: tuple[Path, Any] = ((), {"metadata": {"labels": example_value(_LABELS)}})
_MAP_RULES: Mapping[Path, tuple[Rule, Rule]] = {
    _LABELS: (kubevirt.label_key_problem, kubevirt.label_value_problem),
    _ANNOTATIONS: (kubevirt.annotation_key_problem, kubevirt.annotation_value_problem),
}
_OPTION_RULES: Mapping[str, tuple[Rule, str]] = {
    "vm_name": (kubevirt.vm_name_problem, "db1"),
    "namespace": (kubevirt.namespace_problem, "databases"),
    "name": (kubevirt.snapshot_name_problem, "db1-before-patch"),
    "name_prefix": (kubevirt.name_prefix_problem, "nightly-"),
    "deletion_policy": (kubevirt.deletion_policy_problem, "Delete"),
    "failure_deadline": (kubevirt.failure_deadline_problem, "10m"),
}
_TYPE_WORDS = {
    "array": "a list",
    "boolean": "true or false",
    "integer": "a whole number",
    "null": "null",
    "object": "a mapping",
    "string": "text",
}


def problems_in_options(options: Mapping[str, Any]) -> list[Problem]:
    """Return the problems with plain options: names, labels, annotations, policy and deadline.

    Options that are None or have no rule are ignored. The others are text, but labels and
    annotations are mappings.
    """
    return merged(_option_problems(options))


def problems_in_body(
    body: Mapping[str, Any], origins: Origins, vm_name: str, namespace: str
) -> list[Problem]:
    """Return the problems with the complete body of a create call, in order.

    origins: maps paths of the body to the options they come from, such as
    `("metadata", "labels"): "labels"` or `("metadata", "labels", "tier"): "labels.tier"`; other
    paths are reported as `definition.…`. Needs jsonschema: see JSONSCHEMA_IMPORT_ERROR.
    """
    findings = [
        *_schema_findings(body),
        *_refused_findings(body),
        *_field_findings(body),
        *_finalizer_findings(body),
        *_place_findings(body, vm_name, namespace),
        *_map_findings(body),
    ]
    return merged(worded(finding, origins) for finding in findings)


@functools.cache
def _request_validator() -> Draft202012Validator:
    """Return the validator of request bodies. Building it takes longer than validating."""
    rules = [kubevirt.NAMED, kubevirt.GROUPED_SOURCE]
    return Draft202012Validator({**virtual_machine_snapshot.REQUEST, "allOf": rules})


def _option_problems(options: Mapping[str, Any]) -> Iterator[Problem]:
    for option, (rule, example) in _OPTION_RULES.items():
        value = options.get(option)
        problem = None if value is None else rule(value)
        if problem:
            yield option_problem(option, problem, example)
    metadata = {name: options.get(name) for name in ("labels", "annotations")}
    origins = {_LABELS: "labels", _ANNOTATIONS: "annotations"}
    for finding in _map_findings({"metadata": metadata}):
        yield worded(finding, origins)


def _schema_findings(body: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield what the closed schema rejects, unless another rule has a better message."""
    for error in _request_validator().iter_errors(body):
        path = tuple(error.absolute_path)
        if not (_is_refused(path) or path[:-1] in (_LABELS, _ANNOTATIONS)):
            yield from _error_findings(path, error)


def _error_findings(path: Path, error: ValidationError) -> Iterator[Finding]:
    value: Any = error.instance
    expected: Any = error.validator_value
    if error.validator == "additionalProperties":
        yield from _unknown_key_findings(path, value, error.schema)
    elif error.validator == "required":
        for key in expected:
            if key not in value:
                yield Finding((*path, key), "is missing")
    elif error.validator == "type":
        yield Finding(path, _type_problem(expected, value))
    else:
        yield Finding(path, error.message)


def _unknown_key_findings(path: Path, value: Mapping[Any, Any], schema: Any) -> Iterator[Finding]:
    known = [key for key in schema["properties"] if not _is_refused((*path, key))]
    for key in value:
        if key not in schema["properties"]:
            yield _unknown_key(path, key, known)


def _unknown_key(path: Path, key: Any, known: Sequence[str]) -> Finding:
    close = difflib.get_close_matches(str(key), known, n=1)
    hint = f"nearest: {close[0]!r}" if close else f"known keys: {', '.join(known)}"
    right = (*path, (close or known)[0])
    problem = f"{key!r} is not a known key; {hint}"
    return Finding((*path, str(key)), problem, (right, example_value(right)))


def _type_problem(expected: str, value: object) -> str:
    return f"must be {_TYPE_WORDS[expected]}, not {_described(value)}"


def _described(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return f"the number {value}"
    if isinstance(value, str):
        return "text"
    if isinstance(value, Mapping):
        return "a mapping"
    return "a list" if isinstance(value, list) else f"a {type(value).__name__}"


def _refused_findings(body: Mapping[str, Any]) -> Iterator[Finding]:
    for path, problem in _REFUSED.items():
        if path[-1] in _mapping_at(body, path[:-1]):
            yield Finding(path, problem, _SETTABLE)


def _is_refused(path: Path) -> bool:
    return any(path[:length] in _REFUSED for length in (1, 2))


def _field_findings(body: Mapping[str, Any]) -> Iterator[Finding]:
    for path, rule in _FIELD_RULES.items():
        value = _text_at(body, path)
        problem = None if value is None else rule(value)
        if problem:
            yield Finding(path, problem)


def _finalizer_findings(body: Mapping[str, Any]) -> Iterator[Finding]:
    finalizers = _mapping_at(body, _FINALIZERS[:-1]).get(_FINALIZERS[-1])
    for index, name in enumerate(finalizers if isinstance(finalizers, list) else ()):
        problem = kubevirt.finalizer_problem(name) if isinstance(name, str) else None
        if problem:
            yield Finding((*_FINALIZERS, index), problem)


def _place_findings(body: Mapping[str, Any], vm_name: str, namespace: str) -> Iterator[Finding]:
    """Yield where the body names another VM or namespace than the options."""
    named: Sequence[tuple[Path, Rule, str, str]] = (
        (_SOURCE_NAME, kubevirt.vm_name_problem, "vm_name", vm_name),
        (_NAMESPACE, kubevirt.namespace_problem, "namespace", namespace),
    )
    for path, rule, option, wanted in named:
        value = _text_at(body, path)
        if value is None:
            continue
        problem = rule(value)
        if problem:
            yield Finding(path, problem)
        elif value != wanted and not rule(wanted):
            text = f"{value!r} differs from the option {option}, which is {wanted!r}"
            yield Finding(path, text, (path, wanted))


def _map_findings(body: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield the problems with labels and annotations, separately for each key and value."""
    for path, rules in _MAP_RULES.items():
        for key, value in _mapping_at(body, path).items():
            yield from _entry_findings(path, key, value, rules)
    annotations = _mapping_at(body, _ANNOTATIONS).items()
    problem = kubevirt.annotations_problem(
        {str(key): value for key, value in annotations if isinstance(value, str)}
    )
    if problem:
        yield Finding(_ANNOTATIONS, problem)


def _entry_findings(
    path: Path, key: object, value: object, rules: tuple[Rule, Rule]
) -> Iterator[Finding]:
    key_rule, value_rule = rules
    here = (*path, str(key))
    key_problem = key_rule(key) if isinstance(key, str) else f"the key {key} is not in quotes"
    if key_problem:
        yield Finding(here, key_problem, (path, example_value(path)))
    value_problem = value_rule(value) if isinstance(value, str) else _type_problem("string", value)
    if value_problem:
        entry = (here, _quoted(value, value_rule) or example_value(here))
        yield Finding(here, value_problem, (path, example_value(path)) if key_problem else entry)


def _quoted(value: object, rule: Rule) -> str | None:
    """Return a number or a boolean as text, if the rule allows that text."""
    if not isinstance(value, (int, float)):
        return None
    text = json.dumps(value)
    return None if rule(text) else text


def _mapping_at(body: Mapping[str, Any], path: Path) -> Mapping[Any, Any]:
    """Return the mapping at a path; empty if there is none."""
    value: Any = body
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value if isinstance(value, Mapping) else {}


def _text_at(body: Mapping[str, Any], path: Path) -> str | None:
    """Return the text at a path; None if there is none, which the schema checks."""
    value = _mapping_at(body, path[:-1]).get(path[-1])
    return value if isinstance(value, str) else None

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks Palette's answers against the generated schemas.

jsonschema reads the schema again for each value, which is many times slower for every page of every
poll. The checks here are compiled once. They support the keywords that the answer schemas use, and
reject a schema with others.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from typing import Any, Callable, Literal

from . import kubevirt, virtual_machine_snapshot

# Returns the problems with a value: texts that start with the path in it, as `.spec is missing`.
Check = Callable[[Any], Sequence[str]]

# The Python types that json makes of each type; as in JSON, a bool is not an integer.
_PYTHON_TYPES: Mapping[str, frozenset[type]] = {
    "array": frozenset({list}),
    "boolean": frozenset({bool}),
    "integer": frozenset({int}),
    "null": frozenset({type(None)}),
    "object": frozenset({dict}),
    "string": frozenset({str}),
}
_ANNOTATIONS = frozenset({"$defs", "$schema", "contentEncoding", "format"})
_CHECKED = frozenset(
    {"additionalProperties", "items", "maximum", "minimum", "properties", "required", "type"}
)
_FINE: Sequence[str] = ()

# Written by hand, because Palette's API document declares no error answers for the VM calls.
# Palette omits empty fields, and `details` is an object, a text or null.
ERROR: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "properties": {
        "code": {"type": ["string", "null"]},
        "details": {},
        "message": {"type": ["string", "null"]},
        "ref": {"type": ["string", "null"]},
    },
    "type": "object",
}
AnswerKind = Literal["snapshot", "snapshot_list", "error"]
_ANSWERS: Mapping[AnswerKind, Sequence[Mapping[str, Any]]] = {
    "snapshot": (virtual_machine_snapshot.RESPONSE, kubevirt.NAMED),
    "snapshot_list": (
        virtual_machine_snapshot.LIST_RESPONSE,
        {"properties": {"items": {"items": kubevirt.NAMED}}},
    ),
    "error": (ERROR,),
}


def response_problems(kind: AnswerKind, body: Any) -> list[str]:
    """Return how a decoded answer differs from its schema; empty if it does not.

    Fast enough for every page of every poll, and independent of jsonschema.
    """
    return [f"{kind}{text}" for check in _answer_checks(kind) for text in check(body)]


@functools.cache
def _answer_checks(kind: AnswerKind) -> Sequence[Check]:
    return [compile_schema(schema) for schema in _ANSWERS[kind]]


def compile_schema(schema: Mapping[str, Any]) -> Check:
    """Return the check for a JSON Schema; raise ValueError if it has an unsupported keyword."""
    definitions: dict[str, Check] = {}
    for name, definition in schema.get("$defs", {}).items():
        definitions[f"#/$defs/{name}"] = _compile(definition, definitions)
    return _compile(schema, definitions)


def _compile(schema: Mapping[str, Any], definitions: Mapping[str, Check]) -> Check:
    keywords = schema.keys() - _ANNOTATIONS
    if keywords == {"$ref"}:
        return _reference(schema["$ref"], definitions)
    if keywords == {"anyOf"}:
        return _any_of([_compile(alternative, definitions) for alternative in schema["anyOf"]])
    if keywords <= _CHECKED:
        return _Shape(schema, definitions).problems
    raise ValueError(f"cannot check a schema of {', '.join(sorted(keywords))}")


def _reference(name: str, definitions: Mapping[str, Check]) -> Check:
    def check(value: Any) -> Sequence[str]:
        # Looked up only now, because definitions refer to each other in any order.
        return definitions[name](value)

    return check


def _any_of(alternatives: Sequence[Check]) -> Check:
    def check(value: Any) -> Sequence[str]:
        first, *others = alternatives
        problems = first(value)
        if not problems or any(not other(value) for other in others):
            return _FINE
        return problems

    return check


def _anything(_value: Any) -> Sequence[str]:
    return _FINE


class _Shape:
    """A schema without references or alternatives, compiled once."""

    def __init__(self, schema: Mapping[str, Any], definitions: Mapping[str, Check]) -> None:
        def check_of(keyword: str) -> Check:
            return _compile(schema[keyword], definitions) if keyword in schema else _anything

        names = schema.get("type", [])
        self._names: Sequence[str] = [names] if isinstance(names, str) else names
        self._types = frozenset[type]().union(*(_PYTHON_TYPES[name] for name in self._names))
        self._required: Sequence[str] = schema.get("required", ())
        self._properties = {
            name: _compile(child, definitions)
            for name, child in schema.get("properties", {}).items()
        }
        self._other_property = check_of("additionalProperties")
        self._item = check_of("items")
        self._minimum = schema.get("minimum", -math.inf)
        self._maximum = schema.get("maximum", math.inf)

    def problems(self, value: Any) -> Sequence[str]:
        kind = type(value)
        if self._types and kind not in self._types:
            return [f" is not {' or '.join(self._names)}"]
        if kind is dict:
            return self._in_object(value)
        if kind is list:
            return self._in_array(value)
        if kind is int and not self._minimum <= value <= self._maximum:
            return [f" is not between {self._minimum} and {self._maximum}"]
        return _FINE

    def _in_object(self, value: dict[str, Any]) -> Sequence[str]:
        found = [f".{name} is missing" for name in self._required if name not in value]
        for name, child in value.items():
            for problem in self._properties.get(name, self._other_property)(child):
                found.append(f".{name}{problem}")
        return found

    def _in_array(self, value: list[Any]) -> Sequence[str]:
        found: list[str] = []
        for index, item in enumerate(value):
            found += [f"[{index}]{problem}" for problem in self._item(item)]
        return found

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Request checks by the contract: types, required fields, enumerations, parameters.

jsonschema would take longer for a snapshot than all the rest of its creation.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from starlette.requests import Request

from palette_simulator.errors import ApiError, off_contract
from palette_simulator.switches import Switches

HARD_MAXIMUM = 50

Body = dict[str, Any]
Schema = Mapping[str, Any]

_CONTRACT = Path(__file__).parents[1] / "contract/palette-4.8.json"
_DEFINITIONS: Mapping[str, Schema] = json.loads(_CONTRACT.read_text(encoding="utf-8"))["$defs"]
SNAPSHOT = _DEFINITIONS["v1VirtualMachineSnapshot"]
SEARCH = _DEFINITIONS["v1SearchFilterSummarySpec"]
CLUSTER_METADATA_FILTER = _DEFINITIONS["v1SpectroClusterMetadataSpec"]

_JSON_TYPES: Mapping[type, frozenset[str]] = {
    bool: frozenset({"boolean"}),
    dict: frozenset({"object"}),
    float: frozenset({"number"}),
    int: frozenset({"integer", "number"}),
    list: frozenset({"array"}),
    str: frozenset({"string"}),
    type(None): frozenset({"null", "array"}),  # Palette's Go models read null as an empty array
}


class Problem(NamedTuple):
    """One departure from the contract."""

    text: str
    unknown_field: bool = False


def _problems(value: Any, schema: Schema, path: str = "") -> Iterator[Problem]:
    if "$ref" in schema:
        schema = _DEFINITIONS[schema["$ref"].removeprefix("#/$defs/")]
    types = schema.get("type", "object" if "properties" in schema else [])
    if isinstance(types, str):
        types = [types]
    if types and _JSON_TYPES[type(value)].isdisjoint(types):
        yield Problem(f"{path or 'body'} in body must be of type {types[0]}")
    elif value not in schema.get("enum", [value]):
        yield Problem(f"{path} in body should be one of {schema['enum']}")
    elif schema.get("format") == "date-time" and not (value is None or _is_moment(value)):
        yield Problem(f"{path} in body must be of type date-time")
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from _problems(each, schema.get("items", {}), f"{path}.{index}")
    elif isinstance(value, dict):
        yield from _problems_in_object(value, schema, f"{path}." if path else "")


def _problems_in_object(value: Body, schema: Schema, prefix: str) -> Iterator[Problem]:
    for key in schema.get("required", ()):
        if key not in value:
            yield Problem(f"{prefix}{key} in body is required")
    properties = schema.get("properties", {})
    others = schema.get("additionalProperties", None if properties else {})
    for key, each in value.items():
        known = properties.get(key, others)
        if known is not None:
            yield from _problems(each, known, prefix + key)
        else:
            yield Problem(f"{prefix}{key} in body is an unknown field", unknown_field=True)


def _is_moment(text: str) -> bool:
    try:
        datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return False
    return True


def read_body(
    request: Request, body: bytes, schema: Schema, switches: Switches, defaults: Any = None
) -> Body:
    """The body, its defaults filled in, checked; ApiError 400, 415 or the contract's status."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise ApiError(
            415, "UnsupportedMediaType", f'unsupported media type "{media_type}", only JSON'
        )
    try:
        value = _filled(msgspec.json.decode(body), defaults)
    except msgspec.DecodeError as error:
        raise ApiError(400, "InvalidPayload", f"parsing body failed: {error}") from None
    tolerant = switches.unknown_fields == "ignore"
    problems = [p.text for p in _problems(value, schema) if not (p.unknown_field and tolerant)]
    if problems:
        raise off_contract("validation failure list: " + "; ".join(problems), switches)
    checked: Body = value
    return checked


def _filled(value: Any, defaults: Any) -> Any:
    if not isinstance(value, dict) or not isinstance(defaults, dict):
        return value
    return {**defaults, **{key: _filled(each, defaults.get(key)) for key, each in value.items()}}


def required_parameter(request: Request, name: str, switches: Switches) -> str:
    """A query parameter that must be there and not empty."""
    value = request.query_params.get(name)
    if not value:
        raise off_contract(f"{name} in query is required", switches)
    return value


def whole_parameter(request: Request, name: str, switches: Switches) -> int:
    """A query parameter that is a whole number; 0 when absent."""
    text = request.query_params.get(name)
    if not text:
        return 0
    try:
        value = int(text)
    except ValueError:
        raise off_contract(f'{name} in query must be of type int64: "{text}"', switches) from None
    if value < 0:
        raise off_contract(f"{name} in query should not be negative", switches)
    return value


# See docs/palette.md, "Not known".
def csv_parameter(request: Request, name: str, switches: Switches) -> frozenset[str]:
    """The values of a query parameter in CSV form; empty when absent."""
    given = request.query_params.getlist(name)
    if switches.repeated_values == "last":
        given = given[-1:]
    if switches.several_values != "unsplit":
        given = [part for text in given for part in text.split(",")]
    values = [value.strip() for value in given if value.strip()]
    return frozenset(values[-1:] if switches.several_values == "last" else values)

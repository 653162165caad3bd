# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks traffic against the vendor's API document, where that document is present.

Objects are closed here: an answer with a field the vendor does not know is a problem too.
Two departures are Palette's own, and allowed: its Go models write empty arrays as null, and
KubeVirt writes a condition's unset lastProbeTime as null.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.protocols import Validator

SPEC = Path(__file__).resolve().parents[2] / "shared" / "palette" / "palette-4.8-vms.swagger.json"
_ERROR_BODY = {
    "type": "object",
    "required": ["code", "message"],
    "additionalProperties": False,
    "properties": {
        "code": {"type": "string"},
        "message": {"type": "string"},
        "details": {},
        "ref": {"type": "string"},
    },
}
_formats = FormatChecker(())


@_formats.checks("date-time", ValueError)
def _is_moment(value: object) -> bool:
    return not isinstance(value, str) or bool(datetime.fromisoformat(value.replace("Z", "+00:00")))


class VendorContract:
    """The vendor's document, ready to check requests and responses."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._definitions = {
            name: _json_schema(schema) for name, schema in document["definitions"].items()
        }
        self._validators: dict[str, Validator] = {}
        # Literal segments win over parameters, as in the vendor's router.
        self._paths = sorted(document["paths"].items(), key=lambda item: item[0].count("{"))

    @classmethod
    def load(cls, spec: Path = SPEC) -> VendorContract:
        """Read a document; FileNotFoundError where it is absent."""
        return cls(json.loads(spec.read_text(encoding="utf-8")))

    def problems_in_response(self, method: str, path: str, status: int, body: Any) -> list[str]:
        """What is wrong with an answer; errors are held against Palette's error body."""
        operation, _parameters = self._operation(method, path)
        if status >= 400 or operation is None:
            return _problems(Draft202012Validator(_ERROR_BODY), body)
        promised = operation["responses"].get(str(status))
        if promised is None:
            return [f"status {status} is not in the contract"]
        if "schema" not in promised:
            return ["there should be no body"] if body else []
        return _problems(self._validator(promised["schema"]["$ref"]), body)

    def problems_in_request(self, method: str, path: str, query: str, body: Any) -> list[str]:
        """What is wrong with a request: unknown path or parameter, missing parameter, bad body."""
        operation, parameters = self._operation(method, path)
        if operation is None:
            return [f"{method} {path} is not in the contract"]
        given = parse_qs(query, keep_blank_values=True)
        known = {each["name"] for each in parameters if each["in"] == "query"}
        required = {each["name"] for each in parameters if each.get("required")} & known
        problems = [f"query parameter {name} is unknown" for name in given.keys() - known]
        problems += [f"query parameter {name} is missing" for name in required - given.keys()]
        schema = next((each["schema"] for each in parameters if each["in"] == "body"), None)
        if body is not None and schema is None:
            return [*problems, "there should be no body"]
        if body is not None and schema is not None:
            problems += _problems(self._validator(schema["$ref"]), body)
        return problems

    def problems_in_log(self, entries: Iterable[Mapping[str, Any]]) -> list[str]:
        """What is wrong with the traffic in a simulator's log, written with --log-bodies.

        Entries with an injected fault or a cut connection are left out.
        """
        return list(self._walk_log(entries))

    def _walk_log(self, entries: Iterable[Mapping[str, Any]]) -> Iterator[str]:
        seen = set()  # polling repeats answers
        for entry in entries:
            method, path, status = entry["method"], entry["path"], entry["status"]
            answer = (method, path, status, json.dumps(entry.get("response")))
            if entry["fault"] or not status or answer in seen:
                continue
            seen.add(answer)
            problems = self.problems_in_response(method, path, status, entry["response"])
            yield from (f"{method} {path} → {status}: {problem}" for problem in problems)

    def _operation(
        self, method: str, path: str
    ) -> tuple[dict[str, Any] | None, list[dict[str, Any]]]:
        for template, operations in self._paths:
            operation = operations.get(method.lower())
            if operation and _pattern(template).fullmatch(path):
                shared = operations.get("parameters", [])
                return operation, shared + operation.get("parameters", [])
        return None, []

    def _validator(self, reference: str) -> Validator:
        if reference not in self._validators:
            schema = {"$ref": _moved(reference), "$defs": self._definitions}
            self._validators[reference] = Draft202012Validator(schema, format_checker=_formats)
        return self._validators[reference]


@functools.cache
def _pattern(template: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\{\w+\}", "[^/]+", template))


def _problems(validator: Validator, body: Any) -> list[str]:
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(body)]


def _moved(reference: str) -> str:
    return reference.replace("#/definitions/", "#/$defs/")


def _json_schema(schema: Mapping[str, Any], name: str = "") -> dict[str, Any]:
    """A Swagger schema as JSON Schema, closed, and with the two departures allowed."""
    if "$ref" in schema:
        return {"$ref": _moved(schema["$ref"])}
    out = {key: schema[key] for key in ("type", "enum", "format", "required") if key in schema}
    if "properties" in schema:
        properties = schema["properties"].items()
        out["properties"] = {key: _json_schema(value, key) for key, value in properties}
        out["additionalProperties"] = False
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            out[key] = _json_schema(schema[key])
    if schema.get("x-nullable") or out.get("type") == "array" or name == "lastProbeTime":
        out["type"] = [out["type"], "null"]
        out |= {"enum": [*out["enum"], None]} if "enum" in out else {}
    return out

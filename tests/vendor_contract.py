# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks traffic against the contract, which tools/derive_contract.py derives from Palette's API.

Objects are closed here: an answer with a field the contract does not know is a problem too.
Three departures are allowed: Palette's Go models write empty arrays as null, KubeVirt writes a
condition's unset lastProbeTime as null, and Kubernetes has the managed fields themselves where the
models have bytes.
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

CONTRACT = Path(__file__).parent / "contract/palette-4.8.json"
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
    """A contract, ready to check requests and responses."""

    def __init__(self, contract: Mapping[str, Any]) -> None:
        self._definitions = {name: _closed(schema) for name, schema in contract["$defs"].items()}
        self._definitions.get("v1VmFieldsV1", {})["patternProperties"] = {"^f:": {}}
        self._validators: dict[str, Validator] = {}
        # Literal segments win over parameters, as in the vendor's router.
        self._paths = sorted(contract["paths"].items(), key=lambda item: item[0].count("{"))

    @classmethod
    def load(cls, file: Path = CONTRACT) -> VendorContract:
        """Read a contract."""
        return cls(json.loads(file.read_text(encoding="utf-8")))

    def problems_in_response(self, method: str, path: str, status: int, body: Any) -> list[str]:
        """What is wrong with an answer; errors are held against Palette's error body."""
        operation = self._operation(method, path)
        if status >= 400 or operation is None:
            return _problems(Draft202012Validator(_ERROR_BODY), body)
        if str(status) not in operation["responses"]:
            return [f"status {status} is not in the contract"]
        return self._problems_in_body(operation["responses"][str(status)], body)

    def problems_in_request(self, method: str, path: str, query: str, body: Any) -> list[str]:
        """What is wrong with a request: unknown path or parameter, missing parameter, bad body."""
        operation = self._operation(method, path)
        if operation is None:
            return [f"{method} {path} is not in the contract"]
        parameters = operation["parameters"]
        given = parse_qs(query, keep_blank_values=True)
        known = {each["name"] for each in parameters if each["in"] == "query"}
        required = {each["name"] for each in parameters if each.get("required")} & known
        problems = [f"query parameter {name} is unknown" for name in given.keys() - known]
        problems += [f"query parameter {name} is missing" for name in required - given.keys()]
        schema = next((each["schema"] for each in parameters if each["in"] == "body"), None)
        return problems if body is None else problems + self._problems_in_body(schema, body)

    def problems_in_log(self, entries: Iterable[Mapping[str, Any]]) -> list[str]:
        """What is wrong with the answers in a simulator's log, written with --log-bodies.

        Entries with an injected fault or a cut connection are left out.
        """
        answered = (e for e in entries if e["status"] and not e["fault"] and _is_of_palette(e))
        return [
            f"{method} {path} → {status}: {problem}"
            for method, path, status, body in _distinct(
                answered, "method", "path", "status", "response"
            )
            for problem in self.problems_in_response(method, path, status, body)
        ]

    def problems_in_requests(self, entries: Iterable[Mapping[str, Any]]) -> list[str]:
        """What is wrong with the requests in such a log."""
        return [
            f"{method} {path}: {problem}"
            for method, path, query, body in _distinct(
                filter(_is_of_palette, entries), "method", "path", "query", "request"
            )
            for problem in self.problems_in_request(method, path, query, body)
        ]

    def _operation(self, method: str, path: str) -> dict[str, Any] | None:
        for template, operations in self._paths:
            if method.lower() in operations and _pattern(template).fullmatch(path):
                operation: dict[str, Any] = operations[method.lower()]
                return operation
        return None

    def _problems_in_body(self, schema: Mapping[str, Any] | None, body: Any) -> list[str]:
        if schema is None:
            return ["there should be no body"] if body is not None else []
        if "$ref" not in schema:
            return _problems(Draft202012Validator(schema), body)
        reference = schema["$ref"]
        if reference not in self._validators:
            self._validators[reference] = Draft202012Validator(
                {"$ref": reference, "$defs": self._definitions}, format_checker=_formats
            )
        return _problems(self._validators[reference], body)


def _is_of_palette(entry: Mapping[str, Any]) -> bool:
    """Whether a request was for Palette, and not for a cluster's own API."""
    return not entry["path"].startswith(("/k8s/", "/frp/"))


def _distinct(entries: Iterable[Mapping[str, Any]], *parts: str) -> Iterator[list[Any]]:
    """Yield the parts of each entry, once where polling repeats them."""
    return map(json.loads, {json.dumps([entry[part] for part in parts]): None for entry in entries})


@functools.cache
def _pattern(template: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\{\w+\}", "[^/]+", template))


def _problems(validator: Validator, body: Any) -> list[str]:
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(body)]


def _closed(schema: Mapping[str, Any], name: str = "") -> dict[str, Any]:
    """A schema whose objects are closed, with the two departures allowed."""
    out = dict(schema)
    for keyword in {"items", "additionalProperties"} & schema.keys():
        out[keyword] = _closed(schema[keyword])
    if "properties" in schema:
        out["properties"] = {key: _closed(each, key) for key, each in schema["properties"].items()}
        out["additionalProperties"] = False
    if schema.get("type") == "array" or (name == "lastProbeTime" and "type" in schema):
        out["type"] = [schema["type"], "null"]
    return out

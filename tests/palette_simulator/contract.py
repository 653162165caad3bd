# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Request checks by the vendor's contract: types, required fields, enumerations, parameters.

Written by hand for the few bodies the simulator takes, so that it needs no vendor document.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
from starlette.requests import Request

from palette_simulator.errors import PaletteError, off_contract
from palette_simulator.switches import Switches

HARD_MAXIMUM = 50


class Problem(NamedTuple):
    """One departure from the contract."""

    text: str
    unknown_field: bool = False


Check = Callable[[Any, str], Iterator[Problem]]


def _of_type(expected: type, word: str) -> Check:
    def check(value: Any, path: str) -> Iterator[Problem]:
        if value.__class__ is not expected:  # a bool is no integer here
            yield Problem(f"{path} in body must be of type {word}")

    return check


_text = _of_type(str, "string")
_flag = _of_type(bool, "boolean")
_whole = _of_type(int, "integer")


def _anything(_value: Any, _path: str) -> Iterator[Problem]:
    return iter(())


def _moment(value: Any, path: str) -> Iterator[Problem]:
    try:
        datetime.fromisoformat(str(value).replace("Z", "+00:00"))
    except ValueError:
        yield Problem(f"{path} in body must be of type date-time")


def _nullable(check: Check) -> Check:
    return lambda value, path: iter(()) if value is None else check(value, path)


def _one_of(*allowed: str) -> Check:
    def check(value: Any, path: str) -> Iterator[Problem]:
        if value not in allowed:
            yield Problem(f"{path} in body should be one of [{' '.join(allowed)}]")

    return check


def _list_of(item: Check) -> Check:
    def check(value: Any, path: str) -> Iterator[Problem]:
        if value is None:  # Palette's Go models write empty arrays as null, and read them back
            return
        if not isinstance(value, list):
            yield Problem(f"{path} in body must be of type array")
            return
        for index, each in enumerate(value):
            yield from item(each, f"{path}.{index}")

    return check


def _map_of(item: Check) -> Check:
    def check(value: Any, path: str) -> Iterator[Problem]:
        if not isinstance(value, dict):
            yield Problem(f"{path} in body must be of type object")
            return
        for key, each in value.items():
            yield from item(each, f"{path}.{key}")

    return check


def _record(required: tuple[str, ...] = (), **fields: Check) -> Check:
    def check(value: Any, path: str) -> Iterator[Problem]:
        if not isinstance(value, dict):
            yield Problem(f"{path or 'body'} in body must be of type object")
            return
        dot = f"{path}." if path else ""
        yield from (
            Problem(f"{dot}{key} in body is required") for key in required if key not in value
        )
        for key, each in value.items():
            if key in fields:
                yield from fields[key](each, dot + key)
            else:
                yield Problem(f"{dot}{key} in body is an unknown field", unknown_field=True)

    return check


_METADATA = _record(
    annotations=_map_of(_text),
    clusterName=_text,
    creationTimestamp=_text,
    deletionGracePeriodSeconds=_whole,
    deletionTimestamp=_nullable(_moment),
    finalizers=_list_of(_text),
    generateName=_text,
    generation=_whole,
    labels=_map_of(_text),
    managedFields=_list_of(_map_of(_anything)),
    name=_text,
    namespace=_text,
    ownerReferences=_list_of(
        _record(
            ("apiVersion", "kind", "name", "uid"),
            apiVersion=_text,
            blockOwnerDeletion=_flag,
            controller=_flag,
            kind=_text,
            name=_text,
            uid=_text,
        )
    ),
    resourceVersion=_text,
    selfLink=_text,
    uid=_text,
)


def _snapshot_body(*, complete: bool) -> Check:
    """The body of a snapshot; an incomplete one may leave out what names its source."""
    source = _record(("kind", "name") if complete else (), apiGroup=_text, kind=_text, name=_text)
    return _record(
        ("spec",) if complete else (),
        apiVersion=_text,
        kind=_text,
        metadata=_METADATA,
        spec=_record(
            ("source",) if complete else (),
            deletionPolicy=_text,
            failureDeadline=_text,
            source=source,
        ),
        status=_nullable(_map_of(_anything)),
    )


SNAPSHOT = _snapshot_body(complete=True)
INCOMPLETE_SNAPSHOT = _snapshot_body(complete=False)
_CONJUNCTION = _nullable(_one_of("and", "or"))
_STRING_CONDITION = _record(
    ignoreCase=_flag,
    match=_record(conjunction=_CONJUNCTION, values=_list_of(_text)),
    negation=_flag,
    operator=_one_of("eq", "contains", "beginsWith"),
)
_FILTER = _record(
    condition=_record(
        bool=_record(value=_flag),
        date=_anything,
        float=_anything,
        int=_anything,
        keyValue=_anything,
        string=_STRING_CONDITION,
    ),
    property=_text,
    type=_one_of("string", "int", "float", "bool", "date", "keyValue"),
)
_SORT_FIELDS = (
    "environment",
    "clusterName",
    "clusterState",
    "healthState",
    "creationTimestamp",
    "lastModifiedTimestamp",
)
SEARCH = _record(
    filter=_record(
        conjunction=_CONJUNCTION,
        filterGroups=_list_of(_record(conjunction=_CONJUNCTION, filters=_list_of(_FILTER))),
    ),
    sort=_list_of(_record(field=_nullable(_one_of(*_SORT_FIELDS)), order=_one_of("asc", "desc"))),
)
_NULLABLE_TEXT = _nullable(_text)
CLUSTER_METADATA_FILTER = _record(
    filter=_record(
        environment=_text,
        includeVirtual=_flag,
        isAlloy=_flag,
        isImportReadOnly=_flag,
        isImported=_flag,
        name=_record(
            beginsWith=_NULLABLE_TEXT,
            contains=_NULLABLE_TEXT,
            eq=_NULLABLE_TEXT,
            ignoreCase=_flag,
            ne=_NULLABLE_TEXT,
        ),
        state=_text,
    ),
    sort=_nullable(_one_of("environment", "state", "name")),
)


def read_body(request: Request, body: bytes, check: Check, switches: Switches) -> dict[str, Any]:
    """The body, checked; PaletteError 400, 415 or the contract's status says what is wrong."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise PaletteError(
            415, "UnsupportedMediaType", f'unsupported media type "{media_type}", only JSON'
        )
    try:
        value = msgspec.json.decode(body)
    except msgspec.DecodeError as error:
        raise PaletteError(400, "InvalidPayload", f"parsing body failed: {error}") from None
    tolerant = switches.unknown_fields == "ignore"
    problems = [p.text for p in check(value, "") if not (p.unknown_field and tolerant)]
    if problems:
        raise off_contract("validation failure list: " + "; ".join(problems), switches)
    checked: dict[str, Any] = value
    return checked


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


def csv_parameter(request: Request, name: str) -> frozenset[str]:
    """A query parameter in CSV form; empty when absent."""
    text = request.query_params.get(name, "")
    return frozenset(part.strip() for part in text.split(",") if part.strip())

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The derivation of the contract and the schemas, from a small document and as committed."""

from __future__ import annotations

import copy
import hashlib
import json
import re
import runpy
import shutil
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from ansible_collections.spectrocloud.palette.tools import derive_contract

CREATE_PATH = "/v1/spectroclusters/{uid}/vms/{vmName}/snapshot"
LIST_PATH = "/v1/spectroclusters/{uid}/vms/snapshot"


def reference(name: str) -> dict[str, Any]:
    return {"$ref": f"#/definitions/{name}"}


SPEC: dict[str, Any] = {
    "swagger": "2.0",
    "info": {"title": "Small APIs - 4.8", "version": "v1"},
    "paths": {
        CREATE_PATH: {
            "parameters": [{"in": "path", "name": "uid", "required": True, "type": "string"}],
            "post": {
                "summary": "Prose.",
                "operationId": "v1Create",
                "parameters": [
                    {
                        "in": "query",
                        "name": "order",
                        "type": "string",
                        "enum": ["up", "down"],
                        "default": "up",
                        "description": "Prose.",
                    },
                    {"in": "body", "name": "body", "schema": reference("Thing")},
                ],
                "responses": {
                    "204": {"description": "Prose."},
                    "200": {"description": "Prose.", "schema": reference("Thing")},
                },
            },
        },
        LIST_PATH: {"get": {"responses": {"200": {"schema": reference("Things")}}}},
        "/v1/audits": {"get": {"responses": {"200": {"schema": reference("Unrelated")}}}},
    },
    "definitions": {
        "Thing": {
            "type": "object",
            "description": "Prose.",
            "required": ["name", "items"],
            "properties": {
                "name": {"type": "string", "description": "Prose.", "x-order": 1},
                "items": {"type": "array", "items": reference("Thing")},
                "count": {"type": "integer", "format": "int64"},
                "small": {"type": "integer", "format": "int32"},
                "raw": {"type": "string", "format": "byte"},
                "time": reference("Time"),
                "labels": {"type": "object", "additionalProperties": {"type": "string"}},
                "state": {"type": "object", "x-nullable": True, "properties": {}},
                "anything": {},
            },
        },
        "Things": {
            "type": "object",
            "required": ["items"],
            "properties": {"items": {"type": "array", "items": reference("Thing")}},
        },
        "Time": {"type": "string", "format": "date-time"},
        "Unrelated": {"type": "object", "allOf": []},
    },
}


def contract_of(spec: dict[str, Any]) -> dict[str, Any]:
    return derive_contract.derive_contract(json.dumps(spec).encode())


def schema_of(spec: dict[str, Any], tmp_path: Path) -> dict[str, Any]:
    """Return the names that the derived module defines."""
    module = tmp_path / "derived.py"
    module.write_text(derive_contract.derive_schema(contract_of(spec)), encoding="utf-8")
    return runpy.run_path(str(module))


def test_a_contract_names_its_document() -> None:
    contract = contract_of(SPEC)
    assert contract["title"] == "Small APIs - 4.8"
    assert contract["sha256"] == hashlib.sha256(json.dumps(SPEC).encode()).hexdigest()


def test_a_contract_has_the_covered_calls_with_parameters_and_answers() -> None:
    uid = {"in": "path", "name": "uid", "required": True, "schema": {"type": "string"}}
    order = {"in": "query", "name": "order", "schema": {"enum": ["up", "down"], "type": "string"}}
    body = {"in": "body", "name": "body", "schema": {"$ref": "#/$defs/Thing"}}
    answers = {"200": {"$ref": "#/$defs/Thing"}, "204": None}
    listing = {"parameters": [], "responses": {"200": {"$ref": "#/$defs/Things"}}}
    assert contract_of(SPEC)["paths"] == {
        CREATE_PATH: {"post": {"parameters": [uid, order, body], "responses": answers}},
        LIST_PATH: {"get": listing},
    }


def test_a_contract_has_the_definitions_that_its_calls_reach() -> None:
    definitions = contract_of(SPEC)["$defs"]
    assert list(definitions) == ["Thing", "Things", "Time"]
    assert definitions["Thing"] == {
        "properties": {
            "anything": {},
            "count": {"format": "int64", "type": "integer"},
            "items": {"items": {"$ref": "#/$defs/Thing"}, "type": "array"},
            "labels": {"additionalProperties": {"type": "string"}, "type": "object"},
            "name": {"type": "string"},
            "raw": {"format": "byte", "type": "string"},
            "small": {"format": "int32", "type": "integer"},
            "state": {"properties": {}, "type": ["object", "null"]},
            "time": {"$ref": "#/$defs/Time"},
        },
        "required": ["items", "name"],
        "type": "object",
    }


def test_a_nullable_enumeration_includes_null() -> None:
    spec = copy.deepcopy(SPEC)
    spec["definitions"]["Time"] = {"type": "string", "enum": ["now"], "x-nullable": True}
    definitions = contract_of(spec)["$defs"]
    assert definitions["Time"] == {"enum": ["now", None], "type": ["string", "null"]}


def test_neither_prose_nor_order_nor_other_calls_change_more_than_the_digest() -> None:
    other = copy.deepcopy(SPEC)
    other["definitions"] = dict(reversed(other["definitions"].items()))
    other["definitions"]["Unrelated"] = {"type": "string"}
    other["definitions"]["Thing"]["description"] = "Said otherwise."
    other["definitions"]["Thing"]["required"].reverse()
    other["paths"] = dict(reversed(other["paths"].items()))
    contract, changed = contract_of(SPEC), contract_of(other)
    assert contract.pop("sha256") != changed.pop("sha256")
    assert json.dumps(contract) == json.dumps(changed)


def test_the_request_schema_is_closed(tmp_path: Path) -> None:
    module = schema_of(SPEC, tmp_path)
    assert module["REQUEST"]["$ref"] == "#/$defs/Thing"
    assert module["REQUEST"]["$defs"] == {
        "Thing": {
            "additionalProperties": False,
            "properties": {
                "anything": {},
                "count": {"maximum": 2**63 - 1, "minimum": -(2**63), "type": "integer"},
                "items": {"items": {"$ref": "#/$defs/Thing"}, "type": "array"},
                "labels": {"additionalProperties": {"type": "string"}, "type": "object"},
                "name": {"type": "string"},
                "raw": {"contentEncoding": "base64", "type": "string"},
                "small": {"format": "int32", "type": "integer"},
                "state": {
                    "additionalProperties": False,
                    "properties": {},
                    "type": ["object", "null"],
                },
                "time": {"$ref": "#/$defs/Time"},
            },
            "required": ["items", "name"],
            "type": "object",
        },
        "Time": {"format": "date-time", "type": "string"},
    }


def test_long_data_has_an_entry_a_line() -> None:
    data = {"short": [1, True], "long": ["x" * 60, {"y" * 60: None}]}
    text = derive_contract.laid_out(data, json.dumps)
    assert json.loads(text) == data
    assert text.splitlines() == [
        "{",
        '    "short": [1, true],',
        '    "long": [',
        f'        "{"x" * 60}",',
        f'        {{"{"y" * 60}": null}}',
        "    ]",
        "}",
    ]


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that the tool takes for the checkout, with a copy of what is committed."""
    shutil.copytree(derive_contract.CONTRACTS, tmp_path / "contract")
    shutil.copy(derive_contract.SCHEMA, tmp_path / "schema.py")
    monkeypatch.setattr(derive_contract, "CONTRACTS", tmp_path / "contract")
    monkeypatch.setattr(derive_contract, "SOURCE", tmp_path / "contract/palette-4.8.json")
    monkeypatch.setattr(derive_contract, "SCHEMA", tmp_path / "schema.py")
    return tmp_path


def saved(content: str, folder: Path) -> str:
    file = folder / "spec.json"
    file.write_text(content, encoding="utf-8")
    return str(file)


def test_it_writes_what_it_then_finds_unchanged(checkout: Path) -> None:
    spec = saved(json.dumps(SPEC), checkout)
    before = (checkout / "contract/palette-4.8.json").read_text("utf-8")
    assert derive_contract.main(["--spec", spec, "--check"]) == 1
    assert (checkout / "contract/palette-4.8.json").read_text("utf-8") == before
    assert derive_contract.main(["--spec", spec]) == 0
    assert derive_contract.main(["--spec", spec, "--check"]) == 0
    assert derive_contract.main(["--check"]) == 0
    assert "Thing" in (checkout / "schema.py").read_text("utf-8")


def test_a_newer_document_gets_a_file_and_leaves_the_schema(checkout: Path) -> None:
    newer = SPEC | {"info": {"title": "Small APIs - 5.0"}}
    assert derive_contract.main(["--spec", saved(json.dumps(newer), checkout)]) == 0
    written = json.loads((checkout / "contract/palette-5.0.json").read_text("utf-8"))
    assert written == contract_of(newer)
    assert derive_contract.main(["--check"]) == 0
    assert "Thing" not in (checkout / "schema.py").read_text("utf-8")


def without(*path: str) -> str:
    spec = copy.deepcopy(SPEC)
    parent = spec
    for key in path[:-1]:
        parent = parent[key]
    del parent[path[-1]]
    return json.dumps(spec)


ALL_OF = copy.deepcopy(SPEC)
ALL_OF["definitions"]["Time"] = {"allOf": []}


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (without("definitions", "Time"), "has no 'Time'"),
        (without("info", "title"), "has no 'title'"),
        (without("swagger"), "is not a Swagger 2.0 document"),
        ("[]", "is not a Swagger 2.0 document"),
        ("swagger: '2.0'", "Expecting value"),
        (json.dumps(ALL_OF), "uses allOf, unknown to this tool"),
    ],
)
def test_it_says_why_a_document_will_not_do(
    spec: str, words: str, checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        derive_contract.main(["--spec", saved(spec, checkout)])
    assert words in capsys.readouterr().err


def test_it_says_when_there_is_no_document(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        derive_contract.main(["--spec", str(checkout / "missing.json")])
    assert "No such file" in capsys.readouterr().err


def test_the_committed_schema_follows_from_the_committed_contract(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert (derive_contract.main(["--check"]), capsys.readouterr().out) == (0, "")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"deletionPolicy": {"type": "string"}', '"deletePolicy": {"type": "string"}'),
        ('"readyToUse": {"type": "boolean"}', '"readyToUse": {"type": "string"}'),
        ('"required": ["kind", "name"]', '"required": ["name"]'),
        ('"type": ["object", "null"]', '"type": "object"'),
        ('            "phase": {"type": "string"},\n', ""),
    ],
)
@pytest.mark.parametrize("file", ["schema.py", "contract/palette-4.8.json"])
def test_a_change_made_by_hand_is_found(
    file: str, old: str, new: str, checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = checkout / file
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    assert derive_contract.main(["--check"]) == 1
    assert capsys.readouterr().out == f"differs: {checkout / 'schema.py'}\n"


def test_the_committed_schema_is_valid_json_schema() -> None:
    module = runpy.run_path(str(derive_contract.SCHEMA))
    Draft202012Validator.check_schema(module["REQUEST"])


@pytest.fixture(params=["4.8", "4.9"])
def committed(request: pytest.FixtureRequest) -> dict[str, Any]:
    return read(request.param)


def read(version: str) -> dict[str, Any]:
    path = derive_contract.CONTRACTS / f"palette-{version}.json"
    contract: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return contract


def test_committed_contracts_have_no_prose(committed: dict[str, Any]) -> None:
    assert re.fullmatch(r"Palette APIs - \d\.\d", committed.pop("title"))
    assert " " not in json.dumps(committed, separators=(",", ":"))


def test_committed_definitions_are_valid_json_schema(committed: dict[str, Any]) -> None:
    Draft202012Validator.check_schema({"$defs": committed["$defs"]})


def test_palette_4_9_has_the_vm_calls_and_the_snapshot_models_of_4_8() -> None:
    old, new = read("4.8"), read("4.9")
    vm_calls = {path: calls for path, calls in old["paths"].items() if "{uid}/vms" in path}
    assert {path: new["paths"][path] for path in vm_calls} == vm_calls
    snapshot_calls = [calls for path, calls in vm_calls.items() if "/snapshot" in path]
    models = derive_contract.reachable(snapshot_calls, old["$defs"].__getitem__)
    assert "v1VirtualMachineSnapshotList" in models
    assert {name: new["$defs"][name] for name in models} == models

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The derivation of the schemas: from a small document, and from the vendor's where it is."""

from __future__ import annotations

import copy
import json
import runpy
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from ansible_collections.spectrocloud.palette.tools import derive_schemas

CHECKOUT = Path(__file__).resolve().parents[3]
VENDOR_SPEC = CHECKOUT.parent / "shared/palette/palette-4.8-vms.swagger.json"
needs_vendor_spec = pytest.mark.skipif(
    not VENDOR_SPEC.exists(), reason=f"the vendor's document is not at {VENDOR_SPEC}"
)

CREATE_PATH = "/v1/spectroclusters/{uid}/vms/{vmName}/snapshot"
LIST_PATH = "/v1/spectroclusters/{uid}/vms/snapshot"


def reference(name: str) -> dict[str, Any]:
    return {"$ref": f"#/definitions/{name}"}


SPEC: dict[str, Any] = {
    "swagger": "2.0",
    "info": {"title": "Small", "version": "v9"},
    "paths": {
        CREATE_PATH: {
            "post": {
                "parameters": [
                    {"in": "query", "name": "namespace", "type": "string"},
                    {"in": "body", "name": "body", "schema": reference("Thing")},
                ],
                "responses": {"200": {"schema": reference("Thing")}},
            }
        },
        LIST_PATH: {"get": {"responses": {"200": {"schema": reference("Things")}}}},
    },
    "definitions": {
        "Thing": {
            "type": "object",
            "description": "Vendor prose.",
            "required": ["name", "items"],
            "properties": {
                "name": {"type": "string", "description": "More prose.", "x-order": 1},
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


def derived(tmp_path: Path, spec: dict[str, Any]) -> dict[str, Any]:
    """Return the names that the derived module defines."""
    module = tmp_path / "derived.py"
    module.write_text(derive_schemas.derive(spec), encoding="utf-8")
    return runpy.run_path(str(module))


def test_carries_over_types_formats_references_and_maps(tmp_path: Path) -> None:
    module = derived(tmp_path, SPEC)
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


def test_answers_are_open_and_take_null_for_what_is_absent_or_a_list(tmp_path: Path) -> None:
    module = derived(tmp_path, SPEC)
    thing = module["RESPONSE"]["$defs"]["Thing"]
    assert "additionalProperties" not in thing
    assert thing["required"] == ["items", "name"]
    assert thing["properties"]["name"] == {"type": "string"}
    assert thing["properties"]["items"]["type"] == ["array", "null"]
    assert thing["properties"]["small"]["type"] == ["integer", "null"]
    assert thing["properties"]["state"]["type"] == ["object", "null"]
    assert thing["properties"]["time"] == {"anyOf": [{"$ref": "#/$defs/Time"}, {"type": "null"}]}
    assert module["LIST_RESPONSE"]["$ref"] == "#/$defs/Things"


def test_names_its_source(tmp_path: Path) -> None:
    module = derived(tmp_path, SPEC)
    assert (module["SPEC_TITLE"], module["SPEC_VERSION"]) == ("Small", "v9")
    assert len(module["SPEC_DIGEST"]) == 64


def test_neither_prose_nor_order_nor_unrelated_models_change_the_output() -> None:
    other = copy.deepcopy(SPEC)
    other["definitions"] = dict(reversed(other["definitions"].items()))
    other["definitions"]["Unrelated"] = {"type": "string"}
    other["definitions"]["Thing"]["description"] = "Said otherwise."
    other["definitions"]["Thing"]["required"].reverse()
    assert derive_schemas.derive(other) == derive_schemas.derive(SPEC)


def test_a_changed_type_changes_the_digest(tmp_path: Path) -> None:
    other = copy.deepcopy(SPEC)
    other["definitions"]["Time"]["type"] = "integer"
    assert derived(tmp_path, other)["SPEC_DIGEST"] != derived(tmp_path, SPEC)["SPEC_DIGEST"]


def without(*path: str) -> dict[str, Any]:
    spec = copy.deepcopy(SPEC)
    parent = spec
    for key in path[:-1]:
        parent = parent[key]
    del parent[path[-1]]
    return spec


def with_body(schema: dict[str, Any]) -> dict[str, Any]:
    spec = copy.deepcopy(SPEC)
    spec["paths"][CREATE_PATH]["post"]["parameters"] = [{"in": "body", "schema": schema}]
    return spec


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (without("paths", CREATE_PATH), f"has no operation post {CREATE_PATH}"),
        (without("paths", LIST_PATH, "get"), f"has no operation get {LIST_PATH}"),
        (without("paths", CREATE_PATH, "post", "parameters"), "has no body parameter"),
        (without("paths", LIST_PATH, "get", "responses"), "does not refer to a definition"),
        (without("definitions", "Time"), "refers to the definition Time, which it does not have"),
        (with_body({"type": "object"}), "does not refer to a definition"),
        (with_body({"$ref": "other.json#/Thing"}), "does not refer to a definition"),
        (with_body(reference("Unrelated")), "Unrelated uses allOf, which this tool does not know"),
        (without("swagger"), "is not a Swagger 2.0 document"),
        ([], "is not a Swagger 2.0 document"),
    ],
)
def test_says_why_a_document_will_not_do(
    spec: Any, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "spec.json"
    file.write_text(json.dumps(spec), encoding="utf-8")
    assert derive_schemas.main(["--spec", str(file), "--check"]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("content", [None, "swagger: '2.0'"])
def test_says_when_a_file_is_no_json(
    content: str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "spec.json"
    if content is not None:
        file.write_text(content, encoding="utf-8")
    assert derive_schemas.main(["--spec", str(file)]) == 2
    assert "cannot be read as JSON" in capsys.readouterr().err


@pytest.fixture
def target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the committed module that the tool takes for the real one."""
    copied = tmp_path / derive_schemas.TARGET.name
    shutil.copy(derive_schemas.TARGET, copied)
    monkeypatch.setattr(derive_schemas, "ROOT", tmp_path)
    monkeypatch.setattr(derive_schemas, "TARGET", copied)
    return copied


def test_writes_what_it_then_finds_unchanged(target: Path, tmp_path: Path) -> None:
    file = tmp_path / "spec.json"
    file.write_text(json.dumps(SPEC), encoding="utf-8")
    target.unlink()
    assert derive_schemas.main(["--spec", str(file), "--check"]) == 1
    assert derive_schemas.main(["--spec", str(file)]) == 0
    assert derive_schemas.main(["--spec", str(file), "--check"]) == 0


@needs_vendor_spec
def test_what_is_committed_is_what_the_vendor_publishes(
    capsys: pytest.CaptureFixture[str],
) -> None:
    status = derive_schemas.main(["--spec", str(VENDOR_SPEC), "--check"])
    assert (status, capsys.readouterr().out) == (0, "")


@needs_vendor_spec
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"deletionPolicy": {"type": "string"}', '"deletePolicy": {"type": "string"}'),
        ('"readyToUse": {"type": "boolean"}', '"readyToUse": {"type": "string"}'),
        ('"required": ["kind", "name"]', '"required": ["name"]'),
        ('"type": ["object", "null"]', '"type": "object"'),
        ('"additionalProperties": False', '"additionalProperties": True'),
        ('            "phase": {"type": "string"},\n', ""),
    ],
)
def test_finds_a_change_made_by_hand(
    old: str, new: str, target: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = target.read_text(encoding="utf-8")
    assert old in text
    target.write_text(text.replace(old, new, 1), encoding="utf-8")
    assert derive_schemas.main(["--spec", str(VENDOR_SPEC), "--check"]) == 1
    shown = capsys.readouterr().out.splitlines()
    assert any(line.startswith("+") and old.strip() in line for line in shown)


def test_the_committed_schemas_are_valid_json_schema() -> None:
    module = runpy.run_path(str(derive_schemas.TARGET))
    for name in ("REQUEST", "RESPONSE", "LIST_RESPONSE"):
        Draft202012Validator.check_schema(module[name])


def test_the_output_is_as_the_formatter_leaves_it(tmp_path: Path) -> None:
    ruff = shutil.which("ruff", path=str(Path(sys.executable).parent))
    if ruff is None:
        pytest.skip("ruff is not installed beside this Python")
    module = tmp_path / "derived.py"
    module.write_text(derive_schemas.derive(SPEC), encoding="utf-8")
    settings = str(CHECKOUT / "pyproject.toml")
    for command in (["format", "--check"], ["check"]):
        subprocess.run([ruff, *command, "--config", settings, str(module)], check=True)

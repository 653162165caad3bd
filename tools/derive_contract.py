# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Derives the contract in tests/contract from Palette's API document, and a schema from it.

Give the document (Swagger 2.0) with --spec; without it, only the schema is derived anew.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

Schema = dict[str, Any]
Schemas = dict[str, Schema]

ROOT = Path(__file__).resolve().parent.parent
CONTRACTS = ROOT / "tests/contract"
SOURCE = CONTRACTS / "palette-4.8.json"
SCHEMA = ROOT / "plugins/module_utils/_validation/virtual_machine_snapshot.py"

# The calls that the contract covers, of the hundreds that Palette has.
COVERED = re.compile(
    r"/v1/(auth/authenticate|projects/\{uid\}|dashboard/projects/metadata"
    r"|dashboard/spectroclusters/(metadata|search|vms)|spectroclusters/\{uid\}(/(assets|vms)(/.+)?)?)"
)
CREATE = "/v1/spectroclusters/{uid}/vms/{vmName}/snapshot"

# The keywords of a schema: those that hold schemas, those carried over and those that are not.
NESTED = {"additionalProperties", "items", "properties"}
KEPT = {"enum", "format", "maximum", "minimum", "required", "type", "uniqueItems"}
DROPPED = {"collectionFormat", "default", "description", "example", "externalDocs", "title"}
# What the schema says instead of Swagger's own formats; they keep the names of others.
FORMATS: Schemas = {
    "byte": {"contentEncoding": "base64"},
    "int64": {"maximum": 2**63 - 1, "minimum": -(2**63)},
}
LINE_LENGTH = 100

MODULE = '''\
# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The JSON Schema (2020-12) of a snapshot as it is sent to Palette: closed."""
# Generated from "{title}" by tools/derive_contract.py: do not edit.

from __future__ import annotations

from typing import Any

_CLOSED: dict[str, Any] = {closed}

REQUEST: dict[str, Any] = {{
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "$ref": "{body}",
    "$defs": _CLOSED,
}}
'''


def main(arguments: list[str] | None = None) -> int:
    """Write contract and schema, or with --check compare them; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spec", type=Path, help="Palette's API document, in Swagger 2.0")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if it would")
    options = parser.parse_args(arguments)
    derived: dict[Path, str] = {}
    if options.spec:
        try:
            contract = derive_contract(options.spec.read_bytes())
        except (OSError, ValueError) as error:
            parser.error(f"{options.spec}: {error}")
        except KeyError as error:
            parser.error(f"{options.spec}: has no {error}")
        version = contract["title"].split()[-1]
        derived[CONTRACTS / f"palette-{version}.json"] = laid_out(contract, json.dumps) + "\n"
    source = derived.get(SOURCE) or SOURCE.read_text(encoding="utf-8")
    derived[SCHEMA] = derive_schema(json.loads(source))
    changed = [path for path, text in derived.items() if not holds(path, text)]
    for path in changed:
        if not options.check:
            path.write_text(derived[path], encoding="utf-8")
        print(f"{'differs' if options.check else 'wrote'}: {path}")
    return int(options.check and bool(changed))


def holds(path: Path, text: str) -> bool:
    return path.exists() and path.read_text(encoding="utf-8") == text


def derive_contract(spec: bytes) -> Schema:
    """Return what an API document says of the covered calls, as JSON Schema and without prose."""
    document = json.loads(spec)
    if not isinstance(document, dict) or document.get("swagger") != "2.0":
        raise ValueError("is not a Swagger 2.0 document")
    items = sorted(document["paths"].items())
    paths = {path: operations(item) for path, item in items if COVERED.fullmatch(path)}
    definitions = document["definitions"]
    return {
        "title": document["info"]["title"],
        "sha256": hashlib.sha256(spec).hexdigest(),
        "paths": paths,
        "$defs": reachable(paths, lambda name: translated(definitions[name])),
    }


def operations(item: Schema) -> Schema:
    """Return the operations of a path by method."""
    shared = item.get("parameters", [])
    return {
        method: {
            "parameters": [parameter(each) for each in shared + item[method].get("parameters", [])],
            "responses": {n: answer(each) for n, each in sorted(item[method]["responses"].items())},
        }
        for method in sorted(item.keys() - {"parameters"})
    }


def parameter(described: Schema) -> Schema:
    """Return a parameter with its schema, which Swagger mixes with its name and place."""
    place: Schema = {key: described[key] for key in ("in", "name", "required") if key in described}
    inline = {key: value for key, value in described.items() if key not in place}
    return {**place, "schema": translated(described.get("schema", inline))}


def answer(described: Schema) -> Schema | None:
    """Return the schema of an answer; None where it has no body."""
    return translated(described["schema"]) if "schema" in described else None


def translated(node: Schema) -> Schema:
    """Turn a Swagger schema into JSON Schema; ValueError on a keyword of unknown meaning."""
    if "$ref" in node:
        return {"$ref": node["$ref"].replace("#/definitions/", "#/$defs/")}
    unknown = {key for key in node if not key.startswith("x-")} - NESTED - KEPT - DROPPED
    if unknown:
        raise ValueError(f"uses {', '.join(sorted(unknown))}, unknown to this tool, in {node}")
    schema = with_children(
        {key: node[key] for key in sorted(NESTED | KEPT) if key in node}, translated
    )
    if "required" in schema:
        schema["required"] = sorted(schema["required"])
    return nullable(schema) if node.get("x-nullable") else schema


def reachable(node: object, definition: Callable[[str], Schema]) -> Schemas:
    """Return all definitions that a node refers to, in any number of steps; sorted by name."""
    found: Schemas = {}
    waiting = [node]
    while waiting:
        for name in re.findall(r'"#/\$defs/([^"]+)"', json.dumps(waiting.pop())):
            if name not in found:
                found[name] = definition(name)
                waiting.append(found[name])
    return dict(sorted(found.items()))


def derive_schema(contract: Schema) -> str:
    """Return the text of the Python module that holds the schema of a creation."""
    create = contract["paths"][CREATE]["post"]
    (body,) = (each["schema"] for each in create["parameters"] if each["in"] == "body")
    definition = contract["$defs"].__getitem__
    return MODULE.format(
        title=contract["title"],
        closed=python({n: closed(m) for n, m in reachable(body, definition).items()}),
        body=body["$ref"],
    )


def closed(schema: Schema) -> Schema:
    """The request form: an object with named properties has no others."""
    shut = {"additionalProperties": False} if "properties" in schema else {}
    return shut | with_children(plain(schema), closed)


def plain(schema: Schema) -> Schema:
    """The schema with JSON Schema's own keywords for Swagger's formats."""
    if schema.get("format") not in FORMATS:
        return schema
    return FORMATS[schema["format"]] | {key: schema[key] for key in schema if key != "format"}


def nullable(schema: Schema) -> Schema:
    """The schema, which null passes too."""
    if not isinstance(schema.get("type"), str):
        return schema
    enum = {"enum": [*schema["enum"], None]} if "enum" in schema else {}
    return schema | enum | {"type": [schema["type"], "null"]}


def with_children(schema: Schema, transform: Callable[[Schema], Schema]) -> Schema:
    """Copy a schema with the schemas right below it transformed; properties sorted by name."""
    copy = dict(schema)
    for keyword in {"items", "additionalProperties"} & schema.keys():
        copy[keyword] = transform(schema[keyword])
    if "properties" in schema:
        copy["properties"] = {n: transform(m) for n, m in sorted(schema["properties"].items())}
    return copy


def python(value: object) -> str:
    """Write data as Python, as ruff format would."""
    return laid_out(value, lambda part: repr(part).replace("'", '"'), ",")


def laid_out(
    value: Any, flat: Callable[[Any], str], last: str = "", indent: int = 0, used: int = 0
) -> str:
    """Write data in one line where it fits, else an entry a line, with `last` after the last.

    `used` counts the characters that share its first line beyond the indent.
    """
    line = flat(value)
    if not isinstance(value, (dict, list)) or indent + used + len(line) <= LINE_LENGTH:
        return line
    start, end = "{}" if isinstance(value, dict) else "[]"
    entries = value.items() if isinstance(value, dict) else (("", each) for each in value)
    break_ = "\n" + " " * (indent + 4)
    lines = []
    for key, each in entries:
        label = f"{flat(key)}: " if key else ""
        lines.append(break_ + label + laid_out(each, flat, last, indent + 4, len(label) + 1))
    return start + ",".join(lines) + last + break_[:-4] + end


if __name__ == "__main__":
    sys.exit(main())

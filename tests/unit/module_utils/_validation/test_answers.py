# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The checks of the server's answers: what they accept and refuse, and that jsonschema agrees."""

from __future__ import annotations

import copy
import importlib.util
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from ansible_collections.spectrocloud.palette.plugins.module_utils._validation import (
    answers,
    virtual_machine_snapshot,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._validation.answers import (
    ERROR,
    AnswerKind,
    compile_schema,
    response_problems,
)

SCHEMAS = {
    "snapshot": virtual_machine_snapshot.RESPONSE,
    "snapshot_list": virtual_machine_snapshot.LIST_RESPONSE,
    "error": ERROR,
}

KUBERNETES_STYLE: dict[str, Any] = {
    "apiVersion": "snapshot.kubevirt.io/v1beta1",
    "kind": "VirtualMachineSnapshot",
    "metadata": {
        "name": "db1-before-patch",
        "namespace": "databases",
        "uid": "6c04c240-d3e6-43c6-a768-01f1c1a557d5",
        "creationTimestamp": "2025-12-10T08:00:00Z",
        "resourceVersion": "1001",
        "generation": 1,
        "labels": {"tier": "db"},
        "finalizers": ["snapshot.kubevirt.io/vmsnapshot-protection"],
        "managedFields": [{"manager": "palette", "fieldsV1": {"f:metadata": {"f:labels": {}}}}],
    },
    "spec": {
        "source": {"apiGroup": "kubevirt.io", "kind": "VirtualMachine", "name": "db1"},
        "failureDeadline": "10m0s",
        "deletionPolicy": "Delete",
    },
    "status": {
        "phase": "Succeeded",
        "readyToUse": False,
        "creationTime": "2025-12-10T08:00:03Z",
        "sourceUID": "c67acd28",
        "indications": ["GuestAgent", "Online"],
        "sourceIndications": [{"indication": "Online", "message": "was running"}],
        "virtualMachineSnapshotContentName": "vmsnapshot-content-6c04c240",
        "snapshotVolumes": {"includedVolumes": ["root"], "excludedVolumes": ["cloudinit"]},
        "conditions": [
            {"type": "Ready", "status": "False", "reason": "Not ready", "lastProbeTime": None}
        ],
    },
}
GO_STYLE: dict[str, Any] = {
    "metadata": {
        "name": "db1-before-patch",
        "finalizers": None,
        "managedFields": None,
        "ownerReferences": None,
        "deletionTimestamp": "0001-01-01T00:00:00.000Z",
    },
    "spec": {"source": {"kind": "VirtualMachine", "name": "db1"}},
    "status": {
        "conditions": None,
        "creationTime": "0001-01-01T00:00:00.000Z",
        "error": {"time": "0001-01-01T00:00:00.000Z"},
        "indications": None,
        "snapshotVolumes": {"includedVolumes": None, "excludedVolumes": None},
    },
}
JUST_CREATED = {"metadata": {"name": "db1"}, "spec": GO_STYLE["spec"], "status": None}
PAGE = {
    "kind": "VirtualMachineSnapshotList",
    "metadata": {"continue": "token", "remainingItemCount": 12, "resourceVersion": "2001"},
    "items": [KUBERNETES_STYLE, GO_STYLE, JUST_CREATED],
}


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("snapshot", KUBERNETES_STYLE),
        ("snapshot", GO_STYLE),
        ("snapshot", JUST_CREATED),
        ("snapshot_list", PAGE),
        ("snapshot_list", {"metadata": {}, "items": None}),
        ("snapshot_list", {"metadata": {}, "items": []}),
        ("error", {"code": "ResourceNotFound", "message": "x", "details": {"a": 1}, "ref": "r"}),
        ("error", {"details": "text"}),
        ("error", {"details": 1.5, "ref": None}),
        ("error", {}),
    ],
)
def test_response_problems_of_what_palette_and_kubernetes_send_are_none(
    kind: AnswerKind, body: Any
) -> None:
    assert response_problems(kind, body) == []
    assert Draft202012Validator(SCHEMAS[kind]).is_valid(body)


@pytest.mark.parametrize(
    ("kind", "body", "problems"),
    [
        ("snapshot", None, ["snapshot is not object"]),
        ("snapshot", "<html>", ["snapshot is not object"]),
        (
            "snapshot",
            {"metadata": {"name": "db1"}, "spec": None},
            ["snapshot.spec is not object"],
        ),
        (
            "snapshot",
            {"metadata": {}, "spec": {"source": {"kind": "VirtualMachine", "name": 1}}},
            ["snapshot.spec.source.name is not string", "snapshot.metadata.name is missing"],
        ),
        (
            "snapshot",
            GO_STYLE | {"status": {"readyToUse": "true", "conditions": [{"type": "Ready"}]}},
            [
                "snapshot.status.readyToUse is not boolean or null",
                "snapshot.status.conditions[0].status is missing",
            ],
        ),
        (
            "snapshot",
            GO_STYLE | {"metadata": {"name": "db1", "generation": 2**63, "labels": {"a": 1}}},
            [
                (
                    "snapshot.metadata.generation is not between"
                    " -9223372036854775808 and 9223372036854775807"
                ),
                "snapshot.metadata.labels.a is not string",
            ],
        ),
        ("snapshot_list", {"items": []}, ["snapshot_list.metadata is missing"]),
        (
            "snapshot_list",
            {"metadata": {}, "items": [JUST_CREATED, 3, {"spec": GO_STYLE["spec"]}]},
            ["snapshot_list.items[1] is not object", "snapshot_list.items[2].metadata is missing"],
        ),
        ("error", [], ["error is not object"]),
        ("error", {"code": 404}, ["error.code is not string or null"]),
    ],
)
def test_response_problems_say_where_an_answer_differs_from_the_contract(
    kind: AnswerKind, body: Any, problems: list[str]
) -> None:
    assert response_problems(kind, body) == problems


def paths(value: Any) -> Iterator[tuple[Any, ...]]:
    """Yield the paths of all values below a value."""
    entries = value.items() if isinstance(value, dict) else enumerate(value)
    for key, child in entries:
        yield (key,)
        if isinstance(child, (dict, list)):
            for path in paths(child):
                yield (key, *path)


def changed(body: Any, path: tuple[Any, ...], value: Any) -> Any:
    """Return a copy with one value replaced; `...` stands for leaving it out."""
    copied = copy.deepcopy(body)
    parent = copied
    for key in path[:-1]:
        parent = parent[key]
    if value is ...:
        del parent[path[-1]]
    else:
        parent[path[-1]] = value
    return copied


# JSON Schema counts 1.0 as an integer; no server writes one so, and the check does not take it.
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**65), 2**65)
    | st.floats(allow_nan=False).filter(lambda number: not number.is_integer())
    | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2)
    ),
    max_leaves=4,
)


@settings(deadline=None, max_examples=300)
@given(st.sampled_from(sorted(paths(PAGE), key=str)), JSON | st.just(...))
def test_compile_schema_agrees_with_jsonschema(path: tuple[Any, ...], value: Any) -> None:
    body = changed(PAGE, path, value)
    schema = virtual_machine_snapshot.LIST_RESPONSE
    assert bool(compile_schema(schema)(body)) is not Draft202012Validator(schema).is_valid(body)


def test_compile_schema_knows_definitions_that_refer_to_themselves() -> None:
    node = {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}}}
    check = compile_schema({"$ref": "#/$defs/node", "$defs": {"node": node}})
    assert check({"next": {"next": {}}}) == []
    assert check({"next": {"next": 1}}) == [".next.next is not object"]


@pytest.mark.parametrize(
    "schema", [{"pattern": "x"}, {"properties": {"a": {"enum": [1]}}}, {"items": {"oneOf": []}}]
)
def test_compile_schema_refuses_a_keyword_that_it_cannot_check(schema: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="cannot check a schema of"):
        compile_schema(schema)


def test_response_problems_need_no_jsonschema(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jsonschema", None)
    name = f"{answers.__package__}.without_jsonschema"
    spec = importlib.util.spec_from_file_location(name, answers.__file__)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.response_problems("error", {"code": "ResourceNotFound"}) == []

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Validation of options and request bodies, in the user's own option names."""

from __future__ import annotations

import copy
import importlib.util
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from ansible_collections.spectrocloud.palette.plugins.module_utils._validation import (
    request,
    virtual_machine_snapshot,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._validation.findings import (
    EXAMPLE_BODY,
    Finding,
    worded,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._validation.problems import (
    Path,
    merged,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._validation.request import (
    problems_in_body,
    problems_in_options,
)

Body = dict[str, Any]

ORIGINS: dict[Path, str] = {
    ("metadata", "name"): "name",
    ("metadata", "labels"): "labels",
    ("metadata", "annotations"): "annotations",
    ("spec", "deletionPolicy"): "deletion_policy",
    ("spec", "failureDeadline"): "failure_deadline",
}


def body_with(path: Path, value: Any) -> Body:
    """Return the example body with one value set."""
    body = copy.deepcopy(EXAMPLE_BODY)
    parent = body
    for key in path[:-1]:
        parent = parent[key]
    parent[path[-1]] = value
    return body


def body_without(path: Path) -> Body:
    body = body_with(path, None)
    parent = body
    for key in path[:-1]:
        parent = parent[key]
    del parent[path[-1]]
    return body


def lines(body: Body, origins: dict[Path, str] | None = None) -> list[str]:
    found = problems_in_body(body, ORIGINS if origins is None else origins, "db1", "databases")
    return [str(problem) for problem in found]


def test_problems_in_body_of_the_example_body_are_none() -> None:
    assert lines(EXAMPLE_BODY) == []


def test_problems_in_body_of_required_fields_only_are_none() -> None:
    body = {
        "metadata": {"name": "db1-before-patch"},
        "spec": {"source": EXAMPLE_BODY["spec"]["source"]},
    }
    assert lines(body) == []


DNS = "must be lower-case letters, digits, '-' and '.', with a letter or digit at both ends"
QUALIFIED = "must be letters, digits, '-', '_' and '.', with a letter or digit at both ends"


@pytest.mark.parametrize(
    ("path", "value", "line"),
    [
        (
            ("spec", "deletionPolicy"),
            "delete",
            (
                "deletion_policy: 'delete' is not a deletion policy (case matters);"
                " for example: deletion_policy: Delete"
            ),
        ),
        (
            ("spec", "failureDeadline"),
            "1d",
            (
                "failure_deadline: '1d' has the unknown unit 'd' (known: ns, us, ms, s, m, h);"
                " for example: failure_deadline: 10m"
            ),
        ),
        (
            ("spec", "failureDeadline"),
            "300",
            (
                "failure_deadline: '300' has a number without a unit (one of ns, us, ms, s, m, h);"
                " for example: failure_deadline: 10m"
            ),
        ),
        (
            ("spec", "failureDeadline"),
            300,
            (
                "failure_deadline: must be text, not the number 300;"
                " for example: failure_deadline: 10m"
            ),
        ),
        (
            ("metadata", "name"),
            "DB1",
            f"name: 'DB1' {DNS} and around each '.'; for example: name: db1-before-patch",
        ),
        (
            ("metadata", "name"),
            "a" * 254,
            (
                "name: has 254 characters; at most 253 are allowed;"
                " for example: name: db1-before-patch"
            ),
        ),
        (
            ("metadata", "name"),
            "db1-",
            f"name: 'db1-' {DNS} and around each '.'; for example: name: db1-before-patch",
        ),
        (
            ("metadata", "labels", "tier"),
            "data base",
            f"labels.tier: 'data base' {QUALIFIED}; for example: labels: {{tier: db}}",
        ),
        (
            ("metadata", "labels", "build"),
            5,
            'labels.build: must be text, not the number 5; for example: labels: {build: "5"}',
        ),
        (
            ("metadata", "labels", "new"),
            True,
            'labels.new: must be text, not true; for example: labels: {new: "true"}',
        ),
        (
            ("metadata", "labels", "rank"),
            -1,
            "labels.rank: must be text, not the number -1; for example: labels: {rank: db}",
        ),
        (
            ("metadata", "labels", "a b"),
            "x",
            f"labels.a b: the key 'a b' {QUALIFIED}; for example: labels: {{tier: db}}",
        ),
        (
            ("metadata", "labels", 5),
            "x",
            "labels.5: the key 5 is not in quotes; for example: labels: {tier: db}",
        ),
        (
            ("metadata", "annotations", "example.com/note"),
            None,
            (
                "annotations.example.com/note: must be text, not null;"
                " for example: annotations: {example.com/note: CHG-1042}"
            ),
        ),
        (
            ("metadata", "annotations", "note"),
            "x" * 262_144,
            (
                "annotations: have 262174 bytes in total; at most 262144 are allowed;"
                " for example: annotations: {example.com/ticket: CHG-1042}"
            ),
        ),
        (
            ("metadata", "finalizers"),
            ["keep me"],
            (
                f"definition.metadata.finalizers[0]: 'keep me' {QUALIFIED};"
                " for example: definition: {metadata: {finalizers: [example.com/keep]}}"
            ),
        ),
        (
            ("metadata", "finalizers"),
            [None],
            (
                "definition.metadata.finalizers[0]: must be text, not null;"
                " for example: definition: {metadata: {finalizers: [example.com/keep]}}"
            ),
        ),
        (
            ("metadata", "ownerReferences", 0, "controller"),
            "yes",
            (
                "definition.metadata.ownerReferences[0].controller: must be true or false, not"
                " text; for example: definition:"
                " {metadata: {ownerReferences: [{controller: false}]}}"
            ),
        ),
        (
            ("metadata", "namespace"),
            "other",
            (
                "definition.metadata.namespace: 'other' differs from the option namespace, which is"
                " 'databases'; for example: definition: {metadata: {namespace: databases}}"
            ),
        ),
        (
            ("metadata", "uid"),
            "x",
            (
                "definition.metadata.uid: is set by the server only: leave it out;"
                " for example: definition: {metadata: {labels: {tier: db}}}"
            ),
        ),
        (
            ("metadata", "generateName"),
            "db-",
            (
                "definition.metadata.generateName: is not supported: use the option name_prefix;"
                " for example: definition: {metadata: {labels: {tier: db}}}"
            ),
        ),
        (
            ("metadata", "clusterName"),
            "c",
            (
                "definition.metadata.clusterName: is ignored by Kubernetes: use the option cluster;"
                " for example: definition: {metadata: {labels: {tier: db}}}"
            ),
        ),
        (
            ("status",),
            {"phase": 1, "unknown": True},
            (
                "definition.status: is set by the server only: leave it out;"
                " for example: definition: {metadata: {labels: {tier: db}}}"
            ),
        ),
        (
            ("spec", "source", "knd"),
            "VirtualMachine",
            (
                "definition.spec.source.knd: 'knd' is not a known key; nearest: 'kind';"
                " for example: definition: {spec: {source: {kind: VirtualMachine}}}"
            ),
        ),
        (
            ("spec", "failure_deadline"),
            "5m",
            (
                "definition.spec.failure_deadline: 'failure_deadline' is not a known key;"
                " nearest: 'failureDeadline'; for example: failure_deadline: 10m"
            ),
        ),
        (
            ("spec", "quiesce"),
            True,
            (
                "definition.spec.quiesce: 'quiesce' is not a known key; known keys: deletionPolicy,"
                " failureDeadline, source; for example: deletion_policy: Delete"
            ),
        ),
        (
            ("spec", "source", "kind"),
            "Pod",
            (
                "definition.spec.source.kind: 'Pod' cannot be snapshotted, only VirtualMachine;"
                " for example: definition: {spec: {source: {kind: VirtualMachine}}}"
            ),
        ),
        (
            ("spec", "source", "name"),
            "db2",
            (
                "definition.spec.source.name: 'db2' differs from the option vm_name, which is"
                " 'db1'; for example: definition: {spec: {source: {name: db1}}}"
            ),
        ),
        (
            ("metadata",),
            ["name"],
            (
                "definition.metadata: must be a mapping, not a list; for example: definition:"
                " {metadata: {name: db1-before-patch, namespace: databases, labels: {tier: db},"
                " annotations: {example.com/ticket: CHG-1042}}}"
            ),
        ),
        (
            ("kind",),
            "Snapshot",
            (
                "definition.kind: 'Snapshot' is not VirtualMachineSnapshot;"
                " for example: definition: {kind: VirtualMachineSnapshot}"
            ),
        ),
        (
            ("kind",),
            {"a": 1},
            (
                "definition.kind: must be text, not a mapping;"
                " for example: definition: {kind: VirtualMachineSnapshot}"
            ),
        ),
        (
            ("kind",),
            {1, 2},
            (
                "definition.kind: must be text, not a set;"
                " for example: definition: {kind: VirtualMachineSnapshot}"
            ),
        ),
    ],
)
def test_problems_in_body_say_what_is_wrong_where_and_what_is_right(
    path: Path, value: Any, line: str
) -> None:
    assert lines(body_with(path, value)) == [line]


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("metadata", "name"), "name: is missing; for example: name: db1-before-patch"),
        (
            ("spec", "source", "apiGroup"),
            (
                "definition.spec.source.apiGroup: is missing;"
                " for example: definition: {spec: {source: {apiGroup: kubevirt.io}}}"
            ),
        ),
        (
            ("metadata", "ownerReferences", 0, "uid"),
            (
                "definition.metadata.ownerReferences[0].uid: is missing; for example: definition:"
                " {metadata: {ownerReferences: [{uid: 6c04c240-d3e6-43c6-a768-01f1c1a557d5}]}}"
            ),
        ),
    ],
)
def test_problems_in_body_say_what_is_missing(path: Path, line: str) -> None:
    assert lines(body_without(path)) == [line]


def test_problems_in_body_come_together_once_each_in_reading_order() -> None:
    body = body_with(("spec",), {"source": {"kind": "Pod", "nam": "db1"}, "deletionPolicy": ""})
    body["metadata"] |= {"name": "", "labels": {"b": "-", "a": "-"}}
    body["status"] = None
    problems = problems_in_body(body, ORIGINS, "db1", "databases")
    assert [problem.option for problem in problems] == [
        "name",
        "labels.a",
        "labels.b",
        "deletion_policy",
        "definition.spec.source.apiGroup",
        "definition.spec.source.kind",
        "definition.spec.source.nam",
        "definition.spec.source.name",
        "definition.status",
    ]


def test_problems_in_body_name_the_option_that_a_value_came_from() -> None:
    labels = ("metadata", "labels")
    body = body_with(labels, {"a": "-", "b": "-", "c.d/e": "-"})
    origins = {labels: "definition.metadata.labels", (*labels, "c.d/e"): "labels.c.d/e"}
    found = problems_in_body(body, origins, "db1", "databases")
    assert [problem.option for problem in found] == [
        "labels.c.d/e",
        "definition.metadata.labels.a",
        "definition.metadata.labels.b",
    ]
    assert found[0].example == "labels: {c.d/e: db}"


def test_vm_name_that_is_wrong_is_reported_once_and_compared_with_nothing() -> None:
    body = body_with(("spec", "source", "name"), "")
    origins = {("spec", "source", "name"): "vm_name"}
    options = problems_in_options({"vm_name": ""})
    found = merged(options, problems_in_body(body, origins, "", "databases"))
    assert [str(problem) for problem in found] == [
        "vm_name: must not be empty; for example: vm_name: db1"
    ]
    assert problems_in_body(EXAMPLE_BODY, {}, "", "databases") == []


def schema_paths(schema: Body, definition: Body) -> Iterator[tuple[Path, Body]]:
    """Yield each path of named properties of a derived schema, with the schema at its parent."""
    for branch in definition.get("anyOf", [definition]):
        node = branch
        if "$ref" in branch:
            node = schema["$defs"][branch["$ref"].rpartition("/")[2]]
        if "items" in node:
            for path, parent in schema_paths(schema, node["items"]):
                yield (0, *path), parent
        for name, child in node.get("properties", {}).items():
            yield (name,), node
            for path, parent in schema_paths(schema, child):
                yield (name, *path), parent


REQUEST = virtual_machine_snapshot.REQUEST
PATHS = [path for path, _parent in schema_paths(REQUEST, REQUEST)]
SETTABLE = [path for path in PATHS if not any(path[:n] in request._REFUSED for n in (1, 2))]


def nested(path: Path, value: Any) -> Any:
    for part in reversed(path):
        value = [value] if part == 0 else {part: value}
    return value


def test_example_body_shows_every_field_that_a_client_may_set() -> None:
    assert [path for path in SETTABLE if lookup(EXAMPLE_BODY, path) is None] == []


def lookup(value: Any, path: Path) -> Any:
    for part in path:
        value = value[part] if part == 0 else value.get(part)
    return value


@pytest.mark.parametrize("path", SETTABLE, ids=lambda path: ".".join(map(str, path)))
def test_problems_in_body_suggest_the_name_of_a_misspelt_field(path: Path) -> None:
    misspelt = (*path[:-1], f"{path[-1]}x")
    body = body_with(misspelt, lookup(EXAMPLE_BODY, path))
    (problem,) = problems_in_body(body, {}, "db1", "databases")
    assert problem.option == worded(Finding(misspelt, "", (path, "")), {}).option
    if path[:-1] not in (("metadata", "labels"), ("metadata", "annotations")):
        assert f"nearest: '{path[-1]}'" in problem.problem


@settings(deadline=None)
@given(st.sampled_from(PATHS), st.text(min_size=1, max_size=12))
def test_problems_in_body_refuse_an_unknown_key_at_any_depth(path: Path, key: str) -> None:
    known = {other[-1] for other in PATHS if other[:-1] == path[:-1]}
    if key in known:
        return
    errors = list(request._request_validator().iter_errors(nested((*path[:-1], key), "x")))
    refused = {tuple(e.absolute_path) for e in errors if e.validator == "additionalProperties"}
    assert refused == {path[:-1]}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=6,
)


@settings(deadline=None)
@given(st.sampled_from(PATHS), JSON)
def test_problems_in_body_of_any_body_have_examples_in_yaml(path: Path, value: Any) -> None:
    try:
        body = body_with(path, value)
    except KeyError:
        body = nested(path, value)
    for problem in problems_in_body(body, ORIGINS, "db1", "databases"):
        assert problem.problem
        assert isinstance(yaml.safe_load(problem.example), dict)


@settings(deadline=None)
@given(st.sampled_from(SETTABLE), st.integers())
def test_problems_in_body_have_an_example_that_corrects_a_wrong_type(
    path: Path, wrong: int
) -> None:
    body = body_with(path, wrong)
    (problem,) = problems_in_body(body, {}, "db1", "databases")
    right = lookup(yaml.safe_load(problem.example)["definition"], path)
    repaired = body_with(path, right)
    assert [line for line in lines(repaired, {}) if "is missing" not in line] == []


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, []),
        ({"vm_name": None, "labels": None, "annotations": {}, "wait": True}, []),
        ({"vm_name": "db1", "name_prefix": "nightly-", "labels": {"tier": ""}}, []),
        ({"vm_name": ""}, ["vm_name: must not be empty; for example: vm_name: db1"]),
        ({"namespace": ""}, ["namespace: must not be empty; for example: namespace: databases"]),
        (
            {"name_prefix": "n" * 250},
            [
                (
                    "name_prefix: has 250 characters; at most 245 are allowed;"
                    " for example: name_prefix: nightly-"
                )
            ],
        ),
        (
            {"failure_deadline": "-5m", "deletion_policy": "retain"},
            [
                (
                    "deletion_policy: 'retain' is not a deletion policy (case matters);"
                    " for example: deletion_policy: Delete"
                ),
                (
                    "failure_deadline: '-5m' is negative: KubeVirt would fail the snapshot at once;"
                    " for example: failure_deadline: 10m"
                ),
            ],
        ),
        (
            {"labels": {"tier": "-"}, "annotations": {"a b": "x"}},
            [
                f"labels.tier: '-' {QUALIFIED}; for example: labels: {{tier: db}}",
                (
                    f"annotations.a b: the key 'a b' {QUALIFIED};"
                    " for example: annotations: {example.com/ticket: CHG-1042}"
                ),
            ],
        ),
    ],
)
def test_problems_in_options_name_each_wrong_option(
    options: dict[str, Any], expected: list[str]
) -> None:
    assert [str(problem) for problem in problems_in_options(options)] == expected


def test_problems_in_body_quote_jsonschema_for_other_keywords(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    validator = Draft202012Validator({"properties": {"kind": {"maxLength": 2}}})
    monkeypatch.setattr(request, "_request_validator", lambda: validator)
    (problem,) = problems_in_body(EXAMPLE_BODY, {}, "db1", "databases")
    assert problem.option == "definition.kind"
    assert "is too long" in problem.problem


def test_request_imports_without_jsonschema_and_says_that_it_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "jsonschema", None)
    name = f"{request.__package__}.without_jsonschema"
    spec = importlib.util.spec_from_file_location(name, request.__file__)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert "jsonschema" in module.JSONSCHEMA_IMPORT_ERROR
    assert request.JSONSCHEMA_IMPORT_ERROR is None

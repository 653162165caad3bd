# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules of AWX that credential types and notifications are checked by."""

from __future__ import annotations

from typing import Any

import pytest

from awx.templates import credential_type_problems, injected, message_problems

INPUTS: dict[str, Any] = {
    "fields": [{"id": "key", "label": "Key", "type": "string"}, {"id": "ca", "label": "CA"}],
    "required": ["key"],
}


def test_a_credential_type_that_awx_takes() -> None:
    injectors = {
        "file": {"template.ca": "{{ ca }}"},
        "env": {"CA": "{{ tower.filename.ca if ca else '' }}"},
    }
    assert credential_type_problems(INPUTS, injectors) == []
    assert injected(INPUTS, injectors, {"key": "k"})["env"] == {"CA": ""}
    assert injected(INPUTS, injectors, {"ca": "PEM"}) == {
        "env": {"CA": "/runner/env/ca.pem"},
        "file": {"template.ca": "PEM"},
    }


@pytest.mark.parametrize(
    ("injectors", "told"),
    [
        ({"env": {"ANSIBLE_VERBOSITY": "4"}}, "ANSIBLE_VERBOSITY is not allowed"),
        ({"env": {"KEY": "{{ kye }}"}}, "'kye' is undefined"),
        ({"env": {"CA": "{{ tower.filename.ca }}"}}, "has no attribute 'ca'"),
        ({"env": {"KEY": "{{ key }"}}, "unexpected '}'"),
        ({"env": {"KEY": "{{ key.__class__.__mro__ }}"}}, "is unsafe"),
        ({"environment": {}}, "there is no injector environment"),
    ],
)
def test_injectors_that_awx_refuses(injectors: dict[str, Any], told: str) -> None:
    (problem,) = credential_type_problems(INPUTS, injectors)
    assert told in problem


@pytest.mark.parametrize(
    ("field", "told"),
    [
        ({"id": "tower", "label": "T"}, "tower is no name for a field"),
        ({"id": "a-b", "label": "T"}, "a-b is no name for a field"),
        ({"id": "a", "label": ""}, "a has no label"),
        ({"id": "a", "label": "A", "type": "integer"}, "a has the type integer"),
        ({"id": "a", "label": "A", "hidden": True}, "a has hidden"),
    ],
)
def test_fields_that_awx_refuses(field: dict[str, Any], told: str) -> None:
    assert credential_type_problems({"fields": [field]}, {}) == [told]


def test_a_required_field_must_be_one() -> None:
    problems = credential_type_problems({"fields": [], "required": ["key"]}, {})
    assert problems == ["key is required, and no field"]


@pytest.mark.parametrize(
    ("messages", "told"),
    [
        ({"failed": {"body": "x"}}, "there is no event failed"),
        ({"error": {"text": "x"}}, "error has no text"),
        ({"error": {"message": "a\nb"}}, "the message of error has a line break"),
        ({"error": {"body": "{{ job.artifacts.vm_snapshots.a }}"}}, "has no attribute"),
    ],
)
def test_messages_that_awx_refuses(messages: dict[str, Any], told: str) -> None:
    (problem,) = message_problems(messages)
    assert told in problem

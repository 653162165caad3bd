# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How AWX renders a credential type and the text of a notification, and what it refuses of them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_FIELD_KEYS = {
    *("id", "label", "type", "help_text", "choices", "format"),
    *("secret", "multiline", "ask_at_runtime", "default"),
}
EVENTS = ("started", "success", "error", "workflow_approval")
Fields = Mapping[str, Any]


class _Filenames:
    """The files that a credential injects, by name."""

    def __init__(self, names: Iterator[str]) -> None:
        self.__dict__.update({name: f"/runner/env/{name}.pem" for name in names})


class _Tower:
    """What an injector may know of AWX itself."""

    def __init__(self, files: Mapping[str, str]) -> None:
        self.filename = _Filenames(name.partition(".")[2] for name in files)


def render(template: str, values: Fields) -> str:
    """Render a text as AWX does. What is not defined is an error."""
    environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined)
    return environment.from_string(template).render(values)


def credential_type_problems(inputs: Fields, injectors: Fields) -> list[str]:
    """Return why AWX refuses a credential type."""
    fields = inputs.get("fields", [])
    problems = [text for field in fields for text in _of_field(field)]
    missing = set(inputs.get("required", [])) - {field["id"] for field in fields}
    problems += [f"{name} is required, and no field" for name in sorted(missing)]
    problems += [f"there is no injector {name}" for name in injectors if name not in _INJECTORS]
    for name in injectors.get("env", {}):
        if not _NAME.fullmatch(name) or name.startswith("ANSIBLE_"):
            problems.append(f"the environment variable {name} is not allowed")
    try:
        injected(inputs, injectors, {field["id"]: "EXAMPLE" for field in fields})
    except TemplateError as error:
        problems.append(str(error))
    return problems


_INJECTORS = ("file", "env", "extra_vars")


def _of_field(field: Fields) -> Iterator[str]:
    if not _NAME.fullmatch(field.get("id", "")) or field["id"] == "tower":
        yield f"{field.get('id')} is no name for a field"
    if not field.get("label"):
        yield f"{field['id']} has no label"
    if field.keys() - _FIELD_KEYS:
        yield f"{field['id']} has {', '.join(sorted(field.keys() - _FIELD_KEYS))}"
    if field.get("type", "string") not in ("string", "boolean"):
        yield f"{field['id']} has the type {field['type']}"


def injected(inputs: Fields, injectors: Fields, given: Fields) -> dict[str, dict[str, str]]:
    """Return the environment and the files of a job. An input without a value is empty text."""
    values: dict[str, Any] = {field["id"]: "" for field in inputs["fields"]}
    values.update(given)
    values["tower"] = _Tower(injectors.get("file", {}))
    return {
        kind: {name: render(text, values) for name, text in injectors.get(kind, {}).items()}
        for kind in ("env", "file")
    }


def message_problems(messages: Mapping[str, Any]) -> list[str]:
    """Return why AWX refuses the texts of a notification. It tries them on a made-up job."""
    problems = [f"there is no event {event}" for event in messages if event not in EVENTS]
    for event, texts in messages.items():
        for kind, text in (texts or {}).items():
            if kind not in ("message", "body"):
                problems.append(f"{event} has no {kind}")
            if kind == "message" and "\n" in text:
                problems.append(f"the message of {event} has a line break")
            try:
                render(text, about_job(artifacts={}))
            except TemplateError as error:
                problems.append(f"{kind} of {event}: {error}")
    return problems


def about_job(**known: Any) -> dict[str, Any]:
    """Return what a notification knows of a job. The values are made up unless they are given."""
    job = {"id": 42, "name": "Stub Job Template", "status": "running", "artifacts": {}, **known}
    url = "https://awx.example.com/#/jobs/playbook/42"
    return {"job": job, "job_friendly_name": "Job", "url": url, "job_metadata": json.dumps(job)}

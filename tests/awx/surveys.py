# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What AWX makes of a survey and of answers to it, by the conduct of AWX 24.6.1."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

# The types of questions, with those of their answers and defaults. None is a boolean.
TYPES: Mapping[str, type] = {
    "text": str,
    "textarea": str,
    "password": str,
    "multiplechoice": str,
    "multiselect": list,
    "integer": int,
    "float": float,
}
_PARTS = {"type": str, "question_name": str, "variable": str, "required": bool}
Question = Mapping[str, Any]


def survey_problems(survey: Mapping[str, Any]) -> list[str]:
    """Return why AWX refuses a survey, or would not do what it seems to say."""
    kinds = {"name": str, "description": str, "spec": list}
    wrong = [part for part, kind in kinds.items() if not isinstance(survey.get(part), kind)]
    if wrong or not survey["spec"]:
        return [f"{', '.join(wrong) or 'spec'} is missing or empty"]
    names = [question.get("variable") for question in survey["spec"]]
    twice = [f"{name} is asked twice" for name in set(names) if names.count(name) > 1]
    return [*twice, *(text for question in survey["spec"] for text in _of_question(question))]


def _is_a(value: object, kind: type) -> bool:
    """Say whether a value is of a kind: a boolean is no number."""
    return isinstance(value, kind) and not isinstance(value, bool)


def _of_question(question: Question) -> Iterator[str]:
    name = question.get("variable")
    for part, kind in _PARTS.items():
        if not isinstance(question.get(part), kind):
            yield f"{name}: {part} must be a {kind.__name__}"
            return
    if question["type"] not in TYPES:
        yield f"{name}: there is no type {question['type']}"
        return
    for limit in ("min", "max"):
        if limit in question and not _is_a(question[limit], int):
            yield f"{name}: {limit} must be an integer"
    if question["type"].startswith("multi") and not choices_of(question):
        yield f"{name}: choices are missing"
    if "default" in question:
        yield from _of_default(question)


def _of_default(question: Question) -> Iterator[str]:
    name, default = question["variable"], question["default"]
    if question["required"]:
        yield f"{name}: a required question's default is not used when a job is launched by the API"
    if question["type"] == "multiselect":
        yield f"{name}: the default of a multiselect is text, and never applied"
    elif default != "":
        yield from answer_problems({"spec": [question]}, {name: default})


def choices_of(question: Question) -> list[str]:
    """Return the choices of a question."""
    choices = question.get("choices", [])
    return choices.splitlines() if isinstance(choices, str) else list(choices)


def answer_problems(survey: Mapping[str, Any], answers: Mapping[str, Any]) -> list[str]:
    """Return why AWX refuses answers at launch, or those of a schedule."""
    questions = {question["variable"]: question for question in survey.get("spec", [])}
    strange = [f"{name} is not asked for" for name in answers if name not in questions]
    given = (text for name, question in questions.items() for text in _of_answer(question, answers))
    return [*strange, *given]


def _of_answer(question: Question, answers: Mapping[str, Any]) -> Iterator[str]:
    name, kind = question["variable"], TYPES[question["type"]]
    if name not in answers:
        if question["required"]:
            yield f"{name}: value missing"
        return
    answer = answers[name]
    if not _is_a(answer, kind) and not (kind is float and _is_a(answer, int)):
        yield f"{name}: {answer!r} must be a {kind.__name__}"
        return
    if question["type"] == "multiplechoice" and answer not in choices_of(question):
        yield f"{name}: {answer!r} is none of {', '.join(choices_of(question))}"
    yield from _beyond_limits(question, answer)


def _beyond_limits(question: Question, answer: Any) -> Iterator[str]:
    measured = len(answer) if isinstance(answer, (str, list)) else answer
    if measured < question.get("min", measured):
        yield f"{question['variable']}: {answer!r} is too small"
    if measured > question.get("max", measured):
        yield f"{question['variable']}: {answer!r} is too large"

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules of AWX that surveys and answers are checked by."""

from __future__ import annotations

from typing import Any

import pytest

from awx.surveys import answer_problems, survey_problems

TEXT: dict[str, Any] = {"variable": "v", "question_name": "V", "type": "text", "required": False}
CHOICE = {**TEXT, "type": "multiplechoice", "choices": "any\nfilesystem"}


def survey(*questions: dict[str, Any]) -> dict[str, Any]:
    """Return a survey with these questions."""
    return {"name": "", "description": "", "spec": list(questions)}


def test_a_survey_that_awx_takes() -> None:
    number = {**TEXT, "variable": "n", "type": "integer", "default": 0, "min": 0}
    assert survey_problems(survey(TEXT, number, {**CHOICE, "variable": "c"})) == []


@pytest.mark.parametrize(
    ("question", "told"),
    [
        ({**TEXT, "type": "boolean"}, "there is no type boolean"),
        ({**TEXT, "required": "yes"}, "required must be a bool"),
        ({**TEXT, "default": 7}, "7 must be a str"),
        ({**TEXT, "type": "integer", "default": "7"}, "'7' must be a int"),
        ({**TEXT, "type": "integer", "default": 0, "min": 1}, "0 is too small"),
        ({**TEXT, "min": ""}, "min must be an integer"),
        ({**TEXT, "required": True, "default": "x"}, "is not used when a job is launched"),
        ({**TEXT, "type": "multiplechoice"}, "choices are missing"),
        ({**CHOICE, "default": "all"}, "'all' is none of any, filesystem"),
        ({**CHOICE, "type": "multiselect", "default": "any"}, "never applied"),
    ],
)
def test_a_question_that_awx_refuses_or_passes_over(question: dict[str, Any], told: str) -> None:
    (problem,) = survey_problems(survey(question))
    assert told in problem


def test_a_survey_without_its_parts() -> None:
    assert survey_problems({"spec": [TEXT]}) == ["name, description is missing or empty"]
    assert survey_problems(survey()) == ["spec is missing or empty"]
    assert survey_problems(survey(TEXT, TEXT)) == ["v is asked twice"]


@pytest.mark.parametrize(
    ("question", "answers", "told"),
    [
        ({**TEXT, "required": True}, {}, "v: value missing"),
        (TEXT, {"w": "x"}, "w is not asked for"),
        (TEXT, {"v": ["x"]}, "v: ['x'] must be a str"),
        ({**TEXT, "max": 3}, {"v": "long"}, "v: 'long' is too large"),
        ({**TEXT, "type": "integer"}, {"v": "7"}, "v: '7' must be a int"),
        ({**TEXT, "type": "integer"}, {"v": True}, "v: True must be a int"),
        (CHOICE, {"v": "all"}, "v: 'all' is none of any, filesystem"),
    ],
)
def test_answers_that_awx_refuses(
    question: dict[str, Any], answers: dict[str, Any], told: str
) -> None:
    assert answer_problems(survey(question), answers) == [told]


def test_answers_that_awx_takes() -> None:
    questions = survey(
        TEXT, {**CHOICE, "variable": "c"}, {**TEXT, "variable": "f", "type": "float"}
    )
    assert answer_problems(questions, {"v": "x", "c": "any", "f": 1}) == []

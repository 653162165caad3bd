# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the AWX project holds is what AWX takes, and what the playbooks know."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import yaml

from awx.data import FILE, PROJECT, Unsafe, read, texts_in
from awx.surveys import answer_problems, choices_of, survey_problems
from awx.templates import (
    about_job,
    credential_type_problems,
    injected,
    message_problems,
    render,
)
from checkout import CHECKOUT

DATA = read()
PLAYBOOKS = CHECKOUT / "playbooks"
TEMPLATES: dict[str, Any] = {each["name"]: each for each in DATA["controller_templates"]}
WORKFLOWS: dict[str, Any] = {each["name"]: each for each in DATA["controller_workflows"]}
ASKING = {n: t for n, t in {**TEMPLATES, **WORKFLOWS}.items() if "survey_spec" in t}
SCHEDULES: dict[str, Any] = {each["name"]: each for each in DATA["controller_schedules"]}
# The type of question that takes an option of this type.
QUESTIONS = {"str": "text", "path": "text", "list": "textarea", "int": "integer", "float": "float"}
(TYPE,) = DATA["controller_credential_types"]
INPUTS, INJECTORS = TYPE["inputs"], TYPE["injectors"]
KEY = {"host": "palette.example.com", "api_key": "demo-key"}


def plays_of(file: str) -> list[dict[str, Any]]:
    """Return the plays of a playbook of the project."""
    plays: list[dict[str, Any]] = yaml.safe_load((PROJECT / file).read_text("utf-8"))
    return plays


def imported_by(file: str) -> str | None:
    """Return which playbook of the collection a playbook of the project is."""
    name = plays_of(file)[-1].get("ansible.builtin.import_playbook", "")
    return name.removeprefix("spectrocloud.palette.") or None


def specs_of(role: str) -> dict[str, Any]:
    """Return the options of each entry point of a role."""
    file = CHECKOUT / "roles" / role / "meta" / "argument_specs.yml"
    specs = yaml.safe_load(file.read_text("utf-8"))["argument_specs"]
    return {name: spec["options"] for name, spec in specs.items()}


def options_of(template: Mapping[str, Any]) -> dict[str, Any]:
    """Return the variables that a template's playbook knows."""
    text = (PLAYBOOKS / f"{imported_by(template['playbook'])}.yml").read_text("utf-8")
    snapshots = specs_of("vm_snapshot")
    if "spectrocloud.palette.guarded_change" in text:
        # It takes a set, and goes back to it.
        return {**snapshots["restore"], **snapshots["main"], **specs_of("guarded_change")["main"]}
    (entry,) = re.findall(r"tasks_from: (?!pass_on)(\w+)", text) or ["main"]
    options: dict[str, Any] = snapshots[entry]
    return options


def asked_by(template: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the questions of a template."""
    yield from template.get("survey_spec", {}).get("spec", [])


def test_no_question_has_a_key_twice() -> None:
    """Ansible warns of a key that a merge brings once more."""
    assert "<<:" not in FILE.read_text("utf-8")


@pytest.mark.parametrize("name", ASKING)
def test_awx_takes_each_survey(name: str) -> None:
    assert survey_problems(ASKING[name]["survey_spec"]) == []
    assert ASKING[name]["survey_enabled"] is True


@pytest.mark.parametrize("name", [name for name in TEMPLATES if name in ASKING])
def test_each_question_is_a_variable_of_the_playbook(name: str) -> None:
    options = options_of(TEMPLATES[name])
    for question in asked_by(TEMPLATES[name]):
        option = options[question["variable"]]
        choices = ["true", "false"] if option["type"] == "bool" else option.get("choices", [])
        assert sorted(choices_of(question)) == sorted(choices)
        expected = "multiplechoice" if choices else QUESTIONS[option["type"]]
        assert question["type"] == expected


@pytest.mark.parametrize("name", ASKING)
def test_each_question_says_which_variable_it_is(name: str) -> None:
    """A failure names variables, and AWX shows questions."""
    for question in asked_by(ASKING[name]):
        assert question["question_description"].endswith(f" ({question['variable']})")


@pytest.mark.parametrize("name", TEMPLATES)
def test_each_variable_of_a_template_is_one_of_its_playbook(name: str) -> None:
    given = TEMPLATES[name].get("extra_vars", {})
    assert given.keys() <= (options_of(TEMPLATES[name]) if given else {}).keys()


@pytest.mark.parametrize("name", SCHEDULES)
def test_each_schedule_gives_what_its_survey_requires(name: str) -> None:
    schedule = SCHEDULES[name]
    survey = ASKING[schedule["unified_job_template"]]["survey_spec"]
    assert answer_problems(survey, schedule["extra_data"]) == []


@pytest.mark.parametrize("name", WORKFLOWS)
def test_the_answers_of_a_workflow_are_mapped_by_its_templates(name: str) -> None:
    answers = {question["variable"] for question in asked_by(WORKFLOWS[name])}
    # What a playbook would know, it might also refuse.
    assert not [answer for answer in answers if answer.startswith("vm_snapshot_")]
    nodes = {node["identifier"]: node for node in WORKFLOWS[name]["workflow_nodes"]}
    mapped = set()
    for node in nodes.values():
        template = TEMPLATES[node["unified_job_template"]["name"]]
        assert "survey_spec" not in template
        values = [v for v in template.get("extra_vars", {}).values() if isinstance(v, Unsafe)]
        mapped |= set(re.findall(r"{{ (\w+) }}", " ".join(values)))
        for following in node.get("related", {}).values():
            assert {each["identifier"] for each in following} <= nodes.keys()
    assert mapped == answers


@pytest.mark.parametrize("name", WORKFLOWS)
def test_each_node_of_a_workflow_refuses_to_work_alone(name: str) -> None:
    for node in WORKFLOWS[name]["workflow_nodes"]:
        template = TEMPLATES[node["unified_job_template"]["name"]]
        assert template["description"].startswith(f"A node of the workflow {name}: launch that. ")
        first = plays_of(template["playbook"])[0]
        assert first["ansible.builtin.import_playbook"] == "change_answers.yml"


def test_each_launch_of_the_workflow_takes_snapshots_of_its_own() -> None:
    taking = TEMPLATES["Palette change: snapshot"]["extra_vars"]
    assert "{timestamp}" in taking["vm_snapshot_name_template"]
    assert "vm_snapshot_unless_newer_than" not in taking


def test_the_workflow_changes_no_vm_that_it_cannot_restore() -> None:
    taking = TEMPLATES["Palette change: snapshot"]["extra_vars"]
    restoring = TEMPLATES["Palette change: restore"]["extra_vars"]
    assert taking["vm_snapshot_excluded_volumes"] == "refuse"
    assert "vm_snapshot_excluded_volumes" not in restoring


def test_what_ansible_renders_and_what_awx_renders_is_told_apart() -> None:
    known = {name for name in DATA if name.startswith("awx_setup_")}
    for text in texts_in(list(DATA.values())):
        named = set(re.findall(r"awx_setup_\w+", text))
        if isinstance(text, Unsafe):
            assert "{{" in text
            assert not named
        elif "{{" in text and "lookup('ansible.builtin.env'" not in text:
            assert named
            assert named <= known


def test_what_a_template_names_is_there() -> None:
    names = {
        kind: {each["name"] for each in DATA[f"controller_{table}"]}
        for kind, table in {
            "project": "projects",
            "source_project": "projects",
            "inventory": "inventories",
            "execution_environment": "execution_environments",
            "credential": "credentials",
            "unified_job_template": "templates",
        }.items()
    }
    users = [*TEMPLATES.values(), *SCHEDULES.values(), *DATA["controller_inventory_sources"]]
    for user in users:
        for kind in names.keys() & user.keys():
            assert user[kind] in names[kind]
        assert set(user.get("credentials", [])) <= names["credential"]


def test_the_project_has_each_playbook() -> None:
    imported = {imported_by(template["playbook"]) for template in TEMPLATES.values()} - {None}
    assert imported == {path.stem for path in PLAYBOOKS.glob("*.yml")} - {"awx_setup"}


def test_a_relaunch_can_tell_that_it_has_restored_once() -> None:
    asked = {question["variable"]: question for question in asked_by(TEMPLATES["Palette restore"])}
    assert asked["vm_snapshot_restore_name"]["required"] is False


def test_awx_takes_the_credential_type() -> None:
    assert credential_type_problems(INPUTS, INJECTORS) == []
    # AWX adds a type that is missing, and then finds a difference in each run.
    assert all("type" in field for field in INPUTS["fields"])


def test_a_credential_without_a_ca_leaves_the_ca_file_out() -> None:
    for empty in ({}, {"ca_cert": "", "project": ""}):
        assert injected(INPUTS, INJECTORS, {**KEY, **empty})["env"] == {
            "PALETTE_HOST": "palette.example.com",
            "PALETTE_API_KEY": "demo-key",
            "PALETTE_PROJECT": "",
            "PALETTE_CA_FILE": "",
        }


def test_a_credential_with_a_ca_gives_it_as_a_file() -> None:
    given = injected(INPUTS, INJECTORS, {**KEY, "ca_cert": "PEM", "project": "Default"})
    assert given["env"]["PALETTE_PROJECT"] == "Default"
    assert given["env"]["PALETTE_CA_FILE"] == "/runner/env/ca.pem"
    assert given["file"] == {"template.ca": "PEM"}


def test_the_key_is_a_secret() -> None:
    assert [field["id"] for field in INPUTS["fields"] if field.get("secret")] == ["api_key"]


@pytest.mark.parametrize("told", [{}, {"vm_snapshot_summary": {"deleted": 1, "msg": 'a "b" <&'}}])
def test_awx_takes_the_notification_and_posts_json(told: dict[str, Any]) -> None:
    (notification,) = DATA["controller_notifications"]
    assert message_problems(notification["messages"]) == []
    body = render(
        notification["messages"]["error"]["body"],
        about_job(name="Palette fleet", status="failed", artifacts=told),
    )
    posted = json.loads(body)
    why = "".join(f"{summary['msg']} " for summary in told.values())
    url = "https://awx.example.com/#/jobs/playbook/42"
    assert posted == {
        "text": f"Palette fleet 42 failed {why}{url}",
        "summary": told.get("vm_snapshot_summary", {}),
    }


def test_the_collection_comes_from_where_the_readme_says() -> None:
    wanted = yaml.safe_load((PROJECT / "collections" / "requirements.yml").read_text("utf-8"))
    readme = (CHECKOUT / "README.md").read_text("utf-8")
    (told,) = re.findall(r"^```yaml\n# requirements.yml\n(.*?)^```", readme, re.M | re.S)
    assert wanted == yaml.safe_load(told)

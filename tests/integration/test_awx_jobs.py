# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The job templates of the AWX project, with their schedules' answers, do what they are for."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from awx.data import PROJECT, Unsafe, read
from awx.surveys import answer_problems
from awx.templates import injected
from checkout import CHECKOUT
from integration.role_user import RETAIN, SHOW, TAKE, artifacts, words
from integration.runs import Ansible, Run
from palette_simulator.launch import Simulator

RESTORE = "Restore the VMs, or check whether they can be"
DATA = read()
TEMPLATES: dict[str, Any] = {each["name"]: each for each in DATA["controller_templates"]}
SCHEDULES: dict[str, Any] = {each["name"]: each for each in DATA["controller_schedules"]}
(WORKFLOW,) = DATA["controller_workflows"]
(TYPE,) = DATA["controller_credential_types"]
(HOST,) = DATA["controller_hosts"]
CHANGE = {
    "change_cluster": "vm-cluster-1",
    "change_namespace": "vms",
    "change_vms": "db1\nweb1\n",
    "change_set": "before-patch",
}


# What a job of a template needs at least.
_PLACE = {"vm_snapshot_cluster": "vm-cluster-1", "vm_snapshot_namespace": "vms"}
_VMS = {**_PLACE, "vm_snapshot_vms": "db1"}
ANSWERS: dict[str, dict[str, str]] = {
    "Palette snapshot": {**_VMS, "vm_snapshot_set": "patch"},
    "Palette fleet": {
        **_PLACE,
        "vm_snapshot_set": "patch",
        "vm_snapshot_unless_newer_than": "1h",
    },
    "Palette prune": {"vm_snapshot_keep_last": "1", "vm_snapshot_set": "patch"},
    "Palette report": {},
    "Palette guarded change": {**_VMS, "vm_snapshot_set": "patch"},
    "Palette power": {**_VMS, "vm_snapshot_power": "started"},
}


class _Dumper(yaml.SafeDumper):
    """Writes texts with Ansible's tag."""


def _tagged(dumper: yaml.SafeDumper, text: Unsafe) -> yaml.Node:
    return dumper.represent_scalar("!unsafe", str(text))


_Dumper.add_representer(Unsafe, _tagged)


def unsafe(answers: Mapping[str, Any]) -> dict[str, Any]:
    """Return answers as AWX passes them on: Ansible does not render them."""
    return {name: Unsafe(v) if isinstance(v, str) else v for name, v in answers.items()}


class Awx:
    """Starts jobs of the templates as AWX does."""

    def __init__(self, home: Path, palette: Simulator) -> None:
        self.ansible = Ansible(home)
        # A job starts in a copy of the project.
        shutil.copytree(PROJECT, home, dirs_exist_ok=True)
        inputs = {"host": palette.url, "api_key": "demo-key", "project": "Default"}
        given = injected(TYPE["inputs"], TYPE["injectors"], inputs)["env"]
        self.environment: dict[str, Any] = {"ANSIBLE_SHOW_CUSTOM_STATS": "1", **given}
        self.inventory = self.ansible.inventory({HOST["name"]: {"ansible_connection": "local"}})

    def changes_vms(self) -> None:
        """Put a change of one's own into the project."""
        msg = "Change {{ change_vms | default(vm_snapshot_vms) | split | join(', ') }}"
        tasks = [{"name": "Make the change", "ansible.builtin.debug": {"msg": msg}}]
        (self.ansible.home / "change-tasks.yml").write_text(yaml.dump(tasks), encoding="utf-8")

    def launches(self, template: str, answers: Mapping[str, Any]) -> Run:
        """Launch a template with answers to its survey."""
        survey = TEMPLATES[template]["survey_spec"]
        assert answer_problems(survey, answers) == []
        defaults = {q["variable"]: q["default"] for q in survey["spec"] if "default" in q}
        return self.starts(template, unsafe({**defaults, **answers}))

    def starts(self, template: str, runtime: Mapping[str, Any]) -> Run:
        """Start a job. Only the template's own variables are rendered."""
        own = TEMPLATES[template].get("extra_vars", {})
        rendered = {name: str(v) if isinstance(v, str) else v for name, v in own.items()}
        file = self.ansible.home / "extravars.yml"
        given = {**rendered, **runtime, "awx_job_id": 1}
        file.write_text(yaml.dump(given, Dumper=_Dumper), encoding="utf-8")
        playbook = self.ansible.home / TEMPLATES[template]["playbook"]
        return self.ansible.playbook(playbook, self.inventory, "-e", f"@{file}", **self.environment)


@pytest.fixture(scope="module")
def palette() -> Iterator[Simulator]:
    with Simulator.running("demo", timing="fast", rate_limits="off") as running:
        yield running


@pytest.fixture
def awx(palette: Simulator, tmp_path: Path) -> Awx:
    palette.reset()
    return Awx(tmp_path, palette)


def test_the_schedules(awx: Awx) -> None:
    runs = {}
    for name, schedule in SCHEDULES.items():
        runs[name] = awx.launches(schedule["unified_job_template"], schedule["extra_data"]).ok()
    assert words(runs["Palette nightly snapshots"], SHOW)[0].startswith("6 VMs: 6 created")
    assert runs["Palette weekly prune"].of(RETAIN)["summary"]["deleted"] == 0


def test_what_the_page_launches_before_the_schedules_run(awx: Awx) -> None:
    page = (CHECKOUT / "docs" / "awx.md").read_text("utf-8")
    launched = re.findall(r"^\d\. \*\*(Palette \w+)\*\*, with (.*?)[.]", page, re.M)
    assert [template for template, _told in launched] == [
        s["unified_job_template"] for s in SCHEDULES.values()
    ]
    for template, told in launched:
        asked = {q["question_name"]: q for q in TEMPLATES[template]["survey_spec"]["spec"]}
        answers = {
            asked[name]["variable"]: int(text) if asked[name]["type"] == "integer" else text
            for name, text in re.findall(r"\*\*([\w ]+)\*\* `(.*?)`", told)
        }
        awx.launches(template, answers).ok()


def test_snapshots_of_listed_vms_and_a_report(awx: Awx) -> None:
    place = {"vm_snapshot_cluster": "vm-cluster-1", "vm_snapshot_namespace": "vms"}
    answers = {**place, "vm_snapshot_vms": "db1\r\nweb1\r\n", "vm_snapshot_set": "before-patch"}
    taken = awx.launches("Palette snapshot", answers).ok()
    assert taken.of(TAKE)["summary"]["created"] == 2
    report = awx.launches("Palette report", {"vm_snapshot_ready": "true"}).ok()
    assert "before-patch" in report.output
    gone = awx.launches("Palette snapshot", {**answers, "vm_snapshot_state": "absent"}).ok()
    assert gone.of(TAKE)["summary"]["deleted"] == 2


@pytest.mark.parametrize("template", [name for name in TEMPLATES if name in ANSWERS])
def test_empty_answers_count_as_none(awx: Awx, template: str) -> None:
    """AWX passes an empty default on, of whatever type the variable is."""
    asked = [question["variable"] for question in TEMPLATES[template]["survey_spec"]["spec"]]
    awx.changes_vms()
    given = {**dict.fromkeys(asked, ""), "vm_snapshot_set_stats": "", **ANSWERS[template]}
    run = awx.starts(template, unsafe(given)).ok()
    assert artifacts(run)["vm_snapshot_summary"]["reason"] == ""


def run_of(node: str) -> str:
    """Return the template of a node of the workflow."""
    (found,) = (each for each in WORKFLOW["workflow_nodes"] if each["identifier"] == node)
    name: str = found["unified_job_template"]["name"]
    return name


def snapshots_of(result: Mapping[str, Any], key: str = "snapshot") -> dict[str, str]:
    """Return the snapshot of each VM."""
    return {vm: member[key] for vm, member in result["members"].items()}


def test_the_workflow(awx: Awx) -> None:
    """Each node gets all answers of the workflow, and the artifacts of the nodes before."""
    assert answer_problems(WORKFLOW["survey_spec"], CHANGE) == []
    awx.changes_vms()
    passed_on = unsafe(CHANGE)
    runs = {}
    for node in ("snapshot", "change", "prune"):
        runs[node] = awx.starts(run_of(node), passed_on).ok()
        passed_on |= artifacts(runs[node])
    assert runs["snapshot"].of(TAKE)["summary"]["created"] == 2
    assert "Change db1, web1" in runs["change"].output
    assert runs["prune"].of(RETAIN)["summary"]["deleted"] == 0
    # Those that the change takes of the set are newer.
    awx.starts(run_of("snapshot"), passed_on).ok()
    restored = awx.starts(run_of("restore"), passed_on).ok()
    assert "2 restored" in restored.output
    assert snapshots_of(restored.of(RESTORE)) == snapshots_of(runs["snapshot"].of(TAKE), "name")
    with_comma = unsafe({**CHANGE, "change_vms": "db1,web1"})
    failed = awx.starts(run_of("failed"), passed_on | artifacts(restored) | with_comma)
    assert failed.status != 0
    assert "are back at the snapshots of the set before-patch: db1, web1. See" in failed.output


@pytest.mark.parametrize("node", [each["identifier"] for each in WORKFLOW["workflow_nodes"]])
def test_a_node_of_the_workflow_that_is_launched_alone(awx: Awx, node: str) -> None:
    awx.changes_vms()
    run = awx.starts(run_of(node), {})
    assert run.status != 0
    (refused,) = run.records
    assert refused["result"]["msg"] == (
        "This is a node of the workflow Palette change, and works with its answers, which are not "
        "here. Nothing was done. Launch the workflow"
    )


def test_a_guarded_change(awx: Awx) -> None:
    place = {"vm_snapshot_cluster": "vm-cluster-1", "vm_snapshot_namespace": "vms"}
    answers = {**place, "vm_snapshot_vms": "db1\nweb1\n", "vm_snapshot_set": "patch"}
    unchanged = awx.launches("Palette guarded change", answers)
    assert unchanged.status != 0
    assert "Put your change here" in unchanged.output
    told = unchanged.of("Fail if the change failed")["msg"]
    (restoring,) = re.findall(r"the template Palette restore with the answers ({.*?})", told)
    restored = awx.launches("Palette restore", json.loads(restoring)).ok()
    assert snapshots_of(restored.of(RESTORE)) == snapshots_of(unchanged.of(TAKE), "name")
    awx.changes_vms()
    run = awx.launches("Palette guarded change", answers).ok()
    assert "Change db1, web1" in run.output


def test_a_change_over_ssh(awx: Awx) -> None:
    """As the page has it, without VMs that could be logged in to."""
    page = (CHECKOUT / "docs" / "awx.md").read_text("utf-8")
    (tasks,) = re.findall(r"^```yaml\n(.*?)^```", page, re.M | re.S)
    instead = {": ssh": ": local", "become: true": "become: false", "dnf --assumeyes update": "id"}
    for told, tried in instead.items():
        assert told in tasks
        tasks = tasks.replace(told, tried)
    (awx.ansible.home / "change-tasks.yml").write_text(tasks, encoding="utf-8")
    place = {"vm_snapshot_cluster": "vm-cluster-1", "vm_snapshot_namespace": "vms"}
    answers = {**place, "vm_snapshot_vms": "db1, web1", "vm_snapshot_set": "patch"}
    run = awx.launches("Palette guarded change", answers).ok()
    updated = run.of("Update each VM")["results"]
    assert [each["item"] for each in updated] == ["db1", "web1"]


def test_a_change_that_nobody_wrote_fails(awx: Awx) -> None:
    """Else the workflow would be green, and nothing changed."""
    change = awx.starts(run_of("change"), unsafe(CHANGE))
    assert change.status != 0
    assert "Put your change here" in change.output

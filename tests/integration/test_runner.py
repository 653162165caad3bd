# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs of ansible-runner, which is what AWX runs its jobs with."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.spectrocloud.palette.plugins.filter.from_artifacts import from_artifacts
from integration.runner import LONGEST_RESULT, Job, Jobs, results
from palette_simulator.launch import LIMIT, Simulator

PLACE = {"vm_snapshot_project": "Default", "vm_snapshot_cluster": "vm-cluster-1"}
FLEET = {**PLACE, "vm_snapshot_namespace": "fleet", "vm_snapshot_set": "nightly"}
SLICES = 4
VMS = 40
MANY_VMS = 1_000


def vm_names(count: int) -> list[str]:
    """Return the names of the VMs that the simulator makes."""
    return [f"vm-{number:05}" for number in range(1, count + 1)]


def taken(palette: Simulator) -> Counter[str]:
    """Return how many snapshots each VM was granted."""
    granted = [r["path"] for r in palette.requests("create_snapshot") if r["status"] == 200]
    return Counter(path.split("/")[-2] for path in granted)


def merged(jobs: Iterable[Job]) -> dict[str, Any]:
    """Return the artifacts of jobs as AWX merges them."""
    artifacts: dict[str, Any] = {}
    for job in jobs:
        artifacts.update(job.artifacts)
    return artifacts


# A single task

TASKS = [
    {
        "name": "Take a snapshot",
        "spectrocloud.palette.vm_snapshot": {
            "project": "Default",
            "cluster": "vm-cluster-1",
            "namespace": "vms",
            "vm_name": "db1",
            "name": "by-a-job",
            "poll_interval": 0.2,
        },
        "register": "taken",
    },
    {
        "name": "Pass on its name",
        "ansible.builtin.set_stats": {"data": {"snapshot": "{{ taken.status.name }}"}},
    },
]


def test_a_job_of_a_playbook_of_ones_own(tmp_path: Path) -> None:
    play = {"hosts": "localhost", "gather_facts": False, "tasks": TASKS}
    with Simulator.running("demo", timing="fast") as palette:
        job = Jobs(tmp_path, palette).run([play]).ok()
    assert job.of("Take a snapshot")["changed"] is True
    assert job.of("Take a snapshot")["status"]["ready_to_use"] is True
    assert job.artifacts == {"snapshot": "by-a-job"}


# Answers, as people type them

FORMS: dict[str, Any] = {
    "a list": ["db1", "web1"],
    "commas": "db1,web1",
    "commas and blanks": "db1, web1",
    "lines": "db1\nweb1",
    "lines of a browser": "db1\r\nweb1\r\n",
    "a line at the end": "db1,web1\n",
}
# List options, each with what stands for db1 and web1 in it.
LISTS: dict[str, tuple[str, dict[str, str], dict[str, Any]]] = {
    "vms": ("vm_snapshot_set", {}, {"set": "s", "namespace": "vms"}),
    "vm_names": ("vm_snapshot_set", {}, {"set": "s"}),
    "exclude": ("vm_info", {}, {}),
    "namespaces": ("vm_info", {"db1": "vms", "web1": "prod"}, {}),
    "clusters": ("vm_info", {"db1": "vm-cluster-1", "web1": "vm-cluster-2"}, {}),
    "phase": ("vm_snapshot_info", {"db1": "Succeeded", "web1": "Failed"}, {}),
}


def _spelt(form: Any, words: Mapping[str, str]) -> Any:
    if isinstance(form, list):
        return [words.get(word, word) for word in form]
    for word, other in words.items():
        form = form.replace(word, other)
    return form


def _ask(option: str) -> dict[str, Any]:
    module, _words, others = LISTS[option]
    place = {} if option == "clusters" else {"cluster": "vm-cluster-1"}
    return {
        "name": option,
        f"spectrocloud.palette.{module}": {
            **others,
            **place,
            "project": "Default",
            option: "{{ item }}",
        },
        "check_mode": True,
        "loop": f"{{{{ {option}_forms }}}}",
        "loop_control": {"label": "{{ ansible_loop_var }}"},
    }


def test_a_list_is_the_same_however_it_is_typed(tmp_path: Path) -> None:
    answers = {
        f"{option}_forms": [_spelt(form, LISTS[option][1]) for form in FORMS.values()]
        for option in LISTS
    }
    play = {"hosts": "localhost", "gather_facts": False, "tasks": list(map(_ask, LISTS))}
    with Simulator.running("test", timing="instant", rate_limits="off") as palette:
        job = Jobs(tmp_path, palette).run([play], answers=answers).ok()
    for option in LISTS:
        seen = [
            (result["summary"], result.get("unmatched"), len(result.get("vms") or ()))
            for result in job.of(option)["results"]
        ]
        assert seen == [seen[0]] * len(FORMS), option
        assert seen[0][0]["total"] > 0, option


# Many VMs

NIGHTLY = {"vm_snapshot_set": "nightly"}
LARGE: dict[str, dict[str, Any]] = {
    "snapshot_fleet": {**NIGHTLY, "vm_snapshot_keep_last": 1},
    "snapshot_prune": {**NIGHTLY, "vm_snapshot_keep_last": 1},
    "snapshot_report": NIGHTLY,
    "snapshot_coverage": {},
    "vm_power": {"vm_snapshot_power": "paused", "vm_snapshot_all": True},
}


def test_awx_can_keep_what_1000_vms_leave_behind(tmp_path: Path) -> None:
    # One job, whose playbooks are imported one after the other.
    plays = [
        {"import_playbook": f"spectrocloud.palette.{playbook}", "vars": own}
        for playbook, own in LARGE.items()
    ]
    with Simulator.running("demo", vms=MANY_VMS, timing="instant", rate_limits="off") as palette:
        job = Jobs(tmp_path, palette).run(
            plays, answers={**PLACE, "vm_snapshot_namespace": "fleet"}
        )
    job.ok()
    lengths = results(job)
    assert max(length for _task, length in lengths) < LONGEST_RESULT
    assert not [task for task, length in lengths if length == 0]
    assert sum(length for _task, length in lengths) < LONGEST_RESULT
    assert len(job.stdout) < LONGEST_RESULT
    assert len(json.dumps(job.artifacts)) < 60_000
    rows = from_artifacts(job.artifacts, "nightly")
    assert sum(row["ready_to_use"] for row in rows) == MANY_VMS
    states = from_artifacts(job.artifacts, artifact="vm_power_states")
    assert sum(state["after"] == "Paused" for state in states) == MANY_VMS
    assert job.artifacts["vm_snapshot_summary"]["counts"]["total"] == MANY_VMS


# Slices, and what comes after them


@pytest.fixture(scope="module")
def sliced(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A job in slices, one of whose VMs failed, its relaunch, and the jobs after it."""
    with Simulator.running("demo", vms=VMS, timing="fast") as palette:
        yield Sliced(tmp_path_factory.mktemp("sliced"), palette)


class Sliced:
    """What became of a job in slices."""

    def __init__(self, folder: Path, palette: Simulator) -> None:
        self.palette = palette
        refused = {"action": "status", "status": 403, "method": "POST", "path": "/vms/vm-00007/"}
        palette.inject(refused)
        names = vm_names(VMS)

        def run(number: int) -> Job:
            jobs = Jobs(folder / f"slice-{number}", palette)
            # As AWX cuts an inventory.
            return jobs.run("snapshot_hosts", hosts=names[number::SLICES], answers=FLEET)

        with ThreadPoolExecutor(SLICES) as pool:
            self.slices = list(pool.map(run, range(SLICES)))
        self.failed = set().union(*(job.failed for job in self.slices))
        jobs = Jobs(folder / "after", palette)
        limit = ("--limit", ",".join(sorted(self.failed)))
        self.relaunched = jobs.run("snapshot_hosts", *limit, hosts=names, answers=FLEET)
        self.passed_on = merged([*self.slices, self.relaunched])
        self.next_node = jobs.run(
            [
                {
                    "hosts": "localhost",
                    "gather_facts": False,
                    "tasks": [{"name": "See", "ansible.builtin.debug": {"msg": NEXT}}],
                }
            ],
            answers={**FLEET, **self.passed_on},
        )


NEXT = (
    "{{ hostvars[inventory_hostname] | spectrocloud.palette.from_artifacts('nightly')"
    " | selectattr('ready_to_use') | map(attribute='vm_name') | list }}"
)


def test_a_slice_fails_exactly_the_hosts_without_a_snapshot(sliced: Sliced) -> None:
    assert sliced.failed == {"vm-00007"}
    assert sorted(job.status for job in sliced.slices)[:3] == [0, 0, 0]
    (told,) = [job for job in sliced.slices if job.failed]
    assert told.artifacts["vm_snapshot_summary"]["without"] == ["vm-cluster-1/fleet/vm-00007"]
    failures = [r["msg"] for r in told.all_of("Fail the hosts without") if "forbidden" in r["msg"]]
    assert len(failures) == 1


def test_a_relaunch_on_the_failed_hosts_heals(sliced: Sliced) -> None:
    sliced.relaunched.ok()
    assert taken(sliced.palette) == dict.fromkeys(vm_names(VMS), 1)


def test_the_next_node_finds_the_vms_of_all_slices(sliced: Sliced) -> None:
    assert sorted(sliced.next_node.ok().of("See")["msg"]) == vm_names(VMS)


# A workflow

# The workflow has names of its own, and each template says what they are to its playbook.
TEMPLATES: dict[str, dict[str, Any]] = {
    "snapshot": {
        "vm_snapshot_set": "{{ change_set }}",
        "vm_snapshot_vms": "{{ change_vms }}",
        "vm_snapshot_namespace": "vms",
        "vm_snapshot_keep_last": 3,
    },
    "snapshot_prune": {"vm_snapshot_set": "{{ change_set }}", "vm_snapshot_keep_last": 1},
    "snapshot_report": {
        "vm_snapshot_vm_names": "{{ change_vms }}",
        "vm_snapshot_ready": True,
        "vm_snapshot_phase": "Failed\r\nSucceeded\r\n",
    },
    "snapshot_coverage": {"vm_snapshot_vm_names": "{{ change_vms }}"},
}
# A survey gives empty answers to whoever leaves a field as it is.
SURVEY = {"vm_snapshot_exclude": "", "vm_snapshot_max_failed": "0"}


def test_each_node_of_a_workflow_takes_the_variables_of_all(tmp_path: Path) -> None:
    workflow: dict[str, Any] = {**PLACE, "change_set": "change", "change_vms": "db1\r\nweb1"}
    summaries, artifacts = {}, dict[str, Any]()
    with Simulator.running("demo", timing="fast") as palette:
        jobs = Jobs(tmp_path, palette)
        for playbook, own in TEMPLATES.items():
            answers = {**workflow, **SURVEY, **artifacts}
            job = jobs.run(playbook, answers=answers, extra_vars=own).ok()
            artifacts.update(job.artifacts)
            summaries[playbook] = job.artifacts["vm_snapshot_summary"]
    entry_points = [summary["entry_point"] for summary in summaries.values()]
    assert entry_points == ["main", "prune", "report", "coverage"]
    assert [summary["reason"] for summary in summaries.values()] == [""] * 4
    assert summaries["snapshot"]["counts"]["created"] == 2
    assert summaries["snapshot_prune"]["counts"]["kept"] == 2
    assert summaries["snapshot_report"]["counts"]["vms"] == 2
    assert {row["vm_name"] for row in from_artifacts(artifacts, "change")} == {"db1", "web1"}


# A killed job


def test_the_same_job_completes_a_killed_one(tmp_path: Path) -> None:
    with Simulator.running("demo", vms=10, timing="fast", rate_limits="off") as palette:
        jobs, hosts = Jobs(tmp_path, palette), vm_names(10)
        held_up = {"action": "delay", "seconds": LIMIT, "skip": 4, "times": None}
        palette.inject({**held_up, "method": "POST", "path": "/snapshot$"})
        jobs.kill("snapshot_hosts", after="create_snapshot", hosts=hosts, answers=FLEET)
        palette.clear_faults()
        again = jobs.run("snapshot_hosts", hosts=hosts, answers=FLEET).ok()
        assert again.failed == set()
        assert taken(palette) == dict.fromkeys(hosts, 1)

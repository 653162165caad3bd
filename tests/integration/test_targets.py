# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every case of every target, as an action and as a module, and that both give the same."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from integration.runs import HERE, Ansible, Run
from palette_simulator.launch import Simulator
from vendor_contract import VendorContract

# The ways to run a task, each a host of the play, and the connection that leads to each.
WAYS = {"action": "local", "module": "remote"}
# Of errors and of JSON: as Palette is thought to speak, as Kubernetes does, and the mixtures. The
# cases meet them in turn, and on each ansible-core of the matrix another one.
STYLES = [
    {"error_style": "palette", "json_style": "go-swagger"},
    {"error_style": "kubernetes", "json_style": "kubernetes"},
    {"error_style": "palette", "json_style": "kubernetes"},
    {"error_style": "kubernetes", "json_style": "go-swagger"},
]
TURN = int(os.environ.get("PALETTE_TURN", "0"))
TARGETS = sorted(folder.name for folder in (HERE / "targets").iterdir())


def _cases(target: str) -> list[str]:
    main = yaml.safe_load((HERE / "targets" / target / "tasks" / "main.yml").read_text("utf-8"))
    cases: list[str] = main[0]["vars"]["cases"]
    return cases


CASES = [(target, case) for target in TARGETS for case in _cases(target)]


class Palettes:
    """A simulator for each way, and what they answered."""

    def __init__(self, logs: Path) -> None:
        self.logs = logs
        self.hosts: dict[str, dict[str, Any]] = {}
        self.traffic: dict[tuple[str, str], list[dict[str, Any]]] = {}

    def start(self, way: str, stack: ExitStack) -> None:
        """Start the simulator of a way."""
        palette = stack.enter_context(
            Simulator.running(
                "test",
                vms=60,
                timing="fast",
                rate_limits="off",
                log_bodies=True,
                request_log=self.logs / f"{way}.jsonl",
            )
        )
        self.hosts[way] = {"ansible_connection": WAYS[way], "palette_url": palette.url}

    @contextmanager
    def noting(self, target: str) -> Iterator[None]:
        """Keep as a target's traffic what the simulators are asked and answer meanwhile."""
        before = {way: len(self._log(way)) for way in WAYS}
        yield
        for way in WAYS:
            self.traffic[target, way] = self._log(way)[before[way] :]

    def _log(self, way: str) -> list[dict[str, Any]]:
        lines = (self.logs / f"{way}.jsonl").read_text("utf-8").splitlines()
        return [json.loads(line) for line in lines]


@pytest.fixture(scope="module")
def palettes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Palettes]:
    """A Palette for each way."""
    started = Palettes(tmp_path_factory.mktemp("palettes"))
    with ExitStack() as stack:
        for way in WAYS:
            started.start(way, stack)
        yield started


@pytest.fixture(scope="module")
def run_of(palettes: Palettes, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Run]:
    """Each target's one play, which runs all its cases in both ways."""

    @cache
    def run(target: str) -> Run:
        ansible = Ansible(tmp_path_factory.mktemp(target))
        inventory = ansible.inventory(palettes.hosts)
        numbered = enumerate(_cases(target), TURN)
        styles = {case: STYLES[number % len(STYLES)] for number, case in numbered}
        given = json.dumps({"target": target, "styles": styles})
        with palettes.noting(target):
            return ansible.playbook(HERE / "cases.yml", inventory, f"--extra-vars={given}")

    return run


def _of_case(run: Run, case: str, way: str) -> list[dict[str, Any]]:
    """Return a way's records from a mark of steps/case.yml to the next."""
    own = [record for record in run.records if record["host"] == way]
    marks = [n for n, record in enumerate(own) if record["task"].startswith("Begin: ")]
    begun = {own[n]["task"]: own[n:end] for n, end in zip(marks, [*marks[1:], None], strict=True)}
    assert f"Begin: {case}" in begun, f"the case was never begun:\n{run.output[-5000:]}"
    return begun[f"Begin: {case}"]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("target", "case"), CASES)
def test_case(run_of: Callable[[str], Run], target: str, case: str, way: str) -> None:
    records = _of_case(run_of(target), case, way)
    unexpected = [
        f"{record['task']}: {record['result'].get('msg')}\n{json.dumps(record['result'], indent=1)}"
        for record in records
        if not record["expected"]
    ]
    assert unexpected == []
    assert any(record["action"].startswith("spectrocloud.palette.") for record in records)


@pytest.mark.parametrize(("target", "case"), CASES)
def test_action_and_module_give_the_same_results(
    run_of: Callable[[str], Run], target: str, case: str
) -> None:
    action, module = (_results(run_of(target), case, way) for way in WAYS)
    assert action == module


def _results(run: Run, case: str, way: str) -> list[Any]:
    return [
        (record["task"], _settled(record["result"]))
        for record in _of_case(run, case, way)
        if record["action"].startswith("spectrocloud.palette.")
    ]


# Random, or of the clock.
_PASSING = {
    "uid",
    "resourceVersion",
    "creationTimestamp",
    "deletionTimestamp",
    "creationTime",
    "creation_time",
    "age_seconds",
    "skew_seconds",
    "restoreTime",
    "restore_time",
    "point_in_time",
    "lost_seconds",
    "seconds_since_snapshot",
    "expires_at",
    "spectrocloud.palette/expires-at",
    "lastTransitionTime",
    "lastProbeTime",
    "time",
    "newest",
    "oldest",
    "content_name",
    "virtualMachineSnapshotContentName",
    "spectrocloud.palette/request-id",
    "ref",
    "invocation",  # what the module was given, with its defaults: an action has none
}
_PASSING_TEXTS = re.compile(
    r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    r"|127\.0\.0\.1:\d+|(?<=db1-adhoc-)\w{8}|\d{8}-\d{6}|(?<=says |. on )\d{4}-\d\d-\d\dT[\d:]+Z"
)


def _settled(value: Any) -> Any:
    """Return a result without what differs between any two runs."""
    if isinstance(value, dict):
        return {
            key: _settled(item)
            for key, item in value.items()
            if key not in _PASSING and not key.startswith("_ansible_")
        }
    if isinstance(value, list):
        # Snapshots that are taken together are listed by times that differ from run to run.
        return sorted((_settled(item) for item in value), key=partial(json.dumps, sort_keys=True))
    return _PASSING_TEXTS.sub("…", value) if isinstance(value, str) else value


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("target", TARGETS)
def test_traffic_keeps_to_the_contract(
    palettes: Palettes, run_of: Callable[[str], Run], target: str, way: str
) -> None:
    run_of(target)
    log = palettes.traffic[target, way]
    # The collection sends with requests, what a case sends by itself goes by ansible.builtin.uri.
    ours = [entry for entry in log if entry["headers"]["user-agent"].startswith("python-requests/")]
    assert len(ours) > len(_cases(target))
    contract = VendorContract.load()
    assert contract.problems_in_requests(ours) == []
    assert contract.problems_in_log(log) == []

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every case of every target, through action and module, in each style of Palette's answers."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from integration.runs import HERE, Ansible, Run
from palette_simulator.launch import Simulator
from vendor_contract import VendorContract

# The ways to run a task, and the connection that leads to each.
WAYS = {"action": "local", "module": "remote"}
# Of errors and of JSON: as Palette is thought to speak, as Kubernetes does, and the mixtures.
STYLES = [
    ("palette", "go-swagger"),
    ("kubernetes", "kubernetes"),
    ("palette", "kubernetes"),
    ("kubernetes", "go-swagger"),
]
# How many of them each way is tested with: fewer for the module, which needs a process for each
# task.
NUMBERS = os.environ.get("PALETTE_STYLES", "2,1").split(",")
STYLES_OF = {way: STYLES[: int(number)] for way, number in zip(WAYS, NUMBERS, strict=True)}


class Setting(NamedTuple):
    """A way to run a task, and the styles of the Palette that it meets."""

    way: str
    error_style: str
    json_style: str

    @property
    def host(self) -> str:
        """The name of its host in the play."""
        return "_".join(self)


SETTINGS = [Setting(way, *style) for way in WAYS for style in STYLES_OF[way]]
TARGETS = sorted(folder.name for folder in (HERE / "targets").iterdir())


def _cases(target: str) -> list[str]:
    main = yaml.safe_load((HERE / "targets" / target / "tasks" / "main.yml").read_text("utf-8"))
    cases: list[str] = main[0]["vars"]["cases"]
    return cases


CASES = [(target, case) for target in TARGETS for case in _cases(target)]


class Palettes:
    """A simulator for each setting, and what they answered."""

    def __init__(self, logs: Path) -> None:
        self.logs = logs
        self.hosts: dict[str, dict[str, Any]] = {}
        self.traffic: dict[tuple[str, Setting], list[dict[str, Any]]] = {}

    def start(self, setting: Setting, stack: ExitStack) -> None:
        """Start the simulator of a setting."""
        palette = stack.enter_context(
            Simulator.running(
                "test",
                vms=60,
                timing="fast",
                rate_limits="off",
                error_style=setting.error_style,
                json_style=setting.json_style,
                log_bodies=True,
                request_log=self.logs / f"{setting.host}.jsonl",
            )
        )
        self.hosts[setting.host] = {
            "ansible_connection": WAYS[setting.way],
            "palette_url": palette.url,
        }

    @contextmanager
    def noting(self, target: str) -> Iterator[None]:
        """Keep as a target's traffic what the simulators are asked and answer meanwhile."""
        before = {setting: len(self._log(setting)) for setting in SETTINGS}
        yield
        for setting in SETTINGS:
            self.traffic[target, setting] = self._log(setting)[before[setting] :]

    def _log(self, setting: Setting) -> list[dict[str, Any]]:
        lines = (self.logs / f"{setting.host}.jsonl").read_text("utf-8").splitlines()
        return [json.loads(line) for line in lines]


@pytest.fixture(scope="module")
def palettes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Palettes]:
    """Palettes of all settings."""
    started = Palettes(tmp_path_factory.mktemp("palettes"))
    with ExitStack() as stack:
        for setting in SETTINGS:
            started.start(setting, stack)
        yield started


@pytest.fixture(scope="module")
def run_of(palettes: Palettes, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Run]:
    """Each target's one play, which runs all its cases in all settings."""

    @cache
    def run(target: str) -> Run:
        ansible = Ansible(tmp_path_factory.mktemp(target))
        inventory = ansible.inventory(palettes.hosts)
        forks = f"--forks={len(SETTINGS)}"
        with palettes.noting(target):
            return ansible.playbook(
                HERE / "cases.yml", inventory, f"--extra-vars=target={target}", forks
            )

    return run


def _of_case(run: Run, case: str, setting: Setting) -> list[dict[str, Any]]:
    """Return a setting's records from a mark of steps/case.yml to the next."""
    own = [record for record in run.records if record["host"] == setting.host]
    marks = [n for n, record in enumerate(own) if record["task"].startswith("Begin: ")]
    begun = {own[n]["task"]: own[n:end] for n, end in zip(marks, [*marks[1:], None], strict=True)}
    assert f"Begin: {case}" in begun, f"the case was never begun:\n{run.output[-5000:]}"
    return begun[f"Begin: {case}"]


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.host)
@pytest.mark.parametrize(("target", "case"), CASES)
def test_case(run_of: Callable[[str], Run], target: str, case: str, setting: Setting) -> None:
    records = _of_case(run_of(target), case, setting)
    unexpected = [
        f"{record['task']}: {record['result'].get('msg')}\n{json.dumps(record['result'], indent=1)}"
        for record in records
        if not record["expected"]
    ]
    assert unexpected == []
    assert any(record["action"].startswith("spectrocloud.palette.") for record in records)


@pytest.mark.parametrize("style", STYLES_OF["module"], ids="_".join)
@pytest.mark.parametrize(("target", "case"), CASES)
def test_action_and_module_give_the_same_results(
    run_of: Callable[[str], Run], target: str, case: str, style: tuple[str, str]
) -> None:
    action, module = (_results(run_of(target), case, Setting(way, *style)) for way in WAYS)
    assert action == module


def _results(run: Run, case: str, setting: Setting) -> list[Any]:
    return [
        (record["task"], _settled(record["result"]))
        for record in _of_case(run, case, setting)
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
    r"127\.0\.0\.1:\d+|(?<=db1-adhoc-)\w{8}|\d{8}-\d{6}|(?<=says )\d{4}-\d\d-\d\dT[\d:]+Z"
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


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.host)
@pytest.mark.parametrize("target", TARGETS)
def test_traffic_keeps_to_the_contract(
    palettes: Palettes, run_of: Callable[[str], Run], target: str, setting: Setting
) -> None:
    run_of(target)
    log = palettes.traffic[target, setting]
    # The collection sends with requests, what a case sends by itself goes by ansible.builtin.uri.
    ours = [entry for entry in log if entry["headers"]["user-agent"].startswith("python-requests/")]
    assert len(ours) > len(_cases(target))
    contract = VendorContract.load()
    assert contract.problems_in_requests(ours) == []
    assert contract.problems_in_log(log) == []

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What only an action does: it runs the module's code in process, or lets the module run."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from types import MappingProxyType, SimpleNamespace
from typing import Any

import pytest

from ansible_collections.spectrocloud.palette.plugins.module_utils._module import base
from ansible_collections.spectrocloud.palette.plugins.module_utils._module.base import Invocation
from ansible_collections.spectrocloud.palette.plugins.plugin_utils import in_process
from unit.ways_in import GOOD, ModuleExecuted, Result, action_of, run_as_module

# Where the task runs

ELSEWHERE: list[dict[str, Any]] = [
    {"transport": "ssh"},
    {"transport": "docker", "become": object()},
    {"transport": "ssh", "become": object()},
]


def over(action: in_process.InProcessAction, **connection: Any) -> in_process.InProcessAction:
    """Return the action, over another connection."""
    for field, value in connection.items():
        setattr(action._connection, field, value)
    return action


def module_execution(action: in_process.InProcessAction) -> dict[str, Any]:
    """Return how an action lets its module run."""
    with pytest.raises(ModuleExecuted) as caught:
        action.run(task_vars={"a": 1})
    how: dict[str, Any] = caught.value.args[0]
    assert how["module_name"] == "spectrocloud.palette.vm_snapshot"
    assert how["task_vars"] == {"a": 1}
    return how


@pytest.fixture
def answered(bare_environment: None, monkeypatch: pytest.MonkeyPatch) -> Result:
    """What the module's code answers where it runs in this process."""
    answer = {"changed": True, "outcome": "created"}
    monkeypatch.setattr(in_process, "result_of", lambda _module, _invocation: dict(answer))
    return answer


@pytest.mark.parametrize("connection", [*ELSEWHERE, {}, {"become": object()}])
def test_task_that_is_not_delegated_runs_in_the_worker(
    answered: Result, connection: dict[str, Any]
) -> None:
    assert over(action_of("vm_snapshot", GOOD), **connection).run(task_vars={}) == answered


@pytest.mark.parametrize("connection", [{}, {"become": object()}])
def test_task_that_is_delegated_to_localhost_runs_in_the_worker(
    answered: Result, connection: dict[str, Any]
) -> None:
    action = over(action_of("vm_snapshot", GOOD, delegate_to="localhost"), **connection)
    assert action.run(task_vars={}) == answered


@pytest.mark.parametrize("connection", ELSEWHERE)
def test_module_runs_on_the_machine_that_the_task_is_delegated_to(
    bare_environment: None, connection: dict[str, Any]
) -> None:
    how = module_execution(
        over(action_of("vm_snapshot", GOOD, delegate_to="bastion"), **connection)
    )
    assert how["module_args"] == GOOD
    assert not how["wrap_async"]


@pytest.mark.parametrize("connection", [{}, {"transport": "ssh"}])
@pytest.mark.parametrize(("native", "wrapped"), [(False, True), (True, False)])
def test_module_runs_with_async(
    bare_environment: None, connection: dict[str, Any], native: bool, wrapped: bool
) -> None:
    action = action_of("vm_snapshot", GOOD, async_val=60, delegate_to="somewhere")
    how = module_execution(over(action, has_native_async=native, **connection))
    assert bool(how["wrap_async"]) is wrapped


def test_async_where_nothing_is_delegated_runs_the_module_on_a_local_connection_only(
    bare_environment: None,
) -> None:
    assert module_execution(action_of("vm_snapshot", GOOD, async_val=60))["wrap_async"]
    action = over(action_of("vm_snapshot", GOOD, async_val=60), transport="ssh")
    result = action.run(task_vars={})
    assert (result["failed"], result["reason"]) == (True, "invalid_parameters")
    assert "delegate_to: localhost" in result["msg"]


# What the argument spec refuses

# A key that is no part of the texts, where it would be masked.
KEYED = {**GOOD, "api_key": "sesame"}
WITHOUT_NAME = {key: value for key, value in KEYED.items() if key != "name"}
WRONG: dict[str, dict[str, Any]] = {
    "nothing": {},
    "unknown": {**KEYED, "no_such_option": 1},
    "choice": {**KEYED, "state": "gone"},
    "exclusive": {**KEYED, "cluster": "both"},
    "type": {**KEYED, "wait": "perhaps"},
    "one of": WITHOUT_NAME,
}


@pytest.mark.parametrize("case", WRONG)
def test_argument_errors_are_in_ansible_modules_words(
    bare_environment: None, capsys: pytest.CaptureFixture[str], case: str
) -> None:
    args = WRONG[case]
    named = {"_ansible_module_name": "spectrocloud.palette.vm_snapshot"}
    of_module = run_as_module(capsys)("vm_snapshot", **args, **named)
    of_action = over(action_of("vm_snapshot", args), transport="ssh").run(task_vars={})
    assert of_action["failed"] is True
    assert of_action["msg"] == of_module["msg"]


# A missing library


@pytest.mark.parametrize("value", ["inf", float("inf")])
def test_option_that_is_an_infinite_whole_number_is_named(answered: Result, value: object) -> None:
    result = action_of("vm_snapshot", {**GOOD, "retries": value}).run(task_vars={})
    assert result["failed"]
    assert "retries" in result["msg"]


def test_module_runs_on_this_machine_when_a_library_is_missing(
    bare_environment: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The interpreter of localhost may be another, which has it.
    monkeypatch.setitem(base._LIBRARIES, "requests", "Traceback: it is not there")
    module_execution(action_of("vm_snapshot", GOOD))


@pytest.mark.parametrize("library", ["requests", "jsonschema"])
def test_missing_library_of_the_controller_is_named_where_another_host_is_the_plays(
    bare_environment: None, monkeypatch: pytest.MonkeyPatch, library: str
) -> None:
    monkeypatch.setitem(base._LIBRARIES, library, "Traceback: it is not there")
    result = over(action_of("vm_snapshot", GOOD), transport="ssh").run(task_vars={})
    assert (result["failed"], result["reason"]) == (True, "missing_library")
    assert library in result["msg"]
    assert sys.executable in result["msg"]


# In process


def invocation_of(
    monkeypatch: pytest.MonkeyPatch, args: Mapping[str, Any], **task: Any
) -> tuple[Invocation, dict[str, str]]:
    """Return the invocation that an action makes of its task, and the environment meanwhile."""
    seen: list[tuple[Invocation, dict[str, str]]] = []

    def result_of(_module: object, invocation: Invocation) -> Result:
        seen.append((invocation, dict(os.environ)))
        return {"changed": False}

    monkeypatch.setattr(in_process, "result_of", result_of)
    action_of("vm_snapshot", args, **task).run(task_vars={})
    (only,) = seen
    return only


def test_environment_of_the_task_counts_and_is_restored(
    bare_environment: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = dict(os.environ)
    args = {key: value for key, value in GOOD.items() if key != "api_key"}
    variables = [{"PALETTE_API_KEY": "outer"}, {"PALETTE_API_KEY": "inner", "NUMBER": 7}]
    invocation, environment = invocation_of(monkeypatch, args, environment=variables)
    assert invocation.options["api_key"] == "inner"
    assert environment["NUMBER"] == "7"
    assert dict(os.environ) == before


def test_environment_is_restored_after_an_exception(
    bare_environment: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = dict(os.environ)

    def fail(_module: object, _invocation: Invocation) -> Result:
        raise RuntimeError

    monkeypatch.setattr(in_process, "result_of", fail)
    action = action_of("vm_snapshot", GOOD, environment=[{"NEW": "1", "HOME": "/x"}])
    with pytest.raises(RuntimeError):
        action.run(task_vars={})
    assert dict(os.environ) == before


def test_options_arrive_as_a_module_gets_them(
    bare_environment: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    args = {
        **GOOD,
        "wait": "no",
        "retries": "3",
        "wait_timeout": "90",
        "definition": MappingProxyType({"labels": {"a"}, "spec": Path("/x")}),
        "annotations": {"day": date(2026, 1, 2), "moment": datetime(2026, 1, 2, 3, 4, 5)},  # noqa: DTZ001
    }
    invocation, _environment = invocation_of(monkeypatch, args)
    assert invocation.options["wait"] is False
    assert invocation.options["retries"] == 3
    assert invocation.options["wait_timeout"] == 90.0
    assert invocation.options["labels"] is None
    assert invocation.options["definition"] == {"labels": ["a"], "spec": "/x"}
    assert invocation.options["annotations"] == {
        "day": "2026-01-02",
        "moment": "2026-01-02T03:04:05",
    }


@pytest.mark.parametrize("modes", [(True, True), (True, False), (False, True), (False, False)])
def test_check_mode_diff_mode_and_now_arrive(
    bare_environment: None, monkeypatch: pytest.MonkeyPatch, modes: tuple[bool, bool]
) -> None:
    check, diff = modes
    invocation, _environment = invocation_of(monkeypatch, GOOD, check_mode=check, diff=diff)
    assert (invocation.check_mode, invocation.diff_mode) == modes
    assert timedelta(0) <= datetime.now(timezone.utc) - invocation.now < timedelta(minutes=5)


def test_warnings_and_progress_reach_the_user(
    bare_environment: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def result_of(_module: object, invocation: Invocation) -> Result:
        invocation.warn("careful")
        invocation.progress("1/2 ready")
        return {"changed": True}

    lines: list[tuple[str, bool]] = []
    monkeypatch.setattr(in_process, "result_of", result_of)
    action = action_of("vm_snapshot", GOOD)
    action._display = SimpleNamespace(display=lambda line, stderr: lines.append((line, stderr)))
    assert action.run(task_vars={}) == {"changed": True, "warnings": ["careful"]}
    assert lines == [("1/2 ready", True)]


def test_api_key_in_a_result_is_masked(
    bare_environment: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    leak = {"changed": True, "a": ["the key is sesame"], "b": {"c": "sesame"}}
    monkeypatch.setattr(in_process, "result_of", lambda _module, _invocation: dict(leak))
    result = action_of("vm_snapshot", {**GOOD, "api_key": "sesame"}).run(task_vars={})
    assert (result["a"], result["b"]) == (["the key is ********"], {"c": "********"})
    assert "sesame" not in json.dumps(result)

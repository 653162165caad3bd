# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Both doors to the features: modules as Ansible runs them, actions in the controller's worker."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from datetime import date, datetime
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import MappingProxyType, SimpleNamespace
from typing import Any

import pytest
from ansible.module_utils import basic
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

from ansible_collections.spectrocloud.palette.plugins.module_utils import entry, features
from ansible_collections.spectrocloud.palette.plugins.module_utils._module.task import Task
from ansible_collections.spectrocloud.palette.plugins.module_utils._palette.errors import (
    PaletteError,
)
from ansible_collections.spectrocloud.palette.plugins.plugin_utils import in_process
from palette_simulator.launch import Simulator
from unit.fakes import Answer, ScriptedServer

try:
    from ansible.module_utils.testing import patch_module_args
except ImportError:  # before ansible-core 2.19
    patch_module_args = None

COLLECTION = "ansible_collections.spectrocloud.palette.plugins"
KEY = "demo-key"
FEATURES = {
    "vm_snapshot": features.VM_SNAPSHOT,
    "vm_snapshot_info": features.VM_SNAPSHOT_INFO,
}
VM = {"cluster": "vm-cluster-1", "project": "Default", "vm_name": "db1", "namespace": "vms"}
VOLATILE = {
    "age_seconds",
    "annotations",
    "content_name",
    "creation_time",
    "lastTransitionTime",
    "name",
    "newest",
    "oldest",
    "uid",
}

Result = dict[str, Any]
Door = Callable[..., Result]


@pytest.fixture(scope="module")
def served() -> Iterator[Simulator]:
    """A simulator over HTTPS where every step takes no time."""
    with Simulator.running("test", tls=True, timing="instant", rate_limits="off") as simulator:
        yield simulator


@pytest.fixture
def palette(
    served: Simulator, bare_environment: None, monkeypatch: pytest.MonkeyPatch
) -> Simulator:
    """The simulator as new, which the environment names."""
    served.reset()
    monkeypatch.setenv("PALETTE_HOST", served.url)
    monkeypatch.setenv("PALETTE_API_KEY", KEY)
    monkeypatch.setenv("PALETTE_CA_FILE", str(served.ca_file))
    return served


def module_args(args: Mapping[str, Any]) -> AbstractContextManager[None]:
    """Give a module its arguments."""
    if patch_module_args:
        patched: AbstractContextManager[None] = patch_module_args(dict(args))
        return patched
    basic._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": args}).encode()
    return nullcontext()


class Connection(SimpleNamespace):
    """What an action asks of a connection; local unless changed."""

    def __init__(self) -> None:
        shell = SimpleNamespace(tmpdir="/nowhere", env_prefix=lambda **_variables: "")
        super().__init__(transport="local", become=None, has_native_async=False, _shell=shell)


class Handed(Exception):  # noqa: N818 - no error
    """The action hands over to the module; args: how."""


def action_of(name: str, args: Mapping[str, Any], **task: Any) -> in_process.InProcessAction:
    """Return an action for a task, over a local connection."""
    described = {
        "action": f"spectrocloud.palette.{name}",
        "resolved_action": f"spectrocloud.palette.{name}",
        "args": dict(args),
        "async_val": 0,
        "check_mode": False,
        "diff": False,
        "environment": [],
        **task,
    }
    action: in_process.InProcessAction = import_module(f"{COLLECTION}.action.{name}").ActionModule(
        SimpleNamespace(**described),
        Connection(),
        SimpleNamespace(),
        DataLoader(),
        Templar(loader=DataLoader()),
        None,
    )

    def hand_over(**how: Any) -> Result:
        raise Handed(how)

    action._execute_module = hand_over
    return action


def through_action(feature: str, /, check: bool = False, diff: bool = False, **args: Any) -> Result:
    """Run a feature through its action."""
    return action_of(feature, args, check_mode=check, diff=diff).run(task_vars={})


@pytest.fixture
def through_module(capsys: pytest.CaptureFixture[str]) -> Door:
    """What runs a feature through its module."""

    def run(feature: str, /, check: bool = False, diff: bool = False, **args: Any) -> Result:
        main = import_module(f"{COLLECTION}.modules.{feature}").main
        given = {**args, "_ansible_check_mode": check, "_ansible_diff": diff}
        with module_args(given), pytest.raises(SystemExit) as ended:
            main()
        result: Result = json.loads(capsys.readouterr().out)
        assert bool(ended.value.code) is result.get("failed", False)
        result.pop("invocation", None)
        return result

    return run


@pytest.fixture(params=["module", "action"])
def door(request: pytest.FixtureRequest, through_module: Door) -> Door:
    """Each of the doors."""
    return through_module if request.param == "module" else through_action


def steady(value: Any) -> Any:
    """Return a result without what differs from run to run."""
    if isinstance(value, dict):
        return {key: steady(item) for key, item in value.items() if key not in VOLATILE}
    return [steady(item) for item in value] if isinstance(value, list) else value


# Through both doors


def test_a_snapshot_is_taken_found_and_deleted(palette: Simulator, door: Door) -> None:
    made = door("vm_snapshot", name="before", poll_interval=0.05, **VM)
    assert (made["changed"], made["outcome"]) == (True, "created")
    assert made["status"]["ready_to_use"] is True
    again = door("vm_snapshot", name="before", poll_interval=0.05, **VM)
    assert (again["changed"], again["outcome"]) == (False, "unchanged")
    listed = door("vm_snapshot_info", name="before", cluster="vm-cluster-1", project="Default")
    assert [snapshot["uid"] for snapshot in listed["snapshots"]] == [made["status"]["uid"]]
    gone = door("vm_snapshot", state="absent", name="before", poll_interval=0.05, **VM)
    assert (gone["changed"], gone["outcome"]) == (True, "deleted")


def test_check_mode_writes_nothing(palette: Simulator, door: Door) -> None:
    foreseen = door("vm_snapshot", check=True, diff=True, name="before", **VM)
    assert (foreseen["changed"], foreseen["outcome"]) == (True, "created")
    assert foreseen["diff"]["before"] == {}
    assert foreseen["diff"]["after"]["metadata"]["name"] == "before"
    # The only POST is the search for the cluster.
    calls = {(entry["method"], entry["operation"]) for entry in palette.requests()}
    assert {method for method, operation in calls if "search" not in operation} == {"GET"}


CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "created": ("vm_snapshot", {"name": "s", "wait": False, **VM}),
    "missing VM": ("vm_snapshot", {"name": "s", **VM, "vm_name": "db9"}),
    "unknown cluster": ("vm_snapshot", {"name": "s", **VM, "cluster": "vm-cluster-9"}),
    "ambiguous cluster": ("vm_snapshot", {"name": "s", **VM, "cluster": "twin"}),
    "unknown project": ("vm_snapshot", {"name": "s", **VM, "project": "Defautl"}),
    "restoring": ("vm_snapshot", {"name": "s", **VM, "vm_name": "restoring"}),
    "wrong values": ("vm_snapshot", {"name": "S", **VM, "deletion_policy": "delete"}),
    "wrong key": ("vm_snapshot", {"name": "s", **VM, "api_key": "another-key"}),
    "clear text": ("vm_snapshot", {"name": "s", **VM, "host": "http://192.0.2.1"}),
    "a warning": ("vm_snapshot", {"name": "busy-first", "state": "absent", **VM}),
    "a history": ("vm_snapshot_info", {"project": "Default", "vm_names": ["history"]}),
    "wrong filter": ("vm_snapshot_info", {"older_than": "a week", "selector": "="}),
    "empty project": ("vm_snapshot_info", {"project": "Empty"}),
}


@pytest.mark.parametrize("case", CASES)
def test_both_doors_lead_to_the_same_result(
    palette: Simulator, through_module: Door, case: str
) -> None:
    name, args = CASES[case]
    by_module = through_module(name, diff=True, **args)
    palette.reset()
    by_action = through_action(name, diff=True, **args)
    for result in (by_module, by_action):
        assert KEY not in json.dumps(result)
        assert "another-key" not in json.dumps(result)
    assert bool(by_action.get("warnings")) is (case == "a warning")
    # In a process that is a controller, a module's warnings go to the screen.
    differing = {"ref", "snapshot", "exception", "warnings"}
    assert {k: steady(v) for k, v in by_action.items() if k not in differing} == {
        k: steady(v) for k, v in by_module.items() if k not in differing
    }


@pytest.mark.parametrize("style", ["invalid-key", "key-echo-401", "key-echo-404"])
def test_a_wrong_key_is_told_and_not_shown(palette: Simulator, door: Door, style: str) -> None:
    palette.switch(auth_error_style=style)
    result = door("vm_snapshot", name="s", **{**VM, "api_key": "a-wrong-secret"})
    assert (result["failed"], result["reason"]) == (True, "unauthorized")
    assert "a-wrong-secret" not in json.dumps(result)


def test_wrong_values_are_told_at_once_before_any_request(palette: Simulator, door: Door) -> None:
    palette.clear_requests()
    result = door(
        "vm_snapshot",
        **{**VM, "vm_name": ""},
        name="Before",
        deletion_policy="delete",
        failure_deadline="1d",
        retries=-1,
        poll_interval=0,
    )
    assert (result["failed"], result["reason"]) == (True, "invalid_parameters")
    told = " ".join(result["problems"])
    for option in (
        "vm_name: ",
        "name: ",
        "deletion_policy: ",
        "failure_deadline: ",
        "retries: ",
        "poll_interval: ",
    ):
        assert option in told
        assert option in result["msg"]
    assert palette.requests() == []


def test_the_environments_project_is_used_where_none_is_named(
    palette: Simulator, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PALETTE_PROJECT_UID", "0123456789abcdef00000002")
    clusters = {"cluster": "vm-cluster-3"}
    assert door("vm_snapshot_info", **clusters)["summary"]["total"] == 0
    named = door("vm_snapshot_info", project="Default", cluster="vm-cluster-1")
    assert named["summary"]["total"] > 0
    monkeypatch.delenv("PALETTE_PROJECT_UID")
    monkeypatch.setenv("SPECTROCLOUD_DEFAULT_PROJECT_ID", "0123456789abcdef00000001")
    assert door("vm_snapshot_info", **clusters)["reason"] == "not_found"


def test_the_vendors_other_names_in_the_environment_are_known(
    palette: Simulator, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    for ours, theirs in (
        ("PALETTE_HOST", "SPECTROCLOUD_HOST"),
        ("PALETTE_API_KEY", "SPECTROCLOUD_APIKEY"),
    ):
        monkeypatch.setenv(theirs, os.environ[ours])
        assert door("vm_snapshot_info", project="Default")["summary"]["total"] > 0
        monkeypatch.delenv(ours)
    assert door("vm_snapshot_info", project="Default")["summary"]["total"] > 0


# What only the module does


@pytest.mark.parametrize("library", ["requests", "jsonschema"])
def test_a_missing_library_is_told_with_its_interpreter(
    through_module: Door, monkeypatch: pytest.MonkeyPatch, library: str
) -> None:
    monkeypatch.setitem(entry._LIBRARIES, library, "Traceback: it is not there")
    result = through_module("vm_snapshot", name="s", api_key="x", **VM)
    assert result["reason"] == "missing_library"
    assert library in result["msg"]
    assert "Python" in result["msg"]


@pytest.mark.parametrize("name", ["client", "retry"])
def test_the_client_can_be_imported_without_its_libraries(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    original = import_module(f"{COLLECTION}.module_utils._palette.{name}")
    for library in ("requests", "urllib3.exceptions"):
        monkeypatch.setitem(sys.modules, library, None)
    spec = spec_from_file_location("without_libraries", str(original.__file__))
    assert spec
    assert spec.loader
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    if name == "client":
        assert "requests" in module.REQUESTS_IMPORT_ERROR


# What only the action does


def handed_over(action: in_process.InProcessAction) -> dict[str, Any]:
    """Return how an action hands over to its module."""
    with pytest.raises(Handed) as caught:
        action.run(task_vars={"a": 1})
    how: dict[str, Any] = caught.value.args[0]
    assert how["module_name"] == "spectrocloud.palette.vm_snapshot"
    assert how["task_vars"] == {"a": 1}
    return how


GOOD = {"name": "s", "api_key": "x", "cluster_uid": "c", "vm_name": "v", "namespace": "n"}


@pytest.mark.parametrize(
    "change",
    [{"transport": "ssh"}, {"become": object()}, {"transport": "docker"}],
)
def test_the_module_runs_where_the_task_belongs_elsewhere(
    bare_environment: None, change: dict[str, Any]
) -> None:
    action = action_of("vm_snapshot", GOOD)
    for field, value in change.items():
        setattr(action._connection, field, value)
    how = handed_over(action)
    assert how["module_args"] == GOOD
    assert not how["wrap_async"]


@pytest.mark.parametrize(("native", "wrapped"), [(False, True), (True, False)])
def test_the_module_runs_in_the_background(
    bare_environment: None, native: bool, wrapped: bool
) -> None:
    action = action_of("vm_snapshot", GOOD, async_val=60)
    action._connection.has_native_async = native
    assert bool(handed_over(action)["wrap_async"]) is wrapped


@pytest.mark.parametrize(
    "args",
    [
        {},
        {**GOOD, "no_such_option": 1},
        {**GOOD, "state": "gone"},
        {**GOOD, "cluster": "both"},
        {**GOOD, "wait": "perhaps"},
        {key: value for key, value in GOOD.items() if key != "name"},
    ],
)
def test_the_module_tells_what_is_wrong_with_the_options(
    bare_environment: None, args: dict[str, Any]
) -> None:
    assert handed_over(action_of("vm_snapshot", args))["module_args"] == args


def test_the_module_tells_which_library_is_missing(
    bare_environment: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(entry._LIBRARIES, "requests", "Traceback: it is not there")
    handed_over(action_of("vm_snapshot", GOOD))


def seen_by_the_core(
    monkeypatch: pytest.MonkeyPatch, args: Mapping[str, Any], **task: Any
) -> tuple[Any, dict[str, str]]:
    """Return the task that the core gets, and the environment that it sees."""
    seen: list[Any] = []

    def core(_feature: Any, given: Any) -> Result:
        seen.extend((given, dict(os.environ)))
        return {"changed": False}

    monkeypatch.setattr(in_process, "result_of", core)
    action_of("vm_snapshot", args, **task).run(task_vars={})
    return seen[0], seen[1]


def test_the_tasks_environment_counts_and_is_gone_after(
    bare_environment: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = dict(os.environ)
    args = {key: value for key, value in GOOD.items() if key != "api_key"}
    environment = [{"PALETTE_API_KEY": "outer"}, {"PALETTE_API_KEY": "inner", "NUMBER": 7}]
    task, seen = seen_by_the_core(monkeypatch, args, environment=environment)
    assert task.options["api_key"] == "inner"
    assert seen["NUMBER"] == "7"
    assert dict(os.environ) == before


def test_the_environment_is_restored_after_a_failure(
    bare_environment: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = dict(os.environ)

    def fail(_feature: Any, _task: Any) -> Result:
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
    task, _environment = seen_by_the_core(monkeypatch, args, check_mode=True, diff=True)
    assert task.options["wait"] is False
    assert task.options["retries"] == 3
    assert task.options["wait_timeout"] == 90.0
    assert task.options["labels"] is None
    assert task.options["definition"] == {"labels": ["a"], "spec": "/x"}
    assert task.options["annotations"] == {"day": "2026-01-02", "moment": "2026-01-02T03:04:05"}
    assert (task.check_mode, task.diff_mode) == (True, True)


def test_warnings_and_progress_reach_the_user(
    bare_environment: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def core(_feature: Any, task: Any) -> Result:
        task.warn("careful")
        task.progress("1/2 ready")
        return {"changed": True}

    lines: list[tuple[str, bool]] = []
    monkeypatch.setattr(in_process, "result_of", core)
    action = action_of("vm_snapshot", GOOD)
    action._display = SimpleNamespace(display=lambda line, stderr: lines.append((line, stderr)))
    assert action.run(task_vars={}) == {"changed": True, "warnings": ["careful"]}
    assert lines == [("1/2 ready", True)]


def test_a_secret_in_a_result_is_masked(
    bare_environment: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    leak = {"changed": True, "a": ["the key is sesame"], "b": {"c": "sesame"}}
    monkeypatch.setattr(in_process, "result_of", lambda _feature, _task: dict(leak))
    result = action_of("vm_snapshot", {**GOOD, "api_key": "sesame"}).run(task_vars={})
    assert result["a"][0].startswith("the key is ")
    assert "sesame" not in json.dumps(result)


# Whichever door


def test_no_error_leaves_the_core_with_the_key() -> None:
    def core(task: Task) -> Result:
        raise PaletteError(
            "conflict", f"taken by {task.options['api_key']}", status={"a": ["s3cr3t"]}
        )

    options = action_of("vm_snapshot", {**GOOD, "api_key": "s3cr3t"})._options()
    assert options
    result = entry.result_of(features.VM_SNAPSHOT._replace(core=core), Task(options))
    assert (result["failed"], result["reason"]) == (True, "conflict")
    assert "s3cr3t" not in json.dumps(result)


def test_what_goes_wrong_unforeseen_is_not_hidden(
    bare_environment: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ScriptedServer.running() as server:
        server.script(Answer({"items": [{"metadata": {"name": "x"}}]}))
        args = {**GOOD, "host": server.url, "project": "p", "rate_limit": 0}
        result = action_of("vm_snapshot", args).run(task_vars={})
    assert (result["failed"], result["reason"]) == (True, "malformed_response")

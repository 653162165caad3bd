# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How Ansible becomes a call: the same results as a module and as an action."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.errors import AnsibleFallbackNotFound

from ansible_collections.spectrocloud.palette.plugins.module_utils._http.errors import ApiError
from ansible_collections.spectrocloud.palette.plugins.module_utils._module import base
from ansible_collections.spectrocloud.palette.plugins.module_utils._module.base import (
    Invocation,
    Module,
    tidied,
    with_default_project,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._module.options import (
    env_if_set,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._module.vm_snapshot import (
    MODULE,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._validation.problems import (
    option_problem,
)
from palette_simulator.launch import Simulator
from unit.fakes import Answer, ScriptedServer
from unit.ways_in import GOOD, Result, Way, action_of, run_as_action, run_as_module

KEY = "demo-key"
TENANT_CLUSTER = "0123456789abcdef00000031"
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
VM = {"cluster": "vm-cluster-1", "project": "Default", "vm_name": "db1", "namespace": "vms"}
# What differs from run to run.
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


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    """A simulator over HTTPS where every step takes no time."""
    with Simulator.running("test", tls=True, timing="instant", rate_limits="off") as simulator:
        yield simulator


@pytest.fixture
def palette(
    simulator: Simulator, bare_environment: None, monkeypatch: pytest.MonkeyPatch
) -> Simulator:
    """The simulator as new, which the environment names."""
    simulator.reset()
    monkeypatch.setenv("PALETTE_HOST", simulator.url)
    monkeypatch.setenv("PALETTE_API_KEY", KEY)
    monkeypatch.setenv("PALETTE_CA_FILE", str(simulator.ca_file))
    return simulator


@pytest.fixture(params=["module", "action"])
def run(request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]) -> Way:
    """Each of the two ways."""
    return run_as_module(capsys) if request.param == "module" else run_as_action


def steady(value: Any) -> Any:
    """Return a result without what differs from run to run."""
    if isinstance(value, dict):
        return {key: steady(item) for key, item in value.items() if key not in VOLATILE}
    return [steady(item) for item in value] if isinstance(value, list) else value


def failure_of(module: Module) -> Result:
    """Return the failure of a module that gets good options."""
    args = {**GOOD, "api_key": "s3cr3t"}
    checked = action_of("vm_snapshot", args)._check_options(args)
    result = base.result_of(module, Invocation(checked.validated_parameters, NOW))
    assert result["failed"] is True
    return result


# As a module and as an action


def test_result_of_a_snapshot_taken_found_and_deleted(palette: Simulator, run: Way) -> None:
    made = run("vm_snapshot", name="before", poll_interval=0.05, **VM)
    assert (made["changed"], made["outcome"]) == (True, "created")
    assert made["status"]["ready_to_use"] is True
    again = run("vm_snapshot", name="before", poll_interval=0.05, **VM)
    assert (again["changed"], again["outcome"]) == (False, "unchanged")
    listed = run("vm_snapshot_info", name="before", cluster="vm-cluster-1", project="Default")
    assert [snapshot["uid"] for snapshot in listed["snapshots"]] == [made["status"]["uid"]]
    gone = run("vm_snapshot", state="absent", name="before", poll_interval=0.05, **VM)
    assert (gone["changed"], gone["outcome"]) == (True, "deleted")


def test_check_mode_writes_nothing(palette: Simulator, run: Way) -> None:
    predicted = run("vm_snapshot", check=True, diff=True, name="before", **VM)
    assert (predicted["changed"], predicted["outcome"]) == (True, "created")
    assert predicted["diff"]["before"] == {}
    assert predicted["diff"]["after"]["metadata"]["name"] == "before"
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
def test_module_and_action_give_the_same_result(
    palette: Simulator, capsys: pytest.CaptureFixture[str], case: str
) -> None:
    name, args = CASES[case]
    of_module = run_as_module(capsys)(name, diff=True, **args)
    palette.reset()
    of_action = run_as_action(name, diff=True, **args)
    for result in (of_module, of_action):
        assert KEY not in json.dumps(result)
        assert "another-key" not in json.dumps(result)
    assert bool(of_action.get("warnings")) is (case in ("a warning", "restoring"))
    # In a process that is a controller, a module's warnings go to the screen.
    differing = {"ref", "snapshot", "exception", "warnings"}
    assert {k: steady(v) for k, v in of_action.items() if k not in differing} == {
        k: steady(v) for k, v in of_module.items() if k not in differing
    }


@pytest.mark.parametrize("style", ["invalid-key", "key-echo-401", "key-echo-404"])
def test_api_key_that_is_wrong_is_unauthorized_and_not_shown(
    palette: Simulator, run: Way, style: str
) -> None:
    palette.switch(auth_error_style=style)
    result = run("vm_snapshot", name="s", **{**VM, "api_key": "a-wrong-secret"})
    assert (result["failed"], result["reason"]) == (True, "unauthorized")
    assert "a-wrong-secret" not in json.dumps(result)


def test_problems_of_all_options_are_reported_together_before_any_request(
    palette: Simulator, run: Way
) -> None:
    palette.clear_requests()
    result = run(
        "vm_snapshot",
        **{**VM, "vm_name": ""},
        name="Before",
        deletion_policy="delete",
        failure_deadline="1d",
        retries=-1,
        poll_interval=0,
    )
    assert (result["failed"], result["reason"]) == (True, "invalid_parameters")
    problems = " ".join(result["problems"])
    for option in (
        "vm_name: ",
        "name: ",
        "deletion_policy: ",
        "failure_deadline: ",
        "retries: ",
        "poll_interval: ",
    ):
        assert option in problems
        assert option in result["msg"]
    assert palette.requests() == []


def test_project_uid_defaults_to_the_environment_unless_a_project_is_named(
    palette: Simulator, run: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PALETTE_PROJECT_UID", "0123456789abcdef00000002")
    clusters = {"cluster": "vm-cluster-3"}
    assert run("vm_snapshot_info", **clusters)["summary"]["total"] == 0
    named = run("vm_snapshot_info", project="Default", cluster="vm-cluster-1")
    assert named["summary"]["total"] > 0
    monkeypatch.delenv("PALETTE_PROJECT_UID")
    monkeypatch.setenv("SPECTROCLOUD_DEFAULT_PROJECT_ID", "0123456789abcdef00000001")
    assert run("vm_snapshot_info", **clusters)["reason"] == "not_found"


def test_project_that_may_not_be_looked_up_needs_its_uid(
    palette: Simulator, run: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    palette.switch(project_list="tenant-access")
    monkeypatch.setenv("PALETTE_API_KEY", "default-only-key")
    result = run("vm_snapshot_info", project="Default", cluster="vm-cluster-1")
    assert result["reason"] == "forbidden"
    assert "set project_uid instead of project" in result["msg"]
    assert "project.list" in result["msg"]
    of_uid = {"project_uid": "0123456789abcdef00000001", "cluster": "vm-cluster-1"}
    assert run("vm_snapshot_info", **of_uid)["summary"]["total"] > 0


@pytest.mark.parametrize("by", ["cluster", "all clusters"])
def test_cluster_that_is_not_running_is_told_before_and_where_a_request_fails(
    palette: Simulator, by: str
) -> None:
    palette.change_cluster("vm-cluster-1", state="Provisioning")
    selected = {"cluster": "vm-cluster-1"} if by == "cluster" else {"vm_names": ["db1"]}
    told = "Palette says that cluster vm-cluster-1 is Provisioning, not Running"
    # A client of its own, because a process looks up each name once.
    given: dict[str, Any] = {"project": "Default", "request_timeout": 20 + len(by), "retries": 0}
    tasks: list[tuple[str, dict[str, Any]]] = [
        ("vm_info", selected),
        ("vm_snapshot_info", selected),
        ("vm_snapshot_retention", {**selected, "keep_last": 99}),
        ("vm_snapshot_set", {**selected, "set": "s", "vm_names": ["db1"]}),
        ("vm_snapshot", {**VM, "name": "s"}),
    ]
    for name, options in tasks:
        result = run_as_action(name, check=True, **{**given, **options})
        assert f"{told}: requests for its VMs may fail" in result["warnings"]
    palette.sicken("vm-cluster-1", "500")
    for name, options in tasks:
        result = run_as_action(name, check=True, **{**given, **options})
        assert f"; {told}" in result["msg"]


@pytest.mark.parametrize("status", ["404", "500"])
def test_cluster_uid_of_the_tenant_is_read_without_the_project_that_was_given(
    palette: Simulator, status: str
) -> None:
    palette.switch(foreign_scope=status)
    options: dict[str, Any] = {"project": "Default", "cluster_uid": TENANT_CLUSTER, "retries": 0}
    found = run_as_action("vm_info", **options)
    assert found["summary"]["total"] > 0
    lists = [entry for entry in palette.requests() if entry["path"].endswith("/vms")]
    # Once with the project; from then on without it.
    assert [entry["status"] for entry in lists] == [200]
    vm = {key: found["vms"][0][key] for key in ("namespace", "vm_name")}
    made = run_as_action("vm_snapshot", **options, **vm, name="s", poll_interval=0.05)
    assert made["outcome"] == "created"


@pytest.mark.parametrize("uid", ["0123456789abcdef00000099", "0123456789abcdef00000021"])
def test_cluster_uid_of_no_tenant_is_not_read_without_the_project(
    palette: Simulator, uid: str
) -> None:
    palette.switch(foreign_scope="500")
    options: dict[str, Any] = {"project": "Default", "cluster_uid": uid, "retries": 0}
    result = run_as_action("vm_info", **options)
    assert "for a cluster in the tenant scope, set n" in result["msg"]
    asked = [entry for entry in palette.requests() if "/vms" in entry["path"]]
    assert len(asked) == 1


def test_host_and_api_key_default_to_the_vendors_environment_variables_too(
    palette: Simulator, run: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    for ours, theirs in (
        ("PALETTE_HOST", "SPECTROCLOUD_HOST"),
        ("PALETTE_API_KEY", "SPECTROCLOUD_APIKEY"),
    ):
        monkeypatch.setenv(theirs, os.environ[ours])
        assert run("vm_snapshot_info", project="Default")["summary"]["total"] > 0
        monkeypatch.delenv(ours)
    assert run("vm_snapshot_info", project="Default")["summary"]["total"] > 0


# As a module only


@pytest.mark.parametrize("library", ["requests", "jsonschema"])
def test_run_module_names_a_missing_library_and_the_interpreter(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, library: str
) -> None:
    monkeypatch.setitem(base._LIBRARIES, library, "Traceback: it is not there")
    result = run_as_module(capsys)("vm_snapshot", name="s", api_key="x", **VM)
    assert result["reason"] == "missing_library"
    assert library in result["msg"]
    assert "Python" in result["msg"]


@pytest.mark.parametrize("sign", ["file", "variable", ""])
def test_missing_libraries_says_what_to_do_in_a_container(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, sign: str
) -> None:
    monkeypatch.setitem(base._LIBRARIES, "requests", "Traceback: it is not there")
    monkeypatch.setattr(base, "_CONTAINER_FILES", (str(tmp_path / "sign"),))
    for variable in base._CONTAINER_VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    if sign == "file":
        (tmp_path / "sign").touch()
    if sign == "variable":
        monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    ((message, _traceback),) = base.missing_libraries()
    assert ("execution environment of AWX" in message) == bool(sign)


# Errors


def test_result_of_an_error_does_not_show_the_api_key() -> None:
    def run(invocation: Invocation, _request: object) -> Result:
        key = invocation.options["api_key"]
        raise ApiError("conflict", f"taken by {key}", status={"a": [key]})

    result = failure_of(MODULE._replace(run=run))
    assert result["reason"] == "conflict"
    assert result["status"]
    assert "s3cr3t" not in json.dumps(result)


def test_result_of_a_bug_has_a_reason_and_does_not_show_the_api_key() -> None:
    def stumble(_invocation: Invocation, _request: object) -> Result:
        raise KeyError("the key is s3cr3t")

    result = failure_of(MODULE._replace(run=stumble))
    assert result["reason"] == "internal_error"
    assert "KeyError" in result["msg"]
    assert "/issues" in result["msg"]
    assert "in stumble" in result["exception"]
    assert "s3cr3t" not in str(result)


def test_result_of_problems_is_a_failure_before_run() -> None:
    def run(_invocation: Invocation, _request: object) -> Result:
        raise AssertionError

    problem = option_problem("name", "is wrong", "db1")
    result = failure_of(MODULE._replace(read=lambda _invocation: (None, [problem]), run=run))
    assert result["reason"] == "invalid_parameters"
    assert result["problems"] == ["name: is wrong; for example: name: db1"]


def test_result_of_an_answer_that_makes_no_sense_is_malformed_response(
    bare_environment: None,
) -> None:
    with ScriptedServer.running() as server:
        server.script(Answer({"items": [{"metadata": {"name": "x"}}]}))
        args: dict[str, Any] = {**GOOD, "host": server.url, "project": "p", "rate_limit": 0}
        result = run_as_action("vm_snapshot", **args)
    assert (result["failed"], result["reason"]) == (True, "malformed_response")


# Options


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (["db1", " db2 "], ["db1", "db2"]),
        (["db*\nweb*"], ["db*", "web*"]),
        (["db*\r\nweb*\r\n"], ["db*", "web*"]),
        (["db1\n"], ["db1"]),
        (["db1", "\n", "\r\n db2"], ["db1", "db2"]),
        (["db1\n\n db2 \n", "web1"], ["db1", "db2", "web1"]),
        (["\n"], []),
        (["\r\n"], []),
        # An item that got lost is for the checks to tell, and what is no text is left alone.
        (["db1", " "], ["db1", ""]),
        ([{"vm_name": " a "}, 7], [{"vm_name": " a "}, 7]),
        ("a-key\n", "a-key"),
        (" n ", "n"),
        (True, True),
        ({"a": " b "}, {"a": " b "}),
        (None, None),
    ],
)
def test_tidied_reads_texts_and_lists_as_they_are_meant(given: Any, meant: Any) -> None:
    assert tidied({"option": given}) == {"option": meant}


def test_list_options_may_be_text_with_commas_or_on_lines(palette: Simulator, run: Way) -> None:
    place = {"project": "Default", "cluster": "vm-cluster-1"}
    listed = run("vm_snapshot_info", vm_names=["history", "db1"], **place)["snapshots"]
    assert listed
    for text in ("history, db1", "history\ndb1", "history\r\ndb1\r\n"):
        assert len(run("vm_snapshot_info", vm_names=text, **place)["snapshots"]) == len(listed)
    for text in ("history,db1", "hist*\ndb1\n"):
        left = run("vm_snapshot_info", exclude=text, **place)["snapshots"]
        assert {snapshot["vm_name"] for snapshot in left}.isdisjoint({"history", "db1"})


def test_api_key_with_a_trailing_newline_is_the_key(palette: Simulator, run: Way) -> None:
    result = run("vm_snapshot_info", project="Default", api_key=f"{KEY}\n")
    assert result["summary"]["total"] > 0


# The environment


def test_env_if_set_takes_an_empty_variable_for_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OURS", "")
    monkeypatch.setenv("THEIRS", "theirs")
    assert env_if_set("OURS", "THEIRS") == "theirs"
    monkeypatch.setenv("OURS", "ours")
    assert env_if_set("OURS", "THEIRS") == "ours"
    monkeypatch.setenv("OURS", "")
    monkeypatch.delenv("THEIRS")
    with pytest.raises(AnsibleFallbackNotFound):
        env_if_set("OURS", "THEIRS")


def test_host_key_and_ca_that_are_empty_in_the_environment_count_as_unset(
    bare_environment: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("PALETTE_HOST", "PALETTE_API_KEY", "PALETTE_CA_FILE"):
        monkeypatch.setenv(variable, "")
    monkeypatch.setenv("SPECTROCLOUD_APIKEY", "theirs")
    args = {name: value for name, value in GOOD.items() if name != "api_key"}
    options = action_of("vm_snapshot", args)._check_options(args).validated_parameters
    assert options["host"] == "https://api.spectrocloud.com"
    assert (options["api_key"], options["ca_path"]) == ("theirs", None)


def test_with_default_project_prefers_the_tasks_own(
    bare_environment: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PALETTE_PROJECT_UID", "ours")
    monkeypatch.setenv("SPECTROCLOUD_DEFAULT_PROJECT_ID", "theirs")
    monkeypatch.setenv("PALETTE_PROJECT", "by-name")
    assert with_default_project({"project": None})["project_uid"] == "ours"
    for given in ({"project": "p", "project_uid": None}, {"project": None, "project_uid": "u"}):
        assert with_default_project(given) == given
    monkeypatch.setenv("PALETTE_PROJECT_UID", "")
    assert with_default_project({})["project_uid"] == "theirs"
    monkeypatch.setenv("SPECTROCLOUD_DEFAULT_PROJECT_ID", " ")
    assert with_default_project({"project_uid": None}) == {
        "project": "by-name",
        "project_uid": None,
    }
    monkeypatch.setenv("PALETTE_PROJECT", "")
    assert with_default_project({})["project"] is None


def test_palette_project_names_the_project(
    palette: Simulator, run: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PALETTE_PROJECT", "Default")
    assert run("vm_snapshot_info", cluster="vm-cluster-1")["summary"]["total"] > 0
    monkeypatch.setenv("PALETTE_PROJECT", "Defautl")
    wrong = run("vm_snapshot_info", cluster="vm-cluster-1")
    assert (wrong["failed"], wrong["reason"]) == (True, "not_found")
    assert "'Defautl'" in wrong["msg"]


# Warnings


def test_validate_certs_false_warns_once(palette: Simulator) -> None:
    args: dict[str, Any] = {"project": "Default", "cluster": "vm-cluster-1"}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = run_as_action("vm_snapshot_info", validate_certs=False, **args)
    (warning,) = result["warnings"]
    assert warning.startswith("validate_certs: false: anybody between here and https://")
    assert "set ca_path instead" in warning
    assert "warnings" not in run_as_action("vm_snapshot_info", **args)

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Both ways to run a module's code: as a module, and as an action in the controller's worker."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.module_utils import basic
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

from ansible_collections.spectrocloud.palette.plugins.plugin_utils.in_process import InProcessAction

try:
    from ansible.module_utils.testing import patch_module_args
except ImportError:  # before ansible-core 2.19
    patch_module_args = None

PLUGINS = "ansible_collections.spectrocloud.palette.plugins"
# Options that vm_snapshot accepts.
GOOD = {"name": "s", "api_key": "x", "cluster_uid": "c", "vm_name": "v", "namespace": "n"}

Result = dict[str, Any]
# Takes a module's name, check and diff, and its options.
Way = Callable[..., Result]


class Connection(SimpleNamespace):
    """What an action asks of a connection; local unless changed."""

    def __init__(self) -> None:
        shell = SimpleNamespace(tmpdir="/nowhere", env_prefix=lambda **_variables: "")
        super().__init__(transport="local", become=None, has_native_async=False, _shell=shell)


class ModuleExecuted(Exception):  # noqa: N818 - no error
    """The action lets the module run; args: how."""


def action_of(name: str, args: Mapping[str, Any], **task: Any) -> InProcessAction:
    """Return a module's action for a task, over a local connection."""
    described = {
        "action": f"spectrocloud.palette.{name}",
        "resolved_action": f"spectrocloud.palette.{name}",
        "args": dict(args),
        "async_val": 0,
        "delegate_to": None,
        "check_mode": False,
        "diff": False,
        "environment": [],
        **task,
    }
    action: InProcessAction = import_module(f"{PLUGINS}.action.{name}").ActionModule(
        SimpleNamespace(**described),
        Connection(),
        SimpleNamespace(),
        DataLoader(),
        Templar(loader=DataLoader()),
        None,
    )

    def execute_module(**how: Any) -> Result:
        raise ModuleExecuted(how)

    action._execute_module = execute_module
    return action


def run_as_action(name: str, /, check: bool = False, diff: bool = False, **args: Any) -> Result:
    """Run a module's code as its action."""
    return action_of(name, args, check_mode=check, diff=diff).run(task_vars={})


def run_as_module(capsys: pytest.CaptureFixture[str]) -> Way:
    """Return what runs a module's code as a module."""

    def run(name: str, /, check: bool = False, diff: bool = False, **args: Any) -> Result:
        main = import_module(f"{PLUGINS}.modules.{name}").main
        given = {**args, "_ansible_check_mode": check, "_ansible_diff": diff}
        with _module_args(given), pytest.raises(SystemExit) as ended:
            main()
        result: Result = json.loads(capsys.readouterr().out)
        assert bool(ended.value.code) is result.get("failed", False)
        result.pop("invocation", None)
        # What ansible-core 2.22 tells the controller to mask; the controller takes it out.
        result.pop("_ansible_new_secrets", None)
        return result

    return run


def _module_args(args: Mapping[str, Any]) -> AbstractContextManager[None]:
    if patch_module_args:
        patched: AbstractContextManager[None] = patch_module_args(dict(args))
        return patched
    basic._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": args}).encode()
    return nullcontext()

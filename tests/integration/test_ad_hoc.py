# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ad hoc commands of the docs work as they stand, in their order, for each module."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

from ansible.parsing.splitter import parse_kv

from checkout import CHECKOUT
from integration.runs import Ansible
from palette_simulator.launch import Simulator

PAGE = (CHECKOUT / "docs" / "ad-hoc.md").read_text("utf-8")
TYPED = "".join(re.findall(r"^```shell\n(.*?)^```", PAGE, re.M | re.S)).splitlines()
LINES = [line for line in TYPED if line.startswith("ansible localhost ")]
OTHERS = [line for line in TYPED if line not in LINES]
((FILE, CONTENT),) = re.findall(r"^```yaml\n# (\S+)\n(.*?)^```", PAGE, re.M | re.S)
MODULES = CHECKOUT / "plugins" / "modules"
FLAGS = ("--check", "--diff")


def task_of(line: str) -> dict[str, Any]:
    """Return the task of a command, whose options are read as the command reads them."""
    words = shlex.split(line)
    flags = [word for word in words if word in FLAGS]
    rest = [word for word in words if word not in FLAGS]
    program, host, m, module, a, options = rest
    assert (program, host, m, a) == ("ansible", "localhost", "-m", "-a")
    given = json.loads(options) if options.startswith("{") else parse_kv(options)
    return {
        "name": line,
        module: given,
        **{flag.removeprefix("--").replace("check", "check_mode"): True for flag in flags},
    }


def test_each_module_has_a_command() -> None:
    named = {word for line in LINES for word in shlex.split(line)}
    modules = {f"spectrocloud.palette.{path.stem}" for path in MODULES.glob("vm_*.py")}
    assert modules <= named


def test_each_command_works(tmp_path: Path) -> None:
    """All in one play: a process for each would take ten times as long."""
    with Simulator.running("demo", timing="fast", rate_limits="off") as palette:
        around: dict[str, Any] = {"PALETTE_HOST": palette.url, "PALETTE_API_KEY": "demo-key"}
        run = Ansible(tmp_path).play([task_of(line) for line in LINES], **around).ok()
        assert "[WARNING]" not in run.output
        assert [record["task"] for record in run.records] == LINES
        # And some by themselves.
        assert '"summary"' in Ansible(tmp_path).run(*shlex.split(LINES[0]), **around).ok().output
        (tmp_path / FILE).write_text(CONTENT, encoding="utf-8")
        for line in OTHERS:
            shown = Ansible(tmp_path).run(*shlex.split(line), **around).ok().output
            assert "db1.vms.vm-cluster-1" in shown
    results = {record["task"]: record["result"] for record in run.records}
    restored = [r for line, r in results.items() if "vm_restore" in line]
    assert [r["outcome"] for r in restored if "outcome" in r] == ["restored"]
    assert [r["summary"]["restored"] for r in restored if "summary" in r] == [2]
    (kept, emptied) = (r for line, r in results.items() if "retention" in line)
    assert kept["summary"]["kept"] == emptied["summary"]["kept"] == 2
    assert results[LINES[-1]]["summary"]["deleted"] == 2

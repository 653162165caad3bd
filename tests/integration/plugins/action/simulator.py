# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Turns the knobs of the play's simulator, and reads its log, without starting a process for it."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

from ansible.plugins.action import ActionBase

_POWER = ("start_vm", "stop_vm", "restart_vm", "pause_vm", "resume_vm")
_OF_THE_CLUSTER = ("k8s_create_restore", "k8s_patch_restore", "k8s_delete_restore", "k8s_patch_vm")
_WRITES = ("create_snapshot", "update_snapshot", "delete_snapshot", *_POWER, *_OF_THE_CLUSTER)


def _refused_for_a_lock(entry: dict[str, Any]) -> bool:
    """Say whether a VM was not started because a snapshot has it: how often is a matter of time."""
    return bool(entry["operation"] == "start_vm" and entry["status"] == 500)


class ActionModule(ActionBase):  # type: ignore[misc]  # ansible-core is untyped
    """Changes and reads the simulator that the host's variable palette_url names.

    Options: reset, switches, vms (``{cluster/namespace/vm: fields}``), deleted (VMs), made (like
    vms; one that exists is made again), faults (those there were are gone), sick (``{cluster:
    {kind: …, since: …}}``), healed (clusters); all may be left out.
    Result: the requests logged since the last use, the operations among them that write, the faults
    that were to strike a number of times and have not, and strikes: how many requests each sick
    cluster has let fail so far.
    """

    _VALID_ARGS = frozenset(
        ("reset", "switches", "vms", "deleted", "made", "faults", "sick", "healed")
    )

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Turn the knobs, then read the log and clear it."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        self._url = (task_vars or {})["palette_url"]
        args = json.loads(json.dumps(self._task.args))
        unused = [fault for fault in self._ask("GET", "faults") if fault["times"]]
        strikes = {sick["cluster"]: sick["strikes"] for sick in self._ask("GET", "sick")}
        if args.get("reset"):
            self._ask("POST", "reset")
        if args.get("reset") or "faults" in args:
            self._ask("DELETE", "faults")
        if args.get("switches"):
            self._ask("POST", "switches", args["switches"])
        for path, fields in args.get("vms", {}).items():
            self._ask("POST", f"vms/{path}", fields)
        for path in args.get("deleted", []):
            self._ask("DELETE", f"vms/{path}")
        for path, fields in args.get("made", {}).items():
            self._ask("PUT", f"vms/{path}", fields)
        for cluster in args.get("healed", []):
            self._ask("DELETE", f"sick/{cluster}")
        for cluster, complaint in args.get("sick", {}).items():
            self._ask("POST", f"sick/{cluster}", complaint)
        log = self._ask("GET", "requests")
        self._ask("DELETE", "requests")
        if args.get("faults"):
            self._ask("POST", "faults", args["faults"])
        requests = [
            {key: entry[key] for key in ("method", "path", "query", "status")} for entry in log
        ]
        writes = [
            entry["operation"]
            for entry in log
            if entry["operation"] in _WRITES and not _refused_for_a_lock(entry)
        ]
        told = {"requests": requests, "writes": writes, "unused": unused, "strikes": strikes}
        return {**result, **told}

    def _ask(self, method: str, path: str, body: object = None) -> Any:
        request = urllib.request.Request(  # noqa: S310 - always our own server
            f"{self._url}/_simulator/{path}",
            data=None if body is None else json.dumps(body).encode(),
            method=method,
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request) as response:
            return json.load(response)

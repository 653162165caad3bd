# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Three hundred VMs go back as a set, over HTTP: with how many requests, and how many at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from palette_simulator.launch import Simulator
from unit.ways_in import run_as_action

VMS, WINDOW, PAGE = 300, 40, 100
REFUSED: dict[str, Any] = {
    "action": "status",
    "status": 403,
    "body": {"kind": "Status", "status": "Failure", "reason": "Forbidden", "message": "no"},
}
FLEET: dict[str, Any] = {"project": "Default", "cluster": "vm-cluster-1", "namespace": "fleet"}


def most_in_progress(entries: Iterable[Mapping[str, Any]]) -> int:
    """Return how many restores were in progress at most, as far as polls had told by then."""
    created, complete, most = 0, set[str](), 0
    for entry in entries:
        created += entry["operation"] == "k8s_create_restore" and entry["status"] == 201
        if entry["operation"] == "k8s_list_restores":
            listed = entry["response"]["items"]
            done = (each for each in listed if each.get("status", {}).get("complete"))
            complete |= {each["metadata"]["name"] for each in done}
        most = max(most, created - len(complete))
    return most


def test_all_but_one_go_back(bare_environment: None, monkeypatch: pytest.MonkeyPatch) -> None:
    with Simulator.running(
        vms=VMS, vm_namespaces="fleet", timing="fast", rate_limits="off", log_bodies=True
    ) as palette:
        monkeypatch.setenv("PALETTE_HOST", palette.url)
        monkeypatch.setenv("PALETTE_API_KEY", "demo-key")
        taken = run_as_action("vm_snapshot_set", set="patch", **FLEET, rate_limit=0)
        assert taken["summary"]["created"] == VMS
        palette.clear_requests()
        palette.inject({**REFUSED, "method": "POST", "path": "/virtualmachinerestores$"})

        result = run_as_action(
            "vm_restore_set",
            set="patch",
            all=True,
            **FLEET,
            stop=True,
            max_in_progress=str(WINDOW),
            rate_limit=0,
            poll_interval=0.5,
        )

        entries = palette.requests()
    assert result["reason"] == "vms_failed"
    assert (result["summary"]["restored"], result["summary"]["failed"]) == (VMS - 1, 1)
    assert most_in_progress(entries) <= WINDOW
    counts = Counter(entry["operation"] for entry in entries)
    # Each VM costs three writes, and no read of its own.
    writes = ("k8s_create_restore", "start_vm", "k8s_patch_restore")
    assert [counts.pop(name) for name in writes] == [VMS - 1] * 3
    assert counts.pop("unknown") == 1  # the one that was refused
    # What is there is observed by one list of each kind.
    assert counts.pop("get_admin_kubeconfig") == 1
    assert counts.pop("k8s_list_vms") == VMS // PAGE
    polls = {"k8s_list_restores", "k8s_list_instances"}
    assert all(counts[name] > VMS // PAGE for name in polls)
    assert sum(count for name, count in counts.items() if name not in polls) < 20, counts

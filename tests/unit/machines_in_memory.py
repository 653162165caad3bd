# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The VMs of a Palette in memory that are started and stopped, as KubeVirt does it."""

from __future__ import annotations

import json
from typing import NoReturn

from ansible_collections.spectrocloud.palette.plugins.module_utils._palette.errors import (
    from_answer,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._palette.objects import (
    write_time,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._vms.model import VmKey
from unit.builders import Json
from unit.palette_in_memory import Call, Course, MemoryPalette, Stored

_BY_REQUEST = ("Manual", "RerunOnFailure")
_VM = 'virtualmachine.kubevirt.io "{name}"'
_LOCKED = (
    'Internal error occurred: admission webhook "virtualmachine-validator.kubevirt.io" denied the '
    "request: Cannot update {what} until {why} completes"
)


class Machines(MemoryPalette):
    """Palette with power calls.

    takes: seconds from a call to its end; a restart takes twice as long. answer: the status of all
    refusals, None for KubeVirt's own. A snapshot in progress has its VM.
    """

    def __init__(self) -> None:
        """Have no VM."""
        super().__init__()
        self.takes = 2.0
        self.answer: int | None = None
        self._to_come: list[tuple[float, VmKey, str]] = []
        self._held: set[VmKey] = set()

    def add(
        self, key: VmKey, power: str = "Running", strategy: str = "", **status: object
    ) -> VmKey:
        """Let there be a VM that is Running, Paused, Stopped, Starting or Stopping."""
        self.add_vm(key)
        off = power in ("Stopped", "Stopping")
        self.vms[key]["spec"] = {"runStrategy": strategy or ("Halted" if off else "Always")}
        self._show(key, power)
        self.vms[key]["status"].update(status)
        return key

    def then(self, seconds: float, key: VmKey, power: str) -> None:
        """Let a VM be in another state, so many seconds from now; ``free`` ends what has it."""
        self._to_come.append((self.clock.now + seconds, key, power))

    def state(self, key: VmKey) -> str:
        """Return what Palette shows a VM as."""
        self._sweep()
        shown: str = self.vms[key]["status"]["printableStatus"]
        return shown

    def powers(self) -> list[str]:
        """Return the power calls so far: verb and VM."""
        return [f"{call.name} {call.vm_name}" for call in self.writes("PUT")]

    def _sweep(self) -> None:
        super()._sweep()
        for due in sorted(self._to_come):
            if due[0] <= self.clock.now:
                self._to_come.remove(due)
                if due[1] in self.vms:
                    self._show(*due[1:])
        self._lock_vms()

    def _lock_vms(self) -> None:
        """Let each VM have the lock of its snapshot in progress."""
        shown = [
            (stored, stored.shown(self.clock.now).get("status", {}))
            for stored in self.stored.values()
        ]
        holders = {
            stored.key: stored.metadata["name"]
            for stored, status in shown
            if status.get("phase", "InProgress") == "InProgress" and not status.get("readyToUse")
        }
        for key in self._held - holders.keys():
            self.vms[key]["status"].pop("snapshotInProgress", None)
        self._held = {key for key in holders if key in self.vms}
        for key in self._held:
            self.vms[key]["status"]["snapshotInProgress"] = holders[key]

    def _store(self, key: VmKey, body: Json, course: Course, age: float = 0.0) -> Stored:
        if key in self.vms and not self.vms[key]["status"].get("created"):
            # Nothing is said of how a VM that is off was treated.
            told = ("indications",)
            course = tuple({k: v for k, v in status.items() if k not in told} for status in course)
        return super()._store(key, body, course, age)

    def _show(self, key: VmKey, power: str) -> None:
        status = self.vms[key]["status"]
        if power == "free":
            status.pop("snapshotInProgress", None)
            status.pop("restoreInProgress", None)
            return
        if power != "Stopped":
            status.pop("stateChangeRequests", None)
        ready = power in ("Running", "Paused", "Migrating")
        was = {each["type"]: each for each in status.get("conditions", [])}.get("Ready", {})
        since = was.get("lastTransitionTime")
        if not since or was["status"] != str(ready):
            since = write_time(self.now)
        conditions = [{"type": "Ready", "status": str(ready), "lastTransitionTime": since}]
        if power == "Paused":
            conditions.append({"type": "Paused", "status": "True"})
        status.update(printableStatus=power, conditions=conditions)
        status.update(created=power != "Stopped", ready=ready)

    def _put(self, call: Call) -> Json:
        if call.body is not None:
            return super()._put(call)
        key = VmKey(call.cluster_uid, call.query["namespace"], call.vm_name)
        if key not in self.vms:
            self._refuse(call, 404, f"{_VM.format(name=key.vm_name)} not found")
        calls = {
            "start": self._start,
            "stop": self._stop,
            "restart": self._restart,
            "pause": self._pause,
            "resume": self._resume,
        }
        calls[call.name](call, key)
        return {}

    def _start(self, call: Call, key: VmKey) -> None:
        if self._has_instance(key):
            self._conflict(call, "VM is already running")
        strategy = self.vms[key]["spec"]["runStrategy"]
        if strategy in ("Always", "Once"):
            self._conflict(call, f"{strategy} does not support manual start requests")
        self._demand_unlocked(call, key)
        if strategy not in _BY_REQUEST:
            self.vms[key]["spec"]["runStrategy"] = "Always"
        self._show(key, "Starting")
        self.then(self.takes, key, "Running")

    def _stop(self, call: Call, key: VmKey) -> None:
        strategy = self.vms[key]["spec"]["runStrategy"]
        if not self._has_instance(key) and strategy not in ("Always", "Once"):
            self._conflict(call, "VM is not running")
        if strategy == "Halted":
            text = "Halted only supports manual stop requests with a shorter graceperiod"
            self._conflict(call, text)
        self._demand_unlocked(call, key)
        if strategy not in _BY_REQUEST:
            self.vms[key]["spec"]["runStrategy"] = "Halted"
        if not self._has_instance(key):
            self._show(key, "Stopped")
            return
        # For a moment, only the run strategy shows that it was carried out.
        self.then(0.1, key, "Stopping")
        self.then(self.takes, key, "Stopped")

    def _restart(self, call: Call, key: VmKey) -> None:
        strategy = self.vms[key]["spec"]["runStrategy"]
        if strategy in ("Halted", "Once"):
            text = f"RunStategy {strategy} does not support manual restart requests"
            self._conflict(call, text)
        if not self.vms[key]["status"]["created"]:
            self._conflict(call, "VM is not running")
        self.then(0.1, key, "Stopping")
        self.then(self.takes, key, "Starting")
        self.then(2 * self.takes, key, "Running")

    def _pause(self, call: Call, key: VmKey) -> None:
        self._demand_instance(call, key)
        shown = self.vms[key]["status"]["printableStatus"]
        if shown == "Migrating":
            text = f"Cannot pause VM '{key.vm_name}' because it is currently being migrated"
            self._conflict(call, text)
        if shown != "Running":
            text = "VMI is already paused" if shown == "Paused" else "VM is not running"
            self._conflict(call, text)
        self._show(key, "Paused")

    def _resume(self, call: Call, key: VmKey) -> None:
        self._demand_instance(call, key)
        if self.vms[key]["status"]["printableStatus"] != "Paused":
            self._conflict(call, "VMI is not paused")
        if self.vms[key]["status"].get("snapshotInProgress"):
            self._conflict(call, "VM snapshot is in progress")
        self._show(key, "Running")

    def _has_instance(self, key: VmKey) -> bool:
        """Say whether a VM has an instance that has not ended."""
        status = self.vms[key]["status"]
        return bool(status["created"]) and status["printableStatus"] != "Stopped"

    def _demand_instance(self, call: Call, key: VmKey) -> None:
        if not self.vms[key]["status"]["created"]:
            text = f'virtualmachineinstance.kubevirt.io "{key.vm_name}" not found'
            self._refuse(call, 404, text)

    def _demand_unlocked(self, call: Call, key: VmKey) -> None:
        status = self.vms[key]["status"]
        if status.get("snapshotInProgress"):
            why = f'snapshot "{status["snapshotInProgress"]}"'
            self._refuse(call, 500, _LOCKED.format(what="vm running state", why=why))
        if status.get("restoreInProgress"):
            why = f'restore "{status["restoreInProgress"]}"'
            self._refuse(call, 500, _LOCKED.format(what="VM runStrategy", why=why))

    def _conflict(self, call: Call, text: str) -> NoReturn:
        vm = _VM.format(name=call.vm_name)
        self._refuse(call, 409, f"Operation cannot be fulfilled on {vm}: {text}")

    def _refuse(self, call: Call, status: int, text: str) -> NoReturn:
        body = json.dumps({"code": "Any", "message": text})
        raise from_answer(f"PUT {call.path}", self.answer or status, body, "")

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster's own API in memory, with KubeVirt's restores: no HTTP, and no time passes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from copy import deepcopy
from typing import Any

from ansible_collections.spectrocloud.palette.plugins.module_utils._http.errors import ApiError
from ansible_collections.spectrocloud.palette.plugins.module_utils._kubernetes.cluster import (
    ClusterApi,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._palette.objects import (
    write_time,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._vms.model import VmKey
from unit.builders import Json
from unit.module_utils._restores.restores import (
    COMPLETE,
    CREATING,
    INITIALIZING,
    instance_manifest,
    machine_manifest,
)
from unit.palette_in_memory import Call, MemoryPalette

# The statuses of a restore, one after the other: each lasts a second, and the last one stays.
Course = Sequence[Json]
ENDS_WELL: Course = ({}, INITIALIZING, CREATING, COMPLETE)
NEVER_ENDS: Course = (INITIALIZING,)

_SINCE_1_5 = ("targetReadinessPolicy",)
_SINCE_1_6 = ("volumeRestorePolicy",)

_STOPPING = 1.0  # seconds
_STARTING = 1.0


class MemoryCluster(ClusterApi):
    """KubeVirt over dicts. A stop takes a second, as does a start.

    kubevirt: its version, such as 1.4, of which some know fewer fields and stop no VM.
    palette: whose VMs and clock these are. course: of the restores to come. held: what the spec of
    each VM has besides, in its snapshots.
    before, after: called with the name of each write, before it is carried out and after; both may
    raise what becomes of the answer. writes: their names so far, and those of power calls.
    """

    def __init__(self, palette: MemoryPalette) -> None:
        """Be empty."""
        self.palette = palette
        self.kubevirt = "1.6"
        self.machines: dict[VmKey, Json] = {}
        self.running: dict[VmKey, Json] = {}
        self.course = ENDS_WELL
        self.found: dict[tuple[str, str], Json] = {}
        self.held: Json = {}
        self.writes: list[str] = []
        self.before: Callable[[str], None] = lambda _write: None
        self.after: Callable[[str], None] = lambda _write: None
        self._begun: dict[tuple[str, str], float] = {}
        self._courses: dict[tuple[str, str], Course] = {}
        self._done: set[tuple[str, str]] = set()
        self._gone_at: dict[VmKey, float] = {}
        self._ready_at: dict[VmKey, float] = {}

    # For tests

    def add_vm(self, key: VmKey, strategy: str = "Always") -> VmKey:
        """Let there be a VM, which runs unless its strategy says otherwise."""
        self.palette.add_vm(key)
        self.machines[key] = machine_manifest(key, strategy)
        if strategy != "Halted":
            self.running[key] = instance_manifest(key, self.palette.now)
        return key

    def runs(self, key: VmKey) -> bool:
        """Say whether a VM runs, and is not about to stop."""
        self._pass()
        return key in self.running and key not in self._gone_at

    def power(self, verb: str, vm_name: str, namespace: str) -> None:
        """Start or stop a VM, as Palette does it for its cluster."""
        self.before(verb)
        key = next(k for k in self.machines if k[1:] == (namespace, vm_name))
        self._pass()
        if verb == "start":
            self._start(key)
        else:
            self._stop(key)
        self.writes.append(verb)
        self.after(verb)

    # For the collection

    def vm(self, namespace: str, name: str) -> Json:
        """Return a VM."""
        for key, body in self.machines.items():
            if key[1:] == (namespace, name):
                return deepcopy(body)
        raise ApiError("not_found", f'virtualmachines "{name}" not found')

    def vms(self, read: Callable[[Any], Any], namespaces: Collection[str] = ()) -> list[Any]:
        """Return all VMs."""
        del namespaces
        return [read(deepcopy(body)) for body in self.machines.values()]

    def instances(self, read: Callable[[Any], Any], namespaces: Collection[str] = ()) -> list[Any]:
        """Return the instances that there are now."""
        del namespaces
        self._pass()
        return [read(self._instance(key)) for key in self.running]

    def restores(self, read: Callable[[Any], Any], namespaces: Collection[str] = ()) -> list[Any]:
        """Return the restores as they are now."""
        del namespaces
        self._pass()
        return [read(self._shown(place)) for place in self.found]

    def restore(self, namespace: str, name: str) -> Json:
        """Return a restore."""
        if (namespace, name) not in self.found:
            raise ApiError("not_found", f'virtualmachinerestores "{name}" not found')
        return self._shown((namespace, name))

    def snapshot_content(self, namespace: str, name: str) -> Json:
        """Return what a snapshot holds of a VM: all VMs have the same spec."""
        del namespace, name
        spec = deepcopy(next(iter(self.machines.values()))["spec"])
        spec["template"]["spec"].update(self.held.get("template", {}).get("spec", {}))
        return {"spec": {"source": {"virtualMachine": {"spec": spec}}}}

    def create_restore(self, namespace: str, body: Json) -> Json:
        """Create a restore, or refuse it as KubeVirt's webhook does."""
        self.before("create")
        self._pass()
        place = namespace, body["metadata"]["name"]
        body = self._pruned(body)
        target = body["spec"]["target"]["name"]
        self._demand_off(target)
        for other in self.found:
            shown = self._shown(other)
            if shown["spec"]["target"]["name"] == target and not _complete(shown):
                text = f'denied the request: VirtualMachineRestore "{other[1]}" in progress'
                raise ApiError("rejected", text, http_status=422)
        if place in self.found:
            raise ApiError("already_exists", f'"{place[1]}" already exists', http_status=409)
        made = {"uid": f"uid-{place[1]}", "creationTimestamp": write_time(self.palette.now)}
        whole = deepcopy(body)
        whole["metadata"].update(made)
        self.found[place] = whole
        self._courses[place] = self.course
        key = next(key for key in self.machines if key[1:] == (namespace, target))
        if body["spec"].get("targetReadinessPolicy") == "StopTarget" and key in self.running:
            self._stop(key)
        self.writes.append("create")
        self.after("create")
        return self._shown(place)

    def _pruned(self, body: Json) -> Json:
        """Return a restore without what its KubeVirt does not know."""
        unknown = {"1.6": (), "1.5": _SINCE_1_6}.get(self.kubevirt, (*_SINCE_1_6, *_SINCE_1_5))
        spec = {name: value for name, value in body["spec"].items() if name not in unknown}
        return {**body, "spec": spec}

    def _demand_off(self, vm_name: str) -> None:
        """Refuse a VM that is not off, as KubeVirt up to 1.4 does."""
        key = next(key for key in self.machines if key.vm_name == vm_name)
        texts = {
            "1.4": "is not stopped" if key in self.running else "",
            "1.4.0": "run strategy has to be Halted" if self._strategy(key) != "Halted" else "",
        }
        text = texts.get(self.kubevirt)
        if text:
            why = f'denied the request: VirtualMachine "{vm_name}" {text}'
            raise ApiError("rejected", why, http_status=422)

    def _strategy(self, key: VmKey) -> str:
        strategy: str = self.machines[key]["spec"]["runStrategy"]
        return strategy

    def annotate_restore(
        self, namespace: str, name: str, annotations: dict[str, str | None]
    ) -> Json:
        """Change a restore's annotations."""
        self.before("close")
        body = self._there(namespace, name)
        body["metadata"]["annotations"].update(annotations)
        self.writes.append("close")
        self.after("close")
        return self._shown((namespace, name))

    def delete_restore(self, namespace: str, name: str, uid: str = "") -> None:
        """Delete a restore at once."""
        self.before("delete")
        assert uid in ("", self._there(namespace, name)["metadata"]["uid"])
        del self.found[namespace, name]
        self.writes.append("delete")
        self.after("delete")

    def _there(self, namespace: str, name: str) -> Json:
        if (namespace, name) not in self.found:
            raise ApiError("not_found", f'virtualmachinerestores "{name}" not found')
        return self.found[namespace, name]

    def annotate_vm(self, namespace: str, name: str, annotations: dict[str, str | None]) -> Json:
        """Change a VM's annotations."""
        write = "forget" if None in annotations.values() else "record"
        self.before(write)
        self.vm(namespace, name)
        key = next(key for key in self.machines if key[1:] == (namespace, name))
        kept = {**self.machines[key]["metadata"]["annotations"], **annotations}
        told = {name: text for name, text in kept.items() if text is not None}
        self.machines[key]["metadata"]["annotations"] = told
        self.writes.append(write)
        self.after(write)
        return deepcopy(self.machines[key])

    def _start(self, key: VmKey) -> None:
        if key in self.running:
            raise ApiError("conflict", "VM is already running", http_status=409)
        self._set_strategy(key, "Always")
        self.running[key] = instance_manifest(key, self.palette.now, "Scheduling")
        self._ready_at[key] = self.palette.clock.now + _STARTING

    def _stop(self, key: VmKey) -> None:
        spec = self.machines[key]["spec"]
        if key not in self.running and spec["runStrategy"] != "Always":
            raise ApiError("conflict", "VM is not running", http_status=409)
        self._set_strategy(key, "Halted")
        if key not in self.running:
            return
        self.running[key]["metadata"]["deletionTimestamp"] = write_time(self.palette.now)
        self._gone_at[key] = self.palette.clock.now + _STOPPING

    def _set_strategy(self, key: VmKey, strategy: str) -> None:
        spec = self.machines[key]["spec"]
        if spec["runStrategy"] != "RerunOnFailure":
            spec["runStrategy"] = strategy

    def _pass(self) -> None:
        """Let happen what is due by now. A restore goes on when its VM is off."""
        now = self.palette.clock.now
        for key in [key for key, gone_at in self._gone_at.items() if gone_at <= now]:
            del self._gone_at[key], self.running[key]
        off = {key.vm_name for key in self.machines} - {key.vm_name for key in self.running}
        for place, body in self.found.items():
            if body["spec"]["target"]["name"] in off:
                self._begun.setdefault(place, now)
                if place not in self._done and _complete({"status": self._status(place)}):
                    self._done.add(place)
                    self._give_claims(body["spec"]["target"]["name"], self._status(place))

    def _give_claims(self, vm_name: str, status: Json) -> None:
        """Let a VM have the claims of its restore."""
        claims = {
            each["volumeName"]: each["persistentVolumeClaim"] for each in status.get("restores", ())
        }
        machine = next(self.machines[key] for key in self.machines if key.vm_name == vm_name)
        for volume in machine["spec"]["template"]["spec"]["volumes"]:
            if volume["name"] in claims:
                volume["persistentVolumeClaim"]["claimName"] = claims[volume["name"]]

    def _instance(self, key: VmKey) -> Json:
        body = deepcopy(self.running[key])
        if self._ready_at.get(key, 0.0) <= self.palette.clock.now:
            body["status"] = instance_manifest(key)["status"]
        return body

    def _shown(self, place: tuple[str, str]) -> Json:
        body = deepcopy(self.found[place])
        target = body["spec"]["target"]["name"]
        waits = place not in self._done and any(key.vm_name == target for key in self.running)
        status = INITIALIZING if waits else self._status(place)
        return {**body, **({"status": deepcopy(status)} if status else {})}

    def _status(self, place: tuple[str, str]) -> Json:
        course = self._courses[place]
        seconds = int(self.palette.clock.now - self._begun.get(place, self.palette.clock.now))
        return course[min(seconds, len(course) - 1)]


class PowerPalette(MemoryPalette):
    """Palette whose power calls reach its cluster in memory."""

    def __init__(self) -> None:
        """Have no VM."""
        super().__init__()
        self.cluster = MemoryCluster(self)

    def _put(self, call: Call) -> Json:
        if call.body is not None:
            return super()._put(call)
        self.cluster.power(call.name, call.vm_name, call.query["namespace"])
        return {}


def _complete(body: Json) -> bool:
    return bool(body.get("status", {}).get("complete"))

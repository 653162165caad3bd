# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two clusters with a few VMs, and the record of what was really carried out in them."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from ansible_collections.spectrocloud.palette.plugins.module_utils._module.base import Module
from ansible_collections.spectrocloud.palette.plugins.module_utils._vms.model import VmKey
from unit.builders import Json
from unit.fakes import Clock
from unit.fuzz import effort
from unit.fuzz.promises import Place, Seen, look
from unit.palette_in_memory import Call, MemoryPalette
from unit.tasks import run

HOUR = 3600.0
# Every VM that there may be, with its label tier.
VMS: Mapping[Place, str] = {
    ("c1", "vms", "db1"): "db",
    ("c1", "vms", "web1"): "web",
    ("c1", "prod", "db1"): "db",
    ("c2", "vms", "db1"): "db",
}
CLUSTERS = {"c1": "cluster-1", "c2": "cluster-2"}


class Selection(NamedTuple):
    """Options that select VMs, and those that they mean."""

    options: Json
    meant: Callable[[Place], bool]

    def of(self, places: Collection[Place]) -> set[Place]:
        """Return which of the VMs it means."""
        return {place for place in places if self.meant(place)}


EVERYTHING = Selection({}, lambda _vm: True)
SELECTIONS = (
    Selection({"selector": "tier=db"}, lambda vm: VMS[vm] == "db"),
    Selection({"cluster": "cluster-1", "namespaces": ["vms"]}, lambda vm: vm[:2] == ("c1", "vms")),
    Selection(
        {"vm_names": ["db*"], "exclude": ["cluster-2/*/*"]},
        lambda vm: vm[0] == "c1" and vm[2] == "db1",
    ),
    Selection(
        {"clusters": ["cluster-1", "cluster-2"], "exclude": ["prod/*"]}, lambda vm: vm[1] == "vms"
    ),
)
LISTED = Selection(
    {"cluster": "cluster-1", "namespace": "vms", "vms": ["db1", "web1"]},
    lambda vm: vm[:2] == ("c1", "vms"),
)


class Deed(NamedTuple):
    """A write that was carried out."""

    method: str
    vm: Place
    name: str
    uid: str


class Run(NamedTuple):
    """A task that ended: what it returned, and what was true before and after.

    now: when it began. failed: whether it says so.
    """

    result: Json
    deeds: list[Deed]
    before: list[Seen]
    after: list[Seen]
    now: datetime

    @property
    def failed(self) -> bool:
        """Whether it says that it failed."""
        return bool(self.result.get("failed"))

    def deeds_on(self, vm: Place) -> list[str]:
        """Return the methods of the writes about a VM, in order."""
        return [deed.method for deed in self.deeds if deed.vm == vm]

    def deleted(self) -> list[Seen]:
        """Return what it deleted, as it was at the beginning."""
        by_uid = {seen.uid: seen for seen in self.before}
        return [by_uid[deed.uid] for deed in self.deeds if deed.method == "DELETE"]

    def left(self, vm: Place, name: str | None) -> Seen | None:
        """Return a VM's snapshot as it is after the run."""
        return next((s for s in self.after if (s.vm, s.name) == (vm, name)), None)


class TwoClusters:
    """Palette in memory, and all that was carried out in it. made: when VMs were made again."""

    def __init__(self, go_swagger: bool) -> None:
        self.palette = MemoryPalette(go_swagger)
        self.palette.add_cluster("c2", CLUSTERS["c2"])
        self.palette.after = self._note
        self.made: dict[Place, datetime] = {}
        self._deeds: list[Deed] = []
        for place in VMS:
            self.make(place)

    @property
    def vms(self) -> set[Place]:
        """The VMs that exist."""
        return {(key.cluster_uid, key.namespace, key.vm_name) for key in self.palette.vms}

    def make(self, place: Place) -> None:
        """Let a VM exist."""
        self.palette.add_vm(VmKey(*place), {"tier": VMS[place]})

    def make_again(self, place: Place) -> None:
        """Let a VM be deleted, unless it was before, and made again an hour later."""
        self.pass_time(1)
        self.make(place)
        self.palette.make_again(VmKey(*place))
        self.made[place] = self.palette.now

    def turn_off(self, place: Place) -> None:
        """Let a VM be off from now on, if it is not off already."""
        self._show(place, "Stopped")

    def turn_on(self, place: Place) -> None:
        """Let a VM run from now on, if it does not already."""
        self._show(place, "Running")

    def _show(self, place: Place, shown: str) -> None:
        vm, on = self.palette.vms.get(VmKey(*place)), shown == "Running"
        if vm is None or vm["status"].get("printableStatus") == shown:
            return
        ready = {"type": "Ready", "status": str(on), "lastTransitionTime": self.time_in(0)}
        vm["status"].update(printableStatus=shown, created=on, ready=on, conditions=[ready])

    def former(self, seen: Seen) -> bool:
        """Say whether a snapshot is of an earlier VM of the same name."""
        made = self.made.get(seen.vm)
        return made is not None and made > seen.taken

    def time_in(self, hours: int) -> str:
        """Return the time in so many hours, as Kubernetes writes it."""
        return f"{self.palette.now + timedelta(hours=hours):%Y-%m-%dT%H:%M:%SZ}"

    def pass_time(self, hours: int) -> None:
        """Let time pass, to a full hour: no age then changes sides during a task."""
        elapsed = self.palette.clock.now - Clock().now
        self.palette.clock.now = Clock().now + (math.ceil(elapsed / HOUR) + hours) * HOUR

    def run(self, module: Module, check_mode: bool = False, **options: Any) -> Run:
        """Run a task."""
        effort.tried["tasks among other tasks"] += 1
        before, now, done = look(self.palette), self.palette.now, len(self._deeds)
        for stored in self.palette.stored.values():
            # One by one is each task's own order: an earlier one may have given up a deletion.
            stored.delete_received = False
        result = run(self.palette, module, check_mode=check_mode, **options)
        return Run(result, self._deeds[done:], before, look(self.palette), now)

    def _note(self, call: Call) -> None:
        namespace = call.query["namespace"]
        name = call.body["metadata"]["name"] if call.body else call.name
        stored = self.palette.stored[call.cluster_uid, namespace, name]
        place = (call.cluster_uid, namespace, call.vm_name)
        self._deeds.append(Deed(call.method, place, name, stored.metadata["uid"]))

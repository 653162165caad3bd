# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a simulated Palette holds: API keys, projects, clusters, VMs and their snapshots.

Nothing here runs by itself: each read computes from the time it is given.
"""

from __future__ import annotations

import functools
import heapq
import itertools
import uuid
from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import msgspec

from palette_simulator.fleet import Disks, Fate, FleetVolume, Freeze, Power, RunStrategy, SeedPower
from palette_simulator.kubernetes.claims import Claim, Owner
from palette_simulator.kubernetes.instances import Change, Sight, sight
from palette_simulator.kubernetes.restores import Restores
from palette_simulator.lifecycle import (
    NEVER,
    UNPLANNED,
    Course,
    Pace,
    Stage,
    Timeline,
    Window,
    amend,
    cancel,
    plan,
    stage_at,
)
from palette_simulator.storage import NO_QUEUE, Place, StorageQueue
from palette_simulator.switches import Switches
from palette_simulator.timing import Delays, Timing

Key = tuple[str, str]
"""namespace, name"""
DEFAULT_DEADLINE = 300.0
_VERSIONS_PER_WRITE = 20  # each stage of a snapshot is a version of its own, or two
_CONTENT_SECONDS = 0.03  # from the VM's lock to the name of the snapshot's content
Action = Callable[[float], None]
"""what happens at a moment, which it is told"""


class Content(NamedTuple):
    """What a snapshot keeps of a VM, besides the data."""

    labels: dict[str, str]
    annotations: dict[str, str]
    volumes: tuple[FleetVolume, ...]
    """with their claims"""
    cores: int
    strategy: str = ""
    """its run strategy, which no restore brings back"""


class VM:
    """A virtual machine; the fields a fleet file sets can be changed while it lives."""

    def __init__(self, key: Key, uid: str, created: float, version: int) -> None:
        self.key = key
        self.namespace, self.name = key
        self.uid = uid
        self.created = created
        self.version = version
        self.labels: dict[str, str] = {}
        self.annotations: dict[str, str] = {}
        self.volumes: list[FleetVolume] = []
        self.cores = 1
        self.live_cores = 1
        """those of the instance; the spec's count from the next start"""
        self.guest_agent = True
        self.freeze: Freeze = "ok"
        self.fate: Fate = "normal"
        self.restore_in_progress = ""
        self.timing: dict[str, Any] = {}
        self.deleted: float | None = None
        self.power: Power = "Running"
        self.disks: Disks = ""
        self.refused = False
        self.crashed = False
        """whether its last instance has failed, and the next is still to come"""
        self.strategy: RunStrategy = "Always"
        self.change = Change(created, created, created, "Running")
        self.starts = 0
        self.started = created
        """when its instance was made"""
        self.restarted_until = 0.0
        self.migrates_until = 0.0
        self.rendered: tuple[object, bytes] = (None, b"")

    def turn(self, power: Power, now: float, takes: float = 0.0, vanishes: float = 0.0) -> None:
        """Go to another power; `takes` seconds, and `vanishes` more until the instance is gone."""
        before = self.power
        if power != "Stopped" and self.power == "Stopped":
            self.start_anew(now)
        self.crashed = self.crashed and power != "Stopped"
        self.power = power
        self.change = Change(now, now + takes, now + takes + vanishes, before)

    # See docs/palette.md, "Power".
    def be(self, power: SeedPower, now: float) -> None:
        """Have been brought to a power, if need be by the guest, whose ended instance stays."""
        if power == "ShutDown":
            self.strategy = "Manual"
            self.turn("Stopped", now, vanishes=NEVER)
        else:
            self.turn(power, now)

    def start_anew(self, now: float) -> None:
        """Note that there will be another instance, with the spec of now."""
        self.starts += 1
        self.started = now
        self.live_cores = self.cores

    def sight(self, now: float) -> Sight:
        """What it shows of its power."""
        if self.refused and self.power != "Stopped":
            return Sight("Stopped", None)
        seen = sight(self.power, self.change, now)
        if self.crashed and seen.instance and seen.instance.is_final:
            seen = seen._replace(instance=seen.instance._replace(phase="Failed"))
        if self.migrates_until > now and seen.runs and seen.printable != "Stopping":
            return seen._replace(printable="Migrating")
        return seen._replace(printable=self.disks) if self.disks and not seen.instance else seen

    def ready_since(self, sight: Sight) -> float:
        """When its condition Ready changed last: for an instance, or when that was gone."""
        if sight.instance and sight.instance.stays:
            return self.change.settles
        if sight.instance or self.power != "Stopped":
            return self.started
        return self.change.gone

    def run_strategy(self) -> str:
        """KubeVirt's run strategy, whichever field of the spec tells it."""
        if self.strategy in ("Manual", "RerunOnFailure"):
            return self.strategy
        if self.power == "Stopped":
            return "Halted"
        return "Always" if self.strategy == "running" else self.strategy

    def is_to_start(self, sight: Sight) -> bool:
        """Whether KubeVirt has written down that it will start it."""
        return self.crashed and (sight.instance is None or sight.instance.is_final)

    def instance_uid(self) -> str:
        """The uid of its instance: another one with each start."""
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{self.uid}/{self.starts}"))

    def claim_name(self, volume: FleetVolume) -> str:
        """The name of the PVC, or DataVolume, behind a volume."""
        return volume.claim or f"{self.name}-{volume.name}"

    def claim_names(self) -> list[str]:
        """The names of the PVCs that it needs."""
        return [self.claim_name(volume) for volume in self.volumes if volume.is_claimed()]

    def claimed_volumes(self) -> tuple[FleetVolume, ...]:
        """Its volumes, each with the name of what is behind it."""
        return tuple(msgspec.structs.replace(v, claim=self.claim_name(v)) for v in self.volumes)

    def owner(self) -> Owner:
        """What an object that it owns says of it."""
        return Owner("kubevirt.io/v1", "VirtualMachine", self.name, self.uid)

    def content(self, now: float) -> Content:
        """What a snapshot taken now keeps of it; of a running VM, the spec that it runs with."""
        cores = self.live_cores if self.sight(now).instance else self.cores
        kept = dict(self.labels), dict(self.annotations), self.claimed_volumes(), cores
        return Content(*kept, self.run_strategy())

    def course(self) -> Course:
        """What goes wrong with a snapshot of this VM."""
        return Course(
            cuts=self.fate != "fails" and not self.freeze_fails(),
            becomes_ready=self.fate != "never_ready",
            stays_ready=self.fate != "ready_lost",
        )

    def quiesces(self) -> bool:
        """Whether KubeVirt freezes the guest for a snapshot."""
        return self.guest_agent and self.power == "Running"

    def freeze_fails(self) -> bool:
        """Whether it tries to, and cannot."""
        return self.freeze == "fails" and self.quiesces()

    # See docs/palette.md, "Quiescing".
    def indications(self, now: float) -> list[str]:
        """What KubeVirt says about the consistency of a snapshot taken now."""
        instance = self.sight(now).instance
        if instance is None:
            return []
        if self.power == "Paused":
            return ["Online", "Paused"]
        if not self.guest_agent or instance.stays:
            return ["NoGuestAgent", "Online"]
        return ["GuestAgent", "Online", *(["QuiesceFailed"] if self.freeze != "ok" else [])]

    def trouble(self, snapshot_uid: str) -> str:
        """The text of status.error while a snapshot of this VM does not get on."""
        if self.fate == "fails":
            volume = next((v.name for v in self.volumes if v.can_be_snapshotted()), "")
            name = f"vmsnapshot-{snapshot_uid}-volume-{volume}"
            return f"VolumeSnapshot {name} error: storage backend error"
        return f"Failed freezing vm {self.name}: internal error: guest-fsfreeze-freeze failed"


class Snapshot:
    """A VirtualMachineSnapshot; `timeline` says when it reaches each stage."""

    def __init__(self, key: Key, vm_name: str, created: float) -> None:
        self.key = key
        self.namespace, self.name = key
        self.vm_name = vm_name
        self.uid = str(uuid.uuid4())
        self.created = created
        self.version = 0
        self.api_version = ""
        self.spec: dict[str, Any] = {}
        self.labels: dict[str, str] = {}
        self.annotations: dict[str, str] = {}
        self.finalizers: list[str] = []
        self.owner_references: list[Any] = []
        self.deadline = DEFAULT_DEADLINE
        self.timeline = UNPLANNED
        self.seeded: Timeline | None = None
        """the timeline of a snapshot that is older than the simulator"""
        self.deleted = NEVER
        self.gone = NEVER
        self.number = 0
        """counts the snapshots of a cluster in the order of creation"""
        self.turn = 0.0
        """when the storage took it up; NEVER as long as it has to wait for that"""
        self.freezes = False
        self.has_struggled = False
        """whether it was in an error state that is over"""
        self.source_uid = ""
        self.indications: list[str] = []
        self.content: Content | None = None
        self.included: list[str] = []
        self.excluded: list[str] = []
        self.trouble = ""
        self.rendered: tuple[object, bytes] = (None, b"")

    def stage(self, now: float) -> Stage:
        """The stage at a moment."""
        return stage_at(self.timeline, now, self.deleted)

    def resource_version(self, stage: Stage, names_content: bool) -> str:
        """Changes with every write and every stage, as the controller's writes do."""
        return str(self.version + 2 * stage + names_content)

    # See docs/palette.md, "Names".
    def names_content(self, now: float) -> bool:
        """Whether its status names its content, which it does a moment after the VM's lock."""
        line = self.timeline
        if line.working >= NEVER:
            return False
        until_cut = (line.cut - line.working) / 2
        return line.working + min(until_cut, _CONTENT_SECONDS) <= min(now, self.deleted)

    def observe(self, vm: VM | None, now: float) -> None:
        """Note what the VM looks like as the snapshot is taken."""
        if vm is None:
            return
        self.source_uid = vm.uid
        self.indications = vm.indications(now)
        self.trouble = vm.trouble(self.uid)
        self.freezes = vm.quiesces() and not vm.freeze_fails()
        self.observe_volumes(vm, now)

    def observe_volumes(self, vm: VM, now: float) -> None:
        """Note what of the VM is kept; its volumes do not change while it is locked."""
        self.content = vm.content(now)
        self.included = [v.name for v in vm.volumes if v.can_be_snapshotted()]
        self.excluded = [v.name for v in vm.volumes if not v.can_be_snapshotted()]

    # See docs/palette.md, "Quiescing".
    def frozen_for(self, now: float) -> float:
        """How many seconds the guest has been frozen for this snapshot."""
        if not self.freezes:
            return 0.0
        until = min(self.timeline.cut, self.timeline.failed, self.deleted, now)
        return max(0.0, until - self.timeline.working)


class Toll(NamedTuple):
    """What the snapshots taken so far have cost, those that are gone too."""

    longest_freeze: float = 0.0
    failed: int = 0

    def with_snapshot(self, snapshot: Snapshot, now: float) -> Toll:
        """This, and one snapshot more; those of the fleet file do not count."""
        if snapshot.seeded:
            return self
        failed = snapshot.stage(now) == Stage.FAILED
        return Toll(max(self.longest_freeze, snapshot.frozen_for(now)), self.failed + failed)


class Cluster:
    """A cluster: its VMs and snapshots, sorted by (namespace, name) for paging."""

    def __init__(self, uid: str, name: str, project_uid: str) -> None:
        self.uid = uid
        self.name = name
        self.project_uid = project_uid
        """empty for a cluster of the tenant"""
        self.environment = ""
        self.state = ""
        self.deleted = False
        self.vm_enabled = True
        self.namespaces: set[str] = set()
        self.vms: dict[Key, VM] = {}
        self.vm_keys: list[Key] = []
        self.snapshots: dict[Key, Snapshot] = {}
        self.snapshot_keys: list[Key] = []
        self.sources: dict[Key, list[Snapshot]] = {}
        """the snapshots of each VM name, oldest first; they outlive the VM"""
        self.claims: dict[Key, Claim] = {}
        self.switches = Switches()
        self.timing = Timing(Delays())
        self.retained_contents: list[str] = []
        self.cuts_per_second: float | None = None
        """the pace of this cluster's own storage; None: as the switch says"""
        self.cut_burst: int | None = None
        self._storage: StorageQueue[Snapshot] = StorageQueue()
        self._toll = Toll()
        """of snapshots that are gone"""
        self._numbers = itertools.count()
        self._made: Counter[Key] = Counter()
        self._versions = itertools.count(1000, _VERSIONS_PER_WRITE)
        self._latest = 1000
        self._agenda: list[tuple[float, int, Action]] = []
        self._order = itertools.count()
        self.restores = Restores(self)

    def next_version(self) -> int:
        """The version for a write."""
        self._latest = next(self._versions)
        return self._latest

    def resource_version(self) -> str:
        """The version of a list."""
        return str(self._latest)

    def next_uid(self, key: Key) -> str:
        """A uid for a VM: another one each time its name is taken, the same at each start."""
        self._made[key] += 1
        words = (self.uid, *key, str(self._made[key]))
        return str(uuid.uuid5(uuid.NAMESPACE_URL, "/".join(words)))

    def new_vm(self, key: Key, created: float) -> VM:
        """A VM that is still to be put in."""
        return VM(key, self.next_uid(key), created, self.next_version())

    # See docs/palette.md, "Former VMs".
    def add_vm(self, vm: VM, now: float) -> None:
        """Put a VM in. All snapshots of its name, those of a former VM too, point to it now."""
        self.vms[vm.key] = vm
        insort(self.vm_keys, vm.key)
        self.namespaces.add(vm.namespace)
        self.complete_claims(vm, vm.created)
        for snapshot in self.sources.get(vm.key, ()):
            snapshot.source_uid = vm.uid
            snapshot.version = self.next_version()
            if snapshot.stage(now) <= Stage.WAITING:
                snapshot.observe(vm, now)
                self._line_up(snapshot)
        self._replan(vm.key, now)

    def add_snapshot(self, snapshot: Snapshot) -> None:
        """Put a snapshot in, and plan its life."""
        snapshot.version = self.next_version()
        siblings = self.sources.setdefault((snapshot.namespace, snapshot.vm_name), [])
        opens = max((s.timeline.released for s in siblings), default=0.0)
        siblings.append(snapshot)
        self.snapshots[snapshot.key] = snapshot
        insort(self.snapshot_keys, snapshot.key)
        snapshot.number = next(self._numbers)
        self._line_up(snapshot)
        self._plan(snapshot, opens, snapshot.created)

    def delete_snapshot(self, snapshot: Snapshot, now: float) -> None:
        """Mark a snapshot as deleted; it lingers until its finalizers are done."""
        if snapshot.deleted < NEVER:
            return
        snapshot.deleted = now
        snapshot.version = self.next_version()
        self._replan((snapshot.namespace, snapshot.vm_name), now)
        self._depart_snapshot(snapshot)

    def update_snapshot(self, snapshot: Snapshot) -> None:
        """Note that a snapshot's metadata was written."""
        snapshot.version = self.next_version()
        if snapshot.deleted < NEVER:
            self._depart_snapshot(snapshot)

    def delete_vm(self, vm: VM, now: float) -> None:
        """Mark a VM as deleted; its snapshots stay, and a lock on it keeps it until released."""
        if vm.deleted is not None:
            return
        holder = self.holder(vm.key, now)
        vm.deleted = now
        vm.version = self.next_version()
        self._replan(vm.key, now)
        self.at(holder.timeline.released if holder else now, self._vm_leaver(vm.key))

    def change_vm(self, vm: VM, now: float) -> None:
        """Note that a VM was changed: its snapshots in progress follow it."""
        vm.version = self.next_version()
        self._replan(vm.key, now)
        for snapshot in self.sources.get(vm.key, ()):
            snapshot.rendered = (None, b"")
            snapshot.trouble = vm.trouble(snapshot.uid)
            if snapshot.stage(now) <= Stage.WAITING:
                snapshot.observe_volumes(vm, now)
            if snapshot.deleted < NEVER:
                self._depart_snapshot(snapshot)

    def power_vm(self, vm: VM, power: Power, now: float) -> None:
        """Let a VM go to another power, as long as that takes it."""
        delays = self.delays_of(vm)
        takes, vanishes = (self.timing.draw(d, vm.name) for d in (delays.power, delays.vanish))
        vm.turn(power, now, takes, vanishes)
        if power != "Stopped" and not self.claims.keys() >= _keys(vm):
            vm.change = vm.change._replace(settles=NEVER, gone=NEVER)
        self.change_vm(vm, now)
        for moment in {vm.change.settles, vm.change.gone} - {NEVER}:
            self.at(moment, functools.partial(self.restores.touch, vm.key))
        for claim in (self.claims.get(key) for key in _keys(vm)):
            if claim and claim.deleted is not None and vm.change.gone < NEVER:
                self.at(vm.change.gone, functools.partial(self._finish_claim, claim))

    # See docs/palette.md, "Power".
    def crash_vm(self, vm: VM, now: float) -> None:
        """Let a VM's instance fail; the next comes after a pause, as long as a start."""
        delays = self.delays_of(vm)
        pause, vanishes = (self.timing.draw(d, vm.name) for d in (delays.power, delays.vanish))
        vm.strategy = "RerunOnFailure"
        vm.turn("Stopped", now, vanishes=vanishes)
        vm.crashed = True
        self.at(vm.change.gone, functools.partial(self.restores.touch, vm.key))
        self.at(vm.change.gone + pause, functools.partial(self._start_crashed, vm))

    def _start_crashed(self, vm: VM, now: float) -> None:
        if vm.crashed and vm.power == "Stopped":
            self.power_vm(vm, "Running", now)

    def complete_claims(self, vm: VM, now: float) -> None:
        """Let there be a PVC for each of a VM's volumes, bound already."""
        for volume in vm.volumes:
            key = vm.namespace, vm.claim_name(volume)
            if not volume.is_claimed():
                continue
            claim = self.claims.get(key) or Claim(key, now)
            claim.version = self.next_version()
            if volume.kind == "dataVolume":
                claim.give_to_data_volume(vm.owner() if volume.template else None)
            self.claims[key] = claim

    def delays_of(self, vm: VM) -> Delays:
        """The delays of what happens with a VM."""
        return self.timing.of_vm(vm.namespace, vm.name, vm.timing)

    def delete_claim(self, claim: Claim, now: float) -> None:
        """Delete a PVC; it stays as long as a VM runs on it."""
        if claim.deleted is None:
            claim.deleted = now
            claim.version = self.next_version()
        self._finish_claim(claim, now)

    def _finish_claim(self, claim: Claim, now: float) -> None:
        users = (vm for vm in self.vms.values() if vm.namespace == claim.namespace)
        in_use = any(vm.sight(now).instance and claim.name in vm.claim_names() for vm in users)
        if claim.deleted is not None and not in_use:
            self.claims.pop(claim.key, None)

    def claim_leaver(self, key: Key) -> Action:
        """What takes the PVC away that has this name now, and no later one."""
        claim = self.claims.get(key)

        def leave(_now: float) -> None:
            if claim and self.claims.get(key) is claim:
                del self.claims[key]

        return leave

    def holder(self, vm_key: Key, now: float) -> Snapshot | None:
        """The snapshot that holds the VM's lock."""
        for snapshot in reversed(self.sources.get(vm_key, ())):
            if snapshot.timeline.working <= now < snapshot.timeline.released:
                return snapshot
        return None

    def obstacle(self, snapshot: Snapshot, now: float) -> Snapshot | None:
        """The snapshot that held the VM's lock when this one last tried to get it."""
        vm_key = snapshot.namespace, snapshot.vm_name
        pace = self._pace(snapshot, self.vms.get(vm_key))
        first = snapshot.created + pace.lock
        if now < first:
            return self.holder(vm_key, now)
        since = (now - first) % pace.lock_retry if pace.lock_retry else 0.0
        return self.holder(vm_key, now - since)

    def pace_storage(self, rate: float | None, burst: int, now: float) -> None:
        """Set the pace of the storage, unless the cluster has its own; rate: None for no queue."""
        self.sweep(now)
        own_rate, own_burst = self.cuts_per_second, self.cut_burst
        rate = rate if own_rate is None else own_rate
        burst = burst if own_burst is None else own_burst
        self._storage.configure(NO_QUEUE if rate is None else rate, burst, now)

    def toll(self, now: float) -> Toll:
        """What this cluster's snapshots have cost until now."""
        toll = self._toll
        for snapshot in self.snapshots.values():
            toll = toll.with_snapshot(snapshot, now)
        return toll

    def sweep(self, now: float) -> None:
        """Let happen what has come about by now: turns at the storage, then what was planned."""
        for snapshot, at in self._storage.served(now):
            self._cut(snapshot, at)
        while self._agenda and self._agenda[0][0] <= now:
            when, _order, action = heapq.heappop(self._agenda)
            action(when)

    def at(self, when: float, action: Action) -> None:
        """Let something happen at a moment, once that has come."""
        heapq.heappush(self._agenda, (when, next(self._order), action))

    def next_moment(self) -> float:
        """When the next thing that was planned happens."""
        return self._agenda[0][0] if self._agenda else NEVER

    def _line_up(self, snapshot: Snapshot) -> None:
        """Note whether a new snapshot has to wait for the storage."""
        waits = self._storage.limits and snapshot.included
        snapshot.turn = NEVER if waits else 0.0

    def _cut(self, snapshot: Snapshot, at: float) -> None:
        """Let the storage take up a snapshot, be it a failed one's carcass."""
        snapshot.turn = at
        key = snapshot.namespace, snapshot.vm_name
        self._replan(key, at)
        vm = self.vms.get(key)
        if vm and vm.deleted is not None:
            self.at(snapshot.timeline.released, self._vm_leaver(key))

    def _replan(self, vm_key: Key, now: float) -> None:
        """Plan the lives of a VM's snapshots again, oldest first."""
        opens = 0.0
        for snapshot in self.sources.get(vm_key, ()):
            self._plan(snapshot, opens, now)
            opens = max(opens, snapshot.timeline.released)
        self.restores.touch(vm_key, now)

    def _plan(self, snapshot: Snapshot, opens: float, now: float) -> None:
        vm = self.vms.get((snapshot.namespace, snapshot.vm_name))
        pace = self._pace(snapshot, vm)
        timeline = snapshot.seeded
        if timeline is None:
            course = vm.course() if vm else Course()
            if course.cuts and snapshot.stage(now) == Stage.STRUGGLING:
                self._recover(snapshot, now + pace.cut)
            window = _window(vm, opens)
            fresh = plan(snapshot.created, snapshot.deadline, pace, course, window, snapshot.turn)
            timeline = amend(snapshot.timeline, fresh, now, pace.unlock)
        if snapshot.deleted < NEVER:
            timeline = cancel(timeline, snapshot.deleted, pace.unlock)
        snapshot.timeline = timeline
        if snapshot.turn == NEVER:
            self._queue(snapshot, vm, now)

    # See docs/palette.md, "Quiescing".
    def _recover(self, snapshot: Snapshot, cut: float) -> None:
        """Let a snapshot that did not get on go on as if it had just begun."""
        snapshot.has_struggled = True
        snapshot.version = self.next_version()
        snapshot.timeline = snapshot.timeline._replace(struggling=NEVER)
        snapshot.turn = max(snapshot.turn, cut)

    # See docs/palette.md, "Storage pace".
    def _queue(self, snapshot: Snapshot, vm: VM | None, now: float) -> None:
        """Let a snapshot's volumes wait for the storage once it has locked and frozen its VM.

        They go on waiting when it has failed, until somebody deletes it.
        """
        line = snapshot.timeline
        if snapshot.deleted < NEVER or line.working == NEVER or (vm and vm.freeze_fails()):
            self._storage.drop(snapshot)
            return
        place = Place(snapshot.number, line.working, len(snapshot.included))
        self._storage.put(snapshot, place, now)

    def _pace(self, snapshot: Snapshot, vm: VM | None) -> Pace:
        delays = self._delays(snapshot, vm)
        seed = "/".join(snapshot.key)
        return Pace(
            *(self.timing.draw(getattr(delays, step), f"{seed}:{step}") for step in Pace._fields)
        )

    def _delays(self, snapshot: Snapshot, vm: VM | None) -> Delays:
        return self.timing.of_vm(snapshot.namespace, snapshot.vm_name, vm.timing if vm else {})

    def _depart_snapshot(self, snapshot: Snapshot) -> None:
        vm = self.vms.get((snapshot.namespace, snapshot.vm_name))
        if snapshot.finalizers or (vm and vm.fate == "stuck_deleting"):
            snapshot.gone = NEVER
            return
        delay = self.timing.draw(self._delays(snapshot, vm).gone, "/".join(snapshot.key))
        snapshot.gone = max(snapshot.deleted + delay, snapshot.timeline.released)
        self.at(snapshot.gone, functools.partial(self._remove_snapshot, snapshot.key))

    def _vm_leaver(self, key: Key) -> Action:
        return functools.partial(self._remove_vm, key)

    def _remove_vm(self, key: Key, when: float) -> None:
        vm = self.vms.get(key)
        if vm is None or vm.deleted is None or self.holder(key, when):
            return  # it left earlier than was planned, and may have been made again
        del self.vms[key]
        del self.vm_keys[bisect_left(self.vm_keys, key)]
        delay = self.timing.draw(self.delays_of(vm).gone, vm.name)
        self.restores.forget(vm, when, when + delay)
        self.at(when + delay, functools.partial(self._collect, vm.uid))

    def _collect(self, uid: str, _now: float) -> None:
        """Let PVCs go whose owner is gone."""
        for claim in [c for c in self.claims.values() if c.goes_with(uid)]:
            del self.claims[claim.key]

    def _remove_snapshot(self, key: Key, now: float) -> None:
        snapshot = self.snapshots.get(key)
        if snapshot is None or snapshot.gone > now:
            return
        self._toll = self._toll.with_snapshot(snapshot, now)
        del self.snapshots[key]
        del self.snapshot_keys[bisect_left(self.snapshot_keys, key)]
        self.sources[snapshot.namespace, snapshot.vm_name].remove(snapshot)
        # See docs/palette.md, "Deletion policy".
        kept = snapshot.spec.get("deletionPolicy", "Delete") != "Delete"
        if kept and snapshot.stage(snapshot.deleted) == Stage.READY:
            self.retained_contents.append(content_name(snapshot))


class Project:
    """A project."""

    def __init__(self, uid: str, name: str) -> None:
        self.uid = uid
        self.name = name


class Caller:
    """An API key: what its owner may do, and where."""

    def __init__(
        self, user: str, permissions: frozenset[str], projects: frozenset[str], tenant: bool
    ) -> None:
        self.user = user
        self.permissions = permissions
        self.projects = projects
        """uids"""
        self.tenant = tenant


class State:
    """Everything together."""

    def __init__(self) -> None:
        self.callers: dict[str, Caller] = {}
        self.projects: dict[str, Project] = {}
        self.clusters: dict[str, Cluster] = {}

    def clusters_in(self, project_uid: str) -> Iterator[Cluster]:
        """The clusters of a project; of the tenant for an empty uid."""
        return (c for c in self.clusters.values() if c.project_uid == project_uid)


# See docs/palette.md, "Names".
def content_name(snapshot: Snapshot) -> str:
    """The name of the content object behind a snapshot."""
    return f"vmsnapshot-content-{snapshot.uid}"


# A restore keeps no snapshot from starting. See docs/palette.md, "Locking".
def _window(vm: VM | None, opens: float) -> Window:
    if vm is None or (vm.disks and vm.power == "Stopped"):
        return Window(opens, closes=0.0)
    closes = NEVER if vm.deleted is None else vm.deleted
    goes = vm.power == "Stopped" and vm.change.gone < NEVER
    settled = vm.change.gone if goes else vm.change.settles
    return Window(max(opens, settled), closes)


def _keys(vm: VM) -> set[Key]:
    return {(vm.namespace, name) for name in vm.claim_names()}

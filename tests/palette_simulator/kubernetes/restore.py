# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A VirtualMachineRestore, as KubeVirt's controller and its users write it."""

from __future__ import annotations

import uuid
from typing import Any, NamedTuple

from palette_simulator.fleet import FleetVolume
from palette_simulator.kubernetes.claims import Owner
from palette_simulator.lifecycle import NEVER

Key = tuple[str, str]


class Condition(NamedTuple):
    """A condition; KubeVirt writes a restore's texts into its reason, never into a message."""

    status: bool
    reason: str
    since: float


class Disk(NamedTuple):
    """A volume that is restored."""

    volume: FleetVolume
    claim: str
    source: str
    """the VolumeSnapshot"""
    data_volume: str = ""


class Restore:
    """A VirtualMachineRestore."""

    def __init__(self, key: Key, spec: dict[str, Any], created: float) -> None:
        self.key = key
        self.namespace, self.name = key
        self.spec = spec
        self.created = created
        self.uid = str(uuid.uuid4())
        self.version = 0
        self.generation = 1
        self.labels: dict[str, str] = {}
        self.annotations: dict[str, str] = {}
        self.finalized = False
        self.owner: Owner | None = None
        self.deleted: float | None = None
        self.complete: bool | None = None
        """None: there is no status yet"""
        self.conditions: dict[str, Condition] = {}
        self.disks: list[Disk] | None = None
        self.deleted_data_volumes: list[str] = []
        self.finished: float | None = None
        self.passes: set[str] = set()
        """errors that it will still show on its way: exists, modified"""
        self.has_stopped = False
        """whether it stopped the VM, and has not seen it off yet"""
        self.was_blocked = False
        """whether a snapshot kept it from changing the VM, just now"""
        self.has_told_update = False
        self.retries = 0
        self.due = NEVER
        """when it is looked at next"""

    @property
    def target(self) -> Key:
        """The VM that is restored."""
        return self.namespace, self.spec["target"]["name"]

    @property
    def mark(self) -> str:
        """What the VM and the PVCs say of their last restore."""
        return f"{self.name}-{self.uid}"

    def policy(self) -> str:
        """What to do while the VM runs."""
        text: str = self.spec.get("targetReadinessPolicy", "WaitGracePeriod")
        return text

    def is_in_place(self) -> bool:
        """Whether it replaces PVCs instead of making others."""
        return self.spec.get("volumeRestorePolicy") == "InPlace"

    def is_over(self) -> bool:
        """Whether it has come to one of its two ends."""
        return bool(self.complete) or "Failure" in self.conditions

    def say(self, now: float, *, progressing: bool, text: str, ready: str = "") -> bool:
        """Write both conditions; whether that changes anything. The status of Ready stays False."""
        before = dict(self.conditions)
        self.set("Progressing", progressing, text, now)
        self.set("Ready", False, ready or text, now)
        return before != self.conditions

    def set(self, kind: str, status: bool, reason: str, now: float) -> None:
        """Write a condition; its time stays where nothing else changes."""
        old = self.conditions.get(kind)
        if old is None or (old.status, old.reason) != (status, reason):
            self.conditions[kind] = Condition(status, reason, now)

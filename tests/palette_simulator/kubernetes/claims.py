# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PersistentVolumeClaims: their names, owners and annotations; no data is behind them."""

from __future__ import annotations

import uuid
from typing import NamedTuple

from palette_simulator.lifecycle import NEVER

LAST_RESTORE = "restore.kubevirt.io/lastRestoreUID"


class Owner(NamedTuple):
    """Whom an object goes with."""

    api_version: str
    kind: str
    name: str
    uid: str


class Claim:
    """A PersistentVolumeClaim."""

    def __init__(self, key: tuple[str, str], created: float, owner: Owner | None = None) -> None:
        self.key = key
        self.namespace, self.name = key
        self.created = created
        self.owner = owner
        self.owner_of_data_volume: Owner | None = None
        """the VM whose template made the DataVolume that owns this"""
        self.bound = created
        self.labels: dict[str, str] = {}
        self.annotations: dict[str, str] = {}
        self.source = ""
        """the VolumeSnapshot it was made from"""
        self.deleted: float | None = None
        self.version = 0
        self._uid = ""

    @property
    def uid(self) -> str:
        """Drawn when it is first asked for."""
        self._uid = self._uid or str(uuid.uuid4())
        return self._uid

    def give_to_data_volume(self, its_owner: Owner | None) -> None:
        """Let a DataVolume of the same name own this, and itself go with another object."""
        uid = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{its_owner and its_owner.uid}/{self.name}"))
        self.owner = Owner("cdi.kubevirt.io/v1beta1", "DataVolume", self.name, uid)
        self.owner_of_data_volume = its_owner

    def is_bound(self, now: float) -> bool:
        """Whether there is a volume behind it."""
        return self.bound <= now < NEVER

    def goes_with(self, uid: str) -> bool:
        """Whether the garbage collector takes it once the object with this uid is gone."""
        return any(owner and owner.uid == uid for owner in (self.owner, self.owner_of_data_volume))

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Timing profiles: how long KubeVirt and the storage take for each step."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

import msgspec

Delay = float | tuple[float, float]
"""Seconds, or a range of seconds from which each snapshot draws by its name."""


class Delays(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """Seconds each step takes, counted from the step before it."""

    status: Delay = 0.5
    """creation to the first status"""
    lock: Delay = 1.0
    """creation to the VM's lock, when nothing else holds it"""
    lock_retry: Delay = 5.0
    """between attempts at a lock that another snapshot holds"""
    cut: Delay = 2.0
    """lock to creationTime (phase Succeeded)"""
    ready: Delay = 2.0
    """Succeeded to readyToUse"""
    unlock: Delay = 2.5
    """Succeeded or Failed to the release of the VM's lock"""
    lost: Delay = 10.0
    """ready to lost, for a VM that loses its volume snapshots"""
    gone: Delay = 2.5
    """deletion to disappearance"""
    power: Delay = 5.0
    """a VM's start or stop to its end"""
    vanish: Delay = 0.2
    """a VM's end to the end of its instance"""
    restore_step: Delay = 0.03
    """a step of a restore to the next"""
    bind: Delay = 3.0
    """a restored PVC's creation to Bound"""


class TimingFile(Delays, frozen=True):
    """A timing file: delays for all, and overrides under `vms` by name or namespace/name."""

    base: str = "real"
    vms: dict[str, dict[str, Delay]] = {}


PROFILES = {
    "real": Delays(),
    "fast": Delays(
        status=0.02, lock=0.04, lock_retry=0.02, cut=0.06, ready=0.05,
        unlock=0.08, lost=0.2, gone=0.08, power=0.05,
        vanish=0.02, restore_step=0.01, bind=0.05,
    ),
    "instant": Delays(
        status=0, lock=0, lock_retry=0.001, cut=0, ready=0, unlock=0, lost=0.05, gone=0, power=0,
        vanish=0, restore_step=0, bind=0,
    ),
    "spread": Delays(ready=(2.0, 17.0)),
}  # fmt: skip


class Timing:
    """A profile with its overrides and scale."""

    def __init__(
        self, base: Delays, vms: dict[str, dict[str, Delay]] | None = None, scale: float = 1.0
    ) -> None:
        self._base = base
        self._vms = vms or {}
        self._scale = scale

    def of_vm(self, namespace: str, name: str, overrides: dict[str, Any]) -> Delays:
        """The delays of one VM: the profile, then the timing file's, then the fleet file's."""
        own = {**self._vms.get(name, {}), **self._vms.get(f"{namespace}/{name}", {}), **overrides}
        return msgspec.structs.replace(self._base, **own) if own else self._base

    def draw(self, delay: Delay, seed: str) -> float:
        """Seconds for one event; the same seed always draws the same."""
        if not isinstance(delay, tuple):
            return delay * self._scale
        low, high = delay
        return (low + (high - low) * zlib.crc32(seed.encode()) / 2**32) * self._scale


def load_timing(name: str, scale: float) -> Timing:
    """The profile of that name, or the YAML file at that path; ValueError says what is wrong."""
    if name in PROFILES:
        return Timing(PROFILES[name], scale=scale)
    try:
        read = msgspec.yaml.decode(Path(name).read_bytes(), type=dict[str, Any])
        checked = msgspec.convert(read, TimingFile)
        base = PROFILES[checked.base]
        for overrides in checked.vms.values():
            check_overrides(overrides)
    except KeyError as error:
        raise ValueError(f"timing file {name}: base {error} is not a profile") from None
    except (OSError, msgspec.MsgspecError) as error:
        raise ValueError(f"timing {name}: not one of {', '.join(PROFILES)}: {error}") from None
    delays = {key: getattr(checked, key) for key in read if key in Delays.__struct_fields__}
    return Timing(msgspec.structs.replace(base, **delays), checked.vms, scale)


def check_overrides(overrides: dict[str, Any]) -> None:
    """Raise msgspec.ValidationError if a key is not a delay."""
    msgspec.convert(overrides, Delays)

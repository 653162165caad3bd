# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""VirtualMachineRestores of a cluster, and when each is looked at next.

What a look does is in reconcile.py. KubeVirt looks when a VM or PVC changes, or later and later
after an error; there is no timer. See docs/palette.md, "Restore".
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from palette_simulator.kubernetes.reconcile import is_overdue, look
from palette_simulator.kubernetes.restore import Key, Restore
from palette_simulator.lifecycle import NEVER

if TYPE_CHECKING:
    from palette_simulator.state import VM, Cluster


class Restores:
    """The restores of a cluster."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self.all: dict[Key, Restore] = {}
        self._of: dict[Key, list[Restore]] = {}

    def add(self, restore: Restore, now: float) -> None:
        """Put one in; nothing happens to it before a moment has passed."""
        restore.version = self._cluster.next_version()
        self.all[restore.key] = restore
        self._of.setdefault(restore.target, []).append(restore)
        self.hurry(restore, now + self.step(restore))

    def delete(self, restore: Restore, now: float) -> None:
        """Ask for one's deletion, as a user does."""
        if restore.deleted is not None or self.all.get(restore.key) is not restore:
            return
        restore.deleted = now
        restore.generation += 1
        restore.version = self._cluster.next_version()
        if not restore.finalized:
            self.remove(restore)
            return
        self.hurry(restore, now + self.step(restore))

    def remove(self, restore: Restore) -> None:
        """Take one out."""
        del self.all[restore.key]
        self._of[restore.target].remove(restore)
        restore.due = NEVER

    def touch(self, vm_key: Key, now: float) -> None:
        """Note that something about a VM changed: its restores are looked at soon."""
        for restore in self._of.get(vm_key, ()):
            if is_overdue(self._cluster, restore, now):
                self._look(restore, now)
            elif not restore.has_stopped:  # who stops a VM tries again by itself
                self.hurry(restore, now + self.step(restore))

    def hurry(self, restore: Restore, when: float) -> None:
        """Look at one then at the latest."""
        if when < restore.due:
            restore.due = when
            self._cluster.at(when, functools.partial(self._look_in_time, restore))

    # See docs/palette.md, "Steps of a restore": it belongs to its VM.
    def forget(self, vm: VM, now: float, gone: float) -> None:
        """Let the restores of a VM go that is gone."""
        for restore in self._of.get(vm.key, ()):
            if restore.owner and restore.owner.uid == vm.uid:
                self._cluster.at(gone, functools.partial(self.delete, restore))
        self.touch(vm.key, now)

    def step(self, restore: Restore) -> float:
        """Seconds from one write of the controller to the next."""
        cluster = self._cluster
        vm = cluster.vms.get(restore.target)
        delays = cluster.timing.of_vm(*restore.target, vm.timing if vm else {})
        return cluster.timing.draw(delays.restore_step, restore.name)

    def _look_in_time(self, restore: Restore, now: float) -> None:
        if restore.due <= now:
            self._look(restore, now)

    def _look(self, restore: Restore, now: float) -> None:
        restore.due = NEVER
        moment = look(self._cluster, restore, now)
        if self.all.get(restore.key) is restore:
            self.hurry(restore, moment)

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""KubeVirt's power calls, which Palette's calls use too: start, stop, restart, pause, resume.

Each does what it is asked for, or raises the KubernetesError that KubeVirt answers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from palette_simulator.admission import VM_WEBHOOK
from palette_simulator.errors import (
    INSTANCE,
    VM_SINGULAR,
    KubernetesError,
    conflict,
    denied,
    internal,
    not_found,
)

if TYPE_CHECKING:
    from palette_simulator.kubernetes.instances import Instance
    from palette_simulator.state import VM, Cluster

_UNDERWAY = "unable to complete request: stop/start already underway"
_BY_REQUEST = ("Manual", "RerunOnFailure")
"""run strategies that stay as they are: no webhook is asked about a request to start or stop"""


# See docs/palette.md, "Power".
def start(cluster: Cluster, vm: VM, now: float) -> None:
    """Start a VM that is off."""
    instance = vm.sight(now).instance
    if instance and not instance.is_final:
        raise conflict(VM_SINGULAR, vm.name, "VM is already running")
    if instance and instance.phase == "Failed":
        why = "RerunOnFailure does not support starting VM from failed state"
        raise conflict(VM_SINGULAR, vm.name, why)
    if vm.is_to_start(vm.sight(now)):
        raise conflict(VM_SINGULAR, vm.name, _UNDERWAY)
    if vm.power != "Stopped" and vm.strategy not in _BY_REQUEST:  # its instance is still to come
        why = f"{vm.run_strategy()} does not support manual start requests"
        raise conflict(VM_SINGULAR, vm.name, why)
    if vm.strategy not in _BY_REQUEST:
        _demand_no_restore(vm)
        _demand_no_snapshot(cluster, vm, now)
        vm.strategy = "running" if vm.strategy == "running" else "Always"
    cluster.power_vm(vm, "Running", now)


def stop(cluster: Cluster, vm: VM, now: float) -> None:
    """Stop a VM that is on."""
    instance = vm.sight(now).instance
    strategy = vm.run_strategy()
    if strategy not in ("Always", "Once") and (instance is None or instance.is_final):
        raise not_running(vm)
    if strategy == "Halted":
        why = "Halted only supports manual stop requests with a shorter graceperiod"
        raise conflict(VM_SINGULAR, vm.name, why)
    if strategy in ("Always", "Once"):
        _demand_no_snapshot(cluster, vm, now)
    if instance is None and vm.power != "Stopped":
        vm.turn("Stopped", now)
        cluster.change_vm(vm, now)
    elif vm.power != "Stopped":
        cluster.power_vm(vm, "Stopped", now)


def restart(cluster: Cluster, vm: VM, now: float) -> None:
    """Stop a VM that is on, and start it again; a snapshot does not keep it from that."""
    strategy = vm.run_strategy()
    if strategy in ("Halted", "Once"):
        why = (
            f"RunStategy {strategy} does not support manual restart requests"  # KubeVirt's spelling
        )
        raise conflict(VM_SINGULAR, vm.name, why)
    if vm.sight(now).instance is None:
        raise conflict(VM_SINGULAR, vm.name, "VM is not running: Halted")
    if now < vm.restarted_until:
        raise internal(_UNDERWAY)
    vm.start_anew(now)
    cluster.power_vm(vm, "Running", now)
    vm.restarted_until = vm.change.settles


def pause(cluster: Cluster, vm: VM, now: float) -> None:
    """Pause a VM that runs."""
    if _demand_instance(vm, now).phase != "Running":
        raise conflict(INSTANCE, vm.name, "VM is not running")
    if vm.power == "Paused":
        raise conflict(INSTANCE, vm.name, "VMI is already paused")
    if vm.migrates_until > now:
        why = f"Cannot pause VM '{vm.name}' because it is currently being migrated"
        raise conflict(INSTANCE, vm.name, why)
    if vm.power == "Running":  # one that stops is paused too, but stops all the same
        vm.power = "Paused"
        cluster.change_vm(vm, now)


def resume(cluster: Cluster, vm: VM, now: float) -> None:
    """Resume a VM that is paused; KubeVirt refuses that while a snapshot is taken."""
    if cluster.holder(vm.key, now):
        raise conflict(VM_SINGULAR, vm.name, "VM snapshot is in progress")
    if _demand_instance(vm, now).phase != "Running":
        raise conflict(INSTANCE, vm.name, "VMI is not running")
    if vm.power != "Paused":
        raise conflict(INSTANCE, vm.name, "VMI is not paused")
    vm.power = "Running"
    cluster.change_vm(vm, now)


def migrate(cluster: Cluster, vm: VM, now: float) -> None:
    """Move a VM that is on to another node, which takes as long as a start."""
    if _demand_instance(vm, now).phase != "Running":
        raise conflict(VM_SINGULAR, vm.name, "VM is not running")
    vm.migrates_until = now + cluster.timing.draw(cluster.delays_of(vm).power, vm.name)
    cluster.change_vm(vm, now)


def not_running(vm: VM) -> KubernetesError:
    """The answer to who stops a VM that is off."""
    return conflict(VM_SINGULAR, vm.name, "VM is not running")


def _demand_instance(vm: VM, now: float) -> Instance:
    instance = vm.sight(now).instance
    if instance is None:
        raise not_found(INSTANCE, vm.name)
    return instance


# See docs/palette.md, "Locking".
def _demand_no_snapshot(cluster: Cluster, vm: VM, now: float) -> None:
    holder = cluster.holder(vm.key, now)
    if holder:
        why = f'Cannot update vm running state until snapshot "{holder.name}" completes'
        raise internal(denied(VM_WEBHOOK, why).message)


def _demand_no_restore(vm: VM) -> None:
    if vm.restore_in_progress:
        why = f'Cannot update VM runStrategy until restore "{vm.restore_in_progress}" completes'
        raise internal(denied(VM_WEBHOOK, why).message)

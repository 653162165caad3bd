# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Observes virtual machines. Only the LIST decides whether one exists."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial

from .._http.errors import ApiError
from .._palette.vms import LIST_SEGMENT, ClusterVms
from .model import VirtualMachine, VmKey, read_listed

# For what is missing, Palette answers 404, or 500 with a text that differs between versions.
# See docs/palette.md, "Existence".
MAY_BE_ABSENT = ("not_found", "server_error")


def list_vms(api: ClusterVms, namespaces: Collection[str] = ()) -> list[VirtualMachine]:
    """Return the VMs in the namespaces; without namespaces, in all of them.

    With what cannot be read, if it is one of them or may be.
    """
    listed = api.vms(partial(read_listed, api.cluster.uid), namespaces)
    wanted = {*namespaces, ""}
    return [vm for vm in listed if not namespaces or vm.key.namespace in wanted]


def find_vm(api: ClusterVms, key: VmKey) -> VirtualMachine | None:
    """Return the VM, readable or not, or None if the list of VMs does not contain it."""
    if key.vm_name != LIST_SEGMENT:
        try:
            vm = read_listed(api.cluster.uid, api.vm(key.vm_name, key.namespace))
        except ApiError as error:
            if error.reason not in MAY_BE_ABSENT:
                raise
        else:
            if vm.key == key:
                return vm
    return next((vm for vm in list_vms(api, [key.namespace]) if vm.key == key), None)

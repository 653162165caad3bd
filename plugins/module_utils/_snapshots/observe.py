# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Observes snapshots with few LIST calls. Only the LIST decides whether one exists."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial

from .._palette.errors import PaletteError
from .._palette.vms import ClusterVms
from .._vms.model import VmKey
from .model import Snapshot, read_snapshot

# With more VM names than this, whole namespaces are listed, without a filter.
_FILTERED_VMS = 50


def list_snapshots(api: ClusterVms, keys: Collection[VmKey]) -> list[Snapshot]:
    """Return the snapshots of these VMs in the cluster."""
    keys = set(keys)
    listed = list_matching(api, {key.namespace for key in keys}, {key.vm_name for key in keys})
    return [snapshot for snapshot in listed if snapshot.key in keys]


def list_matching(
    api: ClusterVms, namespaces: Collection[str] = (), vm_names: Collection[str] = ()
) -> list[Snapshot]:
    """Return the cluster's snapshots that match; an empty filter matches all."""
    listed = api.snapshots(
        partial(read_snapshot, api.cluster.uid),
        namespaces,
        vm_names if len(vm_names) <= _FILTERED_VMS else (),
    )
    return [
        snapshot
        for snapshot in listed
        if (not namespaces or snapshot.key.namespace in namespaces)
        and (not vm_names or snapshot.key.vm_name in vm_names)
    ]


# See docs/palette.md, "Existence": a GET may show what a list does not show yet, but does not
# say that something is absent.
def get_snapshot(api: ClusterVms, key: VmKey, name: str) -> Snapshot | None:
    """Return the snapshot with this name of this VM, or None if a GET does not show it."""
    try:
        return read_snapshot(api.cluster.uid, api.snapshot(key.vm_name, key.namespace, name))
    except PaletteError as error:
        if error.reason not in ("not_found", "server_error"):
            raise
        return None


def find_snapshot(api: ClusterVms, key: VmKey, name: str) -> Snapshot | None:
    """Return the snapshot with this name, of this VM or another in its namespace, or None."""
    own = (snapshot for snapshot in list_snapshots(api, [key]) if snapshot.name == name)
    return next(own, None) or find_name(api, key.namespace, name)


def find_name(api: ClusterVms, namespace: str, name: str) -> Snapshot | None:
    """Return the snapshot with this name in the namespace, of any VM, or None."""
    found = (snapshot for snapshot in list_matching(api, [namespace]) if snapshot.name == name)
    return next(found, None)

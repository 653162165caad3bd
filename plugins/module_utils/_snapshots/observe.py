# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Observes snapshots with few LIST calls. Only the LIST decides whether one exists."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import partial

from .._palette.errors import PaletteError
from .._palette.vms import ClusterVms
from .._vms.model import VmKey
from .model import Snapshot, read_listed, unreadable_text

# With more VM names than this, whole namespaces are listed, without a filter.
_FILTERED_VMS = 50


def list_snapshots(api: ClusterVms, keys: Collection[VmKey]) -> list[Snapshot]:
    """Return the snapshots of these VMs in the cluster.

    One that cannot be read may be of any VM that fits what is known of it: it is returned for each,
    so that it is never taken for absent.
    """
    keys = set(keys)
    listed = list_matching(api, {key.namespace for key in keys}, {key.vm_name for key in keys})
    return [
        snapshot._replace(key=key) for snapshot in listed for key in _possible_keys(snapshot, keys)
    ]


def list_matching(
    api: ClusterVms, namespaces: Collection[str] = (), vm_names: Collection[str] = ()
) -> list[Snapshot]:
    """Return the cluster's snapshots that match; an empty filter matches all.

    With what cannot be read, if it matches or may match.
    """
    listed = api.snapshots(
        partial(read_listed, api.cluster.uid),
        namespaces,
        vm_names if len(vm_names) <= _FILTERED_VMS else (),
    )
    # Only of what cannot be read, these are not known.
    spaces, names = {*namespaces, ""}, {*vm_names, ""}
    return [
        snapshot
        for snapshot in listed
        if (not namespaces or snapshot.key.namespace in spaces)
        and (not vm_names or snapshot.key.vm_name in names)
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
    return _named(list_snapshots(api, [key]), name) or find_name(api, key.namespace, name)


def find_name(api: ClusterVms, namespace: str, name: str) -> Snapshot | None:
    """Return the snapshot with this name in the namespace, of any VM, or None."""
    return _named(list_matching(api, [namespace]), name)


def _named(snapshots: Iterable[Snapshot], name: str) -> Snapshot | None:
    """Return the snapshot with this name; raise ``malformed_response`` if it cannot be read."""
    found = next((snapshot for snapshot in snapshots if snapshot.name == name), None)
    if found and found.unreadable:
        raise PaletteError("malformed_response", unreadable_text(found))
    return found


def _possible_keys(snapshot: Snapshot, keys: Collection[VmKey]) -> list[VmKey]:
    """Return the keys of the VMs that a snapshot is of or, where that is not known, may be of."""
    if not snapshot.unreadable:
        return [snapshot.key] if snapshot.key in keys else []
    _uid, namespace, vm_name = snapshot.key
    return [
        key for key in keys if namespace in ("", key.namespace) and vm_name in ("", key.vm_name)
    ]

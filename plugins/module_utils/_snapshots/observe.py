# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Observes snapshots with few LIST calls. Only the LIST decides whether one exists."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from functools import partial
from itertools import product
from typing import Any

from .._http.errors import ApiError
from .._palette.lists import Where
from .._palette.vms import ClusterVms
from .._vms.model import VmKey
from .._vms.observe import MAY_BE_ABSENT
from .model import Snapshot, read_listed

# Takes the cluster's uid and an item of a list.
Reader = Callable[[str, Any], Snapshot]


def list_snapshots(api: ClusterVms, keys: Collection[VmKey]) -> list[Snapshot]:
    """Return the snapshots of these VMs in the cluster, and those that may be theirs."""
    keys = set(keys)
    return _of_vms(_listed(api, {Where(key.namespace, key.vm_name) for key in keys}), keys)


def list_matching(
    api: ClusterVms,
    namespaces: Collection[str] = (),
    vm_names: Collection[str] = (),
    read: Reader = read_listed,
) -> list[Snapshot]:
    """Return the cluster's snapshots that match; an empty filter matches all.

    With what cannot be read, if it matches or may match.
    """
    places = {Where(*place) for place in product(namespaces or [""], vm_names or [""])}
    listed = api.snapshots(partial(read, api.cluster.uid), places)
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
    """Return the snapshot of this name, readable or not, or None if a GET does not show it."""
    try:
        found = read_listed(api.cluster.uid, api.snapshot(key.vm_name, key.namespace, name))
    except ApiError as error:
        if error.reason not in MAY_BE_ABSENT:
            raise
        return None
    if found.unreadable and found.name != name:
        raise ApiError("malformed_response", found.unreadable_text)
    return found._replace(key=key) if found.unreadable else found


def look_up(
    api: ClusterVms, key: VmKey, name: str, anywhere: bool
) -> tuple[list[Snapshot], Snapshot | None]:
    """Return a VM's snapshots, and the one with this name, readable or not.

    anywhere: look for the name among the snapshots of all VMs of the namespace, too.
    """
    # An empty list may be the filter's fault. What it lacks, the namespace's list has, or Palette
    # rejects a creation because of it.
    place = Where(key.namespace, key.vm_name)
    own = _of_vms(_listed(api, {place}, believe_empty=True), {key})
    found = _named(own, name)
    if found or not anywhere:
        return own, found
    here = list_matching(api, [key.namespace])
    return _of_vms(here, {key}), _named(here, name)


def find_snapshot(api: ClusterVms, key: VmKey, name: str) -> Snapshot | None:
    """Return the snapshot with this name, of this VM or another in its namespace, or None.

    Raise ``malformed_response`` if it cannot be read.
    """
    _own, found = look_up(api, key, name, anywhere=True)
    if found and found.unreadable:
        raise ApiError("malformed_response", found.unreadable_text)
    return found


def _listed(
    api: ClusterVms, wanted: Collection[Where], believe_empty: bool = False
) -> list[Snapshot]:
    return api.snapshots(partial(read_listed, api.cluster.uid), wanted, believe_empty)


def _named(snapshots: Iterable[Snapshot], name: str) -> Snapshot | None:
    return next((snapshot for snapshot in snapshots if snapshot.name == name), None)


def _of_vms(listed: Iterable[Snapshot], keys: Collection[VmKey]) -> list[Snapshot]:
    """Return the snapshots of these VMs.

    One that cannot be read may be of any VM that fits what is known of it: it is returned for each,
    so that it is never taken for absent.
    """
    return [
        snapshot._replace(key=key) for snapshot in listed for key in _possible_keys(snapshot, keys)
    ]


def _possible_keys(snapshot: Snapshot, keys: Collection[VmKey]) -> list[VmKey]:
    """Return the keys of the VMs that a snapshot is of or, where that is not known, may be of."""
    if not snapshot.unreadable:
        return [snapshot.key] if snapshot.key in keys else []
    _uid, namespace, vm_name = snapshot.key
    return [
        key for key in keys if namespace in ("", key.namespace) and vm_name in ("", key.vm_name)
    ]

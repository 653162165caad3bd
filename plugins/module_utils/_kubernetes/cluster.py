# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The calls of a cluster's own API for its VMs, what snapshots hold of them, and restores."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, TypeVar

from .._http.answers import Json
from .._http.breaker import Breaker
from .._validation.kubevirt import API_VERSION
from .client import KubernetesClient, Resource

_GROUP, _VERSION = API_VERSION.split("/")

VMS = Resource("kubevirt.io", "v1", "virtualmachines")
INSTANCES = Resource("kubevirt.io", "v1", "virtualmachineinstances")
RESTORES = Resource(_GROUP, _VERSION, "virtualmachinerestores")
CONTENTS = Resource(_GROUP, _VERSION, "virtualmachinesnapshotcontents")

Item = TypeVar("Item")
Read = Callable[[Any], Item]


class ClusterApi:
    """The virtual machines of one cluster. Objects are passed as the API has them.

    Lists are of the namespaces that are given; without, of all.
    """

    def __init__(self, client: KubernetesClient, breaker: Breaker | None = None) -> None:
        self.breaker = breaker or Breaker()
        self._client = client

    def vm(self, namespace: str, name: str) -> Json:
        """Return one VM; ``not_found`` if there is none."""
        return self._get(VMS, namespace, name)

    def vms(self, read: Read[Item], namespaces: Collection[str] = ()) -> list[Item]:
        """Return what ``read`` makes of each VM."""
        return self._items(VMS, read, namespaces)

    def annotate_vm(self, namespace: str, name: str, annotations: dict[str, str | None]) -> Json:
        """Change annotations of a VM, and leave the others; None removes one."""
        with self.breaker.watch():
            changes = {"metadata": {"annotations": annotations}}
            return self._client.patch(VMS, namespace, name, changes)

    def instances(self, read: Read[Item], namespaces: Collection[str] = ()) -> list[Item]:
        """Return what ``read`` makes of each VM's instance. A VM that is off has none."""
        return self._items(INSTANCES, read, namespaces)

    def snapshot_content(self, namespace: str, name: str) -> Json:
        """Return what a snapshot holds of its VM; ``not_found`` if there is none of the name."""
        return self._get(CONTENTS, namespace, name)

    def restore(self, namespace: str, name: str) -> Json:
        """Return one restore; ``not_found`` if there is none."""
        return self._get(RESTORES, namespace, name)

    def restores(self, read: Read[Item], namespaces: Collection[str] = ()) -> list[Item]:
        """Return what ``read`` makes of each restore."""
        return self._items(RESTORES, read, namespaces)

    def create_restore(self, namespace: str, body: Json) -> Json:
        """Request a restore; the answer has no status yet.

        A taken name is ``already_exists`` if its restore is complete, otherwise ``rejected``. See
        docs/palette.md, "One restore at a time".
        """
        with self.breaker.watch():
            return self._client.create(RESTORES, namespace, body)

    def annotate_restore(
        self, namespace: str, name: str, annotations: dict[str, str | None]
    ) -> Json:
        """Change annotations of a restore, and leave the others; None removes one."""
        with self.breaker.watch():
            changes = {"metadata": {"annotations": annotations}}
            return self._client.patch(RESTORES, namespace, name, changes)

    def delete_restore(self, namespace: str, name: str, uid: str = "") -> None:
        """Delete a restore, which also abandons it. uid: of the one that is meant."""
        with self.breaker.watch():
            self._client.delete(RESTORES, namespace, name, uid)

    def _get(self, resource: Resource, namespace: str, name: str) -> Json:
        with self.breaker.watch():
            return self._client.get(resource, namespace, name)

    def _items(
        self, resource: Resource, read: Read[Item], namespaces: Collection[str]
    ) -> list[Item]:
        with self.breaker.watch():
            listed = [
                self._client.items(resource, read, namespace)
                for namespace in sorted(set(namespaces)) or [""]
            ]
        return [item for items in listed for item in items]

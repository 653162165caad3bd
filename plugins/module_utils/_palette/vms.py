# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Palette's API calls for the virtual machines of one cluster, their power and snapshots."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar

from .._http.answers import Json
from .._http.breaker import Breaker
from .._http.errors import ApiError
from .._http.session import Query
from .client import PaletteClient, api_path
from .clusters import Cluster, is_of_tenant
from .lists import EVERYWHERE, ClusterList, Item, Read, Where

Done = TypeVar("Done")

_SCOPE_HINT = "for a cluster in the tenant scope, set neither project nor project_uid"

# What a cluster says that runs, or Palette on its own.
_NOT_OF_THE_CLUSTER = (
    "already_exists",
    "conflict",
    "expired",
    "rate_limited",
    "rejected",
    "unauthorized",
)

# A virtual machine with this name has the same path as the list of all snapshots.
# See docs/palette.md, "Paths".
LIST_SEGMENT = "snapshot"


class ClusterVms:
    """The virtual machines of one cluster. Objects are passed as the API has them."""

    def __init__(self, client: PaletteClient, cluster: Cluster) -> None:
        self.cluster = cluster
        self.breaker = Breaker()
        self._client = client
        self._scope = cluster.scope
        self._root = ("spectroclusters", cluster.uid, "vms")
        self._vms = ClusterList(partial(self._items, api_path(*self._root)))
        self._snapshots = ClusterList(partial(self._items, api_path(*self._root, LIST_SEGMENT)))

    @property
    def retries(self) -> int:
        """How often a request is retried."""
        return self._client.retries

    @property
    def request_timeout(self) -> float:
        """How long an answer may take, in seconds."""
        return self._client.request_timeout

    def vm(self, vm_name: str, namespace: str) -> Json:
        """Return one VM.

        A missing one is ``not_found``; Palette answers 404 or 500.
        """
        return self._get((vm_name,), namespace)

    def vms(self, read: Read[Item], namespaces: Collection[str] = ()) -> list[Item]:
        """Return what ``read`` makes of the VMs in the namespaces; without, of all.

        Of others, too: callers filter.
        """
        wanted = [Where(namespace) for namespace in namespaces] or [EVERYWHERE]
        with self.breaker.watch(of_list=True):
            return self._vms.items(read, wanted)

    def snapshots(
        self, read: Read[Item], wanted: Collection[Where], believe_empty: bool = False
    ) -> list[Item]:
        """Return what ``read`` makes of the snapshots that are wanted.

        Of others, too: callers filter. believe_empty: do not ask again with fewer filters where
        there is nothing.
        """
        with self.breaker.watch(of_list=True):
            return self._snapshots.items(read, wanted, believe_empty)

    def snapshot(self, vm_name: str, namespace: str, name: str) -> Json:
        """Return one snapshot. A missing one is ``not_found``; Palette answers 404 or 500."""
        return self._get((vm_name, "snapshot", name), namespace)

    def create_snapshot(self, vm_name: str, namespace: str, body: Json) -> Json:
        """Request a snapshot; the answer has no status yet."""
        return self._call("POST", (vm_name, "snapshot"), namespace, body)

    def update_snapshot(self, vm_name: str, namespace: str, body: Json) -> Json:
        """Replace a snapshot's metadata; a stale resourceVersion is a ``conflict``."""
        segments = (vm_name, "snapshot", body["metadata"]["name"])
        return self._call("PUT", segments, namespace, body)

    def delete_snapshot(self, vm_name: str, namespace: str, name: str) -> None:
        """Request the deletion of a snapshot; it remains until its finalizer is done."""
        self._call("DELETE", (vm_name, "snapshot", name), namespace)

    def power(self, verb: str, vm_name: str, namespace: str) -> None:
        """Request that a VM starts, stops, pauses, resumes or restarts; it takes its time."""
        self._call("PUT", (vm_name, verb), namespace)

    def _call(
        self, method: str, segments: tuple[str, ...], namespace: str, body: Json | None = None
    ) -> Json:
        path, query = api_path(*self._root, *segments), {"namespace": namespace}
        scope = self._scope
        with self.breaker.watch(), self._told(scope):
            return self._client.call(method, path, query, body, scope)

    def _get(self, segments: tuple[str, ...], namespace: str) -> Json:
        path, query = api_path(*self._root, *segments), {"namespace": namespace}
        with self.breaker.watch():
            return self._read(lambda scope: self._client.call("GET", path, query, scope=scope))

    def _items(self, path: str, read: Read[Any], query: Query) -> list[Any]:
        return self._read(lambda scope: self._client.items(path, read, query, scope))

    def _read(self, ask: Callable[[str | None], Done]) -> Done:
        """Return what is answered in the cluster's scope.

        What fails in a project's is asked once more, if the cluster is the tenant's.
        """
        # Another thread may learn meanwhile that it is the tenant's: an error is about this one.
        scope = self._scope
        try:
            with self._told(scope):
                return ask(scope)
        except ApiError as error:
            if not (self._is_guess(scope) and may_be_the_scope(error)):
                raise
            if not is_of_tenant(self._client, self.cluster.uid):
                raise
        self._scope = None
        with self._told(None):
            return ask(None)

    def _is_guess(self, scope: str | None) -> bool:
        """Say whether a project is the task's word, and Palette has not said that it is right."""
        return scope is not None and not self.cluster.of_project

    @contextmanager
    def _told(self, scope: str | None) -> Iterator[None]:
        """Let an error say what of the cluster may be why. scope: in which it was asked."""
        try:
            yield
        except ApiError as error:
            if self._is_guess(scope) and error.reason == "server_error":
                error.message += f"; {_SCOPE_HINT}"
            if self.cluster.trouble and error.reason not in _NOT_OF_THE_CLUSTER:
                error.message += f"; {self.cluster.trouble}"
            raise


# See docs/palette.md, "Scope".
def may_be_the_scope(error: ApiError) -> bool:
    """Say whether a request may have failed because its cluster is of another scope."""
    missing = error.reason == "not_found" and "cluster not found" in error.message.lower()
    return missing or error.reason == "server_error"

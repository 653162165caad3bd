# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Palette in memory, and the ways to build its fleets: no HTTP, and no time passes."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from datetime import datetime, timedelta, timezone
from typing import Any, NamedTuple, NoReturn
from unittest.mock import patch
from urllib.parse import unquote

from ansible_collections.spectrocloud.palette.plugins.module_utils._module.base import result_of
from ansible_collections.spectrocloud.palette.plugins.module_utils._module.features import Feature
from ansible_collections.spectrocloud.palette.plugins.module_utils._module.task import Task
from ansible_collections.spectrocloud.palette.plugins.module_utils._palette import retry
from ansible_collections.spectrocloud.palette.plugins.module_utils._palette.client import (
    PaletteClient,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._palette.clusters import Cluster
from ansible_collections.spectrocloud.palette.plugins.module_utils._palette.errors import (
    from_answer,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._palette.vms import (
    ClusterVms,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots import (
    execute,
    place,
    retention,
    sets,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots.model import (
    MANAGED_BY,
    MANAGER,
    PART_OF,
    Snapshot,
    VmKey,
    write_time,
)
from unit.fakes import Clock

Json = dict[str, Any]

CLUSTER = Cluster("c1", "cluster-1", "p1")
EPOCH = datetime(2026, 11, 23, 12, tzinfo=timezone.utc)
VOLUMES = [{"name": "rootdisk", "enabled": True}]


def key_of(vm_name: str = "db1", namespace: str = "vms", cluster_uid: str = "c1") -> VmKey:
    """Return a VM's key."""
    return VmKey(cluster_uid, namespace, vm_name)


def marks(part_of: str | None = None) -> dict[str, str]:
    """Return the labels that mark a snapshot as this collection's, and as a set's."""
    return {MANAGED_BY: MANAGER, **({PART_OF: part_of} if part_of else {})}


def snapshot(key: VmKey | None = None, name: str = "db1-nightly", **fields: Any) -> Snapshot:
    """Return a snapshot that is ready, unless the fields say otherwise."""
    plain: Json = {
        "key": key or key_of(),
        "name": name,
        "uid": f"uid-of-{name}",
        "labels": {},
        "annotations": {},
        "failure_deadline": None,
        "deletion_policy": None,
        "phase": "Succeeded",
        "ready": True,
        "created": EPOCH,
        "creation_time": fields.get("created", EPOCH),
        "deleting": False,
        "indications": (),
        "conditions": (),
        "error": None,
        "included_volumes": (),
        "excluded_volumes": (),
        "content_name": None,
        "source_uid": None,
        "manifest": {},
    }
    return Snapshot(**{**plain, **fields})


class Call(NamedTuple):
    """A request, as it reaches Palette."""

    method: str
    path: str
    query: Mapping[str, str]
    scope: str | None

    @property
    def vm_name(self) -> str:
        """The VM that a write is about."""
        return unquote(self.path.split("/")[5])

    @property
    def lists_snapshots(self) -> bool:
        """Whether it asks for a page of the list of snapshots."""
        return self.method == "GET" and self.path.endswith("/vms/snapshot")


class Stored:
    """A snapshot in the cluster, whose state follows from the time. Moments: seconds of the clock.

    ready_at, failed_at, gone_at: None for never.
    """

    def __init__(self, manifest: Json, ready_at: float | None) -> None:
        self.manifest = manifest
        self.ready_at = ready_at
        self.failed_at: float | None = None
        self.gone_at: float | None = None
        self.deleting = False
        self.asked_to_go = False
        self.indications = ["GuestAgent", "Online"]
        self.source_uid = f"uid-of-{self.vm_name}"

    @property
    def vm_name(self) -> str:
        """The VM that it is of."""
        return str(self.manifest["spec"]["source"]["name"])

    def shown(self, now: float) -> Json:
        """Return the object as the API gives it."""
        shown = deepcopy(self.manifest)
        if self.deleting:
            shown["metadata"]["deletionTimestamp"] = write_time(moment(now))
        return {**shown, "status": self._status(now)}

    def _status(self, now: float) -> Json:
        if self.failed_at is not None and now >= self.failed_at:
            why = {"type": "Failure", "status": "True", "reason": "snapshot deadline exceeded"}
            return {"phase": "Failed", "conditions": [why]}
        if self.ready_at is None or now < self.ready_at:
            return {"phase": "InProgress"}
        return {
            "phase": "Succeeded",
            "readyToUse": True,
            "creationTime": self.manifest["metadata"]["creationTimestamp"],
            "indications": self.indications,
            "sourceUID": self.source_uid,
        }


def moment(now: float) -> datetime:
    """Return the date and time that a moment of the clock stands for."""
    return EPOCH + timedelta(seconds=now - Clock().now)


class MemoryPalette(PaletteClient):
    """Palette's API over a dict.

    before: called with each request, may raise what Palette would answer instead.
    after: called with each write when it has been carried out.
    deleted_together: what was to be deleted while another of its VM was still being deleted so.
    """

    def __init__(self) -> None:
        self.clock = Clock()
        self.clusters = {CLUSTER.uid: CLUSTER}
        self.vms: dict[VmKey, Json] = {}
        self.stored: dict[tuple[str, str, str], Stored] = {}
        self.calls: list[Call] = []
        self.ready_after: float | None = 3.0
        self.gone_after: float | None = 2.0
        self.before: Callable[[Call], None] = lambda _call: None
        self.after: Callable[[Call], None] = lambda _call: None
        self.deleted_together: list[str] = []
        self._lock = threading.Lock()

    @property
    def retries(self) -> int:
        """How often a request is repeated."""
        return 2

    def add_cluster(self, uid: str, name: str) -> None:
        """Let there be one more cluster."""
        self.clusters[uid] = Cluster(uid, name, "p1")

    def add_vm(self, key: VmKey, labels: Mapping[str, str] | None = None, **status: Any) -> VmKey:
        """Let there be a VM that can be snapshotted, unless its status says otherwise."""
        self.vms[key] = {
            "metadata": {
                "name": key.vm_name,
                "namespace": key.namespace,
                "uid": f"uid-of-{key.vm_name}",
                "labels": dict(labels or {}),
            },
            "status": {"volumeSnapshotStatuses": VOLUMES, **status},
        }
        return key

    def add_snapshot(
        self, key: VmKey, name: str, labels: Mapping[str, str], age: float = 0.0
    ) -> Stored:
        """Let there be a ready snapshot, as many seconds old."""
        body = {
            "metadata": {"name": name, "namespace": key.namespace, "labels": dict(labels)},
            "spec": {"source": {"kind": "VirtualMachine", "name": key.vm_name}},
        }
        stored = self._store(key.cluster_uid, body)
        created = write_time(moment(self.clock.now) - timedelta(seconds=age))
        stored.manifest["metadata"]["creationTimestamp"] = created
        stored.ready_at = self.clock.now
        return stored

    def writes(self, method: str = "") -> list[Call]:
        """Return the writes so far, of one method if given."""
        return [call for call in self.calls if call.method != "GET" and method in ("", call.method)]

    def names(self) -> list[str]:
        """Return the names of the snapshots that exist now."""
        self._sweep()
        return sorted(name for _cluster, _namespace, name in self.stored)

    def get(
        self, path: str, query: Mapping[str, str] | None = None, scope: str | None = None
    ) -> Json:
        """Return the object, or the page of a list, at a path."""
        self._note(Call("GET", path, query or {}, scope))
        with self._lock:
            self._sweep()
            segments = [unquote(segment) for segment in path.split("/")[2:]]
            if segments[0] == "dashboard":
                return {"items": [_cluster_item(c) for c in self.clusters.values()]}
            page = _page(self._objects(segments[1], segments[-1], query or {}), query or {})
            now = self.clock.now
            shown = [one.shown(now) if isinstance(one, Stored) else one for one in page["items"]]
            return {**page, "items": shown}

    def search_clusters(
        self,
        body: Json,
        scope: str | None = None,
    ) -> list[Json]:
        """Return all clusters."""
        return [_cluster_item(cluster) for cluster in self.clusters.values()]

    def post(
        self,
        path: str,
        body: Json,
        query: Mapping[str, str] | None = None,
        scope: str | None = None,
    ) -> Json:
        """Take a snapshot."""
        with self._writing(Call("POST", path, query or {}, scope)) as place:
            name = body["metadata"]["name"]
            if (*place[:2], name) in self.stored:
                _refuse("POST", path, f'virtualmachinesnapshots "{name}" already exists')
            stored = self._store(place[0], body)
            return deepcopy(stored.manifest)

    def put(
        self,
        path: str,
        body: Json,
        query: Mapping[str, str] | None = None,
        scope: str | None = None,
    ) -> Json:
        """Replace a snapshot's metadata."""
        with self._writing(Call("PUT", path, query or {}, scope)) as place:
            stored = self.stored[place]
            stored.manifest["metadata"] = deepcopy(body["metadata"])
            return stored.shown(self.clock.now)

    def delete(
        self, path: str, query: Mapping[str, str] | None = None, scope: str | None = None
    ) -> None:
        """Begin to delete a snapshot."""
        with self._writing(Call("DELETE", path, query or {}, scope)) as place:
            stored = self.stored.get(place)
            if stored is None:
                _refuse("DELETE", path, f'virtualmachinesnapshots "{place[2]}" not found')
            if any(self._asked_to_go(place, stored.vm_name)):
                self.deleted_together.append(place[2])
            stored.asked_to_go = True
            self.begin_deletion(stored)

    def begin_deletion(self, stored: Stored) -> None:
        """Let a snapshot be on its way out."""
        stored.deleting = True
        stored.gone_at = None if self.gone_after is None else self.clock.now + self.gone_after

    @contextmanager
    def _writing(self, call: Call) -> Iterator[tuple[str, str, str]]:
        self._note(call)
        segments = [unquote(segment) for segment in call.path.split("/")]
        with self._lock:
            self._sweep()
            yield segments[3], call.query["namespace"], segments[-1]
        self.after(call)

    def _note(self, call: Call) -> None:
        with self._lock:
            self.calls.append(call)
        self.before(call)

    def _store(self, cluster_uid: str, body: Json) -> Stored:
        manifest = deepcopy(body)
        now = self.clock.now
        manifest["metadata"].update(
            uid=str(uuid.uuid4()), creationTimestamp=write_time(moment(now))
        )
        ready_at = None if self.ready_after is None else now + self.ready_after
        stored = Stored(manifest, ready_at)
        meta = manifest["metadata"]
        self.stored[cluster_uid, meta["namespace"], meta["name"]] = stored
        return stored

    def _asked_to_go(self, place: tuple[str, str, str], vm_name: str) -> Iterator[bool]:
        for (cluster, namespace, _name), other in self.stored.items():
            if (cluster, namespace) == place[:2] and other.vm_name == vm_name:
                yield other.asked_to_go

    def _objects(self, cluster_uid: str, kind: str, query: Mapping[str, str]) -> Sequence[object]:
        namespaces, vm_names = _csv(query.get("namespace")), _csv(query.get("vmName"))
        if kind != "snapshot":
            return [
                manifest
                for key, manifest in sorted(self.vms.items())
                if key.cluster_uid == cluster_uid
                and (not namespaces or key.namespace in namespaces)
            ]
        return [
            stored
            for (cluster, namespace, _name), stored in sorted(self.stored.items())
            if cluster == cluster_uid
            and (not namespaces or namespace in namespaces)
            and (not vm_names or stored.vm_name in vm_names)
        ]

    def _sweep(self) -> None:
        now = self.clock.now
        gone = [where for where, s in self.stored.items() if s.gone_at and s.gone_at <= now]
        for where in gone:
            del self.stored[where]


def _cluster_item(cluster: Cluster) -> Json:
    meta = {"name": cluster.name, "uid": cluster.uid, "projectUid": cluster.scope}
    return {"metadata": meta}


def _page(items: Sequence[object], query: Mapping[str, str]) -> Json:
    begin, limit = int(query.get("continue", "0")), int(query["limit"])
    end = begin + limit
    return {
        "items": items[begin:end],
        "metadata": {"continue": str(end) if end < len(items) else ""},
    }


def _csv(text: str | None) -> list[str]:
    return text.split(",") if text else []


def _refuse(method: str, path: str, text: str) -> NoReturn:
    raise from_answer(f"{method} {path}", 500, json.dumps({"message": text}), "")


def cluster_vms(palette: MemoryPalette, cluster: Cluster = CLUSTER) -> ClusterVms:
    """Return a cluster as the core works with it."""
    return ClusterVms(palette, cluster)


@contextmanager
def inside(palette: MemoryPalette) -> Iterator[MemoryPalette]:
    """Let all of the core see this Palette and its clock."""

    class WallClock:
        """Stands in for the class datetime."""

        @staticmethod
        def now(_zone: Any) -> datetime:
            """Return the date and time of the test."""
            return moment(palette.clock.now)

    with (
        patch.object(place, "connect", lambda _settings: palette),
        patch.object(retry, "time", palette.clock),
        patch.object(execute, "time", palette.clock),
        patch.object(sets, "datetime", WallClock),
        patch.object(retention, "datetime", WallClock),
    ):
        yield palette


def run(
    palette: MemoryPalette,
    feature: Feature,
    *,
    check_mode: bool = False,
    diff_mode: bool = False,
    **given: Any,
) -> Json:
    """Return the result of a task of a feature; what is not given has its default."""
    options = {name: option.get("default") for name, option in feature.arguments.spec.items()}
    options.update(api_key="a-key", progress=False, **given)
    warnings: list[str] = []
    task = Task(options, check_mode=check_mode, diff_mode=diff_mode, warn=warnings.append)
    with inside(palette):
        return {"warnings": warnings, **result_of(feature, task)}

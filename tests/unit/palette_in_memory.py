# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Palette in memory, below the client's call layer: no HTTP, and no time passes."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from datetime import datetime, timedelta
from itertools import count
from typing import Any, NamedTuple, NoReturn
from unittest.mock import patch
from urllib.parse import unquote

from ansible_collections.spectrocloud.palette.plugins.module_utils._execution import (
    execute,
    lane,
    progress,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._http import deadline
from ansible_collections.spectrocloud.palette.plugins.module_utils._http.errors import ApiError
from ansible_collections.spectrocloud.palette.plugins.module_utils._palette.client import (
    PaletteClient,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._palette.clusters import Cluster
from ansible_collections.spectrocloud.palette.plugins.module_utils._palette.errors import (
    from_answer,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._palette.objects import (
    write_time,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._palette.settings import Settings
from ansible_collections.spectrocloud.palette.plugins.module_utils._palette.vms import ClusterVms
from ansible_collections.spectrocloud.palette.plugins.module_utils._power import work
from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots import offline, steps
from ansible_collections.spectrocloud.palette.plugins.module_utils._snapshots.ownership import (
    MANAGED_BY,
    MANAGER,
    REQUEST_ID,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._vms import session
from ansible_collections.spectrocloud.palette.plugins.module_utils._vms.model import VmKey
from unit.builders import CLUSTER, NOW, READY, RUNNING, SUCCEEDED, Json, manifest, vm_manifest
from unit.fakes import Clock

LOST = ApiError("unreachable", "the connection was cut", outcome_unknown=True)
TIMED_OUT = ApiError("timeout", "no answer came", outcome_unknown=True)
BROKEN = ApiError("server_error", "HTTP 500", outcome_unknown=True, http_status=500)
FORBIDDEN = ApiError("forbidden", "HTTP 403: no", http_status=403)

# The statuses of a snapshot, one after the other: each lasts a second, and the last one stays.
Course = Sequence[Json]
BECOMES_READY: Course = ({}, RUNNING, SUCCEEDED, READY)
NEVER_READY: Course = (RUNNING,)

_ZERO_TIME = "0001-01-01T00:00:00.000Z"


def ready_after(seconds: int) -> Course:
    """Return the course of a snapshot that is in progress for so long."""
    return (*[RUNNING] * seconds, READY)


class Call(NamedTuple):
    """A request about VMs or snapshots. at: seconds since the test began."""

    method: str
    path: str
    query: Mapping[str, str]
    body: Json | None
    scope: str | None
    at: float

    @property
    def kind(self) -> str:
        """What it does: a write's method; for reads VM, VMS, SNAPSHOT, or LIST of snapshots."""
        if self.method != "GET":
            return self.method
        if self.path.split("/")[6:7] == ["snapshot"]:
            return "SNAPSHOT"
        return {"vms": "VMS", "snapshot": "LIST"}.get(self.path.rpartition("/")[2], "VM")

    @property
    def cluster_uid(self) -> str:
        """The cluster that it is about."""
        return self.path.split("/")[3]

    @property
    def vm_name(self) -> str:
        """The VM that a write is about."""
        return unquote(self.path.split("/")[5])

    @property
    def name(self) -> str:
        """The snapshot that a PUT or a DELETE is about, or the verb of a power call."""
        return unquote(self.path.rpartition("/")[2])


class Fault(NamedTuple):
    """An error instead of the answer to one call, before it is carried out or after."""

    kind: str
    error: ApiError
    when: str
    vm_name: str

    def hits(self, call: Call) -> bool:
        """Say whether the call is of the kind, and about the VM if one is named."""
        return call.kind == self.kind and (not self.vm_name or self.vm_name == call.vm_name)


class Stored:
    """A snapshot in a cluster. Its status follows from the time. gone_at: None for never."""

    def __init__(
        self, key: VmKey, body: Json, course: Course, created: datetime, begun: float
    ) -> None:
        self.key = key
        self.manifest = body
        self.course = course
        self.gone_at: float | None = None
        self.delete_received = False
        self._created = created
        self._begun = begun
        body["metadata"]["creationTimestamp"] = write_time(created)
        self.touch()

    @property
    def metadata(self) -> Json:
        """Its metadata, to read and to change."""
        found: Json = self.manifest["metadata"]
        return found

    @property
    def deleting(self) -> bool:
        """Whether it is on its way out."""
        return "deletionTimestamp" in self.metadata

    def touch(self) -> None:
        """Give it a new resourceVersion, as each change does."""
        self.metadata["resourceVersion"] = str(int(self.metadata.get("resourceVersion", 0)) + 1)

    def label(self, **labels: str) -> None:
        """Let somebody label it."""
        self.metadata["labels"].update(labels)
        self.touch()

    def shown(self, now: float) -> Json:
        """Return the object as Kubernetes gives it."""
        second = min(int(now - self._begun), len(self.course) - 1)
        status = deepcopy(self.course[second])
        if status.get("phase") == "Succeeded":
            first = next(n for n, s in enumerate(self.course) if s.get("phase") == "Succeeded")
            status.setdefault("creationTime", write_time(self._created + timedelta(seconds=first)))
            status.setdefault("sourceUID", f"uid-of-{self.key.vm_name}")
        return {**deepcopy(self.manifest), **({"status": status} if status else {})}


class MemoryPalette(PaletteClient):
    """Palette's API over a dict.

    calls: the requests about VMs and snapshots. lookups: the path and scope of all others.
    courses: of a VM's snapshots to come. course: of those of all other VMs.
    gone_after: seconds from a deletion to its end, None for ever.
    before: called with each call. after: called with each write when it has been carried out. Both
    may raise what becomes of the answer.
    strips: methods whose labels and annotations are not kept.
    distort: makes of each VM and snapshot what is answered.
    sick: by cluster uid, what becomes of each of its calls; None for an answer.
    deleted_together: what was to be deleted while another of its VM was still being deleted so.
    """

    clock_skew: timedelta | None = None

    def __init__(self, go_swagger: bool = False) -> None:
        """Be empty. go_swagger: answer as Palette's own models do, not as Kubernetes does."""
        super().__init__(Settings("https://palette.example", "a-key", retries=2))
        self.clock = Clock()
        self.projects = {"project-1": "p1"}
        self.clusters = {CLUSTER.uid: CLUSTER}
        self.vms: dict[VmKey, Json] = {}
        self.stored: dict[tuple[str, str, str], Stored] = {}
        self.calls: list[Call] = []
        self.lookups: list[tuple[str, str | None]] = []
        self.courses: dict[str, Course] = {}
        self.course = BECOMES_READY
        self.gone_after: float | None = 2.0
        self.before: Callable[[Call], None] = lambda _call: None
        self.after: Callable[[Call], None] = lambda _call: None
        self.distort: Callable[[Json], Any] = lambda item: item
        self.deleted_together: list[str] = []
        self.sick: dict[str, Callable[[Call], ApiError | None]] = {}
        self.strips: set[str] = set()
        self.finds_vm_names = True
        self._faults: list[Fault] = []
        self._go_swagger = go_swagger
        self._uids = count(1)
        self._lock = threading.Lock()

    # For tests

    @property
    def now(self) -> datetime:
        """The date and time that the clock stands for."""
        return NOW + timedelta(seconds=self.elapsed)

    @property
    def elapsed(self) -> float:
        """The seconds since the test began."""
        return self.clock.now - Clock().now

    def add_cluster(self, uid: str, name: str) -> None:
        """Let there be one more cluster."""
        self.clusters[uid] = Cluster(uid, name, "p1")

    def add_vm(self, key: VmKey, labels: dict[str, str] | None = None, **status: Any) -> VmKey:
        """Let there be a VM that can be snapshotted, unless its status says otherwise."""
        self.vms[key] = vm_manifest(key, labels, **status)
        return key

    def make_again(self, key: VmKey) -> None:
        """Let a VM have been deleted and made again just now."""
        self.vms[key]["metadata"].update(creationTimestamp=write_time(self.now), uid="another")

    def add_snapshot(
        self,
        name: str,
        key: VmKey,
        labels: Mapping[str, str] | None = None,
        *,
        course: Course = (READY,),
        age: float = 0.0,
        annotations: Mapping[str, str] | None = None,
        spec: Json | None = None,
        request_id: str | None = "by-a-task",
    ) -> Stored:
        """Let there be a snapshot, ready unless its course says otherwise; age: in seconds.

        request_id: what a snapshot with this collection's label has as the annotation, None for
        somebody's who only copied the label.
        """
        ours = (labels or {}).get(MANAGED_BY) == MANAGER and request_id
        body = manifest(
            vm_name=key.vm_name,
            spec=spec,
            name=name,
            namespace=key.namespace,
            labels=dict(labels or {}),
            annotations={**({REQUEST_ID: request_id} if ours else {}), **(annotations or {})},
        )
        return self._store(key, body, course, age)

    def begin_deletion(self, stored: Stored) -> None:
        """Let a snapshot be on its way out, as anybody may."""
        stored.metadata["deletionTimestamp"] = write_time(self.now)
        stored.touch()
        stored.gone_at = None if self.gone_after is None else self.clock.now + self.gone_after

    def fail(self, kind: str, *errors: ApiError, when: str = "before", vm_name: str = "") -> None:
        """Let the next calls of a kind fail, each with one of the errors."""
        self._faults += [Fault(kind, error, when, vm_name) for error in errors]

    def names(self) -> list[str]:
        """Return the names of the snapshots that exist now."""
        self._sweep()
        return sorted(name for _cluster, _namespace, name in self.stored)

    def writes(self, method: str = "") -> list[Call]:
        """Return the writes so far, of one method if given."""
        return [call for call in self.calls if call.method != "GET" and method in ("", call.method)]

    def polls(self) -> list[Call]:
        """Return the requests so far for a page of the list of snapshots."""
        return [call for call in self.calls if call.kind == "LIST"]

    def connect(self, settings: Settings) -> MemoryPalette:
        """Be the client of a task with these settings."""
        self._settings = settings
        return self

    # For the collection

    def call(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: Json | None = None,
        scope: str | None = None,
    ) -> Json:
        """Answer one request."""
        if path.startswith("/v1/dashboard/"):
            return self._look_up(path, scope)
        if not path.partition("/vms")[1]:
            return self._cluster(path, scope)
        call = Call(method, path, query or {}, body, scope, self.elapsed)
        with self._lock:
            self.calls.append(call)
            fault = next((fault for fault in self._faults if fault.hits(call)), None)
            if fault:
                self._faults.remove(fault)
        self.before(call)
        illness = self.sick.get(call.cluster_uid)
        complaint = illness(call) if illness else None
        if complaint:
            raise complaint
        if fault and fault.when == "before":
            raise copy_of(fault.error)
        with self._lock:
            self._sweep()
            answer = self._carry_out(call)
        if method != "GET":
            self.after(call)
        if fault:
            raise copy_of(fault.error)
        return answer

    def _cluster(self, path: str, scope: str | None) -> Json:
        with self._lock:
            self.lookups.append((path, scope))
        found = self.clusters.get(path.rpartition("/")[2])
        if not found:
            raise ApiError("not_found", "Cluster not found", http_status=404)
        kind = "project" if found.scope else "tenant"
        return {"metadata": {"name": found.name, "uid": found.uid, "annotations": {"scope": kind}}}

    def _look_up(self, path: str, scope: str | None) -> Json:
        with self._lock:
            self.lookups.append((path, scope))
        named: list[Json]
        if "/projects/" in path:
            named = [{"name": name, "uid": uid} for name, uid in self.projects.items()]
        else:
            named = [
                {"name": cluster.name, "uid": cluster.uid, "projectUid": cluster.scope}
                for cluster in self.clusters.values()
            ]
        flat = path.endswith("/spectroclusters/metadata")
        return {"items": named if flat else [{"metadata": metadata} for metadata in named]}

    def _carry_out(self, call: Call) -> Json:
        if call.kind == "VM":
            return self._vm(call)
        if call.kind == "SNAPSHOT":
            shown: Json = self._shown(self._existing(call))
            return shown
        if call.method == "GET":
            found = self._snapshots(call) if call.kind == "LIST" else self._vms(call)
            page = _page(found, call.query)
            return {**page, "items": [self._shown(item) for item in page["items"]]}
        return {"POST": self._post, "PUT": self._put, "DELETE": self._delete}[call.method](call)

    def _vm(self, call: Call) -> Json:
        key = VmKey(call.cluster_uid, call.query["namespace"], call.vm_name)
        if key not in self.vms:
            _refuse(call, "Failed")
        answer: Json = self.distort(deepcopy(self.vms[key]))
        return answer

    def _vms(self, call: Call) -> list[Json]:
        namespace = call.query.get("namespace")
        return [
            manifest
            for key, manifest in sorted(self.vms.items())
            if key.cluster_uid == call.cluster_uid and namespace in (None, key.namespace)
        ]

    def _snapshots(self, call: Call) -> list[Stored]:
        cluster_uid = call.cluster_uid
        # A filter has one value: Palette may not take several.
        namespace, vm_name = call.query.get("namespace"), call.query.get("vmName")
        if vm_name and not self.finds_vm_names:
            return []
        return [
            stored
            for _place, stored in sorted(self.stored.items())
            if stored.key.cluster_uid == cluster_uid
            and namespace in (None, stored.key.namespace)
            and vm_name in (None, stored.key.vm_name)
        ]

    def _post(self, call: Call) -> Json:
        body = deepcopy(call.body or {})
        key = VmKey(call.cluster_uid, call.query["namespace"], call.vm_name)
        assert (body["metadata"]["namespace"], body["spec"]["source"]["name"]) == key[1:]
        name = body["metadata"]["name"]
        if (key.cluster_uid, key.namespace, name) in self.stored:
            _refuse(call, f'virtualmachinesnapshots "{name}" already exists')
        if "POST" in self.strips:
            body["metadata"].update(labels={}, annotations={})
        stored = self._store(key, body, self.courses.get(key.vm_name, self.course))
        answer: Json = self._styled(deepcopy(stored.manifest))
        return answer

    def _put(self, call: Call) -> Json:
        stored = self._existing(call)
        body = call.body or {}
        if body["metadata"]["resourceVersion"] != stored.metadata["resourceVersion"]:
            _refuse(call, "Operation cannot be fulfilled: the object has been modified")
        assert body["spec"] == self._shown(stored)["spec"], "the spec cannot be changed"
        for kind in ("labels", "annotations"):
            kept = {} if "PUT" in self.strips else body["metadata"].get(kind)
            stored.metadata[kind] = deepcopy(kept)
        stored.touch()
        answer: Json = self._shown(stored)
        return answer

    def _delete(self, call: Call) -> Json:
        stored = self._existing(call)
        others = (other for other in self.stored.values() if other is not stored)
        if any(other.key == stored.key and other.delete_received for other in others):
            self.deleted_together.append(call.name)
        stored.delete_received = True
        if not stored.deleting:
            self.begin_deletion(stored)
        return {}

    def _existing(self, call: Call) -> Stored:
        stored = self.stored.get((call.cluster_uid, call.query["namespace"], call.name))
        if stored is None:
            _refuse(call, f'virtualmachinesnapshots "{call.name}" not found')
        assert stored.key.vm_name == call.vm_name
        return stored

    def _store(self, key: VmKey, body: Json, course: Course, age: float = 0.0) -> Stored:
        body["metadata"]["uid"] = f"uid-{next(self._uids)}"
        created = self.now - timedelta(seconds=age)
        stored = Stored(key, body, course, created, self.clock.now)
        self.stored[key.cluster_uid, key.namespace, body["metadata"]["name"]] = stored
        return stored

    def _sweep(self) -> None:
        now = self.clock.now
        for place, stored in list(self.stored.items()):
            if stored.gone_at is not None and stored.gone_at <= now:
                del self.stored[place]

    def _shown(self, item: Json | Stored) -> Any:
        if isinstance(item, Stored):
            return self._styled(item.shown(self.clock.now))
        return self.distort(deepcopy(item))

    def _styled(self, snapshot: Json) -> Any:
        return self.distort(_in_go_swagger(snapshot) if self._go_swagger else snapshot)


def _in_go_swagger(item: Json) -> Json:
    """Put an object as Palette's own models do: no false, no empty text, null lists, zero times."""
    deadline = item["spec"].get("failureDeadline")
    if deadline and deadline.endswith("m"):
        item["spec"]["failureDeadline"] = f"{deadline}0s"
    metadata, status = item["metadata"], item.get("status", {})
    metadata.setdefault("deletionTimestamp", _ZERO_TIME)
    metadata.update(finalizers=None, managedFields=None, ownerReferences=None)
    if status:
        if not status.get("readyToUse"):
            status.pop("readyToUse", None)
        status.setdefault("creationTime", _ZERO_TIME)
        for field in ("conditions", "indications"):
            status[field] = status.get(field) or None
    return item


def _page(items: Sequence[Any], query: Mapping[str, str]) -> Json:
    begin, limit = int(query.get("continue", "0")), int(query["limit"])
    end = begin + limit
    return {
        "items": items[begin:end],
        "metadata": {"continue": str(end) if end < len(items) else ""},
    }


def _refuse(call: Call, text: str) -> NoReturn:
    raise from_answer(
        f"{call.method} {call.path}",
        500,
        json.dumps({"code": "InternalServerError", "message": text}),
        "",
    )


def copy_of(error: ApiError) -> ApiError:
    """Return an error like another, which collects facts of its own."""
    return ApiError(
        error.reason,
        error.message,
        outcome_unknown=error.outcome_unknown,
        transient=error.transient,
        **error.facts,
    )


def cluster_vms(palette: MemoryPalette, cluster: Cluster = CLUSTER) -> ClusterVms:
    """Return a cluster as the domain works with it."""
    return ClusterVms(palette, cluster)


@contextmanager
def connected(palette: MemoryPalette) -> Iterator[None]:
    """Let the collection see this Palette, and the time by its clock."""
    with (
        patch.object(session, "connect", palette.connect),
        patch.object(deadline, "time", palette.clock),
        patch.object(execute, "time", palette.clock),
        patch.object(work, "time", palette.clock),
        patch.object(lane, "time", palette.clock),
        patch.object(steps, "time", palette.clock),
        patch.object(offline, "time", palette.clock),
        patch.object(progress, "time", palette.clock),
    ):
        yield

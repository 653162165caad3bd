# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What unit tests put in the place of the world: a clock, an HTTP server, a cluster."""

from __future__ import annotations

import io
import json
import socket
import ssl
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple, TypeVar

from ansible_collections.spectrocloud.palette.plugins.module_utils._palette.clusters import Cluster
from ansible_collections.spectrocloud.palette.plugins.module_utils._palette.errors import (
    PaletteError,
)

Json = dict[str, Any]
Item = TypeVar("Item")


class Clock:
    """A clock that only sleeping moves on. Stands in for the module `time`."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        """Return the time."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Be that much later."""
        assert seconds >= 0
        self.slept.append(seconds)
        self.now += seconds


class Received(NamedTuple):
    """A request as the server got it."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: Any


class Answer(NamedTuple):
    """What the server does with one request.

    sent: how much of the body to send before cutting the connection, None for all.
    silent: cut the connection without a word. stalled: say nothing (more) until the test is over.
    dripping: seconds before each byte of the answer. garbled: say what is not TLS.
    """

    body: Any = b"{}"
    status: int = 200
    headers: Mapping[str, str] = {}
    sent: int | None = None
    silent: bool = False
    stalled: bool = False
    dripping: float = 0.0
    garbled: bool = False

    @property
    def content(self) -> bytes:
        """The body's bytes; what is not bytes already is sent as JSON."""
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()

    @property
    def closes(self) -> bool:
        """Whether the connection ends with it."""
        broken = self.silent or self.stalled or self.garbled or self.sent is not None
        return broken or self.dripping > 0


class ScriptedServer:
    """An HTTP(S) server on a free port: gives the answers of its script, the last for ever."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.received: list[Received] = []
        self.connections = 0
        self._script: deque[Answer] = deque([Answer()])
        self.over = threading.Event()
        handler = type("Handler", (_Handler,), {"owner": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]
        if context:
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        scheme = "https" if context else "http"
        self.port = self._server.server_address[1]
        self.url = f"{scheme}://127.0.0.1:{self.port}"

    @classmethod
    @contextmanager
    def running(cls, context: ssl.SSLContext | None = None) -> Iterator[ScriptedServer]:
        """Serve until the block ends."""
        server = cls(context)
        thread = threading.Thread(target=server._server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.over.set()
            server._server.shutdown()
            thread.join()
            server._server.server_close()

    def script(self, *answers: Answer) -> None:
        """Say what the next requests are answered."""
        self._script = deque(answers)

    def next_answer(self) -> Answer:
        """The answer whose turn it is."""
        return self._script.popleft() if len(self._script) > 1 else self._script[0]


class _Handler(BaseHTTPRequestHandler):
    """Serves one connection of its owner."""

    protocol_version = "HTTP/1.1"
    timeout = 10
    disable_nagle_algorithm = True
    owner: ScriptedServer

    def setup(self) -> None:
        self.owner.connections += 1
        super().setup()

    def log_message(self, *_args: Any) -> None:
        pass

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.owner.received.append(Received(self.command, self.path, headers, body))
        answer = self.owner.next_answer()
        if answer.garbled:
            socket.socket.send(self.connection, b"this is not TLS at all")
        elif answer.dripping:
            self._drip(answer)
        elif not answer.silent and (answer.sent is not None or not answer.stalled):
            self._say(answer)
        if answer.stalled:
            self.owner.over.wait(10)
        self.close_connection = answer.closes

    def _say(self, answer: Answer) -> None:
        self.send_response_only(answer.status)
        headers = {"Content-Type": "application/json", **answer.headers}
        for name, value in headers.items():
            self.send_header(name, value)
        if answer.status != 204:
            self.send_header("Content-Length", str(len(answer.content)))
        self.end_headers()
        self.wfile.write(answer.content[: answer.sent])

    def _drip(self, answer: Answer) -> None:
        connection, self.wfile = self.wfile, io.BytesIO()
        self._say(answer)
        said, self.wfile = self.wfile.getvalue(), connection
        for byte in said:
            self.owner.over.wait(answer.dripping)
            self.wfile.write(bytes([byte]))

    do_GET = do_POST = do_PUT = do_DELETE = do_CONNECT = _serve  # noqa: N815


LOST = PaletteError("unreachable", "the connection was cut", outcome_unknown=True)
TIMED_OUT = PaletteError("timeout", "no answer came", outcome_unknown=True)
BROKEN = PaletteError("server_error", "HTTP 500", outcome_unknown=True, http_status=500)
FORBIDDEN = PaletteError("forbidden", "HTTP 403: no", http_status=403)

SUCCEEDED: Json = {
    "phase": "Succeeded",
    "creationTime": "2026-01-02T03:04:08Z",
    "indications": ["GuestAgent", "Online"],
    "snapshotVolumes": {"includedVolumes": ["rootdisk"], "excludedVolumes": ["cloudinitdisk"]},
    "sourceUID": "vm-uid",
    "virtualMachineSnapshotContentName": "content",
}
READY: Json = {**SUCCEEDED, "readyToUse": True}
RUNNING: Json = {
    "phase": "InProgress",
    "readyToUse": False,
    "indications": ["GuestAgent", "Online"],
    "conditions": [{"type": "Progressing", "status": "True", "reason": "Source locked"}],
}
FAILED: Json = {
    "phase": "Failed",
    "conditions": [
        {"type": "Progressing", "status": "False", "reason": "Operation failed"},
        {"type": "Failure", "status": "True", "reason": "snapshot deadline exceeded"},
    ],
}


def copy(error: PaletteError) -> PaletteError:
    """Return an error like another, which collects facts of its own."""
    return PaletteError(
        error.reason, error.message, outcome_unknown=error.outcome_unknown, **error.facts
    )


BECOMES_READY: tuple[Json | None, ...] = (None, RUNNING, SUCCEEDED, READY)

_ZERO_TIME = "0001-01-01T00:00:00.000Z"


class FakeCluster:
    """One cluster's VMs and snapshots in memory, in the place of ClusterVms.

    Each list of snapshots moves every snapshot on by one look: through the statuses of its VM's
    course, the last of which stays, and from deletion to its end.

    courses: statuses by VM name. lingers: looks that a deleted snapshot stays, None for ever.
    faults: for a verb, errors to raise before a call is carried out, or after it. go_swagger:
    answer as Palette's own models do.
    """

    def __init__(self, go_swagger: bool = False, retries: int = 2) -> None:
        self.cluster = Cluster("c1", "cluster-1", "p1")
        self.retries = retries
        self.calls: list[tuple[str, str]] = []
        self.courses: dict[str, tuple[Json | None, ...]] = {}
        self.lingers: int | None = 1
        self.machines: dict[tuple[str, str], Json] = {}
        self.objects: dict[tuple[str, str], Json] = {}
        self.on_look: list[Callable[[], None]] = []
        self._faults: dict[str, list[tuple[str, PaletteError]]] = {}
        self._looks: dict[str, int] = {}
        self._go_swagger = go_swagger
        self._counter = 0

    @property
    def writes(self) -> list[str]:
        """The verbs of all writes so far."""
        return [verb for verb, _what in self.calls if verb in ("POST", "PUT", "DELETE")]

    def add_vm(self, vm_name: str, namespace: str = "vms", **status: Any) -> None:
        """Let there be a VM."""
        volumes = [{"name": "rootdisk", "enabled": True}]
        self.machines[namespace, vm_name] = {
            "metadata": {"name": vm_name, "namespace": namespace, "uid": f"uid-{vm_name}"},
            "status": {"volumeSnapshotStatuses": volumes, **status},
        }

    def add_snapshot(
        self, name: str, vm_name: str = "db1", namespace: str = "vms", **more: Any
    ) -> Json:
        """Let there be a snapshot; more: its status, spec and further metadata."""
        source = {"apiGroup": "kubevirt.io", "kind": "VirtualMachine", "name": vm_name}
        body: Json = {
            "apiVersion": "snapshot.kubevirt.io/v1beta1",
            "kind": "VirtualMachineSnapshot",
            "metadata": {"name": name, "namespace": namespace, **more.get("metadata", {})},
            "spec": {"source": source, **more.get("spec", {})},
        }
        self._store(body)
        if "status" in more:
            body["status"] = more["status"]
            self._looks[body["metadata"]["uid"]] = -(10**6)
        return body

    def fail(self, verb: str, *errors: PaletteError, when: str = "before") -> None:
        """Raise these errors on the next calls of a verb."""
        self._faults.setdefault(verb, []).extend((when, error) for error in errors)

    def vm(self, vm_name: str, namespace: str) -> Json:
        """Return a VM."""
        with self._call("VM", vm_name):
            found = self.machines.get((namespace, vm_name))
            if found is None:
                raise PaletteError("server_error", f"Failed: {vm_name}", http_status=500)
            return deepcopy(found)

    def vms(self, read: Callable[[Json], Item], namespaces: Iterable[str] = ()) -> list[Item]:
        """List VMs."""
        wanted = set(namespaces)
        with self._call("VMS", ",".join(sorted(wanted))):
            return [
                read(deepcopy(machine))
                for (namespace, _name), machine in self.machines.items()
                if not wanted or namespace in wanted
            ]

    def snapshots(
        self,
        read: Callable[[Json], Item],
        namespaces: Iterable[str] = (),
        vm_names: Iterable[str] = (),
    ) -> list[Item]:
        """List snapshots."""
        in_namespaces, of_vms = set(namespaces), set(vm_names)
        with self._call("LIST", ",".join(sorted(of_vms))):
            for event in self.on_look:
                event()
            self._move_on()
            return [
                read(self._shown(item))
                for (namespace, _name), item in self.objects.items()
                if (not in_namespaces or namespace in in_namespaces)
                and (not of_vms or item["spec"]["source"]["name"] in of_vms)
            ]

    def create_snapshot(self, vm_name: str, namespace: str, body: Json) -> Json:
        """Take a snapshot."""
        name = body["metadata"]["name"]
        with self._call("POST", name):
            assert (vm_name, namespace) == (
                body["spec"]["source"]["name"],
                body["metadata"]["namespace"],
            )
            if (namespace, name) in self.objects:
                raise PaletteError("already_exists", f"{name!r} already exists", http_status=409)
            return self._shown(self._store(deepcopy(body)))

    def update_snapshot(self, vm_name: str, namespace: str, body: Json) -> Json:
        """Replace a snapshot's metadata."""
        name = body["metadata"]["name"]
        with self._call("PUT", name):
            current = self._existing(namespace, name)
            assert current["spec"]["source"]["name"] == vm_name
            if body["metadata"]["resourceVersion"] != current["metadata"]["resourceVersion"]:
                raise PaletteError("conflict", "the object has been modified", http_status=409)
            assert body["spec"] == self._shown(current)["spec"], "spec is immutable"
            for field in ("labels", "annotations"):
                current["metadata"][field] = deepcopy(body["metadata"].get(field))
            self.touch(namespace, name)
            return self._shown(current)

    def delete_snapshot(self, vm_name: str, namespace: str, name: str) -> None:
        """Mark a snapshot for deletion."""
        with self._call("DELETE", name):
            current = self._existing(namespace, name)
            assert current["spec"]["source"]["name"] == vm_name
            self.start_deletion(namespace, name)

    def start_deletion(self, namespace: str, name: str) -> None:
        """Begin to delete a snapshot, as anybody may."""
        meta = self._existing(namespace, name)["metadata"]
        if not meta.get("deletionTimestamp"):
            meta["deletionTimestamp"] = "2026-01-02T04:00:00Z"
            self._looks[meta["uid"]] = 0

    def touch(self, namespace: str, name: str) -> None:
        """Give a snapshot a new resourceVersion, as any change does."""
        self._counter += 1
        self.objects[namespace, name]["metadata"]["resourceVersion"] = str(self._counter)

    @contextmanager
    def _call(self, verb: str, what: str) -> Iterator[None]:
        self.calls.append((verb, what))
        faults = self._faults.get(verb)
        when, error = faults.pop(0) if faults else ("", None)
        if error and when == "before":
            raise copy(error)
        yield
        if error:
            raise copy(error)

    def _existing(self, namespace: str, name: str) -> Json:
        if (namespace, name) not in self.objects:
            raise PaletteError("not_found", f"{name!r} not found", http_status=404)
        return self.objects[namespace, name]

    def _store(self, body: Json) -> Json:
        meta = body["metadata"]
        self._counter += 1
        meta.setdefault("uid", f"uid-{self._counter}")
        meta.setdefault("creationTimestamp", "2026-01-02T03:04:05Z")
        meta["resourceVersion"] = str(self._counter)
        self.objects[meta["namespace"], meta["name"]] = body
        self._looks[meta["uid"]] = 0
        return body

    def _move_on(self) -> None:
        for place, item in list(self.objects.items()):
            uid = item["metadata"]["uid"]
            self._looks[uid] += 1
            looks = self._looks[uid]
            if item["metadata"].get("deletionTimestamp"):
                if self.lingers is not None and looks > self.lingers:
                    del self.objects[place]
            elif looks > 0:
                course = self.courses.get(item["spec"]["source"]["name"], BECOMES_READY)
                item["status"] = course[min(looks, len(course)) - 1]

    def _shown(self, item: Json) -> Json:
        shown = deepcopy(item)
        if not shown.get("status"):
            shown.pop("status", None)
        return _in_go_swagger(shown) if self._go_swagger else shown


def _in_go_swagger(item: Json) -> Json:
    """Put an object as Palette's own models do: no false, no empty text, null lists, zero times."""
    deadline = item["spec"].get("failureDeadline")
    if deadline and deadline.endswith("m"):
        item["spec"]["failureDeadline"] = f"{deadline}0s"
    meta, status = item["metadata"], item.get("status", {})
    meta.setdefault("deletionTimestamp", _ZERO_TIME)
    meta.update(finalizers=None, managedFields=None, ownerReferences=None)
    if status:
        if not status.get("readyToUse"):
            status.pop("readyToUse", None)
        status.setdefault("creationTime", _ZERO_TIME)
        for field in ("conditions", "indications"):
            status[field] = status.get(field) or None
    return item

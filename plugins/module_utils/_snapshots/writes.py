# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The writes. Each is carried out exactly once: if its outcome is unknown, the LIST decides."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple, Optional

from .._execution.doubt import InDoubtError
from .._http.answers import Json
from .._http.deadline import attempts
from .._http.errors import ApiError
from .._palette.objects import without_nulls
from .._palette.vms import ClusterVms
from .._validation.kubevirt import API_VERSION, KIND
from .._vms.model import VmKey
from .desired import Desired
from .model import Snapshot, read_snapshot
from .observe import find_snapshot
from .ownership import REQUEST_ID
from .plan import differing_metadata, taken_by_another_vm, with_metadata

Listed = Optional[Snapshot]

_SENT_BACK = (
    "name",
    "namespace",
    "uid",
    "resourceVersion",
    "labels",
    "annotations",
    "finalizers",
    "ownerReferences",
)


class Write(NamedTuple):
    """One write to one snapshot.

    send: sends the request. read: returns what was done by its answer. settle: returns it by the
    listed snapshot, or None if the write was not carried out.
    """

    key: VmKey
    name: str
    send: Callable[[], Any]
    settle: Callable[[Listed], Any]
    read: Callable[[Any], Any] = lambda answer: answer


class NameTakenError(ApiError):
    """Another snapshot has the name. listed: that snapshot."""

    def __init__(self, message: str, listed: Snapshot) -> None:
        super().__init__("conflict", message)
        self.listed = listed


def new_request_id() -> str:
    """Return what tells a creation of ours from all others."""
    # uuid4 asks the operating system, which would make the threads wait for each other.
    return str(uuid.UUID(int=random.getrandbits(128), version=4))


def marked(desired: Desired, request_id: str) -> Desired:
    """Return what to take with the mark of its request. All its metadata counts as declared."""
    metadata = desired.body["metadata"]
    annotations = {**metadata.get("annotations", {}), REQUEST_ID: request_id}
    body = {**desired.body, "metadata": {**metadata, "annotations": annotations}}
    return desired._replace(body=body, declared=body)


def create(api: ClusterVms, desired: Desired, gone_uid: str | None = None) -> Snapshot:
    """Take the snapshot and return it as answered, or as listed if the outcome was unknown.

    desired: with the mark of its request, the same for each attempt. gone_uid: of the snapshot that
    had the name before. Raise NameTakenError if another VM's snapshot has the name, or somebody
    else has just taken it.
    """
    request_id = desired.body["metadata"]["annotations"][REQUEST_ID]

    key = desired.key
    send = partial(api.create_snapshot, key.vm_name, key.namespace, desired.body)

    def settle(listed: Listed) -> Snapshot | None:
        if listed and listed.uid == gone_uid:
            # The list shows what was there before.
            return None
        if listed is None or listed.annotations.get(REQUEST_ID) == request_id:
            return listed
        if listed.key != desired.key:
            raise NameTakenError(taken_by_another_vm(desired, listed), listed)
        raise NameTakenError(
            f"somebody else has just taken snapshot {desired.key.namespace}/{desired.name}; run "
            "the task again",
            listed,
        )

    read = partial(_answered, api, desired)
    taken: Snapshot = _exactly_once(api, Write(key, desired.name, send, settle, read))
    return taken


def update(api: ClusterVms, desired: Desired) -> Snapshot:
    """Write the declared labels and annotations, and keep all others, even if just added."""

    def send() -> Snapshot:
        current = _existing(api, desired)
        if not differing_metadata(desired, current):
            return current
        body = _replacement(without_nulls(with_metadata(current.manifest, desired)))
        answer = api.update_snapshot(desired.key.vm_name, desired.key.namespace, body)
        return _answered(api, desired, answer)

    def settle(listed: Listed) -> Snapshot | None:
        return listed if listed and not differing_metadata(desired, listed) else None

    written: Snapshot = _exactly_once(api, Write(desired.key, desired.name, send, settle))
    return written


def delete(api: ClusterVms, key: VmKey, name: str, uid: str | None = None) -> bool:
    """Request the deletion; a snapshot that is gone or already being deleted is no error.

    uid: of the snapshot to delete; where an outcome is unknown, another one with its name is left
    alone. Return whether a request may be under way still: its outcome was unknown.
    """
    lost = False

    def send() -> bool:
        nonlocal lost
        try:
            api.delete_snapshot(key.vm_name, key.namespace, name)
        except ApiError as error:
            lost = lost or error.outcome_unknown
            raise
        return True

    def settle(listed: Listed) -> bool | None:
        if listed is None or listed.deleting or listed.key != key:
            return True
        return True if uid and listed.uid != uid else None

    _exactly_once(api, Write(key, name, send, settle))
    return lost


def _replacement(manifest: Json) -> Json:
    """Return the body of a PUT: only what a client may set, or must send to replace an object.

    Palette's models would otherwise send back times and a status that Kubernetes refuses.
    """
    metadata = {key: value for key, value in manifest["metadata"].items() if key in _SENT_BACK}
    # The items of a list have no apiVersion and kind.
    kind = {"apiVersion": manifest.get("apiVersion") or API_VERSION, "kind": KIND}
    return {**kind, "metadata": metadata, "spec": manifest["spec"]}


def _answered(api: ClusterVms, desired: Desired, answer: Json) -> Snapshot:
    """Read a write's answer. An answer about another object leaves the outcome unknown."""
    try:
        snapshot = read_snapshot(api.cluster.uid, answer)
    except ApiError as error:
        error.outcome_unknown = True
        raise
    if (snapshot.key, snapshot.name) == (desired.key, desired.name):
        return snapshot
    raise ApiError(
        "malformed_response",
        f"Palette's answer is not about snapshot {desired.key.namespace}/{desired.name}",
        outcome_unknown=True,
    )


def _existing(api: ClusterVms, desired: Desired) -> Snapshot:
    current = find_snapshot(api, desired.key, desired.name)
    if current is None or current.deleting or current.key != desired.key:
        raise ApiError(
            "snapshot_disappeared",
            f"snapshot {desired.key.namespace}/{desired.name} has just been deleted; "
            "run the task again",
        )
    return current


# See docs/palette.md, "Existence" and "What a status says".
def _exactly_once(api: ClusterVms, write: Write) -> Any:
    """Return what a write has done, by its answer or, if that tells nothing, by the list."""
    for attempt in attempts(api.retries):
        try:
            return write.read(write.send())
        except ApiError as error:
            if not error.outcome_unknown:
                raise
            error.transient = error.transient and attempt <= api.retries
            done = write.settle(_listed_after(api, write, error))
            if done is not None:
                return done
            if not error.transient:
                # The list may lag behind. A poll tells, when it has had time.
                raise InDoubtError(error, None, write.settle) from None
    raise AssertionError("the last attempt returns or raises")


def _listed_after(api: ClusterVms, write: Write, error: ApiError) -> Listed:
    try:
        return find_snapshot(api, write.key, write.name)
    except ApiError as unlisted:
        raise InDoubtError(error, unlisted, write.settle) from None

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The writes. Each is carried out exactly once: if an answer is lost, the LIST decides."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable
from typing import TypeVar

from .._palette.client import Json
from .._palette.deadline import backoff, pause
from .._palette.errors import PaletteError
from .._palette.objects import without_nulls
from .._palette.vms import ClusterVms
from .._vms.model import VmKey
from .desired import API_VERSION, KIND, Desired
from .model import Snapshot, read_snapshot
from .observe import find_snapshot
from .ownership import REQUEST_ID
from .plan import differing_metadata, taken_by_another_vm, with_metadata

Done = TypeVar("Done")

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


class NameTakenError(PaletteError):
    """Another snapshot has the name. listed: that snapshot."""

    def __init__(self, message: str, listed: Snapshot) -> None:
        super().__init__("conflict", message)
        self.listed = listed


def create(api: ClusterVms, desired: Desired) -> Snapshot:
    """Take the snapshot and return it as answered, or as listed if the answer was lost.

    Raise NameTakenError if another VM's snapshot has the name, or somebody else has just taken it.
    """
    # uuid4 asks the operating system, which would make the threads wait for each other.
    request_id = str(uuid.UUID(int=random.getrandbits(128), version=4))
    metadata = desired.body["metadata"]
    annotations = {**metadata.get("annotations", {}), REQUEST_ID: request_id}
    body = {**desired.body, "metadata": {**metadata, "annotations": annotations}}

    def attempt() -> Snapshot:
        answer = api.create_snapshot(desired.key.vm_name, desired.key.namespace, body)
        return _answered(api, desired, answer)

    def find() -> Snapshot | None:
        listed = find_snapshot(api, desired.key, desired.name)
        if listed is None or listed.annotations.get(REQUEST_ID) == request_id:
            return listed
        if listed.key != desired.key:
            raise NameTakenError(taken_by_another_vm(desired, listed), listed)
        raise NameTakenError(
            f"somebody else has just taken snapshot {desired.key.namespace}/{desired.name}; run "
            "the task again",
            listed,
        )

    return _exactly_once(api, attempt, find, unclear=("already_exists", "conflict"))


def update(api: ClusterVms, desired: Desired) -> Snapshot:
    """Write the declared labels and annotations, and keep all others, even if just added."""

    def attempt() -> Snapshot:
        current = _existing(api, desired)
        if not differing_metadata(desired, current):
            return current
        body = _replacement(without_nulls(with_metadata(current.manifest, desired)))
        answer = api.update_snapshot(desired.key.vm_name, desired.key.namespace, body)
        return _answered(api, desired, answer)

    def find() -> Snapshot | None:
        listed = find_snapshot(api, desired.key, desired.name)
        return listed if listed and not differing_metadata(desired, listed) else None

    return _exactly_once(api, attempt, find, unclear=("conflict",))


def delete(api: ClusterVms, key: VmKey, name: str, uid: str | None = None) -> None:
    """Request the deletion; a snapshot that is gone or already being deleted is no error.

    uid: of the snapshot to delete; after a lost answer, another one with its name is left alone.
    """

    def attempt() -> bool:
        api.delete_snapshot(key.vm_name, key.namespace, name)
        return True

    def find() -> bool | None:
        listed = find_snapshot(api, key, name)
        if listed is None or listed.deleting or listed.key != key:
            return True
        return True if uid and listed.uid != uid else None

    _exactly_once(api, attempt, find, unclear=("not_found", "conflict"))


def _replacement(manifest: Json) -> Json:
    """Return the body of a PUT: only what a client may set, or must send to replace an object.

    Palette's models would otherwise send back times and a status that Kubernetes refuses.
    """
    metadata = {key: value for key, value in manifest["metadata"].items() if key in _SENT_BACK}
    # The items of a list have no apiVersion and kind.
    kind = {"apiVersion": manifest.get("apiVersion", API_VERSION), "kind": KIND}
    return {**kind, "metadata": metadata, "spec": manifest["spec"]}


def _answered(api: ClusterVms, desired: Desired, answer: Json) -> Snapshot:
    """Read a write's answer. An answer about another object leaves the outcome unknown."""
    try:
        snapshot = read_snapshot(api.cluster.uid, answer)
    except PaletteError as error:
        error.outcome_unknown = True
        raise
    if (snapshot.key, snapshot.name) == (desired.key, desired.name):
        return snapshot
    raise PaletteError(
        "malformed_response",
        f"Palette's answer is not about snapshot {desired.key.namespace}/{desired.name}",
        outcome_unknown=True,
    )


def _existing(api: ClusterVms, desired: Desired) -> Snapshot:
    current = find_snapshot(api, desired.key, desired.name)
    if current is None or current.deleting or current.key != desired.key:
        raise PaletteError(
            "snapshot_disappeared",
            f"snapshot {desired.key.namespace}/{desired.name} has just been deleted; "
            "run the task again",
        )
    return current


# See docs/palette.md, "Existence".
def _exactly_once(
    api: ClusterVms,
    attempt: Callable[[], Done],
    find: Callable[[], Done | None],
    unclear: tuple[str, ...],
) -> Done:
    """Return what the attempt returns or, if its outcome is unknown, what is found.

    unclear: reasons of a refusal that leave open whether this write was carried out.
    """
    for number in range(1, api.retries + 2):
        try:
            return attempt()
        except PaletteError as error:
            if not (error.outcome_unknown or error.reason in unclear):
                raise
            found = _found_after(error, find)
            if found is not None:
                return found
            if number > api.retries:
                raise
        pause(backoff(number))
    raise AssertionError("the last attempt returns or raises")


def _found_after(error: PaletteError, find: Callable[[], Done | None]) -> Done | None:
    try:
        return find()
    except NameTakenError:
        raise
    except PaletteError as unlisted:
        raise PaletteError(
            error.reason,
            f"{error.message}; it is not known whether this was carried out, because the list "
            f"cannot be read either ({unlisted.message}); run the task again when Palette is "
            "reachable",
            outcome_unknown=True,
            **error.facts,
        ) from None

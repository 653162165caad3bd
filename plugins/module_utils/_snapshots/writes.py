# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The writes, each carried out exactly once: when an answer is lost, the LIST decides."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable
from typing import TypeVar

from .._palette.client import Json
from .._palette.deadline import backoff, pause
from .._palette.errors import PaletteError
from .._palette.vms import ClusterVms
from .._vms.model import VmKey
from .desired import API_VERSION, KIND, Desired
from .model import Snapshot, read_snapshot
from .observe import find_snapshot
from .ownership import REQUEST_ID
from .plan import differing_metadata, taken_by_another_vm, with_metadata

Done = TypeVar("Done")


class NameTakenError(PaletteError):
    """The name to create is another's. listed: what has it."""

    def __init__(self, message: str, listed: Snapshot) -> None:
        super().__init__("conflict", message)
        self.listed = listed


def create(api: ClusterVms, desired: Desired) -> Snapshot:
    """Take the snapshot and return it as answered, or as listed where the answer was lost.

    Raises NameTakenError when another VM's snapshot has the name, or somebody took it meanwhile.
    """
    # Unlike uuid4, which asks the operating system, this does not make the threads take turns.
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
            f"snapshot {desired.key.namespace}/{desired.name} was taken meanwhile by somebody "
            "else; run the task again",
            listed,
        )

    return _exactly_once(api, attempt, find, unclear=("already_exists", "conflict"))


def update(api: ClusterVms, desired: Desired) -> Snapshot:
    """Write the declared labels and annotations; what others wrote, also meanwhile, stays."""

    def attempt() -> Snapshot:
        current = _existing(api, desired)
        if not differing_metadata(desired, current):
            return current
        # The items of a list come without apiVersion and kind.
        body = {"apiVersion": API_VERSION, "kind": KIND, **with_metadata(current.manifest, desired)}
        answer = api.update_snapshot(desired.key.vm_name, desired.key.namespace, body)
        return _answered(api, desired, answer)

    def find() -> Snapshot | None:
        listed = find_snapshot(api, desired.key, desired.name)
        return listed if listed and not differing_metadata(desired, listed) else None

    return _exactly_once(api, attempt, find, unclear=("conflict",))


def delete(api: ClusterVms, key: VmKey, name: str, uid: str | None = None) -> None:
    """Ask for the snapshot's removal; one that is gone or being deleted already is no error.

    uid: of the snapshot meant; after a lost answer, another of the same name is left alone.
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


def _answered(api: ClusterVms, desired: Desired, answer: Json) -> Snapshot:
    """Read a write's answer. One about something else does not tell whether it was carried out."""
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
            f"snapshot {desired.key.namespace}/{desired.name} was deleted meanwhile; "
            "run the task again",
        )
    return current


def _exactly_once(
    api: ClusterVms,
    attempt: Callable[[], Done],
    find: Callable[[], Done | None],
    unclear: tuple[str, ...],
) -> Done:
    """Return what the attempt returns, or what is found where its outcome is not known.

    unclear: reasons of a refusal that do not tell whether this very write was carried out.
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
            f"{error.message}; whether it was carried out is not known, because the list cannot be "
            f"read either ({unlisted.message}); run the task again when Palette can be reached",
            outcome_unknown=True,
            **error.facts,
        ) from None

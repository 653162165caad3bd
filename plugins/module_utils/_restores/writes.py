# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The writes to a cluster's own API. A restore is created once: its name decides."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from .._execution.doubt import InDoubtError
from .._http.answers import Json
from .._http.deadline import attempts
from .._http.errors import ApiError
from .._kubernetes.cluster import ClusterApi
from .._power.plan import strategy_after
from .._snapshots.model import VM_RAN
from .._snapshots.ownership import MANAGED_BY, MANAGER, PART_OF, REQUEST_ID
from .._validation.kubevirt import API_VERSION, SOURCE_API_GROUP, SOURCE_KIND
from .._vms.model import HALTED, VmKey
from .model import (
    CLAIMS,
    DONE,
    IN_PLACE,
    PENDING,
    RAN_AT,
    ROLLBACK,
    SAFETY,
    STRATEGY,
    Machine,
    Restore,
    read_restore,
)

_STOP_TARGET, _FAIL_IMMEDIATE = "StopTarget", "FailImmediate"


class RestoreRequest(NamedTuple):
    """What is asked of a restore, whatever its name.

    machine: its VM as it is before. ran: whether that runs. part_of: the set, if any. safety: the
    name of the safety snapshot, if any. stop: whether KubeVirt is to stop the VM; otherwise one
    that somebody has just started makes it fail. See docs/palette.md, "VM still running".
    """

    key: VmKey
    snapshot_name: str
    machine: Machine | None
    ran: bool
    stop: bool
    in_place: bool
    part_of: str | None
    safety: str


def restore_body(request: RestoreRequest, name: str) -> Json:
    """Return a restore as it is requested, which also says what has to be known afterwards."""
    part_of = {PART_OF: request.part_of} if request.part_of else {}
    return {
        "apiVersion": API_VERSION,
        "kind": "VirtualMachineRestore",
        "metadata": {
            "name": name,
            "namespace": request.key.namespace,
            "labels": {MANAGED_BY: MANAGER, **part_of},
            "annotations": _annotations(request),
        },
        "spec": _spec(request),
    }


def _annotations(request: RestoreRequest) -> dict[str, str]:
    machine = request.machine
    claims = machine.claims if machine else {}
    annotations = {
        ROLLBACK: PENDING,
        VM_RAN: "true" if request.ran else "false",
        STRATEGY: machine.vm.run_strategy if machine else "",
        CLAIMS: ",".join(f"{volume}={claim}" for volume, claim in claims.items()),
        SAFETY: request.safety,
    }
    return {name: text for name, text in annotations.items() if text}


def _spec(request: RestoreRequest) -> Json:
    name = request.key.vm_name
    return {
        "target": {"apiGroup": SOURCE_API_GROUP, "kind": SOURCE_KIND, "name": name},
        "virtualMachineSnapshotName": request.snapshot_name,
        "targetReadinessPolicy": _STOP_TARGET if request.stop else _FAIL_IMMEDIATE,
        **({"volumeRestorePolicy": IN_PLACE} if request.in_place else {}),
    }


def create(cluster: ClusterApi, key: VmKey, body: Json, request_id: str) -> Restore:
    """Request a restore and return it as answered, or as found if the outcome was not known.

    Raise InDoubtError where it is not known yet.
    """
    metadata = body["metadata"]
    annotations = {**metadata["annotations"], REQUEST_ID: request_id}
    whole = {**body, "metadata": {**metadata, "annotations": annotations}}
    name = metadata["name"]
    try:
        return _answered(key, name, cluster.create_restore(key.namespace, whole))
    except ApiError as error:
        if not (error.outcome_unknown or _of_its_own_name(error, name)):
            raise _in_progress(error) from None
        settle = partial(_settled, key, name, request_id)
        found = _found(cluster, key, name, error, settle)
        done = settle(found)
        if done is None:
            raise InDoubtError(error, None, settle) from None
        return done


def _answered(key: VmKey, name: str, answer: Json) -> Restore:
    """Read a write's answer. An answer about another object leaves the outcome unknown."""
    try:
        restore = read_restore(key.cluster_uid, answer)
    except ApiError as error:
        error.outcome_unknown = True
        raise
    if (restore.key, restore.name) == (key, name):
        return restore
    text = f"the answer is not about restore {key.namespace}/{name}"
    raise ApiError("malformed_response", text, outcome_unknown=True)


# See docs/palette.md, "VM still running".
def wants_vm_off(error: ApiError, request: RestoreRequest) -> bool:
    """Say whether KubeVirt, up to 1.4, refused to stop the VM, and would restore it when it is off.

    A VM that may not be stopped is not meant.
    """
    if not (request.stop and request.machine and error.reason == "rejected"):
        return False
    vm = f'VirtualMachine "{request.key.vm_name}"'
    # 1.4.0 looks at the run strategy, which a stop does not change of each VM.
    off = strategy_after(request.machine.vm.run_strategy, stopped=True, started=False)
    not_halted = f"{vm} run strategy has to be {HALTED}" in error.message
    return f"{vm} is not stopped" in error.message or (not_halted and off == HALTED)


def _found(
    cluster: ClusterApi, key: VmKey, name: str, error: ApiError, settle: Callable[..., object]
) -> Restore | None:
    found = _look(cluster, key, name)
    if isinstance(found, Restore):
        return found
    if found.reason == "not_found":
        return None
    raise InDoubtError(error, found, settle)


def _settled(key: VmKey, name: str, request_id: str, found: Restore | None) -> Restore | None:
    """Return the restore that a request led to, or None. found: what has its name."""
    if found is None or found.annotations.get(REQUEST_ID) == request_id:
        return found
    text = f"somebody else has just created restore {key.namespace}/{name}; run the task again"
    raise ApiError("conflict", text)


# See docs/palette.md, "One restore at a time": the answer to a repeat names the restore itself.
def _of_its_own_name(error: ApiError, name: str) -> bool:
    in_progress = f'VirtualMachineRestore "{name}" in progress' in error.message
    return in_progress or error.reason == "already_exists"


def _in_progress(error: ApiError) -> ApiError:
    if '" in progress' not in error.message:
        return error
    return ApiError("restore_in_progress", error.message, **error.facts)


def close(cluster: ClusterApi, retries: int, key: VmKey, name: str) -> Restore | None:
    """Write to a restore that the VM is as asked for, and return it. None: it is gone."""
    written: dict[str, str | None] = {ROLLBACK: DONE}
    try:
        answer = _again(
            retries,
            lambda: cluster.annotate_restore(key.namespace, name, written),
            lambda error: error.reason == "not_found" and _gone(cluster, key, name),
        )
        return None if answer is None else _answered(key, name, answer)
    except ApiError as error:
        found = _look(cluster, key, name) if error.outcome_unknown else error
        if isinstance(found, Restore) and found.done:
            return found
        raise


def delete(cluster: ClusterApi, retries: int, key: VmKey, name: str, uid: str) -> None:
    """Request the deletion of a restore. One that is gone, or another by now, is no error."""
    _again(
        retries,
        lambda: cluster.delete_restore(key.namespace, name, uid),
        lambda error: error.reason in ("not_found", "conflict") and _gone(cluster, key, name, uid),
    )


def _gone(cluster: ClusterApi, key: VmKey, name: str, uid: str = "") -> bool:
    """Say whether a restore is gone. One that stays could strike later, so two answers say it.

    uid: of the one that is meant.
    """
    found = _look(cluster, key, name)
    if isinstance(found, ApiError):
        return found.reason == "not_found"
    return bool(uid) and found.uid != uid


def _look(cluster: ClusterApi, key: VmKey, name: str) -> Restore | ApiError:
    """Return a restore, or why it cannot be seen."""
    try:
        return read_restore(key.cluster_uid, cluster.restore(key.namespace, name))
    except ApiError as error:
        return error


def record(cluster: ClusterApi, retries: int, key: VmKey, ran_at: str | None) -> None:
    """Write to a VM when it ran, before it is stopped; None: remove that."""
    written: dict[str, str | None] = {RAN_AT: ran_at}

    def needless(error: ApiError) -> bool:
        if error.reason == "not_found" and _vm_gone(cluster, key):
            raise error
        return False

    _again(retries, lambda: cluster.annotate_vm(key.namespace, key.vm_name, written), needless)


def _vm_gone(cluster: ClusterApi, key: VmKey) -> bool:
    try:
        cluster.vm(key.namespace, key.vm_name)
    except ApiError as error:
        return error.reason == "not_found"
    return False


def _again(
    retries: int,
    send: Callable[[], Json | None],
    needless: Callable[[ApiError], bool] = lambda _error: False,
) -> Json | None:
    """Send what may be sent several times, until it is carried out, and return the answer.

    needless: says of an error whether there is nothing to do, so that None is returned; it raises
    one that nothing will mend.
    """
    for attempt in attempts(retries):
        try:
            return send()
        except ApiError as error:
            if needless(error):
                return None
            # What was there a moment ago: a 404 that a second look denies is no answer.
            if not (error.transient or error.reason == "not_found") or attempt > retries:
                raise
    raise AssertionError("the last attempt returns or raises")

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The calls for VirtualMachineRestores: create, write metadata, delete.

See docs/palette.md, "Restore".
"""

from __future__ import annotations

import secrets
from typing import Any

import msgspec
from starlette.responses import Response

from palette_simulator.admission import admit_metadata, admit_new_metadata
from palette_simulator.errors import (
    RESTORES as RESTORES_NAME,
)
from palette_simulator.errors import (
    already_exists,
    bad_request,
    conflict,
    invalid,
    not_found,
)
from palette_simulator.kubernetes.admission import (
    admit_restore,
    admit_update,
    known_fields,
    read_spec,
)
from palette_simulator.kubernetes.calls import Handler, KubeCall, Resource, missing, reply
from palette_simulator.kubernetes.objects import restore_object
from palette_simulator.kubernetes.restore import Restore

Body = dict[str, Any]

RESTORES = Resource(
    "snapshot.kubevirt.io", "virtualmachinerestores", "VirtualMachineRestore", "restore"
)
_MODIFIED = (
    "the object has been modified; please apply your changes to the latest version and try again"
)


def show(call: KubeCall, restore: Restore) -> Body:
    """One restore."""
    return restore_object(restore, call.path("version"), call.clock)


def create(call: KubeCall) -> Response:
    """Create a restore; the answer comes before it has a status."""
    call.demand("create", RESTORES)
    body = call.read_object()
    _demand_type(call, body)
    if call.namespace not in call.cluster.namespaces:
        raise not_found("namespaces", call.namespace)
    metadata = _metadata(body)
    if metadata.get("generateName") and not metadata.get("name"):
        metadata["name"] = metadata["generateName"] + secrets.token_hex(3)[:5]
    admit_new_metadata(metadata, call.namespace, RESTORES_NAME)
    name = metadata["name"]
    known = known_fields(call.switches.kubevirt)
    spec = read_spec(name, body, known, strict=call.query("fieldValidation") == "Strict")
    admit_restore(call.cluster, call.namespace, spec, call.now)
    other = call.cluster.restores.all.get((call.namespace, name))
    if other:
        raise already_exists(name, RESTORES_NAME, goes=other.deleted is not None)
    restore = Restore((call.namespace, name), spec, call.now)
    restore.labels = metadata.get("labels") or {}
    restore.annotations = metadata.get("annotations") or {}
    restore.passes = _passes(call.switches.restore_passes)
    if not call.query("dryRun"):
        call.cluster.restores.add(restore, call.now)
    return reply(show(call, restore), 201)


def update(call: KubeCall) -> Response:
    """Write a restore's labels and annotations; the spec must be as it is."""
    call.demand("update", RESTORES)
    restore, body = _find(call), call.read_object()
    _demand_type(call, body)
    metadata = _metadata(body)
    if not metadata.get("resourceVersion"):
        text = "metadata.resourceVersion: Invalid value: 0: must be specified for an update"
        raise invalid(RESTORES_NAME, restore.name, text)
    return _write(call, restore, metadata, body.get("spec"))


def patch(call: KubeCall) -> Response:
    """Merge labels and annotations into a restore."""
    call.demand("patch", RESTORES)
    restore = _find(call)
    given = call.read_patch()
    metadata = dict(given.get("metadata") or {})
    for field in ("labels", "annotations"):
        metadata[field] = _merged(getattr(restore, field), metadata.get(field))
    merged = _metadata({"metadata": metadata})
    return _write(call, restore, merged, _merged(restore.spec, given.get("spec")))


def delete(call: KubeCall) -> Response:
    """Ask for a restore's deletion."""
    call.demand("delete", RESTORES)
    restore = _find(call)
    options = call.read_object() if call.body else {}
    wanted = (options.get("preconditions") or {}).get("uid", restore.uid)
    if wanted != restore.uid:
        why = (
            f"Precondition failed: UID in precondition: {wanted}, UID in object meta: {restore.uid}"
        )
        raise conflict(RESTORES_NAME, restore.name, why)
    if not options.get("dryRun") and not call.query("dryRun"):
        call.cluster.restores.delete(restore, call.now)
    return reply(show(call, restore))


WRITES: tuple[tuple[str, str, Handler], ...] = (
    ("POST", "create", create),
    ("PUT", "update", update),
    ("PATCH", "patch", patch),
    ("DELETE", "delete", delete),
)


def _write(call: KubeCall, restore: Restore, metadata: Body, spec: object) -> Response:
    version = metadata.get("resourceVersion")
    if version and version != str(restore.version):
        raise conflict(RESTORES_NAME, restore.name, _MODIFIED)
    admit_metadata(restore.name, metadata, RESTORES_NAME)
    admit_update(restore, spec)
    restore.labels = metadata.get("labels") or {}
    restore.annotations = metadata.get("annotations") or {}
    restore.version = call.cluster.next_version()
    return reply(show(call, restore))


def _find(call: KubeCall) -> Restore:
    restore = call.cluster.restores.all.get((call.namespace, call.path("name")))
    if restore is None:
        raise missing(RESTORES, call.path("name"))
    return restore


def _demand_type(call: KubeCall, body: Body) -> None:
    if not body.get("kind"):
        raise bad_request(f"Object 'Kind' is missing in '{call.body.decode()}'")
    if body["kind"] != RESTORES.kind:
        raise bad_request(f"the kind in the data ({body['kind']}) is not {RESTORES.kind}")
    expected = f"{RESTORES.group}/{call.path('version')}"
    if body.get("apiVersion") != expected:
        raise bad_request(
            f"the API version in the data ({body.get('apiVersion', '')}) does not match the "
            f"expected API version ({expected})"
        )


class _Metadata(msgspec.Struct, omit_defaults=True):
    """The metadata that a user writes, in its types."""

    name: str = ""
    generateName: str = ""  # noqa: N815 - Kubernetes' own name
    namespace: str | msgspec.UnsetType = msgspec.UNSET
    resourceVersion: str = ""  # noqa: N815
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None


def _metadata(body: Body) -> Body:
    try:
        read = msgspec.convert(body.get("metadata") or {}, _Metadata)
    except msgspec.ValidationError as error:
        raise bad_request(f"metadata cannot be read: {error}") from None
    metadata: Body = msgspec.to_builtins(read)
    return metadata


# RFC 7396, for the two levels that there are here.
def _merged(old: Body, given: Body | None) -> Body:
    new = {**old, **(given or {})}
    return {key: value for key, value in new.items() if value is not None}


def _passes(switch: str) -> set[str]:
    if switch == "all":
        return {"exists", "modified"}
    return set() if switch == "none" else {switch}

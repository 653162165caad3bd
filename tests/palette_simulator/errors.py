# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors, and how Palette tells them: its own, and those Kubernetes gave it."""

from __future__ import annotations

import uuid
from typing import Any

import msgspec
from starlette.responses import Response

from palette_simulator.switches import Switches

SNAPSHOTS = "virtualmachinesnapshots.snapshot.kubevirt.io"
RESTORES = "virtualmachinerestores.snapshot.kubevirt.io"
VMS = "virtualmachines.kubevirt.io"
VM_SINGULAR = "virtualmachine.kubevirt.io"
"""KubeVirt's power calls name what they are about in the singular"""
INSTANCE = "virtualmachineinstance.kubevirt.io"


class ApiError(Exception):
    """An error of Palette itself: always told with its own status."""

    def __init__(self, status: int, code: str, message: str, details: Any = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.details = details


# See docs/palette.md, "Errors".
class KubernetesError(Exception):
    """An error of the cluster behind Palette: told as it is, or wrapped as 500."""

    def __init__(
        self, status: int, reason: str, message: str, details: dict[str, Any] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.message = message
        self.details = details


def not_found(resource: str, name: str) -> KubernetesError:
    """The object does not exist in the cluster."""
    return KubernetesError(
        404, "NotFound", f'{resource} "{name}" not found', _about(resource, name)
    )


def already_exists(name: str, resource: str = SNAPSHOTS, goes: bool = False) -> KubernetesError:
    """Another object has the name; `goes`: it is being deleted."""
    message = f'{"object is being deleted: " if goes else ""}{resource} "{name}" already exists'
    return KubernetesError(409, "AlreadyExists", message, _about(resource, name))


def conflict(resource: str, name: str, why: str) -> KubernetesError:
    """The object is not in a state that allows the change."""
    message = f'Operation cannot be fulfilled on {resource} "{name}": {why}'
    return KubernetesError(409, "Conflict", message, _about(resource, name))


def invalid(resource: str, name: str, why: str) -> KubernetesError:
    """The object breaks a rule of the Kubernetes API server."""
    kind = "VirtualMachineRestore" if resource == RESTORES else "VirtualMachineSnapshot"
    message = f'{kind}.{resource.partition(".")[2]} "{name}" is invalid: {why}'
    return KubernetesError(422, "Invalid", message, _about(resource, name))


def bad_request(message: str) -> KubernetesError:
    """The Kubernetes API server cannot make sense of the request."""
    return KubernetesError(400, "BadRequest", message)


def denied(webhook: str, message: str, status: int = 422, field: str = "") -> KubernetesError:
    """An admission webhook refuses, because of a field of the object if it says so."""
    text = f'admission webhook "{webhook}" denied the request: {message}'
    cause = {"reason": "FieldValueInvalid", "message": message, "field": field}
    details = {"causes": [cause]} if field else None
    return KubernetesError(status, "Invalid" if status == 422 else "BadRequest", text, details)


def internal(message: str) -> KubernetesError:
    """Something behind the API server failed, or refused what the API server asked for."""
    details = {"causes": [{"message": message}]}
    text = f"Internal error occurred: {message}"
    return KubernetesError(500, "InternalError", text, details)


def forbidden(message: str) -> ApiError:
    """The key may not do this here."""
    return ApiError(403, "OperationForbidden", message)


def cluster_not_found() -> ApiError:
    """No such cluster in this scope."""
    return ApiError(404, "ResourceNotFound", "Cluster not found")


def off_contract(message: str, switches: Switches) -> ApiError:
    """The request does not follow the vendor's contract."""
    return ApiError(int(switches.contract_status), "InvalidPayload", message)


def error_response(
    error: ApiError | KubernetesError, switches: Switches, failing: str = ""
) -> Response:
    """The answer for an error; `failing` says what failed, as in "Failed to get …"."""
    if isinstance(error, ApiError):
        return _response(error.status, error.code, error.message, error.details)
    if switches.error_style == "kubernetes":
        return _response(error.status, error.reason, error.message, error.details)
    return _response(500, "InternalServerError", f"{failing}: {error.message}", None)


def status_response(error: KubernetesError) -> Response:
    """The answer of the cluster's own API for an error: a Status."""
    body: dict[str, Any] = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": error.message,
        "reason": error.reason,
        "details": error.details,
        "code": error.status,
    }
    told = {key: value for key, value in body.items() if value not in ("", None)}
    return Response(msgspec.json.encode(told), error.status, media_type="application/json")


def error_body(code: str, message: str, details: Any = None) -> bytes:
    """The JSON of an error; empty details are left out."""
    body = {"code": code, "message": message, "details": details, "ref": uuid.uuid4().hex}
    if details is None:
        del body["details"]
    return msgspec.json.encode(body)


def _response(status: int, code: str, message: str, details: Any) -> Response:
    return Response(error_body(code, message, details), status, media_type="application/json")


def _about(resource: str, name: str) -> dict[str, Any]:
    kind, _dot, group = resource.partition(".")
    return {"name": name, "group": group, "kind": kind}

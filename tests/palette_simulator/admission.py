# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Kubernetes and KubeVirt's webhook say about a snapshot before they store it."""

from __future__ import annotations

import re
from typing import Any

from palette_simulator.durations import parse_go_duration
from palette_simulator.errors import SNAPSHOTS, KubernetesError, bad_request, denied, invalid

WEBHOOK = "virtualmachinesnapshot-validator.snapshot.kubevirt.io"
VM_WEBHOOK = "virtualmachine-validator.kubevirt.io"
_API_VERSIONS = ("snapshot.kubevirt.io/v1beta1", "snapshot.kubevirt.io/v1alpha1")
_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = re.compile(rf"{_LABEL}(\.{_LABEL})*")
_QUALIFIED = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?")
_ANNOTATIONS_BYTES = 256 * 1024


def is_subdomain(name: str) -> bool:
    """Whether a name is one that Kubernetes lets an object have."""
    return len(name) <= 253 and _SUBDOMAIN.fullmatch(name) is not None


def admit_create(body: dict[str, Any], namespace: str, gate: bool) -> None:
    """Raise the KubernetesError with which a create would be refused."""
    _admit_type(body)
    admit_new_metadata(body.get("metadata", {}), namespace)
    admit_spec(body["spec"], gate)


def admit_new_metadata(metadata: dict[str, Any], namespace: str, resource: str = SNAPSHOTS) -> None:
    """Raise if an object with this metadata could not be created."""
    name = metadata.get("name", "")
    if metadata.get("namespace", namespace) != namespace:
        raise bad_request(
            "the namespace of the provided object does not match the namespace sent on the request"
        )
    if metadata.get("resourceVersion"):
        text = "resourceVersion should not be set on objects to be created"
        raise KubernetesError(500, "", text)
    if not name:
        text = "metadata.name: Required value: name or generateName is required"
        raise invalid(resource, name, text)
    if not is_subdomain(name):
        raise invalid(resource, name, _bad_name(name))
    admit_metadata(name, metadata, resource)


def admit_metadata(name: str, metadata: dict[str, Any], resource: str = SNAPSHOTS) -> None:
    """Raise if labels, annotations or finalizers break Kubernetes' rules."""
    for key, value in metadata.get("labels", {}).items():
        _admit_qualified_name(name, resource, "metadata.labels", key)
        if value and (len(value) > 63 or not _QUALIFIED.fullmatch(value)):
            raise invalid(resource, name, f'metadata.labels: Invalid value: "{value}"')
    annotations = metadata.get("annotations", {})
    for key in annotations:
        _admit_qualified_name(name, resource, "metadata.annotations", key.lower())
    size = sum(len(f"{key}{value}".encode()) for key, value in annotations.items())
    if size > _ANNOTATIONS_BYTES:
        limit = f"must have at most {_ANNOTATIONS_BYTES} bytes"
        raise invalid(resource, name, f"metadata.annotations: Too long: {limit}")
    for finalizer in metadata.get("finalizers") or []:
        _admit_qualified_name(name, resource, "metadata.finalizers", finalizer)


# See docs/palette.md, "Errors".
def admit_spec(spec: dict[str, Any], gate: bool) -> None:
    """Raise if KubeVirt's webhook refuses the spec of a new snapshot."""
    admit_deadline(spec)
    if not gate:
        raise denied(WEBHOOK, "snapshot feature gate not enabled", 400)
    source = spec["source"]
    if source.get("apiGroup") is None:
        raise denied(WEBHOOK, "missing apiGroup")
    if source["apiGroup"] != "kubevirt.io":
        raise denied(WEBHOOK, "invalid apiGroup")
    if source.get("kind") != "VirtualMachine":
        raise denied(WEBHOOK, "invalid kind")


def admit_deadline(spec: dict[str, Any]) -> None:
    """Raise if the webhook cannot read the deadline."""
    if "failureDeadline" in spec:
        try:
            parse_go_duration(spec["failureDeadline"])
        except ValueError as error:
            raise denied(WEBHOOK, str(error), 400) from None


def _admit_type(body: dict[str, Any]) -> None:
    version = body.get("apiVersion", _API_VERSIONS[0])
    if version not in _API_VERSIONS:
        raise bad_request(
            f"the API version in the data ({version}) does not match the expected API version "
            f"({_API_VERSIONS[0]})"
        )
    if body.get("kind", "VirtualMachineSnapshot") != "VirtualMachineSnapshot":
        raise bad_request(f'no kind "{body["kind"]}" is registered for version "{version}"')


def _admit_qualified_name(name: str, resource: str, field: str, key: str) -> None:
    prefix, slash, part = key.rpartition("/")
    fits = len(part) <= 63 and _QUALIFIED.fullmatch(part)
    prefix_fits = not slash or (len(prefix) <= 253 and _SUBDOMAIN.fullmatch(prefix))
    if not (fits and prefix_fits):
        raise invalid(resource, name, f'{field}: Invalid value: "{key}": name part must fit')


def _bad_name(name: str) -> str:
    if len(name) > 253:
        return f'metadata.name: Invalid value: "{name}": must be no more than 253 characters'
    return (
        f'metadata.name: Invalid value: "{name}": a lowercase RFC 1123 subdomain must consist of '
        "lower case alphanumeric characters, '-' or '.', and must start and end with an "
        "alphanumeric character"
    )

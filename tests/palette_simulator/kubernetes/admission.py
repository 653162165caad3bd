# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Kubernetes and KubeVirt's webhook say about a restore before they store it.

First the schema of the resource, then the webhook.
See docs/palette.md, "Requests that are refused".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from palette_simulator.errors import (
    RESTORES,
    KubernetesError,
    bad_request,
    denied,
    internal,
    invalid,
)
from palette_simulator.kubernetes.restore import Restore
from palette_simulator.lifecycle import Stage
from palette_simulator.state import Cluster, Snapshot

Body = dict[str, Any]

WEBHOOK = "virtualmachinerestore-validator.snapshot.kubevirt.io"
_FIELDS = (
    "patches",
    "target",
    "targetReadinessPolicy",
    "virtualMachineSnapshotName",
    "volumeRestoreOverrides",
    "volumeRestorePolicy",
)
_SINCE_1_6 = ("volumeRestoreOverrides", "volumeRestorePolicy")
_SINCE_1_5 = ("targetReadinessPolicy", *_SINCE_1_6)
_TARGET_FIELDS = ("apiGroup", "kind", "name")
_POLICIES = ("InPlace", "RandomizeNames")


def known_fields(kubevirt: str) -> set[str]:
    """What a KubeVirt knows of a restore's spec; it drops all else."""
    return {*_FIELDS}.difference({"1.6": (), "1.5": _SINCE_1_6}.get(kubevirt, _SINCE_1_5))


def read_spec(name: str, body: Body, known: set[str], strict: bool) -> Body:
    """The spec without what the schema does not know; raises where it does not fit the schema."""
    spec = body.get("spec")
    if not isinstance(spec, dict):
        raise invalid(RESTORES, name, _wrong("spec", spec))
    unknown = sorted(f'unknown field "spec.{key}"' for key in spec.keys() - known)
    if unknown and strict:
        kind = (
            "VirtualMachineRestore in version v1beta1 cannot be handled as a VirtualMachineRestore"
        )
        raise bad_request(f"{kind}: strict decoding error: {', '.join(unknown)}")
    problems = list(_problems(spec))
    if problems:
        text = problems[0] if len(problems) == 1 else f"[{', '.join(problems)}]"
        raise invalid(RESTORES, name, text)
    kept = {key: spec[key] for key in _FIELDS if key in known and spec.get(key) is not None}
    target = spec["target"]
    return {**kept, "target": {key: target[key] for key in _TARGET_FIELDS if key in target}}


def _problems(spec: Body) -> Iterator[str]:
    target = spec.get("target")
    if isinstance(target, dict):
        for key in ("kind", "name"):
            if not isinstance(target.get(key), str):
                yield _wrong(f"spec.target.{key}", target.get(key), "string")
    else:
        yield _wrong("spec.target", target)
    for key in ("targetReadinessPolicy", "volumeRestorePolicy"):
        if not isinstance(spec.get(key, ""), str):
            yield _wrong(f"spec.{key}", spec[key], "string")
    if not isinstance(spec.get("virtualMachineSnapshotName"), str):
        text = spec.get("virtualMachineSnapshotName")
        yield _wrong("spec.virtualMachineSnapshotName", text, "string")


def _wrong(path: str, value: object, kind: str = "object") -> str:
    if value is None:
        return f"{path}: Required value"
    was = {str: "string", list: "array", dict: "object", bool: "boolean"}.get(
        type(value), "integer"
    )
    return f'{path}: Invalid value: "{was}": {path} in body must be of type {kind}: "{was}"'


def admit_restore(cluster: Cluster, namespace: str, spec: Body, now: float) -> None:
    """Raise the KubernetesError with which the webhook refuses a new restore."""
    if cluster.switches.snapshot_gate == "off":
        raise denied(WEBHOOK, "Snapshot/Restore feature gate not enabled", 400)
    causes = list(_causes(cluster, namespace, spec, now))
    causes += _rivals(cluster, namespace, spec, now)
    if not causes:
        return
    error = denied(WEBHOOK, ", ".join(text for text, _field in causes), field=causes[0][1])
    error.details = {
        "causes": [
            {"reason": "FieldValueInvalid", "message": text, "field": field}
            for text, field in causes
        ]
    }
    raise error


def _causes(cluster: Cluster, namespace: str, spec: Body, now: float) -> Iterator[tuple[str, str]]:
    target = spec["target"]
    if target.get("apiGroup") is None:
        yield "missing apiGroup", "spec.target.apiGroup"
    elif target["apiGroup"] != "kubevirt.io":
        yield "invalid apiGroup", "spec.target.apiGroup"
    elif target["kind"] != "VirtualMachine":
        yield "invalid kind", "spec.target.kind"
    else:
        yield from _not_off(cluster, (namespace, target["name"]), now)
        snapshot = cluster.snapshots.get((namespace, spec["virtualMachineSnapshotName"]))
        if snapshot:  # without one, neither the patches nor the target are looked at
            yield from _wrong_patches(spec.get("patches") or [])
            _demand_target(cluster, (namespace, target["name"]), snapshot, now)
        yield from _wrong_overrides(spec.get("volumeRestoreOverrides") or [])
        policy = spec.get("volumeRestorePolicy")
        if policy is not None and policy not in _POLICIES:
            yield f'volume restore policy "{policy}" doesn\'t exist', "spec.volumeRestorePolicy"


# See docs/palette.md, "VM still running".
def _not_off(cluster: Cluster, target: tuple[str, str], now: float) -> Iterator[tuple[str, str]]:
    """Refuse a VM that KubeVirt does not take for off, up to 1.4."""
    vm, kubevirt = cluster.vms.get(target), cluster.switches.kubevirt
    if vm is None:
        return
    if kubevirt == "1.4" and vm.sight(now).instance:
        yield f'VirtualMachine "{vm.name}" is not stopped', "spec.target"
    if kubevirt == "1.4.0" and vm.run_strategy() != "Halted":
        running = vm.strategy == "running"
        text = "is not stopped" if running else "run strategy has to be Halted"
        yield f'VirtualMachine "{vm.name}" {text}', "spec.target"


# See docs/palette.md, "Snapshot not fit".
def _demand_target(
    cluster: Cluster, target: tuple[str, str], snapshot: Snapshot, now: float
) -> None:
    if not target[1]:
        raise denied(WEBHOOK, "resource name may not be empty", 400)
    if snapshot.stage(now) == Stage.NEW:
        raise _crashed()
    vm = cluster.vms.get(target)
    if vm is not None and vm.uid == snapshot.source_uid:
        return
    if not snapshot.names_content(now):
        raise denied(WEBHOOK, "snapshot content name is nil in vmSnapshot status", 400)


def _crashed() -> KubernetesError:
    url = "https://virt-api.kubevirt.svc:443/virtualmachinerestores-validate?timeout=10s"
    return internal(
        f'failed calling webhook "{WEBHOOK}": failed to call webhook: Post "{url}": EOF'
    )


def _wrong_patches(patches: list[str]) -> Iterator[tuple[str, str]]:
    for patch in patches:
        for pair in patch.strip("{}").split(","):
            key, colon, value = pair.partition(":")
            if not colon or ":" in value:
                text = (
                    'patch format is not valid - one ":" expected in a single key-value json patch'
                )
                yield f"{text}: {pair}", "spec.patches"
            elif key.strip() == '"path"' and not value.strip().startswith(_PATCHABLE):
                text = "patching is valid only for elements under /spec/ only"
                yield f"{text}: {pair}", "spec.patches"


_PATCHABLE = ('"/spec/', '"/metadata/labels/', '"/metadata/annotations/')


def _wrong_overrides(overrides: list[Body]) -> Iterator[tuple[str, str]]:
    for index, override in enumerate(overrides):
        field = f"spec.volumeRestoreOverrides[{index}]"
        if not override.get("volumeName"):
            yield "must provide a volume name", f"{field}.volumeName"
        if not any(override.get(key) for key in ("restoreName", "labels", "annotations")):
            yield "must provide at least one overriden field", field  # KubeVirt's spelling


# See docs/palette.md, "One restore at a time".
def _rivals(cluster: Cluster, namespace: str, spec: Body, now: float) -> list[tuple[str, str]]:
    lag = cluster.switches.restore_webhook_lag
    return [
        (f'VirtualMachineRestore "{other.name}" in progress', "spec.target")
        for other in cluster.restores.all.values()
        if other.namespace == namespace
        and other.spec["target"] == spec["target"]
        and not other.complete
        and other.created + lag <= now
    ]


def admit_update(restore: Restore, spec: object) -> None:
    """Raise if another spec is written."""
    if isinstance(spec, dict):
        kept = {key: spec[key] for key in _FIELDS if spec.get(key) is not None}
        if msgspec.to_builtins(kept) == restore.spec:
            return
    raise denied(WEBHOOK, "spec in immutable after creation", field="spec")

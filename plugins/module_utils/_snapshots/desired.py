# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The snapshots that a task declares: options and definition merged into one request body."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from .._http.answers import Json
from .._palette.objects import write_time
from .._validation.durations import age_problems, parse_age
from .._validation.kubevirt import API_VERSION, KIND, SOURCE_API_GROUP, SOURCE_KIND
from .._validation.problems import DEFINITION, Problem, merged
from .._validation.request import problems_in_body, problems_in_options
from .._vms.model import VirtualMachine, VmKey
from .model import VM_OFF, VM_RAN
from .naming import random_suffix
from .ownership import (
    EXPIRES_AT,
    MANAGED_BY,
    MANAGER,
    PART_OF,
    REQUEST_ID,
    reserved_problems,
)

_LONGEST_OWN = {
    REQUEST_ID: "0" * 36,
    VM_OFF: "true",
    VM_RAN: "true",
    EXPIRES_AT: "2026-01-02T03:04:05Z",
}
_SOURCE = {"apiGroup": SOURCE_API_GROUP, "kind": SOURCE_KIND}
_NAMESPACE, _NAME = ("metadata", "namespace"), ("metadata", "name")
_SOURCE_NAME = ("spec", "source", "name")
_OPTION_PATHS: Mapping[tuple[str, ...], str] = {
    ("metadata", "labels"): "labels",
    ("metadata", "annotations"): "annotations",
    ("spec", "deletionPolicy"): "deletion_policy",
    ("spec", "failureDeadline"): "failure_deadline",
}


class Desired(NamedTuple):
    """One snapshot as declared.

    declared: the parts of the body that come from the user. now: when that was. quiesced: whether
    the file systems must be consistent. whole: whether every volume with data must be in it.
    offline: whether its VM has to be off meanwhile. expire_after: the age at which retention may
    delete it. needed: the volumes that must be in it.
    """

    key: VmKey
    name: str
    body: Json
    declared: Json
    now: datetime
    quiesced: bool
    whole: bool
    offline: bool
    expire_after: timedelta | None = None
    needed: tuple[str, ...] = ()

    def of_vm(self, vm: VirtualMachine | None) -> Desired:
        """Return the same, which knows what must be in it. vm: as it is now."""
        return self._replace(needed=vm.disks if vm and self.whole else ())

    def with_vm_off(self, ran: bool = False) -> Desired:
        """Return the same for a VM that is off, which the snapshot is to tell for ever.

        ran: whether it ran until it was stopped for the snapshot.
        """
        metadata, told = self.body["metadata"], [VM_OFF, *([VM_RAN] if ran else [])]
        annotations = {**metadata.get("annotations", {}), **dict.fromkeys(told, "true")}
        return self._replace(
            body={**self.body, "metadata": {**metadata, "annotations": annotations}}
        )


class Declaration(NamedTuple):
    """What a task declares for all its snapshots, whatever their VMs. It is validated once."""

    body: Json
    declared: Json
    now: datetime
    quiesced: bool
    whole: bool
    offline: bool
    expire_after: timedelta | None = None

    @property
    def name(self) -> str:
        """The name in the options, or the prefix plus a random suffix."""
        return str(self.declared["metadata"]["name"])

    def of(self, key: VmKey, name: str) -> Desired:
        """Return the snapshot of one VM, with this name."""
        spec = self.body["spec"]
        body = {
            **self.body,
            "metadata": {**self.body["metadata"], "namespace": key.namespace, "name": name},
            "spec": {**spec, "source": {**spec["source"], "name": key.vm_name}},
        }
        return Desired(
            key,
            name,
            body,
            self.declared,
            self.now,
            quiesced=self.quiesced,
            whole=self.whole,
            offline=self.offline,
            expire_after=self.expire_after,
        )


def read_declaration(
    options: Mapping[str, Any], now: datetime, part_of: str | None = None
) -> tuple[Declaration | None, list[Problem]]:
    """Return what a task declares for its snapshots, or all problems with it.

    options: with ``vm_name``, ``namespace`` and ``name`` or ``name_prefix``; a set uses
    placeholders for them. part_of: the set that the snapshots are members of.
    """
    declared = _declared(options)
    reserved = [REQUEST_ID, VM_OFF, VM_RAN, *([EXPIRES_AT] if options.get("expire_after") else [])]
    reserved += [MANAGED_BY, PART_OF] if part_of else []
    problems = merged(
        problems_in_options(options),
        [*age_problems(options, "expire_after"), *reserved_problems(options, reserved)],
        problems_in_body(
            _with_own_annotations(declared),
            _origins(options),
            options["vm_name"],
            options["namespace"],
        ),
    )
    if problems:
        return None, problems
    declaration = Declaration(
        _marked(declared, options, now, part_of),
        declared,
        now,
        quiesced=options.get("consistency") == "filesystem",
        whole=options.get("excluded_volumes") == "refuse",
        offline=bool(options.get("offline")),
        expire_after=parse_age(options["expire_after"]) if options.get("expire_after") else None,
    )
    return declaration, []


def _declared(options: Mapping[str, Any]) -> Json:
    """Return the body that the user declares: the definition, overridden by the options."""
    name = options.get("name")
    body = deepcopy(dict(options.get(DEFINITION) or {}))
    _fill(body, ("apiVersion",), API_VERSION)
    _fill(body, ("kind",), KIND)
    _fill(body, _NAMESPACE, options["namespace"])
    _put(
        body,
        _NAME,
        f"{options.get('name_prefix') or ''}{random_suffix()}" if name is None else name,
    )
    for field, value in {**_SOURCE, "name": options["vm_name"]}.items():
        _fill(body, ("spec", "source", field), value)
    for path, option in _OPTION_PATHS.items():
        if options.get(option) is not None:
            _put(body, path, _merged(_get(body, path), options[option]))
    return body


def _marked(declared: Json, options: Mapping[str, Any], now: datetime, part_of: str | None) -> Json:
    """Return the declared body with the marks of this collection."""
    metadata = declared["metadata"]
    labels = {MANAGED_BY: MANAGER, **metadata.get("labels", {})}
    if part_of:
        labels[PART_OF] = part_of
    marked = {**metadata, "labels": labels}
    if options.get("expire_after"):
        expiry = write_time(now + parse_age(options["expire_after"]))
        marked["annotations"] = {**metadata.get("annotations", {}), EXPIRES_AT: expiry}
    return {**declared, "metadata": marked}


def _with_own_annotations(declared: Json) -> Json:
    """Return the body with as many bytes of annotations as it is going to have at most."""
    metadata = declared["metadata"]
    annotations = _get(declared, ("metadata", "annotations"))
    if not isinstance(annotations, Mapping):
        return declared
    return {**declared, "metadata": {**metadata, "annotations": {**_LONGEST_OWN, **annotations}}}


def _origins(options: Mapping[str, Any]) -> dict[tuple[str, ...], str]:
    """Return the option that each part of the body comes from, for messages."""
    origins: dict[tuple[str, ...], str] = {
        _NAME: "name_prefix" if options.get("name") is None else "name"
    }
    for path, option in ((_NAMESPACE, "namespace"), (_SOURCE_NAME, "vm_name")):
        if _get(options.get(DEFINITION) or {}, path) is None:
            origins[path] = option
    for place, option in _OPTION_PATHS.items():
        value = options.get(option)
        if isinstance(value, Mapping):
            origins.update({(*place, key): f"{option}.{key}" for key in value})
            if _get(options.get(DEFINITION) or {}, place) is None:
                origins[place] = option
        elif value is not None:
            origins[place] = option
    return origins


def _get(body: Json, path: tuple[str, ...]) -> Any:
    value: Any = body
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _put(body: Json, path: tuple[str, ...], value: Any) -> None:
    *parents, last = path
    parent: Any = body
    for key in parents:
        parent = parent.setdefault(key, {})
        if not isinstance(parent, dict):
            return  # of the wrong type: validation reports it
    parent[last] = value


def _fill(body: Json, path: tuple[str, ...], value: Any) -> None:
    if _get(body, path) is None:
        _put(body, path, value)


def _merged(below: Any, above: Any) -> Any:
    if isinstance(below, Mapping) and isinstance(above, Mapping):
        return {**below, **above}
    return above

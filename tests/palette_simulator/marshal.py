# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The two JSON styles: Kubernetes' own, and that of Palette's generated Go models.

The Go models omit false booleans, empty strings and empty maps, write empty arrays as null,
and cannot omit a time: an unset one is the zero time. They know who manages a field as bytes only.
"""

from __future__ import annotations

import base64
from typing import Any, NamedTuple

import msgspec

from palette_simulator.switches import Switches

# See docs/palette.md, "JSON styles".
ZERO_TIME = "0001-01-01T00:00:00.000Z"


class Shape(NamedTuple):
    """What the Go model of an object always writes, besides what is set."""

    arrays: tuple[str, ...] = ()
    times: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    members: dict[str, Shape] = {}  # noqa: RUF012


_METADATA = Shape(
    arrays=("finalizers", "managedFields", "ownerReferences"),
    members={"managedFields": Shape(times=("time",))},
)
_DEVICES = Shape(arrays=("disks", "filesystems", "gpus", "hostDevices", "inputs", "interfaces"))
_TEMPLATE = Shape(
    arrays=(
        "accessCredentials",
        "networks",
        "resourceClaims",
        "tolerations",
        "topologySpreadConstraints",
        "volumes",
    ),
    members={"domain": Shape(members={"devices": _DEVICES})},
)
SNAPSHOT = Shape(
    members={
        "metadata": _METADATA,
        "status": Shape(
            arrays=("conditions", "indications"),
            times=("creationTime",),
            members={
                "error": Shape(times=("time",)),
                "snapshotVolumes": Shape(arrays=("includedVolumes", "excludedVolumes")),
            },
        ),
    }
)
VIRTUAL_MACHINE = Shape(
    members={
        "metadata": _METADATA,
        "spec": Shape(
            arrays=("dataVolumeTemplates",),
            members={"template": Shape(members={"metadata": _METADATA, "spec": _TEMPLATE})},
        ),
        "status": Shape(
            arrays=(
                "conditions",
                "stateChangeRequests",
                "volumeRequests",
                "volumeSnapshotStatuses",
            ),
            members={"volumeSnapshotStatuses": Shape(kept=("enabled",))},
        ),
    }
)
_CLUSTER_METADATA = Shape(times=("creationTimestamp", "deletionTimestamp", "lastModifiedTimestamp"))
CLUSTER = Shape(
    members={
        "metadata": _CLUSTER_METADATA,
        "spec": Shape(arrays=("clusterProfileTemplates",)),
        "status": Shape(
            arrays=("addOnServices", "apiEndpoints", "conditions", "packs", "services", "upgrades"),
            times=("abortTimestamp",),
        ),
    }
)
CLUSTER_SUMMARY = Shape(
    members={
        "metadata": _CLUSTER_METADATA,
        "specSummary": Shape(
            arrays=("archTypes", "clusterProfileTemplates"),
            members={"cloudConfig": Shape(arrays=("hybridMachinePools", "machinePools"))},
        ),
    }
)
CLUSTER_METADATA = _CLUSTER_METADATA
PROJECT = Shape(
    members={
        "metadata": _CLUSTER_METADATA,
        "spec": Shape(arrays=("alerts", "teams", "users")),
    }
)
PLAIN = Shape()
_MAPS = ("labels", "annotations")
_MOMENTS = ("deletionTimestamp",)
_RAW = "fieldsV1"
_NONE = Shape()


def encode(value: dict[str, Any], shape: Shape, switches: Switches) -> bytes:
    """An object as JSON in the style switched on."""
    if switches.managed_fields == "none":
        value.get("metadata", {}).pop("managedFields", None)
    if switches.json_style == "kubernetes":
        return msgspec.json.encode(value)
    return msgspec.json.encode(_go(_with_raw_fields(value, switches), shape))


def _with_raw_fields(value: dict[str, Any], switches: Switches) -> dict[str, Any]:
    """Have the fields that somebody manages as bytes, in a list or by themselves."""
    for entry in value.get("metadata", {}).get("managedFields", ()):
        raw = base64.b64encode(msgspec.json.encode(entry[_RAW])).decode()
        entry[_RAW] = {"Raw": raw if switches.managed_fields == "text" else [raw]}
    return value


def _go(value: dict[str, Any], shape: Shape) -> dict[str, Any]:
    out = {
        key: _go_field(key, item, shape) for key, item in value.items() if item or key in shape.kept
    }
    out.update({key: None for key in shape.arrays if key not in out})
    out.update({key: _go_time(out.get(key)) for key in shape.times})
    return out


def _go_field(key: str, item: Any, shape: Shape) -> Any:
    if key in _MAPS:
        return item
    if key in _MOMENTS:
        return _go_time(item)
    return _go_item(item, shape.members.get(key, _NONE))


def _go_item(item: Any, shape: Shape) -> Any:
    if isinstance(item, dict):
        return _go(item, shape)
    if isinstance(item, list):
        return [_go_item(each, shape) for each in item]
    return item


def _go_time(text: str | None) -> str:
    return text.replace("Z", ".000Z") if text and "." not in text else text or ZERO_TIME

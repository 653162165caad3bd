# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""JSON Schemas (2020-12) of Palette's snapshot calls: the request is closed, the answers open."""
# Generated from "Palette APIs - 4.8" by tools/derive_contract.py: do not edit.

from __future__ import annotations

from typing import Any

_CLOSED: dict[str, Any] = {
    "v1Time": {"format": "date-time", "type": "string"},
    "v1VirtualMachineSnapshot": {
        "additionalProperties": False,
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"$ref": "#/$defs/v1VmObjectMeta"},
            "spec": {"$ref": "#/$defs/v1VirtualMachineSnapshotSpec"},
            "status": {"$ref": "#/$defs/v1VirtualMachineSnapshotStatus"},
        },
        "required": ["spec"],
        "type": "object",
    },
    "v1VirtualMachineSnapshotSpec": {
        "additionalProperties": False,
        "properties": {
            "deletionPolicy": {"type": "string"},
            "failureDeadline": {"$ref": "#/$defs/v1VmDuration"},
            "source": {"$ref": "#/$defs/v1VmTypedLocalObjectReference"},
        },
        "required": ["source"],
        "type": "object",
    },
    "v1VirtualMachineSnapshotStatus": {
        "additionalProperties": False,
        "properties": {
            "conditions": {"items": {"$ref": "#/$defs/v1VmCondition"}, "type": "array"},
            "creationTime": {"$ref": "#/$defs/v1Time"},
            "error": {"$ref": "#/$defs/v1VmError"},
            "indications": {"items": {"type": "string"}, "type": "array"},
            "phase": {"type": "string"},
            "readyToUse": {"type": "boolean"},
            "snapshotVolumes": {"$ref": "#/$defs/v1VmSnapshotVolumesLists"},
            "sourceUID": {"type": "string"},
            "virtualMachineSnapshotContentName": {"type": "string"},
        },
        "type": ["object", "null"],
    },
    "v1VmCondition": {
        "additionalProperties": False,
        "properties": {
            "lastProbeTime": {"type": "string"},
            "lastTransitionTime": {"type": "string"},
            "message": {"type": "string"},
            "reason": {"type": "string"},
            "status": {"type": "string"},
            "type": {"type": "string"},
        },
        "required": ["status", "type"],
        "type": "object",
    },
    "v1VmDuration": {"type": "string"},
    "v1VmError": {
        "additionalProperties": False,
        "properties": {"message": {"type": "string"}, "time": {"$ref": "#/$defs/v1Time"}},
        "type": "object",
    },
    "v1VmFieldsV1": {
        "additionalProperties": False,
        "properties": {
            "Raw": {"items": {"contentEncoding": "base64", "type": "string"}, "type": "array"},
        },
        "type": "object",
    },
    "v1VmManagedFieldsEntry": {
        "additionalProperties": False,
        "properties": {
            "apiVersion": {"type": "string"},
            "fieldsType": {"type": "string"},
            "fieldsV1": {"$ref": "#/$defs/v1VmFieldsV1"},
            "manager": {"type": "string"},
            "operation": {"type": "string"},
            "subresource": {"type": "string"},
            "time": {"$ref": "#/$defs/v1Time"},
        },
        "type": "object",
    },
    "v1VmObjectMeta": {
        "additionalProperties": False,
        "properties": {
            "annotations": {"additionalProperties": {"type": "string"}, "type": "object"},
            "clusterName": {"type": "string"},
            "creationTimestamp": {"type": "string"},
            "deletionGracePeriodSeconds": {
                "maximum": 9223372036854775807,
                "minimum": -9223372036854775808,
                "type": "integer",
            },
            "deletionTimestamp": {"format": "date-time", "type": ["string", "null"]},
            "finalizers": {"items": {"type": "string"}, "type": "array"},
            "generateName": {"type": "string"},
            "generation": {
                "maximum": 9223372036854775807,
                "minimum": -9223372036854775808,
                "type": "integer",
            },
            "labels": {"additionalProperties": {"type": "string"}, "type": "object"},
            "managedFields": {"items": {"$ref": "#/$defs/v1VmManagedFieldsEntry"}, "type": "array"},
            "name": {"type": "string"},
            "namespace": {"type": "string"},
            "ownerReferences": {"items": {"$ref": "#/$defs/v1VmOwnerReference"}, "type": "array"},
            "resourceVersion": {"type": "string"},
            "selfLink": {"type": "string"},
            "uid": {"type": "string"},
        },
        "type": "object",
    },
    "v1VmOwnerReference": {
        "additionalProperties": False,
        "properties": {
            "apiVersion": {"type": "string"},
            "blockOwnerDeletion": {"type": "boolean"},
            "controller": {"type": "boolean"},
            "kind": {"type": "string"},
            "name": {"type": "string"},
            "uid": {"type": "string"},
        },
        "required": ["apiVersion", "kind", "name", "uid"],
        "type": "object",
    },
    "v1VmSnapshotVolumesLists": {
        "additionalProperties": False,
        "properties": {
            "excludedVolumes": {"items": {"type": "string"}, "type": "array"},
            "includedVolumes": {"items": {"type": "string"}, "type": "array"},
        },
        "type": "object",
    },
    "v1VmTypedLocalObjectReference": {
        "additionalProperties": False,
        "properties": {
            "apiGroup": {"type": "string"},
            "kind": {"type": "string"},
            "name": {"type": "string"},
        },
        "required": ["kind", "name"],
        "type": "object",
    },
}

_OPEN: dict[str, Any] = {
    "v1Time": {"format": "date-time", "type": "string"},
    "v1VirtualMachineSnapshot": {
        "properties": {
            "apiVersion": {"type": ["string", "null"]},
            "kind": {"type": ["string", "null"]},
            "metadata": {"anyOf": [{"$ref": "#/$defs/v1VmObjectMeta"}, {"type": "null"}]},
            "spec": {"$ref": "#/$defs/v1VirtualMachineSnapshotSpec"},
            "status": {
                "anyOf": [{"$ref": "#/$defs/v1VirtualMachineSnapshotStatus"}, {"type": "null"}],
            },
        },
        "required": ["spec"],
        "type": "object",
    },
    "v1VirtualMachineSnapshotList": {
        "properties": {
            "apiVersion": {"type": ["string", "null"]},
            "items": {
                "items": {"$ref": "#/$defs/v1VirtualMachineSnapshot"},
                "type": ["array", "null"],
            },
            "kind": {"type": ["string", "null"]},
            "metadata": {"$ref": "#/$defs/v1VmListMeta"},
        },
        "required": ["items", "metadata"],
        "type": "object",
    },
    "v1VirtualMachineSnapshotSpec": {
        "properties": {
            "deletionPolicy": {"type": ["string", "null"]},
            "failureDeadline": {"anyOf": [{"$ref": "#/$defs/v1VmDuration"}, {"type": "null"}]},
            "source": {"$ref": "#/$defs/v1VmTypedLocalObjectReference"},
        },
        "required": ["source"],
        "type": "object",
    },
    "v1VirtualMachineSnapshotStatus": {
        "properties": {
            "conditions": {"items": {"$ref": "#/$defs/v1VmCondition"}, "type": ["array", "null"]},
            "creationTime": {"anyOf": [{"$ref": "#/$defs/v1Time"}, {"type": "null"}]},
            "error": {"anyOf": [{"$ref": "#/$defs/v1VmError"}, {"type": "null"}]},
            "indications": {"items": {"type": "string"}, "type": ["array", "null"]},
            "phase": {"type": ["string", "null"]},
            "readyToUse": {"type": ["boolean", "null"]},
            "snapshotVolumes": {
                "anyOf": [{"$ref": "#/$defs/v1VmSnapshotVolumesLists"}, {"type": "null"}],
            },
            "sourceUID": {"type": ["string", "null"]},
            "virtualMachineSnapshotContentName": {"type": ["string", "null"]},
        },
        "type": ["object", "null"],
    },
    "v1VmCondition": {
        "properties": {
            "lastProbeTime": {"type": ["string", "null"]},
            "lastTransitionTime": {"type": ["string", "null"]},
            "message": {"type": ["string", "null"]},
            "reason": {"type": ["string", "null"]},
            "status": {"type": "string"},
            "type": {"type": "string"},
        },
        "required": ["status", "type"],
        "type": "object",
    },
    "v1VmDuration": {"type": "string"},
    "v1VmError": {
        "properties": {
            "message": {"type": ["string", "null"]},
            "time": {"anyOf": [{"$ref": "#/$defs/v1Time"}, {"type": "null"}]},
        },
        "type": "object",
    },
    "v1VmFieldsV1": {
        "properties": {
            "Raw": {
                "items": {"contentEncoding": "base64", "type": "string"},
                "type": ["array", "null"],
            },
        },
        "type": "object",
    },
    "v1VmListMeta": {
        "properties": {
            "continue": {"type": ["string", "null"]},
            "remainingItemCount": {
                "maximum": 9223372036854775807,
                "minimum": -9223372036854775808,
                "type": ["integer", "null"],
            },
            "resourceVersion": {"type": ["string", "null"]},
            "selfLink": {"type": ["string", "null"]},
        },
        "type": "object",
    },
    "v1VmManagedFieldsEntry": {
        "properties": {
            "apiVersion": {"type": ["string", "null"]},
            "fieldsType": {"type": ["string", "null"]},
            "fieldsV1": {"anyOf": [{"$ref": "#/$defs/v1VmFieldsV1"}, {"type": "null"}]},
            "manager": {"type": ["string", "null"]},
            "operation": {"type": ["string", "null"]},
            "subresource": {"type": ["string", "null"]},
            "time": {"anyOf": [{"$ref": "#/$defs/v1Time"}, {"type": "null"}]},
        },
        "type": "object",
    },
    "v1VmObjectMeta": {
        "properties": {
            "annotations": {"additionalProperties": {"type": "string"}, "type": ["object", "null"]},
            "clusterName": {"type": ["string", "null"]},
            "creationTimestamp": {"type": ["string", "null"]},
            "deletionGracePeriodSeconds": {
                "maximum": 9223372036854775807,
                "minimum": -9223372036854775808,
                "type": ["integer", "null"],
            },
            "deletionTimestamp": {"format": "date-time", "type": ["string", "null"]},
            "finalizers": {"items": {"type": "string"}, "type": ["array", "null"]},
            "generateName": {"type": ["string", "null"]},
            "generation": {
                "maximum": 9223372036854775807,
                "minimum": -9223372036854775808,
                "type": ["integer", "null"],
            },
            "labels": {"additionalProperties": {"type": "string"}, "type": ["object", "null"]},
            "managedFields": {
                "items": {"$ref": "#/$defs/v1VmManagedFieldsEntry"},
                "type": ["array", "null"],
            },
            "name": {"type": ["string", "null"]},
            "namespace": {"type": ["string", "null"]},
            "ownerReferences": {
                "items": {"$ref": "#/$defs/v1VmOwnerReference"},
                "type": ["array", "null"],
            },
            "resourceVersion": {"type": ["string", "null"]},
            "selfLink": {"type": ["string", "null"]},
            "uid": {"type": ["string", "null"]},
        },
        "type": "object",
    },
    "v1VmOwnerReference": {
        "properties": {
            "apiVersion": {"type": "string"},
            "blockOwnerDeletion": {"type": ["boolean", "null"]},
            "controller": {"type": ["boolean", "null"]},
            "kind": {"type": "string"},
            "name": {"type": "string"},
            "uid": {"type": "string"},
        },
        "required": ["apiVersion", "kind", "name", "uid"],
        "type": "object",
    },
    "v1VmSnapshotVolumesLists": {
        "properties": {
            "excludedVolumes": {"items": {"type": "string"}, "type": ["array", "null"]},
            "includedVolumes": {"items": {"type": "string"}, "type": ["array", "null"]},
        },
        "type": "object",
    },
    "v1VmTypedLocalObjectReference": {
        "properties": {
            "apiGroup": {"type": ["string", "null"]},
            "kind": {"type": "string"},
            "name": {"type": "string"},
        },
        "required": ["kind", "name"],
        "type": "object",
    },
}

REQUEST: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "$ref": "#/$defs/v1VirtualMachineSnapshot",
    "$defs": _CLOSED,
}

RESPONSE: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "$ref": "#/$defs/v1VirtualMachineSnapshot",
    "$defs": _OPEN,
}

LIST_RESPONSE: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "$ref": "#/$defs/v1VirtualMachineSnapshotList",
    "$defs": _OPEN,
}

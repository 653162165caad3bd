# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The JSON Schema (2020-12) of a snapshot as it is sent to Palette: closed."""
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

REQUEST: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "$ref": "#/$defs/v1VirtualMachineSnapshot",
    "$defs": _CLOSED,
}

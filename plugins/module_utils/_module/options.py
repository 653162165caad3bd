# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The argument specs of all modules, composed of the parts that their documentation shares."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, NamedTuple

from ansible.module_utils.basic import env_fallback

Spec = dict[str, Any]


class Arguments(NamedTuple):
    """A module's options, in AnsibleModule's terms."""

    spec: Spec
    mutually_exclusive: tuple[tuple[str, ...], ...] = ()
    required_one_of: tuple[tuple[str, ...], ...] = ()
    required_if: tuple[tuple[Any, ...], ...] = ()


CONNECTION: Spec = {
    "host": {
        "type": "str",
        "default": "https://api.spectrocloud.com",
        "fallback": (env_fallback, ["PALETTE_HOST", "SPECTROCLOUD_HOST"]),
    },
    "api_key": {
        "type": "str",
        "no_log": True,
        "fallback": (env_fallback, ["PALETTE_API_KEY", "SPECTROCLOUD_APIKEY"]),
    },
    "project": {"type": "str"},
    "project_uid": {"type": "str"},
    "validate_certs": {"type": "bool", "default": True},
    "ca_path": {"type": "path", "fallback": (env_fallback, ["PALETTE_CA_FILE"])},
    "request_timeout": {"type": "float", "default": 30},
    "retries": {"type": "int", "default": 5},
    "rate_limit": {"type": "float", "default": 50},
}
CLUSTER: Spec = {"cluster": {"type": "str"}, "cluster_uid": {"type": "str"}}
VM: Spec = {
    **CLUSTER,
    "namespace": {"type": "str", "required": True},
    "vm_name": {"type": "str", "required": True},
}
PATIENCE: Spec = {
    "wait_timeout": {"type": "float", "default": 600},
    "poll_interval": {"type": "float", "default": 5},
}
WAIT: Spec = {"wait": {"type": "bool", "default": True}, **PATIENCE}
BODY: Spec = {
    "labels": {"type": "dict"},
    "annotations": {"type": "dict"},
    "deletion_policy": {"type": "str"},
    "failure_deadline": {"type": "str"},
    "expire_after": {"type": "str"},
    "definition": {"type": "dict"},
    "consistency": {"type": "str", "choices": ["any", "filesystem"], "default": "any"},
}
_PROJECT = ("project", "project_uid")
_CLUSTER = ("cluster", "cluster_uid")

VM_SNAPSHOT = Arguments(
    spec={
        **CONNECTION,
        **VM,
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "name": {"type": "str"},
        "name_prefix": {"type": "str"},
        **BODY,
        "replace": {"type": "bool", "default": False},
        **WAIT,
    },
    mutually_exclusive=(_PROJECT, _CLUSTER, ("name", "name_prefix")),
    required_one_of=(_CLUSTER, ("name", "name_prefix")),
    required_if=(("state", "absent", ("name",)),),
)

FLEET: Spec = {
    **CLUSTER,
    "clusters": {"type": "list", "elements": "str"},
    "namespaces": {"type": "list", "elements": "str"},
    "vm_names": {"type": "list", "elements": "str"},
    "exclude": {"type": "list", "elements": "str"},
    "selector": {"type": "str"},
    "concurrency": {"type": "int", "default": 16},
    "progress": {"type": "bool", "default": True},
}
_CLUSTERS = (*_CLUSTER, "clusters")

VM_SNAPSHOT_SET = Arguments(
    spec={
        **CONNECTION,
        "name": {"type": "str", "required": True},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "vms": {"type": "list", "elements": "raw"},
        "namespace": {"type": "str"},
        "all": {"type": "bool", "default": False},
        **FLEET,
        "name_template": {"type": "str", "default": "{vm}-{set}"},
        **BODY,
        "replace": {"type": "bool", "default": False},
        "max_age": {"type": "str"},
        "on_error": {"type": "str", "choices": ["abort", "continue"], "default": "abort"},
        "max_failed": {"type": "int", "default": 0},
        **WAIT,
    },
    mutually_exclusive=(_PROJECT, _CLUSTERS),
)

VM_SNAPSHOT_RETENTION = Arguments(
    spec={
        **CONNECTION,
        **FLEET,
        "set": {"type": "str"},
        "keep_last": {"type": "int"},
        "max_age": {"type": "str"},
        **PATIENCE,
    },
    mutually_exclusive=(_PROJECT, _CLUSTERS),
)

VM_SNAPSHOT_INFO = Arguments(
    spec={
        **CONNECTION,
        **CLUSTER,
        "namespaces": {"type": "list", "elements": "str"},
        "vm_names": {"type": "list", "elements": "str"},
        "name": {"type": "str"},
        "selector": {"type": "str"},
        "phase": {
            "type": "list",
            "elements": "str",
            "choices": ["InProgress", "Succeeded", "Failed", "Deleting", "Unknown"],
        },
        "ready": {"type": "bool"},
        "older_than": {"type": "str"},
        "newer_than": {"type": "str"},
    },
    mutually_exclusive=(_PROJECT, _CLUSTER),
)

_PROJECT_UID_VARIABLES = ("PALETTE_PROJECT_UID", "SPECTROCLOUD_DEFAULT_PROJECT_ID")


def without_blanks(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options with no blanks around the texts in lists.

    Ansible splits ``db1, db2`` at the comma only, and what is named " db2" is nothing.
    """
    return {
        name: [item.strip() if isinstance(item, str) else item for item in value]
        if isinstance(value, list)
        else value
        for name, value in options.items()
    }


def with_default_project(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options with the environment's project where the task names none.

    Not an env_fallback of project_uid: that would clash with a project given by name.
    """
    if options.get("project") or options.get("project_uid"):
        return dict(options)
    found = (os.environ.get(variable) for variable in _PROJECT_UID_VARIABLES)
    return {**options, "project_uid": next((uid for uid in found if uid), None)}

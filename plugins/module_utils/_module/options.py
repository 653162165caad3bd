# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Argument specs that modules share, divided like the doc fragments."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.basic import env_fallback

Spec = dict[str, Any]

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
BODY: Spec = {
    "labels": {"type": "dict"},
    "annotations": {"type": "dict"},
    "deletion_policy": {"type": "str"},
    "failure_deadline": {"type": "str"},
    "expire_after": {"type": "str"},
    "definition": {"type": "dict"},
    "consistency": {"type": "str", "choices": ["any", "filesystem"], "default": "any"},
}
STATE: Spec = {"state": {"type": "str", "choices": ["present", "absent"], "default": "present"}}
REPLACE: Spec = {"replace": {"type": "bool", "default": False}}
POLLING: Spec = {
    "wait_timeout": {"type": "float", "default": 600},
    "poll_interval": {"type": "float", "default": 5},
}
WAIT: Spec = {"wait": {"type": "bool", "default": True}, **POLLING}

ONE_PROJECT = ("project", "project_uid")
ONE_CLUSTER = ("cluster", "cluster_uid")
CLUSTER_OR_CLUSTERS = (*ONE_CLUSTER, "clusters")

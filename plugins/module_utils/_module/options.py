# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Argument specs that modules share, divided as modules need them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ansible.module_utils.errors import AnsibleFallbackNotFound

from .._validation.problems import Problem, option_problem

Spec = dict[str, Any]


def env_if_set(*names: str) -> str:
    """Return the first of these environment variables that is set and not empty.

    Ansible's own env_fallback takes an empty one for a value.
    """
    found = next((os.environ[name] for name in names if os.environ.get(name)), None)
    if found is None:
        raise AnsibleFallbackNotFound
    return found


def one_cluster_problems(options: Mapping[str, Any]) -> list[Problem]:
    """Return the problem with the options that name the one cluster of a VM."""
    examples = {"cluster": "vm-cluster-1", "cluster_uid": "66a1f0c2e4b0a1b2c3d4e5f6"}
    return [
        option_problem(name, "must not be empty", example)
        for name, example in examples.items()
        if options[name] == ""
    ]


CONNECTION: Spec = {
    "host": {
        "type": "str",
        "default": "https://api.spectrocloud.com",
        "fallback": (env_if_set, ["PALETTE_HOST", "SPECTROCLOUD_HOST"]),
    },
    "api_key": {
        "type": "str",
        "no_log": True,
        "fallback": (env_if_set, ["PALETTE_API_KEY", "SPECTROCLOUD_APIKEY"]),
    },
    "project": {"type": "str"},
    "project_uid": {"type": "str"},
    "validate_certs": {"type": "bool", "default": True},
    "ca_path": {"type": "path", "fallback": (env_if_set, ["PALETTE_CA_FILE"])},
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
LISTED: Spec = {
    "vms": {"type": "list", "elements": "raw"},
    "all": {"type": "bool", "default": False},
}
SELECTION: Spec = {
    **CLUSTER,
    "clusters": {"type": "list", "elements": "str"},
    "namespace": {"type": "str"},
    "namespaces": {"type": "list", "elements": "str"},
    "vm_names": {"type": "list", "elements": "str"},
    "exclude": {"type": "list", "elements": "str"},
    "selector": {"type": "str"},
}
SNAPSHOT_FILTERS: Spec = {"set": {"type": "str"}, "snapshot_selector": {"type": "str"}}
ROWS: Spec = {
    "fields": {"type": "list", "elements": "str"},
    "sort": {"type": "list", "elements": "str"},
    "limit": {"type": "int"},
}
PROGRESS: Spec = {"progress": {"type": "bool", "default": True}}
MEMBERS: Spec = {
    "members": {"type": "str", "choices": ["failed", "all"], "default": "failed"},
}
MAX_ROWS: Spec = {"max_rows": {"type": "int"}}
ON_ERROR: Spec = {"on_error": {"type": "str", "choices": ["abort", "continue"], "default": "abort"}}
MAX_FAILED: Spec = {"max_failed": {"type": "int", "default": 0}}
MAX_FAILED_CLUSTERS: Spec = {"max_failed_clusters": {"type": "int", "default": 0}}
CONCURRENCY: Spec = {"concurrency": {"type": "int", "default": 16}}
EXECUTION: Spec = {
    **CONCURRENCY,
    "max_in_progress": {"type": "str", "default": "auto"},
    **PROGRESS,
}
BODY: Spec = {
    "labels": {"type": "dict"},
    "annotations": {"type": "dict"},
    "deletion_policy": {"type": "str"},
    "failure_deadline": {"type": "str"},
    "expire_after": {"type": "str"},
    "definition": {"type": "dict"},
    "consistency": {"type": "str", "choices": ["any", "filesystem"], "default": "any"},
    "excluded_volumes": {"type": "str", "choices": ["warn", "refuse"], "default": "warn"},
    "offline": {"type": "bool", "default": False},
}
STATE: Spec = {"state": {"type": "str", "choices": ["present", "absent"], "default": "present"}}
REPLACE: Spec = {"replace": {"type": "bool", "default": False}}
POLLING: Spec = {
    "wait_timeout": {"type": "float", "default": 600},
    "poll_interval": {"type": "float", "default": 5},
}
WAIT: Spec = {"wait": {"type": "bool", "default": True}, **POLLING}
RESTORE: Spec = {
    "stop": {"type": "bool", "default": False},
    "in_place": {"type": "bool", "default": False},
    "excluded_volumes": {"type": "str", "choices": ["refuse", "allow"], "default": "refuse"},
    "clear_failed": {"type": "bool", "default": False},
    "safety_snapshot": {"type": "bool", "default": False},
    "start": {"type": "str", "choices": ["as_before", "always", "never"], "default": "as_before"},
    "wait_for": {"type": "str", "choices": ["running", "agent"], "default": "running"},
    "kubeconfig": {"type": "str", "no_log": True},
    "through_proxy": {"type": "bool", "default": True},
    "wait_timeout": {"type": "float", "default": 900},
    "poll_interval": {"type": "float", "default": 5},
}

ONE_PROJECT = ("project", "project_uid")
ONE_CLUSTER = ("cluster", "cluster_uid")
CLUSTER_OR_CLUSTERS = (*ONE_CLUSTER, "clusters")

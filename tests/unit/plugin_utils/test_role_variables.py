# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A module's message names the role's variables where the role passes it on."""

from __future__ import annotations

from datetime import datetime, timezone
from types import ModuleType
from typing import Any

import pytest
from ansible.module_utils.common.yaml import yaml_load

from ansible_collections.spectrocloud.palette.plugins.module_utils._module import (
    vm_power,
    vm_restore_set,
    vm_snapshot_retention,
    vm_snapshot_set,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._module.base import Invocation
from ansible_collections.spectrocloud.palette.plugins.plugin_utils.role_variables import (
    PREFIX,
    specified,
    with_variables,
)


@pytest.mark.parametrize(
    "text",
    [
        "~set: must not end in -; for example: ~set: before-patch",
        "the VM runs; stop it, or use ~stop: true",
        "not ready within 600 s (~wait_timeout); set ~max_in_progress",
        "cluster 'x' not found",
        "in namespace vms of cluster c1: set the clocks right",
        "the permission cluster.adminKubeconfigDownload",
        "see https://x.example/keep_last",
        "vm_snapshot_keep_last must be set",
        "~definition.spec.failure_deadline: x",
        "~labels.tier: too long; for example: ~labels: {set: a, spec: {cluster_uid: b}}",
        "~vms[0].cluster: must be set in this entry; or for all entries, set ~cluster",
        "for example: ~vms: [{vm_name: db1, namespace: vms, cluster: vm-cluster-1}]",
        "~vms: cannot be combined with ~selector, ~all; for example: ~vms: [db1, db2]",
        "check ~project or ~project_uid, and the permissions",
        "check ~cluster_uid and ~project; for a cluster in the tenant scope, set no ~project",
        "set neither ~project nor ~project_uid",
        "a project's uid needs no look-up: set ~project_uid instead of ~project, or give",
        "the tenant's scope was searched: set ~project (or PALETTE_PROJECT)",
        "or set ~kubeconfig to a file of your own",
        "shorten ~set or ~name_template, or set `name` in this VM's entry of ~vms",
        "select VMs with ~vms, ~vm_names or ~clusters; for every VM set ~all: true",
        "cluster 'x' not found with this API key; visible clusters: vm-cluster-1",
        "~kubeconfig: leads to one cluster: set ~cluster too, or let Palette give each cluster's",
        "namespace alone selects nothing: set ~namespaces, or list ~vms",
    ],
)
def test_with_variables_names_variables_in_place_of_options(text: str) -> None:
    assert with_variables(text.replace("~", "")) == text.replace("~", PREFIX)


# Each wrong value with others, so that each option has a message.
_WRONG = (
    dict.fromkeys(("host", "api_key", "cluster", "namespaces", "selector"), ""),
    {"vms": [{"vm_name": "db1", "cluster_uid": "x/y", "nmae": "a"}, "DB1"]},
    {"vms": ["db1"], "all": True},
    {"vm_names": ["Db"], "exclude": ["a["], "namespace": "Vms", "cluster_uid": "c1"},
    {"labels": {"a b": "c"}, "definition": {"spec": {"failureDeadline": 1}}, "set": "A B"},
    {"consistency": "quiesced", "offline": True, "wait": False, "max_failed": -1},
    {"name_template": "{x}", "expire_after": "7", "failure_deadline": "x", "concurrency": 0},
    {
        "restore_name": "A",
        "kubeconfig": "/x",
        "all": True,
        "keep_last": -1,
        "delete_older_than": "x",
    },
)


@pytest.mark.parametrize(
    "module", [vm_snapshot_set, vm_restore_set, vm_snapshot_retention, vm_power]
)
@pytest.mark.parametrize("wrong", _WRONG)
def test_with_variables_leaves_a_right_example_in_each_problem(
    module: ModuleType, wrong: dict[str, Any]
) -> None:
    spec = module.MODULE.arguments.spec
    options = {name: wrong.get(name, option.get("default")) for name, option in spec.items()}
    options["set"] = options.get("set") or "nightly"
    _request, problems = module.MODULE.read(Invocation(options, datetime.now(timezone.utc)))
    variables = specified("vm_snapshot")
    for problem in problems:
        text, _separator, example = with_variables(str(problem)).rpartition("; for example: ")
        assert text.startswith(PREFIX)
        ((name, value),) = yaml_load(example).items()
        assert name in set().union(*variables.values())
        assert PREFIX not in str(value)

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What those send who call Palette by hand, without the collection."""

from __future__ import annotations

from typing import Any

API_KEY = "demo-key"
NAMESPACE = "fleet"


def headers(project_uid: str) -> dict[str, str]:
    """Return the headers of each request."""
    return {"ApiKey": API_KEY, "ProjectUid": project_uid}


def path_of_vms(cluster_uid: str) -> str:
    """Return the path under which a cluster's VMs are."""
    return f"/v1/spectroclusters/{cluster_uid}/vms"


def body(vm: str) -> dict[str, Any]:
    """Return a body like the collection's own for a snapshot of a VM."""
    return {
        "apiVersion": "snapshot.kubevirt.io/v1beta1",
        "kind": "VirtualMachineSnapshot",
        "metadata": {
            "name": f"{vm}-now",
            "namespace": NAMESPACE,
            "labels": {"app.kubernetes.io/managed-by": "ansible"},
            "annotations": {
                "spectrocloud.palette/request-id": "00000000-0000-4000-8000-000000000000"
            },
        },
        "spec": {"source": {"apiGroup": "kubevirt.io", "kind": "VirtualMachine", "name": vm}},
    }

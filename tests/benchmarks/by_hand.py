# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What those send who call Palette by hand, without the collection."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import requests

API_KEY = "demo-key"
NAMESPACE = "fleet"


def headers(project_uid: str) -> dict[str, str]:
    """Return the headers of each request."""
    return {"ApiKey": API_KEY, "ProjectUid": project_uid}


def path_of_vms(cluster_uid: str) -> str:
    """Return the path under which a cluster's VMs are."""
    return f"/v1/spectroclusters/{cluster_uid}/vms"


def body(vm: str, deadline: str = "") -> dict[str, Any]:
    """Return a body like the collection's own for a snapshot of a VM."""
    source = {"apiGroup": "kubevirt.io", "kind": "VirtualMachine", "name": vm}
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
        "spec": {"source": source, **({"failureDeadline": deadline} if deadline else {})},
    }


def items(session: requests.Session, url: str) -> Iterator[Any]:
    """Yield what a list of the fleet's namespace holds, page by page."""
    token = ""
    while True:
        query = {"namespace": NAMESPACE, "limit": "50", **({"continue": token} if token else {})}
        answer = session.get(url, params=query)
        answer.raise_for_status()
        page = answer.json()
        yield from page["items"] or ()
        token = page["metadata"].get("continue")
        if not token:
            return

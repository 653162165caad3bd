# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is true, by the simulator's own account: its snapshots, and the writes it carried out."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote, unquote

from faults.operations import CLUSTER_UID, KEY, PROJECT_UID
from faults.proxy import CREATE, DELETE, UPDATE
from faults.ways import Told
from palette_simulator.launch import Simulator

_OPERATIONS = {"create_snapshot": CREATE, "update_snapshot": UPDATE, "delete_snapshot": DELETE}
_LIST = f"/v1/spectroclusters/{CLUSTER_UID}/vms/snapshot?limit=50"


class Stored(NamedTuple):
    """A snapshot that there is."""

    vm_name: str
    name: str
    uid: str
    labels: Mapping[str, str]
    ready: bool
    deleting: bool


class Write(NamedTuple):
    """A write that was carried out. name: of the snapshot, empty for a creation."""

    kind: str
    vm_name: str
    name: str


class Run(NamedTuple):
    """One run of a task: what it told, and what it did.

    before: the snapshots at the beginning of the cell, which the first run of two began with.
    """

    told: Told
    before: Sequence[Stored]
    after: Sequence[Stored]
    writes: Sequence[Write]


def manifests(palette: Simulator) -> list[dict[str, Any]]:
    """Return the snapshots that there are, as Palette lists them."""
    items: list[dict[str, Any]] = []
    token = ""
    while True:
        page = _page(palette, token)
        items += page["items"] or []
        token = page["metadata"].get("continue", "")
        if not token:
            return items


def stored(items: Sequence[Mapping[str, Any]]) -> list[Stored]:
    """Return what matters of listed snapshots."""
    return [_stored(item) for item in items]


def writes_in(palette: Simulator) -> list[Write]:
    """Return the writes that were carried out since the request log began."""
    return [
        _write(_OPERATIONS[entry["operation"]], entry["path"])
        for entry in palette.requests()
        if entry["operation"] in _OPERATIONS and 200 <= (entry["status"] or 0) < 300
    ]


def _page(palette: Simulator, token: str) -> dict[str, Any]:
    address = palette.url + _LIST + (f"&continue={quote(token)}" if token else "")
    headers = {"ApiKey": KEY, "ProjectUid": PROJECT_UID}
    request = urllib.request.Request(address, headers=headers)  # noqa: S310 - our own server
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=30) as response:
        page: dict[str, Any] = json.load(response)
    return page


def _stored(item: Mapping[str, Any]) -> Stored:
    metadata, status = item["metadata"], item.get("status") or {}
    return Stored(
        item["spec"]["source"]["name"],
        metadata["name"],
        metadata["uid"],
        metadata.get("labels") or {},
        bool(status.get("readyToUse")),
        "deletionTimestamp" in metadata,
    )


def _write(kind: str, path: str) -> Write:
    # /v1/spectroclusters/{uid}/vms/{vm}/snapshot[/{name}]
    parts = [unquote(part) for part in path.split("/")]
    return Write(kind, parts[5], parts[7] if len(parts) > 7 else "")

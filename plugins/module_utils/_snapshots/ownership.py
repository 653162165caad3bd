# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which snapshots are ours: the labels and annotations that this collection writes.

They are written only when a snapshot is created, so that retention never applies to the snapshots
of others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .._validation.problems import DEFINITION, Problem
from .._vms.model import VirtualMachine
from .model import Snapshot

MANAGED_BY = "app.kubernetes.io/managed-by"
MANAGER = "ansible"
PART_OF = "app.kubernetes.io/part-of"
REQUEST_ID = "spectrocloud.palette/request-id"
EXPIRES_AT = "spectrocloud.palette/expires-at"


def is_own(snapshot: Snapshot) -> bool:
    """Return whether this collection took the snapshot. Retention deletes no others."""
    return snapshot.labels.get(MANAGED_BY) == MANAGER


def is_member(snapshot: Snapshot, set_name: str) -> bool:
    """Return whether this collection took the snapshot as part of the set."""
    return is_own(snapshot) and snapshot.labels.get(PART_OF) == set_name


def of_former_vm(snapshot: Snapshot, vm: VirtualMachine | None) -> bool:
    """Return whether the snapshot was taken of an earlier VM with the same name."""
    return bool(vm and vm.uid and snapshot.source_uid and snapshot.source_uid != vm.uid)


def reserved_problems(options: Mapping[str, Any], reserved: Iterable[str]) -> list[Problem]:
    """Return the reserved labels and annotations that the user sets.

    options: with ``labels``, ``annotations`` and ``definition``, each None if not set.
    """
    metadata = (options.get(DEFINITION) or {}).get("metadata")
    found = []
    for kind in ("labels", "annotations"):
        in_definition = metadata.get(kind) if isinstance(metadata, Mapping) else None
        places = {kind: options.get(kind), f"{DEFINITION}.metadata.{kind}": in_definition}
        for place, given in places.items():
            for key in reserved:
                if isinstance(given, Mapping) and key in given:
                    text = "is written by this collection: leave it out"
                    found.append(Problem(f"{place}.{key}", text, f"{kind}: {{purpose: patch}}"))
    return found

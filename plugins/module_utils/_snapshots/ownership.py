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

from .._palette.objects import write_time
from .._validation.problems import DEFINITION, Problem
from .._vms.model import VirtualMachine
from .model import Snapshot

MANAGED_BY = "app.kubernetes.io/managed-by"
MANAGER = "ansible"
PART_OF = "app.kubernetes.io/part-of"
REQUEST_ID = "spectrocloud.palette/request-id"
EXPIRES_AT = "spectrocloud.palette/expires-at"
# What Palette's own scheduler, vmo-manager, takes. See docs/palette.md, "Other schedulers".
SCHEDULED = "vmo-manager.spectrocloud.com/scheduled"


def is_own(snapshot: Snapshot) -> bool:
    """Say whether this collection took the snapshot. Sets and retention delete no other."""
    return owner_problem(snapshot) is None


def owner_problem(snapshot: Snapshot) -> str | None:
    """Return why a snapshot is not ours, in one word for programs; None if it is.

    Ours have the label and the annotation that every creation writes; the label alone is anybody's.
    What Palette's own scheduler took is never ours.
    """
    if snapshot.labels.get(SCHEDULED) == "true":
        return "scheduled_by_palette"
    ours = snapshot.labels.get(MANAGED_BY) == MANAGER and REQUEST_ID in snapshot.annotations
    return None if ours else "not_ours"


def set_of(snapshot: Snapshot) -> str:
    """Return the name of the set that the snapshot is part of; empty for none."""
    return snapshot.labels.get(PART_OF, "")


def is_member(snapshot: Snapshot, set_name: str) -> bool:
    """Say whether this collection took the snapshot as part of the set."""
    return is_own(snapshot) and set_of(snapshot) == set_name


def of_former_vm(snapshot: Snapshot, vm: VirtualMachine | None) -> bool:
    """Say whether the snapshot was taken of an earlier VM with the same name.

    Not by sourceUID, which KubeVirt rewrites to the VM that has the name now: see docs/palette.md,
    "Former VMs".
    """
    if vm is None or vm.created is None or snapshot.taken_at is None:
        return False
    return vm.created > snapshot.taken_at


def former_vm_text(what: str, snapshot: Snapshot, vm: VirtualMachine) -> str:
    """Return the text that a snapshot is of an earlier VM. what: which snapshot, for the text."""
    return (
        f"{what} was taken on {write_time(snapshot.taken_at)} of an earlier VM with the same "
        f"name; this VM was created on {write_time(vm.created)}"
    )


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

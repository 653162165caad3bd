# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The names of restores and safety snapshots, chosen here so that a retry finds its own."""

from __future__ import annotations

from collections.abc import Container
from datetime import datetime, timedelta

from .._snapshots.naming import TIMESTAMP
from .._validation.kubevirt import SUBDOMAIN_LIMIT


def restore_name(snapshot_name: str, now: datetime, taken: Container[str] = ()) -> str:
    """Return the name of a restore of a snapshot that a task begins. taken: names of others."""
    return _free(snapshot_name, "restore", now, taken)


def safety_name(vm_name: str, now: datetime, taken: Container[str] = ()) -> str:
    """Return the name of the snapshot that a task takes of a VM before it is restored."""
    return _free(vm_name, "before-restore", now, taken)


def _free(name: str, what: str, at: datetime, taken: Container[str]) -> str:
    # A run may follow another within a second: then it says the next one.
    while (stamped := _stamped(name, what, at)) in taken:
        at += timedelta(seconds=1)
    return stamped


def _stamped(name: str, what: str, at: datetime) -> str:
    end = f"-{what}-{at.strftime(TIMESTAMP)}"
    # A name may not have a dash or a dot before what follows a dot, so none is left at the cut.
    return f"{name[: SUBDOMAIN_LIMIT - len(end)].rstrip('-.')}{end}"

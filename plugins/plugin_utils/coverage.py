# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether virtual machines have a recent usable snapshot, told from rows of vm_info."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

Row = Mapping[str, Any]


def newest_of(vm: Row) -> Row:
    """Return the newest usable snapshot of a VM; empty if it has none."""
    return vm["newest_snapshot"] or {}


def why_uncovered(vm: Row) -> str:
    """Return why a VM has no recent usable snapshot, in a word."""
    if vm["newest_unusable"]:
        return str(vm["newest_unusable"]["why"])
    return "too_old" if vm["newest_snapshot"] else "never"


def error_of(vm: Row) -> str | None:
    """Return KubeVirt's words on a VM's newest snapshot, if that cannot be used; None if none."""
    return (vm["newest_unusable"] or {}).get("error")


def is_covered(vm: Row, recent: timedelta) -> bool:
    """Return whether a VM has a usable snapshot that is not older than this."""
    age = newest_of(vm).get("age_seconds")
    return age is not None and age <= recent.total_seconds()

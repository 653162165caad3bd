# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an action will have made of a snapshot: for check mode and diffs. Pure."""

from __future__ import annotations

from .model import Json, Snapshot, read_snapshot
from .plan import CREATE, DELETE, UPDATE, Action, with_metadata


def before_and_after(action: Action) -> tuple[Json | None, Json | None]:
    """Return the manifests before and after an action, None standing for no snapshot."""
    before = action.current.manifest if action.current else None
    if action.verb == DELETE:
        return before, None
    if action.verb == CREATE and action.wanted:
        return before, action.wanted.body
    if action.verb == UPDATE and action.wanted and before:
        return before, with_metadata(before, action.wanted)
    return before, before


def predicted(action: Action) -> Snapshot | None:
    """Return the snapshot as a real run would leave it; a deleted one as it is now."""
    manifest = before_and_after(action)[1]
    if action.verb in (CREATE, UPDATE) and manifest and action.wanted:
        return read_snapshot(action.wanted.key.cluster_uid, manifest)
    return action.current

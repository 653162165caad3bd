# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the options that make up a snapshot."""

from __future__ import annotations


class ModuleDocFragment:
    """What the snapshots are to be like."""

    DOCUMENTATION = r"""
options:
  labels:
    description:
      - Labels that the snapshot is to have. Other labels that it has are left alone.
    type: dict
  annotations:
    description:
      - Annotations that the snapshot is to have. Other annotations that it has are left alone.
    type: dict
  deletion_policy:
    description:
      - What becomes of the stored data when the snapshot is deleted, V(Delete) or V(Retain).
        KubeVirt assumes V(Delete) if it is not set.
      - Case matters. KubeVirt takes any other text for V(Retain), so it is refused here.
    type: str
  failure_deadline:
    description:
      - How long KubeVirt may take before it gives the snapshot up, as a Go duration such as V(10m)
        or V(1h30m). V(0) sets no limit. KubeVirt assumes V(5m) if it is not set.
    type: str
  expire_after:
    description:
      - Record in each new snapshot when M(spectrocloud.palette.vm_snapshot_retention) may delete
        it, as an age such as V(36h), V(7d) or V(2w).
    type: str
  definition:
    description:
      - A C(VirtualMachineSnapshot) in the API's own words, for fields that have no option here. The
        single options take precedence.
      - It is validated whole before any request. Fields that only the server sets are refused.
    type: dict
  consistency:
    description:
      - With V(filesystem), the task fails unless the virtual machine was off, or its guest agent
        froze the file systems without trouble. The snapshot is kept. Needs O(wait=true).
    type: str
    choices: [any, filesystem]
    default: any
"""

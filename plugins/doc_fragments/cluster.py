# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the options that name a cluster."""

from __future__ import annotations


class ModuleDocFragment:
    """The cluster, by name or by uid."""

    DOCUMENTATION = r"""
options:
  cluster:
    description:
      - The name of the cluster that runs the virtual machines. Each task looks it up; use
        O(cluster_uid) to save that request.
      - Mutually exclusive with O(cluster_uid).
    type: str
  cluster_uid:
    description:
      - The uid of the cluster that runs the virtual machines.
      - Mutually exclusive with O(cluster).
    type: str
"""

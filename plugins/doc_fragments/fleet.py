# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the options that are about many virtual machines."""

from __future__ import annotations


class ModuleDocFragment:
    """Which clusters and virtual machines, and how many at a time."""

    DOCUMENTATION = r"""
options:
  clusters:
    description:
      - The names of several clusters. Without O(cluster), O(cluster_uid) and O(clusters), it is all
        clusters of the project that run virtual machines.
      - Mutually exclusive with O(cluster) and O(cluster_uid).
    type: list
    elements: str
  namespaces:
    description:
      - The namespaces to look into. All if not set.
    type: list
    elements: str
  vm_names:
    description:
      - Names or shell patterns of virtual machines, such as V(db*). One with a slash is matched
        with C(namespace/name), such as V(prod/db*), and one with two with C(cluster/namespace/name)
        as results have it.
    type: list
    elements: str
  exclude:
    description:
      - Names or shell patterns, as in O(vm_names), of virtual machines to leave out.
    type: list
    elements: str
  concurrency:
    description:
      - How many requests may be under way together. O(rate_limit) holds as well.
    type: int
    default: 16
  progress:
    description:
      - Whether to show a line every few seconds that says how far the task has come. There is none
        when the task runs in the background or on another machine than the controller.
    type: bool
    default: true
"""

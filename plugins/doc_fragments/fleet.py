# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the options for many virtual machines."""

from __future__ import annotations


class ModuleDocFragment:
    """Which clusters and virtual machines, and how many requests at a time."""

    DOCUMENTATION = r"""
options:
  clusters:
    description:
      - The names of several clusters. Without O(cluster), O(cluster_uid) and O(clusters), all
        clusters of the project that run virtual machines are used.
      - Mutually exclusive with O(cluster) and O(cluster_uid).
    type: list
    elements: str
  namespaces:
    description:
      - The namespaces to include. All if not set.
    type: list
    elements: str
  vm_names:
    description:
      - Names or shell patterns of virtual machines, such as V(db*). A pattern with one slash, such
        as V(prod/db*), matches C(namespace/name). A pattern with two slashes matches
        C(cluster/namespace/name), as in the results.
    type: list
    elements: str
  exclude:
    description:
      - Names or shell patterns of virtual machines to leave out, in the form of O(vm_names).
    type: list
    elements: str
  concurrency:
    description:
      - The maximum number of parallel requests. O(rate_limit) applies as well.
    type: int
    default: 16
  progress:
    description:
      - Whether to print a progress line every few seconds while something changes. Nothing is
        printed when the task uses C(async) or C(become), or runs on another machine than the
        controller.
    type: bool
    default: true
"""

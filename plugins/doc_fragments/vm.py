# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the options that name one virtual machine in a cluster."""

from __future__ import annotations


class ModuleDocFragment:
    """Which virtual machine."""

    DOCUMENTATION = r"""
options:
  namespace:
    description:
      - The Kubernetes namespace of the virtual machine and its snapshots.
    type: str
    required: true
  vm_name:
    description:
      - The name of the virtual machine.
    type: str
    required: true
"""

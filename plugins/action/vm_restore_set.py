# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restores virtual machines from a set of snapshots, in the controller's worker."""

from __future__ import annotations

from ..module_utils._module.vm_restore_set import MODULE
from ..plugin_utils.in_process import InProcessAction


class ActionModule(InProcessAction):
    """The action of the module of the same name."""

    module = MODULE

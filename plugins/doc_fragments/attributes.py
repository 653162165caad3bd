# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of what the modules support."""

from __future__ import annotations


class ModuleDocFragment:
    """Attributes shared by the modules."""

    DOCUMENTATION = r"""
attributes:
  action_group:
    description:
      - Use C(group/spectrocloud.palette.all) in C(module_defaults) to set the connection options
        once for all modules of this collection.
    support: full
    membership:
      - spectrocloud.palette.all
  async:
    description:
      - Supports the C(async) keyword. The module then runs in a process of its own. In a play over
        other machines, it needs C(delegate_to=localhost).
    support: full
  platform:
    description:
      - The task runs on the controller, as the user who runs Ansible, whatever the connection and
        C(become) of its host are. An API needs neither, so a play over the virtual machines
        themselves just works.
      - A task that is delegated to another machine runs there, for example on a bastion that
        reaches Palette.
    platforms: all
    support: full
"""

    WRITES = r"""
attributes:
  check_mode:
    description:
      - Predicts what would change and writes nothing. The result has the same keys as that of a
        real run.
    support: full
  diff_mode:
    description: Shows labels, annotations and spec before and after.
    support: full
"""

    READS = r"""
attributes:
  check_mode:
    description: Only reads, so check mode makes no difference.
    support: full
  diff_mode:
    description: Changes nothing, so there is no difference to show.
    support: none
"""

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the options on how a task works and shows its progress."""

from __future__ import annotations


class ModuleDocFragment:
    """How many requests at a time."""

    DOCUMENTATION = r"""
options:
  concurrency:
    description:
      - The maximum number of parallel requests. O(rate_limit) applies as well.
    type: int
    default: 16
"""

    PROGRESS = r"""
options:
  progress:
    description:
      - Whether to print a line at least every 15 seconds while the task waits, with what it waits
        for and for how long. Nothing is printed when the task uses C(async), or is delegated to
        another machine than the controller.
    type: bool
    default: true
"""

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the options for how long to wait, and how often to poll."""

from __future__ import annotations


class ModuleDocFragment:
    """Waiting."""

    DOCUMENTATION = r"""
options:
  wait_timeout:
    description:
      - The seconds to wait for each step, such as the end of another snapshot of the virtual
        machine, a deletion, or the snapshot itself. Set it higher than the snapshot's failure
        deadline, so that KubeVirt decides first whether the snapshot failed.
      - A failed poll is retried until the timeout. Only a rejected API key, missing permissions or
        a TLS error fail at once.
    type: float
    default: 600
  poll_interval:
    description:
      - The longest pause between two polls, in seconds. The first pauses are shorter.
    type: float
    default: 5
"""

    OPTIONAL = r"""
options:
  wait:
    description:
      - Whether to wait until a snapshot is ready to use or, when it is deleted, until it is gone.
    type: bool
    default: true
"""

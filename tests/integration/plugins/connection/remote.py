# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A connection that is not called local, so that each module runs as a process of its own."""

from __future__ import annotations

from ansible.plugins.connection.local import Connection as LocalConnection

DOCUMENTATION = """
name: remote
short_description: This machine under another name
description:
  - The local connection, but for its name.
options:
  become_success_timeout:
    type: int
    default: 10
    description: As in the local connection.
  become_strip_preamble:
    type: bool
    default: true
    description: As in the local connection.
extends_documentation_fragment:
  - connection_pipelining
"""


class Connection(LocalConnection):  # type: ignore[misc]  # ansible-core is untyped
    """The local connection under another name."""

    transport = "remote"

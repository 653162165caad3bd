# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A connection like SSH's: what it has started stays when Ansible is gone."""

from __future__ import annotations

import shlex
import sys

from ansible.plugins.connection.local import Connection as LocalConnection

DOCUMENTATION = """
name: staying
short_description: This machine, where commands stay when Ansible is gone
description:
  - The local connection, but each command is started and awaited by a process in a session of its
    own, as C(sshd) does. So a module runs as a process of its own, and goes on when Ansible is
    gone.
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

_DAEMON = "import os, subprocess, sys; os.setsid(); sys.exit(subprocess.call(sys.argv[1:]))"


class Connection(LocalConnection):  # type: ignore[misc]  # ansible-core is untyped
    """The local connection, with a daemon in between."""

    transport = "staying"

    def exec_command(
        self, cmd: str, in_data: bytes | None = None, sudoable: bool = True
    ) -> tuple[int, bytes, bytes]:
        """Let a daemon run a command."""
        by_daemon = shlex.join([sys.executable, "-c", _DAEMON, "/bin/sh", "-c", cmd])
        done: tuple[int, bytes, bytes] = super().exec_command(by_daemon, in_data, sudoable)
        return done

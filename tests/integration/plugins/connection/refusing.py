# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A connection to a host that a change may cut off, and that a restore of its VM brings back."""

from __future__ import annotations

import json
import os
import urllib.request
from pathlib import Path

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.connection.local import Connection as LocalConnection

DOCUMENTATION = """
name: refusing
short_description: This machine, which is away while there is a file that says so
description:
  - The local connection, unless the folder that E(REFUSING_FOLDER) names has a file of the host's
    name. If its text is V(once), one connection is refused. If it is V(until restored), connections
    are refused until the simulator has been asked to restore a VM.
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
    """The local connection, which may be refused."""

    transport = "refusing"

    def _connect(self) -> Connection:
        host = self._play_context.remote_addr
        if _is_away(Path(os.environ["REFUSING_FOLDER"], host)):
            raise AnsibleConnectionFailure(f"{host} refuses the connection")
        super()._connect()
        return self

    def reset(self) -> None:
        """Forget the connection, so that the next one is a new one."""
        self._connected = False


def _is_away(marker: Path) -> bool:
    if not marker.exists():
        return False
    if marker.read_text(encoding="utf-8") == "once":
        marker.unlink()
        return True
    return "k8s_create_restore" not in _asked_for()


def _asked_for() -> set[str]:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"{os.environ['PALETTE_HOST']}/_simulator/requests") as response:
        return {entry["operation"] for entry in json.load(response)}

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kubeconfigs that Palette hands out. See docs/palette.md, "Kubeconfig"."""

from __future__ import annotations

import base64

from starlette.responses import Response

from palette_simulator.calls import Call, operation
from palette_simulator.errors import ApiError, off_contract

_TRUTHS = {"true": True, "1": True, "false": False, "0": False}


@operation("cluster.adminKubeconfigDownload")
def get_admin_kubeconfig(call: Call) -> Response:
    """The file with the login of a cluster's admin."""
    return _file(call, call.switches.admin_address, call.switches.admin_login, "admin.kubeconfig")


@operation("cluster.get")
def get_kubeconfig(call: Call) -> Response:
    """The file with a user's own login."""
    text = call.request.query_params.get("frp") or "true"
    if text.lower() not in _TRUTHS:
        raise off_contract(f'frp in query must be of type bool: "{text}"', call.switches)
    address = "proxy" if _TRUTHS[text.lower()] else "direct"
    return _file(call, address, call.switches.user_login, "kubeconfig")


def _file(call: Call, address: str, login: str, ending: str) -> Response:
    cluster = call.cluster()
    if call.switches.kubeconfigs == "missing":
        raise ApiError(404, "ResourceNotFound", "Kubeconfig not found")
    content = call.palette.access.kubeconfig(cluster, address, login).encode()
    if call.switches.kubeconfig_form == "base64":
        content = base64.b64encode(content)
    name = f'attachment; filename="{cluster.name}.{ending}"'
    headers = {"Content-Disposition": name}
    return Response(content, headers=headers, media_type="application/octet-stream")

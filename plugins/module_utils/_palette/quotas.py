# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How Palette counts requests, and how many of which it allows.

Requests count per source address and first resource in the path; sub-resources share its quota. See
docs/palette.md, "Rate limits".
"""

from __future__ import annotations

from .._http.rate_limit import Quota

# Of 50 requests per second. 250 and 50 may be sent at once.
_SHARE = {"spectroclusters": 1.0, "assets": 0.2}
_SHARE_OF_OTHERS = 0.2  # /v1/dashboard, /v1/projects, … : 10 requests per second


def quota_of(path: str) -> Quota:
    """Return what a request to a URL path counts as, such as ``spectroclusters``."""
    resource = _counted_resource(path)
    return Quota(resource, _SHARE.get(resource, _SHARE_OF_OTHERS))


def _counted_resource(path: str) -> str:
    parts = path.partition("?")[0].strip("/").split("/")[1:]
    if parts[:1] == ["spectroclusters"] and parts[2:3] == ["assets"]:
        return "assets"
    return parts[0] if parts else ""

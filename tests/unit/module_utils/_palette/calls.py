# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests of the client share: a client, a path, answers that stop it, and its errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.spectrocloud.palette.plugins.module_utils._http.errors import ApiError
from ansible_collections.spectrocloud.palette.plugins.module_utils._palette.client import (
    PaletteClient,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._palette.settings import Settings
from unit.fakes import Answer

KEY = "c2VjcmV0-a2V5"
VMS = "/v1/spectroclusters/c1/vms"
TOO_MANY = Answer({"code": "TooManyRequests", "message": "slower"}, 429)
UNAVAILABLE = Answer(b"<html>Bad Gateway</html>", 502, {"Content-Type": "text/html"})
SILENT = Answer(silent=True)
CUT = Answer({"a": "b" * 99}, sent=9)


def client_of(url: str, **settings: Any) -> PaletteClient:
    """Return a client of its own for a server."""
    return PaletteClient(Settings(url, KEY, **{"rate_limit": 0, "retries": 3, **settings}))


def error_of(call: Callable[..., Any], *args: Any, **kwargs: Any) -> ApiError:
    """Return the ApiError that a call raises, which does not show the API key."""
    with pytest.raises(ApiError) as caught:
        call(*args, **kwargs)
    assert KEY not in str(caught.value.result())
    return caught.value


def reason_of(call: Callable[..., Any], *args: Any, **kwargs: Any) -> str:
    """Return the reason of the ApiError that a call raises."""
    return error_of(call, *args, **kwargs).reason

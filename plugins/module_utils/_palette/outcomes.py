# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an answer's status says about its request: carried out, refused, or neither.

See docs/palette.md, "What a status says".
"""

from __future__ import annotations

from .._http.retry import TRANSIENT

# The only status with which Palette says that it carried out a request. A PUT without a body is an
# action, such as to stop a VM, and its answer has none either.
_PROMISED = {"GET": 200, "POST": 200, "PUT": 200, "DELETE": 204}
_PROMISED_OF_ACTIONS = 204

# Refused before anything is done, whoever answers.
_NEVER_CARRIED_OUT = frozenset({429})
# Palette's or Kubernetes' own word that nothing was done.
_REFUSALS = frozenset({"forbidden", "project_not_found"})
_UNAUTHORIZED = frozenset({401, 403})

# Somebody else was faster. The next attempt reads again what there is.
_TRANSIENT_REASONS = frozenset({"conflict", "already_exists", "cluster_timeout"})


def carried_out(method: str, status: int, action: bool = False) -> bool:
    """Say whether a status is Palette's for a request that it carried out."""
    return status == (_PROMISED_OF_ACTIONS if action else _PROMISED[method])


def refused(status: int, reason: str, of_palette: bool) -> bool:
    """Say whether an error is enough to know that a request was not carried out.

    reason: what the answer stands for. of_palette: whether the answer has the form of Palette's or
    Kubernetes' errors. After any other error, only the list knows: a load balancer may answer 400,
    404 or 413 to what was carried out.
    """
    if status in _NEVER_CARRIED_OUT:
        return True
    denied = reason == "rejected" and (status == 422 or status >= 500)
    # A 500 that shows the key is about the key only if it says what is wrong with it.
    unauthorized = reason == "unauthorized" and status in _UNAUTHORIZED
    return of_palette and (denied or unauthorized or reason in _REFUSALS)


def transient(status: int, reason: str) -> bool:
    """Say whether the same request may succeed when it is sent again."""
    if status in TRANSIENT or reason in _TRANSIENT_REASONS:
        return True
    return status >= 500 and reason != "rejected" and reason not in _REFUSALS

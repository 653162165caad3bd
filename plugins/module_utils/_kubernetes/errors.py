# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The errors of a cluster's own API: what an answer stands for, and whether a write was done.

See docs/palette.md, "What a status of the cluster's own API says".
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from .._http.errors import ApiError, reason_of_status
from .._http.retry import TRANSIENT
from .._validation.printable import excerpt, in_bounds, printable

_REASON_BY_WORD = {"AlreadyExists": "already_exists"}
_DENIED = "denied the request"
# Somebody else was faster, or the server is in trouble.
_TRANSIENT_REASONS = frozenset({"conflict", "already_exists", "server_error", "unavailable"})

# The statuses with which Kubernetes says that it carried out a request.
_PROMISED = {"GET": {200}, "POST": {201}, "PATCH": {200}, "DELETE": {200, 202}}


def carried_out(method: str, status: int) -> bool:
    """Say whether a status is Kubernetes' for a request that it carried out."""
    return status in _PROMISED[method]


def from_answer(call: str, http_status: int, body: str, mask: Callable[[str], str]) -> ApiError:
    """Return the error that an HTTP answer stands for.

    call: method and URL, for the message. body: the answer as text; a Kubernetes Status is
    expected, anything else is quoted. mask: hides what is secret.
    """
    said = _status(body)
    text = printable(said.get("message") or "", mask=mask) or excerpt(body, mask)
    word, whole = str(said.get("reason") or ""), str(said.get("message") or "")
    reason = _reason(http_status, word, whole)
    facts = {"code": word, "message": whole, "details": said.get("details")}
    return ApiError(
        reason,
        mask(f"{call}: HTTP {http_status}: {text}{_advice(reason, text)}"),
        outcome_unknown=not _refused(http_status, reason, of_kubernetes=bool(said)),
        transient=http_status in TRANSIENT or reason in _TRANSIENT_REASONS,
        http_status=http_status,
        **{key: in_bounds(value, mask) for key, value in facts.items() if value},
    )


def _reason(http_status: int, word: str, text: str) -> str:
    if _DENIED in text and 400 <= http_status <= 500:
        return "rejected"
    return _REASON_BY_WORD.get(word) or reason_of_status(http_status)


def _refused(http_status: int, reason: str, *, of_kubernetes: bool) -> bool:
    """Say whether an error is enough to know that a request was not carried out.

    of_kubernetes: whether the answer is a Status. A load balancer may answer anything to what was
    carried out. Kubernetes itself was asked once: a write is never repeated.
    """
    if http_status == 429:
        return True
    own_word = reason == "rejected" or (400 <= http_status < 500 and http_status not in TRANSIENT)
    return of_kubernetes and own_word


def _status(body: str) -> Mapping[str, Any]:
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) and said.get("kind") == "Status" else {}


def _advice(reason: str, text: str) -> str:
    if reason == "unauthorized":
        return " (the cluster does not take the kubeconfig's login: it may have expired)"
    if reason == "forbidden":
        return " (the kubeconfig's user needs KubeVirt's role edit or admin in the namespace)"
    if reason == "redirected":
        return " (redirects are refused, they could take the login to another host)"
    if "could not find the requested resource" in text or text == "404 page not found":
        return " (KubeVirt, or its snapshots, are not installed in this cluster)"
    return ""

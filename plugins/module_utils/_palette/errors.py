# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The errors of Palette: what an answer stands for, with Palette's own fields."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import partial
from typing import Any

from .._http.errors import ApiError, reason_of_status
from .._http.secrets import scrub
from .._validation.printable import excerpt, in_bounds, printable
from .outcomes import refused, transient

_FIELDS = ("code", "message", "details", "ref")

# Palette's own codes that say more than status and text, whose words may sound like an absence.
# See docs/palette.md, "Palette's statuses and codes".
_REASON_BY_CODE = {
    "ProjectNotFoundInTenant": "project_not_found",
    "ResourceAccessDenied": "forbidden",
    "ResOperationForbidden": "forbidden",
    "ClusterFeatureTimeoutError": "cluster_timeout",
}

# Palette wraps Kubernetes' errors as 500, so that only the text distinguishes them. The first match
# wins.
# See docs/palette.md, "Errors".
_REASON_BY_TEXT = (
    ("already exists", "already_exists"),
    ("continue parameter is too old", "expired"),
    ("operation cannot be fulfilled", "conflict"),
    ("is forbidden", "forbidden"),
    ("denied the request", "rejected"),
    ("invalid value", "rejected"),
    # Of snapshots, and where a list fails, the same words go on differently.
    ("failed to get virtual machine '", "not_found"),
    ("not found", "not_found"),
)

_NO_CLUSTER = re.compile(r"\b(cluster|project)\b[^:]* not found", re.IGNORECASE)

# The words themselves, not part of an object's name such as rotate-apikey.
_API_KEY = re.compile(r"""api[ _]key|(?<![\w.'"-])apikey(?![\w.'"-])""", re.IGNORECASE)


def from_answer(call: str, http_status: int, body: str, secret: str) -> ApiError:
    """Return the error that an HTTP answer stands for.

    call: method and URL, for the message. body: the answer as text; JSON of the form
    ``{code, message, details, ref}`` is expected, anything else is quoted.
    """
    said = _palette_error(body)
    rejected_key = _mentions_api_key(said, body, secret)
    mask = partial(scrub, secret=secret)
    facts = {key: in_bounds(said[key], mask) for key in _FIELDS if said.get(key)}
    text = printable(said.get("message") or "", mask=mask) or excerpt(body, mask)
    # The longest names leave the end of a text that counts out of what is shown.
    whole = scrub(str(said.get("message") or text), secret)
    reason = _reason(http_status, str(said.get("code")), whole, rejected_key)
    return ApiError(
        reason,
        scrub(f"{call}: HTTP {http_status}: {text}{_advice(reason, whole)}", secret),
        outcome_unknown=not refused(http_status, reason, of_palette="code" in said),
        transient=transient(http_status, reason),
        http_status=http_status,
        **facts,
    )


def of_list(error: ApiError) -> ApiError:
    """Return the error of a list, which has nothing to be not found but the cluster or project."""
    wrapped = error.facts.get("http_status") == 500 and error.reason == "not_found"
    if wrapped and not _NO_CLUSTER.search(error.message):
        error.reason = "server_error"
    return error


def _reason(http_status: int, code: str, text: str, rejected_key: bool) -> str:
    if 300 <= http_status < 400:
        return "redirected"
    if code in _REASON_BY_CODE and http_status not in (401, 429):
        return _REASON_BY_CODE[code]
    # Palette may report a rejected key as ResourceNotFound and echo the key. That must not count as
    # "absent".
    if http_status == 401 or (rejected_key and http_status in (403, 404, 500)):
        return "unauthorized"
    if http_status == 500 or http_status == 409:
        lowered = text.lower()
        by_text = (reason for phrase, reason in _REASON_BY_TEXT if phrase in lowered)
        return next(by_text, reason_of_status(http_status))
    return reason_of_status(http_status)


def _mentions_api_key(said: Mapping[str, Any], body: str, secret: str) -> bool:
    in_code = "apikey" in str(said.get("code")).lower()
    return in_code or scrub(body, secret) != body or bool(_API_KEY.search(body))


def _palette_error(body: str) -> dict[str, Any]:
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _advice(reason: str, text: str) -> str:
    if reason == "unauthorized":
        return " (check api_key: it may be wrong or expired, or belong to another Palette)"
    # KubeVirt forbids to pause a VM with a liveness probe, whoever asks.
    if reason == "forbidden" and "livenessprobe" not in text.lower():
        return " (check project or project_uid, and the permissions of the API key's user)"
    if reason == "project_not_found":
        return (
            " (check project_uid: no such project can be seen with this API key; for a cluster in "
            "the tenant scope, set neither project nor project_uid)"
        )
    if reason == "cluster_timeout":
        return (
            " (Palette got no answer from the cluster: check in Palette that it is running and "
            "connected, then run the task again)"
        )
    if reason == "not_found" and "cluster not found" in text.lower():
        return " (check cluster_uid and project; for a cluster in the tenant scope, set no project)"
    if "could not find the requested resource" in text.lower():
        return " (this cluster does not run VMs: KubeVirt is not installed)"
    if reason == "redirected":
        return " (redirects are refused, they could send the API key to another host; check host)"
    return ""

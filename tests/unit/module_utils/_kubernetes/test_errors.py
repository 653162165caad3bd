# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an answer of a cluster's own API says: why, and whether a write was carried out."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.spectrocloud.palette.plugins.module_utils._http.errors import ApiError
from ansible_collections.spectrocloud.palette.plugins.module_utils._kubernetes.errors import (
    carried_out,
    from_answer,
)

DENIED = (
    'admission webhook "virtualmachinerestore-validator.snapshot.kubevirt.io" denied the request'
)


def error_of(http_status: int, word: str, message: Any = "no", **more: Any) -> ApiError:
    """Return the error for a Status."""
    said = {"kind": "Status", "status": "Failure", "reason": word, "message": message, **more}
    return from_answer("POST https://c/x", http_status, json.dumps(said), lambda text: text)


# Status and word: the reason, whether a write may have been carried out, and whether it may succeed
# when it is sent again.
TABLE = {
    (301, ""): ("redirected", True, False),
    (400, "BadRequest"): ("rejected", False, False),
    (401, "Unauthorized"): ("unauthorized", False, False),
    (403, "Forbidden"): ("forbidden", False, False),
    (404, "NotFound"): ("not_found", False, False),
    (405, "MethodNotAllowed"): ("rejected", False, False),
    (409, "AlreadyExists"): ("already_exists", False, True),
    (409, "Conflict"): ("conflict", False, True),
    (410, "Expired"): ("expired", False, False),
    (413, "RequestEntityTooLarge"): ("rejected", False, False),
    (422, "Invalid"): ("rejected", False, False),
    (429, "TooManyRequests"): ("rate_limited", False, False),
    (500, "InternalError"): ("server_error", True, True),
    (503, "ServiceUnavailable"): ("unavailable", True, True),
    (504, "Timeout"): ("unavailable", True, True),
}


@pytest.mark.parametrize(("http_status", "word"), TABLE)
def test_status_gives_its_reason_and_says_whether_the_write_was_carried_out(
    http_status: int, word: str
) -> None:
    error = error_of(http_status, word)
    found = (error.reason, error.outcome_unknown, error.transient)
    assert found == TABLE[http_status, word]
    assert error.facts["http_status"] == http_status


@pytest.mark.parametrize("http_status", [400, 401, 403, 404, 409, 410, 413, 422, 500, 502])
@pytest.mark.parametrize(
    "body", ["<html>no</html>", "", "[]", '{"code": "No", "message": "no"}', "[" * 100_000]
)
def test_what_is_no_status_does_not_say_that_a_write_was_not_carried_out(
    http_status: int, body: str
) -> None:
    error = from_answer("POST https://c/x", http_status, body, lambda text: text)
    assert error.outcome_unknown


def test_429_was_not_carried_out_whoever_answers() -> None:
    error = from_answer("POST https://c/x", 429, "slow down", lambda text: text)
    assert (error.reason, error.outcome_unknown) == ("rate_limited", False)


@pytest.mark.parametrize("http_status", [400, 403, 422, 500])
def test_a_webhook_rejects_with_any_status(http_status: int) -> None:
    error = error_of(http_status, "", f"Internal error occurred: {DENIED}: in progress")
    assert (error.reason, error.outcome_unknown, error.transient) == ("rejected", False, False)


def test_a_webhook_that_fails_has_not_decided() -> None:
    failed = "Internal error occurred: failed calling webhook: EOF"
    error = error_of(500, "InternalError", failed)
    assert (error.reason, error.outcome_unknown, error.transient) == ("server_error", True, True)


def test_error_has_the_fields_of_the_status() -> None:
    causes = {"causes": [{"field": "spec.target", "message": "in progress"}]}
    error = error_of(422, "Invalid", f"{DENIED}: in progress", details=causes)
    assert error.result() == {
        "msg": f"POST https://c/x: HTTP 422: {DENIED}: in progress",
        "reason": "rejected",
        "http_status": 422,
        "code": "Invalid",
        "message": f"{DENIED}: in progress",
        "details": causes,
    }


@pytest.mark.parametrize(
    ("http_status", "message", "advice"),
    [
        (401, "Unauthorized", "the cluster does not take the kubeconfig's login"),
        (403, "restores is forbidden", "needs KubeVirt's role edit or admin"),
        (404, "the server could not find the requested resource", "are not installed"),
        (307, "", "redirects are refused"),
    ],
)
def test_error_says_what_to_do(http_status: int, message: str, advice: str) -> None:
    assert advice in error_of(http_status, "", message).message


def test_error_advises_on_installing_kubevirt_only_where_its_paths_are_missing() -> None:
    plain = from_answer("GET https://c/x", 404, "404 page not found\n", lambda text: text)
    assert "are not installed" in plain.message
    assert "installed" not in error_of(404, "NotFound", '"x" not found').message


@pytest.mark.parametrize("message", [7, ["a"], {"a": 1}, None, "\x1b[2J" + "x" * 9_999])
def test_error_shows_any_message_in_bounds(message: Any) -> None:
    shown = str(error_of(400, "BadRequest", message).result())
    assert "\x1b" not in shown
    assert len(shown) < 9_000


@pytest.mark.parametrize("status", [200, 201, 202, 203, 204, 206])
@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE"])
def test_only_the_promised_status_says_that_a_request_was_carried_out(
    method: str, status: int
) -> None:
    promised = {"GET": (200,), "POST": (201,), "PATCH": (200,), "DELETE": (200, 202)}
    assert carried_out(method, status) is (status in promised[method])

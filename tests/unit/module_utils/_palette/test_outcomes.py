# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of what a status says, cell by cell."""

from __future__ import annotations

import json

import pytest

from ansible_collections.spectrocloud.palette.plugins.module_utils._palette.errors import (
    from_answer,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._palette.outcomes import (
    carried_out,
)

REFUSED, UNKNOWN = "refused", "unknown"

# Status: what it says of a write if Palette says it, and if anything else does; and whether the
# same request may succeed when it is sent again.
TABLE = {
    300: (UNKNOWN, UNKNOWN, False),
    302: (UNKNOWN, UNKNOWN, False),
    400: (UNKNOWN, UNKNOWN, False),
    401: (REFUSED, UNKNOWN, False),
    403: (REFUSED, UNKNOWN, False),
    404: (UNKNOWN, UNKNOWN, False),
    405: (UNKNOWN, UNKNOWN, False),
    408: (UNKNOWN, UNKNOWN, True),
    409: (UNKNOWN, UNKNOWN, True),
    410: (UNKNOWN, UNKNOWN, False),
    413: (UNKNOWN, UNKNOWN, False),
    422: (REFUSED, UNKNOWN, False),
    425: (UNKNOWN, UNKNOWN, True),
    429: (REFUSED, REFUSED, False),
    499: (UNKNOWN, UNKNOWN, True),
    500: (UNKNOWN, UNKNOWN, True),
    501: (UNKNOWN, UNKNOWN, True),
    502: (UNKNOWN, UNKNOWN, True),
    503: (UNKNOWN, UNKNOWN, True),
    504: (UNKNOWN, UNKNOWN, True),
}


@pytest.mark.parametrize("status", TABLE)
def test_error_says_whether_the_write_was_carried_out(status: int) -> None:
    by_palette, by_others, passes = TABLE[status]
    of_palette = json.dumps({"code": "Any", "message": "no"})
    for body, outcome in ((of_palette, by_palette), ("<html>no</html>", by_others)):
        error = from_answer("POST /v1/x", status, body, "secret")
        assert error.outcome_unknown is (outcome == UNKNOWN)
        assert error.transient is passes


@pytest.mark.parametrize(
    ("text", "outcome", "passes"),
    [
        ("admission webhook denied the request", REFUSED, False),
        ('x is forbidden: User "u" cannot create', REFUSED, False),
        ('"x" already exists', UNKNOWN, True),
        ("Operation cannot be fulfilled: the object has been modified", UNKNOWN, True),
        ('"x" not found', UNKNOWN, True),
        ("something else", UNKNOWN, True),
    ],
)
def test_error_500_says_it_by_its_text(text: str, outcome: str, passes: bool) -> None:
    body = json.dumps({"code": "InternalServerError", "message": text})
    error = from_answer("POST /v1/x", 500, body, "secret")
    assert (error.outcome_unknown, error.transient) == (outcome == UNKNOWN, passes)


@pytest.mark.parametrize("status", [100, 101, 200, 201, 202, 203, 204, 205, 206, 207, 226])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
def test_only_the_promised_status_says_that_a_request_was_carried_out(
    method: str, status: int
) -> None:
    assert carried_out(method, status) is (status == (204 if method == "DELETE" else 200))


@pytest.mark.parametrize(("status", "done"), [(200, False), (202, False), (204, True)])
def test_action_is_promised_204(status: int, done: bool) -> None:
    assert carried_out("PUT", status, action=True) is done

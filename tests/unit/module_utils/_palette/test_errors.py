# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The error of the collection: what an HTTP answer means, and that it never shows the API key."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest

from ansible_collections.spectrocloud.palette.plugins.module_utils._http.errors import ApiError
from ansible_collections.spectrocloud.palette.plugins.module_utils._http.secrets import MASK
from ansible_collections.spectrocloud.palette.plugins.module_utils._palette.errors import (
    from_answer,
)

KEY = "c2VjcmV0/a2V5+MTIz=="


def error_of(http_status: int, body: Any) -> ApiError:
    """Return the error for an answer; a body that is not text is sent as JSON."""
    text = body if isinstance(body, str) else json.dumps(body)
    return from_answer("GET /v1/x", http_status, text, KEY)


def palette_error(code: str, message: str, **more: Any) -> dict[str, Any]:
    """Return an error body of Palette."""
    return {"code": code, "message": message, **more}


@pytest.mark.parametrize(
    ("http_status", "reason"),
    [
        (301, "redirected"),
        (400, "rejected"),
        (401, "unauthorized"),
        (403, "forbidden"),
        (404, "not_found"),
        (409, "conflict"),
        (410, "expired"),
        (418, "rejected"),
        (422, "rejected"),
        (429, "rate_limited"),
        (500, "server_error"),
        (502, "unavailable"),
        (503, "unavailable"),
        (504, "unavailable"),
    ],
)
def test_from_answer_gives_each_http_status_its_reason(http_status: int, reason: str) -> None:
    assert error_of(http_status, palette_error("Code", "what happened")).reason == reason


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ("Failed to get virtual machine 'db1'", "not_found"),
        ("Failed to get virtual machine snapshots: context deadline exceeded", "server_error"),
        ("Failed to get virtual machine snapshot 'x': context deadline exceeded", "server_error"),
        ('Failed to get: virtualmachinesnapshots.snapshot.kubevirt.io "x" not found', "not_found"),
        ('Failed to create: snapshots "x" already exists', "already_exists"),
        ("Operation cannot be fulfilled on x: the object has been modified", "conflict"),
        ('snapshots is forbidden: User "u" cannot create resource', "forbidden"),
        ('admission webhook "w" denied the request: invalid kind', "rejected"),
        ('metadata.name: Invalid value: "X": a lowercase RFC 1123 subdomain', "rejected"),
        ("The provided continue parameter is too old to display a list", "expired"),
        ("something else", "server_error"),
    ],
)
def test_from_answer_tells_the_errors_of_kubernetes_in_a_500_apart(
    message: str, reason: str
) -> None:
    assert error_of(500, palette_error("InternalServerError", message)).reason == reason


@pytest.mark.parametrize("http_status", [403, 500])
def test_from_answer_blames_no_permission_for_a_liveness_probe(http_status: int) -> None:
    text = 'virtualmachineinstance.kubevirt.io "db1" is forbidden: Pausing VMIs with LivenessProbe'
    error = error_of(http_status, palette_error("Any", f"{text} is currently not supported"))
    assert error.reason == "forbidden"
    assert error.message.endswith("is currently not supported")


def test_from_answer_tells_already_exists_from_conflict() -> None:
    assert error_of(409, palette_error("AlreadyExists", '"x" already exists')).reason == (
        "already_exists"
    )
    assert error_of(409, palette_error("Conflict", "the object has been modified")).reason == (
        "conflict"
    )


@pytest.mark.parametrize("http_status", [403, 404, 500])
@pytest.mark.parametrize(
    "body",
    [
        palette_error("ResourceNotFound", f"key {KEY} not found"),
        palette_error("ResourceNotFound", "not found", details={"key": KEY}),
        palette_error("ResourceNotFound", "The API key is not found"),
        palette_error("InvalidApiKey", "not found"),
    ],
)
def test_from_answer_never_takes_a_rejected_api_key_for_not_found(
    http_status: int, body: dict[str, Any]
) -> None:
    error = error_of(http_status, body)
    assert error.reason == "unauthorized"
    assert "check api_key" in error.message


CODES = {
    "ProjectNotFoundInTenant": ("project_not_found", "check project_uid"),
    "ResourceAccessDenied": ("forbidden", "check project or project_uid"),
    "ResOperationForbidden": ("forbidden", "check project or project_uid"),
    "ClusterFeatureTimeoutError": ("cluster_timeout", "check in Palette that it is running"),
}


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("http_status", [400, 403, 404, 409, 422, 500, 503])
@pytest.mark.parametrize(
    "message",
    [
        "",
        "Failed to get virtual machine 'db1': not found",
        "the project that the API key is for was not found",
        '"x" already exists',
    ],
)
def test_from_answer_lets_a_code_decide_before_the_text(
    code: str, http_status: int, message: str
) -> None:
    error = error_of(http_status, palette_error(code, message))
    reason, advice = CODES[code]
    assert error.reason == reason
    assert advice in error.message
    assert error.facts["code"] == code
    assert error.outcome_unknown is (reason == "cluster_timeout")


@pytest.mark.parametrize(
    ("http_status", "reason"), [(302, "redirected"), (401, "unauthorized"), (429, "rate_limited")]
)
def test_from_answer_lets_a_clear_status_decide_before_the_code(
    http_status: int, reason: str
) -> None:
    assert error_of(http_status, palette_error("ResourceAccessDenied", "no")).reason == reason


@pytest.mark.parametrize("code", [["ResourceAccessDenied"], {"a": 1}, None, 7, "Unknown"])
def test_from_answer_goes_by_the_text_where_it_does_not_know_the_code(code: Any) -> None:
    assert error_of(500, palette_error(code, "VM not found")).reason == "not_found"


def test_from_answer_advises_on_cluster_uid_only_where_the_cluster_is_not_found() -> None:
    missing = error_of(404, palette_error("ResourceNotFound", "Cluster not found"))
    assert "check cluster_uid and project" in missing.message
    other = error_of(500, palette_error("Any", "Failed to get virtual machine 'cluster-db'"))
    assert (other.reason, "check cluster_uid" in other.message) == ("not_found", False)


@pytest.mark.parametrize("name", ["rotate-apikey", "apikey-db", "my.apikey.vm", "apikeys"])
def test_from_answer_knows_an_api_key_from_a_name_like_it(name: str) -> None:
    missing_vm = palette_error("InternalServerError", f"Failed to get virtual machine '{name}'")
    assert error_of(500, missing_vm).reason == "not_found"
    assert error_of(404, palette_error("NotFound", f'"{name}" not found')).reason == "not_found"


@pytest.mark.parametrize(
    ("http_status", "message", "unknown"),
    [
        (500, "something else", True),
        (500, '"x" already exists', True),
        (502, "", True),
        (504, "", True),
        (500, "webhook denied the request: invalid kind", False),
        (500, 'x is forbidden: User "u"', False),
        (400, "bad", True),
        (403, "no", False),
        (409, "conflict", True),
        (429, "slower", False),
    ],
)
def test_from_answer_sets_outcome_unknown_unless_palette_refuses(
    http_status: int, message: str, unknown: bool
) -> None:
    assert error_of(http_status, palette_error("Code", message)).outcome_unknown is unknown


def test_from_answer_keeps_code_message_ref_and_details() -> None:
    error = error_of(
        404, palette_error("ResourceNotFound", "Cluster not found", ref="abc", details={"a": [1]})
    )
    assert error.result() == {
        "msg": "GET /v1/x: HTTP 404: Cluster not found (check cluster_uid and project; for a "
        "cluster in the tenant scope, set no project)",
        "reason": "not_found",
        "http_status": 404,
        "code": "ResourceNotFound",
        "message": "Cluster not found",
        "ref": "abc",
        "details": {"a": [1]},
    }


@pytest.mark.parametrize(
    ("body", "quoted"),
    [
        ("<html>\n <h1>Bad  Gateway</h1></html>", "Bad Gateway"),
        *((body, body) for body in ("[1, 2]", '"text"', "null", "{broken")),
    ],
)
def test_from_answer_quotes_an_answer_in_another_form(body: str, quoted: str) -> None:
    error = error_of(502, body)
    assert error.message.endswith(f"HTTP 502: {quoted}")
    assert error.facts == {"http_status": 502}


def test_from_answer_says_that_there_is_no_text() -> None:
    assert error_of(503, " \n").message == "GET /v1/x: HTTP 503: no text"


def test_from_answer_cuts_a_long_page() -> None:
    assert len(error_of(502, "x" * 100_000).message) < 600


def test_from_answer_quotes_json_that_is_nested_too_deeply() -> None:
    assert error_of(500, "[" * 100_000).reason == "server_error"


def test_from_answer_cuts_what_palette_says_but_judges_by_all_of_it() -> None:
    message = "x" * 100_000 + ' "x" already exists'
    error = error_of(500, palette_error("c" * 9_999, message, ref="r" * 9_999))
    assert error.reason == "already_exists"
    assert max(len(str(value)) for value in error.result().values()) < 2_100


def test_from_answer_bounds_details() -> None:
    deep = "[" * 500 + "]" * 500
    error = error_of(400, f'{{"message": "m", "details": {deep}}}')
    assert error.facts["details"] == "not shown: nested more than 10 deep"
    error = error_of(400, palette_error("c", "m", details=[{"x": "y" * 99}] * 1_000))
    assert len(error.facts["details"]) < 4_100


def test_from_answer_shows_nothing_that_steers_a_terminal() -> None:
    evil = "\x1b[2J\x9b\u202e\r\n"
    error = error_of(400, palette_error(evil, f"no {evil} more", details={evil: evil}, ref=evil))
    assert error.facts["message"] == "no [2J  more"
    assert all(text not in str(error.result()) for text in ("\x1b", "\x9b", "\u202e", "\r", "\n"))
    page = error_of(502, f"<html>{evil}</html>").message
    assert page.endswith(": [2J")


@pytest.mark.parametrize("between", ["\x00", "\u202e", "\x9b"])
def test_from_answer_masks_an_api_key_that_controls_hide(between: str) -> None:
    hidden = between.join(KEY)
    for body in (palette_error(hidden, hidden, details=[hidden], ref=hidden), f"<p>{hidden}"):
        assert KEY not in str(error_of(500, body).result())


@pytest.mark.parametrize("hidden", range(480, 501))
def test_from_answer_leaves_no_part_of_the_api_key_where_it_cuts(hidden: int) -> None:
    error = error_of(502, "x" * hidden + KEY)
    assert not any(KEY[:length] in error.message for length in range(3, len(KEY) + 1))


FORMS = {
    "plain": KEY,
    "URL": quote(KEY, safe=""),
    "Go's url.PathEscape": quote(KEY, safe="$&+=:@"),
    "URL in lower case": KEY.replace("/", "%2f").replace("+", "%2b").replace("=", "%3d"),
    "URL in a URL": quote(quote(KEY, safe=""), safe=""),
    "URL, every character": "".join(f"%{ord(character):02X}" for character in KEY),
    "JSON": json.dumps(KEY)[1:-1],
    "JSON with escaped slashes": KEY.replace("/", "\\/"),
    "JSON in JSON": KEY.replace("/", "\\\\/"),
    "JSON, every character": "".join(f"\\u{ord(character):04X}" for character in KEY),
    "HTML": KEY.replace("/", "&#x2F;").replace("+", "&#43;").replace("=", "&equals;"),
    "HTML in HTML": KEY.replace("/", "&amp;#047;").replace("+", "&amp;plus;"),
    "HTML, every character": "".join(f"&#{ord(character)};" for character in KEY),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_from_answer_masks_the_api_key_everywhere(form: str) -> None:
    error = error_of(
        500, palette_error(form, f"a {form} b", details={form: [form, {"x": form}]}, ref=form)
    )
    shown = json.dumps(error.result())
    assert form not in shown
    assert shown.count(MASK) >= 6


@pytest.mark.parametrize("http_status", [404, 500])
def test_from_answer_says_that_a_cluster_runs_no_vms(http_status: int) -> None:
    body = palette_error("", "the server could not find the requested resource")
    assert "KubeVirt is not installed" in error_of(http_status, body).message

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The client against a real HTTP server: what it sends, what it makes of answers, and paging."""

from __future__ import annotations

import os
import re
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from ansible_collections.spectrocloud.palette.plugins.module_utils._http import paging
from ansible_collections.spectrocloud.palette.plugins.module_utils._palette.client import (
    PaletteClient,
    api_path,
    connect,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._palette.settings import Settings
from unit.fakes import Answer, Clock, ScriptedServer
from unit.module_utils._palette.calls import KEY, VMS, client_of, error_of, reason_of

# What is sent


def test_call_sends_api_key_scope_query_and_body(
    server: ScriptedServer, client: PaletteClient
) -> None:
    server.script(Answer({"kind": "Thing"}))
    answer = client.call("POST", VMS, {"namespace": "x y"}, {"a": [1]}, scope="p1")
    assert answer == {"kind": "Thing"}
    (request,) = server.received
    assert (request.method, request.path) == ("POST", f"{VMS}?namespace=x+y")
    assert request.body == {"a": [1]}
    assert request.headers["apikey"] == KEY
    assert request.headers["projectuid"] == "p1"
    assert request.headers["accept"] == "application/json"
    assert request.headers["content-type"] == "application/json"


def test_call_without_scope_names_no_project(server: ScriptedServer, client: PaletteClient) -> None:
    client.call("GET", VMS)
    assert "projectuid" not in server.received[0].headers


def test_call_sends_put_and_delete(server: ScriptedServer, client: PaletteClient) -> None:
    assert client.call("PUT", VMS, body={}) == {}
    server.script(Answer(b"", 204))
    assert client.call("DELETE", VMS, {"namespace": "x"}) == {}
    assert client.call("PUT", f"{VMS}/db1/stop") == {}
    assert [(request.method, request.path) for request in server.received] == [
        ("PUT", VMS),
        ("DELETE", f"{VMS}?namespace=x"),
        ("PUT", f"{VMS}/db1/stop"),
    ]


@pytest.mark.parametrize(
    "answer", [Answer(b"<html>sign in</html>"), Answer(b""), Answer({}), Answer({}, 202)]
)
@pytest.mark.parametrize("method", ["DELETE", "PUT"])
def test_call_does_not_believe_what_is_not_answered_as_palette_does(
    server: ScriptedServer, client: PaletteClient, answer: Answer, method: str
) -> None:
    server.script(answer)
    error = error_of(client.call, method, VMS)
    assert error.reason == "malformed_response"
    assert error.outcome_unknown
    assert f"HTTP {answer.status}" in error.message


def test_calls_share_a_connection(server: ScriptedServer, client: PaletteClient) -> None:
    for _number in range(5):
        client.call("GET", VMS)
    assert server.connections == 1


def test_api_path_quotes_every_segment(server: ScriptedServer, client: PaletteClient) -> None:
    segments = ("spectroclusters", "a/../b", "c?d=e#f", "100%", "ünï", "a\r\nb", "a;b,c")
    client.call("GET", api_path(*segments))
    path = server.received[0].path
    assert path == (
        "/v1/spectroclusters/a%2F..%2Fb/c%3Fd%3De%23f/100%25/%C3%BCn%C3%AF/a%0D%0Ab/a%3Bb%2Cc"
    )


@pytest.mark.parametrize("segment", ["", ".", ".."])
def test_api_path_refuses_a_segment_that_would_change_the_path(segment: str) -> None:
    assert reason_of(api_path, "spectroclusters", segment, "vms") == "invalid_parameters"


def test_api_key_is_sent_and_no_netrc_is_read(
    server: ScriptedServer,
    client: PaletteClient,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password another-secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    client.call("GET", VMS)
    assert "authorization" not in server.received[0].headers
    assert server.received[0].headers["apikey"] == KEY


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"])
def test_call_to_this_machine_uses_no_proxy(
    server: ScriptedServer,
    client: PaletteClient,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
) -> None:
    with ScriptedServer.running() as proxy:
        monkeypatch.setenv(variable, proxy.url)
        client.call("GET", VMS)
        assert proxy.received == []
    assert len(server.received) == 1


def test_call_to_another_host_uses_the_proxy_of_the_environment(
    bare_environment: None, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ScriptedServer.running() as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        proxy.script(Answer(b"", 403))
        error = error_of(client_of("https://palette.invalid", retries=1).call, "GET", VMS)
        assert "check the proxy in HTTPS_PROXY" in error.message
        assert error.reason == "unreachable"
        assert {request.method for request in proxy.received} == {"CONNECT"}
        assert {request.path for request in proxy.received} == {"palette.invalid:443"}
        assert KEY not in str(proxy.received)


@pytest.mark.parametrize(
    "url",
    [
        "http://user:s3cret@proxy.invalid:99999",
        "http://user:s3cret@bad host:3128",
        "user:s3cret@",
        "://user:s3cret@proxy.invalid",
        "socks5://user:s3cret@127.0.0.1:1",
        "http://user:s3cret@127.0.0.1:1",
        "http://user:s3cret€@127.0.0.1:1",
    ],
)
def test_proxy_that_cannot_be_used_is_said_without_its_password(
    bare_environment: None, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", url)
    client = client_of("https://palette.invalid", retries=0)
    error = error_of(client.call, "POST", "/v1/x", body={})
    assert error.reason == "unreachable"
    assert "the proxy in HTTPS_PROXY" in error.message
    assert "s3cret" not in error.message
    assert "€" not in error.message
    assert "20ac" not in error.message
    assert "user" not in error.message
    assert not error.outcome_unknown


# What is answered


def test_call_refuses_redirects(server: ScriptedServer, client: PaletteClient) -> None:
    with ScriptedServer.running() as other:
        server.script(Answer(b"", 302, {"Location": f"{other.url}/v1/x"}))
        assert reason_of(client.call, "GET", VMS) == "redirected"
        assert reason_of(client.call, "POST", VMS, body={}) == "redirected"
        assert other.received == []
    assert len(server.received) == 2


@pytest.mark.parametrize(
    "location",
    [
        "http://\xff\xfe/",
        "http://[",
        "//:x",
        "\xff",
        "http://a" + ".b" * 9000,
        "http://user@:99999/",
    ],
)
def test_call_refuses_a_redirect_wherever_it_leads(
    server: ScriptedServer, client: PaletteClient, location: str
) -> None:
    server.script(Answer(b"", 302, {"Location": location}))
    assert reason_of(client.call, "GET", VMS) == "redirected"
    assert reason_of(client.call, "POST", VMS, body={}) == "redirected"


@pytest.mark.parametrize("status", [301, 302, 307, 399])
def test_call_refuses_a_redirect_without_reading_its_body(
    server: ScriptedServer, client: PaletteClient, status: int
) -> None:
    # A body that never ends: whoever reads it waits until the request times out.
    server.script(Answer({"a": "b" * 99}, status, {"Location": "/x"}, sent=9, stalled=True))
    assert reason_of(client.call, "GET", VMS) == "redirected"
    assert len(server.received) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"<html><body>Sign in</body></html>",
        b"",
        b"null",
        b"[]",
        b'"text"',
        b'{"broken": ',
        b"\xff\xfe\x00",
        b'{"half a character": "\xed\xa0\x80"}',
        '{"half a character": "\ud800"}'.encode("utf-16", "surrogatepass"),
        b"[" * 100_000,
    ],
)
def test_call_cannot_read_an_answer_that_is_no_json_object(
    server: ScriptedServer, client: PaletteClient, body: bytes
) -> None:
    server.script(Answer(body, headers={"Content-Type": "text/html"}))
    error = error_of(client.call, "GET", VMS)
    assert "text/html" in error.message
    assert error.reason == "malformed_response"
    assert not error.outcome_unknown
    assert error_of(client.call, "POST", VMS, body={}).outcome_unknown
    assert len(server.received) == 2


def test_call_replaces_half_a_character_which_ansible_could_not_pass_on(
    server: ScriptedServer, client: PaletteClient
) -> None:
    server.script(Answer(rb'{"a": "x\ud800y", "b": "\uD83D\uDE00", "c": "\\ud800"}'))
    assert client.call("GET", VMS) == {"a": "x?y", "b": "\U0001f600", "c": "\\ud800"}


def test_call_reads_an_answer_with_a_byte_order_mark(
    server: ScriptedServer, client: PaletteClient
) -> None:
    server.script(Answer('{"a": "\ud000"}'.encode("utf-8-sig")))
    assert client.call("GET", VMS) == {"a": "\ud000"}


def test_call_shows_a_content_type_that_steers_no_terminal(
    server: ScriptedServer, client: PaletteClient
) -> None:
    server.script(Answer(b"[]", headers={"Content-Type": "\x1b[2J\x9b" + "x" * 999}))
    message = error_of(client.call, "GET", VMS).message
    assert "([2Jxxx" in message
    assert "x …)" in message


def test_api_key_repeated_by_an_error_is_not_shown(
    server: ScriptedServer, client: PaletteClient
) -> None:
    echo = {"code": "ResourceNotFound", "message": f"key {KEY}", "details": {KEY: [KEY]}}
    server.script(Answer(echo, 404))
    # error_of looks for the key in the error.
    assert error_of(client.call, "GET", VMS).reason == "unauthorized"


def test_call_to_a_port_that_nobody_listens_at_is_unreachable(
    closed_port: int, bare_environment: None, clock: Clock
) -> None:
    client = client_of(f"http://127.0.0.1:{closed_port}")
    error = error_of(client.call, "GET", VMS)
    assert error.reason == "unreachable"
    assert error.message == (
        f"GET http://127.0.0.1:{closed_port}{VMS}: Failed to establish a new connection: "
        "Connection refused; check host, and that this machine can reach it"
    )
    assert len(clock.slept) == 3


def test_timeout_names_the_server_and_the_limit(server: ScriptedServer, clock: Clock) -> None:
    server.script(Answer(stalled=True))
    error = error_of(client_of(server.url, request_timeout=0.1, retries=0).call, "GET", VMS)
    assert error.reason == "timeout"
    assert error.message == f"GET {server.url}{VMS}: no answer within 0.1 s (request_timeout)"


@pytest.mark.parametrize("status", [401, 403, 500])
def test_errors_of_the_server_name_it(server: ScriptedServer, clock: Clock, status: int) -> None:
    server.script(Answer({"code": "No", "message": "no"}, status))
    error = error_of(client_of(server.url, retries=0).call, "POST", VMS, body={})
    assert f"POST {server.url}{VMS}" in error.message


@pytest.mark.parametrize("host", ["a..b", "x" * 64 + ".invalid", "*.invalid"])
def test_call_to_a_host_that_cannot_exist_is_unreachable(
    bare_environment: None, clock: Clock, host: str
) -> None:
    error = error_of(client_of(f"https://{host}", retries=0).call, "POST", VMS, body={})
    assert error.reason == "unreachable"
    assert not error.outcome_unknown
    assert "check host" in error.message
    assert not re.search(r"\[Errno|Connection\(|object at|Error", error.message)


# What the clock says


@pytest.mark.parametrize("hours", [0, 9 * 24, -9 * 24])
def test_clock_skew_is_palettes_clock_less_this_one(
    server: ScriptedServer, client: PaletteClient, hours: int
) -> None:
    skew = timedelta(hours=hours)
    server.script(Answer(headers={"Date": format_datetime(now() + skew, usegmt=True)}))
    client.call("GET", VMS)
    assert client.clock_skew is not None
    assert abs(client.clock_skew - skew) < timedelta(minutes=1)


@pytest.mark.parametrize("status", [401, 404])
def test_clock_skew_is_known_of_refusals_too(
    server: ScriptedServer, client: PaletteClient, status: int
) -> None:
    served_at = format_datetime(now() + timedelta(hours=1), usegmt=True)
    server.script(Answer({}, status, {"Date": served_at}))
    error_of(client.call, "GET", VMS)
    assert client.clock_skew is not None
    assert client.clock_skew > timedelta(minutes=59)


@pytest.mark.parametrize(
    "date",
    [
        None,
        "",
        "yesterday",
        "Mon, 99 Nov 2026 12:00:00 GMT",
        "Mon, 01 Jan 99999999999 00:00:00 GMT",
        "Mon, 01 Jan 2026 00:00:00 +99999999999999999",
        "Fri, 31 Dec 9999 23:59:59 -2300",
    ],
)
def test_clock_skew_is_not_known_without_a_date_that_can_be_read(
    server: ScriptedServer, client: PaletteClient, date: str | None
) -> None:
    server.script(Answer(headers={} if date is None else {"Date": date}))
    assert client.call("GET", VMS) == {}
    assert client.clock_skew is None


def now() -> datetime:
    """Return the time."""
    return datetime.now(timezone.utc)


# Paging


def page(*names: str, token: str | None = None, meta: str = "metadata") -> Answer:
    """Return a page of a list."""
    return Answer({"items": [{"name": name} for name in names], meta: {"continue": token}})


def queries_of(server: ScriptedServer) -> list[dict[str, list[str]]]:
    """Return the queries of all requests."""
    return [parse_qs(urlsplit(request.path).query) for request in server.received]


def name_of(item: dict[str, Any]) -> str:
    """Return an item's name."""
    return str(item["name"])


def test_items_reads_a_list_to_its_last_page(server: ScriptedServer, client: PaletteClient) -> None:
    server.script(page("a", "b", token="t/1 +&"), page(token="t2"), page("c"))
    assert client.items(VMS, name_of, {"namespace": "x"}, scope="p1") == ["a", "b", "c"]
    assert queries_of(server) == [
        {"namespace": ["x"], "limit": ["50"]},
        {"namespace": ["x"], "limit": ["50"], "continue": ["t/1 +&"]},
        {"namespace": ["x"], "limit": ["50"], "continue": ["t2"]},
    ]
    assert {request.headers["projectuid"] for request in server.received} == {"p1"}


def test_search_clusters_reads_all_pages(server: ScriptedServer, client: PaletteClient) -> None:
    server.script(page("a", token="t1", meta="listmeta"), page("b", token="", meta="listmeta"))
    assert client.search_clusters({"filter": 1}, "p1") == [{"name": "a"}, {"name": "b"}]
    assert [request.body for request in server.received] == [{"filter": 1}] * 2
    assert [query.get("continue") for query in queries_of(server)] == [None, ["t1"]]


@pytest.mark.parametrize("answer", [{"items": None}, {"items": [], "metadata": None}])
def test_items_of_an_empty_list(
    server: ScriptedServer, client: PaletteClient, answer: dict[str, Any]
) -> None:
    server.script(Answer(answer))
    assert client.items(VMS, name_of) == []


@pytest.mark.parametrize("items", [{"a": 1}, "text", 7])
def test_items_that_are_no_list_are_malformed(
    server: ScriptedServer, client: PaletteClient, items: Any
) -> None:
    server.script(Answer({"items": items}))
    assert reason_of(client.items, VMS, name_of) == "malformed_response"


@pytest.mark.parametrize("item", [1, None, []])
def test_items_that_are_no_objects_spoil_no_list(
    server: ScriptedServer, client: PaletteClient, item: Any
) -> None:
    server.script(Answer({"items": [item, {}]}))
    assert client.items(VMS, lambda found: found) == [item, {}]
    assert reason_of(client.search_clusters, {}) == "malformed_response"


def test_items_that_are_not_there_are_malformed(
    server: ScriptedServer, client: PaletteClient
) -> None:
    server.script(Answer({"code": "Whoops", "message": "upstream error"}))
    assert reason_of(client.items, VMS, name_of) == "malformed_response"


@pytest.mark.parametrize("meta", ["metadata", "listmeta"])
@pytest.mark.parametrize("tokens", [["t"], ["t", "u", "v"]])
def test_items_and_search_clusters_end_where_pages_go_in_a_circle(
    server: ScriptedServer, client: PaletteClient, meta: str, tokens: list[str]
) -> None:
    server.script(*[page("a", token=token, meta=meta) for token in tokens * 3])
    if meta == "metadata":
        assert reason_of(client.items, VMS, name_of) == "malformed_response"
    else:
        assert reason_of(client.search_clusters, {}) == "malformed_response"
    assert len(server.received) == len(tokens) + 1


def test_items_end_where_pages_never_do(
    server: ScriptedServer, client: PaletteClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paging, "_MOST_PAGES", 20)
    server.script(*[page("a", token=f"t{number}") for number in range(100)])
    assert reason_of(client.items, VMS, name_of) == "malformed_response"
    assert len(server.received) <= 22


EXPIRED = Answer({"message": "The provided continue parameter is too old"}, 500)


@pytest.mark.parametrize("expired", [EXPIRED, Answer({"message": "Expired"}, 410)])
def test_items_start_again_when_a_page_token_expired(
    server: ScriptedServer, client: PaletteClient, expired: Answer
) -> None:
    server.script(page("a", token="t1"), expired, page("b", token="t2"), page("c"))
    assert client.items(VMS, name_of) == ["b", "c"]


def test_items_whose_page_tokens_always_expire_are_unavailable(
    server: ScriptedServer, client: PaletteClient
) -> None:
    server.script(*[page("a", token="t1"), EXPIRED] * 20)
    assert reason_of(client.items, VMS, name_of) == "unavailable"
    assert len(server.received) == 6


def test_items_raise_another_error_of_a_page(server: ScriptedServer, client: PaletteClient) -> None:
    server.script(page("a", token="t1"), Answer({"message": "no"}, 403))
    assert reason_of(client.items, VMS, name_of) == "forbidden"


@pytest.mark.parametrize(
    "text",
    [
        "Failed to get virtual machine snapshots: context deadline exceeded",
        "Failed to list virtual machines: endpoints of the webhook not found",
    ],
)
def test_items_that_palette_fails_to_list_are_asked_for_again(
    server: ScriptedServer, client: PaletteClient, text: str
) -> None:
    failed = Answer({"code": "InternalServerError", "message": text}, 500)
    server.script(failed, page("a"))
    assert client.items(VMS, name_of) == ["a"]
    server.script(*[failed] * 9)
    assert reason_of(client.items, VMS, name_of) == "server_error"


@pytest.mark.parametrize("text", ["Cluster not found", "project 'p1' was not found"])
def test_items_of_what_is_not_there_are_not_asked_for_again(
    server: ScriptedServer, client: PaletteClient, text: str
) -> None:
    server.script(Answer({"code": "InternalServerError", "message": text}, 500))
    assert reason_of(client.items, VMS, name_of) == "not_found"
    assert len(server.received) == 1


def test_items_of_a_cluster_that_timed_out_are_asked_for_again(
    server: ScriptedServer, client: PaletteClient
) -> None:
    timed_out = Answer({"code": "ClusterFeatureTimeoutError", "message": "no answer"}, 500)
    server.script(timed_out, page("a"))
    assert client.items(VMS, name_of) == ["a"]


# One client for a process


def test_connect_shares_a_client_between_the_same_settings() -> None:
    settings = Settings("https://palette.invalid", KEY)
    assert connect(settings) is connect(Settings("https://palette.invalid", KEY))
    assert connect(settings) is not connect(settings._replace(api_key="another"))


def test_connect_makes_a_client_for_a_forked_process(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings("https://palette.invalid", KEY)
    of_parent = connect(settings)
    monkeypatch.setattr(os, "getpid", lambda: -1)
    assert connect(settings) is not of_parent


def test_client_knows_its_retries() -> None:
    assert client_of("https://palette.invalid", retries=7).retries == 7

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The client against a real HTTP server that answers as hostile as it likes."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from ansible_collections.spectrocloud.palette.plugins.module_utils._palette import client as module
from ansible_collections.spectrocloud.palette.plugins.module_utils._palette import transport
from ansible_collections.spectrocloud.palette.plugins.module_utils._palette.client import (
    PaletteClient,
    api_path,
    connect,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._palette.errors import (
    PaletteError,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._palette.retry import give_up_at
from ansible_collections.spectrocloud.palette.plugins.module_utils._palette.settings import Settings
from unit.fakes import Answer, Clock, ScriptedServer

KEY = "c2VjcmV0-a2V5"
HERE = "/v1/spectroclusters/c1/vms"
TOO_MANY = Answer({"code": "TooManyRequests", "message": "slower"}, 429)
UNAVAILABLE = Answer(b"<html>Bad Gateway</html>", 502, {"Content-Type": "text/html"})


def client_of(url: str, **options: Any) -> PaletteClient:
    """Return a client of its own for a server."""
    return PaletteClient(Settings(url, KEY, **{"rate_limit": 0, "retries": 3, **options}))


@pytest.fixture
def client(server: ScriptedServer, clock: Clock) -> PaletteClient:
    """A client of the scripted server that loses no time between two attempts."""
    return client_of(server.url)


@pytest.fixture
def deaf_port() -> Iterator[int]:
    """A port that nobody listens at."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


def reason_of(call: Any, *args: Any, **kwargs: Any) -> str:
    """Return the reason of the PaletteError that a call raises."""
    with pytest.raises(PaletteError) as caught:
        call(*args, **kwargs)
    assert KEY not in str(caught.value.result())
    return caught.value.reason


# What is sent


def test_a_request_carries_key_scope_query_and_body(
    server: ScriptedServer, client: PaletteClient
) -> None:
    server.script(Answer({"kind": "Thing"}))
    assert client.post(HERE, {"a": [1]}, {"namespace": "x y"}, scope="p1") == {"kind": "Thing"}
    (request,) = server.received
    assert (request.method, request.path) == ("POST", f"{HERE}?namespace=x+y")
    assert request.body == {"a": [1]}
    assert request.headers["apikey"] == KEY
    assert request.headers["projectuid"] == "p1"
    assert request.headers["accept"] == "application/json"
    assert request.headers["content-type"] == "application/json"


def test_without_scope_no_project_is_named(server: ScriptedServer, client: PaletteClient) -> None:
    client.get(HERE)
    assert "projectuid" not in server.received[0].headers


def test_put_and_delete_are_sent_as_such(server: ScriptedServer, client: PaletteClient) -> None:
    assert client.put(HERE, {}) == {}
    server.script(Answer(b"", 204))
    client.delete(HERE, {"namespace": "x"})
    assert [(request.method, request.path) for request in server.received] == [
        ("PUT", HERE),
        ("DELETE", f"{HERE}?namespace=x"),
    ]


def test_connections_are_kept(server: ScriptedServer, client: PaletteClient) -> None:
    for _number in range(5):
        client.get(HERE)
    assert server.connections == 1


def test_every_path_segment_is_quoted(server: ScriptedServer, client: PaletteClient) -> None:
    segments = ("spectroclusters", "a/../b", "c?d=e#f", "100%", "ünï", "a\r\nb", "a;b,c")
    client.get(api_path(*segments))
    path = server.received[0].path
    assert path == (
        "/v1/spectroclusters/a%2F..%2Fb/c%3Fd%3De%23f/100%25/%C3%BCn%C3%AF/a%0D%0Ab/a%3Bb%2Cc"
    )


@pytest.mark.parametrize("segment", ["", ".", ".."])
def test_a_segment_that_would_change_the_path_is_refused(segment: str) -> None:
    assert reason_of(api_path, "spectroclusters", segment, "vms") == "invalid_parameters"


def test_a_netrc_is_not_read(
    server: ScriptedServer,
    client: PaletteClient,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password another-secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    client.get(HERE)
    assert "authorization" not in server.received[0].headers
    assert server.received[0].headers["apikey"] == KEY


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"])
def test_a_request_to_this_machine_passes_no_proxy(
    server: ScriptedServer,
    client: PaletteClient,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
) -> None:
    with ScriptedServer.running() as proxy:
        monkeypatch.setenv(variable, proxy.url)
        client.get(HERE)
        assert proxy.received == []
    assert len(server.received) == 1


def test_other_requests_use_the_environments_proxy(
    bare_environment: None, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ScriptedServer.running() as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        proxy.script(Answer(b"", 403))
        with pytest.raises(PaletteError, match="proxy that the environment names") as caught:
            client_of("https://palette.invalid", retries=1).get(HERE)
        assert caught.value.reason == "unreachable"
        assert {request.method for request in proxy.received} == {"CONNECT"}
        assert {request.path for request in proxy.received} == {"palette.invalid:443"}
        assert KEY not in str(proxy.received)


# What is answered


def test_redirects_are_refused(server: ScriptedServer, client: PaletteClient) -> None:
    with ScriptedServer.running() as elsewhere:
        server.script(Answer(b"", 302, {"Location": f"{elsewhere.url}/v1/x"}))
        assert reason_of(client.get, HERE) == "redirected"
        assert reason_of(client.post, HERE, {}) == "redirected"
        assert elsewhere.received == []
    assert len(server.received) == 2


def test_a_redirect_to_nonsense_is_malformed(server: ScriptedServer, client: PaletteClient) -> None:
    server.script(Answer(b"", 302, {"Location": "http://\xff\xfe/"}))
    with pytest.raises(PaletteError) as caught:
        client.post(HERE, {})
    assert caught.value.reason == "malformed_response"
    assert caught.value.outcome_unknown


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
        b"[" * 100_000,
    ],
)
def test_an_answer_that_is_no_json_object_is_malformed(
    server: ScriptedServer, client: PaletteClient, body: bytes
) -> None:
    server.script(Answer(body, headers={"Content-Type": "text/html"}))
    with pytest.raises(PaletteError, match="text/html") as caught:
        client.get(HERE)
    assert caught.value.reason == "malformed_response"
    assert not caught.value.outcome_unknown
    with pytest.raises(PaletteError) as caught:
        client.post(HERE, {})
    assert caught.value.outcome_unknown
    assert len(server.received) == 2


def test_an_error_that_echoes_the_key_does_not_show_it(
    server: ScriptedServer, client: PaletteClient
) -> None:
    echo = {"code": "ResourceNotFound", "message": f"key {KEY}", "details": {KEY: [KEY]}}
    server.script(Answer(echo, 404))
    assert reason_of(client.get, HERE) == "unauthorized"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422, 500])
def test_an_error_is_not_asked_for_twice(
    server: ScriptedServer, client: PaletteClient, status: int
) -> None:
    server.script(Answer({"message": "no"}, status))
    reason_of(client.get, HERE)
    assert len(server.received) == 1


# Reads are repeated


@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_read_is_repeated_while_palette_is_unavailable(
    server: ScriptedServer, client: PaletteClient, clock: Clock, status: int
) -> None:
    failing = UNAVAILABLE._replace(status=status)
    server.script(failing, failing, failing, Answer({"a": 1}))
    assert client.get(HERE) == {"a": 1}
    assert len(server.received) == 4
    assert len(clock.slept) == 3
    assert clock.slept[0] < clock.slept[2]


def test_repeating_ends(server: ScriptedServer, client: PaletteClient) -> None:
    server.script(UNAVAILABLE)
    assert reason_of(client.get, HERE) == "unavailable"
    assert len(server.received) == 4


def test_no_retries_means_none(server: ScriptedServer, clock: Clock) -> None:
    for answer in (UNAVAILABLE, TOO_MANY, Answer(silent=True), Answer({"a": 1}, sent=3)):
        server.received.clear()
        server.script(answer)
        reason_of(client_of(server.url, retries=0).get, HERE)
        assert len(server.received) == 1
    assert clock.slept == []


@pytest.mark.parametrize("cut", [Answer(silent=True), Answer({"a": "b" * 99}, sent=9)])
def test_a_read_is_repeated_when_its_answer_is_cut(
    server: ScriptedServer, client: PaletteClient, cut: Answer
) -> None:
    server.script(cut, cut, Answer({"a": 1}))
    assert client.get(HERE) == {"a": 1}
    assert len(server.received) == 3


def test_an_answer_that_is_always_cut_is_an_error(
    server: ScriptedServer, client: PaletteClient
) -> None:
    server.script(Answer({"a": "b" * 99}, sent=9))
    assert reason_of(client.get, HERE) == "unreachable"
    assert len(server.received) == 4


def test_a_body_in_a_broken_encoding_is_repeated_and_told(
    server: ScriptedServer, client: PaletteClient
) -> None:
    server.script(Answer(b"not gzip at all", headers={"Content-Encoding": "gzip"}))
    reason_of(client.get, HERE)
    assert len(server.received) == 4


def test_a_port_that_nobody_listens_at_is_unreachable(
    deaf_port: int, bare_environment: None, clock: Clock
) -> None:
    client = client_of(f"http://127.0.0.1:{deaf_port}")
    assert reason_of(client.get, HERE) == "unreachable"
    assert len(clock.slept) == 3


def test_a_write_that_was_never_sent_is_repeated_and_its_outcome_known(
    deaf_port: int, bare_environment: None, clock: Clock
) -> None:
    with pytest.raises(PaletteError) as caught:
        client_of(f"http://127.0.0.1:{deaf_port}").post(HERE, {})
    assert caught.value.reason == "unreachable"
    assert not caught.value.outcome_unknown
    assert len(clock.slept) == 3


def test_a_server_that_says_nothing_times_out(server: ScriptedServer, clock: Clock) -> None:
    server.script(Answer(stalled=True))
    client = client_of(server.url, request_timeout=0.05, retries=1)
    with pytest.raises(PaletteError, match="request_timeout") as caught:
        client.get(HERE)
    assert (caught.value.reason, caught.value.outcome_unknown) == ("timeout", False)
    assert len(server.received) == 2
    with pytest.raises(PaletteError) as caught:
        client.post(HERE, {})
    assert (caught.value.reason, caught.value.outcome_unknown) == ("timeout", True)
    assert len(server.received) == 3


def test_a_read_is_repeated_when_its_answer_stalls(server: ScriptedServer, clock: Clock) -> None:
    client = client_of(server.url, request_timeout=0.05, retries=1)
    stalled = Answer({"a": "b" * 99}, sent=9, stalled=True)
    server.script(stalled, Answer({"a": 1}))
    assert client.get(HERE) == {"a": 1}
    server.script(stalled)
    assert reason_of(client.get, HERE) == "timeout"
    assert len(server.received) == 4


def test_an_answer_that_drips_is_not_waited_for_without_end(
    server: ScriptedServer, clock: Clock
) -> None:
    client = client_of(server.url, request_timeout=0.2, retries=1)
    server.script(Answer({"a": "b" * 99}, dripping=0.01))
    assert reason_of(client.get, HERE) == "timeout"
    with pytest.raises(PaletteError) as caught:
        client.post(HERE, {})
    assert (caught.value.reason, caught.value.outcome_unknown) == ("timeout", True)
    assert len(server.received) == 3


def test_an_answer_without_end_is_malformed(
    server: ScriptedServer, client: PaletteClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.script(Answer({"a": "b" * 99}))
    assert client.get(HERE) == {"a": "b" * 99}
    monkeypatch.setattr(transport, "_LARGEST_ANSWER", 99)
    assert reason_of(client.get, HERE) == "malformed_response"
    with pytest.raises(PaletteError) as caught:
        client.post(HERE, {})
    assert caught.value.outcome_unknown
    assert len(server.received) == 3


@pytest.mark.parametrize("host", ["a..b", "x" * 64 + ".invalid", "*.invalid"])
def test_a_host_that_cannot_be_one_is_unreachable(
    bare_environment: None, clock: Clock, host: str
) -> None:
    with pytest.raises(PaletteError) as caught:
        client_of(f"https://{host}", retries=0).post(HERE, {})
    assert caught.value.reason == "unreachable"
    assert not caught.value.outcome_unknown


# Writes are not


@pytest.mark.parametrize("method", ["post", "put"])
@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (UNAVAILABLE, "unavailable"),
        (Answer({"message": "oops"}, 500), "server_error"),
        (Answer(silent=True), "unreachable"),
        (Answer({"a": "b" * 99}, sent=9), "unreachable"),
    ],
)
def test_a_write_is_not_repeated_blindly(
    server: ScriptedServer, client: PaletteClient, method: str, answer: Answer, reason: str
) -> None:
    server.script(answer)
    with pytest.raises(PaletteError) as caught:
        getattr(client, method)(HERE, {})
    assert caught.value.reason == reason
    assert caught.value.outcome_unknown
    assert len(server.received) == 1


def test_a_lost_delete_is_not_repeated_either(
    server: ScriptedServer, client: PaletteClient
) -> None:
    server.script(Answer(silent=True))
    with pytest.raises(PaletteError) as caught:
        client.delete(HERE)
    assert caught.value.outcome_unknown
    assert len(server.received) == 1


def test_the_search_only_reads_and_is_repeated(
    server: ScriptedServer, client: PaletteClient
) -> None:
    server.script(UNAVAILABLE, Answer(silent=True), Answer({"items": [{"a": 1}]}))
    assert client.search_clusters({}) == [{"a": 1}]
    assert len(server.received) == 3


# 429


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_a_refusal_for_too_many_requests_is_repeated_for_every_method(
    server: ScriptedServer, client: PaletteClient, method: str
) -> None:
    server.script(TOO_MANY, TOO_MANY, Answer({}))
    if method == "GET":
        client.get(HERE)
    elif method == "POST":
        client.post(HERE, {"a": 1})
    else:
        client.delete(HERE)
    assert [request.method for request in server.received] == [method] * 3
    assert len({str(request.body) for request in server.received}) == 1


def test_a_storm_of_refusals_does_not_use_up_the_attempts(
    server: ScriptedServer, client: PaletteClient, clock: Clock
) -> None:
    server.script(*[TOO_MANY] * 30, Answer({"a": 1}))
    assert client.post(HERE, {}) == {"a": 1}
    assert len(server.received) == 31
    assert max(clock.slept) <= 5


def test_patience_with_refusals_ends(
    server: ScriptedServer, client: PaletteClient, clock: Clock
) -> None:
    server.script(TOO_MANY)
    with pytest.raises(PaletteError) as caught:
        client.post(HERE, {})
    assert caught.value.reason == "rate_limited"
    assert not caught.value.outcome_unknown
    assert 300 <= clock.now - 1000 <= 310


def refused_once(server: ScriptedServer, client: PaletteClient, retry_after: str) -> None:
    """Let the next request be refused once."""
    server.script(TOO_MANY._replace(headers={"Retry-After": retry_after}), Answer({"a": 1}))
    assert client.get(HERE) == {"a": 1}


def test_retry_after_in_seconds_is_waited_for(
    server: ScriptedServer, client: PaletteClient, clock: Clock
) -> None:
    refused_once(server, client, "7")
    assert clock.slept == [7]


def test_retry_after_as_a_date_is_waited_for(
    server: ScriptedServer, client: PaletteClient, clock: Clock
) -> None:
    refused_once(server, client, formatdate(time.time() + 40, usegmt=True))
    (slept,) = clock.slept
    assert 30 < slept <= 40


@pytest.mark.parametrize(
    "retry_after",
    [
        "0",
        "-5",
        "soon",
        "",
        "1.5",
        "1e3",
        "٣",
        "NaN",
        "Wed, 21 Oct 2015 07:28:00 GMT",
        "Wed, 99 Oct 2015 99:99:99 GMT",
        "Mon, 01 Jan 99999 00:00:00 GMT",
        "9" * 5000,
    ],
)
def test_a_senseless_retry_after_does_no_harm(
    server: ScriptedServer, client: PaletteClient, clock: Clock, retry_after: str
) -> None:
    refused_once(server, client, retry_after)
    (slept,) = clock.slept
    assert 0 < slept <= 60


def test_a_huge_retry_after_is_waited_for_a_minute_at_a_time(
    server: ScriptedServer, client: PaletteClient, clock: Clock
) -> None:
    refused_once(server, client, "86400")
    assert clock.slept == [60]


def test_retry_after_of_an_unavailable_server_is_waited_for(
    server: ScriptedServer, client: PaletteClient, clock: Clock
) -> None:
    server.script(UNAVAILABLE._replace(status=503, headers={"Retry-After": "9"}), Answer({}))
    client.get(HERE)
    assert clock.slept == [9]


# The deadline


def test_nothing_is_repeated_past_the_deadline(server: ScriptedServer, clock: Clock) -> None:
    server.script(UNAVAILABLE)
    with give_up_at(clock.now + 10):
        assert reason_of(client_of(server.url, retries=1000).get, HERE) == "unavailable"
    assert clock.now - 1000 <= 10 + 1e-6
    assert len(server.received) < 15


@pytest.mark.parametrize("answer", [Answer(silent=True), Answer({"a": "b" * 99}, sent=9)])
def test_a_cut_answer_is_not_repeated_past_the_deadline(
    server: ScriptedServer, client: PaletteClient, clock: Clock, answer: Answer
) -> None:
    server.script(answer)
    with give_up_at(clock.now):
        assert reason_of(client.get, HERE) == "unreachable"
    assert len(server.received) == 1
    assert sum(clock.slept) == 0


def test_a_refusal_longer_than_the_deadline_ends_at_once(
    server: ScriptedServer, client: PaletteClient, clock: Clock
) -> None:
    server.script(TOO_MANY._replace(headers={"Retry-After": "50"}))
    with give_up_at(clock.now + 10):
        assert reason_of(client.get, HERE) == "rate_limited"
    assert clock.slept == []


def test_the_deadline_bounds_the_request_timeout(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_SHORTEST_TIMEOUT", 0.05)
    server.script(Answer(stalled=True))
    client = client_of(server.url, request_timeout=3600, retries=0)
    with give_up_at(0):
        assert reason_of(client.get, HERE) == "timeout"


# Paging


def page(*names: str, token: str | None = None, meta: str = "metadata") -> Answer:
    """Return a page of a list."""
    return Answer({"items": [{"name": name} for name in names], meta: {"continue": token}})


def queries_of(server: ScriptedServer) -> list[dict[str, list[str]]]:
    """Return the queries of all requests."""
    return [parse_qs(urlsplit(request.path).query) for request in server.received]


def names(item: dict[str, Any]) -> str:
    """Return an item's name."""
    return str(item["name"])


def test_a_list_is_read_to_its_last_page(server: ScriptedServer, client: PaletteClient) -> None:
    server.script(page("a", "b", token="t/1 +&"), page(token="t2"), page("c"))
    assert client.items(HERE, names, {"namespace": "x"}, scope="p1") == ["a", "b", "c"]
    assert queries_of(server) == [
        {"namespace": ["x"], "limit": ["50"]},
        {"namespace": ["x"], "limit": ["50"], "continue": ["t/1 +&"]},
        {"namespace": ["x"], "limit": ["50"], "continue": ["t2"]},
    ]
    assert {request.headers["projectuid"] for request in server.received} == {"p1"}


def test_a_search_is_read_to_its_last_page(server: ScriptedServer, client: PaletteClient) -> None:
    server.script(page("a", token="t1", meta="listmeta"), page("b", token="", meta="listmeta"))
    assert client.search_clusters({"filter": 1}, "p1") == [{"name": "a"}, {"name": "b"}]
    assert [request.body for request in server.received] == [{"filter": 1}] * 2
    assert [query.get("continue") for query in queries_of(server)] == [None, ["t1"]]


@pytest.mark.parametrize("answer", [{"items": None}, {"items": [], "metadata": None}])
def test_an_empty_list_comes_in_many_forms(
    server: ScriptedServer, client: PaletteClient, answer: dict[str, Any]
) -> None:
    server.script(Answer(answer))
    assert client.items(HERE, names) == []


@pytest.mark.parametrize("items", [{"a": 1}, "text", 7, [1], [None], [[]]])
def test_a_list_of_something_else_is_malformed(
    server: ScriptedServer, client: PaletteClient, items: Any
) -> None:
    server.script(Answer({"items": items}))
    assert reason_of(client.items, HERE, names) == "malformed_response"


def test_an_answer_that_is_no_list_is_malformed(
    server: ScriptedServer, client: PaletteClient
) -> None:
    server.script(Answer({"code": "Whoops", "message": "upstream error"}))
    assert reason_of(client.items, HERE, names) == "malformed_response"


@pytest.mark.parametrize("meta", ["metadata", "listmeta"])
@pytest.mark.parametrize("tokens", [["t"], ["t", "u", "v"]])
def test_pages_that_go_round_in_a_circle_are_malformed(
    server: ScriptedServer, client: PaletteClient, meta: str, tokens: list[str]
) -> None:
    server.script(*[page("a", token=token, meta=meta) for token in tokens * 3])
    if meta == "metadata":
        assert reason_of(client.items, HERE, names) == "malformed_response"
    else:
        assert reason_of(client.search_clusters, {}) == "malformed_response"
    assert len(server.received) == len(tokens) + 1


def test_a_list_without_end_is_malformed(
    server: ScriptedServer, client: PaletteClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MOST_PAGES", 20)
    server.script(*[page("a", token=f"t{number}") for number in range(100)])
    assert reason_of(client.items, HERE, names) == "malformed_response"
    assert len(server.received) <= 22


EXPIRED = Answer({"message": "The provided continue parameter is too old"}, 500)


@pytest.mark.parametrize("expired", [EXPIRED, Answer({"message": "Expired"}, 410)])
def test_a_list_whose_token_expired_is_read_anew(
    server: ScriptedServer, client: PaletteClient, expired: Answer
) -> None:
    server.script(page("a", token="t1"), expired, page("b", token="t2"), page("c"))
    assert client.items(HERE, names) == ["b", "c"]


def test_a_list_whose_tokens_always_expire_is_given_up(
    server: ScriptedServer, client: PaletteClient
) -> None:
    server.script(*[page("a", token="t1"), EXPIRED] * 20)
    assert reason_of(client.items, HERE, names) == "unavailable"
    assert len(server.received) == 6


def test_another_error_on_the_way_is_told(server: ScriptedServer, client: PaletteClient) -> None:
    server.script(page("a", token="t1"), Answer({"message": "no"}, 403))
    assert reason_of(client.items, HERE, names) == "forbidden"


# One client for a process


def test_the_same_settings_share_a_client() -> None:
    settings = Settings("https://palette.invalid", KEY)
    assert connect(settings) is connect(Settings("https://palette.invalid", KEY))
    assert connect(settings) is not connect(settings._replace(api_key="another"))


def test_a_forked_process_has_a_client_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings("https://palette.invalid", KEY)
    parents = connect(settings)
    monkeypatch.setattr(os, "getpid", lambda: -1)
    assert connect(settings) is not parents


def test_a_client_tells_what_it_was_given() -> None:
    client = client_of("https://palette.invalid", retries=7)
    assert client.retries == 7

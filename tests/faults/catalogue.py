# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The faults, as data: what a client gets instead of Palette's answer.

Their fields: ``sends`` makes what is sent, of the request and of the true answer, and ``end`` says
what becomes of the connection. ``honest``: the true answer arrives, in an unusual way. ``on``:
which requests it can strike (any, write, read, poll). ``times``: how many in a row, if not one.
``late``: seconds after which the request is carried out, when the client has given up. ``core``:
of those that also strike where Palette is troubled for long. ``refuses``: Palette's own word that
nothing was carried out, which is no fault where something was.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from functools import partial
from http.client import responses

from faults.proxy import LIST, WRITES, End, Fault, Reply, Step, Struck, stale_list

REQUEST_TIMEOUT = 1.0  # seconds: of the tasks, and the least that the collection takes
_SOON = 0.1
_TOO_LATE = REQUEST_TIMEOUT * 1.4
_HTML_TYPE = (("Content-Type", "text/html; charset=utf-8"),)
_PAGE = (
    b"<!DOCTYPE html><html><head><title>Sign in</title></head><body>Please sign in</body></html>"
)
_ELSEWHERE = "https://login.example.org/?next="

STATUSES = (
    302, 400, 401, 403, 404, 408, 409, 410, 413, 422, 425, 429, 499, 500, 501, 502, 503, 504,
)  # fmt: skip
# See docs/palette.md: with its own body, Palette says by these that it has refused.
_REFUSALS = (401, 403, 422, 429)
# One of each kind of trouble, by status and body. A 429 is waited out for minutes.
_CORE = ("302 html", "400 json", "401 html", "404 json", "500 json", "503 html")


def _page(status: int) -> bytes:
    words = responses.get(status, "Unknown")
    return f"<html><body><h1>{status} {words}</h1></body></html>".encode()


def _palette_error(status: int) -> bytes:
    words = responses.get(status, "Unknown")
    error = {"code": words.replace(" ", ""), "message": words, "details": None, "ref": "r-1"}
    return json.dumps(error).encode()


def _statuses() -> Iterator[Fault]:
    """Each status with an empty, an HTML, and a Palette-form JSON body."""
    for status in STATUSES:
        moved = (("Location", "https://login.example.org/"),) if status == 302 else ()
        for form, reply in (
            ("empty", Reply(status, b"", moved)),
            ("html", Reply(status, _page(status), (*_HTML_TYPE, *moved))),
            (
                "json",
                Reply(
                    status, _palette_error(status), (("Content-Type", "application/json"), *moved)
                ),
            ),
        ):
            name = f"{status} {form}"
            refuses = form == "json" and status in _REFUSALS
            yield Fault(name, _says(reply), core=name in _CORE, refuses=refuses)


class _Says:
    """Sends an answer that does not depend on the request."""

    def __init__(self, *steps: Step) -> None:
        self.steps = steps

    def __call__(self, _struck: Struck) -> tuple[Step, ...]:
        return self.steps


def _says(reply: Reply) -> _Says:
    return _Says(reply.raw())


def _ok(body: bytes, kind: str = "application/json") -> _Says:
    return _says(Reply(200, body, (("Content-Type", kind),)))


def _half(struck: Struck) -> bytes:
    """Return the true answer up to the middle of its body."""
    body = struck.reply.body or b"{}"
    raw = struck.reply._replace(status=_with_body(struck), body=body).raw()
    return raw[: len(raw) - len(body) // 2]


def _with_body(struck: Struck) -> int:
    """Return the answer's status, or one with which there is a body."""
    return 200 if struck.reply.status == 204 else struck.reply.status


def _unsized(struck: Struck, *more: tuple[str, str]) -> bytes:
    return struck.reply._replace(status=_with_body(struck), body=b"").raw(*more, length=False)


def _body(struck: Struck) -> bytes:
    return struck.reply.body or b"{}"


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


_CHUNKED = ("Transfer-Encoding", "chunked")
_GZIP = ("Content-Encoding", "gzip")


def _chunked(struck: Struck) -> tuple[Step, ...]:
    if struck.reply.status == 204:
        return (struck.reply.raw(),)
    body = _body(struck)
    cut = len(body) // 2
    head = _unsized(struck, _CHUNKED)
    return (head, _chunk(body[:cut]), _SOON, _chunk(body[cut:]), b"0\r\n\r\n")


def _chunked_cut(struck: Struck) -> tuple[Step, ...]:
    body = _body(struck)
    return (_unsized(struck, _CHUNKED), _chunk(body[: len(body) // 2]))


def _chunk_size_wrong(struck: Struck) -> tuple[Step, ...]:
    return (_unsized(struck, _CHUNKED), b"zz\r\n", _body(struck), b"\r\n0\r\n\r\n")


def _sized(struck: Struck, size: str) -> bytes:
    return _unsized(struck, ("Content-Length", size)) + _body(struck)


def _too_long(struck: Struck) -> tuple[Step, ...]:
    return (_sized(struck, str(len(_body(struck)) + 10)),)


def _too_short(struck: Struck) -> tuple[Step, ...]:
    return (_sized(struck, str(len(_body(struck)) // 2)),)


def _no_number(struck: Struck) -> tuple[Step, ...]:
    return (_sized(struck, "all"),)


def _two_lengths(struck: Struck) -> tuple[Step, ...]:
    twice = (("Content-Length", "3"), ("Content-Length", "7"))
    return (_unsized(struck, *twice) + _body(struck),)


def _gzipped(struck: Struck) -> tuple[Step, ...]:
    if struck.reply.status == 204:
        return (struck.reply.raw(),)
    return (struck.reply._replace(body=gzip.compress(struck.reply.body)).raw(_GZIP),)


def _gzip_cut(struck: Struck) -> tuple[Step, ...]:
    packed = gzip.compress(_body(struck))
    cut = struck.reply._replace(status=_with_body(struck), body=packed[: len(packed) // 2])
    return (cut.raw(_GZIP),)


def _drip(struck: Struck) -> tuple[Step, ...]:
    """Send the true answer in pieces, in time."""
    raw = struck.reply.raw()
    size = len(raw) // 5 + 1
    pieces = (raw[at : at + size] for at in range(0, len(raw), size))
    return tuple(step for piece in pieces for step in (piece, 0.02))


def _drip_for_long(struck: Struck) -> tuple[Step, ...]:
    raw = struck.reply.raw()
    slow = (bytes([byte]) for byte in raw[:8])
    return (*(step for byte in slow for step in (byte, REQUEST_TIMEOUT / 4)), raw[8:])


def _after(preface: bytes, struck: Struck) -> tuple[Step, ...]:
    return (preface + struck.reply.raw(),)


def _twice(struck: Struck) -> tuple[Step, ...]:
    return (struck.reply.raw() * 2,)


def _as_http_1_0(struck: Struck) -> tuple[Step, ...]:
    return (struck.reply.raw(("Connection", "close"), version="1.0", length=False),)


def _with_headers(more: tuple[tuple[str, str], ...], struck: Struck) -> tuple[Step, ...]:
    return (struck.reply.raw(*more),)


def _folded(struck: Struck) -> tuple[Step, ...]:
    return (struck.reply.raw().replace(b"\r\n", b"\r\nX-Folded: one\r\n two\r\n", 1),)


def _bare_line_feeds(struck: Struck) -> tuple[Step, ...]:
    head, _blank, body = struck.reply.raw().partition(b"\r\n\r\n")
    return (head.replace(b"\r\n", b"\n") + b"\n\n" + body,)


def _no_colon(struck: Struck) -> tuple[Step, ...]:
    return (struck.reply.raw().replace(b"\r\n", b"\r\nno header at all\r\n", 1),)


def _bad_text(struck: Struck) -> tuple[Step, ...]:
    body = _body(struck).replace(b'"name"', b'"name\xff\xfe"')
    return (struck.reply._replace(status=_with_body(struck), body=body).raw(),)


def _marked_text(struck: Struck) -> tuple[Step, ...]:
    if struck.reply.status == 204:
        return (struck.reply.raw(),)
    return (struck.reply._replace(body=b"\xef\xbb\xbf" + struck.reply.body).raw(),)


def _another_object(struck: Struck) -> tuple[Step, ...]:
    other = {
        "apiVersion": "snapshot.kubevirt.io/v1beta1",
        "kind": "VirtualMachineSnapshot",
        "metadata": {"name": "of-somebody-else", "namespace": "elsewhere", "uid": "other-uid"},
        "spec": {"source": {"apiGroup": "kubevirt.io", "kind": "VirtualMachine", "name": "x"}},
        "status": {"phase": "Succeeded", "readyToUse": True},
    }
    return _ok(json.dumps(other).encode())(struck)


def _stale(struck: Struck) -> tuple[Step, ...]:
    return (stale_list(struck).raw(),)


def _no_items(struck: Struck) -> tuple[Step, ...]:
    return (struck.reply._replace(body=b'{"metadata":{},"items":null}').raw(),)


def _null_items(struck: Struck) -> tuple[Step, ...]:
    return (struck.reply._replace(body=b'{"metadata":{},"items":[null]}').raw(),)


def _told_back(status: int, struck: Struck) -> tuple[Step, ...]:
    """Quote the whole request, with the API key in it."""
    return (Reply(status, struck.head, (("Content-Type", "text/plain"),)).raw(),)


def _key_in(struck: Struck) -> str:
    found = re.search(rb"(?i)^apikey: (.*?)\r?$", struck.head, re.MULTILINE)
    return found.group(1).decode() if found else "none"


def _error_with_key(struck: Struck) -> tuple[Step, ...]:
    text = f"the token {_key_in(struck)} could not be used"
    error = {"code": "InternalServerError", "message": text, "details": [text], "ref": "r-1"}
    return (Reply(500, json.dumps(error).encode()).raw(),)


def _moved_with_key(status: int, struck: Struck) -> tuple[Step, ...]:
    return (Reply(status, b"", (("Location", _ELSEWHERE + _key_in(struck)),)).raw(),)


def _moved_to(where: str) -> _Says:
    return _says(Reply(302, b"", (("Location", where),)))


_WIRE = (
    Fault("reset", _Says(), End.RESET, core=True),
    Fault("close without an answer", _Says(), core=True),
    Fault("hang", _Says(), End.HELD, core=True),
    Fault("carried out late", _Says(), late=_TOO_LATE, on="write"),
    Fault("half a status line", _Says(b"HTTP/1.1 20")),
    Fault("half a header", _Says(b"HTTP/1.1 200 OK\r\nContent-Ty")),
    Fault("half a header, then hang", _Says(b"HTTP/1.1 200 OK\r\nContent-Ty"), End.HELD),
    Fault("headers without the body", lambda struck: (_unsized(struck, ("Content-Length", "9")),)),
    Fault(
        "headers, then hang",
        lambda struck: (_unsized(struck, ("Content-Length", "9")),),
        End.HELD,
    ),
    Fault("truncated body", lambda struck: (_half(struck),), core=True),
    Fault("truncated body, then reset", lambda struck: (_half(struck), _SOON), End.RESET),
    Fault("truncated body, then hang", lambda struck: (_half(struck),), End.HELD),
    Fault("Content-Length too long", _too_long),
    Fault("Content-Length too short", _too_short),
    Fault("Content-Length is no number", _no_number),
    Fault("two Content-Lengths", _two_lengths),
    Fault("garbage instead of HTTP", _Says(bytes(range(256)) * 4), core=True),
    Fault("a TLS alert", _Says(b"\x15\x03\x01\x00\x02\x02\x46")),
    Fault("a banner of SSH", _Says(b"SSH-2.0-OpenSSH_9.6\r\n"), End.HELD),
    Fault("a body without HTTP", _Says(_PAGE)),
    Fault("an HTTP version of the future", _Says(b"HTTP/9.9 200 OK\r\n\r\n{}")),
    Fault("a status that is no number", _Says(b"HTTP/1.1 fine OK\r\nContent-Length: 0\r\n\r\n")),
    Fault("drip beyond the timeout", _drip_for_long),
    Fault("chunked, cut", _chunked_cut),
    Fault("chunked, size is no number", _chunk_size_wrong),
    Fault("gzip rubbish", _Says(Reply(200, b"no gzip").raw(_GZIP))),
    Fault("gzip, cut", _gzip_cut),
    Fault("switching protocols", _Says(b"HTTP/1.1 101 Switching Protocols\r\n\r\n"), End.HELD),
    Fault("1xx without end", _Says(b"HTTP/1.1 102 Processing\r\n\r\n" * 200), End.HELD),
    Fault("a header of 100 kB", partial(_with_headers, (("X-Huge", "x" * 100_000),))),
    Fault("300 headers", partial(_with_headers, tuple((f"X-{n}", "x") for n in range(300)))),
)
_HONEST = (
    Fault("chunked", _chunked, End.KEPT, honest=True),
    Fault("gzip", _gzipped, End.KEPT, honest=True),
    Fault("slow drip", _drip, End.KEPT, honest=True),
    Fault("duplicate answer", _twice, End.KEPT, honest=True),
    Fault("100 before", partial(_after, b"HTTP/1.1 100 Continue\r\n\r\n"), End.KEPT, honest=True),
    Fault("HTTP/1.0, close", _as_http_1_0, honest=True),
    Fault("answer, then reset", lambda struck: (struck.reply.raw(), _SOON), End.RESET, honest=True),
    Fault("folded header", _folded, End.KEPT, honest=True),
    Fault("line feeds alone", _bare_line_feeds, End.KEPT, honest=True),
    Fault("a line that is no header", _no_colon, End.KEPT),
    Fault("a Date of nonsense", partial(_with_headers, (("Date", "soon"),)), End.KEPT, honest=True),
    Fault("byte order mark", _marked_text, End.KEPT, honest=True),
)
_CONTENT = (
    Fault("200 html", _ok(_PAGE, "text/html"), core=True),
    Fault("200 empty", _ok(b""), core=True),
    Fault("200 text", _ok(b"OK", "text/plain")),
    Fault("202 empty object", _says(Reply(202, b"{}"))),
    Fault("206 part", _says(Reply(206, b'{"items"'))),
    Fault("300 choices", _says(Reply(300, _PAGE, _HTML_TYPE))),
    Fault("304", _says(Reply(304, b""))),
    Fault("invalid UTF-8", _bad_text),
    Fault("null", _ok(b"null"), core=True),
    Fault("a list", _ok(b"[]")),
    Fault("a number", _ok(b"7")),
    Fault("a text", _ok(b'"created"')),
    Fault("an empty object", _ok(b"{}")),
    Fault("an object without metadata", _ok(b'{"kind": "VirtualMachineSnapshot", "spec": {}}')),
    Fault("metadata is a list", _ok(b'{"metadata": [], "spec": [], "items": {}}')),
    Fault("a Status of Kubernetes", _ok(b'{"kind": "Status", "status": "Failure", "code": 500}')),
    Fault("JSON of great depth", _ok(b'{"a":' * 5000 + b"1" + b"}" * 5000)),
    Fault("a huge number", _ok(b'{"metadata": ' + b"9" * 5000 + b"}")),
    Fault("JSON about another object", _another_object),
    Fault("301 with the key", partial(_moved_with_key, 301)),
    Fault("307 with the key", partial(_moved_with_key, 307)),
    Fault("302 to a bad address", _moved_to("http://[bad")),
    Fault("302 to another scheme", _moved_to("file:///etc/passwd")),
    Fault("200 quotes the request", partial(_told_back, 200)),
    Fault("500 quotes the request", partial(_told_back, 500)),
    Fault("500 quotes the key", _error_with_key),
    Fault("520 html", _says(Reply(520, _page(520), _HTML_TYPE))),
    Fault("599 empty", _says(Reply(599, b""))),
    Fault("999 empty", _says(Reply(999, b""))),
    Fault("429 with a bad Retry-After", _Says(Reply(429, b"").raw(("Retry-After", "soon")))),
    Fault("503 with Retry-After", _Says(Reply(503, b"").raw(("Retry-After", "0")))),
    Fault("items is null", _no_items, End.KEPT, on="poll"),
    Fault("items holds null", _null_items, End.KEPT, on="read"),
    *(
        Fault(f"the list lags {times} times", _stale, End.KEPT, on="poll", times=times)
        for times in (1, 2, 4)
    ),
)
CATALOGUE = (*_WIRE, *_HONEST, *_CONTENT, *_statuses())

LAGS = Fault("the list lags", _stale, End.KEPT)
CUT = next(fault for fault in _WIRE if fault.name == "reset")


def suits(fault: Fault, kind: str, *, polled: bool) -> bool:
    """Say whether a fault can strike requests of a kind. polled: after a write."""
    if fault.on == "write":
        return kind in WRITES
    if fault.on == "read":
        return kind == LIST
    return fault.on == "any" or (polled and kind == LIST)

# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ASGI application: Palette's routes, and what is in front of them.

That is: limits, latency, sick clusters, faults and the log.
"""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import Awaitable, Callable, Coroutine, MutableMapping
from contextlib import suppress
from email.utils import formatdate
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from palette_simulator import assets, lookups, machines, snapshots
from palette_simulator.calls import JSON, key_is_right
from palette_simulator.control import control_app
from palette_simulator.errors import ApiError, error_body, error_response
from palette_simulator.faults import Fault
from palette_simulator.kubernetes.access import DIRECT
from palette_simulator.kubernetes.api import kubernetes_app
from palette_simulator.palette import Palette
from palette_simulator.ratelimit import refusal
from palette_simulator.sickness import Sickness

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]

CONTROL_PREFIX = "/_simulator/"
_LONGEST_TARGET = 8192  # the usual limit of the proxies before an API
_LOGGED_HEADERS = ("user-agent", "projectuid", "content-type", "accept", "connection")
_CLUSTERS = "/v1/dashboard/spectroclusters"
_VMS = "/v1/spectroclusters/{uid}/vms"
_ASSETS = "/v1/spectroclusters/{uid}/assets"
_SNAPSHOT = _VMS + "/{vm}/snapshot/{snapshot}"

# A VM named "snapshot" cannot be got: the list has its address. It can be deleted.
# See docs/palette.md, "Paths".
ROUTES = (
    ("GET", "/v1/dashboard/projects/metadata", lookups.list_projects),
    ("GET", "/v1/projects/{uid}", lookups.get_project),
    ("GET", _CLUSTERS + "/metadata", lookups.list_cluster_metadata),
    ("POST", _CLUSTERS + "/metadata", lookups.filter_cluster_metadata),
    ("POST", _CLUSTERS + "/search", lookups.search_clusters),
    ("GET", _CLUSTERS + "/vms", lookups.list_vm_clusters),
    ("GET", "/v1/spectroclusters/{uid}", lookups.get_cluster),
    ("GET", _ASSETS + "/adminKubeconfig", assets.get_admin_kubeconfig),
    ("GET", _ASSETS + "/kubeconfig", assets.get_kubeconfig),
    ("GET", _VMS, machines.list_vms),
    ("GET", _VMS + "/snapshot", snapshots.list_snapshots),
    ("GET", _VMS + "/{vm}", machines.get_vm),
    ("DELETE", _VMS + "/{vm}", machines.delete_vm),
    ("PUT", _VMS + "/{vm}/start", machines.start_vm),
    ("PUT", _VMS + "/{vm}/stop", machines.stop_vm),
    ("PUT", _VMS + "/{vm}/restart", machines.restart_vm),
    ("PUT", _VMS + "/{vm}/pause", machines.pause_vm),
    ("PUT", _VMS + "/{vm}/resume", machines.resume_vm),
    ("PUT", _VMS + "/{vm}/migrate", machines.migrate_vm),
    ("POST", _VMS + "/{vm}/snapshot", snapshots.create_snapshot),
    ("GET", _SNAPSHOT, snapshots.get_snapshot),
    ("PUT", _SNAPSHOT, snapshots.update_snapshot),
    ("DELETE", _SNAPSHOT, snapshots.delete_snapshot),
)


def palette_app(palette: Palette) -> Starlette:
    """Palette's API alone."""
    routes = []
    for method, path, endpoint in ROUTES:
        route = Route(path, endpoint, methods=[method])
        route.methods = {method}  # Starlette adds HEAD to GET, Palette does not
        routes.append(route)
    handlers: dict[Any, Any] = {404: _not_routed, 405: _not_routed}
    app = Starlette(routes=routes, exception_handlers=handlers)
    app.router.redirect_slashes = False
    app.state.palette = palette
    return app


async def _not_routed(request: Request, error: HTTPException) -> Response:
    path = request.url.path
    if error.status_code == 405:
        body = error_body("MethodNotAllowed", f"method {request.method} is not allowed: {path}")
    else:
        body = error_body("NotFound", f"path {path} was not found")
    return Response(body, error.status_code, media_type=JSON)


class Exchange:
    """One request and its answer, as the request log tells them."""

    def __init__(self, scope: Scope, palette: Palette) -> None:
        self._scope = scope
        self._palette = palette
        self._started = time.time()
        self._status: int | None = None
        self._request = b""
        self._response = b""
        self.fault: str | None = None

    def receiving(self, receive: Receive) -> Receive:
        """Receive, and note the request's body."""

        async def noting() -> Message:
            message = await receive()
            self._request += message.get("body", b"")
            return message

        return noting

    def sending(self, send: Send) -> Send:
        """Send, and note the answer."""

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._status = message["status"]
            else:
                self._response += message.get("body", b"")
            await send(message)

        return noting

    def entry(self) -> dict[str, Any]:
        """The entry for the log; the API key is never in it."""
        headers = Headers(scope=self._scope)
        endpoint = self._scope.get("endpoint")
        entry = {
            "time": self._started,
            "seconds": round(time.time() - self._started, 6),
            "method": self._scope["method"],
            "path": self._scope["path"],
            "query": self._scope["query_string"].decode("latin-1"),
            "operation": getattr(endpoint, "__name__", "unknown"),
            "status": self._status,
            "fault": self.fault,
            "source_port": self._scope["client"][1],
            "api_key": self._judge(headers),
            "headers": {name: headers[name] for name in _LOGGED_HEADERS if name in headers},
        }
        if self._palette.switches.log_bodies:
            entry |= {"request": _json_or_text(self._request)}
            entry |= {"response": _json_or_text(self._response)}
        return entry

    def _judge(self, headers: Headers) -> str:
        key = headers.get("apikey")
        if key is None:
            return "absent"
        return "right" if key in self._palette.state.callers else "wrong"


class Front:
    """The whole server: /_simulator/… for tests, all else is an API, of Palette unless another.

    The clusters' own APIs have a port of their own.
    """

    def __init__(self, palette: Palette, api: ASGIApp) -> None:
        self._palette = palette
        self._app = api
        self._kubernetes: ASGIApp = kubernetes_app(palette)
        self._control: ASGIApp = control_app(palette)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # A client that is killed in the middle of its request gets no answer, and that is all.
        with suppress(ClientDisconnect):
            await self._take(scope, receive, send)

    async def _take(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"].startswith(CONTROL_PREFIX) and not _is_kubernetes(scope):
            await self._control(scope, receive, send)
            return
        exchange = Exchange(scope, self._palette)
        journal = self._palette.journal
        journal.enter()
        try:
            sending = exchange.sending(self._dating(send))
            await self._serve(scope, exchange.receiving(receive), sending, exchange)
        finally:
            journal.leave(exchange.entry())

    async def _serve(self, scope: Scope, receive: Receive, send: Send, exchange: Exchange) -> None:
        refused = self._refuse(scope)
        if refused:
            await refused(scope, receive, send)
            return
        if self._is_out_of_reach(scope):
            scope["state"]["transport"].abort()
            await _closed(receive)
            return
        if self._palette.switches.latency:
            await asyncio.sleep(self._palette.switches.latency)
        sickness = self._sickness_for(scope)
        if sickness and sickness.strikes_at(scope["method"]):
            exchange.fault = f"sick_{sickness.kind}"
            await self._strike(sickness, scope, receive, send)
            return
        await self._answer(scope, receive, send, exchange)
        if sickness:
            sickness.answered(scope["method"])

    def _api(self, scope: Scope) -> ASGIApp:
        return self._kubernetes if _is_kubernetes(scope) else self._app

    def _is_out_of_reach(self, scope: Scope) -> bool:
        direct = _is_kubernetes(scope) and scope["path"].startswith(DIRECT)
        return direct and self._palette.switches.direct_access == "off"

    def _sickness_for(self, scope: Scope) -> Sickness | None:
        """What ails the cluster that a request is for; a wrong key does not reach it."""
        sickness = self._palette.ward.of(scope["path"])
        if sickness and (_is_kubernetes(scope) or key_is_right(Request(scope), self._palette)):
            return sickness
        return None

    async def _answer(self, scope: Scope, receive: Receive, send: Send, exchange: Exchange) -> None:
        fault = self._palette.faults.take(scope["method"], scope["path"])
        api = self._api(scope)
        if fault is None:
            await api(scope, receive, send)
            return
        exchange.fault = fault.action
        await _Saboteur(api, self._palette, fault).serve(scope, receive, send)

    async def _strike(self, sickness: Sickness, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request fail as the cluster's sickness has it; nothing is carried out."""
        answer = sickness.answer(self._palette.switches, _is_kubernetes(scope))
        if answer:
            await answer(scope, receive, send)
            return
        if sickness.kind == "hang":
            await _first_of(_closed(receive), self._palette.ward.recovery(sickness))
        scope["state"]["transport"].abort()
        await _closed(receive)

    def _dating(self, send: Send) -> Send:
        """Send with the server's date, which a proxy in front of it writes too."""

        async def dating(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [_date_header(int(self._palette.now())), *message["headers"]]
            await send(message)

        return dating

    def _refuse(self, scope: Scope) -> Response | None:
        palette = self._palette
        if len(scope["raw_path"]) + len(scope["query_string"]) > _LONGEST_TARGET:
            return error_response(
                ApiError(414, "URITooLong", "Request-URI too long"), palette.switches
            )
        if palette.switches.rate_limits == "off" or _is_kubernetes(scope):
            return None
        if palette.limiter.allows(scope["client"][0], scope["path"], time.time()):
            return None
        return refusal(palette.switches, palette.now())


class _Saboteur:
    """Serves one request with a fault."""

    def __init__(self, app: ASGIApp, palette: Palette, fault: Fault) -> None:
        self._app = app
        self._palette = palette
        self._fault = fault

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        fault = self._fault
        if fault.action == "delay":
            await self._palette.faults.delay(fault.seconds)
            await self._app(scope, receive, send)
        elif fault.action == "change_vm":
            await self._app(scope, receive, send)
            fault.change.apply(self._palette.state, fault.vm)
        elif fault.action == "truncate":
            await self._truncate(scope, receive, send)
        elif fault.action in ("drop_before", "drop_after"):
            if fault.action == "drop_after":
                await self._app(scope, receive, _swallow)
            scope["state"]["transport"].abort()
            await _closed(receive)
        else:
            await self._answer(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._fault.carry_out:
            await self._app(scope, receive, _swallow)
        response = self._fault.response(self._palette.now())
        assert response is not None
        await response(scope, receive, send)

    async def _truncate(self, scope: Scope, receive: Receive, send: Send) -> None:
        messages: list[Message] = []

        async def keep(message: Message) -> None:
            messages.append(message)

        await self._app(scope, receive, keep)
        body = b"".join(message.get("body", b"") for message in messages)
        await send(messages[0])
        half = body[: len(body) // 2]
        await send({"type": "http.response.body", "body": half, "more_body": True})
        scope["state"]["transport"].close()
        await _closed(receive)


def _is_kubernetes(scope: Scope) -> bool:
    """Whether a request came in by the port of the clusters' own APIs."""
    return bool(scope["state"].get("kubernetes"))


@functools.lru_cache(maxsize=1)
def _date_header(second: int) -> tuple[bytes, bytes]:
    return b"date", formatdate(second, usegmt=True).encode()


async def _first_of(*ends: Coroutine[Any, Any, object]) -> None:
    """Wait for whatever ends first, and give up the others."""
    tasks = [asyncio.ensure_future(end) for end in ends]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()


async def _swallow(_message: Message) -> None:
    """Send nothing."""


async def _closed(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _json_or_text(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body) if body else None
    except msgspec.DecodeError:
        return body.decode(errors="replace")

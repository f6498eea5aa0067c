"""`/mcp`: the MCP server over streamable HTTP, behind the same keys as the rest."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from typing import Any

from fastapi import FastAPI, Request
from mcp.server.transport_security import TransportSecuritySettings
from starlette.routing import Route

from api.http import metrics
from api.http.dependencies import Services, may_ask
from api.http.problems import HttpProblem, document, response
from api.mcp.server import mcp_server
from kb.surrogates import sound_json

_PATH = "/mcp"
_REMEDY = "Point an MCP client for streamable HTTP at this address."
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class _Endpoint:
    """The endpoint behind a key. It holds no session: there is no stream to open with GET and nothing to DELETE."""

    path = _PATH  # under which it is counted

    def __init__(self, handle: Callable[[Scope, Receive, Send], Awaitable[None]]) -> None:
        self._handle = handle

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["route"] = self
        if scope["method"] != "POST":
            refused = document(405, "method", "MCP is spoken here with POST alone.", _REMEDY)
            await response(refused, {"Allow": "POST"})(scope, receive, send)
            return
        try:
            await may_ask(Request(scope))
        except HttpProblem as error:
            await response(error.problem, error.headers)(scope, receive, send)
            return
        # Read here, since the library would tell a client that goes away meanwhile as a failure of its own.
        body = sound_json(await Request(scope, receive).body())
        await self._handle(scope, _given(body, receive), send)


def _given(body: bytes, receive: Receive) -> Receive:
    """What gives a body that was received already, and then goes on."""
    left = [body]

    async def give() -> MutableMapping[str, Any]:
        if left:
            return {"type": "http.request", "body": left.pop(), "more_body": False}
        return await receive()

    return give


def mount_mcp(app: FastAPI) -> Callable[[], contextlib.AbstractAsyncContextManager[None]]:
    """Put the endpoint under `/mcp`; the returned context must be open while the app serves."""
    held: Services = app.state.services
    server = mcp_server(held.current.get, lambda answer: metrics.count(answer, "mcp"), held.askers)
    # Host and Origin were checked before a request comes here (`api.http.middleware`), and refused as a problem.
    unchecked = TransportSecuritySettings(enable_dns_rebinding_protection=False)
    server.streamable_http_app(stateless_http=True, json_response=True, transport_security=unchecked)
    for path in (_PATH, f"{_PATH}/"):
        app.router.routes.append(Route(path, _Endpoint(server.session_manager.handle_request), include_in_schema=False))

    @contextlib.asynccontextmanager
    async def running() -> AsyncIterator[None]:
        async with server.session_manager.run():
            yield

    return running

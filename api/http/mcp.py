"""`/mcp`: the MCP server over streamable HTTP, behind the same keys as the rest."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from typing import Any

from fastapi import FastAPI, Request
from mcp.server.transport_security import TransportSecuritySettings

from api.http.dependencies import Services, may_ask
from api.http.problems import HttpProblem, response
from api.mcp.server import mcp_server

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


def mount_mcp(app: FastAPI) -> Callable[[], contextlib.AbstractAsyncContextManager[None]]:
    """Mount the endpoint; the returned context must be open while the app serves."""
    held: Services = app.state.services
    server = mcp_server(held.current.get)
    hosts = [f"{name}:*" for name in ("127.0.0.1", "localhost", "[::1]", *held.settings.hosts)]
    security = TransportSecuritySettings(
        allowed_hosts=[*hosts, *held.settings.hosts], allowed_origins=list(held.settings.origins)
    )
    endpoint = server.streamable_http_app(
        streamable_http_path="/", stateless_http=True, json_response=True, transport_security=security
    )

    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            try:
                await may_ask(Request({**scope, "app": app}))
            except HttpProblem as error:
                await response(error.problem, error.headers)(scope, receive, send)
                return
        await endpoint(scope, receive, send)

    app.mount("/mcp", guarded)

    @contextlib.asynccontextmanager
    async def running() -> AsyncIterator[None]:
        async with server.session_manager.run():
            yield

    return running

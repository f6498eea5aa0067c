"""`/slack/events`: Slack's requests under the server."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from slack_bolt.adapter.starlette.async_handler import to_async_bolt_request, to_starlette_response
from slack_bolt.async_app import AsyncApp

MAX_BODY = 256 << 10  # Slack sends far less


def slack_router(app: AsyncApp) -> APIRouter:
    """The route; Bolt verifies signature and timestamp before anything reads the body."""
    router = APIRouter()

    @router.post("/slack/events", include_in_schema=False)
    async def events(request: Request) -> Response:
        body = await _bounded(request)
        if body is None:
            return Response(status_code=413)
        try:
            body.decode("utf-8")
        except UnicodeDecodeError:
            return Response(status_code=400)
        return to_starlette_response(await app.async_dispatch(to_async_bolt_request(request, body)))

    return router


async def _bounded(request: Request) -> bytes | None:
    """The body, or None where it is too long; no more of it is read than that."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MAX_BODY:
            return None
    return bytes(body)

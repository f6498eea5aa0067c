"""`/slack/events`: Slack's requests under the server."""

from __future__ import annotations

import logging

from fastapi import APIRouter, Request, Response
from slack_bolt.adapter.starlette.async_handler import to_async_bolt_request, to_starlette_response
from slack_bolt.async_app import AsyncApp

logger = logging.getLogger("nekb.slack")
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
            return to_starlette_response(await app.async_dispatch(to_async_bolt_request(request, body)))
        except Exception as error:  # Bolt stumbles over what Slack never sends, before and after it has verified it
            logger.warning("a request could not be read: %s", type(error).__name__)
            return Response(status_code=400)

    return router


async def _bounded(request: Request) -> bytes | None:
    """The body, or None where it is too long: its rest is read and dropped, up to the bound of every body."""
    body, size = bytearray(), 0
    async for part in request.stream():
        size += len(part)
        if size <= MAX_BODY:
            body += part
    return bytes(body) if size <= MAX_BODY else None

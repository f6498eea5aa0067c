"""`/slack/events`: Slack's requests under the server."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from slack_bolt.adapter.fastapi.async_handler import AsyncSlackRequestHandler
from slack_bolt.async_app import AsyncApp

MAX_BODY = 256 << 10  # Slack sends far less


def slack_router(app: AsyncApp) -> APIRouter:
    """The route; Bolt verifies signature and timestamp before anything reads the body."""
    handler = AsyncSlackRequestHandler(app)
    router = APIRouter()

    @router.post("/slack/events", include_in_schema=False)
    async def events(request: Request) -> Response:
        body = await request.body()
        if len(body) > MAX_BODY:
            return Response(status_code=413)
        try:
            body.decode("utf-8")
        except UnicodeDecodeError:
            return Response(status_code=400)
        return await handler.handle(request)

    return router

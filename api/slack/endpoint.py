"""`/slack/events`: Slack's requests under the server."""

from __future__ import annotations

import logging
import re

from fastapi import APIRouter, Request, Response
from slack_bolt.adapter.starlette.async_handler import to_async_bolt_request, to_starlette_response
from slack_bolt.async_app import AsyncApp
from slack_sdk.signature import SignatureVerifier

logger = logging.getLogger("nekb.slack")
MAX_BODY = 256 << 10  # Slack sends far less
_STAMP = re.compile(r"[0-9]{1,12}")
_SIGNATURE = re.compile(r"v0=[0-9a-f]{64}")


def slack_router(app: AsyncApp, signing_secret: str) -> APIRouter:
    """The route. Whose body is not signed, and lately, is answered 401, and nothing reads what it says."""
    router, verifier = APIRouter(), SignatureVerifier(signing_secret)

    @router.post("/slack/events", include_in_schema=False)
    async def events(request: Request) -> Response:
        body = await _bounded(request)
        if body is None:
            return Response(status_code=413)
        try:
            if not _signed(request, body, verifier):
                return Response(status_code=401)
            return to_starlette_response(await app.async_dispatch(to_async_bolt_request(request, body)))
        except Exception as error:  # Bolt stumbles over what Slack never sends, though it is signed
            logger.warning("a request could not be read: %s", type(error).__name__)
            return Response(status_code=400)

    return router


def _signed(request: Request, body: bytes, verifier: SignatureVerifier) -> bool:
    """Whether Slack signed the body within five minutes.

    It is settled before Bolt has the request: Bolt's own check raises over headers that are malformed, and then calls
    the handler of errors, which would answer to wherever the unverified body says. Raises `UnicodeDecodeError` for a
    body that is no text.
    """
    names = ("x-slack-request-timestamp", "x-slack-signature")
    headers = [request.headers.getlist(name) for name in names]
    if any(len(given) != 1 for given in headers):  # of two, Bolt might take the other
        return False
    (stamp,), (signature,) = headers
    if not _STAMP.fullmatch(stamp) or not _SIGNATURE.fullmatch(signature):
        return False
    return verifier.is_valid(body, stamp, signature)


async def _bounded(request: Request) -> bytes | None:
    """The body, or None where it is too long: its rest is read and dropped, up to the bound of every body."""
    body, size = bytearray(), 0
    async for part in request.stream():
        size += len(part)
        if size <= MAX_BODY:
            body += part
    return bytes(body) if size <= MAX_BODY else None

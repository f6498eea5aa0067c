"""What routes are given: the snapshot, the database, the caller with a scope."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request, Response
from sqlalchemy import Engine
from starlette.concurrency import run_in_threadpool
from starlette.requests import cookie_parser

import kb
from api.current import CurrentSnapshot
from api.http.problems import HttpProblem
from api.http.readiness import KeyReading
from api.http.settings import ServeSettings
from api.records.keys import ApiKey, find_key
from api.web import cookie
from kb.snapshot import Snapshot


@dataclass
class Services:
    """What the app holds for its routes."""

    settings: ServeSettings
    current: CurrentSnapshot
    engine: Engine
    keys: KeyReading
    # Asking is arithmetic: more threads than this would only wait for each other.
    askers: Executor = field(
        default_factory=lambda: ThreadPoolExecutor(max(4, 2 * (os.cpu_count() or 1)), thread_name_prefix="nekb-ask")
    )
    # Votes wait for other writers of the database, seconds maybe, and must not fill the threads that read keys.
    voters: Executor = field(default_factory=lambda: ThreadPoolExecutor(8, thread_name_prefix="nekb-vote"))


# What blocks nothing is `async`: anything else would wait for a thread, once for each dependency of a request.


async def services(request: Request) -> Services:
    """The app's services."""
    return held_by(request)


def held_by(request: Request) -> Services:
    """The services of the app that a request came to."""
    held: Services = request.app.state.services
    return held


async def snapshot(request: Request, response: Response) -> Snapshot:
    """The snapshot this request answers from, named in the ETag of what comes back."""
    found = held_by(request).current.get()
    response.headers.update(validators(found))
    return found


def validators(found: Snapshot) -> dict[str, str]:
    """The headers of an answer that its caller may keep, and has to ask for again with its ETag."""
    return {"ETag": etag(found), "Cache-Control": "private, no-cache"}


def not_to_keep(response: Response) -> None:
    """Mark an answer that is less than the snapshot has to say, because a part of it was away."""
    del response.headers["ETag"]
    response.headers["Cache-Control"] = "no-store"


def etag(found: Snapshot) -> str:
    """The same snapshot gives the same answer, as long as the same nekb reads it (weak: times differ)."""
    return f'W/"{found.manifest.id}-{kb.__version__}"'


def has_copy(request: Request, found: Snapshot) -> bool:
    """Whether the caller already has what this snapshot says (RFC 9110, 13.1.2)."""
    seen = request.headers.get("if-none-match", "")
    known = {part.strip().removeprefix("W/") for part in seen.split(",")}
    return bool(known & {etag(found).removeprefix("W/"), "*"})


def not_modified(request: Request, found: Snapshot) -> None:
    """Raise the 304 answer where the caller already has what this snapshot says.

    To be called when there is something to say: what does not exist is refused, whatever the caller has.
    """
    if has_copy(request, found):
        raise NotModified(validators(found))


class NotModified(Exception):  # noqa: N818 - it is an answer
    """The caller's copy is current."""

    def __init__(self, headers: dict[str, str]) -> None:
        super().__init__(headers)
        self.headers = headers


def presented(headers: Mapping[str, str], required: bool) -> str | None:
    """The key of a request: in a header, or in the cookie of somebody who signed in on the page.

    Where no key is required a cookie is left alone: it stays in a browser when its key is long gone.
    """
    kind, _, value = headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer":
        return value.strip()
    kept = cookie_parser(headers.get("cookie", "")).get(cookie.NAME) if required else None
    return headers.get("x-api-key") or kept


def caller(scope: str) -> Callable[[Request], Awaitable[ApiKey | None]]:
    """A dependency that lets in who may do `scope`; None is a caller on loopback without a key."""

    async def check(request: Request) -> ApiKey | None:
        held = held_by(request)
        secret = presented(request.headers, held.settings.require_keys)
        if secret is None:
            if held.settings.require_keys:
                raise HttpProblem(
                    401,
                    "no_key",
                    "This server answers only with an API key.",
                    "Send `Authorization: Bearer <key>`; `nekb keys create` makes one.",
                    {"WWW-Authenticate": "Bearer"},
                )
            return None
        key = await run_in_threadpool(find_key, held.engine, secret)
        if key is None:
            raise HttpProblem(
                401,
                "bad_key",
                "The API key is unknown or revoked.",
                "Ask whoever runs this server.",
                {"WWW-Authenticate": "Bearer"},
            )
        if scope not in key.scopes and "admin" not in key.scopes:
            raise HttpProblem(
                403, "scope", f"The API key has no scope {scope!r}.", f"Make a key with `--scope {scope}`."
            )
        return key

    return check


ReadSnapshot = Annotated[Snapshot, Depends(snapshot)]
Held = Annotated[Services, Depends(services)]
may_ask = caller("ask")
MayAsk = Depends(may_ask)
MayGiveFeedback = Depends(caller("feedback"))

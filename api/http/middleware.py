"""What every request passes: a request id, bounds, a rate, a log line, a timer. Bodies are never logged.

One ASGI layer rather than several: each costs time on every request.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import time
import uuid
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import structlog
from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from api.http import metrics
from api.http.problems import MEDIA_TYPE, Problem, document
from api.http.settings import ServeSettings

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

log = structlog.get_logger("nekb.http")
_ID = re.compile(rb"^[A-Za-z0-9._-]{1,64}$")
_FREE = ("/healthz", "/readyz")
_SECURITY = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-opener-policy", b"same-origin"),
)


class Guard:
    """The layer around the app."""

    def __init__(self, app: App, settings: ServeSettings) -> None:
        self._app = app
        self._settings = settings
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._rate: RateLimitItem = parse(settings.rate)

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Handle a request; anything but HTTP passes through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = _Exchange(scope, receive, send, self._settings)
        try:
            refused = exchange.too_large() or self._too_many(exchange)
            if refused is not None:
                await exchange.refuse(refused)
            else:
                await asyncio.wait_for(self._app(scope, exchange.receive, exchange.send), self._settings.timeout)
        except TooLargeError:
            await exchange.refuse(document(413, "too_large", "The body is too large.", _smaller(self._settings)))
        except TimeoutError:
            await exchange.refuse(
                document(503, "timeout", "The answer took too long.", "Ask again with a shorter text.")
            )
        finally:
            exchange.finish()

    def _too_many(self, exchange: _Exchange) -> Problem | None:
        if exchange.path in _FREE:
            return None
        who = exchange.who
        allowed = self._limiter.hit(self._rate, who)
        reset, remaining = self._limiter.get_window_stats(self._rate, who)
        wait = max(int(reset - time.time()) + 1, 1)
        exchange.headers += [
            (b"ratelimit-limit", str(self._rate.amount).encode()),
            (b"ratelimit-remaining", str(remaining).encode()),
            (b"ratelimit-reset", str(wait).encode()),
        ]
        if allowed:
            return None
        exchange.headers.append((b"retry-after", str(wait).encode()))
        return document(429, "rate", f"More than {self._settings.rate} requests.", f"Wait {wait} s.")


class TooLargeError(Exception):
    """More came than the body may have."""


class _Exchange:
    """One request and its answer."""

    def __init__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send, settings: ServeSettings) -> None:
        self._scope, self._receive, self._send, self._settings = scope, receive, send, settings
        self._given = dict(scope["headers"])
        self.path: str = scope["path"]
        given = self._given.get(b"x-request-id", b"")
        self.id = given.decode() if _ID.match(given) else uuid.uuid4().hex
        self.headers: list[tuple[bytes, bytes]] = [(b"x-request-id", self.id.encode()), *_SECURITY]
        self._started = time.perf_counter()
        self._status = 0
        self._taken = 0
        self._over = False
        self._done = False

    @property
    def who(self) -> str:
        """Whom the rate counts: the key where one is shown (as a hash), else the client's address."""
        shown = self._given.get(b"authorization") or self._given.get(b"x-api-key")
        if shown:
            return hashlib.sha256(shown).hexdigest()[:16]
        client = self._scope.get("client")
        return str(client[0]) if client else "unknown"

    def too_large(self) -> Problem | None:
        """A refusal where the announced length is beyond the bound or no number."""
        length = self._given.get(b"content-length", b"0")
        if not length.isdigit():
            return document(400, "length", "The Content-Length is no number.", "Send the body's length in bytes.")
        if int(length) > self._settings.max_body:
            return document(413, "too_large", "The body is too large.", _smaller(self._settings))
        return None

    async def receive(self) -> Message:
        """The next part of the body, counted: a length need not have been announced truly."""
        message = await self._receive()
        self._taken += len(message.get("body", b""))
        if self._taken > self._settings.max_body:
            self._over = True  # the app may answer the exception itself; `send` replaces that answer
            raise TooLargeError
        return message

    async def send(self, message: Message) -> None:
        """Send on, with the headers of every answer."""
        if self._over:
            self._over = False
            await self.refuse(document(413, "too_large", "The body is too large.", _smaller(self._settings)))
            self._done = True
        if self._done:
            return
        if message["type"] == "http.response.start":
            self._status = message["status"]
            message["headers"] = [*message["headers"], *self.headers]
        await self._send(message)

    async def refuse(self, problem: Problem) -> None:
        """Answer with a problem, unless an answer has begun."""
        if self._status:
            return
        body = problem.model_dump_json().encode()
        headers = [(b"content-type", MEDIA_TYPE.encode()), (b"content-length", str(len(body)).encode())]
        await self.send({"type": "http.response.start", "status": problem.status, "headers": headers})
        await self._send({"type": "http.response.body", "body": body})

    def finish(self) -> None:
        """The log line and the metrics of the request."""
        seconds = time.perf_counter() - self._started
        route = getattr(self._scope.get("route"), "path", None) or ("unknown" if self._status == 404 else self.path)
        metrics.REQUESTS.labels(route, str(self._status)).inc()
        metrics.SECONDS.labels(route).observe(seconds)
        log.info(
            "request",
            id=self.id,
            method=self._scope["method"],
            route=route,
            status=self._status,
            ms=round(seconds * 1000, 2),
            bytes=self._taken,
        )


def _smaller(settings: ServeSettings) -> str:
    return f"Send at most {settings.max_body >> 10} KiB: the part of the log around the failure is enough."

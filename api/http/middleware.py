"""What every request passes: a request id, bounds, a rate, a log line, a timer. Bodies are never logged.

One ASGI layer rather than several: each costs time on every request.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import time
import traceback
import uuid
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect

from api.http import metrics
from api.http.dependencies import presented
from api.http.problems import Problem, document, shown_as
from api.http.rates import Rates
from api.http.settings import ServeSettings, is_loopback
from api.records.keys import find_key

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

log = structlog.get_logger("nekb.http")
_ID = re.compile(rb"^[A-Za-z0-9._-]{1,64}$")
_CHECKS = ("/healthz", "/readyz")  # asked every few seconds, whatever happens
# Slack calls from a few addresses for a whole team, and its requests are signed; their rate is counted a person.
_FREE = (*_CHECKS, "/slack/events")
_SIGNED = "/slack/"  # Slack signs its requests, and they come through tunnels under any name
_AGENTS = "/mcp"
_ASKING = ("/", "/v1/ask", "/v1/search", _AGENTS, f"{_AGENTS}/")  # what takes longer the longer its text is
_OWN = "/openapi.json"  # the framework's own, which names no route
_OF_A_CUSTOMER = 64  # bits of an address of IPv6 that a customer may choose
_LEFT = 499  # what proxies log of a client that went away before it could be answered
_SAFE = ("GET", "HEAD", "OPTIONS")
_SECURITY = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),  # with no-referrer a form of our own page would say `Origin: null`
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)


class Guard:
    """The layer around the app."""

    def __init__(self, app: App, settings: ServeSettings, engine: Engine) -> None:
        self._app = app
        self._settings = settings
        self._engine = engine
        self._rates = Rates(settings.rate, settings.shared)
        self._in_flight = 0

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Handle a request; anything but HTTP passes through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = _Exchange(scope, receive, send, self._settings)
        self._in_flight += 1
        try:
            refused = self._refusal(exchange) or await self._too_many(exchange)
            if refused is not None:
                await exchange.refuse(refused)
                return
            async with asyncio.timeout(self._settings.timeout):
                await self._app(exchange.scope, exchange.receive, exchange.send)
        except TooLargeError:
            await exchange.refuse(_too_large(self._settings))
        except ClientDisconnect:  # in the middle of its body: nobody is there to be answered, and nothing failed here
            exchange.leave()
        except TimeoutError:
            await exchange.refuse(_too_slow(exchange))
        except Exception as error:  # the last place that can still answer; the trace goes to the log without its values
            log.error(  # noqa: TRY400 - an exception's text may hold what was asked
                "failed", id=exchange.id, error=type(error).__name__, trace=_places(error)
            )
            await exchange.refuse(
                document(500, "internal", "Something failed inside nekb.", "Try again; the log has the request id.")
            )
        finally:
            self._in_flight -= 1
            if exchange.status == 401 and exchange.shown:
                self._rates.count_failure(exchange.client)
            exchange.finish()

    def _refusal(self, exchange: _Exchange) -> Problem | None:
        """Why a request is not let in, cheapest reason first."""
        return exchange.too_large() or _wrong_host(exchange, self._settings) or _foreign(exchange, self._settings)

    async def _too_many(self, exchange: _Exchange) -> Problem | None:
        if exchange.path in _FREE:
            return None
        if self._in_flight > self._settings.max_in_flight:
            exchange.headers.append((b"retry-after", b"1"))
            return document(503, "busy", "The server has too much to do.", "Wait a second and ask again.")
        shown = exchange.shown
        headers, wait = self._rates.failures(exchange.client) if shown else ([], None)
        if wait is None or (shown and await self._is_key(shown)):
            headers, wait = self._rates.count(exchange.client, shown.encode() if shown else None)
        exchange.headers += headers
        if wait is None:
            return None
        return document(429, "rate", f"More than {self._settings.rate} requests.", f"Wait {wait} s.")

    async def _is_key(self, shown: str) -> bool:
        """Whether there is such a key; asked only of a client that showed too many that were none."""
        try:
            return await run_in_threadpool(find_key, self._engine, shown) is not None
        except SQLAlchemyError:
            return True  # the route will find the same, and says so


def _wrong_host(exchange: _Exchange, settings: ServeSettings) -> Problem | None:
    """Without keys only a loopback name or a public one is answered: a web page that points its own name at this
    machine (DNS rebinding) would otherwise read everything through its visitor's browser. MCP asks for it always."""
    if exchange.path.startswith(_SIGNED) or (settings.require_keys and not exchange.path.startswith(_AGENTS)):
        return None
    name = _host_name(exchange.header(b"host"))
    if not name or is_loopback(name) or name in settings.hosts:
        return None
    return document(
        421, "host", f"This server does not answer as {name[:80]!r}.", "Start it with `nekb serve --public-name NAME`."
    )


def _foreign(exchange: _Exchange, settings: ServeSettings) -> Problem | None:
    """A browser says where a request that may change something comes from; another site's is refused."""
    origin = exchange.header(b"origin")
    if not origin or exchange.method in _SAFE or origin in settings.origins:
        return None
    scheme, _, own = origin.partition("://")
    # Many a proxy asks under another name than it was asked; a public one, at its usual port, is this server's as well.
    if own == exchange.header(b"host") or (scheme in ("http", "https") and own in settings.hosts):
        return None
    return document(
        403, "origin", "A page of another site may not do this.", "Name the site with `nekb serve --origin`."
    )


def _host_name(host: str) -> str:
    """The name of a Host header, without its port, and without the point that ends a whole name."""
    name = host.rpartition(":")[0] if re.search(r":\d*$", host) else host
    return name.strip("[]").lower().removesuffix(".")


def _counted_as(host: str) -> str:
    """Under which name a client is counted: a customer has more addresses of IPv6 than any table holds."""
    try:
        address = ipaddress.IPv6Address(host)
    except ValueError:
        return host
    if address.is_link_local:  # all machines beside this one share that network
        return host
    return str(address.ipv4_mapped or int(address) >> _OF_A_CUSTOMER)


def _places(error: BaseException) -> list[str]:
    """Where an error passed through: files and lines, never values."""
    frames = traceback.extract_tb(error.__traceback__)[-8:]
    return [f"{Path(f.filename).name}:{f.lineno} {f.name}" for f in frames]


class TooLargeError(Exception):
    """More came than the body may have."""


class _Exchange:
    """One request and its answer."""

    def __init__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send, settings: ServeSettings) -> None:
        self._receive, self._send, self._settings = receive, send, settings
        self._given = dict(scope["headers"])
        self.path: str = scope["path"]
        self.method: str = scope["method"]
        # What answers GET answers HEAD; the server sends no body for what came to it as HEAD.
        self.scope = {**scope, "method": "GET"} if self.method == "HEAD" else scope
        self.shown = presented(Headers(raw=scope["headers"]), settings.require_keys)
        given = self._given.get(b"x-request-id", b"")
        self.id = given.decode() if _ID.match(given) else uuid.uuid4().hex
        self.headers: list[tuple[bytes, bytes]] = [(b"x-request-id", self.id.encode()), *_SECURITY]
        self._started = time.perf_counter()
        self.status = 0
        self._taken = 0
        self._whole = False
        self._over = False
        self._done = False

    def header(self, name: bytes) -> str:
        """A header of the request; empty where it has none."""
        value: bytes = self._given.get(name, b"")
        return value.decode("latin-1")

    @property
    def client(self) -> str:
        """The client's address; of IPv6 the network that a provider gives each customer whole."""
        client = self.scope.get("client")
        return _counted_as(str(client[0])) if client else "unknown"

    def too_large(self) -> Problem | None:
        """A refusal where the announced length is beyond the bound or no number."""
        length = self._given.get(b"content-length", b"0")
        if not length.isdigit():
            return document(400, "length", "The Content-Length is no number.", "Send the body's length in bytes.")
        if int(length) > self._settings.max_body:
            return _too_large(self._settings)
        return None

    async def receive(self) -> Message:
        """The next part of the body, counted: a length need not have been announced truly."""
        message = await self._receive()
        if message["type"] == "http.disconnect" and not self._whole:
            self.leave()  # the app may answer that itself, as a body that it cannot read
        self._whole = not message.get("more_body", False)
        self._taken += len(message.get("body", b""))
        if self._taken > self._settings.max_body:
            self._over = True  # the app may answer the exception itself; `send` replaces that answer
            raise TooLargeError
        return message

    def leave(self) -> None:
        """The client went away before its body was whole; unless an answer has begun, that is what is told of it."""
        self.status = self.status or _LEFT
        self._done = True

    async def send(self, message: Message) -> None:
        """Send on, with the headers of every answer."""
        if self._over:
            await self.refuse(_too_large(self._settings))
            self._done = True
        if self._done:
            return
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [*message["headers"], *self.headers]
        await self._send(message)

    async def refuse(self, problem: Problem) -> None:
        """Answer with a problem, unless an answer has begun."""
        if self.status:
            return
        self._over = False  # what is refused here is said by this answer
        shown = shown_as(problem, self.path, self.header(b"accept"))
        await self.send({"type": "http.response.start", "status": problem.status, "headers": shown.raw_headers})
        await self._send({"type": "http.response.body", "body": shown.body})

    def finish(self) -> None:
        """The metrics of the request and its log line, which a check that finds all well has not.

        A path that no route has is nobody's: it may be any text.
        """
        seconds = time.perf_counter() - self._started
        route = getattr(self.scope.get("route"), "path", None) or (self.path if self.path == _OWN else "unknown")
        metrics.REQUESTS.labels(route, str(self.status)).inc()
        metrics.SECONDS.labels(route).observe(seconds)
        if self.path in _CHECKS and self.status == 200:
            return
        log.info(
            "request",
            id=self.id,
            method=self.method,
            route=route,
            status=self.status,
            ms=round(seconds * 1000, 2),
            bytes=self._taken,
        )


def _too_slow(exchange: _Exchange) -> Problem:
    remedy = "Ask again with a shorter text." if exchange.path in _ASKING else "Try again in a moment."
    return document(503, "timeout", "The answer took too long.", remedy)


def _too_large(settings: ServeSettings) -> Problem:
    remedy = f"Send at most {settings.max_body >> 10} KiB: the part of the log around the failure is enough."
    return document(413, "too_large", "The body is too large.", remedy)

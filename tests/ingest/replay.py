"""A forum on the loopback: real sockets, the known structure, and whatever can go wrong on the way."""

from __future__ import annotations

import gzip
import json
import socket
import struct
import threading
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from ingest.crawling import MakeFetcher
from ingest.fetching.fetcher import Fetcher
from ingest.ledger import Ledger
from ingest.sources.source import Pace
from tests.ingest.pages import Post, Row, Thread, discourse_list, discourse_topic, docc, feed, listing

ROBOTS = "User-agent: *\nDisallow: /forums/profile\nDisallow: /forums/*?view\n"
ROWS = 10
BOMB = gzip.compress(b"\0" * 40_000_000, 1)
Fault = Callable[["Handler"], None]


class Forum:
    """What the server shows. `faults` are used up one a request, by path; `log` is every request that came."""

    def __init__(self, threads: int = 13) -> None:
        self.threads = {
            800_001 + n: Thread(number=800_001 + n, title=f"Kettle number {n} joins twice") for n in range(threads)
        }
        for thread in self.threads.values():
            thread.question = Post(
                1, f"<p>The kettle {thread.number} joins, leaves and joins again.</p>", question=True
            )
        self.robots = ROBOTS
        self.pages: dict[str, tuple[str, str]] = {}  # path -> content type and body
        self.faults: dict[str, deque[Fault]] = defaultdict(deque)
        self.every: Callable[[str], Fault | None] = lambda _: None
        self.mangle: Callable[[str], str] = lambda html: html
        self.log: list[tuple[str, dict[str, str]]] = []
        self.etags = True

    def fault(self, path: str, *faults: Fault) -> None:
        """The next requests of a path go wrong in these ways."""
        self.faults[path].extend(faults)

    @property
    def asked(self) -> Counter[str]:
        """How often each address was asked for."""
        return Counter(path for path, _ in self.log)

    def page(self, target: str) -> tuple[str, str] | None:  # noqa: PLR0911 - a table of addresses
        """Content type and body of an address."""
        split = urlsplit(target)
        number = int(parse_qs(split.query).get("page", ["1"])[0])
        parts = split.path.strip("/").split("/")
        if target in self.pages:
            return self.pages[target]
        match parts:
            case ["robots.txt"]:
                return "text/plain", self.robots
            case ["forums", "thread", id] if int(id) in self.threads:
                return "text/html; charset=utf-8", self.mangle(self._thread(int(id), number))
            case ["forums", "tags", "rssFeed", _]:
                return "application/rss+xml", feed(5)
            case ["forums", "tags", slug]:
                return "text/html; charset=utf-8", self.mangle(self._listing(number, slug))
            case ["tutorials", "data", "documentation", *path]:
                return "application/json", json.dumps(docc("/".join(path).removesuffix(".json")))
            case ["tag", "networking.json"]:
                more = "/tag/networking?page=1" if "page" not in split.query else None
                return "application/json", json.dumps(discourse_list([1, 2] if more else [3], more))
            case ["t", id]:
                return "application/json", json.dumps(discourse_topic(int(id.removesuffix(".json"))))
        return None

    def _thread(self, number: int, page: int) -> str:
        thread = self.threads[number]
        total = max(1, -(-len(thread.replies) // 20))
        shown = thread.replies[(page - 1) * 20 : page * 20]
        return Thread(
            number=number, title=thread.title, question=thread.question, replies=shown, page=page, pages=total,
            stated=len(thread.replies),
        ).html()  # fmt: skip

    def _listing(self, page: int, slug: str) -> str:
        numbers = sorted(self.threads)[(page - 1) * ROWS : page * ROWS]
        rows = [Row(n, self.threads[n].title, str(len(self.threads[n].replies))) for n in numbers]
        more = page + 1 if page * ROWS < len(self.threads) else None
        return listing(rows, next_page=more, slug=slug)


class Handler(BaseHTTPRequestHandler):
    """Serves a forum, faults first."""

    protocol_version = "HTTP/1.1"
    forum: Forum

    def do_GET(self) -> None:
        """One page, or what goes wrong with it."""
        self.forum.log.append((self.path, {k.lower(): v for k, v in self.headers.items()}))
        waiting = self.forum.faults.get(self.path)
        fault = waiting.popleft() if waiting else self.forum.every(self.path)
        if fault:
            fault(self)
            return
        found = self.forum.page(self.path)
        if found is None:
            self.answer(404, b"not here")
            return
        body = found[1].encode()
        tag = f'"{hash(body) & 0xFFFFFFFF:x}"'
        if self.forum.etags and self.headers.get("if-none-match") == tag:
            self.answer(304, b"", etag=tag)
            return
        more = {"etag": tag} if self.forum.etags else {}
        if "gzip" in self.headers.get("accept-encoding", ""):
            body, more = gzip.compress(body), more | {"content-encoding": "gzip"}
        self.answer(200, body, content_type=found[0], **more)

    def answer(self, status: int, body: bytes, **headers: str) -> None:
        """Send a whole answer."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if status != 304:
            self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing on the terminal."""


def status(code: int, **headers: str) -> Fault:
    """An answer of a status."""
    return lambda h: h.answer(code, b"no", **headers)


def redirect(to: str, code: int = 302) -> Fault:
    """A redirect."""
    return lambda h: h.answer(code, b"", location=to)


gate = redirect("/forums/verify-human/?next=x")


def html(body: str, encoding: str = "utf-8") -> Fault:
    """A page in place of the one that was asked for."""
    return lambda h: h.answer(200, body.encode(encoding), content_type="text/html; charset=utf-8")


def reset(handler: Handler) -> None:
    """The connection is reset."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()
    handler.close_connection = True


def truncated(handler: Handler) -> None:
    """Less comes than was announced."""
    _begin(handler, 5000)
    handler.wfile.write(b"<html>")
    handler.close_connection = True


def truncated_gzip(handler: Handler) -> None:
    """A compressed body that ends in the middle, though as long as announced."""
    handler.answer(200, gzip.compress(b"<html>" * 900)[:-12], content_encoding="gzip")


def bomb(handler: Handler) -> None:
    """A small body that unpacks to forty megabytes."""
    handler.answer(200, BOMB, content_encoding="gzip")


def huge(handler: Handler) -> None:
    """A body without end."""
    _begin(handler, 1 << 30)
    try:
        while True:
            handler.wfile.write(b"x" * 65536)
    except OSError:
        handler.close_connection = True


def drip(handler: Handler) -> None:
    """A byte now and then."""
    _begin(handler, 5000)
    try:
        for _ in range(200):
            handler.wfile.write(b"x")
            time.sleep(0.02)
    except OSError:
        pass
    handler.close_connection = True


def drip_headers(handler: Handler) -> None:
    """Headers that never end, a byte now and then."""
    try:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        for _ in range(200):
            handler.wfile.write(b"x")
            time.sleep(0.02)
    except OSError:
        pass
    handler.close_connection = True


def silence(handler: Handler) -> None:
    """Nothing comes at all."""
    time.sleep(1)
    handler.close_connection = True


def _begin(handler: Handler, length: int) -> None:
    handler.send_response(200)
    handler.send_header("content-length", str(length))
    handler.end_headers()


class Loopback(httpx.AsyncBaseTransport):
    """Sends what is meant for any host to the server on the loopback, over a real connection."""

    def __init__(self, port: int) -> None:
        self._port, self._real = port, httpx.AsyncHTTPTransport(verify=False)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The request, sent there."""
        url = request.url.copy_with(scheme="http", host="127.0.0.1", port=self._port)
        sent = httpx.Request(
            request.method, url, headers=request.headers, stream=request.stream, extensions=request.extensions
        )
        return await self._real.handle_async_request(sent)

    async def aclose(self) -> None:
        """Close the connection."""
        await self._real.aclose()


class Replay:
    """A running server: its forum, the pauses that a fetcher made, and how to make one that asks it."""

    def __init__(self, forum: Forum, port: int) -> None:
        self.forum, self.port = forum, port
        self.pauses: list[float] = []
        self.settings: dict[str, Any] = {}
        self.pace = Pace(0, 0, 1000, 10_000)

    def fetcher(self, ledger: Ledger, _pace: Pace | None = None) -> Fetcher:
        """A fetcher at a pace for tests."""
        return Fetcher(ledger, self.pace, transport=Loopback(self.port), sleep=self.pauses.append, **self.settings)

    @property
    def make(self) -> MakeFetcher:
        """For `fetch_source`."""
        return self.fetcher


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """A client that hangs up is no news here."""


@contextmanager
def replay(forum: Forum | None = None) -> Iterator[Replay]:
    """Serve a forum on a port of the loopback."""
    shown = forum or Forum()
    handler = type("Handler", (Handler,), {"forum": shown})
    server = _Server(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield Replay(shown, server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

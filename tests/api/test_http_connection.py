"""A connection before its request is read: bounded in length and in time, and answered in the form of all else."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn

from api.http import connection
from api.http.connection import LONGEST_HEAD, Connection

HOST = b"Host: localhost\r\n"
PATIENCE = 0.6  # seconds, for these tests


async def echo(scope: dict[str, object], receive: object, send: object) -> None:
    """Answers with the length of the body; under `/slow` after longer than a head may take, under `/deaf` unread."""
    if scope["type"] != "http":
        return
    size = 0
    if scope["path"] != "/deaf":
        more = True
        while more:
            message = await receive()  # type: ignore[operator]
            size += len(message.get("body", b""))
            more = message.get("more_body", False)
    if scope["path"] == "/slow":
        await connection.asyncio.sleep(3 * PATIENCE)
    length = [(b"content-length", str(len(str(size))).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": length})  # type: ignore[operator]
    await send({"type": "http.response.body", "body": str(size).encode()})  # type: ignore[operator]


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """A server of such connections, with little patience."""
    with pytest.MonkeyPatch.context() as patch, socket.socket() as bound:
        patch.setattr(connection, "PATIENCE", PATIENCE)
        bound.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(echo, http=Connection, lifespan="off", log_level="critical"))  # type: ignore[arg-type]
        thread = threading.Thread(target=server.run, args=([bound],))
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield bound.getsockname()[1]
        server.should_exit = True
        thread.join()


@contextlib.contextmanager
def connected(port: int) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as made:
        yield made


def told(made: socket.socket) -> bytes:
    """Everything that comes until the server ends the connection, or resets it."""
    came = b""
    with contextlib.suppress(ConnectionResetError):
        while part := made.recv(1 << 16):
            came += part
    return came


@pytest.mark.parametrize("head", [b"X-A: " + b"a" * LONGEST_HEAD, b"X-A: a\r\n" * 9_000])
def test_a_head_that_does_not_end_is_refused(port: int, head: bytes) -> None:
    """The parser would keep all of it, and copy a long header with each piece that comes."""
    with connected(port) as made:
        made.sendall(b"GET / HTTP/1.1\r\n" + HOST + head)
        answer = told(made)
    assert answer.startswith(b"HTTP/1.1 431 ")
    problem = json.loads(answer.partition(b"\r\n\r\n")[2])
    assert problem["code"] == "head"
    assert problem["remedy"]


def test_a_question_that_is_too_long_for_an_address_is_told_where_to_go(port: int) -> None:
    with connected(port) as made:
        made.sendall(b"GET /v1/ask?query=" + b"%E3%82%B3" * 8_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n")
        answer = told(made)
    assert answer.startswith(b"HTTP/1.1 431 ")
    assert b"POST /v1/ask" in answer


def test_what_stands_behind_a_body_is_bounded_as_well(port: int) -> None:
    with connected(port) as made:
        made.sendall(b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n0\r\nX-A: ")
        with contextlib.suppress(OSError):
            for _ in range(64):
                made.sendall(b"a" * LONGEST_HEAD)
        assert b" 200 " not in told(made)


def test_long_heads_and_bodies_within_the_bound_are_answered_on_one_connection(port: int) -> None:
    one = (
        b"POST / HTTP/1.1\r\n"
        + HOST
        + b"X-A: "
        + b"a" * 60_000
        + b"\r\nContent-Length: 300000\r\n\r\n"
        + b"b" * 300_000
    )
    last = b"GET / HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n"
    with connected(port) as made:
        made.sendall(one * 3 + last)
        answer = told(made)
    assert answer.count(b"HTTP/1.1 200 ") == 4
    assert answer.count(b"300000") == 3


def test_what_is_no_http_is_told_as_a_problem(port: int) -> None:
    with connected(port) as made:
        made.sendall(b"GARBAGE\r\n\r\n")
        answer = told(made)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"application/problem+json" in answer


@pytest.mark.parametrize("said", [b"", b"GET / HTTP/1.1\r\nHost"])
def test_who_says_nothing_or_trickles_is_not_waited_for(port: int, said: bytes) -> None:
    """A client that was cut off, or holds on to as many connections as it can, would keep each for ever."""
    began = time.monotonic()
    with connected(port) as made:
        made.settimeout(PATIENCE / 4)
        made.sendall(said)
        with contextlib.suppress(ConnectionError):
            while time.monotonic() < began + 10 * PATIENCE:
                try:
                    if not made.recv(10):
                        break
                except TimeoutError:
                    made.sendall(b"x" if said else b"")
    assert time.monotonic() < began + 4 * PATIENCE


def test_a_body_that_trickles_behind_its_answer_is_not_waited_for(port: int) -> None:
    began = time.monotonic()
    with connected(port) as made:
        made.settimeout(PATIENCE / 4)
        made.sendall(b"POST /deaf HTTP/1.1\r\n" + HOST + b"Content-Length: 900\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            while time.monotonic() < began + 10 * PATIENCE:
                try:
                    if not made.recv(1_000):
                        break
                except TimeoutError:
                    made.sendall(b"x")
    assert time.monotonic() < began + 4 * PATIENCE


def test_an_answer_that_takes_longer_than_a_head_may_is_waited_for(port: int) -> None:
    """Also with half a head behind it, which is not read as long as the answer is made."""
    with connected(port) as made:
        made.sendall((b"GET /slow HTTP/1.1\r\n" + HOST + b"\r\n") + b"GET / HTTP/1.1\r\n")
        assert made.recv(1_000).startswith(b"HTTP/1.1 200 ")


@pytest.mark.slow
def test_who_ends_what_it_says_still_reads_its_answer(port: int) -> None:
    """`nc` does so: it sends what it was given and says that no more will come."""
    with connected(port) as made:
        made.sendall((b"GET / HTTP/1.1\r\n" + HOST + b"\r\n") * 2 + b"GET /slow HTTP/1.1\r\n" + HOST + b"\r\n")
        made.shutdown(socket.SHUT_WR)
        assert told(made).count(b"HTTP/1.1 200 ") == 3


def test_who_ends_in_the_middle_of_a_body_is_not_waited_for(port: int) -> None:
    with connected(port) as made:
        made.sendall(b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 900\r\n\r\nabc")
        made.shutdown(socket.SHUT_WR)
        assert told(made) == b""

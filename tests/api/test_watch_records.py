"""The watch with records that are busy, and with targets that ask to wait for ever."""

from __future__ import annotations

import datetime as dt
import sqlite3
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.exc import SQLAlchemyError
from structlog.testing import capture_logs

from api.cli.main import _for_people
from api.cli.watch import _once
from api.records import deliveries
from api.records.tables import deliveries as table
from api.triage import watching
from api.triage.targets import Target, WebhookTarget
from api.triage.watching import Watch
from kb.documents import Document
from tests.api.watched import Recorder, judged, thread


@pytest.fixture
def other(tmp_path: Path, hasty: Engine) -> Iterator[sqlite3.Connection]:
    """Another writer of the same records."""
    connection = sqlite3.connect(tmp_path / "records.db", isolation_level=None, check_same_thread=False)
    yield connection
    connection.close()


@pytest.mark.slow
def test_a_watch_outlasts_records_that_are_busy(
    hasty: Engine, other: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "_PULSE", 0.01)
    looks, target = 0, Recorder()

    def read() -> list[Document]:
        nonlocal looks
        looks += 1
        if looks == 4:
            raise KeyboardInterrupt
        if looks > 1:
            other.execute("begin immediate" if looks == 2 else "rollback")
        return [thread(2), thread(1)] if looks > 1 else [thread(1)]

    with capture_logs() as said, pytest.raises(KeyboardInterrupt):
        Watch(hasty, [target], read, judged, 23).run(0)
    assert [line for line in said if line["event"] == "database"] == [
        {"event": "database", "error": "OperationalError", "log_level": "warning"}
    ]
    assert target.got == [("thread-2", False)]


@pytest.mark.slow
def test_what_was_sent_while_the_records_became_busy_is_in_doubt_and_not_lost(
    hasty: Engine, other: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "_PULSE", 0.01)
    feed, got = [thread(1)], []

    class Busy(Recorder):
        def send(self, delivery: deliveries.Delivery, message: dict[str, Any]) -> None:
            got.append((message["key"], delivery.in_doubt))
            if len(got) == 2:
                raise KeyboardInterrupt
            other.execute("begin immediate")
            threading.Timer(1.5, lambda: other.execute("rollback")).start()

    watch = Watch(hasty, [Busy()], lambda: feed, judged, 23)
    watch.look()
    feed.insert(0, thread(2))
    with pytest.raises(KeyboardInterrupt):
        watch.run(3600)
    assert got == [("thread-2", False), ("thread-2", True)]


def test_a_single_look_at_busy_records_is_told_in_a_sentence(hasty: Engine, other: sqlite3.Connection) -> None:
    watch = Watch(hasty, [Recorder()], lambda: [thread(1)], judged, 23)
    other.execute("begin immediate")
    with pytest.raises(SQLAlchemyError) as raised:
        _once(watch)
    told = _for_people(raised.value)
    assert told is not None
    assert (told.sentence, told.code) == (
        "The database of keys and feedback does not answer: another process holds it.",
        "database",
    )
    other.execute("rollback")
    assert _once(watch) == 0


@pytest.fixture
def asking() -> Iterator[tuple[str, list[str]]]:
    """A webhook that answers 429 with the `Retry-After` of a list; and the list."""
    waits = [""]

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(429)
            self.send_header("retry-after", waits[0])
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/hook", waits
    server.shutdown()
    server.server_close()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("asked", "seconds"),
    [
        ("7", 7),
        ("3600", 3600),
        ("99999999", 3600),
        ("9" * 400, 3600),
        ("Fri, 31 Dec 9999 23:59:59 -2300", 3600),
        ("Mon, 1 Jan 0001 00:00:00 +2300", 60),
        ("-5", 60),
        ("nan", 60),
    ],
)
def test_a_target_that_asks_to_wait_is_given_an_hour_at_most(
    hasty: Engine, asking: tuple[str, list[str]], asked: str, seconds: int
) -> None:
    address, asking[1][0] = asking[0], asked
    target: Target = WebhookTarget(address)
    deliveries.note(hasty, target.key, {"digest:2026-11-20": {"until": "2026-11-20T08:00:00", "threads": []}})
    before = dt.datetime.now(dt.UTC)
    assert Watch(hasty, [target], list, judged, 23).deliver() == 0
    with hasty.connect() as db:
        found = db.execute(select(table.c.not_before, table.c.state)).one()
    waits = (dt.datetime.fromisoformat(found.not_before) - before).total_seconds()
    assert seconds - 2 <= waits <= seconds + 10
    assert found.state == "queued"

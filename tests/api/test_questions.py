"""Questions that are kept: without secrets and persons, each for itself, and none slows an answer."""

from __future__ import annotations

import logging
import sqlite3
import time
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from api.records import questions
from api.records.tables import questions as table


def row(query: str) -> dict[str, object]:
    found = {"outcome": "answered", "confidence": 1.0, "card": None}
    return {"at": "2026-11-20", "query": query, "surface": "http", **found}


def kept(engine: Engine) -> list[str]:
    with engine.connect() as db:
        return [found.query for found in db.execute(select(table.c.query).order_by(table.c.id))]


def test_a_text_that_cannot_be_written_takes_no_other_with_it(hasty: Engine, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "nekb.records"):
        questions._write(hasty, [row("a good one"), row("secret-word \ud800"), row("another good one")])
    assert kept(hasty) == ["a good one", "another good one"]
    assert [record.getMessage() for record in caplog.records] == ["questions not kept: 1 (UnicodeEncodeError)"]


def test_a_busy_database_is_asked_once_and_said(
    hasty: Engine, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    other = sqlite3.connect(tmp_path / "records.db", isolation_level=None)
    other.execute("begin immediate")
    started = time.monotonic()
    questions._write(hasty, [row("a"), row("b"), row("c"), row("d")])
    assert time.monotonic() - started < 3, "each row waited for itself"
    assert [record.getMessage() for record in caplog.records] == ["questions not kept: 4 (OperationalError)"]
    other.execute("rollback")
    other.close()
    questions._write(hasty, [row("e")])
    assert kept(hasty) == ["e"]

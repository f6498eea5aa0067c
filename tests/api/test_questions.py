"""Questions that are kept: without secrets and persons, each for itself, and none slows an answer."""

from __future__ import annotations

import logging
import sqlite3
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, select

from api.records import questions
from api.records.questions import redacted
from api.records.tables import questions as table


def row(query: str) -> dict[str, object]:
    found = {"outcome": "answered", "confidence": 1.0, "card": None}
    return {"at": "2026-11-20", "query": query, "surface": "http", **found}


def kept(engine: Engine) -> list[str]:
    with engine.connect() as db:
        return [found.query for found in db.execute(select(table.c.query).order_by(table.c.id))]


@pytest.mark.parametrize("before", ["", "mailto:", "(", "two@", "x@y-", "a@b.c+"])
@pytest.mark.parametrize("mail", ["me@example.com", "a.b+c-d@mail.example.co.jp", f"{'long' * 200}@example.com"])
def test_no_mail_address_is_kept(before: str, mail: str) -> None:
    shown = redacted(f"ask {before}{mail} for it")
    assert "example" not in shown
    assert mail.partition("@")[0] not in shown
    assert shown.endswith("<mail> for it")


@given(st.text(alphabet="ab._-+@ ", max_size=30), st.text(alphabet="ab._-+@ ", max_size=30))
def test_no_mail_address_is_kept_whatever_stands_around(before: str, after: str) -> None:
    assert "me@host.example" not in redacted(f"{before}me@host.example{after}")


@pytest.mark.parametrize(
    ("said", "secret"),
    [
        ("jwt eyJhbGciOi.eyJzdWIi.c2lnbmF0dXJl!", "eyJzdWIi"),
        ("id-eyJhbGciOi.eyJzdWIi.c2lnbmF0dXJl", "eyJzdWIi"),
        ("password: hunter2, and so on", "hunter2"),
        ('{"password": "hunter2"}', "hunter2"),
        ("psk 'hunter2'", "hunter2"),
        ("Authorization: Bearer opaque-word", "opaque-word"),
        ('"authorization": "Basic dXNlcjpwdw=="', "dXNlcjpwdw"),
        ("key sk-abcdefghij0123456789", "abcdefghij"),
        ("-----BEGIN PRIVATE KEY-----\nMIIabc\n-----END PRIVATE KEY----- then", "MIIabc"),
        ("from 10.0.0.17 to 00:1A:2b:3c:4d:5e", "10.0.0.17"),
        ("in /Users/jane/Library/Logs", "jane"),
    ],
)
def test_no_secret_is_kept(said: str, secret: str) -> None:
    assert secret not in redacted(said)


@pytest.mark.parametrize("run", ["ab01", "eyJ-", "eyJa.", "a@", "token ", "1.", "/Users/"])
def test_a_paste_of_a_megabyte_is_read_at_once(run: str) -> None:
    started = time.process_time()
    redacted(run * (1_000_000 // len(run)))
    assert time.process_time() - started < 3


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

"""The write-ahead log: only a file that others hold is waited for."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from pathlib import Path

import pytest

from kb.journal import write_ahead


def test_a_file_that_may_not_be_written_is_refused_at_once(tmp_path: Path) -> None:
    file = tmp_path / "some.db"
    with contextlib.closing(sqlite3.connect(file)) as db:
        db.execute("create table some (x)")
    with contextlib.closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as db:
        started = time.monotonic()
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            write_ahead(db, 10)
        assert time.monotonic() - started < 5


def test_a_file_that_another_keeps_is_given_up_after_a_while(tmp_path: Path) -> None:
    file = tmp_path / "some.db"
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("create table some (x)")
        other.execute("begin exclusive")
        with contextlib.closing(sqlite3.connect(file, timeout=0)) as db:
            with pytest.raises(sqlite3.OperationalError, match="locked"):
                write_ahead(db, 0.1)
            other.execute("commit")
            write_ahead(db, 0.1)
            assert db.execute("pragma journal_mode").fetchone() == ("wal",)

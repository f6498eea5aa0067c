"""Opening the database: SQLite in the data directory, or whatever `NEKB_DATABASE_URL` names."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.exc import SQLAlchemyError

from api.records.tables import metadata
from kb.errors import NekbError


def database_url(home: Path) -> str:
    """The address of the database; it may hold a password, so it is never shown."""
    return os.environ.get("NEKB_DATABASE_URL") or f"sqlite:///{home / 'records.db'}"


def open_database(home: Path) -> Engine:
    """The engine, with the tables made where they are missing. Raises `NekbError` where it cannot be reached."""
    home.mkdir(parents=True, exist_ok=True)
    return _engine(database_url(home))


@lru_cache(maxsize=8)
def _engine(url: str) -> Engine:
    try:
        engine = create_engine(url, pool_pre_ping=True)
        if engine.dialect.name == "sqlite":
            event.listen(engine, "connect", _careful)
        metadata.create_all(engine)
    except SQLAlchemyError as error:
        raise NekbError(
            "The database of keys and feedback cannot be used.",
            "Check NEKB_DATABASE_URL, or the permissions of records.db in the data directory.",
            code="database",
        ) from error
    return engine


def _careful(connection: object, _record: object) -> None:
    cursor = connection.cursor()  # type: ignore[attr-defined]
    cursor.execute("pragma journal_mode = wal")
    cursor.execute("pragma busy_timeout = 10000")
    cursor.close()

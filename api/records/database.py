"""Opening the database: SQLite in the data directory, or the PostgreSQL that `NEKB_DATABASE_URL` names.

The tables are brought to the newest revision when a process first opens it; several may start at once, and one of them
does it while the others wait.
"""

from __future__ import annotations

import contextlib
import os
import re
import sqlite3
from functools import lru_cache
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from ingest.room import no_room, tells_of_no_room
from kb.errors import NekbError, install
from kb.journal import write_ahead

HEAD = "0001"  # the newest revision of `api.records.migrations`; kept here so that opening need not import alembic
_WAIT = 10  # seconds a connection may take to be had
_LOCK = 0x6E656B62  # an advisory lock's number on PostgreSQL: "nekb"
_MIGRATIONS = Path(__file__).parent / "migrations"
_HELD = re.compile(r"\b(?:locked|busy|lock timeout|statement timeout|QueuePool limit)\b")  # in whichever's words
_ALWAYS: dict[str, Any] = {"pool_pre_ping": True, "hide_parameters": True}  # an error's words would quote questions


def database_url(home: Path) -> str | URL:
    """The address of the database; it may hold a password, so it is never shown."""
    return os.environ.get("NEKB_DATABASE_URL") or URL.create("sqlite", database=str(home / "records.db"))


def open_database(home: Path) -> Engine:
    """The engine, its tables up to date. Raises `NekbError` where it cannot be reached or a newer nekb changed it."""
    home.mkdir(parents=True, exist_ok=True)
    return _engine(database_url(home))


@lru_cache(maxsize=8)
def _engine(address: str | URL) -> Engine:
    try:
        engine = _created(make_url(address))
        with engine.connect() as db:
            revision = _revision(db)
        if revision != HEAD:
            _migrate(engine)
    except (SQLAlchemyError, ImportError, ValueError) as error:
        missing = isinstance(error, ImportError | NoSuchModuleError)
        told = _not_installed() if missing else unusable(error, address)
        # The words of these repeat the address, or a part of it.
        raise told from (None if isinstance(error, ArgumentError | ValueError) else error)
    return engine


def unusable(error: Exception, address: str | URL) -> NekbError:
    """What to tell a person of an error of the database at this address, at the start or later."""
    if (file := _file(address)) and tells_of_no_room(error, file):
        return no_room(file)
    if isinstance(error, SQLAlchemyError) and _HELD.search(str(error)):
        return NekbError(
            "The database of keys and feedback does not answer: another process holds it.",
            "Try again in a moment; nothing is lost.",
            code="database",
        )
    return _failed(
        "Check NEKB_DATABASE_URL, or records.db in the data directory: its permissions, and who else holds it."
    )


def _not_installed() -> NekbError:
    return _failed(f"Install nekb with {install('postgresql')}, or use SQLite.")


def _failed(remedy: str) -> NekbError:
    return NekbError("The database of keys and feedback cannot be used.", remedy, code="database")


def _file(address: str | URL) -> Path | None:
    """The file of a database of SQLite's; None for any other, and for an address that is none."""
    try:
        url = make_url(address)
        return Path(url.database) if url.database and url.get_backend_name() == "sqlite" else None
    except (SQLAlchemyError, ValueError):
        return None


def _created(url: URL) -> Engine:
    if url.get_backend_name() == "sqlite":
        _make_private(url)
        # Who waits for another writer holds a connection; as many as there are threads cost a file or two each.
        engine = create_engine(url, **_ALWAYS, max_overflow=-1)
        event.listen(engine, "connect", _careful)
        return engine
    if url.drivername in ("postgresql", "postgres"):
        url = url.set(drivername="postgresql+psycopg")
    waiting = {"connect_timeout": 5, "options": f"-c statement_timeout={_WAIT}s -c lock_timeout={_WAIT}s"}
    engine = create_engine(url, **_ALWAYS, pool_timeout=_WAIT, pool_recycle=1800, connect_args=waiting)
    if engine.dialect.driver == "psycopg":
        event.listen(engine, "do_connect", _patient)
    return engine


def _make_private(url: URL) -> None:
    """Make a file that is not there yet, for its owner alone: it will hold what people asked.

    SQLite makes the files beside it with the same permissions, and leaves those of a file that is there as they are.
    """
    if url.database and url.database != ":memory:" and not url.query:
        with contextlib.suppress(OSError):  # whatever is wrong with the place, SQLite finds it too, and it is told
            os.close(os.open(url.database, os.O_RDWR | os.O_CREAT, 0o600))


def _revision(db: Connection) -> str | None:
    if not inspect(db).has_table("alembic_version"):
        return None
    return db.execute(text("select version_num from alembic_version")).scalar()


def _migrate(engine: Engine) -> None:
    """Take the steps that are missing, in one transaction that keeps others waiting."""
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    with engine.connect() as db:
        if engine.dialect.name == "sqlite":
            db.exec_driver_sql("begin immediate")
        else:
            db.execute(text("select pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        revision = _revision(db)
        if revision is not None and revision not in known:
            raise NekbError(
                "The database of keys and feedback was changed by a newer nekb.", "Update nekb.", code="database"
            )
        config.attributes["connection"] = db
        command.upgrade(config, "head")
        db.commit()


def _patient(_dialect: object, _record: object, arguments: list[Any], named: dict[str, Any]) -> object:
    from api.records.patience import PatientConnection

    return PatientConnection.connect(*arguments, **named)


def _careful(connection: sqlite3.Connection, _record: object) -> None:
    connection.execute(f"pragma busy_timeout = {_WAIT * 1000}")
    write_ahead(connection, _WAIT)

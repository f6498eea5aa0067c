"""A clock that ran ahead: the times it left in the store hide all that comes after, until it is really that late."""

from __future__ import annotations

import datetime as dt
import sqlite3

_HAPPENED = (
    ("captures", "fetched_at"), ("parts", "seen_at"), ("documents", "first_seen"), ("documents", "last_changed"),
    ("documents", "gone_at"), ("addresses", "fetched_at"), ("hosts", "robots_at"), ("shapes", "first_seen"),
    ("runs", "started_at"), ("runs", "ended_at"),
)  # fmt: skip
_RESTS = (("addresses", "retry_at"), ("hosts", "closed_until"))
_DRIFT = dt.timedelta(minutes=1)  # by which clocks differ without anything being wrong
_WRITTEN = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)  # a clock that shows less is wrong itself


def ran_ahead(db: sqlite3.Connection) -> str | None:
    """The latest time there is, where a clock ran ahead and left it; None where none did."""
    now, latest = _now(), _latest(db)
    return latest if latest is not None and latest > (now + _DRIFT).isoformat() and now >= _WRITTEN else None


def bring_back(db: sqlite3.Connection) -> None:
    """Set every time after now to now. What rests until some time rests for a day at most. Needs a transaction."""
    now = _now()
    for table, column in _HAPPENED:
        _at_most(db, table, column, now.isoformat())
    for table, column in _RESTS:
        _at_most(db, table, column, (now + dt.timedelta(days=1)).isoformat())
    for table in ("parts", "documents"):  # a label counts from the day it was shown on
        today, captured = now.date().isoformat(), "json_extract(body, '$.captured')"
        sql = f"update {table} set body = json_set(body, '$.captured', ?) where {captured} > ?"  # noqa: S608 - ours
        db.execute(sql, (today, today))


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC).replace(microsecond=0)


def _latest(db: sqlite3.Connection) -> str | None:
    """The latest time among those that every run and every fetch leaves; the tables are small."""
    sql = (
        "select max(at) from (select max(started_at) as at from runs union all select max(ended_at) from runs"
        " union all select max(fetched_at) from addresses)"
    )
    found: str | None = db.execute(sql).fetchone()[0]
    return found


def _at_most(db: sqlite3.Connection, table: str, column: str, moment: str) -> None:
    db.execute(f"update {table} set {column} = ? where {column} > ?", (moment, moment))  # noqa: S608 - our own names

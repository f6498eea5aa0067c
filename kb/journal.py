"""SQLite's write-ahead log, which lets others read while one writes."""

from __future__ import annotations

import sqlite3
import time

_PAUSE = 0.02  # seconds


def write_ahead(db: sqlite3.Connection, patience: float) -> None:
    """Switch a file to the write-ahead log, waiting for others at most `patience` seconds.

    Of several that switch a new file at once SQLite refuses all but one, and its own timeout lets none of them wait.
    Raises `sqlite3.OperationalError` after that, and at once for whatever else is wrong with the file.
    """
    end = time.monotonic() + patience
    while True:
        try:
            db.execute("pragma journal_mode = wal")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > end:  # the primary code
                raise
            time.sleep(_PAUSE)
        else:
            return

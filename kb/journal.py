"""SQLite's write-ahead log, which lets others read while one writes."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from urllib.parse import quote

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


def open_unwritable(path: Path, patience: float) -> sqlite3.Connection:
    """Open a file that may be read and not written, waiting for others at most `patience` seconds.

    To read beside a log SQLite needs the log's own files, or to make them. Where they are not there nobody has the file
    open, so that it can be read as if it never changed.
    """
    asleep = "" if path.with_name(f"{path.name}-wal").exists() else "&immutable=1"
    address = f"file:{quote(bytes(path))}?mode=ro{asleep}"
    return sqlite3.connect(address, uri=True, timeout=patience, isolation_level=None)

"""The time of a record."""

from __future__ import annotations

import datetime as dt


def now() -> str:
    """ISO 8601 in UTC, to the second."""
    return dt.datetime.now(dt.UTC).replace(microsecond=0).isoformat()

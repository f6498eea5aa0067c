"""The time of a record."""

from __future__ import annotations

import datetime as dt


def now(later: float = 0) -> str:
    """ISO 8601 in UTC, to the second; so many seconds `later` than now."""
    return (dt.datetime.now(dt.UTC) + dt.timedelta(seconds=later)).replace(microsecond=0).isoformat()

"""What a list shows of the last activity in a thread, `1w` or `Mar ’26`, as a day."""

from __future__ import annotations

import datetime as dt
import re

_SHOWN = re.compile(r"(?P<what>.+?)(?: \(as of (?P<shown>\d{4}-\d\d-\d\d)\))?")
_AGE = re.compile(r"(?P<count>\d{1,3})\s?(?P<unit>mo|min|[smhdwy])|now")
_MONTH = re.compile(r"(?P<month>[A-Z][a-z]{2})[a-z]*\.?\s[’'‘]?(?P<year>(?:20)?\d\d)")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DAYS = {"d": 1, "w": 7, "mo": 30, "y": 365}


def last_day(activity: str) -> str | None:
    """The last day (ISO 8601) that an activity can mean, as `Head.activity` has it; None where it cannot be read."""
    if (parts := _SHOWN.fullmatch(activity)) is None:
        return None
    try:
        shown = dt.date.fromisoformat(parts["shown"]) if parts["shown"] else None
        meant = _meant(parts["what"], shown)
    except (ValueError, OverflowError):  # no day at all, or one before all calendars
        return None
    return min(meant, shown or meant).isoformat() if meant else None


def _meant(what: str, shown: dt.date | None) -> dt.date | None:
    if age := _AGE.fullmatch(what):
        return shown and shown - dt.timedelta(int(age["count"] or 0) * _DAYS.get(age["unit"], 0))
    if month := _MONTH.fullmatch(what):
        year, number = int(month["year"][-2:]) + 2000, _MONTHS.index(month["month"]) + 1
        return dt.date(year + number // 12, number % 12 + 1, 1) - dt.timedelta(1)
    return dt.date.fromisoformat(what)

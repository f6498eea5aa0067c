"""The age that a list shows of a thread's last activity (`6h`, `1w`, `Mar ’26`), and the span of time it stands for.

How the forum rounds is not known: `1w` may be counted down, rounded, or counted by the calendar. A span is as wide as
the widest of these, so that two labels of the same moment always meet, whenever they were shown.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import NamedTuple

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
ACTIVITY = re.compile(
    rf"^(?:now|(?P<count>\d{{1,3}})\s?(?P<unit>s|m|min|h|d|w|mo|y)"
    rf"|(?P<month>{'|'.join(_MONTHS)})[a-z]*\.?\s[’'‘]?(?P<year>\d{{2,4}}))$"
)
_SHOWN = re.compile(r"(?P<label>.+?)(?: \(as of (?P<shown>\d{4}-\d\d-\d\d)\))?")
_DAY = dt.timedelta(days=1)
_UNITS = {
    "s": dt.timedelta(seconds=1), "m": dt.timedelta(minutes=1), "min": dt.timedelta(minutes=1),
    "h": dt.timedelta(hours=1), "d": _DAY, "w": 7 * _DAY, "mo": 31 * _DAY, "y": 366 * _DAY,
}  # fmt: skip


class Span(NamedTuple):
    """From when to when something may have happened; ISO 8601 in UTC, to the second."""

    first: str
    last: str

    def meets(self, other: Span) -> bool:
        """Whether both may stand for the same moment."""
        return self.first <= other.last and other.first <= self.last


def activity_span(label: str, shown: str) -> Span | None:
    """When the last activity was, by a label and the time or the day (ISO 8601, UTC) on which it was shown.

    None for what is no such label, or names a month that had not come yet.
    """
    found = ACTIVITY.match(label)
    if found is None:
        return None
    try:
        earliest = dt.datetime.fromisoformat(shown).replace(tzinfo=dt.UTC)
        latest = earliest + _DAY if len(shown) == len("2026-03-18") else earliest
        if found["month"]:
            begin, next_month = _month(found)
            end = min(next_month + _DAY, latest)  # where the forum's clock stands is unknown
        else:
            count, unit = _age(found)
            begin, end = earliest - (count + 1) * unit, latest - max(count - 1, 0) * unit
    except (ValueError, OverflowError):
        return None
    if begin > end:
        return None
    return Span(begin.isoformat(timespec="seconds"), end.isoformat(timespec="seconds"))


def last_day(activity: str) -> str | None:
    """The day (ISO 8601) that an activity with the day it was shown on stands for: of a month its last.

    None for what is neither that nor a day, as an age of which nobody knows when it was shown.
    """
    parts = _SHOWN.fullmatch(activity)
    found = ACTIVITY.match(parts["label"]) if parts else None
    try:
        if parts is None or found is None:
            return dt.date.fromisoformat(activity).isoformat()
        shown = dt.date.fromisoformat(parts["shown"]) if parts["shown"] else None
        if found["month"]:
            last = _month(found)[1].date() - _DAY
            return (min(last, shown) if shown else last).isoformat()
        count, unit = _age(found)
        return (shown - count * unit).isoformat() if shown else None
    except (ValueError, OverflowError):  # no day at all, or one before all calendars
        return None


def _month(found: re.Match[str]) -> tuple[dt.datetime, dt.datetime]:
    """When the month of a label begins, and the next one."""
    year = int(found["year"]) + (2000 if len(found["year"]) == len("26") else 0)
    begin = dt.datetime(year, _MONTHS.index(found["month"]) + 1, 1, tzinfo=dt.UTC)
    return begin, (begin + 31 * _DAY).replace(day=1)


def _age(found: re.Match[str]) -> tuple[int, dt.timedelta]:
    """Of how many units a label tells, and the unit."""
    return int(found["count"] or 0), _UNITS[found["unit"] or "min"]

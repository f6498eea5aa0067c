"""A capture: one fetched or imported page, kept as it came."""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass


@dataclass(frozen=True)
class Capture:
    """The bytes of a page with the address they came from and the time (ISO 8601, UTC).

    `address` is a URL for fetched pages and `file:<name>` for imported ones; `source` names what brought it.
    """

    address: str
    source: str
    fetched_at: str
    body: bytes

    @property
    def sha256(self) -> str:
        """The hash that tells whether a page is already kept."""
        return hashlib.sha256(self.body).hexdigest()

    @property
    def day(self) -> str:
        """The day of the capture."""
        return self.fetched_at[:10]


def past(moment: dt.datetime) -> str:
    """A time as ISO 8601 in UTC, to the second; a clock that runs ahead does not make a page come from the future."""
    known = moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
    return min(known, dt.datetime.now(dt.UTC)).astimezone(dt.UTC).replace(microsecond=0).isoformat()


def utc_now() -> str:
    """The time as ISO 8601 in UTC, to the second."""
    return dt.datetime.now(dt.UTC).replace(microsecond=0).isoformat()

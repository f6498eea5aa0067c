"""What became of a request."""

from __future__ import annotations

from dataclasses import dataclass

from ingest.ledger import later


@dataclass(frozen=True)
class Got:
    """A page that came: `address` is where it came from after redirects. `body` is None for 304, not modified."""

    address: str
    status: int
    body: bytes | None
    etag: str | None = None
    last_modified: str | None = None


class FetchError(Exception):
    """A page that did not come. `again_after` is when it may be asked again (ISO 8601), None for the next run."""

    def __init__(self, what: str, *, status: int | None = None, again_after: str | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.status = status
        self.again_after = again_after


class ParkedError(FetchError):
    """It failed before, and the time until which it is left alone has not come."""


class GoneError(FetchError):
    """The page is no longer there (404, 410)."""


class RefusedError(FetchError):
    """It is not to be asked: robots.txt, a host that is no source, a redirect out of the sources."""


class UnreachableError(FetchError):
    """The network or the server failed, again and again."""


class ClosedError(FetchError):
    """The host asked for a human, or forbade: nothing more of it is asked for a day."""


class BudgetError(FetchError):
    """The requests of this run or of this day are used up."""


def rests_until(error: FetchError) -> str | None:
    """Until when an address is left alone after a failure (ISO 8601); None where it may be asked at any time."""
    if error.again_after or isinstance(error, GoneError | RefusedError):
        return error.again_after
    return later(days=1)

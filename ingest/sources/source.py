"""What a source is: which addresses it has, how to read its pages, where they lead, how often one may ask."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from ingest.parsing.page import Page, PageKind, ParsedPage, Row


@dataclass(frozen=True)
class Pace:
    """How often a host may be asked: seconds between two requests, random seconds more, requests a run and a day."""

    seconds: float
    jitter: float
    per_run: int
    per_day: int


# Slower than the habits of other tools that read these pages; nothing is published about what is welcome.
FORUM_PACE = Pace(5.0, 3.0, 200, 500)
DOCS_PACE = Pace(1.5, 0.5, 200, 500)


class Source(Protocol):
    """One source. Pages that a person saved pass through `classify` and `parse` as fetched ones do."""

    name: str
    about: str
    starts: tuple[str, ...]
    pace: Pace

    def owns(self, address: str, /) -> bool:
        """Whether an address is this source's to fetch."""

    def request(self, address: str, /) -> str:
        """What to fetch for the address that a person sees in a browser."""

    def fallback(self, address: str, /) -> str | None:
        """What to fetch when that answers with nothing usable; None where there is nothing else."""

    def classify(self, page: Page, /) -> PageKind | None:
        """What a page is, if it is one of this source's."""

    def parse(self, page: Page, kind: PageKind, /) -> ParsedPage:
        """Read a page of a kind that `classify` returned."""

    def follow(self, page: ParsedPage, /) -> Iterable[Row]:
        """The pages that this one leads to."""

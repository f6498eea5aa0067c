"""A run over a source: listings first, then what they lead to, each page committed before it is read.

What is still to fetch is in the store, so a run that is killed, loses the network or uses up its requests goes on
where it stopped. A page of a listing that shows nothing new ends the walk; a walk that never reached the last page
of a listing goes on from there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from ingest.addresses import canonical, page_address, page_number, source_host
from ingest.captures import Capture, utc_now
from ingest.fetching.fetcher import Fetcher
from ingest.fetching.outcome import (
    BudgetError,
    ClosedError,
    FetchError,
    GoneError,
    Got,
    ParkedError,
    RefusedError,
    UnreachableError,
    rests_until,
)
from ingest.ledger import Ledger, later
from ingest.lock import only_writer
from ingest.parsing.page import ParsedPage, Row
from ingest.progress import Progress, Silent
from ingest.reading import EMPTY_KINDS, LISTINGS, PARSER_VERSION, read_capture
from ingest.settling import IngestReport, Settler, settle_all, together
from ingest.sources import source_named, source_of
from ingest.sources.source import Pace, Source
from ingest.store import Store
from kb.errors import NekbError

FRESH_DAYS = 30  # after which a page is fetched again though nothing showed that it changed
GONE = (404, 410)  # the statuses of what is not there
LOST_AFTER = 3  # addresses in a row that cannot be reached: then the network is gone
MOST_PAGES = 200  # of one thread
MakeFetcher = Callable[[Ledger, Pace], Fetcher]


def fetch_source(
    home: Path, name: str | None, addresses: Sequence[str] = (), progress: Progress | None = None,
    make_fetcher: MakeFetcher = Fetcher,
) -> IngestReport:  # fmt: skip
    """Fetch what is new of a source, or just the given addresses with what they lead to.

    Raises `BadInputError` for an address of no source. A run that had to stop says why in `IngestReport.stopped`.
    """
    progress = progress or Silent()
    groups: dict[str, tuple[Source, list[str]]] = {}
    for address in addresses:
        source = source_named(name) if name and source_named(name).owns(address) else source_of(address)
        starts = groups.setdefault(source.name, (source, []))[1]
        if (named := canonical(address) or address) not in starts:
            starts.append(named)
    if not addresses:
        source = source_named(name or "tag")
        groups[source.name] = (source, list(source.starts))
    reports = []
    with only_writer(home), Store(home) as store:
        for source, starts in groups.values():
            reports.append(IngestReport())
            with make_fetcher(Ledger(store), source.pace) as fetcher:
                Crawl(store, source, fetcher, reports[-1], progress).run(starts, whole=not addresses)
    return together(reports)


def _news(start: str) -> str:
    """What a walk for news is remembered under."""
    return f"news {start}"


class Crawl:
    """One run over one source."""

    def __init__(
        self, store: Store, source: Source, fetcher: Fetcher, report: IngestReport, progress: Progress
    ) -> None:
        self._store, self._source, self._fetcher = store, source, fetcher
        self._report, self._progress = report, progress
        self._ledger = Ledger(store)
        self._settler = Settler(store, report)
        self._missing: set[str] = set()  # addresses that answered that nothing is there
        self._moved: set[str] = set()  # addresses that led to another page, which was read in their place
        self._gone: list[str] = []  # pages, by the address that people know, of which nothing is there
        self._left: dict[str, Row] = {}  # rows of such pages, which wait until their documents are withdrawn
        self._lost = 0

    def run(self, starts: Sequence[str], *, whole: bool) -> None:
        """Walk the listings, then fetch what waits; of a `whole` source also what was not looked at for long."""
        run = self._ledger.begin_run(self._source.name)
        left = self._store.db.execute("select count(*) from captures where state = 'kept'").fetchone()[0]
        if left:
            settle_all(self._store, self._store.unparsed(), left, self._settler, self._progress)
        try:
            self._progress.stage(f"Fetching {self._source.about}", 0)
            for start in starts:
                self._start(start)
            self._drain()
            if whole:
                self._look_again()
                self._drain()  # what those pages lead to
        except BudgetError as stop:
            self._report.tell("warnings", f"{stop.what}; the next run goes on from there")
        except (ClosedError, UnreachableError) as stop:
            self._report.stopped = stop.what
        except KeyboardInterrupt:
            self._report.stopped = "it was interrupted; the next run goes on from there"
            raise
        except BaseException as error:
            self._report.stopped = f"it failed: {error}" if isinstance(error, NekbError) else f"it failed: {error!r}"
            raise
        finally:
            if not self._store.db.in_transaction:
                self._finish(run)

    def _finish(self, run: int) -> None:
        self._withdraw()
        for row in self._left.values():
            self._ledger.done(row, self._source.name)
        self._settler.finish()
        self._report.waiting = self._ledger.still_waiting().get(self._source.name, 0)
        self._ledger.end_run(run, self._report.outcome, asdict(self._report))

    def _start(self, address: str) -> None:
        start = self._source.request(address)
        page = self._get(start)
        if page is None:
            if self._is_missing(start):
                self._gone.append(address)
            if not any(line.startswith(f"{start}: ") for line in self._report.failed):
                self._report.tell("failed", f"{address}: nothing came of it")
            return
        fresh = self._follow(page)
        if start in self._moved:
            self._gone.append(address)
        if page.kind not in LISTINGS:
            self._further_pages(page.next_page)
            return
        if page.broken:  # it does not say where the list goes on
            return
        resume = self._ledger.walked_to(start)
        if resume == start:
            self._ledger.walk_on(start, page.next_page)
            self._walk_to_end(start, page.next_page)
            return
        if fresh or self._news_from(start):
            self._walk_new(start, page.next_page)
        self._walk_to_end(start, resume)

    def _news_from(self, start: str) -> str | None:
        """The page at which an earlier walk for news was cut off."""
        mark = _news(start)
        reached = self._ledger.walked_to(mark)
        return None if reached == mark else reached

    def _walk_new(self, start: str, address: str | None) -> None:
        """Go through a listing's pages until one shows nothing new.

        Not before the page at which an earlier walk was cut off: what it queued is no news any more, what lies beyond
        may be.
        """
        at_least, seen = page_number(self._news_from(start)), set[str]()
        while address and address not in seen:
            seen.add(address)
            self._ledger.walk_on(_news(start), address)
            page = self._get(address)
            if page is None and not self._is_missing(address):
                return
            fresh = self._follow(page) if page else 0
            if page is None or (not fresh and page_number(address) >= at_least):
                break
            address = page.next_page
        self._ledger.walk_on(_news(start), None)

    def _walk_to_end(self, start: str, address: str | None) -> None:
        """Go through all of a listing's pages; where it stops, a later run goes on."""
        seen: set[str] = set()
        while address and address not in seen:
            seen.add(address)
            page = self._get(address)
            if page is None or page.broken:
                if page is None and self._is_missing(address):
                    self._ledger.walk_on(start, None)
                return
            self._follow(page)
            address = page.next_page
            self._ledger.walk_on(start, address)

    def _follow(self, page: ParsedPage) -> int:
        """Queue what a page leads to; return how much of it is new."""
        return self._ledger.queue(self._source.name, self._source.follow(page), later(days=-FRESH_DAYS))

    def _drain(self) -> None:
        """Fetch what waits, until nothing does or the run's requests are used up."""
        while waiting := self._waiting():
            for row in waiting:
                self._one(row)

    def _waiting(self) -> list[Row]:
        found = self._ledger.waiting(self._source.name, 20 + len(self._left))
        return [row for row in found if row.address not in self._left]

    def _look_again(self) -> None:
        """Fetch what was last fetched long ago, wherever it stands in its list by now: the walk for news ends early.

        What was gone then is left alone, until a list shows it with something new.
        """
        for row in self._ledger.last_fetched_before(self._source.name, later(days=-FRESH_DAYS)):
            if not self._was_missing(self._source.request(row.address)):
                self._one(row)

    def _was_missing(self, address: str) -> bool:
        """Whether nothing was there when an address, and what stands in for it, was last asked for."""
        other = self._source.fallback(address)
        asked = (address,) if other is None else (address, other)
        return all(self._ledger.visit(a).status in GONE for a in asked)

    def _one(self, row: Row) -> None:
        """A queued page with its further pages. It leaves the queue when all of them were had, or none can be.

        One that is gone leaves it at the end: of a run that is killed, the next asks for it again and knows.
        """
        request = self._source.request(row.address)
        page = self._get(request)
        gone = request in self._moved or (page is None and self._is_missing(request))
        if gone:
            self._gone.append(row.address)
            self._left[row.address] = row
            self._ledger.keep_waiting(row, self._source.name)
        if page is not None and page.kind not in LISTINGS:
            self._follow(page)
        parked = self._further_pages(page.next_page) if page else self._ledger.visit(request).retry_at
        if parked:
            self._ledger.failed(row.address, self._source.name, None, parked)
        elif not gone:
            self._ledger.done(row, self._source.name)

    def _further_pages(self, request: str | None) -> str | None:
        """The second page of a thread and all after it; until when one of them has to wait, if one could not be had."""
        seen: set[str] = set()
        while request and request not in seen and len(seen) < MOST_PAGES:
            seen.add(request)
            page = self._get(request)
            if page is None:
                return self._ledger.visit(request).retry_at
            request = page.next_page
        return None

    def _get(self, address: str) -> ParsedPage | None:
        """Fetch, keep and read one page, or what stands in for it; None where it could not be had or says nothing."""
        page = self._try(address)
        if page is None and (other := self._source.fallback(address)):
            page = self._try(other)
        self._progress.advance(1)
        return page

    def _is_missing(self, address: str) -> bool:
        """Whether an address, and what stands in for it, answered that nothing is there."""
        other = self._source.fallback(address)
        return address in self._missing and (other is None or other in self._missing)

    def _try(self, address: str) -> ParsedPage | None:
        try:
            got = self._fetcher.fetch(address, self._ledger.visit(address))
        except (ClosedError, BudgetError):
            raise
        except ParkedError as error:
            self._report.tell("warnings", f"{address}: {error.what}")
            return None
        except UnreachableError as error:
            self._fail(address, error)
            self._lost += 1
            if self._lost >= LOST_AFTER:
                raise UnreachableError(
                    f"{LOST_AFTER} addresses in a row could not be reached ({error.what}). Run it again later: it goes"
                    " on where it stopped"
                ) from error
            return None
        except FetchError as error:
            self._fail(address, error)
            return None
        self._lost = 0
        return self._take(address, got)

    def _take(self, address: str, got: Got) -> ParsedPage | None:
        if got.body is None:
            return self._unchanged(address, got)
        capture = Capture(got.address, self._source.name, utc_now(), got.body)
        kept = self._store.keep(capture, PARSER_VERSION)
        self._report.fetched += 1
        page = self._settler.settle(kept) or read_capture(capture)
        if page.kind == "gate":
            raise self._fetcher.shut(source_host(address) or "", "it asked to verify that a human is there")
        usable = page.kind not in EMPTY_KINDS
        if page.parts and page.sound and page.kind not in LISTINGS and self._is_another(got.address, address):
            self._moved.add(address)
        tags = (got.etag, got.last_modified) if usable and page.sound else (None, None)
        self._ledger.fetched(address, self._source.name, got.status, *tags)
        return page if usable else None

    def _is_another(self, address: str, than: str) -> bool:
        """Whether two addresses are of two things, and not of two pages or spellings of one."""
        one, other = (self._source.request(page_address(a)) for a in (address, than))
        return one != other

    def _unchanged(self, address: str, got: Got) -> ParsedPage | None:
        """A page that is as it was; where what it was is not held after all, it is asked for whole the next time."""
        self._report.not_modified += 1
        self._ledger.fetched(address, self._source.name, got.status, got.etag, got.last_modified)
        if (held := self._store.last_sound(address)) is not None:
            page = self._settler.seen_again(held, utc_now())
            # Its ages were true when it came whole, which is not known any more.
            return replace(page, rows=tuple(replace(row, active=None) for row in page.rows))
        self._ledger.forget_validators(address)
        self._report.tell("failed", f"{address}: the server says that it has not changed, and it is not held")
        return None

    def _fail(self, address: str, error: FetchError) -> None:
        """Remember a failure. What is not there, or is not to be asked, is no failure of the run's."""
        if isinstance(error, GoneError):
            self._missing.add(address)
        final = isinstance(error, GoneError | RefusedError)
        self._ledger.failed(address, self._source.name, error.status, rests_until(error))
        if not isinstance(error, GoneError) or self._source.fallback(address) is None:
            self._report.tell("warnings" if final else "failed", f"{address}: {error.what}")

    def _withdraw(self) -> None:
        """Documents whose page is gone no longer count, unless so many are gone that the site must be ill."""
        gone = list(dict.fromkeys(page_address(address) for address in self._gone))
        if len(gone) > max(3, (self._report.fetched + self._report.not_modified) // 4):
            self._report.tell("drift", f"{len(gone)} pages answered that they are not there; their documents are kept")
            return
        self._report.gone += sum(self._store.withdraw(address) for address in gone)

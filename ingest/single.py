"""Fetching one page: for a question about it, or to see what is new. It follows nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ingest.addresses import source_host
from ingest.captures import Capture, utc_now
from ingest.crawling import MakeFetcher
from ingest.fetching.fetcher import SAVE_INSTEAD, Fetcher
from ingest.fetching.outcome import BudgetError, ClosedError, FetchError, Got, ParkedError, rests_until
from ingest.ledger import Ledger
from ingest.lock import only_writer
from ingest.parsing.page import ParsedPage
from ingest.reading import EMPTY_KINDS, PARSER_VERSION, read_capture
from ingest.settling import IngestReport, Settler
from ingest.sources import source_of
from ingest.store import Store
from kb.errors import NekbError


def fetch_page(home: Path, address: str, make_fetcher: MakeFetcher = Fetcher) -> ParsedPage:
    """Fetch, keep and read one page of a source.

    A page that is as it was (304) is read from what is kept. Raises `NekbError`: for an address of no source
    (`address`), while another nekb writes (`busy`), and where the page could not be had or says nothing (`fetch`).
    """
    source = source_of(address)
    request = source.request(address)
    with only_writer(home), Store(home) as store:
        ledger = Ledger(store)
        with make_fetcher(ledger, source.pace) as fetcher:
            try:
                got = _got(fetcher, ledger, store, request, source.name)
                page = _taken(store, ledger, source.name, request, got)
                if page.kind == "gate":
                    raise fetcher.shut(source_host(request) or "", "it asked to verify that a human is there")
            except FetchError as error:
                raise NekbError(f"{address} could not be had: {error.what}.", SAVE_INSTEAD, code="fetch") from error
    if page.kind in EMPTY_KINDS or (page.broken and not page.parts):
        why = EMPTY_KINDS.get(page.kind) or next(p.what for p in page.problems if p.severity == "broken")
        raise NekbError(f"{address} says nothing that can be used: {why}.", SAVE_INSTEAD, code="fetch")
    return page


def _got(fetcher: Fetcher, ledger: Ledger, store: Store, request: str, source: str) -> Got:
    """The answer; asked for whole where an unchanged page would be one that is not held. A failure is remembered."""
    visit = ledger.visit(request)
    if not store.last_sound(request):
        visit = replace(visit, etag=None, last_modified=None)
    try:
        return fetcher.fetch(request, visit)
    except (ParkedError, ClosedError, BudgetError):
        raise
    except FetchError as error:
        ledger.failed(request, source, error.status, rests_until(error))
        raise


def _taken(store: Store, ledger: Ledger, source: str, request: str, got: Got) -> ParsedPage:
    """Keep first and remember second: killed between the two, the next run fetches once more and loses nothing."""
    settler = Settler(store, IngestReport())
    if got.body is None:
        held = store.last_sound(request)
        assert held is not None  # only then was the page asked for conditionally
        visit = ledger.visit(request)
        tags = got.etag or visit.etag, got.last_modified or visit.last_modified
        page = settler.seen_again(held, utc_now())
        if settler.report.captures:
            settler.finish()
        ledger.fetched(request, source, got.status, *tags)
        return page
    capture = Capture(got.address, source, utc_now(), got.body)
    page = settler.settle(store.keep(capture, PARSER_VERSION)) or read_capture(capture)
    settler.finish()
    usable = page.kind not in EMPTY_KINDS and page.sound
    ledger.fetched(request, source, got.status, *((got.etag, got.last_modified) if usable else (None, None)))
    return page

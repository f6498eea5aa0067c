"""From kept captures to documents: read, judge, record; and the report of a run."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from ingest.captures import Capture
from ingest.drift import DriftWatch
from ingest.folding import fold_duplicates
from ingest.ledger import Ledger
from ingest.parsing.page import ParsedPage, Problem
from ingest.progress import Progress
from ingest.reading import EMPTY_KINDS, LISTINGS, PARSER_VERSION, failed, read_capture
from ingest.store import KeptCapture, Store
from kb.errors import NekbError

Item = TypeVar("Item")
_MOST_TOLD = 200
_MOST = 64  # captures a batch
_MOST_BYTES = 64 << 20
_MORE = ("unchanged", "changed", "new")
_LOST = ParsedPage(
    "unknown", problems=(Problem("broken", "its bytes are damaged in the store: take the page in once more"),)
)


@dataclass
class IngestReport:
    """What a run did.

    `new`, `changed`, `unchanged` and `gone` count documents, `folded` those that are near-duplicates of another;
    `captures` counts pages that were read. `unknown` names pages that hold nothing nekb can use, `drift` pages that
    do not look as they should, `failed` pages that could not be had; `stopped` says why a run ended early.
    """

    captures: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    gone: int = 0
    folded: int = 0
    fetched: int = 0
    not_modified: int = 0
    skipped: int = 0
    waiting: int = 0
    unknown: list[str] = field(default_factory=list)
    drift: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    stopped: str | None = None

    @property
    def outcome(self) -> str:
        """`ok`, or what a person should look at first."""
        if self.stopped:
            return "stopped"
        if self.drift:
            return "drift"
        return "failed" if self.failed else "unknown" if self.unknown else "ok"

    def tell(self, list_name: str, line: str) -> None:
        """Add a line to one of the lists; a run over thousands of bad pages does not tell of each."""
        held: list[str] = getattr(self, list_name)
        if len(held) < _MOST_TOLD:
            held.append(line)


def together(reports: Sequence[IngestReport]) -> IngestReport:
    """What several runs did, one after another; each has counted all that is folded."""
    whole = IngestReport(folded=reports[-1].folded)
    for report in reports:
        for name, value in vars(report).items():
            held = getattr(whole, name)
            if isinstance(value, list):
                setattr(whole, name, list(dict.fromkeys([*held, *value])))
            elif isinstance(value, int) and name != "folded":
                setattr(whole, name, held + value)
    whole.stopped = "; ".join(dict.fromkeys(r.stopped for r in reports if r.stopped)) or None
    return whole


class Settler:
    """Reads captures and records what they say, counting into a report."""

    def __init__(self, store: Store, report: IngestReport, *, reread: bool = False) -> None:
        self._store, self.report, self._reread = store, report, reread
        self._watch = DriftWatch(Ledger(store))
        self._outcomes: dict[str, str] = {}
        self._grave: list[tuple[int, str, str]] = []
        if store.ahead:
            line = f"the clock had run ahead, to {store.ahead}; what was dated after now is dated now"
            report.tell("warnings", line)

    def settle(self, kept: KeptCapture) -> ParsedPage | None:
        """Read one capture and record it. None where the same bytes were read before and nothing has changed."""
        self.report.captures += 1
        if kept.settled and not self._reread:
            self._known(kept)
            return None
        page = _LOST if kept.lost else self._watch.judge(read_capture(kept.capture))
        try:
            with self._store.trying():
                outcomes = self._record(kept, page)
        except (sqlite3.Error, NekbError, MemoryError):
            raise
        except Exception as error:  # one capture that cannot be recorded does not end a run, nor every later one
            page = failed(error, page.address)
            outcomes = self._record(kept, page)
        for document, outcome in outcomes.items():
            self._count(document, outcome)
        self._tell(kept, page, self._state(page))
        return page

    def seen_again(self, held: Capture, now: str) -> ParsedPage:
        """A page that its server calls unchanged, as it was read when it came; it was seen `now`.

        One that went meanwhile, and is there again as it was, is settled anew.
        """
        kept, page = self._store.keep(replace(held, fetched_at=now), PARSER_VERSION), read_capture(held)
        if not kept.settled and page.kind not in LISTINGS:
            self.settle(kept)
        return page

    def _record(self, kept: KeptCapture, page: ParsedPage) -> dict[str, str]:
        state = self._state(page)
        parts = page.parts if state in ("parsed", "drifted") and not page.broken else ()
        note = "; ".join([p.what for p in page.problems] or page.notes) or EMPTY_KINDS.get(page.kind)
        return self._store.settle(
            kept, state, page.kind, parts, page=page.itself, note=note, sound=state == "parsed", parser=PARSER_VERSION
        )

    def _count(self, document: str, outcome: str) -> None:
        """Count a document once a run, as the most that happened to it."""
        before = self._outcomes.get(document)
        if before is None or _MORE.index(outcome) > _MORE.index(before):
            self._outcomes[document] = outcome
            setattr(self.report, outcome, getattr(self.report, outcome) + 1)
            if before:
                setattr(self.report, before, getattr(self.report, before) - 1)

    def _known(self, kept: KeptCapture) -> None:
        """A page that was read before still says what it said then, bad news included that is not out of date."""
        for document in self._store.given_by(kept.id):
            self._count(document, "unchanged")
        if kept.state == "unknown":
            self.report.tell("unknown", kept.capture.address)
        elif kept.state in ("drifted", "failed") and not self._store.superseded(kept.id):
            self.report.tell("drift" if kept.state == "drifted" else "failed", f"{kept.capture.address}: as before")

    def _state(self, page: ParsedPage) -> str:
        if page.kind in EMPTY_KINDS:
            return "failed" if page.broken else "unknown"
        return "parsed" if page.sound else "drifted"

    def _tell(self, kept: KeptCapture, page: ParsedPage, state: str) -> None:
        report, address = self.report, kept.capture.address
        if state == "unknown":
            report.tell("unknown", address)
            report.tell("warnings", f"{address}: kept, and of no use: {EMPTY_KINDS[page.kind]}")
        graver = "failed" if state == "failed" else "drift"
        for problem in page.problems:
            line = f"{address}: {problem.what}"
            if problem.severity == "warning":
                report.tell("warnings", line)
            elif self._reread:
                self._grave.append((kept.id, graver, line))
            else:
                report.tell(graver, line)
        for note in page.notes:
            report.tell("warnings", f"{address}: {note}")
        shape = self._watch.new_shape(page) if state == "parsed" else []
        if shape:
            report.tell("warnings", f"{address}: a shape of page not seen before ({', '.join(shape[:6])})")

    def finish(self) -> None:
        """After the last page: keep what drift is measured against, fold near-duplicates.

        Of pages that are read again the bad news is told now, when it is known which of them are out of date.
        """
        for capture, list_name, line in self._grave:
            if not self._store.superseded(capture):
                self.report.tell(list_name, line)
        self._watch.remember()
        with self._store.writing():
            self.report.folded = fold_duplicates(self._store.db)


def settle_all(store: Store, captures: Iterable[KeptCapture], total: int, settler: Settler, progress: Progress) -> None:
    """Read captures one after another, in transactions of a few dozen."""
    progress.stage("Reading pages", total)
    for batch in batches(captures, lambda kept: len(kept.capture.body)):
        with store.writing():
            for kept in batch:
                settler.settle(kept)
        progress.advance(len(batch))


def batches(items: Iterable[Item], size: Callable[[Item], int]) -> Iterator[list[Item]]:
    """A few dozen at a time, and fewer of large ones: a batch is held in memory as a whole."""
    batch: list[Item] = []
    held = 0
    for item in items:
        batch.append(item)
        held += size(item)
        if len(batch) >= _MOST or held >= _MOST_BYTES:
            yield batch
            batch, held = [], 0
    if batch:
        yield batch

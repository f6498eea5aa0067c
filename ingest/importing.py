"""Importing files that a person saved: each is kept as a capture, then read. Reading kept captures again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from ingest.captures import Capture
from ingest.files import SavedFile, read_files, saved_files, shown
from ingest.ledger import Ledger
from ingest.lock import only_writer
from ingest.progress import Progress, Silent
from ingest.reading import PARSER_VERSION
from ingest.settling import IngestReport, Settler, batches, settle_all
from ingest.store import KeptCapture, Store

__all__ = ["IngestReport", "import_files", "read_again"]


def import_files(home: Path, paths: Sequence[Path], progress: Progress | None = None) -> IngestReport:
    """Keep and read files, folders, zips and `-`. Captures that an earlier run kept and did not read are read too.

    Raises `BadInputError` before anything is kept when a path does not exist or cannot be opened. A page among many
    that cannot be read is told in the report.
    """
    progress = progress or Silent()
    report = IngestReport()
    files = [file for path in paths for file in _pages(path, report)]
    with only_writer(home), Store(home) as store:
        run = Ledger(store).begin_run("file")
        settler = Settler(store, report)
        left = sum(1 for _ in store.db.execute("select 1 from captures where state = 'kept'"))
        if left:
            settle_all(store, store.unparsed(), left, settler, progress)
        read = read_files(files, lambda line: report.tell("failed", line))
        settle_all(store, _kept(store, read), len(files), settler, progress)
        settler.finish()
        Ledger(store).end_run(run, report.outcome, asdict(report))
    return report


def read_again(home: Path, progress: Progress | None = None) -> IngestReport:
    """Read every kept capture again, offline: for a parser that was mended."""
    progress = progress or Silent()
    report = IngestReport()
    with only_writer(home), Store(home) as store:
        run = Ledger(store).begin_run("reparse")
        settler = Settler(store, report, reread=True)
        settle_all(store, store.all_captures(), store.counts()["captures"], settler, progress)
        settler.finish()
        Ledger(store).end_run(run, report.outcome, asdict(report))
    return report


def _pages(path: Path, report: IngestReport) -> list[SavedFile]:
    found, others = saved_files([path])
    report.skipped += others
    if not found:
        report.tell("failed", f"{shown(path)}: there is no page in it")
    return found


def _kept(store: Store, captures: Iterator[Capture]) -> Iterator[KeptCapture]:
    """Captures committed a batch at a time, before any of the batch is read."""
    for batch in batches(captures, lambda capture: len(capture.body)):
        yield from store.keep_all(batch, PARSER_VERSION)

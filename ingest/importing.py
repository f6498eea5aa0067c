"""Importing files that a person saved: each is kept as a capture, then parsed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ingest.captures import Capture
from ingest.lock import only_writer
from ingest.parsing.dump import is_listing_dump, parse_listing_dump
from ingest.progress import Progress, Silent
from ingest.store import KeptCapture, Store
from kb.documents import Document
from kb.errors import BadInputError

MAX_BYTES = 64 << 20


@dataclass
class IngestReport:
    """What a run did, by document: new, changed, unchanged; and what it could not use."""

    captures: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    unknown: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def import_files(home: Path, paths: Sequence[Path], progress: Progress | None = None) -> IngestReport:
    """Keep and parse files. Captures that an earlier run kept and did not parse are parsed too.

    Raises `BadInputError` before anything is kept when a file cannot be read.
    """
    progress = progress or Silent()
    report = IngestReport()
    captures = [read_file(path) for path in paths]
    with only_writer(home), Store(home) as store:
        progress.stage("Keeping pages", len(captures))
        kept = [store.keep(capture) for capture in captures]
        progress.advance(len(kept))
        again = {k.id for k in kept if k.state != "kept"}
        settle_all(store, [*store.unparsed(), *(k for k in kept if k.id in again)], report, progress)
    return report


def read_file(path: Path) -> Capture:
    """A file as a capture; its time is the file's own."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise BadInputError(
                f"The file {path} is larger than {MAX_BYTES >> 20} MiB.",
                "Save single pages.",
                code="too_long",
            )
        body = path.read_bytes()
        saved = dt.datetime.fromtimestamp(path.stat().st_mtime, dt.UTC).replace(microsecond=0).isoformat()
    except OSError as error:
        raise BadInputError(
            f"The file {path} cannot be read: {error.strerror}.",
            "Check its name and permissions.",
            code="file",
        ) from error
    return Capture(f"file:{path.name}", "file", saved, body)


def settle_all(store: Store, captures: Iterable[KeptCapture], report: IngestReport, progress: Progress) -> None:
    """Parse captures and record what they gave."""
    waiting = list(captures)
    progress.stage("Parsing pages", len(waiting))
    for kept in waiting:
        kind, documents, note = parse(kept.capture)
        state = "parsed" if documents else "unknown"
        counts = store.settle(kept, state, kind, documents, note)
        report.captures += 1
        report.new += counts["new"]
        report.changed += counts["changed"]
        report.unchanged += counts["unchanged"]
        if state == "unknown":
            report.unknown.append(kept.capture.address)
        if note:
            report.warnings.append(f"{kept.capture.address}: {note}")
        progress.advance(1)


def parse(capture: Capture) -> tuple[str, list[Document], str | None]:
    """What a capture is, the documents in it, and a remark for the report."""
    text = capture.body.decode("utf-8", errors="replace")
    if is_listing_dump(text):
        page = parse_listing_dump(text, capture)
        note = f"{len(page.leftover)} lines belong to no row" if page.leftover else None
        return "text_dump_A", page.documents, note
    return "unknown", [], "not a page that nekb knows; it is kept"

"""Looking closely at one page: what it is, every field with its layer, what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ingest.drift import DriftWatch
from ingest.files import STANDARD_INPUT, read_files, refuse, saved_files, shown
from ingest.ledger import Ledger
from ingest.parsing.opening import open_capture
from ingest.parsing.page import CONFIDENCE, Page, ParsedPage
from ingest.reading import EMPTY_KINDS, read_page
from ingest.store import Store
from kb.errors import BadInputError


@dataclass(frozen=True)
class Examination:
    """A page, opened and parsed, as it is shown to a person."""

    name: str
    page: Page
    parsed: ParsedPage

    @property
    def sound(self) -> bool:
        """Whether its documents would be taken without a word."""
        return self.parsed.kind not in EMPTY_KINDS and self.parsed.sound

    def to_json(self) -> dict[str, Any]:
        """A plain object."""
        parsed = self.parsed
        return {
            "name": self.name,
            "kind": parsed.kind,
            "address": self.page.address,
            "verified": self.page.verified,
            "taken": self.page.taken,
            "encoding": self.page.decoding,
            "sound": self.sound,
            "documents": [
                {"id": p.document.id, "part": p.part, "pages": p.pages, "title": p.document.title,
                 "posts": len(p.document.posts)}
                for p in parsed.parts
            ],
            "rows": len(parsed.rows),
            "next_page": parsed.next_page,
            "fields": [
                {"name": f.name, "layer": f.layer, "confidence": CONFIDENCE[f.layer] if f.layer else 0.0,
                 "filled": f.filled, "items": f.items, "layers": f.layers, "sample": f.sample}
                for f in parsed.fields
            ],
            "problems": [{"severity": p.severity, "what": p.what} for p in parsed.problems],
            "notes": [*parsed.notes, *([EMPTY_KINDS[parsed.kind]] if parsed.kind in EMPTY_KINDS else [])],
            "shape": list(parsed.fingerprint),
        }  # fmt: skip


def examine(path: Path, home: Path) -> tuple[list[Examination], list[str]]:
    """Each page of a file, a folder, a zip or `-`, and a line for each that cannot be read.

    Nothing is kept; drift is measured against the user's store. Raises `BadInputError` where no page can be read.
    """
    files, _ = saved_files([path])
    if not files:
        raise BadInputError(
            f"There is no page in {shown(path)}.", "Name a saved page, or a folder or zip of them.", code="file"
        )
    out: list[Examination] = []
    unreadable: list[str] = []
    for capture in read_files(files, unreadable.append):
        page = open_capture(capture)
        name = shown(path) if len(files) == 1 and path != STANDARD_INPUT else capture.address
        out.append(Examination(name, page, _judged(read_page(page), home)))
    if unreadable and not out:
        refuse(unreadable[0])
    return out, unreadable


def _judged(parsed: ParsedPage, home: Path) -> ParsedPage:
    if not (home / "store.db").exists():
        return parsed
    with Store(home, reading=True) as store:
        return DriftWatch(Ledger(store)).judge(parsed)

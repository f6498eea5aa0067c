"""The thread to judge: a saved page, pasted text, or an address of the forum."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ingest.assembling import SeenPart, assemble
from ingest.captures import Capture
from ingest.files import read_files, saved_files
from ingest.parsing.opening import open_capture
from ingest.parsing.page import ParsedPage, Part
from ingest.reading import EMPTY_KINDS, read_page
from ingest.single import fetch_page
from kb.asking import readable
from kb.documents import Document, Post
from kb.errors import BadInputError

_THREADS = ("thread", "feed-item", "resource")
_TITLE = 200


def threads_in(what: str, home: Path) -> list[Document]:
    """The threads of a file, of `-` or of an address, which is fetched; at least one.

    Raises `NekbError` where there is none.
    """
    if what.startswith(("http://", "https://")):
        found = threads_of(fetch_page(home, what))
    else:
        files, _ = saved_files([Path(what)])
        unreadable: list[str] = []
        found = [d for capture in read_files(files, unreadable.append) for d in _of_capture(capture)]
        if unreadable and not found:
            raise BadInputError(f"{unreadable[0].removeprefix('file:')}.", "Check the file.", code="file")
    if not found:
        raise BadInputError(
            f"There is no thread in {what}.", "Name a saved thread page, a feed, or a text file.", code="no_thread"
        )
    return found


def threads_of(page: ParsedPage) -> list[Document]:
    """The threads that a page shows, each once, in their order."""
    documents = [_together(parts) for parts in _by_document(page.parts)]
    return [d for d in documents if d.kind in _THREADS and d.posts]


def _of_capture(capture: Capture) -> list[Document]:
    opened = open_capture(capture)
    page = read_page(opened)
    if page.kind == "unknown":
        return [_pasted(opened.text, capture)]
    if page.kind in EMPTY_KINDS:
        raise BadInputError(f"{capture.address.removeprefix('file:')}: {EMPTY_KINDS[page.kind]}.",
                            "Save the thread's own page, or paste its text.", code="no_thread")  # fmt: skip
    return threads_of(page)


def _pasted(text: str, capture: Capture) -> Document:
    """Text that is no page: its first line is the title. Raises `BadInputError` where it cannot be read."""
    title, _, body = readable(text).partition("\n")
    return Document(
        id=f"pasted-{capture.sha256[:16]}",
        source="file",
        kind="thread",
        title=title.strip()[:_TITLE],
        posts=(Post("question", body.strip() or title.strip()),),
        captured=capture.day,
    )


def _by_document(parts: Iterable[Part]) -> Iterable[list[Part]]:
    held: dict[str, list[Part]] = {}
    for part in parts:
        held.setdefault(part.document.id, []).append(part)
    return held.values()


def _together(parts: list[Part]) -> Document:
    return assemble([SeenPart(p.part, p.document.captured or "", p.document) for p in parts])

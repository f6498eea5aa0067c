"""The thread to judge: a saved page, pasted text, or an address of the forum."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from ingest.assembling import SeenPart, assemble
from ingest.captures import Capture
from ingest.files import SavedFile, read_files, saved_files
from ingest.parsing.opening import open_capture
from ingest.parsing.page import ParsedPage, Part
from ingest.reading import EMPTY_KINDS, read_page
from ingest.single import fetch_page
from kb.asking import MAX_QUERY, readable
from kb.documents import Document, Post
from kb.errors import BadInputError

_THREADS = ("thread", "feed-item", "resource")
_TITLE = 200
_NAME_ONE = "Name a saved thread page, a feed, or a text file."
_NO_TEXT = {
    "empty": "it is empty",
    "binary": "it looks like binary data",
    "too_long": f"it has more than {MAX_QUERY:,} characters",
}


def threads_in(what: str, home: Path, unread: Callable[[str], None]) -> list[Document]:
    """The threads of a file, of a folder, of `-` or of an address, which is fetched; at least one.

    A file that cannot be read beside others is told to `unread`. Raises `NekbError` where there is no thread.
    """
    if not what:
        raise BadInputError("No file is named.", _NAME_ONE, code="file")  # it would be the folder that one is in
    if what.startswith(("http://", "https://")):
        found = threads_of(fetch_page(home, what))
    else:
        found = _in_files(saved_files([Path(what)])[0], unread)
    if not found:
        raise BadInputError(f"There is no thread in {what}.", _NAME_ONE, code="no_thread")
    return found


def _in_files(files: list[SavedFile], unread: Callable[[str], None]) -> list[Document]:
    """Raises the first file's `BadInputError` where no file gave a thread and some could not be read."""
    found: list[Document] = []
    failed: list[BadInputError] = []

    def fail(line: str) -> None:
        failed.append(BadInputError(f"{line.removeprefix('file:')}.", "Check the file.", code="file"))

    for capture in read_files(files, fail):
        try:
            found += _of_capture(capture)
        except BadInputError as error:
            failed.append(error)
    for other in failed if found else failed[1:]:
        unread(other.sentence)
    if failed and not found:
        raise failed[0]
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
        raise _no_thread(capture, EMPTY_KINDS[page.kind], "no_thread")
    return threads_of(page)


def _pasted(text: str, capture: Capture) -> Document:
    """Text that is no page: its first line is the title. Raises `BadInputError` where it cannot be read."""
    try:
        title, _, body = readable(text).partition("\n")
    except BadInputError as error:
        raise _no_thread(capture, _NO_TEXT.get(error.code, error.sentence.rstrip(".")), error.code) from None
    return Document(
        id=f"pasted-{capture.sha256[:16]}",
        source="file",
        kind="thread",
        title=title.strip()[:_TITLE],
        posts=(Post("question", body.strip() or title.strip()),),
        captured=capture.day,
    )


def _no_thread(capture: Capture, why: str, code: str) -> BadInputError:
    name = capture.address.removeprefix("file:")
    return BadInputError(f"{name}: {why}.", "Save the thread's own page, or paste its text.", code=code)


def _by_document(parts: Iterable[Part]) -> Iterable[list[Part]]:
    held: dict[str, list[Part]] = {}
    for part in parts:
        held.setdefault(part.document.id, []).append(part)
    return held.values()


def _together(parts: list[Part]) -> Document:
    return assemble([SeenPart(p.part, p.document.captured or "", p.document) for p in parts])

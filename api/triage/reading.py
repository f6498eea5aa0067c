"""The thread to judge: a saved page, pasted text, or an address of the forum."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path

from ingest.assembling import SeenPart, assemble
from ingest.captures import Capture
from ingest.files import SavedFile, read_files, require_named, saved_files
from ingest.parsing.opening import open_capture
from ingest.parsing.page import ParsedPage
from ingest.reading import EMPTY_KINDS, read_page
from ingest.single import fetch_page
from kb.asking import MAX_QUERY, readable
from kb.documents import Document, Post
from kb.errors import BadInputError

_THREADS = ("thread", "feed-item", "resource")
_TITLE = 200
_LINE_END = re.compile(r"\r\n?")
_NAME_ONE = "Name a saved thread page, a feed, or a text file."
_NO_TEXT = {
    "empty": "it is empty",
    "binary": "it looks like binary data",
    "too_long": f"it has more than {MAX_QUERY:,} characters",
}


def threads_in(what: str, home: Path, unread: Callable[[str], None]) -> list[Document]:
    """The threads of a file, of a folder, of `-` or of an address, which is fetched; at least one.

    A file that cannot be read beside others, or a thread whose question is not there, is told to `unread`. Raises
    `NekbError` where nothing else is there.
    """
    require_named(what, _NAME_ONE)
    failed: list[BadInputError] = []
    if what.lower().startswith(("http://", "https://")):
        seen = _seen(fetch_page(home, what))
    else:
        seen = _in_files(saved_files([Path(what)])[0], failed.append)
    threads = _together(seen)
    found = [t for t in threads if t.question]
    failed += [_no_question(t) for t in threads if not t.question]
    for other in failed if found else failed[1:]:
        unread(other.sentence)
    if not found:
        raise failed[0] if failed else BadInputError(f"There is no thread in {what}.", _NAME_ONE, code="no_thread")
    return found


def _in_files(files: list[SavedFile], fail: Callable[[BadInputError], None]) -> list[SeenPart]:
    """What the files say; what is wrong with those that cannot be read is told to `fail`."""
    seen: list[SeenPart] = []

    def unreadable(line: str) -> None:
        fail(BadInputError(f"{line.removeprefix('file:')}.", "Check the file.", code="file"))

    for capture in read_files(files, unreadable):
        try:
            seen += _of_capture(capture)
        except BadInputError as error:
            fail(error)
    return seen


def threads_of(page: ParsedPage) -> list[Document]:
    """The threads whose question a page shows, each once, in their order."""
    return [t for t in _together(_seen(page)) if t.question]


def _of_capture(capture: Capture) -> list[SeenPart]:
    opened = open_capture(capture)
    page = read_page(opened)
    if page.kind == "unknown":
        return [SeenPart("page:1", capture.fetched_at, _pasted(opened.text, capture))]
    if page.kind in EMPTY_KINDS:
        raise _no_thread(capture, EMPTY_KINDS[page.kind], "no_thread")
    return _seen(page, capture.fetched_at)


def _seen(page: ParsedPage, at: str = "") -> list[SeenPart]:
    return [SeenPart(p.part, at or p.document.captured or "", p.document) for p in page.parts]


def _pasted(text: str, capture: Capture) -> Document:
    """Text that is no page: its first line is the title. Raises `BadInputError` where it cannot be read."""
    try:
        title, _, body = _LINE_END.sub("\n", readable(text)).partition("\n")
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


def _no_question(thread: Document) -> BadInputError:
    return BadInputError(
        f"{thread.title[:_TITLE]}: the question of this thread is not there, only what others wrote.",
        "Save the thread's first page too, into the same folder.",
        code="no_thread",
    )


def _together(seen: Iterable[SeenPart]) -> list[Document]:
    """The threads of all that was seen, whichever files their pages are in; of two copies of a page the later one."""
    held: dict[str, dict[str, SeenPart]] = {}
    for part in seen:
        parts = held.setdefault(part.document.id, {})
        if part.part not in parts or part.seen_at >= parts[part.part].seen_at:
            parts[part.part] = part
    documents = [assemble([*parts.values()]) for parts in held.values()]
    return [d for d in documents if d.kind in _THREADS and d.posts]

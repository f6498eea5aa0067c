"""Reading a capture: what it is and what it says. Fetched and saved pages pass through here alike."""

from __future__ import annotations

from dataclasses import replace

from ingest.captures import Capture
from ingest.parsing.opening import open_capture
from ingest.parsing.page import LAYERS, Field, Page, ParsedPage, Problem
from ingest.sources import sources
from kb.documents import Document
from kb.surrogates import without_surrogates

# Goes up whenever a parser reads differently: kept captures are then read again, and drift is measured afresh.
PARSER_VERSION = 3
LISTINGS = ("tag", "topic", "search", "feed", "discourse_list")
EMPTY_KINDS = {
    "gate": "it is the forum's human-verification page: save the page itself in a browser, after passing it",
    "login": "it is a sign-in page",
    "not_found": "it says that the page does not exist",
    "topic_index": "it lists topics and holds no posts",
    "unknown": "not a page that nekb knows",
}
LONGEST_LINE = 300  # characters of a title, a name, a tag
MOST_TAGS = 50
LONGEST = 8_000_000  # characters, images that are carried inside the page not counted
_OTHERS = {
    "%PDF": "a PDF: save the page as HTML, or copy its text into a file",
    "PK\x03\x04": "a zip: name it as a file, or unpack it",
    "\x1f": "compressed: unpack it first",
    "GIF8": "a picture",
}
_SHAPED = ("thread", "tag", "topic", "search")
_EXACT = ("title", "address", "post", "body")


def read_capture(capture: Capture) -> ParsedPage:
    """Classify and parse. Never empty in silence: a page without documents or rows is broken, or of an empty kind."""
    try:
        return read_page(open_capture(capture))
    except (MemoryError, KeyboardInterrupt):
        raise
    except Exception as error:
        return failed(error)


def read_page(page: Page) -> ParsedPage:
    """The same for an opened page. A parser that fails makes a broken page of it: one page never ends a run."""
    try:
        return _read(page)
    except (MemoryError, KeyboardInterrupt):
        raise
    except Exception as error:
        return failed(error, page.address)


def failed(error: Exception, address: str | None = None) -> ParsedPage:
    """A page that nekb fails on."""
    what = without_surrogates(f"the parser failed on it: {type(error).__name__}: {error}"[:300])
    return ParsedPage("unknown", address, problems=(Problem("broken", what),))


def _read(page: Page) -> ParsedPage:
    if why := _unreadable(page):
        return ParsedPage("unknown", page.address, notes=(*page.notes, why))
    for source in sources().values():
        if (kind := source.classify(page)) is not None:
            parsed = source.parse(page, kind)
            parts = tuple(replace(p, document=_within_bounds(p.document)) for p in parsed.parts)
            problems = (*parsed.problems, *_coverage(parsed), *_emptiness(parsed))
            return replace(parsed, parts=parts, problems=problems)
    return ParsedPage("unknown", page.address, notes=page.notes)


def _within_bounds(document: Document) -> Document:
    """A document whose short fields are short: its title stands before every passage, and a page can state anything."""
    posts = tuple(
        replace(post, author=_shortened(post.author), signature=_shortened(post.signature)) for post in document.posts
    )
    tags = tuple(tag for tag in document.tags[:MOST_TAGS] if len(tag) <= LONGEST_LINE)
    title = _shortened(document.title) or ""
    return replace(document, title=title, posts=posts, tags=tags, topic=_shortened(document.topic))


def _shortened(line: str | None) -> str | None:
    return line if line is None or len(line) <= LONGEST_LINE else line[: LONGEST_LINE - 1] + "…"


def _unreadable(page: Page) -> str | None:
    """Why a page is not even looked at, for the commonest mistakes."""
    if not page.text.strip():
        return "it is empty"
    if page.text[1:4] == "PNG":
        return "it is a picture"
    for beginning, what in _OTHERS.items():
        if page.text.startswith(beginning):
            return f"it is {what}"
    return f"it is longer than {LONGEST:,} characters" if len(page.text) > LONGEST else None


def _coverage(parsed: ParsedPage) -> list[Problem]:
    return [p for field in parsed.fields if field.expected for p in _field_problems(field, parsed.kind in _SHAPED)]


def _field_problems(field: Field, shaped: bool) -> list[Problem]:
    least = 0.95 if field.name in _EXACT else 0.8
    if field.coverage < least:
        return [Problem("drift", f"only {field.filled} of {field.items} have the field {field.name}")]
    if shaped and field.layer and LAYERS.index(field.layer) >= LAYERS.index("shape"):
        return [Problem("drift", f"the field {field.name} was only found by the page's {field.layer}")]
    return []


def _emptiness(parsed: ParsedPage) -> list[Problem]:
    if parsed.kind in EMPTY_KINDS or parsed.broken or parsed.parts or parsed.rows:
        return []
    return [Problem("broken", "nothing in it could be read")]

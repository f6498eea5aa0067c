"""Text dumps of a listing page: what is left when a browser's page is copied as text.

Each row is a title line, one body line and four short lines: replies, boosts, views, activity. There is no address
and no author, so a row's identity is its title and the beginning of its body, and a body is one flattened line.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from ingest.captures import Capture
from ingest.parsing.counts import COUNT, parse_count
from ingest.parsing.page import Fields, Found, Layer, Page, ParsedPage, Part, Problem
from ingest.parsing.post_links import links_of
from kb.activity import ACTIVITY
from kb.documents import Document, Post, fold

_HEADER = ("post", "replies", "boosts", "views")
_LAYER: Layer = "text-dump"
_STAFF_LINE = re.compile(r"Posts under (?P<tag>.+?) (?:tag|subtopic|topic)$")


@dataclass(frozen=True)
class DumpPage:
    """The rows of a dump, the tag it lists, and every line that belongs to no row (none, when all is well)."""

    tag: str | None
    documents: list[Document]
    leftover: list[str]


def is_listing_dump(text: str) -> bool:
    """Whether a text has the header and at least one row of a listing dump."""
    lines = _lines(text)
    return _header_end(lines) is not None and bool(_quadruples(lines))


def parse_listing_dump(text: str, capture: Capture) -> DumpPage:
    """Every row of a listing dump as a document."""
    lines = _lines(text)
    start = _header_end(lines) or 0
    tag = next((m["tag"] for line in lines[:start] if (m := _STAFF_LINE.match(line))), None)
    documents, leftover = [], []
    at = start
    for first in _quadruples(lines, start):
        content = lines[at:first]
        if len(content) < 2:
            leftover += content + lines[first : first + 4]
        else:
            documents.append(_row(content, lines[first : first + 4], tag, capture))
        at = first + 4
    return DumpPage(tag, documents, leftover + lines[at:])


def parse_dump_page(page: Page) -> ParsedPage:
    """A listing dump as a page: each row a part of a document that has no address yet."""
    day = Capture(page.name, "file", page.taken, b"")
    read, fields = parse_listing_dump(page.text, day), Fields()
    for document in read.documents:
        fields.add("title", Found(document.title, _LAYER), expected=True)
        fields.add("body", Found(document.posts[0].body, _LAYER), expected=True)
        for name in ("replies", "boosts", "views"):
            fields.add(name, Found(getattr(document, name), _LAYER), expected=True)
        fields.add("activity", Found(document.activity, _LAYER), expected=True)
    problems = [] if read.documents else [Problem("broken", "it has no rows")]
    if read.leftover:
        problems.append(Problem("warning", f"{len(read.leftover)} lines belong to no row"))
    parts = {d.id: Part(d, "dump") for d in read.documents}
    return ParsedPage("text_dump_A", None, tuple(parts.values()), fields, tuple(problems), notes=page.notes)


def _lines(text: str) -> list[str]:
    return [
        " ".join(line.replace("\u00a0", " ").split()) for line in text.lstrip("\ufeff").splitlines() if line.strip()
    ]


def _header_end(lines: list[str]) -> int | None:
    """The first line after the five header words; the fifth reads Activity or Created, by the order of the page."""
    low = [line.lower() for line in lines[:60]]
    for at in range(len(low) - 4):
        if tuple(low[at : at + 4]) == _HEADER:
            return at + 5
    return None


def _quadruples(lines: list[str], start: int = 0) -> list[int]:
    """Where four lines in a row are replies, boosts, views and activity."""
    found: list[int] = []
    at = start
    while at + 3 < len(lines):
        if all(COUNT.match(x) for x in lines[at : at + 3]) and ACTIVITY.match(lines[at + 3]):
            found.append(at)
            at += 4
        else:
            at += 1
    return found


def _row(content: list[str], stats: list[str], tag: str | None, capture: Capture) -> Document:
    title, body = content[0], " ".join(content[1:])
    return Document(
        id=row_id(title, body),
        source="dump",
        kind="thread",
        title=title,
        posts=(Post("question", body),),
        tags=(tag,) if tag else (),
        replies=parse_count(stats[0]),
        boosts=parse_count(stats[1]),
        views=parse_count(stats[2]),
        activity=stats[3],
        captured=capture.day,
        links=tuple(links_of(body)),
    )


def row_id(title: str, body: str) -> str:
    """The identity of a row without an address: its title and the beginning of its body."""
    key = f"{fold(title)}\n{fold(body)[:200]}"
    return "row-" + hashlib.sha256(key.encode()).hexdigest()[:16]

"""Putting a document together from what several pages said of it.

A thread's own pages say most; a listing has the first post on one line, a feed its beginning, a dump neither author
nor address. Counters and activity come from whichever page was seen last.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from kb.activity import activity_span
from kb.documents import Document, Post

_ORDER = ("page", "listing", "feed", "dump", "listing-reply")
_LATEST = ("replies", "boosts", "views")


@dataclass(frozen=True)
class SeenPart:
    """A part with its name and the time it was seen (ISO 8601)."""

    part: str
    seen_at: str
    document: Document

    @property
    def order(self) -> tuple[int, int]:
        """Pages first, by their number, then the poorer parts."""
        name, _, number = self.part.partition(":")
        return _ORDER.index(name), int(number or 0)


def assemble(seen: Sequence[SeenPart]) -> Document:
    """One document from its parts. `seen` holds at least one."""
    ordered = sorted(seen, key=lambda s: s.order)
    best = ordered[0].document
    pages = [s.document for s in ordered if s.part.startswith("page:")]
    posts = _posts(pages) if pages else best.posts or next((s.document.posts for s in ordered if s.document.posts), ())
    posts = _with_feed(posts, ordered)
    kind = (
        "resource" if best.kind == "thread" and posts and posts[0].kind == "question" and posts[0].apple else best.kind
    )
    return replace(
        best,
        kind=kind,
        posts=posts,
        url=_first(s.document.url for s in ordered),
        topic=_first(s.document.topic for s in ordered),
        tags=tuple(dict.fromkeys(t for s in ordered for t in s.document.tags)),
        updated=_first(s.document.updated for s in ordered),
        links=tuple(dict.fromkeys(link for s in ordered for link in s.document.links)) if not pages else _links(pages),
        **_latest(seen),
    )


def not_aged(document: Document, activity: str | None, captured: str | None, content_hash: str) -> Document:
    """The document with the activity held of it, where its own may be just that and all else is as its hash says.

    A label ages by itself. Taken each time as it stands, `1d`, `2d` and `3d` would make three documents of one.
    """
    shown = activity_span(document.activity or "", document.captured or "")
    before = activity_span(activity or "", captured or "")
    if shown is None or before is None or not shown.meets(before):
        return document
    same = replace(document, activity=activity, captured=captured)
    return same if same.content_hash == content_hash else document


def _posts(pages: Iterable[Document]) -> tuple[Post, ...]:
    """The posts of all pages in their order; one that two pages show, because others moved, stands once."""
    held: dict[tuple[str, str], Post] = {}
    for document in pages:
        for post in document.posts:
            held.setdefault(("id", post.id) if post.id else ("body", post.body), post)
    return tuple(held.values())


def _with_feed(posts: tuple[Post, ...], ordered: Sequence[SeenPart]) -> tuple[Post, ...]:
    """The feed knows author and time of a question that only a listing has shown."""
    feed = next((s.document.posts[0] for s in ordered if s.part == "feed" and s.document.posts), None)
    if feed is None or not posts or posts[0].kind != "question":
        return posts
    question = posts[0]
    known = replace(question, author=question.author or feed.author, created=question.created or feed.created)
    return (known, *posts[1:])


def _latest(seen: Sequence[SeenPart]) -> dict[str, Any]:
    newest = sorted(seen, key=lambda s: s.seen_at, reverse=True)
    found: dict[str, Any] = {}
    for name in _LATEST:
        found[name] = _first(getattr(s.document, name) for s in newest)
    shown = next((s.document for s in newest if s.document.activity), None)
    found["activity"] = shown.activity if shown else None
    found["captured"] = (shown or newest[0].document).captured
    return found


def _links(pages: Iterable[Document]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(link for d in pages for link in d.links))


def _first(values: Iterable[Any]) -> Any:
    return next((v for v in values if v is not None), None)

"""A listing: the rows of a tag, a topic, a search. Each row is a thread that was at least seen.

A row shows the first post flattened to one line, so it is good for finding and not a faithful post. A page holds a
second copy of its list for small screens; rows are told apart by their thread's number.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from bs4 import BeautifulSoup, Tag

from ingest.addresses import APPLE, canonical, page_address, page_number, thread_id
from ingest.parsing.counts import COUNT, parse_count
from ingest.parsing.fingerprint import fingerprint
from ingest.parsing.markup import attribute, text_of, within
from ingest.parsing.page import (
    NOTHING,
    Fields,
    Found,
    Layer,
    Page,
    PageKind,
    ParsedPage,
    Part,
    Problem,
    Row,
    first,
    unique,
)
from kb.activity import ACTIVITY, activity_span
from kb.documents import Document, Post

ROWS = "article.article-entry, .article-entry"
LINKS = "a[href*='/forums/thread/'], a[href^='/thread/']"
FEWEST_FIRST_PAGE = 10
_STATS = {"replies": ".replies", "boosts": ".votes", "views": ".views", "activity": ".timestamp"}
_TOPICS = ("a.subtopic", "a.topic")
_REPLY_TO = re.compile(r"^(?:Reply to|Re:)\s+", re.IGNORECASE)


@dataclass(frozen=True)
class _Said:
    """What a row says of its thread."""

    number: str
    title: str
    is_reply: bool
    excerpt: str | None
    stats: dict[str, str]
    marks: tuple[bool, bool]  # answered, recommended by Apple
    tags: tuple[str, ...]
    topic: str | None


@dataclass(frozen=True)
class _Entry:
    number: str
    is_reply: bool
    part: Part
    row: Row


def parse_listing(page: Page, kind: PageKind) -> ParsedPage:
    """Every row as a part of its thread, the addresses that it leads to, and the next page."""
    soup, fields = page.soup, Fields()
    nodes, layer = _rows(soup)
    tag = _tag(soup, kind)
    entries: dict[str, _Entry] = {}
    unread = 0
    for node in nodes:
        entry = _entry(node, layer, page, tag, fields)
        if entry is None:
            unread += 1
        elif entry.number not in entries or (entries[entry.number].is_reply and not entry.is_reply):
            entries[entry.number] = entry
    problems = _invariants(page, kind, list(entries.values()), unread, soup)
    return ParsedPage(
        kind, page.address, tuple(e.part for e in entries.values()), fields, tuple(problems),
        fingerprint(soup, nodes), tuple(e.row for e in entries.values()), _next(soup, page), page.notes,
    )  # fmt: skip


def _rows(soup: BeautifulSoup) -> tuple[list[Tag], Layer]:
    wide = soup.select(", ".join(f".content-list-wrapper.desktop-view {r.strip()}" for r in ROWS.split(",")))
    nodes = list(wide or soup.select(ROWS))
    if nodes:
        return [n for at, n in enumerate(nodes) if not within(n, nodes[max(0, at - 1) : at])], "class"
    return _shaped_rows(soup), "shape"


def _shaped_rows(soup: BeautifulSoup) -> list[Tag]:
    """For each link to a thread, its largest ancestor that holds links to no other thread."""
    links = [(a, n) for a in soup.select(LINKS)[:500] if (n := thread_id(attribute(a, "href") or ""))]
    numbers: dict[int, set[str]] = {}
    for link, number in links:
        for parent in link.parents:
            numbers.setdefault(id(parent), set()).add(number)
    rows: list[Tag] = []
    for link, number in links:
        row = link
        for parent in link.parents:
            if numbers[id(parent)] != {number} or parent.name in ("body", "html", "[document]", "main"):
                break
            row = parent
        if not within(row, rows):
            rows.append(row)
    return rows


def _entry(node: Tag, layer: Layer, page: Page, tag: str | None, fields: Fields) -> _Entry | None:
    said = _said(node, layer, tag, fields)
    if said is None:
        return None
    part = Part(_document(said, page), "listing-reply" if said.is_reply else "listing")
    return _Entry(said.number, said.is_reply, part, _row(said, page))


def _said(node: Tag, layer: Layer, tag: str | None, fields: Fields) -> _Said | None:
    link, link_layer = _link(node, layer)
    href = attribute(link, "href") or ""
    number = thread_id(canonical(href, f"https://{APPLE}/") or "")
    fields.add("address", Found(number, link_layer), expected=True)
    title = fields.add("title", _title(link, link_layer), expected=True)
    excerpt = fields.add("excerpt", _excerpt(node, title), expected=True)
    stats = _stats(node, fields)
    if not number or not title:
        return None
    is_reply = "reply-title" in (attribute(link, "class") or "").split() or bool(_answer(href))
    return _Said(
        number=number,
        title=_REPLY_TO.sub("", title) if is_reply else title,
        is_reply=is_reply,
        excerpt=excerpt,
        stats=stats,
        marks=(_icon(node, "answered", fields), _icon(node, "recommended", fields, "apple-recommended")),
        tags=_tags(node, tag, fields),
        topic=fields.add("topic", first(*(Found(text_of(node.select_one(c)), "class") for c in _TOPICS))),
    )


def _document(said: _Said, page: Page) -> Document:
    return Document(
        id=f"thread-{said.number}" if page.verified else f"unverified-{said.number}",
        source="forum" if page.verified else "unverified host",
        kind="thread",
        title=said.title,
        posts=(Post("reply" if said.is_reply else "question", said.excerpt),) if said.excerpt else (),
        url=_address(said) if page.verified else None,
        topic=said.topic,
        tags=said.tags,
        replies=parse_count(said.stats.get("replies", "")),
        boosts=parse_count(said.stats.get("boosts", "")),
        views=parse_count(said.stats.get("views", "")),
        activity=said.stats.get("activity"),
        captured=page.day,
    )


def _row(said: _Said, page: Page) -> Row:
    key = "|".join([said.stats.get("replies", ""), said.title, *map(str, said.marks)])
    return Row(_address(said), key, active=activity_span(said.stats.get("activity", ""), page.taken))


def _address(said: _Said) -> str:
    return f"https://{APPLE}/forums/thread/{said.number}"


def _link(node: Tag, layer: Layer) -> tuple[Tag | None, Layer]:
    if (link := node.select_one("[data-action='post-title'][href]")) is not None:
        return link, "data"
    links = [node] if node.name == "a" else node.select(LINKS)
    named = [a for a in links if text_of(a)]
    return (named[0] if named else links[0] if links else None), "shape" if layer == "shape" else "class"


def _title(link: Tag | None, layer: Layer) -> Found:
    if link is None:
        return NOTHING
    spans = link.select("span.reply-title")
    named = text_of(link.select_one("span.underline")) or (text_of(spans[-1]) if spans else None)
    return first(Found(named, layer), Found(text_of(link), layer))


def _excerpt(node: Tag, title: str | None) -> Found:
    if (text := text_of(node.select_one(".excerpt"))) is not None:
        return Found(text, "class")
    pieces = [t for t in (" ".join(s.split()) for s in node.stripped_strings) if t and t != title]
    longest = max(pieces, key=len, default="")
    return Found(longest if len(longest) > 40 else None, "shape")


def _stats(node: Tag, fields: Fields) -> dict[str, str]:
    stats: dict[str, Found] = {}
    holder = node.select_one(".article-stats") or node
    for name, selector in _STATS.items():
        element = holder.select_one(selector)
        text = text_of(element) or ""
        words = [w for w in (text, *text.split()) if (ACTIVITY if name == "activity" else COUNT).match(w)]
        stats[name] = Found(words[0] if words else None, "class")
    if not any(s.value for s in stats.values()):
        stats = _trailing_stats(node)
    for name, found in stats.items():
        fields.add(name, found, expected=name != "boosts")
    return {name: found.value for name, found in stats.items() if found.value}


def _trailing_stats(node: Tag) -> dict[str, Found]:
    """Three counters and an age, one after another, wherever they stand in the row."""
    texts = [" ".join(s.split()) for s in node.stripped_strings]
    for at in range(len(texts) - 4, -1, -1):
        run = texts[at : at + 4]
        if all(COUNT.match(t) for t in run[:3]) and ACTIVITY.match(run[3]):
            return {name: Found(value, "shape") for name, value in zip(_STATS, run, strict=True)}
    return dict.fromkeys(_STATS, NOTHING)


def _icon(node: Tag, name: str, fields: Fields, icon: str = "") -> bool:
    shown = node.select_one(f".action-icons.{icon or name}")
    return bool(fields.add(name, Found(True, "class") if shown else NOTHING))


def _tags(node: Tag, tag: str | None, fields: Fields) -> tuple[str, ...]:
    """The tags of a row, and the one that the page lists."""
    tags = unique(t for t in [*(text_of(a) for a in node.select("a.tag")), tag] if t)
    fields.add("tags", Found(tags, "class"))
    return tags


def _answer(href: str) -> str | None:
    try:
        return next(iter(parse_qs(urlsplit(href).query).get("answerId", [])), None)
    except ValueError:
        return None


def _tag(soup: BeautifulSoup, kind: PageKind) -> str | None:
    """The tag that a page lists, as it is written: from its heading, or from the title of the window."""
    if kind != "tag":
        return None
    heading = text_of(soup.select_one("h2.tag-title, h1.tag-title, .tag-content h1, .tag-content h2"))
    if not heading and (stated := re.search(r"Posts under (.{1,60}?) tag", text_of(soup.body) or "")):
        heading = stated[1]
    return heading or text_of(soup.select_one("h1"))


def _next(soup: BeautifulSoup, page: Page) -> str | None:
    link = attribute(soup.select_one("a.next-page[href], link[rel='next'][href]"), "href")
    if not link or not page.address:
        return None
    target = canonical(link, page.address)
    same = target is not None and page_address(target) == page_address(page.address)
    return target if same and page_number(target) > page_number(page.address) else None


def _invariants(page: Page, kind: PageKind, entries: list[_Entry], unread: int, soup: BeautifulSoup) -> list[Problem]:
    problems = []
    if not entries:
        problems.append(Problem("broken", "it has no rows"))
    if unread:
        problems.append(Problem("broken", f"{unread} rows have no thread or no title"))
    whole = kind in ("tag", "topic") and page_number(page.address) == 1 and soup.select_one("a.next-page[href]")
    if entries and whole and len(entries) < FEWEST_FIRST_PAGE:
        problems.append(Problem("broken", f"its first page has {len(entries)} rows and another page follows"))
    empty = sum(not e.part.document.posts for e in entries)
    if empty:
        problems.append(Problem("broken", f"{empty} of {len(entries)} rows have no text"))
    if not page.verified:
        problems.append(Problem("warning", "it comes from a host that is no source; its marks are not believed"))
    return problems

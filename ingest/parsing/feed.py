"""A feed (RSS or Atom): titles, addresses, authors and dates are exact; bodies are cut and there are no replies."""

from __future__ import annotations

import calendar
import datetime as dt
from io import BytesIO
from typing import Any

import feedparser

from ingest.addresses import canonical, page_address, source_host, thread_id
from ingest.parsing.markdown import to_markdown
from ingest.parsing.markup import parse_markup
from ingest.parsing.page import NOTHING, Fields, Found, Page, ParsedPage, Part, Problem, Row
from ingest.parsing.post_links import links_of
from ingest.parsing.thread import identity
from kb.documents import Document, Post


def parse_feed(page: Page) -> ParsedPage:
    """Every item as a part of its thread, and as a row that leads to it."""
    fields = Fields()
    try:
        feed = _opened(page.text)
    except Exception as error:  # feedparser trips over some malformed names of elements
        problem = Problem("broken", f"it cannot be read as a feed: {type(error).__name__}: {error}"[:300])
        return ParsedPage("feed", page.address, problems=(problem,), notes=page.notes)
    parts: dict[str, Part] = {}
    rows: list[Row] = []
    unread = 0
    for item in feed.entries:
        part = _item(item, page, fields)
        if part is None:
            unread += 1
        elif parts.setdefault(part.document.id, part) is part and part.document.url:
            rows.append(Row(part.document.url, f"feed|{part.document.updated or ''}"))
    problems = []
    if not parts:
        problems.append(Problem("broken", "it has no items"))
    if unread:
        problems.append(Problem("broken", f"{unread} items have no title or no text"))
    if feed.bozo and parts:
        problems.append(Problem("warning", "it is not well formed"))
    return ParsedPage(
        "feed", page.address, tuple(parts.values()), fields, tuple(problems), rows=tuple(rows), notes=page.notes
    )


def _opened(text: str) -> Any:
    # the text is decoded already; in a file object feedparser cannot take it for an address or a file's name to open
    headers = {"content-type": "text/xml; charset=utf-8"}
    return feedparser.parse(
        BytesIO(text.encode("utf-8", "replace")),
        sanitize_html=True,
        resolve_relative_uris=False,
        response_headers=headers,
    )


def _item(item: Any, page: Page, fields: Fields) -> Part | None:
    link = canonical(str(item.get("link", "")), page.address) or canonical(str(item.get("id", "")))
    host = source_host(link) if link else None
    title = fields.add(
        "title",
        Found(" ".join(parse_markup(str(item.get("title", ""))).get_text().split()) or None, "structured"),
        expected=True,
    )
    body = fields.add("body", _body(item, page), expected=True)
    number = thread_id(link) if link else None
    fields.add("address", Found(link if host else None, "structured"), expected=True)
    author = fields.add("author", Found(_author(item), "structured"))
    created = fields.add("created", _created(item), expected=True)
    if not title or not body:
        return None
    document = Document(
        id=identity(page, number if host else None, title, body),
        source="feed" if page.verified else "unverified host",
        kind="thread" if number else "feed-item",
        title=title,
        posts=(Post("question", body, author=author, created=created),),
        url=page_address(link) if link and host and page.verified else None,
        tags=(),
        captured=page.day,
        updated=created[:10] if created and not number else None,
        links=tuple(links_of(body)),
    )
    return Part(document, "feed")


def _body(item: Any, page: Page) -> Found:
    contents = [str(c.get("value", "")) for c in item.get("content", [])] + [str(item.get("summary", ""))]
    longest = max(contents, key=len)
    return Found(to_markdown(parse_markup(longest), page.address) or None, "structured") if longest.strip() else NOTHING


def _author(item: Any) -> str | None:
    return " ".join(str(item.get("author", "")).split()) or None


def _created(item: Any) -> Found:
    parsed = dict.get(item, "published_parsed") or dict.get(item, "updated_parsed")
    try:
        moment = dt.datetime.fromtimestamp(calendar.timegm(parsed), dt.UTC) if parsed else None
    except (ValueError, OverflowError, TypeError):
        return NOTHING
    sound = moment and moment.year >= 2008 and moment <= dt.datetime.now(dt.UTC) + dt.timedelta(days=1)
    return Found(moment.isoformat(), "structured") if moment and sound else NOTHING

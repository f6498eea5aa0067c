"""A Discourse forum, through its JSON: the Swift forums run on it.

Topics come twenty posts a page (`/t/ID.json?page=N`), lists thirty topics a page. Everything is structured; who is a
member of a company's staff is not said, so nobody is marked as Apple's.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from ingest.addresses import SWIFT, canonical, page_number, source_host
from ingest.parsing.markdown import to_markdown
from ingest.parsing.markup import parse_markup
from ingest.parsing.page import NOTHING, Fields, Found, Page, PageKind, ParsedPage, Part, Problem, Row, unique
from ingest.parsing.post_links import links_of
from ingest.sources.source import FORUM_PACE
from kb.documents import Count, Document, Post

POSTS_A_PAGE = 20
_TOPIC = re.compile(r"^/t/(?:[^/]+/)?(?P<id>\d+)(?:/\d+)?(?:\.json)?$")
_LIST = re.compile(r"^/(?:latest|top|c/.+|tag/.+|tags/.+)$")
_MOMENT = re.compile(r"^(?:20[012]\d)-\d\d-\d\dT\d\d:\d\d:\d\d")


class _Discourse:
    name = "discourse"
    about = "the Swift forums (Discourse)"
    # Which of its lists bear on networking is a guess.
    starts = (f"https://{SWIFT}/tag/networking",)
    pace = FORUM_PACE

    def owns(self, address: str) -> bool:
        clean = canonical(address)
        path = urlsplit(clean).path if clean else ""
        return bool(clean and source_host(clean) == SWIFT and (_TOPIC.match(path) or _LIST.match(path)))

    def request(self, address: str) -> str:
        clean = canonical(address) or address
        path, _, query = clean.partition("?")
        if topic := _TOPIC.match(urlsplit(clean).path):
            path = f"https://{SWIFT}/t/{topic['id']}"
        return path.removesuffix(".json") + ".json" + (f"?{query}" if query else "")

    def fallback(self, _address: str) -> str | None:
        return None

    def classify(self, page: Page) -> PageKind | None:
        raw = page.json
        if not isinstance(raw, dict):
            return None
        if isinstance(raw.get("topic_list"), dict):
            return "discourse_list"
        return "discourse_topic" if isinstance(raw.get("post_stream"), dict) and "id" in raw else None

    def parse(self, page: Page, kind: PageKind) -> ParsedPage:
        return _list(page) if kind == "discourse_list" else _topic(page)

    def follow(self, page: ParsedPage) -> Iterable[Row]:
        return page.rows


SOURCE = _Discourse()


def _list(page: Page) -> ParsedPage:
    fields = Fields()
    rows: list[Row] = []
    topics = page.json["topic_list"].get("topics")
    for listed in topics if isinstance(topics, list) else []:
        topic = listed if isinstance(listed, dict) else {}
        number = fields.add("address", Found(_number(topic.get("id")), "structured"), expected=True)
        title = fields.add("title", Found(_line(topic.get("title")), "structured"), expected=True)
        if number and title:
            key = f"{topic.get('posts_count')}|{topic.get('bumped_at')}|{title}"
            rows.append(Row(f"https://{SWIFT}/t/{number}", key, title))
    problems = () if rows else (Problem("broken", "it has no topics"),)
    more = page.json["topic_list"].get("more_topics_url")
    target = canonical(more, f"https://{SWIFT}/") if isinstance(more, str) else None
    return ParsedPage("discourse_list", page.address, (), fields, problems, rows=tuple(rows),
                      next_page=SOURCE.request(target) if target else None, notes=page.notes)  # fmt: skip


def _topic(page: Page) -> ParsedPage:
    raw, fields = page.json, Fields()
    number = _number(raw.get("id"))
    title = fields.add("title", Found(_line(raw.get("title")), "structured"), expected=True)
    stream = raw["post_stream"].get("stream")
    listed = raw["post_stream"].get("posts")
    shown = [p for p in (listed if isinstance(listed, list) else []) if isinstance(p, dict)]
    posts = tuple(p for item in shown if (p := _post(item, page, fields)) is not None)
    current, total = _pages(stream, shown, page)
    address = f"https://{SWIFT}/t/{number}"
    broken = [what for what, held in (("number", number), ("title", title), ("posts", posts)) if not held]
    document = Document(
        id=f"swift-{number}", source="discourse" if page.verified else "unverified host", kind="thread",
        title=title or "", posts=posts, url=address if page.verified else None,
        tags=_tags(raw.get("tags")), replies=_count(raw.get("posts_count"), -1), boosts=_count(raw.get("like_count")),
        views=_count(raw.get("views")),
        activity=str(raw.get("last_posted_at") or "")[:10] or None, captured=page.day,
        links=unique(link for p in posts for link in links_of(p.body)),
    )  # fmt: skip
    parts = () if broken else (Part(document, f"page:{current}", total),)
    following = f"{address}.json?page={current + 1}" if current < total else None
    problems = tuple(Problem("broken", f"it has no {what}") for what in broken)
    return ParsedPage("discourse_topic", address, parts, fields, problems, next_page=following, notes=page.notes)


def _post(raw: dict[str, Any], page: Page, fields: Fields) -> Post | None:
    cooked = raw.get("cooked")
    body = to_markdown(parse_markup(cooked), f"https://{SWIFT}/") if isinstance(cooked, str) else ""
    if raw.get("post_type", 1) != 1:  # a moderator's action or a notice: nobody's words
        return None
    created = str(raw.get("created_at") or "")
    written = created[:19] + "+00:00" if _MOMENT.match(created) else None
    accepted = Found(True, "structured") if raw.get("accepted_answer") is True and page.verified else NOTHING
    return Post(
        kind="question" if raw.get("post_number") == 1 else "reply",
        body=fields.add("body", Found(body or "(nothing)", "structured"), expected=True),
        id=fields.add("post", Found(_number(raw.get("id")), "structured"), expected=True),
        author=fields.add("author", Found(_line(raw.get("username")), "structured"), expected=True),
        accepted=bool(fields.add("accepted", accepted)),
        created=fields.add("created", Found(written, "structured"), expected=True),
    )  # fmt: skip


def _pages(stream: Any, shown: list[dict[str, Any]], page: Page) -> tuple[int, int]:
    """Which page of the topic this is, from where its first post stands among all."""
    ids = stream if isinstance(stream, list) else []
    first = shown[0].get("id") if shown else None
    current = ids.index(first) // POSTS_A_PAGE + 1 if first in ids else page_number(page.address)
    return current, max(current, math.ceil(len(ids) / POSTS_A_PAGE))


def _tags(tags: Any) -> tuple[str, ...]:
    names = (tag.get("name") if isinstance(tag, dict) else tag for tag in (tags if isinstance(tags, list) else []))
    return unique(line for name in names if (line := _line(name)))


def _number(value: Any) -> str | None:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 10**15 else None


def _line(value: Any) -> str | None:
    return " ".join(value.split()) or None if isinstance(value, str) else None


def _count(value: Any, more: int = 0) -> Count | None:
    if not isinstance(value, int) or isinstance(value, bool) or value + more < 0:
        return None
    return Count(str(value + more), value + more, value + more)

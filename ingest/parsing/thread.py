"""A thread's page: the question, its replies, who wrote them, which is accepted.

Posts are found by their `data-post-id`, then by the class `content-post`, then by shape: a heading and blocks that
each link to a profile. Who is Apple's and when a post was written come from `data-*` attributes alone. "Accepted" is
a badge of the site's; it counts only inside a post that its `data-*` attributes identify, and outside the post's
body, where nobody but the site can put it.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from dataclasses import dataclass

from bs4 import BeautifulSoup, Tag

from ingest.addresses import answer_id, canonical, page_address, page_number, thread_id
from ingest.parsing.counts import parse_count
from ingest.parsing.fingerprint import fingerprint
from ingest.parsing.markdown import to_markdown
from ingest.parsing.markup import attribute, outermost, text_of, within
from ingest.parsing.page import NOTHING, Fields, Found, Layer, Page, ParsedPage, Part, Problem, first, unique
from ingest.parsing.post_links import links_of
from ingest.parsing.signature import signature
from ingest.parsing.structured import stated_title
from kb.documents import Count, Document, Post, PostKind, fold

POSTS = "[data-post-id], section.content-post, .content-post"
MOST_POSTS = 2000  # of one page; the forum shows some tens, and each takes a millisecond or two to read
_BODIES: tuple[tuple[str, Layer], ...] = (
    ("[data-action='content-post-body-content']", "data"),
    (".post-content, .content-post-body", "class"),
)
_ACCEPTED = ".top-answer-badge.solved, .accepted-answer, [data-solved='true']"
_RECOMMENDED = ".apple-recommended-badge, .apple-recommended, [data-recommended='true']"
# Role accounts of Apple's staff: a name makes nobody Apple's, but one of these without the mark says that it moved.
_ROLES = frozenset({"DTS Engineer", "Frameworks Engineer", "Apple Designer"})
_PAGE = frozenset({"body", "html", "[document]", "main", "header", "nav"})
_EARLIEST = dt.datetime(2008, 1, 1, tzinfo=dt.UTC)
_COUNTS = {"replies": "replies", "boosts": "boosts", "views": "views"}


@dataclass(frozen=True)
class _Node:
    element: Tag
    layer: Layer


def parse_thread(page: Page) -> ParsedPage:
    """A thread's page as one part of its document."""
    soup, fields, problems = page.soup, Fields(), []
    nodes = _post_nodes(soup)
    if len(nodes) > MOST_POSTS:
        return ParsedPage("thread", page.address, problems=(Problem("broken", f"it has {len(nodes)} posts"),))
    title = fields.add("title", _title(soup), expected=True)
    posts = tuple(p for node in nodes if (p := _post(node, page, fields)) is not None)
    current, total = _pages(soup, page, fields)
    problems += _invariants(page, nodes, posts, title, current)
    number = _number(soup, page, nodes)
    fields.add("thread", number)
    if not number.value:
        problems.append(Problem("warning", "it does not say which thread it is"))
    counts = _counts(nodes, fields) if current == 1 else {}
    problems += _stated(counts.get("replies"), posts, total)
    document = Document(
        id=identity(page, number.value, title or "", posts[0].body if posts else ""),
        source="forum" if page.verified else "unverified host",
        kind="thread",
        title=title or "",
        posts=posts,
        url=f"https://developer.apple.com/forums/thread/{number.value}" if number.value and page.verified else None,
        topic=fields.add("topic", _first_text(soup, "a.subtopic", "a.topic")),
        tags=fields.add("tags", _texts(soup, "a.tag")) or (),
        captured=page.day,
        links=unique(link for p in posts for link in links_of(p.body)),
        replies=counts.get("replies"),
        boosts=counts.get("boosts"),
        views=counts.get("views"),
    )
    parts = (Part(document, f"page:{current}", total),) if posts and title else ()
    return ParsedPage(
        "thread", page.address, parts, fields, tuple(problems), fingerprint(soup, [n.element for n in nodes]),
        next_page=_next(soup, page, number.value, current, total), notes=page.notes,
    )  # fmt: skip


def identity(page: Page, number: str | None, title: str, body: str) -> str:
    """A document's id: the thread's number; for a page without one, or of an unverified host, a hash of its text."""
    if number and page.verified:
        return f"thread-{number}"
    key = hashlib.sha256(f"{fold(title)}\n{fold(body)[:200]}".encode()).hexdigest()[:16]
    return f"{'page' if page.verified else 'unverified'}-{key}"


def _post_nodes(soup: BeautifulSoup) -> list[_Node]:
    """The outermost elements that are posts, each with the layer that knew it, in the order of the page."""
    if found := outermost(soup.select(POSTS)):
        return [_Node(e, "data" if e.has_attr("data-post-id") else "class") for e in found]
    return [_Node(e, "shape") for e in _shaped_posts(soup)]


def _shaped_posts(soup: BeautifulSoup) -> list[Tag]:
    """Blocks that each link to one profile: the largest ancestors of profile links that hold no other's."""
    links = [(a, attribute(a, "href")) for a in soup.select("a[href*='/forums/profile/']")[:500]]
    owners: dict[int, list[str | None]] = {}
    for link, owner in links:
        for parent in link.parents:
            owners.setdefault(id(parent), []).append(owner)
    blocks: list[Tag] = []
    for link, owner in links:
        block = link
        for parent in link.parents:
            held = owners[id(parent)]
            if parent.name in _PAGE or set(held) != {owner} or len(held) > 3:
                break
            block = parent
        if not within(block, blocks) and len(block.get_text(strip=True)) > 40:
            blocks.append(block)
    return blocks


def _title(soup: BeautifulSoup) -> Found:
    return first(
        Found(stated_title(soup), "structured"),
        Found(text_of(soup.select_one("h1[data-action='post-title'], [data-action='post-title']:not(a)")), "data"),
        Found(text_of(soup.select_one(".post-header-title, h1.title")), "class"),
        Found(text_of(soup.select_one("h1")), "shape"),
    )


def _post(node: _Node, page: Page, fields: Fields) -> Post | None:
    element = node.element
    container, layer = _body(node)
    body = to_markdown(container, page.address) if container is not None else ""
    fields.add("post", Found(attribute(element, "data-post-id") or (body or None), node.layer), expected=True)
    if not fields.add("body", Found(body or None, layer), expected=True):
        return None
    kind = fields.add("kind", _kind(node), expected=True)
    author = fields.add("author", _author(element), expected=True)
    apple = _apple(element, container) if page.verified else NOTHING
    accepted = _accepted(node, container) if page.verified and kind != "question" else NOTHING
    fields.add("recommended", _badge(node, container, _RECOMMENDED))
    return Post(
        kind=kind or "reply",
        body=body,
        id=attribute(element, "data-post-id"),
        author=author,
        apple=bool(fields.add("apple", apple)),
        accepted=bool(fields.add("accepted", accepted)),
        created=fields.add("created", _created(element), expected=True),
        signature=signature(body),
    )


def _body(node: _Node) -> tuple[Tag | None, Layer | None]:
    for selector, layer in _BODIES:
        if (found := node.element.select_one(selector)) is not None:
            return found, layer
    return node.element, "shape"


def _kind(node: _Node) -> Found:
    element = node.element
    kinds: dict[str, PostKind] = {"question": "question", "answer": "reply", "reply": "reply", "comment": "reply"}
    stated = (attribute(element, "data-post-type") or "").lower()
    classes = (attribute(element, "class") or "").lower().split()
    by_class = next((kinds[c] for c in classes if c in kinds), None)
    return first(Found(kinds.get(stated), "data"), Found(by_class, "class"))


def _author(element: Tag) -> Found:
    by_data = text_of(element.select_one("[data-action='author-name']"))
    link = element.select_one("a[href*='/forums/profile/']")
    return first(
        Found(attribute(element, "data-authorname") or by_data, "data"),
        Found(text_of(element.select_one(".user-nickname, .user-name, .author-name")), "class"),
        Found(text_of(link), "shape"),
    )


def _apple(element: Tag, body: Tag | None) -> Found:
    """Whether the site marks the author as Apple's; nothing inside the body counts, and no name does."""
    marks = [
        m
        for m in element.select("[data-author-apple-employee]")
        if body is None or body is element or not within(m, [body])
    ]
    if element.has_attr("data-author-apple-employee"):
        marks.insert(0, element)
    if not marks:
        return NOTHING
    return Found(any((attribute(m, "data-author-apple-employee") or "").lower() == "true" for m in marks), "data")


def _accepted(node: _Node, body: Tag | None) -> Found:
    return _badge(node, body, _ACCEPTED)


def _badge(node: _Node, body: Tag | None, selector: str) -> Found:
    if node.layer != "data":
        return NOTHING
    marks = [m for m in node.element.select(selector) if body is None or not within(m, [body])]
    own = (attribute(node.element, "data-solved") or "").lower() == "true" and selector == _ACCEPTED
    return Found(True, "data") if marks or own else NOTHING


def _created(element: Tag) -> Found:
    raw = attribute(element, "data-timestamp") or ""
    if not re.fullmatch(r"\d{9,14}", raw, re.ASCII):
        return NOTHING
    seconds = int(raw) / (1000 if len(raw) > 10 else 1)
    moment = dt.datetime.fromtimestamp(seconds, dt.UTC)
    if not _EARLIEST <= moment <= dt.datetime.now(dt.UTC) + dt.timedelta(days=1):
        return NOTHING
    return Found(moment.replace(microsecond=0).isoformat(), "data")


def _number(soup: BeautifulSoup, page: Page, nodes: list[_Node]) -> Found:
    """The thread's number, from its address; for a page without one, from links to its own posts.

    What a post says leads anywhere: its links do not count, nor do those to a post that is not on the page.
    """
    if page.address and (number := thread_id(page.address)):
        return Found(number, "structured")
    posts = {post for node in nodes if (post := attribute(node.element, "data-post-id"))}
    said = {id(body) for node in nodes if (body := _body(node)[0]) is not None}
    links = [a for a in soup.select("a[href*='answerId=']") if said.isdisjoint(id(p) for p in a.parents)]
    addresses = [href for a in links if (href := attribute(a, "href")) and answer_id(href) in posts]
    own = {number for address in addresses if (number := thread_id(address))}
    return Found(own.pop(), "shape") if len(own) == 1 else NOTHING


def _pages(soup: BeautifulSoup, page: Page, fields: Fields) -> tuple[int, int]:
    nav = soup.select_one("nav.pagination[data-total-pages], [data-total-pages]")
    current, total = (attribute(nav, n) or "" for n in ("data-current-page", "data-total-pages"))
    at = int(current) if re.fullmatch(r"\d{1,4}", current, re.ASCII) else page_number(page.address)
    last = int(total) if re.fullmatch(r"\d{1,4}", total, re.ASCII) else at + bool(soup.select_one("a.next-page[href]"))
    at = max(1, at)
    fields.add("pages", Found(f"{at} of {max(at, last)}", "data" if nav else "shape"))
    return at, max(at, last)


def _next(soup: BeautifulSoup, page: Page, number: str | None, current: int, total: int) -> str | None:
    link = attribute(soup.select_one("a.next-page[href]"), "href")
    if link and page.address and (target := canonical(link, page.address)) and page_number(target) == current + 1:
        return target if page_address(target) == page_address(page.address) else None
    return (
        f"https://developer.apple.com/forums/thread/{number}?page={current + 1}" if number and current < total else None
    )


def _counts(nodes: list[_Node], fields: Fields) -> dict[str, Count]:
    counts: dict[str, Count] = {}
    infos = (
        [i for n in nodes for i in n.element.select(".content-post-metadata .post-info, .post-info")] if nodes else []
    )
    for info in infos:
        label = text_of(info.select_one(".post-info-title"))
        name = _COUNTS.get((label or "").casefold().strip(": "))
        rest = (text_of(info) or "").replace(label or "", "", 1).strip(": ")
        if name and name not in counts and (count := parse_count(rest)):
            counts[name] = count
    for name in _COUNTS.values():
        fields.add(name, Found(counts.get(name), "class"))
    return counts


def _first_text(soup: BeautifulSoup, *selectors: str) -> Found:
    for selector in selectors:
        if text := text_of(soup.select_one(selector)):
            return Found(text, "class")
    return NOTHING


def _texts(soup: BeautifulSoup, selector: str) -> Found:
    return Found(unique(t for e in soup.select(selector) if (t := text_of(e))), "class")


def _invariants(
    page: Page, nodes: list[_Node], posts: tuple[Post, ...], title: str | None, current: int
) -> list[Problem]:
    problems = []
    if not title:
        problems.append(Problem("broken", "it has no title"))
    if not posts:
        problems.append(Problem("broken", "it has no post"))
    if len(posts) < len(nodes):
        problems.append(Problem("broken", f"{len(nodes) - len(posts)} of {len(nodes)} posts have no body"))
    questions = sum(p.kind == "question" for p in posts)
    if posts and questions != 1 and (current == 1 or questions > 1):
        problems.append(Problem("broken", f"it has {questions} questions where one is expected"))
    ids = [p.id for p in posts if p.id]
    if len(ids) != len(set(ids)):
        problems.append(Problem("broken", "two of its posts have the same id"))
    unmarked = [p.author for p in posts if p.author in _ROLES and not p.apple and page.verified]
    if unmarked:
        problems.append(Problem("drift", f"a post by {unmarked[0]} is not marked as Apple's"))
    if any(n.layer != "data" and n.element.select_one(_ACCEPTED) for n in nodes):
        problems.append(Problem("drift", "an answer's mark stands on a post that has no id, and is not believed"))
    if sum(p.accepted for p in posts) > 1:
        problems.append(Problem("warning", "more than one answer is marked accepted"))
    if not page.verified:
        problems.append(Problem("warning", "it comes from a host that is no source; its marks are not believed"))
    times = [p.created for p in posts[1:] if p.created]
    if times and posts[0].created and min(times) < posts[0].created and posts[0].kind == "question":
        problems.append(Problem("warning", "a reply is older than the question"))
    return problems


def _stated(stated: Count | None, posts: tuple[Post, ...], total: int) -> list[Problem]:
    """A one-page thread that states its replies must hold them, give or take two that are hidden or just deleted."""
    replies = sum(p.kind != "question" for p in posts)
    if stated is None or not posts:
        return []
    low = stated.low
    sound = replies > 0 if total > 1 else abs(low - replies) <= 2 and (replies > 0 or low == 0)
    return [] if sound else [Problem("broken", f"it states {low} replies and {replies} were found")]

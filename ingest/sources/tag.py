"""Apple's developer forum: tag, topic, search and thread pages, and text dumps of them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from bs4 import BeautifulSoup

from ingest.addresses import APPLE, canonical, source_host, thread_id
from ingest.parsing.article_dump import is_article_dump, parse_article_dump
from ingest.parsing.dump import is_listing_dump, parse_dump_page
from ingest.parsing.listing import LINKS, ROWS, parse_listing
from ingest.parsing.markup import attribute, text_of
from ingest.parsing.page import Page, PageKind, ParsedPage, Row
from ingest.parsing.thread import POSTS, parse_thread
from ingest.sources.source import FORUM_PACE

GATE = "/forums/verify-human"
_KIND_OF_PATH: tuple[tuple[str, PageKind], ...] = (
    (r"/forums/thread/\d{1,15}", "thread"),
    (r"/forums/tags/(?!rssFeed)[^/]+", "tag"),
    (r"/forums/topics/.+", "topic"),
    (r"/forums/topics", "topic_index"),
    (r"/forums/(?:search|allPosts)", "search"),
)
_MARKUP = re.compile(r"<(?:!doctype\s+html|html|head|body|div|section|article|main|table|span|a)\b", re.IGNORECASE)
_NOT_FOUND = re.compile(r"\b(?:not found|can[’']t be found|cannot be found|no longer available|404)\b", re.IGNORECASE)
_GATE_WORDS = re.compile(r"verify (?:that )?you are (?:a )?human|human verification|are you a robot", re.IGNORECASE)


class _Forum:
    name = "tag"
    about = "the forum's tag, topic and thread pages"
    starts = (f"https://{APPLE}/forums/tags/networkextension",)
    pace = FORUM_PACE

    def owns(self, address: str) -> bool:
        clean = canonical(address)
        return bool(clean and source_host(clean) == APPLE and _kind_of_path(clean))

    def request(self, address: str) -> str:
        return canonical(address) or address

    def fallback(self, _address: str) -> str | None:
        return None

    def classify(self, page: Page) -> PageKind | None:
        if not _MARKUP.search(page.text[:20_000]) or page.text.lstrip()[:1] in ("{", "["):
            return _dump(page.text)
        if re.search(r"<(?:rss|feed|rdf:RDF)\b", page.text[:2000]):
            return None
        return _html(page) or _dump(page.text)

    def parse(self, page: Page, kind: PageKind) -> ParsedPage:
        match kind:
            case "thread":
                return parse_thread(page)
            case "tag" | "topic" | "search":
                return parse_listing(page, kind)
            case "text_dump_A":
                return parse_dump_page(page)
            case "text_dump_B":
                return parse_article_dump(page)
        return ParsedPage(kind, page.address, notes=page.notes)

    def follow(self, page: ParsedPage) -> Iterable[Row]:
        return page.rows


SOURCE = _Forum()


def is_gate(address: str) -> bool:
    """Whether an address is the human-verification gate."""
    try:
        return urlsplit(address).path.startswith(GATE)
    except ValueError:
        return False


def _dump(text: str) -> PageKind | None:
    if is_listing_dump(text):
        return "text_dump_A"
    return "text_dump_B" if is_article_dump(text) else None


def _html(page: Page) -> PageKind | None:
    soup = page.soup
    by_path = _kind_of_path(page.address or "") if page.verified else None
    posts, rows = bool(soup.select_one(POSTS)), bool(soup.select_one(ROWS))
    if not posts and not rows and (barrier := _barrier(soup, page)):
        return barrier
    if by_path:
        return by_path
    if page.address and "/documentation/" in page.address:
        return None
    if posts or rows:
        return "thread" if posts else _listing_kind(soup)
    return _by_shape(soup)


def _kind_of_path(address: str) -> PageKind | None:
    path = urlsplit(address).path.rstrip("/")
    return next((kind for pattern, kind in _KIND_OF_PATH if re.fullmatch(pattern, path)), None)


def _barrier(soup: BeautifulSoup, page: Page) -> PageKind | None:
    """A page that stands in place of the one that was asked for."""
    headings = " ".join(filter(None, (text_of(soup.title), text_of(soup.select_one("h1")))))
    text = text_of(soup.body) or ""
    if (page.address and is_gate(page.address)) or soup.select_one(f"form[action*='{GATE}'], a[href*='{GATE}']"):
        return "gate"
    if _GATE_WORDS.search(headings) or (len(text) < 2000 and _GATE_WORDS.search(text)):
        return "gate"
    if soup.select_one("input[type='password']") or (page.address or "").endswith("/forums/login"):
        return "login"
    threads = {thread_id(attribute(a, "href") or "") for a in soup.select(LINKS)}
    people = soup.select_one("a[href*='/forums/profile/']")
    if _NOT_FOUND.search(headings) and not people and len(threads) < 5:
        return "not_found"
    return None


def _listing_kind(soup: BeautifulSoup) -> PageKind:
    text = text_of(soup.body) or ""
    if re.search(r"Posts under .{1,80}? (?:subtopic|topic)\b", text):
        return "topic"
    return "tag" if re.search(r"Posts under .{1,60}? tag\b", text) or soup.select_one(".tag-title") else "search"


def _by_shape(soup: BeautifulSoup) -> PageKind | None:
    if soup.select_one("#topics-data"):
        return "topic_index"
    threads = {thread_id(attribute(a, "href") or "") for a in soup.select(LINKS)} - {None}
    profiles = {attribute(a, "href") for a in soup.select("a[href*='/forums/profile/']")}
    if soup.select_one("h1") and profiles and len(threads) <= max(3, len(profiles)):
        return "thread"
    return _listing_kind(soup) if len(threads) >= 3 else None

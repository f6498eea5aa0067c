"""The forum's feeds: the newest posts of a tag, cut."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from ingest.addresses import APPLE, canonical, source_host
from ingest.parsing.feed import parse_feed
from ingest.parsing.page import Page, PageKind, ParsedPage, Row
from ingest.sources.source import FORUM_PACE

_BEFORE = re.compile(r"\s+|<!--.*?-->|<[?!](?!--)[^>]*>", re.DOTALL)
_FEED = re.compile(r"<(?:rss|feed|rdf:RDF)\b", re.IGNORECASE)


class _Feeds:
    name = "rss"
    about = "the forum's feeds"
    # The pattern of the tag feed was seen for other tags; for this one it is a guess.
    starts = (f"https://{APPLE}/forums/tags/rssFeed/networkextension",)
    pace = FORUM_PACE

    def owns(self, address: str) -> bool:
        clean = canonical(address)
        path = urlsplit(clean).path if clean else ""
        return bool(clean and source_host(clean) == APPLE and path.startswith("/forums/") and "/rssFeed/" in path)

    def request(self, address: str) -> str:
        return canonical(address) or address

    def fallback(self, _address: str) -> str | None:
        return None

    def classify(self, page: Page) -> PageKind | None:
        head, at = page.text[:4000].lstrip("\ufeff"), 0
        while before := _BEFORE.match(head, at):
            at = before.end()
        return "feed" if _FEED.match(head, at) else None

    def parse(self, page: Page, _kind: PageKind) -> ParsedPage:
        return parse_feed(page)

    def follow(self, _page: ParsedPage) -> Iterable[Row]:
        """Nothing: a feed says nothing of replies, so the tag's listing decides which threads to fetch."""
        return ()


SOURCE = _Feeds()

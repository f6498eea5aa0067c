"""Documentation that is not DocC JSON: the `.md` sibling of a page, and a page saved from a browser."""

from __future__ import annotations

import re
from typing import Any

from bs4 import BeautifulSoup, Tag

from ingest.parsing.docc import document, documentation_address, revision
from ingest.parsing.fingerprint import fingerprint
from ingest.parsing.markdown import markdown_link, tidy, to_markdown
from ingest.parsing.markup import text_of, visible_copy
from ingest.parsing.page import Fields, Found, Layer, Page, ParsedPage, Part, Problem, first
from kb.surrogates import load_json

_COMMENT = re.compile(r"\A\s*<!--\s*(\{.*?\})\s*-->", re.DOTALL)
_DOC_LINK = re.compile(r"(?:\[([^\[\]\n]{0,300})\]\()?<?(doc://[^\s<>)]+)>?\)?")
_TITLES: tuple[tuple[str, Layer], ...] = (
    (".documentation-hero h1, h1.title, .topictitle h1", "class"),
    ("main h1, h1", "shape"),
)
_BODIES: tuple[tuple[str, Layer], ...] = (
    (".doc-content, .documentation .container, .doc-topic .container", "class"),
    ("main, article, #content", "shape"),
)
_CHROME = ("nav", "header", "footer", "aside", "button", "form")


def docc_header(text: str) -> dict[str, Any] | None:
    """The JSON comment that a documentation page opens with as Markdown; None where there is none."""
    if not (match := _COMMENT.match(text)):
        return None
    try:
        loaded = load_json(match[1])
    except (ValueError, RecursionError):
        return None
    return loaded if isinstance(loaded, dict) and ("identifier" in loaded or "title" in loaded) else None


def parse_docc_markdown(page: Page) -> ParsedPage:
    """The `.md` of a page. Its links are left unresolved there; `doc://` becomes the address for people."""
    header, fields = docc_header(page.text) or {}, Fields()
    identifier = str(header.get("identifier") or "")
    if identifier.startswith("/"):
        identifier = f"doc://x{identifier}"
    address = documentation_address(identifier) or (documentation_address(page.address) if page.address else None)
    body = tidy(_DOC_LINK.sub(_resolved, _COMMENT.sub("", page.text)))
    heading = re.search(r"^#\s+(.+)$", body, re.MULTILINE)
    title = " ".join(str(header.get("title") or (heading[1] if heading else "")).split())
    fields.add("title", Found(title or None, "structured"), expected=True)
    fields.add("address", Found(address, "structured"), expected=True)
    fields.add("body", Found(body or None, "structured"), expected=True)
    return _page(page, address, title, body, fields, ())


def parse_docs_html(page: Page) -> ParsedPage:
    """A page of documentation that a browser saved after it was drawn."""
    soup, fields = page.soup, Fields()
    address = documentation_address(page.address) if page.address else None
    title = fields.add(
        "title", first(*(Found(text_of(soup.select_one(s)), layer) for s, layer in _TITLES)), expected=True
    )
    region, layer = _region(soup)
    body = to_markdown(_without_chrome(region), page.address) if region else None
    fields.add("body", Found(body or None, layer), expected=True)
    fields.add("address", Found(address, "structured"), expected=True)
    return _page(page, address, title or "", body or "", fields, fingerprint(soup, [region] if region else []))


def _page(page: Page, address: str | None, title: str, body: str, fields: Fields, shape: tuple[str, ...]) -> ParsedPage:
    wanted = (("title", title), ("text", len(body) > len(title) + 20 and body), ("address", address))
    problems = tuple(Problem("broken", f"it has no {name}") for name, value in wanted if not value)
    whole = bool(address and title and body)
    parts = (Part(document(address or "", title, body, page, revision(body)), "page:1"),) if whole else ()
    return ParsedPage("documentation", address, parts, fields, problems, shape, notes=page.notes)


def _region(soup: BeautifulSoup) -> tuple[Tag | None, Layer | None]:
    for selector, layer in _BODIES:
        if (found := soup.select_one(selector)) is not None and text_of(found):
            return found, layer
    return None, None


def _without_chrome(region: Tag) -> Tag:
    copy = visible_copy(region)
    for chrome in copy.find_all(_CHROME):
        if not chrome.decomposed:
            chrome.decompose()
    return copy


def _resolved(match: re.Match[str]) -> str:
    address = documentation_address(match[2])
    if address is None:
        return match[1] or match[2].rpartition("/")[2]
    label = match[1] or match[2].rpartition("/")[2]
    return markdown_link(label, address)

"""Apple's documentation of a framework: DocC JSON, or the `.md` beside it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from urllib.parse import urlsplit

from ingest.addresses import APPLE, canonical, source_host
from ingest.parsing.docc import documentation_address, is_docc, parse_docc
from ingest.parsing.docs_pages import docc_header, parse_docc_markdown, parse_docs_html
from ingest.parsing.page import Page, PageKind, ParsedPage, Row
from ingest.sources.source import DOCS_PACE

_DATA = f"https://{APPLE}/tutorials/data"


class Documentation:
    """Pages of the documentation: those it fetches when it is given their address, and those it goes on to."""

    pace = DOCS_PACE

    def __init__(
        self, name: str, about: str, starts: tuple[str, ...], path: re.Pattern[str], onward: Callable[[Row], bool]
    ) -> None:
        self.name, self.about, self.starts = name, about, starts
        self._path, self._onward = path, onward

    def owns(self, address: str) -> bool:
        """Whether it is one of its pages, as people or as programs address it."""
        page = documentation_address(canonical(address) or "")
        return bool(page and source_host(page) == APPLE and self._path.match(urlsplit(page).path))

    def request(self, address: str) -> str:
        """The JSON of a page."""
        page = documentation_address(canonical(address) or address)
        return f"{_DATA}{urlsplit(page).path}.json" if page else address

    def fallback(self, address: str) -> str | None:
        """The Markdown of a page, for when its JSON does not come."""
        page = documentation_address(address)
        return f"{page}.md" if page and address.endswith(".json") else None

    def classify(self, page: Page) -> PageKind | None:
        """JSON by its keys, Markdown by its header, a saved page by its address."""
        if is_docc(page.json) or docc_header(page.text):
            return "documentation"
        saved = page.address and documentation_address(page.address)
        return "documentation" if saved and "<" in page.text[:2000] and _is_page(page) else None

    def parse(self, page: Page, _kind: PageKind) -> ParsedPage:
        """Read any of the three."""
        if is_docc(page.json):
            return parse_docc(page)
        return parse_docc_markdown(page) if docc_header(page.text) else parse_docs_html(page)

    def follow(self, page: ParsedPage) -> Iterable[Row]:
        """The pages it lists that are to be fetched as well."""
        return [row for row in page.rows if self.owns(row.address) and self._onward(row)]


def _is_page(page: Page) -> bool:
    soup = page.soup
    return soup.select_one("h1") is not None and soup.select_one("main, article, .doc-content, #content") is not None


SOURCE = Documentation(
    "docs",
    "the Network Extension framework's documentation",
    (f"https://{APPLE}/documentation/networkextension",),
    re.compile(r"/documentation/(?!technotes(?:/|$))"),
    lambda row: urlsplit(row.address).path.startswith("/documentation/networkextension"),
)

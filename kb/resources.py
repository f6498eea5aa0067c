"""Canonical resources: the documents and threads that a card may cite."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from kb.answer import Link
from kb.contract import Contract
from kb.documents import Document, Head

SEARCH = "https://developer.apple.com/forums/search?q="


@dataclass(frozen=True, kw_only=True)
class Resource(Contract):
    """A document with an address; `standing` says whether it is Apple's word or a single report."""

    id: str
    title: str
    url: str | None
    kind: str
    topics: list[str]
    standing: Literal["canonical", "report"]
    summary: str
    notes: str | None = None

    @property
    def link(self) -> Link:
        """Where to send a reader: the page, or the forum's search for its title when the page is unknown."""
        if self.url is None:
            return Link(title=self.title, url=search_address(self.title), search=True)
        return Link(title=self.title, url=self.url)


def search_address(title: str) -> str:
    """The forum's search for a title."""
    return SEARCH + quote(title, safe="")


def address_of(document: Document | Head) -> str:
    """Where a document is read: its own address, else the forum's search for its title."""
    return document.url or search_address(document.title)


def read_resources(data: Path) -> dict[str, Resource]:
    """The resource list of `data/resources.yaml`, by id."""
    from kb.yamltext import read_yaml  # only a build reads the list; a question has its links in the snapshot

    loaded = read_yaml((data / "resources.yaml").read_text(encoding="utf-8"))
    return {r["id"]: Resource.from_dict(r) for r in loaded["resources"]}

"""Links between documents: what Apple's replies point at most is canonical, and titles find their addresses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace

from ingest.addresses import page_address
from ingest.parsing.post_links import named_links
from kb.documents import Document, fold
from kb.resources import Resource

_KINDS = (" technote", " forums post", " article", " documentation", " sample code")


def canonical_weights(documents: Iterable[Document]) -> Counter[str]:
    """For each address, in how many documents a post of Apple's points at it; its own posts do not count."""
    weights: Counter[str] = Counter()
    for document in documents:
        pointed = {
            page_address(address)
            for post in document.posts
            if post.apple and post.kind != "article"
            for _, address in named_links(post.body)
        }
        weights.update(pointed - {document.url})
    return weights


def weighed(documents: list[Document]) -> list[Document]:
    """The documents with their canonical weight."""
    weights = canonical_weights(documents)
    return [replace(d, weight=weights.get(d.url or "", 0)) for d in documents]


def title_addresses(documents: Iterable[Document]) -> dict[str, str]:
    """Addresses by folded title: of documents that Apple wrote, then of links that Apple's posts give a title to.

    A title that two documents share, or under which Apple's posts point at two places, has no address here.
    """
    own: dict[str, set[str]] = {}
    linked: dict[str, set[str]] = {}
    for document in documents:
        if document.url and document.posts and document.posts[0].apple:
            own.setdefault(fold(document.title), set()).add(document.url)
        for post in document.posts:
            for text, address in named_links(post.body) if post.apple else ():
                linked.setdefault(_bare(text), set()).add(page_address(address))
    found = {title: next(iter(urls)) for title, urls in linked.items() if title and len(urls) == 1}
    return found | {title: next(iter(urls)) for title, urls in own.items() if len(urls) == 1}


def resolved(resources: Mapping[str, Resource], documents: Iterable[Document]) -> dict[str, Resource]:
    """The resources; one whose address was not known has that of the page with its title, once that is known."""
    unknown = {id: r for id, r in resources.items() if r.url is None}
    if not unknown:
        return dict(resources)
    addresses = title_addresses(documents)
    found = {id: replace(r, url=addresses[fold(r.title)]) for id, r in unknown.items() if fold(r.title) in addresses}
    return dict(resources) | found


def _bare(text: str) -> str:
    folded = fold(text.strip("*_` "))
    return next((folded.removesuffix(kind) for kind in _KINDS if folded.endswith(kind)), folded)

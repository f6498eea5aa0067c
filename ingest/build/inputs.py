"""What a build reads: cards, phrasings, resources, signal tables, the thread catalogue, the store's documents."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from ingest.build.model import Model
from ingest.chunking import CHUNKING_VERSION
from ingest.links import resolved, weighed
from ingest.phrasings import Phrasing, read_phrasings
from kb.documents import Document, Post, fold
from kb.guidance.card import Card
from kb.guidance.check import require_valid
from kb.guidance.parse import read_cards
from kb.resources import Resource, read_resources
from kb.signals.compiling import compile_tables
from kb.snapshot import SCHEMA
from kb.yamltext import read_yaml


@dataclass(frozen=True)
class Inputs:
    """Everything a snapshot is made of, before it is embedded."""

    cards: list[Card]
    phrasings: list[Phrasing]
    resources: dict[str, Resource]
    tables: dict[str, Any]
    weights: dict[str, Any]
    documents: list[Document]

    def content_hash(self, model: Model) -> str:
        """The same input gives the same hash, and so the same snapshot id."""
        digest = hashlib.sha256()
        parts: Iterable[Any] = (
            SCHEMA,
            CHUNKING_VERSION,
            model.name,
            model.encoder_name,
            [c.to_dict() for c in self.cards],
            [asdict(p) for p in self.phrasings],
            {id: r.to_dict() for id, r in self.resources.items()},
            self.tables,
            self.weights,
        )
        for part in parts:
            digest.update(json.dumps(part, sort_keys=True, ensure_ascii=False).encode())
        for document in self.documents:
            digest.update(f"{document.id} {document.content_hash}\n".encode())
        return digest.hexdigest()


def read_inputs(data: Path, home: Path, stored: Iterable[Document]) -> Inputs:
    """Read and validate. Raises `GuidanceError` for a card or a table that is not well formed."""
    cards = read_cards(data / "guidance")
    own = {card.id: card for card in read_cards(home / "guidance", origin="user")}
    cards = [card for card in cards if card.id not in own] + list(own.values())
    resources = read_resources(data)
    tables = compile_tables(data)
    require_valid(cards, resources, tables)
    documents = weighed(merge_catalogue(read_catalogue(data), list(stored)))
    resources = resolved(resources, documents)
    weights = json.loads((data / "ranking.json").read_text(encoding="utf-8"))
    return Inputs(cards, read_phrasings(data, cards), resources, tables, weights, documents)


def read_catalogue(data: Path) -> list[Document]:
    """The catalogue of known threads, in our own words, that stands in until the threads themselves are ingested."""
    raw = read_yaml((data / "threads.yaml").read_text(encoding="utf-8"))
    as_of = str(raw["as_of"])
    return [_catalogued(entry, as_of) for entry in raw["threads"]]


def _catalogued(entry: dict[str, Any], as_of: str) -> Document:
    from ingest.parsing.counts import parse_count

    return Document(
        id=entry["id"],
        source="catalogue",
        kind=entry["kind"],
        title=entry["title"],
        url=entry.get("url"),
        posts=(Post("question", entry["summary"], apple=entry["kind"] == "resource"),),
        topic=entry["topic"],
        replies=parse_count(str(entry["replies"])),
        boosts=parse_count(str(entry["boosts"])),
        views=parse_count(str(entry["views"])),
        activity=f"{entry['activity']} (as of {as_of})",
        captured=as_of,
    )


def merge_catalogue(catalogue: list[Document], stored: list[Document]) -> list[Document]:
    """Stored documents, and the catalogue's entries whose thread is not among them; by id.

    A thread is known by its address or, where one of them says none, by its title; a host that is no source stands in
    for none. It has its entry's topic, which is one of ours: the forum's own are no more than "Networking".
    """
    titles, places = {fold(d.title): d for d in catalogue}, {d.url: d for d in catalogue if d.url}
    merged, met = [], set()
    for document in stored:
        entry = places.get(document.url or "") or titles.get(fold(document.title))
        if entry and _is_of(document, entry):
            met.add(entry.id)
            merged.append(replace(_completed(document, entry), topic=entry.topic))
        else:
            merged.append(document)
    return sorted([*merged, *(d for d in catalogue if d.id not in met)], key=lambda d: d.id)


def _is_of(document: Document, entry: Document) -> bool:
    same_place = document.url is None or entry.url is None or document.url == entry.url
    of_forum = document.kind not in ("documentation", "technote") and not document.id.startswith("unverified-")
    return same_place and of_forum


def _completed(document: Document, entry: Document) -> Document:
    """A stored document with what its entry knows and only the thread's own page, whose posts have ids, would tell."""
    first, *others = document.posts or entry.posts
    if first.id is not None:
        return document if document.url else replace(document, url=entry.url)
    if first.kind == "question":
        first = replace(first, apple=first.apple or entry.apple_replied)
    return replace(document, url=document.url or entry.url, kind=entry.kind, posts=(first, *others))

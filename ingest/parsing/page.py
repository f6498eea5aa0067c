"""What a parser is given and what it returns, whatever the page is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from bs4 import BeautifulSoup

from ingest.addresses import page_address, page_number
from kb.activity import Span
from kb.documents import Document

PageKind = Literal[
    "gate", "login", "not_found", "tag", "topic", "topic_index", "search", "thread", "feed", "documentation",
    "discourse_topic", "discourse_list", "text_dump_A", "text_dump_B",
    "unknown",
]  # fmt: skip
Layer = Literal["structured", "data", "class", "shape", "text-dump"]
LAYERS: tuple[Layer, ...] = ("structured", "data", "class", "shape", "text-dump")
# How far each layer is to be trusted. The numbers only order the layers; nothing is computed from them.
CONFIDENCE: dict[Layer, float] = {"structured": 0.99, "data": 0.95, "class": 0.8, "shape": 0.5, "text-dump": 0.4}


@dataclass(frozen=True)
class Page:
    """A capture made ready for parsing: text, the address it claims, and whether that address is to be believed.

    `address` is None where neither the file nor whoever fetched it says where it came from; `verified` is False only
    where it claims a host that is not a source of nekb's. `taken` is when it was taken (ISO 8601, UTC).
    """

    text: str
    address: str | None
    verified: bool
    taken: str
    name: str
    decoding: str = "utf-8"
    notes: tuple[str, ...] = ()

    @cached_property
    def soup(self) -> BeautifulSoup:
        """The page as a tree, made once."""
        from ingest.parsing.markup import parse_markup

        return parse_markup(self.text)

    @cached_property
    def json(self) -> Any:
        """The page as JSON, or None where it is not JSON."""
        from kb.surrogates import load_json

        if self.text[:4096].lstrip()[:1] not in ("{", "["):
            return None
        try:
            return load_json(self.text)
        except (ValueError, RecursionError):
            return None

    @property
    def day(self) -> str:
        """The day it was taken."""
        return self.taken[:10]


@dataclass(frozen=True)
class Found:
    """A value with the layer that gave it; `value` is None where no layer had any."""

    value: Any
    layer: Layer | None


NOTHING = Found(None, None)


@dataclass
class Field:
    """One field over all items of a page: how many items there are, and which layer served how many of them.

    `expected` says that every item has it on a sound page, so that a lower coverage is drift; a field that only some
    items have (a boost, an accepted mark) is not expected.
    """

    name: str
    expected: bool = False
    items: int = 0
    layers: dict[Layer, int] = field(default_factory=dict)
    sample: str = ""

    def add(self, found: Found) -> Any:
        """Count one item's value; return it."""
        self.items += 1
        if found.layer is not None and found.value not in (None, "", ()):
            self.layers[found.layer] = self.layers.get(found.layer, 0) + 1
            if not self.sample:
                self.sample = str(found.value)[:200]
        return found.value

    @property
    def filled(self) -> int:
        """How many items have it."""
        return sum(self.layers.values())

    @property
    def coverage(self) -> float:
        """The share of items that have it."""
        return self.filled / self.items if self.items else 0.0

    @property
    def layer(self) -> Layer | None:
        """The lowest layer that any item needed."""
        return max(self.layers, key=LAYERS.index, default=None)


class Fields:
    """The fields of a page, in the order in which they were first seen."""

    def __init__(self) -> None:
        self.by_name: dict[str, Field] = {}

    def add(self, name: str, found: Found, *, expected: bool = False) -> Any:
        """Count a value under a name; return the value."""
        entry = self.by_name.setdefault(name, Field(name))
        entry.expected = entry.expected or expected
        return entry.add(found)

    def __iter__(self) -> Any:
        return iter(self.by_name.values())


Severity = Literal["broken", "drift", "warning"]


@dataclass(frozen=True)
class Problem:
    """An invariant that a page does not keep.

    `broken`: its documents are not believed. `drift`: they are taken where nothing better is held. `warning`: only
    told.
    """

    severity: Severity
    what: str


@dataclass(frozen=True)
class Part:
    """What one page says of one document.

    A thread is put together from its parts: `page:1`, `page:2`, then `listing`, `feed`, `dump`, `listing-reply` for
    what only a listing or a feed told. `pages` is the number of pages the document has.
    """

    document: Document
    part: str
    pages: int = 1

    @property
    def key(self) -> tuple[str, str]:
        """Document and part."""
        return self.document.id, self.part


@dataclass(frozen=True)
class Row:
    """A page that another leads to; `key` changes whenever the row shows that something happened there.

    `about` is what the row says of it, `active` when something last happened there, as far as the row tells: an age
    is another each day although nothing happens.
    """

    address: str
    key: str
    about: str = ""
    active: Span | None = None

    def tells_more_than(self, key: str | None, active: Span | None) -> bool:
        """Whether something happened since a row of the same page had this key, and this time of activity."""
        return self.key != key or bool(self.active and active and not self.active.meets(active))


@dataclass(frozen=True)
class ParsedPage:
    """A page after parsing: what it is, what it says, how sure that is, and where it leads."""

    kind: PageKind
    address: str | None = None
    parts: tuple[Part, ...] = ()
    fields: Fields = field(default_factory=Fields)
    problems: tuple[Problem, ...] = ()
    fingerprint: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()
    next_page: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def itself(self) -> str | None:
        """What it is a page of, whatever file it came in; None where it tells neither address nor document."""
        if self.address:
            number = page_number(self.address)
            return page_address(self.address) + (f"?page={number}" if number > 1 else "")
        return " ".join(self.parts[0].key) if len(self.parts) == 1 else None

    @property
    def broken(self) -> bool:
        """Whether an invariant failed that makes the page unbelievable."""
        return any(p.severity == "broken" for p in self.problems)

    @property
    def sound(self) -> bool:
        """Whether its documents may replace what is held."""
        return all(p.severity == "warning" for p in self.problems)


def first(*candidates: Found) -> Found:
    """The first that has a value; candidates stand in the order of their layers."""
    return next((c for c in candidates if c.value not in (None, "", ())), NOTHING)


def unique(items: Iterable[str]) -> tuple[str, ...]:
    """Each once, in order."""
    return tuple(dict.fromkeys(items))

"""Signal tables: what words, phrases and error domains stand for, as a snapshot keeps them.

A question reads this compiled form only: two dictionaries and a list of phrases, so that reading signals is a
walk over the words of the question and not over the tables. `kb.signals.compiling` makes it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

TELL = "tell"  # the kind of a word that implies its platform, and is no signal itself
SYSTEM = "system"  # the visibility of domains that lie beneath ours: an error of them does not say that a text is ours
_LONG_CODE = 10_000
PLATFORMS = ("iOS", "macOS", "tvOS", "visionOS", "watchOS")


@dataclass(frozen=True)
class Case:
    """One code of an error domain."""

    code: int
    symbol: str | None
    swift: str | None
    meaning: str
    confidence: str
    hints: list[str]
    cards: list[str]


@dataclass(frozen=True)
class Domain:
    """An error domain or enumeration with its cases by code."""

    id: str
    enum: str | None
    domain: str | None
    aliases: list[str]
    topic: str
    platforms: str
    visibility: str
    confidence: str
    notes: str | None
    context: list[str]
    hinted_by: list[str]
    cases: dict[int, Case]

    @property
    def name(self) -> str:
        """What people call it: the NSError domain, else the enumeration."""
        return self.domain or self.enum or self.id


@dataclass(frozen=True)
class Entry:
    """What a word or a phrase stands for."""

    kind: str
    value: str
    topic: str | None = None
    platforms: tuple[str, ...] = ()
    cards: tuple[str, ...] = ()
    domain: str | None = None
    code: int | None = None
    implies: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class SilentApi:
    """An API that fails without an error, and what it does instead."""

    api: str
    topic: str
    behaviour: str
    confidence: str
    cards: list[str]

    def to_dict(self) -> dict[str, Any]:
        """A plain object, as the terminal's JSON and HTTP tell it beside errors."""
        return {
            "api": self.api,
            "meaning": self.behaviour,
            "guidance": self.cards,
            "topic": self.topic,
            "confidence": self.confidence,
        }


@dataclass(frozen=True)
class SignalTables:
    """The compiled tables: words (lower case) and phrases to what they stand for, and the domains.

    Entries stay as they were read until one is hit: a question touches a handful of some two thousand.
    """

    domains: dict[str, Domain]
    raw_words: dict[str, dict[str, Any]]
    raw_phrases: dict[str, dict[str, Any]]
    swift_cases: dict[str, list[tuple[str, int]]]
    domain_by_number: dict[int, str]  # of codes that one domain alone has, and hardly anything else
    os_names: dict[str, str]
    devices: dict[str, str]
    silent_apis: list[SilentApi] = field(default_factory=list)
    glossary: dict[str, str] = field(default_factory=dict)
    foreign_prefixes: dict[str, str] = field(default_factory=dict)

    def word(self, word: str) -> Entry | None:
        """What a word, in lower case, stands for."""
        raw = self.raw_words.get(word)
        return _entry(raw) if raw is not None else None

    def phrase(self, phrase: str) -> Entry | None:
        """What a phrase, in lower case, stands for."""
        raw = self.raw_phrases.get(phrase)
        return _entry(raw) if raw is not None else None

    def named(self, value: str) -> Entry | None:
        """What a canonical value of a signal stands for: a word, else a phrase."""
        return self.word(value.lower()) or self.phrase(value.lower())

    def domain_named(self, name: str) -> Domain | None:
        """The domain that people mean by this name, whatever its spelling."""
        entry = self.named(name)
        if entry is not None and entry.domain is not None:
            return self.domains.get(entry.domain)
        return self.domains.get(name)

    @classmethod
    def from_json(cls, raw: dict[str, Any]) -> SignalTables:
        """The tables out of a snapshot."""
        domains = {}
        for d in raw["domains"]:
            cases = {c["code"]: Case(**c) for c in d["cases"]}
            domains[d["id"]] = Domain(**(d | {"cases": cases}))
        return cls(
            domains=domains,
            raw_words=raw["words"],
            raw_phrases=dict(raw["phrases"]),
            swift_cases={n: [(d, c) for d, c in found] for n, found in raw["swift_cases"].items()},
            domain_by_number=_domain_by_number(domains.values()),
            os_names=raw["os_names"],
            devices=raw["devices"],
            silent_apis=[SilentApi(**api) for api in raw["silent_apis"]],
            glossary=raw["glossary"],
            foreign_prefixes=raw["foreign_prefixes"],
        )


def _domain_by_number(domains: Iterable[Domain]) -> dict[int, str]:
    """Codes below zero and long ones tell their domain, where a single one has them; 8 and 1100 are anybody's."""
    owners: dict[int, list[Domain]] = {}
    for d in domains:
        for code in d.cases:
            if code < 0 or code >= _LONG_CODE:
                owners.setdefault(code, []).append(d)
    return {code: found[0].id for code, found in owners.items() if len(found) == 1 and found[0].visibility != SYSTEM}


def _entry(raw: dict[str, Any]) -> Entry:
    lists = {k: tuple(raw[k]) for k in ("platforms", "cards") if k in raw}
    implies = tuple((a, b) for a, b in raw.get("implies", ()))
    return Entry(**(raw | lists | {"implies": implies}))

"""What a guidance card is made of; the file format is described in docs/guidance-format.md."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from kb.answer import RouteKind
from kb.contract import Contract, Matching

Topic = Literal[
    "hotspot-wifi",
    "vpn-packet-tunnel",
    "app-proxy-transparent-proxy",
    "content-filter",
    "url-filter",
    "dns-proxy-settings",
    "local-push",
    "relay",
    "entitlements-provisioning",
    "system-extension-packaging",
    "debugging-logging",
    "networking-general",
]
Platform = Literal["iOS", "macOS", "tvOS", "visionOS", "watchOS"]
Distribution = Literal["xcode", "testflight", "app-store", "ad-hoc", "enterprise", "developer-id"]
Supervision = Literal["supervised", "managed", "unmanaged"]
Packaging = Literal["app-extension", "system-extension"]
Style = Literal["short", "question", "log", "wrapper", "nonnative"]
Askable = Literal[
    "error",
    "underlying_error",
    "api",
    "entitlement",
    "os",
    "platform",
    "device",
    "distribution",
    "packaging",
    "supervision",
    "simulator",
    "log",
    "bug_number",
]
Id = Annotated[str, Matching(r"^[a-z0-9][a-z0-9-]{1,63}$")]
Text = Annotated[str, Matching(r"\S")]
STYLES: tuple[Style, ...] = ("short", "question", "log", "wrapper", "nonnative")


@dataclass(frozen=True, kw_only=True)
class AppliesTo(Contract):
    """What a card is about, where it is about one platform, channel or kind of device."""

    platforms: list[Platform] = field(default_factory=list)
    distributions: list[Distribution] = field(default_factory=list)
    supervision: list[Supervision] = field(default_factory=list)
    packaging: list[Packaging] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class CardSignals(Contract):
    """The signals that point to a card. `errors` are `"<domain> <code>"` or a domain alone."""

    errors: list[Text] = field(default_factory=list)
    apis: list[Text] = field(default_factory=list)
    entitlements: list[Text] = field(default_factory=list)
    logs: list[Text] = field(default_factory=list)
    terms: list[Text] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class NearMiss(Contract):
    """A symptom that sounds like this card and belongs to another."""

    text: Text
    card: Id


@dataclass(frozen=True, kw_only=True)
class AskFor(Contract):
    """What an expert would need next; `signal` where it is one that a question can carry."""

    question: Text
    signal: Askable | None = None


@dataclass(frozen=True, kw_only=True)
class Route(Contract):
    """Where the person goes with this, and what they take along."""

    kind: RouteKind
    otherwise: RouteKind | None = None
    attach: list[Text] = field(default_factory=list)
    subtopic: str | None = None
    tags: list[str] = field(default_factory=list)
    form: str | None = None


@dataclass(frozen=True, kw_only=True)
class CardStep(Contract):
    """One action: Markdown text without its citations, the resource ids it rests on, its condition."""

    text: Text
    cites: list[Id]
    when: str | None = None


@dataclass(frozen=True, kw_only=True)
class Card(Contract):
    """The canonical answer to a class of symptoms."""

    id: Id
    title: Text
    topic: Topic
    reviewed: dt.date
    facts_as_of: dt.date
    recheck_after: list[Text] = field(metadata={"min_length": 1})
    applies_to: AppliesTo = field(default_factory=AppliesTo)
    signals: CardSignals = field(default_factory=CardSignals)
    symptoms: dict[Style, list[Text]]
    near_misses: list[NearMiss] = field(default_factory=list)
    ask_for: list[AskFor] = field(default_factory=list)
    route: Route
    see_also: list[Id] = field(default_factory=list)
    links: list[Id]
    summary: Text
    summary_cites: list[Id] = field(default_factory=list)
    steps: list[CardStep] = field(metadata={"min_length": 1})
    origin: Literal["nekb", "user"] = "nekb"

    @classmethod
    def of(cls, kept: dict[str, Any]) -> Card:
        """A card out of what `to_dict` made of it, which was validated when it was read from its file."""
        fields = kept | {
            "reviewed": dt.date.fromisoformat(kept["reviewed"]),
            "facts_as_of": dt.date.fromisoformat(kept["facts_as_of"]),
            "applies_to": AppliesTo(**kept["applies_to"]),
            "signals": CardSignals(**kept["signals"]),
            "near_misses": [NearMiss(**miss) for miss in kept["near_misses"]],
            "ask_for": [AskFor(**asked) for asked in kept["ask_for"]],
            "route": Route(**kept["route"]),
            "steps": [CardStep(**step) for step in kept["steps"]],
        }
        return cls(**fields)

    @property
    def phrasings(self) -> list[str]:
        """Every symptom of the card, whatever its style."""
        return [text for style in STYLES for text in self.symptoms.get(style, [])]

"""What a guidance card is made of; the file format is described in docs/guidance-format.md."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from kb.answer import RouteKind

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
Id = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{1,63}$")]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
STYLES: tuple[Style, ...] = ("short", "question", "log", "wrapper", "nonnative")


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class AppliesTo(_Part):
    """What a card is about, where it is about one platform, channel or kind of device."""

    platforms: list[Platform] = []
    distributions: list[Distribution] = []
    supervision: list[Supervision] = []
    packaging: list[Packaging] = []


class CardSignals(_Part):
    """The signals that point to a card. `errors` are `"<domain> <code>"` or a domain alone."""

    errors: list[Text] = []
    apis: list[Text] = []
    entitlements: list[Text] = []
    logs: list[Text] = []
    terms: list[Text] = []


class NearMiss(_Part):
    """A symptom that sounds like this card and belongs to another."""

    text: Text
    card: Id


class AskFor(_Part):
    """What an expert would need next; `signal` where it is one that a question can carry."""

    question: Text
    signal: Askable | None = None


class Route(_Part):
    """Where the person goes with this, and what they take along."""

    kind: RouteKind
    otherwise: RouteKind | None = None
    attach: list[Text] = []
    subtopic: str | None = None
    tags: list[str] = []
    form: str | None = None


class CardStep(_Part):
    """One action: Markdown text without its citations, the resource ids it rests on, its condition."""

    text: Text
    cites: list[Id]
    when: str | None = None


class Card(_Part):
    """The canonical answer to a class of symptoms."""

    id: Id
    title: Text
    topic: Topic
    reviewed: dt.date
    facts_as_of: dt.date
    recheck_after: list[Text] = Field(min_length=1)
    applies_to: AppliesTo = AppliesTo()
    signals: CardSignals = CardSignals()
    symptoms: dict[Style, list[Text]]
    near_misses: list[NearMiss] = []
    ask_for: list[AskFor] = []
    route: Route
    see_also: list[Id] = []
    links: list[Id]
    summary: Text
    summary_cites: list[Id] = []
    steps: list[CardStep] = Field(min_length=1)
    origin: Literal["nekb", "user"] = "nekb"

    @property
    def phrasings(self) -> list[str]:
        """Every symptom of the card, whatever its style."""
        return [text for style in STYLES for text in self.symptoms.get(style, [])]

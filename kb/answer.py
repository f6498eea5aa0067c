"""The answer: version 1 of the contract, defined once and returned by every surface."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from kb.contract import Contract

Outcome = Literal["answered", "uncertain", "no_match"]
RouteKind = Literal["fix", "file_bug", "request_entitlement", "contact_support", "ask_forum", "out_of_scope"]
SignalKind = Literal[
    "error",
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
    "plist",
    "wrapper",
    "phrase",
    "bug_number",
    "foreign",
]


@dataclass(frozen=True, kw_only=True)
class Signal(Contract):
    """A fact read out of a symptom.

    `start` and `end` are character offsets into the whole text as it is read: trimmed, and composed (NFC).
    """

    kind: SignalKind
    value: str = field(metadata={"description": "The canonical form, such as `iOS 26.0.1` or `NEVPNManager`."})
    start: int
    end: int
    domain: str | None = None
    code: int | None = None
    symbol: str | None = None
    implied: bool = field(
        default=False, metadata={"description": "True when another signal implies it and the text does not name it."}
    )


@dataclass(frozen=True, kw_only=True)
class Link(Contract):
    """A citation. `search` is true when the address is a search for the title, not the page itself."""

    title: str
    url: str
    search: bool = False


@dataclass(frozen=True, kw_only=True)
class Step(Contract):
    """One action of a checklist with what it rests on; `when` says under which condition it applies."""

    text: str
    links: list[Link]
    when: str | None = None


@dataclass(frozen=True, kw_only=True)
class Guidance(Contract):
    """A guidance card as an answer shows it."""

    id: str
    title: str
    url: str
    score: float
    topic: str
    summary: str
    steps: list[Step]
    links: list[Link]
    ask_for: list[str]
    why: list[str]
    route: RouteKind
    reviewed: str
    facts_as_of: str
    recheck_after: list[str]


@dataclass(frozen=True, kw_only=True)
class Thread(Contract):
    """A forum thread or another document like the symptom."""

    id: str
    title: str
    url: str
    score: float
    excerpt: str
    apple_replied: bool
    accepted: bool
    activity: str | None = None


@dataclass(frozen=True, kw_only=True)
class Missing(Contract):
    """One fact that would change the answer, asked for as a question."""

    signal: str
    question: str
    options: list[str] = field(default_factory=list, metadata={"description": "Values that would change the answer."})


@dataclass(frozen=True, kw_only=True)
class SnapshotInfo(Contract):
    """Which build answered."""

    id: str
    built_at: str
    documents: int
    model: str


@dataclass(frozen=True, kw_only=True)
class Answer(Contract):
    """What comes back for a symptom."""

    query: str
    outcome: Outcome
    confidence: float = field(metadata={"ge": 0, "le": 1})
    route: RouteKind
    signals: list[Signal]
    guidance: list[Guidance]
    threads: list[Thread]
    missing: list[Missing]
    snapshot: SnapshotInfo
    took_ms: float
    degraded: bool = field(
        default=False,
        metadata={
            "description": "True when the vectors could not be reached: guidance is whole, threads are found by words "
            "alone."
        },
    )
    degraded_reason: str | None = None
